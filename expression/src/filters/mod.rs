//! The filters, one file per theme.

mod collection;
mod date;
mod encode;
mod format;
mod number;
mod regex;
mod text;
mod value;

use crate::Error;
use crate::evaluate::Call;
use crate::table::Filter;
use crate::value::Value;

/// All filters, by theme.
pub(crate) const GROUPS: [(&str, &[Filter]); 8] = [
    ("Text", text::FILTERS),
    ("Regular expressions", regex::FILTERS),
    ("Encoding and hashing", encode::FILTERS),
    ("Lists and maps", collection::FILTERS),
    ("Numbers", number::FILTERS),
    ("Dates", date::FILTERS),
    ("JSON, YAML and Ion", format::FILTERS),
    ("Any value", value::FILTERS),
];

/// The text of any value, as Java's `toString` gives it.
pub(crate) fn java_text(call: &Call<'_, '_>, value: &Value) -> Result<String, Error> {
    let mut text = call.session().text();
    crate::formats::java_text::write(value, &mut text)?;
    Ok(text.into_string())
}

/// Wraps the class cast that Java would report.
pub(crate) fn wrong_class(value: &Value, wanted: &str) -> Error {
    let class = crate::java::class_name::of(value);
    Error::evaluation(format!("class {class} cannot be cast to class {wanted}"))
}

/// The text of an input that must be one; `None` for null.
pub(crate) fn text_input(input: &Value) -> Result<Option<&str>, Error> {
    match input {
        Value::Null => Ok(None),
        Value::Str(text) => Ok(Some(text)),
        other => Err(wrong_class(other, "java.lang.String")),
    }
}
