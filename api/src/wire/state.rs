//! A state with its history, as executions, task runs and attempts carry it.

use flowmill_common::Timestamp;
use flowmill_common::state::{State, StateType};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::time::{Date, Span};

/// A state as it is written at a given time (the duration of what has only just begun grows until then).
#[derive(Clone, Copy)]
pub(crate) struct StateView<'a>(pub(crate) &'a State, pub(crate) Timestamp);

impl Serialize for StateView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(state, now) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("current", state.current().name())?;
        map.serialize_entry("histories", &Histories(state.histories()))?;
        map.serialize_entry("duration", &Span(state.duration(*now)))?;
        map.serialize_entry("startDate", &Date(state.start()))?;
        if let Some(end) = state.end() {
            map.serialize_entry("endDate", &Date(end))?;
        }
        map.end()
    }
}

struct Histories<'a>(&'a [(StateType, Timestamp)]);

impl Serialize for Histories<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for (state, date) in self.0 {
            list.serialize_element(&History {
                state: state.name(),
                date: Date(*date),
            })?;
        }
        list.end()
    }
}

/// One entry of a history.
#[derive(Serialize, ToSchema)]
#[schema(as = StateHistory)]
pub(crate) struct History {
    /// The state.
    state: &'static str,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    date: Date,
}

/// A state and how it came about.
#[derive(ToSchema)]
#[schema(as = State)]
#[allow(dead_code, reason = "describes what `StateView` writes")]
pub(crate) struct StateSchema {
    /// The state now.
    #[schema(value_type = StateNameSchema)]
    current: String,
    /// Every state it was in, oldest first.
    histories: Vec<History>,
    /// From the first entry to the last, ISO-8601; while there is only one, until now.
    #[schema(format = Duration)]
    duration: String,
    /// The date of the first entry.
    #[schema(rename = "startDate", format = DateTime)]
    start_date: String,
    /// When it ended or was paused.
    #[schema(rename = "endDate", format = DateTime)]
    end_date: Option<String>,
}

/// The states.
#[derive(ToSchema)]
#[schema(as = StateName, rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(dead_code, reason = "describes the names that are written")]
pub(crate) enum StateNameSchema {
    Created,
    Restarted,
    Queued,
    Submitted,
    Running,
    Paused,
    Breakpoint,
    Killing,
    Retrying,
    Retried,
    Resubmitted,
    Success,
    Warning,
    Failed,
    Killed,
    Cancelled,
    Skipped,
}
