//! The API without a server: requests are handed to its routes within this process.

use anyhow::Context;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, header};
use flowmill_api::Api;
use serde_json::Value;
use tower::ServiceExt;

/// Answers are read whole; an execution of 100,000 task runs is larger than one would think.
const LARGEST_ANSWER: usize = 1 << 30;

/// The API within this process.
#[derive(Clone)]
pub(crate) struct LocalApi {
    router: Router,
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl LocalApi {
    /// The routes of this API.
    pub(crate) fn new(api: Api) -> Self {
        Self {
            router: flowmill_api::router(api),
        }
    }

    /// Hands over a request, with a body of this type if there is one.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<(&str, Body)>,
    ) -> anyhow::Result<Answer> {
        let request = Request::builder().method(method).uri(path);
        let request = match body {
            Some((kind, body)) => request.header(header::CONTENT_TYPE, kind).body(body),
            None => request.body(Body::empty()),
        };
        let request = request.with_context(|| format!("`{path}` is no path of the API"))?;
        let response = self.router.clone().oneshot(request).await?;
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), LARGEST_ANSWER)
            .await
            .context("an answer of the API broke off")?;
        Ok(Answer {
            status,
            body: body.into(),
        })
    }
}

impl Answer {
    /// Whether the request was done.
    pub(crate) fn is_success(&self) -> bool {
        self.status < 300
    }

    /// The answer as JSON.
    pub(crate) fn json(&self) -> anyhow::Result<Value> {
        serde_json::from_slice(&self.body).context("an answer of the API is not JSON")
    }

    /// What is wrong, one message for each thing: of a refused execution one for each input.
    pub(crate) fn messages(&self) -> Vec<String> {
        let Ok(body) = self.json() else {
            return vec![String::from_utf8_lossy(&self.body).into_owned()];
        };
        let errors = body.pointer("/_embedded/errors").and_then(Value::as_array);
        let each: Vec<String> = errors
            .into_iter()
            .flatten()
            .filter_map(|error| {
                let message = error.get("message")?.as_str()?;
                let path = error
                    .get("path")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                let names_it = path.is_empty() || message.contains(path);
                Some(if names_it {
                    message.to_owned()
                } else {
                    format!("{path}: {message}")
                })
            })
            .collect();
        if each.is_empty() {
            vec![
                body.get("message")
                    .and_then(Value::as_str)
                    .unwrap_or("the request was refused")
                    .to_owned(),
            ]
        } else {
            each
        }
    }
}
