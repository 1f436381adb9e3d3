//! What a task sees of the world: rendering with facts fetched, files of its execution, its log, its measurements.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use flowmill_backends::Kind;
use flowmill_common::cipher::NONCE;
use flowmill_common::log::{Level, Metric};
use flowmill_common::{Job, Timestamp};
use flowmill_expression::{Answer, Engine, Host, Need};
use flowmill_tasks::TaskError;
use flowmill_tasks::context::{ByteStream, Outside};
use serde_json::{Map, Value};
use tokio_util::io::ReaderStream;

use crate::facts::Sources;
use crate::logs::AttemptLog;
use crate::variables::{Overlaid, Variables};
use crate::{measure, storage};
use flowmill_common::secrets::Masker;

/// How files are read before they are stored, in bytes.
const CHUNK: usize = 64 << 10;

/// The world of one attempt.
pub(crate) struct AttemptWorld {
    pub(crate) job: Arc<Job>,
    pub(crate) variables: Variables,
    /// The folder in the storage for its files, with a `/` at its end.
    pub(crate) folder: String,
    pub(crate) engine: Arc<Engine>,
    pub(crate) sources: Arc<Sources>,
    pub(crate) log: AttemptLog,
    pub(crate) masker: Arc<Masker>,
    /// At most so many facts.
    pub(crate) most_facts: usize,
    pub(crate) state: Mutex<State>,
}

/// What the attempt has gathered.
#[derive(Default)]
pub(crate) struct State {
    answers: HashMap<Need, Answer>,
    names: HashSet<String>,
    metrics: Vec<Metric>,
}

impl AttemptWorld {
    /// What the task has measured.
    pub(crate) fn metrics(&self) -> Vec<Metric> {
        std::mem::take(&mut self.lock().metrics)
    }

    /// Renders with an engine that is never asked to wait: what it asks for is fetched, and it begins again.
    async fn rendered<T>(
        &self,
        extra: &Map<String, Value>,
        render: impl Fn(
            &Engine,
            &Overlaid<'_>,
            &AttemptHost<'_>,
        ) -> Result<T, flowmill_expression::Error>
        + Send
        + Sync,
    ) -> Result<T, TaskError> {
        loop {
            let error = match render(
                &self.engine,
                &self.variables.with(extra),
                &AttemptHost(self),
            ) {
                Ok(rendered) => return Ok(rendered),
                Err(error) => error,
            };
            let Some(need) = error.as_need() else {
                return Err(TaskError::failed(error.to_string()));
            };
            if self.lock().answers.len() >= self.most_facts {
                let message = format!(
                    "the expressions of this task ask for more than {} facts",
                    self.most_facts
                );
                return Err(TaskError::failed(message));
            }
            let answer = self.sources.fetch(&self.job, &self.variables, need).await;
            if let (Need::Secret { .. }, Answer::Value(secret)) = (need, &answer)
                && let Some(secret) = secret.as_str()
            {
                self.masker.reveal(secret);
            }
            self.lock().answers.insert(need.clone(), answer);
        }
    }

    fn readable(&self, uri: &str) -> Result<String, TaskError> {
        storage::readable(&self.job, self.variables.json(), uri).map_err(TaskError::failed)
    }

    /// A path for a new file: the name, made different from those that the attempt has used already.
    fn new_path(&self, name: &str) -> String {
        let name = storage::file_name(name);
        let mut state = self.lock();
        let (stem, ending) = match name.rfind('.') {
            Some(dot) if dot > 0 => name.split_at(dot),
            _ => (name.as_str(), ""),
        };
        let numbered = (1_u64..).map(|number| format!("{stem}-{number}{ending}"));
        let free = std::iter::once(name.clone())
            .chain(numbered)
            .find(|name| !state.names.contains(name));
        let name = free.unwrap_or(name);
        state.names.insert(name.clone());
        format!("{}{name}", self.folder)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Outside for AttemptWorld {
    async fn render(&self, text: &str, extra: &Map<String, Value>) -> Result<String, TaskError> {
        self.rendered(extra, |engine, root, host| engine.render(text, root, host))
            .await
    }

    async fn render_typed(
        &self,
        text: &str,
        extra: &Map<String, Value>,
    ) -> Result<Value, TaskError> {
        self.rendered(extra, |engine, root, host| {
            engine.render_typed(text, root, host)?.to_json()
        })
        .await
    }

    async fn read(&self, uri: &str) -> Result<ByteStream, TaskError> {
        let path = self.readable(uri)?;
        self.sources
            .files
            .get(&path, None)
            .await
            .map_err(|error| unreadable(uri, &error))
    }

    async fn store_file(&self, name: &str, path: &Path) -> Result<String, TaskError> {
        let file = tokio::fs::File::open(path).await.map_err(|error| {
            TaskError::failed(format!(
                "the file `{}` cannot be read: {error}",
                path.display()
            ))
        })?;
        self.store_stream(name, Box::pin(ReaderStream::with_capacity(file, CHUNK)))
            .await
    }

    async fn store_stream(&self, name: &str, content: ByteStream) -> Result<String, TaskError> {
        let path = self.new_path(name);
        match self.sources.files.put(&path, content).await {
            Ok(_) => Ok(storage::uri(&path)),
            Err(error) => Err(TaskError::failed(format!(
                "the file `{name}` cannot be stored: {error}"
            ))),
        }
    }

    async fn size(&self, uri: &str) -> Result<u64, TaskError> {
        let path = self.readable(uri)?;
        let stat = self
            .sources
            .files
            .stat(&path)
            .await
            .map_err(|error| unreadable(uri, &error))?;
        Ok(stat.length)
    }

    async fn namespace_files(&self, namespace: &str) -> Result<Vec<String>, TaskError> {
        let folder = storage::namespace_folder(namespace);
        let cannot = |error| {
            TaskError::failed(format!(
                "the files of namespace `{namespace}` cannot be listed: {error}"
            ))
        };
        let files = self.sources.files.list(&folder).await.map_err(cannot)?;
        Ok(files
            .into_iter()
            .map(|file| file.path[folder.len()..].to_owned())
            .collect())
    }

    async fn cached(&self) -> Result<Option<(Timestamp, ByteStream)>, TaskError> {
        let path = storage::cache(&self.job);
        let cannot = |error: flowmill_backends::Error| {
            TaskError::failed(format!("the cache cannot be read: {error}"))
        };
        let stat = match self.sources.files.stat(&path).await {
            Ok(stat) => stat,
            Err(error) if error.kind() == Kind::NotFound => return Ok(None),
            Err(error) => return Err(cannot(error)),
        };
        let content = self.sources.files.get(&path, None).await.map_err(cannot)?;
        Ok(Some((stat.modified.into(), content)))
    }

    async fn put_cached(&self, content: ByteStream) -> Result<(), TaskError> {
        let stored = self
            .sources
            .files
            .put(&storage::cache(&self.job), content)
            .await;
        stored
            .map(drop)
            .map_err(|error| TaskError::failed(format!("the cache cannot be stored: {error}")))
    }

    fn encrypt(&self, text: &str) -> Result<String, TaskError> {
        let cipher = self.sources.secrets.cipher().ok_or_else(|| {
            TaskError::failed("nothing can be encrypted: the server has no encryption key")
        })?;
        Ok(cipher.encrypt(text, nonce()))
    }

    fn log(&self, level: Level, message: String) {
        self.log.write(level, message);
    }

    fn metric(&self, metric: Metric) {
        measure::combine(&mut self.lock().metrics, metric);
    }
}

fn unreadable(uri: &str, error: &flowmill_backends::Error) -> TaskError {
    match error.kind() {
        Kind::NotFound => TaskError::failed(format!("there is no file `{uri}`")),
        _ => TaskError::failed(format!("the file `{uri}` cannot be read: {error}")),
    }
}

/// Random bytes that never come twice.
fn nonce() -> [u8; NONCE] {
    let mut nonce = [0; NONCE];
    // the first twelve bytes of a random UUID have 90 random bits
    nonce.copy_from_slice(&uuid::Uuid::new_v4().as_bytes()[..NONCE]);
    nonce
}

/// The world as one rendering sees it.
struct AttemptHost<'a>(&'a AttemptWorld);

impl Host for AttemptHost<'_> {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::now()
    }

    fn random(&self) -> u64 {
        use std::hash::{BuildHasher, RandomState};
        // each `RandomState` has other keys, which are random to begin with
        RandomState::new().hash_one(0_u8)
    }

    fn ask(&self, need: &Need) -> Answer {
        self.0
            .lock()
            .answers
            .get(need)
            .cloned()
            .unwrap_or(Answer::Pending)
    }

    fn reveal(&self, secret: &str) {
        self.0.masker.reveal(secret);
    }
}
