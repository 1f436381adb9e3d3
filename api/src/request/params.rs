//! The parameters of the query.

use std::convert::Infallible;
use std::fmt::Display;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::error::{ApiError, Result};

/// The query parameters in their order. A name may come several times; an empty value counts as absent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    pub(crate) fn parse(query: &str) -> Self {
        let pairs = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (decode(name), decode(value))
            });
        Self(pairs.filter(|(_, value)| !value.is_empty()).collect())
    }

    /// The first value of a name.
    pub(crate) fn get<'a>(&'a self, name: &str) -> Option<&'a str> {
        self.all(name).next()
    }

    /// All values of a name.
    pub(crate) fn all<'a, 'n>(
        &'a self,
        name: &'n str,
    ) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        self.0
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// All values of a name, each of which may be a list with commas.
    pub(crate) fn list<'a>(&'a self, name: &str) -> Vec<&'a str> {
        self.all(name)
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .filter(|value| !value.is_empty())
            .collect()
    }

    /// Every parameter.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The first value of a name, which must be there.
    pub(crate) fn required(&self, name: &str) -> Result<&str> {
        self.get(name).ok_or_else(|| {
            ApiError::bad_request(format!("Required QueryValue [{name}] not specified"))
        })
    }

    /// The first value of a name, read as a type.
    pub(crate) fn parsed<T: FromStr<Err: Display>>(&self, name: &str) -> Result<Option<T>> {
        self.get(name)
            .map(|value| {
                value
                    .parse()
                    .map_err(|error| unconvertible(name, value, error))
            })
            .transpose()
    }

    /// The first value of a name as a truth value.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>> {
        self.get(name)
            .map(|value| match value.to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "on" => Ok(true),
                "false" | "0" | "no" | "off" => Ok(false),
                _ => Err(unconvertible(name, value, "it must be `true` or `false`")),
            })
            .transpose()
    }
}

/// 422: a value that is not what the parameter takes.
pub(crate) fn unconvertible(name: &str, value: &str, why: impl Display) -> ApiError {
    ApiError::unprocessable(format!(
        "Failed to convert argument [{name}] for value [{value}] due to: {why}"
    ))
}

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}

/// Text with `+` for blanks and `%XX` for bytes. What is not so encoded stays as it is.
pub(crate) fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        match (first, after) {
            (b'+', _) => bytes.push(b' '),
            (b'%', [high, low, after @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    bytes.push(high << 4 | low);
                    rest = after;
                }
                _ => bytes.push(b'%'),
            },
            (byte, _) => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded_once_and_empty_ones_are_absent() {
        let params = Params::parse("a=1%2B2&b=x+y&a=3&empty=&flag&p=100%&q=%E4%BD%A0");
        assert_eq!(params.all("a").collect::<Vec<_>>(), ["1+2", "3"]);
        assert_eq!(params.get("b"), Some("x y"));
        assert_eq!(params.get("empty"), None);
        assert_eq!(params.get("flag"), None);
        assert_eq!(params.get("p"), Some("100%"));
        assert_eq!(params.get("q"), Some("你"));
        assert_eq!(decode("%255B"), "%5B");
    }

    #[test]
    fn a_value_of_the_wrong_form_is_named() {
        let params = Params::parse("revision=one&source=maybe");
        let error = params.parsed::<u32>("revision").unwrap_err();
        assert!(
            error.message().contains("[revision] for value [one]"),
            "{error}"
        );
        assert!(params.flag("source").is_err());
    }
}
