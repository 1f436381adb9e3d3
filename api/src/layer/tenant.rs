//! One API under several spellings: with the tenant `main` or without, with a slash at the end or without, and 2.0's
//! `/executions/{id}/actions/{action}`.

use axum::extract::Request;
use axum::http::Uri;
use axum::http::uri::PathAndQuery;

/// The first segments after `/api/v1/` that name a resource and are never a tenant.
const RESOURCES: [&str; 49] = [
    "acls",
    "ai",
    "apps",
    "assets",
    "auditlogs",
    "auths",
    "banners",
    "basicAuth",
    "basicAuthValidationErrors",
    "bindings",
    "blueprints",
    "cluster",
    "concurrency-limit",
    "configs",
    "credentials",
    "dashboards",
    "dependencies",
    "executions",
    "expressions",
    "files",
    "flows",
    "groups",
    "instance",
    "invitations",
    "kill-switches",
    "kv",
    "license-info",
    "login",
    "logs",
    "me",
    "metrics",
    "namespaces",
    "notifications",
    "openapi",
    "outputs",
    "pebble",
    "plugins",
    "roles",
    "secrets",
    "service-accounts",
    "setup",
    "stats",
    "taskruns",
    "templates",
    "tenants",
    "tests",
    "triggers",
    "usages",
    "users",
];

/// The one tenant there is.
const TENANT: &str = "main";

/// The path and query as they were sent.
#[derive(Clone)]
struct Original(Uri);

/// A tenant that does not exist.
#[derive(Clone)]
pub(crate) struct UnknownTenant(pub(crate) String);

/// Brings the path of a request to the one spelling that the router knows.
pub(crate) fn normalise(mut request: Request) -> Request {
    let original = request.uri().clone();
    match normal_path(original.path()) {
        Ok(None) => {}
        Ok(Some(path)) => {
            if let Some(uri) = with_path(&original, &path) {
                *request.uri_mut() = uri;
            }
        }
        Err(tenant) => {
            request.extensions_mut().insert(UnknownTenant(tenant));
        }
    }
    request.extensions_mut().insert(Original(original));
    request
}

/// The address as the client wrote it.
pub(crate) fn original_uri(request: &Request) -> Uri {
    request
        .extensions()
        .get::<Original>()
        .map_or_else(|| request.uri().clone(), |original| original.0.clone())
}

fn normal_path(path: &str) -> Result<Option<String>, String> {
    let trimmed = if path.len() > 1 {
        path.trim_end_matches('/')
    } else {
        path
    };
    let Some(rest) = trimmed.strip_prefix("/api/v1/") else {
        return Ok((trimmed.len() < path.len() && !trimmed.is_empty()).then(|| trimmed.to_owned()));
    };
    let (first, below) = rest.split_once('/').unwrap_or((rest, ""));
    let rest = match first {
        first if RESOURCES.contains(&first) => rest,
        TENANT => below,
        other => return Err(other.to_owned()),
    };
    let path_now = match rest.split('/').collect::<Vec<_>>()[..] {
        ["executions", id, "actions", action] => format!("/api/v1/executions/{id}/{action}"),
        _ => format!("/api/v1/{rest}"),
    };
    Ok((path_now != path).then_some(path_now))
}

fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
    let text = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(text.parse::<PathAndQuery>().ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_one_spelling_with_and_without_tenant_and_slash() {
        for (sent, known) in [
            ("/api/v1/main/flows/search", "/api/v1/flows/search"),
            ("/api/v1/flows/search", "/api/v1/flows/search"),
            ("/api/v1/main/flows/", "/api/v1/flows"),
            ("/api/v1/flows/main", "/api/v1/flows/main"),
            (
                "/api/v1/main/executions/x/actions/kill",
                "/api/v1/executions/x/kill",
            ),
            (
                "/api/v1/executions/actions/x",
                "/api/v1/executions/actions/x",
            ),
            ("/health/", "/health"),
            ("/", "/"),
        ] {
            let path = normal_path(sent)
                .unwrap()
                .unwrap_or_else(|| sent.to_owned());
            assert_eq!(path, known, "{sent}");
        }
        assert_eq!(
            normal_path("/api/v1/other/flows/search"),
            Err("other".to_owned())
        );
        assert_eq!(
            normal_path("/api/v1/main/main/flows"),
            Ok(Some("/api/v1/main/flows".to_owned()))
        );
    }

    #[test]
    fn the_query_survives() {
        let uri: Uri = "http://h:1/api/v1/main/flows/search?q=a%20b"
            .parse()
            .unwrap();
        let request = normalise(
            Request::builder()
                .uri(uri.clone())
                .body(axum::body::Body::empty())
                .unwrap(),
        );
        assert_eq!(request.uri(), "http://h:1/api/v1/flows/search?q=a%20b");
        assert_eq!(original_uri(&request), uri);
    }
}
