//! Watches the folder: a change is loaded when it has been quiet for a moment.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use flowmill_backends::repo::flows::FlowCache;
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::loader::Loader;
use crate::exit::WrongInput;

/// Editors write a file in several steps.
const QUIET: Duration = Duration::from_millis(100);
/// A folder that changes all the time is looked at nevertheless.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// Where the system tells of no changes, the folder is looked at by itself.
const LOOK: Duration = Duration::from_secs(5);

/// Loads a folder of flows, and keeps on loading what changes.
pub(crate) struct Watcher {
    folder: PathBuf,
    loader: Loader,
}

impl Watcher {
    /// A watcher of this folder, which must be there.
    pub(crate) fn new(folder: &Path, flows: Arc<FlowCache>) -> anyhow::Result<Self> {
        if !folder.is_dir() {
            return Err(WrongInput::new(format!(
                "there is no folder of flows `{}`",
                folder.display()
            ))
            .into());
        }
        Ok(Self {
            folder: folder.to_owned(),
            loader: Loader::new(folder.to_owned(), flows),
        })
    }

    /// Loads what is there.
    pub(crate) async fn load(&mut self) {
        let outcome = self.loader.load().await;
        tracing::info!(
            folder = %self.folder.display(), loaded = outcome.saved, unchanged = outcome.unchanged, refused = outcome.refused,
            "flows loaded"
        );
    }

    /// Loads what changes, until `shutdown`.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        // one place is enough: a look at the folder sees all changes before it
        let (sender, mut changes) = mpsc::channel(1);
        let watching = watch(&self.folder, sender);
        if let Err(error) = &watching {
            tracing::warn!(folder = %self.folder.display(), %error, "the system tells of no changes; looking every few seconds");
        }
        // what changed while the first load was under way
        self.loader.load().await;
        loop {
            let look = async {
                match &watching {
                    Ok(_) => std::future::pending().await,
                    Err(_) => tokio::time::sleep(LOOK).await,
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = changes.recv() => settle(&mut changes).await,
                () = look => {}
            }
            self.loader.load().await;
        }
    }
}

fn watch(folder: &Path, sender: mpsc::Sender<()>) -> notify::Result<RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let matters = event.as_ref().map_or(true, |event| !event.kind.is_access());
        if matters {
            let _ = sender.try_send(());
        }
    })?;
    watcher.watch(folder, RecursiveMode::Recursive)?;
    Ok(watcher)
}

/// Waits until nothing has changed for a moment.
async fn settle(changes: &mut mpsc::Receiver<()>) {
    let quiet = async {
        while tokio::time::timeout(QUIET, changes.recv())
            .await
            .is_ok_and(|change| change.is_some())
        {}
    };
    let _ = tokio::time::timeout(LONGEST_WAIT, quiet).await;
}
