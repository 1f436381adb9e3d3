//! Labels: a mapping, or a list of `key` and `value`.

use super::object::Object;
use super::report::{Report, described};
use crate::flow::Label;
use crate::yaml::{Diagnostic, DiagnosticKind, Kind, Node};

/// The one label of the engine that a flow may set.
const READ_ONLY: &str = "system.readOnly";

/// The labels of a flow; what is wrong with them is said.
pub(super) fn read(object: &Object<'_>, report: &Report<'_>) -> Vec<Label> {
    let Some(node) = object.node("labels") else {
        return Vec::new();
    };
    let path = object.path.key("labels");
    if node.as_scalar().is_some() {
        object.mismatch(
            "labels",
            node,
            "java.util.List",
            "a mapping, or a list of `key` and `value`",
        );
        return Vec::new();
    }
    check_items(object, node, report);
    let mut labels = Vec::new();
    for (key, value) in pairs(node) {
        let (span, _) = node.at_path(&key);
        if key.starts_with("system.") && key != READ_ONLY {
            let message = format!(
                "System labels can only be set by Kestra itself, offending label: {key}={value}"
            );
            report.rule(&path, span, message);
        }
        if key.is_empty() || value.is_empty() {
            let what = if key.is_empty() { "key" } else { "value" };
            let diagnostic = Diagnostic::error(DiagnosticKind::Rule, "must not be empty")
                .titled(format!("the {what} of the label `{key}` is empty"));
            report.add(diagnostic, &path.key(&key), span);
        }
        labels.push(Label { key, value });
    }
    labels
}

fn check_items(object: &Object<'_>, node: &Node, report: &Report<'_>) {
    let path = object.path.key("labels");
    match &node.kind {
        Kind::Sequence(items) => {
            for (index, item) in items.iter().enumerate() {
                if let Some(label) = Object::of(item, path.index(index), report) {
                    label.refuse_unknown("io.kestra.core.models.Label", &["key", "value"]);
                    label.required_text("key");
                    label.required_text("value");
                }
            }
        }
        Kind::Mapping(mapping) => {
            for (key, entry) in mapping.iter() {
                if entry.value.as_scalar().is_none() {
                    let message = format!(
                        "Unsupported type for key: {key}. Value must be a string, a number or a boolean"
                    );
                    let title = format!(
                        "the value of a label must be text, but is {}",
                        described(&entry.value)
                    );
                    report.structure(&path.key(key), entry.key_span, message, title);
                }
            }
        }
        Kind::Scalar(_) => {}
    }
}

/// Keys and values as texts. Values are typed before they become text, as Kestra does: `yes` is `true`.
pub(super) fn pairs(node: &Node) -> Vec<(String, String)> {
    match &node.kind {
        Kind::Mapping(mapping) => mapping
            .iter()
            .filter_map(|(key, entry)| Some((key.to_owned(), text(&entry.value)?)))
            .collect(),
        Kind::Sequence(items) => items
            .iter()
            .filter_map(|item| {
                let label = item.as_mapping()?;
                Some((text(label.get("key")?)?, text(label.get("value")?)?))
            })
            .collect(),
        Kind::Scalar(_) => Vec::new(),
    }
}

fn text(node: &Node) -> Option<String> {
    match node.as_scalar()?.value() {
        serde_json::Value::String(text) => Some(text),
        serde_json::Value::Null => Some(String::new()),
        other => Some(other.to_string()),
    }
}
