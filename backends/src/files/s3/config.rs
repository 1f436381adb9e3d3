use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{ByteSize, Secret};

/// How an S3-compatible storage is reached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// The bucket; it must exist.
    pub bucket: String,
    /// What the names of all objects begin with, for installations that share a bucket.
    pub prefix: String,
    /// Where the storage is, if it is not AWS: `http://minio:9000`.
    pub endpoint: Option<String>,
    /// The region. Most storages other than AWS take any.
    pub region: String,
    /// Whether the bucket is a part of the path instead of the host name. As a rule that is needed with an `endpoint`, and is the default then.
    pub path_style: Option<bool>,
    /// The access key. Without it, credentials come from the environment: variables, profile, web identity, instance role.
    pub access_key: Option<String>,
    /// The secret key that belongs to the access key.
    pub secret_key: Option<Secret>,
    /// The session token, if the keys are temporary.
    pub session_token: Option<Secret>,
    /// A file with the certificates (PEM) of the authorities to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// Where browsers reach the storage. When given, downloads are links to it instead of passing through the API.
    pub public_endpoint: Option<String>,
    /// Size of the parts in which large files are sent, at least 5 MiB.
    pub part_size: ByteSize,
    /// So many parts of a file are sent at the same time. Memory for one upload: this and one more, times the part size.
    pub parallel_parts: usize,
    /// How often a request is made before it has failed.
    pub attempts: u32,
    /// How long it may take to connect.
    #[serde(with = "crate::config::duration")]
    #[schemars(with = "String")]
    pub connect_timeout: Duration,
    /// How long one attempt of a request may take until its answer begins.
    #[serde(with = "crate::config::duration")]
    #[schemars(with = "String")]
    pub request_timeout: Duration,
    /// How long to wait at start for a storage that does not answer yet, before giving up.
    #[serde(with = "crate::config::duration")]
    #[schemars(with = "String")]
    pub start_timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            bucket: String::new(),
            prefix: String::new(),
            endpoint: None,
            region: "us-east-1".into(),
            path_style: None,
            access_key: None,
            secret_key: None,
            session_token: None,
            ca_file: None,
            public_endpoint: None,
            part_size: ByteSize::mebibytes(8),
            parallel_parts: 3,
            attempts: 5,
            connect_timeout: Duration::from_secs(3),
            request_timeout: Duration::from_secs(60),
            start_timeout: Duration::from_secs(20),
        }
    }
}
