//! `io.kestra.plugin.core.http.Download`

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use flowmill_common::flow::Place;
use flowmill_common::log::Level;
use futures::StreamExt;
use reqwest::Response;
use reqwest::header;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Map;

use super::properties::{Call, RequestProperties};
use super::{exchange, failure, file_name, reply};
use crate::context::{ByteStream, RunContext};
use crate::properties;
use crate::property::Property;
use crate::task::{Definition, Output, Placement, Task, TaskError};

const EXAMPLE: &str = r#"id: download
namespace: company.team

tasks:
  - id: orders
    type: io.kestra.plugin.core.http.Download
    uri: https://huggingface.co/datasets/kestra/datasets/raw/main/csv/orders.csv

  - id: show
    type: io.kestra.plugin.core.log.Log
    message: "{{ outputs.orders.length }} bytes in {{ outputs.orders.uri }}"
"#;

/// Download a file to the internal storage.
///
/// The response goes to the storage as it comes, whatever its length. A status of 400 or more fails the task unless `options` allow it.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct OwnProperties {
    /// Whether an empty response fails the task.
    #[serde(default = "yes")]
    #[schemars(default)]
    fail_on_empty_response: Property<bool>,
    /// The name of the stored file. Without it, the name that the server gives, or one with the ending of the address.
    save_as: Option<Property<String>>,
}

fn yes() -> Property<bool> {
    Property::literal(true)
}

/// What `Download` gives.
#[derive(JsonSchema)]
#[allow(dead_code)]
struct Outputs {
    /// The URI of the stored file.
    uri: String,
    /// The status of the response.
    code: u16,
    /// The length of the file in bytes.
    length: u64,
    /// The headers of the response: names in lower case, each with the list of its values.
    headers: BTreeMap<String, Vec<String>>,
}

struct Download {
    request: RequestProperties,
    own: OwnProperties,
}

pub(super) fn definition() -> Definition {
    Definition {
        task_type: "io.kestra.plugin.core.http.Download",
        aliases: &["io.kestra.plugin.fs.http.Download"],
        place: Placement::Runnable(Place::Worker),
        parse: |written| {
            let (request, own) = properties::read_both(written)?;
            Ok(Box::new(Download { request, own }))
        },
        properties: properties::schema_of_both::<RequestProperties, OwnProperties>,
        outputs: || schemars::schema_for!(Outputs),
        example: EXAMPLE,
    }
}

#[async_trait]
impl Task for Download {
    async fn run(&self, context: &RunContext) -> Result<Output, TaskError> {
        tokio::select! {
            output = self.fetch(context) => output,
            () = context.cancelled.cancelled() => Err(TaskError::Killed),
        }
    }

    fn works_in_directory(&self) -> bool {
        false
    }
}

impl Download {
    async fn fetch(&self, context: &RunContext) -> Result<Output, TaskError> {
        let call = self.request.render(context).await?;
        let fail_on_empty = self.own.fail_on_empty_response.render(context).await?;
        let save_as = Property::render_optional(self.own.save_as.as_ref(), context).await?;
        call.log(context);
        let response = exchange::send(&call, context).await?;
        let response = reply::check(&call, response, context).await?;
        let (code, headers) = (
            response.status().as_u16(),
            reply::headers(response.headers()),
        );
        let name = save_as.filter(|name| !name.trim().is_empty());
        let name = name.unwrap_or_else(|| file_name::of(response.headers(), &call.url));
        let (uri, length) = store(&call, response, &name, context).await?;
        if length == 0 {
            if fail_on_empty && !call.settings.allows_failures() {
                return Err(TaskError::failed(format!(
                    "No response from server: {} gave an empty body",
                    call.written
                )));
            }
            context.log(Level::Warn, format!("File '{}' is empty", call.written));
        }
        context.log(
            Level::Debug,
            format!("File '{}' downloaded to '{uri}'", call.written),
        );
        reply::measure(&call, code, length, context);
        let mut values = Map::new();
        values.insert("uri".into(), uri.into());
        values.insert("code".into(), code.into());
        values.insert("length".into(), length.into());
        values.insert("headers".into(), headers);
        Ok(Output {
            values,
            state: None,
        })
    }
}

/// Stores the body as it comes. Gives its URI and its length.
async fn store(
    call: &Call,
    response: Response,
    name: &str,
    context: &RunContext,
) -> Result<(String, u64), TaskError> {
    let declared: Option<u64> = response
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse().ok());
    let seen = Arc::new(Seen::default());
    let stored = context
        .outside
        .store_stream(name, watched(response, seen.clone()))
        .await;
    if let Some(error) = seen
        .failure
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take()
    {
        return Err(TaskError::failed(failure::of_body(call, &error)));
    }
    let (uri, length) = (stored?, seen.bytes.load(Ordering::Relaxed));
    match declared {
        Some(declared) if declared != length => Err(TaskError::failed(format!(
            "Invalid size, got {length}, expected {declared}"
        ))),
        _ => Ok((uri, length)),
    }
}

/// What went by of a body.
#[derive(Default)]
struct Seen {
    bytes: AtomicU64,
    failure: Mutex<Option<reqwest::Error>>,
}

/// The body as a stream for the storage, counted; why it broke off is kept, since the storage knows only that it did.
fn watched(response: Response, seen: Arc<Seen>) -> ByteStream {
    let body = response.bytes_stream().map(move |chunk| match chunk {
        Ok(chunk) => {
            seen.bytes.fetch_add(chunk.len() as u64, Ordering::Relaxed);
            Ok(chunk)
        }
        Err(error) => {
            let message = error.to_string();
            *seen.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            Err(std::io::Error::other(message))
        }
    });
    body.boxed()
}
