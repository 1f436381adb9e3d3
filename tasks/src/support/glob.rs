//! File name patterns as Java's path matchers read them, because that is what flows are written against: `*` stays in one folder,
//! `**` crosses folders, `**/*.csv` wants at least one folder, `{a,b}` chooses, `[!a-c]` excludes. PURE.

use std::fmt;

use regex::Regex;

/// A compiled pattern. Matches whole paths with `/` between folders, without one in front.
#[derive(Clone, Debug)]
pub struct Pattern {
    written: String,
    regex: Regex,
    anchor: Anchor,
}

/// What a path is compared as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Anchor {
    /// A path below the folder.
    Relative,
    /// Patterns with `glob:` or `regex:` see the whole path in Java; the relative one is accepted, too.
    Either,
}

/// A pattern that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}` is not a file pattern: {reason}")]
pub struct Error {
    pattern: String,
    reason: String,
}

impl Pattern {
    /// A pattern of the files below a folder: `report.csv`, `data/*.json`, `**.parquet`, `glob:…`, `regex:…`.
    pub fn below_folder(written: &str) -> Result<Self, Error> {
        let (anchor, expression) = match (
            written.strip_prefix("glob:"),
            written.strip_prefix("regex:"),
        ) {
            (Some(glob), _) => (Anchor::Either, translate(glob)),
            (_, Some(regex)) => (Anchor::Either, Ok(regex.to_owned())),
            _ => (
                Anchor::Relative,
                translate(written.strip_prefix("./").unwrap_or(written)),
            ),
        };
        Self::compile(written, anchor, expression)
    }

    /// A pattern of the files of a namespace, whose paths begin with `/`: a pattern that begins with a letter, a digit or `_` is
    /// looked for in every folder.
    pub fn of_namespace_file(written: &str) -> Result<Self, Error> {
        if written.starts_with("glob:") || written.starts_with("regex:") {
            return Self::below_folder(written);
        }
        let anywhere = written.starts_with(|first: char| first.is_alphanumeric() || first == '_');
        let pattern = if anywhere {
            format!("**/{written}")
        } else {
            written.to_owned()
        };
        Self::compile(written, Anchor::Relative, translate(&pattern))
    }

    fn compile(
        written: &str,
        anchor: Anchor,
        expression: Result<String, String>,
    ) -> Result<Self, Error> {
        let error = |reason: String| Error {
            pattern: written.to_owned(),
            reason,
        };
        let expression = expression.map_err(error)?;
        let regex = Regex::new(&format!("(?s)^(?:{expression})$"))
            .map_err(|cause| error(cause.to_string()))?;
        Ok(Self {
            written: written.to_owned(),
            regex,
            anchor,
        })
    }

    /// Whether a path below the folder matches. `folder` is the folder's own path.
    pub fn matches(&self, folder: &str, path: &str) -> bool {
        match self.anchor {
            Anchor::Relative => self.regex.is_match(path),
            Anchor::Either => {
                self.regex.is_match(path) || self.regex.is_match(&format!("{folder}/{path}"))
            }
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// Whether a text names one file rather than a pattern: what Kestra looks for to tell them apart.
pub fn is_literal(pattern: &str) -> bool {
    !pattern.contains(['*', '?', '[', '{'])
        && !pattern.starts_with("glob:")
        && !pattern.starts_with("regex:")
}

/// The regular expression of a glob, by the rules of `java.nio.file.FileSystem.getPathMatcher`.
fn translate(glob: &str) -> Result<String, String> {
    let mut regex = String::with_capacity(glob.len() * 2);
    let mut rest = glob.chars().peekable();
    let mut in_group = false;
    while let Some(c) = rest.next() {
        match c {
            '\\' => literal(
                &mut regex,
                rest.next().ok_or("nothing follows the last `\\`")?,
            ),
            '*' if rest.next_if_eq(&'*').is_some() => regex.push_str(".*"),
            '*' => regex.push_str("[^/]*"),
            '?' => regex.push_str("[^/]"),
            '[' => class(&mut regex, &mut rest)?,
            '{' if in_group => return Err("groups cannot be nested".into()),
            '{' => {
                in_group = true;
                regex.push_str("(?:(?:");
            }
            '}' if in_group => {
                in_group = false;
                regex.push_str("))");
            }
            ',' if in_group => regex.push_str(")|(?:"),
            c => literal(&mut regex, c),
        }
    }
    if in_group {
        Err("`}` is missing".into())
    } else {
        Ok(regex)
    }
}

/// What stands in brackets, `[` already read. Never matches `/`.
fn class(
    regex: &mut String,
    rest: &mut std::iter::Peekable<std::str::Chars<'_>>,
) -> Result<(), String> {
    regex.push_str("[[^/]&&[");
    if rest.next_if_eq(&'!').is_some() {
        regex.push('^');
    }
    // In front, `-` is itself.
    if rest.next_if_eq(&'-').is_some() {
        regex.push_str("\\-");
    }
    let mut last = None;
    loop {
        match rest.next().ok_or("`]` is missing")? {
            ']' => break,
            '/' => return Err("`/` cannot stand in brackets".into()),
            '-' if last.is_some() && rest.peek().is_some_and(|next| *next != ']') => {
                let end = rest.next().ok_or("`]` is missing")?;
                if last.is_some_and(|start| end < start) {
                    return Err("a range in brackets ends before it begins".into());
                }
                regex.push('-');
                literal(regex, end);
                last = None;
            }
            '-' => regex.push_str("\\-"),
            c => {
                literal(regex, c);
                last = Some(c);
            }
        }
    }
    regex.push_str("]]");
    Ok(())
}

fn literal(regex: &mut String, c: char) {
    regex.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matched<'a>(pattern: &str, paths: &[&'a str]) -> Vec<&'a str> {
        let pattern = Pattern::below_folder(pattern).unwrap();
        paths
            .iter()
            .copied()
            .filter(|path| pattern.matches("/tmp/w", path))
            .collect()
    }

    const PATHS: [&str; 5] = [
        "a.csv",
        "b.json",
        "data/a.csv",
        "data/deep/a.csv",
        ".hidden.csv",
    ];

    #[test]
    fn stars_behave_as_in_java() {
        assert_eq!(matched("*.csv", &PATHS), ["a.csv", ".hidden.csv"]);
        assert_eq!(
            matched("**.csv", &PATHS),
            ["a.csv", "data/a.csv", "data/deep/a.csv", ".hidden.csv"]
        );
        assert_eq!(
            matched("**/*.csv", &PATHS),
            ["data/a.csv", "data/deep/a.csv"]
        );
        assert_eq!(matched("data/*", &PATHS), ["data/a.csv"]);
        assert_eq!(matched("./a.csv", &PATHS), ["a.csv"]);
    }

    #[test]
    fn groups_classes_and_escapes_behave_as_in_java() {
        assert_eq!(
            matched("*.{csv,json}", &["a.csv", "a.json", "a.txt"]),
            ["a.csv", "a.json"]
        );
        assert_eq!(matched("[a-b]?", &["a1", "b2", "c3", "a/"]), ["a1", "b2"]);
        assert_eq!(matched("[!a-b]1", &["a1", "c1", "/1"]), ["c1"]);
        assert_eq!(matched("[-a]1", &["-1", "a1", "b1"]), ["-1", "a1"]);
        assert_eq!(matched("\\*.csv", &["*.csv", "a.csv"]), ["*.csv"]);
        assert_eq!(
            matched("a+(b).csv", &["a+(b).csv", "aab.csv"]),
            ["a+(b).csv"]
        );
        assert_eq!(matched("[~&]x", &["~x", "&x", "ax"]), ["~x", "&x"]);
    }

    #[test]
    fn a_named_syntax_sees_the_whole_path() {
        assert_eq!(
            matched("glob:**/a.csv", &PATHS),
            ["a.csv", "data/a.csv", "data/deep/a.csv"]
        );
        assert_eq!(
            matched("regex:.*/data/.*", &PATHS),
            ["data/a.csv", "data/deep/a.csv"]
        );
    }

    #[test]
    fn a_namespace_pattern_without_a_slash_is_looked_for_everywhere() {
        let pattern = Pattern::of_namespace_file("a.txt").unwrap();
        assert!(
            pattern.matches("", "/a.txt")
                && pattern.matches("", "/dir/a.txt")
                && !pattern.matches("", "/b.txt")
        );
        let pattern = Pattern::of_namespace_file("/a.txt").unwrap();
        assert!(pattern.matches("", "/a.txt") && !pattern.matches("", "/dir/a.txt"));
    }

    #[test]
    fn a_pattern_that_cannot_be_read_says_why() {
        for (pattern, reason) in [
            ("{a", "`}`"),
            ("[a", "`]`"),
            ("a\\", "last"),
            ("{a,{b}}", "nested"),
            ("[b-a]", "range"),
            ("regex:(", ""),
        ] {
            let error = Pattern::below_folder(pattern).unwrap_err().to_string();
            assert!(error.contains(pattern) && error.contains(reason), "{error}");
        }
    }
}
