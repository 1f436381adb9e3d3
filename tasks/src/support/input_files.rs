//! `inputFiles`: files that a task finds in its working directory.

use std::path::Path;

use futures::TryStreamExt;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value};
use tokio::io::AsyncWriteExt;

use super::paths;
use crate::context::{ByteStream, RunContext};
use crate::property::{Coerce, Property, Shape};
use crate::task::TaskError;

/// What `inputFiles` may be: a map of file names to contents, JSON text of one, or the URI of a file that holds one.
/// A content is text, or the URI of a file (`kestra://`, `nsfile://`, `file://` where the worker allows it).
#[derive(Clone, Debug, PartialEq)]
pub enum InputFiles {
    /// Names and contents.
    Files(Map<String, Value>),
    /// A file with JSON of names and contents.
    Stored(String),
}

impl Coerce for InputFiles {
    const SHAPE: Shape = Shape::Map;

    fn coerce(value: Value) -> Result<Self, String> {
        match value {
            Value::String(text) if is_uri(text.trim()) => Ok(Self::Stored(text.trim().to_owned())),
            value => Map::coerce(value).map(Self::Files),
        }
    }

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        let map = <Map<String, Value> as Coerce>::schema(generator);
        json_schema!({ "anyOf": [map, { "type": "string" }] })
    }
}

/// Writes the files into the working directory, rendered. Gives how many there were.
pub async fn write(
    context: &RunContext,
    files: Option<&Property<InputFiles>>,
) -> Result<usize, TaskError> {
    let files = match Property::render_optional(files, context).await? {
        None => return Ok(0),
        Some(InputFiles::Files(files)) => files,
        Some(InputFiles::Stored(uri)) => stored(context, &uri).await?,
    };
    let mut written = 0;
    for (name, content) in files {
        let text = match content {
            Value::Null => continue,
            Value::String(text) => text,
            other => other.to_string(),
        };
        let file = paths::below(&context.working_directory, &name)?;
        write_one(context, &file, &text).await?;
        written += 1;
    }
    Ok(written)
}

/// Writes one file: the text itself, or what its URI names.
pub async fn write_one(context: &RunContext, file: &Path, text: &str) -> Result<(), TaskError> {
    match is_uri(text.trim()) {
        true => copy(context, text.trim(), file).await,
        false => write_text(context, file, text).await,
    }
}

/// Writes one file with just this text.
pub async fn write_text(context: &RunContext, file: &Path, text: &str) -> Result<(), TaskError> {
    let mut target = paths::create(&context.working_directory, file).await?;
    let written = async {
        target.write_all(text.as_bytes()).await?;
        target.flush().await
    };
    written.await.map_err(|error| cannot_write(file, &error))
}

/// Copies a stored file into the working directory.
pub async fn copy(context: &RunContext, uri: &str, file: &Path) -> Result<(), TaskError> {
    let mut source = open(context, uri).await?;
    let mut target = paths::create(&context.working_directory, file).await?;
    while let Some(bytes) = source
        .try_next()
        .await
        .map_err(|error| TaskError::failed(format!("`{uri}` cannot be read: {error}")))?
    {
        target
            .write_all(&bytes)
            .await
            .map_err(|error| cannot_write(file, &error))?;
    }
    target
        .flush()
        .await
        .map_err(|error| cannot_write(file, &error))
}

/// Whether a text is nothing but the URI of a file.
pub fn is_uri(text: &str) -> bool {
    let scheme = ["kestra://", "nsfile://", "file://"]
        .iter()
        .any(|scheme| text.starts_with(scheme));
    scheme && !text.contains(['\n', '\r'])
}

async fn open(context: &RunContext, uri: &str) -> Result<ByteStream, TaskError> {
    match uri.strip_prefix("file://") {
        Some(path) => open_local(context, path).await,
        None => context.outside.read(uri).await,
    }
}

/// A file of the worker's machine, if it lies in a folder that the operator has opened to flows.
async fn open_local(context: &RunContext, path: &str) -> Result<ByteStream, TaskError> {
    let refused = |why: &str| TaskError::failed(format!("`file://{path}` {why}"));
    let allowed = &context.config.scripts.allowed_paths;
    let real = tokio::fs::canonicalize(path)
        .await
        .map_err(|error| refused(&format!("cannot be read: {error}")))?;
    let is_allowed = allowed.iter().any(|folder| {
        folder
            .canonicalize()
            .is_ok_and(|folder| real.starts_with(folder))
    });
    if !is_allowed {
        return Err(refused(
            "is not open to flows: the worker's `tasks.scripts.allowedPaths` lists the folders that are",
        ));
    }
    let file = tokio::fs::File::open(&real)
        .await
        .map_err(|error| refused(&format!("cannot be read: {error}")))?;
    Ok(Box::pin(tokio_util::io::ReaderStream::with_capacity(
        file,
        64 * 1024,
    )))
}

/// At most this much JSON of file names is read: it is a list, not the files.
const LONGEST_LIST: u64 = 16 << 20;

async fn stored(context: &RunContext, uri: &str) -> Result<Map<String, Value>, TaskError> {
    let mut source = open(context, uri).await?;
    let mut bytes = Vec::new();
    while let Some(chunk) = source
        .try_next()
        .await
        .map_err(|error| TaskError::failed(format!("`{uri}` cannot be read: {error}")))?
    {
        bytes.extend_from_slice(&chunk);
        if bytes.len() as u64 > LONGEST_LIST {
            return Err(TaskError::failed(format!(
                "`inputFiles`: `{uri}` is too long to be a map of file names to contents"
            )));
        }
    }
    serde_json::from_slice(&bytes).map_err(|error| {
        TaskError::failed(format!(
            "`inputFiles`: `{uri}` does not hold a JSON map of file names to contents: {error}"
        ))
    })
}

fn cannot_write(file: &Path, error: &std::io::Error) -> TaskError {
    TaskError::failed(format!(
        "the file `{}` cannot be written: {error}",
        file.display()
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn input_files_come_as_a_map_as_json_or_as_a_uri() {
        let map = json!({"a.txt": "x"});
        let files = InputFiles::Files(map.as_object().unwrap().clone());
        assert_eq!(InputFiles::coerce(map), Ok(files.clone()));
        assert_eq!(InputFiles::coerce(json!("{\"a.txt\": \"x\"}")), Ok(files));
        assert_eq!(
            InputFiles::coerce(json!(" kestra:///a.json ")),
            Ok(InputFiles::Stored("kestra:///a.json".into()))
        );
        assert!(InputFiles::coerce(json!([1])).is_err());
    }

    #[test]
    fn a_text_that_only_begins_with_a_uri_is_text() {
        assert!(
            is_uri("kestra:///a")
                && is_uri("nsfile:///a")
                && !is_uri("kestra:///a\nb")
                && !is_uri("see kestra:///a")
        );
    }
}
