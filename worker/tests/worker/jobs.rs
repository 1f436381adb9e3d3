use flowmill_backends::queue::{Message, Topic};
use flowmill_backends::repo::metrics::Metrics;
use flowmill_common::log::Level;
use flowmill_common::{EventKind, StateType};
use futures::TryStreamExt;
use serde_json::json;

use crate::rig::{PARTITIONS, Rig, inline, job};

const RETURN: &str = "io.kestra.plugin.core.debug.Return";
const SLEEP: &str = "io.kestra.plugin.core.flow.Sleep";

#[tokio::test]
async fn a_job_gives_its_outputs_its_log_and_its_measurements_and_leaves_nothing_behind() {
    let mut rig = Rig::new().await;
    rig.send(&job(json!({"id": "a", "type": RETURN, "format": "hello"})))
        .await;
    let finished = rig.finished().await;
    assert_eq!(
        (finished.state, inline(&finished.outputs)),
        (StateType::Success, json!({"value": "hello"}))
    );
    assert_eq!((finished.run.as_str(), finished.dispatch), ("r1", 1));
    rig.stop().await;
    assert_eq!(rig.texts().await, [(Level::Debug, "hello".to_owned())]);
    let measured = Metrics::new(rig.store.clone(), PARTITIONS)
        .of_execution(&"x1".into())
        .await
        .unwrap();
    let names: Vec<_> = measured[0]
        .metrics
        .iter()
        .map(|metric| metric.name.as_str())
        .collect();
    assert_eq!(names, ["length", "duration"]);
    assert_eq!(rig.left_over(), 0);
}

#[tokio::test]
async fn a_job_that_is_over_soon_is_reported_once_and_a_longer_one_when_it_begins_too() {
    let mut rig = Rig::new().await;
    let mut long = job(json!({"type": SLEEP, "duration": "PT1H"}));
    long.run = "long".into();
    rig.send(&long).await;
    let event = rig.event().await;
    let EventKind::TaskStarted(started) = event.kind else {
        panic!("{event:?}")
    };
    assert_eq!(started.run.as_str(), "long");
    rig.send(&job(json!({"type": RETURN}))).await;
    let event = rig.event().await;
    assert!(
        matches!(event.kind, EventKind::TaskFinished(_)),
        "{event:?}"
    );
    rig.kill(&long).await;
    assert_eq!(rig.finished().await.state, StateType::Killed);
}

#[tokio::test]
async fn a_failure_is_logged_before_it_is_reported() {
    let mut rig = Rig::new().await;
    let mut wrong = job(json!({"type": RETURN, "formatt": "x"}));
    rig.send(&wrong).await;
    assert_eq!(rig.finished().await.state, StateType::Failed);
    let lines = rig.texts().await;
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].0, Level::Error);
    assert!(
        lines[0].1.contains("unknown property `formatt`"),
        "{}",
        lines[0].1
    );
    wrong.task_type = "io.kestra.plugin.nothing".into();
    rig.send(&wrong).await;
    assert_eq!(rig.finished().await.state, StateType::Failed);
}

#[tokio::test]
async fn a_killed_task_ends_killed_also_when_the_kill_came_first() {
    let mut rig = Rig::new().await;
    let mut first = job(json!({"type": SLEEP, "duration": "PT1H"}));
    rig.send(&first).await;
    rig.started().await;
    rig.kill(&first).await;
    assert_eq!(rig.finished().await.state, StateType::Killed);
    first.run = "r2".into();
    rig.kill(&first).await;
    // the control topic is not ordered with the jobs: a first job shows that the kill has arrived
    let mut probe = job(json!({"type": SLEEP, "duration": "PT1H"}));
    probe.run = "probe".into();
    rig.send(&probe).await;
    rig.started().await;
    rig.kill(&probe).await;
    assert_eq!(rig.finished().await.run.as_str(), "probe");
    rig.send(&first).await;
    let finished = rig.finished().await;
    assert_eq!(
        (finished.run.as_str(), finished.state),
        ("r2", StateType::Killed)
    );
}

#[tokio::test]
async fn a_task_that_takes_longer_than_its_timeout_fails_and_says_so() {
    let mut rig = Rig::new().await;
    let mut slow = job(json!({"type": SLEEP, "duration": "PT1H"}));
    slow.timeout = Some("PT0.05S".into());
    rig.send(&slow).await;
    assert_eq!(rig.finished().await.state, StateType::Failed);
    assert_eq!(
        rig.texts().await,
        [(Level::Error, "Timeout after 00:00:00.050".to_owned())]
    );
    slow.run = "r2".into();
    slow.timeout = Some("soon".into());
    rig.send(&slow).await;
    assert_eq!(rig.finished().await.state, StateType::Failed);
    assert!(
        rig.texts().await[1]
            .1
            .contains("`timeout`: `soon` is not an ISO-8601 duration")
    );
}

#[tokio::test]
async fn the_same_dispatch_twice_is_run_once() {
    let mut rig = Rig::new().await;
    let sleeping = job(json!({"type": SLEEP, "duration": "PT1H"}));
    rig.send(&sleeping).await;
    rig.started().await;
    rig.send(&sleeping).await;
    let mut after = job(json!({"type": RETURN}));
    after.run = "after".into();
    rig.send(&after).await;
    assert_eq!(rig.finished().await.run.as_str(), "after");
    rig.kill(&sleeping).await;
    assert_eq!(rig.finished().await.state, StateType::Killed);
    rig.stop().await;
}

#[tokio::test]
async fn a_shutdown_waits_for_what_is_at_work() {
    let mut rig = Rig::new().await;
    rig.send(&job(json!({"type": SLEEP, "duration": "PT0.2S"})))
        .await;
    rig.started().await;
    rig.stop().await;
    assert_eq!(rig.finished().await.state, StateType::Success);
}

#[tokio::test]
async fn what_does_not_end_within_the_grace_of_a_shutdown_goes_back_to_the_queue_unreported() {
    let config = flowmill_worker::Config {
        shutdown_grace: std::time::Duration::ZERO,
        ..Default::default()
    };
    let mut rig = Rig::with(config).await;
    rig.send(&job(json!({"type": SLEEP, "duration": "PT1H"})))
        .await;
    rig.started().await;
    rig.stop().await;
    let mut jobs = rig
        .queue
        .consume(&Topic::Jobs("default".into()), 1)
        .await
        .unwrap();
    let delivery = tokio::time::timeout(crate::rig::LONG, jobs.next())
        .await
        .unwrap()
        .unwrap();
    assert!(delivery.redelivered);
}

#[tokio::test]
async fn large_outputs_go_to_a_file() {
    let mut rig = Rig::new().await;
    rig.send(&job(json!({"type": RETURN, "format": "x".repeat(100_000)})))
        .await;
    let finished = rig.finished().await;
    let flowmill_common::execution::Outputs::Stored { path, bytes } = finished.outputs else {
        panic!()
    };
    assert!(
        path.starts_with("company/team/flow/executions/x1/tasks/task/r1/"),
        "{path}"
    );
    let chunks: Vec<bytes::Bytes> = rig
        .files
        .get(&path, None)
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(chunks.concat().len() as u64, bytes);
    let value: serde_json::Value = serde_json::from_slice(&chunks.concat()).unwrap();
    assert_eq!(value["value"].as_str().unwrap().len(), 100_000);
}

#[tokio::test]
async fn a_job_that_cannot_be_read_is_put_aside() {
    let mut rig = Rig::new().await;
    let message = Message {
        id: "bad".into(),
        body: "{".into(),
    };
    rig.queue
        .publish(&Topic::Jobs("default".into()), vec![message])
        .await
        .unwrap();
    rig.send(&job(json!({"type": RETURN}))).await;
    assert_eq!(rig.finished().await.state, StateType::Success);
}
