//! Server-sent events.

use std::convert::Infallible;

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::Stream;

use crate::Api;

/// What clients look at to know what a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// The stream begins.
    Start,
    /// Something changed.
    Progress,
    /// The last frame.
    End,
}

impl Frame {
    /// A frame with this JSON as its data.
    pub(crate) fn with(self, json: Vec<u8>) -> Event {
        let id = match self {
            Self::Start => "start",
            Self::Progress => "progress",
            Self::End => "end",
        };
        // JSON has no line breaks of its own, so that it is one line of data
        Event::default()
            .id(id)
            .data(String::from_utf8(json).unwrap_or_default())
    }
}

/// A stream as an answer: not cached, not held back by proxies, kept open by comments.
pub(crate) fn answer(api: &Api, frames: impl Stream<Item = Event> + Send + 'static) -> Response {
    use futures::StreamExt;
    let frames = frames.map(Ok::<_, Infallible>);
    let stream = Sse::new(frames).keep_alive(KeepAlive::new().interval(api.config().keep_alive));
    let mut response = stream.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    response
}
