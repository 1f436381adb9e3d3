//! What ids may look like, and the nearest of many type names.

use std::collections::BTreeMap;

use flowmill_expression::nearest;

/// A pattern in Kestra's spelling, and whether a text keeps it.
pub(super) struct Pattern {
    /// As Kestra's message shows it.
    pub(super) text: &'static str,
    first: fn(char) -> bool,
    others: fn(char) -> bool,
}

/// Flow ids.
pub(super) const FLOW_ID: Pattern = Pattern {
    text: "^[a-zA-Z0-9][a-zA-Z0-9._-]*",
    first: |unit| unit.is_ascii_alphanumeric(),
    others: |unit| unit.is_ascii_alphanumeric() || matches!(unit, '.' | '_' | '-'),
};

/// Namespaces.
pub(super) const NAMESPACE: Pattern = Pattern {
    text: "^[a-z0-9][a-z0-9._-]*",
    first: |unit| unit.is_ascii_lowercase() || unit.is_ascii_digit(),
    others: |unit| {
        unit.is_ascii_lowercase() || unit.is_ascii_digit() || matches!(unit, '.' | '_' | '-')
    },
};

/// Ids of tasks and triggers.
pub(super) const TASK_ID: Pattern = Pattern {
    text: "^[a-zA-Z0-9][a-zA-Z0-9_-]*",
    first: |unit| unit.is_ascii_alphanumeric(),
    others: |unit| unit.is_ascii_alphanumeric() || matches!(unit, '_' | '-'),
};

/// Ids of inputs and outputs.
pub(super) const INPUT_ID: Pattern = Pattern {
    text: "^[a-zA-Z0-9][.a-zA-Z0-9_-]*",
    first: |unit| unit.is_ascii_alphanumeric(),
    others: |unit| unit.is_ascii_alphanumeric() || matches!(unit, '.' | '_' | '-'),
};

/// Types of plugins: dotted Java names.
pub(super) const TYPE: Pattern = Pattern {
    text: "\\p{javaJavaIdentifierStart}\\p{javaJavaIdentifierPart}*(\\.\\p{javaJavaIdentifierStart}\\p{javaJavaIdentifierPart}*)*",
    first: |unit| unit.is_alphabetic() || matches!(unit, '_' | '$'),
    others: |unit| unit.is_alphanumeric() || matches!(unit, '_' | '$' | '.'),
};

impl Pattern {
    /// Whether all of the text keeps it.
    pub(super) fn fits(&self, text: &str) -> bool {
        let mut characters = text.chars();
        characters.next().is_some_and(self.first) && characters.all(self.others)
    }
}

/// Flow ids that would clash with paths of the API.
pub(super) const RESERVED_FLOW_IDS: [&str; 10] = [
    "pause",
    "resume",
    "force-run",
    "change-status",
    "kill",
    "executions",
    "search",
    "source",
    "disable",
    "enable",
];

/// The types nearest to what was written: misspelt by a few letters, or the right last name in the wrong package.
pub(super) fn nearest_types<'a>(
    written: &str,
    known: impl Iterator<Item = &'a str>,
) -> Vec<String> {
    let known: Vec<&str> = known.collect();
    let near = nearest(written, known.iter().copied(), 3);
    if !near.is_empty() {
        return near;
    }
    let simple = |name: &'a str| name.rsplit('.').next().unwrap_or(name);
    let wanted = written.rsplit('.').next().unwrap_or(written);
    let mut by_simple: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for name in known {
        by_simple.entry(simple(name)).or_default().push(name);
    }
    let same = by_simple
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
        .map(|(_, names)| names.clone());
    let names = same.unwrap_or_else(|| {
        let near = nearest(wanted, by_simple.keys().copied(), 2);
        near.iter()
            .flat_map(|name| by_simple[name.as_str()].iter().copied())
            .collect()
    });
    // the one that shares most of its package is the likeliest
    let mut names: Vec<&str> = names;
    names.sort_by_key(|name| std::cmp::Reverse(common_start(name, written)));
    names.into_iter().take(3).map(str::to_owned).collect()
}

fn common_start(left: &str, right: &str) -> usize {
    left.bytes()
        .zip(right.bytes())
        .take_while(|(left, right)| left == right)
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_kestra() {
        assert!(FLOW_ID.fits("a.b_c-D"));
        assert!(
            !FLOW_ID.fits("-a")
                && !FLOW_ID.fits("")
                && !FLOW_ID.fits("my#flow")
                && !FLOW_ID.fits("1 bad")
        );
        assert!(NAMESPACE.fits("company.team") && !NAMESPACE.fits("Company"));
        assert!(TASK_ID.fits("my-task_1") && !TASK_ID.fits("a.b"));
    }

    #[test]
    fn the_nearest_type_is_found_by_its_last_name_too() {
        let known = [
            "io.kestra.plugin.core.log.Log",
            "io.kestra.plugin.core.log.Fetch",
            "io.kestra.plugin.other.Log",
        ];
        let near = |written| nearest_types(written, known.iter().copied());
        assert_eq!(
            near("io.kestra.plugin.core.log.Lgo"),
            ["io.kestra.plugin.core.log.Log"]
        );
        assert_eq!(
            near("io.kestra.plugin.core.Log")[0],
            "io.kestra.plugin.core.log.Log"
        );
        assert_eq!(near("Fetsh"), ["io.kestra.plugin.core.log.Fetch"]);
        assert!(near("com.acme.Whatever").is_empty());
    }
}
