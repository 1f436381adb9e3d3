use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;

use crate::error::{Error, Kind, Result};
use crate::store::{Batch, Entry, RangeOptions, Store, check_key, check_range};

/// A [`Store`] in memory.
#[derive(Default)]
pub struct MemoryStore {
    entries: Mutex<BTreeMap<String, Bytes>>,
}

impl MemoryStore {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Bytes>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn get(&self, key: &str) -> Result<Option<Bytes>> {
        check_key(key)?;
        Ok(self.lock().get(key).cloned())
    }

    async fn range(&self, from: &str, to: &str, options: RangeOptions) -> Result<Vec<Entry>> {
        check_range(from, to)?;
        if from >= to {
            return Ok(Vec::new());
        }
        let entries = self.lock();
        let entry = |(key, value): (&String, &Bytes)| {
            let value = if options.keys_only {
                Bytes::new()
            } else {
                value.clone()
            };
            Entry {
                key: key.clone(),
                value,
            }
        };
        let range = entries.range(from.to_owned()..to.to_owned());
        Ok(match options.reverse {
            false => range.take(options.limit).map(entry).collect(),
            true => range.rev().take(options.limit).map(entry).collect(),
        })
    }

    async fn commit(&self, batch: Batch) -> Result<()> {
        batch.check()?;
        let mut entries = self.lock();
        if let Some((key, value)) = &batch.fence
            && entries.get(key) != Some(value)
        {
            return Err(Error::new(
                Kind::Fenced,
                format!("`{key}` has a newer owner"),
            ));
        }
        if let Some((key, _)) = batch
            .expects
            .iter()
            .find(|(key, value)| entries.get(key) != value.as_ref())
        {
            return Err(Error::new(
                Kind::Conflict,
                format!("`{key}` is not as expected"),
            ));
        }
        entries.extend(batch.puts);
        for key in &batch.deletes {
            entries.remove(key);
        }
        Ok(())
    }
}
