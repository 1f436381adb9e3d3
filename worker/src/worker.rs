//! The service: takes jobs, keeps count of them, and lets go of them at the end.

use std::sync::Arc;
use std::time::Duration;

use flowmill_backends::queue::{Consumer, Delivery, Message, Receipt, Topic};
use flowmill_backends::repo::claims::Claims;
use flowmill_backends::repo::logs::Logs;
use flowmill_backends::repo::members::Members;
use flowmill_backends::{Error, Files, Kind, Queue, Result, Store, breakpoint};
use flowmill_common::event::{TaskFinished, TaskLost, TaskStarted};
use flowmill_common::job::Control;
use flowmill_common::{EventKind, Job};
use flowmill_expression::Engine;
use flowmill_tasks::Catalogue;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::attempt::{self, Attempt, Ended};
use crate::config::Config;
use crate::facts::Sources;
use crate::logs::{LogSink, Target};
use crate::membership::{Membership, Right};
use crate::results::{now, report};
use crate::running::{Handle, Running};
use crate::variables::Variables;
use crate::workspace::Workspace;
use crate::{group, measure};
use flowmill_common::secrets::Secrets;

/// How many kill requests wait at most.
const CONTROL_PREFETCH: u16 = 1024;

/// How long a job waits for room here before another worker may have it.
const HOLD: Duration = Duration::from_secs(1);

/// What the worker is put together from.
#[derive(Clone)]
pub struct Parts {
    /// Keeps logs and measurements.
    pub store: Arc<dyn Store>,
    /// Brings jobs and takes events.
    pub queue: Arc<dyn Queue>,
    /// Keeps the files of executions.
    pub files: Arc<dyn Files>,
    /// The task types.
    pub catalogue: Arc<Catalogue>,
    /// The settings of tasks.
    pub tasks: Arc<flowmill_tasks::Config>,
    /// Renders templates.
    pub engine: Arc<Engine>,
    /// The secrets that expressions may ask for.
    pub secrets: Arc<Secrets>,
    /// How many partitions the store was made for.
    pub partitions: u16,
}

/// The worker.
pub struct Worker {
    shared: Arc<Shared>,
}

/// What all jobs share.
pub(crate) struct Shared {
    pub(crate) parts: Parts,
    pub(crate) config: Config,
    /// The name under which it reports.
    pub(crate) name: Arc<str>,
    pub(crate) workspace: Workspace,
    pub(crate) running: Running,
    pub(crate) sink: LogSink,
    pub(crate) sources: Arc<Sources>,
    /// Room for jobs.
    slots: Semaphore,
    /// Its place among others; none when it is alone with its queue.
    membership: Option<Membership>,
    /// Fires when even results are no longer waited for.
    pub(crate) give_up: CancellationToken,
}

impl Worker {
    /// A worker that is alone with its queue in one process. `Invalid` when no working directories can be made.
    pub fn new(parts: Parts, config: Config) -> Result<Self> {
        Self::with_membership(parts, config, None)
    }

    /// A worker of a cluster. It reports under the id, which must be new with each start: it shows that it is alive, and claims each job
    /// before it begins.
    pub fn in_cluster(parts: Parts, config: Config, id: String) -> Result<Self> {
        let members = Members::new(parts.store.clone());
        let claims = Claims::new(parts.store.clone());
        let host = host_name();
        let membership = Membership::new(id.clone(), host, &config, members, claims);
        let config = Config {
            name: Some(id),
            ..config
        };
        Self::with_membership(parts, config, Some(membership))
    }

    fn with_membership(
        parts: Parts,
        config: Config,
        membership: Option<Membership>,
    ) -> Result<Self> {
        let temporary = config
            .temporary_directory
            .clone()
            .unwrap_or_else(std::env::temp_dir);
        let workspace = Workspace::open(&temporary).map_err(|error| {
            let message = format!(
                "no working directories can be made in `{}`",
                temporary.display()
            );
            Error::with_source(Kind::Invalid, message, error)
        })?;
        let sources = Sources {
            files: parts.files.clone(),
            logs: Logs::new(parts.store.clone(), parts.partitions),
            secrets: parts.secrets.clone(),
            largest_read: config.largest_read.get(),
        };
        let name = config
            .name
            .clone()
            .unwrap_or_else(|| format!("{}-{}", host_name(), std::process::id()));
        let shared = Shared {
            name: name.into(),
            workspace,
            running: Running::default(),
            sink: LogSink::new(config.logs.clone()),
            sources: Arc::new(sources),
            slots: Semaphore::new(usize::from(config.slots.max(1))),
            membership,
            give_up: CancellationToken::new(),
            parts,
            config,
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Runs jobs until `shutdown`. Then takes no more, lets those at work finish for a while, hands back what is not finished, and
    /// stores the last log lines. Ends earlier only when the queue is closed.
    pub async fn run(self, shutdown: CancellationToken) -> Result<()> {
        let shared = self.shared;
        let queue = &shared.parts.queue;
        if let Some(membership) = &shared.membership {
            membership.appear().await?;
        }
        let is_over = CancellationToken::new();
        let beats = tokio::spawn(beat(shared.clone(), is_over.clone()));
        let mut control = queue.consume(&Topic::Control, CONTROL_PREFETCH).await?;
        let mut jobs = queue
            .consume(
                &Topic::Jobs(shared.config.group.clone()),
                shared.config.slots.max(1),
            )
            .await?;
        let no_more_lines = CancellationToken::new();
        let target = Target {
            store: shared.parts.store.clone(),
            queue: queue.clone(),
            partitions: shared.parts.partitions,
        };
        let sink = tokio::spawn(shared.sink.clone().run(target, no_more_lines.clone()));
        let mut work = JoinSet::new();
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                delivery = jobs.next() => match delivery {
                    Some(delivery) => { work.spawn(handle(shared.clone(), delivery)); }
                    None => break,
                },
                Some(delivery) = control.next() => obey(&shared.running, delivery),
                Some(_) = work.join_next(), if !work.is_empty() => {}
            }
        }
        drain(&shared, &mut *control, &mut work).await;
        // its deliveries go back only now: those at work must not be given to others
        drop(jobs);
        is_over.cancel();
        if let Err(error) = beats.await {
            tracing::error!(%error, "the beat of the worker ended by a defect");
        }
        if let Some(membership) = &shared.membership {
            membership.leave().await;
        }
        no_more_lines.cancel();
        if let Err(error) = sink.await {
            tracing::error!(%error, "the log writer ended by a defect");
        }
        Ok(())
    }
}

async fn beat(shared: Arc<Shared>, is_over: CancellationToken) {
    if let Some(membership) = &shared.membership {
        membership
            .beat(&shared.config, &shared.running, &is_over)
            .await;
    }
}

/// Waits for the jobs at work; after the grace they are handed back.
async fn drain(shared: &Arc<Shared>, control: &mut dyn Consumer, work: &mut JoinSet<()>) {
    let Config {
        shutdown_grace,
        stop_grace,
        ..
    } = shared.config;
    if !work.is_empty() {
        tracing::info!(jobs = work.len(), "waiting for tasks at work");
    }
    if !finished_within(shutdown_grace, shared, control, work).await {
        tracing::info!(jobs = work.len(), "handing tasks back to the queue");
        shared.running.hand_back();
        shared.give_up.cancel();
        if !finished_within(stop_grace + Duration::from_secs(5), shared, control, work).await {
            tracing::warn!(jobs = work.len(), "tasks that do not stop are abandoned");
            work.shutdown().await;
        }
    }
}

async fn finished_within(
    longest: Duration,
    shared: &Arc<Shared>,
    control: &mut dyn Consumer,
    work: &mut JoinSet<()>,
) -> bool {
    let mut over = std::pin::pin!(tokio::time::sleep(longest));
    while !work.is_empty() {
        tokio::select! {
            Some(_) = work.join_next() => {}
            Some(delivery) = control.next() => obey(&shared.running, delivery),
            () = &mut over => return false,
        }
    }
    true
}

fn obey(running: &Running, delivery: Delivery) {
    match serde_json::from_slice(&delivery.message.body) {
        Ok(Control::Kill { run, dispatch }) => running.kill(&run, dispatch),
        Err(error) => tracing::warn!(%error, "an unreadable control message"),
    }
    delivery.receipt.acknowledge();
}

/// One job, from its delivery to its acknowledgement.
async fn handle(shared: Arc<Shared>, delivery: Delivery) {
    let Delivery {
        message, receipt, ..
    } = delivery;
    let Some(_slot) = slot(&shared).await else {
        return hand_on(&shared, message, receipt).await;
    };
    let job: Arc<Job> = match serde_json::from_slice(&message.body) {
        Ok(job) => Arc::new(job),
        Err(error) => return receipt.dead_letter(&format!("the job cannot be read: {error}")),
    };
    drop(message);
    let Some(handle) = shared.running.begin(&job) else {
        tracing::debug!(run = %job.run, dispatch = job.dispatch, "the job is at work here already");
        return receipt.acknowledge();
    };
    let mut receipt = Some(receipt);
    breakpoint("worker.before-claim");
    let done = match claim(&shared, &job).await {
        None => {
            breakpoint("worker.after-claim");
            let work = Box::pin(work(&shared, &job, &handle));
            acknowledged_in_time(&shared, &mut receipt, work).await
        }
        Some(done) => done,
    };
    shared.running.end(&job.run, &handle);
    let done = match done {
        Done::NotDone if shared.membership.is_some() => {
            lost(&shared, &job, "the worker gave it up".to_owned()).await
        }
        done => done,
    };
    match (done, receipt) {
        (Done::Reported, Some(receipt)) => receipt.acknowledge(),
        (Done::NotDone, Some(receipt)) => receipt.requeue(),
        // acknowledged before; the executors look after what belonged to a worker that has left
        (Done::Reported | Done::NotDone, None) => {}
    }
}

/// Whether a delivery is done with.
enum Done {
    /// The executor knows what became of the job, or will hear it from whom it belongs to.
    Reported,
    /// Somebody shall do it.
    NotDone,
}

/// Room for a job. The queue gives no more jobs than there is room for, but for those that were acknowledged while they run: none
/// when there was no room for a while.
async fn slot(shared: &Shared) -> Option<SemaphorePermit<'_>> {
    let slot = tokio::time::timeout(HOLD, shared.slots.acquire()).await;
    slot.ok()?.ok()
}

/// Gives a job to whoever has room: back into the queue as if it were new, since RabbitMQ counts what is merely given back.
async fn hand_on(shared: &Shared, message: Message, receipt: Box<dyn Receipt>) {
    let topic = Topic::Jobs(shared.config.group.clone());
    match shared.parts.queue.publish(&topic, vec![message]).await {
        Ok(()) => receipt.acknowledge(),
        Err(error) => {
            tracing::warn!(%error, "a job waits for a worker that has room");
            receipt.requeue();
        }
    }
}

/// Works, and acknowledges the delivery when that takes long.
async fn acknowledged_in_time(
    shared: &Shared,
    receipt: &mut Option<Box<dyn Receipt>>,
    work: impl Future<Output = Done>,
) -> Done {
    let mut work = std::pin::pin!(work);
    if shared.membership.is_some() {
        tokio::select! {
            done = &mut work => return done,
            () = tokio::time::sleep(shared.config.acknowledge_after) => {
                if let Some(receipt) = receipt.take() {
                    receipt.acknowledge();
                }
            }
        }
    }
    work.await
}

/// Claims the job in a cluster. None when it may begin.
async fn claim(shared: &Shared, job: &Job) -> Option<Done> {
    let membership = shared.membership.as_ref()?;
    match membership.claim(job, &shared.give_up).await {
        Ok(Some(Right::Begin)) => None,
        Ok(Some(Right::Leave)) => Some(Done::Reported),
        Ok(Some(Right::Lost(worker))) => {
            tracing::warn!(run = %job.run, dispatch = job.dispatch, worker, "a worker is gone, its task runs again");
            Some(lost(shared, job, format!("worker {worker} is gone")).await)
        }
        Ok(None) => Some(Done::NotDone),
        Err(error) => {
            tracing::error!(run = %job.run, %error, "a job cannot be claimed");
            Some(Done::NotDone)
        }
    }
}

/// Tells the executor that a dispatch came to nothing: it sends the task again.
async fn lost(shared: &Shared, job: &Job, reason: String) -> Done {
    let kind = EventKind::TaskLost(TaskLost {
        run: job.run.clone(),
        dispatch: job.dispatch,
        reason,
    });
    match report(&*shared.parts.queue, job, now(), kind, &shared.give_up).await {
        true => Done::Reported,
        false => Done::NotDone,
    }
}

async fn work(shared: &Shared, job: &Arc<Job>, handle: &Handle) -> Done {
    let started = now();
    measure::started(&job.task_type, started.since(job.at));
    let ended = {
        let run = Box::pin(ended(shared, job, handle, started));
        // most tasks are over before anybody could see that they began; for others it is said while they run
        let say_started = async {
            tokio::time::sleep(shared.config.report_start_after).await;
            let kind = EventKind::TaskStarted(TaskStarted {
                run: job.run.clone(),
                dispatch: job.dispatch,
                worker: shared.name.clone(),
            });
            report(&*shared.parts.queue, job, started, kind, &shared.give_up).await;
            std::future::pending::<std::convert::Infallible>().await
        };
        tokio::select! {
            ended = run => ended,
            never = say_started => match never {},
        }
    };
    measure::ended(
        &job.task_type,
        ended.as_ref().map(|ended| ended.state),
        now().since(started),
    );
    let Some(Ended { state, outputs }) = ended else {
        return Done::NotDone;
    };
    let finished = TaskFinished {
        run: job.run.clone(),
        dispatch: job.dispatch,
        worker: shared.name.clone(),
        started,
        state,
        outputs,
    };
    let kind = EventKind::TaskFinished(Box::new(finished));
    breakpoint("worker.before-result");
    let done = match report(&*shared.parts.queue, job, now(), kind, &shared.give_up).await {
        true => Done::Reported,
        false => Done::NotDone,
    };
    breakpoint("worker.after-result");
    done
}

async fn ended(
    shared: &Shared,
    job: &Arc<Job>,
    handle: &Handle,
    started: flowmill_common::Timestamp,
) -> Option<Ended> {
    let variables = match attempt::resolved(shared, Variables::new(job.variables.clone())).await {
        Ok(variables) => variables,
        Err(message) => return Some(attempt::hopeless(started, shared, job, message)),
    };
    let directory = shared.workspace.directory();
    let attempt = Attempt::new(shared, job.clone(), variables, &directory, handle);
    if job.children.is_empty() {
        attempt.run().await
    } else {
        group::run(&attempt).await
    }
}

fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    if name.trim().is_empty() {
        "worker".into()
    } else {
        name.trim().into()
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// What a worker shares, over embedded backends in this folder.
    pub(crate) fn shared(folder: &std::path::Path) -> Arc<Shared> {
        use flowmill_backends::files::local::LocalFiles;
        use flowmill_backends::queue::in_process::{self, InProcessQueue};
        use flowmill_backends::store::embedded::{self, EmbeddedStore};
        let store = EmbeddedStore::open(folder.join("store"), &embedded::Config::default());
        let parts = Parts {
            store: Arc::new(store.expect("the folder can be written")),
            queue: Arc::new(InProcessQueue::new(in_process::Config::default())),
            files: Arc::new(
                LocalFiles::open(folder.join("files")).expect("the folder can be written"),
            ),
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
        Worker::new(parts, config).expect("it can be made").shared
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
}
