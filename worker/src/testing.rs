//! For unit tests: what a worker shares, and a job.

use std::sync::Arc;

use flowmill_backends::files::local::LocalFiles;
use flowmill_backends::queue::in_process::{self, InProcessQueue};
use flowmill_backends::store::embedded::{self, EmbeddedStore};
use flowmill_common::Job;
use flowmill_expression::Engine;

use crate::config::Config;
use crate::results::now;
use crate::worker::{Parts, Shared, Worker};

/// What a worker shares, over embedded backends in this folder.
pub(crate) fn shared(folder: &std::path::Path) -> Arc<Shared> {
    let store = EmbeddedStore::open(folder.join("store"), &embedded::Config::default());
    let parts = Parts {
        store: Arc::new(store.expect("the folder can be written")),
        queue: Arc::new(InProcessQueue::new(in_process::Config::default())),
        files: Arc::new(LocalFiles::open(folder.join("files")).expect("the folder can be written")),
        catalogue: Arc::default(),
        tasks: Arc::default(),
        engine: Arc::new(Engine::new(flowmill_expression::Options::default())),
        secrets: Arc::default(),
        partitions: 4,
    };
    let config = Config {
        temporary_directory: Some(folder.join("work")),
        ..Config::default()
    };
    Worker::new(parts, config).expect("it can be made").shared()
}

/// A job with these properties.
pub(crate) fn job(properties: serde_json::Value) -> Job {
    let task_type = properties
        .get("type")
        .and_then(serde_json::Value::as_str)
        .unwrap_or("none")
        .to_owned();
    Job {
        execution: "x1".into(),
        partition: 0,
        namespace: "company.team".into(),
        flow_id: "my_Flow".into(),
        flow_revision: 1,
        run: "r1".into(),
        dispatch: 1,
        attempt: 0,
        task_id: "task".into(),
        task_type: task_type.into(),
        value: None,
        loop_values: Vec::new(),
        iteration: None,
        properties: Arc::new(properties.as_object().cloned().unwrap_or_default()),
        timeout: None,
        log_level: flowmill_common::log::Level::Trace,
        variables: Arc::new(serde_json::json!({})),
        children: Vec::new(),
        at: now(),
    }
}
