//! Programs that are a plain path: `.a.b[0]`.

use super::value::Jq;
use crate::Error;

/// A path without wildcards.
#[derive(Debug, PartialEq)]
pub(crate) struct Path(Vec<Segment>);

#[derive(Debug, PartialEq)]
enum Segment {
    Key(String),
    Index(i64),
}

impl Path {
    /// Reads `.`, `.a.b`, `.a[0]`, `.["a b"]`; `None` for everything else.
    pub(super) fn parse(program: &str) -> Option<Path> {
        let mut rest = program.trim();
        let mut segments = Vec::new();
        rest = rest.strip_prefix('.')?;
        if rest.is_empty() {
            return Some(Path(segments));
        }
        loop {
            if let Some(inner) = rest.strip_prefix('[') {
                let (segment, after) = inner.split_once(']')?;
                segments.push(bracketed(segment)?);
                rest = after;
            } else {
                let length = rest
                    .bytes()
                    .take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
                    .count();
                let name = &rest[..length];
                if name.is_empty() || name.starts_with(|unit: char| unit.is_ascii_digit()) {
                    return None;
                }
                segments.push(Segment::Key(name.to_owned()));
                rest = &rest[length..];
            }
            if rest.is_empty() {
                return Some(Path(segments));
            }
            rest = match rest.strip_prefix('.') {
                Some(after) if !after.is_empty() => after,
                _ if rest.starts_with('[') => rest,
                _ => return None,
            };
        }
    }

    /// What the path leads to.
    pub(super) fn walk(&self, input: &Jq) -> Result<Jq, Error> {
        let mut value = input.clone();
        for segment in &self.0 {
            let found = match segment {
                Segment::Key(key) => value.entry(key),
                Segment::Index(index) => value.item(*index),
            };
            value = found.ok_or_else(|| {
                let what = match segment {
                    Segment::Key(key) => format!("\"{key}\""),
                    Segment::Index(index) => index.to_string(),
                };
                Error::evaluation(format!("Cannot index {} with {what}", value.type_name()))
            })?;
        }
        Ok(value)
    }
}

fn bracketed(text: &str) -> Option<Segment> {
    let text = text.trim();
    if let Some(quoted) = text.strip_prefix('"') {
        let key = quoted.strip_suffix('"')?;
        return (!key.contains(['"', '\\'])).then(|| Segment::Key(key.to_owned()));
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain =
        !digits.is_empty() && digits.len() < 10 && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain
        .then(|| text.parse().ok().map(Segment::Index))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_paths_are_recognised_and_nothing_else() {
        let key = |name: &str| Segment::Key(name.to_owned());
        assert_eq!(
            Path::parse(".a.b[0]"),
            Some(Path(vec![key("a"), key("b"), Segment::Index(0)]))
        );
        assert_eq!(
            Path::parse(" .[\"a b\"].c "),
            Some(Path(vec![key("a b"), key("c")]))
        );
        assert_eq!(Path::parse("."), Some(Path(vec![])));
        for other in [
            ".a[]", ".a?", "..", ".a|.b", ".a[1:2]", "a", ".a.", ".[1.5]", ".a b", "",
        ] {
            assert_eq!(Path::parse(other), None, "{other}");
        }
    }
}
