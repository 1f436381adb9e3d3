//! The properties of a Docker task runner, and of the older `docker` block.

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::Value;
use std::time::Duration;

use crate::property::{Coerce, Property, by_name};

/// How a container is made. What is left out is the daemon's default.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Options {
    /// The Docker daemon: `unix:///path` or `tcp://host:port`.
    pub host: Option<Property<String>>,
    /// Docker's `config.json`, as a map or as text: where the credentials of registries are.
    #[schemars(with = "Option<Value>")]
    pub config: Option<Property<Value>>,
    /// The credentials of the image's registry.
    pub credentials: Option<Credentials>,
    /// The image; overrides `containerImage`.
    pub image: Option<Property<String>>,
    /// The user in the container: a name or a number, with a group after `:`.
    pub user: Option<Property<String>>,
    /// The entry point, instead of the image's own. `[""]` is none.
    pub entry_point: Option<Property<Vec<String>>>,
    /// More lines of `/etc/hosts`: `name:ip`, `host.docker.internal:host-gateway`.
    pub extra_hosts: Option<Property<Vec<String>>>,
    /// The network: `bridge`, `host`, `none`, or a name.
    pub network_mode: Option<Property<String>>,
    /// Ports to open on the host: `8080:80`, `127.0.0.1:8080:80`, `53:53/udp`.
    pub port_bindings: Option<Property<Vec<String>>>,
    /// Folders of the host: `/host:/container`, with `:ro` or `:rw`. Ignored unless the worker allows it (`tasks.docker.volumeEnabled`).
    pub volumes: Option<Property<Vec<String>>>,
    /// When the image is pulled. `IF_NOT_PRESENT` by default.
    pub pull_policy: Option<Property<PullPolicy>>,
    /// Devices of drivers, such as GPUs.
    pub device_requests: Option<Vec<DeviceRequest>>,
    /// Limits of the processor.
    pub cpu: Option<Cpu>,
    /// Limits of the memory.
    pub memory: Option<Memory>,
    /// The size of `/dev/shm`: `512MB`.
    pub shm_size: Option<Property<String>>,
    /// Whether the container may do nearly everything that the host may.
    pub privileged: Option<Property<bool>>,
    /// How the files of the working directory get into the container and back. `VOLUME` by default.
    pub file_handling_strategy: Option<Property<FileHandling>>,
    /// Whether the container is removed at the end. True by default.
    pub delete: Option<Property<bool>>,
    /// Whether the end is waited for. Without it the task succeeds once the container has started. True by default.
    pub wait: Option<Property<bool>>,
    /// How long a container that must stop has between SIGTERM and SIGKILL. No time at all by default.
    pub kill_grace_period: Option<Property<Duration>>,
    /// Whether a container that a lost worker has started for the same attempt is taken over. True by default.
    pub resume: Option<Property<bool>>,
}

/// The credentials of a registry.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Credentials {
    /// The registry: `ghcr.io`.
    pub registry: Option<Property<String>>,
    /// The user.
    pub username: Option<Property<String>>,
    /// The password.
    pub password: Option<Property<String>>,
    /// A token of the registry.
    pub registry_token: Option<Property<String>>,
    /// A token of the identity.
    pub identity_token: Option<Property<String>>,
    /// `user:password` in Base64.
    pub auth: Option<Property<String>>,
}

/// Limits of the processor.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Cpu {
    /// How many cores: `1.5`.
    pub cpus: Option<Property<f64>>,
}

/// Limits of the memory. Sizes are numbers of bytes or have a unit: `512MB`, `2g`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Memory {
    /// All memory.
    pub memory: Option<Property<String>>,
    /// Memory and swap together; `-1` is without limit.
    pub memory_swap: Option<Property<String>>,
    /// How eagerly memory is swapped, from 0 to 100.
    pub memory_swappiness: Option<Property<String>>,
    /// What is left to the container when memory is short.
    pub memory_reservation: Option<Property<String>>,
    /// Ignored: Docker has given it up.
    pub kernel_memory: Option<Property<String>>,
    /// Whether the container is not killed when it is out of memory.
    pub oom_kill_disable: Option<Property<bool>>,
}

/// Devices of a driver.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct DeviceRequest {
    /// The driver.
    pub driver: Option<Property<String>>,
    /// How many; `-1` is all.
    pub count: Option<Property<i64>>,
    /// Which ones.
    pub device_ids: Option<Property<Vec<String>>>,
    /// What they must be able to do: a list of alternatives, each a list.
    pub capabilities: Option<Property<Vec<Vec<String>>>>,
    /// More for the driver.
    pub options: Option<Property<IndexMap<String, String>>>,
}

/// When an image is pulled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PullPolicy {
    /// Only if the Docker host does not have it.
    #[default]
    IfNotPresent,
    /// Every time.
    Always,
    /// Never: it must be there.
    Never,
}

/// How files get into the container and back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum FileHandling {
    /// They are copied there and back; the daemon may be on another machine.
    #[default]
    Volume,
    /// The working directory is mounted; faster, but the daemon must see the worker's files.
    Mount,
}

impl Coerce for PullPolicy {
    fn coerce(value: Value) -> Result<Self, String> {
        by_name(value)
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": ["IF_NOT_PRESENT", "ALWAYS", "NEVER"] })
    }
}

impl Coerce for FileHandling {
    fn coerce(value: Value) -> Result<Self, String> {
        by_name(value)
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": ["VOLUME", "MOUNT"] })
    }
}

/// A size in bytes, as Docker writes sizes: `512`, `512b`, `64k`, `512m`, `512MB`, `1.5GiB`. A negative number stays.
pub(super) fn size(text: &str) -> Result<i64, String> {
    let text = text.trim();
    let wrong = || format!("`{text}` is not a size such as `512MB`");
    if let Ok(bytes) = text.parse::<i64>() {
        return Ok(bytes);
    }
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let number: f64 = text[..digits].parse().map_err(|_| wrong())?;
    let factor: u64 = match text[digits..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        "t" | "tb" | "tib" => 1 << 40,
        _ => return Err(wrong()),
    };
    let bytes = number * factor as f64;
    if bytes.is_finite() && bytes < i64::MAX as f64 {
        Ok(bytes as i64)
    } else {
        Err(wrong())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_as_docker_reads_them() {
        for (text, bytes) in [
            ("512", 512),
            ("512MB", 512 << 20),
            ("512m", 512 << 20),
            ("1.5 GiB", 3 << 29),
            ("-1", -1),
            ("64k", 65536),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["much", "5 bananas", ""] {
            assert!(size(text).unwrap_err().contains("is not a size"), "{text}");
        }
    }
}
