//! The reference page of the configuration, written from the settings themselves.

use std::fmt::Write;

use serde_json::Value;

use super::environment::OTHERS;
use super::settings::{Form, Setting, Settings, kebab, shown};

const INTRODUCTION: &str = "\
# Configuration

<!-- Written by `make generate` from the code; edit the documentation of the fields there. -->

flowmill needs no configuration. What is set comes from, later ones winning: the defaults below, one YAML file (`--config FILE` or
`FLOWMILL_CONFIG`), environment variables, flags. The words of a name may be joined in any way (`secret-key`, `secretKey`); an unknown name is
refused with the nearest right one. `flowmill server standalone --print-config` shows what is in force, with secrets masked, and starts nothing.

Sizes are written `64MiB` or `1.5GB`, durations `5s`, `1m 30s` or `PT5S`. In environment variables lists are separated by commas, and maps are
written `{name: value}`.
";

/// Settings whose default is not the same on every machine; the page must be.
const OF_THE_MACHINE: [&str; 1] = ["worker.slots"];

/// The page as Markdown.
pub(crate) fn page(settings: &Settings) -> String {
    let mut page = INTRODUCTION.to_owned();
    // writing to a string does not fail
    for section in settings.sections() {
        let members: Vec<&Setting> = settings
            .iter()
            .filter(|setting| {
                setting
                    .path
                    .split_last()
                    .is_some_and(|(_, rest)| rest == section.path)
            })
            .collect();
        if members.is_empty() {
            continue;
        }
        let title = if section.path.is_empty() {
            "At the top".to_owned()
        } else {
            format!("`{}`", shown(&section.path))
        };
        let _ = write!(page, "\n## {title}\n\n");
        if !section.path.is_empty() && !section.documentation.is_empty() {
            let _ = write!(page, "{}\n\n", section.documentation.trim());
        }
        page.push_str("| setting | default | what it does |\n| --- | --- | --- |\n");
        for setting in members {
            let _ = writeln!(page, "{}", row(setting));
        }
    }
    page.push_str(
        "\n## Other environment variables\n\n| variable | what it does |\n| --- | --- |\n",
    );
    for (name, documentation) in OTHERS {
        let _ = writeln!(page, "| `{name}` | {} |", cell(documentation));
    }
    page
}

fn row(setting: &Setting) -> String {
    let name = setting
        .path
        .last()
        .map(|name| kebab(name))
        .unwrap_or_default();
    let mut documentation = cell(&setting.documentation);
    if let Form::Choice(words) = &setting.form {
        let _ = write!(documentation, " One of `{}`.", words.join("`, `"));
    }
    let _ = write!(documentation, " `{}`", setting.variable());
    let default = if OF_THE_MACHINE.contains(&setting.name().as_str()) {
        "of the machine".to_owned()
    } else {
        default(&setting.default)
    };
    format!("| `{name}` | {default} | {} |", documentation.trim())
}

fn default(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if text.is_empty() => String::new(),
        Value::String(text) => format!("`{text}`"),
        Value::Array(items) if items.is_empty() => String::new(),
        Value::Object(members) if members.is_empty() => String::new(),
        other => format!("`{other}`"),
    }
}

/// Text that stays within one cell of a table.
fn cell(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace('|', "\\|")
}
