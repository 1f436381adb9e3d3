//! Which executions a search is about.

use flowmill_backends::repo::executions::{Scope, Summary};
use flowmill_common::{StateType, Timestamp};
use utoipa::IntoParams;

use crate::error::{ApiError, Result};
use crate::flows::filter as flow_filter;
use crate::request::filter::{Allowed, Filter, Filters, Op};
use crate::request::params::unconvertible;
use crate::request::{Params, date};

const STATES: &[Op] = &[Op::Equals, Op::NotEquals, Op::In, Op::NotIn];
pub(crate) const DATES: &[Op] = &[
    Op::Equals,
    Op::NotEquals,
    Op::Greater,
    Op::GreaterOrEqual,
    Op::Less,
    Op::LessOrEqual,
];
pub(crate) const IDS: &[Op] = &[
    Op::Equals,
    Op::NotEquals,
    Op::Contains,
    Op::StartsWith,
    Op::EndsWith,
    Op::In,
    Op::NotIn,
];

const ALLOWED: Allowed = &[
    ("q", flow_filter::EQUALITY),
    ("scope", flow_filter::EQUALITY),
    ("flowId", flow_filter::NAMES),
    ("startDate", DATES),
    ("endDate", DATES),
    ("state", STATES),
    ("labels", flow_filter::LABELS),
    ("triggerExecutionId", IDS),
    ("childFilter", flow_filter::EQUALITY),
    ("namespace", flow_filter::NAMES),
    ("kind", STATES),
    ("timeRange", flow_filter::EQUALITY),
    ("executionId", IDS),
    ("id", IDS),
];

/// Filters of executions. Beside these, `filters[field][OPERATION]=value` with the fields `q`, `scope`, `flowId`, `startDate`,
/// `endDate`, `state`, `labels`, `triggerExecutionId`, `childFilter`, `namespace`, `kind`, `timeRange` and `executionId`; all must
/// hold, of `filters[or][0]…`, `filters[or][1]…` one.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the parameters")]
pub(crate) struct ExecutionFilters {
    /// Words that must all be in the namespace, the flow's id or the execution's.
    q: Option<String>,
    /// This namespace and those below it.
    namespace: Option<String>,
    /// This flow.
    #[param(rename = "flowId")]
    flow_id: Option<String>,
    /// In one of these states.
    state: Option<Vec<String>>,
    /// `key:value`; may come several times, all must hold.
    labels: Option<Vec<String>>,
    /// Created at this time or later.
    #[param(rename = "startDate", format = DateTime)]
    start_date: Option<String>,
    /// Created at this time or earlier.
    #[param(rename = "endDate", format = DateTime)]
    end_date: Option<String>,
    /// Created in this last stretch of time: `PT12H`. Not together with `startDate`.
    #[param(rename = "timeRange")]
    time_range: Option<String>,
    /// `USER`, `SYSTEM` or both.
    scope: Option<Vec<String>>,
    /// Started by this execution.
    #[param(rename = "triggerExecutionId")]
    trigger_execution_id: Option<String>,
    /// `CHILD`: started by another execution; `MAIN`: not so.
    #[param(rename = "childFilter")]
    child_filter: Option<String>,
}

/// The filters of a request.
pub(crate) fn of(params: &Params, now: Timestamp) -> Result<Filters> {
    let mut filters = Filters::of(params, ALLOWED)?;
    filters.all.extend(flow_filter::flat(params)?);
    let states = params.list("state");
    if !states.is_empty() {
        filters
            .all
            .push(Filter::new("state", Op::In, &states.join(",")));
    }
    for name in ["triggerExecutionId", "childFilter"] {
        if let Some(value) = params.get(name) {
            filters.all.push(Filter::new(name, Op::Equals, value));
        }
    }
    filters.all.extend(dates(params)?);
    filters.try_for_each(&mut |filter| prepare(filter, now))?;
    Ok(filters)
}

/// The bounds on the start date that stand in flat parameters.
pub(crate) fn dates(params: &Params) -> Result<Vec<Filter>> {
    let (start, end) = (params.get("startDate"), params.get("endDate"));
    if start.is_some() && params.get("timeRange").is_some() {
        return Err(ApiError::illegal_argument(
            "Parameters 'startDate' and 'timeRange' are mutually exclusive",
        ));
    }
    if let (Some(start), Some(end)) = (start, end)
        && date::parse("startDate", start)? >= date::parse("endDate", end)?
    {
        return Err(ApiError::illegal_argument(
            "Start date must be before End Date",
        ));
    }
    let bound = |value: Option<&str>, op| value.map(|value| Filter::new("startDate", op, value));
    let range = params
        .get("timeRange")
        .map(|range| Filter::new("timeRange", Op::Equals, range));
    Ok([
        bound(start, Op::GreaterOrEqual),
        bound(end, Op::LessOrEqual),
        range,
    ]
    .into_iter()
    .flatten()
    .collect())
}

/// Checks a filter's value, and turns what is relative to now into what is not.
pub(crate) fn prepare(filter: &mut Filter, now: Timestamp) -> Result<()> {
    match filter.field.as_str() {
        "startDate" | "endDate" => {
            date::parse(&filter.field, &filter.value)?;
        }
        "timeRange" => {
            let range = flowmill_common::time::parse_duration(&filter.value);
            let range = range.map_err(|why| unconvertible("timeRange", &filter.value, why))?;
            let since = i64::try_from(range.as_micros()).unwrap_or(i64::MAX);
            let since = Timestamp::from_micros(now.as_micros().saturating_sub(since).max(0));
            let op = if filter.is_negative() {
                Op::LessOrEqual
            } else {
                Op::GreaterOrEqual
            };
            *filter = Filter::new("startDate", op, &since.to_string());
        }
        "state" => {
            let unknown = filter
                .values()
                .find(|state| StateType::from_name(state).is_none());
            if let Some(state) = unknown {
                let names = StateType::ALL.map(StateType::name).join(", ");
                return Err(unconvertible(
                    "state",
                    state,
                    format!("it is none of {names}"),
                ));
            }
        }
        "childFilter" if !["CHILD", "MAIN"].contains(&filter.value.as_str()) => {
            let why = "it is neither CHILD nor MAIN";
            return Err(unconvertible("childFilter", &filter.value, why));
        }
        _ => {}
    }
    Ok(())
}

/// Whether an execution passes one filter.
pub(crate) fn keeps(filter: &Filter, summary: &Summary) -> bool {
    match filter.field.as_str() {
        "q" => flow_filter::words(
            filter,
            &[&summary.namespace, &summary.flow_id, summary.id.as_str()],
        ),
        "scope" => flow_filter::scope(filter, &summary.namespace),
        "namespace" => filter.text(&summary.namespace),
        "flowId" => filter.text(&summary.flow_id),
        "executionId" | "id" => filter.text(summary.id.as_str()),
        "state" => state(filter, summary.state),
        "labels" => filter.labels(&summary.labels),
        "startDate" => filter.time(Some(summary.start)),
        "endDate" => filter.time(summary.end),
        "triggerExecutionId" => filter.optional(summary.trigger_execution.as_deref()),
        "childFilter" => {
            (summary.trigger_execution.is_some() == (filter.value == "CHILD"))
                != filter.is_negative()
        }
        "kind" => filter.text("NORMAL"),
        _ => true,
    }
}

/// What of the index needs to be read, as far as the filters that must hold say it.
pub(crate) fn scope(filters: &Filters) -> Scope {
    let exact = |field: &str| {
        let found = filters
            .all
            .iter()
            .find(|filter| filter.field == field && filter.op == Op::Equals);
        found.map(|filter| filter.value.clone())
    };
    let mut scope = Scope {
        flow: exact("namespace").zip(exact("flowId")),
        ..Scope::default()
    };
    for filter in filters
        .all
        .iter()
        .filter(|filter| filter.field == "startDate")
    {
        let Ok(time) = date::parse("startDate", &filter.value) else {
            continue;
        };
        let after = Timestamp::from_micros(time.as_micros().saturating_add(1));
        match filter.op {
            Op::Greater | Op::GreaterOrEqual => scope.from = scope.from.max(Some(time)),
            Op::Less | Op::LessOrEqual => {
                scope.to = Some(scope.to.map_or(after, |to| to.min(after)))
            }
            _ => {}
        }
    }
    scope
}

fn state(filter: &Filter, state: StateType) -> bool {
    let named = filter
        .values()
        .any(|name| StateType::from_name(name) == Some(state));
    named != filter.is_negative()
}
