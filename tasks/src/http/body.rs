//! The body of a request: text, a form, or the parts of one.

use bytes::Bytes;
use encoding_rs::Encoding;
use reqwest::multipart::{Form, Part};
use serde_json::{Map, Value};

use super::properties::{form_urlencoded, text};
use crate::context::RunContext;
use crate::task::TaskError;

const MULTIPART: &str = "multipart/form-data";
const FORM: &str = "application/x-www-form-urlencoded";

/// A body that can be sent more than once: for retries, and for redirects that keep the method.
pub(crate) enum Body {
    None,
    Bytes(Bytes),
    Form(Bytes),
    Multipart(Vec<Field>),
}

/// A part of a form.
pub(crate) struct Field {
    name: String,
    content: Content,
}

enum Content {
    Text(String),
    File {
        file_name: String,
        uri: String,
        length: u64,
    },
    Made {
        file_name: String,
        text: String,
    },
}

impl Body {
    pub(crate) async fn new(
        context: &RunContext,
        form: Option<Map<String, Value>>,
        body: Option<String>,
        content_type: &str,
        charset: &'static Encoding,
    ) -> Result<Self, TaskError> {
        let Some(form) = form else {
            return Ok(body.map_or(Self::None, |body| {
                Self::Bytes(charset.encode(&body).0.into_owned().into())
            }));
        };
        if content_type.trim() == MULTIPART {
            let mut fields = Vec::new();
            for (name, value) in form {
                fields.push(Field {
                    content: content(context, &name, value).await?,
                    name,
                });
            }
            return Ok(Self::Multipart(fields));
        }
        let mut encoded = form_urlencoded();
        for (name, value) in &form {
            encoded.append_pair(name, &text(value));
        }
        Ok(Self::Form(encoded.finish().into()))
    }

    /// The content type that is sent with it; parts bring their own.
    pub(crate) fn content_type(&self, written: &str, charset: &'static Encoding) -> Option<String> {
        match self {
            Self::None => Some(written.to_owned()),
            Self::Form(_) => Some(format!("{FORM}; charset={}", charset.name())),
            Self::Multipart(_) => None,
            Self::Bytes(_) if written.contains("charset") => Some(written.to_owned()),
            Self::Bytes(_) => Some(format!("{written}; charset={}", charset.name())),
        }
    }

    /// Its length, where it is known before it is sent.
    pub(crate) fn length(&self) -> u64 {
        match self {
            Self::None => 0,
            Self::Bytes(bytes) | Self::Form(bytes) => bytes.len() as u64,
            Self::Multipart(fields) => fields.iter().map(Field::length).sum(),
        }
    }

    /// Puts it into a request.
    pub(crate) async fn attach(
        &self,
        request: reqwest::RequestBuilder,
        context: &RunContext,
    ) -> Result<reqwest::RequestBuilder, TaskError> {
        match self {
            Self::None => Ok(request),
            Self::Bytes(bytes) | Self::Form(bytes) => Ok(request.body(bytes.clone())),
            Self::Multipart(fields) => {
                let mut form = Form::new();
                for field in fields {
                    form = form.part(field.name.clone(), field.part(context).await?);
                }
                Ok(request.multipart(form))
            }
        }
    }
}

impl Field {
    fn length(&self) -> u64 {
        match &self.content {
            Content::Text(text) | Content::Made { text, .. } => text.len() as u64,
            Content::File { length, .. } => *length,
        }
    }

    async fn part(&self, context: &RunContext) -> Result<Part, TaskError> {
        match &self.content {
            Content::Text(text) => Ok(Part::text(text.clone())),
            Content::Made { file_name, text } => {
                binary(Part::text(text.clone()).file_name(file_name.clone()))
            }
            Content::File {
                file_name,
                uri,
                length,
            } => {
                let body = reqwest::Body::wrap_stream(context.outside.read(uri).await?);
                binary(Part::stream_with_length(body, *length).file_name(file_name.clone()))
            }
        }
    }
}

fn binary(part: Part) -> Result<Part, TaskError> {
    part.mime_str("application/octet-stream")
        .map_err(|error| TaskError::failed(error.to_string()))
}

async fn content(context: &RunContext, field: &str, value: Value) -> Result<Content, TaskError> {
    match value {
        Value::String(text) if is_stored(&text) => {
            let file_name = text.trim().rsplit('/').next().unwrap_or(field).to_owned();
            file(context, file_name, text.trim()).await
        }
        Value::Object(file_of) if file_of.contains_key("content") => {
            let file_name = file_of.get("name").map_or_else(|| field.to_owned(), text);
            let content = file_of.get("content").map(text).unwrap_or_default();
            match is_stored(&content) {
                true => file(context, file_name, content.trim()).await,
                false => Ok(Content::Made {
                    file_name,
                    text: content,
                }),
            }
        }
        value => Ok(Content::Text(text(&value))),
    }
}

async fn file(context: &RunContext, file_name: String, uri: &str) -> Result<Content, TaskError> {
    let length = context.outside.size(uri).await?;
    Ok(Content::File {
        file_name,
        uri: uri.to_owned(),
        length,
    })
}

fn is_stored(text: &str) -> bool {
    text.trim().starts_with("kestra://") && !text.trim().contains(char::is_whitespace)
}
