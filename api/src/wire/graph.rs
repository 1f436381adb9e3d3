//! Graphs of flows and executions.

use flowmill_common::execution::Execution;
use flowmill_common::{Flow, Timestamp};
use flowmill_scheduler::graph::{Cluster, Graph, Node, NodeKind, Relation};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::execution::TaskRunView;

/// Clients know a node's kind by the name of Kestra's class.
const CLASS: &str = "io.kestra.core.models.hierarchies.";

/// A graph of tasks.
#[derive(Serialize, ToSchema)]
#[schema(as = FlowGraph)]
pub(crate) struct FlowGraph {
    /// `{uid, type, …}`; tasks have `task` and `relationType`, in the graph of an execution also `taskRun` and `values`.
    #[schema(value_type = Vec<Object>)]
    nodes: Vec<Value>,
    /// What leads to what.
    #[schema(value_type = Vec<Object>)]
    edges: Vec<Value>,
    /// What belongs together: one for each flowable.
    #[schema(value_type = Vec<Object>)]
    clusters: Vec<Value>,
    /// The ids of the flowable tasks.
    flowables: Vec<String>,
}

/// Draws a graph; of an execution with its task runs.
pub(crate) fn draw(
    graph: &Graph,
    flow: &Flow,
    execution: Option<(&Execution, Timestamp)>,
) -> FlowGraph {
    let nodes: Vec<Value> = graph
        .nodes
        .iter()
        .map(|one| node(one, flow, execution))
        .collect();
    let clusters = graph
        .clusters
        .iter()
        .map(|one| cluster(one, graph, flow, execution))
        .collect();
    let edges = graph.edges.iter().map(|edge| {
        let mut relation = Map::new();
        if let Some(kind) = edge.relation {
            relation.insert("relationType".into(), name(kind).into());
        }
        if let Some(value) = &edge.value {
            relation.insert("value".into(), value.as_str().into());
        }
        json!({"source": edge.source, "target": edge.target, "relation": relation})
    });
    let flowables = graph.nodes.iter().filter_map(|node| match &node.kind {
        NodeKind::Task { task, .. } if task.flowable().is_some() => Some(task.id.to_string()),
        NodeKind::Task { .. } | NodeKind::Root | NodeKind::End | NodeKind::Trigger(_) => None,
    });
    FlowGraph {
        edges: edges.collect(),
        flowables: flowables.collect(),
        nodes,
        clusters,
    }
}

fn node(node: &Node, flow: &Flow, execution: Option<(&Execution, Timestamp)>) -> Value {
    let mut map = Map::new();
    map.insert("uid".into(), node.uid.as_str().into());
    let class = match &node.kind {
        NodeKind::Root => "GraphClusterRoot",
        NodeKind::End if node.side == Some(Relation::Finally) => "GraphClusterFinally",
        NodeKind::End if node.side == Some(Relation::AfterExecution) => {
            "GraphClusterAfterExecution"
        }
        NodeKind::End => "GraphClusterEnd",
        NodeKind::Task { .. } => "GraphTask",
        NodeKind::Trigger(_) => "GraphTrigger",
    };
    map.insert("type".into(), format!("{CLASS}{class}").into());
    map.insert("error".into(), (node.side == Some(Relation::Error)).into());
    if let Some(side) = node.side {
        map.insert("branchType".into(), name(side).into());
    }
    match &node.kind {
        NodeKind::Root | NodeKind::End => {}
        NodeKind::Trigger(id) => {
            let triggers = flow.document.get("triggers").and_then(Value::as_array);
            let written = triggers
                .into_iter()
                .flatten()
                .find(|trigger| trigger["id"].as_str() == Some(id));
            map.insert(
                "triggerDeclaration".into(),
                written.cloned().unwrap_or_default(),
            );
            map.insert("relationType".into(), name(Relation::Sequential).into());
        }
        NodeKind::Task {
            task,
            relation,
            run,
            values,
        } => {
            map.insert("task".into(), Value::Object((*task.properties).clone()));
            if let Some((execution, now)) = execution {
                let run = run.as_ref().and_then(|id| execution.runs.get(id));
                if let Some(run) = run {
                    map.insert(
                        "taskRun".into(),
                        json!(TaskRunView::of(&execution.header, run, None, now)),
                    );
                }
                let values: Vec<&str> = values.iter().map(AsRef::as_ref).collect();
                map.insert("values".into(), json!(values));
            }
            map.insert("relationType".into(), name(*relation).into());
        }
    }
    Value::Object(map)
}

fn cluster(
    cluster: &Cluster,
    graph: &Graph,
    flow: &Flow,
    execution: Option<(&Execution, Timestamp)>,
) -> Value {
    let task = cluster
        .task
        .as_ref()
        .and_then(|uid| graph.nodes.iter().find(|node| node.uid == *uid));
    let mut inner = Map::new();
    inner.insert("uid".into(), cluster.uid.as_str().into());
    inner.insert("type".into(), format!("{CLASS}GraphCluster").into());
    inner.insert("relationType".into(), name(cluster.relation).into());
    if let Some(task) = task {
        inner.insert("taskNode".into(), node(task, flow, execution));
    }
    json!({
        "cluster": inner,
        "nodes": cluster.nodes,
        "parents": cluster.parents,
        "start": cluster.start,
        "end": cluster.end,
    })
}

fn name(relation: Relation) -> &'static str {
    match relation {
        Relation::Sequential => "SEQUENTIAL",
        Relation::Choice => "CHOICE",
        Relation::Error => "ERROR",
        Relation::Finally => "FINALLY",
        Relation::AfterExecution => "AFTER_EXECUTION",
        Relation::Parallel => "PARALLEL",
        Relation::Dynamic => "DYNAMIC",
    }
}
