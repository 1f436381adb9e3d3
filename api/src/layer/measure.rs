//! How many requests there are, and how long they take.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use metrics::{counter, histogram};

/// Measures a request by its route, so that ids in paths make no new series. The time is that until the answer begins: a stream
/// that is followed for an hour is not a slow request.
pub(crate) async fn measure(request: Request, next: Next) -> Response {
    let start = Instant::now();
    let method = request.method().as_str().to_owned();
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or_else(|| "none".to_owned(), |route| route.as_str().to_owned());
    let response = next.run(request).await;
    let status = response.status().as_str().to_owned();
    let labels = [("method", method), ("route", route), ("status", status)];
    counter!("flowmill_http_requests_total", &labels).increment(1);
    histogram!("flowmill_http_request_seconds", &labels).record(start.elapsed());
    response
}
