use flowmill_common::StateType;
use flowmill_common::job::ChildJob;
use futures::TryStreamExt;
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
    assert_eq!(
        (states, state),
        (
            vec![StateType::Success, StateType::Failed],
            StateType::Failed
        )
    );
}

#[tokio::test]
async fn an_allowed_failure_is_a_warning_and_the_next_child_runs() {
    let mut bad = child("b", json!({"type": FAIL}));
    bad.allow_failure = true;
    let ok = child("c", json!({"type": RETURN}));
    let (_, states, state) = run(vec![bad, ok]).await;
    assert_eq!(
        (states, state),
        (
            vec![StateType::Warning, StateType::Success],
            StateType::Warning
        )
    );
}

#[tokio::test]
async fn a_child_whose_run_if_is_false_is_skipped() {
    let skipped = child("a", json!({"type": FAIL, "runIf": "false"}));
    let ok = child("b", json!({"type": RETURN}));
    let (_, states, state) = run(vec![skipped, ok]).await;
    assert_eq!(
        (states, state),
        (
            vec![StateType::Skipped, StateType::Success],
            StateType::Success
        )
    );
}

#[tokio::test]
async fn a_later_child_sees_the_outputs_of_an_earlier_one_below_the_loop_values() {
    let mut rig = Rig::new().await;
    let mut group = job(json!({"id": "group", "type": GROUP}));
    group.value = Some("v".into());
    group.loop_values = vec!["u".into(), "v".into()];
    let show =
        "{{ outputs.a.u.v.value }} {{ parent.taskrun.value }} {{ taskrun.id }} {{ tasks.a.state }}";
    group.children = vec![
        child("a", json!({"type": RETURN, "format": "1"})),
        child("b", json!({"type": RETURN, "format": show})),
    ];
    rig.send(&group).await;
    rig.child().await;
    assert_eq!(
        inline(&rig.child().await.outputs),
        json!({"value": "1 v run-b SUCCESS"})
    );
    assert_eq!(rig.finished().await.state, StateType::Success);
    rig.stop().await;
    assert_eq!(rig.left_over(), 0);
}

#[tokio::test]
async fn children_share_a_folder_whose_files_come_in_and_go_out() {
    let mut rig = Rig::new().await;
    let mut group = job(json!({
        "id": "group",
        "type": GROUP,
        "inputFiles": {"in/a.txt": "from outside"},
        "outputFiles": ["*.out"],
    }));
    let process = json!({"type": "io.kestra.plugin.core.runner.Process"});
    let script = |commands: &str| {
        let commands = [commands];
        json!({"type": "io.kestra.plugin.scripts.shell.Commands", "taskRunner": process, "commands": commands})
    };
    group.children = vec![
        child("a", script("cat in/a.txt > between")),
        child("b", script("cat between > b.out && chmod 500 in")),
    ];
    rig.send(&group).await;
    assert_eq!(rig.child().await.state, StateType::Success);
    assert_eq!(rig.child().await.state, StateType::Success);
    let finished = rig.finished().await;
    assert_eq!(finished.state, StateType::Success);
    let outputs = inline(&finished.outputs);
    let uri = outputs["outputFiles"]["b.out"].as_str().unwrap();
    let path = uri.strip_prefix("kestra:///").unwrap();
    assert!(
        path.starts_with("company/team/flow/executions/x1/tasks/task/r1/"),
        "{path}"
    );
    let chunks: Vec<bytes::Bytes> = rig
        .files
        .get(path, None)
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(chunks.concat(), b"from outside");
    rig.stop().await;
    assert_eq!(rig.left_over(), 0);
}

#[tokio::test]
async fn cached_files_are_there_in_the_next_execution() {
    let mut rig = Rig::new().await;
    let process = json!({"type": "io.kestra.plugin.core.runner.Process"});
    let cache = json!({"patterns": ["kept/**"]});
    let mut group = job(json!({"id": "group", "type": GROUP, "cache": cache}));
    let commands = ["test -f kept/file && echo found || (mkdir kept && echo new > kept/file)"];
    group.children = vec![child(
        "a",
        json!({"type": "io.kestra.plugin.scripts.shell.Commands", "taskRunner": process, "commands": commands}),
    )];
    for run in ["r1", "r2"] {
        group.run = run.into();
        rig.send(&group).await;
        assert_eq!(rig.child().await.state, StateType::Success);
        assert_eq!(rig.finished().await.state, StateType::Success);
    }
    rig.stop().await;
    let said: Vec<_> = rig
        .texts()
        .await
        .into_iter()
        .map(|(_, text)| text)
        .filter(|text| text == "found")
        .collect();
    assert_eq!(
        said.len(),
        1,
        "the second execution found what the first had made"
    );
}
