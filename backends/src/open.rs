//! From the configuration to backends that work.

use std::path::Path;
use std::sync::Arc;

use crate::config::{Config, FilesKind, QueueKind, StoreKind};
use crate::error::Result;
use crate::files::local::LocalFiles;
use crate::health::{Health, Probe};
use crate::queue::in_process::InProcessQueue;
use crate::store::embedded::EmbeddedStore;
use crate::{Files, Queue, Store};

/// The three backends, and how they are.
#[derive(Clone)]
pub struct Backends {
    /// Where state is kept.
    pub store: Arc<dyn Store>,
    /// What carries messages.
    pub queue: Arc<dyn Queue>,
    /// Where files are kept.
    pub files: Arc<dyn Files>,
    /// Which of them work at the moment.
    pub health: Health,
    closing: Closing,
}

/// What is to be ended in an orderly way.
#[derive(Clone, Default)]
struct Closing {
    embedded: Option<Arc<EmbeddedStore>>,
    in_process: Option<Arc<InProcessQueue>>,
    #[cfg(feature = "rabbitmq")]
    rabbitmq: Option<Arc<crate::queue::rabbitmq::RabbitQueue>>,
}

impl Backends {
    /// Finishes what the backends were given, and lets go of the data directory. Whoever uses them must have ended.
    pub async fn close(self) {
        let Closing {
            embedded,
            in_process,
            ..
        } = &self.closing;
        if let Some(queue) = in_process {
            queue.close();
        }
        #[cfg(feature = "rabbitmq")]
        if let Some(queue) = &self.closing.rabbitmq {
            queue.close();
        }
        if let Some(store) = embedded {
            store.close().await;
        }
    }
}

/// Opens the configured backends; what is embedded lies in the data directory. `Invalid` names the setting that is wrong,
/// `Unavailable` the one that says where a server is that does not answer.
pub async fn open(config: &Config, data_directory: &Path) -> Result<Backends> {
    warn_of_unused(config);
    let mut health = Health::default();
    let mut closing = Closing::default();
    // The store first: it takes the directory, or says who has it.
    let store = open_store(config, data_directory, &mut health, &mut closing).await?;
    let queue = open_queue(config, &mut health, &mut closing).await?;
    let files = open_files(config, data_directory, &mut health).await?;
    Ok(Backends {
        store,
        queue,
        files,
        health,
        closing,
    })
}

/// Whether the queue outlives this process: what it was given comes again after a restart.
pub fn is_queue_durable(config: &Config) -> bool {
    config.queue.kind != QueueKind::InProcess
}

/// Whether store and queue are servers, so that processes on several machines can share them.
pub fn is_distributed(config: &Config) -> bool {
    config.store.kind != StoreKind::Embedded && config.queue.kind != QueueKind::InProcess
}

async fn open_store(
    config: &Config,
    data_directory: &Path,
    health: &mut Health,
    closing: &mut Closing,
) -> Result<Arc<dyn Store>> {
    let config = &config.store;
    let mut watch = |probe: &Probe| health.watch("store", probe);
    Ok(match config.kind {
        StoreKind::Embedded => {
            let store = EmbeddedStore::open(data_directory, &config.embedded)?;
            watch(store.probe());
            let store = Arc::new(store);
            closing.embedded = Some(store.clone());
            store
        }
        #[cfg(feature = "redis")]
        StoreKind::Redis => {
            let store = crate::store::redis::RedisStore::open(&config.redis).await?;
            watch(store.probe());
            Arc::new(store)
        }
    })
}

async fn open_queue(
    config: &Config,
    health: &mut Health,
    closing: &mut Closing,
) -> Result<Arc<dyn Queue>> {
    let config = &config.queue;
    let mut watch = |probe: &Probe| health.watch("queue", probe);
    Ok(match config.kind {
        QueueKind::InProcess => {
            watch(&Probe::new("in process"));
            let queue = Arc::new(InProcessQueue::new(config.in_process.clone()));
            closing.in_process = Some(queue.clone());
            queue
        }
        #[cfg(feature = "rabbitmq")]
        QueueKind::Rabbitmq => {
            let queue = crate::queue::rabbitmq::RabbitQueue::open(&config.rabbitmq).await?;
            queue.probes().into_iter().for_each(watch);
            let queue = Arc::new(queue);
            closing.rabbitmq = Some(queue.clone());
            queue
        }
    })
}

async fn open_files(
    config: &Config,
    data_directory: &Path,
    health: &mut Health,
) -> Result<Arc<dyn Files>> {
    let config = &config.files;
    let mut watch = |probe: &Probe| health.watch("files", probe);
    Ok(match config.kind {
        FilesKind::Local => {
            let directory = config
                .local
                .directory
                .clone()
                .unwrap_or_else(|| data_directory.join("files"));
            let files = LocalFiles::open(directory)?;
            watch(files.probe());
            Arc::new(files)
        }
        #[cfg(feature = "s3")]
        FilesKind::S3 => {
            let files = crate::files::s3::S3Files::open(&config.s3).await?;
            watch(files.probe());
            Arc::new(files)
        }
    })
}

/// Says so when a server is described and not used: as a rule its `type` was forgotten.
fn warn_of_unused(config: &Config) {
    #[cfg(feature = "redis")]
    if config.store.kind != StoreKind::Redis && !config.store.redis.urls.is_empty() {
        tracing::warn!("`store.redis.urls` is set, but not used: `store.type` is not `redis`");
    }
    #[cfg(feature = "rabbitmq")]
    if config.queue.kind != QueueKind::Rabbitmq && !config.queue.rabbitmq.url.expose().is_empty() {
        tracing::warn!("`queue.rabbitmq.url` is set, but not used: `queue.type` is not `rabbitmq`");
    }
    #[cfg(feature = "s3")]
    if config.files.kind != FilesKind::S3 && !config.files.s3.bucket.is_empty() {
        tracing::warn!("`files.s3.bucket` is set, but not used: `files.type` is not `s3`");
    }
    #[cfg(not(any(feature = "redis", feature = "rabbitmq", feature = "s3")))]
    let _ = config;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    #[tokio::test]
    async fn the_default_configuration_opens_in_a_directory() {
        let directory = tempfile::tempdir().unwrap();
        let backends = open(&Config::default(), directory.path()).await.unwrap();
        assert!(backends.health.is_up());
        let seams: Vec<_> = backends
            .health
            .report()
            .map(|(seam, probe)| (seam, probe.name()))
            .collect();
        assert_eq!(
            seams,
            [
                ("store", "embedded"),
                ("queue", "in process"),
                ("files", "local files")
            ]
        );
        let refused = open(&Config::default(), directory.path())
            .await
            .err()
            .unwrap();
        assert_eq!(refused.kind(), Kind::Invalid);
        assert!(!is_distributed(&Config::default()));
    }

    #[cfg(feature = "redis")]
    #[tokio::test]
    async fn a_server_without_an_address_is_refused_with_the_setting() {
        let directory = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.store.kind = StoreKind::Redis;
        let refused = open(&config, directory.path()).await.err().unwrap();
        assert!(
            refused.to_string().contains("`store.redis.urls`"),
            "{refused}"
        );
    }
}
