//! The request that creates the execution: the same that a client of the API would send.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::Context;
use axum::body::Body;
use axum::http::Method;
use bytes::Bytes;
use flowmill_common::Flow;
use flowmill_common::flow::InputType;
use futures::stream::{self, BoxStream, StreamExt};
use serde_json::Value;
use tokio_util::io::ReaderStream;

use crate::assemble::LocalApi;
use crate::exit::WrongInput;

/// `key=value` on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) key: String,
    pub(crate) value: String,
}

/// `input=path` on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileInput {
    pub(crate) input: String,
    pub(crate) path: PathBuf,
}

impl FromStr for Pair {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok(Self {
                key: key.to_owned(),
                value: value.to_owned(),
            }),
            _ => Err(format!("`{text}` must be `key=value`")),
        }
    }
}

impl FromStr for FileInput {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((input, path)) if !input.is_empty() && !path.is_empty() => Ok(Self {
                input: input.to_owned(),
                path: path.into(),
            }),
            _ => Err(format!("`{text}` must be `input=path`")),
        }
    }
}

/// A refusal, with the option that mends it.
fn with_mend(message: String, flow: &Flow) -> String {
    let missing = message
        .strip_prefix("Missing required input:")
        .and_then(|id| flow.inputs.iter().find(|input| *input.id == *id.trim()));
    match missing {
        Some(input) if input.input_type == InputType::File => {
            format!("{message} (give it with `-f {}=PATH`)", input.id)
        }
        Some(input) => format!("{message} (give it with `-i {}=VALUE`)", input.id),
        None => message,
    }
}

/// What an execution is started with.
#[derive(Debug, Default)]
pub(crate) struct Request {
    pub(crate) inputs: Vec<Pair>,
    pub(crate) files: Vec<FileInput>,
    pub(crate) labels: Vec<Pair>,
}

impl Request {
    /// Creates the execution, and gives its id. Refusals are wrong input, one line for each.
    pub(crate) async fn send(&self, api: &LocalApi, flow: &Flow) -> anyhow::Result<String> {
        self.check(flow)?;
        let boundary = format!("flowmill{}", uuid::Uuid::new_v4().simple());
        let kind = format!("multipart/form-data; boundary={boundary}");
        let body = Body::from_stream(self.parts(&boundary).await?);
        let answer = api
            .call(Method::POST, &self.path(flow), Some((&kind, body)))
            .await?;
        if !answer.is_success() {
            let messages = answer.messages().into_iter();
            let messages: Vec<String> = messages.map(|message| with_mend(message, flow)).collect();
            let message = match messages.as_slice() {
                [one] => one.clone(),
                several => format!("the execution is refused\n  {}", several.join("\n  ")),
            };
            return Err(WrongInput::new(message).into());
        }
        let execution = answer.json()?;
        let id = execution
            .get("id")
            .and_then(Value::as_str)
            .context("the new execution has no id")?;
        Ok(id.to_owned())
    }

    /// What the API would pass over in silence, but a person at a terminal has surely misspelt.
    fn check(&self, flow: &Flow) -> Result<(), WrongInput> {
        let given = (self.inputs.iter().map(|pair| &pair.key))
            .chain(self.files.iter().map(|file| &file.input));
        let known: Vec<&str> = flow.inputs.iter().map(|input| &*input.id).collect();
        for name in given {
            // a group's members are given as `group.member`
            let declared = known.iter().any(|id| {
                name == id
                    || name
                        .strip_prefix(id)
                        .is_some_and(|rest| rest.starts_with('.'))
            });
            if !declared {
                let near = flowmill_expression::nearest(name, known.iter().copied(), 1);
                let hint = match (near.first(), known.is_empty()) {
                    (Some(near), _) => format!("did you mean `{near}`?"),
                    (None, true) => "it has none".to_owned(),
                    (None, false) => format!("it has `{}`", known.join("`, `")),
                };
                return Err(WrongInput::new(format!(
                    "no input `{name}` in flow `{}` ({hint})",
                    flow.full_id()
                )));
            }
        }
        Ok(())
    }

    fn path(&self, flow: &Flow) -> String {
        let labels: Vec<String> = (self.labels.iter())
            .map(|label| {
                format!(
                    "labels={}",
                    percent_encoded(&format!("{}:{}", label.key, label.value))
                )
            })
            .collect();
        format!(
            "/api/v1/executions/{}/{}?{}",
            flow.namespace,
            flow.id,
            labels.join("&")
        )
    }

    /// The parts of the form: files are read as they are sent.
    async fn parts(
        &self,
        boundary: &str,
    ) -> anyhow::Result<BoxStream<'static, std::io::Result<Bytes>>> {
        let mut streams: Vec<BoxStream<'static, std::io::Result<Bytes>>> = Vec::new();
        let mut push =
            |text: String| streams.push(stream::once(async { Ok(Bytes::from(text)) }).boxed());
        for Pair { key, value } in &self.inputs {
            let name = quoted(key);
            push(format!(
                "--{boundary}\r\nContent-Disposition: form-data; name={name}\r\n\r\n{value}\r\n"
            ));
        }
        for FileInput { input, path } in &self.files {
            let shown = path.display();
            let file = tokio::fs::File::open(path).await;
            let file = file.map_err(|error| {
                WrongInput::new(format!(
                    "input `{input}`: `{shown}` cannot be read: {error}"
                ))
            })?;
            if file.metadata().await?.is_dir() {
                return Err(WrongInput::new(format!(
                    "input `{input}`: `{shown}` is a folder, not a file"
                ))
                .into());
            }
            let file_name = path.file_name().unwrap_or_default().to_string_lossy();
            let head = format!(
                "--{boundary}\r\nContent-Disposition: form-data; name={}; filename={}\r\nContent-Type: application/octet-stream\r\n\r\n",
                quoted(input),
                quoted(&file_name)
            );
            streams.push(stream::once(async { Ok(Bytes::from(head)) }).boxed());
            streams.push(ReaderStream::new(file).boxed());
            streams.push(stream::once(async { Ok(Bytes::from_static(b"\r\n")) }).boxed());
        }
        let end = format!("--{boundary}--\r\n");
        streams.push(stream::once(async { Ok(Bytes::from(end)) }).boxed());
        Ok(stream::iter(streams).flatten().boxed())
    }
}

/// A value of a multipart header, as browsers write it.
fn quoted(text: &str) -> String {
    format!(
        "\"{}\"",
        text.replace('"', "%22")
            .replace('\r', "%0D")
            .replace('\n', "%0A")
    )
}

fn percent_encoded(text: &str) -> String {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte);
    text.bytes()
        .map(|byte| {
            if unreserved(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_split_at_its_first_equals_sign() {
        assert_eq!(
            "a=b=c".parse(),
            Ok(Pair {
                key: "a".into(),
                value: "b=c".into()
            })
        );
        assert_eq!(
            "a=".parse(),
            Ok(Pair {
                key: "a".into(),
                value: String::new()
            })
        );
        assert_eq!("a".parse::<Pair>(), Err("`a` must be `key=value`".into()));
        assert_eq!(
            "f=".parse::<FileInput>(),
            Err("`f=` must be `input=path`".into())
        );
    }

    #[test]
    fn labels_are_percent_encoded() {
        assert_eq!(percent_encoded("team:a & b/é"), "team:a%20%26%20b%2F%C3%A9");
    }

    #[tokio::test]
    async fn the_form_holds_texts_and_files() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.csv");
        std::fs::write(&path, "x,y\n").unwrap();
        let request = Request {
            inputs: vec![Pair {
                key: "name".into(),
                value: "two\nlines".into(),
            }],
            files: vec![FileInput {
                input: "table".into(),
                path,
            }],
            labels: Vec::new(),
        };
        let chunks: Vec<_> = request.parts("B").await.unwrap().collect().await;
        let form: Vec<u8> = chunks
            .into_iter()
            .flat_map(|chunk| chunk.unwrap().to_vec())
            .collect();
        assert_eq!(
            String::from_utf8(form).unwrap(),
            "--B\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\ntwo\nlines\r\n\
             --B\r\nContent-Disposition: form-data; name=\"table\"; filename=\"data.csv\"\r\n\
             Content-Type: application/octet-stream\r\n\r\nx,y\n\r\n--B--\r\n"
        );
    }
}
