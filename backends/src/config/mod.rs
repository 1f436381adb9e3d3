//! What an operator configures: which backends, and how they are reached.

mod byte_size;
mod secret;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{files, queue, store};

/// Durations as `5s`, `1m 30s` or `PT5S`.
pub(crate) use jiff::fmt::serde::unsigned_duration::friendly::compact::required as duration;

pub use self::byte_size::ByteSize;
pub use self::secret::{Address, Secret};

/// Which backends, and how they are reached. The default needs nothing but a directory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// Where state is kept: executions, flows, logs, triggers.
    pub store: Store,
    /// What carries the messages between executors and workers.
    pub queue: Queue,
    /// Where files are kept: those of flows and executions, and large outputs.
    pub files: Files,
}

/// Where state is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Store {
    /// `embedded` is for one process on one machine; `redis` for any number.
    #[serde(rename = "type")]
    pub kind: StoreKind,
    /// Over how many partitions executions are spread; fixed when the store is made. At most so many executors have work.
    pub partitions: u16,
    /// The embedded store: SQLite in the data directory.
    pub embedded: store::embedded::Config,
    /// Redis or Valkey.
    #[cfg(feature = "redis")]
    pub redis: store::redis::Config,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            kind: StoreKind::default(),
            partitions: 16,
            embedded: store::embedded::Config::default(),
            #[cfg(feature = "redis")]
            redis: store::redis::Config::default(),
        }
    }
}

/// The kinds of stores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StoreKind {
    /// In the data directory.
    #[default]
    Embedded,
    /// In Redis or Valkey.
    #[cfg(feature = "redis")]
    Redis,
}

/// What carries messages.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Queue {
    /// `in-process` is for one process; `rabbitmq` for any number.
    #[serde(rename = "type")]
    pub kind: QueueKind,
    /// The queue within one process.
    pub in_process: queue::in_process::Config,
    /// RabbitMQ.
    #[cfg(feature = "rabbitmq")]
    pub rabbitmq: queue::rabbitmq::Config,
}

/// The kinds of queues.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum QueueKind {
    /// Within this process.
    #[default]
    InProcess,
    /// RabbitMQ.
    #[cfg(feature = "rabbitmq")]
    Rabbitmq,
}

/// Where files are kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Files {
    /// `local` is a directory, of this machine or shared by all; `s3` a bucket.
    #[serde(rename = "type")]
    pub kind: FilesKind,
    /// A directory.
    pub local: files::local::Config,
    /// A bucket of an S3-compatible storage.
    #[cfg(feature = "s3")]
    pub s3: files::s3::Config,
}

/// The kinds of file storages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FilesKind {
    /// A directory.
    #[default]
    Local,
    /// A bucket.
    #[cfg(feature = "s3")]
    S3,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_configured_means_everything_within_one_process() {
        let config: Config = serde_json::from_str("{}").unwrap();
        assert_eq!(config, Config::default());
        assert_eq!(config.store.kind, StoreKind::Embedded);
    }

    #[test]
    fn a_setting_that_does_not_exist_is_refused() {
        let error =
            serde_json::from_str::<Config>(r#"{"store": {"embedded": {"cash": 1}}}"#).unwrap_err();
        assert!(
            error.to_string().contains("unknown field `cash`"),
            "{error}"
        );
    }

    #[test]
    fn durations_and_sizes_are_written_with_units() {
        let text = r#"{"store": {"embedded": {"busy-timeout": "1m 30s", "cache": "8MiB"}}}"#;
        let config: Config = serde_json::from_str(text).unwrap();
        assert_eq!(config.store.embedded.busy_timeout.as_secs(), 90);
        let written = serde_json::to_value(&config).unwrap();
        assert_eq!(written["store"]["embedded"]["busy-timeout"], "1m 30s");
        assert_eq!(written["store"]["embedded"]["cache"], "8MiB");
        assert_eq!(serde_json::from_value::<Config>(written).unwrap(), config);
    }

    #[cfg(all(feature = "redis", feature = "rabbitmq", feature = "s3"))]
    #[test]
    fn what_is_written_shows_no_secret() {
        let text = r#"{
            "store": {"type": "redis", "redis": {"urls": ["redis://me:hunter2@host"], "password": "hunter2"}},
            "queue": {"type": "rabbitmq", "rabbitmq": {"url": "amqp://me:hunter2@host/%2f", "password": "hunter2"}},
            "files": {"type": "s3", "s3": {"bucket": "b", "access-key": "key", "secret-key": "hunter2"}}
        }"#;
        let config: Config = serde_json::from_str(text).unwrap();
        let written = serde_json::to_string(&config).unwrap() + &format!("{config:?}");
        assert!(!written.contains("hunter2"), "{written}");
        assert!(written.contains("redis://me:***@host"), "{written}");
    }
}
