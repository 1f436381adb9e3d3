//! Flows and their revisions, in the space `global`.
//!
//! | key | value |
//! | --- | --- |
//! | `global/flow/{namespace}/{id}` | head: the newest revision's number and what lists show |
//! | `global/fr/{namespace}/{id}/{revision}` | revision: the source as it was sent |
//!
//! A head changes only together with a new revision, and only if it still is what was read: two who save at once get two
//! revisions, one after the other.

mod cache;

use std::sync::Arc;

use flowmill_common::Timestamp;
use flowmill_common::flow::Label;
use serde::{Deserialize, Serialize};

pub use self::cache::{CompiledRevision, FlowCache};
use super::executions::{decode, encode};
use crate::error::{Error, Kind, Result};
use crate::store::{Batch, RangeOptions, Store, prefix_end};

/// How many heads are read at once.
const PAGE: usize = 256;

/// Reads and writes flows.
#[derive(Clone)]
pub struct Flows {
    store: Arc<dyn Store>,
}

/// What lists show of a flow, and which revision is the newest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The flow's namespace.
    pub namespace: Arc<str>,
    /// The flow's id.
    pub id: Arc<str>,
    /// The newest revision.
    pub revision: u32,
    /// It was deleted; its revisions are kept, and go on counting if it is created again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
    /// No execution can be created from it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disabled: bool,
    /// When the newest revision was saved; later than that of every older one.
    pub updated: Timestamp,
    /// Its description, for searches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its labels, for searches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<Label>,
}

/// One revision of a flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// Its number, from 1.
    pub revision: u32,
    /// The text as it was sent, without a line `revision: …`.
    pub source: Arc<str>,
    /// The flow was deleted with this revision.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
    /// When it was saved.
    pub updated: Timestamp,
}

/// A flow to save.
#[derive(Clone, Debug)]
pub struct Draft<'a> {
    /// The namespace.
    pub namespace: &'a str,
    /// The id.
    pub id: &'a str,
    /// The text.
    pub source: &'a str,
    /// No execution can be created from it.
    pub disabled: bool,
    /// Its description.
    pub description: Option<&'a str>,
    /// Its labels.
    pub labels: &'a [Label],
}

/// What a save expects of what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// No such flow, or a deleted one.
    Absent,
    /// Such a flow.
    Present,
    /// Either.
    Any,
}

/// What a save came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// The head after the save.
    pub head: Head,
    /// Whether a revision was added; not when the text is that of the newest one.
    pub changed: bool,
}

impl Flows {
    /// Flows kept in this store.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// The head of a flow, deleted or not; `None` when there never was such a flow.
    pub async fn head(&self, namespace: &str, id: &str) -> Result<Option<Head>> {
        let key = head_key(namespace, id);
        self.store
            .get(&key)
            .await?
            .map(|bytes| decode(&key, &bytes))
            .transpose()
    }

    /// One revision; `None` when there is no such one.
    pub async fn revision(
        &self,
        namespace: &str,
        id: &str,
        revision: u32,
    ) -> Result<Option<Revision>> {
        let key = revision_key(namespace, id, revision);
        self.store
            .get(&key)
            .await?
            .map(|bytes| decode(&key, &bytes))
            .transpose()
    }

    /// All revisions, oldest first.
    pub async fn revisions(&self, namespace: &str, id: &str) -> Result<Vec<Revision>> {
        let prefix = format!("global/fr/{namespace}/{id}/");
        let entries = self
            .store
            .range(&prefix, &prefix_end(&prefix), RangeOptions::default())
            .await?;
        entries
            .iter()
            .map(|entry| decode(&entry.key, &entry.value))
            .collect()
    }

    /// The heads that the filter keeps, by namespace and id; deleted ones are offered too. `namespace` limits the look to
    /// exactly one.
    pub async fn list(
        &self,
        namespace: Option<&str>,
        keep: impl Fn(&Head) -> bool,
    ) -> Result<Vec<Head>> {
        let prefix = namespace.map_or_else(
            || "global/flow/".to_owned(),
            |namespace| format!("global/flow/{namespace}/"),
        );
        let (mut from, to) = (prefix.clone(), prefix_end(&prefix));
        let mut found = Vec::new();
        loop {
            let options = RangeOptions {
                limit: PAGE,
                ..RangeOptions::default()
            };
            let entries = self.store.range(&from, &to, options).await?;
            for entry in &entries {
                let head: Head = decode(&entry.key, &entry.value)?;
                if keep(&head) {
                    found.push(head);
                }
            }
            match entries.last() {
                Some(last) if entries.len() == PAGE => from = format!("{}\0", last.key),
                _ => return Ok(found),
            }
        }
    }

    /// Saves a flow. A text that differs from the newest revision's becomes the next revision, the same text changes nothing.
    /// `Conflict` when one is expected to be absent and is there, `NotFound` when it is the other way round.
    pub async fn save(&self, draft: &Draft<'_>, expect: Expect, now: Timestamp) -> Result<Saved> {
        let source = without_revision(draft.source);
        let decide = |present: Option<&(Head, Revision)>| {
            let live = present.filter(|(head, _)| !head.deleted);
            match (expect, live) {
                (Expect::Absent, Some(_)) => {
                    return Err(Error::new(
                        Kind::Conflict,
                        format!("the flow `{}.{}` exists", draft.namespace, draft.id),
                    ));
                }
                (Expect::Present, None) => return Err(no_flow(draft.namespace, draft.id)),
                _ => {}
            }
            if live.is_some_and(|(_, newest)| *newest.source == *source) {
                return Ok(None);
            }
            let head = Head {
                namespace: draft.namespace.into(),
                id: draft.id.into(),
                revision: present.map_or(0, |(head, _)| head.revision) + 1,
                deleted: false,
                disabled: draft.disabled,
                updated: later_than(present, now),
                description: draft.description.map(str::to_owned),
                labels: draft.labels.to_vec(),
            };
            Ok(Some((head, source.as_str().into())))
        };
        self.change(draft.namespace, draft.id, decide).await
    }

    /// Deletes a flow by one more revision. `NotFound` when there is none.
    pub async fn delete(&self, namespace: &str, id: &str, now: Timestamp) -> Result<Head> {
        let decide = |present: Option<&(Head, Revision)>| {
            let live = present.filter(|(head, _)| !head.deleted);
            let (head, newest) = live.ok_or_else(|| no_flow(namespace, id))?;
            let (revision, updated) = (head.revision + 1, later_than(present, now));
            Ok(Some((
                Head {
                    revision,
                    updated,
                    deleted: true,
                    ..head.clone()
                },
                newest.source.clone(),
            )))
        };
        Ok(self.change(namespace, id, decide).await?.head)
    }

    /// Removes old revisions for good. `Invalid` when the newest is among them, `NotFound` when one is not there.
    pub async fn forget(&self, namespace: &str, id: &str, revisions: &[u32]) -> Result<()> {
        let head = self
            .head(namespace, id)
            .await?
            .ok_or_else(|| no_flow(namespace, id))?;
        let mut batch = Batch::default();
        for revision in revisions {
            if *revision == head.revision {
                let message = format!(
                    "revision {revision} is the newest of the flow `{namespace}.{id}` and must stay"
                );
                return Err(Error::new(Kind::Invalid, message));
            }
            if self.revision(namespace, id, *revision).await?.is_none() {
                return Err(Error::not_found(format!(
                    "the flow `{namespace}.{id}` has no revision {revision}"
                )));
            }
            batch.deletes.push(revision_key(namespace, id, *revision));
        }
        if batch.is_empty() {
            Ok(())
        } else {
            self.store.commit(batch).await
        }
    }

    /// Reads what is there, lets `decide` say the next head and source, and writes them unless somebody else was faster; then it
    /// starts again.
    async fn change(
        &self,
        namespace: &str,
        id: &str,
        decide: impl Fn(Option<&(Head, Revision)>) -> Result<Option<(Head, Arc<str>)>>,
    ) -> Result<Saved> {
        let key = head_key(namespace, id);
        loop {
            let bytes = self.store.get(&key).await?;
            let present = match &bytes {
                Some(bytes) => {
                    let head: Head = decode(&key, bytes)?;
                    let newest = self.revision(namespace, id, head.revision).await?;
                    let missing = || {
                        Error::internal(format!(
                            "the newest revision of `{namespace}.{id}` is missing"
                        ))
                    };
                    Some((head, newest.ok_or_else(missing)?))
                }
                None => None,
            };
            let Some((head, source)) = decide(present.as_ref())? else {
                let (head, _) = present.ok_or_else(|| no_flow(namespace, id))?;
                return Ok(Saved {
                    head,
                    changed: false,
                });
            };
            let revision = Revision {
                revision: head.revision,
                source,
                deleted: head.deleted,
                updated: head.updated,
            };
            let rows = [
                (key.clone(), encode(&head)?),
                (
                    revision_key(namespace, id, head.revision),
                    encode(&revision)?,
                ),
            ];
            let batch = Batch {
                expects: vec![(key.clone(), bytes)],
                puts: rows.into(),
                ..Batch::default()
            };
            match self.store.commit(batch).await {
                Ok(()) => {
                    return Ok(Saved {
                        head,
                        changed: true,
                    });
                }
                Err(error) if error.kind() == Kind::Conflict => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// The text without its line `revision: …`: the number is the server's to give.
pub fn without_revision(source: &str) -> String {
    let is_revision = |line: &str| {
        let number = line.strip_prefix("revision:").map(str::trim);
        number.is_some_and(|number| {
            !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    source
        .split_inclusive('\n')
        .filter(|line| !is_revision(line))
        .collect()
}

/// The number in a line `revision: …` of the text.
pub fn written_revision(source: &str) -> Option<u32> {
    source
        .lines()
        .find_map(|line| line.strip_prefix("revision:")?.trim().parse().ok())
}

/// Clients compare these times: that of a newer revision is always later.
fn later_than(present: Option<&(Head, Revision)>, now: Timestamp) -> Timestamp {
    let earliest = present.map(|(head, _)| Timestamp::from_micros(head.updated.as_micros() + 1));
    earliest.map_or(now, |earliest| earliest.max(now))
}

fn no_flow(namespace: &str, id: &str) -> Error {
    Error::not_found(format!("there is no flow `{namespace}.{id}`"))
}

fn head_key(namespace: &str, id: &str) -> String {
    format!("global/flow/{namespace}/{id}")
}

fn revision_key(namespace: &str, id: &str, revision: u32) -> String {
    format!("global/fr/{namespace}/{id}/{revision:010}")
}

#[cfg(test)]
mod tests;
