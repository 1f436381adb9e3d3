//! What an operator may set about the server's HTTP side.

use std::time::Duration;

use flowmill_backends::config::{ByteSize, Secret};
use jiff::fmt::serde::unsigned_duration::friendly::compact::required as duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the REST API; `api` in the configuration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Config {
    /// The address to listen on. Another one than a loopback address opens the server to the network. Default `127.0.0.1`.
    pub host: String,
    /// The port to listen on; 0: any free one. Default 8080.
    pub port: u16,
    /// The address under which people reach the server (`https://flows.example.org`), for links in answers.
    /// None: links have no host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Who may call the API. None: anyone who reaches it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basic_auth: Option<BasicAuth>,
    /// The origins whose pages may call the API (`https://tools.example.org`, or `*`). Default none.
    pub cors_origins: Vec<String>,
    /// The largest request body, uploads of files left out: flows, JSON, expressions. Default 16 MiB.
    #[schemars(with = "String")]
    pub body_limit: ByteSize,
    /// The largest request body of an upload (the inputs of an execution, files of a namespace). Default 10 GiB.
    #[schemars(with = "String")]
    pub upload_limit: ByteSize,
    /// How long a new execution may take to become visible before the request is answered with 503. Default 10s.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub visible_within: Duration,
    /// How long a request with `wait=true`, or a stream without news, is kept open. Default 1h.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub wait_limit: Duration,
    /// The shortest time between two frames of one stream of an execution's changes. Default 100ms.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub frame_interval: Duration,
    /// How often an idle stream carries a comment, so that proxies keep it open. Default 15s.
    #[serde(with = "duration")]
    #[schemars(with = "String")]
    pub keep_alive: Duration,
    /// Previews of files.
    pub preview: Preview,
    /// At most so many chunks of log lines are looked at by one search over all executions. Default 20,000.
    pub log_search_chunks: usize,
    /// Labels whose keys begin so are not shown in lists. Default `system.` and `internal.`.
    pub hidden_label_prefixes: Vec<String>,
    /// The name and colour that mark this installation in the UI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
}

/// One account, sent with every request as HTTP Basic.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BasicAuth {
    /// The user's name, usually an e-mail address.
    pub username: String,
    /// The password.
    #[schemars(with = "String")]
    pub password: Secret,
    /// Paths that need no account, with all below them, besides webhooks, health checks and the UI's own files.
    #[serde(default)]
    pub open_paths: Vec<String>,
}

/// Previews of files.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Preview {
    /// How many rows or lines are shown unless the request says otherwise. Default 100.
    pub initial_rows: usize,
    /// How many are shown at most. Default 5,000.
    pub max_rows: usize,
    /// How much of a file is read at most. Default 2 MiB.
    #[schemars(with = "String")]
    pub max_bytes: ByteSize,
}

/// What marks an installation in the UI.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Environment {
    /// Its name: `staging`.
    pub name: String,
    /// Its colour as CSS writes it: `#c00`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".into(),
            port: 8080,
            url: None,
            basic_auth: None,
            cors_origins: Vec::new(),
            body_limit: ByteSize::mebibytes(16),
            upload_limit: ByteSize::mebibytes(10 << 10),
            visible_within: Duration::from_secs(10),
            wait_limit: Duration::from_secs(3600),
            frame_interval: Duration::from_millis(100),
            keep_alive: Duration::from_secs(15),
            preview: Preview::default(),
            log_search_chunks: 20_000,
            hidden_label_prefixes: vec!["system.".into(), "internal.".into()],
            environment: None,
        }
    }
}

impl Default for Preview {
    fn default() -> Self {
        Self {
            initial_rows: 100,
            max_rows: 5000,
            max_bytes: ByteSize::mebibytes(2),
        }
    }
}
