//! HTTP Basic, from the header or from the cookie that Kestra's UI sets.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use sha2::{Digest, Sha256};

use crate::config::BasicAuth;

/// What always is open: a UI must know the settings before it can log in, and webhooks have their own key.
const OPEN: [&str; 3] = [
    "/api/v1/configs",
    "/api/v1/basicAuthValidationErrors",
    "/api/v1/executions/webhook",
];

/// Who may call, in a form that can be compared without telling how much was right.
pub(crate) struct Guard {
    digest: [u8; 32],
    open: Vec<String>,
}

impl Guard {
    pub(crate) fn new(config: &BasicAuth) -> Self {
        let pair = format!("{}:{}", config.username, config.password.expose());
        let open = OPEN
            .iter()
            .map(ToString::to_string)
            .chain(config.open_paths.iter().cloned());
        Self {
            digest: Sha256::digest(pair).into(),
            open: open
                .map(|path| path.trim_end_matches('/').to_owned())
                .collect(),
        }
    }

    fn is_open(&self, path: &str) -> bool {
        let below = |open: &String| {
            path.strip_prefix(open.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        !path.starts_with("/api/") || self.open.iter().any(below)
    }

    fn admits(&self, headers: &HeaderMap) -> bool {
        let header = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let from_header = header
            .and_then(|value| value.strip_prefix("Basic "))
            .map(str::to_owned);
        let given = from_header.or_else(|| cookie(headers, "BASIC_AUTH"));
        let decoded = given.and_then(|text| {
            base64::engine::general_purpose::STANDARD
                .decode(text.trim())
                .ok()
        });
        // equal digests are compared, so that the time it takes says nothing about the password
        decoded.is_some_and(|pair| <[u8; 32]>::from(Sha256::digest(pair)) == self.digest)
    }
}

/// Answers 401 to who may not call. Call it after the path has been normalised.
pub(crate) async fn check(
    State(guard): State<Arc<Guard>>,
    request: Request,
    next: Next,
) -> Response {
    if guard.is_open(request.uri().path()) || guard.admits(request.headers()) {
        return next.run(request).await;
    }
    let mut response = StatusCode::UNAUTHORIZED.into_response();
    response.headers_mut().remove(header::CONTENT_TYPE);
    // a script of a page asks for itself: the browser must not open its own window then
    let by_script = request.headers().contains_key("x-requested-with")
        || request
            .headers()
            .get(header::REFERER)
            .is_some_and(|from| from.as_bytes().ends_with(b"/login"));
    if !by_script {
        response.headers_mut().insert(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Basic realm=flowmill"),
        );
    }
    response
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let cookies = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut pairs = cookies
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.trim_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    use flowmill_backends::config::Secret;

    use super::*;

    fn guard() -> Guard {
        let open_paths = vec!["/api/v1/plugins".to_owned()];
        Guard::new(&BasicAuth {
            username: "a@b.c".into(),
            password: Secret::new("pass:word"),
            open_paths,
        })
    }

    fn headers(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn header_and_cookie_admit_and_anything_else_does_not() {
        let right = base64::engine::general_purpose::STANDARD.encode("a@b.c:pass:word");
        let wrong = base64::engine::general_purpose::STANDARD.encode("a@b.c:password");
        assert!(guard().admits(&headers(header::AUTHORIZATION, &format!("Basic {right}"))));
        assert!(guard().admits(&headers(
            header::COOKIE,
            &format!("x=1; BASIC_AUTH={right}")
        )));
        assert!(!guard().admits(&headers(header::AUTHORIZATION, &format!("Basic {wrong}"))));
        assert!(!guard().admits(&headers(header::AUTHORIZATION, &format!("Bearer {right}"))));
        assert!(!guard().admits(&HeaderMap::new()));
    }

    #[test]
    fn only_whole_segments_of_open_paths_are_open() {
        for open in [
            "/api/v1/configs",
            "/api/v1/plugins/x",
            "/api/v1/executions/webhook/a/b/c",
            "/health",
            "/ui/x",
        ] {
            assert!(guard().is_open(open), "{open}");
        }
        for closed in [
            "/api/v1/configsx",
            "/api/v1/executions/search",
            "/api/v1/flows",
        ] {
            assert!(!guard().is_open(closed), "{closed}");
        }
    }
}
