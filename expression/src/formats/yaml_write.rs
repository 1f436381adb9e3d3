//! Values as YAML in block style, as Jackson over SnakeYAML writes it.

use super::java_text;
use super::text::Text;
use crate::java::double;
use crate::value::Kind;
use crate::{Error, Value};

/// The YAML of any value, with a line break at its end.
pub(crate) fn write(value: &Value, text: &mut Text) -> Result<(), Error> {
    match value.kind() {
        Kind::List | Kind::Map if !is_empty(value) => write_block(value, 0, text),
        _ if value.as_str() == Some("") => text.push_str("--- \"\"\n"),
        _ => {
            write_scalar(value, 0, text)?;
            end_line(text)
        }
    }
}

fn end_line(text: &mut Text) -> Result<(), Error> {
    if text.as_str().ends_with('\n') {
        Ok(())
    } else {
        text.push_str("\n")
    }
}

fn is_empty(value: &Value) -> bool {
    match value.kind() {
        Kind::List => value.as_list().is_none_or(|items| items.is_empty()),
        _ => value.as_object().is_none_or(|object| object.is_empty()),
    }
}

/// The lines of a list or a map that is not empty.
fn write_block(value: &Value, indent: usize, text: &mut Text) -> Result<(), Error> {
    if let Some(items) = value.as_list() {
        for item in items.iter() {
            text.push_repeated(" ", indent + 1)?;
            text.push_str("-")?;
            write_after(item, indent, indent + 2, text)?;
        }
        return Ok(());
    }
    let Some(object) = value.as_object() else {
        return Ok(());
    };
    for key in object.keys() {
        let Some(item) = object.get(&key)? else {
            continue;
        };
        text.push_repeated(" ", indent)?;
        if key.is_empty() || key.contains('\n') {
            // Keys that need more than a line are written the long way.
            text.push_str("? ")?;
            write_double_quoted(&key, text)?;
            text.push_str("\n")?;
            text.push_repeated(" ", indent)?;
        } else {
            write_key(&key, text)?;
        }
        text.push_str(":")?;
        // The dashes of a list stand almost below its key; everything else moves in.
        let inner = if item.kind() == Kind::List {
            indent
        } else {
            indent + 2
        };
        write_after(&item, indent, inner, text)?;
    }
    Ok(())
}

/// What stands behind a `-` or a `:`: a scalar in the same line, or the lines of a list or a map.
fn write_after(item: &Value, indent: usize, inner: usize, text: &mut Text) -> Result<(), Error> {
    if matches!(item.kind(), Kind::List | Kind::Map) && !is_empty(item) {
        text.push_str("\n")?;
        return write_block(item, inner, text);
    }
    text.push_str(" ")?;
    write_scalar(item, indent, text)?;
    end_line(text)
}

fn write_scalar(value: &Value, indent: usize, text: &mut Text) -> Result<(), Error> {
    match value {
        Value::Str(string) => write_string(string, indent, text),
        Value::Float(value) => text.push_str(&yaml_float(double::to_string(*value))),
        Value::F32(value) => text.push_str(&yaml_float(double::float_to_string(*value))),
        Value::Temporal(temporal) => write_string(&temporal.to_string(), indent, text),
        value => match value.kind() {
            Kind::List => text.push_str("[]"),
            Kind::Map => text.push_str("{}"),
            _ => java_text::write(value, text),
        },
    }
}

fn yaml_float(text: String) -> String {
    match text.as_str() {
        "NaN" => ".NaN".to_owned(),
        "Infinity" => ".inf".to_owned(),
        "-Infinity" => "-.inf".to_owned(),
        _ => text,
    }
}

fn write_key(key: &str, text: &mut Text) -> Result<(), Error> {
    let like_number =
        key.starts_with(|unit: char| unit.is_ascii_digit() || matches!(unit, '-' | '+' | '.'));
    if like_number || is_reserved(key) {
        return write_double_quoted(key, text);
    }
    write_plain(key, &Look::at(key), text)
}

fn write_string(string: &str, indent: usize, text: &mut Text) -> Result<(), Error> {
    if string.is_empty() || is_reserved(string) {
        return write_double_quoted(string, text);
    }
    let look = Look::at(string);
    if string.contains('\n') {
        return if look.block {
            write_literal(string, indent, text)
        } else {
            write_double_quoted(string, text)
        };
    }
    if has_quotable(string) {
        return write_double_quoted(string, text);
    }
    let octal = string.len() > 1
        && string.starts_with('0')
        && string.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
    if octal {
        return write_single_quoted(string, text);
    }
    write_plain(string, &look, text)
}

/// Words that YAML would read as something other than a text.
fn is_reserved(word: &str) -> bool {
    const WORDS: [&str; 11] = [
        "true", "false", "yes", "no", "on", "off", "y", "n", "null", "~", "",
    ];
    let usual_case = word == word.to_lowercase()
        || word == word.to_uppercase()
        || word
            .get(1..)
            .is_some_and(|rest| rest == rest.to_lowercase());
    usual_case && WORDS.contains(&word.to_lowercase().as_str())
}

/// Signs for which Jackson quotes a text, even where YAML would not need it.
fn has_quotable(string: &str) -> bool {
    let mut last = ' ';
    let mut units = string.chars().peekable();
    while let Some(unit) = units.next() {
        let quotable = match unit {
            '[' | ']' | '{' | '}' | ',' => true,
            '#' => last.is_whitespace(),
            ':' => units.peek().is_none_or(|next| next.is_whitespace()),
            _ => false,
        };
        if quotable {
            return true;
        }
        last = unit;
    }
    false
}

/// The ways in which a text may be written.
struct Look {
    plain: bool,
    single: bool,
    block: bool,
}

impl Look {
    fn at(string: &str) -> Look {
        let mut look = Look {
            plain: true,
            single: true,
            block: true,
        };
        let first = string.chars().next().unwrap_or(' ');
        let last = string.chars().last().unwrap_or(' ');
        let alone = string.chars().nth(1).is_none_or(char::is_whitespace);
        let indicator = match first {
            '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%'
            | '@' | '`' => true,
            '-' | '?' | ':' => alone,
            _ => false,
        };
        let inside = string.contains(" #") || string.contains(": ") || string.ends_with(':');
        if indicator || inside || string.starts_with("---") || string.starts_with("...") {
            look.plain = false;
        }
        if matches!(first, ' ' | '\n') || matches!(last, ' ' | '\n') || string.contains('\n') {
            look.plain = false;
        }
        if last == ' ' {
            look.block = false;
        }
        if string.contains("\n ") {
            look.single = false;
        }
        if string.contains(" \n") || string.chars().any(is_special) {
            look = Look {
                plain: false,
                single: false,
                block: false,
            };
        }
        look
    }
}

/// Characters that only a double-quoted text may have.
fn is_special(unit: char) -> bool {
    !matches!(
        unit,
        '\n' | ' '..='~' | '\u{feff}'
        | '\u{a0}'..='\u{2027}'
        | '\u{202a}'..='\u{d7ff}'
        | '\u{e000}'..='\u{fffd}'
        | '\u{10000}'..
    )
}

fn write_plain(string: &str, look: &Look, text: &mut Text) -> Result<(), Error> {
    if look.plain {
        text.push_str(string)
    } else if look.single {
        write_single_quoted(string, text)
    } else {
        write_double_quoted(string, text)
    }
}

fn write_single_quoted(string: &str, text: &mut Text) -> Result<(), Error> {
    text.push_str("'")?;
    text.push_str(&string.replace('\'', "''"))?;
    text.push_str("'")
}

fn write_double_quoted(string: &str, text: &mut Text) -> Result<(), Error> {
    text.push_str("\"")?;
    for unit in string.chars() {
        match unit {
            '"' => text.push_str("\\\"")?,
            '\\' => text.push_str("\\\\")?,
            '\n' => text.push_str("\\n")?,
            '\t' => text.push_str("\\t")?,
            '\r' => text.push_str("\\r")?,
            '\u{0}' => text.push_str("\\0")?,
            '\u{7}' => text.push_str("\\a")?,
            '\u{8}' => text.push_str("\\b")?,
            '\u{b}' => text.push_str("\\v")?,
            '\u{c}' => text.push_str("\\f")?,
            '\u{1b}' => text.push_str("\\e")?,
            '\u{85}' => text.push_str("\\N")?,
            '\u{2028}' => text.push_str("\\L")?,
            '\u{2029}' => text.push_str("\\P")?,
            unit if !is_special(unit) => text.push(unit)?,
            unit if u32::from(unit) <= 0xff => {
                text.push_str(&format!("\\x{:02x}", u32::from(unit)))?
            }
            unit => text.push_str(&format!("\\u{:04x}", u32::from(unit)))?,
        }
    }
    text.push_str("\"")
}

/// A literal block: `|`, a digit if it begins with a blank, and a sign for the line breaks at its end.
fn write_literal(string: &str, indent: usize, text: &mut Text) -> Result<(), Error> {
    text.push_str("|")?;
    if string.starts_with([' ', '\n']) {
        text.push_str("2")?;
    }
    if !string.ends_with('\n') {
        text.push_str("-")?;
    } else if string == "\n" || string.ends_with("\n\n") {
        text.push_str("+")?;
    }
    text.push_str("\n")?;
    for line in string.strip_suffix('\n').unwrap_or(string).split('\n') {
        if !line.is_empty() {
            text.push_repeated(" ", indent + 2)?;
            text.push_str(line)?;
        }
        text.push_str("\n")?;
    }
    Ok(())
}
