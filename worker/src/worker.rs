//! The service: takes jobs, keeps count of them, and lets go of them at the end.

use std::sync::Arc;
use std::time::Duration;

use flowmill_backends::queue::{Consumer, Delivery, Topic};
use flowmill_backends::repo::claims::Claims;
use flowmill_backends::repo::logs::Logs;
use flowmill_backends::repo::members::Members;
use flowmill_backends::{Error, Files, Kind, Queue, Result, Store};
use flowmill_common::job::Control;
use flowmill_common::secrets::Secrets;
use flowmill_expression::Engine;
use flowmill_tasks::Catalogue;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::delivery::handle;
use crate::facts::Sources;
use crate::logs::{LogSink, Target};
use crate::membership::Membership;
use crate::running::Running;
use crate::workspace::Workspace;

/// How many kill requests wait at most.
const CONTROL_PREFETCH: u16 = 1024;

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
    pub(crate) slots: Semaphore,
    /// Its place among others; none when it is alone with its queue.
    pub(crate) membership: Option<Membership>,
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

    /// What its jobs share.
    #[cfg(test)]
    pub(crate) fn shared(self) -> Arc<Shared> {
        self.shared
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

fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    if name.trim().is_empty() {
        "worker".into()
    } else {
        name.trim().into()
    }
}
