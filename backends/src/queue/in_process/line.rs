use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use metrics::Counter;
use tokio::sync::Notify;

use super::Shared;
use crate::queue::{Consumer, Delivery, Message, Receipt, Spread, Topic};

/// The messages of one shared or partition topic, in the order they were published.
pub(super) struct Line {
    topic: Topic,
    shared: Arc<Shared>,
    state: Mutex<State>,
    /// Wakes one of the consumers that have room (shared topics).
    arrived: Notify,
    published: Counter,
}

#[derive(Default)]
struct State {
    next_number: u64,
    next_consumer: u64,
    closed: bool,
    /// Sorted by number.
    ready: VecDeque<Envelope>,
    /// In the order they came; of a partition topic, the first is the active one.
    consumers: Vec<Member>,
}

struct Member {
    id: u64,
    prefetch: usize,
    /// Delivered, not settled; by number.
    out: BTreeMap<u64, Envelope>,
    /// Wakes this consumer: it got room, became active, or the queue closed.
    wake: Arc<Notify>,
}

struct Envelope {
    number: u64,
    message: Message,
    size: u32,
    deliveries: u32,
}

impl Line {
    pub(super) fn new(topic: Topic, shared: Arc<Shared>) -> Self {
        let published =
            metrics::counter!("flowmill_queue_published_total", "topic" => topic.name());
        Self {
            topic,
            shared,
            state: Mutex::default(),
            arrived: Notify::new(),
            published,
        }
    }

    pub(super) fn push(&self, message: Message, size: u32) {
        self.published.increment(1);
        let mut state = self.lock();
        let number = state.next_number;
        state.next_number += 1;
        state.ready.push_back(Envelope {
            number,
            message,
            size,
            deliveries: 0,
        });
        self.announce(&state);
    }

    pub(super) fn consume(self: Arc<Self>, prefetch: u16) -> LineConsumer {
        let mut state = self.lock();
        let id = state.next_consumer;
        state.next_consumer += 1;
        let wake = Arc::new(Notify::new());
        let prefetch = usize::from(prefetch.max(1));
        state.consumers.push(Member {
            id,
            prefetch,
            out: BTreeMap::new(),
            wake: wake.clone(),
        });
        drop(state);
        LineConsumer {
            line: self,
            id,
            wake,
        }
    }

    pub(super) fn depth(&self) -> u64 {
        self.lock().ready.len() as u64
    }

    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state
            .consumers
            .iter()
            .for_each(|member| member.wake.notify_one());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes whoever may take a message that is ready.
    fn announce(&self, state: &State) {
        match self.topic.spread() {
            Spread::Shared => self.arrived.notify_one(),
            Spread::Partition | Spread::FanOut => {
                if let Some(active) = state.consumers.first() {
                    active.wake.notify_one();
                }
            }
        }
    }

    fn take(self: &Arc<Self>, id: u64) -> Taken {
        let mut state = self.lock();
        let State {
            consumers,
            ready,
            closed,
            ..
        } = &mut *state;
        let position = consumers
            .iter()
            .position(|member| member.id == id)
            .expect("it leaves only when dropped");
        let may_take = position == 0 || self.topic.spread() == Spread::Shared;
        if !may_take {
            return if *closed { Taken::End } else { Taken::Nothing };
        }
        let member = &mut consumers[position];
        if member.out.len() >= member.prefetch {
            return Taken::NoRoom;
        }
        let Some(mut envelope) = ready.pop_front() else {
            return if *closed { Taken::End } else { Taken::Nothing };
        };
        let message = envelope.message.clone();
        let redelivered = envelope.deliveries > 0;
        envelope.deliveries += 1;
        let number = envelope.number;
        member.out.insert(number, envelope);
        if !ready.is_empty() && self.topic.spread() == Spread::Shared {
            // Of several notices that nobody was waiting for, only one is kept: pass it on.
            self.arrived.notify_one();
        }
        drop(state);
        let receipt = Ticket {
            line: self.clone(),
            consumer: id,
            number,
            settled: false,
        };
        Taken::Delivery(Delivery {
            message,
            redelivered,
            receipt: Box::new(receipt),
        })
    }

    /// Ends a delivery. Nothing happens when its consumer is gone: the message is ready again then.
    fn settle(&self, consumer: u64, number: u64, outcome: Outcome<'_>) {
        let mut state = self.lock();
        let Some(member) = state
            .consumers
            .iter_mut()
            .find(|member| member.id == consumer)
        else {
            return;
        };
        if member.out.len() == member.prefetch {
            member.wake.notify_one();
        }
        let Some(envelope) = member.out.remove(&number) else {
            return;
        };
        match outcome {
            Outcome::Done => self.shared.give_back(envelope.size),
            Outcome::Dead(reason) => {
                drop(state);
                self.bury(envelope, reason);
            }
            Outcome::Again => {
                if let Some(spent) = self.put_back(&mut state, envelope) {
                    drop(state);
                    self.bury(spent, "given back too often");
                }
            }
        }
    }

    /// Makes a message ready again, at its old place; gives back one that was ready too often.
    fn put_back(&self, state: &mut State, envelope: Envelope) -> Option<Envelope> {
        if envelope.deliveries >= self.shared.delivery_limit {
            return Some(envelope);
        }
        let place = state
            .ready
            .partition_point(|other| other.number < envelope.number);
        state.ready.insert(place, envelope);
        self.announce(state);
        None
    }

    fn bury(&self, envelope: Envelope, reason: &str) {
        self.shared.give_back(envelope.size);
        self.shared.bury(&self.topic, envelope.message, reason);
    }

    fn leave(&self, id: u64) {
        let mut state = self.lock();
        let Some(position) = state.consumers.iter().position(|member| member.id == id) else {
            return;
        };
        let member = state.consumers.remove(position);
        let spent: Vec<_> = member
            .out
            .into_values()
            .filter_map(|envelope| self.put_back(&mut state, envelope))
            .collect();
        if position == 0 && self.topic.spread() == Spread::Partition {
            self.announce(&state);
        }
        drop(state);
        spent
            .into_iter()
            .for_each(|envelope| self.bury(envelope, "given back too often"));
    }
}

enum Taken {
    Delivery(Delivery),
    /// Nothing is ready, or another consumer is the active one.
    Nothing,
    /// Too many deliveries are out.
    NoRoom,
    /// The queue is closed.
    End,
}

enum Outcome<'a> {
    Done,
    Again,
    Dead(&'a str),
}

/// One consumer of a line.
pub(super) struct LineConsumer {
    line: Arc<Line>,
    id: u64,
    wake: Arc<Notify>,
}

#[async_trait]
impl Consumer for LineConsumer {
    async fn next(&mut self) -> Option<Delivery> {
        loop {
            match self.line.take(self.id) {
                Taken::Delivery(delivery) => return Some(delivery),
                Taken::End => return None,
                Taken::NoRoom => self.wake.notified().await,
                // A notice in between is kept by `Notify`; one that is not used, since this future is dropped, is
                // passed on to the next who waits.
                Taken::Nothing => tokio::select! {
                    () = self.line.arrived.notified(), if self.line.topic.spread() == Spread::Shared => {}
                    () = self.wake.notified() => {}
                },
            }
        }
    }

    fn try_next(&mut self) -> Option<Delivery> {
        match self.line.take(self.id) {
            Taken::Delivery(delivery) => Some(delivery),
            Taken::Nothing | Taken::NoRoom | Taken::End => None,
        }
    }
}

impl Drop for LineConsumer {
    fn drop(&mut self) {
        self.line.leave(self.id);
    }
}

/// The receipt of one delivery.
struct Ticket {
    line: Arc<Line>,
    consumer: u64,
    number: u64,
    settled: bool,
}

impl Ticket {
    fn settle(&mut self, outcome: Outcome<'_>) {
        if !std::mem::replace(&mut self.settled, true) {
            self.line.settle(self.consumer, self.number, outcome);
        }
    }
}

impl Receipt for Ticket {
    fn acknowledge(mut self: Box<Self>) {
        self.settle(Outcome::Done);
    }

    fn requeue(mut self: Box<Self>) {
        self.settle(Outcome::Again);
    }

    fn dead_letter(mut self: Box<Self>, reason: &str) {
        self.settle(Outcome::Dead(reason));
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.settle(Outcome::Again);
    }
}
