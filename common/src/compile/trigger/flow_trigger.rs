//! The Flow trigger: preconditions, their filters and time windows.

use std::sync::Arc;

use super::super::flow::{Compiler, NamedPlace};
use super::super::object::Object;
use crate::yaml::DiagnosticKind;

const PRECONDITIONS: &str = "io.kestra.plugin.core.trigger.Flow$Preconditions";
const FILTER: &str = "io.kestra.plugin.core.condition.AdvancedExecutionsCondition$Filter";

const FILTER_FIELDS: [(&str, ()); 4] = [
    ("FLOW_ID", ()),
    ("NAMESPACE", ()),
    ("STATE", ()),
    ("EXPRESSION", ()),
];

/// The kinds of filters, and whether they compare with a list.
const FILTER_TYPES: [(&str, (&str, bool)); 12] = [
    ("EQUAL_TO", ("EQUAL_TO", false)),
    ("NOT_EQUAL_TO", ("NOT_EQUAL_TO", false)),
    ("IN", ("IN", true)),
    ("NOT_IN", ("NOT_IN", true)),
    ("IS_TRUE", ("IS_TRUE", false)),
    ("IS_FALSE", ("IS_FALSE", false)),
    ("IS_NULL", ("IS_NULL", false)),
    ("IS_NOT_NULL", ("IS_NOT_NULL", false)),
    ("STARTS_WITH", ("STARTS_WITH", false)),
    ("ENDS_WITH", ("ENDS_WITH", false)),
    ("REGEX", ("REGEX", false)),
    ("CONTAINS", ("CONTAINS", false)),
];

/// What a time window must have and what it cannot have, by its type; with words for each.
const WINDOWS: [(&str, &[&str], &[&str]); 4] = [
    (
        "DURATION_WINDOW",
        &[],
        &["deadline", "startTime", "endTime"],
    ),
    (
        "SLIDING_WINDOW",
        &[],
        &["deadline", "startTime", "endTime", "windowAdvance"],
    ),
    (
        "DAILY_TIME_DEADLINE",
        &["deadline"],
        &["window", "windowAdvance", "startTime", "endTime"],
    ),
    (
        "DAILY_TIME_WINDOW",
        &["startTime", "endTime"],
        &["window", "windowAdvance", "deadline"],
    ),
];

impl<'a> Compiler<'a> {
    pub(super) fn flow_trigger(&self, trigger: &Object<'a>) {
        let watches = ["conditions", "preconditions", "dependsOn", "when"];
        if watches.iter().all(|key| trigger.node(key).is_none()) {
            let message = "This flow will be triggered for EVERY execution of EVERY flow on your instance. We recommend \
                           adding the preconditions property to the Flow trigger.";
            self.report.warn(
                DiagnosticKind::Rule,
                &trigger.path,
                trigger.span_of("type"),
                message,
            );
        }
        trigger.list("states");
        let Some(preconditions) = trigger.object("preconditions") else {
            return;
        };
        preconditions.refuse_unknown(
            PRECONDITIONS,
            &["id", "timeWindow", "resetOnSuccess", "flows", "where"],
        );
        preconditions.required("id");
        preconditions.flag("resetOnSuccess");
        if let Some(window) = preconditions.object("timeWindow") {
            time_window(&window);
        }
        let path = preconditions.path.key("flows");
        for (index, item) in preconditions
            .list("flows")
            .unwrap_or_default()
            .iter()
            .enumerate()
        {
            let Some(flow) = Object::of(item, path.index(index), self.report) else {
                continue;
            };
            flow.refuse_unknown(
                &format!("{PRECONDITIONS}$UpstreamFlow"),
                &["namespace", "flowId", "states", "labels"],
            );
            flow.required("namespace");
        }
        self.filters(&preconditions);
    }

    fn filters(&self, preconditions: &Object<'a>) {
        let path = preconditions.path.key("where");
        let mut names: Vec<NamedPlace> = Vec::new();
        for (index, item) in preconditions
            .list("where")
            .unwrap_or_default()
            .iter()
            .enumerate()
        {
            let Some(set) = Object::of(item, path.index(index), self.report) else {
                continue;
            };
            set.refuse_unknown(
                "io.kestra.plugin.core.trigger.Flow$ExecutionFilter",
                &["id", "operand", "filters"],
            );
            if let Some(id) = set.required_text("id") {
                names.push((Arc::from(id), set.span_of("id"), set.path.key("id")));
            }
            set.choice("operand", &[("AND", ()), ("OR", ())]);
            let path = set.path.key("filters");
            for (index, item) in set.list("filters").unwrap_or_default().iter().enumerate() {
                if let Some(filter) = Object::of(item, path.index(index), self.report) {
                    check_filter(&filter);
                }
            }
        }
        self.refuse_duplicates(&names, "preconditions with id");
    }
}

fn check_filter(filter: &Object<'_>) {
    filter.refuse_unknown(FILTER, &["field", "type", "value", "values"]);
    filter.required("field");
    filter.choice("field", &FILTER_FIELDS);
    filter.required("type");
    let Some((name, takes_list)) = filter.choice("type", &FILTER_TYPES) else {
        return;
    };
    for (key, expected) in [("value", !takes_list), ("values", takes_list)] {
        let given = filter.node(key).is_some();
        if expected && !given {
            filter.rule(key, format!("`{key}` cannot be null for type {name}"));
            return;
        }
        if !expected && given {
            filter.rule(key, format!("`{key}` must be null for type {name}"));
            return;
        }
    }
}

fn time_window(window: &Object<'_>) {
    let known = [
        "type",
        "deadline",
        "window",
        "windowAdvance",
        "startTime",
        "endTime",
    ];
    window.refuse_unknown("io.kestra.core.models.triggers.TimeWindow", &known);
    let choices = WINDOWS.map(|rules| (rules.0, rules));
    let (name, needed, refused) = match window.node("type") {
        Some(_) => match window.choice("type", &choices) {
            Some(rules) => rules,
            None => return,
        },
        None => WINDOWS[0],
    };
    window.duration("window");
    window.duration("windowAdvance");
    let mut allowed = true;
    for key in refused.iter().filter(|key| window.node(key).is_some()) {
        allowed = false;
        window.rule(
            key,
            format!("Time window of type `{name}` cannot have {}.", words(key)),
        );
    }
    if allowed {
        for key in needed.iter().filter(|key| window.node(key).is_none()) {
            window.rule(
                key,
                format!("Time window of type `{name}` must have {}.", words(key)),
            );
        }
    }
}

fn words(key: &str) -> &'static str {
    match key {
        "deadline" => "a deadline",
        "window" => "a window",
        "windowAdvance" => "a window advance",
        "startTime" => "a start time",
        _ => "an end time",
    }
}
