//! Exact decimals, as Java's `BigDecimal`.

use std::cmp::Ordering;
use std::fmt;

use num_bigint::{BigInt, Sign};

/// An exact decimal number: `unscaled × 10^-scale`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decimal {
    unscaled: BigInt,
    scale: i32,
}

/// Significant digits kept by `-`, `*`, `/` and `%`: Java's `DECIMAL128`.
const PRECISION: u64 = 34;

/// Exponents beyond this are refused: printing such a number plainly would take as many digits.
pub(crate) const MAX_EXPONENT: i32 = 10_000;

impl Decimal {
    /// `unscaled × 10^-scale`.
    pub fn new(unscaled: BigInt, scale: i32) -> Decimal {
        Decimal {
            unscaled,
            scale: scale.clamp(-MAX_EXPONENT, MAX_EXPONENT),
        }
    }

    /// Reads `1`, `-1.50`, `1e3`; `None` if it is not a number or its exponent is out of all measure.
    pub fn parse(text: &str) -> Option<Decimal> {
        let (mantissa, exponent) = match text.find(['e', 'E']) {
            Some(at) => (&text[..at], text[at + 1..].parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (sign, digits) = match mantissa.as_bytes().first()? {
            b'-' => (-1, &mantissa[1..]),
            b'+' => (1, &mantissa[1..]),
            _ => (1, mantissa),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all = [whole, fraction].concat();
        if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
        if scale.abs() > MAX_EXPONENT {
            return None;
        }
        let unscaled = BigInt::parse_bytes(all.as_bytes(), 10)? * sign;
        Some(Decimal { unscaled, scale })
    }

    /// The exact value of a double; `None` for `NaN` and the infinities.
    pub fn from_f64(value: f64) -> Option<Decimal> {
        if !value.is_finite() {
            return None;
        }
        if value == 0.0 {
            return Some(Decimal::new(BigInt::ZERO, 0));
        }
        let bits = value.to_bits();
        let exponent = i32::try_from((bits >> 52) & 0x7ff).ok()?;
        let fraction = bits & ((1 << 52) - 1);
        let (mantissa, power) = if exponent == 0 {
            (fraction, -1074)
        } else {
            (fraction | (1 << 52), exponent - 1075)
        };
        let mut mantissa = BigInt::from(mantissa);
        if value.is_sign_negative() {
            mantissa = -mantissa;
        }
        if power >= 0 {
            return Some(Decimal::new(mantissa << power, 0));
        }
        // m / 2^k = m · 5^k / 10^k
        let places = power.unsigned_abs();
        Some(
            Decimal::new(
                mantissa * BigInt::from(5).pow(places),
                i32::try_from(places).ok()?,
            )
            .stripped(),
        )
    }

    /// Java's `BigDecimal.valueOf`: the digits that a double prints with, `2.0` for 2.
    pub fn value_of(value: f64) -> Option<Decimal> {
        Decimal::parse(&crate::java::double::to_string(value))
    }

    /// The double in whose decimal notation this is written: `0.1` for the double 0.1.
    pub fn from_shortest(value: f64) -> Option<Decimal> {
        if value.is_finite() {
            Decimal::parse(&format!("{value:e}"))
        } else {
            None
        }
    }

    /// The unscaled integer.
    pub fn unscaled(&self) -> &BigInt {
        &self.unscaled
    }

    /// The number of digits after the point; negative for trailing zeros before it.
    pub fn scale(&self) -> i32 {
        self.scale
    }

    /// Whether it is below zero.
    pub fn is_negative(&self) -> bool {
        self.unscaled.sign() == Sign::Minus
    }

    /// Whether it is zero.
    pub fn is_zero(&self) -> bool {
        self.unscaled.sign() == Sign::NoSign
    }

    /// The nearest double.
    pub fn to_f64(&self) -> f64 {
        format!("{}e{}", self.unscaled, -i64::from(self.scale))
            .parse()
            .unwrap_or(f64::NAN)
    }

    /// The part before the point.
    pub fn to_bigint(&self) -> BigInt {
        let scale = self.scale.unsigned_abs();
        if self.scale <= 0 {
            &self.unscaled * power_of_ten(scale)
        } else {
            &self.unscaled / power_of_ten(scale)
        }
    }

    /// The number of digits of the unscaled integer.
    fn precision(&self) -> u64 {
        digits(&self.unscaled)
    }

    /// Both unscaled integers at the larger of the two scales.
    fn aligned(&self, other: &Decimal) -> (BigInt, BigInt, i32) {
        let scale = self.scale.max(other.scale);
        let grow = |decimal: &Decimal| {
            &decimal.unscaled * power_of_ten((scale - decimal.scale).unsigned_abs())
        };
        (grow(self), grow(other), scale)
    }

    /// The exact sum.
    pub fn add(&self, other: &Decimal) -> Decimal {
        let (left, right, scale) = self.aligned(other);
        Decimal::new(left + right, scale)
    }

    /// The difference, to 34 digits.
    pub fn subtract(&self, other: &Decimal) -> Decimal {
        let (left, right, scale) = self.aligned(other);
        Decimal::new(left - right, scale).rounded()
    }

    /// The product, to 34 digits.
    pub fn multiply(&self, other: &Decimal) -> Decimal {
        Decimal::new(&self.unscaled * &other.unscaled, self.scale + other.scale).rounded()
    }

    /// The quotient, to 34 digits; `None` by zero.
    pub fn divide(&self, other: &Decimal) -> Option<Decimal> {
        if other.is_zero() {
            return None;
        }
        let preferred = self.scale - other.scale;
        if self.is_zero() {
            return Some(Decimal::new(BigInt::ZERO, preferred));
        }
        // Enough digits that rounding sees at least one more than it keeps.
        let extra = (PRECISION + 3 + other.precision()).saturating_sub(self.precision());
        let extra = u32::try_from(extra).unwrap_or(u32::MAX);
        let shifted = &self.unscaled * power_of_ten(extra);
        let mut quotient = &shifted / &other.unscaled;
        let remainder = &shifted % &other.unscaled;
        let mut scale = preferred + i32::try_from(extra).unwrap_or(i32::MAX);
        if remainder.sign() != Sign::NoSign {
            // A sticky digit keeps an inexact half from looking exact.
            let sticky =
                if (remainder.sign() == Sign::Minus) == (other.unscaled.sign() == Sign::Minus) {
                    1
                } else {
                    -1
                };
            quotient = quotient * 10 + sticky;
            scale += 1;
            return Some(Decimal::new(quotient, scale).rounded());
        }
        let mut result = Decimal::new(quotient, scale).rounded();
        while result.scale > preferred {
            let ten = BigInt::from(10);
            if (&result.unscaled % &ten).sign() != Sign::NoSign {
                break;
            }
            result = Decimal::new(&result.unscaled / ten, result.scale - 1);
        }
        Some(result)
    }

    /// The remainder with the sign of the dividend; `None` by zero.
    pub fn remainder(&self, other: &Decimal) -> Option<Decimal> {
        if other.is_zero() {
            return None;
        }
        let (left, right, scale) = self.aligned(other);
        Some(Decimal::new(left % right, scale).stripped_to(self.scale.min(scale)))
    }

    /// The negation.
    pub fn negate(&self) -> Decimal {
        Decimal {
            unscaled: -&self.unscaled,
            scale: self.scale,
        }
    }

    /// At most `places` digits after the point, half rounded to even.
    pub fn round_to(&self, places: i32) -> Decimal {
        if self.scale <= places {
            return self.clone();
        }
        let divisor = power_of_ten((self.scale - places).unsigned_abs());
        Decimal::new(divide_half_even(&self.unscaled, &divisor), places)
    }

    fn rounded(self) -> Decimal {
        let surplus = self.precision().saturating_sub(PRECISION);
        if surplus == 0 {
            return self;
        }
        let places = self.scale - i32::try_from(surplus).unwrap_or(i32::MAX);
        // 9.99…9 rounds up to one digit more.
        self.round_to(places).rounded()
    }

    fn stripped(self) -> Decimal {
        self.stripped_to(0)
    }

    /// Without trailing zeros, but with at least `scale` places.
    fn stripped_to(mut self, scale: i32) -> Decimal {
        let ten = BigInt::from(10);
        while self.scale > scale && (&self.unscaled % &ten).sign() == Sign::NoSign {
            self = Decimal::new(&self.unscaled / &ten, self.scale - 1);
        }
        self
    }

    /// Compares by value, `1.0` equal to `1.00`.
    pub fn compare(&self, other: &Decimal) -> Ordering {
        let (left, right, _) = self.aligned(other);
        left.cmp(&right)
    }

    /// Without exponent: Java's `toPlainString`.
    pub fn to_plain(&self) -> String {
        let digits = self.unscaled.magnitude().to_string();
        let sign = if self.is_negative() { "-" } else { "" };
        if self.scale <= 0 {
            let zeros = if self.is_zero() {
                0
            } else {
                self.scale.unsigned_abs() as usize
            };
            return format!("{sign}{digits}{}", "0".repeat(zeros));
        }
        let scale = self.scale.unsigned_abs() as usize;
        let padded = format!("{digits:0>width$}", width = scale + 1);
        let point = padded.len() - scale;
        format!("{sign}{}.{}", &padded[..point], &padded[point..])
    }
}

/// Java's `toString`: with an exponent when the number is very small or ends in zeros before the point.
impl fmt::Display for Decimal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.unscaled.magnitude().to_string();
        let adjusted = i64::try_from(digits.len()).unwrap_or(i64::MAX) - 1 - i64::from(self.scale);
        if self.scale >= 0 && adjusted >= -6 {
            return formatter.write_str(&self.to_plain());
        }
        let sign = if self.is_negative() { "-" } else { "" };
        let point = if digits.len() > 1 { "." } else { "" };
        write!(
            formatter,
            "{sign}{}{point}{}E{adjusted:+}",
            &digits[..1],
            &digits[1..]
        )
    }
}

pub(crate) fn power_of_ten(exponent: u32) -> BigInt {
    BigInt::from(10).pow(exponent)
}

/// The number of decimal digits of an integer; 1 for zero.
pub(crate) fn digits(value: &BigInt) -> u64 {
    if value.bits() <= 63 {
        let small = u64::try_from(value.magnitude()).unwrap_or(0);
        return u64::from(small.checked_ilog10().unwrap_or(0)) + 1;
    }
    value.magnitude().to_string().len() as u64
}

/// The quotient, half rounded to even.
fn divide_half_even(value: &BigInt, divisor: &BigInt) -> BigInt {
    let quotient = value / divisor;
    let twice = (value % divisor).magnitude() * 2_u32;
    let odd = quotient.bit(0);
    match twice.cmp(divisor.magnitude()) {
        Ordering::Greater => away_from_zero(quotient, value),
        Ordering::Equal if odd => away_from_zero(quotient, value),
        Ordering::Equal | Ordering::Less => quotient,
    }
}

fn away_from_zero(quotient: BigInt, value: &BigInt) -> BigInt {
    if value.sign() == Sign::Minus {
        quotient - 1
    } else {
        quotient + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn decimals_print_as_java_prints_them() {
        for text in [
            "1.10", "0.1", "1E+3", "1E-10", "-12.3", "0.000001", "1.2E-7", "0",
        ] {
            assert_eq!(decimal(text).to_string(), text);
        }
        assert_eq!(decimal("1E3").to_plain(), "1000");
        assert_eq!(decimal("1E-10").to_plain(), "0.0000000001");
    }

    #[test]
    fn division_keeps_thirty_four_digits_and_the_preferred_scale() {
        assert_eq!(
            decimal("1.10").divide(&decimal("3")).unwrap().to_string(),
            "0.3666666666666666666666666666666667"
        );
        assert_eq!(
            decimal("4.0").divide(&decimal("2")).unwrap().to_string(),
            "2.0"
        );
        assert_eq!(
            decimal("1").divide(&decimal("8")).unwrap().to_string(),
            "0.125"
        );
        assert!(decimal("1").divide(&decimal("0")).is_none());
    }

    #[test]
    fn the_exact_value_of_a_double_is_seen() {
        assert_eq!(
            Decimal::from_f64(0.1).unwrap().to_plain(),
            "0.1000000000000000055511151231257827021181583404541015625"
        );
        assert_eq!(Decimal::from_f64(2.5).unwrap().to_plain(), "2.5");
        assert_eq!(
            Decimal::from_f64(1e21).unwrap().to_plain(),
            "1000000000000000000000"
        );
    }
}
