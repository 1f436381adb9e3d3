use flowmill_common::StateType;
use flowmill_common::job::ChildJob;
use serde_json::json;

use crate::rig::{Rig, child, inline, job};

const GROUP: &str = "io.kestra.plugin.core.flow.WorkingDirectory";
const RETURN: &str = "io.kestra.plugin.core.debug.Return";
const FAIL: &str = "io.kestra.plugin.core.execution.Fail";

async fn run(children: Vec<ChildJob>) -> (Rig, Vec<StateType>, StateType) {
    let mut rig = Rig::new().await;
    let mut group = job(json!({"id": "group", "type": GROUP}));
    let count = children.len();
    group.children = children;
    rig.send(&group).await;
    let mut states = Vec::new();
    let mut ended = None;
    while ended.is_none() {
        match rig.event().await.kind {
            flowmill_common::EventKind::ChildFinished(child) => states.push(child.state),
            flowmill_common::EventKind::TaskFinished(finished) => ended = Some(finished.state),
            _ => {}
        }
        assert!(states.len() <= count);
    }
    (rig, states, ended.unwrap())
}

#[tokio::test]
async fn children_run_in_order_and_the_first_failure_ends_the_group() {
    let ok = || child("a", json!({"type": RETURN, "format": "1"}));
    let bad = child("b", json!({"type": FAIL}));
    let (_, states, state) = run(vec![ok(), bad, ok()]).await;
    assert_eq!((states, state), (vec![StateType::Success, StateType::Failed], StateType::Failed));
}

#[tokio::test]
async fn an_allowed_failure_is_a_warning_and_the_next_child_runs() {
    let mut bad = child("b", json!({"type": FAIL}));
    bad.allow_failure = true;
    let ok = child("c", json!({"type": RETURN}));
    let (_, states, state) = run(vec![bad, ok]).await;
    assert_eq!((states, state), (vec![StateType::Warning, StateType::Success], StateType::Warning));
}

#[tokio::test]
async fn a_child_whose_run_if_is_false_is_skipped() {
    let skipped = child("a", json!({"type": FAIL, "runIf": "false"}));
    let ok = child("b", json!({"type": RETURN}));
    let (_, states, state) = run(vec![skipped, ok]).await;
    assert_eq!((states, state), (vec![StateType::Skipped, StateType::Success], StateType::Success));
}

#[tokio::test]
async fn a_later_child_sees_the_outputs_of_an_earlier_one_below_the_loop_values() {
    let mut rig = Rig::new().await;
    let mut group = job(json!({"id": "group", "type": GROUP}));
    group.value = Some("v".into());
    group.loop_values = vec!["u".into(), "v".into()];
    let show = "{{ outputs.a.u.v.value }} {{ parent.taskrun.value }} {{ taskrun.id }} {{ tasks.a.state }}";
    group.children =
        vec![child("a", json!({"type": RETURN, "format": "1"})), child("b", json!({"type": RETURN, "format": show}))];
    rig.send(&group).await;
    rig.child().await;
    assert_eq!(inline(&rig.child().await.outputs), json!({"value": "1 v run-b SUCCESS"}));
    assert_eq!(rig.finished().await.state, StateType::Success);
    rig.stop().await;
    assert_eq!(rig.left_over(), 0);
}
