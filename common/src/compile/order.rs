//! Which tasks cannot have run when another one begins.

use std::collections::HashSet;
use std::sync::Arc;

use crate::flow::{Branch, Flow, Flowable, Task};

/// The ids of the tasks that never have outputs when `task` is rendered: itself, those behind it in lists that are run one after the
/// other, and those of later branches. Whatever may have run (siblings in parallel, the other branch, an earlier round of a loop) is
/// not among them.
pub(super) fn never_before(flow: &Flow, task: &str) -> HashSet<Arc<str>> {
    let mut later = HashSet::new();
    let lineage = lineage(flow, task);
    let Some((first, _)) = lineage.split_first() else {
        return later;
    };
    // what goes round has run before, all that lies in it
    let outermost_loop = lineage.iter().rposition(|id| goes_round(flow, id));
    let start = outermost_loop.unwrap_or(0);
    if outermost_loop.is_none() {
        add(&mut later, &flow.places[*first].task);
    }
    for id in &lineage[start..] {
        let position = &flow.places[*id];
        let owner = position
            .parent
            .as_ref()
            .map(|parent| &flow.places[parent].task);
        for (branch, list) in lists(flow, owner) {
            let behind = match branch.cmp(&position.branch) {
                std::cmp::Ordering::Less => continue,
                std::cmp::Ordering::Greater => &list[..],
                std::cmp::Ordering::Equal if is_ordered(owner, branch) => {
                    list.get(position.index + 1..).unwrap_or_default()
                }
                std::cmp::Ordering::Equal => continue,
            };
            if branch == position.branch && !holds(&list, id, position.index) {
                continue;
            }
            for task in behind {
                add(&mut later, task);
            }
        }
    }
    later
}

/// The task and all that hold it, the innermost first.
fn lineage<'f>(flow: &'f Flow, task: &str) -> Vec<&'f str> {
    let mut ids = Vec::new();
    let mut next = flow.places.get_key_value(task);
    while let Some((id, position)) = next {
        ids.push(&**id);
        next = position
            .parent
            .as_ref()
            .and_then(|parent| flow.places.get_key_value(parent));
    }
    ids
}

fn goes_round(flow: &Flow, id: &str) -> bool {
    matches!(
        flow.places[id].task.flowable(),
        Some(Flowable::ForEach { .. } | Flowable::EachParallel { .. } | Flowable::LoopUntil { .. })
    )
}

/// The lists of a flowable, or of the flow. A branch may have several: the cases of a `Switch`.
fn lists(flow: &Flow, owner: Option<&Arc<Task>>) -> Vec<(Branch, Vec<Arc<Task>>)> {
    let Some(owner) = owner else {
        let branches = [
            Branch::Tasks,
            Branch::Errors,
            Branch::Finally,
            Branch::AfterExecution,
        ];
        return branches
            .map(|branch| (branch, flow.branch(branch).to_vec()))
            .into();
    };
    let mut lists: Vec<(Branch, Vec<Arc<Task>>)> = match owner.flowable() {
        Some(Flowable::If {
            then, otherwise, ..
        }) => vec![
            (Branch::Tasks, then.clone()),
            (Branch::Tasks, otherwise.clone()),
        ],
        Some(Flowable::Switch {
            cases, defaults, ..
        }) => cases
            .values()
            .chain([defaults])
            .map(|list| (Branch::Tasks, list.clone()))
            .collect(),
        Some(flowable) => vec![(
            Branch::Tasks,
            flowable.children().into_iter().cloned().collect(),
        )],
        None => Vec::new(),
    };
    lists.push((Branch::Errors, owner.errors.clone()));
    lists.push((Branch::Finally, owner.finally.clone()));
    lists
}

fn holds(list: &[Arc<Task>], id: &str, index: usize) -> bool {
    list.get(index).is_some_and(|task| *task.id == *id)
}

fn is_ordered(owner: Option<&Arc<Task>>, branch: Branch) -> bool {
    let unordered = matches!(
        owner.and_then(|owner| owner.flowable()),
        Some(Flowable::Parallel { .. } | Flowable::Dag { .. } | Flowable::EachParallel { .. })
    );
    branch != Branch::Tasks || !unordered
}

/// A task and all that lie in it.
fn add(later: &mut HashSet<Arc<str>>, task: &Arc<Task>) {
    later.insert(Arc::clone(&task.id));
    let children = task.flowable().map(Flowable::children).unwrap_or_default();
    for child in children
        .into_iter()
        .chain(&task.errors)
        .chain(&task.finally)
    {
        add(later, child);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::compiled;
    use super::never_before;

    #[test]
    fn only_what_surely_runs_later_counts() {
        let flow = compiled(
            "tasks:
  - {id: a, type: t.Work}
  - id: p
    type: io.kestra.plugin.core.flow.Parallel
    tasks:
      - {id: p1, type: t.Work}
      - {id: p2, type: t.Work}
    errors:
      - {id: pe, type: t.Work}
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: [1, 2]
    tasks:
      - {id: e1, type: t.Work}
      - {id: e2, type: t.Work}
  - id: if
    type: io.kestra.plugin.core.flow.If
    condition: x
    then:
      - {id: t1, type: t.Work}
      - {id: t2, type: t.Work}
    else:
      - {id: o1, type: t.Work}
errors:
  - {id: err, type: t.Work}
",
        );
        let later = |task: &str| {
            let mut ids: Vec<String> = never_before(&flow, task)
                .iter()
                .map(ToString::to_string)
                .collect();
            ids.sort();
            ids.join(" ")
        };
        assert_eq!(later("a"), "a e1 e2 each err if o1 p p1 p2 pe t1 t2");
        assert_eq!(later("p1"), "e1 e2 each err if o1 p1 pe t1 t2");
        assert_eq!(later("e1"), "err if o1 t1 t2");
        assert_eq!(later("each"), "err if o1 t1 t2");
        assert_eq!(later("t1"), "err t1 t2");
        assert_eq!(later("err"), "err");
        assert_eq!(later("nobody"), "");
    }
}
