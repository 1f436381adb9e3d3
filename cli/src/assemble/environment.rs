//! What flows see of the environment: prefixed variables, and secrets.

use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value};

/// The variables with one of these prefixes, without it and in lower case. Where two prefixes give the same name, the first one's counts.
pub(super) fn envs(
    prefixes: &[String],
    variables: impl Iterator<Item = (String, String)>,
) -> Map<String, Value> {
    let variables: Vec<_> = variables.collect();
    let mut envs = Map::new();
    for prefix in prefixes.iter().filter(|prefix| !prefix.is_empty()) {
        for (name, value) in &variables {
            if let Some(rest) = name
                .strip_prefix(prefix.as_str())
                .filter(|rest| !rest.is_empty())
            {
                envs.entry(rest.to_lowercase())
                    .or_insert_with(|| value.clone().into());
            }
        }
    }
    envs
}

/// What the names of variables with secrets begin with.
const SECRET_PREFIX: &str = "SECRET_";

/// The secrets: `SECRET_NAME` holds the base64 form of the secret `NAME`. What is no base64 is told, and left out.
pub(super) fn secrets(variables: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
    let mut secrets = Vec::new();
    for (variable, encoded) in variables {
        let Some(name) = variable
            .strip_prefix(SECRET_PREFIX)
            .filter(|name| !name.is_empty())
        else {
            continue;
        };
        match decode(&encoded) {
            Some(value) => secrets.push((name.to_uppercase(), value)),
            None => tracing::warn!(
                variable,
                "the secret is not base64 of a text and is ignored"
            ),
        }
    }
    secrets
}

/// Base64 with or without padding; line breaks, as the `base64` program makes them, are passed over.
fn decode(encoded: &str) -> Option<String> {
    const LENIENT: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let encoded: String = encoded.split_whitespace().collect();
    let engine = GeneralPurpose::new(&base64::alphabet::STANDARD, LENIENT);
    String::from_utf8(engine.decode(encoded).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> impl Iterator<Item = (String, String)> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect::<Vec<_>>()
            .into_iter()
    }

    #[test]
    fn prefixed_variables_lose_their_prefix_and_their_case() {
        let given = [
            ("ENV_MY_VAR", "1"),
            ("KESTRA_MY_VAR", "2"),
            ("KESTRA_B", "3"),
            ("HOME", "/"),
            ("ENV_", "x"),
        ];
        let envs = envs(&["ENV_".into(), "KESTRA_".into()], variables(&given));
        assert_eq!(
            Value::Object(envs),
            serde_json::json!({"my_var": "1", "b": "3"})
        );
    }

    #[test]
    fn secrets_are_base64_that_may_be_broken_into_lines() {
        let given = [
            ("SECRET_A", "aGVs\nbG8="),
            ("SECRET_b", "aGVsbG8"),
            ("SECRET_BAD", "*"),
            ("OTHER", "aGVsbG8="),
        ];
        let found = secrets(variables(&given));
        assert_eq!(
            found,
            [
                ("A".to_owned(), "hello".to_owned()),
                ("B".to_owned(), "hello".to_owned())
            ]
        );
    }
}
