//! The queue: messages between the services, at least once.

pub mod in_process;
#[cfg(feature = "rabbitmq")]
pub mod rabbitmq;
mod ring;

use async_trait::async_trait;
use bytes::Bytes;

use crate::error::Result;

/// Carries messages from publishers to consumers, at least once.
#[async_trait]
pub trait Queue: Send + Sync + 'static {
    /// Hands messages over. When it returns `Ok`, they survive what the queue itself survives: a restart of the broker
    /// with RabbitMQ, nothing beyond this process in process. Whoever must not lose a message keeps it in the store
    /// until its effect is committed. Waits while the broker refuses or cannot be reached; `Unavailable` after the
    /// configured time. May be called twice with the same message.
    async fn publish(&self, topic: &Topic, messages: Vec<Message>) -> Result<()>;

    /// Begins to receive. At most `prefetch` deliveries are out unacknowledged. Shared topics spread their messages
    /// over their consumers, partition topics deliver to one consumer at a time (the others stand by), fan-out topics
    /// give every consumer each message that is published after this call returned.
    /// Messages come in the order of their publication, those that come again in any.
    /// Deliveries of a fan-out topic are settled as they are handed out; a slow consumer loses the oldest.
    async fn consume(&self, topic: &Topic, prefetch: u16) -> Result<Box<dyn Consumer>>;

    /// How many messages wait to be delivered, for metrics and autoscaling. `None` where that makes no sense (fan-out)
    /// or is not known.
    async fn depth(&self, topic: &Topic) -> Result<Option<u64>> {
        let _ = topic;
        Ok(None)
    }
}

/// The receiving end of a topic. Dropping it gives unacknowledged deliveries back to the queue.
#[async_trait]
pub trait Consumer: Send {
    /// The next delivery; waits for one. `None` when the queue was closed for good. Reconnects by itself: after a lost
    /// connection, unacknowledged deliveries come again. Safe to cancel.
    async fn next(&mut self) -> Option<Delivery>;

    /// A delivery that is already here, without waiting. Used to drain a batch.
    fn try_next(&mut self) -> Option<Delivery>;
}

/// A message and the right to settle it.
pub struct Delivery {
    /// What was published.
    pub message: Message,
    /// It was delivered before, and may have been worked on. A copy that was published once more does not show it.
    pub redelivered: bool,
    /// Settles it; dropped unsettled, the message is delivered again.
    pub receipt: Box<dyn Receipt>,
}

/// Settles one delivery. Errors are not shown: an acknowledgement that gets lost leads to a redelivery, nothing else.
pub trait Receipt: Send + Sync {
    /// The message is done with.
    fn acknowledge(self: Box<Self>);
    /// Give it back, to be delivered again at once.
    fn requeue(self: Box<Self>);
    /// It can never be handled: keep it aside with the reason (the dead-letter queue; in process: a log line).
    fn dead_letter(self: Box<Self>, reason: &str);
}

/// The receipt of a delivery that is settled already (fan-out topics).
struct Settled;

impl Settled {
    fn delivery(message: Message) -> Delivery {
        Delivery {
            message,
            redelivered: false,
            receipt: Box::new(Settled),
        }
    }
}

impl Receipt for Settled {
    fn acknowledge(self: Box<Self>) {}
    fn requeue(self: Box<Self>) {}
    fn dead_letter(self: Box<Self>, _: &str) {}
}

/// What is carried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Stable across repeats of the same message.
    pub id: String,
    /// The body, usually JSON.
    pub body: Bytes,
}

/// Where messages go.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Jobs of a worker group; shared.
    Jobs(String),
    /// Events of a partition; one consumer at a time.
    Events(u16),
    /// What changed in executions, for those who watch; fan-out, may be lost.
    Changes,
    /// Kill requests to the workers; fan-out, may be lost.
    Control,
}

/// How a topic spreads its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// Each message to one of the consumers.
    Shared,
    /// Each message to the one active consumer.
    Partition,
    /// Each message to every consumer that is there.
    FanOut,
}

impl Topic {
    /// How the topic spreads its messages.
    pub fn spread(&self) -> Spread {
        match self {
            Self::Jobs(_) => Spread::Shared,
            Self::Events(_) => Spread::Partition,
            Self::Changes | Self::Control => Spread::FanOut,
        }
    }

    /// The topic's name at a broker: `jobs.{group}`, `events.{partition}`, `changes`, `control`.
    pub fn name(&self) -> String {
        match self {
            Self::Jobs(group) => format!("jobs.{group}"),
            Self::Events(partition) => format!("events.{partition}"),
            Self::Changes => "changes".into(),
            Self::Control => "control".into(),
        }
    }
}
