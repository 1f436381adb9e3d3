//! `{% raw %}…{% endraw %}`, taken out before anything else reads the text.
//!
//! The bodies are replaced by tokens that nothing else contains, and put back into the output. So they survive even
//! inside strings, and are not rendered again by `render()`.

use std::borrow::Cow;
use std::sync::Arc;

use super::blank::is_blank;

/// Marks the two ends of a token; both are private to whoever uses them.
const OPEN: char = '\u{10fffc}';
const CLOSE: char = '\u{10fffd}';

/// A text whose raw parts are taken out.
pub(super) struct Extracted<'a> {
    /// The text with tokens for raw parts.
    pub(super) text: Cow<'a, str>,
    /// The bodies, in order.
    pub(super) parts: Vec<Arc<str>>,
    /// For each token: its end in the new text, and how many bytes the original is ahead from there.
    shifts: Vec<(usize, usize)>,
}

impl Extracted<'_> {
    /// The offset in the original text of an offset in the new one.
    pub(super) fn origin(&self, offset: usize) -> usize {
        let shift = self
            .shifts
            .iter()
            .take_while(|(end, _)| *end <= offset)
            .last();
        offset + shift.map_or(0, |(_, ahead)| *ahead)
    }
}

/// Takes the raw parts out of a text.
pub(super) fn extract(text: &str) -> Extracted<'_> {
    let mut extracted = Extracted {
        text: Cow::Borrowed(text),
        parts: Vec::new(),
        shifts: Vec::new(),
    };
    if !text.contains("raw") {
        return extracted;
    }
    let mut result = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(start) = text[at..].find("{%").map(|found| at + found) {
        let part = tag(&text[start..], "raw").and_then(|opening| {
            let body = start + opening;
            let (length, closing) = find_end(&text[body..])?;
            Some((body, body + length, body + length + closing))
        });
        let Some((body, body_end, end)) = part else {
            at = start + 2;
            continue;
        };
        result.push_str(&text[copied..start]);
        result.push_str(&token(extracted.parts.len()));
        extracted.parts.push(text[body..body_end].into());
        extracted.shifts.push((result.len(), end - result.len()));
        copied = end;
        at = end;
    }
    if !extracted.parts.is_empty() {
        result.push_str(&text[copied..]);
        extracted.text = Cow::Owned(result);
    }
    extracted
}

/// Puts the raw parts back into an output.
pub(crate) fn restore(output: String, parts: &[Arc<str>]) -> String {
    if parts.is_empty() || !output.contains(OPEN) {
        return output;
    }
    let mut restored = output;
    for (index, part) in parts.iter().enumerate() {
        restored = restored.replace(&token(index), part);
    }
    restored
}

/// Renames the tokens of one round, so that those of the next do not clash with them; their parts are added to `kept`.
pub(crate) fn keep(output: String, parts: &[Arc<str>], kept: &mut Vec<Arc<str>>) -> String {
    let mut renamed = output;
    for (index, part) in parts.iter().enumerate() {
        renamed = renamed.replace(&token(index), &kept_token(kept.len()));
        kept.push(Arc::clone(part));
    }
    renamed
}

/// Puts all parts that were kept back into the last output.
pub(crate) fn restore_kept(output: String, kept: &[Arc<str>]) -> String {
    kept.iter()
        .enumerate()
        .fold(output, |output, (index, part)| {
            output.replace(&kept_token(index), part)
        })
}

/// Strips raw tags that only the output contains, leaving their inner text.
pub(crate) fn strip_tags(output: String) -> String {
    if !output.contains('{') || !output.contains("{%") || !output.contains("endraw") {
        return output;
    }
    let extracted = extract(&output);
    if extracted.parts.is_empty() {
        return output;
    }
    let parts = extracted.parts.clone();
    restore(extracted.text.into_owned(), &parts)
}

fn token(index: usize) -> String {
    format!("{OPEN}{index}{CLOSE}")
}

fn kept_token(index: usize) -> String {
    format!("{OPEN}k{index}{CLOSE}")
}

/// The length of the body before the next end tag, and that tag's own length.
fn find_end(text: &str) -> Option<(usize, usize)> {
    let mut at = 0;
    while let Some(start) = text[at..].find("{%").map(|found| at + found) {
        if let Some(length) = tag(&text[start..], "endraw") {
            return Some((start, length));
        }
        at = start + 2;
    }
    None
}

/// The length of the tag `name` at the beginning of a text, dashes and blanks within accepted.
fn tag(text: &str, name: &str) -> Option<usize> {
    let inner = text
        .strip_prefix("{%")?
        .trim_start_matches('-')
        .trim_start_matches(is_blank);
    let inner = inner
        .strip_prefix(name)?
        .trim_start_matches(is_blank)
        .trim_start_matches('-');
    let rest = inner.strip_prefix("%}")?;
    Some(text.len() - rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_parts_are_taken_out_and_put_back() {
        let text = "a {%- raw -%}{{ x }}{% endraw %} b";
        let extracted = extract(text);
        assert_eq!(extracted.parts, [Arc::from("{{ x }}")]);
        let offset = extracted.text.find(" b").unwrap();
        assert_eq!(extracted.origin(offset), text.find(" b").unwrap());
        assert_eq!(
            restore(extracted.text.to_string(), &extracted.parts),
            "a {{ x }} b"
        );
        assert_eq!(strip_tags(text.to_owned()), "a {{ x }} b");
    }
}
