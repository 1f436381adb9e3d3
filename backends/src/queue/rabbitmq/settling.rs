use std::collections::BTreeSet;

use lapin::Channel;
use lapin::options::{BasicAckOptions, BasicNackOptions};
use lapin::types::{AMQPValue, FieldTable, LongString};
use tokio::sync::mpsc;
use tracing::error;

use super::publisher::{Outgoing, Publisher, Route};
use crate::queue::{Message, Receipt, Topic};

/// The receipt of one delivery.
pub(super) struct Ticket {
    tag: u64,
    letter: Option<(Topic, Message)>,
    settle: mpsc::UnboundedSender<Settlement>,
}

/// What is to become of a delivery.
pub(super) struct Settlement {
    tag: u64,
    outcome: Outcome,
}

enum Outcome {
    Done,
    Again,
    Dead(Topic, Message, String),
}

impl Ticket {
    pub(super) fn new(
        tag: u64,
        topic: Topic,
        message: Message,
        settle: mpsc::UnboundedSender<Settlement>,
    ) -> Self {
        Self {
            tag,
            letter: Some((topic, message)),
            settle,
        }
    }

    fn settle(&mut self, outcome: impl FnOnce(Topic, Message) -> Outcome) {
        if let Some((topic, message)) = self.letter.take() {
            // After the end of the channel nobody listens: the message comes again.
            let _ = self.settle.send(Settlement {
                tag: self.tag,
                outcome: outcome(topic, message),
            });
        }
    }
}

impl Receipt for Ticket {
    fn acknowledge(mut self: Box<Self>) {
        self.settle(|_, _| Outcome::Done);
    }

    fn requeue(mut self: Box<Self>) {
        self.settle(|_, _| Outcome::Again);
    }

    fn dead_letter(mut self: Box<Self>, reason: &str) {
        self.settle(|topic, message| Outcome::Dead(topic, message, reason.to_owned()));
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.settle(|_, _| Outcome::Again);
    }
}

/// Settles the deliveries of one channel, many with one word to RabbitMQ where it can.
pub(super) struct Settlements {
    channel: Channel,
    received: mpsc::UnboundedReceiver<Settlement>,
    publisher: Publisher,
    /// For what is settled once its dead letter is safe.
    later: mpsc::UnboundedSender<Settlement>,
    /// Delivered and not settled.
    open: BTreeSet<u64>,
}

impl Settlements {
    pub(super) fn new(
        channel: Channel,
        received: mpsc::UnboundedReceiver<Settlement>,
        publisher: Publisher,
        later: mpsc::UnboundedSender<Settlement>,
    ) -> Self {
        Self {
            channel,
            received,
            publisher,
            later,
            open: BTreeSet::new(),
        }
    }

    /// A delivery is handed out.
    pub(super) fn expect(&mut self, tag: u64) {
        self.open.insert(tag);
    }

    /// Whether nothing is out.
    pub(super) fn is_settled(&self) -> bool {
        self.open.is_empty()
    }

    /// Waits for something to be settled. Safe to cancel.
    pub(super) async fn next(&mut self) -> Settlement {
        match self.received.recv().await {
            Some(first) => first,
            // We hold a sender ourselves.
            None => std::future::pending().await,
        }
    }

    /// Settles what is known so far.
    pub(super) async fn finish(&mut self) {
        while let Ok(first) = self.received.try_recv() {
            if self.settle(first).await.is_err() {
                break;
            }
        }
    }

    /// Settles this, and what else there is by now.
    pub(super) async fn settle(&mut self, first: Settlement) -> lapin::Result<()> {
        let mut done = BTreeSet::new();
        let mut next = Some(first);
        while let Some(Settlement { tag, outcome }) = next {
            match outcome {
                Outcome::Done => {
                    self.open.remove(&tag);
                    done.insert(tag);
                }
                Outcome::Again => {
                    self.open.remove(&tag);
                    self.channel
                        .basic_nack(
                            tag,
                            BasicNackOptions {
                                requeue: true,
                                multiple: false,
                            },
                        )
                        .await?;
                }
                Outcome::Dead(topic, message, reason) => self.bury(tag, topic, message, reason),
            }
            next = self.received.try_recv().ok();
        }
        // All that was delivered before the first open one is settled: one word acknowledges it together.
        let open = self.open.first().copied().unwrap_or(u64::MAX);
        if let Some(last) = done.range(..open).next_back() {
            self.channel
                .basic_ack(*last, BasicAckOptions { multiple: true })
                .await?;
        }
        for tag in done.range(open..) {
            self.channel
                .basic_ack(*tag, BasicAckOptions { multiple: false })
                .await?;
        }
        Ok(())
    }

    /// Keeps a message aside; it is acknowledged once that is confirmed, and comes again if it cannot be done.
    fn bury(&self, tag: u64, topic: Topic, message: Message, reason: String) {
        error!(
            topic = topic.name(),
            message = message.id,
            reason,
            "message put aside"
        );
        metrics::counter!("flowmill_queue_dead_letters_total", "topic" => topic.name())
            .increment(1);
        let mut headers = FieldTable::default();
        let mut header = |name: &str, value: &str| {
            headers.insert(name.into(), AMQPValue::LongString(LongString::from(value)));
        };
        header("flowmill-reason", &reason);
        header("flowmill-topic", &topic.name());
        header("flowmill-time", &jiff::Timestamp::now().to_string());
        let (publisher, later) = (self.publisher.clone(), self.later.clone());
        tokio::spawn(async move {
            let kept = publisher
                .publish(Route::DeadLetters, vec![Outgoing { message, headers }])
                .await;
            let outcome = if kept.is_ok() {
                Outcome::Done
            } else {
                Outcome::Again
            };
            let _ = later.send(Settlement { tag, outcome });
        });
    }
}
