//! What goes wrong with a request, in the words and the shape that all generations of clients read.
//!
//! An [`ApiError`] does not know the path it happened on: [`render`] adds it, and gives errors that come from below the
//! handlers (no such route, a body that is too large) the same shape.

use std::fmt;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use flowmill_backends::Kind;
use flowmill_common::yaml::Diagnostic;
use serde::Serialize;
use utoipa::ToSchema;

/// Why a request was not done.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    message: String,
    violations: Vec<Violation>,
    diagnostics: Vec<Diagnostic>,
}

/// The result of a handler.
pub(crate) type Result<T, E = ApiError> = std::result::Result<T, E>;

/// One thing that is wrong with what was sent.
#[derive(Clone, Debug)]
pub(crate) struct Violation {
    /// The property: `tasks[0].message`.
    pub(crate) path: String,
    /// What is wrong with it.
    pub(crate) message: String,
}

impl ApiError {
    /// An error with this status and message (`Reason: detail`).
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            violations: Vec::new(),
            diagnostics: Vec::new(),
        }
    }

    /// 404, nothing there. Without a detail it says `Not Found`.
    pub(crate) fn not_found(detail: impl fmt::Display) -> Self {
        let detail = detail.to_string();
        let message = if detail.is_empty() {
            "Not Found".to_owned()
        } else {
            format!("Not Found: {detail}")
        };
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// 422, a value that cannot be taken.
    pub(crate) fn illegal_argument(detail: impl fmt::Display) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("Illegal argument: {detail}"),
        )
    }

    /// 422, a thing that breaks a rule.
    pub(crate) fn invalid_entity(detail: impl fmt::Display) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("Invalid entity: {detail}"),
        )
    }

    /// 422, a parameter of the wrong form.
    pub(crate) fn unprocessable(detail: impl fmt::Display) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("Unprocessable Entity: {detail}"),
        )
    }

    /// 409, the state does not allow it.
    pub(crate) fn illegal_state(detail: impl fmt::Display) -> Self {
        Self::new(StatusCode::CONFLICT, format!("Illegal state: {detail}"))
    }

    /// 400.
    pub(crate) fn bad_request(detail: impl fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, format!("Bad Request: {detail}"))
    }

    /// 501, a feature that this version does not have.
    pub(crate) fn not_built(feature: impl fmt::Display) -> Self {
        let message = format!("Not Implemented: {feature} is not part of this version of flowmill");
        Self::new(StatusCode::NOT_IMPLEMENTED, message)
    }

    /// 500.
    pub(crate) fn internal(detail: impl fmt::Display) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("Internal server error: {detail}"),
        )
    }

    /// The same with what each part of the thing that was sent is wrong about.
    pub(crate) fn with_violations(mut self, violations: Vec<Violation>) -> Self {
        self.violations = violations;
        self
    }

    /// The same with places in the text that was sent.
    pub(crate) fn with_diagnostics(mut self, diagnostics: Vec<Diagnostic>) -> Self {
        self.diagnostics = diagnostics;
        self
    }
}

#[cfg(test)]
impl ApiError {
    /// The HTTP status.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// The message.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ApiError {}

impl From<flowmill_backends::Error> for ApiError {
    fn from(error: flowmill_backends::Error) -> Self {
        match error.kind() {
            Kind::NotFound => Self::not_found(error),
            Kind::Conflict => Self::new(StatusCode::CONFLICT, format!("Conflict: {error}")),
            Kind::Invalid => Self::illegal_argument(error),
            Kind::Unavailable | Kind::Fenced => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                format!("Service Unavailable: {error}"),
            ),
            Kind::Internal => Self::internal(error),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// The body of every error: what clients of Kestra 0.x and 1.x read (`message`, `_links`, `_embedded`), what those of 2.0 read
/// (`type`, `title`, `status`, `detail`), and where it is in the text that was sent.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErrorBody {
    /// The whole message: `Reason: detail`.
    message: String,
    #[serde(rename = "_links")]
    links: Links,
    #[serde(rename = "_embedded")]
    embedded: Embedded,
    /// Always `about:blank`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The HTTP status in words.
    title: String,
    /// The HTTP status.
    status: u16,
    /// The message without its reason.
    detail: String,
    /// Places in the text that was sent: line, column, what is wrong, what would be right.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>)]
    diagnostics: Vec<Diagnostic>,
}

#[derive(Serialize, ToSchema)]
struct Links {
    #[serde(rename = "self")]
    this: Link,
}

#[derive(Serialize, ToSchema)]
struct Link {
    /// Path and query of the request.
    href: String,
    templated: bool,
}

#[derive(Serialize, ToSchema)]
struct Embedded {
    /// One entry for each violation.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<EmbeddedError>,
}

#[derive(Serialize, ToSchema)]
struct EmbeddedError {
    message: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    path: String,
    #[serde(rename = "_links")]
    links: Empty,
    #[serde(rename = "_embedded")]
    embedded: Empty,
}

#[derive(Serialize, ToSchema)]
struct Empty {}

/// Gives every error answer its body. Also those that the router or an extractor makes.
pub(crate) async fn render(request: Request, next: Next) -> Response {
    let (uri, method) = (
        crate::layer::tenant::original_uri(&request),
        request.method().clone(),
    );
    let mut response = next.run(request).await;
    let error = response.extensions_mut().remove::<ApiError>();
    let error = match error {
        Some(error) => error,
        None => match foreign_error(&mut response, &method, uri.path()).await {
            Some(error) => error,
            None => return response,
        },
    };
    if error.status.is_server_error() && error.status != StatusCode::NOT_IMPLEMENTED {
        tracing::error!(%method, path = uri.path(), status = error.status.as_u16(), error = %error, "request failed");
    }
    let href = uri
        .path_and_query()
        .map_or_else(|| uri.path().to_owned(), ToString::to_string);
    let mut rendered = (error.status, axum::Json(body(error, href))).into_response();
    keep_headers(response.headers(), rendered.headers_mut());
    rendered
}

fn body(error: ApiError, href: String) -> ErrorBody {
    let embedded = |violation: Violation| EmbeddedError {
        message: violation.message,
        path: violation.path,
        links: Empty {},
        embedded: Empty {},
    };
    let detail = error
        .message
        .split_once(": ")
        .map_or(error.message.as_str(), |(_, detail)| detail)
        .trim_end();
    ErrorBody {
        detail: detail.to_owned(),
        message: error.message,
        links: Links {
            this: Link {
                href,
                templated: false,
            },
        },
        embedded: Embedded {
            errors: error.violations.into_iter().map(embedded).collect(),
        },
        kind: "about:blank",
        title: error
            .status
            .canonical_reason()
            .unwrap_or("Error")
            .to_owned(),
        status: error.status.as_u16(),
        diagnostics: error.diagnostics,
    }
}

/// An error that no handler made: no such route, wrong method, a body that is too large, broken percent-encoding.
async fn foreign_error(response: &mut Response, method: &Method, path: &str) -> Option<ApiError> {
    let status = response.status();
    let plain = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if !(status.is_client_error() || status.is_server_error())
        || !plain
        || status == StatusCode::UNAUTHORIZED
    {
        return None;
    }
    if status == StatusCode::METHOD_NOT_ALLOWED {
        let allowed = response
            .headers()
            .get(header::ALLOW)
            .and_then(|allow| allow.to_str().ok())
            .unwrap_or_default();
        let allowed = allowed.replace(',', ", ");
        let message = format!(
            "Method Not Allowed: Method [{method}] not allowed for URI [{path}]. Allowed methods: [{allowed}]"
        );
        return Some(ApiError::new(status, message));
    }
    let body = std::mem::take(response.body_mut());
    let text = axum::body::to_bytes(body, 64 << 10)
        .await
        .unwrap_or_default();
    let reason = status.canonical_reason().unwrap_or("Error");
    let text = String::from_utf8_lossy(&text);
    let message = if text.is_empty() {
        reason.to_owned()
    } else {
        format!("{reason}: {text}")
    };
    Some(ApiError::new(status, message))
}

fn keep_headers(from: &HeaderMap<HeaderValue>, to: &mut HeaderMap<HeaderValue>) {
    for (name, value) in from {
        if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
            to.insert(name.clone(), value.clone());
        }
    }
}
