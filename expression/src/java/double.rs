//! Floating-point numbers as Java prints them.

use std::fmt::LowerExp;

/// `Double.toString`: the shortest digits, plain from 10^-3 to 10^7, else with an exponent.
pub(crate) fn to_string(value: f64) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

/// `Float.toString`.
pub(crate) fn float_to_string(value: f32) -> String {
    let mut text = String::new();
    write_finite(value, f64::from(value), &mut text);
    text
}

/// Appends `Double.toString`.
pub(crate) fn write(value: f64, text: &mut String) {
    write_finite(value, value, text);
}

fn write_finite(value: impl LowerExp, wide: f64, text: &mut String) {
    if wide.is_nan() {
        return text.push_str("NaN");
    }
    if wide.is_infinite() {
        return text.push_str(if wide > 0.0 { "Infinity" } else { "-Infinity" });
    }
    if wide == 0.0 {
        return text.push_str(if wide.is_sign_negative() {
            "-0.0"
        } else {
            "0.0"
        });
    }
    let shortest = format!("{value:e}");
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    let digits = mantissa.replace('.', "");
    text.push_str(sign);
    match exponent {
        0..=6 => {
            let whole = exponent.unsigned_abs() as usize + 1;
            if digits.len() <= whole {
                text.push_str(&digits);
                text.extend(std::iter::repeat_n('0', whole - digits.len()));
                text.push_str(".0");
            } else {
                text.push_str(&digits[..whole]);
                text.push('.');
                text.push_str(&digits[whole..]);
            }
        }
        -3..=-1 => {
            text.push_str("0.");
            text.extend(std::iter::repeat_n(
                '0',
                exponent.unsigned_abs() as usize - 1,
            ));
            text.push_str(&digits);
        }
        _ => {
            text.push_str(&digits[..1]);
            text.push('.');
            text.push_str(if digits.len() > 1 { &digits[1..] } else { "0" });
            text.push('E');
            text.push_str(&exponent.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_print_as_java_prints_them() {
        for (value, text) in [
            (1.0, "1.0"),
            (0.1, "0.1"),
            (0.001, "0.001"),
            (0.0001, "1.0E-4"),
            (1_234_567.0, "1234567.0"),
            (1e7, "1.0E7"),
            (12_345_678.9, "1.23456789E7"),
            (1e21, "1.0E21"),
            (-0.0, "-0.0"),
            (f64::MIN_POSITIVE, "2.2250738585072014E-308"),
            (f64::INFINITY, "Infinity"),
        ] {
            assert_eq!(to_string(value), text);
        }
        assert_eq!(float_to_string(12.3), "12.3");
    }
}
