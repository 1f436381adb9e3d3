//! Searching the texts of flows.

use axum::Json;
use axum::extract::State;
use flowmill_backends::repo::flows::Head;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::search::matching;
use crate::Api;
use crate::error::Result;
use crate::request::filter::{Filter, Filters, Op};
use crate::request::{Page, Paging, Params};
use crate::wire::flow::{self, Source};

/// So many lines are shown before and after a hit.
const AROUND: usize = 1;
/// So many hits of one flow are shown.
const MOST: usize = 10;

/// A flow, and where its text matches.
#[derive(Serialize, ToSchema)]
pub(crate) struct SearchResult {
    /// The flow.
    #[schema(value_type = Object)]
    model: Value,
    /// Lines around each hit; what matches stands in `[mark]…[/mark]`.
    fragments: Vec<String>,
}

/// Search the texts of flows.
#[utoipa::path(
    get, path = "/api/v1/flows/source", tag = "flows", operation_id = "searchFlowsBySourceCode",
    params(
        ("q" = Option<String>, Query, description = "What is searched for; upper and lower case are the same."),
        ("namespace" = Option<String>, Query, description = "In this namespace and those below it."),
        Paging,
    ),
    responses((status = 200, body = Page<SearchResult>)),
)]
pub(crate) async fn search_source(
    State(api): State<Api>,
    params: Params,
) -> Result<Json<Page<SearchResult>>> {
    let paging = Paging::of(&params, &["id", "namespace"])?;
    let mut filters = Filters::default();
    filters.all.extend(
        params
            .get("namespace")
            .map(|namespace| Filter::new("namespace", Op::Prefix, namespace)),
    );
    let mut heads = matching(&api, &filters).await?;
    paging.order(&mut heads, |field, a, b| {
        if field == "id" {
            a.id.cmp(&b.id)
        } else {
            a.namespace.cmp(&b.namespace)
        }
    });
    let q = params.get("q").unwrap_or_default();
    let mut hits: Vec<(Head, Vec<String>)> = Vec::new();
    for head in heads {
        let Some(stored) = api
            .flows()
            .revision(&head.namespace, &head.id, head.revision)
            .await?
        else {
            continue;
        };
        let fragments = fragments(&stored.source, q);
        if q.is_empty() || !fragments.is_empty() {
            hits.push((head, fragments));
        }
    }
    let page = paging.cut(hits);
    let mut results = Vec::new();
    for (head, fragments) in &page.results {
        if let Some(found) = api
            .cache()
            .revision(&head.namespace, &head.id, head.revision)
            .await?
        {
            let model = flow::revision(&head.namespace, &head.id, &found, Source::Hidden);
            results.push(SearchResult {
                model,
                fragments: fragments.clone(),
            });
        }
    }
    Ok(Json(page.with(results)))
}

fn fragments(source: &str, q: &str) -> Vec<String> {
    if q.is_empty() {
        return Vec::new();
    }
    let lines: Vec<&str> = source.lines().collect();
    let hits = lines
        .iter()
        .enumerate()
        .filter_map(|(index, line)| Some((index, marked(line, q)?)));
    let around = |(index, marked): (usize, String)| {
        let before = &lines[index.saturating_sub(AROUND)..index];
        let after = lines
            .get(index + 1..(index + 1 + AROUND).min(lines.len()))
            .unwrap_or_default();
        let text: Vec<&str> = before
            .iter()
            .copied()
            .chain([marked.as_str()])
            .chain(after.iter().copied())
            .collect();
        text.join("\n")
    };
    hits.take(MOST).map(around).collect()
}

/// The line with every hit marked, if it has one.
fn marked(line: &str, q: &str) -> Option<String> {
    let pattern = regex::RegexBuilder::new(&regex::escape(q))
        .case_insensitive(true)
        .build()
        .ok()?;
    pattern
        .is_match(line)
        .then(|| pattern.replace_all(line, "[mark]$0[/mark]").into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hits_are_marked_with_the_lines_around_them() {
        let source = "id: a\ntasks:\n  - id: wait\n    duration: PT30S # pt30s\n";
        assert_eq!(
            fragments(source, "pt30S"),
            ["  - id: wait\n    duration: [mark]PT30S[/mark] # [mark]pt30s[/mark]"]
        );
        assert_eq!(fragments(source, "id: a"), ["[mark]id: a[/mark]\ntasks:"]);
        assert!(fragments(source, "(").is_empty());
    }
}
