//! The product as many processes, over private servers.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use flowmill_test_servers::{Minio, Network, RabbitMq, Redis, or_skip};

use super::{Server, ServerOptions};

const BUCKET: &str = "flowmill";

/// RabbitMQ, Redis and MinIO. Tests at the same time share them; they end with the last of these.
pub(crate) struct Servers {
    pub(crate) redis: Mutex<Redis>,
    pub(crate) rabbitmq: Mutex<RabbitMq>,
    pub(crate) minio: Minio,
}

impl Servers {
    /// None when one of them cannot be started here: the test is skipped then, which was said.
    pub(crate) fn start() -> Option<Arc<Self>> {
        static PRESENT: Mutex<Weak<Servers>> = Mutex::new(Weak::new());
        // a test that failed in here must not fail the others
        let mut present = PRESENT.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(servers) = present.upgrade() {
            return Some(servers);
        }
        let servers = Self::alone()?;
        *present = Arc::downgrade(&servers);
        Some(servers)
    }

    /// Servers that no other test has, to be ill-treated.
    pub(crate) fn alone() -> Option<Arc<Self>> {
        Some(Arc::new(Self {
            redis: Mutex::new(or_skip(Redis::start())?),
            rabbitmq: Mutex::new(or_skip(RabbitMq::start())?),
            minio: or_skip(Minio::start(BUCKET))?,
        }))
    }

    /// The same, to be reached from inside a network, too. Redis has on the disk what it has acknowledged, even if it is killed.
    pub(crate) fn reached_from(network: &Network) -> Option<Arc<Self>> {
        let address = network.address();
        let also = address.to_string();
        let bind = ["--bind", "127.0.0.1", &also, "--protected-mode", "no"];
        let durable = ["--appendfsync", "always"];
        Some(Arc::new(Self {
            redis: Mutex::new(or_skip(Redis::with(&[&bind[..], &durable].concat()))?),
            rabbitmq: Mutex::new(or_skip(RabbitMq::start_also_on(&[address]))?),
            minio: or_skip(Minio::start_on_all(BUCKET))?,
        }))
    }

    /// The configuration of an installation of this name.
    pub(crate) fn config(&self, name: &str) -> String {
        let redis = self.redis.lock().unwrap().url();
        let rabbitmq = self.rabbitmq.lock().unwrap().url();
        let (minio, user, password) = (self.minio.url(), Minio::USER, Minio::PASSWORD);
        format!(
            "\
store: {{type: redis, redis: {{urls: ['{redis}'], prefix: {name}}}}}
queue: {{type: rabbitmq, rabbitmq: {{url: '{rabbitmq}', prefix: {name}}}}}
files: {{type: s3, s3: {{bucket: {BUCKET}, prefix: {name}, endpoint: '{minio}', access-key: {user}, secret-key: {password}}}}}
"
        )
    }
}

/// One installation: any number of processes of each role.
pub(crate) struct Cluster {
    pub(crate) executors: Vec<Server>,
    pub(crate) workers: Vec<Server>,
    pub(crate) apis: Vec<Server>,
    config: String,
    environment: Vec<(String, String)>,
    pub(crate) servers: Arc<Servers>,
}

impl Cluster {
    /// An installation without a process, with this further configuration; none where the servers are missing.
    pub(crate) fn new(name: &str, config: &str, environment: &[(&str, &str)]) -> Option<Self> {
        Some(Self::over(Servers::start()?, name, config, environment))
    }

    /// The same over these servers.
    pub(crate) fn over(
        servers: Arc<Servers>,
        name: &str,
        config: &str,
        environment: &[(&str, &str)],
    ) -> Self {
        let environment = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self {
            executors: Vec::new(),
            workers: Vec::new(),
            apis: Vec::new(),
            config: servers.config(name) + config,
            environment: environment.collect(),
            servers,
        }
    }

    /// Starts so many of each.
    pub(crate) fn start(mut self, executors: usize, workers: usize, apis: usize) -> Self {
        let several =
            |count: usize, role| (0..count).map(|_| self.process(role)).collect::<Vec<_>>();
        let (executors, workers, apis) = (
            several(executors, "executor"),
            several(workers, "worker"),
            several(apis, "api"),
        );
        self.executors.extend(executors);
        self.workers.extend(workers);
        self.apis.extend(apis);
        self
    }

    /// One more process.
    pub(crate) fn process(&self, roles: &'static str) -> Server {
        self.with(roles, &[])
    }

    /// One more process, with these further variables.
    pub(crate) fn with(&self, roles: &'static str, environment: &[(&str, &str)]) -> Server {
        let further = environment
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Server::with(ServerOptions {
            roles: Some(roles),
            config: Some(self.config.clone()),
            environment: self.environment.iter().cloned().chain(further).collect(),
            ..ServerOptions::default()
        })
    }

    /// One more process, inside a network from which the servers can be reached.
    pub(crate) fn inside(&self, network: &Arc<Network>, roles: &'static str) -> Server {
        let address = network.address().to_string();
        Server::with(ServerOptions {
            roles: Some(roles),
            config: Some(self.config.replace("127.0.0.1", &address)),
            environment: self.environment.clone(),
            network: Some(network.clone()),
            ..ServerOptions::default()
        })
    }
}
