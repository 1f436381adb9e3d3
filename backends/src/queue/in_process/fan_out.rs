use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use crate::error::{Error, Kind, Result};
use crate::queue::ring::Ring;
use crate::queue::{Consumer, Delivery, Message, Settled};

/// The subscribers of a fan-out topic.
pub(super) struct Subscribers {
    topic: String,
    buffer: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    closed: bool,
    rings: Vec<Arc<Ring>>,
}

impl Subscribers {
    pub(super) fn new(topic: String, buffer: usize) -> Self {
        Self {
            topic,
            buffer,
            state: Mutex::default(),
        }
    }

    pub(super) fn push(&self, messages: Vec<Message>) -> Result<()> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.closed {
            return Err(Error::new(Kind::Unavailable, "the queue is closed"));
        }
        for message in messages {
            state
                .rings
                .iter()
                .for_each(|ring| ring.push(message.clone()));
        }
        Ok(())
    }

    pub(super) fn subscribe(self: Arc<Self>) -> Subscription {
        let ring = Arc::new(Ring::new(self.topic.clone(), self.buffer));
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.closed {
            ring.close();
        }
        state.rings.push(ring.clone());
        drop(state);
        Subscription {
            subscribers: self,
            ring,
        }
    }

    pub(super) fn close(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.closed = true;
        state.rings.iter().for_each(|ring| ring.close());
    }
}

/// One subscriber. What it is given is settled already.
pub(super) struct Subscription {
    subscribers: Arc<Subscribers>,
    ring: Arc<Ring>,
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

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut state = self
            .subscribers
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        state.rings.retain(|ring| !Arc::ptr_eq(ring, &self.ring));
    }
}
