//! Maps that keep their order and know how deep they are.

use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;

use super::Value;
use crate::{Error, Object};

type Entries = IndexMap<Arc<str>, Value, foldhash::fast::RandomState>;

/// A shared map from texts to values, in the order of its making.
///
/// Java's maps may have keys that are not texts (`{1: 'one'}`): such a map remembers them beside their texts.
#[derive(Clone)]
pub struct Map(Arc<Inner>);

struct Inner {
    depth: usize,
    weight: usize,
    entries: Entries,
    /// The original keys, in order, if not all are texts.
    keys: Option<Box<[Value]>>,
}

/// So many entries are sooner looked through than hashed for.
const FEW: usize = 4;

/// A map in the making.
#[derive(Default)]
pub struct MapBuilder {
    entries: Entries,
}

impl MapBuilder {
    /// A builder with room for `capacity` entries.
    pub fn with_capacity(capacity: usize) -> MapBuilder {
        MapBuilder {
            entries: Entries::with_capacity_and_hasher(capacity, Default::default()),
        }
    }

    /// Sets an entry; an earlier one under the same key keeps its place and loses its value.
    pub fn insert(&mut self, key: impl Into<Arc<str>>, value: impl Into<Value>) {
        self.entries.insert(key.into(), value.into());
    }

    /// Sets an entry unless there is one.
    pub fn insert_first(&mut self, key: impl Into<Arc<str>>, value: impl Into<Value>) {
        self.entries
            .entry(key.into())
            .or_insert_with(|| value.into());
    }

    /// The finished map.
    pub fn build(self) -> Map {
        Map::from_parts(self.entries, None)
    }
}

impl Map {
    /// A map of the entries, and of their original keys if these are not all texts (as many, in the same order).
    fn from_parts(entries: Entries, keys: Option<Box<[Value]>>) -> Map {
        let depth = 1 + entries.values().map(Value::depth).max().unwrap_or(0);
        let weights = entries
            .iter()
            .map(|(key, value)| key.len() + value.weight());
        Map(Arc::new(Inner {
            weight: weights.fold(2, usize::saturating_add),
            depth,
            entries,
            keys,
        }))
    }

    /// A map whose keys are any values; the texts by which they are found are given beside them.
    pub(crate) fn with_keys(entries: Vec<(Arc<str>, Value, Value)>) -> Map {
        if entries
            .iter()
            .all(|(_, key, _)| matches!(key, Value::Str(_)))
        {
            return entries
                .into_iter()
                .map(|(text, _, value)| (text, value))
                .collect();
        }
        let mut keys: IndexMap<Arc<str>, Value, foldhash::fast::RandomState> = IndexMap::default();
        let mut map = Entries::default();
        for (text, key, value) in entries {
            keys.insert(Arc::clone(&text), key);
            map.insert(text, value);
        }
        Map::from_parts(map, Some(keys.into_values().collect()))
    }

    /// Depth of nesting; 1 for a map of scalars.
    pub(crate) fn depth(&self) -> usize {
        self.0.depth
    }

    /// About how long its text is; see [`Value::weight`].
    pub(crate) fn weight(&self) -> usize {
        self.0.weight
    }

    /// The value under `key`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        if self.0.entries.len() <= FEW {
            let mut entries = self.0.entries.iter();
            return entries
                .find(|(known, _)| ***known == *key)
                .map(|(_, value)| value);
        }
        self.0.entries.get(key)
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.0.entries.len()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.0.entries.is_empty()
    }

    /// The entries in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Arc<str>, &Value)> {
        self.0.entries.iter()
    }

    /// The keys as values, in order: texts, or whatever a literal gave as key.
    pub(crate) fn key_values(&self) -> Vec<Value> {
        match &self.0.keys {
            Some(keys) => keys.to_vec(),
            None => self.0.entries.keys().cloned().map(Value::Str).collect(),
        }
    }

    /// A builder that begins with these entries.
    pub fn to_builder(&self) -> MapBuilder {
        MapBuilder {
            entries: self.0.entries.clone(),
        }
    }

    /// A builder that begins with these entries, copied only if the map is shared.
    pub fn into_builder(self) -> MapBuilder {
        match Arc::try_unwrap(self.0) {
            Ok(inner) => MapBuilder {
                entries: inner.entries,
            },
            Err(shared) => MapBuilder {
                entries: shared.entries.clone(),
            },
        }
    }
}

impl Default for Map {
    fn default() -> Map {
        MapBuilder::default().build()
    }
}

impl Object for Map {
    fn get(&self, key: &str) -> Result<Option<Value>, Error> {
        Ok(Map::get(self, key).cloned())
    }

    fn keys(&self) -> Vec<Arc<str>> {
        self.0.entries.keys().cloned().collect()
    }

    fn contains(&self, key: &str) -> Result<bool, Error> {
        Ok(self.0.entries.contains_key(key))
    }

    fn len(&self) -> usize {
        self.0.entries.len()
    }
}

impl<K: Into<Arc<str>>, V: Into<Value>> FromIterator<(K, V)> for Map {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Map {
        let entries = entries
            .into_iter()
            .map(|(key, value)| (key.into(), value.into()))
            .collect();
        Map::from_parts(entries, None)
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_map().entries(self.iter()).finish()
    }
}
