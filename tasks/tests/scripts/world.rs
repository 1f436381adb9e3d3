//! A worker's side of a task, in memory.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use flowmill_common::job::Job;
use flowmill_common::log::{Level, Metric};
use flowmill_common::time::Timestamp;
use flowmill_tasks::context::ByteStream;
use flowmill_tasks::runner::DefaultRunner;
use flowmill_tasks::{Catalogue, Config, Output, Outside, RunContext, TaskError};
use futures::TryStreamExt;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

/// What a task may use, and what it did with it.
pub(crate) struct World {
    pub(crate) config: Config,
    pub(crate) variables: Value,
    pub(crate) cancelled: CancellationToken,
    pub(crate) seen: Arc<Seen>,
    pub(crate) attempt: u32,
    folder: tempfile::TempDir,
}

/// What came out of a task.
#[derive(Default)]
pub(crate) struct Seen {
    files: Mutex<HashMap<String, Vec<u8>>>,
    logs: Mutex<Vec<(Level, String)>>,
    metrics: Mutex<Vec<Metric>>,
    /// Woken by every log line.
    logged: tokio::sync::Notify,
    variables: Value,
}

impl World {
    /// With the process runner as the default one, and nothing else.
    pub(crate) fn new() -> Self {
        Self::with_variables(json!({}))
    }

    pub(crate) fn with_variables(variables: Value) -> Self {
        let mut config = Config::default();
        config.runner.default = DefaultRunner::Process;
        Self {
            config,
            seen: Arc::new(Seen {
                variables: variables.clone(),
                ..Seen::default()
            }),
            variables,
            cancelled: CancellationToken::new(),
            attempt: 0,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Keeps a file as an earlier task would have.
    pub(crate) fn store(&self, uri: &str, content: &str) {
        self.seen
            .files
            .lock()
            .unwrap()
            .insert(uri.into(), content.into());
    }

    pub(crate) fn context(&self) -> RunContext {
        RunContext {
            job: Arc::new(Job {
                execution: "execution1".into(),
                partition: 0,
                namespace: "company.team".into(),
                flow_id: "flow".into(),
                flow_revision: 1,
                // Containers are known by it: each world is another task run.
                run: self
                    .folder
                    .path()
                    .file_name()
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .into(),
                dispatch: 0,
                attempt: self.attempt,
                task_id: "task".into(),
                task_type: "type".into(),
                value: None,
                loop_values: Vec::new(),
                iteration: None,
                properties: Arc::default(),
                timeout: None,
                log_level: Level::Trace,
                variables: Arc::new(self.variables.clone()),
                children: Vec::new(),
                at: Timestamp::default(),
            }),
            config: Arc::new(self.config.clone()),
            working_directory: self.folder.path().to_owned(),
            cancelled: self.cancelled.clone(),
            outside: self.seen.clone(),
            extra_variables: Arc::default(),
        }
    }

    /// Runs a task of `io.kestra.plugin.scripts.…`.
    pub(crate) async fn run(
        &self,
        short_type: &str,
        properties: Value,
    ) -> Result<Output, TaskError> {
        self.run_type(
            &format!("io.kestra.plugin.scripts.{short_type}"),
            properties,
        )
        .await
    }

    pub(crate) async fn run_type(
        &self,
        task_type: &str,
        properties: Value,
    ) -> Result<Output, TaskError> {
        let task = Catalogue::new()
            .task(task_type, properties.as_object().unwrap())
            .unwrap();
        task.run(&self.context()).await
    }

    /// Runs `shell.Commands`.
    pub(crate) async fn commands(&self, commands: &[&str]) -> Result<Output, TaskError> {
        self.run("shell.Commands", json!({ "commands": commands }))
            .await
    }

    /// All lines of a level, in order.
    pub(crate) fn logged(&self, level: Level) -> Vec<String> {
        let logs = self.seen.logs.lock().unwrap();
        logs.iter()
            .filter(|(found, _)| *found == level)
            .map(|(_, message)| message.clone())
            .collect()
    }

    /// Waits for a line of output that contains a text.
    pub(crate) async fn until_logged(&self, text: &str) -> String {
        loop {
            let logged = self.seen.logged.notified();
            let found = self
                .logged(Level::Info)
                .into_iter()
                .find(|line| line.contains(text));
            match found {
                Some(line) => return line,
                None => logged.await,
            }
        }
    }

    pub(crate) fn metrics(&self) -> Vec<Metric> {
        self.seen.metrics.lock().unwrap().clone()
    }

    pub(crate) fn stored(&self, uri: &Value) -> String {
        let bytes = self.seen.files.lock().unwrap()[uri.as_str().expect("a URI")].clone();
        String::from_utf8(bytes).unwrap()
    }
}

impl Seen {
    /// Enough of the expression language for these tests: `{{ a.b['c d'] }}`.
    fn lookup(&self, path: &str, extra: &Map<String, Value>) -> Result<Value, TaskError> {
        let keys = path.replace("['", ".").replace("']", "");
        let mut keys = keys.split('.').map(str::trim).peekable();
        let root = keys.next().unwrap_or_default();
        let mut value = extra
            .get(root)
            .or_else(|| self.variables.get(root))
            .cloned();
        let mut rest: Vec<_> = keys.collect();
        // A file name holds a dot itself.
        if rest.len() == 2 && value.as_ref().is_some_and(|map| map.get(rest[0]).is_none()) {
            rest = vec![Box::leak(rest.join(".").into_boxed_str())];
        }
        for key in rest {
            value = value.and_then(|map| map.get(key).cloned());
        }
        value.ok_or_else(|| TaskError::failed(format!("no variable `{path}`")))
    }
}

#[async_trait]
impl Outside for Seen {
    async fn render(&self, text: &str, extra: &Map<String, Value>) -> Result<String, TaskError> {
        let mut rendered = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (path, after) = after
                .split_once("}}")
                .ok_or_else(|| TaskError::failed("`}}` is missing"))?;
            rendered.push_str(before);
            match self.lookup(path.trim(), extra)? {
                Value::String(text) => rendered.push_str(&text),
                other => rendered.push_str(&other.to_string()),
            }
            rest = after;
        }
        Ok(rendered + rest)
    }

    async fn render_typed(
        &self,
        text: &str,
        extra: &Map<String, Value>,
    ) -> Result<Value, TaskError> {
        self.render(text, extra).await.map(Value::String)
    }

    async fn read(&self, uri: &str) -> Result<ByteStream, TaskError> {
        let bytes = self.files.lock().unwrap().get(uri).cloned();
        let bytes = bytes.ok_or_else(|| TaskError::failed(format!("there is no file `{uri}`")))?;
        Ok(Box::pin(futures::stream::once(async {
            Ok(Bytes::from(bytes))
        })))
    }

    async fn store_file(&self, name: &str, path: &Path) -> Result<String, TaskError> {
        let uri = format!("kestra:///stored/{name}");
        self.files
            .lock()
            .unwrap()
            .insert(uri.clone(), std::fs::read(path).unwrap());
        Ok(uri)
    }

    async fn store_stream(&self, name: &str, content: ByteStream) -> Result<String, TaskError> {
        let chunks: Result<Vec<Bytes>, _> = content.try_collect().await;
        let chunks =
            chunks.map_err(|error| TaskError::failed(format!("it cannot be stored: {error}")))?;
        let uri = format!("kestra:///stored/{name}");
        self.files
            .lock()
            .unwrap()
            .insert(uri.clone(), chunks.concat());
        Ok(uri)
    }

    async fn size(&self, uri: &str) -> Result<u64, TaskError> {
        Ok(self.files.lock().unwrap()[uri].len() as u64)
    }

    async fn namespace_files(&self, namespace: &str) -> Result<Vec<String>, TaskError> {
        let prefix = format!("nsfile://{namespace}/");
        let mut names: Vec<_> = self
            .files
            .lock()
            .unwrap()
            .keys()
            .filter_map(|uri| uri.strip_prefix(&prefix))
            .map(str::to_owned)
            .collect();
        names.sort();
        Ok(names)
    }

    fn log(&self, level: Level, message: String) {
        self.logs.lock().unwrap().push((level, message));
        self.logged.notify_waiters();
    }

    fn metric(&self, metric: Metric) {
        self.metrics.lock().unwrap().push(metric);
    }
}

/// The outputs of a task that failed, and why it did.
pub(crate) fn failed(result: Result<Output, TaskError>) -> (String, Map<String, Value>) {
    match result.unwrap_err() {
        TaskError::Failed { message, outputs } => (message, outputs.unwrap_or_default()),
        other => panic!("it did not fail but: {other}"),
    }
}
