//! `io.kestra.plugin.core.http.Request`

use std::collections::BTreeMap;
use std::sync::LazyLock;

use async_trait::async_trait;
use flowmill_common::flow::Place;
use regex::Regex;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::properties::{Call, RequestProperties};
use super::{exchange, reply};
use crate::context::RunContext;
use crate::properties;
use crate::property::Property;
use crate::task::{Definition, Output, Placement, Task, TaskError};

const EXAMPLE: &str = r#"id: fetch
namespace: company.team

inputs:
  - id: api
    type: URI
    defaults: https://dummyjson.com/products

tasks:
  - id: products
    type: io.kestra.plugin.core.http.Request
    uri: "{{ inputs.api }}"
    params:
      limit: 3
    options:
      timeout:
        readIdleTimeout: PT30S

  - id: status
    type: io.kestra.plugin.core.log.Log
    message: "{{ outputs.products.code }}: {{ json(outputs.products.body).total }} products"
"#;

/// Make an HTTP request and keep the response.
///
/// A status of 400 or more fails the task unless `options` allow it. A server that is too busy (429, 503) is asked once more. The body is
/// kept as text; use `io.kestra.plugin.core.http.Download` for large and binary ones.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct OwnProperties {
    /// Whether the body is encrypted with the server's key: then `encryptedBody` is given in place of `body`.
    #[serde(default)]
    encrypt_body: Property<bool>,
}

/// What `Request` gives.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[allow(dead_code)]
struct Outputs {
    /// The address that was asked, parameters included.
    uri: String,
    /// The status of the response.
    code: u16,
    /// The headers of the response: names in lower case, each with the list of its values.
    headers: BTreeMap<String, Vec<String>>,
    /// The body as text; absent when there is none.
    body: Option<String>,
    /// The encrypted body, when `encryptBody` wants it.
    encrypted_body: Option<Value>,
}

struct Request {
    request: RequestProperties,
    own: OwnProperties,
}

pub(super) fn definition() -> Definition {
    Definition {
        task_type: "io.kestra.plugin.core.http.Request",
        aliases: &["io.kestra.plugin.fs.http.Request"],
        place: Placement::Runnable(Place::Worker),
        parse: |written| {
            let (request, own) = properties::read_both(written)?;
            Ok(Box::new(Request { request, own }))
        },
        properties: properties::schema_of_both::<RequestProperties, OwnProperties>,
        outputs: || schemars::schema_for!(Outputs),
        example: EXAMPLE,
    }
}

#[async_trait]
impl Task for Request {
    async fn run(&self, context: &RunContext) -> Result<Output, TaskError> {
        tokio::select! {
            output = self.ask(context) => output,
            () = context.cancelled.cancelled() => Err(TaskError::Killed),
        }
    }

    fn works_in_directory(&self) -> bool {
        false
    }
}

impl Request {
    async fn ask(&self, context: &RunContext) -> Result<Output, TaskError> {
        let call = self.request.render(context).await?;
        let encrypt = self.own.encrypt_body.render(context).await?;
        call.log(context);
        let response = exchange::send(&call, context).await?;
        let response = reply::check(&call, response, context).await?;
        let (code, headers) = (
            response.status().as_u16(),
            reply::headers(response.headers()),
        );
        let limit = context.config.http.maximum_body_bytes;
        let body = reply::text(&call, response, limit).await?;
        if body.is_cut {
            return Err(too_large(&call, limit));
        }
        refuse_binary(&call, &body.text)?;
        reply::log_body(&call, &body.text, context);
        reply::measure(&call, code, body.bytes, context);
        let mut values = Map::new();
        values.insert("uri".into(), call.written.into());
        values.insert("code".into(), code.into());
        values.insert("headers".into(), headers);
        if encrypt {
            let value = context.outside.encrypt(&body.text)?;
            values.insert(
                "encryptedBody".into(),
                json!({"type": "io.kestra.datatype:aes_encrypted", "value": value}),
            );
        } else if !body.text.is_empty() {
            values.insert("body".into(), body.text.into());
        }
        Ok(Output {
            values,
            state: None,
        })
    }
}

fn too_large(call: &Call, limit: u64) -> TaskError {
    TaskError::failed(format!(
        "the response body of {} {} is longer than {limit} bytes: use `io.kestra.plugin.core.http.Download` for it",
        call.method, call.written
    ))
}

/// Fails for text that holds code points that mean nothing: it is no text.
fn refuse_binary(call: &Call, body: &str) -> Result<(), TaskError> {
    static UNASSIGNED: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\p{Cn}").expect("it is a regular expression"));
    if body.is_ascii() || !UNASSIGNED.is_match(body) {
        return Ok(());
    }
    Err(TaskError::failed(format!(
        "the response body of {} {} is not text: use `io.kestra.plugin.core.http.Download` for it",
        call.method, call.written
    )))
}
