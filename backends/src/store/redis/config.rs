use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{Address, Secret};

/// How Redis (or Valkey) is reached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// Where it is: `redis://host:6379/0`, or `rediss://…` for TLS. With `cluster`, one or more of the nodes.
    pub urls: Vec<Address>,
    /// Whether it is a Redis Cluster.
    pub cluster: bool,
    /// The user, if it is not in the URL.
    pub username: Option<String>,
    /// The password, if it is not in the URL.
    pub password: Option<Secret>,
    /// What all keys begin with. Installations that share a Redis need different ones.
    pub prefix: String,
    /// A file with the certificates (PEM) of the authorities to trust, instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// A file with this client's certificate (PEM), when the server asks for one.
    pub certificate_file: Option<PathBuf>,
    /// A file with the key (PEM) of that certificate.
    pub key_file: Option<PathBuf>,
    /// How long an answer may take.
    #[serde(with = "crate::config::duration")]
    #[schemars(with = "String")]
    pub response_timeout: Duration,
    /// How long it may take to connect.
    #[serde(with = "crate::config::duration")]
    #[schemars(with = "String")]
    pub connect_timeout: Duration,
    /// How long to wait at start for a Redis that does not answer yet, before giving up.
    #[serde(with = "crate::config::duration")]
    #[schemars(with = "String")]
    pub start_timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            urls: Vec::new(),
            cluster: false,
            username: None,
            password: None,
            prefix: "flowmill".into(),
            ca_file: None,
            certificate_file: None,
            key_file: None,
            response_timeout: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(2),
            start_timeout: Duration::from_secs(20),
        }
    }
}
