//! A worker with everything around it, in one process.

use std::sync::Arc;
use std::time::Duration;

use flowmill_backends::files::local::LocalFiles;
use flowmill_backends::queue::in_process::{self, InProcessQueue};
use flowmill_backends::queue::{Consumer, Message, Topic};
use flowmill_backends::repo::claims::put_offer;
use flowmill_backends::repo::logs::{Filter, Logs};
use flowmill_backends::store::Batch;
use flowmill_backends::store::embedded::{self, EmbeddedStore};
use flowmill_backends::{Files, Queue, Store};
use flowmill_common::event::{ChildFinished, TaskFinished};
use flowmill_common::execution::Outputs;
use flowmill_common::job::{ChildJob, Control, Job};
use flowmill_common::log::{Level, LogLine};
use flowmill_common::{Event, EventKind};
use flowmill_expression::{Engine, Options};
use flowmill_tasks::Catalogue;
use flowmill_worker::{Config, Parts, Secrets, Worker};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Longer than anything here takes on the slowest machine: a test that hangs fails by it.
pub(crate) const LONG: Duration = Duration::from_secs(60);
pub(crate) const PARTITIONS: u16 = 4;

pub(crate) struct Rig {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) queue: Arc<dyn Queue>,
    pub(crate) files: Arc<dyn Files>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) temporary: tempfile::TempDir,
    events: Box<dyn Consumer>,
    worker: JoinHandle<()>,
    _data: tempfile::TempDir,
}

impl Rig {
    pub(crate) async fn new() -> Self {
        Self::with(Config::default()).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        Self::of(config, None).await
    }

    /// A worker of a cluster, under this id.
    pub(crate) async fn in_cluster(id: &str) -> Self {
        Self::of(Config::default(), Some(id)).await
    }

    /// The same with these settings.
    pub(crate) async fn with_id(config: Config, id: &str) -> Self {
        Self::of(config, Some(id)).await
    }

    async fn of(config: Config, id: Option<&str>) -> Self {
        let data = tempfile::tempdir().unwrap();
        let temporary = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> =
            Arc::new(EmbeddedStore::open(data.path(), &embedded::Config::default()).unwrap());
        let files: Arc<dyn Files> = Arc::new(LocalFiles::open(data.path().join("files")).unwrap());
        let queue: Arc<dyn Queue> = Arc::new(InProcessQueue::new(in_process::Config::default()));
        let events = queue.consume(&Topic::Events(0), 1024).await.unwrap();
        let parts = Parts {
            store: store.clone(),
            queue: queue.clone(),
            files: files.clone(),
            catalogue: Arc::new(Catalogue::new()),
            tasks: Arc::new(flowmill_tasks::Config::default()),
            engine: Arc::new(Engine::new(Options::default())),
            secrets: Arc::new(Secrets::new([("TOKEN".into(), "hush-hush".into())])),
            partitions: PARTITIONS,
        };
        let config = Config {
            temporary_directory: Some(temporary.path().to_owned()),
            ..config
        };
        let shutdown = CancellationToken::new();
        let worker = match id {
            Some(id) => Worker::in_cluster(parts, config, id.to_owned()).unwrap(),
            None => Worker::new(parts, config).unwrap(),
        };
        let worker = tokio::spawn({
            let shutdown = shutdown.clone();
            async move { worker.run(shutdown).await.unwrap() }
        });
        Self {
            store,
            queue,
            files,
            shutdown,
            temporary,
            events,
            worker,
            _data: data,
        }
    }

    /// Sends a job as an executor does.
    pub(crate) async fn send(&self, job: &Job) {
        self.offer(job).await;
        self.send_copy(job).await;
    }

    /// Lets workers take the claim on a job.
    pub(crate) async fn offer(&self, job: &Job) {
        let mut batch = Batch::default();
        put_offer(&mut batch, job).unwrap();
        self.store.commit(batch).await.unwrap();
    }

    /// Sends the message of a job, and nothing else.
    pub(crate) async fn send_copy(&self, job: &Job) {
        let message = Message {
            id: job.run.as_str().to_owned(),
            body: serde_json::to_vec(job).unwrap().into(),
        };
        self.queue
            .publish(&Topic::Jobs("default".into()), vec![message])
            .await
            .unwrap();
    }

    pub(crate) async fn kill(&self, job: &Job) {
        let control = Control::Kill {
            run: job.run.clone(),
            dispatch: job.dispatch,
        };
        let message = Message {
            id: "kill".into(),
            body: serde_json::to_vec(&control).unwrap().into(),
        };
        self.queue
            .publish(&Topic::Control, vec![message])
            .await
            .unwrap();
    }

    /// The next event.
    pub(crate) async fn event(&mut self) -> Event {
        let delivery = tokio::time::timeout(LONG, self.events.next())
            .await
            .expect("an event comes")
            .unwrap();
        delivery.receipt.acknowledge();
        serde_json::from_slice(&delivery.message.body).unwrap()
    }

    /// The next end of a task; starts are passed over.
    pub(crate) async fn finished(&mut self) -> TaskFinished {
        loop {
            match self.event().await.kind {
                EventKind::TaskFinished(finished) => return *finished,
                EventKind::TaskStarted(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    pub(crate) async fn started(&mut self) {
        let event = self.event().await;
        assert!(matches!(event.kind, EventKind::TaskStarted(_)), "{event:?}");
    }

    pub(crate) async fn child(&mut self) -> ChildFinished {
        loop {
            match self.event().await.kind {
                EventKind::ChildFinished(finished) => return *finished,
                EventKind::TaskStarted(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Ends the worker, so that everything it knows is stored.
    pub(crate) async fn stop(&mut self) {
        self.shutdown.cancel();
        let worker = std::mem::replace(&mut self.worker, tokio::spawn(async {}));
        tokio::time::timeout(LONG, worker)
            .await
            .expect("the worker ends")
            .unwrap();
    }

    /// The log of the execution, with the levels.
    pub(crate) async fn log(&self) -> Vec<LogLine> {
        let logs = Logs::new(self.store.clone(), PARTITIONS);
        let mut reader = logs.read(&"x1".into(), Filter::default());
        let mut lines = Vec::new();
        while let Some(more) = reader.next().await.unwrap() {
            lines.extend(more);
        }
        lines
    }

    pub(crate) async fn texts(&self) -> Vec<(Level, String)> {
        self.log()
            .await
            .into_iter()
            .map(|line| (line.level, line.message))
            .collect()
    }

    /// What is left in the folder for temporary files.
    pub(crate) fn left_over(&self) -> usize {
        std::fs::read_dir(self.temporary.path()).unwrap().count()
    }
}

/// A job of a task with these properties, `type` among them.
pub(crate) fn job(properties: Value) -> Job {
    Job {
        execution: "x1".into(),
        partition: 0,
        namespace: "company.team".into(),
        flow_id: "flow".into(),
        flow_revision: 1,
        run: "r1".into(),
        dispatch: 1,
        attempt: 0,
        task_id: "task".into(),
        task_type: properties["type"].as_str().unwrap().into(),
        value: None,
        loop_values: Vec::new(),
        iteration: None,
        properties: Arc::new(properties.as_object().unwrap().clone()),
        timeout: None,
        log_level: Level::Trace,
        variables: Arc::new(json!({"flow": {"id": "flow"}})),
        children: Vec::new(),
        at: jiff::Timestamp::now().into(),
    }
}

pub(crate) fn child(id: &str, properties: Value) -> ChildJob {
    ChildJob {
        run: format!("run-{id}").into(),
        task_id: id.into(),
        task_type: properties["type"].as_str().unwrap().into(),
        run_if: properties
            .get("runIf")
            .and_then(Value::as_str)
            .map(Into::into),
        properties: Arc::new(properties.as_object().unwrap().clone()),
        timeout: None,
        allow_failure: false,
        allow_warning: false,
        log_level: Level::Trace,
    }
}

pub(crate) fn inline(outputs: &Outputs) -> Value {
    match outputs {
        Outputs::Inline(value) => (**value).clone(),
        Outputs::None => json!({}),
        Outputs::Stored { .. } => panic!("they are in a file"),
    }
}
