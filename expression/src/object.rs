//! Lazy maps of the host.

use std::fmt::Debug;
use std::sync::Arc;

use crate::{Error, Value};

/// A map whose entries are made only when an expression asks for them.
///
/// An execution with ten thousand task runs is one: `{{ outputs.a.b }}` calls `get("outputs")` on the root, then
/// `get("a")` on what came back, and touches nothing else. Only expressions that need the whole map (printing it,
/// looping over it, most filters) call [`Object::keys`] and then [`Object::get`] for each of them.
pub trait Object: Debug + Send + Sync {
    /// The entry under `key`; `None` when there is none, which an expression sees as "undefined".
    ///
    /// # Errors
    /// An object whose entries live elsewhere may fail with [`Error::need`] (the host then fetches and renders
    /// again) or [`Error::evaluation`].
    fn get(&self, key: &str) -> Result<Option<Value>, Error>;

    /// All keys in the order in which they print.
    fn keys(&self) -> Vec<Arc<str>>;

    /// Whether there is an entry under `key`. Override it when that is cheaper than making the entry.
    ///
    /// # Errors
    /// As [`Object::get`].
    fn contains(&self, key: &str) -> Result<bool, Error> {
        Ok(self.get(key)?.is_some())
    }

    /// The number of entries.
    fn len(&self) -> usize {
        self.keys().len()
    }

    /// Whether there are no entries.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// No variables at all.
impl Object for () {
    fn get(&self, _key: &str) -> Result<Option<Value>, Error> {
        Ok(None)
    }

    fn keys(&self) -> Vec<Arc<str>> {
        Vec::new()
    }
}

impl<T: Object + ?Sized> Object for Arc<T> {
    fn get(&self, key: &str) -> Result<Option<Value>, Error> {
        (**self).get(key)
    }

    fn keys(&self) -> Vec<Arc<str>> {
        (**self).keys()
    }

    fn contains(&self, key: &str) -> Result<bool, Error> {
        (**self).contains(key)
    }

    fn len(&self) -> usize {
        (**self).len()
    }
}
