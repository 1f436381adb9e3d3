//! Numbers and timestamps: the tokens that begin with a digit or a minus sign.

use super::decimal::Decimal;
use super::temporal::{Temporal, TemporalKind, instant_fraction};
use super::value::Value;

/// The value of a token.
///
/// # Errors
/// What is wrong with it, in words.
pub(super) fn value_of(token: &str) -> Result<Value, String> {
    if is_plain_integer(token) {
        return Ok(Value::Int(
            token.parse().expect("18 digits fit into 64 bits"),
        ));
    }
    if looks_like_timestamp(token) {
        return timestamp(token).ok_or_else(|| format!("`{token}` is no date or time"));
    }
    let (negative, body) = match token.strip_prefix('-') {
        Some(body) => (true, body),
        None => (false, token),
    };
    let value = if let Some(digits) = body.strip_prefix("0x").or_else(|| body.strip_prefix("0X")) {
        radix_integer(negative, digits, 16)
    } else if let Some(digits) = body.strip_prefix("0b").or_else(|| body.strip_prefix("0B")) {
        radix_integer(negative, digits, 2)
    } else {
        decimal_number(negative, body)
    };
    value.ok_or_else(|| format!("`{token}` is no number"))
}

/// The common case, told apart cheaply.
fn is_plain_integer(token: &str) -> bool {
    token.len() <= 18 && all_digits(token) && (token.len() == 1 || !token.starts_with('0'))
}

fn looks_like_timestamp(token: &str) -> bool {
    let bytes = token.as_bytes();
    bytes.len() >= 5 && bytes[..4].iter().all(u8::is_ascii_digit) && matches!(bytes[4], b'-' | b'T')
}

/// Hexadecimal or binary digits, which fit into 128 bits in any sane file; more are refused.
fn radix_integer(negative: bool, digits: &str, radix: u32) -> Option<Value> {
    let digits = without_underscores(digits)?;
    let magnitude = u128::from_str_radix(&digits, radix).ok()?;
    Some(integer(negative, &magnitude.to_string()))
}

/// An integer, a decimal (`1.5`, `1d3`) or a float (`1e3`).
fn decimal_number(negative: bool, body: &str) -> Option<Value> {
    let exponent_at = body.find(['e', 'E', 'd', 'D']);
    let (mantissa, exponent) = match exponent_at {
        Some(at) => (&body[..at], Some(&body[at + 1..])),
        None => (body, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let whole = without_underscores(whole)?;
    let fraction_digits = match fraction {
        None | Some("") => String::new(),
        Some(fraction) => without_underscores(fraction)?,
    };
    if (whole.len() > 1 && whole.starts_with('0'))
        || !all_digits(&whole)
        || !all_digits(&fraction_digits)
    {
        return None;
    }
    let Some(exponent) = exponent else {
        return Some(match fraction {
            None => integer(negative, &whole),
            Some(_) => decimal(negative, &whole, &fraction_digits, 0)?,
        });
    };
    let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if unsigned.is_empty() || !all_digits(unsigned) {
        return None;
    }
    match body.as_bytes()[exponent_at?] {
        b'd' | b'D' => decimal(negative, &whole, &fraction_digits, exponent.parse().ok()?),
        _ => {
            let sign = if negative { "-" } else { "" };
            format!("{sign}{whole}.{fraction_digits}0e{exponent}")
                .parse()
                .ok()
                .map(Value::Float)
        }
    }
}

fn decimal(negative: bool, whole: &str, fraction: &str, exponent: i32) -> Option<Value> {
    let scale = i32::try_from(fraction.len()).ok()?;
    let exponent = exponent.checked_sub(scale)?;
    Some(Value::Decimal(Decimal::new(
        negative,
        &format!("{whole}{fraction}"),
        exponent,
    )))
}

fn integer(negative: bool, digits: &str) -> Value {
    let text = if negative && digits != "0" {
        format!("-{digits}")
    } else {
        digits.to_owned()
    };
    match text.parse() {
        Ok(value) => Value::Int(value),
        Err(_) => Value::BigInt(text),
    }
}

/// Digits with single underscores between them.
fn without_underscores(digits: &str) -> Option<String> {
    let well_placed = !digits.is_empty()
        && !digits.starts_with('_')
        && !digits.ends_with('_')
        && !digits.contains("__");
    well_placed.then(|| digits.replace('_', ""))
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// An Ion timestamp, as Kestra reads it: midnight in UTC (or a bare date) is a date, other times in UTC are instants, times
/// with another offset are zoned.
fn timestamp(token: &str) -> Option<Value> {
    let (date, time) = match token.split_once('T') {
        Some((date, time)) => (date, time),
        None => (token, ""),
    };
    let mut parts = date.split('-');
    let year = fixed_digits(parts.next()?, 4, 1..=9999)?;
    let month = parts.next().map(|month| fixed_digits(month, 2, 1..=12));
    let day = parts.next().map(|day| fixed_digits(day, 2, 1..=31));
    if parts.next().is_some() {
        return None;
    }
    let (month, day) = match (month, day) {
        (None, None) if token.ends_with('T') => (1, 1),
        (Some(month), None) if token.ends_with('T') => (month?, 1),
        (Some(month), Some(day)) => (month?, day?),
        _ => return None,
    };
    if day > days_in_month(year, month) {
        return None;
    }
    let date = format!("{year:04}-{month:02}-{day:02}");
    if time.is_empty() {
        return Some(temporal(TemporalKind::LocalDate, date));
    }
    time_of_day(&date, time)
}

fn time_of_day(date: &str, time: &str) -> Option<Value> {
    let (clock, offset) = match time.strip_suffix('Z') {
        Some(clock) => (clock, ""),
        None => {
            let at = time.rfind(['+', '-'])?;
            (&time[..at], &time[at..])
        }
    };
    let mut parts = clock.split(':');
    let hour = fixed_digits(parts.next()?, 2, 0..=23)?;
    let minute = fixed_digits(parts.next()?, 2, 0..=59)?;
    let (second, fraction) = match parts.next() {
        None => (0, ""),
        Some(seconds) => match seconds.split_once('.') {
            None => (fixed_digits(seconds, 2, 0..=59)?, ""),
            Some((whole, fraction)) if !fraction.is_empty() && all_digits(fraction) => {
                (fixed_digits(whole, 2, 0..=59)?, fraction)
            }
            Some(_) => return None,
        },
    };
    if parts.next().is_some() || (!offset.is_empty() && !is_offset(offset)) {
        return None;
    }
    let fraction = &fraction[..fraction.len().min(9)];
    let midnight =
        hour == 0 && minute == 0 && second == 0 && fraction.bytes().all(|digit| digit == b'0');
    let in_utc = matches!(offset, "" | "+00:00" | "-00:00");
    Some(if in_utc && midnight {
        temporal(TemporalKind::LocalDate, date.to_owned())
    } else if in_utc {
        let fraction = instant_fraction(fraction);
        temporal(
            TemporalKind::Instant,
            format!("{date}T{hour:02}:{minute:02}:{second:02}{fraction}Z"),
        )
    } else {
        let significant = fraction.trim_end_matches('0');
        let point = if significant.is_empty() { "" } else { "." };
        temporal(
            TemporalKind::ZonedDateTime,
            format!("{date}T{hour:02}:{minute:02}:{second:02}{point}{significant}{offset}"),
        )
    })
}

fn is_offset(offset: &str) -> bool {
    offset[1..].split_once(':').is_some_and(|(hours, minutes)| {
        fixed_digits(hours, 2, 0..=23).is_some() && fixed_digits(minutes, 2, 0..=59).is_some()
    })
}

fn fixed_digits(text: &str, width: usize, range: std::ops::RangeInclusive<u32>) -> Option<u32> {
    let value = (text.len() == width && all_digits(text)).then(|| text.parse().ok())??;
    range.contains(&value).then_some(value)
}

fn days_in_month(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn temporal(kind: TemporalKind, text: String) -> Value {
    Value::Temporal(Temporal { kind, text })
}
