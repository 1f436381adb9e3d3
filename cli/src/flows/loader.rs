//! Brings a folder of flows into the store: what is new or changed is saved, what is gone is deleted.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flowmill_backends::Kind;
use flowmill_backends::repo::flows::{Draft, Expect, FlowCache};
use flowmill_common::Timestamp;
use flowmill_common::yaml::{self, Diagnostic, Severity, split_documents};

use super::folder::yaml_files;

/// A folder, and what is known of its files.
pub(super) struct Loader {
    folder: PathBuf,
    flows: Arc<FlowCache>,
    known: BTreeMap<PathBuf, Known>,
}

/// What a file was when it was looked at last.
struct Known {
    content: Vec<u8>,
    /// Namespace and id of the flows that were saved from it.
    flows: BTreeSet<(String, String)>,
}

/// What one look at the folder came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) saved: usize,
    pub(super) unchanged: usize,
    pub(super) deleted: usize,
    pub(super) refused: usize,
}

impl Loader {
    pub(super) fn new(folder: PathBuf, flows: Arc<FlowCache>) -> Self {
        Self {
            folder,
            flows,
            known: BTreeMap::new(),
        }
    }

    /// Looks at every file. What is wrong is logged with its place and counted; it keeps nothing else from being loaded.
    pub(super) async fn load(&mut self) -> Outcome {
        let mut outcome = Outcome::default();
        let files = match yaml_files(&self.folder) {
            Ok(files) => files,
            // unmounted, or being replaced: nothing is deleted because of it
            Err(error) => {
                tracing::warn!(folder = %self.folder.display(), %error, "the folder of flows cannot be read");
                return outcome;
            }
        };
        let gone: Vec<PathBuf> = self
            .known
            .keys()
            .filter(|path| !files.contains(path))
            .cloned()
            .collect();
        let mut orphans = BTreeSet::new();
        for path in gone {
            orphans.extend(
                self.known
                    .remove(&path)
                    .map(|known| known.flows)
                    .unwrap_or_default(),
            );
        }
        for path in files {
            // gone between the listing and now: the next look sees it
            let Ok(content) = tokio::fs::read(&path).await else {
                continue;
            };
            if self
                .known
                .get(&path)
                .is_some_and(|known| known.content == content)
            {
                continue;
            }
            let before = self
                .known
                .remove(&path)
                .map(|known| known.flows)
                .unwrap_or_default();
            let flows = self.load_file(&path, &content, &before, &mut outcome).await;
            orphans.extend(before.difference(&flows).cloned());
            self.known.insert(path, Known { content, flows });
        }
        for (namespace, id) in orphans {
            // moved to another file
            if self.owner(&namespace, &id).is_none() {
                self.delete(&namespace, &id, &mut outcome).await;
            }
        }
        outcome
    }

    /// Saves the flows of one file, and says which they are. A flow that has become wrong keeps its last good form.
    async fn load_file(
        &self,
        path: &Path,
        content: &[u8],
        before: &BTreeSet<(String, String)>,
        outcome: &mut Outcome,
    ) -> BTreeSet<(String, String)> {
        let shown = path.display().to_string();
        let mut flows = BTreeSet::new();
        let Ok(source) = std::str::from_utf8(content) else {
            tracing::error!(file = shown, "the file is not UTF-8 text");
            outcome.refused += 1;
            return before.clone();
        };
        let mut broken = false;
        for document in split_documents(source) {
            let compiled = match self.flows.compile(document.source, 1).await {
                Ok(compiled) => compiled,
                Err(problems) => {
                    self.report(&shown, source, problems, document.lines_before);
                    outcome.refused += 1;
                    broken = true;
                    continue;
                }
            };
            let flow = &compiled.flow;
            let key = (flow.namespace.to_string(), flow.id.to_string());
            if let Some(other) = self.owner(&key.0, &key.1) {
                tracing::error!(
                    file = shown, line = document.lines_before + 1, flow = flow.full_id(), other = %other.display(),
                    "the flow is in another file already; this one is ignored"
                );
                outcome.refused += 1;
                continue;
            }
            self.report(
                &shown,
                source,
                compiled.warnings.clone(),
                document.lines_before,
            );
            let draft = Draft {
                namespace: &flow.namespace,
                id: &flow.id,
                source: document.source,
                disabled: flow.disabled,
                description: flow.description.as_deref(),
                labels: &flow.labels,
            };
            match self.flows.flows().save(&draft, Expect::Any, now()).await {
                Ok(saved) if saved.changed => {
                    tracing::info!(
                        file = shown,
                        flow = flow.full_id(),
                        revision = saved.head.revision,
                        "flow loaded"
                    );
                    outcome.saved += 1;
                }
                Ok(_) => outcome.unchanged += 1,
                Err(error) => {
                    tracing::error!(file = shown, flow = flow.full_id(), %error, "the flow cannot be saved");
                    outcome.refused += 1;
                }
            }
            flows.insert(key);
        }
        if broken {
            // which flow the broken part was cannot be known: none of the file's flows is taken for gone
            flows.extend(before.iter().cloned());
        }
        flows
    }

    async fn delete(&self, namespace: &str, id: &str, outcome: &mut Outcome) {
        match self.flows.flows().delete(namespace, id, now()).await {
            Ok(_) => {
                tracing::info!(
                    flow = format!("{namespace}.{id}"),
                    "flow deleted: its file is gone; its revisions are kept"
                );
                outcome.deleted += 1;
            }
            Err(error) if error.kind() == Kind::NotFound => {}
            Err(error) => {
                tracing::error!(flow = format!("{namespace}.{id}"), %error, "the flow cannot be deleted")
            }
        }
    }

    /// The file that a flow was loaded from.
    fn owner(&self, namespace: &str, id: &str) -> Option<&Path> {
        let key = (namespace.to_owned(), id.to_owned());
        self.known
            .iter()
            .find(|(_, known)| known.flows.contains(&key))
            .map(|(path, _)| path.as_path())
    }

    fn report(&self, file: &str, source: &str, found: Vec<Diagnostic>, lines_before: usize) {
        for diagnostic in found {
            let severity = diagnostic.severity;
            let text = yaml::render(&diagnostic.shifted(lines_before), Some(file), source);
            match severity {
                Severity::Error => tracing::error!("{text}"),
                Severity::Warning => tracing::warn!("{text}"),
                Severity::Info => tracing::info!("{text}"),
            }
        }
    }
}

fn now() -> Timestamp {
    jiff::Timestamp::now().into()
}

#[cfg(test)]
mod tests {
    use flowmill_backends::Store;
    use flowmill_backends::repo::flows::Flows;
    use flowmill_backends::store::embedded::{Config, EmbeddedStore};
    use flowmill_common::compile;
    use flowmill_tasks::Catalogue;

    use super::*;

    struct Folder {
        folder: tempfile::TempDir,
        _data: tempfile::TempDir,
        loader: Loader,
        flows: Flows,
    }

    impl Folder {
        fn new() -> Self {
            let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            let store: Arc<dyn Store> =
                Arc::new(EmbeddedStore::open(data.path(), &Config::default()).unwrap());
            let flows = Flows::new(store);
            let cache = FlowCache::new(
                flows.clone(),
                Arc::new(Catalogue::new()),
                compile::Options::default(),
            );
            let loader = Loader::new(folder.path().to_owned(), Arc::new(cache));
            Self {
                folder,
                _data: data,
                loader,
                flows,
            }
        }

        fn write(&self, name: &str, text: &str) {
            std::fs::write(self.folder.path().join(name), text).unwrap();
        }

        fn remove(&self, name: &str) {
            std::fs::remove_file(self.folder.path().join(name)).unwrap();
        }

        /// Revision of a flow, if it is there.
        async fn revision(&self, id: &str) -> Option<u32> {
            let head = self.flows.head("a.b", id).await.unwrap();
            head.filter(|head| !head.deleted).map(|head| head.revision)
        }
    }

    fn flow(id: &str, message: &str) -> String {
        format!(
            "id: {id}\nnamespace: a.b\ntasks:\n  - id: t\n    type: io.kestra.plugin.core.log.Log\n    message: {message}\n"
        )
    }

    fn outcome(saved: usize, unchanged: usize, deleted: usize, refused: usize) -> Outcome {
        Outcome {
            saved,
            unchanged,
            deleted,
            refused,
        }
    }

    #[tokio::test]
    async fn a_changed_file_is_a_new_revision_and_a_gone_one_a_deleted_flow() {
        let mut folder = Folder::new();
        folder.write("x.yaml", &flow("x", "1"));
        assert_eq!(folder.loader.load().await, outcome(1, 0, 0, 0));
        assert_eq!(folder.loader.load().await, Outcome::default());
        folder.write("x.yaml", &flow("x", "2"));
        assert_eq!(folder.loader.load().await, outcome(1, 0, 0, 0));
        assert_eq!(folder.revision("x").await, Some(2));
        folder.remove("x.yaml");
        assert_eq!(folder.loader.load().await, outcome(0, 0, 1, 0));
        assert_eq!(folder.revision("x").await, None);
    }

    #[tokio::test]
    async fn a_flow_that_moves_to_another_file_or_another_id_is_followed() {
        let mut folder = Folder::new();
        folder.write(
            "x.yaml",
            &format!("{}---\n{}", flow("x", "1"), flow("y", "1")),
        );
        assert_eq!(folder.loader.load().await, outcome(2, 0, 0, 0));
        folder.remove("x.yaml");
        folder.write("z.yaml", &flow("x", "1"));
        assert_eq!(folder.loader.load().await, outcome(0, 1, 1, 0));
        assert_eq!(
            (folder.revision("x").await, folder.revision("y").await),
            (Some(1), None)
        );
        folder.write("z.yaml", &flow("renamed", "1"));
        assert_eq!(folder.loader.load().await, outcome(1, 0, 1, 0));
        assert_eq!(
            (folder.revision("x").await, folder.revision("renamed").await),
            (None, Some(1))
        );
    }

    #[tokio::test]
    async fn a_broken_file_keeps_its_last_good_flows_and_harms_no_other() {
        let mut folder = Folder::new();
        folder.write("x.yaml", &flow("x", "1"));
        folder.write("y.yaml", &flow("y", "1"));
        folder.loader.load().await;
        folder.write("x.yaml", "id: x\nnamespace: [\n");
        folder.write("y.yaml", &flow("y", "2"));
        assert_eq!(folder.loader.load().await, outcome(1, 0, 0, 1));
        assert_eq!(
            (folder.revision("x").await, folder.revision("y").await),
            (Some(1), Some(2))
        );
        folder.remove("x.yaml");
        assert_eq!(folder.loader.load().await, outcome(0, 0, 1, 0));
    }

    #[tokio::test]
    async fn the_second_file_with_the_same_flow_is_refused() {
        let mut folder = Folder::new();
        folder.write("x.yaml", &flow("x", "1"));
        folder.write("y.yaml", &flow("x", "2"));
        assert_eq!(folder.loader.load().await, outcome(1, 0, 0, 1));
        assert_eq!(folder.revision("x").await, Some(1));
    }

    #[tokio::test]
    async fn a_folder_that_vanishes_deletes_nothing() {
        let mut folder = Folder::new();
        folder.write("x.yaml", &flow("x", "1"));
        folder.loader.load().await;
        std::fs::remove_dir_all(folder.folder.path()).unwrap();
        assert_eq!(folder.loader.load().await, Outcome::default());
        assert_eq!(folder.revision("x").await, Some(1));
    }
}
