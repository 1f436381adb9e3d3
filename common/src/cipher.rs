//! The encryption of SECRET inputs and outputs: AES-GCM without padding, a 12-byte nonce in front of the cipher text, a 128-bit tag
//! behind it, all of it base64: what Kestra writes.

use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::{AesGcm, aead::Nonce};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

type Aes128 = aes_gcm::Aes128Gcm;
type Aes192 = AesGcm<aes_gcm::aes::Aes192, aes_gcm::aead::consts::U12>;
type Aes256 = aes_gcm::Aes256Gcm;

/// How long a nonce is, in bytes.
pub const NONCE: usize = 12;

/// Encrypts and decrypts with one key.
#[derive(Clone)]
pub struct Cipher {
    key: Vec<u8>,
}

impl Cipher {
    /// A cipher with this key: base64 of 16, 24 or 32 bytes.
    pub fn new(key: &str) -> Result<Self, String> {
        let key = STANDARD
            .decode(key.trim())
            .map_err(|error| format!("the encryption key is not base64: {error}"))?;
        match key.len() {
            16 | 24 | 32 => Ok(Self { key }),
            length => Err(format!(
                "the encryption key must have 16, 24 or 32 bytes, not {length}"
            )),
        }
    }

    /// Encrypts a text. A nonce must never be used twice with the same key.
    pub fn encrypt(&self, text: &str, nonce: [u8; NONCE]) -> String {
        let sealed = match self.key.len() {
            16 => seal::<Aes128>(&self.key, &nonce, text),
            24 => seal::<Aes192>(&self.key, &nonce, text),
            _ => seal::<Aes256>(&self.key, &nonce, text),
        };
        let mut bytes = nonce.to_vec();
        bytes.extend(sealed);
        STANDARD.encode(bytes)
    }

    /// Decrypts what [`encrypt`](Self::encrypt), or Kestra, has written.
    pub fn decrypt(&self, encrypted: &str) -> Result<String, String> {
        let bytes = STANDARD
            .decode(encrypted)
            .map_err(|error| format!("the encrypted value is not base64: {error}"))?;
        if bytes.len() <= NONCE {
            return Err("the encrypted value is too short".to_owned());
        }
        let (nonce, sealed) = bytes.split_at(NONCE);
        let opened = match self.key.len() {
            16 => open::<Aes128>(&self.key, nonce, sealed),
            24 => open::<Aes192>(&self.key, nonce, sealed),
            _ => open::<Aes256>(&self.key, nonce, sealed),
        };
        let plain = opened.ok_or(
            "the value cannot be decrypted: it was encrypted with another key, or changed",
        )?;
        String::from_utf8(plain).map_err(|_| "the decrypted value is not text".to_owned())
    }
}

impl std::fmt::Debug for Cipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cipher(***)")
    }
}

fn seal<C: KeyInit + Aead>(key: &[u8], nonce: &[u8], text: &str) -> Vec<u8> {
    let cipher = C::new_from_slice(key).expect("the length of the key was checked");
    let nonce = Nonce::<C>::try_from(nonce).expect("a nonce has 12 bytes");
    cipher
        .encrypt(&nonce, text.as_bytes())
        .expect("a text is shorter than 64 GiB")
}

fn open<C: KeyInit + Aead>(key: &[u8], nonce: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let cipher = C::new_from_slice(key).ok()?;
    cipher
        .decrypt(&Nonce::<C>::try_from(nonce).ok()?, sealed)
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_encrypted_is_read_again_and_with_another_key_it_is_not() {
        let cipher = Cipher::new("I6EGNzRESu3X3pKZidrqCGOHQFUFC0yK").unwrap();
        let encrypted = cipher.encrypt("héllo", [7; NONCE]);
        assert_eq!(cipher.decrypt(&encrypted).as_deref(), Ok("héllo"));
        let other = Cipher::new("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").unwrap();
        assert!(
            other
                .decrypt(&encrypted)
                .unwrap_err()
                .contains("another key")
        );
    }

    #[test]
    fn a_key_of_a_wrong_length_is_refused_with_its_length() {
        assert!(Cipher::new("QUJD").unwrap_err().contains("not 3"));
        assert!(Cipher::new("not base64!").unwrap_err().contains("base64"));
    }
}
