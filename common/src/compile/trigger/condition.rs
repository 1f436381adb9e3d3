//! Conditions of triggers and listeners: whether their types exist.

use super::super::flow::Compiler;
use super::super::names::nearest_types;
use super::super::object::Object;
use super::super::report::Path;
use crate::yaml::{Diagnostic, DiagnosticKind, Node};

const PACKAGE: &str = "io.kestra.plugin.core.condition.";
const OLD_PACKAGE: &str = "io.kestra.core.models.conditions.types.";

/// The conditions of Kestra's core; most have an older name that ends in `Condition`.
const CONDITIONS: [&str; 19] = [
    "DateTimeBetween",
    "DayWeek",
    "DayWeekInMonth",
    "ExecutionFlow",
    "ExecutionLabels",
    "ExecutionNamespace",
    "ExecutionOutputs",
    "ExecutionStatus",
    "ExecutionsWindow",
    "Expression",
    "FlowCondition",
    "FlowNamespaceCondition",
    "HasRetryAttempt",
    "MultipleCondition",
    "Not",
    "Or",
    "PublicHoliday",
    "TimeBetween",
    "Weekend",
];

/// The present name of a condition.
fn present_name(written: &str) -> Option<String> {
    let simple = written
        .strip_prefix(PACKAGE)
        .or_else(|| written.strip_prefix(OLD_PACKAGE))?;
    let simple = match simple {
        "VariableCondition" | "ExpressionCondition" => "Expression",
        _ if CONDITIONS.contains(&simple) => simple,
        _ => simple.strip_suffix("Condition")?,
    };
    CONDITIONS
        .contains(&simple)
        .then(|| format!("{PACKAGE}{simple}"))
}

impl<'a> Compiler<'a> {
    /// Looks at the conditions of a trigger, of a listener or of another condition.
    pub(in super::super) fn conditions(&self, object: &Object<'a>, key: &str) {
        let Some(node) = object.node(key) else { return };
        let path = object.path.key(key);
        if let Some(named) = node.as_mapping() {
            for (name, entry) in named.iter() {
                self.condition(&entry.value, path.key(name));
            }
            return;
        }
        for (index, item) in object.list(key).unwrap_or_default().iter().enumerate() {
            self.condition(item, path.index(index));
        }
    }

    fn condition(&self, node: &'a Node, path: Path) {
        let Some(condition) = Object::of(node, path, self.report) else {
            return;
        };
        let Some(written) = condition.text("type") else {
            if condition.node("type").is_none() {
                condition.required("type");
            }
            return;
        };
        let path = condition.path.key("type");
        match present_name(written) {
            Some(name) => self.note_alias(written, &name, &path, condition.span_of("type")),
            None if written.starts_with("io.kestra.plugin.ee.") => {}
            None => {
                let mut diagnostic = Diagnostic::error(
                    DiagnosticKind::Structure,
                    format!("Invalid type: {written}"),
                )
                .titled(format!("no condition has the type `{written}`"));
                let known = CONDITIONS.map(|name| format!("{PACKAGE}{name}"));
                let near = nearest_types(written, known.iter().map(String::as_str));
                diagnostic.hint = near.first().map(|name| format!("did you mean `{name}`?"));
                self.report
                    .add(diagnostic, &path, condition.span_of("type"));
            }
        }
        self.conditions(&condition, "conditions");
    }
}

#[cfg(test)]
mod tests {
    use super::present_name;

    #[test]
    fn conditions_are_found_by_all_their_names() {
        let names = [
            "io.kestra.plugin.core.condition.Weekend",
            "io.kestra.plugin.core.condition.WeekendCondition",
            "io.kestra.core.models.conditions.types.WeekendCondition",
        ];
        for name in names {
            assert_eq!(
                present_name(name).as_deref(),
                Some("io.kestra.plugin.core.condition.Weekend")
            );
        }
        let expression = present_name("io.kestra.core.models.conditions.types.VariableCondition");
        assert_eq!(
            expression.as_deref(),
            Some("io.kestra.plugin.core.condition.Expression")
        );
        let multiple = present_name("io.kestra.core.models.conditions.types.MultipleCondition");
        assert_eq!(
            multiple.as_deref(),
            Some("io.kestra.plugin.core.condition.MultipleCondition")
        );
        assert_eq!(present_name("io.kestra.plugin.core.condition.Wekend"), None);
    }
}
