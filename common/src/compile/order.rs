//! Which tasks cannot have run when another one begins.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::flow::{Branch, Flow, Flowable, Position, Task};

/// Whether `other` never has outputs when `task` is rendered: it is the task itself, it lies in it, or it stands behind it in a list
/// that is run one after the other, or in a later branch. What may have run (a sibling in parallel, the other branch, an earlier
/// round of a loop) is not later. Both are ids of the flow.
pub(super) fn surely_later(flow: &Flow, task: &str, other: &str) -> bool {
    let (lineage, other_lineage) = (lineage(flow, task), lineage(flow, other));
    // what goes round has run before, all that lies in it
    let together = lineage.iter().filter(|id| other_lineage.contains(id));
    if together.clone().any(|id| goes_round(flow, id)) {
        return false;
    }
    let shared = together.count();
    let (Some(here), Some(there)) = (own_part(&lineage, shared), own_part(&other_lineage, shared))
    else {
        // the one lies in the other, or they are the same: only what holds the task has begun
        return lineage.len() <= other_lineage.len();
    };
    let (here, there) = (&flow.places[here], &flow.places[there]);
    match there.branch.cmp(&here.branch) {
        Ordering::Less => false,
        Ordering::Greater => true,
        Ordering::Equal => there.index > here.index && are_in_order(flow, here, there),
    }
}

/// The outermost part of a lineage that is not shared.
fn own_part<'f>(lineage: &[&'f str], shared: usize) -> Option<&'f str> {
    let own = lineage.len().checked_sub(shared + 1)?;
    lineage.get(own).copied()
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

/// Whether two tasks of one branch stand in the same list, and it is run in order.
fn are_in_order(flow: &Flow, here: &Position, there: &Position) -> bool {
    let owner = here
        .parent
        .as_ref()
        .and_then(|parent| flow.places.get(parent));
    if here.branch != Branch::Tasks {
        return true;
    }
    let holds = |list: &[Arc<Task>], position: &Position| {
        list.get(position.index)
            .is_some_and(|task| task.id == position.task.id)
    };
    let in_one = |list: &[Arc<Task>]| holds(list, here) && holds(list, there);
    match owner.and_then(|owner| owner.task.flowable()) {
        Some(Flowable::Parallel { .. } | Flowable::Dag { .. } | Flowable::EachParallel { .. }) => {
            false
        }
        Some(Flowable::If {
            then, otherwise, ..
        }) => in_one(then) || in_one(otherwise),
        Some(Flowable::Switch {
            cases, defaults, ..
        }) => cases.values().any(|case| in_one(case)) || in_one(defaults),
        Some(
            Flowable::Sequential { .. }
            | Flowable::AllowFailure { .. }
            | Flowable::ForEach { .. }
            | Flowable::LoopUntil { .. }
            | Flowable::WorkingDirectory { .. },
        )
        | None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::compiled;
    use super::surely_later;

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
            let mut ids: Vec<String> = flow
                .places
                .keys()
                .filter(|other| surely_later(&flow, task, other))
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
    }
}
