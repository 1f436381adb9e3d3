//! What a job costs, for whoever wants to know: `cargo test --release -p flowmill-worker --test worker -- --ignored --nocapture bench`.

use serde_json::json;

use crate::rig::{Rig, job};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures; run by hand"]
async fn a_job_from_the_queue_to_its_event() {
    let mut rig = Rig::new().await;
    let mut task = job(json!({"type": "io.kestra.plugin.core.debug.Return", "format": "x"}));
    let count = 5_000_u32;
    let start = std::time::Instant::now();
    for number in 0..count {
        task.run = format!("r{number}").into();
        rig.send(&task).await;
        rig.finished().await;
    }
    let each = start.elapsed() / count;
    assert!(each.as_millis() < 5, "{each:?} for each job");
    say(each);
}

#[allow(clippy::print_stderr, reason = "that is what it is for")]
fn say(each: std::time::Duration) {
    eprintln!("{each:?} for each job, one after the other");
}
