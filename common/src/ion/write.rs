//! Writes text Ion as ion-java does in its compact form.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::decimal::Decimal;
use super::temporal::{Temporal, TemporalKind};
use super::value::Value;

/// Writes values into a text that grows; the caller takes it away with [`Writer::take`] or reads it with
/// [`Writer::text`]. Commas are the writer's business, balanced `begin_…`/`end_…` calls and one [`Writer::field`] before
/// each value of a map are the caller's.
///
/// ```
/// # use flowmill_common::ion::Writer;
/// let mut writer = Writer::new();
/// writer.begin_map();
/// writer.field("id");
/// writer.int(1);
/// writer.field("first name");
/// writer.string("Ada");
/// writer.end_map();
/// writer.end_row();
/// assert_eq!(writer.text(), "{id:1,'first name':\"Ada\"}\n");
/// ```
#[derive(Debug, Default)]
pub struct Writer {
    text: String,
    comma_due: bool,
}

impl Writer {
    /// An empty text.
    pub fn new() -> Self {
        Self::default()
    }

    /// What has been written and not taken yet.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Empties the text, keeping its memory.
    pub fn clear(&mut self) {
        self.text.clear();
    }

    /// Takes the text away.
    pub fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }

    /// Ends a top-level value with a line break.
    pub fn end_row(&mut self) {
        self.text.push('\n');
        self.comma_due = false;
    }

    /// Any value.
    pub fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.null(),
            Value::Bool(value) => self.bool(*value),
            Value::Int(value) => self.int(*value),
            Value::BigInt(digits) => self.raw(digits),
            Value::Float(value) => self.float(*value),
            Value::Decimal(value) => self.decimal(value),
            Value::Temporal(value) => self.temporal(value),
            Value::Text(text) => self.string(text),
            Value::Blob(bytes) => self.blob(bytes),
            Value::List(values) => {
                self.begin_list();
                for value in values {
                    self.value(value);
                }
                self.end_list();
            }
            Value::Map(fields) => {
                self.begin_map();
                for (name, value) in fields {
                    self.field(name);
                    self.value(value);
                }
                self.end_map();
            }
        }
    }

    /// Any JSON value; numbers with a point or an exponent are floats.
    pub fn json(&mut self, value: &serde_json::Value) {
        match value {
            serde_json::Value::Null => self.null(),
            serde_json::Value::Bool(value) => self.bool(*value),
            serde_json::Value::Number(number) if number.is_f64() => {
                self.float(number.as_f64().unwrap_or(f64::NAN))
            }
            serde_json::Value::Number(number) => self.raw(&number.to_string()),
            serde_json::Value::String(text) => self.string(text),
            serde_json::Value::Array(values) => {
                self.begin_list();
                for value in values {
                    self.json(value);
                }
                self.end_list();
            }
            serde_json::Value::Object(fields) => {
                self.begin_map();
                for (name, value) in fields {
                    self.field(name);
                    self.json(value);
                }
                self.end_map();
            }
        }
    }

    /// `null`
    pub fn null(&mut self) {
        self.raw("null");
    }

    /// `true`, `false`
    pub fn bool(&mut self, value: bool) {
        self.raw(if value { "true" } else { "false" });
    }

    /// `1`
    pub fn int(&mut self, value: i64) {
        self.begin_value();
        write!(self.text, "{value}").expect("a string takes all");
        self.comma_due = true;
    }

    /// `1.5e0`, `nan`, `+inf`
    pub fn float(&mut self, value: f64) {
        self.begin_value();
        let (plain, scientific) = (format_args!("{value}"), format_args!("{value:e}"));
        write_float(&mut self.text, value, plain, scientific);
        self.comma_due = true;
    }

    /// A float of single precision, with the digits that it needs and no more: `1.1e0`, where its double would be
    /// `1.100000023841858e0`.
    pub fn float32(&mut self, value: f32) {
        self.begin_value();
        let (plain, scientific) = (format_args!("{value}"), format_args!("{value:e}"));
        write_float(&mut self.text, f64::from(value), plain, scientific);
        self.comma_due = true;
    }

    /// `10.50`
    pub fn decimal(&mut self, value: &Decimal) {
        self.begin_value();
        value.write_ion(&mut self.text);
        self.comma_due = true;
    }

    /// `"text"`
    pub fn string(&mut self, text: &str) {
        self.begin_value();
        write_quoted(&mut self.text, text, '"');
        self.comma_due = true;
    }

    /// `{{aGk=}}`
    pub fn blob(&mut self, bytes: &[u8]) {
        self.begin_value();
        self.text.push_str("{{");
        STANDARD.encode_string(bytes, &mut self.text);
        self.text.push_str("}}");
        self.comma_due = true;
    }

    /// `2024-01-01`, `2024-01-01T10:00:00.000Z`, or a string annotated with its kind.
    pub fn temporal(&mut self, value: &Temporal) {
        match value.ion_timestamp() {
            Some(timestamp) => self.raw(&timestamp),
            None => self.annotated(value.kind, &value.text),
        }
    }

    /// `[`
    pub fn begin_list(&mut self) {
        self.begin_value();
        self.text.push('[');
        self.comma_due = false;
    }

    /// `]`
    pub fn end_list(&mut self) {
        self.text.push(']');
        self.comma_due = true;
    }

    /// `{`
    pub fn begin_map(&mut self) {
        self.begin_value();
        self.text.push('{');
        self.comma_due = false;
    }

    /// The name of the next value of a map, quoted if it must be.
    pub fn field(&mut self, name: &str) {
        self.begin_value();
        if is_bare_symbol(name) {
            self.text.push_str(name);
        } else {
            write_quoted(&mut self.text, name, '\'');
        }
        self.text.push(':');
        self.comma_due = false;
    }

    /// `}`
    pub fn end_map(&mut self) {
        self.text.push('}');
        self.comma_due = true;
    }

    fn annotated(&mut self, kind: TemporalKind, text: &str) {
        self.begin_value();
        self.text.push_str(kind.name());
        self.text.push_str("::");
        write_quoted(&mut self.text, text, '"');
        self.comma_due = true;
    }

    fn raw(&mut self, token: &str) {
        self.begin_value();
        self.text.push_str(token);
        self.comma_due = true;
    }

    fn begin_value(&mut self) {
        if self.comma_due {
            self.text.push(',');
        }
    }
}

/// Java's `Double.toString` with a lower-case `e`, which is always there: it marks a float in Ion.
fn write_float(
    out: &mut String,
    value: f64,
    plain: std::fmt::Arguments<'_>,
    scientific: std::fmt::Arguments<'_>,
) {
    let magnitude = value.abs();
    if value.is_nan() {
        out.push_str("nan");
    } else if value == f64::INFINITY {
        out.push_str("+inf");
    } else if value == f64::NEG_INFINITY {
        out.push_str("-inf");
    } else if magnitude == 0.0 || (1e-3..1e7).contains(&magnitude) {
        out.write_fmt(plain).expect("a string takes all");
        out.push_str("e0");
    } else {
        let from = out.len();
        out.write_fmt(scientific).expect("a string takes all");
        if !out[from..].contains('.')
            && let Some(exponent) = out[from..].find('e')
        {
            out.insert_str(from + exponent, ".0");
        }
    }
}

fn write_quoted(out: &mut String, text: &str, quote: char) {
    out.push(quote);
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c == quote || c == '\\' || c.is_control()) {
        out.push_str(&rest[..at]);
        let mut characters = rest[at..].chars();
        let character = characters.next().expect("`find` found it");
        match character {
            '\0' => out.push_str("\\0"),
            '\x07' => out.push_str("\\a"),
            '\x08' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\x0B' => out.push_str("\\v"),
            '\x0C' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            _ if character.is_control() => {
                write!(out, "\\x{:02x}", u32::from(character)).expect("a string takes all");
            }
            _ => {
                out.push('\\');
                out.push(character);
            }
        }
        rest = characters.as_str();
    }
    out.push_str(rest);
    out.push(quote);
}

/// Whether a symbol needs no quotes: an identifier that is no keyword and no symbol id such as `$10`.
fn is_bare_symbol(name: &str) -> bool {
    let mut bytes = name.bytes();
    let starts_well = bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_' || first == b'$');
    let is_symbol_id = name.len() > 1
        && name.starts_with('$')
        && name[1..].bytes().all(|byte| byte.is_ascii_digit());
    starts_well
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$')
        && !is_symbol_id
        && !matches!(name, "null" | "true" | "false" | "nan")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Writer)) -> String {
        let mut writer = Writer::new();
        write(&mut writer);
        writer.take()
    }

    /// Recorded from Kestra's own mapper (ion-java 1.11).
    #[test]
    fn floats_are_written_as_ion_java_writes_them() {
        for (value, expected) in [
            (1.0, "1e0"),
            (1.5, "1.5e0"),
            (1e10, "1.0e10"),
            (1.2345678e7, "1.2345678e7"),
            (1_234_567.0, "1234567e0"),
            (1e-4, "1.0e-4"),
            (0.001, "0.001e0"),
            (0.0, "0e0"),
            (-0.0, "-0e0"),
            (f64::NAN, "nan"),
            (f64::INFINITY, "+inf"),
            (f64::NEG_INFINITY, "-inf"),
            (1e300, "1.0e300"),
        ] {
            assert_eq!(written(|writer| writer.float(value)), expected);
        }
        assert_eq!(written(|writer| writer.float32(1.1)), "1.1e0");
        assert_eq!(written(|writer| writer.float32(1e10)), "1.0e10");
    }

    /// Recorded from Kestra's own mapper (ion-java 1.11).
    #[test]
    fn strings_are_escaped_as_ion_java_escapes_them() {
        assert_eq!(
            written(|writer| writer.string("a\"b\\c'\n\t\u{1}\u{7f}\u{85}é漢😀\u{2028}/")),
            "\"a\\\"b\\\\c'\\n\\t\\x01\\x7f\\x85é漢😀\u{2028}/\""
        );
        assert_eq!(
            written(|writer| writer.string("\0\u{7}\u{8}\u{b}\u{c}\r")),
            r#""\0\a\b\v\f\r""#
        );
    }

    /// Recorded from Kestra's own mapper (ion-java 1.11).
    #[test]
    fn field_names_are_quoted_only_when_they_must_be() {
        let names = [
            "a", "_a", "a b", "true", "null", "nan", "$1", "$", "$a", "1a", "", "é", "a-b", "+",
            "it's", "null.int", "inf", "select", "q\"q", "NULL",
        ];
        let text = written(|writer| {
            writer.begin_map();
            for name in names {
                writer.field(name);
                writer.int(1);
            }
            writer.end_map();
        });
        assert_eq!(
            text,
            "{a:1,_a:1,'a b':1,'true':1,'null':1,'nan':1,'$1':1,$:1,$a:1,'1a':1,'':1,'é':1,'a-b':1,'+':1,'it\\'s':1,\
             'null.int':1,inf:1,select:1,'q\"q':1,NULL:1}"
        );
    }

    #[test]
    fn rows_stand_one_a_line() {
        let row: serde_json::Value =
            serde_json::from_str(r#"{"id":1,"list":[1,"a\nb",[]],"map":{"x":null},"float":1.0,"big":18446744073709551615}"#)
                .unwrap();
        let text = written(|writer| {
            writer.json(&row);
            writer.end_row();
            writer.value(&Value::from(row.clone()));
            writer.end_row();
        });
        let line = "{id:1,list:[1,\"a\\nb\",[]],map:{x:null},float:1e0,big:18446744073709551615}\n";
        assert_eq!(text, line.repeat(2));
    }

    #[test]
    fn dates_are_timestamps_and_other_times_annotated_strings() {
        let temporal = |kind, text: &str| {
            written(|writer| {
                writer.temporal(&Temporal {
                    kind,
                    text: text.to_owned(),
                })
            })
        };
        assert_eq!(
            temporal(TemporalKind::LocalDate, "2024-01-01"),
            "2024-01-01"
        );
        assert_eq!(
            temporal(TemporalKind::LocalDate, "+12024-01-01"),
            "LocalDate::\"+12024-01-01\""
        );
        assert_eq!(
            temporal(
                TemporalKind::ZonedDateTime,
                "2024-01-01T10:00:00+01:00[Europe/Paris]"
            ),
            "ZonedDateTime::\"2024-01-01T10:00:00+01:00[Europe/Paris]\""
        );
    }
}
