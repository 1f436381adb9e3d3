//! Reports what became of jobs: outputs where they belong, events until the queue has them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use flowmill_backends::queue::{Message, Topic};
use flowmill_backends::{Error, Files, Queue};
use flowmill_common::execution::Outputs;
use flowmill_common::{Event, EventKind, Job, Timestamp};
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::config::Config;

/// The longest wait between two tries while the queue or the storage does not answer.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Publishes an event of a job that happened at this time; waits for the queue as long as it takes. Gives false when the queue refused it
/// for good or `give_up` came first.
pub(crate) async fn report(
    queue: &dyn Queue,
    job: &Job,
    at: Timestamp,
    kind: EventKind,
    give_up: &CancellationToken,
) -> bool {
    let event = job.event(at, kind);
    let message = Message {
        id: job.execution.as_str().to_owned(),
        body: encode(&event),
    };
    let topic = Topic::Events(job.partition);
    let publish = || queue.publish(&topic, vec![message.clone()]);
    again_and_again("a result waits for the queue", publish, give_up)
        .await
        .is_ok_and(|accepted| accepted.is_some())
}

/// Outputs as they go into an event: long ones by way of a file. The error fails the task.
pub(crate) async fn outputs(
    files: &dyn Files,
    config: &Config,
    folder: &str,
    dispatch: u32,
    values: Map<String, Value>,
    give_up: &CancellationToken,
) -> Result<Outputs, String> {
    let value = Value::Object(values);
    let text = Bytes::from(value.to_string());
    let bytes = text.len() as u64;
    if bytes <= config.inline_outputs.get() {
        return Ok(Outputs::inline(value));
    }
    if bytes > config.largest_outputs.get() {
        let limit = config.largest_outputs;
        return Err(format!(
            "the outputs are {bytes} bytes long as JSON, longer than {limit}: write a file instead"
        ));
    }
    let path = format!("{folder}.outputs-{dispatch}.json");
    let put = || {
        let text = text.clone();
        files.put(
            &path,
            Box::pin(futures::stream::once(async move { Ok(text) })),
        )
    };
    match again_and_again("outputs wait for the storage", put, give_up).await {
        Ok(Some(_)) => Ok(Outputs::Stored {
            path: Arc::from(path.as_str()),
            bytes,
        }),
        Ok(None) => Err("the outputs could not be stored before the worker was shut down".into()),
        Err(error) => Err(format!("the outputs cannot be stored: {error}")),
    }
}

pub(crate) fn now() -> Timestamp {
    jiff::Timestamp::now().into()
}

fn encode(event: &Event) -> Bytes {
    serde_json::to_vec(event)
        .expect("an event is plain data with texts as keys")
        .into()
}

/// Does it until it is done, or fails for good (the error), or `give_up` fires (none).
pub(crate) async fn again_and_again<T, F>(
    what: &str,
    mut work: impl FnMut() -> F,
    give_up: &CancellationToken,
) -> Result<Option<T>, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    let mut wait = Duration::from_millis(20);
    loop {
        match work().await {
            Ok(done) => return Ok(Some(done)),
            Err(error) if error.is_retryable() => {
                tracing::warn!(%error, "{what}");
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = give_up.cancelled() => return Ok(None),
                }
                wait = (wait * 2).min(LONGEST_WAIT);
            }
            Err(error) => {
                tracing::error!(%error, "{what}, which refuses it");
                return Err(error);
            }
        }
    }
}
