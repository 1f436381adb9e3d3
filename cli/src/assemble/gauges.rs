//! What an autoscaler goes by: how many jobs wait in each worker group, and how many can be run at a time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use flowmill_backends::queue::Topic;
use flowmill_backends::repo::members::{Members, Role};
use flowmill_backends::{Queue, Result, Store};
use tokio_util::sync::CancellationToken;

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(2);

/// The group of tasks that name none; there even when no worker is.
const DEFAULT_GROUP: &str = "default";

/// Measures until `shutdown`.
pub(super) async fn run(store: Arc<dyn Store>, queue: Arc<dyn Queue>, shutdown: CancellationToken) {
    let members = Members::new(store);
    // a group whose workers have all gone may have jobs
    let mut slots = BTreeMap::from([(DEFAULT_GROUP.to_owned(), 0)]);
    loop {
        if let Err(error) = measure(&members, &*queue, &mut slots).await {
            tracing::debug!(%error, "the worker groups cannot be measured at the moment");
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

async fn measure(
    members: &Members,
    queue: &dyn Queue,
    slots: &mut BTreeMap<String, u32>,
) -> Result<()> {
    slots.values_mut().for_each(|slots| *slots = 0);
    for worker in members.list(Role::Worker).await? {
        for group in worker.groups {
            *slots.entry(group).or_default() += u32::from(worker.slots);
        }
    }
    for (group, slots) in slots.iter() {
        metrics::gauge!("flowmill_worker_group_slots", "group" => group.clone()).set(*slots);
        if let Some(depth) = queue.depth(&Topic::Jobs(group.clone())).await? {
            metrics::gauge!("flowmill_worker_group_jobs_waiting", "group" => group.clone())
                .set(depth as f64);
        }
    }
    Ok(())
}
