//! A bounded cache of compiled things.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, RwLock};

/// A cache in two generations: what was not used while the young one filled up is forgotten.
///
/// Reading takes a shared lock and a hash; nothing is moved on a hit in the young generation.
pub(crate) struct Cache<K, V> {
    generations: RwLock<Generations<K, V>>,
    capacity: usize,
}

type Generation<K, V> = HashMap<K, Arc<V>, foldhash::fast::RandomState>;

struct Generations<K, V> {
    young: Generation<K, V>,
    old: Generation<K, V>,
}

impl<K: Hash + Eq, V> Cache<K, V> {
    /// A cache of about `capacity` things; 0 keeps nothing.
    pub(crate) fn new(capacity: usize) -> Cache<K, V> {
        let generations = Generations {
            young: HashMap::default(),
            old: HashMap::default(),
        };
        Cache {
            generations: RwLock::new(generations),
            capacity: capacity.div_ceil(2),
        }
    }

    /// What is kept under `key`, or what `make` makes of it; failures are not kept.
    pub(crate) fn get<Q, E>(
        &self,
        key: &Q,
        make: impl FnOnce() -> Result<V, E>,
    ) -> Result<Arc<V>, E>
    where
        K: Borrow<Q> + for<'q> From<&'q Q>,
        Q: Hash + Eq + ?Sized,
    {
        if self.capacity == 0 {
            return make().map(Arc::new);
        }
        if let Some(found) = self.read(|generations| generations.young.get(key).cloned()) {
            return Ok(found);
        }
        let kept = match self.read(|generations| generations.old.get(key).cloned()) {
            Some(found) => found,
            None => Arc::new(make()?),
        };
        self.insert(K::from(key), Arc::clone(&kept));
        Ok(kept)
    }

    fn read<T>(&self, look: impl FnOnce(&Generations<K, V>) -> T) -> T {
        // A panic while the lock was held cannot leave the maps half changed in a way that matters.
        look(
            &self
                .generations
                .read()
                .unwrap_or_else(std::sync::PoisonError::into_inner),
        )
    }

    fn insert(&self, key: K, value: Arc<V>) {
        let mut generations = self
            .generations
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if generations.young.len() >= self.capacity {
            generations.old = std::mem::take(&mut generations.young);
        }
        generations.young.insert(key, value);
    }
}

impl<K, V> fmt::Debug for Cache<K, V> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Cache")
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_what_is_not_is_forgotten() {
        let cache: Cache<String, usize> = Cache::new(4);
        let get = |key: &str, value: usize| *cache.get::<str, ()>(key, || Ok(value)).unwrap();
        get("a", 1);
        for (index, key) in ["b", "c", "d", "e", "f", "g"].into_iter().enumerate() {
            get(key, index);
            assert_eq!(get("a", 99), 1, "it is used after each of the others");
        }
        assert_eq!(get("b", 42), 42, "it was not used again");
    }
}
