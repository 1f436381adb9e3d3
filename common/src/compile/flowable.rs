//! The flowables: their properties and the rules of each.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use serde_json::Value;

use super::catalogue::Placement;
use super::flow::Compiler;
use super::graph::cyclic;
use super::kinds::{FlowableType, Unbuilt};
use super::object::Object;
use super::task::Resolved;
use crate::flow::{DagTask, Flowable, Task};
use crate::yaml::{Diagnostic, DiagnosticKind, Mapping, Node, Span};

const DEFAULT_LOOP_INTERVAL: Duration = Duration::from_secs(60);

impl<'a> Compiler<'a> {
    /// The flowable of this type.
    pub(super) fn flowable(
        &self,
        flowable: FlowableType,
        object: &Object<'a>,
        id: &str,
    ) -> Option<Flowable> {
        Some(match flowable {
            FlowableType::Sequential => Flowable::Sequential {
                tasks: self.children(object, SEQUENTIAL_EMPTY)?,
            },
            FlowableType::AllowFailure => Flowable::AllowFailure {
                tasks: self.children(object, SEQUENTIAL_EMPTY)?,
            },
            FlowableType::Parallel => {
                let concurrent = limit(object, "concurrent").unwrap_or(0);
                Flowable::Parallel {
                    tasks: self.children(object, EMPTY)?,
                    concurrent,
                }
            }
            FlowableType::Dag => self.dag(object, id)?,
            FlowableType::If => self.if_(object)?,
            FlowableType::Switch => self.switch(object, id)?,
            FlowableType::ForEach => {
                let concurrency_limit = limit(object, "concurrencyLimit").unwrap_or(1);
                let values = values(object, "values");
                let tasks = self.children(object, SEQUENTIAL_EMPTY)?;
                Flowable::ForEach {
                    values: values?,
                    concurrency_limit,
                    tasks,
                }
            }
            FlowableType::EachSequential => {
                let values = values(object, "value");
                let tasks = self.children(object, SEQUENTIAL_EMPTY)?;
                Flowable::ForEach {
                    values: values?,
                    concurrency_limit: 1,
                    tasks,
                }
            }
            FlowableType::EachParallel => {
                let concurrent = limit(object, "concurrent").unwrap_or(0);
                let values = values(object, "value");
                let tasks = self.children(object, EMPTY)?;
                Flowable::EachParallel {
                    values: values?,
                    concurrent,
                    tasks,
                }
            }
            FlowableType::LoopUntil => self.loop_until(object)?,
            FlowableType::WorkingDirectory => {
                self.check_working_directory(object, id);
                Flowable::WorkingDirectory {
                    tasks: self.children(object, SEQUENTIAL_EMPTY)?,
                }
            }
        })
    }

    /// The tasks of `tasks`, which must not be empty.
    fn children(&self, object: &Object<'a>, message: &str) -> Option<Vec<Arc<Task>>> {
        self.branch(object, "tasks", message)
    }

    fn branch(&self, object: &Object<'a>, key: &str, message: &str) -> Option<Vec<Arc<Task>>> {
        let items = match object.node(key) {
            Some(_) => object.list(key)?,
            None => &[],
        };
        if items.is_empty() {
            let diagnostic = Diagnostic::error(DiagnosticKind::Rule, message)
                .titled(format!("`{key}` must have a task"));
            self.report
                .add(diagnostic, &object.path.key(key), object.key_span(key));
            return None;
        }
        Some(self.tasks(items, &object.path.key(key)))
    }

    fn optional_branch(&self, object: &Object<'a>, key: &str) -> Vec<Arc<Task>> {
        object
            .list(key)
            .map(|items| self.tasks(items, &object.path.key(key)))
            .unwrap_or_default()
    }

    fn if_(&self, object: &Object<'a>) -> Option<Flowable> {
        let condition = object
            .required("condition")
            .and_then(|_| text_value(object, "condition"));
        let then = self.branch(object, "then", EMPTY);
        let otherwise = self.optional_branch(object, "else");
        Some(Flowable::If {
            condition: condition?,
            then: then?,
            otherwise,
        })
    }

    fn switch(&self, object: &Object<'a>, id: &str) -> Option<Flowable> {
        let value = object
            .required("value")
            .and_then(|_| text_value(object, "value"));
        let mut cases = IndexMap::new();
        let mut any_task = false;
        if let Some(written) = object.object("cases") {
            for (case, entry) in written.mapping.iter() {
                let path = written.path.key(case);
                let items = match entry.value.as_sequence() {
                    Some(items) => items,
                    None if entry.value.is_null() => &[],
                    None => {
                        written.mismatch(
                            case,
                            &entry.value,
                            "java.util.ArrayList",
                            "a list of tasks",
                        );
                        continue;
                    }
                };
                any_task |= !items.is_empty();
                cases.insert(case.to_owned(), self.tasks(items, &path));
            }
        }
        any_task |= object
            .node("defaults")
            .and_then(Node::as_sequence)
            .is_some_and(|items| !items.is_empty());
        let defaults = self.optional_branch(object, "defaults");
        if !any_task {
            let message = "No task defined, neither cases or default have any tasks";
            self.flowable_rule(object, id, message, object.key_span("type"));
        }
        Some(Flowable::Switch {
            value: value?,
            cases,
            defaults,
        })
    }

    fn dag(&self, object: &Object<'a>, id: &str) -> Option<Flowable> {
        let concurrent = limit(object, "concurrent").unwrap_or(0);
        let items = object
            .node("tasks")
            .and_then(|_| object.list("tasks"))
            .unwrap_or_default();
        if items.is_empty() {
            let diagnostic =
                Diagnostic::error(DiagnosticKind::Rule, EMPTY).titled("`tasks` must have a task");
            self.report.add(
                diagnostic,
                &object.path.key("tasks"),
                object.key_span("tasks"),
            );
            return None;
        }
        let mut tasks = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let path = object.path.key("tasks").index(index);
            let Some(entry) = Object::of(item, path, self.report) else {
                continue;
            };
            entry.refuse_unknown(
                "io.kestra.plugin.core.flow.Dag$DagTask",
                &["task", "dependsOn"],
            );
            let depends_on = entry
                .texts("dependsOn")
                .into_iter()
                .map(Arc::from)
                .collect();
            if let Some(node) = entry.required("task")
                && let Some(task) = self.task(node, &entry.path.key("task"))
            {
                tasks.push(DagTask { task, depends_on });
            }
        }
        if tasks.len() == items.len() {
            self.check_dag(object, id, &tasks);
        }
        Some(Flowable::Dag { tasks, concurrent })
    }

    fn check_dag(&self, object: &Object<'a>, id: &str, tasks: &[DagTask]) {
        let span = object.key_span("tasks");
        let known: HashSet<&str> = tasks.iter().map(|entry| &*entry.task.id).collect();
        let mut missing: Vec<&str> = tasks
            .iter()
            .flat_map(|entry| &entry.depends_on)
            .map(|id| &**id)
            .filter(|id| !known.contains(id))
            .collect();
        missing.dedup();
        if !missing.is_empty() {
            let message = format!("Not existing task id in dependency: {}", missing.join(", "));
            self.flowable_rule(object, id, &message, span);
            return;
        }
        let graph: IndexMap<&str, Vec<&str>> = tasks
            .iter()
            .map(|entry| {
                (
                    &*entry.task.id,
                    entry.depends_on.iter().map(|id| &**id).collect(),
                )
            })
            .collect();
        let cyclic = cyclic(&graph);
        if !cyclic.is_empty() {
            let message = format!("Cyclic dependency detected: {}", cyclic.join(", "));
            self.flowable_rule(object, id, &message, span);
        }
    }

    fn loop_until(&self, object: &Object<'a>) -> Option<Flowable> {
        let condition = object
            .required("condition")
            .and_then(|_| text_value(object, "condition"));
        let frequency = object.object("checkFrequency");
        if let Some(frequency) = &frequency {
            let class = "io.kestra.plugin.core.flow.LoopUntil$CheckFrequency";
            frequency.refuse_unknown(class, &["interval", "maxIterations", "maxDuration"]);
        }
        let frequency = frequency.as_ref();
        let max_iterations =
            frequency.and_then(|frequency| frequency.integer_from("maxIterations", 1));
        let interval = frequency.and_then(|frequency| frequency.duration("interval"));
        let max_duration = frequency.and_then(|frequency| frequency.duration("maxDuration"));
        let fail_on_max_reached = object.flag("failOnMaxReached").unwrap_or(false);
        let tasks = self.children(object, EMPTY);
        Some(Flowable::LoopUntil {
            condition: condition?,
            tasks: tasks?,
            fail_on_max_reached,
            interval: interval.unwrap_or(DEFAULT_LOOP_INTERVAL),
            max_iterations: max_iterations.and_then(|number| u64::try_from(number).ok()),
            max_duration,
        })
    }

    fn check_working_directory(&self, object: &Object<'a>, id: &str) {
        let items = object
            .node("tasks")
            .and_then(Node::as_sequence)
            .unwrap_or_default();
        let children = || items.iter().filter_map(Node::as_mapping);
        let is_runnable = |written: &str| match self.resolve(written) {
            Resolved::Flowable(_) => false,
            Resolved::Catalogued(task_type) => {
                matches!(task_type.placement, Placement::Runnable(_))
            }
            Resolved::Unbuilt(Unbuilt { runnable }) => runnable,
            Resolved::Unknown => true,
        };
        let offending = |child: &&Mapping| {
            child
                .get("type")
                .and_then(Node::as_text)
                .is_some_and(|written| !is_runnable(written))
        };
        if let Some(child) = children().find(offending) {
            let span = child.get("type").map_or(object.span, |node| node.span);
            let message = "Only runnable tasks are allowed as children of a WorkingDirectory task";
            self.flowable_rule(object, id, message, span);
        }
        if let Some(child) =
            children().find(|child| child.get("workerGroup").is_some_and(|node| !node.is_null()))
        {
            let span = child
                .entry("workerGroup")
                .map_or(object.span, |entry| entry.key_span);
            let message = "Cannot set a Worker Group in any WorkingDirectory sub-tasks, it is only supported at the \
                           WorkingDirectory level";
            self.flowable_rule(object, id, message, span);
        }
    }

    /// A rule about a flowable as a whole; Kestra puts the id of the task before its message.
    fn flowable_rule(&self, object: &Object<'a>, id: &str, message: &str, span: Span) {
        let diagnostic = Diagnostic::error(DiagnosticKind::Rule, format!("{id}: {message}"));
        self.report.add(diagnostic, &object.path, span);
    }
}

const EMPTY: &str = "must not be empty";
const SEQUENTIAL_EMPTY: &str = "The 'tasks' property cannot be empty";

/// A limit on how many run at a time; 0: none.
fn limit(object: &Object<'_>, key: &str) -> Option<usize> {
    object
        .integer_from(key, 0)
        .and_then(|number| usize::try_from(number).ok())
}

/// A template: any single value counts as the text that it was written with.
fn text_value(object: &Object<'_>, key: &str) -> Option<Value> {
    object.text(key).map(|text| Value::String(text.to_owned()))
}

/// What a loop goes over: a list, or text that gives one when it is rendered.
fn values(object: &Object<'_>, key: &str) -> Option<Value> {
    let node = object.required(key)?;
    match node.as_text() {
        Some(text) => Some(Value::String(text.to_owned())),
        None => Some(node.to_json()),
    }
}
