//! The sections that are the binary's own.

use flowmill_backends::config::{ByteSize, Secret};
use flowmill_common::yaml;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

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

/// Where a process without the role `api` tells how it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub(crate) struct StatusConfig {
    /// The address.
    pub(crate) host: String,
    /// The port of `/health`, `/health/live`, `/health/ready` and `/metrics`; 0 takes a free one. Without one nothing is served: what the
    /// API of a process serves includes them.
    pub(crate) port: Option<u16>,
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

impl Default for StatusConfig {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".into(),
            port: None,
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
