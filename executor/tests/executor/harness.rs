//! A store, a queue, flows of made-up tasks, executors, and a worker in the hands of the test.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use flowmill_backends::files::local::LocalFiles;
use flowmill_backends::queue::in_process::InProcessQueue;
use flowmill_backends::queue::{Consumer, Delivery, Message, Topic};
use flowmill_backends::repo::executions::Executions;
use flowmill_backends::repo::flows::{Draft, Expect, FlowCache, Flows};
use flowmill_backends::repo::members::{Member, Members, Role};
use flowmill_backends::store::embedded::EmbeddedStore;
use flowmill_backends::store::{Batch, Entry, RangeOptions};
use flowmill_backends::{Error, Kind, Queue, Result, Store};
use flowmill_common::compile::{Catalogue, Options, Placement, PropertyProblem, TaskType};
use flowmill_common::event::TaskFinished;
use flowmill_common::execution::{Header, Outputs, Progress, empty_object};
use flowmill_common::flow::Place;
use flowmill_common::id::partition_of;
use flowmill_common::inline::{
    ExecutionUpdate, InlineDone, InlineResult, InlineTasks, Scope, UpdateResult,
};
use flowmill_common::job::{Changed, Job};
use flowmill_common::{Event, EventKind, Execution, ExecutionId, State, StateType, Timestamp};
use flowmill_executor::{Config, Executor, Ownership, Parts, Recovery};
use flowmill_expression::Engine;
use flowmill_scheduler::Settings;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) const PARTITIONS: u16 = 4;

/// One machine: its disk, its queue, its flows.
pub(crate) struct Machine {
    pub(crate) store: Arc<Switchable>,
    pub(crate) queue: Arc<InProcessQueue>,
    flows: Arc<FlowCache>,
    directory: TempDir,
}

/// An executor at work.
pub(crate) struct Running {
    pub(crate) shutdown: CancellationToken,
    pub(crate) task: JoinHandle<Result<()>>,
}

impl Machine {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store =
            EmbeddedStore::open(directory.path().join("store"), &Default::default()).unwrap();
        let store = Arc::new(Switchable {
            inner: Arc::new(store),
            off: AtomicBool::new(false),
        });
        let queue = Arc::new(InProcessQueue::new(Default::default()));
        let flows = Arc::new(FlowCache::new(
            Flows::new(store.clone()),
            Arc::new(AnyTask),
            Options::default(),
        ));
        Self {
            store,
            queue,
            flows,
            directory,
        }
    }

    /// The process dies and another one starts: what was in memory is gone, what is in the store stays.
    pub(crate) fn with_new_queue(&mut self) {
        self.queue = Arc::new(InProcessQueue::new(Default::default()));
    }

    pub(crate) fn start(&self, ownership: Ownership, recovery: Recovery) -> Running {
        let files = LocalFiles::open(self.directory.path().join("files")).unwrap();
        let parts = Parts {
            store: self.store.clone(),
            queue: self.queue.clone(),
            files: Arc::new(files),
            flows: self.flows.clone(),
            engine: Arc::new(Engine::new(Default::default())),
            tasks: Arc::new(Inline),
            settings: Arc::new(Settings::default()),
            secrets: Arc::default(),
            partitions: PARTITIONS,
            recovery,
            ownership,
        };
        let config = Config {
            beat_milliseconds: 20,
            executor_lease_milliseconds: 200,
            worker_lease_milliseconds: 400,
            ..Config::default()
        };
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(Executor::new(parts, config).run(shutdown.clone()));
        Running { shutdown, task }
    }

    pub(crate) fn start_alone(&self) -> Running {
        self.start(Ownership::All, Recovery::Redispatch)
    }

    pub(crate) async fn save(&self, yaml: &str) {
        let compiled = self.flows.compile(yaml, 1).await.unwrap();
        let flow = &compiled.flow;
        let draft = Draft {
            namespace: &flow.namespace,
            id: &flow.id,
            source: yaml,
            disabled: flow.disabled,
            description: flow.description.as_deref(),
            labels: &flow.labels,
        };
        Flows::new(self.store.clone())
            .save(&draft, Expect::Any, Timestamp::default())
            .await
            .unwrap();
    }

    /// Asks for an execution of the flow `a.b.f`.
    pub(crate) async fn create(&self, id: &str) -> ExecutionId {
        let header = header(id);
        let id = header.id.clone();
        self.send(&id, EventKind::Created(Box::new(header))).await;
        id
    }

    pub(crate) async fn send(&self, id: &ExecutionId, kind: EventKind) {
        let event = Event {
            execution: id.clone(),
            at: jiff::Timestamp::now().into(),
            kind,
        };
        let message = Message {
            id: id.to_string(),
            body: serde_json::to_vec(&event).unwrap().into(),
        };
        self.queue
            .publish(&self.topic(id), vec![message])
            .await
            .unwrap();
    }

    pub(crate) fn topic(&self, id: &ExecutionId) -> Topic {
        Topic::Events(partition_of(id.as_str(), PARTITIONS))
    }

    pub(crate) async fn jobs(&self) -> Box<dyn Consumer> {
        self.queue
            .consume(&Topic::Jobs("default".into()), 1000)
            .await
            .unwrap()
    }

    pub(crate) async fn changes(&self) -> Box<dyn Consumer> {
        self.queue.consume(&Topic::Changes, 1000).await.unwrap()
    }

    pub(crate) async fn execution(&self, id: &ExecutionId) -> Option<Execution> {
        Executions::new(self.store.clone(), PARTITIONS)
            .load(id)
            .await
            .unwrap()
    }

    /// Answers a job with success.
    pub(crate) async fn succeed(&self, job: &Job, worker: &str) {
        let finished = TaskFinished {
            run: job.run.clone(),
            dispatch: job.dispatch,
            worker: worker.into(),
            started: job.at,
            state: StateType::Success,
            outputs: Outputs::inline(json!({"by": worker})),
        };
        self.send(&job.execution, EventKind::TaskFinished(Box::new(finished)))
            .await;
    }

    /// A worker shows that it is alive.
    pub(crate) async fn beat(&self, worker: &str, beat: u64) {
        let member = Member {
            id: worker.into(),
            role: Role::Worker,
            beat,
            host: "test".into(),
            version: "0".into(),
            groups: Vec::new(),
            slots: 1,
        };
        Members::new(self.store.clone())
            .beat(&member)
            .await
            .unwrap();
    }
}

/// The next job, and the right to settle it.
pub(crate) async fn next_job(jobs: &mut dyn Consumer) -> (Job, Delivery) {
    let delivery = within(jobs.next()).await.expect("the queue is open");
    (
        serde_json::from_slice(&delivery.message.body).unwrap(),
        delivery,
    )
}

/// Waits until watchers are told that this execution has ended.
pub(crate) async fn ended(changes: &mut dyn Consumer, id: &ExecutionId) {
    loop {
        let delivery = within(changes.next()).await.expect("the queue is open");
        let changes: Vec<Changed> = serde_json::from_slice(&delivery.message.body).unwrap();
        delivery.receipt.acknowledge();
        let mut own = changes.iter().filter(|changed| changed.execution == *id);
        if own.any(|changed| changed.ended) {
            return;
        }
    }
}

/// A bound for what must happen, not a wait.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future)
        .await
        .expect("it happens in time")
}

pub(crate) fn member(id: &str) -> Ownership {
    Ownership::Shared(Member {
        id: id.into(),
        role: Role::Executor,
        beat: 0,
        host: "test".into(),
        version: "0".into(),
        groups: Vec::new(),
        slots: 0,
    })
}

fn header(id: &str) -> Header {
    let at: Timestamp = jiff::Timestamp::now().into();
    Header {
        id: id.into(),
        namespace: "a.b".into(),
        flow_id: "f".into(),
        flow_revision: 1,
        state: State::created(at),
        inputs: empty_object(),
        outputs: empty_object(),
        labels: Arc::default(),
        variables: empty_object(),
        trigger: None,
        parent_id: None,
        original_id: id.into(),
        schedule_date: None,
        attempt_number: 1,
        original_created: at,
        progress: Progress::default(),
        error: None,
        created_runs: 0,
        retrying_runs: 0,
        version: 0,
    }
}

/// A store that can be switched off.
pub(crate) struct Switchable {
    inner: Arc<EmbeddedStore>,
    pub(crate) off: AtomicBool,
}

impl Switchable {
    fn check(&self) -> Result<()> {
        if self.off.load(Ordering::SeqCst) {
            return Err(Error::new(Kind::Unavailable, "the store is switched off"));
        }
        Ok(())
    }
}

#[async_trait]
impl Store for Switchable {
    async fn get(&self, key: &str) -> Result<Option<Bytes>> {
        self.check()?;
        self.inner.get(key).await
    }

    async fn range(&self, from: &str, to: &str, options: RangeOptions) -> Result<Vec<Entry>> {
        self.check()?;
        self.inner.range(from, to, options).await
    }

    async fn commit(&self, batch: Batch) -> Result<()> {
        self.check()?;
        self.inner.commit(batch).await
    }
}

/// `test.Inline` runs in the executor, everything else on a worker.
struct AnyTask;

impl Catalogue for AnyTask {
    fn resolve(&self, written: &str) -> Option<TaskType> {
        let place = if written == "test.Inline" {
            Place::Executor
        } else {
            Place::Worker
        };
        Some(TaskType {
            name: Cow::Owned(written.to_owned()),
            placement: Placement::Runnable(place),
        })
    }

    fn property_names(&self, _task_type: &str) -> Option<Vec<Cow<'static, str>>> {
        None
    }

    fn check(&self, _task_type: &str, _properties: &Map<String, Value>) -> Vec<PropertyProblem> {
        Vec::new()
    }

    fn type_names(&self) -> Vec<Cow<'static, str>> {
        Vec::new()
    }
}

struct Inline;

impl InlineTasks for Inline {
    fn run(&self, _: &str, _: &Arc<Map<String, Value>>, _: &Scope<'_>) -> InlineResult {
        InlineResult::Done(InlineDone::default())
    }

    fn update(&self, _: &str, _: &Arc<Map<String, Value>>, _: &Scope<'_>) -> UpdateResult {
        UpdateResult::Done(ExecutionUpdate::Labels(Vec::new()))
    }
}
