//! Fetches what expressions ask for while the scheduler works: secrets, files of the execution, its error lines.

use flowmill_backends::repo::logs::Filter;
use flowmill_backends::{Error, Files};
use flowmill_common::ExecutionId;
use flowmill_common::log::Level;
use flowmill_expression::{Answer, Need};
use flowmill_scheduler::stored_outputs_path;
use futures::TryStreamExt;
use serde_json::{Value, json};

use crate::executor::Parts;

/// The answer to a need of this execution. Failures become the expression's own error.
pub(crate) async fn fetch(
    parts: &Parts,
    execution: &ExecutionId,
    own_files: &str,
    need: &Need,
) -> Answer {
    if let Some(path) = stored_outputs_path(need) {
        return match read(&*parts.files, path)
            .await
            .map(|bytes| serde_json::from_slice::<Value>(&bytes))
        {
            Ok(Ok(outputs)) => Answer::Value(outputs.into()),
            Ok(Err(error)) => {
                Answer::Failed(format!("the outputs in `{path}` cannot be read: {error}"))
            }
            Err(error) => Answer::Failed(error.to_string()),
        };
    }
    match need {
        Need::Secret { key, .. } => match parts.secrets.get(key) {
            Some(value) => Answer::Value(value.into()),
            None => Answer::Missing,
        },
        Need::Read(file) => match own_path(&file.path, own_files) {
            Ok(path) => match read(&*parts.files, &path).await {
                Ok(bytes) => Answer::Value(String::from_utf8_lossy(&bytes).as_ref().into()),
                Err(error) => Answer::Failed(error.to_string()),
            },
            Err(message) => Answer::Failed(message),
        },
        Need::FileSize(file) | Need::FileExists(file) | Need::IsFileEmpty(file) => {
            match own_path(&file.path, own_files) {
                Ok(path) => stat(parts, need, &path).await,
                Err(message) => Answer::Failed(message),
            }
        }
        Need::ErrorLogs => match error_logs(parts, execution).await {
            Ok(lines) => Answer::Value(lines.into()),
            Err(error) => Answer::Failed(error.to_string()),
        },
        Need::Kv { .. } | Need::Http(_) | Need::Subflow(_) | Need::RandomPort => Answer::Failed(
            format!("the `{}` function is not available here", need.name()),
        ),
    }
}

/// The path in the storage of a file that this execution may read.
fn own_path(uri: &str, own_files: &str) -> Result<String, String> {
    let path = uri
        .strip_prefix("kestra://")
        .map(|rest| rest.trim_start_matches('/'));
    match path {
        Some(path) if path.starts_with(own_files) && !path.contains("..") => Ok(path.to_owned()),
        Some(_) => Err(format!(
            "Unable to read the file '{uri}' as it didn't belong to the current execution"
        )),
        None => Err(format!(
            "Unable to read the file '{uri}': namespace files are not available here"
        )),
    }
}

async fn stat(parts: &Parts, need: &Need, path: &str) -> Answer {
    let length = match parts.files.stat(path).await {
        Ok(stat) => Some(stat.length),
        Err(error) if error.kind() == flowmill_backends::Kind::NotFound => None,
        Err(error) => return Answer::Failed(error.to_string()),
    };
    let value: Value = match (need, length) {
        (Need::FileExists(_), length) => length.is_some().into(),
        (Need::IsFileEmpty(_), Some(length)) => (length == 0).into(),
        (_, Some(length)) => length.into(),
        (_, None) => return Answer::Failed(format!("no file `{path}`")),
    };
    Answer::Value(value.into())
}

async fn read(files: &dyn Files, path: &str) -> Result<Vec<u8>, Error> {
    let chunks: Vec<bytes::Bytes> =
        (files.get(path, None).await?.try_collect().await).map_err(|error| {
            Error::with_source(
                flowmill_backends::Kind::Unavailable,
                format!("cannot read `{path}`"),
                error,
            )
        })?;
    Ok(chunks.concat())
}

async fn error_logs(parts: &Parts, execution: &ExecutionId) -> Result<Value, Error> {
    let filter = Filter {
        min_level: Some(Level::Error),
        ..Filter::default()
    };
    let mut reader = parts.logs().read(execution, filter);
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
    Ok(Value::Array(lines))
}
