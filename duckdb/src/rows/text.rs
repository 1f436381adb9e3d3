//! The plain text of a value: for the keys of maps, which rows can only have as names.

use flowmill_common::ion::{Decimal, Temporal, Value};
use serde_json::Value as Json;

use super::json::JsonSink;
use super::sink::Sink;

/// Scalars as their bare text, containers as JSON text.
#[derive(Debug, Default)]
pub(crate) struct TextSink {
    scalar: String,
    container: JsonSink,
    depth: usize,
}

impl TextSink {
    pub(crate) fn into_text(self) -> String {
        if self.scalar.is_empty() {
            self.container.into_text()
        } else {
            self.scalar
        }
    }

    fn put(&mut self, text: &str, into_container: impl FnOnce(&mut JsonSink)) {
        if self.depth == 0 {
            self.scalar.push_str(text);
        } else {
            into_container(&mut self.container);
        }
    }
}

impl Sink for TextSink {
    fn null(&mut self) {
        self.put("null", JsonSink::null);
    }

    fn bool(&mut self, value: bool) {
        self.put(if value { "true" } else { "false" }, |sink| {
            sink.bool(value)
        });
    }

    fn int(&mut self, value: i64) {
        self.put(&value.to_string(), |sink| sink.int(value));
    }

    fn float(&mut self, value: f64) {
        self.put(&value.to_string(), |sink| sink.float(value));
    }

    fn float32(&mut self, value: f32) {
        self.put(&value.to_string(), |sink| sink.float32(value));
    }

    fn decimal(&mut self, value: &Decimal) {
        self.put(&Value::Decimal(value.clone()).json_text(), |sink| {
            sink.decimal(value)
        });
    }

    fn string(&mut self, text: &str) {
        self.put(text, |sink| sink.string(text));
    }

    fn blob(&mut self, bytes: &[u8]) {
        let mut encoded = JsonSink::default();
        encoded.blob(bytes);
        let text = encoded.into_text();
        self.put(text.trim_matches('"'), |sink| sink.blob(bytes));
    }

    fn temporal(&mut self, value: &Temporal) {
        self.put(&value.json_text(), |sink| sink.temporal(value));
    }

    fn json(&mut self, text: &str, value: &Json) {
        self.put(text, |sink| sink.json(text, value));
    }

    fn begin_list(&mut self) {
        self.depth += 1;
        self.container.begin_list();
    }

    fn end_list(&mut self) {
        self.depth -= 1;
        self.container.end_list();
    }

    fn begin_map(&mut self) {
        self.depth += 1;
        self.container.begin_map();
    }

    fn field(&mut self, name: &str) {
        self.container.field(name);
    }

    fn end_map(&mut self) {
        self.depth -= 1;
        self.container.end_map();
    }
}
