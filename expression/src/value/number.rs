//! Numbers and the rules by which they combine.

use std::cmp::Ordering;
use std::sync::Arc;

use num_bigint::BigInt;

use super::{Decimal, Value};

/// A number, taken out of a value.
#[derive(Clone, Debug)]
pub enum Number {
    /// A 32-bit or 64-bit integer.
    Int(i64),
    /// A big integer.
    Big(Arc<BigInt>),
    /// A 32-bit float.
    F32(f32),
    /// A 64-bit float.
    Float(f64),
    /// An exact decimal.
    Decimal(Arc<Decimal>),
}

/// The arithmetic operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Number {
    pub(super) fn of(value: &Value) -> Option<Number> {
        Some(match value {
            Value::Int32(value) => Number::Int(i64::from(*value)),
            Value::Int(value) => Number::Int(*value),
            Value::Big(value) => Number::Big(Arc::clone(value)),
            Value::F32(value) => Number::F32(*value),
            Value::Float(value) => Number::Float(*value),
            Value::Decimal(value) => Number::Decimal(Arc::clone(value)),
            _ => return None,
        })
    }

    /// The nearest double.
    pub fn to_f64(&self) -> f64 {
        match self {
            #[expect(
                clippy::cast_precision_loss,
                reason = "the nearest double is asked for"
            )]
            Number::Int(value) => *value as f64,
            Number::Big(value) => big_to_f64(value),
            Number::F32(value) => f64::from(*value),
            Number::Float(value) => *value,
            Number::Decimal(value) => value.to_f64(),
        }
    }

    /// The number cut to 64 bits, as Java's `longValue`.
    pub fn to_i64(&self) -> i64 {
        match self {
            Number::Int(value) => *value,
            Number::Big(value) => wrap(value),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "Java cuts, and so does `as`"
            )]
            Number::F32(value) => *value as i64,
            #[expect(
                clippy::cast_possible_truncation,
                reason = "Java cuts, and so does `as`"
            )]
            Number::Float(value) => *value as i64,
            Number::Decimal(value) => wrap(&value.to_bigint()),
        }
    }

    /// Whether it is a number without fraction by its type.
    pub fn is_integer(&self) -> bool {
        matches!(self, Number::Int(_) | Number::Big(_))
    }

    /// The exact decimal; `None` for `NaN` and the infinities. Floats keep the digits they print with.
    pub fn to_decimal(&self) -> Option<Decimal> {
        match self {
            Number::Int(value) => Some(Decimal::new(BigInt::from(*value), 0)),
            Number::Big(value) => Some(Decimal::new((**value).clone(), 0)),
            Number::F32(value) => Decimal::from_shortest(f64::from(*value)),
            Number::Float(value) => Decimal::from_shortest(*value),
            Number::Decimal(value) => Some((**value).clone()),
        }
    }

    /// Combines two numbers: the widest kind wins, 64-bit integers wrap around. `None` for an integer or decimal
    /// divided by zero, and for a decimal and `NaN` or an infinity.
    pub(crate) fn combine(&self, operator: Arithmetic, other: &Number) -> Option<Value> {
        use Number::{Decimal as Exact, F32, Float};
        match (self, other) {
            // As in Pebble, decimals are combined with the precision of doubles.
            (Exact(_), _) | (_, Exact(_)) => combine_decimals(
                &Decimal::value_of(self.to_f64())?,
                operator,
                &Decimal::value_of(other.to_f64())?,
            ),
            (Float(_), _) | (_, Float(_)) => Some(Value::Float(combine_floats(
                self.to_f64(),
                operator,
                other.to_f64(),
            ))),
            (F32(_), _) | (_, F32(_)) => Some(Value::F32(combine_singles(
                self.to_f32(),
                operator,
                other.to_f32(),
            ))),
            _ => combine_integers(self.to_i64(), operator, other.to_i64()).map(Value::Int),
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "the nearest float is asked for"
    )]
    fn to_f32(&self) -> f32 {
        match self {
            Number::F32(value) => *value,
            Number::Int(value) => *value as f32,
            other => other.to_f64() as f32,
        }
    }

    /// The negation.
    pub(crate) fn negate(&self) -> Value {
        match self {
            Number::Int(value) => Value::Int(value.wrapping_neg()),
            Number::Big(value) => Value::Big(Arc::new(-&**value)),
            Number::F32(value) => Value::F32(-value),
            Number::Float(value) => Value::Float(-value),
            Number::Decimal(value) => Value::Decimal(Arc::new(value.negate())),
        }
    }

    /// Compares as doubles, as Kestra does; `None` when one of them is `NaN`.
    pub(crate) fn compare(&self, other: &Number) -> Option<Ordering> {
        self.to_f64().partial_cmp(&other.to_f64())
    }
}

fn big_to_f64(value: &BigInt) -> f64 {
    value.to_string().parse().unwrap_or(f64::NAN)
}

/// The low 64 bits, as Java's `BigInteger.longValue`.
pub(crate) fn wrap(value: &BigInt) -> i64 {
    let low = value.magnitude().iter_u64_digits().next().unwrap_or(0);
    let low = low.cast_signed();
    if value.sign() == num_bigint::Sign::Minus {
        low.wrapping_neg()
    } else {
        low
    }
}

fn combine_integers(left: i64, operator: Arithmetic, right: i64) -> Option<i64> {
    match operator {
        Arithmetic::Add => Some(left.wrapping_add(right)),
        Arithmetic::Subtract => Some(left.wrapping_sub(right)),
        Arithmetic::Multiply => Some(left.wrapping_mul(right)),
        Arithmetic::Divide if right == 0 => None,
        Arithmetic::Remainder if right == 0 => None,
        Arithmetic::Divide => Some(left.wrapping_div(right)),
        Arithmetic::Remainder => Some(left.wrapping_rem(right)),
    }
}

fn combine_floats(left: f64, operator: Arithmetic, right: f64) -> f64 {
    match operator {
        Arithmetic::Add => left + right,
        Arithmetic::Subtract => left - right,
        Arithmetic::Multiply => left * right,
        Arithmetic::Divide => left / right,
        Arithmetic::Remainder => left % right,
    }
}

fn combine_singles(left: f32, operator: Arithmetic, right: f32) -> f32 {
    match operator {
        Arithmetic::Add => left + right,
        Arithmetic::Subtract => left - right,
        Arithmetic::Multiply => left * right,
        Arithmetic::Divide => left / right,
        Arithmetic::Remainder => left % right,
    }
}

fn combine_decimals(left: &Decimal, operator: Arithmetic, right: &Decimal) -> Option<Value> {
    let result = match operator {
        Arithmetic::Add => left.add(right),
        Arithmetic::Subtract => left.subtract(right),
        Arithmetic::Multiply => left.multiply(right),
        Arithmetic::Divide => left.divide(right)?,
        Arithmetic::Remainder => left.remainder(right)?,
    };
    Some(Value::Decimal(Arc::new(result)))
}
