//! A value of a row, with the types that JSON lacks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use indexmap::IndexMap;

use super::decimal::Decimal;
use super::temporal::Temporal;

/// One Ion value. Typed nulls, annotations other than Kestra's date types, and the difference between strings and symbols
/// are not kept, as in Kestra.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`, of any type.
    Null,
    /// `true`, `false`
    Bool(bool),
    /// `1`
    Int(i64),
    /// An integer outside of `i64`: its decimal digits, with `-` if negative.
    BigInt(String),
    /// `1.5e0`, `nan`, `+inf`
    Float(f64),
    /// `1.50`
    Decimal(Decimal),
    /// A date or time.
    Temporal(Temporal),
    /// A string or symbol.
    Text(String),
    /// `{{aGk=}}`, or a clob's bytes.
    Blob(Vec<u8>),
    /// A list or s-expression.
    List(Vec<Value>),
    /// A struct, in its order; of fields with the same name the last one's value stands at the first one's place.
    Map(IndexMap<String, Value>),
}

impl Value {
    /// The value in JSON. Decimals and integers beyond 64 bits become the nearest double; use [`Value::json_text`] to keep
    /// them. `nan` and the infinities become strings, bytes base64 text, dates and times ISO text.
    pub fn into_json(self) -> serde_json::Value {
        use serde_json::Value as Json;
        match self {
            Self::Null => Json::Null,
            Self::Bool(value) => Json::Bool(value),
            Self::Int(value) => Json::from(value),
            Self::BigInt(digits) => match digits.parse::<u64>() {
                Ok(value) => Json::from(value),
                Err(_) => Json::from(
                    digits
                        .parse::<f64>()
                        .expect("a sign and digits are a number"),
                ),
            },
            Self::Float(value) => match non_finite_name(value) {
                Some(name) => Json::from(name),
                None => Json::from(value),
            },
            Self::Decimal(value) => Json::from(value.to_f64()),
            Self::Temporal(value) => Json::String(value.json_text()),
            Self::Text(text) => Json::String(text),
            Self::Blob(bytes) => Json::String(STANDARD.encode(bytes)),
            Self::List(values) => Json::Array(values.into_iter().map(Self::into_json).collect()),
            Self::Map(fields) => Json::Object(
                fields
                    .into_iter()
                    .map(|(name, value)| (name, value.into_json()))
                    .collect(),
            ),
        }
    }

    /// The value as JSON text, with every digit of decimals and large integers.
    pub fn json_text(&self) -> String {
        let mut out = String::new();
        self.write_json(&mut out);
        out
    }

    fn write_json(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Int(value) => out.push_str(&value.to_string()),
            Self::BigInt(digits) => out.push_str(digits),
            Self::Float(value) => match non_finite_name(*value) {
                Some(name) => write_json_string(name, out),
                None => out.push_str(&serde_json::Value::from(*value).to_string()),
            },
            Self::Decimal(value) => value.write_java(out),
            Self::Temporal(value) => write_json_string(&value.json_text(), out),
            Self::Text(text) => write_json_string(text, out),
            Self::Blob(bytes) => write_json_string(&STANDARD.encode(bytes), out),
            Self::List(values) => {
                out.push('[');
                for (index, value) in values.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    value.write_json(out);
                }
                out.push(']');
            }
            Self::Map(fields) => {
                out.push('{');
                for (index, (name, value)) in fields.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    write_json_string(name, out);
                    out.push(':');
                    value.write_json(out);
                }
                out.push('}');
            }
        }
    }
}

impl From<serde_json::Value> for Value {
    fn from(json: serde_json::Value) -> Self {
        use serde_json::Value as Json;
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(value),
            Json::Number(number) => match number.as_i64() {
                Some(value) => Self::Int(value),
                None if number.is_u64() => Self::BigInt(number.to_string()),
                None => Self::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => Self::Text(text),
            Json::Array(values) => Self::List(values.into_iter().map(Self::from).collect()),
            Json::Object(fields) => Self::Map(
                fields
                    .into_iter()
                    .map(|(name, value)| (name, Self::from(value)))
                    .collect(),
            ),
        }
    }
}

/// JSON has no such numbers; Jackson writes their names as strings.
fn non_finite_name(value: f64) -> Option<&'static str> {
    if value.is_nan() {
        Some("NaN")
    } else if value == f64::INFINITY {
        Some("Infinity")
    } else if value == f64::NEG_INFINITY {
        Some("-Infinity")
    } else {
        None
    }
}

fn write_json_string(text: &str, out: &mut String) {
    out.push_str(&serde_json::to_string(text).expect("a string is always JSON"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_text_keeps_every_digit_and_json_values_the_nearest_double() {
        let row = Value::Map(IndexMap::from([
            (
                "price".to_owned(),
                Value::Decimal(Decimal::new(false, "1050", -2)),
            ),
            (
                "big".to_owned(),
                Value::BigInt("123456789012345678901234567890".into()),
            ),
            ("nan".to_owned(), Value::Float(f64::NAN)),
            ("bytes".to_owned(), Value::Blob(vec![1, 2, 3, 255])),
        ]));
        assert_eq!(
            row.json_text(),
            r#"{"price":10.50,"big":123456789012345678901234567890,"nan":"NaN","bytes":"AQID/w=="}"#
        );
        assert_eq!(
            row.clone().into_json(),
            serde_json::from_str::<serde_json::Value>(&row.json_text()).unwrap()
        );
    }

    #[test]
    fn json_numbers_keep_their_kind() {
        let json: serde_json::Value =
            serde_json::from_str("[1,1.0,18446744073709551615,-5]").unwrap();
        assert_eq!(
            Value::from(json),
            Value::List(vec![
                Value::Int(1),
                Value::Float(1.0),
                Value::BigInt("18446744073709551615".into()),
                Value::Int(-5)
            ])
        );
    }
}
