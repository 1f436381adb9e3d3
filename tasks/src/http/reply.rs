//! What all HTTP tasks make of a response: its headers as outputs, its body as text, its measurements.

use encoding_rs::Encoding;
use flowmill_common::log::{Level, Metric, MetricKind};
use reqwest::Response;
use reqwest::header::{self, HeaderMap};
use serde_json::{Map, Value};

use super::properties::{Call, shown};
use super::{digest, failure};
use crate::context::RunContext;
use crate::task::TaskError;

/// A body that was read.
pub(crate) struct Text {
    pub(crate) text: String,
    /// Its length as it came, in bytes.
    pub(crate) bytes: u64,
    /// More than the limit came; what is beyond it was not read.
    pub(crate) is_cut: bool,
}

/// Reads a body, at most so many bytes of it, as text in its character set.
pub(crate) async fn text(
    call: &Call,
    mut response: Response,
    limit: u64,
) -> Result<Text, TaskError> {
    let charset = charset(response.headers()).unwrap_or(call.settings.charset);
    let mut bytes = Vec::new();
    let mut is_cut = false;
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| TaskError::failed(failure::of_body(call, &error)))?
    {
        let room = usize::try_from(limit.saturating_sub(bytes.len() as u64)).unwrap_or(usize::MAX);
        bytes.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            is_cut = true;
            break;
        }
    }
    Ok(Text {
        bytes: bytes.len() as u64,
        text: charset.decode(&bytes).0.into_owned(),
        is_cut,
    })
}

/// Fails the task by a status that is not wanted.
pub(crate) async fn check(
    call: &Call,
    response: Response,
    context: &RunContext,
) -> Result<Response, TaskError> {
    let status = response.status().as_u16();
    if call.settings.logs.response_headers {
        context.log(
            Level::Debug,
            format!("response {status}, headers:\n{}", shown(response.headers())),
        );
    }
    if call.settings.allows(status) {
        return Ok(response);
    }
    let body = text(
        call,
        response,
        context.config.http.maximum_shown_bytes as u64,
    )
    .await?;
    log_body(call, &body.text, context);
    let cut = if body.is_cut { "…" } else { "" };
    Err(failure::of_status(status, &format!("{}{cut}", body.text)))
}

/// Writes the body to the log, if `options.logs` wants it.
pub(crate) fn log_body(call: &Call, body: &str, context: &RunContext) {
    if call.settings.logs.response_body {
        context.log(Level::Debug, format!("response body:\n{body}"));
    }
}

/// The headers as an output: names to lists of values.
pub(crate) fn headers(headers: &HeaderMap) -> Value {
    let mut all = Map::new();
    for (name, value) in headers {
        let value = Value::String(String::from_utf8_lossy(value.as_bytes()).into_owned());
        match all.get_mut(name.as_str()) {
            Some(Value::Array(values)) => values.push(value),
            _ => drop(all.insert(name.as_str().to_owned(), Value::Array(vec![value]))),
        }
    }
    Value::Object(all)
}

/// Publishes the measurements of a request.
pub(crate) fn measure(call: &Call, code: u16, bytes: u64, context: &RunContext) {
    let tags = [
        ("request.method", call.method.as_str().to_owned()),
        ("request.scheme", call.url.scheme().to_owned()),
        (
            "request.hostname",
            call.url.host_str().unwrap_or_default().to_owned(),
        ),
        ("response.code", code.to_string()),
    ];
    let tags = Map::from_iter(tags.map(|(name, value)| (name.to_owned(), Value::String(value))));
    let counters = [
        ("request.count", 1),
        ("request.bytes", call.body.length()),
        ("response.count", 1),
        ("response.bytes", bytes),
        ("response.length", bytes),
    ];
    for (name, value) in counters {
        let metric = Metric {
            name: name.to_owned(),
            kind: MetricKind::Counter,
            value: value as f64,
            tags: tags.clone(),
        };
        context.outside.metric(metric);
    }
}

/// The character set that a response names.
fn charset(headers: &HeaderMap) -> Option<&'static Encoding> {
    let content_type = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let (_, parameters) = content_type.split_once(';')?;
    let named = digest::parameters(parameters)
        .into_iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("charset"))?;
    Encoding::for_label(named.1.as_bytes())
}
