//! Where the parts of a row go.

use flowmill_common::ion::{Decimal, Temporal, Writer};
use serde_json::Value as Json;

/// Takes a row's values in order. Each value of a map is preceded by its field name; containers are balanced.
pub(crate) trait Sink {
    fn null(&mut self);
    fn bool(&mut self, value: bool);
    fn int(&mut self, value: i64);
    fn float(&mut self, value: f64);
    fn float32(&mut self, value: f32);
    fn decimal(&mut self, value: &Decimal);
    fn string(&mut self, text: &str);
    fn blob(&mut self, bytes: &[u8]);
    fn temporal(&mut self, value: &Temporal);
    /// A value of type JSON: its text and what it parses to.
    fn json(&mut self, text: &str, value: &Json);
    fn begin_list(&mut self);
    fn end_list(&mut self);
    fn begin_map(&mut self);
    fn field(&mut self, name: &str);
    fn end_map(&mut self);
}

/// Text Ion, the form of stored rows.
impl Sink for Writer {
    fn null(&mut self) {
        self.null();
    }

    fn bool(&mut self, value: bool) {
        self.bool(value);
    }

    fn int(&mut self, value: i64) {
        self.int(value);
    }

    fn float(&mut self, value: f64) {
        self.float(value);
    }

    fn float32(&mut self, value: f32) {
        self.float32(value);
    }

    fn decimal(&mut self, value: &Decimal) {
        self.decimal(value);
    }

    fn string(&mut self, text: &str) {
        self.string(text);
    }

    fn blob(&mut self, bytes: &[u8]) {
        self.blob(bytes);
    }

    fn temporal(&mut self, value: &Temporal) {
        self.temporal(value);
    }

    fn json(&mut self, _text: &str, value: &Json) {
        self.json(value);
    }

    fn begin_list(&mut self) {
        self.begin_list();
    }

    fn end_list(&mut self) {
        self.end_list();
    }

    fn begin_map(&mut self) {
        self.begin_map();
    }

    fn field(&mut self, name: &str) {
        self.field(name);
    }

    fn end_map(&mut self) {
        self.end_map();
    }
}
