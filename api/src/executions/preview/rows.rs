//! Files of rows. Each function gives the first rows and whether there are more; `None` when the file is no such thing.

use flowmill_common::ion;
use serde_json::{Map, Value};

use super::Beginning;

type Rows = Option<(Vec<Value>, bool)>;

/// Ion, one value a row.
pub(super) fn ion(beginning: &Beginning, count: usize) -> Rows {
    let values = ion::Reader::new(beginning.bytes.as_slice())
        .map(|value| value.map(ion::Value::into_json).ok());
    first(values, beginning.cut, count)
}

/// JSON, one value a line.
pub(super) fn json_lines(beginning: &Beginning, count: usize) -> Rows {
    let values = serde_json::Deserializer::from_slice(&beginning.bytes)
        .into_iter::<Value>()
        .map(Result::ok);
    first(values, beginning.cut, count)
}

/// One JSON list.
pub(super) fn json(beginning: &Beginning, count: usize) -> Rows {
    if !beginning.cut {
        let Value::Array(mut rows) = serde_json::from_slice(&beginning.bytes).ok()? else {
            return None;
        };
        let truncated = rows.len() > count;
        rows.truncate(count);
        return Some((rows, truncated));
    }
    let start = beginning
        .bytes
        .iter()
        .position(|byte| !byte.is_ascii_whitespace())?;
    let mut rest = beginning.bytes[start..].strip_prefix(b"[")?;
    let mut rows = Vec::new();
    while rows.len() < count {
        let mut values = serde_json::Deserializer::from_slice(rest).into_iter::<Value>();
        let Some(Ok(row)) = values.next() else { break };
        rows.push(row);
        let after = &rest[values.byte_offset()..];
        let Some(comma) = after.iter().position(|byte| *byte == b',') else {
            break;
        };
        rest = &after[comma + 1..];
    }
    Some((rows, true))
}

/// Comma-separated values: the first row names the columns. Without a given one, the separator is the one of `, ; tab |` that the
/// first row has most of.
pub(super) fn csv(text: &str, cut: bool, count: usize, separator: Option<u8>) -> Rows {
    let first_line = text.lines().next()?;
    let occurs = |separator: &u8| first_line.bytes().filter(|byte| byte == separator).count();
    let separator = separator.unwrap_or_else(|| {
        let candidates = [b'|', b'\t', b';', b','];
        candidates.into_iter().max_by_key(occurs).unwrap_or(b',')
    });
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator)
        .flexible(true)
        .from_reader(text.as_bytes());
    let names: Vec<String> = reader.headers().ok()?.iter().map(str::to_owned).collect();
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.ok()?;
        if rows.len() == count {
            return Some((rows, true));
        }
        let cells = record.iter().enumerate().map(|(place, cell)| {
            let name = names
                .get(place)
                .cloned()
                .unwrap_or_else(|| format!("column{}", place + 1));
            (name, Value::String(cell.to_owned()))
        });
        rows.push(Value::Object(cells.collect::<Map<String, Value>>()));
    }
    if cut {
        // the last row may be half of one
        rows.pop();
    }
    Some((rows, cut))
}

fn first(values: impl Iterator<Item = Option<Value>>, cut: bool, count: usize) -> Rows {
    let mut rows = Vec::new();
    for value in values {
        match value {
            Some(_) if rows.len() == count => return Some((rows, true)),
            Some(value) => rows.push(value),
            // the last row is half of one
            None if cut => break,
            None => return None,
        }
    }
    Some((rows, cut))
}
