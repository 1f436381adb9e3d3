//! Java's `String.format`.

use num_bigint::BigInt;

use super::{double, hash_order};
use crate::dates::locale;
use crate::error::Error;
use crate::formats::text::Text;
use crate::value::{Decimal, Number, Value};

/// One `%…` of a pattern.
#[derive(Debug, Default)]
struct Specifier {
    /// Which argument, from 1; 0 for the next one.
    index: usize,
    /// The same argument as before.
    again: bool,
    left: bool,
    zeros: bool,
    plus: bool,
    blank: bool,
    groups: bool,
    brackets: bool,
    alternate: bool,
    width: usize,
    precision: Option<usize>,
    conversion: char,
}

/// Widths and precisions beyond this are refused.
const MOST: usize = 10_000;

/// Appends the pattern, filled with the arguments.
pub(crate) fn format(
    pattern: &str,
    arguments: &[Value],
    locale_name: &str,
    text: &mut Text,
) -> Result<(), Error> {
    let mut next = 0;
    let mut last = None;
    let mut rest = pattern;
    while let Some(at) = rest.find('%') {
        text.push_str(&rest[..at])?;
        let (specifier, length) = read(&rest[at + 1..])?;
        rest = &rest[at + 1 + length..];
        match specifier.conversion {
            'n' => {
                text.push_str("\n")?;
                continue;
            }
            '%' => {
                text.push_str(&pad("%", &specifier))?;
                continue;
            }
            _ => {}
        }
        let index = match specifier.index {
            _ if specifier.again => last,
            0 => {
                next += 1;
                Some(next - 1)
            }
            index => Some(index - 1),
        };
        let argument = index.and_then(|index| arguments.get(index));
        let Some(argument) = argument else {
            return Err(Error::evaluation(format!(
                "Format specifier '%{}'",
                specifier.conversion
            )));
        };
        last = index;
        let mut piece = convert(&specifier, argument, locale_name)?;
        if specifier.conversion.is_uppercase() {
            piece = piece.to_uppercase();
        }
        text.push_str(&piece)?;
    }
    text.push_str(rest)
}

/// Reads what follows a `%`, and how long it is.
fn read(text: &str) -> Result<(Specifier, usize), Error> {
    let mut specifier = Specifier::default();
    let digits = |from: &str| from.bytes().take_while(u8::is_ascii_digit).count();
    let number = |from: &str| -> Result<usize, Error> {
        match from.parse() {
            Ok(number) if number <= MOST => Ok(number),
            _ => Err(Error::evaluation(format!(
                "`{from}` is too large in a format"
            ))),
        }
    };
    let mut at = 0;
    let count = digits(text);
    if count > 0 && text[count..].starts_with('$') && !text.starts_with('0') {
        specifier.index = number(&text[..count])?;
        at = count + 1;
    } else if text.starts_with('<') {
        specifier.again = true;
        at = 1;
    }
    while let Some(flag) = text[at..].chars().next() {
        let known = match flag {
            '-' => &mut specifier.left,
            '0' => &mut specifier.zeros,
            '+' => &mut specifier.plus,
            ' ' => &mut specifier.blank,
            ',' => &mut specifier.groups,
            '(' => &mut specifier.brackets,
            '#' => &mut specifier.alternate,
            _ => break,
        };
        *known = true;
        at += 1;
    }
    let count = digits(&text[at..]);
    if count > 0 {
        specifier.width = number(&text[at..at + count])?;
        at += count;
    }
    if text[at..].starts_with('.') {
        let count = digits(&text[at + 1..]);
        if count == 0 {
            return Err(Error::evaluation("Conversion = '.'"));
        }
        specifier.precision = Some(number(&text[at + 1..at + 1 + count])?);
        at += 1 + count;
    }
    let Some(conversion) = text[at..].chars().next() else {
        let last = text.chars().last().unwrap_or('%');
        return Err(Error::evaluation(format!("Conversion = '{last}'")));
    };
    if !"bBhHsScCdoxXeEfgGaAtT%n".contains(conversion) {
        return Err(Error::evaluation(format!("Conversion = '{conversion}'")));
    }
    specifier.conversion = conversion;
    at += conversion.len_utf8();
    if matches!(conversion, 't' | 'T') {
        return Err(Error::evaluation(
            "dates are not formatted by `format`; use the `date` filter",
        ));
    }
    Ok((specifier, at))
}

fn convert(specifier: &Specifier, argument: &Value, locale_name: &str) -> Result<String, Error> {
    let general = |text: String| {
        let cut: String = match specifier.precision {
            Some(precision) => text.chars().take(precision).collect(),
            None => text,
        };
        Ok(pad(&cut, specifier))
    };
    match specifier.conversion.to_ascii_lowercase() {
        's' => general(argument.to_java_text()?),
        'b' => general(match argument {
            Value::Null => "false".to_owned(),
            Value::Bool(value) => value.to_string(),
            _ => "true".to_owned(),
        }),
        'h' => general(match argument {
            Value::Null => "null".to_owned(),
            value => format!("{:x}", hash_order::string_hash(&value.to_java_text()?)),
        }),
        _ if argument.is_null() => Ok(pad(
            "null",
            &Specifier {
                width: specifier.width,
                left: specifier.left,
                ..Specifier::default()
            },
        )),
        'c' => match argument {
            Value::Int32(code) => {
                let unit = u32::try_from(*code).ok().and_then(char::from_u32);
                general(
                    unit.ok_or_else(|| Error::evaluation(format!("Code point = 0x{code:x}")))?
                        .to_string(),
                )
            }
            other => Err(mismatch(specifier, other)),
        },
        'd' | 'o' | 'x' => integer(specifier, argument, locale_name),
        'e' | 'f' | 'g' => float(specifier, argument, locale_name),
        _ => match argument.as_number() {
            Some(number) if !number.is_integer() => {
                Ok(pad(&hexadecimal(number.to_f64()), specifier))
            }
            _ => Err(mismatch(specifier, argument)),
        },
    }
}

fn mismatch(specifier: &Specifier, argument: &Value) -> Error {
    Error::evaluation(format!(
        "{} != {}",
        specifier.conversion,
        super::class_name::of(argument)
    ))
}

/// Fills up to the width with blanks.
fn pad(text: &str, specifier: &Specifier) -> String {
    let width = specifier.width;
    if specifier.left {
        format!("{text:<width$}")
    } else {
        format!("{text:>width$}")
    }
}

fn integer(specifier: &Specifier, argument: &Value, locale_name: &str) -> Result<String, Error> {
    if let Some(precision) = specifier.precision {
        return Err(Error::evaluation(precision.to_string()));
    }
    let value = match argument.as_number() {
        Some(Number::Int(value)) => BigInt::from(value),
        Some(Number::Big(value)) => (*value).clone(),
        _ => return Err(mismatch(specifier, argument)),
    };
    if specifier.conversion == 'd' {
        let negative = value.sign() == num_bigint::Sign::Minus;
        return Ok(signed(
            specifier,
            &value.magnitude().to_string(),
            "",
            negative,
            locale_name,
        ));
    }
    // Negative numbers show their two's complement, unless they are big.
    let radix = if specifier.conversion == 'o' { 8 } else { 16 };
    let text = match argument {
        Value::Int32(value) => BigInt::from(value.cast_unsigned()).to_str_radix(radix),
        Value::Int(value) => BigInt::from(value.cast_unsigned()).to_str_radix(radix),
        _ => value.to_str_radix(radix),
    };
    let prefix = match (specifier.alternate, radix) {
        (true, 16) => "0x",
        (true, _) => "0",
        _ => "",
    };
    if specifier.zeros {
        let width = specifier.width.saturating_sub(prefix.len());
        return Ok(format!("{prefix}{text:0>width$}"));
    }
    Ok(pad(&format!("{prefix}{text}"), specifier))
}

fn float(specifier: &Specifier, argument: &Value, locale_name: &str) -> Result<String, Error> {
    let (decimal, negative) = match argument.as_number() {
        Some(Number::Decimal(value)) => ((*value).clone(), value.is_negative()),
        Some(number @ (Number::Float(_) | Number::F32(_))) => {
            let value = number.to_f64();
            if !value.is_finite() {
                let sign = if value < 0.0 {
                    "-"
                } else if specifier.plus {
                    "+"
                } else {
                    ""
                };
                let name = if value.is_nan() {
                    "NaN".to_owned()
                } else {
                    format!("{sign}Infinity")
                };
                return Ok(pad(&name, specifier));
            }
            let exact = number
                .to_decimal()
                .unwrap_or_else(|| Decimal::new(BigInt::ZERO, 0));
            (exact, value.is_sign_negative())
        }
        _ => return Err(mismatch(specifier, argument)),
    };
    let size = if decimal.is_negative() {
        decimal.negate()
    } else {
        decimal
    };
    let precision = specifier.precision.unwrap_or(6);
    let (whole, tail) = match specifier.conversion.to_ascii_lowercase() {
        'f' => (round_half_up(&size, precision), String::new()),
        'e' => scientific(&size, precision),
        _ => {
            let precision = precision.max(1);
            let small = size.compare(&Decimal::new(BigInt::from(1), 4)).is_lt();
            let large = size
                .compare(&Decimal::new(
                    BigInt::from(1),
                    -i32::try_from(precision).unwrap_or(0),
                ))
                .is_ge();
            if size.is_zero() || (!small && !large) {
                let before = size
                    .to_plain()
                    .split('.')
                    .next()
                    .map_or(1, |whole| if whole == "0" { 0 } else { whole.len() });
                let leading = if before == 0 { leading_zeros(&size) } else { 0 };
                (
                    round_half_up(
                        &size,
                        (precision + leading)
                            .saturating_sub(before.max(usize::from(size.is_zero()))),
                    ),
                    String::new(),
                )
            } else {
                scientific(&size, precision - 1)
            }
        }
    };
    Ok(signed(specifier, &whole, &tail, negative, locale_name))
}

/// Zeros directly behind the point.
fn leading_zeros(size: &Decimal) -> usize {
    let plain = size.to_plain();
    plain.split_once('.').map_or(0, |(_, fraction)| {
        fraction.len() - fraction.trim_start_matches('0').len()
    })
}

/// Mantissa and `e+05`.
fn scientific(size: &Decimal, precision: usize) -> (String, String) {
    if size.is_zero() {
        return (round_half_up(size, precision), "e+00".to_owned());
    }
    let length = |decimal: &Decimal| {
        i32::try_from(decimal.unscaled().magnitude().to_string().len()).unwrap_or(0)
    };
    let mut exponent = length(size) - 1 - size.scale();
    let mantissa = |exponent: i32| Decimal::new(size.unscaled().clone(), size.scale() + exponent);
    let mut text = round_half_up(&mantissa(exponent), precision);
    if text.starts_with("10") {
        exponent += 1;
        text = round_half_up(&mantissa(exponent), precision);
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    (text, format!("e{sign}{:02}", exponent.abs()))
}

/// With so many digits after the point, half rounded up: `Formatter` rounds unlike `DecimalFormat`.
fn round_half_up(size: &Decimal, places: usize) -> String {
    let scale = i32::try_from(places).unwrap_or(i32::MAX);
    let surplus = size.scale() - scale;
    let unscaled = if surplus > 0 {
        let divisor = crate::value::power_of_ten(surplus.unsigned_abs());
        (size.unscaled() + &divisor / 2) / divisor
    } else {
        size.unscaled() * crate::value::power_of_ten(surplus.unsigned_abs())
    };
    Decimal::new(unscaled, scale).to_plain()
}

/// Sign, groups, zeros and width around the digits of a number.
fn signed(
    specifier: &Specifier,
    digits: &str,
    tail: &str,
    negative: bool,
    locale_name: &str,
) -> String {
    let symbols = &locale::find(locale_name)
        .unwrap_or_else(locale::english)
        .symbols;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut body = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if specifier.groups && index > 0 && (whole.len() - index) % 3 == 0 {
            body.push_str(symbols.group);
        }
        body.push(digit);
    }
    if !fraction.is_empty() {
        body.push_str(symbols.point);
        body.push_str(fraction);
    } else if specifier.alternate && specifier.conversion != 'd' {
        body.push_str(symbols.point);
    }
    body.push_str(tail);
    let (before, after) = match negative {
        true if specifier.brackets => ("(", ")"),
        true => ("-", ""),
        false if specifier.plus => ("+", ""),
        false if specifier.blank => (" ", ""),
        false => ("", ""),
    };
    if specifier.zeros {
        let width = specifier.width.saturating_sub(before.len() + after.len());
        return format!("{before}{body:0>width$}{after}");
    }
    pad(&format!("{before}{body}{after}"), specifier)
}

/// `Double.toHexString`.
fn hexadecimal(value: f64) -> String {
    if !value.is_finite() {
        return double::to_string(value);
    }
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let bits = value.to_bits();
    let fraction = format!("{:013x}", bits & ((1 << 52) - 1));
    let fraction = match fraction.trim_end_matches('0') {
        "" => "0",
        digits => digits,
    };
    let exponent = i64::try_from((bits >> 52) & 0x7ff).unwrap_or(0);
    match (exponent, value == 0.0) {
        (_, true) => format!("{sign}0x0.0p0"),
        (0, _) => format!("{sign}0x0.{fraction}p-1022"),
        (exponent, _) => format!("{sign}0x1.{fraction}p{}", exponent - 1023),
    }
}
