//! What the API is put together from.

use std::sync::Arc;

use flowmill_backends::health::Probe;
use flowmill_backends::repo::executions::Executions;
use flowmill_backends::repo::flows::{FlowCache, Flows};
use flowmill_backends::repo::logs::Logs;
use flowmill_backends::repo::metrics::Metrics;
use flowmill_backends::{Files, Queue, Store};
use flowmill_common::Timestamp;
use flowmill_common::secrets::Secrets;
use flowmill_expression::Engine;
use flowmill_scheduler::Settings;
use flowmill_tasks::Catalogue;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::watch::Watchers;

/// What the API reads from and writes to.
#[derive(Clone)]
pub struct Parts {
    /// Keeps flows, executions and logs.
    pub store: Arc<dyn Store>,
    /// Takes events and brings changes.
    pub queue: Arc<dyn Queue>,
    /// Keeps files.
    pub files: Arc<dyn Files>,
    /// Gives flows, compiled.
    pub flows: Arc<FlowCache>,
    /// The task types, for their documentation.
    pub catalogue: Arc<Catalogue>,
    /// Renders templates.
    pub engine: Arc<Engine>,
    /// What expressions see of the server.
    pub settings: Arc<Settings>,
    /// The secrets of the server, and what SECRET inputs are encrypted with. What is rendered for people shows `******`.
    pub secrets: Arc<Secrets>,
    /// How many partitions the store was made for.
    pub partitions: u16,
    /// The backends whose outage makes the server not ready.
    pub probes: Vec<Probe>,
    /// Gives the server's own measurements in Prometheus' text format.
    pub prometheus: Option<Arc<dyn Fn() -> String + Send + Sync>>,
    /// An id of this installation that stays the same over restarts.
    pub instance: String,
}

/// The API. Cheap to clone.
#[derive(Clone)]
pub struct Api(Arc<Inner>);

struct Inner {
    config: Config,
    parts: Parts,
    executions: Executions,
    logs: Logs,
    metrics: Metrics,
    watchers: Watchers,
    stopping: CancellationToken,
}

impl Api {
    /// The API over these parts.
    pub fn new(config: Config, parts: Parts) -> Self {
        let executions = Executions::new(parts.store.clone(), parts.partitions);
        let logs = Logs::new(parts.store.clone(), parts.partitions);
        let metrics = Metrics::new(parts.store.clone(), parts.partitions);
        let (watchers, stopping) = (Watchers::default(), CancellationToken::new());
        Self(Arc::new(Inner {
            config,
            parts,
            executions,
            logs,
            metrics,
            watchers,
            stopping,
        }))
    }

    /// Serves requests until `shutdown`, then lets those at work finish; streams and waiting requests are ended. Returns when
    /// all are done.
    pub async fn run(
        self,
        listener: TcpListener,
        shutdown: CancellationToken,
    ) -> std::io::Result<()> {
        crate::serve::run(self, listener, shutdown).await
    }

    /// Hears of changes until `shutdown`. [`run`](Self::run) does this too; only a router that is served by other means needs it.
    pub async fn listen(self, shutdown: CancellationToken) {
        let queue = self.0.parts.queue.clone();
        let consumer = Watchers::connect(&*queue).await.ok();
        self.0
            .watchers
            .clone()
            .listen(queue, consumer, shutdown)
            .await;
    }

    pub(crate) fn config(&self) -> &Config {
        &self.0.config
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.0.parts
    }

    pub(crate) fn flows(&self) -> &Flows {
        self.0.parts.flows.flows()
    }

    pub(crate) fn cache(&self) -> &FlowCache {
        &self.0.parts.flows
    }

    pub(crate) fn executions(&self) -> &Executions {
        &self.0.executions
    }

    pub(crate) fn logs(&self) -> &Logs {
        &self.0.logs
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    pub(crate) fn files(&self) -> &dyn Files {
        &*self.0.parts.files
    }

    pub(crate) fn watchers(&self) -> &Watchers {
        &self.0.watchers
    }

    /// Fires when the server stops: streams end then.
    pub(crate) fn stopping(&self) -> &CancellationToken {
        &self.0.stopping
    }

    pub(crate) fn now(&self) -> Timestamp {
        jiff::Timestamp::now().into()
    }
}
