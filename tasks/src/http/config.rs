use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The limits of HTTP tasks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Config {
    /// The longest body that `http.Request` keeps as an output, in bytes; longer ones fail it. Default: 19 MiB.
    pub maximum_body_bytes: u64,
    /// How much of the body of an unwanted response is shown in the message of the failure, in bytes. Default: 64 KiB.
    pub maximum_shown_bytes: usize,
    /// How long connecting may take where a task does not say it. Default: 3 minutes.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    #[schemars(with = "String")]
    pub connect_timeout: Duration,
    /// How long a response may send nothing where a task does not say it. Default: 5 minutes.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    #[schemars(with = "String")]
    pub read_idle_timeout: Duration,
    /// How long to wait before the one automatic retry, where the server does not say it. Default: 1 s.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    #[schemars(with = "String")]
    pub retry_delay: Duration,
    /// A server that asks to wait longer than this before the automatic retry is not asked again. Default: 1 minute.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    #[schemars(with = "String")]
    pub longest_retry_after: Duration,
    /// How many redirects are followed. Default: 50.
    pub maximum_redirects: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            maximum_body_bytes: 19 << 20,
            maximum_shown_bytes: 64 << 10,
            connect_timeout: Duration::from_secs(3 * 60),
            read_idle_timeout: Duration::from_secs(5 * 60),
            retry_delay: Duration::from_secs(1),
            longest_retry_after: Duration::from_secs(60),
            maximum_redirects: 50,
        }
    }
}
