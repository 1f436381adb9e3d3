//! The queue of many machines: RabbitMQ.
//!
//! One connection publishes and one consumes, since RabbitMQ may stop a whole connection from publishing. Each is made
//! again after an outage by a supervisor of its own; then the publisher offers again what was not confirmed, and each
//! consumer declares its queue and consumes again.

mod config;
mod consumer;
mod failure;
mod link;
mod message;
mod publisher;
mod settling;
mod topology;

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use lapin::types::FieldTable;

pub use self::config::{Config, QueueType};
use self::consumer::Consumers;
use self::failure::Failures;
use self::link::Link;
use self::publisher::{Outgoing, Publisher, Route};
use self::topology::Topology;
use super::{Consumer, Message, Queue, Spread, Topic};
use crate::breakpoint::with_duplicates;
use crate::error::{Error, Kind, Result};
use crate::health::Probe;
use crate::retry::until_available;

/// A [`Queue`] in RabbitMQ.
pub struct RabbitQueue {
    publishing: Arc<Link>,
    consuming: Arc<Link>,
    topology: Arc<Topology>,
    publisher: Publisher,
    consumers: Consumers,
    failures: Failures,
}

impl RabbitQueue {
    /// Connects. `Invalid` when a setting is wrong (the message names it), or when another program made a queue of ours
    /// in another way; `Unavailable` when RabbitMQ does not answer within `start-timeout`.
    pub async fn open(config: &Config) -> Result<Self> {
        let failures = Failures::new(config);
        let topology = Arc::new(Topology::new(config, failures.clone()));
        topology.check()?;
        let connect =
            |role| until_available(config.start_timeout, move || Link::open(config, role));
        let publishing = Arc::new(connect("rabbitmq, publishing").await?);
        let consuming = Arc::new(connect("rabbitmq, consuming").await?);
        let publisher = Publisher::start(publishing.clone(), topology.clone(), config);
        let consumers = Consumers {
            link: consuming.clone(),
            topology: topology.clone(),
            publisher: publisher.clone(),
            failures: failures.clone(),
            fan_out_buffer: config.fan_out_buffer,
            patience: config.publish_timeout,
            idle_check: config.idle_check,
        };
        let queue = Self {
            publishing,
            consuming,
            topology,
            publisher,
            consumers,
            failures,
        };
        queue
            .publisher
            .publish(Route::DeadLetters, Vec::new())
            .await?;
        Ok(queue)
    }

    /// Whether RabbitMQ takes messages and gives them, at the moment.
    pub fn probes(&self) -> [&Probe; 2] {
        [self.publishing.probe(), self.consuming.probe()]
    }

    /// Ends both connections, consumers and publishers. Dropping the queue does the same.
    pub fn close(&self) {
        self.publishing.close();
        self.consuming.close();
    }
}

impl Drop for RabbitQueue {
    fn drop(&mut self) {
        self.close();
    }
}

#[async_trait]
impl Queue for RabbitQueue {
    async fn publish(&self, topic: &Topic, messages: Vec<Message>) -> Result<()> {
        if messages.is_empty() {
            return Ok(());
        }
        let (count, since) = (messages.len() as u64, Instant::now());
        let outgoing = |message| Outgoing {
            message,
            headers: FieldTable::default(),
        };
        let messages = with_duplicates(messages);
        let messages = messages.into_iter().map(outgoing).collect();
        self.publisher
            .publish(Route::Topic(topic.clone()), messages)
            .await?;
        metrics::counter!("flowmill_queue_published_total", "topic" => topic.name())
            .increment(count);
        metrics::histogram!("flowmill_queue_publish_seconds").record(since.elapsed());
        Ok(())
    }

    async fn consume(&self, topic: &Topic, prefetch: u16) -> Result<Box<dyn Consumer>> {
        self.consumers.consume(topic, prefetch).await
    }

    async fn depth(&self, topic: &Topic) -> Result<Option<u64>> {
        if topic.spread() == Spread::FanOut {
            return Ok(None);
        }
        let unavailable = || Error::new(Kind::Unavailable, "there is no connection to rabbitmq");
        let session = self.publishing.current().ok_or_else(unavailable)?;
        let channel = session.connection.create_channel().await;
        // a channel of its own: a refused declaration closes it
        let channel = channel.map_err(|error| self.failures.running(error))?;
        let depth = self.topology.depth(&channel, topic).await;
        link::retire(channel).await;
        Ok(Some(u64::from(depth?)))
    }
}
