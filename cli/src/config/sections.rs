//! The sections that are the binary's own, and those that choose and hold the settings of backends.

use flowmill_backends::config::{ByteSize, Secret};
use flowmill_backends::{files, queue, store};
use flowmill_common::yaml;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Where state is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub(crate) struct StoreConfig {
    /// Over how many partitions executions are spread; fixed when the store is made.
    pub(crate) partitions: u16,
    /// The embedded store: SQLite in the data directory.
    pub(crate) embedded: store::embedded::Config,
}

/// How services talk to each other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub(crate) struct QueueConfig {
    /// The queue within one process.
    pub(crate) in_process: queue::in_process::Config,
}

/// Where files are kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub(crate) struct FilesConfig {
    /// Files in a folder of this machine.
    pub(crate) local: files::local::Config,
}

/// What expressions see besides the execution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub(crate) struct VariablesConfig {
    /// `globals` in expressions: names with values of any kind.
    pub(crate) globals: Map<String, Value>,
    /// Environment variables with one of these prefixes are `envs` in expressions, without the prefix and in lower case:
    /// `ENV_MY_VAR` is `envs.my_var`.
    pub(crate) env_prefixes: Vec<String>,
}

/// How secret inputs and outputs are kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub(crate) struct EncryptionConfig {
    /// The key, base64 of 16 or 32 bytes. Without one, flows cannot have inputs and outputs of type SECRET.
    pub(crate) secret_key: Option<Secret>,
}

/// What the text of a flow may cost to read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub(crate) struct FlowLimitsConfig {
    /// The size of the text, and of all text that aliases bring in.
    pub(crate) size: ByteSize,
    /// The number of values, lists and mappings, aliases expanded.
    pub(crate) nodes: usize,
    /// How deep lists and mappings may lie within one another.
    pub(crate) depth: usize,
}

impl FlowLimitsConfig {
    /// The same as the compiler takes it.
    pub(crate) fn limits(&self) -> yaml::Limits {
        yaml::Limits {
            bytes: self.size.as_usize(),
            nodes: self.nodes,
            depth: self.depth,
        }
    }
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            partitions: 16,
            embedded: store::embedded::Config::default(),
        }
    }
}

impl Default for VariablesConfig {
    fn default() -> Self {
        Self {
            globals: Map::new(),
            env_prefixes: vec!["ENV_".into(), "KESTRA_".into()],
        }
    }
}

impl Default for FlowLimitsConfig {
    fn default() -> Self {
        let yaml::Limits {
            bytes,
            nodes,
            depth,
        } = yaml::Limits::default();
        Self {
            size: ByteSize::bytes(bytes as u64),
            nodes,
            depth,
        }
    }
}
