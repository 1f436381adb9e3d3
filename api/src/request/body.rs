//! Bodies that are read whole: YAML, JSON, plain text.

use axum::body::Body;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{StatusCode, header};
use serde::de::DeserializeOwned;

use crate::Api;
use crate::error::{ApiError, Result};

/// A body of text, whatever its media type, at most as long as the configuration allows. May be empty.
pub(crate) struct Text(pub(crate) String);

impl Text {
    /// The text, which must not be empty; `name` is what it is called in the message.
    pub(crate) fn required(self, name: &str) -> Result<String> {
        if self.0.trim().is_empty() {
            let message = format!("Invalid route params: Required Body [{name}] not specified");
            return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, message));
        }
        Ok(self.0)
    }

    /// The text read as JSON.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(&self.0).map_err(|error| {
            let reason = if error.is_data() {
                "Invalid json mapping"
            } else {
                "Invalid json"
            };
            ApiError::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                format!("{reason}: {error}"),
            )
        })
    }
}

impl FromRequest<Api> for Text {
    type Rejection = ApiError;

    async fn from_request(request: Request, api: &Api) -> Result<Self> {
        let limit = api.config().body_limit.as_usize();
        let bytes = read(request.into_body(), limit).await?;
        let text = String::from_utf8(bytes.into())
            .map_err(|_| ApiError::unprocessable("the body is not UTF-8"))?;
        Ok(Self(text))
    }
}

/// Reads a body whole. 413 when it is longer.
pub(crate) async fn read(body: Body, limit: usize) -> Result<bytes::Bytes> {
    axum::body::to_bytes(body, limit)
        .await
        .map_err(|error| broken(&error, limit as u64))
}

/// What a body that could not be read to its end is answered with.
pub(crate) fn broken(error: &(dyn std::error::Error + 'static), limit: u64) -> ApiError {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.to_string().contains("length limit exceeded") {
            let message =
                format!("Request Entity Too Large: the body is longer than {limit} bytes");
            return ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, message);
        }
        cause = error.source();
    }
    ApiError::bad_request(format!("the body could not be read: {error}"))
}

/// The media type of a request in lower case, without its parameters.
pub(crate) fn media_type(headers: &axum::http::HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(
        value
            .split(';')
            .next()
            .unwrap_or(value)
            .trim()
            .to_ascii_lowercase(),
    )
}

/// YAML that was sent as it is, or as files of a form.
pub(crate) struct Documents(pub(crate) Vec<File>);

/// One file of YAML.
pub(crate) struct File {
    /// Its name, if it came in a form.
    pub(crate) name: Option<String>,
    /// Its text; may hold several documents.
    pub(crate) text: String,
}

impl FromRequest<Api> for Documents {
    type Rejection = ApiError;

    async fn from_request(request: Request, api: &Api) -> Result<Self> {
        if media_type(request.headers()).as_deref() != Some("multipart/form-data") {
            let Text(text) = Text::from_request(request, api).await?;
            return Ok(Self(vec![File { name: None, text }]));
        }
        let limit = api.config().body_limit.get();
        let unreadable = |error: &(dyn std::error::Error + 'static)| broken(error, limit);
        let mut form = Multipart::from_request(request, api)
            .await
            .map_err(|error| unreadable(&error))?;
        let (mut files, mut read) = (Vec::new(), 0);
        while let Some(part) = form
            .next_field()
            .await
            .map_err(|error| unreadable(&error))?
        {
            let name = part.file_name().map(str::to_owned);
            let text = part.text().await.map_err(|error| unreadable(&error))?;
            read += text.len() as u64;
            if read > limit {
                let message =
                    format!("Request Entity Too Large: the body is longer than {limit} bytes");
                return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, message));
            }
            files.push(File { name, text });
        }
        Ok(Self(files))
    }
}
