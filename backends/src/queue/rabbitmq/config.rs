use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{Address, ByteSize, Secret};

/// How RabbitMQ is reached and used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// Where it is: `amqp://user:password@host:5672/vhost`, or `amqps://…` for TLS. The virtual host `/` is written `%2f`.
    pub url: Address,
    /// The user, if it is not in the URL.
    pub username: Option<String>,
    /// The password, if it is not in the URL.
    pub password: Option<Secret>,
    /// The virtual host, if it is not in the URL.
    pub vhost: Option<String>,
    /// What the names of all queues and exchanges begin with. Installations that share a virtual host need different ones.
    pub prefix: String,
    /// `quorum` queues survive the loss of a node of the cluster; `classic` queues are quicker, and belong to one node.
    pub queue_type: QueueType,
    /// On how many nodes of the cluster a quorum queue is kept; RabbitMQ decides when it is not given.
    pub quorum_size: Option<u16>,
    /// A file with the certificates (PEM) of the authorities to trust, instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// A file with this client's certificate (PEM), when the server asks for one.
    pub certificate_file: Option<PathBuf>,
    /// A file with the key (PEM, PKCS #8) of that certificate.
    pub key_file: Option<PathBuf>,
    /// A connection without a sign of life for about twice this time is given up.
    #[serde(with = "crate::config::duration")]
    #[schemars(with = "String")]
    pub heartbeat: Duration,
    /// How long it may take to connect.
    #[serde(with = "crate::config::duration")]
    #[schemars(with = "String")]
    pub connect_timeout: Duration,
    /// How long to wait at start for a RabbitMQ that does not answer yet, before giving up.
    #[serde(with = "crate::config::duration")]
    #[schemars(with = "String")]
    pub start_timeout: Duration,
    /// How long a publisher waits for RabbitMQ to take its messages, outages included.
    #[serde(with = "crate::config::duration")]
    #[schemars(with = "String")]
    pub publish_timeout: Duration,
    /// So many messages may be on their way to RabbitMQ without its confirmation; further ones wait.
    pub publish_window: usize,
    /// Largest message that is published. RabbitMQ has a limit of its own (`max_message_size`, 16 MiB by default since version 4).
    pub message_limit: ByteSize,
    /// After so long without a message, a consumer makes sure that its queue still knows it. RabbitMQ does not always tell
    /// when a queue is deleted and made again.
    #[serde(with = "crate::config::duration")]
    #[schemars(with = "String")]
    pub idle_check: Duration,
    /// How many messages a slow subscriber of a fan-out topic may be behind before it loses the oldest.
    pub fan_out_buffer: usize,
    /// A message that was given back so often is put aside as a dead letter (quorum queues).
    pub delivery_limit: u32,
    /// So many dead letters are kept, the youngest.
    pub dead_letter_limit: u32,
}

/// The kinds of queues RabbitMQ has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum QueueType {
    /// Replicated, on disk before a message is confirmed.
    #[default]
    Quorum,
    /// On one node.
    Classic,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            url: Address::default(),
            username: None,
            password: None,
            vhost: None,
            prefix: "flowmill".into(),
            queue_type: QueueType::Quorum,
            quorum_size: None,
            ca_file: None,
            certificate_file: None,
            key_file: None,
            heartbeat: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(5),
            start_timeout: Duration::from_secs(30),
            publish_timeout: Duration::from_secs(30),
            publish_window: 4096,
            message_limit: ByteSize::mebibytes(16),
            idle_check: Duration::from_secs(30),
            fan_out_buffer: 8192,
            delivery_limit: 1000,
            dead_letter_limit: 100_000,
        }
    }
}
