//! The names of the Java classes that values have in Kestra.

use crate::Value;
use crate::value::Temporal;

/// `java.lang.Long` for literals, `java.lang.Integer` for small numbers of contexts, and so on.
pub(crate) fn of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "java.lang.Boolean",
        Value::Int32(_) => "java.lang.Integer",
        Value::Int(_) => "java.lang.Long",
        Value::F32(_) => "java.lang.Float",
        Value::Float(_) => "java.lang.Double",
        Value::Big(_) => "java.math.BigInteger",
        Value::Decimal(_) => "java.math.BigDecimal",
        Value::Str(_) => "java.lang.String",
        Value::Bytes(_) => "[B",
        Value::List(_) => "java.util.ArrayList",
        Value::Json(view) if view.is_list() => "java.util.ArrayList",
        Value::Map(_) | Value::Json(_) | Value::Object(_) => "java.util.LinkedHashMap",
        Value::Entry(_) => "java.util.LinkedHashMap$Entry",
        Value::Temporal(temporal) => match &**temporal {
            Temporal::Instant(_) => "java.time.Instant",
            Temporal::Zoned(_) => "java.time.ZonedDateTime",
            Temporal::DateTime(_) => "java.time.LocalDateTime",
            Temporal::Date(_) => "java.time.LocalDate",
            Temporal::Time(_) => "java.time.LocalTime",
        },
    }
}

/// The name without its package.
pub(crate) fn simple(value: &Value) -> &'static str {
    let name = of(value);
    name.rsplit('.').next().unwrap_or(name)
}
