//! Numbers as jackson-jq has them: integers of 64 bits, bigger ones that only pass through, and doubles; whole results of
//! arithmetic are integers.

use std::cmp::Ordering;
use std::sync::Arc;

use num_bigint::BigInt;

use super::value::Jq;

/// A number of a program.
#[derive(Clone, Debug)]
pub(super) enum Number {
    Int(i64),
    Big(Arc<BigInt>),
    Float(f64),
}

impl Number {
    pub(super) fn to_f64(&self) -> f64 {
        match self {
            #[expect(
                clippy::cast_precision_loss,
                reason = "the nearest double is asked for"
            )]
            Number::Int(value) => *value as f64,
            Number::Big(value) => value.to_string().parse().unwrap_or(f64::NAN),
            Number::Float(value) => *value,
        }
    }

    /// The integer, if it is one of at most 64 bits; bigger ones wrap around, as in Java.
    pub(super) fn as_i64(&self) -> Option<i64> {
        match self {
            Number::Int(value) => Some(*value),
            Number::Big(value) => Some(crate::value::number::wrap(value)),
            Number::Float(_) => None,
        }
    }

    pub(super) fn compare(&self, other: &Number) -> Option<Ordering> {
        match (self, other) {
            (Number::Int(left), Number::Int(right)) => Some(left.cmp(right)),
            (Number::Big(left), Number::Big(right)) => Some(left.cmp(right)),
            _ => self.to_f64().partial_cmp(&other.to_f64()),
        }
    }

    /// The number as `tojson` and `tostring` write it: whole doubles without fraction, exponents as jq has them.
    pub(super) fn to_text(&self) -> String {
        match self {
            Number::Int(value) => value.to_string(),
            Number::Big(value) => value.to_string(),
            Number::Float(value) if value.is_nan() => "null".to_owned(),
            Number::Float(value) => {
                let value = value.clamp(-f64::MAX, f64::MAX);
                if value.fract() == 0.0 && value.abs() <= 1e17 {
                    return format!("{value:.0}");
                }
                let text = crate::java::double::to_string(value);
                match text.split_once('E') {
                    Some((mantissa, exponent)) if exponent.starts_with('-') => {
                        format!("{mantissa}e{exponent}")
                    }
                    Some((mantissa, exponent)) => format!("{mantissa}e+{exponent}"),
                    None => text,
                }
            }
        }
    }
}

/// A result of arithmetic: an integer if it is whole.
pub(super) fn whole_or_float(value: f64) -> Jq {
    const LIMIT: f64 = 9.2e18;
    if value.fract() == 0.0 && value.abs() < LIMIT {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "it is whole and within 64 bits"
        )]
        return Jq::Int(value as i64);
    }
    Jq::Float(value)
}
