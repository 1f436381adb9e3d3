//! Java's regular expressions, as far as flows use them.
//!
//! The linear-time `regex` crate runs what it can; patterns with look-around, back-references or possessive parts go to
//! `fancy-regex`, whose backtracking is limited.

use std::borrow::Cow;
use std::sync::Arc;

use crate::error::{Error, Limit};
use crate::evaluate::Session;
use crate::{Limits, Value};

/// A compiled pattern.
#[derive(Debug)]
pub(crate) enum Regex {
    Linear(regex::Regex),
    Backtracking(fancy_regex::Regex),
}

/// The places of the groups of one match, the whole match first.
pub(crate) type Groups = Vec<Option<(usize, usize)>>;

/// The compiled pattern, from the cache if it is there.
pub(crate) fn compile(session: &Session<'_>, pattern: &str) -> Result<Arc<Regex>, Error> {
    let limits = session.limits();
    if pattern.len() > limits.regex_bytes {
        let message = format!(
            "the regular expression is longer than {} bytes (`limits.regexBytes`)",
            limits.regex_bytes
        );
        return Err(Error::limit(Limit::Regex, message));
    }
    session
        .shared
        .regexes
        .get(pattern, || Regex::new(pattern, limits))
}

impl Regex {
    fn new(pattern: &str, limits: &Limits) -> Result<Regex, Error> {
        let translated = translate(pattern);
        let linear = regex::RegexBuilder::new(&translated)
            .size_limit(limits.regex_size)
            .dfa_size_limit(limits.regex_size)
            .nest_limit(100)
            .build();
        let problem = match linear {
            Ok(regex) => return Ok(Regex::Linear(regex)),
            Err(regex::Error::CompiledTooBig(_)) => {
                let message = format!(
                    "the regular expression needs more than {} bytes (`limits.regexSize`)",
                    limits.regex_size
                );
                return Err(Error::limit(Limit::Regex, message));
            }
            Err(problem) => problem,
        };
        if nests_too_deep(&translated) {
            return Err(Error::limit(
                Limit::Regex,
                "the regular expression nests deeper than the limit of 100",
            ));
        }
        let backtracking = fancy_regex::RegexBuilder::new(&translated)
            .backtrack_limit(limits.regex_backtracks)
            .delegate_size_limit(limits.regex_size)
            .delegate_dfa_size_limit(limits.regex_size)
            .build();
        match backtracking {
            Ok(regex) => Ok(Regex::Backtracking(regex)),
            Err(_) => Err(Error::evaluation(format!(
                "Invalid regex '{pattern}': {}",
                reason(pattern, &problem)
            ))),
        }
    }

    /// The number of groups, without the whole match.
    pub(crate) fn group_count(&self) -> usize {
        match self {
            Regex::Linear(regex) => regex.captures_len() - 1,
            Regex::Backtracking(regex) => regex.captures_len() - 1,
        }
    }

    /// The place of the first match at or after `start`.
    pub(crate) fn find_at(
        &self,
        text: &str,
        start: usize,
    ) -> Result<Option<(usize, usize)>, Error> {
        match self {
            Regex::Linear(regex) => Ok(regex
                .find_at(text, start)
                .map(|found| (found.start(), found.end()))),
            Regex::Backtracking(regex) => {
                let found = regex.find_from_pos(text, start).map_err(too_hard)?;
                Ok(found.map(|found| (found.start(), found.end())))
            }
        }
    }

    /// The groups of the first match at or after `start`.
    pub(crate) fn captures_at(&self, text: &str, start: usize) -> Result<Option<Groups>, Error> {
        match self {
            Regex::Linear(regex) => Ok(regex.captures_at(text, start).map(|groups| {
                groups
                    .iter()
                    .map(|group| group.map(|group| (group.start(), group.end())))
                    .collect()
            })),
            Regex::Backtracking(regex) => {
                let found = regex.captures_from_pos(text, start).map_err(too_hard)?;
                Ok(found.map(|groups| {
                    groups
                        .iter()
                        .map(|group| group.map(|group| (group.start(), group.end())))
                        .collect()
                }))
            }
        }
    }

    /// The names of the groups, the whole match first; `None` for those without.
    pub(crate) fn names(&self) -> Vec<Option<String>> {
        match self {
            Regex::Linear(regex) => regex
                .capture_names()
                .map(|name| name.map(str::to_owned))
                .collect(),
            Regex::Backtracking(regex) => regex
                .capture_names()
                .map(|name| name.map(str::to_owned))
                .collect(),
        }
    }

    /// The index of a named group.
    fn group_index(&self, name: &str) -> Option<usize> {
        match self {
            Regex::Linear(regex) => regex.capture_names().position(|known| known == Some(name)),
            Regex::Backtracking(regex) => {
                regex.capture_names().position(|known| known == Some(name))
            }
        }
    }
}

fn too_hard(problem: fancy_regex::Error) -> Error {
    Error::limit(
        Limit::Regex,
        format!("the regular expression takes too long (`limits.regexBacktracks`): {problem}"),
    )
}

/// Whether the whole text matches.
pub(crate) fn matches_whole(
    session: &Session<'_>,
    text: &str,
    pattern: &str,
) -> Result<bool, Error> {
    // Anchored within the pattern, so that the engine looks for a match of the whole and not of a part.
    compile(session, pattern)?;
    let whole = compile(session, &format!(r"\A(?:{pattern})\z"))?;
    session.charge(text.len() / 16)?;
    Ok(whole.find_at(text, 0)?.is_some())
}

/// Java's `split`: no limit or 0 drops trailing empty parts, a positive one gives at most so many parts, a negative one
/// keeps all. A match without width at the start gives no empty first part.
pub(crate) fn split(
    session: &Session<'_>,
    text: &str,
    pattern: &str,
    limit: i64,
) -> Result<Value, Error> {
    let regex = compile(session, pattern)?;
    session.charge(text.len() / 16)?;
    let mut parts: Vec<&str> = Vec::new();
    let mut from = 0;
    let mut search = 0;
    while let Some((start, end)) = regex.find_at(text, search)? {
        charge_search(session, text.len() - end)?;
        if limit > 0 && parts.len() as i64 == limit - 1 {
            break;
        }
        let empty = start == end;
        if end > 0 {
            parts.push(&text[from..start]);
            from = end;
        }
        match next_search(text, end, empty) {
            Some(next) => search = next,
            None => break,
        }
    }
    if from == 0 && parts.is_empty() {
        return Ok(Value::from(vec![Value::from(text)]));
    }
    parts.push(&text[from..]);
    if limit == 0 {
        while parts.last().is_some_and(|part| part.is_empty()) {
            parts.pop();
        }
    }
    Ok(parts.into_iter().collect())
}

/// Counts one of many searches in a text: each may look at all that is left of it.
fn charge_search(session: &Session<'_>, left: usize) -> Result<(), Error> {
    session.charge(1 + left / 1024)
}

/// Where to look on after a match; `None` at the end.
fn next_search(text: &str, end: usize, empty: bool) -> Option<usize> {
    if !empty {
        return (end <= text.len()).then_some(end);
    }
    let width = text[end..].chars().next()?.len_utf8();
    Some(end + width)
}

/// Every match replaced; `$1`, `${name}` and backslashes in the replacement as in Java.
pub(crate) fn replace_all(
    session: &Session<'_>,
    text: &str,
    pattern: &str,
    replacement: &str,
) -> Result<Value, Error> {
    replace(session, text, pattern, replacement, usize::MAX)
}

/// The first match replaced.
pub(crate) fn replace_first(
    session: &Session<'_>,
    text: &str,
    pattern: &str,
    replacement: &str,
) -> Result<Value, Error> {
    replace(session, text, pattern, replacement, 1)
}

fn replace(
    session: &Session<'_>,
    text: &str,
    pattern: &str,
    replacement: &str,
    count: usize,
) -> Result<Value, Error> {
    let regex = compile(session, pattern)?;
    session.charge(text.len() / 16)?;
    let mut parts: Option<Vec<Part<'_>>> = None;
    let mut result = session.text();
    let mut copied = 0;
    let mut search = 0;
    let mut replaced = 0;
    while replaced < count {
        let Some(groups) = regex.captures_at(text, search)? else {
            break;
        };
        charge_search(session, text.len() - search)?;
        let Some(Some((start, end))) = groups.first().copied() else {
            break;
        };
        // The replacement is read only when there is something to replace, as in Java.
        let parts = match &mut parts {
            Some(parts) => parts,
            None => parts.insert(read_replacement(&regex, replacement)?),
        };
        result.push_str(&text[copied..start])?;
        for part in parts.iter() {
            match part {
                Part::Text(literal) => result.push_str(literal)?,
                Part::Group(index) => {
                    if let Some(Some((start, end))) = groups.get(*index) {
                        result.push_str(&text[*start..*end])?;
                    }
                }
            }
        }
        copied = end;
        replaced += 1;
        match next_search(text, end, start == end) {
            Some(next) => search = next,
            None => break,
        }
    }
    result.push_str(&text[copied..])?;
    Ok(Value::from(result.into_string()))
}

enum Part<'a> {
    Text(Cow<'a, str>),
    Group(usize),
}

/// Reads a replacement: `$12` is group 12 if there are so many, else group 1 followed by `2`.
fn read_replacement<'a>(regex: &Regex, replacement: &'a str) -> Result<Vec<Part<'a>>, Error> {
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut units = replacement.char_indices().peekable();
    while let Some((at, unit)) = units.next() {
        match unit {
            '\\' => match units.next() {
                Some((_, next)) => text.push(next),
                None => return Err(Error::evaluation("character to be escaped is missing")),
            },
            '$' => {
                if !text.is_empty() {
                    parts.push(Part::Text(Cow::Owned(std::mem::take(&mut text))));
                }
                let rest = &replacement[at + 1..];
                if let Some(name) = rest
                    .strip_prefix('{')
                    .and_then(|rest| rest.split_once('}'))
                    .map(|(name, _)| name)
                {
                    let Some(index) = regex.group_index(name) else {
                        return Err(Error::evaluation(format!("No group with name {{{name}}}")));
                    };
                    parts.push(Part::Group(index));
                    while units.next().is_some_and(|(_, unit)| unit != '}') {}
                    continue;
                }
                let Some(first) = rest.chars().next().and_then(|unit| unit.to_digit(10)) else {
                    return Err(Error::evaluation("Illegal group reference"));
                };
                units.next();
                let mut index = first as usize;
                while let Some(digit) = units.peek().and_then(|(_, unit)| unit.to_digit(10)) {
                    let longer = index * 10 + digit as usize;
                    if longer > regex.group_count() {
                        break;
                    }
                    index = longer;
                    units.next();
                }
                if index > regex.group_count() {
                    return Err(Error::evaluation(format!("No group {index}")));
                }
                parts.push(Part::Group(index));
            }
            unit => text.push(unit),
        }
    }
    if !text.is_empty() {
        parts.push(Part::Text(Cow::Owned(text)));
    }
    Ok(parts)
}

/// Why Java would refuse the pattern, in its words where we know them.
fn reason(pattern: &str, problem: &regex::Error) -> String {
    let mut depth = 0_i64;
    let mut in_class = false;
    let mut units = pattern.chars();
    while let Some(unit) = units.next() {
        match unit {
            '\\' => {
                units.next();
            }
            '[' => in_class = true,
            ']' => in_class = false,
            '(' if !in_class => depth += 1,
            ')' if !in_class => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return "Unmatched closing ')'".to_owned();
        }
    }
    if in_class {
        return "Unclosed character class".to_owned();
    }
    if depth > 0 {
        return "Unclosed group".to_owned();
    }
    if let Some(first) = pattern
        .chars()
        .next()
        .filter(|unit| matches!(unit, '*' | '+' | '?'))
    {
        return format!("Dangling meta character '{first}'");
    }
    let text = problem.to_string();
    text.lines()
        .last()
        .unwrap_or(&text)
        .trim_start_matches("error: ")
        .to_owned()
}

/// The few things Java writes otherwise, in the words of `regex`.
///
/// `\d`, `\w`, `\s` and `\b` know only ASCII in Java; `\h` is a horizontal blank, `\R` any line break, `\Z` the end
/// before a final line break, `\Q…\E` literal text; `(?<name>` and `\p{Alpha}` are understood by both or translated.
fn translate(pattern: &str) -> String {
    let mut result = String::with_capacity(pattern.len() + 16);
    let dot = if has_dotall_flag(pattern) {
        "."
    } else {
        r"[^\n\r\x{85}\x{2028}\x{2029}]"
    };
    let mut in_class = 0_usize;
    let mut units = pattern.char_indices().peekable();
    while let Some((at, unit)) = units.next() {
        match unit {
            '\\' => {
                let Some((_, escaped)) = units.next() else {
                    result.push('\\');
                    break;
                };
                match escaped {
                    'Q' => {
                        let rest = &pattern[at + 2..];
                        let end = rest.find("\\E").unwrap_or(rest.len());
                        result.push_str(&regex::escape(&rest[..end]));
                        let stop = at + 2 + end + 2;
                        while units.peek().is_some_and(|(at, _)| *at < stop) {
                            units.next();
                        }
                    }
                    'E' => {}
                    'd' | 'w' | 's' | 'D' | 'W' | 'S' => {
                        result.push_str(class(escaped, in_class > 0))
                    }
                    'h' if in_class > 0 => result.push_str(
                        r" \t\x{A0}\x{1680}\x{180e}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}",
                    ),
                    'h' => result.push_str(
                        r"[ \t\x{A0}\x{1680}\x{180e}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}]",
                    ),
                    'H' if in_class == 0 => result.push_str(
                        r"[^ \t\x{A0}\x{1680}\x{180e}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}]",
                    ),
                    'R' => result.push_str(r"(?:\r\n|[\n\x0b\x0c\r\x{85}\x{2028}\x{2029}])"),
                    'Z' => result.push_str(r"(?:\n?\z)"),
                    'e' => result.push_str(r"\x1b"),
                    'p' | 'P' => {
                        let rest = &pattern[at + 2..];
                        match rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
                            Some((name, _)) => {
                                result.push_str(&property(name, escaped == 'P', in_class > 0));
                                while units.next().is_some_and(|(_, unit)| unit != '}') {}
                            }
                            None => {
                                result.push('\\');
                                result.push(escaped);
                            }
                        }
                    }
                    // Java takes a backslash before any other sign as that sign.
                    _ if escaped.is_ascii_alphanumeric() || escaped.is_ascii_punctuation() => {
                        if escaped.is_ascii_punctuation() && !regex_syntax_escapable(escaped) {
                            result.push(escaped);
                        } else {
                            result.push('\\');
                            result.push(escaped);
                        }
                    }
                    _ => result.push(escaped),
                }
            }
            '[' => {
                // In Java a `[` inside a class opens a nested class, as in `regex`.
                in_class += 1;
                result.push(unit);
                if units.peek().is_some_and(|(_, next)| *next == '^') {
                    result.push('^');
                    units.next();
                }
                if units.peek().is_some_and(|(_, next)| *next == ']') {
                    // A `]` right at the beginning is itself.
                    result.push_str("\\]");
                    units.next();
                }
            }
            ']' if in_class > 0 => {
                in_class -= 1;
                result.push(unit);
            }
            // Java's dot stops at every kind of line break.
            '.' if in_class == 0 => result.push_str(dot),
            // Set operations that Java does not have.
            '~' | '-' if in_class > 0 && units.peek().is_some_and(|(_, next)| *next == unit) => {
                result.push('\\');
                result.push(unit);
            }
            _ => result.push(unit),
        }
    }
    result
}

/// Whether the pattern switches on the flag by which a dot matches line breaks.
fn has_dotall_flag(pattern: &str) -> bool {
    pattern.match_indices("(?").any(|(at, _)| {
        let flags = pattern[at + 2..]
            .split(|unit: char| !unit.is_ascii_alphabetic())
            .next()
            .unwrap_or_default();
        flags.contains('s')
    })
}

/// Whether the `regex` crates accept a backslash before this sign.
fn regex_syntax_escapable(unit: char) -> bool {
    !matches!(unit, '_')
}

fn class(letter: char, inside: bool) -> &'static str {
    match (letter, inside) {
        ('d', false) => "[0-9]",
        ('d', true) => "0-9",
        ('w', false) => "[a-zA-Z_0-9]",
        ('w', true) => "a-zA-Z_0-9",
        ('s', false) => r"[ \t\n\x0b\x0c\r]",
        ('s', true) => r" \t\n\x0b\x0c\r",
        ('D', _) => "[^0-9]",
        ('W', _) => "[^a-zA-Z_0-9]",
        _ => r"[^ \t\n\x0b\x0c\r]",
    }
}

/// Java's property names: POSIX ones are ASCII, `IsX` and `InX` prefixes go.
fn property(name: &str, negated: bool, inside: bool) -> String {
    let posix = match name {
        "Lower" => "a-z",
        "Upper" => "A-Z",
        "ASCII" => r"\x00-\x7f",
        "Alpha" => "a-zA-Z",
        "Digit" => "0-9",
        "Alnum" => "a-zA-Z0-9",
        "Punct" => r##"!"#$%&'()*+,\-./:;<=>?@\[\\\]\^_`{|}~"##,
        "Graph" => "!-~",
        "Print" => " -~",
        "Blank" => r" \t",
        "Cntrl" => r"\x00-\x1f\x7f",
        "XDigit" => "0-9a-fA-F",
        "Space" => r" \t\n\x0b\x0c\r",
        "javaLowerCase" => return property("Ll", negated, inside),
        "javaUpperCase" => return property("Lu", negated, inside),
        "javaWhitespace" => return property("White_Space", negated, inside),
        _ => {
            let letter = if negated { 'P' } else { 'p' };
            let name = name
                .strip_prefix("Is")
                .or_else(|| name.strip_prefix("In"))
                .unwrap_or(name);
            return format!("\\{letter}{{{name}}}");
        }
    };
    match (negated, inside) {
        (false, true) => posix.to_owned(),
        (false, false) => format!("[{posix}]"),
        (true, _) => format!("[^{posix}]"),
    }
}

fn nests_too_deep(pattern: &str) -> bool {
    let mut depth = 0_usize;
    for unit in pattern.chars() {
        match unit {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > 100 {
            return true;
        }
    }
    false
}
