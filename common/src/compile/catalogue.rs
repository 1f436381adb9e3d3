//! What the compiler must know about the runnable task types; the flowables it knows itself.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::flow::Place;

/// The runnable task types. The crate `tasks` implements it.
pub trait Catalogue: Send + Sync {
    /// The type that was written, by its present name or an older one; none when no such type is built.
    /// Flowables (`io.kestra.plugin.core.flow.If` and the like) are never asked for.
    fn resolve(&self, written: &str) -> Option<TaskType>;

    /// The names of the properties that are the type's own (`message`, `level`), without those that every task has; `task_type` is a
    /// present name. None: any property is taken, and only [`check`](Self::check) decides.
    fn property_names(&self, task_type: &str) -> Option<Vec<Cow<'static, str>>>;

    /// Whether a property at the top takes text only: then `yes` or `0777` stays what was written. Other values are typed by Kestra's
    /// table for untyped YAML, so `yes` is true.
    fn is_text(&self, task_type: &str, property: &str) -> bool {
        let _ = (task_type, property);
        false
    }

    /// What is wrong with the properties of a task of this type (a present name): missing ones, wrong forms, unknown names further
    /// inside. `properties` are as written, plugin defaults applied, without `id`, `type` and what every task has; a text with
    /// `{{ … }}` or `{% … %}` in it may become anything and is no problem. Unknown names at the top are not reported here if
    /// [`property_names`](Self::property_names) answers.
    fn check(&self, task_type: &str, properties: &Map<String, Value>) -> Vec<PropertyProblem>;

    /// Every present name, for proposals when a type is misspelt.
    fn type_names(&self) -> Vec<Cow<'static, str>>;
}

/// A runnable task type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskType {
    /// Its present name; another one than was written when that was an alias, which is warned about.
    pub name: Cow<'static, str>,
    /// Where it runs.
    pub placement: Placement,
}

/// Where a task type runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// As a runnable task, at this place.
    Runnable(Place),
    /// In the executor, changing the execution itself.
    Update,
}

/// A property that is missing, unknown or of the wrong form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PropertyProblem {
    /// Where, below the task: `options.timeout`, `messages[2]`; of a missing one the place where it is missed.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub hint: Option<String>,
}
