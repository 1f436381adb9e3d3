//! Values as the text that Java makes of them.

use serde_json::Value;

/// A text stays itself; everything else is its JSON.
pub(super) fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A list as Java prints it: `[a, b]`.
pub(super) fn listed(values: &[String]) -> String {
    format!("[{}]", values.join(", "))
}

/// A fraction as Java prints it: `10.0`, `0.5`.
pub(super) fn float_text(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e7 {
        format!("{value:.1}")
    } else {
        value.to_string()
    }
}
