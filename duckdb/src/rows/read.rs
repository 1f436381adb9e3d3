//! Reads values out of column vectors: which SQL type becomes what.

use flowmill_common::ion::{Decimal, TemporalKind};

use super::sink::Sink;
use super::text::TextSink;
use crate::temporal::{self, Zone};
use crate::types::{Storage, Type};
use crate::vector::Vector;

/// How the columns of a result make a map: of columns with equal labels the last one's value stands at the first one's
/// place.
pub(crate) struct RowShape {
    fields: Vec<(String, usize)>,
    zone: Zone,
}

impl RowShape {
    /// The shape of rows with these column labels.
    pub(crate) fn new(labels: &[String], zone: Zone) -> Self {
        let mut fields: Vec<(String, usize)> = Vec::with_capacity(labels.len());
        for (index, label) in labels.iter().enumerate() {
            match fields.iter_mut().find(|(known, _)| known == label) {
                Some((_, column)) => *column = index,
                None => fields.push((label.clone(), index)),
            }
        }
        Self { fields, zone }
    }

    /// Writes a row as a map.
    pub(crate) fn write(&self, columns: &[Vector<'_>], row: usize, sink: &mut impl Sink) {
        sink.begin_map();
        for (label, column) in &self.fields {
            sink.field(label);
            write_value(&columns[*column], row, &self.zone, sink);
        }
        sink.end_map();
    }
}

fn write_value(vector: &Vector<'_>, row: usize, zone: &Zone, sink: &mut impl Sink) {
    if vector.is_null(row) {
        return sink.null();
    }
    match vector.kind() {
        Type::Null | Type::Unreadable(_) => sink.null(),
        Type::Boolean => sink.bool(vector.number::<u8>(row) != 0),
        Type::TinyInt => sink.int(vector.number::<i8>(row).into()),
        Type::SmallInt => sink.int(vector.number::<i16>(row).into()),
        Type::Integer => sink.int(vector.number::<i32>(row).into()),
        Type::BigInt => sink.int(vector.number::<i64>(row)),
        Type::UTinyInt => sink.int(vector.number::<u8>(row).into()),
        Type::USmallInt => sink.int(vector.number::<u16>(row).into()),
        Type::UInteger => sink.int(vector.number::<u32>(row).into()),
        // What Java has as BigInteger is text in Kestra's rows.
        Type::UBigInt => sink.string(&vector.number::<u64>(row).to_string()),
        Type::HugeInt => sink.string(&vector.number::<i128>(row).to_string()),
        Type::UHugeInt => sink.string(&vector.number::<u128>(row).to_string()),
        Type::Bignum => sink.string(&bignum_text(vector.bytes(row))),
        Type::Float => sink.float32(vector.number(row)),
        Type::Double => sink.float(vector.number(row)),
        Type::Decimal { scale, storage, .. } => {
            sink.decimal(&Decimal::from_parts(signed(vector, row, *storage), *scale));
        }
        Type::Varchar => sink.string(&String::from_utf8_lossy(vector.bytes(row))),
        Type::Json => write_json(vector.bytes(row), sink),
        Type::Blob | Type::Geometry => sink.blob(vector.bytes(row)),
        Type::Bit => sink.string(&bit_text(vector.bytes(row))),
        Type::Uuid => sink.string(&uuid_text(vector.number(row))),
        Type::Interval => sink.string(&interval_text(vector.number(row))),
        Type::Enum { labels, storage } => {
            let index = unsigned(vector, row, *storage);
            sink.string(labels.get(index).map_or("", String::as_str));
        }
        Type::Date => sink.temporal(&temporal::date(vector.number(row))),
        Type::Time => sink.temporal(&temporal::time(
            vector.number::<i64>(row).saturating_mul(1000),
        )),
        Type::TimeNanos => sink.temporal(&temporal::time(vector.number(row))),
        Type::TimeTz => sink.temporal(&temporal::time_with_offset(vector.number(row))),
        Type::Timestamp => write_timestamp(vector.number(row), 1000, zone, sink),
        Type::TimestampSeconds => write_timestamp(vector.number(row), 1_000_000_000, zone, sink),
        Type::TimestampMillis => write_timestamp(vector.number(row), 1_000_000, zone, sink),
        Type::TimestampNanos => write_timestamp(vector.number(row), 1, zone, sink),
        Type::TimestampTz => match infinite(vector.number(row)) {
            Some(positive) => {
                sink.temporal(&temporal::infinity(TemporalKind::OffsetDateTime, positive))
            }
            None => sink.temporal(&temporal::instant(
                i128::from(vector.number::<i64>(row)) * 1000,
            )),
        },
        Type::List(_) | Type::Array(_, _) => {
            let span = vector.span(row);
            sink.begin_list();
            for item in span.offset..span.offset + span.length {
                write_value(&vector.children()[0], item, zone, sink);
            }
            sink.end_list();
        }
        Type::Map(_, _) => {
            let span = vector.span(row);
            sink.begin_map();
            for entry in span.offset..span.offset + span.length {
                let mut key = TextSink::default();
                write_value(&vector.children()[0], entry, zone, &mut key);
                sink.field(&key.into_text());
                write_value(&vector.children()[1], entry, zone, sink);
            }
            sink.end_map();
        }
        Type::Struct(fields) => {
            sink.begin_map();
            for ((name, _), child) in fields.iter().zip(vector.children()) {
                sink.field(name);
                write_value(child, row, zone, sink);
            }
            sink.end_map();
        }
        Type::Union(_) => {
            let tag = usize::from(vector.children()[0].number::<u8>(row));
            match vector.children().get(tag + 1) {
                Some(member) => write_value(member, row, zone, sink),
                None => sink.null(),
            }
        }
    }
}

/// DuckDB holds values of type JSON as text that was checked; one that is not JSON after all stays text.
fn write_json(bytes: &[u8], sink: &mut impl Sink) {
    let text = String::from_utf8_lossy(bytes);
    match serde_json::from_str(&text) {
        Ok(value) => sink.json(&text, &value),
        Err(_) => sink.string(&text),
    }
}

fn write_timestamp(ticks: i64, nanos_per_tick: i128, zone: &Zone, sink: &mut impl Sink) {
    match infinite(ticks) {
        Some(positive) => sink.temporal(&temporal::infinity(TemporalKind::ZonedDateTime, positive)),
        None => sink.temporal(&temporal::local_timestamp(
            i128::from(ticks) * nanos_per_tick,
            zone,
        )),
    }
}

/// Whether the ticks stand for an infinity, and which.
fn infinite(ticks: i64) -> Option<bool> {
    match ticks {
        i64::MAX => Some(true),
        ticks if ticks == -i64::MAX => Some(false),
        _ => None,
    }
}

fn signed(vector: &Vector<'_>, row: usize, storage: Storage) -> i128 {
    match storage {
        Storage::Int8 => vector.number::<i8>(row).into(),
        Storage::Int16 => vector.number::<i16>(row).into(),
        Storage::Int32 => vector.number::<i32>(row).into(),
        Storage::Int64 => vector.number::<i64>(row).into(),
        Storage::Int128 => vector.number(row),
    }
}

fn unsigned(vector: &Vector<'_>, row: usize, storage: Storage) -> usize {
    match storage {
        Storage::Int8 => vector.number::<u8>(row).into(),
        Storage::Int16 => vector.number::<u16>(row).into(),
        Storage::Int32 => vector.number::<u32>(row) as usize,
        Storage::Int64 | Storage::Int128 => vector.number::<u64>(row) as usize,
    }
}

/// DuckDB flips the highest bit so that UUIDs sort as signed numbers.
fn uuid_text(bits: u128) -> String {
    let hex = format!("{:032x}", bits ^ 1 << 127);
    [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ]
    .join("-")
}

/// Months and days of 4 bytes each, then microseconds of 8.
fn interval_text(bits: u128) -> String {
    temporal::interval(bits as i32, (bits >> 32) as i32, (bits >> 64) as i64)
}

/// A byte that says how many leading bits of the next one are padding, then the bits.
fn bit_text(bytes: &[u8]) -> String {
    let Some((padding, bits)) = bytes.split_first() else {
        return String::new();
    };
    let text: String = bits.iter().map(|byte| format!("{byte:08b}")).collect();
    text.get(usize::from(*padding)..)
        .unwrap_or_default()
        .to_owned()
}

/// Three bytes of header, then the magnitude, highest byte first; all bits of negative numbers are flipped.
fn bignum_text(bytes: &[u8]) -> String {
    let Some((header, magnitude)) = bytes.split_at_checked(3) else {
        return String::new();
    };
    let negative = header[0] & 0x80 == 0;
    // Groups of nine decimal digits, lowest first.
    let mut groups: Vec<u32> = vec![0];
    for byte in magnitude {
        let mut carry = u64::from(if negative { !byte } else { *byte });
        for group in &mut groups {
            let sum = u64::from(*group) * 256 + carry;
            *group = (sum % 1_000_000_000) as u32;
            carry = sum / 1_000_000_000;
        }
        if carry > 0 {
            groups.push(carry as u32);
        }
    }
    let highest = groups.pop().unwrap_or(0);
    let mut text = format!("{}{highest}", if negative { "-" } else { "" });
    for group in groups.iter().rev() {
        text.push_str(&format!("{group:09}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equal_labels_the_last_value_stands_at_the_first_place() {
        let labels = ["a", "b", "a"].map(str::to_owned);
        let shape = RowShape::new(&labels, Zone::of_name(None).unwrap());
        assert_eq!(shape.fields, [("a".to_owned(), 2), ("b".to_owned(), 1)]);
    }

    #[test]
    fn bits_are_printed_without_their_padding() {
        assert_eq!(bit_text(&[4, 0b1111_1010]), "1010");
        assert_eq!(bit_text(&[0, 0b1000_0001, 1]), "1000000100000001");
    }

    #[test]
    fn large_numbers_are_printed_in_full() {
        assert_eq!(bignum_text(&[0x80, 0, 1, 0]), "0");
        assert_eq!(
            bignum_text(&[0x80, 0, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
            "18446744073709551616"
        );
        assert_eq!(bignum_text(&[0x7F, 0xFF, 0xFE, 0xFE]), "-1");
    }
}
