//! What a template refers to.

use std::collections::BTreeSet;

use crate::engine::Template;
use crate::survey::survey;

/// The root paths and functions a template may read.
///
/// A path that is constant is exact: `outputs.a['b'].c` is `[outputs, a, b, c]`, and whoever supplies the value at that
/// path has supplied enough. Where a path turns dynamic it ends, and means everything below: `outputs[x].y` is `[outputs]`
/// (and `[x]`). A template that may read anything, through `render(…)` of a text that is not constant or through
/// `printContext()`, has [`References::everything`] set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct References {
    /// Paths from the root; none is below another.
    pub paths: BTreeSet<Vec<String>>,
    /// Whether any variable at all may be read.
    pub everything: bool,
    /// The names of the functions that may be called.
    pub functions: BTreeSet<String>,
    /// The secrets that are named by constants: `secret('k')`.
    pub secrets: BTreeSet<String>,
    /// The key-value entries of the flow's own namespace that are named by constants: `kv('k')`.
    pub keys: BTreeSet<String>,
}

impl References {
    /// Whether something at or below the given path may be read.
    pub fn touches(&self, path: &[&str]) -> bool {
        self.everything
            || self
                .paths
                .iter()
                .any(|read| read.iter().zip(path).all(|(read, segment)| read == segment))
    }

    /// Whether the root variable may be read as a whole or in part.
    pub fn reads(&self, root: &str) -> bool {
        self.touches(&[root])
    }

    /// Adds what another template refers to.
    pub fn merge(&mut self, other: References) {
        self.everything |= other.everything;
        self.functions.extend(other.functions);
        self.secrets.extend(other.secrets);
        self.keys.extend(other.keys);
        for path in other.paths {
            self.add(path);
        }
    }

    /// Adds a path, unless a shorter one already covers it; longer ones it covers go.
    pub(crate) fn add(&mut self, path: Vec<String>) {
        if self.paths.iter().any(|known| path.starts_with(known)) {
            return;
        }
        self.paths.retain(|known| !known.starts_with(&path));
        self.paths.insert(path);
    }
}

/// What a template refers to.
pub(crate) fn of(template: &Template) -> References {
    let survey = survey(template);
    let mut references = References {
        everything: survey.everything,
        ..References::default()
    };
    for path in survey.paths {
        references.add(
            path.segments
                .into_iter()
                .map(|(name, _)| name.to_string())
                .collect(),
        );
    }
    for call in survey.calls {
        match (&*call.name, &call.constant) {
            ("secret", Some(key)) => {
                references.secrets.insert(key.to_string());
            }
            ("kv", Some(key)) if !call.has_namespace => {
                references.keys.insert(key.to_string());
            }
            _ => {}
        }
        references.functions.insert(call.name.to_string());
    }
    references
}
