use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, LongString, ShortString};
use lapin::{Channel, ExchangeKind};

use super::config::{Config, QueueType};
use super::failure::Failures;
use crate::error::{Error, Kind, Result};
use crate::queue::{Spread, Topic};

/// The names and arguments of everything that we declare at RabbitMQ.
pub(super) struct Topology {
    prefix: String,
    queue_type: QueueType,
    quorum_size: Option<u16>,
    delivery_limit: u32,
    dead_letter_limit: u32,
    fan_out_buffer: usize,
    failures: Failures,
}

impl Topology {
    pub(super) fn new(config: &Config, failures: Failures) -> Self {
        Self {
            prefix: config.prefix.clone(),
            queue_type: config.queue_type,
            quorum_size: config.quorum_size,
            delivery_limit: config.delivery_limit,
            dead_letter_limit: config.dead_letter_limit,
            fan_out_buffer: config.fan_out_buffer,
            failures,
        }
    }

    /// Whether the names can be used at all.
    pub(super) fn check(&self) -> Result<()> {
        match self.prefix.len() {
            1..=100 => Ok(()),
            _ => Err(Error::new(
                Kind::Invalid,
                "`queue.rabbitmq.prefix` must have 1 to 100 bytes",
            )),
        }
    }

    /// The name of a topic's queue or exchange. `Invalid` when a group's name is too long for it.
    pub(super) fn name(&self, topic: &Topic) -> Result<ShortString> {
        let name = format!("{}.{}", self.prefix, topic.name());
        ShortString::try_new(name.clone()).map_err(|_| {
            Error::new(
                Kind::Invalid,
                format!("the queue name `{name}` is longer than RabbitMQ's 255 bytes"),
            )
        })
    }

    /// The topic of a queue with this name.
    pub(super) fn topic_of(&self, name: &str) -> Option<Topic> {
        let name = name.strip_prefix(self.prefix.as_str())?.strip_prefix('.')?;
        match name.split_once('.')? {
            ("jobs", group) => Some(Topic::Jobs(group.to_owned())),
            ("events", partition) => partition.parse().ok().map(Topic::Events),
            _ => None,
        }
    }

    /// The name of the queue for messages that could not be handled.
    pub(super) fn dead_letters(&self) -> ShortString {
        format!("{}.dead-letters", self.prefix).into()
    }

    /// Makes sure that a shared or partition topic has its queue.
    pub(super) async fn declare_line(
        &self,
        channel: &Channel,
        topic: &Topic,
    ) -> Result<ShortString> {
        let name = self.name(topic)?;
        self.declare_queue(channel, name.clone(), self.arguments_of_line(topic))
            .await?;
        Ok(name)
    }

    /// How many messages wait in the queue of a shared or partition topic, which is made if need be.
    pub(super) async fn depth(&self, channel: &Channel, topic: &Topic) -> Result<u32> {
        let (name, arguments) = (self.name(topic)?, self.arguments_of_line(topic));
        self.declare_queue(channel, name, arguments).await
    }

    fn arguments_of_line(&self, topic: &Topic) -> FieldTable {
        let mut arguments = self.arguments();
        arguments.insert("x-dead-letter-exchange".into(), text(""));
        arguments.insert(
            "x-dead-letter-routing-key".into(),
            text(&self.dead_letters().to_string()),
        );
        if self.queue_type == QueueType::Quorum {
            arguments.insert("x-delivery-limit".into(), number(self.delivery_limit));
        }
        if topic.spread() == Spread::Partition {
            arguments.insert("x-single-active-consumer".into(), AMQPValue::Boolean(true));
        }
        arguments
    }

    /// Makes sure that there is a queue for messages that could not be handled.
    pub(super) async fn declare_dead_letters(&self, channel: &Channel) -> Result<ShortString> {
        let mut arguments = self.arguments();
        arguments.insert("x-max-length".into(), number(self.dead_letter_limit));
        arguments.insert("x-overflow".into(), text("drop-head"));
        self.declare_queue(channel, self.dead_letters(), arguments)
            .await?;
        Ok(self.dead_letters())
    }

    /// Makes sure that a fan-out topic has its exchange.
    pub(super) async fn declare_fan_out(
        &self,
        channel: &Channel,
        topic: &Topic,
    ) -> Result<ShortString> {
        let name = self.name(topic)?;
        let options = ExchangeDeclareOptions {
            durable: true,
            ..ExchangeDeclareOptions::default()
        };
        let declared = channel
            .exchange_declare(
                name.clone(),
                ExchangeKind::Fanout,
                options,
                FieldTable::default(),
            )
            .await;
        declared.map_err(|error| self.failures.declaring(&name.to_string(), error))?;
        Ok(name)
    }

    /// Makes a queue of its own for a subscriber of a fan-out topic; it goes away with the connection.
    pub(super) async fn subscribe(&self, channel: &Channel, topic: &Topic) -> Result<ShortString> {
        let exchange = self.declare_fan_out(channel, topic).await?;
        let options = QueueDeclareOptions {
            exclusive: true,
            auto_delete: true,
            ..QueueDeclareOptions::default()
        };
        let mut arguments = FieldTable::default();
        let limit = u32::try_from(self.fan_out_buffer).unwrap_or(u32::MAX);
        arguments.insert("x-max-length".into(), number(limit));
        arguments.insert("x-overflow".into(), text("drop-head"));
        let queue = channel.queue_declare("".into(), options, arguments).await;
        let queue = queue
            .map_err(|error| self.failures.declaring(&exchange.to_string(), error))?
            .name()
            .clone();
        let bound = channel
            .queue_bind(
                queue.clone(),
                exchange,
                "".into(),
                QueueBindOptions::default(),
                FieldTable::default(),
            )
            .await;
        bound.map_err(|error| self.failures.running(error))?;
        Ok(queue)
    }

    /// Declares a durable queue, and says how many messages wait in it.
    async fn declare_queue(
        &self,
        channel: &Channel,
        name: ShortString,
        arguments: FieldTable,
    ) -> Result<u32> {
        let options = QueueDeclareOptions {
            durable: true,
            ..QueueDeclareOptions::default()
        };
        let declared = channel
            .queue_declare(name.clone(), options, arguments)
            .await;
        let declared =
            declared.map_err(|error| self.failures.declaring(&name.to_string(), error))?;
        Ok(declared.message_count())
    }

    fn arguments(&self) -> FieldTable {
        let mut arguments = FieldTable::default();
        match self.queue_type {
            QueueType::Classic => arguments.insert("x-queue-type".into(), text("classic")),
            QueueType::Quorum => arguments.insert("x-queue-type".into(), text("quorum")),
        };
        if let (QueueType::Quorum, Some(size)) = (self.queue_type, self.quorum_size) {
            arguments.insert("x-quorum-initial-group-size".into(), number(size.into()));
        }
        arguments
    }
}

fn text(text: &str) -> AMQPValue {
    AMQPValue::LongString(LongString::from(text))
}

fn number(number: u32) -> AMQPValue {
    AMQPValue::LongLongInt(number.into())
}
