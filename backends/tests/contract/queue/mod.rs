mod cases;
mod in_process;
#[cfg(feature = "rabbitmq")]
mod rabbitmq;

use std::sync::Arc;

use flowmill_backends::{Queue, queue::Topic};

/// What a case works with: a queue whose topics nobody else uses.
pub(crate) struct Context {
    pub(crate) queue: Arc<dyn Queue>,
    pub(crate) shared: Topic,
    pub(crate) partition: Topic,
}

impl Context {
    pub(crate) fn new(queue: Arc<dyn Queue>) -> Self {
        Self {
            queue,
            shared: Topic::Jobs("default".into()),
            partition: Topic::Events(3),
        }
    }
}
