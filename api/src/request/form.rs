//! The inputs of an execution as they are sent: parts of a form, JSON, a urlencoded form, or nothing. Files go straight to the
//! storage, whatever their length.

use std::io;

use axum::body::Body;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::StatusCode;
use bytes::Bytes;
use flowmill_common::flow::{Flow, InputType};
use futures::{StreamExt, stream};
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::body::{self, media_type};
use super::params::Params;
use crate::error::{ApiError, Result};
use crate::{Api, storage};

/// How many chunks of an upload wait for the storage.
const WAITING_CHUNKS: usize = 8;
/// The name of the parts that older clients send files in; the file's name is the input then.
const LEGACY_FILES: &str = "files";

/// What was sent.
#[derive(Debug, Default)]
pub(crate) struct Given {
    /// Raw values by the ids of the inputs.
    pub(crate) values: Map<String, Value>,
    /// The paths of the files that were stored.
    pub(crate) stored: Vec<String>,
}

/// What is done with files that are sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Uploads<'a> {
    /// They are stored below this folder of the execution.
    Store(&'a str),
    /// They are read and dropped: the request only checks.
    Drop,
}

impl Given {
    /// Reads the inputs for a flow. When it fails, nothing stays stored.
    pub(crate) async fn read(
        api: &Api,
        flow: &Flow,
        request: Request,
        uploads: Uploads<'_>,
    ) -> Result<Self> {
        let mut given = Self::default();
        match given.fill(api, flow, request, uploads).await {
            Ok(()) => Ok(given),
            Err(error) => {
                given.discard(api).await;
                Err(error)
            }
        }
    }

    /// Removes the files that were stored.
    pub(crate) async fn discard(&self, api: &Api) {
        for path in &self.stored {
            if let Err(error) = api.files().delete(path).await {
                tracing::warn!(%error, path, "an uploaded file could not be removed again");
            }
        }
    }

    async fn fill(
        &mut self,
        api: &Api,
        flow: &Flow,
        request: Request,
        uploads: Uploads<'_>,
    ) -> Result<()> {
        let media_type = media_type(request.headers());
        match media_type.as_deref() {
            Some("multipart/form-data") if has_boundary(&request) => {
                // clients send a form without parts as no bytes at all, which is no form to the reader
                let Some(request) = with_content(request).await else {
                    return Ok(());
                };
                let form = Multipart::from_request(request, api).await;
                let form = form.map_err(|error| ApiError::bad_request(error.body_text()))?;
                self.parts(api, flow, form, uploads).await
            }
            Some("application/json") => {
                let text = text(api, request.into_body()).await?;
                if text.trim().is_empty() {
                    return Ok(());
                }
                self.values = body::Text(text).json()?;
                Ok(())
            }
            Some("application/x-www-form-urlencoded") => {
                let params = Params::parse(&text(api, request.into_body()).await?);
                self.values.extend(
                    params
                        .iter()
                        .map(|(name, value)| (name.to_owned(), value.into())),
                );
                Ok(())
            }
            other => {
                let is_empty = text(api, request.into_body()).await?.trim().is_empty();
                if is_empty {
                    return Ok(());
                }
                let message = format!(
                    "Unsupported Media Type: Content Type [{}] not allowed. Allowed types: [multipart/form-data, \
                     application/json, application/x-www-form-urlencoded]",
                    other.unwrap_or("none")
                );
                Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message))
            }
        }
    }

    async fn parts(
        &mut self,
        api: &Api,
        flow: &Flow,
        mut form: Multipart,
        uploads: Uploads<'_>,
    ) -> Result<()> {
        let mut text_bytes = 0;
        while let Some(part) = form
            .next_field()
            .await
            .map_err(|error| unreadable(api, &error))?
        {
            let name = part.name().unwrap_or_default().to_owned();
            let file_name = part.file_name().map(str::to_owned);
            match target(flow, &name, file_name.as_deref()) {
                Target::File { input, name } => {
                    let uri = self.upload(api, &input, &name, part, uploads).await?;
                    self.values.insert(input, uri.into());
                }
                Target::Text => {
                    let text = self.text_part(api, part, &mut text_bytes).await?;
                    self.values.insert(name, text.into());
                }
                Target::Unknown => {
                    drain(api, part).await?;
                    self.values.insert(name, Value::Null);
                }
            }
        }
        Ok(())
    }

    async fn text_part(
        &self,
        api: &Api,
        mut part: Field<'_>,
        so_far: &mut usize,
    ) -> Result<String> {
        let limit = api.config().body_limit.as_usize();
        let mut bytes = Vec::new();
        while let Some(chunk) = part
            .chunk()
            .await
            .map_err(|error| unreadable(api, &error))?
        {
            *so_far += chunk.len();
            if *so_far > limit {
                let message = format!(
                    "Request Entity Too Large: the values of the form are longer than {limit} bytes"
                );
                return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, message));
            }
            bytes.extend_from_slice(&chunk);
        }
        String::from_utf8(bytes)
            .map_err(|_| ApiError::unprocessable("a value of the form is not UTF-8"))
    }

    /// Streams a part into the storage; the URI it got.
    async fn upload(
        &mut self,
        api: &Api,
        input: &str,
        name: &str,
        mut part: Field<'_>,
        uploads: Uploads<'_>,
    ) -> Result<String> {
        let Uploads::Store(folder) = uploads else {
            drain(api, part).await?;
            return Ok(storage::uri(&format!("inputs/{input}/{name}")));
        };
        let path = format!("{folder}inputs/{input}/{name}");
        let (sender, receiver) = mpsc::channel::<io::Result<Bytes>>(WAITING_CHUNKS);
        let put = api
            .files()
            .put(&path, ReceiverStream::new(receiver).boxed());
        let feed = async {
            loop {
                match part.chunk().await {
                    Ok(Some(chunk)) => {
                        if sender.send(Ok(chunk)).await.is_err() {
                            // the storage gave up and says why itself
                            return Ok(());
                        }
                    }
                    Ok(None) => {
                        drop(sender);
                        return Ok(());
                    }
                    Err(error) => {
                        let _ = sender
                            .send(Err(io::Error::other("the upload broke off")))
                            .await;
                        return Err(unreadable(api, &error));
                    }
                }
            }
        };
        let (stored, fed) = tokio::join!(put, feed);
        fed?;
        stored?;
        self.stored.push(path.clone());
        Ok(storage::uri(&path))
    }
}

/// Where a part goes.
#[derive(Debug, PartialEq, Eq)]
enum Target {
    File { input: String, name: String },
    Text,
    Unknown,
}

fn target(flow: &Flow, name: &str, file_name: Option<&str>) -> Target {
    let input_type = |id: &str| {
        flow.inputs
            .iter()
            .find(|input| *input.id == *id)
            .map(|input| input.input_type)
    };
    let Some(file_name) = file_name else {
        return Target::Text;
    };
    if name == LEGACY_FILES && input_type(file_name) == Some(InputType::File) {
        let extension = extension(flow, file_name);
        let unique = uuid::Uuid::now_v7().simple().to_string();
        let name = storage::file_name(&format!("{file_name}_{unique}{extension}"));
        return Target::File {
            input: file_name.to_owned(),
            name,
        };
    }
    match input_type(name) {
        Some(InputType::File) => Target::File {
            input: name.to_owned(),
            name: storage::file_name(file_name),
        },
        Some(_) => Target::Text,
        None => Target::Unknown,
    }
}

/// The ending of files that are sent without a name of their own.
fn extension(flow: &Flow, input: &str) -> String {
    let input = flow.inputs.iter().find(|declared| *declared.id == *input);
    let written = input.and_then(|input| input.properties.get("extension")?.as_str());
    written.unwrap_or(".upl").to_owned()
}

async fn drain(api: &Api, mut part: Field<'_>) -> Result<()> {
    while part
        .chunk()
        .await
        .map_err(|error| unreadable(api, &error))?
        .is_some()
    {}
    Ok(())
}

async fn text(api: &Api, body: Body) -> Result<String> {
    let bytes = body::read(body, api.config().body_limit.as_usize()).await?;
    String::from_utf8(bytes.into()).map_err(|_| ApiError::unprocessable("the body is not UTF-8"))
}

/// The request again, unless its body is empty. A body that breaks off at once is the reader's to report.
async fn with_content(request: Request) -> Option<Request> {
    let (head, body) = request.into_parts();
    let mut chunks = body.into_data_stream();
    let first = loop {
        match chunks.next().await? {
            Ok(chunk) if chunk.is_empty() => {}
            first => break first,
        }
    };
    let body = Body::from_stream(stream::iter([first]).chain(chunks));
    Some(Request::from_parts(head, body))
}

fn has_boundary(request: &Request) -> bool {
    let value = request
        .headers()
        .get(axum::http::header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    value.is_some_and(|value| value.contains("boundary="))
}

fn unreadable(api: &Api, error: &MultipartError) -> ApiError {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return body::broken(
            &std::io::Error::other("length limit exceeded"),
            api.config().upload_limit.get(),
        );
    }
    ApiError::bad_request(format!("the form cannot be read: {}", error.body_text()))
}
