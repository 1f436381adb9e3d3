//! Triggers: their shape. They stay as written in the document; nothing is typed here.

mod condition;
mod cron;
mod flow_trigger;

use std::sync::Arc;

use super::flow::{Compiler, NamedPlace};
use super::kinds::plugin_group;
use super::names::{TASK_ID, nearest_types};
use super::object::Object;
use crate::yaml::{Diagnostic, DiagnosticKind, Node};

/// What every trigger may have.
const COMMON_PROPERTIES: [&str; 17] = [
    "id",
    "type",
    "description",
    "conditions",
    "disabled",
    "workerGroup",
    "workerSelector",
    "logLevel",
    "minLogLevel",
    "labels",
    "stopAfter",
    "logToFile",
    "failOnTriggerError",
    "allowConcurrent",
    "version",
    "assets",
    "when",
];

/// A trigger of Kestra's core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TriggerType {
    Schedule,
    ScheduleOnDates,
    Webhook,
    Flow,
    HttpTrigger,
}

impl TriggerType {
    const ALL: [Self; 5] = [
        Self::Schedule,
        Self::ScheduleOnDates,
        Self::Webhook,
        Self::Flow,
        Self::HttpTrigger,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Schedule => "io.kestra.plugin.core.trigger.Schedule",
            Self::ScheduleOnDates => "io.kestra.plugin.core.trigger.ScheduleOnDates",
            Self::Webhook => "io.kestra.plugin.core.trigger.Webhook",
            Self::Flow => "io.kestra.plugin.core.trigger.Flow",
            Self::HttpTrigger => "io.kestra.plugin.core.http.Trigger",
        }
    }

    fn of(written: &str) -> Option<Self> {
        let present = match written.strip_prefix("io.kestra.core.models.triggers.types.") {
            Some(simple) => format!("io.kestra.plugin.core.trigger.{simple}"),
            None => written.replace("io.kestra.plugin.fs.http.", "io.kestra.plugin.core.http."),
        };
        Self::ALL
            .into_iter()
            .find(|trigger| trigger.name() == present)
    }

    /// Its own properties; none: they are not known here.
    fn properties(self) -> Option<&'static [&'static str]> {
        match self {
            Self::Schedule => Some(&[
                "cron",
                "withSeconds",
                "timezone",
                "inputs",
                "scheduleConditions",
                "lateMaximumDelay",
                "recoverMissedSchedules",
                "backfill",
                "interval",
            ]),
            Self::ScheduleOnDates => Some(&[
                "dates",
                "timezone",
                "inputs",
                "recoverMissedSchedules",
                "interval",
            ]),
            Self::Webhook => Some(&[
                "key",
                "inputs",
                "wait",
                "returnOutputs",
                "responseContentType",
                "responseCode",
                "fetchType",
            ]),
            Self::Flow => Some(&[
                "inputs",
                "states",
                "preconditions",
                "dependsOn",
                "window",
                "mode",
                "minSatisfied",
            ]),
            Self::HttpTrigger => None,
        }
    }
}

impl<'a> Compiler<'a> {
    /// Looks at all triggers of a flow.
    pub(super) fn triggers(&self, object: &Object<'a>) {
        let path = object.path.key("triggers");
        let mut names: Vec<NamedPlace> = Vec::new();
        for (index, item) in object
            .list("triggers")
            .unwrap_or_default()
            .iter()
            .enumerate()
        {
            let Some(trigger) = Object::of(item, path.index(index), self.report) else {
                continue;
            };
            self.trigger(&trigger);
            if let Some(id) = trigger.text("id") {
                names.push((Arc::from(id), trigger.span_of("id"), trigger.path.key("id")));
            }
        }
        self.refuse_duplicates(&names, "trigger id with name");
    }

    /// Looks at one trigger.
    pub(super) fn trigger(&self, trigger: &Object<'a>) {
        if let Some(id) = trigger.required_text("id")
            && !TASK_ID.fits(id)
        {
            trigger.rule("id", format!("must match \"{}\"", TASK_ID.text));
        }
        let Some(written) = trigger.text("type") else {
            if trigger.node("type").is_none() {
                let message = "Could not resolve subtype of [simple type, class \
                               io.kestra.core.models.triggers.AbstractTrigger]: missing type id property 'type'";
                let title = "`type` is missing: it says what starts the flow";
                self.report.structure(
                    &trigger.path.key("type"),
                    trigger.key_span("type"),
                    message,
                    title,
                );
            }
            return;
        };
        let path = trigger.path.key("type");
        let Some(found) = TriggerType::of(written) else {
            if !plugin_group(written) {
                let mut diagnostic = Diagnostic::error(
                    DiagnosticKind::Structure,
                    format!("Invalid type: {written}"),
                )
                .titled(format!("no trigger has the type `{written}`"));
                let near = nearest_types(
                    written,
                    TriggerType::ALL.iter().map(|trigger| trigger.name()),
                );
                diagnostic.hint = near.first().map(|name| format!("did you mean `{name}`?"));
                self.report.add(diagnostic, &path, trigger.span_of("type"));
            }
            return;
        };
        self.note_alias(written, found.name(), &path, trigger.span_of("type"));
        if let Some(own) = found.properties() {
            let known: Vec<&str> = COMMON_PROPERTIES.iter().chain(own).copied().collect();
            trigger.refuse_unknown(found.name(), &known);
        }
        trigger.flag("disabled");
        self.conditions(trigger, "conditions");
        self.conditions(trigger, "scheduleConditions");
        match found {
            TriggerType::Schedule => self.schedule(trigger),
            TriggerType::ScheduleOnDates => {
                trigger.required("dates");
                self.timezone(trigger);
            }
            TriggerType::Webhook => self.webhook(trigger),
            TriggerType::Flow => self.flow_trigger(trigger),
            TriggerType::HttpTrigger => {
                trigger.required("uri");
            }
        }
    }

    fn schedule(&self, trigger: &Object<'a>) {
        self.timezone(trigger);
        trigger.duration("lateMaximumDelay");
        trigger.choice(
            "recoverMissedSchedules",
            &[("ALL", ()), ("LAST", ()), ("NONE", ())],
        );
        if trigger.required("cron").is_none() {
            return;
        }
        let with_seconds = trigger.flag("withSeconds").unwrap_or(false);
        if let Some(cron) = trigger.text("cron")
            && let Err(problem) = cron::check(cron, with_seconds)
        {
            trigger.rule(
                "cron",
                format!("invalid cron expression '{cron}': {problem}"),
            );
        }
    }

    fn timezone(&self, trigger: &Object<'a>) {
        if let Some(zone) = trigger.text("timezone")
            && !is_time_zone(zone)
        {
            trigger.rule(
                "timezone",
                format!("timezone '({zone})' is not a valid time-zone ID"),
            );
        }
    }

    fn webhook(&self, trigger: &Object<'a>) {
        trigger.required("key");
        if trigger
            .text("key")
            .is_some_and(|key| key.chars().count() > 256)
        {
            trigger.rule("key", "size must be between 0 and 256");
        }
        let conditions = trigger.list("conditions").unwrap_or_default().iter();
        let is_multiple = |condition: &&Node| {
            let written = condition
                .as_mapping()
                .and_then(|mapping| mapping.get("type"))
                .and_then(Node::as_text);
            written.is_some_and(|written| written.ends_with(".MultipleCondition"))
        };
        if conditions.clone().any(|condition| is_multiple(&condition)) {
            trigger.rule(
                "conditions",
                "invalid webhook: conditions of type MultipleCondition are not supported",
            );
        }
    }
}

/// An IANA name, `Z`, or an offset such as `+02:00` with or without `UTC` or `GMT` before it.
fn is_time_zone(zone: &str) -> bool {
    let offset = ["UTC", "GMT", "UT"]
        .iter()
        .find_map(|prefix| zone.strip_prefix(prefix))
        .unwrap_or(zone);
    let is_offset = offset.starts_with(['+', '-'])
        && offset.len() > 1
        && offset[1..].split(':').all(|part| {
            (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        });
    zone == "Z" || offset.is_empty() || is_offset || jiff::tz::TimeZone::get(zone).is_ok()
}
