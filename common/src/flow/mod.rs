//! The flow: what a YAML document means, parsed once into types that cannot be wrong.
//!
//! Tasks are shared (`Arc<Task>`) and found by id in one step; flowables are a closed enum, everything else is a runnable task
//! whose properties stay as written until the worker renders them.

mod flowable;
mod input;
mod retry;
mod task;

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use flowable::{DagTask, Flowable};
pub use input::{DependsOn, Input, InputType};
pub use retry::{Retry, RetryBehavior, RetryKind};
pub use task::{Kind, Place, Task};

/// A flow at one revision.
#[derive(Clone, Debug)]
pub struct Flow {
    /// Its id, unique in the namespace.
    pub id: Arc<str>,
    /// Its namespace; dots make a hierarchy.
    pub namespace: Arc<str>,
    /// Counts the changes of the source, from 1.
    pub revision: u32,
    /// Markdown.
    pub description: Option<String>,
    /// Copied to each execution.
    pub labels: Vec<Label>,
    /// What an execution may or must be given.
    pub inputs: Vec<Input>,
    /// What an execution gives back.
    pub outputs: Vec<FlowOutput>,
    /// `vars`, unrendered.
    pub variables: Arc<Value>,
    /// The main tasks; never empty.
    pub tasks: Vec<Arc<Task>>,
    /// Run when a main task failed.
    pub errors: Vec<Arc<Task>>,
    /// Run at the end, whatever happened, before the final state is set.
    pub finally: Vec<Arc<Task>>,
    /// Run after the final state was set.
    pub after_execution: Vec<Arc<Task>>,
    /// The retry that holds for all tasks without one of their own.
    pub retry: Option<Retry>,
    /// No execution can be created from it.
    pub disabled: bool,
    /// The whole document as JSON, plugin defaults not applied: what the API shows.
    pub document: Arc<Map<String, Value>>,
    /// The text as it was sent.
    pub source: Arc<str>,
    /// Where each task stands, by its id; ids are unique over the whole tree.
    pub places: HashMap<Arc<str>, Position>,
}

/// Where a task stands in its flow.
#[derive(Clone, Debug)]
pub struct Position {
    /// The task.
    pub task: Arc<Task>,
    /// The flowable that holds it; none at the top.
    pub parent: Option<Arc<str>>,
    /// The list of the parent, or of the flow, that it is in.
    pub branch: Branch,
    /// Its place in that list, from 0.
    pub index: usize,
}

/// A list of tasks of a flow or of a flowable.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum Branch {
    /// The main tasks; of an `If` the chosen branch, of a `Switch` the chosen case.
    #[default]
    Tasks,
    /// After a failure.
    Errors,
    /// At the end.
    Finally,
    /// After the end; flows only.
    AfterExecution,
}

/// A label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// Its key; keys that begin with `system.` are flowmill's own.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// A declared output of a flow.
#[derive(Clone, Debug)]
pub struct FlowOutput {
    /// Its name in `execution.outputs`.
    pub id: Arc<str>,
    /// What the rendered value is converted to.
    pub output_type: InputType,
    /// The template.
    pub value: Value,
    /// Whether failing to render it fails the execution; true unless said otherwise.
    pub required: bool,
}

impl Flow {
    /// The task of this id, anywhere in the tree.
    pub fn task(&self, id: &str) -> Option<&Arc<Task>> {
        self.places.get(id).map(|position| &position.task)
    }

    /// Namespace and id, for messages: `company.team.hello`.
    pub fn full_id(&self) -> String {
        format!("{}.{}", self.namespace, self.id)
    }

    /// The tasks of one of the flow's own lists.
    pub fn branch(&self, branch: Branch) -> &[Arc<Task>] {
        match branch {
            Branch::Tasks => &self.tasks,
            Branch::Errors => &self.errors,
            Branch::Finally => &self.finally,
            Branch::AfterExecution => &self.after_execution,
        }
    }
}
