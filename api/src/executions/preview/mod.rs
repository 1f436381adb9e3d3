//! What the beginning of a file looks like: rows, text, an image.

mod convert;
mod rows;
mod text;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use futures::StreamExt;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

pub(super) use self::convert::json_lines;
use super::file::{Located, located, stat};
use crate::Api;
use crate::error::{ApiError, ErrorBody, Result};
use crate::request::Params;
use crate::request::params::unconvertible;

/// Images and PDFs are shown whole or not at all.
const LARGEST_BINARY: u64 = 16 << 20;

/// A preview of a file.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FileRender)]
pub(crate) struct Preview {
    /// The ending of the file's name.
    extension: String,
    /// What `content` is.
    #[serde(rename = "type")]
    kind: Kind,
    /// LIST: rows, each a map or a value. TEXT and MARKDOWN: the text. IMAGE and PDF: the file in base-64.
    #[schema(value_type = Object)]
    content: Value,
    /// How many rows or lines were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_line: Option<usize>,
    /// There is more of it.
    truncated: bool,
}

/// The forms of a preview.
#[derive(Clone, Copy, Serialize, ToSchema, PartialEq, Eq, Debug)]
#[serde(rename_all = "UPPERCASE")]
#[schema(as = FileRenderType)]
pub(crate) enum Kind {
    List,
    Text,
    Image,
    Markdown,
    Pdf,
}

/// The beginning of a file.
struct Beginning {
    bytes: Vec<u8>,
    /// The file goes on.
    cut: bool,
}

/// Show the beginning of a file of an execution.
#[utoipa::path(
    get, path = "/api/v1/executions/{id}/file/preview", tag = "executions",
    operation_id = "previewFileFromExecution",
    params(
        ("id" = String, Path),
        ("path" = String, Query, description = "`kestra:///…`"),
        ("maxRows" = Option<u32>, Query, description = "At most so many rows or lines. Default 100, at most 5,000."),
        ("encoding" = Option<String>, Query, description = "How its text is encoded. Default UTF-8."),
    ),
    responses((status = 200, body = Preview), (status = 404, body = ErrorBody), (status = 422, body = ErrorBody)),
)]
pub(crate) async fn preview(
    State(api): State<Api>,
    Path(id): Path<String>,
    params: Params,
) -> Result<Response> {
    let path = match located(&api, &id, &params, "file/preview").await? {
        Located::Here(path) => path,
        Located::Elsewhere(response) => return Ok(response),
    };
    let config = &api.config().preview;
    let rows = match params.parsed::<usize>("maxRows")? {
        Some(0) => return Err(unconvertible("maxRows", "0", "it must be at least 1")),
        Some(rows) => rows.min(config.max_rows),
        None => config.initial_rows,
    };
    let encoding = text::encoding(params.get("encoding").unwrap_or("UTF-8"))?;
    let length = stat(&api, &path).await?.length;
    let name = path.rsplit('/').next().unwrap_or(&path);
    let extension = name
        .rsplit_once('.')
        .map_or("", |(_, extension)| extension)
        .to_ascii_lowercase();
    let limit = if is_binary(&extension) {
        LARGEST_BINARY
    } else {
        config.max_bytes.get()
    };
    let beginning = read(&api, &path, length, limit).await?;
    // parsing a few megabytes takes a while
    let preview =
        tokio::task::spawn_blocking(move || shown(extension, &beginning, rows, encoding)).await;
    let preview =
        preview.map_err(|error| ApiError::internal(format!("the preview died: {error}")))?;
    Ok(Json(preview).into_response())
}

fn is_binary(extension: &str) -> bool {
    extension == "pdf" || is_image(extension)
}

fn is_image(extension: &str) -> bool {
    [
        "jpg", "jpeg", "png", "svg", "gif", "bmp", "webp", "avif", "ico",
    ]
    .contains(&extension)
}

fn shown(
    extension: String,
    beginning: &Beginning,
    rows: usize,
    encoding: text::Encoding,
) -> Preview {
    let rendered = match extension.as_str() {
        "ion" => rows::ion(beginning, rows),
        "jsonl" | "ndjson" => rows::json_lines(beginning, rows),
        "json" => rows::json(beginning, rows),
        "csv" => rows::csv(
            &text::decode(beginning, encoding),
            beginning.cut,
            rows,
            None,
        ),
        "tsv" => rows::csv(
            &text::decode(beginning, encoding),
            beginning.cut,
            rows,
            Some(b'\t'),
        ),
        _ => None,
    };
    let (kind, content, truncated) = match rendered {
        Some((list, truncated)) => (Kind::List, Value::Array(list), truncated),
        None if is_image(&extension) => binary(Kind::Image, beginning),
        None if extension == "pdf" => binary(Kind::Pdf, beginning),
        None => {
            let kind = if matches!(extension.as_str(), "md" | "markdown") {
                Kind::Markdown
            } else {
                Kind::Text
            };
            let (text, truncated) =
                text::lines(&text::decode(beginning, encoding), beginning.cut, rows);
            (kind, Value::String(text), truncated)
        }
    };
    let max_line = matches!(kind, Kind::List | Kind::Text | Kind::Markdown).then_some(rows);
    Preview {
        extension,
        kind,
        content,
        max_line,
        truncated,
    }
}

fn binary(kind: Kind, beginning: &Beginning) -> (Kind, Value, bool) {
    // half of an image is none
    let bytes = if beginning.cut {
        &[]
    } else {
        beginning.bytes.as_slice()
    };
    (
        kind,
        base64::engine::general_purpose::STANDARD
            .encode(bytes)
            .into(),
        beginning.cut,
    )
}

async fn read(api: &Api, path: &str, length: u64, limit: u64) -> Result<Beginning> {
    let mut content = api.files().get(path, Some(0..length.min(limit))).await?;
    let mut bytes = Vec::new();
    while let Some(chunk) = content.next().await {
        let chunk =
            chunk.map_err(|error| ApiError::internal(format!("cannot read `{path}`: {error}")))?;
        bytes.extend_from_slice(&chunk);
    }
    Ok(Beginning {
        bytes,
        cut: length > limit,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(extension: &str, bytes: &[u8], rows: usize) -> (Kind, Value, bool) {
        let beginning = Beginning {
            bytes: bytes.to_vec(),
            cut: false,
        };
        let preview = shown(
            extension.into(),
            &beginning,
            rows,
            text::encoding("UTF-8").unwrap(),
        );
        (preview.kind, preview.content, preview.truncated)
    }

    #[test]
    fn rows_of_every_form_are_maps() {
        let expected = json!([{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]);
        let list = (Kind::List, expected.clone(), false);
        assert_eq!(
            of("ion", b"{id:1,name:\"a\"}\n{id:2,name:\"b\"}\n", 100),
            list
        );
        assert_eq!(
            of(
                "jsonl",
                b"{\"id\":1,\"name\":\"a\"}\n{\"id\":2,\"name\":\"b\"}\n",
                100
            ),
            list
        );
        assert_eq!(
            of(
                "json",
                b"[{\"id\":1,\"name\":\"a\"},{\"id\":2,\"name\":\"b\"}]",
                100
            ),
            list
        );
        let texts = json!([{"id": "1", "name": "a"}, {"id": "2", "name": "b"}]);
        assert_eq!(
            of("csv", b"id,name\n1,a\n2,b\n", 100),
            (Kind::List, texts.clone(), false)
        );
        assert_eq!(
            of("csv", b"id;name\n1;a\n2;b\n", 100),
            (Kind::List, texts.clone(), false)
        );
        assert_eq!(
            of("tsv", b"id\tname\n1\ta\n2\tb\n", 100),
            (Kind::List, texts, false)
        );
    }

    #[test]
    fn only_so_many_rows_are_given_and_that_there_are_more_is_said() {
        for (extension, bytes) in [
            ("ion", "{id:1}\n{id:2}\n"),
            ("jsonl", "{\"id\":1}\n{\"id\":2}\n"),
            ("json", "[{\"id\":1},{\"id\":2}]"),
        ] {
            assert_eq!(
                of(extension, bytes.as_bytes(), 1),
                (Kind::List, json!([{"id": 1}]), true),
                "{extension}"
            );
            assert!(!of(extension, bytes.as_bytes(), 2).2, "{extension}");
        }
        assert_eq!(
            of("csv", b"id\n1\n2\n", 1),
            (Kind::List, json!([{"id": "1"}]), true)
        );
        assert_eq!(
            of("txt", b"one\ntwo\n", 1),
            (Kind::Text, json!("one\n"), true)
        );
        assert_eq!(
            of("txt", b"one\ntwo\n", 2),
            (Kind::Text, json!("one\ntwo"), false)
        );
    }

    #[test]
    fn what_is_cut_in_the_middle_of_a_row_shows_the_rows_before() {
        for (extension, bytes) in [
            ("ion", "{id:1}\n{id:"),
            ("jsonl", "{\"id\":1}\n{\"id"),
            ("json", "[{\"id\":1},{\"i"),
        ] {
            let beginning = Beginning {
                bytes: bytes.as_bytes().to_vec(),
                cut: true,
            };
            let preview = shown(
                extension.into(),
                &beginning,
                100,
                text::encoding("UTF-8").unwrap(),
            );
            assert_eq!(
                (preview.content, preview.truncated),
                (json!([{"id": 1}]), true),
                "{extension}"
            );
        }
        let beginning = Beginning {
            bytes: b"id\n1\n2".to_vec(),
            cut: true,
        };
        let preview = shown(
            "csv".into(),
            &beginning,
            100,
            text::encoding("UTF-8").unwrap(),
        );
        assert_eq!(
            (preview.content, preview.truncated),
            (json!([{"id": "1"}]), true)
        );
    }

    #[test]
    fn what_is_no_list_of_rows_is_shown_as_text() {
        assert_eq!(
            of("json", b"{\"a\": 1}", 100),
            (Kind::Text, json!("{\"a\": 1}"), false)
        );
        assert_eq!(of("ion", b"{broken", 100).0, Kind::Text);
        assert_eq!(
            of("md", b"# Title", 100),
            (Kind::Markdown, json!("# Title"), false)
        );
        assert_eq!(
            of("png", &[1, 2, 3], 100),
            (Kind::Image, json!("AQID"), false)
        );
        assert_eq!(of("pdf", &[1, 2, 3], 100).0, Kind::Pdf);
        assert_eq!(of("bin", &[0xff, b'a'], 100).1, json!("\u{fffd}a"));
    }

    #[test]
    fn text_is_read_in_the_encoding_that_is_asked_for() {
        let beginning = Beginning {
            bytes: vec![b'c', 0xe9],
            cut: false,
        };
        let preview = shown(
            "txt".into(),
            &beginning,
            10,
            text::encoding("iso-8859-1").unwrap(),
        );
        assert_eq!(preview.content, json!("cé"));
        let error = text::encoding("foo").unwrap_err();
        assert_eq!(
            error.message(),
            "Illegal argument: Unable to preview using encoding 'foo'"
        );
    }
}
