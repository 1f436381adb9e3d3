use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use lapin::message::BasicReturnMessage;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::{Channel, Confirmation};
use tokio::sync::{mpsc, oneshot};
use tracing::{debug, warn};

use super::config::Config;
use super::link::{Link, Session, retire};
use super::message;
use super::topology::Topology;
use crate::error::{Error, Kind, Result};
use crate::queue::{Message, Spread, Topic};
use crate::retry::BackOff;

/// Requests that wait for the publisher's task; a caller brings its own messages, so this needs not be long.
const REQUESTS: usize = 256;
/// A message is given up after its channel was closed so often while the connection stayed.
const STRIKES: u32 = 3;
/// How long the publisher of what may be lost waits at most.
const LOOSE: Duration = Duration::from_secs(2);
/// How long a message waits that RabbitMQ refused, before it is offered again.
const REFUSED: Duration = Duration::from_millis(50);

/// Where messages go.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Route {
    Topic(Topic),
    DeadLetters,
}

impl Route {
    /// Whether messages may be lost, and so nobody waits for their confirmation.
    fn is_loose(&self) -> bool {
        matches!(self, Self::Topic(topic) if topic.spread() == Spread::FanOut)
    }
}

/// A message to be published, and what is said about it.
pub(super) struct Outgoing {
    pub(super) message: Message,
    pub(super) headers: FieldTable,
}

/// The handle of the task that publishes. It keeps what is not confirmed, and offers it again after an outage.
#[derive(Clone)]
pub(super) struct Publisher {
    requests: mpsc::Sender<Request>,
    link: Arc<Link>,
    timeout: Duration,
    message_limit: usize,
}

struct Request {
    route: Route,
    messages: Vec<Outgoing>,
    reply: oneshot::Sender<Result<()>>,
}

impl Publisher {
    pub(super) fn start(link: Arc<Link>, topology: Arc<Topology>, config: &Config) -> Self {
        let (requests, received) = mpsc::channel(REQUESTS);
        let publishing = Publishing {
            requests: received,
            link: link.clone(),
            topology,
            window: config.publish_window.max(1),
            jobs: BTreeMap::new(),
            next_job: 0,
        };
        tokio::spawn(publishing.run());
        let message_limit = config.message_limit.as_usize();
        Self {
            requests,
            link,
            timeout: config.publish_timeout,
            message_limit,
        }
    }

    /// Publishes; returns when RabbitMQ has confirmed all of it, or for a fan-out topic when it was sent.
    pub(super) async fn publish(&self, route: Route, messages: Vec<Outgoing>) -> Result<()> {
        if let Some(large) = messages
            .iter()
            .find(|outgoing| outgoing.message.body.len() > self.message_limit)
        {
            let Message { id, body } = &large.message;
            let size = body.len();
            let message = format!(
                "the message `{id}` has {size} bytes, more than `queue.rabbitmq.message-limit`"
            );
            return Err(Error::new(Kind::Invalid, message));
        }
        if route.is_loose() && self.link.current().is_none() {
            return Err(self.unavailable("there is no connection"));
        }
        let patience = if route.is_loose() {
            LOOSE.min(self.timeout)
        } else {
            self.timeout
        };
        let (reply, answer) = oneshot::channel();
        let publish = async {
            let request = Request {
                route,
                messages,
                reply,
            };
            self.requests
                .send(request)
                .await
                .map_err(|_| self.unavailable("the queue is closed"))?;
            answer
                .await
                .map_err(|_| self.unavailable("the queue is closed"))?
        };
        let published = tokio::time::timeout(patience, publish).await;
        published.unwrap_or_else(|_| {
            let probe = self.link.probe();
            if probe.outage().is_none() {
                probe.down(format!("rabbitmq took no message for {patience:?}"));
            }
            Err(self.unavailable("nothing was published"))
        })
    }

    fn unavailable(&self, what: &str) -> Error {
        let message = match self.link.probe().outage() {
            Some(outage) => format!("{what}: {}", outage.reason),
            None => format!("rabbitmq: {what}"),
        };
        Error::new(Kind::Unavailable, message)
    }
}

/// The task.
struct Publishing {
    requests: mpsc::Receiver<Request>,
    link: Arc<Link>,
    topology: Arc<Topology>,
    window: usize,
    /// What is not confirmed yet, in the order it came.
    jobs: BTreeMap<u64, Job>,
    next_job: u64,
}

struct Job {
    route: Route,
    messages: Vec<Outgoing>,
    confirmed: Vec<bool>,
    strikes: u32,
    /// `None`: nobody waits for it.
    reply: Option<oneshot::Sender<Result<()>>>,
}

impl Job {
    fn finish(self, outcome: Result<()>) {
        if let Some(reply) = self.reply {
            let _ = reply.send(outcome);
        }
    }

    fn is_abandoned(&self) -> bool {
        self.reply.as_ref().is_some_and(oneshot::Sender::is_closed)
    }
}

/// Why a session's work ended.
enum Ended {
    /// Nobody is left to publish for.
    Closed,
    /// The connection or the channel broke.
    Broken,
}

/// A message came back from its flight.
struct Landed {
    job: u64,
    index: usize,
    outcome: Outcome,
}

#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are of the large variant"
)]
enum Outcome {
    Sent(lapin::Result<Confirmation>),
    /// It was refused a while ago.
    Rested,
}

/// The channels of one session.
struct Channels {
    session: Arc<Session>,
    /// Confirms what it is given.
    sure: Channel,
    /// Takes what may be lost.
    loose: Channel,
    /// For declarations: a refused one closes the channel.
    setup: Option<Channel>,
    declared: HashSet<Route>,
    flying: FuturesUnordered<BoxFuture<'static, Landed>>,
}

impl Publishing {
    async fn run(mut self) {
        let mut back_off = BackOff::new(Duration::from_millis(20), Duration::from_secs(1));
        while let Some(session) = self.link.session().await {
            let ended = match Channels::open(session.clone()).await {
                Ok(mut channels) => {
                    let ended = self.serve(&session, &mut channels, &mut back_off).await;
                    channels.retire().await;
                    ended
                }
                Err(_) => Ended::Broken,
            };
            match ended {
                Ended::Closed => break,
                Ended::Broken => {
                    session.examine();
                    self.strike(&session);
                    back_off.wait().await;
                }
            }
        }
        // Dropping the requests tells whoever still waits.
    }

    async fn serve(
        &mut self,
        session: &Session,
        channels: &mut Channels,
        back_off: &mut BackOff,
    ) -> Ended {
        self.jobs.retain(|_, job| !job.is_abandoned());
        for id in self.jobs.keys().copied().collect::<Vec<_>>() {
            if self.launch(channels, id).await.is_err() {
                return Ended::Broken;
            }
        }
        loop {
            let room = channels.flying.len() < self.window;
            let turned = tokio::select! {
                biased;
                () = session.broken() => return Ended::Broken,
                Some(first) = channels.flying.next() => {
                    back_off.reset();
                    self.land(channels, first).await
                }
                request = self.requests.recv(), if room => match request {
                    Some(request) => {
                        let id = self.accept(request);
                        self.launch(channels, id).await
                    }
                    None if channels.flying.is_empty() => return Ended::Closed,
                    None => match channels.flying.next().await {
                        Some(landed) => self.land(channels, landed).await,
                        None => return Ended::Closed,
                    },
                },
            };
            if let Err(error) = turned {
                debug!(%error, "publishing is interrupted");
                return Ended::Broken;
            }
        }
    }

    fn accept(
        &mut self,
        Request {
            route,
            messages,
            reply,
        }: Request,
    ) -> u64 {
        let confirmed = vec![false; messages.len()];
        self.enqueue(Job {
            route,
            messages,
            confirmed,
            strikes: 0,
            reply: Some(reply),
        })
    }

    fn enqueue(&mut self, job: Job) -> u64 {
        let id = self.next_job;
        self.next_job += 1;
        self.jobs.insert(id, job);
        id
    }

    /// Sends what is not confirmed of a job. An error says that the session is over.
    async fn launch(&mut self, channels: &mut Channels, id: u64) -> lapin::Result<()> {
        let Some(job) = self.jobs.get(&id) else {
            return Ok(());
        };
        let open: Vec<_> = (0..job.messages.len())
            .filter(|index| !job.confirmed[*index])
            .collect();
        if open.is_empty() {
            let declared = channels.declare(&self.topology, &job.route).await?;
            self.finish(id, declared.map(drop));
        }
        for index in open {
            self.send(channels, id, index).await?;
        }
        Ok(())
    }

    async fn send(&mut self, channels: &mut Channels, id: u64, index: usize) -> lapin::Result<()> {
        let Some(job) = self.jobs.get(&id) else {
            return Ok(());
        };
        match channels.declare(&self.topology, &job.route).await? {
            Ok(name) => channels.send(id, index, job, name),
            Err(error) => self.finish(id, Err(error)),
        }
        Ok(())
    }

    /// Deals with all messages that have landed by now.
    ///
    /// They are looked at together: a message that could not be routed is handed back with *some* confirmation that lands at
    /// the same time, not always with its own.
    async fn land(&mut self, channels: &mut Channels, first: Landed) -> lapin::Result<()> {
        let mut landed = vec![first];
        while let Some(Some(next)) = channels.flying.next().now_or_never() {
            landed.push(next);
        }
        let mut returned = Vec::new();
        let mut confirmed = Vec::new();
        let mut again = Vec::new();
        let mut broken = None;
        for Landed {
            job,
            index,
            outcome,
        } in landed
        {
            match outcome {
                Outcome::Sent(Ok(Confirmation::NotRequested)) => confirmed.push((job, index)),
                Outcome::Sent(Ok(Confirmation::Ack(back))) => {
                    confirmed.push((job, index));
                    returned.extend(back);
                }
                Outcome::Sent(Ok(Confirmation::Nack(back))) => {
                    channels.rest(job, index);
                    returned.extend(back);
                }
                Outcome::Sent(Err(error)) => broken = Some(error),
                Outcome::Rested => again.push((job, index)),
            }
        }
        if let Some(first) = returned.first() {
            warn!(queue = %first.routing_key, messages = returned.len(), "a queue is gone, it is made again");
            channels.declared.clear();
        }
        for message in returned {
            again.push(self.take_back(message, &mut confirmed));
        }
        if !confirmed.is_empty() && !channels.session.connection.status().blocked() {
            self.link.probe().up();
        }
        for (id, index) in confirmed {
            self.confirm(id, index);
        }
        if let Some(error) = broken {
            return Err(error);
        }
        for (id, index) in again {
            self.send(channels, id, index).await?;
        }
        Ok(())
    }

    /// A message that found no queue: it is not confirmed then. Says which of which job it is.
    fn take_back(
        &mut self,
        returned: BasicReturnMessage,
        confirmed: &mut Vec<(u64, usize)>,
    ) -> (u64, usize) {
        let returned = returned.delivery;
        let headers = returned.properties.headers().clone().unwrap_or_default();
        let message = message::read(&returned.properties, returned.data);
        let route = self
            .topology
            .topic_of(returned.routing_key.as_str())
            .map_or(Route::DeadLetters, Route::Topic);
        let own = confirmed.iter().position(|(id, index)| {
            let job = self.jobs.get(id);
            job.is_some_and(|job| job.route == route && job.messages[*index].message == message)
        });
        match own {
            Some(position) => confirmed.swap_remove(position),
            // Its publisher was told already that all is well: nobody else will send it again.
            None => {
                let messages = vec![Outgoing { message, headers }];
                (
                    self.enqueue(Job {
                        route,
                        messages,
                        confirmed: vec![false],
                        strikes: 0,
                        reply: None,
                    }),
                    0,
                )
            }
        }
    }

    fn confirm(&mut self, id: u64, index: usize) {
        let Some(job) = self.jobs.get_mut(&id) else {
            return;
        };
        job.confirmed[index] = true;
        if job.confirmed.iter().all(|confirmed| *confirmed) {
            self.finish(id, Ok(()));
        }
    }

    fn finish(&mut self, id: u64, outcome: Result<()>) {
        if let Some(job) = self.jobs.remove(&id) {
            job.finish(outcome);
        }
    }

    /// After the end of a session: what may be lost is not offered again, nor what seems to be the reason of the end.
    fn strike(&mut self, session: &Session) {
        let at_fault = session.connection.status().connected();
        for (_, job) in std::mem::take(&mut self.jobs) {
            let job = Job {
                strikes: job.strikes + u32::from(at_fault),
                ..job
            };
            if job.route.is_loose() || job.strikes >= STRIKES {
                job.finish(Err(Error::new(
                    Kind::Unavailable,
                    "rabbitmq closed the channel on this message",
                )));
            } else if !job.is_abandoned() {
                self.enqueue(job);
            }
        }
    }
}

impl Channels {
    async fn open(session: Arc<Session>) -> lapin::Result<Self> {
        let sure = session.connection.create_channel().await?;
        sure.confirm_select(ConfirmSelectOptions::default()).await?;
        Ok(Self {
            sure,
            loose: session.connection.create_channel().await?,
            setup: None,
            declared: HashSet::new(),
            flying: FuturesUnordered::new(),
            session,
        })
    }

    /// Makes sure that a route's queue or exchange exists, once in a session, and says its name. The outer error says that
    /// the session is over, the inner one that this route cannot be used.
    async fn declare(
        &mut self,
        topology: &Topology,
        route: &Route,
    ) -> lapin::Result<Result<ShortString>> {
        if self.declared.contains(route) {
            return Ok(match route {
                Route::Topic(topic) => topology.name(topic),
                Route::DeadLetters => Ok(topology.dead_letters()),
            });
        }
        let channel = match self.setup.take() {
            Some(channel) => channel,
            None => self.session.connection.create_channel().await?,
        };
        let declared = match route {
            Route::Topic(topic) if topic.spread() == Spread::FanOut => {
                topology.declare_fan_out(&channel, topic).await
            }
            Route::Topic(topic) => topology.declare_line(&channel, topic).await,
            Route::DeadLetters => topology.declare_dead_letters(&channel).await,
        };
        match declared {
            Ok(name) => {
                self.setup = Some(channel);
                self.declared.insert(route.clone());
                Ok(Ok(name))
            }
            Err(error) if error.is_retryable() => Err(std::io::Error::other(error).into()),
            // RabbitMQ closes the channel.
            Err(error) => {
                retire(channel).await;
                Ok(Err(error))
            }
        }
    }

    async fn retire(self) {
        // What is still flying is offered again by another session.
        drop(self.flying);
        let channels = [Some(self.sure), Some(self.loose), self.setup];
        futures::future::join_all(channels.into_iter().flatten().map(retire)).await;
    }

    fn send(&self, id: u64, index: usize, job: &Job, name: ShortString) {
        let Outgoing { message, headers } = &job.messages[index];
        let loose = job.route.is_loose();
        let channel = if loose {
            self.loose.clone()
        } else {
            self.sure.clone()
        };
        let properties = message::properties(message, headers.clone(), loose);
        let body = message.body.clone();
        let send = async move {
            let (exchange, key) = if loose {
                (name, "".into())
            } else {
                ("".into(), name)
            };
            let options = BasicPublishOptions {
                mandatory: !loose,
                ..BasicPublishOptions::default()
            };
            channel
                .basic_publish(exchange, key, options, &body, properties)
                .await?
                .await
        };
        self.flying.push(
            send.map(move |sent| Landed {
                job: id,
                index,
                outcome: Outcome::Sent(sent),
            })
            .boxed(),
        );
    }

    /// Keeps a message that was refused for a moment.
    fn rest(&self, id: u64, index: usize) {
        let rest = tokio::time::sleep(REFUSED);
        self.flying.push(
            rest.map(move |()| Landed {
                job: id,
                index,
                outcome: Outcome::Rested,
            })
            .boxed(),
        );
    }
}
