//! Sending a request and getting the response that counts: redirects, the one automatic retry, digest authentication.

use std::time::Duration;

use flowmill_common::log::Level;
use reqwest::header::{self, HeaderMap, HeaderValue};
use reqwest::{Client, Method, Response, StatusCode, Url};

use super::failure;
use super::options::Credentials;
use super::properties::Call;
use crate::context::RunContext;
use crate::task::TaskError;

/// A request on its way.
struct Hop {
    method: Method,
    url: Url,
    headers: HeaderMap,
    has_body: bool,
}

/// Sends the request and follows where it leads. The response's body is still to be read.
pub(crate) async fn send(call: &Call, context: &RunContext) -> Result<Response, TaskError> {
    let client = call.settings.transport.client()?;
    let mut hop = Hop {
        method: call.method.clone(),
        url: call.url.clone(),
        headers: call.headers.clone(),
        has_body: true,
    };
    let mut targets: Vec<Url> = Vec::new();
    let mut has_retried = false;
    let mut has_answered = false;
    loop {
        let response = match send_once(&client, call, &hop, context).await? {
            Ok(response) => response,
            Err(error)
                if !has_retried && hop.method.is_idempotent() && failure::is_transient(&error) =>
            {
                has_retried = true;
                context.log(
                    Level::Debug,
                    format!(
                        "{} {} is tried again: {}",
                        hop.method,
                        hop.url,
                        failure::chain(&error)
                    ),
                );
                tokio::time::sleep(context.config.http.retry_delay).await;
                continue;
            }
            Err(error) => return Err(failure::of_request(call, &error)),
        };
        if !has_retried && let Some(wait) = retry_wait(&response, context) {
            has_retried = true;
            context.log(
                Level::Debug,
                format!(
                    "the server answered {}: tried again in {wait:?}",
                    response.status()
                ),
            );
            tokio::time::sleep(wait).await;
            continue;
        }
        if !has_answered && let Some(answer) = digest_answer(call, &hop, &response) {
            has_answered = true;
            hop.headers.insert(header::AUTHORIZATION, answer);
            continue;
        }
        let Some(target) = redirect_target(call, &hop, &response)? else {
            return Ok(response);
        };
        if targets.contains(&target) {
            return Err(TaskError::failed(format!(
                "{} {} failed: Circular redirect to '{target}'",
                call.method, call.written
            )));
        }
        if targets.len() >= context.config.http.maximum_redirects {
            let limit = context.config.http.maximum_redirects;
            return Err(TaskError::failed(format!(
                "{} {} failed: more than {limit} redirects",
                call.method, call.written
            )));
        }
        targets.push(target.clone());
        hop = hop.redirected(response.status(), target);
    }
}

async fn send_once(
    client: &Client,
    call: &Call,
    hop: &Hop,
    context: &RunContext,
) -> Result<Result<Response, reqwest::Error>, TaskError> {
    let mut request = client.request(hop.method.clone(), hop.url.clone());
    if hop.has_body {
        request = call.body.attach(request, context).await?;
    }
    Ok(request.headers(hop.headers.clone()).send().await)
}

impl Hop {
    /// Where the redirect leads: as browsers do it, a POST becomes a GET but for 307 and 308; credentials stay with their host.
    fn redirected(mut self, status: StatusCode, target: Url) -> Self {
        let becomes_get = match status {
            StatusCode::SEE_OTHER => self.method != Method::HEAD,
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => self.method == Method::POST,
            _ => false,
        };
        if becomes_get {
            self.method = Method::GET;
            self.has_body = false;
        }
        let same_host = target.host_str() == self.url.host_str()
            && target.port_or_known_default() == self.url.port_or_known_default();
        let downgraded = self.url.scheme() == "https" && target.scheme() == "http";
        if !same_host || downgraded {
            for name in [
                header::AUTHORIZATION,
                header::COOKIE,
                header::PROXY_AUTHORIZATION,
            ] {
                self.headers.remove(name);
            }
        }
        self.headers.remove(header::HOST);
        Self {
            url: target,
            ..self
        }
    }
}

fn redirect_target(call: &Call, hop: &Hop, response: &Response) -> Result<Option<Url>, TaskError> {
    let is_redirect = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let location = response
        .headers()
        .get(header::LOCATION)
        .filter(|_| is_redirect && call.settings.follow_redirects);
    let Some(location) = location else {
        return Ok(None);
    };
    let location = String::from_utf8_lossy(location.as_bytes()).replace(' ', "%20");
    let wrong = |why: &str| {
        TaskError::failed(format!(
            "{} {} failed: it is redirected to `{location}`, {why}",
            call.method, call.written
        ))
    };
    let mut target = hop
        .url
        .join(&location)
        .map_err(|error| wrong(&format!("which is not a URI: {error}")))?;
    if !matches!(target.scheme(), "http" | "https") {
        return Err(wrong("which is neither `http` nor `https`"));
    }
    if target.fragment().is_none() {
        target.set_fragment(hop.url.fragment());
    }
    Ok(Some(target))
}

/// How long to wait before the request is sent again, where the server is only too busy.
fn retry_wait(response: &Response, context: &RunContext) -> Option<Duration> {
    let limits = &context.config.http;
    if !matches!(
        response.status(),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
    ) {
        return None;
    }
    let asked = response
        .headers()
        .get(header::RETRY_AFTER)
        .and_then(|value| after(value.to_str().ok()?));
    let wait = asked.unwrap_or(limits.retry_delay);
    (wait <= limits.longest_retry_after).then_some(wait)
}

/// `Retry-After`: seconds or a date.
fn after(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::parse(text.trim()).ok()?.timestamp();
    Some(
        at.duration_since(jiff::Timestamp::now())
            .try_into()
            .unwrap_or(Duration::ZERO),
    )
}

fn digest_answer(call: &Call, hop: &Hop, response: &Response) -> Option<HeaderValue> {
    let Credentials::Digest(user) = &call.settings.credentials else {
        return None;
    };
    if response.status() != StatusCode::UNAUTHORIZED {
        return None;
    }
    use std::hash::{BuildHasher, RandomState};
    let nonce = format!("{:016x}", RandomState::new().hash_one(hop.url.as_str()));
    let challenges = response.headers().get_all(header::WWW_AUTHENTICATE).iter();
    let mut answers = challenges.filter_map(|challenge| {
        user.answer(challenge.to_str().ok()?, &hop.method, &hop.url, &nonce)
    });
    let mut value = HeaderValue::from_str(&answers.next()?).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(after(" 2 "), Some(Duration::from_secs(2)));
        assert_eq!(after("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
        assert_eq!(after("soon"), None);
    }
}
