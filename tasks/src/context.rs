//! What a running task may use of the world: rendering, files, the log, and the wish to stop. The worker gives it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use flowmill_common::Timestamp;
use flowmill_common::job::Job;
use flowmill_common::log::{Level, Metric};
use futures::stream::BoxStream;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::task::TaskError;

/// Bytes as they come.
pub type ByteStream = BoxStream<'static, std::io::Result<Bytes>>;

/// One attempt of one task run, and what it may use.
#[derive(Clone)]
pub struct RunContext {
    /// Who and what is run.
    pub job: Arc<Job>,
    /// The worker's settings for tasks.
    pub config: Arc<Config>,
    /// The folder of this attempt (of the whole `WorkingDirectory` inside one); exists, and is removed afterwards.
    pub working_directory: PathBuf,
    /// Fires when the task must stop: killed, timed out, or the worker gives up.
    pub cancelled: CancellationToken,
    /// The rest of the world.
    pub outside: Arc<dyn Outside>,
    /// Names that the task itself adds to the root of its expressions (`workingDir`, `outputFiles`, …).
    pub extra_variables: Arc<serde_json::Map<String, Value>>,
}

/// What the worker does for a task.
#[async_trait]
pub trait Outside: Send + Sync {
    /// Renders text against the job's variables and `extra`; facts that it asks for (secrets, kv, files) are fetched.
    /// The error is Kestra's message, with our position and hint.
    async fn render(
        &self,
        text: &str,
        extra: &serde_json::Map<String, Value>,
    ) -> Result<String, TaskError>;

    /// Renders a template to a value that keeps its type, where the template is a single expression.
    async fn render_typed(
        &self,
        text: &str,
        extra: &serde_json::Map<String, Value>,
    ) -> Result<Value, TaskError>;

    /// Opens a file of the internal storage (`kestra://…`) or of a namespace (`nsfile://…`), if this execution may read it.
    async fn read(&self, uri: &str) -> Result<ByteStream, TaskError>;

    /// Stores a local file under the task run's folder and gives its `kestra://` URI. The name keeps its extension.
    async fn store_file(&self, name: &str, path: &Path) -> Result<String, TaskError>;

    /// Stores a stream likewise.
    async fn store_stream(&self, name: &str, content: ByteStream) -> Result<String, TaskError>;

    /// The length of a stored file in bytes.
    async fn size(&self, uri: &str) -> Result<u64, TaskError>;

    /// The paths of the files of a namespace, without a leading `/`, if this execution may read them. By default there are none to
    /// be had, which is an error.
    async fn namespace_files(&self, namespace: &str) -> Result<Vec<String>, TaskError> {
        Err(TaskError::failed(format!(
            "the files of namespace `{namespace}` cannot be listed here"
        )))
    }

    /// What an earlier execution left in the cache of this task (and of the same loop value), with the time it was written.
    async fn cached(&self) -> Result<Option<(Timestamp, ByteStream)>, TaskError> {
        Ok(None)
    }

    /// Leaves a file in the cache of this task, in place of what was there.
    async fn put_cached(&self, content: ByteStream) -> Result<(), TaskError> {
        drop(content);
        Err(TaskError::failed("nothing can be cached here"))
    }

    /// Encrypts text with the server's key, as `encryptedBody` and SECRET values are kept. By default there is no key.
    fn encrypt(&self, text: &str) -> Result<String, TaskError> {
        let _ = text;
        Err(TaskError::failed(
            "nothing can be encrypted here: the server has no encryption key",
        ))
    }

    /// Writes a line to the log of the task run; secrets are masked. Never blocks; a storm is cut, and the cut is said.
    fn log(&self, level: Level, message: String);

    /// Publishes a measurement with the end of the attempt.
    fn metric(&self, metric: Metric);
}

impl RunContext {
    /// Renders text.
    pub async fn render(&self, text: &str) -> Result<String, TaskError> {
        if !text.contains('{') {
            return Ok(text.to_owned());
        }
        self.outside.render(text, &self.extra_variables).await
    }

    /// Renders a template to a value that keeps its type.
    pub async fn render_typed(&self, text: &str) -> Result<Value, TaskError> {
        if !text.contains('{') {
            return Ok(Value::String(text.to_owned()));
        }
        self.outside.render_typed(text, &self.extra_variables).await
    }

    /// The same context with more names at the root of expressions.
    pub fn with_variables(&self, more: serde_json::Map<String, Value>) -> Self {
        let mut all = (*self.extra_variables).clone();
        all.extend(more);
        Self {
            extra_variables: Arc::new(all),
            ..self.clone()
        }
    }

    /// Writes a line to the log of the task run.
    pub fn log(&self, level: Level, message: impl Into<String>) {
        self.outside.log(level, message.into());
    }
}
