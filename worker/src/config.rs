//! Settings of the worker.

use std::path::PathBuf;
use std::time::Duration;

use flowmill_backends::config::ByteSize;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the worker; `worker` in the configuration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Config {
    /// The name under which it reports; the host name and the process id by default.
    pub name: Option<String>,
    /// The group whose jobs it takes: tasks say it with `workerGroup`. Default: `default`.
    pub group: String,
    /// How many jobs it runs at once. Default: eight for each processor, at least 16.
    pub slots: u16,
    /// Where the working directories of tasks are made. Default: the system's folder for temporary files.
    pub temporary_directory: Option<PathBuf>,
    /// A task that is done sooner is reported once, as finished; others are reported as started after this time. Default: 5 ms.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    #[schemars(with = "String")]
    pub report_start_after: Duration,
    /// How long a task that was killed or timed out may take to stop before it is abandoned. Default: 30 s.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    #[schemars(with = "String")]
    pub stop_grace: Duration,
    /// How long running tasks may go on after a shutdown was asked for, before they are handed back to the queue. Default: 30 s.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    #[schemars(with = "String")]
    pub shutdown_grace: Duration,
    /// Outputs of a task run that are longer than this as JSON go to the file storage. Default: 64 KiB.
    #[schemars(with = "String")]
    pub inline_outputs: ByteSize,
    /// Outputs of a task run that are longer than this fail it. Default: 256 MiB.
    #[schemars(with = "String")]
    pub largest_outputs: ByteSize,
    /// How many facts (secrets, files, …) the expressions of one attempt may ask for. Default: 1000.
    pub facts_per_attempt: usize,
    /// The longest file that `read()` gives to an expression. Default: 64 MiB.
    #[schemars(with = "String")]
    pub largest_read: ByteSize,
    /// In a cluster: how often the worker shows that it is alive. Default: 200 ms.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    #[schemars(with = "String")]
    pub beat: Duration,
    /// In a cluster: a worker that could not show that it is alive for this long gives up its jobs. Less than the time after which
    /// executors give it up. Default: 8 s.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    #[schemars(with = "String")]
    pub lease: Duration,
    /// In a cluster: when the queue gives a job to this worker that another one has claimed, and that one shows no sign of life for this
    /// long, the task runs again. A few beats. Default: 700 ms.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    #[schemars(with = "String")]
    pub takeover: Duration,
    /// In a cluster: a job that runs for this long is acknowledged to the queue, which would take it back from a worker that keeps it
    /// (RabbitMQ after 30 minutes); from then on only the worker's signs of life keep it. Default: 10 minutes.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    #[schemars(with = "String")]
    pub acknowledge_after: Duration,
    /// The logs of tasks.
    pub logs: LogConfig,
}

/// Settings of the logs of tasks.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct LogConfig {
    /// At most so much is kept of the log of one attempt; what comes after it is dropped, and the log says so. Lines of level ERROR
    /// may take a tenth more. Default: 16 MiB.
    #[schemars(with = "String")]
    pub per_attempt: ByteSize,
    /// At most so much waits in memory for the store; lines that find no room are dropped, and the log says so. Lines of level ERROR
    /// may take a tenth more. Default: 64 MiB.
    #[schemars(with = "String")]
    pub buffer: ByteSize,
    /// How long lines are gathered before they are stored together. Default: 50 ms.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    #[schemars(with = "String")]
    pub gather: Duration,
    /// How long the report of a failed task waits for its log to be stored, so that `errorLogs()` finds it. Default: 2 s.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    #[schemars(with = "String")]
    pub failure_wait: Duration,
    /// Longer messages are split into several lines, in characters. Default: 10,240.
    pub longest_message: usize,
}

impl Default for Config {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self {
            name: None,
            group: "default".into(),
            slots: u16::try_from(processors * 8).unwrap_or(u16::MAX).max(16),
            temporary_directory: None,
            report_start_after: Duration::from_millis(5),
            stop_grace: Duration::from_secs(30),
            shutdown_grace: Duration::from_secs(30),
            inline_outputs: ByteSize::bytes(64 << 10),
            largest_outputs: ByteSize::mebibytes(256),
            facts_per_attempt: 1000,
            largest_read: ByteSize::mebibytes(64),
            beat: Duration::from_millis(200),
            takeover: Duration::from_millis(700),
            acknowledge_after: Duration::from_secs(600),
            lease: Duration::from_secs(8),
            logs: LogConfig::default(),
        }
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            per_attempt: ByteSize::mebibytes(16),
            buffer: ByteSize::mebibytes(64),
            gather: Duration::from_millis(50),
            failure_wait: Duration::from_secs(2),
            longest_message: 10_240,
        }
    }
}
