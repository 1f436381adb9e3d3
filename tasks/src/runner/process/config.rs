use std::time::Duration;

use jiff::fmt::serde::unsigned_duration::friendly::compact::required as duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How commands run as processes of the worker's machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Config {
    /// What commands see of the worker's own environment.
    pub environment: Environment,
    /// The variables of the worker's environment that an isolated command sees; a name may end with `*`.
    /// The default lets programs be found and package managers reach their registries.
    pub keep_environment: Vec<String>,
    /// How long a command that must stop has between SIGTERM and SIGKILL.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub kill_grace: Duration,
    /// How long background processes that hold the output open may go on writing after the command itself has ended.
    /// Whatever is left of a command after that is ended, with a warning.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub leftover_grace: Duration,
}

/// What commands see of the worker's own environment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// Only `keepEnvironment`: the worker's secrets stay with the worker.
    #[default]
    Isolated,
    /// All of it, as in Kestra.
    Inherited,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            environment: Environment::default(),
            keep_environment: KEPT.iter().map(|name| (*name).to_owned()).collect(),
            kill_grace: Duration::from_secs(5),
            leftover_grace: Duration::from_secs(1),
        }
    }
}

const KEPT: [&str; 36] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "LC_*",
    "TZ",
    "TMPDIR",
    "TEMP",
    "TMP",
    "XDG_*",
    "LD_LIBRARY_PATH",
    "VIRTUAL_ENV",
    "PYENV_*",
    "CONDA_*",
    "JAVA_HOME",
    "GOROOT",
    "GOPATH",
    "GOFLAGS",
    "GOPROXY",
    "PIP_*",
    "UV_*",
    "NPM_CONFIG_*",
    "npm_config_*",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "DOCKER_HOST",
];
