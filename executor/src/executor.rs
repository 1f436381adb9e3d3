//! The service: one owner for each partition.

use std::sync::Arc;
use std::time::Duration;

use flowmill_backends::repo::executions::Executions;
use flowmill_backends::repo::flows::FlowCache;
use flowmill_backends::repo::logs::Logs;
use flowmill_backends::repo::metrics::Metrics;
use flowmill_backends::{Files, Queue, Result, Store};
use flowmill_common::inline::InlineTasks;
use flowmill_common::secrets::Secrets;
use flowmill_expression::Engine;
use flowmill_scheduler::Settings;
use futures::future::join_all;
use tokio_util::sync::CancellationToken;

use crate::cluster::Cluster;
use crate::config::{Config, Ownership, Recovery};
use crate::journal::Kept;
use crate::owner::Owner;

/// What the executor is put together from.
#[derive(Clone)]
pub struct Parts {
    /// Keeps executions.
    pub store: Arc<dyn Store>,
    /// Brings events and takes jobs.
    pub queue: Arc<dyn Queue>,
    /// Keeps files that expressions may read.
    pub files: Arc<dyn Files>,
    /// Gives flows, compiled.
    pub flows: Arc<FlowCache>,
    /// Renders templates.
    pub engine: Arc<Engine>,
    /// Runs the tasks that need no worker.
    pub tasks: Arc<dyn InlineTasks>,
    /// What expressions see of the server.
    pub settings: Arc<Settings>,
    /// The secrets that expressions may ask for.
    pub secrets: Arc<Secrets>,
    /// How many partitions the store was made for.
    pub partitions: u16,
    /// What a new owner does about jobs that were on their way.
    pub recovery: Recovery,
    /// Which partitions are owned.
    pub ownership: Ownership,
}

/// How long a partition waits for its next owner after one that failed: an error that stays must not fill the log.
const BEFORE_THE_NEXT_OWNER: Duration = Duration::from_secs(1);

/// The executor.
pub struct Executor {
    parts: Parts,
    config: Config,
}

impl Executor {
    /// An executor over these parts.
    pub fn new(parts: Parts, config: Config) -> Self {
        Self { parts, config }
    }

    /// Owns partitions until `shutdown`; what was committed by then has left. Fails only where a partition can never be owned.
    pub async fn run(self, shutdown: CancellationToken) -> Result<()> {
        match self.parts.ownership.clone() {
            Ownership::All => self.own_all(shutdown).await,
            Ownership::Shared(member) => {
                Cluster::new(self.parts, self.config, member)
                    .run(shutdown)
                    .await
            }
        }
    }

    async fn own_all(self, shutdown: CancellationToken) -> Result<()> {
        let owners = (0..self.parts.partitions).map(|partition| {
            // nobody else can be alive or dead where there is only one process
            let (_, workers) = tokio::sync::watch::channel(Arc::default());
            let (parts, config, shutdown) =
                (self.parts.clone(), self.config.clone(), shutdown.clone());
            async move {
                while !shutdown.is_cancelled() {
                    let owner =
                        Owner::new(partition, parts.clone(), config.clone(), workers.clone());
                    match tokio::spawn(owner.run(shutdown.clone())).await {
                        Ok(Ok(())) => return,
                        Ok(Err(error)) => stopped(partition, &error),
                        Err(error) => stopped(partition, &error),
                    }
                    tokio::select! {
                        () = tokio::time::sleep(BEFORE_THE_NEXT_OWNER) => {}
                        () = shutdown.cancelled() => {}
                    }
                }
            }
        });
        join_all(owners).await;
        Ok(())
    }
}

/// Nobody else would own the partition: one that cannot go on begins again from what is stored.
fn stopped(partition: u16, error: &dyn std::error::Error) {
    tracing::error!(partition, %error, "the owner of a partition has stopped, and begins again");
}

impl Parts {
    pub(crate) fn executions(&self) -> Executions {
        Executions::new(self.store.clone(), self.partitions)
    }

    pub(crate) fn kept(&self) -> Kept {
        Kept {
            logs: self.logs(),
            metrics: Metrics::new(self.store.clone(), self.partitions),
        }
    }

    pub(crate) fn logs(&self) -> Logs {
        Logs::new(self.store.clone(), self.partitions)
    }
}
