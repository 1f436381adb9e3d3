//! A server without a socket.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use flowmill_api::{Api, Config, Parts};
use flowmill_backends::files::local::LocalFiles;
use flowmill_backends::queue::in_process::{Config as QueueConfig, InProcessQueue};
use flowmill_backends::repo::flows::{FlowCache, Flows};
use flowmill_backends::repo::logs::Logs;
use flowmill_backends::store::embedded::{Config as StoreConfig, EmbeddedStore};
use flowmill_backends::{Files, Queue, Store};
use flowmill_common::cipher::Cipher;
use flowmill_common::compile;
use flowmill_common::secrets::Secrets;
use flowmill_executor::{Executor, Ownership, Recovery};
use flowmill_expression::Engine;
use flowmill_scheduler::Settings;
use flowmill_tasks::Catalogue;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

const PARTITIONS: u16 = 4;

/// A server, and what it stands on. Everything ends with it.
pub(crate) struct Server {
    router: Router,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) files: Arc<dyn Files>,
    _stop: tokio_util::sync::DropGuard,
    _directory: tempfile::TempDir,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Whether executions are run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Executors {
    One,
    None,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(Config::default(), Executors::One).await
    }

    pub(crate) async fn with(config: Config, executors: Executors) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(
            EmbeddedStore::open(directory.path().join("store"), &StoreConfig::default()).unwrap(),
        );
        let queue: Arc<dyn Queue> = Arc::new(InProcessQueue::new(QueueConfig::default()));
        let files: Arc<dyn Files> =
            Arc::new(LocalFiles::open(directory.path().join("files")).unwrap());
        let engine = Engine::new(flowmill_expression::Options::default());
        let catalogue = Arc::new(Catalogue::new());
        let options = compile::Options {
            engine: Some(engine.clone()),
            ..compile::Options::default()
        };
        let flows = Arc::new(FlowCache::new(
            Flows::new(store.clone()),
            catalogue.clone(),
            options,
        ));
        let cipher = Cipher::new("I6EGNzRESu3X3pKZidrqCGOHQFUFC0yK").unwrap();
        let secrets = [("TOKEN".to_owned(), "very secret".to_owned())];
        let secrets = Arc::new(Secrets::new(secrets).with_cipher(Some(cipher.clone())));
        let settings = Arc::new(Settings {
            cipher: Some(cipher),
            ..Settings::default()
        });
        let engine = Arc::new(engine);
        let stop = CancellationToken::new();
        let api = Api::new(
            config,
            Parts {
                store: store.clone(),
                queue: queue.clone(),
                files: files.clone(),
                flows: flows.clone(),
                catalogue: catalogue.clone(),
                engine: engine.clone(),
                settings: settings.clone(),
                secrets: secrets.clone(),
                partitions: PARTITIONS,
                probes: Vec::new(),
                prometheus: Some(Arc::new(|| "flowmill_up 1\n".to_owned())),
                instance: "test".to_owned(),
            },
        );
        if executors == Executors::One {
            let parts = flowmill_executor::Parts {
                store: store.clone(),
                queue,
                files: files.clone(),
                flows,
                engine,
                tasks: catalogue,
                settings,
                secrets,
                partitions: PARTITIONS,
                recovery: Recovery::Redispatch,
                ownership: Ownership::All,
            };
            let executor = Executor::new(parts, flowmill_executor::Config::default());
            tokio::spawn(executor.run(stop.clone()));
        }
        let router = flowmill_api::router(api.clone());
        tokio::spawn(api.listen(stop.clone()));
        Self {
            router,
            store,
            files,
            _stop: stop.drop_guard(),
            _directory: directory,
        }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    /// The answer before its body is there.
    pub(crate) async fn open(&self, path: &str) -> axum::response::Response {
        let request = Request::builder().uri(path).body(Body::empty()).unwrap();
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Request::builder().uri(path).body(Body::empty()).unwrap())
            .await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(
            Request::builder()
                .method("DELETE")
                .uri(path)
                .body(Body::empty())
                .unwrap(),
        )
        .await
    }

    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        kind: &str,
        body: impl Into<Body>,
    ) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, kind);
        self.send(request.body(body.into()).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str) -> Answer {
        self.send(
            Request::builder()
                .method("POST")
                .uri(path)
                .body(Body::empty())
                .unwrap(),
        )
        .await
    }

    pub(crate) async fn json(&self, method: &str, path: &str, body: Value) -> Answer {
        self.call(method, path, "application/json", body.to_string())
            .await
    }

    /// Creates a flow, which must be right.
    pub(crate) async fn flow(&self, source: &str) -> Value {
        let answer = self
            .call(
                "POST",
                "/api/v1/flows",
                "application/x-yaml",
                source.to_owned(),
            )
            .await;
        answer.expect(200)
    }

    /// Runs a flow to its end.
    pub(crate) async fn run(&self, namespace: &str, id: &str) -> Value {
        self.post(&format!("/api/v1/executions/{namespace}/{id}?wait=true"))
            .await
            .expect(200)
    }

    pub(crate) fn logs(&self) -> Logs {
        Logs::new(self.store.clone(), PARTITIONS)
    }
}

impl Answer {
    /// The body as JSON; the status must be this.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        if self.body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&self.body).unwrap()
        }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A form of texts and files: name, file name, content.
pub(crate) fn form(parts: &[(&str, Option<&str>, &str)]) -> (String, String) {
    let mut body = String::new();
    for (name, file, content) in parts {
        let file = file
            .map(|file| format!("; filename=\"{file}\""))
            .unwrap_or_default();
        body.push_str(&format!(
            "--xyz\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{content}\r\n"
        ));
    }
    body.push_str("--xyz--\r\n");
    ("multipart/form-data; boundary=xyz".to_owned(), body)
}

/// A flow of one task.
pub(crate) fn hello(id: &str) -> String {
    format!(
        "id: {id}\nnamespace: company.team\nlabels:\n  team: data\ntasks:\n  - id: say\n    type: io.kestra.plugin.core.debug.Return\n    format: hi\n"
    )
}
