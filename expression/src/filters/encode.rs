//! Filters that encode and hash.

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::{java_text, text_input};
use crate::evaluate::Call;
use crate::table::{Doc, Filter, Parameters};
use crate::{Error, Value};

pub(super) const FILTERS: &[Filter] = &[
    Filter {
        name: "base64encode",
        parameters: Parameters::None,
        doc: Doc {
            signature: "base64encode",
            text: "The text as base64 of its UTF-8 bytes.",
            example: "{{ 'test' | base64encode }}",
            result: "dGVzdA==",
        },
        run: |call, input| match input {
            Value::Null => Ok(Value::Null),
            Value::Bytes(bytes) => Ok(Value::from(
                base64::engine::general_purpose::STANDARD.encode(bytes),
            )),
            input => Ok(Value::from(
                base64::engine::general_purpose::STANDARD.encode(java_text(call, &input)?),
            )),
        },
    },
    Filter {
        name: "base64decode",
        parameters: Parameters::None,
        doc: Doc {
            signature: "base64decode",
            text: "The text that was encoded as base64.",
            example: "{{ 'dGVzdA==' | base64decode }}",
            result: "test",
        },
        run: base64_decode,
    },
    Filter {
        name: "urlencode",
        parameters: Parameters::None,
        doc: Doc {
            signature: "urlencode",
            text: "The text as a part of a form or a query: blanks become `+`.",
            example: "{{ 'a b&c' | urlencode }}",
            result: "a+b%26c",
        },
        run: |_, input| Ok(text_input(&input)?.map(url_encode).into()),
    },
    Filter {
        name: "urldecode",
        parameters: Parameters::None,
        doc: Doc {
            signature: "urldecode",
            text: "The text that was encoded as a part of a form or a query.",
            example: "{{ 'a+b%26c' | urldecode }}",
            result: "a b&c",
        },
        run: |_, input| match text_input(&input)? {
            Some(text) => url_decode(text).map(Value::from),
            None => Ok(Value::Null),
        },
    },
    Filter {
        name: "md5",
        parameters: Parameters::None,
        doc: Doc {
            signature: "md5",
            text: "The MD5 of the text in hexadecimal digits.",
            example: "{{ 'test' | md5 }}",
            result: "098f6bcd4621d373cade4e832627b4f6",
        },
        run: |_, input| hash::<md5::Md5>(&input),
    },
    Filter {
        name: "sha1",
        parameters: Parameters::None,
        doc: Doc {
            signature: "sha1",
            text: "The SHA-1 of the text in hexadecimal digits.",
            example: "{{ 'test' | sha1 }}",
            result: "a94a8fe5ccb19ba61c4c0873d391e987982fbbd3",
        },
        run: |_, input| hash::<sha1::Sha1>(&input),
    },
    Filter {
        name: "sha256",
        parameters: Parameters::None,
        doc: Doc {
            signature: "sha256",
            text: "The SHA-256 of the text in hexadecimal digits.",
            example: "{{ 'test' | sha256 }}",
            result: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        },
        run: |_, input| hash::<sha2::Sha256>(&input),
    },
    Filter {
        name: "sha512",
        parameters: Parameters::None,
        doc: Doc {
            signature: "sha512",
            text: "The SHA-512 of the text in hexadecimal digits.",
            example: "{{ 'test' | sha512 | slice(0, 8) }}",
            result: "ee26b0dd",
        },
        run: |_, input| hash::<sha2::Sha512>(&input),
    },
];

/// Java's decoder: padding may be missing, everything else must be right.
const DECODER: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

fn base64_decode(_: &mut Call<'_, '_>, input: Value) -> Result<Value, Error> {
    let text = match &input {
        Value::Null => return Ok(Value::Null),
        Value::Str(text) => text,
        other => {
            let class = crate::java::class_name::of(other);
            return Err(Error::evaluation(format!(
                "This filter applies to String. Actual type was: {class}"
            )));
        }
    };
    let bytes = DECODER.decode(text.as_bytes()).map_err(|problem| {
        let message = "Please provide a correctly Base64 encoded string containing an UTF-8 string";
        Error::evaluation(message).hint(problem.to_string())
    })?;
    Ok(Value::from(String::from_utf8_lossy(&bytes).into_owned()))
}

fn hash<D: sha1::Digest>(input: &Value) -> Result<Value, Error> {
    match input {
        Value::Null => Ok(Value::Null),
        Value::Str(text) => Ok(Value::from(hex(&D::digest(text.as_bytes())))),
        other => {
            let class = crate::java::class_name::of(other);
            Err(Error::evaluation(format!(
                "Need a string to hash. Actual type was: {class}"
            )))
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| {
            [
                DIGITS[usize::from(byte >> 4)],
                DIGITS[usize::from(byte & 15)],
            ]
        })
        .map(char::from)
        .collect()
}

pub(crate) fn url_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'*' | b'_' => {
                encoded.push(char::from(byte))
            }
            b' ' => encoded.push('+'),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

fn url_decode(text: &str) -> Result<String, Error> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'+' => decoded.push(b' '),
            b'%' => {
                let digits = text
                    .get(at + 1..at + 3)
                    .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
                let Some(byte) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok())
                else {
                    return Err(Error::evaluation(
                        "URLDecoder: `%` must be followed by two hexadecimal digits",
                    ));
                };
                decoded.push(byte);
                at += 2;
            }
            byte => decoded.push(byte),
        }
        at += 1;
    }
    Ok(String::from_utf8_lossy(&decoded).into_owned())
}
