//! Single values: the text as written, and what it means where no type is known.

use std::sync::Arc;

use serde_json::{Number, Value};

/// How a scalar was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Style {
    /// Without quotes: may mean a number, a boolean or null.
    Plain,
    /// In single quotes.
    SingleQuoted,
    /// In double quotes.
    DoubleQuoted,
    /// A `|` block.
    Literal,
    /// A `>` block.
    Folded,
}

/// A single value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scalar {
    text: Arc<str>,
    style: Style,
    tag: Tag,
}

/// What a tag says about a scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    /// No tag: its style and text decide.
    None,
    /// `!!str`, or a tag of the author's own.
    Text,
    /// `!!int`, `!!float`, `!!bool`, `!!null`: read as if it were plain.
    Plain,
}

impl Scalar {
    pub(super) fn new(text: Arc<str>, style: Style, tag: Tag) -> Self {
        Self { text, style, tag }
    }

    /// A text, whatever it looks like.
    pub fn text(text: &str) -> Self {
        Self::new(text.into(), Style::DoubleQuoted, Tag::None)
    }

    /// As if written without quotes.
    pub fn plain(text: &str) -> Self {
        Self::new(text.into(), Style::Plain, Tag::None)
    }

    /// The text: quotes and escapes resolved, lines folded, otherwise as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The text, shared.
    pub fn shared(&self) -> Arc<str> {
        Arc::clone(&self.text)
    }

    /// How it was written.
    pub fn style(&self) -> Style {
        self.style
    }

    /// Whether it means null.
    pub fn is_null(&self) -> bool {
        self.is_typed() && is_null(&self.text)
    }

    /// What it means where no type is known: YAML 1.1 as Kestra's reader has it. Numbers that fit neither 64 bits nor a finite
    /// fraction stay text, as do sexagesimal numbers and timestamps.
    pub fn value(&self) -> Value {
        if self.is_typed() {
            typed(&self.text)
        } else {
            Value::String(self.text.as_ref().to_owned())
        }
    }

    fn is_typed(&self) -> bool {
        match self.tag {
            Tag::None => self.style == Style::Plain,
            Tag::Text => false,
            Tag::Plain => true,
        }
    }
}

fn typed(text: &str) -> Value {
    if is_null(text) {
        return Value::Null;
    }
    match text {
        "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "true" | "True" | "TRUE" => {
            return Value::Bool(true);
        }
        "no" | "No" | "NO" | "off" | "Off" | "OFF" | "false" | "False" | "FALSE" => {
            return Value::Bool(false);
        }
        _ => {}
    }
    if text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '-' | '+' | '.'))
        && let Some(number) = integer(text).or_else(|| float(text))
    {
        return Value::Number(number);
    }
    Value::String(text.to_owned())
}

fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// `0b101`, `0777` (octal), `1_000`, `0xff`; a sign before any of them.
fn integer(text: &str) -> Option<Number> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'b', rest @ ..] if !rest.is_empty() => (2, &digits[2..]),
        [b'0', b'x', rest @ ..] if !rest.is_empty() => (16, &digits[2..]),
        [b'0', rest @ ..] if !rest.is_empty() => (8, &digits[1..]),
        _ => (10, digits),
    };
    let starts_right =
        digits.starts_with(|first: char| first.is_digit(radix) || (radix != 10 && first == '_'));
    if !starts_right
        || !digits
            .chars()
            .all(|digit| digit.is_digit(radix) || digit == '_')
    {
        return None;
    }
    let clean: String = digits.chars().filter(|digit| *digit != '_').collect();
    let magnitude = u64::from_str_radix(&clean, radix).ok()?;
    if negative {
        0_i64.checked_sub_unsigned(magnitude).map(Number::from)
    } else {
        Some(Number::from(magnitude))
    }
}

/// `1.5`, `1.`, `.5`, `1e3`, `-1_000.25e-3`.
fn float(text: &str) -> Option<Number> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let digits_or_underscores = |part: &str| {
        part.bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'_')
    };
    let starts_with_digit = |part: &str| part.starts_with(|first: char| first.is_ascii_digit());
    let well_formed = match mantissa.split_once('.') {
        // the table takes no sign before a leading point
        Some(("", fraction)) => {
            text.starts_with('.') && starts_with_digit(fraction) && digits_or_underscores(fraction)
        }
        Some((whole, fraction)) => {
            starts_with_digit(whole)
                && digits_or_underscores(whole)
                && digits_or_underscores(fraction)
        }
        None => {
            exponent.is_some() && starts_with_digit(mantissa) && digits_or_underscores(mantissa)
        }
    };
    let exponent_is_right = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    if !well_formed || !exponent_is_right {
        return None;
    }
    Number::from_f64(text.replace('_', "").parse().ok()?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn untyped_values_follow_kestras_table() {
        let table = [
            ("yes", json!(true)),
            ("Off", json!(false)),
            ("y", json!("y")),
            ("yEs", json!("yEs")),
            ("~", json!(null)),
            ("", json!(null)),
            ("0777", json!(511)),
            ("0b101", json!(5)),
            ("0xFF", json!(255)),
            ("-0x10", json!(-16)),
            ("1_000", json!(1000)),
            ("+7", json!(7)),
            ("0", json!(0)),
            ("089", json!("089")),
            ("0o17", json!("0o17")),
            ("1.50", json!(1.5)),
            ("1.", json!(1.0)),
            (".5", json!(0.5)),
            ("-.5", json!("-.5")),
            ("1e3", json!(1000.0)),
            ("1.5e-3", json!(0.0015)),
            ("190:20:30", json!("190:20:30")),
            ("2024-01-31", json!("2024-01-31")),
            ("1.2.3", json!("1.2.3")),
            (".inf", json!(".inf")),
            ("-", json!("-")),
            ("+", json!("+")),
            (".", json!(".")),
            ("0x", json!("0x")),
            ("0b", json!("0b")),
            ("0_", json!("0_")),
            ("_1", json!("_1")),
            ("-9223372036854775808", json!(i64::MIN)),
            ("18446744073709551615", json!(u64::MAX)),
            ("18446744073709551616", json!("18446744073709551616")),
        ];
        for (text, value) in table {
            assert_eq!(Scalar::plain(text).value(), value, "{text}");
        }
    }

    #[test]
    fn quoted_values_are_text() {
        assert_eq!(Scalar::text("yes").value(), json!("yes"));
        assert!(!Scalar::text("").is_null());
    }
}
