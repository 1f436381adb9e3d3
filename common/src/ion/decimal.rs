//! A decimal number as it was written: `1.50` is not `1.5`.

use std::fmt::Write as _;

/// `digits` × 10^`exponent`, with its sign. Any precision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decimal {
    negative: bool,
    /// At least one digit, no leading zero but for zero itself.
    digits: String,
    exponent: i32,
}

impl Decimal {
    /// The decimal of these digits, 10^`exponent` each. Leading zeros are dropped.
    ///
    /// # Panics
    /// If `digits` holds anything but ASCII digits: the caller has lexed them.
    pub fn new(negative: bool, digits: &str, exponent: i32) -> Self {
        assert!(
            digits.bytes().all(|digit| digit.is_ascii_digit()),
            "decimal digits: `{digits}`"
        );
        let significant = digits.trim_start_matches('0');
        Self {
            negative,
            digits: if significant.is_empty() {
                "0"
            } else {
                significant
            }
            .to_owned(),
            exponent,
        }
    }

    /// A fixed-point number as databases keep it: `unscaled` × 10^-`scale`.
    pub fn from_parts(unscaled: i128, scale: u8) -> Self {
        Self {
            negative: unscaled < 0,
            digits: unscaled.unsigned_abs().to_string(),
            exponent: -i32::from(scale),
        }
    }

    /// The nearest double.
    pub fn to_f64(&self) -> f64 {
        let mut text = String::new();
        self.write_java(&mut text);
        text.parse()
            .expect("sign, digits and exponent are a number")
    }

    /// Ion's form (ion-java's choice among them): `10.50`, `5.`, `50d-9`, `1d5`.
    pub(super) fn write_ion(&self, out: &mut String) {
        self.write_sign(out);
        if self.exponent == 0 {
            out.push_str(&self.digits);
            out.push('.');
        } else if self.exponent > 0 || self.adjusted_exponent() < -6 {
            out.push_str(&self.digits);
            write!(out, "d{}", self.exponent).expect("a string takes all");
        } else {
            self.write_positional(out);
        }
    }

    /// Java's `BigDecimal.toString`, which is a JSON number too: `10.50`, `5`, `5.0E-8`, `1E+5`.
    pub(super) fn write_java(&self, out: &mut String) {
        self.write_sign(out);
        let adjusted = self.adjusted_exponent();
        if self.exponent == 0 {
            out.push_str(&self.digits);
        } else if self.exponent > 0 || adjusted < -6 {
            let (first, rest) = self.digits.split_at(1);
            out.push_str(first);
            if !rest.is_empty() {
                out.push('.');
                out.push_str(rest);
            }
            if adjusted != 0 {
                write!(out, "E{adjusted:+}").expect("a string takes all");
            }
        } else {
            self.write_positional(out);
        }
    }

    /// The exponent once exactly one digit stands before the point.
    fn adjusted_exponent(&self) -> i64 {
        self.digits.len() as i64 - 1 + i64::from(self.exponent)
    }

    /// With a point and no exponent; only for negative exponents of few leading zeros.
    fn write_positional(&self, out: &mut String) {
        let scale = self.exponent.unsigned_abs() as usize;
        if self.digits.len() > scale {
            let (whole, fraction) = self.digits.split_at(self.digits.len() - scale);
            out.push_str(whole);
            out.push('.');
            out.push_str(fraction);
        } else {
            out.push_str("0.");
            out.extend(std::iter::repeat_n('0', scale - self.digits.len()));
            out.push_str(&self.digits);
        }
    }

    fn write_sign(&self, out: &mut String) {
        if self.negative {
            out.push('-');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forms(negative: bool, digits: &str, exponent: i32) -> (String, String) {
        let decimal = Decimal::new(negative, digits, exponent);
        let (mut ion, mut java) = (String::new(), String::new());
        decimal.write_ion(&mut ion);
        decimal.write_java(&mut java);
        (ion, java)
    }

    /// Recorded from Kestra's own mappers (ion-java 1.11, Jackson 2.21).
    #[test]
    fn decimals_are_written_as_java_writes_them() {
        for (digits, exponent, ion, java) in [
            ("1050", -2, "10.50", "10.50"),
            ("5", 0, "5.", "5"),
            ("50", -2, "0.50", "0.50"),
            ("50", -9, "50d-9", "5.0E-8"),
            ("1", 5, "1d5", "1E+5"),
            ("0", -2, "0.00", "0.00"),
            ("0", -7, "0d-7", "0E-7"),
            ("0", -6, "0.000000", "0.000000"),
        ] {
            assert_eq!(
                forms(false, digits, exponent),
                (ion.to_owned(), java.to_owned()),
                "{digits} {exponent}"
            );
        }
        assert_eq!(forms(true, "01", -2).0, "-0.01");
    }

    #[test]
    fn database_parts_keep_their_scale() {
        let mut out = String::new();
        Decimal::from_parts(-150, 2).write_ion(&mut out);
        assert_eq!(out, "-1.50");
        assert_eq!(Decimal::from_parts(i128::MIN, 0).to_f64(), i128::MIN as f64);
    }
}
