//! Rows as JSON text: decimals keep their digits, bytes are base64, dates and times ISO text, `NaN` a string.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flowmill_common::ion::{Decimal, Temporal, Value};
use serde_json::Value as Json;

use super::sink::Sink;

/// Writes JSON into a text that grows.
#[derive(Debug, Default)]
pub(crate) struct JsonSink {
    text: String,
    comma_due: bool,
}

impl JsonSink {
    /// What has been written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn into_text(self) -> String {
        self.text
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

impl Sink for JsonSink {
    fn null(&mut self) {
        self.raw("null");
    }

    fn bool(&mut self, value: bool) {
        self.raw(if value { "true" } else { "false" });
    }

    fn int(&mut self, value: i64) {
        self.raw(&value.to_string());
    }

    fn float(&mut self, value: f64) {
        self.raw(&Value::Float(value).json_text());
    }

    fn float32(&mut self, value: f32) {
        // The shortest digits of the single precision, as a double's: 1.1, not 1.100000023841858.
        let digits = value.to_string();
        let double = digits.parse().unwrap_or(f64::from(value));
        self.float(double);
    }

    fn decimal(&mut self, value: &Decimal) {
        self.raw(&Value::Decimal(value.clone()).json_text());
    }

    fn string(&mut self, text: &str) {
        self.raw(&serde_json::to_string(text).expect("a string is always JSON"));
    }

    fn blob(&mut self, bytes: &[u8]) {
        self.string(&STANDARD.encode(bytes));
    }

    fn temporal(&mut self, value: &Temporal) {
        self.string(&value.json_text());
    }

    fn json(&mut self, text: &str, _value: &Json) {
        self.raw(text);
    }

    fn begin_list(&mut self) {
        self.begin_value();
        self.text.push('[');
        self.comma_due = false;
    }

    fn end_list(&mut self) {
        self.text.push(']');
        self.comma_due = true;
    }

    fn begin_map(&mut self) {
        self.begin_value();
        self.text.push('{');
        self.comma_due = false;
    }

    fn field(&mut self, name: &str) {
        self.string(name);
        self.text.push(':');
        self.comma_due = false;
    }

    fn end_map(&mut self) {
        self.text.push('}');
        self.comma_due = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_well_formed_and_keeps_digits() {
        let mut sink = JsonSink::default();
        sink.begin_list();
        sink.begin_map();
        sink.field("a\"b");
        sink.decimal(&Decimal::from_parts(1050, 2));
        sink.field("f");
        sink.float32(1.1);
        sink.field("nan");
        sink.float32(f32::NAN);
        sink.field("l");
        sink.begin_list();
        sink.end_list();
        sink.end_map();
        sink.null();
        sink.end_list();
        assert_eq!(
            sink.text(),
            r#"[{"a\"b":10.50,"f":1.1,"nan":"NaN","l":[]},null]"#
        );
    }
}
