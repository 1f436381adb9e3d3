use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use lapin::Channel;
use lapin::message::Delivery as Delivered;
use lapin::options::{
    BasicCancelOptions, BasicConsumeOptions, BasicQosOptions, QueueDeclareOptions,
};
use lapin::types::{FieldTable, ShortString};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{debug, warn};

use super::failure::Failures;
use super::link::{Link, Session, retire};
use super::message;
use super::publisher::Publisher;
use super::settling::{Settlement, Settlements, Ticket};
use super::topology::Topology;
use crate::error::{Error, Kind, Result};
use crate::queue::ring::Ring;
use crate::queue::{Consumer, Delivery, Settled, Spread, Topic};
use crate::retry::BackOff;

/// What the consumers of a queue have in common.
#[derive(Clone)]
pub(super) struct Consumers {
    pub(super) link: Arc<Link>,
    pub(super) topology: Arc<Topology>,
    pub(super) publisher: Publisher,
    pub(super) failures: Failures,
    pub(super) fan_out_buffer: usize,
    /// How long to wait for a connection before `consume` gives up.
    pub(super) patience: Duration,
    /// How long to wait for a message before it is made sure that the queue still knows the consumer.
    pub(super) idle_check: Duration,
}

impl Consumers {
    /// Begins to consume. What is established once is established again after every outage.
    pub(super) async fn consume(&self, topic: &Topic, prefetch: u16) -> Result<Box<dyn Consumer>> {
        let stop = CancellationToken::new();
        let (ready, first) = oneshot::channel();
        let (outlet, consumer): (_, Box<dyn Consumer>) = match topic.spread() {
            Spread::FanOut => {
                let ring = Arc::new(Ring::new(topic.name(), self.fan_out_buffer));
                let subscription = Subscription {
                    ring: ring.clone(),
                    _stop_when_dropped: stop.clone().drop_guard(),
                };
                (Outlet::Ring(ring), Box::new(subscription))
            }
            Spread::Shared | Spread::Partition => {
                // Never full: no more is out than the prefetch, but for what is left of connections that broke.
                let (sender, deliveries) = mpsc::unbounded_channel();
                let line = Line {
                    deliveries,
                    _stop_when_dropped: stop.clone().drop_guard(),
                };
                (Outlet::Line(sender), Box::new(line))
            }
        };
        let consuming = Consuming {
            parts: self.clone(),
            topic: topic.clone(),
            prefetch: prefetch.max(1),
            outlet,
            stop,
        };
        tokio::spawn(consuming.run(ready));
        match tokio::time::timeout(self.patience, first).await {
            Ok(Ok(established)) => established.map(|()| consumer),
            Ok(Err(_)) => Err(Error::new(Kind::Unavailable, "the queue is closed")),
            Err(_) => {
                let reason = self
                    .link
                    .probe()
                    .outage()
                    .map(|outage| format!(": {}", outage.reason))
                    .unwrap_or_default();
                Err(Error::new(
                    Kind::Unavailable,
                    format!("rabbitmq lets nobody consume `{}`{reason}", topic.name()),
                ))
            }
        }
    }
}

/// Where deliveries go.
enum Outlet {
    Line(mpsc::UnboundedSender<Fresh>),
    Ring(Arc<Ring>),
}

/// A delivery, and whether its connection still stands.
struct Fresh {
    delivery: Delivery,
    alive: CancellationToken,
}

/// The consumer of a shared or partition topic, as its user holds it.
struct Line {
    deliveries: mpsc::UnboundedReceiver<Fresh>,
    _stop_when_dropped: DropGuard,
}

#[async_trait]
impl Consumer for Line {
    async fn next(&mut self) -> Option<Delivery> {
        loop {
            let Fresh { delivery, alive } = self.deliveries.recv().await?;
            // What came over a connection that broke will come again.
            if !alive.is_cancelled() {
                return Some(delivery);
            }
        }
    }

    fn try_next(&mut self) -> Option<Delivery> {
        loop {
            let Fresh { delivery, alive } = self.deliveries.try_recv().ok()?;
            if !alive.is_cancelled() {
                return Some(delivery);
            }
        }
    }
}

/// The consumer of a fan-out topic, as its user holds it.
struct Subscription {
    ring: Arc<Ring>,
    _stop_when_dropped: DropGuard,
}

#[async_trait]
impl Consumer for Subscription {
    async fn next(&mut self) -> Option<Delivery> {
        self.ring.next().await.map(Settled::delivery)
    }

    fn try_next(&mut self) -> Option<Delivery> {
        self.ring.try_next().map(Settled::delivery)
    }
}

/// Why a channel's work ended.
enum Ended {
    /// The consumer was dropped.
    Stopped,
    /// The connection or the channel broke.
    Broken,
    /// The queue may have forgotten the consumer.
    Stale,
    /// It did not even begin.
    Refused(Error),
}

/// A consumer that RabbitMQ knows.
struct Established {
    queue: ShortString,
    consumer: lapin::Consumer,
}

/// The task behind a consumer.
struct Consuming {
    parts: Consumers,
    topic: Topic,
    prefetch: u16,
    outlet: Outlet,
    stop: CancellationToken,
}

impl Consuming {
    async fn run(self, ready: oneshot::Sender<Result<()>>) {
        let mut ready = Some(ready);
        let mut back_off = BackOff::new(Duration::from_millis(20), Duration::from_secs(1));
        loop {
            let session = tokio::select! {
                () = self.stop.cancelled() => break,
                session = self.parts.link.session() => session,
            };
            let Some(session) = session else { break };
            let channel = match session.connection.create_channel().await {
                Ok(channel) => channel,
                Err(error) => {
                    debug!(topic = self.topic.name(), %error, "no channel to consume");
                    self.pause(&session, &mut back_off).await;
                    continue;
                }
            };
            let ended = match self.establish(&channel).await {
                Ok(established) => {
                    back_off.reset();
                    ready
                        .take()
                        .into_iter()
                        .for_each(|ready| drop(ready.send(Ok(()))));
                    self.serve(&session, &channel, established).await
                }
                Err(error) => Ended::Refused(error),
            };
            retire(channel).await;
            match ended {
                Ended::Stopped => break,
                Ended::Stale => {}
                Ended::Broken => self.pause(&session, &mut back_off).await,
                Ended::Refused(error) => {
                    if !error.is_retryable()
                        && let Some(ready) = ready.take()
                    {
                        let _ = ready.send(Err(error));
                        return;
                    }
                    warn!(topic = self.topic.name(), %error, "cannot consume at the moment");
                    self.pause(&session, &mut back_off).await;
                }
            }
        }
        if let Outlet::Ring(ring) = &self.outlet {
            ring.close();
        }
    }

    /// After a failure: has the connection looked at, and waits a little.
    async fn pause(&self, session: &Session, back_off: &mut BackOff) {
        session.examine();
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = back_off.wait() => {}
        }
    }

    async fn establish(&self, channel: &Channel) -> Result<Established> {
        let Consumers {
            topology, failures, ..
        } = &self.parts;
        let fan_out = self.topic.spread() == Spread::FanOut;
        let queue = match fan_out {
            true => topology.subscribe(channel, &self.topic).await?,
            false => topology.declare_line(channel, &self.topic).await?,
        };
        let options = BasicConsumeOptions {
            no_ack: fan_out,
            ..BasicConsumeOptions::default()
        };
        let consume = async {
            channel
                .basic_qos(self.prefetch, BasicQosOptions::default())
                .await?;
            channel
                .basic_consume(queue.clone(), "".into(), options, FieldTable::default())
                .await
        };
        let consumer = consume.await.map_err(|error| failures.running(error))?;
        Ok(Established { queue, consumer })
    }

    /// Passes deliveries on until the end of the channel, or of the interest in them.
    async fn serve(&self, session: &Session, channel: &Channel, established: Established) -> Ended {
        let Established {
            queue,
            mut consumer,
        } = established;
        let alive = CancellationToken::new();
        let _over = alive.clone().drop_guard();
        let (settle, settlements) = mpsc::unbounded_channel();
        let mut settlements = Settlements::new(
            channel.clone(),
            settlements,
            self.parts.publisher.clone(),
            settle.clone(),
        );
        let mut quiet = Box::pin(tokio::time::sleep(self.parts.idle_check));
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => {
                    // Cancelled first: RabbitMQ answers that when it has dealt with what was settled. Closing the channel
                    // gives the rest back.
                    let end = async {
                        settlements.finish().await;
                        let _ = channel.basic_cancel(consumer.tag(), BasicCancelOptions::default()).await;
                    };
                    let _ = tokio::time::timeout(Duration::from_secs(2), end).await;
                    return Ended::Stopped;
                }
                () = session.broken() => return Ended::Broken,
                first = settlements.next() => {
                    let settled = tokio::select! {
                        settled = settlements.settle(first) => settled,
                        () = session.broken() => return Ended::Broken,
                    };
                    if let Err(error) = settled {
                        debug!(topic = self.topic.name(), %error, "cannot settle deliveries");
                        return Ended::Broken;
                    }
                }
                delivered = consumer.next() => match delivered {
                    Some(Ok(delivered)) => {
                        quiet.as_mut().reset(Instant::now() + self.parts.idle_check);
                        match &self.outlet {
                            Outlet::Ring(ring) => ring.push(message::read(&delivered.properties, delivered.data)),
                            Outlet::Line(line) => {
                                settlements.expect(delivered.delivery_tag);
                                let delivery = self.delivery(delivered, &settle);
                                if line.send(Fresh { delivery, alive: alive.clone() }).is_err() {
                                    // The consumer was dropped a moment ago.
                                    self.stop.cancel();
                                }
                            }
                        }
                    }
                    Some(Err(error)) => {
                        debug!(topic = self.topic.name(), %error, "the consumer broke");
                        return Ended::Broken;
                    }
                    None => {
                        debug!(topic = self.topic.name(), "rabbitmq ended the consumer");
                        return Ended::Broken;
                    }
                },
                () = &mut quiet => {
                    if settlements.is_settled() && self.is_stale(channel, &queue).await {
                        return Ended::Stale;
                    }
                    quiet.as_mut().reset(Instant::now() + self.parts.idle_check);
                }
            }
        }
    }

    /// Whether the queue may have forgotten this consumer.
    ///
    /// RabbitMQ moves a consumer by itself from a quorum queue that was deleted to the one that took its name, and does not
    /// always succeed. One of several consumers cannot see that: it consumes anew. A partition's consumer does so only if
    /// the queue has none at all, since it would lose its place.
    async fn is_stale(&self, channel: &Channel, queue: &ShortString) -> bool {
        let options = QueueDeclareOptions {
            passive: true,
            ..QueueDeclareOptions::default()
        };
        match self.topic.spread() {
            Spread::FanOut => false,
            Spread::Shared => true,
            Spread::Partition => {
                let declared = channel
                    .queue_declare(queue.clone(), options, FieldTable::default())
                    .await;
                declared.map_or(true, |queue| queue.consumer_count() == 0)
            }
        }
    }

    fn delivery(
        &self,
        delivered: Delivered,
        settle: &mpsc::UnboundedSender<Settlement>,
    ) -> Delivery {
        let message = message::read(&delivered.properties, delivered.data);
        let receipt = Ticket::new(
            delivered.delivery_tag,
            self.topic.clone(),
            message.clone(),
            settle.clone(),
        );
        Delivery {
            message,
            redelivered: delivered.redelivered,
            receipt: Box::new(receipt),
        }
    }
}
