//! Encryption.

use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::aes::{Aes128, Aes192, Aes256};
use aes_gcm::{AesGcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::evaluate::Call;
use crate::filters::wrong_class;
use crate::table::{Doc, Function, Parameters};
use crate::{Error, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "encrypt",
        parameters: Parameters::Names(&["key", "plaintext"]),
        doc: Doc {
            signature: "encrypt(key, plaintext)",
            text: "A text encrypted with AES-GCM: base64 of twelve random bytes, the cipher text and a tag of sixteen bytes. \
                   The key is base64 of 16, 24 or 32 bytes.",
            example: "{{ encrypt('MDEyMzQ1Njc4OWFiY2RlZg==', 'x') | length }}",
            result: "40",
        },
        run: |call| {
            let Some((key, text)) = arguments(call, "encrypt", "plaintext")? else {
                return empty(call);
            };
            let (high, low) = (call.session().host.random(), call.session().host.random());
            let mut nonce = [0; 12];
            nonce[..8].copy_from_slice(&high.to_be_bytes());
            nonce[8..].copy_from_slice(&low.to_be_bytes()[..4]);
            let sealed = cipher(&key, &nonce, Work::Seal(text.as_bytes()))?;
            Ok(Value::from(
                STANDARD.encode([nonce.as_slice(), &sealed].concat()),
            ))
        },
    },
    Function {
        name: "decrypt",
        parameters: Parameters::Names(&["key", "encrypted"]),
        doc: Doc {
            signature: "decrypt(key, encrypted)",
            text: "What `encrypt` made, as the text it was.",
            example: "{{ decrypt('MDEyMzQ1Njc4OWFiY2RlZg==', encrypt('MDEyMzQ1Njc4OWFiY2RlZg==', 'secret')) }}",
            result: "secret",
        },
        run: |call| {
            let Some((key, text)) = arguments(call, "decrypt", "encrypted")? else {
                return empty(call);
            };
            let bytes = STANDARD
                .decode(text.trim())
                .map_err(|problem| Error::evaluation(problem.to_string()))?;
            let Some((nonce, sealed)) = bytes.split_first_chunk::<12>() else {
                return Err(Error::evaluation(format!("12 > {}", bytes.len())));
            };
            let opened = cipher(&key, nonce, Work::Open(sealed))?;
            Ok(Value::from(String::from_utf8_lossy(&opened).into_owned()))
        },
    },
];

/// The key and the text; `None` if the text is null or empty, which then is its own result.
fn arguments(
    call: &Call<'_, '_>,
    function: &str,
    second: &str,
) -> Result<Option<(Vec<u8>, String)>, Error> {
    let (Some(key), Some(text)) = (call.given(0), call.given(1)) else {
        let message =
            format!("The '{function}' function expects two arguments 'key' and '{second}'.");
        return Err(Error::evaluation(message));
    };
    let text = match text {
        Value::Null => return Ok(None),
        Value::Str(text) if text.is_empty() => return Ok(None),
        Value::Str(text) => text.to_string(),
        other => return Err(wrong_class(other, "java.lang.String")),
    };
    let key = key
        .as_str()
        .ok_or_else(|| wrong_class(key, "java.lang.String"))?;
    let key = STANDARD
        .decode(key.trim())
        .map_err(|problem| Error::evaluation(problem.to_string()))?;
    Ok(Some((key, text)))
}

fn empty(call: &Call<'_, '_>) -> Result<Value, Error> {
    Ok(call.given(1).cloned().unwrap_or_default())
}

enum Work<'a> {
    Seal(&'a [u8]),
    Open(&'a [u8]),
}

fn cipher(key: &[u8], nonce: &[u8; 12], work: Work<'_>) -> Result<Vec<u8>, Error> {
    match key.len() {
        16 => apply(AesGcm::<Aes128, U12>::new_from_slice(key), nonce, work),
        24 => apply(AesGcm::<Aes192, U12>::new_from_slice(key), nonce, work),
        32 => apply(AesGcm::<Aes256, U12>::new_from_slice(key), nonce, work),
        length => Err(Error::evaluation(format!(
            "Invalid AES key length: {length} bytes"
        ))),
    }
}

fn apply<C: Aead<NonceSize = U12>, E>(
    cipher: Result<C, E>,
    nonce: &[u8; 12],
    work: Work<'_>,
) -> Result<Vec<u8>, Error> {
    let Ok(cipher) = cipher else {
        return Err(Error::evaluation("Invalid AES key"));
    };
    let nonce = Nonce::<U12>::from(*nonce);
    match work {
        Work::Seal(text) => cipher
            .encrypt(&nonce, text)
            .map_err(|_| Error::evaluation("the text is too long")),
        Work::Open(sealed) => cipher
            .decrypt(&nonce, sealed)
            .map_err(|_| Error::evaluation("Tag mismatch")),
    }
}
