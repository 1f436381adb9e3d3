//! Walks a flow and draws it.

use std::sync::Arc;

use flowmill_common::flow::{Branch, DagTask, Flowable};
use flowmill_common::{Execution, Flow, Task, TaskRunId};

use super::{Cluster, Edge, Graph, Node, NodeKind, Relation};

/// The graph of a flow.
pub fn of_flow(flow: &Flow) -> Graph {
    draw(flow, None)
}

/// The graph of an execution: its task runs are in it, and loops show their values.
pub fn of_execution(flow: &Flow, execution: &Execution) -> Graph {
    draw(flow, Some(execution))
}

fn draw(flow: &Flow, execution: Option<&Execution>) -> Graph {
    let mut canvas = Canvas {
        graph: Graph::default(),
        execution,
        clusters: Vec::new(),
    };
    let ends = canvas.ends("root");
    let at = At {
        prefix: "root",
        ends: &ends,
        parent: None,
        loop_value: None,
        side: None,
    };
    canvas.list(&at, &flow.tasks, Entry::from(&ends.start, None));
    for (branch, relation) in SIDES {
        canvas.list(
            &At {
                side: Some(relation),
                ..at
            },
            flow.branch(branch),
            Entry::from(&ends.start, Some(relation)),
        );
    }
    canvas.triggers(flow, &ends);
    canvas.graph
}

const SIDES: [(Branch, Relation); 3] = [
    (Branch::Errors, Relation::Error),
    (Branch::Finally, Relation::Finally),
    (Branch::AfterExecution, Relation::AfterExecution),
];

struct Canvas<'e> {
    graph: Graph,
    execution: Option<&'e Execution>,
    /// Where in `graph.clusters` the clusters around the present place are, outermost first.
    clusters: Vec<usize>,
}

/// The first and the last node of a cluster.
struct Ends {
    start: String,
    end: String,
}

/// The present place.
#[derive(Clone, Copy)]
struct At<'a> {
    prefix: &'a str,
    ends: &'a Ends,
    parent: Option<&'a TaskRunId>,
    loop_value: Option<&'a Arc<str>>,
    side: Option<Relation>,
}

/// How a list is entered.
struct Entry {
    source: String,
    relation: Option<Relation>,
    value: Option<String>,
}

impl Entry {
    fn from(source: &str, relation: Option<Relation>) -> Self {
        Self {
            source: source.to_owned(),
            relation,
            value: None,
        }
    }
}

impl Canvas<'_> {
    /// Tasks in order, from the entry to the end of the cluster.
    fn list(&mut self, at: &At<'_>, tasks: &[Arc<Task>], entry: Entry) {
        let mut entry = entry;
        for task in tasks {
            let (first, last) = self.task(at, task);
            self.edge(&entry.source, &first, entry.relation, entry.value.take());
            entry = Entry::from(&last, Some(Relation::Sequential));
        }
        if !tasks.is_empty() {
            self.edge(&entry.source, &at.ends.end, None, None);
        }
    }

    /// One task; the nodes by which it is entered and left.
    fn task(&mut self, at: &At<'_>, task: &Arc<Task>) -> (String, String) {
        let suffix = at
            .loop_value
            .map(|value| format!("_{value}"))
            .unwrap_or_default();
        let uid = format!("{}.{}{suffix}", at.prefix, task.id);
        let run = self.run_of(at, task);
        let values = run
            .as_ref()
            .and_then(|id| Some(self.execution?.runs.get(id)?.loop_values.clone()));
        let values = values.unwrap_or_default();
        let Some(flowable) = task.flowable() else {
            let kind = NodeKind::Task {
                task: task.clone(),
                relation: Relation::Sequential,
                run,
                values,
            };
            self.node(&uid, kind, at.side);
            return (uid.clone(), uid);
        };
        let relation = relation(flowable);
        let outer = self
            .clusters
            .iter()
            .map(|place| self.graph.clusters[*place].uid.clone())
            .collect();
        self.clusters.push(self.graph.clusters.len());
        self.graph.clusters.push(Cluster {
            uid: format!("cluster_{uid}"),
            task: Some(uid.clone()),
            relation,
            nodes: Vec::new(),
            parents: outer,
            start: String::new(),
            end: String::new(),
        });
        let ends = self.ends(&uid);
        let kind = NodeKind::Task {
            task: task.clone(),
            relation,
            run: run.clone(),
            values,
        };
        self.node(&uid, kind, at.side);
        self.edge(&ends.start, &uid, None, None);
        let inside = At {
            prefix: &uid,
            ends: &ends,
            parent: run.as_ref(),
            loop_value: None,
            side: at.side,
        };
        self.children(&inside, flowable, relation);
        for (branch, relation) in &SIDES[..2] {
            let entry = Entry::from(&uid, Some(*relation));
            self.list(
                &At {
                    side: Some(*relation),
                    ..inside
                },
                task.side_branch(*branch),
                entry,
            );
        }
        if let Some(place) = self.clusters.pop() {
            let cluster = &mut self.graph.clusters[place];
            (cluster.start, cluster.end) = (ends.start.clone(), ends.end.clone());
        }
        (ends.start, ends.end)
    }

    fn children(&mut self, at: &At<'_>, flowable: &Flowable, relation: Relation) {
        let enter = |value: Option<String>| Entry {
            source: at.prefix.to_owned(),
            relation: Some(relation),
            value,
        };
        match flowable {
            Flowable::Sequential { tasks }
            | Flowable::AllowFailure { tasks }
            | Flowable::LoopUntil { tasks, .. }
            | Flowable::WorkingDirectory { tasks } => self.list(at, tasks, enter(None)),
            Flowable::Parallel { tasks, .. } => {
                for task in tasks {
                    self.list(at, std::slice::from_ref(task), enter(None));
                }
            }
            Flowable::Dag { tasks, .. } => self.dag(at, tasks),
            Flowable::If {
                then, otherwise, ..
            } => {
                self.list(at, then, enter(Some("then".into())));
                self.list(at, otherwise, enter(Some("else".into())));
            }
            Flowable::Switch {
                cases, defaults, ..
            } => {
                for (case, tasks) in cases {
                    self.list(at, tasks, enter(Some(case.clone())));
                }
                self.list(at, defaults, enter(Some("defaults".into())));
            }
            Flowable::ForEach { tasks, .. } => self.iterations(at, tasks, relation),
            Flowable::EachParallel { tasks, .. } => {
                for task in tasks {
                    self.iterations(at, std::slice::from_ref(task), relation);
                }
            }
        }
    }

    /// In a flow the tasks once, in an execution once for each value.
    fn iterations(&mut self, at: &At<'_>, tasks: &[Arc<Task>], relation: Relation) {
        let values = self.values(at, tasks);
        if values.is_empty() {
            self.list(at, tasks, Entry::from(at.prefix, Some(relation)));
        }
        for value in &values {
            let entry = Entry {
                source: at.prefix.to_owned(),
                relation: Some(relation),
                value: Some(value.to_string()),
            };
            self.list(
                &At {
                    loop_value: Some(value),
                    ..*at
                },
                tasks,
                entry,
            );
        }
    }

    fn dag(&mut self, at: &At<'_>, tasks: &[DagTask]) {
        let drawn: Vec<_> = tasks
            .iter()
            .map(|entry| (entry, self.task(at, &entry.task)))
            .collect();
        for (entry, (first, last)) in &drawn {
            if entry.depends_on.is_empty() {
                self.edge(at.prefix, first, Some(Relation::Parallel), None);
            }
            for dependency in &entry.depends_on {
                if let Some((_, (_, source))) =
                    drawn.iter().find(|(other, _)| other.task.id == *dependency)
                {
                    self.edge(source, first, Some(Relation::Sequential), None);
                }
            }
            if !tasks
                .iter()
                .any(|other| other.depends_on.contains(&entry.task.id))
            {
                self.edge(last, &at.ends.end, None, None);
            }
        }
    }

    fn triggers(&mut self, flow: &Flow, ends: &Ends) {
        let triggers = flow
            .document
            .get("triggers")
            .and_then(|triggers| triggers.as_array());
        let ids: Vec<&str> = triggers
            .into_iter()
            .flatten()
            .filter_map(|trigger| trigger.get("id")?.as_str())
            .collect();
        if ids.is_empty() {
            return;
        }
        let own = self.ends("Triggers");
        let mut nodes = vec![own.start.clone(), own.end.clone()];
        for id in ids {
            let uid = format!("Triggers.{id}");
            self.node(&uid, NodeKind::Trigger(id.to_owned()), None);
            self.edge(&own.start, &uid, None, None);
            self.edge(&uid, &own.end, None, None);
            nodes.push(uid);
        }
        self.edge(&own.end, &ends.start, None, None);
        self.graph.clusters.push(Cluster {
            uid: "cluster_Triggers".into(),
            task: None,
            relation: Relation::Sequential,
            nodes,
            parents: Vec::new(),
            start: own.start,
            end: own.end,
        });
    }

    fn ends(&mut self, prefix: &str) -> Ends {
        let ends = Ends {
            start: format!("{prefix}.start-"),
            end: format!("{prefix}.end-"),
        };
        self.node(&ends.start, NodeKind::Root, None);
        self.node(&ends.end, NodeKind::End, None);
        ends
    }

    fn node(&mut self, uid: &str, kind: NodeKind, side: Option<Relation>) {
        if let Some(place) = self.clusters.last() {
            self.graph.clusters[*place].nodes.push(uid.to_owned());
        }
        self.graph.nodes.push(Node {
            uid: uid.to_owned(),
            kind,
            side,
        });
    }

    fn edge(
        &mut self,
        source: &str,
        target: &str,
        relation: Option<Relation>,
        value: Option<String>,
    ) {
        self.graph.edges.push(Edge {
            source: source.to_owned(),
            target: target.to_owned(),
            relation,
            value,
        });
    }

    /// The task run that this node stands for.
    fn run_of(&self, at: &At<'_>, task: &Task) -> Option<TaskRunId> {
        let mut runs = self.execution?.runs.of_task(&task.id);
        let run = runs
            .find(|run| run.parent.as_ref() == at.parent && run.value.as_ref() == at.loop_value);
        run.map(|run| run.id.clone())
    }

    /// The values for which the tasks of a loop have run.
    fn values(&self, at: &At<'_>, tasks: &[Arc<Task>]) -> Vec<Arc<str>> {
        let (Some(execution), Some(first)) = (self.execution, tasks.first()) else {
            return Vec::new();
        };
        let runs = execution
            .runs
            .of_task(&first.id)
            .filter(|run| run.parent.as_ref() == at.parent);
        runs.filter_map(|run| run.value.clone()).collect()
    }
}

fn relation(flowable: &Flowable) -> Relation {
    match flowable {
        Flowable::Sequential { .. }
        | Flowable::AllowFailure { .. }
        | Flowable::LoopUntil { .. }
        | Flowable::WorkingDirectory { .. } => Relation::Sequential,
        Flowable::Parallel { .. } | Flowable::Dag { .. } => Relation::Parallel,
        Flowable::If { .. } | Flowable::Switch { .. } => Relation::Choice,
        Flowable::ForEach { .. } | Flowable::EachParallel { .. } => Relation::Dynamic,
    }
}
