use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use lapin::tcp::{OwnedIdentity, OwnedTLSConfig};
use lapin::uri::AMQPUri;
use lapin::{Channel, Connection, ConnectionProperties, Event};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard, WaitForCancellationFuture};
use tracing::info;

use super::config::Config;
use super::failure::Failures;
use crate::error::{Error, Kind, Result};
use crate::health::Probe;
use crate::retry::BackOff;

/// A connection to RabbitMQ that is made again whenever it breaks. Publishers and consumers each have one, since RabbitMQ
/// may stop a whole connection from publishing.
pub(super) struct Link {
    state: watch::Receiver<State>,
    probe: Probe,
    stop: CancellationToken,
    _stop_when_dropped: DropGuard,
}

#[derive(Clone)]
enum State {
    Up(Arc<Session>),
    Down,
    Closed,
}

/// One connection, from its beginning to its end.
pub(super) struct Session {
    pub(super) connection: Connection,
    broken: CancellationToken,
}

impl Session {
    /// Resolves when the connection is over.
    pub(super) fn broken(&self) -> WaitForCancellationFuture<'_> {
        self.broken.cancelled()
    }

    /// To be told when something on this connection failed: ends the session if that is why.
    pub(super) fn examine(&self) {
        if !self.connection.status().connected() {
            self.broken.cancel();
        }
    }
}

impl Link {
    /// Connects once; afterwards outages are waited out.
    pub(super) async fn open(config: &Config, role: &'static str) -> Result<Self> {
        let connector = Connector::new(config, role)?;
        let first = connector
            .connect()
            .await
            .map_err(|error| connector.failures.starting(error))?;
        let probe = Probe::new(role);
        let stop = CancellationToken::new();
        let (report, state) = watch::channel(State::Down);
        let supervisor = Supervisor {
            connector,
            report,
            probe: probe.clone(),
            stop: stop.clone(),
        };
        tokio::spawn(supervisor.run(first));
        Ok(Self {
            state,
            probe,
            _stop_when_dropped: stop.clone().drop_guard(),
            stop,
        })
    }

    pub(super) fn probe(&self) -> &Probe {
        &self.probe
    }

    /// The connection there is at the moment.
    pub(super) fn current(&self) -> Option<Arc<Session>> {
        match &*self.state.borrow() {
            State::Up(session) => Some(session.clone()),
            State::Down | State::Closed => None,
        }
    }

    /// The next connection that works, or `None` when the link was closed.
    pub(super) async fn session(&self) -> Option<Arc<Session>> {
        let mut state = self.state.clone();
        let settled = |state: &State| match state {
            State::Up(session) => !session.broken.is_cancelled(),
            State::Down => false,
            State::Closed => true,
        };
        match &*state.wait_for(settled).await.ok()? {
            State::Up(session) => Some(session.clone()),
            State::Down | State::Closed => None,
        }
    }

    /// Ends the connection, for good.
    pub(super) fn close(&self) {
        self.stop.cancel();
    }
}

/// Closes a channel and waits for it, whatever its state. Only dropping it is not enough: when RabbitMQ closes it at the
/// same moment, lapin gives up the whole connection.
pub(super) async fn retire(channel: Channel) {
    let _ = tokio::time::timeout(Duration::from_secs(2), channel.close(200, "OK".into())).await;
}

struct Supervisor {
    connector: Connector,
    report: watch::Sender<State>,
    probe: Probe,
    stop: CancellationToken,
}

impl Supervisor {
    async fn run(self, first: Connected) {
        let mut connected = first;
        loop {
            let Connected {
                connection,
                mut events,
            } = connected;
            let session = Arc::new(Session {
                connection,
                broken: CancellationToken::new(),
            });
            self.probe.up();
            self.report.send_replace(State::Up(session.clone()));
            let reason = tokio::select! {
                () = self.stop.cancelled() => break self.end(&session).await,
                reason = self.watch(&session, &mut events) => reason,
            };
            session.broken.cancel();
            self.report.send_replace(State::Down);
            self.probe.down(reason);
            connected = tokio::select! {
                () = self.stop.cancelled() => break,
                connected = self.connect_again() => connected,
            };
            info!(role = self.connector.role, "connected to rabbitmq again");
        }
        self.report.send_replace(State::Closed);
    }

    /// Follows a connection to its end, and says why it ended.
    async fn watch(&self, session: &Session, events: &mut BoxStream<'static, Event>) -> String {
        let place = &self.connector.failures;
        loop {
            let event = tokio::select! {
                event = events.next() => event,
                () = session.broken.cancelled() => return "the connection to rabbitmq broke".to_owned(),
            };
            match event {
                Some(Event::ConnectionBlocked(reason)) => {
                    self.probe.down(format!(
                        "rabbitmq takes no messages at the moment: {reason}"
                    ));
                }
                Some(Event::ConnectionUnblocked) => self.probe.up(),
                // Errors of a channel come as well; they are for whoever uses the channel.
                Some(Event::Error(error)) if !session.connection.status().connected() => {
                    return place.running(error).to_string();
                }
                Some(_) => {}
                None => return "the connection to rabbitmq ended".to_owned(),
            }
        }
    }

    async fn connect_again(&self) -> Connected {
        let mut back_off = BackOff::new(Duration::from_millis(50), Duration::from_secs(1));
        loop {
            match self.connector.connect().await {
                Ok(connected) => return connected,
                Err(error) => self.probe.down(self.connector.failures.starting(error)),
            }
            back_off.wait().await;
        }
    }

    async fn end(&self, session: &Session) {
        let close = session.connection.close(200, "OK".into());
        let _ = tokio::time::timeout(Duration::from_secs(2), close).await;
        session.broken.cancel();
    }
}

struct Connected {
    connection: Connection,
    events: BoxStream<'static, Event>,
}

struct Connector {
    uri: AMQPUri,
    tls: OwnedTLSConfig,
    role: &'static str,
    timeout: Duration,
    failures: Failures,
}

impl Connector {
    fn new(config: &Config, role: &'static str) -> Result<Self> {
        crate::tls::provide();
        let (uri, tls, failures) = (uri(config)?, tls(config)?, Failures::new(config));
        Ok(Self {
            uri,
            tls,
            role,
            timeout: config.connect_timeout,
            failures,
        })
    }

    async fn connect(&self) -> lapin::Result<Connected> {
        let name = format!("{} ({})", self.role, std::process::id());
        let properties = ConnectionProperties::default().with_connection_name(name.into());
        let runtime = lapin::runtime::default_runtime()?;
        let connect = Connection::connect_uri_with_config(
            self.uri.clone(),
            properties,
            self.tls.clone(),
            runtime,
        );
        // The URI's own limit is about the socket; a broker that is paused accepts and then says nothing.
        let connected = tokio::time::timeout(self.timeout, connect).await;
        let connection =
            connected.map_err(|_| std::io::Error::from(std::io::ErrorKind::TimedOut))??;
        let events = connection.events_listener().boxed();
        Ok(Connected { connection, events })
    }
}

fn uri(config: &Config) -> Result<AMQPUri> {
    if config.url.expose().is_empty() {
        return Err(Error::new(
            Kind::Invalid,
            "`queue.rabbitmq.url` says nothing: where is RabbitMQ?",
        ));
    }
    let mut uri: AMQPUri = config.url.expose().parse().map_err(|reason: String| {
        Error::new(
            Kind::Invalid,
            format!(
                "`queue.rabbitmq.url`: `{}` cannot be used: {reason}",
                config.url
            ),
        )
    })?;
    if let Some(username) = &config.username {
        uri.authority.userinfo.username.clone_from(username);
    }
    if let Some(password) = &config.password {
        uri.authority.userinfo.password = password.expose().to_owned();
    }
    if let Some(vhost) = &config.vhost {
        uri.vhost.clone_from(vhost);
    }
    uri.query.heartbeat = Some(
        u16::try_from(config.heartbeat.as_secs())
            .unwrap_or(u16::MAX)
            .max(1),
    );
    uri.query.connection_timeout = Some(config.connect_timeout.as_millis() as u64);
    Ok(uri)
}

fn tls(config: &Config) -> Result<OwnedTLSConfig> {
    let authorities = config
        .ca_file
        .as_ref()
        .map(|file| read("queue.rabbitmq.ca-file", file))
        .transpose()?;
    let identity = match (&config.certificate_file, &config.key_file) {
        (None, None) => None,
        (Some(certificate), Some(key)) => Some(OwnedIdentity::PKCS8 {
            pem: read("queue.rabbitmq.certificate-file", certificate)?.into_bytes(),
            key: read("queue.rabbitmq.key-file", key)?.into_bytes(),
        }),
        _ => {
            let message =
                "`queue.rabbitmq.certificate-file` and `queue.rabbitmq.key-file` belong together";
            return Err(Error::new(Kind::Invalid, message));
        }
    };
    Ok(OwnedTLSConfig {
        identity,
        cert_chain: authorities,
    })
}

fn read(setting: &str, file: &PathBuf) -> Result<String> {
    std::fs::read_to_string(file).map_err(|error| {
        let shown = Path::new(file).display();
        Error::with_source(
            Kind::Invalid,
            format!("`{setting}`: cannot read `{shown}`"),
            error,
        )
    })
}
