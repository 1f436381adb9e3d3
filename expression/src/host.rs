//! What an expression may ask of the world around it.

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Value;

/// The world as seen by one rendering: a clock, chance, and facts.
///
/// The engine itself does no IO. A function such as `secret('k')` asks for a [`Need`]; a host that cannot answer at
/// once says [`Answer::Pending`], rendering stops with [`crate::ErrorKind::Need`], the host fetches what is missing and
/// renders the same text again.
pub trait Host {
    /// The current time, for `now()` and the ids that carry a time.
    fn now(&self) -> Timestamp;

    /// Sixty-four random bits.
    fn random(&self) -> u64;

    /// The answer to one need. May be called several times with the same need.
    fn ask(&self, need: &Need) -> Answer;

    /// Called with each secret text that enters the rendering and was not itself the answer to a [`Need::Secret`]
    /// (a sub-key taken out of a secret), so that the host can mask it in logs.
    fn reveal(&self, secret: &str) {
        let _ = secret;
    }
}

/// What a host says to a [`Need`].
#[derive(Clone, Debug)]
pub enum Answer {
    /// Here it is.
    Value(Value),
    /// There is no such thing; the engine words the error as Kestra does, or gives null where Kestra does.
    Missing,
    /// It cannot be had, and this is the message of the error.
    Failed(String),
    /// Not known yet: rendering stops with the need as its error.
    Pending,
}

/// A fact an expression needs from outside.
///
/// Needs can be compared, hashed and sent, so that a host can collect, fetch and remember them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Need {
    /// `secret(key, namespace)`: the text of a secret. Without namespace: the flow's own, then its parents.
    Secret {
        /// Name of the secret.
        key: String,
        /// Namespace to look in; `None` is the flow's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        namespace: Option<String>,
    },
    /// `kv(key, namespace)`: a value of the key-value store, with its type.
    Kv {
        /// Name of the entry.
        key: String,
        /// Namespace to look in; `None` is the flow's, then its parents.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        namespace: Option<String>,
    },
    /// `read(path, namespace, version)`: the content of a namespace file or of a `kestra://` file, as a text or bytes.
    Read(FileNeed),
    /// `fileSize(path, namespace)`: a length in bytes, as an integer.
    FileSize(FileNeed),
    /// `fileExists(path, namespace)`: a boolean.
    FileExists(FileNeed),
    /// `isFileEmpty(path, namespace)`: a boolean.
    IsFileEmpty(FileNeed),
    /// `errorLogs()`: a list of the ERROR log entries of this execution.
    ErrorLogs,
    /// `http(…)`: the parsed body of a response.
    Http(Box<HttpNeed>),
    /// `subflow(…)`: the outputs of an execution that is started and waited for.
    Subflow(Box<SubflowNeed>),
    /// `randomPort()`: the number of a free local port.
    RandomPort,
}

/// Which file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileNeed {
    /// Path of a namespace file, or a `kestra:///` URI.
    pub path: String,
    /// Namespace of a namespace file; `None` is the flow's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Version of a namespace file; `None` is the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
}

/// An HTTP request.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpNeed {
    /// Address, without `query`.
    pub uri: String,
    /// Method in upper case; `GET` unless given.
    pub method: String,
    /// Query parameters to add: a map.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub query: serde_json::Value,
    /// Body: a text is sent as it is, anything else in the form `content_type` asks for.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub body: serde_json::Value,
    /// Content type of the body; `application/json` unless given.
    pub content_type: String,
    /// What the caller accepts; decides how the answer is parsed when the server does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept: Option<String>,
    /// Headers: a map of texts or lists of texts.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub headers: serde_json::Value,
    /// Kestra's HTTP client options: a map.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub options: serde_json::Value,
}

/// An execution to start and wait for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubflowNeed {
    /// Namespace of the flow.
    pub namespace: String,
    /// Id of the flow.
    pub id: String,
    /// Its inputs: a map.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub inputs: serde_json::Value,
    /// Its revision; `None` is the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<i64>,
    /// Labels of the execution: a map.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub labels: serde_json::Value,
    /// How long to wait, as an ISO-8601 duration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
}

/// A host with a fixed time, a seeded chance, and no facts: every need fails.
///
/// For tests, previews, and texts that are known to need nothing.
#[derive(Debug)]
pub struct FixedHost {
    now: Timestamp,
    state: AtomicU64,
}

impl FixedHost {
    /// A host whose clock stands at `now` and whose chance follows from `seed`.
    pub fn new(now: Timestamp, seed: u64) -> FixedHost {
        FixedHost {
            now,
            state: AtomicU64::new(seed),
        }
    }
}

impl Default for FixedHost {
    fn default() -> FixedHost {
        FixedHost::new(Timestamp::UNIX_EPOCH, 0)
    }
}

impl Host for FixedHost {
    fn now(&self) -> Timestamp {
        self.now
    }

    /// SplitMix64 over the seed.
    fn random(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let state = self
            .state
            .fetch_add(STEP, Ordering::Relaxed)
            .wrapping_add(STEP);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn ask(&self, need: &Need) -> Answer {
        Answer::Failed(format!("`{}` is not available here", need.name()))
    }
}

impl Need {
    /// The name of the function that asks.
    pub fn name(&self) -> &'static str {
        match self {
            Need::Secret { .. } => "secret",
            Need::Kv { .. } => "kv",
            Need::Read(_) => "read",
            Need::FileSize(_) => "fileSize",
            Need::FileExists(_) => "fileExists",
            Need::IsFileEmpty(_) => "isFileEmpty",
            Need::ErrorLogs => "errorLogs",
            Need::Http(_) => "http",
            Need::Subflow(_) => "subflow",
            Need::RandomPort => "randomPort",
        }
    }
}
