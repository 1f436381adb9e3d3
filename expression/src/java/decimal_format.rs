//! Java's `DecimalFormat`.

use crate::dates::locale::Symbols;
use crate::error::{Error, Limit};
use crate::value::{BigInt, Decimal, Number};

/// A parsed pattern: `#,##0.00;(#,##0.00)`.
#[derive(Debug)]
pub(crate) struct DecimalFormat {
    positive: (String, String),
    /// The text around negative numbers; `None` is a minus sign before those of positive ones.
    negative: Option<(String, String)>,
    minimum_integer: usize,
    /// Most integer digits; only meaningful with an exponent.
    maximum_integer: usize,
    minimum_fraction: usize,
    maximum_fraction: usize,
    /// Digits between two separators; 0 for none.
    grouping: usize,
    /// Powers of ten to multiply by: 2 for percent, 3 for per mille.
    shift: i32,
    always_point: bool,
    /// Least digits of the exponent; `None` for plain notation.
    exponent: Option<usize>,
}

/// What a number in Java's pattern is when none is given.
const DEFAULT_PATTERN: &str = "#,##0.###";

/// Placeholders inside affixes for what the locale decides.
const MINUS: char = '\u{10fff0}';
const PERCENT: char = '\u{10fff1}';
const PER_MILLE: char = '\u{10fff2}';
const CURRENCY: char = '\u{10fff3}';
const CURRENCY_CODE: char = '\u{10fff4}';

impl DecimalFormat {
    /// Reads a pattern.
    pub(crate) fn parse(pattern: &str, digits_limit: usize) -> Result<DecimalFormat, Error> {
        if pattern.len() > digits_limit {
            let message =
                format!("the number format is longer than {digits_limit} (`limits.numberDigits`)");
            return Err(Error::limit(Limit::NumberDigits, message));
        }
        if pattern.is_empty() {
            return Ok(DecimalFormat {
                maximum_fraction: 340,
                grouping: 3,
                ..DecimalFormat::parse("#", 1)?
            });
        }
        let units: Vec<char> = pattern.chars().collect();
        let mut reader = Reader {
            pattern,
            units: &units,
            at: 0,
            shift: 0,
        };
        let mut format = reader.subpattern()?;
        format.shift = reader.shift;
        if reader.at < units.len() {
            // What stands between the two affixes of the second part does not matter.
            reader.at += 1;
            let prefix = reader.affix(Affix::Prefix)?;
            while units
                .get(reader.at)
                .is_some_and(|unit| matches!(unit, '#' | '0' | ',' | '.' | 'E'))
            {
                reader.at += 1;
            }
            let suffix = reader.affix(Affix::Suffix)?;
            if (&prefix, &suffix) != (&format.positive.0, &format.positive.1) {
                format.negative = Some((prefix, suffix));
            }
        }
        Ok(format)
    }

    /// The format for no pattern.
    pub(crate) fn default_format() -> Result<DecimalFormat, Error> {
        DecimalFormat::parse(DEFAULT_PATTERN, DEFAULT_PATTERN.len())
    }

    /// Formats a number with the symbols of a locale.
    pub(crate) fn format(
        &self,
        number: &Number,
        symbols: &Symbols,
        currency: (&str, &str),
    ) -> String {
        let float = match number {
            Number::F32(value) => Some(f64::from(*value)),
            Number::Float(value) => Some(*value),
            _ => None,
        };
        if float.is_some_and(f64::is_nan) {
            return "NaN".to_owned();
        }
        let negative = match float {
            Some(value) => value.is_sign_negative(),
            None => number.to_f64() < 0.0,
        };
        let digits = match float {
            Some(value) if value.is_infinite() => "∞".to_owned(),
            _ => self.digits(&self.scaled(number, float), symbols),
        };
        let (prefix, suffix) = match (&self.negative, negative) {
            (Some((prefix, suffix)), true) => (prefix.clone(), suffix),
            (None, true) => (format!("{MINUS}{}", self.positive.0), &self.positive.1),
            _ => (self.positive.0.clone(), &self.positive.1),
        };
        let localized = |affix: &str| {
            affix
                .replace(MINUS, symbols.minus)
                .replace(PERCENT, "%")
                .replace(PER_MILLE, "‰")
                .replace(CURRENCY, currency.0)
                .replace(CURRENCY_CODE, currency.1)
        };
        format!("{}{digits}{}", localized(&prefix), localized(suffix))
    }

    /// The size of the number, multiplied as percent and per mille ask: floats as Java does it, in binary.
    fn scaled(&self, number: &Number, float: Option<f64>) -> Size {
        let zero = || Decimal::new(BigInt::ZERO, 0);
        if let Some(value) = float {
            let value = if self.shift == 0 {
                value
            } else {
                value * 10_f64.powi(self.shift)
            };
            let shown = Decimal::from_shortest(value.abs()).unwrap_or_else(zero);
            return Size {
                shown,
                exact: Decimal::from_f64(value.abs()),
            };
        }
        let decimal = number.to_decimal().unwrap_or_else(zero);
        let size = if decimal.is_negative() {
            decimal.negate()
        } else {
            decimal
        };
        Size {
            shown: Decimal::new(size.unscaled().clone(), size.scale() - self.shift),
            exact: None,
        }
    }

    fn digits(&self, size: &Size, symbols: &Symbols) -> String {
        match self.exponent {
            Some(least) => self.scientific(size, least, symbols),
            None => self.plain(size, symbols),
        }
    }

    fn plain(&self, size: &Size, symbols: &Symbols) -> String {
        let places = i32::try_from(self.maximum_fraction).unwrap_or(i32::MAX);
        let rounded = size.round_to(places).to_plain();
        let (whole, fraction) = rounded.split_once('.').unwrap_or((&rounded, ""));
        let fraction = fraction.trim_end_matches('0');
        let whole = whole.trim_start_matches('0');
        let mut integer = format!("{whole:0>width$}", width = self.minimum_integer);
        let fraction = format!("{fraction:0<width$}", width = self.minimum_fraction);
        if integer.is_empty() && fraction.is_empty() {
            integer.push('0');
        }
        let mut text = self.grouped(&integer, symbols);
        if !fraction.is_empty() || self.always_point {
            text.push_str(symbols.point);
            text.push_str(&fraction);
        }
        text
    }

    fn grouped(&self, integer: &str, symbols: &Symbols) -> String {
        if self.grouping == 0 {
            return integer.to_owned();
        }
        let mut text = String::with_capacity(integer.len() * 2);
        for (index, digit) in integer.chars().enumerate() {
            if index > 0 && (integer.len() - index).is_multiple_of(self.grouping) {
                text.push_str(symbols.group);
            }
            text.push(digit);
        }
        text
    }

    fn scientific(&self, size: &Size, least: usize, symbols: &Symbols) -> String {
        let count = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
        let precision = (self.maximum_integer + self.maximum_fraction).max(1);
        let (digits, decimal_at) = significant(size, precision);
        let (minimum, maximum) = (count(self.minimum_integer), count(self.maximum_integer));
        let mut exponent = if digits.is_empty() { 0 } else { decimal_at };
        let mut least_integer = minimum;
        if maximum > 1 && maximum > minimum {
            // The exponent is a multiple of the number of integer digits.
            exponent = if exponent >= 1 {
                (exponent - 1) / maximum * maximum
            } else {
                (exponent - maximum) / maximum * maximum
            };
            least_integer = 1;
        } else {
            exponent -= minimum;
        }
        if digits.is_empty() {
            exponent = 0;
        }
        let integer_digits = if digits.is_empty() {
            least_integer
        } else {
            decimal_at - exponent
        };
        let total = (minimum + count(self.minimum_fraction))
            .max(integer_digits)
            .max(count(digits.len()));
        let mut text = String::new();
        for index in 0..total {
            if index == integer_digits {
                text.push_str(symbols.point);
            }
            let digit = usize::try_from(index)
                .ok()
                .and_then(|index| digits.as_bytes().get(index));
            text.push(digit.map_or('0', |digit| char::from(*digit)));
        }
        if self.always_point && total == integer_digits {
            text.push_str(symbols.point);
        }
        let sign = if exponent < 0 { symbols.minus } else { "" };
        text.push_str(&format!("E{sign}{:0>least$}", exponent.abs()));
        text
    }
}

/// The size of a number: the digits it is written with, and its exact value where that is another.
struct Size {
    shown: Decimal,
    exact: Option<Decimal>,
}

impl Size {
    /// At most `places` digits after the point. The exact value decides where the digits stand right in the middle.
    fn round_to(&self, places: i32) -> Decimal {
        match &self.exact {
            Some(exact) if self.shown.scale() > places => exact.round_to(places),
            _ => self.shown.round_to(places),
        }
    }
}

/// The significant digits, at most `precision`, half rounded to even, without trailing zeros; and how many of them stand
/// before the point.
fn significant(size: &Size, precision: usize) -> (String, i64) {
    if size.shown.is_zero() {
        return (String::new(), 0);
    }
    let all = size.shown.unscaled().magnitude().to_string().len();
    let surplus = i32::try_from(all.saturating_sub(precision)).unwrap_or(i32::MAX);
    let rounded = size.round_to(size.shown.scale() - surplus);
    let digits = rounded.unscaled().magnitude().to_string();
    let decimal_at = i64::try_from(digits.len()).unwrap_or(i64::MAX) - i64::from(rounded.scale());
    (digits.trim_end_matches('0').to_owned(), decimal_at)
}

#[derive(Clone, Copy, PartialEq)]
enum Affix {
    Prefix,
    Suffix,
}

struct Reader<'a> {
    pattern: &'a str,
    units: &'a [char],
    at: usize,
    shift: i32,
}

impl Reader<'_> {
    fn subpattern(&mut self) -> Result<DecimalFormat, Error> {
        let prefix = self.affix(Affix::Prefix)?;
        let (mut left, mut zeros, mut right) = (0_usize, 0_usize, 0_usize);
        let mut grouping: Option<usize> = None;
        let mut point: Option<usize> = None;
        let mut exponent = None;
        while let Some(unit) = self.units.get(self.at) {
            match unit {
                '#' if zeros > 0 => right += 1,
                '#' => left += 1,
                '0' if right > 0 => return Err(self.malformed("Unexpected '0' in")),
                '0' => zeros += 1,
                ',' => grouping = Some(0),
                '.' if point.is_some() => {
                    return Err(self.malformed("Multiple decimal separators in"));
                }
                '.' => point = Some(left + zeros + right),
                'E' => {
                    let digits = self.units[self.at + 1..]
                        .iter()
                        .take_while(|unit| **unit == '0')
                        .count();
                    if left + zeros == 0 || digits == 0 {
                        return Err(self.malformed("Malformed exponential"));
                    }
                    exponent = Some(digits);
                    self.at += 1 + digits;
                    break;
                }
                _ => break,
            }
            if matches!(unit, '#' | '0')
                && point.is_none()
                && let Some(count) = &mut grouping
            {
                *count += 1;
            }
            self.at += 1;
        }
        if zeros == 0 && left > 0 && point.is_some() {
            let shown = point.unwrap_or(0).max(1);
            right = left - shown.min(left);
            left = shown - 1;
            zeros = 1;
        }
        let misplaced = match point {
            None => right > 0,
            Some(point) => point < left || point > left + zeros,
        };
        if misplaced || grouping == Some(0) {
            return Err(self.malformed("Malformed"));
        }
        let suffix = self.affix(Affix::Suffix)?;
        let total = left + zeros + right;
        let effective = point.unwrap_or(total);
        let minimum_integer = effective - left;
        Ok(DecimalFormat {
            positive: (prefix, suffix),
            negative: None,
            minimum_integer,
            maximum_integer: left + minimum_integer,
            minimum_fraction: point.map_or(0, |point| left + zeros - point),
            maximum_fraction: point.map_or(0, |point| total - point),
            grouping: grouping.unwrap_or(0),
            shift: 0,
            always_point: point == Some(0) || point == Some(total),
            exponent,
        })
    }

    fn affix(&mut self, kind: Affix) -> Result<String, Error> {
        let mut text = String::new();
        let mut quoted = false;
        while let Some(&unit) = self.units.get(self.at) {
            match unit {
                '\'' if self.units.get(self.at + 1) == Some(&'\'') => {
                    text.push('\'');
                    self.at += 1;
                }
                '\'' => quoted = !quoted,
                _ if quoted => text.push(unit),
                ';' => {
                    break;
                }
                '#' | '0' | ',' | '.' if kind == Affix::Prefix => break,
                '#' | '0' | ',' | '.' => {
                    return Err(self.malformed("Unquoted special character in"));
                }
                '%' | '‰' => {
                    if self.shift != 0
                        && kind == Affix::Suffix
                        && text.contains([PERCENT, PER_MILLE])
                    {
                        return Err(self.malformed("Too many percent/per mille characters in"));
                    }
                    self.shift = if unit == '%' { 2 } else { 3 };
                    text.push(if unit == '%' { PERCENT } else { PER_MILLE });
                }
                '¤' if self.units.get(self.at + 1) == Some(&'¤') => {
                    self.at += 1;
                    text.push(CURRENCY_CODE);
                }
                '¤' => text.push(CURRENCY),
                '-' => text.push(MINUS),
                _ => text.push(unit),
            }
            self.at += 1;
        }
        if quoted {
            return Err(self.malformed("Malformed"));
        }
        Ok(text)
    }

    fn malformed(&self, what: &str) -> Error {
        Error::evaluation(format!("{what} pattern \"{}\"", self.pattern))
    }
}
