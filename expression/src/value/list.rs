//! Lists that know how deep they are.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::Value;

/// A shared list.
///
/// It keeps its depth, so that the engine can refuse values whose printing, comparing or dropping would run out of
/// stack.
#[derive(Clone)]
pub struct List(Arc<Inner>);

struct Inner {
    depth: usize,
    weight: usize,
    items: Vec<Value>,
}

impl List {
    /// Depth of nesting; 1 for a list of scalars.
    pub(crate) fn depth(&self) -> usize {
        self.0.depth
    }

    /// About how long its text is; see [`Value::weight`].
    pub(crate) fn weight(&self) -> usize {
        self.0.weight
    }

    /// The elements, copied only if the list is shared.
    pub fn into_vec(self) -> Vec<Value> {
        match Arc::try_unwrap(self.0) {
            Ok(inner) => inner.items,
            Err(shared) => shared.items.clone(),
        }
    }
}

impl Default for List {
    fn default() -> List {
        List::from(Vec::new())
    }
}

impl From<Vec<Value>> for List {
    fn from(items: Vec<Value>) -> List {
        let depth = 1 + items.iter().map(Value::depth).max().unwrap_or(0);
        let weight = items
            .iter()
            .map(Value::weight)
            .fold(2, usize::saturating_add);
        List(Arc::new(Inner {
            depth,
            weight,
            items,
        }))
    }
}

impl FromIterator<Value> for List {
    fn from_iter<I: IntoIterator<Item = Value>>(items: I) -> List {
        List::from(items.into_iter().collect::<Vec<Value>>())
    }
}

impl Deref for List {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        &self.0.items
    }
}

impl fmt::Debug for List {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.iter()).finish()
    }
}
