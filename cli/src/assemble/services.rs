//! The services of a process: which of them run, and how they begin and end together.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use flowmill_api::Api;
use flowmill_executor::{Executor, Ownership, Recovery};
use flowmill_worker::Worker;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;

use super::{Foundation, Status, gauges, member, vigil};
use crate::config::Config;

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Roles {
    /// Everything, on embedded backends.
    pub(crate) standalone: bool,
    /// Owns executions.
    pub(crate) executor: bool,
    /// Runs tasks.
    pub(crate) worker: bool,
    /// Serves the API.
    pub(crate) api: bool,
}

impl FromStr for Roles {
    type Err = String;

    /// `standalone`, or a list such as `executor,api`.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut roles = Self {
            standalone: false,
            executor: false,
            worker: false,
            api: false,
        };
        for name in text.split(',').map(str::trim) {
            match name {
                "standalone" => {
                    roles = Self {
                        standalone: true,
                        executor: true,
                        worker: true,
                        api: true,
                    }
                }
                "executor" => roles.executor = true,
                "worker" => roles.worker = true,
                "api" => roles.api = true,
                _ => {
                    return Err(format!(
                        "no role `{name}` (there are `standalone`, `executor`, `worker`, `api`)"
                    ));
                }
            }
        }
        Ok(roles)
    }
}

impl Roles {
    /// Whether this process does everything itself.
    pub(crate) fn is_whole(self) -> bool {
        self.executor && self.worker && self.api
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.standalone {
            return f.write_str("standalone");
        }
        let named = [
            (self.executor, "executor"),
            (self.worker, "worker"),
            (self.api, "api"),
        ];
        let names: Vec<&str> = named
            .into_iter()
            .filter(|(is, _)| *is)
            .map(|(_, name)| name)
            .collect();
        f.write_str(&names.join(","))
    }
}

/// Services at work.
pub(crate) struct Services {
    api: Option<Service>,
    worker: Option<Service>,
    executor: Option<Service>,
    status: Option<Service>,
    gauges: Option<Service>,
    vigil: Option<Service>,
}

struct Service {
    name: &'static str,
    stop: CancellationToken,
    /// Gone once it was seen to have ended.
    handle: Option<JoinHandle<anyhow::Result<()>>>,
}

impl Services {
    /// Starts the executor and the worker.
    pub(crate) fn start(
        foundation: &Foundation,
        config: &Config,
        roles: Roles,
    ) -> anyhow::Result<Self> {
        let mut services = Self {
            api: None,
            worker: None,
            executor: None,
            status: None,
            gauges: None,
            vigil: None,
        };
        if foundation.is_shared {
            let store = foundation.store.clone();
            services.vigil = Some(Service::start("vigil", |stop| async move {
                vigil::run(store, stop).await;
                Ok(())
            }));
        }
        if roles.worker {
            let (parts, settings) = (worker_parts(foundation, config), config.worker.clone());
            let worker = if foundation.is_shared {
                let id = member::worker_id(settings.name.as_deref());
                Worker::in_cluster(parts, settings, id)?
            } else {
                Worker::new(parts, settings)?
            };
            services.worker = Some(Service::start("worker", |stop| async move {
                Ok(worker.run(stop).await?)
            }));
        }
        if roles.executor {
            let executor = Executor::new(executor_parts(foundation), config.executor.clone());
            services.executor = Some(Service::start("executor", |stop| async move {
                Ok(executor.run(stop).await?)
            }));
            let (store, queue) = (foundation.store.clone(), foundation.queue.clone());
            services.gauges = Some(Service::start("gauges", |stop| async move {
                gauges::run(store, queue, stop).await;
                Ok(())
            }));
        }
        Ok(services)
    }

    /// Starts to serve the API.
    pub(crate) fn serve(&mut self, api: Api, listener: TcpListener) {
        self.api = Some(Service::start("api", |stop| async move {
            Ok(api.run(listener, stop).await?)
        }));
    }

    /// Starts to tell how this process is, where it serves no API.
    pub(crate) fn tell(&mut self, status: Status, listener: TcpListener) {
        self.status = Some(Service::start("status", |stop| async move {
            Ok(status.run(listener, stop).await?)
        }));
    }

    /// Waits until a service ends by itself, which none should: the error says which and why. Safe to cancel.
    pub(crate) async fn ended(&mut self) -> anyhow::Error {
        let services = [
            &mut self.executor,
            &mut self.worker,
            &mut self.api,
            &mut self.status,
        ];
        let running: Vec<_> = services
            .into_iter()
            .flatten()
            .map(|service| Box::pin(service.ended()))
            .collect();
        if running.is_empty() {
            return std::future::pending().await;
        }
        futures::future::select_all(running).await.0
    }

    /// Ends them in the order in which they need each other: requests first, then tasks, then executions, which take the last results.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        let mut first_error = Ok(());
        let services = [
            self.api,
            self.worker,
            self.executor,
            self.gauges,
            self.vigil,
            self.status,
        ];
        for service in services.into_iter().flatten() {
            service.stop.cancel();
            if let Some(handle) = service.handle {
                let ended =
                    flatten(handle.await).with_context(|| format!("the {} ended", service.name));
                first_error = first_error.and(ended);
            }
        }
        first_error
    }
}

impl Service {
    fn start<F: Future<Output = anyhow::Result<()>> + Send + 'static>(
        name: &'static str,
        service: impl FnOnce(CancellationToken) -> F,
    ) -> Self {
        let stop = CancellationToken::new();
        Self {
            name,
            handle: Some(tokio::spawn(service(stop.clone()))),
            stop,
        }
    }

    /// Waits until it ends by itself, and says why.
    async fn ended(&mut self) -> anyhow::Error {
        let Some(handle) = &mut self.handle else {
            return std::future::pending().await;
        };
        let outcome = flatten(handle.await);
        self.handle = None;
        match outcome {
            Ok(()) => anyhow!("the {} ended by itself", self.name),
            Err(error) => error.context(format!("the {} ended", self.name)),
        }
    }
}

fn flatten(outcome: Result<anyhow::Result<()>, JoinError>) -> anyhow::Result<()> {
    outcome.map_err(|error| anyhow!(error))?
}

/// The API over what this process shares.
pub(crate) fn api(
    foundation: &Foundation,
    config: &Config,
    prometheus: Option<PrometheusHandle>,
) -> Api {
    let prometheus = prometheus.map(|handle| {
        let render: Arc<dyn Fn() -> String + Send + Sync> = Arc::new(move || handle.render());
        render
    });
    let parts = flowmill_api::Parts {
        store: foundation.store.clone(),
        queue: foundation.queue.clone(),
        files: foundation.files.clone(),
        flows: foundation.flows.clone(),
        catalogue: foundation.catalogue.clone(),
        engine: foundation.engine.clone(),
        settings: foundation.settings.clone(),
        secrets: foundation.secrets.clone(),
        partitions: foundation.installation.partitions,
        probes: foundation.probes.clone(),
        prometheus,
        instance: foundation.installation.id.clone(),
    };
    Api::new(config.api.clone(), parts)
}

fn executor_parts(foundation: &Foundation) -> flowmill_executor::Parts {
    flowmill_executor::Parts {
        store: foundation.store.clone(),
        queue: foundation.queue.clone(),
        files: foundation.files.clone(),
        flows: foundation.flows.clone(),
        engine: foundation.engine.clone(),
        tasks: foundation.catalogue.clone(),
        settings: foundation.settings.clone(),
        secrets: foundation.secrets.clone(),
        partitions: foundation.installation.partitions,
        recovery: if foundation.is_shared {
            Recovery::Outbox
        } else {
            // the queue lives in this process, and died with the one before
            Recovery::Redispatch
        },
        ownership: if foundation.is_shared {
            Ownership::Shared(member::executor())
        } else {
            Ownership::All
        },
    }
}

fn worker_parts(foundation: &Foundation, config: &Config) -> flowmill_worker::Parts {
    let mut tasks = config.tasks.clone();
    tasks.duckdb.data_directory = Some(foundation.data_directory.clone());
    flowmill_worker::Parts {
        store: foundation.store.clone(),
        queue: foundation.queue.clone(),
        files: foundation.files.clone(),
        catalogue: foundation.catalogue.clone(),
        tasks: Arc::new(tasks),
        engine: foundation.engine.clone(),
        secrets: foundation.secrets.clone(),
        partitions: foundation.installation.partitions,
    }
}
