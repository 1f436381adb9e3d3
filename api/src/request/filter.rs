//! Filters of searches: the structured ones of Kestra 1.x and 2.0 (`filters[field][OP]=value`, with groups), and what the flat
//! parameters of 0.x are turned into.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use flowmill_common::Timestamp;
use regex::Regex;

use super::{Params, date};
use crate::error::{ApiError, Result};

/// Groups may be nested no deeper, and a search may have no more filters.
const DEEPEST: usize = 4;
const MOST: usize = 200;

/// How a value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Equals,
    NotEquals,
    Contains,
    StartsWith,
    EndsWith,
    Regex,
    In,
    NotIn,
    Prefix,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

impl Op {
    const NAMES: [(&'static str, Self); 13] = [
        ("EQUALS", Self::Equals),
        ("NOT_EQUALS", Self::NotEquals),
        ("CONTAINS", Self::Contains),
        ("STARTS_WITH", Self::StartsWith),
        ("ENDS_WITH", Self::EndsWith),
        ("REGEX", Self::Regex),
        ("IN", Self::In),
        ("NOT_IN", Self::NotIn),
        ("PREFIX", Self::Prefix),
        ("GREATER_THAN", Self::Greater),
        ("GREATER_THAN_OR_EQUAL_TO", Self::GreaterOrEqual),
        ("LESS_THAN", Self::Less),
        ("LESS_THAN_OR_EQUAL_TO", Self::LessOrEqual),
    ];

    fn from_name(name: &str) -> Option<Self> {
        Self::NAMES
            .into_iter()
            .find(|(known, _)| *known == name)
            .map(|(_, op)| op)
    }

    fn name(self) -> &'static str {
        Self::NAMES
            .into_iter()
            .find(|(_, op)| *op == self)
            .map_or("", |(name, _)| name)
    }
}

/// One comparison.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    /// The field in camel case.
    pub(crate) field: String,
    pub(crate) op: Op,
    /// For fields that are maps: the key.
    pub(crate) key: Option<String>,
    pub(crate) value: String,
    regex: Option<Regex>,
}

impl Filter {
    pub(crate) fn new(field: &str, op: Op, value: &str) -> Self {
        Self {
            field: field.to_owned(),
            op,
            key: None,
            value: value.to_owned(),
            regex: None,
        }
    }

    /// A filter on one key of a map.
    pub(crate) fn of_key(field: &str, op: Op, key: &str, value: &str) -> Self {
        Self {
            key: Some(key.to_owned()),
            ..Self::new(field, op, value)
        }
    }

    /// The values of `IN` and `NOT_IN`: a list with commas, perhaps in brackets.
    pub(crate) fn values(&self) -> impl Iterator<Item = &str> {
        let list = self
            .value
            .strip_prefix('[')
            .and_then(|list| list.strip_suffix(']'))
            .unwrap_or(&self.value);
        list.split(',').map(|value| value.trim().trim_matches('"'))
    }

    /// Whether a text passes.
    pub(crate) fn text(&self, text: &str) -> bool {
        match self.op {
            Op::Equals => text == self.value,
            Op::NotEquals => text != self.value,
            Op::Contains => text.contains(&self.value),
            Op::StartsWith => text.starts_with(&self.value),
            Op::EndsWith => text.ends_with(&self.value),
            Op::Regex => self
                .regex
                .as_ref()
                .is_some_and(|regex| regex.is_match(text)),
            Op::In => self.values().any(|value| value == text),
            Op::NotIn => self.values().all(|value| value != text),
            Op::Prefix => is_or_is_below(text, &self.value),
            Op::Greater => text > self.value.as_str(),
            Op::GreaterOrEqual => text >= self.value.as_str(),
            Op::Less => text < self.value.as_str(),
            Op::LessOrEqual => text <= self.value.as_str(),
        }
    }

    /// Whether a text that may be missing passes: what is missing equals nothing.
    pub(crate) fn optional(&self, text: Option<&str>) -> bool {
        match text {
            Some(text) => self.text(text),
            None => matches!(self.op, Op::NotEquals | Op::NotIn),
        }
    }

    /// Whether a time passes. The value was checked to be a date.
    pub(crate) fn time(&self, time: Option<Timestamp>) -> bool {
        let (Some(time), Ok(value)) = (time, date::parse(&self.field, &self.value)) else {
            return false;
        };
        match self.op {
            Op::Equals => time == value,
            Op::NotEquals => time != value,
            Op::Greater => time > value,
            Op::GreaterOrEqual => time >= value,
            Op::Less => time < value,
            Op::LessOrEqual => time <= value,
            Op::Contains
            | Op::StartsWith
            | Op::EndsWith
            | Op::Regex
            | Op::In
            | Op::NotIn
            | Op::Prefix => false,
        }
    }

    /// Whether labels pass.
    pub(crate) fn labels(&self, labels: &[flowmill_common::flow::Label]) -> bool {
        let Some(key) = &self.key else {
            return labels.iter().any(|label| self.text(&label.key));
        };
        let value = labels
            .iter()
            .find(|label| label.key == *key)
            .map(|label| label.value.as_str());
        self.optional(value)
    }

    /// The negation of an equality, if it is one or the other.
    pub(crate) fn is_negative(&self) -> bool {
        matches!(self.op, Op::NotEquals | Op::NotIn)
    }
}

/// Whether a namespace is this one or lies below it.
pub(crate) fn is_or_is_below(namespace: &str, ancestor: &str) -> bool {
    namespace
        .strip_prefix(ancestor)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Which fields a search knows, and how they may be compared.
pub(crate) type Allowed = &'static [(&'static str, &'static [Op])];

/// Filters of which all must hold; of those in `any`, one must.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filters {
    pub(crate) all: Vec<Filter>,
    and: BTreeMap<usize, Filters>,
    or: BTreeMap<usize, Filters>,
}

impl Filters {
    /// Reads the `filters[…]` parameters. Keys of another form are ignored, as Kestra does. 400 when a field or its operation is
    /// not known to this search.
    pub(crate) fn of(params: &Params, allowed: Allowed) -> Result<Self> {
        let mut filters = Self::default();
        let mut count = 0;
        for (name, value) in params.iter() {
            let Some(parts) = brackets(name) else {
                continue;
            };
            count += 1;
            if count > MOST {
                return Err(invalid(format!("more than {MOST} filters")));
            }
            filters.insert(&parts, value, allowed)?;
        }
        Ok(filters)
    }

    /// Whether something passes, given whether it passes one filter.
    pub(crate) fn test(&self, passes: &dyn Fn(&Filter) -> bool) -> bool {
        self.all.iter().all(passes)
            && self.and.values().all(|branch| branch.test(passes))
            && (self.or.is_empty() || self.or.values().any(|branch| branch.test(passes)))
    }

    /// Whether there are groups, beside the filters that must all hold.
    pub(crate) fn has_groups(&self) -> bool {
        !self.and.is_empty() || !self.or.is_empty()
    }

    /// Changes or refuses each filter.
    pub(crate) fn try_for_each(
        &mut self,
        change: &mut dyn FnMut(&mut Filter) -> Result<()>,
    ) -> Result<()> {
        self.all.iter_mut().try_for_each(&mut *change)?;
        let mut branches = self.and.values_mut().chain(self.or.values_mut());
        branches.try_for_each(|branch| branch.try_for_each(change))
    }

    fn insert(&mut self, parts: &[&str], value: &str, allowed: Allowed) -> Result<()> {
        let mut level = self;
        let mut parts = parts;
        for _ in 0..=DEEPEST {
            match parts {
                [word @ ("and" | "or"), index, rest @ ..]
                    if index.parse::<usize>().is_ok() && rest.len() >= 2 =>
                {
                    let group = if *word == "and" {
                        &mut level.and
                    } else {
                        &mut level.or
                    };
                    level = group.entry(index.parse().unwrap_or_default()).or_default();
                    parts = rest;
                }
                [field, op, key @ ..] if key.len() <= 1 => {
                    level
                        .all
                        .push(filter(field, op, key.first().copied(), value, allowed)?);
                    return Ok(());
                }
                _ => return Ok(()),
            }
        }
        Err(ApiError::unprocessable(format!(
            "filters are nested deeper than {DEEPEST} groups"
        )))
    }
}

fn filter(
    field: &str,
    op: &str,
    key: Option<&str>,
    value: &str,
    allowed: Allowed,
) -> Result<Filter> {
    let field = camel_case(field);
    let known = Op::from_name(op).ok_or_else(|| {
        let names = Op::NAMES.map(|(name, _)| name).join(", ");
        ApiError::unprocessable(format!("`{op}` is not an operation of filters ({names})"))
    })?;
    let Some((_, ops)) = allowed.iter().find(|(name, _)| *name == field) else {
        let names: Vec<_> = allowed.iter().map(|(name, _)| *name).collect();
        return Err(invalid(format!(
            "Field {field} is not supported here. Supported fields are {}",
            names.join(", ")
        )));
    };
    if !ops.contains(&known) {
        let names: Vec<_> = ops.iter().map(|op| op.name()).collect();
        let names = names.join(", ");
        return Err(invalid(format!(
            "Operation {op} is not supported for field {field}. Supported operations are {names}"
        )));
    }
    let regex = match known {
        Op::Regex => Some(regex(value)?),
        _ => None,
    };
    Ok(Filter {
        field,
        op: known,
        key: key.map(str::to_owned),
        value: value.to_owned(),
        regex,
    })
}

fn regex(pattern: &str) -> Result<Regex> {
    let built = regex::RegexBuilder::new(pattern)
        .size_limit(1 << 20)
        .build();
    built.map_err(|error| invalid(format!("`{pattern}` is not a regular expression: {error}")))
}

fn invalid(detail: impl std::fmt::Display) -> ApiError {
    ApiError::new(
        StatusCode::BAD_REQUEST,
        format!("Invalid query filters: {detail}"),
    )
}

/// What stands between the brackets of `filters[a][b][c]`; a key at the end may hold anything but a closing bracket.
fn brackets(name: &str) -> Option<Vec<&str>> {
    let mut rest = name.strip_prefix("filters")?;
    let mut parts = Vec::new();
    while !rest.is_empty() {
        let (part, after) = rest.strip_prefix('[')?.split_once(']')?;
        parts.push(part);
        rest = after;
    }
    (parts.len() >= 2).then_some(parts)
}

/// `START_DATE` and `startDate` are the same field.
fn camel_case(field: &str) -> String {
    if field.bytes().any(|byte| byte.is_ascii_lowercase()) {
        return match field {
            "minLevel" => "level".to_owned(),
            other => other.to_owned(),
        };
    }
    let mut text = String::with_capacity(field.len());
    for (index, word) in field.split('_').enumerate() {
        let lower = word.to_ascii_lowercase();
        match (index, lower.chars().next()) {
            (0, _) | (_, None) => text.push_str(&lower),
            (_, Some(first)) => {
                text.push(first.to_ascii_uppercase());
                text.push_str(&lower[first.len_utf8()..]);
            }
        }
    }
    if text == "minLevel" {
        "level".to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use flowmill_common::flow::Label;

    use super::*;

    const ALLOWED: Allowed = &[
        ("namespace", &[Op::Equals, Op::Prefix, Op::Regex]),
        ("state", &[Op::In, Op::NotIn]),
        ("labels", &[Op::Equals, Op::NotEquals]),
    ];

    fn filters(query: &str) -> Result<Filters> {
        Filters::of(&Params::parse(query), ALLOWED)
    }

    fn passes(query: &str, namespace: &str, state: &str) -> bool {
        filters(query)
            .unwrap()
            .test(&|filter| match filter.field.as_str() {
                "namespace" => filter.text(namespace),
                "state" => filter.text(state),
                _ => false,
            })
    }

    #[test]
    fn all_filters_must_hold_and_one_branch_of_an_or() {
        assert!(passes(
            "filters[namespace][PREFIX]=a.b&filters[state][IN]=X,Y",
            "a.b.c",
            "Y"
        ));
        assert!(!passes("filters[namespace][PREFIX]=a.b", "a.bc", "Y"));
        assert!(passes("filters%5Bstate%5D%5BNOT_IN%5D=[X,Y]", "a", "Z"));
        let either = "filters[or][0][state][IN]=X&filters[or][1][namespace][EQUALS]=q&filters[namespace][REGEX]=[a-q]";
        assert!(passes(either, "a", "X"));
        assert!(passes(either, "q", "Z"));
        assert!(!passes(either, "a", "Z"));
        assert!(!passes(either, "z", "X"));
    }

    #[test]
    fn keys_of_labels_may_hold_anything() {
        let filters =
            filters("filters[labels][EQUALS][a.b:c%25]=v&filters[LABELS][NOT_EQUALS][x]=y")
                .unwrap();
        let labels = |value: &str| {
            [Label {
                key: "a.b:c%".into(),
                value: value.into(),
            }]
        };
        assert!(filters.test(&|filter| filter.labels(&labels("v"))));
        assert!(!filters.test(&|filter| filter.labels(&labels("w"))));
    }

    #[test]
    fn unknown_fields_and_operations_are_named_and_other_keys_ignored() {
        let error = filters("filters[flowId][EQUALS]=x").unwrap_err();
        assert_eq!(error.status().as_u16(), 400);
        assert!(
            error.message().contains("namespace, state, labels"),
            "{error}"
        );
        assert_eq!(
            filters("filters[namespace][IN]=x")
                .unwrap_err()
                .status()
                .as_u16(),
            400
        );
        assert_eq!(
            filters("filters[namespace][NOPE]=x")
                .unwrap_err()
                .status()
                .as_u16(),
            422
        );
        assert_eq!(
            filters("filters[namespace][REGEX]=(")
                .unwrap_err()
                .status()
                .as_u16(),
            400
        );
        assert!(
            filters("filters[namespace]=x&filters=1&filtersx[a][EQUALS]=1")
                .unwrap()
                .all
                .is_empty()
        );
    }

    #[test]
    fn fields_may_be_written_in_upper_case() {
        assert_eq!(camel_case("TRIGGER_EXECUTION_ID"), "triggerExecutionId");
        assert_eq!(camel_case("MIN_LEVEL"), "level");
        assert_eq!(camel_case("flowId"), "flowId");
    }
}
