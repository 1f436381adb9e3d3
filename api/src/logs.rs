//! `/logs`.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::sse::Event;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flowmill_backends::repo::logs::{Filter, Follower, Order, Origin, Query, Reader};
use flowmill_common::log::{Level, LogLine};
use flowmill_common::{ExecutionId, Timestamp};
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::value::RawValue;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Api;
use crate::error::{ApiError, ErrorBody, Result};
use crate::executions::attachment;
use crate::executions::filter::{DATES, IDS, dates, prepare};
use crate::flows::filter::{EQUALITY, NAMES, flat, scope, words};
use crate::request::filter::{Allowed, Filter as Wanted, Filters, Op};
use crate::request::params::unconvertible;
use crate::request::{Page, Paging, Params, date};
use crate::sse::{self, Frame};
use crate::watch::{Subscription, Wake};
use crate::wire::log::LogView;

const ALLOWED: Allowed = &[
    ("q", EQUALITY),
    ("scope", EQUALITY),
    ("namespace", NAMES),
    ("startDate", DATES),
    ("endDate", DATES),
    ("flowId", NAMES),
    ("triggerId", IDS),
    ("level", EQUALITY),
    ("executionId", IDS),
    ("taskId", IDS),
    ("taskRunId", IDS),
    ("timeRange", EQUALITY),
];

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(search))
        .routes(routes!(get, delete))
        .routes(routes!(download))
        .routes(routes!(follow))
}

/// Filters of log lines. Beside these, `filters[field][OPERATION]=value` with the fields `q`, `scope`, `namespace`, `flowId`,
/// `startDate`, `endDate`, `level`, `executionId`, `taskId`, `taskRunId` and `timeRange`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the parameters")]
struct LogFilters {
    /// Words that must all be in the line, the namespace, the flow's id or the execution's.
    q: Option<String>,
    /// Of this namespace and those below it.
    namespace: Option<String>,
    /// Of this flow.
    #[param(rename = "flowId")]
    flow_id: Option<String>,
    /// Of this level or a higher one: TRACE, DEBUG, INFO, WARN, ERROR.
    #[param(rename = "minLevel")]
    min_level: Option<String>,
    /// Written at this time or later.
    #[param(rename = "startDate", format = DateTime)]
    start_date: Option<String>,
    /// Written at this time or earlier.
    #[param(rename = "endDate", format = DateTime)]
    end_date: Option<String>,
    /// Written in this last stretch of time: `PT12H`. Not together with `startDate`.
    #[param(rename = "timeRange")]
    time_range: Option<String>,
}

/// Which lines of one execution.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the parameters")]
struct LineFilters {
    /// Of this level or a higher one: TRACE, DEBUG, INFO, WARN, ERROR.
    #[param(rename = "minLevel")]
    min_level: Option<String>,
    /// Of this task run.
    #[param(rename = "taskRunId")]
    task_run_id: Option<String>,
    /// Of this task.
    #[param(rename = "taskId")]
    task_id: Option<String>,
    /// Of this attempt, from 0.
    attempt: Option<u32>,
}

/// Search the logs of all executions, newest line first unless sorted by `timestamp:asc`.
///
/// A search looks at a bounded number of lines; `total` is what was found within that bound.
#[utoipa::path(
    get, path = "/api/v1/logs/search", tag = "logs", operation_id = "searchLogs",
    params(Paging, LogFilters),
    responses((status = 200, body = Page<LogView>), (status = 400, body = ErrorBody), (status = 422, body = ErrorBody)),
)]
pub(crate) async fn search(
    State(api): State<Api>,
    params: Params,
) -> Result<Json<Page<Box<RawValue>>>> {
    let paging = Paging::of(&params, &["timestamp"])?;
    let mut filters = Filters::of(&params, ALLOWED)?;
    filters.all.extend(
        flat(&params)?
            .into_iter()
            .filter(|filter| filter.field != "labels"),
    );
    filters.all.extend(dates(&params)?);
    let now = api.now();
    filters.try_for_each(&mut |filter| {
        if filter.field == "level" {
            level(&filter.value).map(|_| ())
        } else {
            prepare(filter, now)
        }
    })?;
    let (from, to) = bounds(&filters);
    let min_level = params
        .get("minLevel")
        .map(level)
        .transpose()?
        .unwrap_or(Level::Trace);
    let oldest_first = paging.sort.first().is_some_and(|sort| !sort.descending);
    let looks_at_lines =
        filters.all.iter().any(|filter| !is_about_origin(filter)) || filters.has_groups();
    let keep_origin = |origin: &Origin| {
        filters
            .all
            .iter()
            .filter(|one| is_about_origin(one))
            .all(|one| of_origin(one, origin))
    };
    let keep_line = |origin: &Origin, line: &LogLine| {
        filters.test(&|one| {
            if is_about_origin(one) {
                of_origin(one, origin)
            } else {
                of_line(one, origin, line)
            }
        })
    };
    let query = Query {
        order: if oldest_first {
            Order::OldestFirst
        } else {
            Order::NewestFirst
        },
        from,
        to,
        min_level,
        keep_origin: &keep_origin,
        keep_line: looks_at_lines.then_some(&keep_line as _),
        skip: paging.skip(),
        limit: paging.size,
        most_chunks: api.config().log_search_chunks,
    };
    let found = api.logs().search(&query).await?;
    let results = found
        .entries
        .iter()
        .map(|entry| raw(&entry.origin, &entry.line))
        .collect::<Result<_>>()?;
    Ok(Json(Page {
        results,
        total: found.total,
    }))
}

/// Get the log of an execution, oldest line first.
#[utoipa::path(
    get, path = "/api/v1/logs/{executionId}", tag = "logs", operation_id = "listLogsFromExecution",
    params(("executionId" = String, Path), LineFilters),
    responses((status = 200, body = Vec<LogView>, description = "Empty when there is no such execution."), (status = 422, body = ErrorBody)),
)]
pub(crate) async fn get(
    State(api): State<Api>,
    Path(id): Path<String>,
    params: Params,
) -> Result<Response> {
    let filter = lines_of(&params)?;
    let Some(origin) = origin(&api, &id).await? else {
        return Ok(Json([(); 0]).into_response());
    };
    let reader = api.logs().read(&origin.execution, filter);
    let list = Written::new(reader, move |lines, first, out| {
        for line in lines {
            out.push(if *first { b'[' } else { b',' });
            *first = false;
            // writing to memory does not fail
            let _ = serde_json::to_writer(&mut *out, &LogView::of(&origin, line));
        }
    })
    .ended_by(|first| if first { "[]" } else { "]" });
    let json = HeaderValue::from_static("application/json");
    Ok((
        [(header::CONTENT_TYPE, json)],
        Body::from_stream(list.stream()),
    )
        .into_response())
}

/// Download the log of an execution as text, a line `time LEVEL message` each.
#[utoipa::path(
    get, path = "/api/v1/logs/{executionId}/download", tag = "logs", operation_id = "downloadLogsFromExecution",
    params(("executionId" = String, Path), LineFilters),
    responses((status = 200, body = String, content_type = "text/plain"), (status = 422, body = ErrorBody)),
)]
pub(crate) async fn download(
    State(api): State<Api>,
    Path(id): Path<String>,
    params: Params,
) -> Result<Response> {
    let filter = lines_of(&params)?;
    let reader = api.logs().read(&ExecutionId::from(id.as_str()), filter);
    let text = Written::new(reader, |lines, first, out| {
        for line in lines {
            if !*first {
                out.push(b'\n');
            }
            *first = false;
            out.extend_from_slice(text_of(line).as_bytes());
        }
    });
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        ),
        (
            header::CONTENT_DISPOSITION,
            attachment(&format!("{id}.log"))?,
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    Ok((headers, Body::from_stream(text.stream())).into_response())
}

/// Follow the log of an execution.
///
/// Server-sent events: `start` with an empty entry, then `progress` with each line, those that are stored first. The stream ends when
/// the execution has ended.
#[utoipa::path(
    get, path = "/api/v1/logs/{executionId}/follow", tag = "logs", operation_id = "followLogsFromExecution",
    params(("executionId" = String, Path), LineFilters),
    responses((status = 200, body = String, content_type = "text/event-stream"), (status = 422, body = ErrorBody)),
)]
pub(crate) async fn follow(
    State(api): State<Api>,
    Path(id): Path<String>,
    params: Params,
) -> Result<Response> {
    let filter = lines_of(&params)?;
    let id = ExecutionId::from(id);
    let subscription = api.watchers().subscribe(&id);
    let follower = api.logs().follow(&id, filter);
    let following = Following {
        api: api.clone(),
        id,
        origin: None,
        subscription,
        follower,
        over: false,
    };
    let start = stream::once(async { Frame::Start.with(b"{}".to_vec()) });
    let lines = stream::unfold(following, Following::next).flat_map(stream::iter);
    Ok(sse::answer(&api, start.chain(lines)))
}

/// Delete lines of the log of an execution.
#[utoipa::path(
    delete, path = "/api/v1/logs/{executionId}", tag = "logs", operation_id = "deleteLogsFromExecution",
    params(("executionId" = String, Path), LineFilters),
    responses((status = 200), (status = 422, body = ErrorBody)),
)]
pub(crate) async fn delete(
    State(api): State<Api>,
    Path(id): Path<String>,
    params: Params,
) -> Result<StatusCode> {
    api.logs()
        .delete(&ExecutionId::from(id), &lines_of(&params)?)
        .await?;
    Ok(StatusCode::OK)
}

struct Following {
    api: Api,
    id: ExecutionId,
    origin: Option<Origin>,
    subscription: Subscription,
    follower: Follower,
    /// The execution had ended before the last look: what was not found then does not come any more.
    over: bool,
}

impl Following {
    async fn next(mut self) -> Option<(Vec<Event>, Self)> {
        loop {
            match self.look().await {
                Ok(events) if !events.is_empty() => return Some((events, self)),
                Ok(_) if self.over => return None,
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(execution = %self.id, %error, "a stream of log lines breaks off");
                    return None;
                }
            }
            let stopping = self.api.stopping().clone();
            tokio::select! {
                wake = self.subscription.changed() => {
                    if let Wake::News(_) = wake {
                        tokio::time::sleep(self.api.config().frame_interval).await;
                    }
                }
                () = stopping.cancelled() => return None,
            }
        }
    }

    async fn look(&mut self) -> Result<Vec<Event>> {
        if self.origin.is_none() {
            self.origin = origin(&self.api, self.id.as_str()).await?;
        }
        let Some(origin) = &self.origin else {
            return Ok(Vec::new());
        };
        // asked for first, so that lines written before the end are still found
        let over = crate::executions::is_over(&self.api, &self.id).await?;
        let Some(lines) = self.follower.more().await? else {
            self.over = over;
            return Ok(Vec::new());
        };
        let event = |line: &LogLine| {
            let json = serde_json::to_vec(&LogView::of(origin, line));
            json.map(|json| Frame::Progress.with(json))
                .map_err(|error| ApiError::internal(error.to_string()))
        };
        lines.iter().map(event).collect()
    }
}

/// Lines as they are written into an answer, a batch at a time.
struct Written<W> {
    reader: Reader,
    write: W,
    end: fn(bool) -> &'static str,
}

impl<W: FnMut(&[LogLine], &mut bool, &mut Vec<u8>) + Send + 'static> Written<W> {
    fn new(reader: Reader, write: W) -> Self {
        Self {
            reader,
            write,
            end: |_| "",
        }
    }

    /// What follows the last line; told whether there was none.
    fn ended_by(self, end: fn(bool) -> &'static str) -> Self {
        Self { end, ..self }
    }

    fn stream(self) -> impl futures::Stream<Item = std::io::Result<Bytes>> + Send {
        let state = Some((self, true));
        stream::try_unfold(state, async |state| {
            let Some((mut written, mut first)) = state else {
                return Ok(None);
            };
            let mut out = Vec::new();
            match written.reader.next().await? {
                Some(lines) => {
                    (written.write)(&lines, &mut first, &mut out);
                    Ok(Some((Bytes::from(out), Some((written, first)))))
                }
                None => Ok(Some((Bytes::from((written.end)(first)), None))),
            }
        })
        .map_err(|error: flowmill_backends::Error| std::io::Error::other(error))
        .try_filter(|bytes| std::future::ready(!bytes.is_empty()))
    }
}

/// Whose log it is; `None` when there is no such execution.
async fn origin(api: &Api, id: &str) -> Result<Option<Origin>> {
    let header = api.executions().header(&ExecutionId::from(id)).await?;
    Ok(header.map(|header| Origin {
        execution: header.id.clone(),
        namespace: header.namespace.clone(),
        flow_id: header.flow_id.clone(),
    }))
}

/// The filter of a request about one execution, in either notation.
fn lines_of(params: &Params) -> Result<Filter> {
    let structured = Filters::of(params, ALLOWED)?;
    let value = |field: &str| {
        let exact = structured
            .all
            .iter()
            .find(|filter| filter.field == field && filter.op == Op::Equals);
        exact.map(|filter| filter.value.as_str())
    };
    let min_level = params
        .get("minLevel")
        .or_else(|| value("level"))
        .map(level)
        .transpose()?;
    let run = params.get("taskRunId").or_else(|| value("taskRunId"));
    let task = params.get("taskId").or_else(|| value("taskId"));
    Ok(Filter {
        min_level,
        task: task.map(str::to_owned),
        run: run.map(Into::into),
        attempt: params.parsed("attempt")?,
    })
}

fn level(name: &str) -> Result<Level> {
    let known = Level::from_name(&name.to_ascii_uppercase());
    known.ok_or_else(|| {
        unconvertible(
            "minLevel",
            name,
            "it is none of TRACE, DEBUG, INFO, WARN, ERROR",
        )
    })
}

fn is_about_origin(filter: &Wanted) -> bool {
    matches!(
        filter.field.as_str(),
        "scope" | "namespace" | "flowId" | "executionId"
    )
}

fn of_origin(filter: &Wanted, origin: &Origin) -> bool {
    match filter.field.as_str() {
        "scope" => scope(filter, &origin.namespace),
        "namespace" => filter.text(&origin.namespace),
        "flowId" => filter.text(&origin.flow_id),
        _ => filter.text(origin.execution.as_str()),
    }
}

fn of_line(filter: &Wanted, origin: &Origin, line: &LogLine) -> bool {
    match filter.field.as_str() {
        "q" => words(
            filter,
            &[
                &line.message,
                &origin.namespace,
                &origin.flow_id,
                origin.execution.as_str(),
            ],
        ),
        "taskId" => filter.optional(line.task_id.as_deref()),
        "taskRunId" => filter.optional(line.task_run.as_ref().map(|run| run.as_str())),
        "triggerId" => filter.optional(None),
        "level" => {
            level(&filter.value).is_ok_and(|least| (line.level >= least) != filter.is_negative())
        }
        "startDate" | "endDate" => filter.time(Some(line.at)),
        _ => true,
    }
}

/// The bounds in time that must hold: from, and before.
fn bounds(filters: &Filters) -> (Option<Timestamp>, Option<Timestamp>) {
    let (mut from, mut to) = (None, None);
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
            Op::Greater | Op::GreaterOrEqual => from = from.max(Some(time)),
            Op::Less | Op::LessOrEqual => {
                to = Some(to.map_or(after, |to: Timestamp| to.min(after)))
            }
            _ => {}
        }
    }
    (from, to)
}

fn raw(origin: &Origin, line: &LogLine) -> Result<Box<RawValue>> {
    serde_json::value::to_raw_value(&LogView::of(origin, line))
        .map_err(|error| ApiError::internal(error.to_string()))
}

fn text_of(line: &LogLine) -> String {
    let millis = format!("{:.3}", line.at.to_jiff());
    format!("{millis} {} {}", line.level.name(), line.message)
}
