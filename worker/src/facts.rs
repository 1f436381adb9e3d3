//! Fetches what expressions ask for: secrets, files, error lines, a free port.

use std::sync::Arc;

use flowmill_backends::repo::logs::{Filter, Logs};
use flowmill_backends::{Error, Files, Kind};
use flowmill_common::Job;
use flowmill_common::log::Level;
use flowmill_expression::{Answer, FileNeed, Need, Value};
use futures::TryStreamExt;
use serde_json::json;

use crate::storage;
use crate::variables::Variables;
use flowmill_common::secrets::Secrets;

/// Where facts come from.
pub(crate) struct Sources {
    pub(crate) files: Arc<dyn Files>,
    pub(crate) logs: Logs,
    pub(crate) secrets: Arc<Secrets>,
    /// The longest file that is given to an expression, in bytes.
    pub(crate) largest_read: u64,
}

impl Sources {
    /// The answer to a need of this job. Failures become the expression's own error.
    pub(crate) async fn fetch(&self, job: &Job, variables: &Variables, need: &Need) -> Answer {
        let fetched = match need {
            Need::Secret { key, .. } => {
                return self
                    .secrets
                    .get(key)
                    .map_or(Answer::Missing, |value| Answer::Value(value.into()));
            }
            Need::Read(file) => self.read(job, variables, file).await,
            Need::FileSize(file) => {
                self.length(job, variables, file)
                    .await
                    .and_then(|length| match length {
                        Some(length) => Ok(integer(length)),
                        None => Err(format!("no file `{}`", file.path)),
                    })
            }
            Need::FileExists(file) => self
                .length(job, variables, file)
                .await
                .map(|length| length.is_some().into()),
            Need::IsFileEmpty(file) => {
                self.length(job, variables, file)
                    .await
                    .and_then(|length| match length {
                        Some(length) => Ok((length == 0).into()),
                        None => Err(format!("no file `{}`", file.path)),
                    })
            }
            Need::ErrorLogs => self
                .error_logs(job)
                .await
                .map_err(|error| error.to_string()),
            Need::RandomPort => free_port().map_err(|error| format!("no port is free: {error}")),
            Need::Kv { .. } | Need::Http(_) | Need::Subflow(_) => Err(format!(
                "the `{}` function is not available here",
                need.name()
            )),
        };
        match fetched {
            Ok(value) => Answer::Value(value),
            Err(message) => Answer::Failed(message),
        }
    }

    /// The text of a file in the storage, as JSON.
    pub(crate) async fn stored_json(&self, path: &str) -> Result<serde_json::Value, String> {
        let bytes = self.bytes(path, u64::MAX).await?;
        serde_json::from_slice(&bytes)
            .map_err(|error| format!("the outputs in `{path}` cannot be read: {error}"))
    }

    async fn read(
        &self,
        job: &Job,
        variables: &Variables,
        file: &FileNeed,
    ) -> Result<Value, String> {
        let path = locate(job, variables, file)?;
        let bytes = self.bytes(&path, self.largest_read).await?;
        Ok(match String::from_utf8(bytes) {
            Ok(text) => text.into(),
            Err(binary) => Value::Bytes(binary.into_bytes().into()),
        })
    }

    async fn bytes(&self, path: &str, longest: u64) -> Result<Vec<u8>, String> {
        let cannot = |error: &dyn std::fmt::Display| format!("`{path}` cannot be read: {error}");
        let mut stream = self
            .files
            .get(path, None)
            .await
            .map_err(|error| cannot(&error))?;
        let mut bytes = Vec::new();
        while let Some(chunk) = stream.try_next().await.map_err(|error| cannot(&error))? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() as u64 > longest {
                return Err(format!(
                    "`{path}` is longer than {longest} bytes, too long for an expression"
                ));
            }
        }
        Ok(bytes)
    }

    async fn length(
        &self,
        job: &Job,
        variables: &Variables,
        file: &FileNeed,
    ) -> Result<Option<u64>, String> {
        let path = locate(job, variables, file)?;
        match self.files.stat(&path).await {
            Ok(stat) => Ok(Some(stat.length)),
            Err(error) if error.kind() == Kind::NotFound => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }

    async fn error_logs(&self, job: &Job) -> Result<Value, Error> {
        let filter = Filter {
            min_level: Some(Level::Error),
            ..Filter::default()
        };
        let mut reader = self.logs.read(&job.execution, filter);
        let mut lines = Vec::new();
        while let Some(chunk) = reader.next().await? {
            lines.extend(chunk.into_iter().map(|line| {
                json!({
                    "taskId": line.task_id.as_deref(),
                    "taskRunId": line.task_run.as_ref().map(|id| id.as_str()),
                    "attempt": line.attempt,
                    "timestamp": line.at.to_string(),
                    "level": line.level.name(),
                    "message": line.message,
                })
            }));
        }
        Ok(serde_json::Value::Array(lines).into())
    }
}

/// A path is that of a namespace file unless it is a URI.
fn locate(job: &Job, variables: &Variables, file: &FileNeed) -> Result<String, String> {
    if file.path.contains("://") {
        return storage::readable(job, variables.json(), &file.path);
    }
    storage::namespace_file(
        file.namespace.as_deref().unwrap_or(&job.namespace),
        &file.path,
    )
}

fn integer(length: u64) -> Value {
    Value::Int(i64::try_from(length).unwrap_or(i64::MAX))
}

fn free_port() -> std::io::Result<Value> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    Ok(Value::Int(listener.local_addr()?.port().into()))
}
