//! What all services of a process share: the opened backends, the task types, the expression engine, what flows see of the server.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use flowmill_backends::health::Probe;
use flowmill_backends::repo::flows::{FlowCache, Flows};
use flowmill_backends::repo::installation::Installation;
use flowmill_backends::{Backends, Files, Queue, Store};
use flowmill_common::cipher::Cipher;
use flowmill_common::compile::{self, PluginDefault};
use flowmill_common::secrets::Secrets;
use flowmill_expression::Engine;
use flowmill_scheduler::Settings;
use flowmill_tasks::Catalogue;
use serde_json::{Value, json};

use super::environment;
use crate::config::Config;
use crate::exit::WrongInput;

/// What all services of a process share.
pub(crate) struct Foundation {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) queue: Arc<dyn Queue>,
    pub(crate) files: Arc<dyn Files>,
    pub(crate) flows: Arc<FlowCache>,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) engine: Arc<Engine>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) secrets: Arc<Secrets>,
    pub(crate) installation: Installation,
    pub(crate) probes: Vec<Probe>,
    pub(crate) files_directory: PathBuf,
    pub(crate) data_directory: PathBuf,
    /// Whether other processes may share the queue: its messages outlive this one.
    pub(crate) is_shared: bool,
    backends: Backends,
}

impl Foundation {
    /// Opens everything in this data directory.
    pub(crate) async fn open(config: &Config, data_directory: &Path) -> anyhow::Result<Self> {
        let wanted = config.backends();
        let backends = flowmill_backends::open(&wanted, data_directory).await?;
        let files_directory = config
            .files
            .local
            .directory
            .clone()
            .unwrap_or_else(|| data_directory.join("files"));
        let probes = backends.health.report().map(|(_, probe)| probe.clone());
        let probes = probes.collect();
        let (store, queue, files) = (
            backends.store.clone(),
            backends.queue.clone(),
            backends.files.clone(),
        );
        let fresh = Installation {
            id: random_id(),
            partitions: config.store.partitions,
        };
        let installation = Installation::open(&store, fresh).await?;

        let engine = Engine::new(config.expressions.options());
        let catalogue = Arc::new(Catalogue::new());
        let options = compile::Options {
            limits: config.flow_limits.limits(),
            plugin_defaults: plugin_defaults(config)?,
            engine: Some(engine.clone()),
            ..compile::Options::default()
        };
        let settings = settings(config)?;
        let secrets = environment::secrets(variables());
        let secrets = Secrets::new(secrets).with_cipher(settings.cipher.clone());
        let flows = FlowCache::new(Flows::new(store.clone()), catalogue.clone(), options);
        Ok(Self {
            store,
            queue,
            files,
            flows: Arc::new(flows),
            catalogue,
            engine: Arc::new(engine),
            settings: Arc::new(settings),
            secrets: Arc::new(secrets),
            installation,
            probes,
            files_directory,
            data_directory: data_directory.to_owned(),
            is_shared: flowmill_backends::is_queue_durable(&wanted),
            backends,
        })
    }

    /// Finishes what the store was given and lets go of the data directory. The services must have ended.
    pub(crate) async fn close(self) {
        self.backends.close().await;
    }
}

/// The plugin defaults of the configuration, typed.
pub(crate) fn plugin_defaults(config: &Config) -> anyhow::Result<Vec<PluginDefault>> {
    let typed = config
        .plugin_defaults
        .iter()
        .map(|value| serde_json::from_value(value.clone()));
    let typed: Result<_, _> = typed.collect();
    typed.map_err(|error| WrongInput::new(format!("`plugin-defaults` is wrong: {error}")).into())
}

/// What expressions see of the server.
pub(crate) fn settings(config: &Config) -> anyhow::Result<Settings> {
    let mut kestra = serde_json::Map::new();
    if let Some(environment) = &config.api.environment {
        kestra.insert("environment".into(), json!({"name": environment.name}));
    }
    if let Some(url) = &config.api.url {
        kestra.insert("url".into(), url.clone().into());
    }
    let cipher = match &config.encryption.secret_key {
        Some(key) => {
            let cipher = Cipher::new(key.expose());
            Some(cipher.map_err(|problem| {
                WrongInput::new(format!("`encryption.secret-key` is wrong: {problem}"))
            })?)
        }
        None => None,
    };
    Ok(Settings {
        envs: Arc::new(Value::Object(environment::envs(
            &config.variables.env_prefixes,
            variables(),
        ))),
        globals: Arc::new(Value::Object(config.variables.globals.clone())),
        kestra: Arc::new(Value::Object(kestra)),
        cipher,
    })
}

/// The environment, as far as it is text.
fn variables() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

fn random_id() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}
