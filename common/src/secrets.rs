//! The secrets that expressions may ask for, and the masking of their values.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::cipher::Cipher;

/// What stands in place of a secret, whatever its length.
pub const MASK: &str = "******";
/// Shorter values would mask innocent text.
const SHORTEST_MASKED: usize = 3;

/// The secrets of the server by their upper-case names.
#[derive(Default)]
pub struct Secrets {
    by_name: HashMap<String, String>,
    masked: Vec<String>,
    cipher: Option<Cipher>,
}

impl Secrets {
    /// Secrets from names and plain values.
    pub fn new(secrets: impl IntoIterator<Item = (String, String)>) -> Self {
        let by_name: HashMap<_, _> = secrets
            .into_iter()
            .map(|(name, value)| (name.to_uppercase(), value))
            .collect();
        let masked = by_name.values().flat_map(|value| forms(value)).collect();
        Self {
            by_name,
            masked: longest_first(masked),
            cipher: None,
        }
    }

    /// The same, with what SECRET inputs are encrypted with.
    pub fn with_cipher(self, cipher: Option<Cipher>) -> Self {
        Self { cipher, ..self }
    }

    /// What SECRET inputs are encrypted with; none where no key is configured.
    pub fn cipher(&self) -> Option<&Cipher> {
        self.cipher.as_ref()
    }

    /// The value of a secret; upper and lower case of its name are the same.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.by_name.get(&name.to_uppercase()).map(String::as_str)
    }

    /// The text with the value of every secret in it replaced.
    pub fn mask(&self, text: String) -> String {
        masked(text, &self.masked)
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.by_name.len())
    }
}

/// Masks all secrets of the server, and what one attempt took out of them.
pub struct Masker {
    secrets: Arc<Secrets>,
    revealed: Mutex<Vec<String>>,
}

impl Masker {
    /// A masker that knows these secrets.
    pub fn new(secrets: Arc<Secrets>) -> Self {
        Self {
            secrets,
            revealed: Mutex::default(),
        }
    }

    /// Masks this text from now on.
    pub fn reveal(&self, secret: &str) {
        let mut revealed = self.revealed.lock().unwrap_or_else(PoisonError::into_inner);
        for form in forms(secret) {
            if !revealed.contains(&form) {
                revealed.push(form);
            }
        }
    }

    /// The text with every secret value in it replaced.
    pub fn mask(&self, text: String) -> String {
        let revealed = self.revealed.lock().unwrap_or_else(PoisonError::into_inner);
        masked(self.secrets.mask(text), &revealed)
    }
}

fn masked(mut text: String, secrets: &[String]) -> String {
    for secret in secrets {
        if text.contains(secret.as_str()) {
            text = text.replace(secret.as_str(), MASK);
        }
    }
    text
}

/// The value as it is, and as it stands within JSON where that differs: bodies and outputs are logged so.
fn forms(value: &str) -> Vec<String> {
    let mut forms = Vec::new();
    if value.trim().len() >= SHORTEST_MASKED {
        forms.push(value.to_owned());
        let escaped = serde_json::Value::from(value).to_string();
        let escaped = escaped[1..escaped.len() - 1].to_owned();
        if escaped != value {
            forms.push(escaped);
        }
    }
    forms
}

/// A secret that holds another one is masked whole.
fn longest_first(mut secrets: Vec<String>) -> Vec<String> {
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_wherever_they_stand() {
        let secrets = [
            ("a", "abc"),
            ("b", "abcdef"),
            ("c", "x"),
            ("d", "two\nlines"),
        ];
        let secrets =
            Secrets::new(secrets.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(secrets.get("A"), Some("abc"));
        let masker = Masker::new(Arc::new(secrets));
        assert_eq!(masker.mask("abcdef, abc, x".into()), "******, ******, x");
        assert_eq!(
            masker.mask(r#"{"d":"two\nlines"}"#.into()),
            r#"{"d":"******"}"#
        );
        masker.reveal("part");
        assert_eq!(masker.mask("a part of it".into()), "a ****** of it");
    }
}
