//! What went wrong between us and a server, in words that say what to do about it.

use std::error::Error;
use std::io;

use crate::http::properties::Call;
use crate::task::TaskError;

/// A request without a usable response.
pub(crate) fn of_request(call: &Call, error: &reqwest::Error) -> TaskError {
    TaskError::failed(format!(
        "{} {} failed: {}",
        call.method,
        call.written,
        explained(call, error)
    ))
}

/// A body that broke off.
pub(crate) fn of_body(call: &Call, error: &reqwest::Error) -> String {
    format!(
        "the response of {} {} broke off: {}",
        call.method,
        call.written,
        explained(call, error)
    )
}

/// A response whose status is not wanted, in Kestra's words.
pub(crate) fn of_status(status: u16, body: &str) -> TaskError {
    TaskError::failed(format!(
        "Failed http request with response code '{status}' and body:\n{body}"
    ))
}

fn explained(call: &Call, error: &reqwest::Error) -> String {
    let transport = &call.settings.transport;
    let host = call.url.host_str().unwrap_or_default();
    let cause = chain(error);
    if error.is_timeout() {
        return match error.is_connect() {
            true => format!(
                "no connection within {:?} (`options.timeout.connectTimeout`)",
                transport.connect_timeout
            ),
            false => {
                format!(
                    "the server sent nothing for {:?} (`options.timeout.readIdleTimeout`)",
                    transport.read_idle_timeout
                )
            }
        };
    }
    if is_refused(error) {
        return format!(
            "the connection to `{host}` was refused: nothing listens there, or a firewall is between"
        );
    }
    if error.is_dns() {
        return format!("the host `{host}` is not known: {cause}");
    }
    if is_tls(error) {
        let hint = "`options.ssl.insecureTrustAllCertificates: true` trusts any certificate";
        return format!("no secure connection to `{host}`: {cause} ({hint})");
    }
    cause
}

/// All causes, the outermost left out: it only repeats the address.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut causes: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !causes.iter().any(|before| before.contains(&text)) {
            causes.push(text);
        }
        next = cause.source();
    }
    if causes.is_empty() {
        error.to_string()
    } else {
        causes.join(": ")
    }
}

/// Whether the same request may succeed when it is sent again at once: the connection broke, nothing else.
pub(crate) fn is_transient(error: &reqwest::Error) -> bool {
    !error.is_timeout()
        && !error.is_connect()
        && !error.is_builder()
        && !error.is_body()
        && !is_tls(error)
}

fn is_refused(error: &reqwest::Error) -> bool {
    causes(error)
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|io| io.kind() == io::ErrorKind::ConnectionRefused)
}

fn is_tls(error: &reqwest::Error) -> bool {
    causes(error).any(|cause| cause.is::<rustls::Error>()) || is_cut_in_handshake(error)
}

/// A server that speaks no TLS closes the connection at the first word of it; rustls is not asked then.
fn is_cut_in_handshake(error: &reqwest::Error) -> bool {
    error.is_connect()
        && error.url().is_some_and(|url| url.scheme() == "https")
        && causes(error)
            .filter_map(|cause| cause.downcast_ref::<io::Error>())
            .any(|io| io.kind() == io::ErrorKind::UnexpectedEof)
}

/// The error and all its causes. What an [`io::Error`] was made of is not among its sources, but is one.
fn causes<'a>(error: &'a reqwest::Error) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    std::iter::from_fn(move || {
        let cause = next?;
        let within = cause
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        next = within
            .map(|within| within as &(dyn Error + 'static))
            .or_else(|| cause.source());
        Some(cause)
    })
}
