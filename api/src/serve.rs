//! Binding and serving.

use std::future::IntoFuture;
use std::io;
use std::net::SocketAddr;

use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::Api;
use crate::watch::Watchers;

/// Why the server cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another program has the port.
    #[error(
        "port {port} of `{host}` is in use by another program: stop it, or choose another port with `--port` (0: any free one)"
    )]
    InUse {
        /// The address.
        host: String,
        /// The port.
        port: u16,
    },
    /// The port may not be used.
    #[error(
        "may not listen on port {port}: ports below 1024 need the right to do so, choose another one with `--port`"
    )]
    Forbidden {
        /// The port.
        port: u16,
    },
    /// The address is not one of this machine.
    #[error("cannot listen on `{host}`: {source}")]
    Address {
        /// The address.
        host: String,
        /// What the system says.
        source: io::Error,
    },
}

/// Listens on an address and port; port 0 takes any free one.
pub async fn bind(host: &str, port: u16) -> Result<TcpListener, BindError> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    TcpListener::bind((bare, port))
        .await
        .map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => BindError::InUse {
                host: host.to_owned(),
                port,
            },
            io::ErrorKind::PermissionDenied => BindError::Forbidden { port },
            _ => BindError::Address {
                host: host.to_owned(),
                source,
            },
        })
}

/// The address under which this machine reaches the server: `http://127.0.0.1:8080`.
pub fn url_of(address: SocketAddr) -> String {
    let port = address.port();
    match address {
        SocketAddr::V4(v4) if !v4.ip().is_unspecified() => format!("http://{}:{port}", v4.ip()),
        SocketAddr::V6(v6) if !v6.ip().is_unspecified() => format!("http://[{}]:{port}", v6.ip()),
        SocketAddr::V4(_) | SocketAddr::V6(_) => format!("http://localhost:{port}"),
    }
}

pub(crate) async fn run(
    api: Api,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let queue = api.parts().queue.clone();
    // heard from the first request on; if it fails it is tried again in the background
    let consumer = Watchers::connect(&*queue).await.ok();
    let heard = CancellationToken::new();
    let listening = tokio::spawn(
        api.watchers()
            .clone()
            .listen(queue, consumer, heard.clone()),
    );
    let listener = listener.tap_io(|connection| {
        // answers are small and must not wait for more
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
    });
    let stopping = api.stopping().clone();
    let stop = async move {
        shutdown.cancelled().await;
        stopping.cancel();
    };
    let served = axum::serve(listener, crate::router(api))
        .with_graceful_shutdown(stop)
        .into_future()
        .await;
    heard.cancel();
    let _ = listening.await;
    served
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_in_use_is_named() {
        let first = bind("127.0.0.1", 0).await.unwrap();
        let port = first.local_addr().unwrap().port();
        let error = bind("127.0.0.1", port).await.unwrap_err();
        assert!(
            error
                .to_string()
                .contains(&format!("port {port} of `127.0.0.1` is in use")),
            "{error}"
        );
        assert!(
            bind("nowhere.invalid", 0)
                .await
                .unwrap_err()
                .to_string()
                .contains("nowhere.invalid")
        );
    }

    #[test]
    fn the_address_of_the_server_is_one_that_a_browser_can_open() {
        for (address, url) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("0.0.0.0:80", "http://localhost:80"),
            ("[::]:80", "http://localhost:80"),
            ("[::1]:80", "http://[::1]:80"),
        ] {
            assert_eq!(url_of(address.parse().unwrap()), url);
        }
    }
}
