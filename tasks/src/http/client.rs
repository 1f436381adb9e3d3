//! The clients behind HTTP tasks: one for each way to connect, so that connections are used again.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use reqwest::Client;
use reqwest::redirect::Policy;
use serde::Deserialize;

use crate::task::TaskError;

/// How a connection is made.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Transport {
    pub(crate) connect_timeout: Duration,
    pub(crate) read_idle_timeout: Duration,
    pub(crate) proxy: Proxied,
    pub(crate) trust_all: bool,
    pub(crate) keep_alive: bool,
}

/// What stands between.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Proxied {
    /// What `HTTP_PROXY` and its like say.
    AsTheSystemSays,
    /// Nothing.
    Never,
    /// This one.
    By {
        kind: ProxyKind,
        address: String,
        port: u16,
        user: Option<(String, String)>,
    },
}

/// What a proxy speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum ProxyKind {
    Direct,
    Http,
    Socks,
}

/// How many clients are kept; more, and all begin anew.
const MOST_CLIENTS: usize = 64;

static CLIENTS: LazyLock<Mutex<HashMap<Key, Client>>> = LazyLock::new(Mutex::default);

/// Connections belong to the runtime that made them.
type Key = (Transport, tokio::runtime::Id);

impl std::fmt::Debug for Proxied {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AsTheSystemSays => f.write_str("AsTheSystemSays"),
            Self::Never => f.write_str("Never"),
            Self::By {
                kind,
                address,
                port,
                ..
            } => write!(f, "{kind:?} {address}:{port}"),
        }
    }
}

impl Transport {
    /// The client that connects so. It follows no redirects.
    pub(crate) fn client(&self) -> Result<Client, TaskError> {
        let mut clients = CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (self.clone(), tokio::runtime::Handle::current().id());
        if let Some(client) = clients.get(&key) {
            return Ok(client.clone());
        }
        let client = self.build()?;
        if clients.len() >= MOST_CLIENTS {
            clients.clear();
        }
        clients.insert(key, client.clone());
        Ok(client)
    }

    fn build(&self) -> Result<Client, TaskError> {
        // the binary has chosen already; whoever uses this crate alone gets the same
        let _ = rustls::crypto::ring::default_provider().install_default();
        match self.builder()?.build() {
            Ok(client) => Ok(client),
            // a machine without certificates can still speak plain HTTP; HTTPS fails with its own message
            Err(first) => match self.builder()?.tls_certs_only([]).build() {
                Ok(client) => {
                    tracing::warn!(error = %super::failure::chain(&first), "no certificates were found: HTTPS will not work");
                    Ok(client)
                }
                Err(_) => Err(TaskError::failed(format!(
                    "no HTTP client can be made: {}",
                    super::failure::chain(&first)
                ))),
            },
        }
    }

    fn builder(&self) -> Result<reqwest::ClientBuilder, TaskError> {
        let builder = Client::builder()
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(self.connect_timeout)
            .read_timeout(self.read_idle_timeout)
            .tcp_keepalive(self.keep_alive.then_some(Duration::from_secs(60)))
            .tls_danger_accept_invalid_certs(self.trust_all);
        let (kind, address, port, user) = match &self.proxy {
            Proxied::AsTheSystemSays => return Ok(builder),
            Proxied::Never => return Ok(builder.no_proxy()),
            Proxied::By {
                kind,
                address,
                port,
                user,
            } => (kind, address, port, user),
        };
        let scheme = match kind {
            ProxyKind::Direct => return Ok(builder.no_proxy()),
            ProxyKind::Http => "http",
            ProxyKind::Socks => "socks5h",
        };
        let host = address.rsplit("://").next().unwrap_or(address);
        let mut proxy =
            reqwest::Proxy::all(format!("{scheme}://{host}:{port}")).map_err(|error| {
                TaskError::failed(format!(
                    "`options.proxy`: `{host}:{port}` is not an address: {error}"
                ))
            })?;
        if let Some((user, password)) = user {
            proxy = proxy.basic_auth(user, password);
        }
        Ok(builder.proxy(proxy))
    }
}
