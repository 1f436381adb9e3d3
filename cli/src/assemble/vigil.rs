//! Asks the store now and then, so that a process with nothing to do knows of an outage as well, and of its end.

use std::sync::Arc;
use std::time::Duration;

use flowmill_backends::Store;
use tokio_util::sync::CancellationToken;

/// How often it is asked.
const EVERY: Duration = Duration::from_secs(1);

/// Asks until `shutdown`; what comes of it is noted by the store itself.
pub(super) async fn run(store: Arc<dyn Store>, shutdown: CancellationToken) {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        let _ = store.get("global/meta/vigil").await;
    }
}
