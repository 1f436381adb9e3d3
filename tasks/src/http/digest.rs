//! HTTP digest authentication (RFC 7616): MD5 and SHA-256, with `qop=auth` or none.

use std::fmt::Write;

use reqwest::{Method, Url};
use sha2::Digest;

/// Who asks.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) password: String,
}

/// What a server wants to know.
#[derive(Debug, Default, PartialEq, Eq)]
struct Challenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: Option<String>,
    qop_auth: bool,
}

impl User {
    /// The `Authorization` header that answers this `WWW-Authenticate` header; none when it is not one that can be answered.
    pub(crate) fn answer(
        &self,
        challenge: &str,
        method: &Method,
        url: &Url,
        client_nonce: &str,
    ) -> Option<String> {
        let challenge = Challenge::parse(challenge)?;
        let algorithm = challenge.algorithm.as_deref().unwrap_or("MD5");
        let (name, session) = match algorithm.to_ascii_uppercase().strip_suffix("-SESS") {
            Some(name) => (name.to_owned(), true),
            None => (algorithm.to_ascii_uppercase(), false),
        };
        let hash: fn(&str) -> String = match name.as_str() {
            "MD5" => |text| hex(&md5::Md5::digest(text)),
            "SHA-256" => |text| hex(&sha2::Sha256::digest(text)),
            _ => return None,
        };
        let path = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let Challenge { realm, nonce, .. } = &challenge;
        let mut secret = hash(&format!("{}:{realm}:{}", self.name, self.password));
        if session {
            secret = hash(&format!("{secret}:{nonce}:{client_nonce}"));
        }
        let asked = hash(&format!("{method}:{path}"));
        let response = match challenge.qop_auth {
            true => hash(&format!(
                "{secret}:{nonce}:00000001:{client_nonce}:auth:{asked}"
            )),
            false => hash(&format!("{secret}:{nonce}:{asked}")),
        };
        let user = self.name.replace('\\', "\\\\").replace('"', "\\\"");
        let mut header = format!(
            "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{path}\", response=\"{response}\", algorithm={algorithm}"
        );
        if challenge.qop_auth {
            let _ = write!(header, ", qop=auth, nc=00000001, cnonce=\"{client_nonce}\"");
        }
        if let Some(opaque) = &challenge.opaque {
            let _ = write!(header, ", opaque=\"{opaque}\"");
        }
        Some(header)
    }
}

impl Challenge {
    fn parse(header: &str) -> Option<Self> {
        let scheme = header.get(..7)?;
        if !scheme.eq_ignore_ascii_case("digest ") {
            return None;
        }
        let mut challenge = Self::default();
        for (name, value) in parameters(&header[7..]) {
            match name.to_ascii_lowercase().as_str() {
                "realm" => challenge.realm = value,
                "nonce" => challenge.nonce = value,
                "opaque" => challenge.opaque = Some(value),
                "algorithm" => challenge.algorithm = Some(value),
                "qop" => {
                    challenge.qop_auth = value
                        .split(',')
                        .any(|qop| qop.trim().eq_ignore_ascii_case("auth"))
                }
                _ => {}
            }
        }
        (!challenge.nonce.is_empty()).then_some(challenge)
    }
}

/// `a=1, b="x, y"` as pairs.
pub(crate) fn parameters(text: &str) -> Vec<(String, String)> {
    let mut parameters = Vec::new();
    let mut rest = text.trim_start_matches([',', ';', ' ']);
    while let Some((name, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let (value, left) = match after.strip_prefix('"') {
            Some(quoted) => unquoted(quoted),
            None => {
                let end = after.find([',', ';']).unwrap_or(after.len());
                (after[..end].trim().to_owned(), &after[end..])
            }
        };
        parameters.push((name.trim().to_owned(), value));
        rest = left.trim_start_matches([',', ';', ' ']);
    }
    parameters
}

/// The text up to the closing quote, and what follows it.
fn unquoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return (value, &text[at + 1..]),
            '\\' => value.extend(letters.next().map(|(_, letter)| letter)),
            letter => value.push(letter),
        }
    }
    (value, "")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7616, 3.9.1.
    #[test]
    fn the_example_of_the_standard_is_answered() {
        let user = User {
            name: "Mufasa".into(),
            password: "Circle of Life".into(),
        };
        let url = Url::parse("http://www.example.org/dir/index.html").unwrap();
        let challenge = |algorithm: &str| {
            format!(
                "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm={algorithm}, \
                 nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
            )
        };
        let answer = |algorithm| {
            let nonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
            user.answer(&challenge(algorithm), &Method::GET, &url, nonce)
                .unwrap()
        };
        assert!(answer("MD5").contains("response=\"8ca523f5e9506fed4657c9700eebdbec\""));
        let sha = answer("SHA-256");
        assert!(
            sha.contains(
                "response=\"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\""
            ),
            "{sha}"
        );
        assert!(sha.contains("opaque=\"FQhe/"));
    }

    #[test]
    fn a_challenge_that_is_none_is_not_answered() {
        let user = User {
            name: "a".into(),
            password: "b".into(),
        };
        let url = Url::parse("http://h/").unwrap();
        for challenge in [
            "Basic realm=x",
            "Digest realm=\"x\"",
            "Digest nonce=\"n\", algorithm=SHA-512-256",
            "Dig",
        ] {
            assert_eq!(
                user.answer(challenge, &Method::GET, &url, "c"),
                None,
                "{challenge}"
            );
        }
    }
}
