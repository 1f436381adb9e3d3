//! The properties that all HTTP tasks share, and what they come to.

use flowmill_common::log::Level;
use indexmap::IndexMap;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::body::Body;
use super::options::{Options, Settings, Ssl};
use crate::context::RunContext;
use crate::property::Property;
use crate::task::TaskError;

/// What is asked of a server.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RequestProperties {
    /// The address, `http` or `https`.
    uri: Property<String>,
    /// The method.
    #[serde(default = "get")]
    #[schemars(default)]
    method: Property<String>,
    /// Query parameters that are added to the address; a list gives the parameter several times.
    params: Option<Property<Map<String, Value>>>,
    /// The body. Maps and lists are sent as JSON.
    body: Option<Property<String>>,
    /// The fields of a form, sent in place of `body`: URL-encoded, or as parts when `contentType` is `multipart/form-data`. There, the URI
    /// of a stored file is sent as a file, and so is a map of `name` and `content`.
    form_data: Option<Property<Map<String, Value>>>,
    /// The content type of the body.
    #[serde(default = "json")]
    #[schemars(default)]
    content_type: Property<String>,
    /// Headers of the request; they replace those that flowmill would send.
    headers: Option<Property<IndexMap<String, Value>>>,
    /// How the request is made and what is made of the response.
    options: Option<Options>,
    /// Deprecated: use `options.ssl`.
    ssl_options: Option<Ssl>,
    /// Deprecated: use `options.allowFailed`.
    allow_failed: Option<Property<bool>>,
}

fn get() -> Property<String> {
    Property::literal("GET".to_owned())
}

fn json() -> Property<String> {
    Property::literal("application/json".to_owned())
}

/// A request with everything rendered.
pub(crate) struct Call {
    pub(crate) method: Method,
    /// The address as the flow's author will see it, parameters included.
    pub(crate) written: String,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    pub(crate) settings: Settings,
}

impl RequestProperties {
    /// Renders everything and checks it.
    pub(crate) async fn render(&self, context: &RunContext) -> Result<Call, TaskError> {
        let params = Property::render_optional(self.params.as_ref(), context)
            .await?
            .unwrap_or_default();
        let written = with_params(
            &self.uri.render(context).await?.trim().replace(' ', "%20"),
            &params,
        );
        let url = parse(&written)?;
        let method = self.method.render(context).await?;
        let method = Method::from_bytes(method.trim().to_uppercase().as_bytes())
            .map_err(|_| TaskError::failed(format!("`{method}` is not an HTTP method")))?;
        let settings = Options::render(self.options.as_ref(), context).await?;
        let settings = settings
            .with_deprecated(
                self.ssl_options.as_ref(),
                self.allow_failed.as_ref(),
                context,
            )
            .await?;
        let content_type = self.content_type.render(context).await?;
        let form = Property::render_optional(self.form_data.as_ref(), context).await?;
        let body = Property::render_optional(self.body.as_ref(), context).await?;
        let body = Body::new(context, form, body, &content_type, settings.charset).await?;
        let mut headers = HeaderMap::new();
        insert(&mut headers, "User-Agent", "Kestra")?;
        if let Some(content_type) = body.content_type(&content_type, settings.charset) {
            insert(&mut headers, "Content-Type", &content_type)?;
        }
        if let Some(authorization) = settings.authorization() {
            let mut value = header_value("Authorization", &authorization)?;
            value.set_sensitive(true);
            headers.insert(reqwest::header::AUTHORIZATION, value);
        }
        for (name, value) in Property::render_optional(self.headers.as_ref(), context)
            .await?
            .unwrap_or_default()
        {
            replace(&mut headers, &name, &value, &body)?;
        }
        Ok(Call {
            method,
            written,
            url,
            headers,
            body,
            settings,
        })
    }
}

impl Call {
    /// Writes the request to the log, as far as `options.logs` wants it.
    pub(crate) fn log(&self, context: &RunContext) {
        if self.settings.logs.request_headers {
            context.log(
                Level::Debug,
                format!(
                    "request headers of {} {}:\n{}",
                    self.method,
                    self.written,
                    shown(&self.headers)
                ),
            );
        }
        if self.settings.logs.request_body
            && let Body::Bytes(body) = &self.body
        {
            context.log(
                Level::Debug,
                format!("request body:\n{}", String::from_utf8_lossy(body)),
            );
        }
    }
}

/// Headers as text, one a line; credentials are hidden.
pub(crate) fn shown(headers: &HeaderMap) -> String {
    let line = |(name, value): (&HeaderName, &HeaderValue)| {
        let secret = value.is_sensitive()
            || *name == reqwest::header::AUTHORIZATION
            || *name == reqwest::header::COOKIE;
        let value = if secret {
            "******".into()
        } else {
            String::from_utf8_lossy(value.as_bytes())
        };
        format!("{name}: {value}")
    };
    headers.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn parse(written: &str) -> Result<Url, TaskError> {
    let url = Url::parse(written)
        .map_err(|error| TaskError::failed(format!("`{written}` is not a URI: {error}")))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        scheme => Err(TaskError::failed(format!(
            "`{written}` cannot be requested: only `http` and `https` can, not `{scheme}`"
        ))),
    }
}

fn with_params(uri: &str, params: &Map<String, Value>) -> String {
    if params.is_empty() {
        return uri.to_owned();
    }
    let mut query = form_urlencoded();
    for (name, value) in params {
        match value {
            Value::Array(values) => {
                for value in values {
                    query.append_pair(name, &text(value));
                }
            }
            Value::Null => {}
            value => {
                query.append_pair(name, &text(value));
            }
        }
    }
    let query = query.finish();
    let (uri, fragment) = uri
        .split_once('#')
        .map_or((uri, String::new()), |(uri, rest)| {
            (uri, format!("#{rest}"))
        });
    let separator = match uri.find('?') {
        None => "?",
        Some(at) if at + 1 == uri.len() || uri.ends_with('&') => "",
        Some(_) => "&",
    };
    format!("{uri}{separator}{query}{fragment}")
}

/// Names and values as `a=1&b=2`.
pub(crate) fn form_urlencoded() -> url::form_urlencoded::Serializer<'static, String> {
    url::form_urlencoded::Serializer::new(String::new())
}

/// A scalar as text, maps and lists as JSON.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Sets what the author wrote in place of what we would send; a list gives the header several times.
fn replace(
    headers: &mut HeaderMap,
    name: &str,
    value: &Value,
    body: &Body,
) -> Result<(), TaskError> {
    let name = HeaderName::from_bytes(name.trim().as_bytes())
        .map_err(|_| TaskError::failed(format!("`{name}` is not the name of a header")))?;
    if name == reqwest::header::CONTENT_TYPE && matches!(body, Body::Multipart(_)) {
        // the boundary between the parts is in ours
        return Ok(());
    }
    headers.remove(&name);
    let values = match value {
        Value::Array(values) => values.iter().map(text).collect(),
        Value::Null => Vec::new(),
        value => vec![text(value)],
    };
    for value in values {
        headers.append(&name, header_value(name.as_str(), &value)?);
    }
    Ok(())
}

fn insert(headers: &mut HeaderMap, name: &'static str, value: &str) -> Result<(), TaskError> {
    let value = header_value(name, value)?;
    headers.insert(
        HeaderName::from_bytes(name.as_bytes()).expect("it is a name"),
        value,
    );
    Ok(())
}

fn header_value(name: &str, value: &str) -> Result<HeaderValue, TaskError> {
    HeaderValue::from_bytes(value.trim().as_bytes()).map_err(|_| {
        TaskError::failed(format!(
            "the value of the header `{name}` holds a line break or a control character"
        ))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parameters_are_added_to_those_that_are_there() {
        let params = json!({"a": [1, "x y"], "b": true, "n": null})
            .as_object()
            .cloned()
            .unwrap();
        assert_eq!(
            with_params("http://h/p", &params),
            "http://h/p?a=1&a=x+y&b=true"
        );
        assert_eq!(
            with_params("http://h/p?q=1#top", &params),
            "http://h/p?q=1&a=1&a=x+y&b=true#top"
        );
        assert_eq!(with_params("http://h", &Map::new()), "http://h");
    }

    #[test]
    fn only_http_can_be_requested() {
        assert!(parse("http://h").is_ok());
        assert!(
            parse("kestra:///a")
                .unwrap_err()
                .to_string()
                .contains("not `kestra`")
        );
        assert!(
            parse("nothing")
                .unwrap_err()
                .to_string()
                .contains("is not a URI")
        );
    }
}
