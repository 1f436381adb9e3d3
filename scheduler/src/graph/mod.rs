//! The graph of a flow or of an execution: tasks, what leads to what, and a cluster for each flowable. Its shape is Kestra's
//! (`FlowGraph`), so that clients can draw it.

mod build;

use std::sync::Arc;

use flowmill_common::{Task, TaskRunId};

pub use build::{of_execution, of_flow};

/// A graph.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// All nodes; their `uid`s are unique.
    pub nodes: Vec<Node>,
    /// All edges.
    pub edges: Vec<Edge>,
    /// One for each flowable, and one for the triggers.
    pub clusters: Vec<Cluster>,
}

/// A node.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its name: the enclosing clusters and the task, joined by dots.
    pub uid: String,
    /// What it is.
    pub kind: NodeKind,
    /// It belongs to this side list of its parent.
    pub side: Option<Relation>,
}

/// What a node is.
#[derive(Clone, Debug)]
pub enum NodeKind {
    /// Where a cluster, or the whole, begins.
    Root,
    /// Where a cluster, or the whole, ends.
    End,
    /// A task.
    Task {
        /// The task.
        task: Arc<Task>,
        /// How its children follow from it; for plain tasks `Sequential`.
        relation: Relation,
        /// Its task run, in the graph of an execution.
        run: Option<TaskRunId>,
        /// The values of the loops it is in, in the graph of an execution.
        values: Vec<Arc<str>>,
    },
    /// A trigger, by its id.
    Trigger(String),
}

/// An edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Where from.
    pub source: String,
    /// Where to.
    pub target: String,
    /// Why; none where it only enters or leaves.
    pub relation: Option<Relation>,
    /// The case of a `Switch`, the branch of an `If`, the value of a loop.
    pub value: Option<String>,
}

/// A flowable with everything below it.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// `cluster_` and the `uid` of its task.
    pub uid: String,
    /// The `uid` of its task; none for the triggers.
    pub task: Option<String>,
    /// How its children follow.
    pub relation: Relation,
    /// The `uid`s of its own nodes.
    pub nodes: Vec<String>,
    /// The `uid`s of the clusters around it, outermost first.
    pub parents: Vec<String>,
    /// The `uid` of its first node.
    pub start: String,
    /// The `uid` of its last node.
    pub end: String,
}

/// How one task follows from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// After it.
    Sequential,
    /// By a decision.
    Choice,
    /// After a failure.
    Error,
    /// At the end.
    Finally,
    /// After the end.
    AfterExecution,
    /// Beside others.
    Parallel,
    /// Once for each value.
    Dynamic,
}

impl Relation {
    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sequential => "SEQUENTIAL",
            Self::Choice => "CHOICE",
            Self::Error => "ERROR",
            Self::Finally => "FINALLY",
            Self::AfterExecution => "AFTER_EXECUTION",
            Self::Parallel => "PARALLEL",
            Self::Dynamic => "DYNAMIC",
        }
    }
}
