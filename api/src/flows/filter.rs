//! Which flows a search is about.

use flowmill_backends::repo::flows::Head;
use utoipa::IntoParams;

use crate::error::Result;
use crate::request::Params;
use crate::request::filter::{Allowed, Filter, Filters, Op};

/// The namespace that holds what runs for the server itself.
const SYSTEM_NAMESPACE: &str = "system";

pub(crate) const EQUALITY: &[Op] = &[Op::Equals, Op::NotEquals];
pub(crate) const NAMES: &[Op] = &[
    Op::Equals,
    Op::NotEquals,
    Op::Contains,
    Op::StartsWith,
    Op::EndsWith,
    Op::Regex,
    Op::In,
    Op::NotIn,
    Op::Prefix,
];
pub(crate) const LABELS: &[Op] = &[Op::Equals, Op::NotEquals, Op::In, Op::NotIn, Op::Contains];

const ALLOWED: Allowed = &[
    ("labels", LABELS),
    ("namespace", NAMES),
    ("q", EQUALITY),
    ("scope", EQUALITY),
    ("flowId", NAMES),
];

/// Filters of flows. Beside these, `filters[field][OPERATION]=value` with the fields `namespace`, `flowId`, `labels`, `q` and
/// `scope`; all must hold.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the parameters")]
pub(crate) struct FlowFilters {
    /// Words that must all be in the namespace, the id or the description.
    q: Option<String>,
    /// This namespace and those below it.
    namespace: Option<String>,
    /// `key:value`; may come several times, all must hold.
    labels: Option<Vec<String>>,
    /// `USER`, `SYSTEM` or both.
    scope: Option<Vec<String>>,
}

/// The filters of a request.
pub(super) fn of(params: &Params) -> Result<Filters> {
    let mut filters = Filters::of(params, ALLOWED)?;
    filters.all.extend(flat(params)?);
    Ok(filters)
}

/// The flat parameters that all searches share.
pub(crate) fn flat(params: &Params) -> Result<Vec<Filter>> {
    let mut filters = Vec::new();
    if let Some(words) = params.get("q") {
        filters.push(Filter::new("q", Op::Equals, words));
    }
    if let Some(namespace) = params.get("namespace") {
        filters.push(Filter::new("namespace", Op::Prefix, namespace));
    }
    if let Some(flow) = params.get("flowId") {
        filters.push(Filter::new("flowId", Op::Equals, flow));
    }
    for (key, value) in crate::request::labels(params)? {
        filters.push(Filter::of_key("labels", Op::Equals, &key, &value));
    }
    let scopes = params.list("scope");
    if !scopes.is_empty() {
        filters.push(Filter::new("scope", Op::In, &scopes.join(",")));
    }
    Ok(filters)
}

pub(super) fn keeps(filter: &Filter, head: &Head) -> bool {
    match filter.field.as_str() {
        "namespace" => filter.text(&head.namespace),
        "flowId" => filter.text(&head.id),
        "labels" => filter.labels(&head.labels),
        "scope" => scope(filter, &head.namespace),
        "q" => {
            let description = head.description.as_deref().unwrap_or_default();
            words(filter, &[&head.namespace, &head.id, description])
        }
        _ => true,
    }
}

/// Whether a namespace is in the wanted scope.
pub(crate) fn scope(filter: &Filter, namespace: &str) -> bool {
    let is_system = crate::request::filter::is_or_is_below(namespace, SYSTEM_NAMESPACE);
    let named = filter
        .values()
        .any(|scope| scope.eq_ignore_ascii_case(if is_system { "SYSTEM" } else { "USER" }));
    named != filter.is_negative()
}

/// Whether every word is in one of the texts, upper and lower case being the same.
pub(crate) fn words(filter: &Filter, texts: &[&str]) -> bool {
    let text = texts.join("\n").to_lowercase();
    let all = filter
        .value
        .to_lowercase()
        .split_whitespace()
        .all(|word| text.contains(word));
    all != filter.is_negative()
}
