use std::path::{Path, PathBuf};
use std::time::Duration;

use redis::aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::io::tcp::TcpSettings;
use redis::{
    ClientTlsConfig, Cmd, ConnectionInfo, FromRedisValue, IntoConnectionInfo, Pipeline,
    ProtocolVersion, RedisFuture, RedisResult, ScriptInvocation, TlsCertificates, Value,
};

use super::config::Config;
use super::failure::Failures;
use crate::error::{Error, Kind, Result};

/// Makes connections.
pub(super) enum Client {
    Single(redis::Client, ConnectionManagerConfig),
    Cluster(ClusterClient),
}

/// A connection that many use at a time, and that connects again when it breaks.
#[derive(Clone)]
pub(super) enum Connection {
    Single(ConnectionManager),
    Cluster(ClusterConnection),
}

impl Client {
    pub(super) fn new(config: &Config, failures: &Failures) -> Result<Self> {
        let Some(first) = config.urls.first() else {
            return Err(Error::new(
                Kind::Invalid,
                "`store.redis.urls` says nothing: where is Redis?",
            ));
        };
        crate::tls::provide();
        let mut nodes = Vec::new();
        for url in &config.urls {
            nodes.push(node(config, url.expose()).map_err(|error| failures.address(url, &error))?);
        }
        let certificates = certificates(config)?;
        let client = match (config.cluster, config.urls.len()) {
            (true, _) => cluster(config, nodes, certificates).map(Self::Cluster),
            (false, 1) => single(config, nodes.remove(0), certificates),
            (false, _) => {
                let message = "`store.redis.urls` names several servers, but `store.redis.cluster` is not set";
                return Err(Error::new(Kind::Invalid, message));
            }
        };
        client.map_err(|error| failures.address(first, &error))
    }

    pub(super) async fn connect(&self) -> RedisResult<Connection> {
        match self {
            Self::Single(client, config) => {
                // One attempt, so that the reason of a failure is seen at once; repeating is up to the caller.
                let probe = client.get_multiplexed_async_connection().await?;
                drop(probe);
                let manager =
                    ConnectionManager::new_with_config(client.clone(), config.clone()).await?;
                Ok(Connection::Single(manager))
            }
            Self::Cluster(client) => Ok(Connection::Cluster(client.get_async_connection().await?)),
        }
    }
}

impl Connection {
    pub(super) async fn query<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        command.query_async(&mut self.clone()).await
    }

    pub(super) async fn invoke<T: FromRedisValue>(
        &self,
        script: &ScriptInvocation<'_>,
    ) -> RedisResult<T> {
        script.invoke_async(&mut self.clone()).await
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Single(connection) => connection.req_packed_command(command),
            Self::Cluster(connection) => connection.req_packed_command(command),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Single(connection) => connection.req_packed_commands(pipeline, offset, count),
            Self::Cluster(connection) => connection.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Single(connection) => connection.get_db(),
            Self::Cluster(connection) => connection.get_db(),
        }
    }
}

fn node(config: &Config, url: &str) -> RedisResult<ConnectionInfo> {
    let info = url.into_connection_info()?;
    let mut settings = info
        .redis_settings()
        .clone()
        .set_protocol(ProtocolVersion::RESP3);
    if let Some(username) = &config.username {
        settings = settings.set_username(username);
    }
    if let Some(password) = &config.password {
        settings = settings.set_password(password.expose());
    }
    Ok(info
        .set_redis_settings(settings)
        .set_tcp_settings(socket(config)))
}

fn socket(config: &Config) -> TcpSettings {
    // A peer that is gone without a word is given up like one that does not answer.
    TcpSettings::default()
        .set_nodelay(true)
        .set_user_timeout(config.response_timeout)
}

fn single(
    config: &Config,
    node: ConnectionInfo,
    certificates: Option<TlsCertificates>,
) -> RedisResult<Client> {
    let client = match certificates {
        Some(certificates) => redis::Client::build_with_tls(node, certificates)?,
        None => redis::Client::open(node)?,
    };
    let manager = ConnectionManagerConfig::new()
        .set_response_timeout(Some(config.response_timeout))
        .set_connection_timeout(Some(config.connect_timeout))
        .set_min_delay(Duration::from_millis(20))
        .set_max_delay(Duration::from_millis(500))
        // After these attempts (about two seconds) those who wait are told; the next call tries again.
        .set_number_of_retries(8);
    Ok(Client::Single(client, manager))
}

fn cluster(
    config: &Config,
    nodes: Vec<ConnectionInfo>,
    certificates: Option<TlsCertificates>,
) -> RedisResult<ClusterClient> {
    let settings = nodes[0].redis_settings().clone();
    let mut builder = ClusterClient::builder(nodes)
        .use_protocol(ProtocolVersion::RESP3)
        .tcp_settings(socket(config))
        .response_timeout(config.response_timeout)
        .connection_timeout(config.connect_timeout)
        .overall_response_timeout(Some(config.response_timeout * 2))
        .min_retry_wait(20)
        .max_retry_wait(500);
    if let Some(username) = settings.username() {
        builder = builder.username(username);
    }
    if let Some(password) = settings.password() {
        builder = builder.password(password);
    }
    if let Some(certificates) = certificates {
        builder = builder.certs(certificates);
    }
    builder.build()
}

fn certificates(config: &Config) -> Result<Option<TlsCertificates>> {
    let root_cert = config
        .ca_file
        .as_ref()
        .map(|file| read("store.redis.ca-file", file))
        .transpose()?;
    let client_tls = match (&config.certificate_file, &config.key_file) {
        (None, None) => None,
        (Some(certificate), Some(key)) => Some(ClientTlsConfig {
            client_cert: read("store.redis.certificate-file", certificate)?,
            client_key: read("store.redis.key-file", key)?,
        }),
        _ => {
            let message =
                "`store.redis.certificate-file` and `store.redis.key-file` belong together";
            return Err(Error::new(Kind::Invalid, message));
        }
    };
    Ok(
        (root_cert.is_some() || client_tls.is_some()).then_some(TlsCertificates {
            client_tls,
            root_cert,
        }),
    )
}

fn read(setting: &str, file: &PathBuf) -> Result<Vec<u8>> {
    std::fs::read(file).map_err(|error| {
        let shown = Path::new(file).display();
        Error::with_source(
            Kind::Invalid,
            format!("`{setting}`: cannot read `{shown}`"),
            error,
        )
    })
}
