//! Chance, and ids made of it.

use num_bigint::BigUint;

use crate::evaluate::Call;
use crate::filters::wrong_class;
use crate::table::{Doc, Function, Parameters};
use crate::{Error, Host, Need, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "uuid",
        parameters: Parameters::None,
        doc: Doc {
            signature: "uuid()",
            text: "A new UUID of version 7.",
            example: "{{ uuid() | length }}",
            result: "36",
        },
        run: |call| {
            let text = format!("{:032x}", new_uuid(call.session().host));
            let parts = [
                &text[..8],
                &text[8..12],
                &text[12..16],
                &text[16..20],
                &text[20..],
            ];
            Ok(Value::from(parts.join("-")))
        },
    },
    Function {
        name: "id",
        parameters: Parameters::None,
        doc: Doc {
            signature: "id()",
            text: "A new id of 22 letters and digits.",
            example: "{{ id() | length }}",
            result: "22",
        },
        run: |call| {
            let bytes = new_uuid(call.session().host).to_be_bytes();
            Ok(Value::from(base62(&bytes, 22)))
        },
    },
    Function {
        name: "ksuid",
        parameters: Parameters::None,
        doc: Doc {
            signature: "ksuid()",
            text: "A new id of 27 letters and digits that sorts by time.",
            example: "{{ ksuid() | length }}",
            result: "27",
        },
        run: |call| {
            const EPOCH: i64 = 1_400_000_000;
            let host = call.session().host;
            let seconds = u32::try_from(host.now().as_second() - EPOCH).unwrap_or(0);
            let bytes = [
                &seconds.to_be_bytes()[..],
                &host.random().to_be_bytes(),
                &host.random().to_be_bytes(),
            ]
            .concat();
            Ok(Value::from(base62(&bytes, 27)))
        },
    },
    Function {
        name: "nanoId",
        parameters: Parameters::Names(&["length", "alphabet"]),
        doc: Doc {
            signature: "nanoId(length=21, alphabet)",
            text: "A new id of the given length.",
            example: "{{ nanoId(10) | length }}",
            result: "10",
        },
        run: nano_id,
    },
    Function {
        name: "randomInt",
        parameters: Parameters::Names(&["lower", "upper"]),
        doc: Doc {
            signature: "randomInt(lower, upper)",
            text: "A random integer, the upper bound excluded.",
            example: "{{ randomInt(5, 6) }}",
            result: "5",
        },
        run: random_int,
    },
    Function {
        name: "randomPort",
        parameters: Parameters::None,
        doc: Doc {
            signature: "randomPort()",
            text: "A local port that is free.",
            example: "{{ randomPort() }}",
            result: "",
        },
        run: |call| match call.session().ask(Need::RandomPort)? {
            Some(port) => Ok(port),
            None => Err(Error::evaluation("no port is free")),
        },
    },
];

/// A UUID of version 7: milliseconds since 1970, then chance.
fn new_uuid(host: &dyn Host) -> u128 {
    let milliseconds = u128::try_from(host.now().as_millisecond()).unwrap_or(0) & 0xffff_ffff_ffff;
    let chance = (u128::from(host.random()) << 64) | u128::from(host.random());
    let version = 0x7_u128 << 76;
    let variant = 0b10_u128 << 62;
    (milliseconds << 80)
        | version
        | (chance & (0xfff << 64))
        | variant
        | (chance & 0x3fff_ffff_ffff_ffff)
}

/// Bytes in base 62, filled up with zeros.
fn base62(bytes: &[u8], width: usize) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let digits = BigUint::from_bytes_be(bytes).to_radix_be(62);
    let text: String = digits
        .into_iter()
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect();
    format!("{text:0>width$}")
}

/// A number below `bound`, every one as likely as the others.
fn below(host: &dyn Host, bound: u64) -> u64 {
    let rest = u64::MAX % bound;
    loop {
        let chance = host.random();
        // What does not fit a whole number of rounds is drawn again; a host without chance would never get out.
        if chance <= u64::MAX - rest || rest == 0 || rest == bound - 1 {
            return chance % bound;
        }
    }
}

fn nano_id(call: &mut Call<'_, '_>) -> Result<Value, Error> {
    const ALPHABET: &str = "_-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let length = call.get(0).and_then(Value::as_int).unwrap_or(21);
    if length > 1000 {
        return Err(Error::evaluation(
            "The 'nanoId()' function field 'length' must be lower than: 1000",
        ));
    }
    let Some(length) = usize::try_from(length).ok().filter(|length| *length > 0) else {
        return Err(Error::evaluation(
            "The 'nanoId()' function field 'length' must be greater than: 0",
        ));
    };
    let alphabet: Vec<char> = match call.get(1) {
        None => ALPHABET.chars().collect(),
        Some(alphabet) => alphabet
            .as_str()
            .ok_or_else(|| wrong_class(alphabet, "java.lang.String"))?
            .chars()
            .collect(),
    };
    if alphabet.is_empty() {
        return Err(Error::evaluation(
            "The 'nanoId()' function field 'alphabet' must not be empty",
        ));
    }
    let host = call.session().host;
    let units = (0..length).map(|_| {
        let index = below(host, alphabet.len() as u64);
        usize::try_from(index)
            .ok()
            .and_then(|index| alphabet.get(index).copied())
            .unwrap_or('0')
    });
    Ok(Value::from(units.collect::<String>()))
}

fn random_int(call: &mut Call<'_, '_>) -> Result<Value, Error> {
    let bound = |index: usize, name: &str| match call.get(index) {
        None => Err(Error::evaluation(format!(
            "The 'randomIn()' function expects an argument {name}"
        ))),
        Some(value) => value.as_int().ok_or_else(|| {
            Error::evaluation(format!(
                "The 'randomIn()' function expects an argument {name} of type Long."
            ))
        }),
    };
    let (lower, upper) = (bound(0, "lower")?, bound(1, "upper")?);
    if upper < lower {
        return Err(Error::evaluation(
            "In 'randomIn()' upper is less than lower",
        ));
    }
    let span = upper.abs_diff(lower);
    let value = if span == 0 {
        lower
    } else {
        lower.wrapping_add_unsigned(below(call.session().host, span))
    };
    Ok(i32::try_from(value).map_or(Value::Int(value), Value::Int32))
}
