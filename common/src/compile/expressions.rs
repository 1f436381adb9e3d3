//! Expressions before they are rendered: what does not parse, and what refers to inputs, variables or tasks that are not there.
//!
//! Kestra takes such flows and fails when it runs them, so all of this is warnings.

use std::collections::HashSet;
use std::sync::Arc;

use flowmill_expression::{Engine, Finding, FindingCode, Known};

use super::flow::Compiler;
use super::object::Object;
use super::order::surely_later;
use super::report::Path;
use crate::flow::{Flow, InputType};
use crate::yaml::{self, Diagnostic, DiagnosticKind, Kind, Node};

/// What is at the root of the variables of a task, apart from what a task adds itself.
const ROOTS: [&str; 27] = [
    "workerTaskrun",
    "flow",
    "execution",
    "task",
    "taskrun",
    "tasks",
    "parent",
    "parents",
    "outputs",
    "inputs",
    "trigger",
    "vars",
    "labels",
    "envs",
    "globals",
    "namespace",
    "kestra",
    "error",
    "schedule",
    "item",
    "files",
    "workingDir",
    "outputDir",
    "outputFiles",
    "temp",
    "outputDirs",
    "response",
];

/// Members of tasks, inputs and outputs that nothing renders.
const NOT_RENDERED: [&str; 4] = ["id", "type", "description", "displayName"];

/// Properties that are rendered with what the task reads, row by row: their variables are its fields.
const OF_ROWS: [&str; 3] = ["expr", "filterCondition", "responseCondition"];

impl<'a> Compiler<'a> {
    /// Checks every text of the flow that is rendered somewhere.
    pub(super) fn check_expressions(&self, flow: &Flow, object: &Object<'a>) {
        let Some(engine) = &self.options.engine else {
            return;
        };
        let mut checker = Checker {
            compiler: self,
            engine,
            flow,
            view: View::of(flow, self),
        };
        for key in ["tasks", "errors", "finally", "afterExecution"] {
            checker.walk(object, key, Reader::Task);
        }
        checker.walk(object, "outputs", Reader::End);
        checker.walk(object, "inputs", Reader::Input);
        // what triggers and variables see is known only when they are rendered
        checker.walk(object, "variables", Reader::Anything);
        checker.walk(object, "triggers", Reader::Anything);
    }
}

/// Where a text is rendered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// In a task.
    Task,
    /// When all tasks have ended.
    End,
    /// Before the first task.
    Input,
    /// Somewhere.
    Anything,
}

struct Checker<'c, 'a> {
    compiler: &'c Compiler<'a>,
    engine: &'c Engine,
    flow: &'c Flow,
    view: View<'c>,
}

impl<'a> Checker<'_, 'a> {
    fn walk(&mut self, object: &Object<'a>, key: &str, reader: Reader) {
        if let Some(node) = object.node(key) {
            self.node(node, &object.path.key(key), reader, None);
        }
    }

    fn node(&mut self, node: &'a Node, path: &Path, reader: Reader, task: Option<&Arc<str>>) {
        match &node.kind {
            Kind::Scalar(scalar) => {
                if scalar.as_str().contains("{{") || scalar.as_str().contains("{%") {
                    self.text(node, scalar.as_str(), path, reader, task);
                }
            }
            Kind::Sequence(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.node(item, &path.index(index), reader, task);
                }
            }
            Kind::Mapping(mapping) => {
                let has_type = mapping.contains("type");
                let id = mapping.get("id").and_then(Node::as_text);
                let id = id.filter(|_| reader == Reader::Task && has_type);
                let here = id.map(|id| self.flow.places.get_key_value(id).map(|(id, _)| id));
                // of a task that could not be compiled nothing is known, and that is said already
                let reader = if here == Some(None) {
                    Reader::Anything
                } else {
                    reader
                };
                let task = here.flatten().or(task).cloned();
                let has_id = mapping.contains("id");
                for (key, entry) in mapping.iter() {
                    let reader = if OF_ROWS.contains(&key) {
                        Reader::Anything
                    } else {
                        reader
                    };
                    if !(has_id && NOT_RENDERED.contains(&key)) {
                        self.node(&entry.value, &path.key(key), reader, task.as_ref());
                    }
                }
            }
        }
    }

    fn text(
        &mut self,
        node: &'a Node,
        text: &str,
        path: &Path,
        reader: Reader,
        task: Option<&Arc<str>>,
    ) {
        let findings = match reader {
            Reader::Anything => self.engine.check(text, &()),
            Reader::Task | Reader::End | Reader::Input => {
                // listing the tasks that may have run is much work in a long flow, and rarely needed
                let lists_tasks = !self.finds_all_outputs(text, task);
                let sight = Sight {
                    view: &self.view,
                    task,
                    lists_tasks,
                    reader,
                };
                self.engine.check(text, &sight)
            }
        };
        for finding in findings {
            let span = yaml::locate(
                self.compiler.report.source(),
                node,
                finding.offset,
                finding.length,
            );
            self.compiler
                .report
                .add(self.diagnostic(&finding, task), path, span);
        }
    }

    /// Whether every task whose outputs are read by its id may have run.
    fn finds_all_outputs(&self, text: &str, task: Option<&Arc<str>>) -> bool {
        let Ok(template) = self.engine.compile(text) else {
            return true;
        };
        template
            .references()
            .paths
            .iter()
            .all(|path| match &path[..] {
                [root, id, ..] if root == "outputs" || root == "tasks" => {
                    self.view.may_have_run(id, task)
                }
                _ => true,
            })
    }

    fn diagnostic(&self, finding: &Finding, task: Option<&Arc<str>>) -> Diagnostic {
        let mut hint = finding
            .suggestion
            .as_ref()
            .map(|name| format!("did you mean `{name}`?"));
        // the message of the engine has the suggestion in it, ours not
        let plain = finding
            .message
            .split("; did you mean")
            .next()
            .unwrap_or_default();
        let existing = plain
            .split_once(" (there is ")
            .and_then(|(_, names)| names.strip_suffix(')'));
        hint = hint.or_else(|| existing.map(|names| format!("there is {names}")));
        let path: Vec<&str> = finding.path.iter().map(String::as_str).collect();
        let message = match (finding.code, &path[..]) {
            (FindingCode::Syntax, _) => {
                format!("this expression does not parse: {plain}")
            }
            (FindingCode::UnknownPath, ["inputs", rest @ ..]) => {
                format!("the flow has no input `{}`", rest.join("."))
            }
            (FindingCode::UnknownPath, ["vars", rest @ ..]) => {
                format!("the flow has no variable `{}`", rest.join("."))
            }
            (FindingCode::UnknownPath, ["outputs" | "tasks", id, ..]) => {
                match self.flow.places.get(*id) {
                    Some(_) if task.is_some_and(|task| **task == **id) => {
                        hint = None;
                        format!("task `{id}` has no outputs before it has ended")
                    }
                    Some(_) => {
                        hint = None;
                        format!("task `{id}` runs after this, it has no outputs yet")
                    }
                    None => format!("the flow has no task `{id}`"),
                }
            }
            (FindingCode::UnknownPath, [root]) => format!("there is no variable `{root}`"),
            _ => plain.to_owned(),
        };
        let mut diagnostic = Diagnostic::warning(DiagnosticKind::Expression, message);
        diagnostic.hint = hint;
        diagnostic
    }
}

/// The names that are known of a flow.
struct View<'c> {
    flow: &'c Flow,
    /// Every task that was written, those that could not be compiled included.
    written: HashSet<Arc<str>>,
    /// Whether tasks change `vars`.
    variables_change: bool,
}

impl<'c> View<'c> {
    fn of(flow: &'c Flow, compiler: &Compiler<'_>) -> Self {
        let changes = |task_type: &str| {
            task_type.ends_with(".SetVariables") || task_type.ends_with(".UnsetVariables")
        };
        let variables_change = flow
            .places
            .values()
            .any(|position| changes(&position.task.task_type));
        let ids = compiler.task_ids.borrow();
        let written = ids.iter().map(|(id, ..)| Arc::clone(id)).collect();
        Self {
            flow,
            written,
            variables_change,
        }
    }

    /// Whether there is such a task, and it does not surely run after `task`.
    fn may_have_run(&self, id: &str, task: Option<&Arc<str>>) -> bool {
        match self.flow.places.contains_key(id) {
            true => task.is_none_or(|task| !surely_later(self.flow, task, id)),
            false => self.written.contains(id) || self.written.contains(item_task(id)),
        }
    }

    /// The names below a path of inputs; none where the values themselves begin.
    fn inputs(&self, path: &[&str]) -> Option<Vec<String>> {
        let prefix: String = path.iter().map(|part| format!("{part}.")).collect();
        let mut names: Vec<String> = Vec::new();
        for input in self
            .flow
            .inputs
            .iter()
            .filter(|input| input.input_type != InputType::Form)
        {
            if let Some(rest) = input.id.strip_prefix(prefix.as_str()) {
                let name = rest.split('.').next().unwrap_or(rest);
                if !names.iter().any(|known| known == name) {
                    names.push(name.to_owned());
                }
            }
        }
        (path.is_empty() || !names.is_empty()).then_some(names)
    }

    fn variables(&self, path: &[&str]) -> Option<Vec<String>> {
        if self.variables_change {
            return None;
        }
        let mut value = &*self.flow.variables;
        for part in path {
            value = value.get(part)?;
        }
        value
            .as_object()
            .map(|members| members.keys().cloned().collect())
    }
}

/// The names that are known at one place.
struct Sight<'c> {
    view: &'c View<'c>,
    /// The task that is rendered.
    task: Option<&'c Arc<str>>,
    /// Whether the tasks that may have run are named.
    lists_tasks: bool,
    reader: Reader,
}

impl Known for Sight<'_> {
    fn names(&self, path: &[&str]) -> Option<Vec<String>> {
        match path {
            [] => Some(ROOTS.iter().map(|name| (*name).to_owned()).collect()),
            ["inputs", below @ ..] => self.view.inputs(below),
            ["vars", below @ ..] => self.view.variables(below),
            ["outputs" | "tasks"] if self.lists_tasks && self.reader != Reader::Input => {
                let ids = self.view.flow.places.keys().map(|id| &**id);
                let mut names: Vec<String> = ids
                    .filter(|id| self.view.may_have_run(id, self.task))
                    .map(str::to_owned)
                    .collect();
                names.sort_unstable();
                Some(names)
            }
            ["flow"] => Some(owned(&["id", "namespace", "revision", "tenantId"])),
            ["task"] if self.reader == Reader::Task => Some(owned(&["id", "type"])),
            _ => None,
        }
    }
}

/// The `ForEachItem` that a task of its own making belongs to.
fn item_task(id: &str) -> &str {
    ["_split", "_items", "_merge"]
        .iter()
        .find_map(|suffix| id.strip_suffix(suffix))
        .unwrap_or(id)
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
