//! The processes of a cluster: each writes its beat, and everybody can see who is there. Keys: `global/member/{role}/{id}`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::executions::{decode, encode};
use crate::error::Result;
use crate::store::{Batch, RangeOptions, Store, prefix_end};

/// Reads and writes the members of a cluster.
#[derive(Clone)]
pub struct Members {
    store: Arc<dyn Store>,
}

/// A process in one of its roles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// Its id, new with each start.
    pub id: String,
    /// What it does.
    pub role: Role,
    /// Changes as long as it lives.
    pub beat: u64,
    /// The host it runs on.
    pub host: String,
    /// flowmill's version.
    pub version: String,
    /// Workers: the groups they take jobs from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Workers: how many jobs they run at a time.
    #[serde(default)]
    pub slots: u16,
}

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Owns executions.
    Executor,
    /// Runs tasks.
    Worker,
    /// Answers clients.
    Api,
}

impl Members {
    /// The members that are kept in this store.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// Writes a member with its present beat.
    pub async fn beat(&self, member: &Member) -> Result<()> {
        let put = (key(member.role, &member.id), encode(member)?);
        self.store
            .commit(Batch {
                puts: vec![put],
                ..Batch::default()
            })
            .await
    }

    /// Takes a member out: it has stopped on purpose.
    pub async fn leave(&self, role: Role, id: &str) -> Result<()> {
        self.store
            .commit(Batch {
                deletes: vec![key(role, id)],
                ..Batch::default()
            })
            .await
    }

    /// One member; none when it is not listed.
    pub async fn find(&self, role: Role, id: &str) -> Result<Option<Member>> {
        let key = key(role, id);
        let bytes = self.store.get(&key).await?;
        bytes.map(|bytes| decode(&key, &bytes)).transpose()
    }

    /// Everybody who is listed in a role, the dead ones included.
    pub async fn list(&self, role: Role) -> Result<Vec<Member>> {
        let prefix = format!("global/member/{}/", role.name());
        let entries = self
            .store
            .range(&prefix, &prefix_end(&prefix), RangeOptions::default())
            .await?;
        entries
            .iter()
            .map(|entry| decode(&entry.key, &entry.value))
            .collect()
    }
}

impl Role {
    /// Its name in keys and configuration: `executor`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Executor => "executor",
            Self::Worker => "worker",
            Self::Api => "api",
        }
    }
}

fn key(role: Role, id: &str) -> String {
    format!("global/member/{}/{id}", role.name())
}
