use flowmill_backends::config::ByteSize;
use flowmill_common::StateType;
use flowmill_common::log::Level;
use flowmill_worker::Config;
use serde_json::json;

use crate::rig::{Rig, job};

const LOG: &str = "io.kestra.plugin.core.log.Log";
const RETURN: &str = "io.kestra.plugin.core.debug.Return";

#[tokio::test]
async fn a_storm_of_lines_is_cut_and_the_end_of_the_log_says_what_is_missing() {
    let mut config = Config::default();
    config.logs.per_attempt = ByteSize::bytes(10 << 10);
    let mut rig = Rig::with(config).await;
    rig.send(&job(
        json!({"type": LOG, "message": vec!["x".repeat(100); 1000]}),
    ))
    .await;
    assert_eq!(rig.finished().await.state, StateType::Success);
    rig.stop().await;
    let lines = rig.texts().await;
    assert_eq!(lines.len(), 104);
    assert_eq!(
        lines[103],
        (
            Level::Warn,
            "898 lines (89800 bytes) of the log were dropped: it is longer than 10KiB".into()
        )
    );
}

#[tokio::test]
async fn secrets_are_masked_and_lines_below_the_level_are_not_kept() {
    let mut rig = Rig::new().await;
    let mut task = job(json!({"type": LOG, "message": ["say hush-hush twice: hush-hush", "x"]}));
    rig.send(&task).await;
    rig.finished().await;
    task.run = "r2".into();
    task.log_level = Level::Warn;
    rig.send(&task).await;
    rig.finished().await;
    rig.stop().await;
    let lines = rig.texts().await;
    assert_eq!(
        lines,
        [
            (Level::Info, "say ****** twice: ******".to_owned()),
            (Level::Info, "x".to_owned())
        ]
    );
}

#[tokio::test]
async fn outputs_beyond_the_limit_fail_the_task() {
    let config = Config {
        largest_outputs: ByteSize::bytes(1000),
        inline_outputs: ByteSize::bytes(100),
        ..Config::default()
    };
    let mut rig = Rig::with(config).await;
    rig.send(&job(json!({"type": RETURN, "format": "x".repeat(2000)})))
        .await;
    assert_eq!(rig.finished().await.state, StateType::Failed);
    let lines = rig.texts().await;
    assert!(
        lines.last().unwrap().1.contains("write a file instead"),
        "{lines:?}"
    );
}
