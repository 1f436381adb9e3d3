//! Defaults put under what was written.

use super::node::{Entry, Kind, Mapping, Node};

/// Who wins when both say something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Winner {
    /// What stands in the target already.
    Target,
    /// What is merged in.
    Source,
}

/// Puts `source` into `target`, mappings member by member; lists are taken or left whole.
pub(crate) fn merge(target: &mut Mapping, source: &Mapping, winner: Winner) {
    for (key, entry) in source.iter() {
        match (target.get_mut(key), &entry.value.kind) {
            (
                Some(Node {
                    kind: Kind::Mapping(below),
                    ..
                }),
                Kind::Mapping(source_below),
            ) => {
                merge(below, source_below, winner);
            }
            (Some(existing), _) => {
                if winner == Winner::Source {
                    *existing = entry.value.clone();
                }
            }
            (None, _) => {
                target.insert(key.into(), Entry::clone(entry));
            }
        }
    }
}
