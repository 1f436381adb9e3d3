//! Java's `DateTimeFormatter` patterns, read into parts.

use crate::Error;

/// A pattern that was read.
#[derive(Debug)]
pub(crate) struct Pattern {
    pub(super) parts: Vec<Part>,
}

/// A part of a pattern.
#[derive(Debug, PartialEq)]
pub(super) enum Part {
    /// Text that stands for itself.
    Text(String),
    /// A letter, so many times.
    Field { letter: char, count: usize },
    /// The next field, filled with blanks up to so many characters.
    Padded {
        width: usize,
        letter: char,
        count: usize,
    },
    /// `[…]`: printed, and optional when reading.
    Optional(Vec<Part>),
    /// The fraction of an instant in groups of three digits.
    FractionInThrees,
    /// `:ss` and a fraction, of which all may be missing when reading.
    Seconds,
    /// The zone in brackets, unless it is just an offset.
    BracketedZone,
    /// An offset as `+0100`, and `GMT` for none.
    OffsetOrGmt,
    /// The name of a day that may be missing when reading.
    OptionalDayName,
}

/// Longest pattern that is read.
const MAX_LENGTH: usize = 1000;
/// Deepest nesting of optional parts.
const MAX_DEPTH: usize = 20;

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// Unknown letters, too many of them, brackets and quotes that do not close.
    pub(crate) fn parse(text: &str) -> Result<Pattern, Error> {
        if text.len() > MAX_LENGTH {
            return Err(Error::evaluation(format!(
                "a date pattern is longer than {MAX_LENGTH} bytes"
            )));
        }
        let units: Vec<char> = text.chars().collect();
        let mut reader = Reader {
            text,
            units: &units,
            at: 0,
            depth: 0,
        };
        let parts = reader.parts()?;
        Ok(Pattern { parts })
    }

    pub(super) fn of(parts: Vec<Part>) -> Pattern {
        Pattern { parts }
    }
}

struct Reader<'a> {
    text: &'a str,
    units: &'a [char],
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn parts(&mut self) -> Result<Vec<Part>, Error> {
        let mut parts = Vec::new();
        while let Some(&unit) = self.units.get(self.at) {
            match unit {
                'a'..='z' | 'A'..='Z' => parts.push(self.field()?),
                '\'' => push_text(&mut parts, &self.quoted()?),
                '[' => {
                    if self.depth >= MAX_DEPTH {
                        return Err(Error::evaluation(format!(
                            "a date pattern nests deeper than {MAX_DEPTH}"
                        )));
                    }
                    self.at += 1;
                    self.depth += 1;
                    let inner = self.parts()?;
                    self.depth -= 1;
                    parts.push(Part::Optional(inner));
                }
                ']' if self.depth > 0 => {
                    self.at += 1;
                    return Ok(parts);
                }
                ']' => {
                    return Err(Error::evaluation(
                        "Pattern invalid as it contains ] without previous [",
                    ));
                }
                '{' | '}' | '#' => {
                    return Err(Error::evaluation(format!(
                        "Pattern includes reserved character: '{unit}'"
                    )));
                }
                _ => {
                    push_text(&mut parts, unit.encode_utf8(&mut [0; 4]));
                    self.at += 1;
                }
            }
        }
        Ok(parts)
    }

    fn run(&mut self) -> (char, usize) {
        let letter = self.units[self.at];
        let count = self.units[self.at..]
            .iter()
            .take_while(|unit| **unit == letter)
            .count();
        self.at += count;
        (letter, count)
    }

    fn field(&mut self) -> Result<Part, Error> {
        let (letter, count) = self.run();
        if letter != 'p' {
            check(letter, count)?;
            return Ok(Part::Field { letter, count });
        }
        let padded = self
            .units
            .get(self.at)
            .filter(|unit| unit.is_ascii_alphabetic() && **unit != 'p');
        if padded.is_none() {
            let message = "Pad letter 'p' must be followed by valid pad pattern";
            return Err(Error::evaluation(format!("{message}: {}", self.text)));
        }
        let width = count;
        let (letter, count) = self.run();
        check(letter, count)?;
        Ok(Part::Padded {
            width,
            letter,
            count,
        })
    }

    fn quoted(&mut self) -> Result<String, Error> {
        let start = self.at;
        self.at += 1;
        let mut quoted = String::new();
        loop {
            match self.units.get(self.at) {
                Some('\'') if self.units.get(self.at + 1) == Some(&'\'') => {
                    quoted.push('\'');
                    self.at += 2;
                }
                Some('\'') => {
                    self.at += 1;
                    // Two quotes with nothing between them are a quote.
                    return Ok(if self.at == start + 2 {
                        "'".to_owned()
                    } else {
                        quoted
                    });
                }
                Some(unit) => {
                    quoted.push(*unit);
                    self.at += 1;
                }
                None => {
                    let message = format!(
                        "Pattern ends with an incomplete string literal: {}",
                        self.text
                    );
                    return Err(Error::evaluation(message));
                }
            }
        }
    }
}

fn push_text(parts: &mut Vec<Part>, text: &str) {
    match parts.last_mut() {
        Some(Part::Text(last)) => last.push_str(text),
        _ => parts.push(Part::Text(text.to_owned())),
    }
}

/// Whether the letter exists and may stand so many times.
fn check(letter: char, count: usize) -> Result<(), Error> {
    let most = match letter {
        'u' | 'y' | 'Y' | 'A' | 'n' | 'N' | 'g' => 19,
        'S' => 9,
        'G' | 'M' | 'L' | 'Q' | 'q' | 'E' | 'e' | 'c' | 'B' | 'X' | 'x' | 'Z' => 5,
        'z' | 'v' | 'O' => 4,
        'D' => 3,
        'w' | 'd' | 'h' | 'H' | 'k' | 'K' | 'm' | 's' | 'V' => 2,
        'W' | 'F' | 'a' => 1,
        _ => {
            return Err(Error::evaluation(format!(
                "Unknown pattern letter: {letter}"
            )));
        }
    };
    match letter {
        _ if count > most => Err(Error::evaluation(format!(
            "Too many pattern letters: {letter}"
        ))),
        'V' if count != 2 => Err(Error::evaluation("Pattern letter count must be 2: V")),
        'O' | 'v' if count != 1 && count != 4 => Err(Error::evaluation(format!(
            "Pattern letter count must be 1 or 4: {letter}"
        ))),
        'B' if count == 2 || count == 3 => {
            Err(Error::evaluation("Wrong number of pattern letters: B"))
        }
        'c' if count == 2 => Err(Error::evaluation("Invalid pattern \"cc\"")),
        _ => Ok(()),
    }
}
