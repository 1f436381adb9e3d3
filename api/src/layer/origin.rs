//! Pages of other origins must not act on the server through a browser that can reach it: without an account a page could
//! otherwise create flows on its visitor's machine.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::Config;
use crate::error::ApiError;

/// The origins that may act, besides the server's own.
pub(crate) struct Origins {
    any: bool,
    named: Vec<String>,
}

impl Origins {
    pub(crate) fn new(config: &Config) -> Self {
        let named = config.cors_origins.iter().chain(&config.url);
        Self {
            any: config.cors_origins.iter().any(|origin| origin == "*"),
            named: named.filter_map(|url| origin_of(url)).collect(),
        }
    }

    fn admits(&self, headers: &HeaderMap) -> bool {
        let text = |name| {
            headers
                .get(name)
                .and_then(|value: &header::HeaderValue| value.to_str().ok())
        };
        // only browsers send it, and with every request that acts and comes from another origin
        let Some(origin) = text(header::ORIGIN) else {
            return true;
        };
        if self.any || self.named.iter().any(|named| named == origin) {
            return true;
        }
        let from = origin.split_once("://").map(|(_, host)| host);
        // behind a proxy the first name is the one that the browser knows; no page can set it for another origin
        let forwarded = text(header::HeaderName::from_static("x-forwarded-host"));
        let own = [forwarded, text(header::HOST)];
        from.is_some_and(|from| own.contains(&Some(from)))
    }
}

/// Refuses what a page of another origin wants done.
pub(crate) async fn check(
    State(origins): State<Arc<Origins>>,
    request: Request,
    next: Next,
) -> Response {
    let acts = ![Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
    if acts && !origins.admits(request.headers()) {
        let message = "Forbidden: a page of another origin may not act on this server; to allow it, name its origin in \
                       `api.corsOrigins`, and the server's own address in `api.url`";
        return ApiError::new(StatusCode::FORBIDDEN, message).into_response();
    }
    next.run(request).await
}

/// `https://a.b:1` of `https://a.b:1/path`.
fn origin_of(url: &str) -> Option<String> {
    let uri: Uri = url.parse().ok()?;
    Some(format!("{}://{}", uri.scheme_str()?, uri.authority()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(config: &Config, headers: &[(&'static str, &'static str)]) -> bool {
        let headers = headers.iter().map(|(name, value)| {
            (
                header::HeaderName::from_static(name),
                header::HeaderValue::from_static(value),
            )
        });
        Origins::new(config).admits(&headers.collect())
    }

    #[test]
    fn only_programs_own_pages_and_named_origins_may_act() {
        let plain = Config::default();
        let host = ("host", "localhost:8080");
        assert!(admits(&plain, &[host]));
        assert!(admits(&plain, &[host, ("origin", "http://localhost:8080")]));
        assert!(!admits(
            &plain,
            &[host, ("origin", "http://evil.example.org")]
        ));
        assert!(!admits(
            &plain,
            &[host, ("origin", "http://localhost:3000")]
        ));
        assert!(!admits(&plain, &[host, ("origin", "null")]));
        let forwarded = ("x-forwarded-host", "flows.example.org");
        assert!(admits(
            &plain,
            &[host, forwarded, ("origin", "https://flows.example.org")]
        ));

        let named = Config {
            url: Some("https://flows.example.org/base".into()),
            cors_origins: vec!["http://localhost:3000/".into()],
            ..Config::default()
        };
        assert!(admits(
            &named,
            &[host, ("origin", "https://flows.example.org")]
        ));
        assert!(admits(&named, &[host, ("origin", "http://localhost:3000")]));
        assert!(!admits(
            &named,
            &[host, ("origin", "http://localhost:3001")]
        ));
        let any = Config {
            cors_origins: vec!["*".into()],
            ..Config::default()
        };
        assert!(admits(&any, &[host, ("origin", "http://evil.example.org")]));
    }
}
