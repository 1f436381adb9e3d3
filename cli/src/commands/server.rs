//! `flowmill server`: the services of one process, until a signal ends them.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::assemble::{self, Foundation, Roles, Services, Status};
use crate::config::{Config, Flags, Loaded};
use crate::console;
use crate::exit::{Exit, WrongInput};
use crate::flows::Watcher;
use crate::{signals, telemetry};

/// How often histograms that nobody asks for are folded together.
const UPKEEP: Duration = Duration::from_secs(30);

/// Serve flows: `server standalone` does everything in one process
#[derive(Args)]
pub(crate) struct Server {
    /// What this process does: `standalone`, or a list of `executor`, `worker` and `api`
    #[arg(value_name = "ROLES")]
    roles: Roles,
    /// The port of the API, or without that role of `/health` and `/metrics`; 0 takes a free one [default: 8080]
    #[arg(long)]
    port: Option<u16>,
    /// Its address; other than the default, everyone who reaches it can run anything, unless a login is set [default: 127.0.0.1]
    #[arg(long)]
    host: Option<String>,
    /// Where everything is kept [default: flowmill/server in the user's data folder]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// A folder of flows (YAML) to load and to watch
    #[arg(long, value_name = "DIR")]
    flows: Option<PathBuf>,
    /// The configuration file; see docs/configuration.md
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Show the configuration that is in force, secrets masked, and start nothing
    #[arg(long)]
    print_config: bool,
}

impl Server {
    pub(crate) fn execute(self) -> anyhow::Result<Exit> {
        let listening = if self.roles.api { "api" } else { "status" };
        let flags = Flags::new(self.config)
            .set("--port", &[listening, "port"], self.port)
            .set("--host", &[listening, "host"], self.host)
            .set_path("--data-dir", &["data-directory"], self.data_dir.as_deref())
            .set_path("--flows", &["flows"], self.flows.as_deref());
        let Loaded { config, warnings } = Config::load(flags)?;
        if self.print_config {
            console::text(&config.print()?);
            warnings.into_iter().for_each(console::note);
            return Ok(Exit::Success);
        }
        telemetry::start_log(&config.log, std::io::stderr)?;
        for warning in warnings {
            tracing::warn!("{warning}");
        }
        if !self.roles.is_whole() && !flowmill_backends::is_distributed(&config.backends()) {
            return Err(WrongInput::new(format!(
                "the roles `{}` alone need a queue and a store that several processes share, but the embedded ones serve one process: \
                 set `store.type: redis` and `queue.type: rabbitmq`, or use `flowmill server standalone`",
                self.roles
            ))
            .into());
        }
        let prometheus = telemetry::start_metrics()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .context("no threads can be started")?;
        runtime.block_on(serve(&config, self.roles, prometheus))?;
        Ok(Exit::Success)
    }
}

/// Serves until a signal comes.
async fn serve(config: &Config, roles: Roles, prometheus: PrometheusHandle) -> anyhow::Result<()> {
    let mut signals = signals::Ending::listen()?;
    // before anything is opened: a port that is in use is the commonest mistake
    let listener = listen(config, roles).await?;
    let address = listener.as_ref().map(TcpListener::local_addr).transpose()?;
    let data_directory = config
        .data_directory
        .clone()
        .map_or_else(assemble::default_directory, Ok)?;
    let foundation = Foundation::open(config, &data_directory).await?;

    let mut watcher = match &config.flows {
        Some(folder) => Some(Watcher::new(folder, foundation.flows.clone())?),
        None => None,
    };
    if let Some(watcher) = &mut watcher {
        watcher.load().await;
    }
    let mut services = Services::start(&foundation, config, roles)?;
    if let Some(listener) = listener {
        if roles.api {
            let api = assemble::api(&foundation, config, Some(prometheus.clone()));
            services.serve(api, listener);
        } else {
            let status = Status::new(&foundation.probes, prometheus.clone(), roles.to_string());
            services.tell(status, listener);
        }
    }
    let around = CancellationToken::new();
    let upkeep = tokio::spawn(keep_up(prometheus, around.clone()));
    let watching = watcher.map(|watcher| tokio::spawn(watcher.run(around.clone())));
    match address {
        Some(address) => {
            tracing::info!(%address, url = flowmill_api::url_of(address), data = %data_directory.display(), %roles, "listening");
        }
        None => tracing::info!(%roles, "started"),
    }

    let ended = tokio::select! {
        signal = signals.recv() => { tracing::info!(signal, "stopping"); None }
        error = services.ended() => Some(error),
    };
    around.cancel();
    let stopped = tokio::select! {
        stopped = services.stop() => stopped,
        signal = signals.recv() => {
            tracing::warn!(signal, "stopping at once; what was not finished is taken up at the next start");
            return Ok(());
        }
    };
    let _ = upkeep.await;
    if let Some(watching) = watching {
        let _ = watching.await;
    }
    foundation.close().await;
    if ended.is_none() {
        tracing::info!("stopped");
    }
    ended.map_or(stopped, Err)
}

/// Where this process can be asked: for everything if it serves the API, else how it is, if that is wanted.
async fn listen(config: &Config, roles: Roles) -> anyhow::Result<Option<TcpListener>> {
    let (host, port) = match (roles.api, config.status.port) {
        (true, _) => (&config.api.host, config.api.port),
        (false, Some(port)) => (&config.status.host, port),
        (false, None) => return Ok(None),
    };
    Ok(Some(flowmill_api::bind(host, port).await?))
}

async fn keep_up(prometheus: PrometheusHandle, shutdown: CancellationToken) {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(UPKEEP) => prometheus.run_upkeep(),
        }
    }
}
