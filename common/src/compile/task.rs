//! One task: what all tasks share, and what its type makes of it.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::catalogue::{Placement, TaskType};
use super::flow::Compiler;
use super::kinds::{FlowableType, Unbuilt, unbuilt};
use super::names::{TASK_ID, TYPE, nearest_types};
use super::object::Object;
use super::report::Path;
use super::retry;
use crate::flow::{Kind, Task};
use crate::log::Level;
use crate::time::parse_duration;
use crate::yaml::{Diagnostic, DiagnosticKind, Kind as NodeKind, Node, Span};

/// What every task may have.
pub(super) const COMMON_PROPERTIES: [&str; 19] = [
    "id",
    "type",
    "description",
    "retry",
    "timeout",
    "disabled",
    "allowFailure",
    "allowWarning",
    "logLevel",
    "logToFile",
    "runIf",
    "when",
    "workerGroup",
    "workerSelector",
    "taskCache",
    "version",
    "assets",
    "pluginDefaultsRef",
    "policyRefs",
];

/// Members that hold other tasks; they are not kept among the properties of a flowable, its lists have them.
const TASK_LISTS: [&str; 7] = [
    "tasks", "errors", "finally", "then", "else", "cases", "defaults",
];

/// What a written type stands for.
pub(super) enum Resolved {
    Flowable(FlowableType),
    Catalogued(TaskType),
    Unbuilt(Unbuilt),
    Unknown,
}

impl<'a> Compiler<'a> {
    /// A list of tasks; those that cannot be read are left out, which is said.
    pub(super) fn tasks(&self, items: &'a [Node], path: &Path) -> Vec<Arc<Task>> {
        items
            .iter()
            .enumerate()
            .filter_map(|(index, item)| self.task(item, &path.index(index)))
            .collect()
    }

    /// One task.
    pub(super) fn task(&self, node: &'a Node, path: &Path) -> Option<Arc<Task>> {
        if node.is_null() {
            let message = "must not be null";
            let diagnostic = Diagnostic::error(DiagnosticKind::Rule, message)
                .titled("an empty item in a list of tasks");
            self.report.add(diagnostic, path, node.span);
            return None;
        }
        let object = Object::of(node, path.clone(), self.report)?;
        let id = self.task_id(&object);
        let (written_type, resolved) = self.task_type(&object)?;
        self.warn_of_unsupported(&object);
        let id = id?;
        let (task_type, kind, own) = match resolved {
            Resolved::Flowable(flowable) => {
                self.refuse_unknown(
                    &object,
                    &flowable.name(),
                    flowable.properties().iter().map(|name| Cow::from(*name)),
                );
                let kind = Kind::Flowable(self.flowable(flowable, &object, &id)?);
                (
                    Arc::from(flowable.name()),
                    kind,
                    flowable_properties(&object),
                )
            }
            Resolved::Catalogued(task_type) => {
                let properties = self.runnable_properties(&object, &task_type.name);
                self.check_runnable(&object, &task_type.name, &properties);
                let kind = match task_type.placement {
                    Placement::Runnable(place) => Kind::Runnable(place),
                    Placement::Update => Kind::Update,
                };
                (Arc::from(&*task_type.name), kind, properties)
            }
            Resolved::Unbuilt(_) | Resolved::Unknown => return None,
        };
        let flowable = matches!(kind, Kind::Flowable(_));
        let side = |key: &str| match object.list(key) {
            Some(items) if flowable => self.tasks(items, &object.path.key(key)),
            _ => Vec::new(),
        };
        let (errors, finally) = if flowable {
            (side("errors"), side("finally"))
        } else {
            (Vec::new(), Vec::new())
        };
        Some(Arc::new(Task {
            id,
            written_type: written_type.into(),
            task_type,
            kind,
            properties: Arc::new(own),
            disabled: object.flag("disabled").unwrap_or(false),
            allow_failure: object.flag("allowFailure").unwrap_or(false),
            allow_warning: object.flag("allowWarning").unwrap_or(false),
            run_if: self.run_if(&object),
            timeout: self.timeout(&object),
            retry: object
                .object("retry")
                .and_then(|retry| retry::read(&retry, self.report)),
            log_level: self.log_level(&object),
            worker_group: self.worker_group(&object),
            errors,
            finally,
        }))
    }

    fn task_id(&self, object: &Object<'a>) -> Option<Arc<str>> {
        let id = object.required_text("id")?;
        if id.is_empty() {
            object.rule("id", "must not be blank");
            return None;
        }
        if !TASK_ID.fits(id) {
            let diagnostic = Diagnostic::error(
                DiagnosticKind::Rule,
                format!("must match \"{}\"", TASK_ID.text),
            )
            .titled(format!("`{id}` cannot be the id of a task"))
            .with_hint("letters, digits, `_` and `-` only, the first a letter or a digit");
            self.report
                .add(diagnostic, &object.path.key("id"), object.span_of("id"));
        }
        let id: Arc<str> = id.into();
        self.task_ids.borrow_mut().push((
            Arc::clone(&id),
            object.span_of("id"),
            object.path.key("id"),
        ));
        Some(id)
    }

    /// The written type and what it stands for; what cannot be run is said here.
    pub(super) fn task_type(&self, object: &Object<'a>) -> Option<(&'a str, Resolved)> {
        let Some(written) = object.text("type") else {
            if object.node("type").is_none() {
                let message = "Could not resolve subtype of [simple type, class io.kestra.core.models.tasks.Task]: \
                               missing type id property 'type'";
                let title = "`type` is missing: it says what the task does";
                self.report.structure(
                    &object.path.key("type"),
                    object.key_span("type"),
                    message,
                    title,
                );
            }
            return None;
        };
        let resolved = self.resolve(written);
        let span = object.span_of("type");
        let path = object.path.key("type");
        match &resolved {
            Resolved::Flowable(flowable) => {
                self.note_alias(written, &flowable.name(), &path, span);
                if let Some(replacement) = flowable.replacement() {
                    let message = format!("{} is deprecated, use {replacement}", flowable.name());
                    self.report
                        .warn(DiagnosticKind::Deprecation, &path, span, message);
                }
            }
            Resolved::Catalogued(task_type) => {
                self.note_alias(written, &task_type.name, &path, span)
            }
            Resolved::Unbuilt(_) => {
                let message = format!("flowmill does not run tasks of type {written} yet");
                let diagnostic = Diagnostic::error(DiagnosticKind::Unsupported, message);
                self.report.add(diagnostic, &path, span);
            }
            Resolved::Unknown => {
                let mut diagnostic = Diagnostic::error(
                    DiagnosticKind::Structure,
                    format!("Invalid type: {written}"),
                );
                diagnostic.title = Some(if TYPE.fits(written) {
                    format!("no task has the type `{written}`")
                } else {
                    format!("`{written}` is not the name of a type")
                });
                diagnostic.hint = self.nearest_type(written);
                self.report.add(diagnostic, &path, span);
            }
        }
        Some((written, resolved))
    }

    /// What a written type stands for.
    pub(super) fn resolve(&self, written: &str) -> Resolved {
        if let Some(flowable) = FlowableType::of(written) {
            return Resolved::Flowable(flowable);
        }
        if let Some(task_type) = self.catalogue.resolve(written) {
            return Resolved::Catalogued(task_type);
        }
        unbuilt(written).map_or(Resolved::Unknown, Resolved::Unbuilt)
    }

    fn nearest_type(&self, written: &str) -> Option<String> {
        if self.report.is_full() {
            return None;
        }
        let runnable = self.catalogue.type_names();
        let flowables = FlowableType::ALL.map(FlowableType::name);
        let known = runnable
            .iter()
            .map(|name| &**name)
            .chain(flowables.iter().map(String::as_str));
        match &nearest_types(written, known)[..] {
            [] => None,
            near => Some(format!("did you mean `{}`?", near.join("` or `"))),
        }
    }

    pub(super) fn note_alias(&self, written: &str, name: &str, path: &Path, span: Span) {
        if written != name {
            let message = format!("{written} is replaced by {name}");
            self.report.add(
                Diagnostic::info(DiagnosticKind::Deprecation, message),
                path,
                span,
            );
        }
    }

    /// All properties, `id` and `type` included. Text properties keep what was written.
    fn runnable_properties(&self, object: &Object<'a>, task_type: &str) -> Map<String, Value> {
        let json = |key: &str, node: &Node| match node.as_text() {
            Some(text)
                if TEXT_PROPERTIES.contains(&key) || self.catalogue.is_text(task_type, key) =>
            {
                text.into()
            }
            _ => node.to_json(),
        };
        object
            .mapping
            .iter()
            .map(|(key, entry)| (key.to_owned(), json(key, &entry.value)))
            .collect()
    }

    fn check_runnable(
        &self,
        object: &Object<'a>,
        task_type: &str,
        properties: &Map<String, Value>,
    ) {
        let names = self.catalogue.property_names(task_type);
        // a type may have a property that otherwise all tasks share (`version`), then it is its own
        let is_own = |key: &str| match &names {
            Some(names) => names.iter().any(|name| name == key),
            None => !COMMON_PROPERTIES.contains(&key),
        };
        let own: Map<String, Value> = (properties.iter())
            .filter(|(key, _)| is_own(key))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        if let Some(names) = names {
            self.refuse_unknown(object, task_type, names.into_iter());
        }
        let problems = self.catalogue.check(task_type, &own);
        if problems.is_empty() {
            return;
        }
        let node = Node {
            span: object.span,
            kind: NodeKind::Mapping(object.mapping.clone()),
        };
        for problem in problems {
            let path = object.path.below(&problem.path);
            let (span, _) = node.at_path(&problem.path);
            let mut diagnostic = Diagnostic::error(DiagnosticKind::Rule, problem.message);
            diagnostic.hint = problem.hint;
            self.report.add(diagnostic, &path, span);
        }
    }

    fn refuse_unknown(
        &self,
        object: &Object<'a>,
        class: &str,
        own: impl Iterator<Item = Cow<'static, str>>,
    ) {
        let own: Vec<Cow<'static, str>> = own.collect();
        let known: Vec<&str> = COMMON_PROPERTIES
            .into_iter()
            .chain(
                own.iter()
                    .map(|name| &**name)
                    .filter(|name| !COMMON_PROPERTIES.contains(name)),
            )
            .collect();
        object.refuse_unknown(class, &known);
    }

    fn run_if(&self, object: &Object<'a>) -> Option<Arc<str>> {
        if object.node("runIf").is_some() && object.node("when").is_some() {
            let message = "`when` is another name of `runIf`: only `runIf` counts";
            self.report.warn(
                DiagnosticKind::Rule,
                &object.path.key("when"),
                object.key_span("when"),
                message,
            );
        }
        object
            .shared_text("runIf")
            .or_else(|| object.shared_text("when"))
    }

    fn timeout(&self, object: &Object<'a>) -> Option<Arc<str>> {
        let text = object.text("timeout")?;
        if !text.contains('{')
            && let Err(problem) = parse_duration(text)
        {
            let message = format!("{problem}; the task will fail");
            self.report.warn(
                DiagnosticKind::Rule,
                &object.path.key("timeout"),
                object.span_of("timeout"),
                message,
            );
        }
        Some(text.into())
    }

    fn log_level(&self, object: &Object<'a>) -> Level {
        let levels = [
            Level::Trace,
            Level::Debug,
            Level::Info,
            Level::Warn,
            Level::Error,
        ]
        .map(|level| (level.name(), level));
        object.choice("logLevel", &levels).unwrap_or(Level::Trace)
    }

    fn worker_group(&self, object: &Object<'a>) -> Option<Arc<str>> {
        let group = object.object("workerGroup")?;
        group.refuse_unknown(
            "io.kestra.core.models.tasks.WorkerGroup",
            &["key", "fallback"],
        );
        group.shared_text("key")
    }

    /// Says what about a task is taken but not done.
    fn warn_of_unsupported(&self, object: &Object<'a>) {
        for (key, what) in [
            (
                "taskCache",
                "the outputs of a task are not cached yet: it runs each time",
            ),
            ("assets", "assets are ignored"),
            (
                "workerSelector",
                "`workerSelector` is ignored, use `workerGroup`",
            ),
            (
                "onChildFailure",
                "`onChildFailure` is ignored: running siblings of a failed child go on",
            ),
        ] {
            if object.node(key).is_some() {
                self.report.warn(
                    DiagnosticKind::Unsupported,
                    &object.path.key(key),
                    object.key_span(key),
                    what,
                );
            }
        }
        if object.node("logToFile").is_some() && object.flag("logToFile") == Some(true) {
            let what = "`logToFile` is ignored: the log is kept with the execution";
            let span = object.key_span("logToFile");
            self.report.warn(
                DiagnosticKind::Unsupported,
                &object.path.key("logToFile"),
                span,
                what,
            );
        }
    }
}

/// Common properties that are text whatever they look like.
const TEXT_PROPERTIES: [&str; 7] = [
    "id",
    "type",
    "description",
    "timeout",
    "runIf",
    "when",
    "version",
];

fn flowable_properties(object: &Object<'_>) -> Map<String, Value> {
    let json = |key: &str, node: &Node| match node.as_text() {
        Some(text) if TEXT_PROPERTIES.contains(&key) => text.into(),
        _ => node.to_json(),
    };
    (object.mapping.iter())
        .filter(|(key, _)| !TASK_LISTS.contains(key))
        .map(|(key, entry)| (key.to_owned(), json(key, &entry.value)))
        .collect()
}
