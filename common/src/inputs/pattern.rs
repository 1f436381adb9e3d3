//! Regular expressions of inputs, in Java's syntax.

use fancy_regex::{Regex, RegexBuilder};

/// Steps that matching one value may take.
const BACKTRACK_LIMIT: usize = 1_000_000;

/// A regular expression that a value must match as a whole.
#[derive(Clone, Debug)]
pub struct Pattern(Regex);

/// Reads a pattern; the error says what is wrong with it.
pub fn pattern(text: &str) -> Result<Pattern, String> {
    let whole = format!("^(?:{text})$");
    match RegexBuilder::new(&whole)
        .backtrack_limit(BACKTRACK_LIMIT)
        .build()
    {
        Ok(regex) => Ok(Pattern(regex)),
        Err(error) => Err(error.to_string()),
    }
}

impl Pattern {
    /// Whether all of the text matches. A pattern that takes too many steps does not.
    pub fn matches(&self, text: &str) -> bool {
        self.0.is_match(text).unwrap_or(false)
    }
}
