//! The queue of one process: messages pass from task to task in memory.
//!
//! What is in it is gone when the process ends; whoever must not lose a message keeps it in the store.

mod fan_out;
mod line;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use self::fan_out::Subscribers;
use self::line::Line;
use super::{Consumer, Message, Queue, Spread, Topic};
use crate::config::ByteSize;
use crate::error::{Error, Kind, Result};

/// The settings of the queue within one process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// Memory for messages that are not settled yet, over all topics; publishers wait when it is used up.
    pub memory: ByteSize,
    /// How long a publisher waits for memory before its call fails.
    #[serde(with = "crate::config::duration")]
    #[schemars(with = "String")]
    pub publish_timeout: Duration,
    /// How many messages a slow subscriber of a fan-out topic may be behind before it loses the oldest.
    pub fan_out_buffer: usize,
    /// A message that was given back so often is put aside as a dead letter.
    pub delivery_limit: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            memory: ByteSize::mebibytes(512),
            publish_timeout: Duration::from_secs(30),
            fan_out_buffer: 8192,
            delivery_limit: 1000,
        }
    }
}

/// A message that could not be handled, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Where it was published.
    pub topic: Topic,
    /// What it was.
    pub message: Message,
    /// Why it was put aside.
    pub reason: String,
}

/// A [`Queue`] within this process.
pub struct InProcessQueue {
    config: Config,
    shared: Arc<Shared>,
    topics: Mutex<Topics>,
}

#[derive(Default)]
struct Topics {
    closed: bool,
    lines: HashMap<Topic, Arc<Line>>,
    fan_outs: HashMap<Topic, Arc<Subscribers>>,
}

/// What all topics share.
struct Shared {
    memory: Semaphore,
    memory_size: u32,
    delivery_limit: u32,
    dead_letters: Mutex<Vec<DeadLetter>>,
}

impl InProcessQueue {
    /// An empty queue.
    pub fn new(config: Config) -> Self {
        let memory_size = u32::try_from(config.memory.get())
            .unwrap_or(u32::MAX)
            .max(1);
        let shared = Shared {
            memory: Semaphore::new(memory_size as usize),
            memory_size,
            delivery_limit: config.delivery_limit.max(1),
            dead_letters: Mutex::default(),
        };
        Self {
            config,
            shared: Arc::new(shared),
            topics: Mutex::default(),
        }
    }

    /// Ends all consumers: they read what is left, then `None`. Publishing gives `Unavailable` from now on.
    pub fn close(&self) {
        let mut topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        topics.closed = true;
        topics.lines.values().for_each(|line| line.close());
        topics
            .fan_outs
            .values()
            .for_each(|subscribers| subscribers.close());
        self.shared.memory.close();
    }

    /// The last messages that were put aside, the oldest first.
    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        self.shared
            .dead_letters
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn line(&self, topic: &Topic) -> Arc<Line> {
        let mut topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = topics.lines.get(topic) {
            return line.clone();
        }
        let line = Arc::new(Line::new(topic.clone(), self.shared.clone()));
        if topics.closed {
            line.close();
        }
        topics.lines.insert(topic.clone(), line.clone());
        line
    }

    fn subscribers(&self, topic: &Topic) -> Arc<Subscribers> {
        let mut topics = self.topics.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(subscribers) = topics.fan_outs.get(topic) {
            return subscribers.clone();
        }
        let subscribers = Arc::new(Subscribers::new(topic.name(), self.config.fan_out_buffer));
        if topics.closed {
            subscribers.close();
        }
        topics.fan_outs.insert(topic.clone(), subscribers.clone());
        subscribers
    }
}

#[async_trait]
impl Queue for InProcessQueue {
    async fn publish(&self, topic: &Topic, messages: Vec<Message>) -> Result<()> {
        match topic.spread() {
            Spread::FanOut => self.subscribers(topic).push(messages),
            Spread::Shared | Spread::Partition => {
                let line = self.line(topic);
                for message in messages {
                    let size = self.shared.size_of(&message);
                    if !self.shared.try_take(size) {
                        self.shared.take(size, self.config.publish_timeout).await?;
                    }
                    line.push(message, size);
                }
                Ok(())
            }
        }
    }

    async fn consume(&self, topic: &Topic, prefetch: u16) -> Result<Box<dyn Consumer>> {
        Ok(match topic.spread() {
            Spread::FanOut => Box::new(self.subscribers(topic).subscribe()),
            Spread::Shared | Spread::Partition => Box::new(self.line(topic).consume(prefetch)),
        })
    }

    async fn depth(&self, topic: &Topic) -> Result<Option<u64>> {
        Ok(match topic.spread() {
            Spread::FanOut => None,
            Spread::Shared | Spread::Partition => Some(self.line(topic).depth()),
        })
    }
}

impl Shared {
    /// How many dead letters are kept to be looked at.
    const DEAD_LETTERS: usize = 100;
    /// What a message costs beside its text.
    const OVERHEAD: usize = 128;

    /// What is charged for a message; one that is larger than all of the memory waits for all of it.
    fn size_of(&self, message: &Message) -> u32 {
        let size = message.id.len() + message.body.len() + Self::OVERHEAD;
        u32::try_from(size)
            .unwrap_or(u32::MAX)
            .min(self.memory_size)
    }

    fn try_take(&self, size: u32) -> bool {
        self.memory
            .try_acquire_many(size)
            .map(|permit| permit.forget())
            .is_ok()
    }

    async fn take(&self, size: u32, timeout: Duration) -> Result<()> {
        match tokio::time::timeout(timeout, self.memory.acquire_many(size)).await {
            Ok(Ok(permit)) => {
                permit.forget();
                Ok(())
            }
            Ok(Err(_)) => Err(Error::new(Kind::Unavailable, "the queue is closed")),
            Err(_) => {
                let message = format!(
                    "the queue's memory (`queue.in-process.memory`) was full for {timeout:?}"
                );
                Err(Error::new(Kind::Unavailable, message))
            }
        }
    }

    fn give_back(&self, size: u32) {
        self.memory.add_permits(size as usize);
    }

    fn bury(&self, topic: &Topic, message: Message, reason: &str) {
        tracing::error!(
            topic = topic.name(),
            message = message.id,
            reason,
            "message put aside"
        );
        metrics::counter!("flowmill_queue_dead_letters_total", "topic" => topic.name())
            .increment(1);
        let mut letters = self
            .dead_letters
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if letters.len() >= Self::DEAD_LETTERS {
            letters.remove(0);
        }
        letters.push(DeadLetter {
            topic: topic.clone(),
            message,
            reason: reason.to_owned(),
        });
    }
}
