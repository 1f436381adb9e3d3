use std::time::Duration;

use jiff::fmt::serde::unsigned_duration::friendly::compact::required as duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How commands run in containers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Config {
    /// The Docker daemon: `unix:///path` or `tcp://host:port`. None: `DOCKER_HOST`, then the usual sockets (`/var/run/docker.sock`,
    /// `/dind/docker.sock`, the user's own).
    pub host: Option<String>,
    /// Whether tasks may mount folders of the Docker host by `volumes`. Without it they are ignored, with a warning.
    pub volume_enabled: bool,
    /// How often pulling an image is tried again.
    pub pull_retries: u32,
    /// How long a request to the daemon may take, the transfer of a task's files included.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub request_timeout: Duration,
    /// How long the daemon has to answer when it is looked for.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub probe_timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            host: None,
            volume_enabled: false,
            pull_retries: 5,
            request_timeout: Duration::from_secs(600),
            probe_timeout: Duration::from_secs(2),
        }
    }
}
