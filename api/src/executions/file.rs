//! The files of executions.

use std::ops::Range;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flowmill_backends::Kind;
use flowmill_backends::files::FileStat;
use serde::Serialize;
use utoipa::ToSchema;

use super::{header as header_of, preview};
use crate::error::{ApiError, ErrorBody, Result};
use crate::request::Params;
use crate::{Api, storage};

/// How long a link to the storage may be followed.
const LINK_VALID: Duration = Duration::from_secs(300);

/// What is known of a file.
#[derive(Serialize, ToSchema)]
#[schema(as = FileMetas)]
pub(crate) struct Metas {
    /// Its length in bytes.
    size: u64,
}

/// Download a file of an execution.
///
/// Parts of it can be asked for by `Range`.
#[utoipa::path(
    get, path = "/api/v1/executions/{id}/file", tag = "executions", operation_id = "downloadFileFromExecution",
    params(
        ("id" = String, Path),
        ("path" = String, Query, description = "`kestra:///…`"),
        ("format" = Option<String>, Query, description = "`RAW` (default), or `JSONL`: Ion rows as JSON lines."),
    ),
    responses(
        (status = 200, body = String, content_type = "application/octet-stream"),
        (status = 206, body = String, content_type = "application/octet-stream"),
        (status = 307, description = "It belongs to another execution, or the storage itself gives it."),
        (status = 404, body = ErrorBody),
        (status = 416, body = ErrorBody),
        (status = 422, body = ErrorBody, description = "It is not the file of an execution."),
    ),
)]
pub(crate) async fn download(
    State(api): State<Api>,
    Path(id): Path<String>,
    params: Params,
    headers: HeaderMap,
) -> Result<Response> {
    let path = match located(&api, &id, &params, "file").await? {
        Located::Here(path) => path,
        Located::Elsewhere(response) => return Ok(response),
    };
    let stat = stat(&api, &path).await?;
    let name = path.rsplit('/').next().unwrap_or(&path);
    match params
        .get("format")
        .unwrap_or("RAW")
        .to_ascii_uppercase()
        .as_str()
    {
        "RAW" => match api.files().link(&path, name, LINK_VALID).await? {
            Some(link) => elsewhere(&link),
            None => raw(&api, &stat, name, &headers).await,
        },
        "JSONL" if name.ends_with(".ion") => {
            let name = format!("{}.jsonl", name.trim_end_matches(".ion"));
            let content = api.files().get(&path, None).await?;
            let lines = preview::json_lines(content);
            let mut response = Body::from_stream(lines).into_response();
            response.headers_mut().insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/x-ndjson"),
            );
            response
                .headers_mut()
                .insert(header::CONTENT_DISPOSITION, attachment(&name)?);
            Ok(response)
        }
        "JSONL" => Err(ApiError::bad_request(format!(
            "only Ion files can be given as JSON lines, not `{name}`"
        ))),
        other => Err(ApiError::unprocessable(format!(
            "`{other}` is not a format (RAW, JSONL)"
        ))),
    }
}

/// Get the length of a file of an execution.
#[utoipa::path(
    get, path = "/api/v1/executions/{id}/file/metas", tag = "executions", operation_id = "fileMetadatasFromExecution",
    params(("id" = String, Path), ("path" = String, Query, description = "`kestra:///…`")),
    responses((status = 200, body = Metas), (status = 404, body = ErrorBody), (status = 422, body = ErrorBody)),
)]
pub(crate) async fn metas(
    State(api): State<Api>,
    Path(id): Path<String>,
    params: Params,
) -> Result<Response> {
    match located(&api, &id, &params, "file/metas").await? {
        Located::Here(path) => Ok(Json(Metas {
            size: stat(&api, &path).await?.length,
        })
        .into_response()),
        Located::Elsewhere(response) => Ok(response),
    }
}

/// Where a file is.
pub(super) enum Located {
    /// At this path in the storage.
    Here(String),
    /// With another execution, where the client is sent.
    Elsewhere(Response),
}

/// Finds the file that `path` names: of the execution itself, or of another one.
pub(super) async fn located(api: &Api, id: &str, params: &Params, route: &str) -> Result<Located> {
    let header = header_of(api, id).await?;
    let uri = params.required("path")?;
    let path = storage::path_of(uri)?;
    if path.starts_with(&storage::execution_folder(&header)) {
        return Ok(Located::Here(path.to_owned()));
    }
    match storage::execution_of(path) {
        Some(other) if other != id => {
            let location = format!(
                "/api/v1/executions/{}/{route}?path={}",
                encoded(other),
                encoded(uri)
            );
            elsewhere(&location).map(Located::Elsewhere)
        }
        _ => Err(ApiError::illegal_argument(format!(
            "Invalid prefix path: `{uri}` is not a file of this execution"
        ))),
    }
}

fn elsewhere(location: &str) -> Result<Response> {
    let location = HeaderValue::from_str(location)
        .map_err(|_| ApiError::illegal_argument("Invalid prefix path"))?;
    let location = [(header::LOCATION, location)];
    Ok((StatusCode::TEMPORARY_REDIRECT, location).into_response())
}

pub(super) async fn stat(api: &Api, path: &str) -> Result<FileStat> {
    api.files()
        .stat(path)
        .await
        .map_err(|error| match error.kind() {
            Kind::NotFound => ApiError::not_found(format!("no file `{}`", storage::uri(path))),
            _ => error.into(),
        })
}

async fn raw(api: &Api, stat: &FileStat, name: &str, headers: &HeaderMap) -> Result<Response> {
    let wanted = headers
        .get(header::RANGE)
        .and_then(|range| range.to_str().ok());
    let range = match wanted.map(|range| read_range(range, stat.length)) {
        None | Some(Wanted::All) => None,
        Some(Wanted::Part(range)) => Some(range),
        Some(Wanted::Nothing) => return not_satisfiable(stat.length),
    };
    let length = range
        .as_ref()
        .map_or(stat.length, |range| range.end - range.start);
    let content = api.files().get(&stat.path, range.clone()).await?;
    let mut response = Body::from_stream(content).into_response();
    let answered = response.headers_mut();
    answered.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/octet-stream"),
    );
    answered.insert(header::CONTENT_LENGTH, length.into());
    answered.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    answered.insert(header::CONTENT_DISPOSITION, attachment(name)?);
    // what an execution stored never changes
    answered.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=86400"),
    );
    if let Some(range) = range {
        let text = format!("bytes {}-{}/{}", range.start, range.end - 1, stat.length);
        let text =
            HeaderValue::from_str(&text).map_err(|error| ApiError::internal(error.to_string()))?;
        answered.insert(header::CONTENT_RANGE, text);
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(response)
}

enum Wanted {
    All,
    Part(Range<u64>),
    Nothing,
}

/// Reads `bytes=first-last`. Several parts, or another unit, are answered with all of the file, as the standard allows.
fn read_range(text: &str, length: u64) -> Wanted {
    let Some((first, last)) = text
        .strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'))
    else {
        return Wanted::All;
    };
    let range = match (first.trim().parse::<u64>(), last.trim()) {
        (Ok(first), "") => first..length,
        (Ok(first), last) => match last.parse::<u64>() {
            Ok(last) if last >= first => first..last.saturating_add(1).min(length),
            _ => return Wanted::All,
        },
        (Err(_), last) if first.trim().is_empty() => match last.parse::<u64>() {
            Ok(count) => length.saturating_sub(count)..length,
            Err(_) => return Wanted::All,
        },
        _ => return Wanted::All,
    };
    if range.is_empty() {
        Wanted::Nothing
    } else {
        Wanted::Part(range)
    }
}

fn not_satisfiable(length: u64) -> Result<Response> {
    let message = format!("Range Not Satisfiable: the file has {length} bytes");
    let mut response = ApiError::new(StatusCode::RANGE_NOT_SATISFIABLE, message).into_response();
    let value = HeaderValue::from_str(&format!("bytes */{length}"))
        .map_err(|error| ApiError::internal(error.to_string()))?;
    response.headers_mut().insert(header::CONTENT_RANGE, value);
    Ok(response)
}

/// The name under which a browser saves it, for old and new browsers.
pub(crate) fn attachment(name: &str) -> Result<HeaderValue> {
    let ascii: String = name
        .chars()
        .map(|letter| {
            if letter.is_ascii_graphic() && letter != '"' && letter != '\\' {
                letter
            } else {
                '_'
            }
        })
        .collect();
    let text = format!(
        "attachment; filename=\"{ascii}\"; filename*=utf-8''{}",
        encoded(name)
    );
    HeaderValue::from_str(&text).map_err(|error| ApiError::internal(error.to_string()))
}

/// The text with everything but letters, digits and `-._~` as `%XX`.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_standard_says() {
        let part = |text: &str| match read_range(text, 10) {
            Wanted::Part(range) => Some((range.start, range.end)),
            Wanted::All | Wanted::Nothing => None,
        };
        assert_eq!(part("bytes=0-3"), Some((0, 4)));
        assert_eq!(part("bytes=4-"), Some((4, 10)));
        assert_eq!(part("bytes=-3"), Some((7, 10)));
        assert_eq!(part("bytes=8-99"), Some((8, 10)));
        assert!(matches!(read_range("bytes=10-", 10), Wanted::Nothing));
        for all in ["bytes=3-1", "bytes=0-1,3-4", "lines=1-2", "bytes=x-y"] {
            assert!(matches!(read_range(all, 10), Wanted::All), "{all}");
        }
    }

    #[test]
    fn a_name_is_given_for_old_and_new_browsers() {
        let value = attachment("ä \"b\".csv").unwrap();
        assert_eq!(
            value,
            "attachment; filename=\"___b_.csv\"; filename*=utf-8''%C3%A4%20%22b%22.csv"
        );
    }
}
