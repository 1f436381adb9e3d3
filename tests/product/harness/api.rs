//! The API as a client sees it.

use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::Value;
use tokio::runtime::Runtime;

use super::process::PATIENCE;

/// A client of one server. Blocks: the tests are about processes, not about concurrency.
pub(crate) struct Api {
    address: String,
    runtime: Runtime,
    client: reqwest::Client,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Api {
    pub(crate) fn new(address: &str) -> Self {
        // the client wants one, though it speaks no TLS here; another test of this process may have been first
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(PATIENCE)
            .build()
            .unwrap();
        Self {
            address: address.to_owned(),
            runtime,
            client,
        }
    }

    /// `127.0.0.1:40123`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn try_call(
        &self,
        method: Method,
        path: &str,
        body: Option<(&str, Vec<u8>)>,
    ) -> reqwest::Result<Answer> {
        let mut request = self
            .client
            .request(method, format!("http://{}{path}", self.address));
        if let Some((kind, content)) = body {
            request = request.header(CONTENT_TYPE, kind).body(content);
        }
        self.runtime.block_on(async {
            let response = request.send().await?;
            let status = response.status().as_u16();
            Ok(Answer {
                status,
                body: response.bytes().await?.to_vec(),
            })
        })
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.try_call(Method::GET, path, None)
            .expect("the server answers")
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        self.try_call(Method::DELETE, path, None)
            .expect("the server answers")
    }

    pub(crate) fn post(&self, path: &str, kind: &str, content: impl Into<Vec<u8>>) -> Answer {
        self.try_call(Method::POST, path, Some((kind, content.into())))
            .expect("the server answers")
    }

    /// Saves a flow; it must be taken.
    pub(crate) fn save(&self, source: &str) {
        let answer = self.post("/api/v1/flows", "application/x-yaml", source);
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// Saves a flow, be it there already or not; it must be taken.
    pub(crate) fn save_or_replace(&self, flow: &str, source: &str) {
        let path = format!("/api/v1/flows/{flow}");
        if self.get(&path).status == 404 {
            return self.save(source);
        }
        let body = Some(("application/x-yaml", source.as_bytes().to_vec()));
        let answer = self
            .try_call(Method::PUT, &path, body)
            .expect("the server answers");
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// Starts an execution with these inputs, and gives it as it was answered.
    pub(crate) fn start(&self, flow: &str, inputs: &[(&str, &str)]) -> Value {
        self.create(flow, "", inputs)
    }

    /// Runs an execution to its end.
    pub(crate) fn run(&self, flow: &str, inputs: &[(&str, &str)]) -> Value {
        self.create(flow, "?wait=true", inputs)
    }

    fn create(&self, flow: &str, query: &str, inputs: &[(&str, &str)]) -> Value {
        let mut form = reqwest::multipart::Form::new();
        for (name, value) in inputs {
            form = form.text((*name).to_owned(), (*value).to_owned());
        }
        let url = format!("http://{}/api/v1/executions/{flow}{query}", self.address);
        let answer = self.runtime.block_on(async {
            let request = self.client.post(url).multipart(form);
            let response = request.send().await.expect("the server answers");
            Answer {
                status: response.status().as_u16(),
                body: response.bytes().await.unwrap().to_vec(),
            }
        });
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    pub(crate) fn execution(&self, id: &str) -> Value {
        let answer = self.get(&format!("/api/v1/executions/{id}"));
        assert_eq!(answer.status, 200, "execution {id}: {}", answer.text());
        answer.json()
    }

    /// Waits until the execution is over.
    pub(crate) fn wait(&self, id: &str) -> Value {
        self.wait_until(id, |execution| is_terminal(state(execution)))
    }

    /// Waits until something holds of the execution.
    pub(crate) fn wait_until(&self, id: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            let execution = self.execution(id);
            if holds(&execution) {
                return execution;
            }
            assert!(
                Instant::now() < until,
                "execution {id} hangs: {execution:#}"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The execution's log as soon as it holds all of these texts; lines are stored a moment after they are written.
    pub(crate) fn log_with(&self, id: &str, texts: &[&str]) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            let log = self.log(id);
            let Some(missing) = texts.iter().find(|text| !log.contains(**text)) else {
                return log;
            };
            let end = log.char_indices().rev().nth(3000).map_or(0, |(at, _)| at);
            assert!(
                Instant::now() < until,
                "no {missing:?} in the log of {id}:\n{}",
                &log[end..]
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The messages of an execution's log that are stored by now, each on lines of its own.
    pub(crate) fn log(&self, id: &str) -> String {
        let entries = self.get(&format!("/api/v1/logs/{id}")).json();
        let entries = entries.as_array().cloned().unwrap_or_default();
        let messages = entries
            .iter()
            .map(|entry| entry["message"].as_str().unwrap_or_default());
        messages.collect::<Vec<_>>().join("\n")
    }
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.text()))
    }
}

/// The state of an execution or a task run.
pub(crate) fn state(value: &Value) -> &str {
    value["state"]["current"].as_str().unwrap_or_default()
}

/// The task run of a task.
pub(crate) fn task_run<'a>(execution: &'a Value, task: &str) -> &'a Value {
    let runs = execution["taskRunList"]
        .as_array()
        .expect("it has task runs");
    runs.iter()
        .find(|run| run["taskId"] == task)
        .unwrap_or_else(|| panic!("no run of `{task}`: {execution:#}"))
}

fn is_terminal(state: &str) -> bool {
    matches!(
        state,
        "SUCCESS" | "WARNING" | "FAILED" | "KILLED" | "CANCELLED" | "SKIPPED" | "RETRIED"
    )
}
