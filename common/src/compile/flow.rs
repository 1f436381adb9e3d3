//! The flow itself: its own properties, and the order in which everything is looked at.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::catalogue::Catalogue;
use super::names::{FLOW_ID, NAMESPACE, Pattern, RESERVED_FLOW_IDS};
use super::object::Object;
use super::report::{Path, Report};
use super::{Compiled, Options, defaults, document, labels, retry};
use crate::flow::{Branch, Flow, Flowable, Position, Task};
use crate::yaml::{self, Diagnostic, DiagnosticKind, Node, Span};

/// What a flow may have.
const PROPERTIES: [&str; 26] = [
    "id",
    "namespace",
    "revision",
    "description",
    "labels",
    "inputs",
    "outputs",
    "variables",
    "tasks",
    "errors",
    "finally",
    "afterExecution",
    "listeners",
    "triggers",
    "pluginDefaults",
    "taskDefaults",
    "concurrency",
    "retry",
    "sla",
    "checks",
    "disabled",
    "deleted",
    "tenantId",
    "workerGroup",
    "workerSelector",
    "updated",
];

const CLASS: &str = "io.kestra.core.models.flows.Flow";

/// Known to Kestra, taken, and not done yet.
const NOT_ENFORCED: [(&str, &str); 8] = [
    (
        "concurrency",
        "`concurrency` is not enforced yet: executions of this flow are not limited",
    ),
    (
        "sla",
        "`sla` is not enforced yet: nothing watches how long executions take",
    ),
    (
        "checks",
        "`checks` are not enforced yet: executions start without them",
    ),
    (
        "listeners",
        "`listeners` are not run yet (and are deprecated): use `afterExecution`",
    ),
    (
        "triggers",
        "`triggers` are not evaluated yet: start this flow by hand or through the API",
    ),
    (
        "workerGroup",
        "`workerGroup` of a flow is ignored, set it on the tasks",
    ),
    (
        "workerSelector",
        "`workerSelector` is ignored, set `workerGroup` on the tasks",
    ),
    (
        "tenantId",
        "`tenantId` is ignored: there is one tenant, `main`",
    ),
];

/// Everything that the parts of a document are compiled with.
pub(super) struct Compiler<'a> {
    pub(super) catalogue: &'a dyn Catalogue,
    pub(super) options: &'a Options,
    pub(super) report: &'a Report<'a>,
    /// Every task id that was met, to find duplicates, those in lists that are not run included.
    pub(super) task_ids: RefCell<Vec<NamedPlace>>,
}

/// A name, and where it stands.
pub(super) type NamedPlace = (Arc<str>, Span, Path);

pub(super) fn compile(
    source: &str,
    catalogue: &dyn Catalogue,
    options: &Options,
) -> Result<Compiled, Vec<Diagnostic>> {
    let (written, problems) = yaml::compose(source, &options.limits);
    let Some(written) = written else {
        return Err(problems);
    };
    let report = Report::new(source, problems);
    let flow = compile_document(&written, catalogue, options, &report);
    let failed = report.has_errors();
    let mut found = report.finish();
    match flow {
        Some(flow) if !failed => Ok(Compiled {
            flow,
            warnings: found,
        }),
        _ => {
            if !failed {
                found.push(Diagnostic::error(
                    DiagnosticKind::Structure,
                    "the document is not a flow",
                ));
            }
            Err(found)
        }
    }
}

fn compile_document(
    written: &Node,
    catalogue: &dyn Catalogue,
    options: &Options,
    report: &Report<'_>,
) -> Option<Flow> {
    if written.as_mapping().is_none() {
        let title = "a flow is a mapping with `id`, `namespace` and `tasks`";
        report.structure(
            &Path::default(),
            written.span,
            "Cannot construct instance of a flow: a mapping is expected",
            title,
        );
        return None;
    }
    let mut complete = None;
    let compiler = Compiler {
        catalogue,
        options,
        report,
        task_ids: RefCell::default(),
    };
    let found = defaults::read(written, &compiler);
    if !found.is_empty() {
        let mut tree = written.clone();
        defaults::apply(&mut tree, &found, &compiler);
        complete = Some(tree);
    }
    let tree = complete.as_ref().unwrap_or(written);
    let compiler = Compiler {
        catalogue,
        options,
        report,
        task_ids: RefCell::default(),
    };
    compiler.flow(tree, written)
}

impl<'a> Compiler<'a> {
    fn flow(&self, tree: &'a Node, written: &Node) -> Option<Flow> {
        let object = Object::of(tree, Path::default(), self.report)?;
        object.refuse_unknown(CLASS, &PROPERTIES);
        let id = self.name(&object, "id", &FLOW_ID, 100);
        let namespace = self.name(&object, "namespace", &NAMESPACE, 150);
        if let Some(id) = id.filter(|id| RESERVED_FLOW_IDS.contains(id)) {
            let reserved = RESERVED_FLOW_IDS.join(", ");
            object.rule(
                "id",
                format!(
                    "Flow id is a reserved keyword: {id}. List of reserved keywords: {reserved}"
                ),
            );
        }
        let revision = object
            .integer_from("revision", 1)
            .and_then(|number| u32::try_from(number).ok());
        let labels = labels::read(&object, self.report);
        let inputs = self.inputs(&object);
        let outputs = self.outputs(&object);
        let variables = self.variables(&object);
        let tasks = self.main_tasks(&object);
        let branch = |key: &str| match object.list(key) {
            Some(items) => self.tasks(items, &Path::default().key(key)),
            None => Vec::new(),
        };
        let (errors, finally, after_execution) = (
            branch("errors"),
            branch("finally"),
            branch("afterExecution"),
        );
        self.listeners(&object);
        self.triggers(&object);
        let retry = object
            .object("retry")
            .and_then(|retry| retry::read(&retry, self.report));
        self.concurrency(&object);
        self.say_what_is_not_enforced(&object);
        let mut flow = Flow {
            id: id.unwrap_or_default().into(),
            namespace: namespace.unwrap_or_default().into(),
            revision: self.options.revision.or(revision).unwrap_or(1),
            description: object.text("description").map(str::to_owned),
            labels,
            inputs,
            outputs,
            variables: Arc::new(variables),
            tasks,
            errors,
            finally,
            after_execution,
            retry,
            disabled: object.flag("disabled").unwrap_or(false),
            document: Arc::new(document::of(written)),
            source: self.report.source().into(),
            places: HashMap::new(),
        };
        flow.places = places(&flow);
        self.check_flow(&flow, &object);
        Some(flow)
    }

    /// The id or the namespace.
    fn name(
        &self,
        object: &Object<'a>,
        key: &str,
        pattern: &Pattern,
        longest: usize,
    ) -> Option<&'a str> {
        let name = object.required_text(key)?;
        if !pattern.fits(name) {
            let diagnostic = Diagnostic::error(
                DiagnosticKind::Rule,
                format!("must match \"{}\"", pattern.text),
            )
            .titled(format!(
                "`{name}` cannot be the {key} of a flow: it must match {}",
                pattern.text
            ));
            self.report
                .add(diagnostic, &object.path.key(key), object.span_of(key));
        }
        if name.is_empty() || name.chars().count() > longest {
            object.rule(key, format!("size must be between 1 and {longest}"));
        }
        Some(name)
    }

    fn main_tasks(&self, object: &Object<'a>) -> Vec<Arc<Task>> {
        let items = object.list("tasks").unwrap_or_default();
        if items.is_empty()
            && object
                .node("tasks")
                .is_none_or(|node| node.as_sequence().is_some())
        {
            let diagnostic = Diagnostic::error(DiagnosticKind::Rule, "must not be empty")
                .titled("`tasks` must have a task");
            self.report.add(
                diagnostic,
                &object.path.key("tasks"),
                object.key_span("tasks"),
            );
        }
        self.tasks(items, &Path::default().key("tasks"))
    }

    fn variables(&self, object: &Object<'a>) -> Value {
        match object.node("variables") {
            Some(node) if node.as_mapping().is_some() => node.to_json(),
            Some(node) => {
                object.mismatch("variables", node, "java.util.LinkedHashMap", "a mapping");
                Value::Object(Map::new())
            }
            None => Value::Object(Map::new()),
        }
    }

    /// Listeners are not run, but what is wrong with them is said as Kestra does.
    fn listeners(&self, object: &Object<'a>) {
        for (index, item) in object
            .list("listeners")
            .unwrap_or_default()
            .iter()
            .enumerate()
        {
            let path = object.path.key("listeners").index(index);
            let Some(listener) = Object::of(item, path, self.report) else {
                continue;
            };
            listener.refuse_unknown(
                "io.kestra.core.models.listeners.Listener",
                &["description", "conditions", "tasks"],
            );
            self.conditions(&listener, "conditions");
            if listener.required("tasks").is_some() {
                let items = listener.list("tasks").unwrap_or_default();
                self.tasks(items, &listener.path.key("tasks"));
            }
        }
    }

    fn concurrency(&self, object: &Object<'a>) {
        let Some(concurrency) = object.object("concurrency") else {
            return;
        };
        concurrency.refuse_unknown(
            "io.kestra.core.models.flows.Concurrency",
            &["limit", "behavior"],
        );
        concurrency.required("limit");
        if concurrency.integer("limit").is_some_and(|limit| limit < 1) {
            concurrency.rule("limit", "must be greater than 0");
        }
        concurrency.choice("behavior", &[("QUEUE", ()), ("CANCEL", ()), ("FAIL", ())]);
    }

    fn say_what_is_not_enforced(&self, object: &Object<'a>) {
        for (key, message) in NOT_ENFORCED {
            let there = match object.node(key) {
                Some(node) => node.as_sequence().is_none_or(|items| !items.is_empty()),
                None => false,
            };
            if there {
                self.report.warn(
                    DiagnosticKind::Unsupported,
                    &object.path.key(key),
                    object.key_span(key),
                    message,
                );
            }
        }
    }
}

/// Where each task stands.
fn places(flow: &Flow) -> HashMap<Arc<str>, Position> {
    let mut places = HashMap::new();
    let branches = [
        Branch::Tasks,
        Branch::Errors,
        Branch::Finally,
        Branch::AfterExecution,
    ];
    for branch in branches {
        place_all(&mut places, flow.branch(branch).iter(), None, branch);
    }
    places
}

fn place_all<'t>(
    places: &mut HashMap<Arc<str>, Position>,
    tasks: impl Iterator<Item = &'t Arc<Task>>,
    parent: Option<&Arc<str>>,
    branch: Branch,
) {
    for (index, task) in tasks.enumerate() {
        let position = Position {
            task: Arc::clone(task),
            parent: parent.cloned(),
            branch,
            index,
        };
        places.insert(Arc::clone(&task.id), position);
        let parent = Some(&task.id);
        match task.flowable() {
            Some(Flowable::If {
                then, otherwise, ..
            }) => {
                place_all(places, then.iter(), parent, Branch::Tasks);
                place_all(places, otherwise.iter(), parent, Branch::Tasks);
            }
            Some(Flowable::Switch {
                cases, defaults, ..
            }) => {
                for case in cases.values() {
                    place_all(places, case.iter(), parent, Branch::Tasks);
                }
                place_all(places, defaults.iter(), parent, Branch::Tasks);
            }
            Some(flowable) => place_all(
                places,
                flowable.children().into_iter(),
                parent,
                Branch::Tasks,
            ),
            None => {}
        }
        place_all(places, task.errors.iter(), parent, Branch::Errors);
        place_all(places, task.finally.iter(), parent, Branch::Finally);
    }
}
