//! Log and metrics of the process itself.

use anyhow::Context;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::exit::WrongInput;

/// What is logged, and how; `log` in the configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub(crate) struct Config {
    /// The least level: `error`, `warn`, `info`, `debug` or `trace`; parts of the program can have their own, as in
    /// `info,flowmill_worker=debug`.
    pub(crate) level: String,
    /// `text` for people, `json` for machines: one object a line.
    pub(crate) format: Format,
}

/// How lines of the log look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// One object a line.
    Json,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            level: "info".into(),
            format: Format::Text,
        }
    }
}

/// Starts to write the log. To be called once.
pub(crate) fn start_log<W>(config: &Config, writer: W) -> anyhow::Result<()>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    // the client of RabbitMQ tells each broken connection several times as an error; we wait them out, and say so ourselves
    let filter = EnvFilter::try_new(format!("lapin=off,{}", config.level)).map_err(|error| {
        WrongInput::new(format!(
            "`log.level` is `{}`, which is not a level: {error}",
            config.level
        ))
    })?;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_ansi(crate::console::Style::for_stderr().is_colored());
    let started = match config.format {
        Format::Text => subscriber.try_init(),
        Format::Json => subscriber.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("the log cannot be started: {error}"))
}

/// Starts to keep metrics. The handle renders them; without somebody who asks, [`PrometheusHandle::run_upkeep`] has to be called
/// now and then, or histograms grow.
pub(crate) fn start_metrics() -> anyhow::Result<PrometheusHandle> {
    const SECONDS: [f64; 14] = [
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0,
    ];
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("seconds".into()), &SECONDS)
        .context("the buckets of the metrics are not empty")?
        .install_recorder()
        .context("metrics cannot be kept")
}
