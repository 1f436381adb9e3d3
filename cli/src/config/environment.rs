//! Settings from environment variables.

use flowmill_expression::nearest;

use super::assignment::{Assignment, Origin, value_of_text};
use super::settings::{PREFIX, Settings};
use crate::exit::WrongInput;

/// Variables that begin with our prefix and are no settings.
pub(crate) const OTHERS: [(&str, &str); 3] = [
    (
        "FLOWMILL_CONFIG",
        "The configuration file; the flag `--config` wins over it.",
    ),
    (
        "FLOWMILL_DUCKDB_LIB",
        "Where `libduckdb.so` is, if neither `tasks` in the configuration names it nor the data directory has it.",
    ),
    (
        "FLOWMILL_URL",
        "The server that `flowmill eval --execution` asks when the data directory is in use by it.",
    ),
];

/// What the variables set, and a warning for each that looks like one of ours and is none.
pub(crate) fn read(
    settings: &Settings,
    variables: impl Iterator<Item = (String, String)>,
) -> anyhow::Result<(Vec<Assignment>, Vec<String>)> {
    let mut found = Vec::new();
    let mut warnings = Vec::new();
    let mut variables: Vec<_> = variables
        .filter(|(name, _)| name.starts_with(PREFIX))
        .collect();
    variables.sort();
    for (name, text) in variables {
        if let Some(setting) = settings.by_variable(&name) {
            let value = value_of_text(setting, &text).map_err(|problem| {
                WrongInput::new(format!("environment variable {name}: {problem}"))
            })?;
            found.push(Assignment {
                path: setting.path.clone(),
                value,
                origin: Origin::Variable(name),
            });
        } else if !is_known(&name) {
            warnings.push(unknown(settings, &name));
        }
    }
    Ok((found, warnings))
}

/// Kubernetes gives every container variables about the services beside it: a service `flowmill` gives `FLOWMILL_PORT` and more.
fn is_known(name: &str) -> bool {
    const OF_SERVICES: [&str; 2] = ["SERVICE_HOST", "SERVICE_PORT"];
    let rest = name.strip_prefix(PREFIX).unwrap_or(name);
    OTHERS.iter().any(|(other, _)| *other == name)
        || rest == "PORT"
        || OF_SERVICES.iter().any(|part| rest.contains(part))
        || rest.contains("PORT_") && (rest.ends_with("_TCP") || rest.contains("_TCP_"))
}

fn unknown(settings: &Settings, name: &str) -> String {
    let variables: Vec<String> = settings
        .iter()
        .map(super::settings::Setting::variable)
        .collect();
    match nearest(name, variables.iter().map(String::as_str), 1).first() {
        Some(near) => format!(
            "environment variable {name} is no setting and is ignored (did you mean {near}?)"
        ),
        None => format!("environment variable {name} is no setting and is ignored"),
    }
}
