//! `options` of HTTP tasks, with the names they had in older versions, and what they come to.

use std::time::Duration;

use base64::Engine;
use encoding_rs::Encoding;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::Value;

use super::client::{Proxied, ProxyKind, Transport};
use super::digest;
use crate::context::RunContext;
use crate::property::{Coerce, Property, by_name};
use crate::task::TaskError;

/// How a request is made and what is made of the response.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Options {
    /// How long to wait.
    timeout: Option<Timeout>,
    /// A proxy to go through.
    proxy: Option<Proxy>,
    /// Who asks.
    auth: Option<Auth>,
    /// How servers prove who they are.
    ssl: Option<Ssl>,
    /// Whether redirects are followed; true when left out.
    follow_redirects: Option<Property<bool>>,
    /// Whether a response with a status of 400 or more is a success.
    allow_failed: Option<Property<bool>>,
    /// The statuses of 400 and more that are a success; all others fail. Goes before `allowFailed`.
    allowed_response_codes: Option<Property<Vec<u16>>>,
    /// The character set of bodies that do not name theirs; UTF-8 when left out.
    default_charset: Option<Property<String>>,
    /// Whether an idle connection is kept alive by the system; true when left out.
    enabled_tcp_extended_keep_alive: Option<Property<bool>>,
    /// What is written to the log, at level DEBUG.
    logs: Option<Property<Vec<LogPart>>>,
    /// Deprecated: use `timeout.connectTimeout`.
    connect_timeout: Option<Property<Duration>>,
    /// Deprecated: use `timeout.readIdleTimeout`.
    read_timeout: Option<Property<Duration>>,
    /// Deprecated and without effect: use `timeout.readIdleTimeout`.
    read_idle_timeout: Option<Property<Duration>>,
    /// Deprecated and without effect.
    connection_pool_idle_timeout: Option<Property<Duration>>,
    /// Deprecated and without effect.
    max_content_length: Option<Property<u64>>,
    /// Deprecated: use `proxy.type`.
    proxy_type: Option<Property<ProxyKind>>,
    /// Deprecated: use `proxy.address`.
    proxy_address: Option<Property<String>>,
    /// Deprecated: use `proxy.port`.
    proxy_port: Option<Property<u16>>,
    /// Deprecated: use `proxy.username`.
    proxy_username: Option<Property<String>>,
    /// Deprecated: use `proxy.password`.
    proxy_password: Option<Property<String>>,
    /// Deprecated: use `auth` of type BASIC.
    basic_auth_user: Option<Property<String>>,
    /// Deprecated: use `auth` of type BASIC.
    basic_auth_password: Option<Property<String>>,
    /// Deprecated and without effect: use `logs`.
    log_level: Option<Property<String>>,
}

/// How long to wait.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Timeout {
    /// For a connection; three minutes when left out.
    connect_timeout: Option<Property<Duration>>,
    /// While the server sends nothing; five minutes when left out.
    read_idle_timeout: Option<Property<Duration>>,
}

/// A proxy.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Proxy {
    /// What it speaks; DIRECT goes past any proxy.
    #[serde(rename = "type")]
    kind: Option<Property<ProxyKind>>,
    /// Its host.
    address: Option<Property<String>>,
    /// Its port.
    port: Option<Property<u16>>,
    /// Who asks it.
    username: Option<Property<String>>,
    /// The password for it.
    password: Option<Property<String>>,
}

/// Who asks.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Auth {
    /// How it is proved.
    #[serde(rename = "type")]
    kind: Property<AuthKind>,
    /// The user, for BASIC and DIGEST.
    username: Option<Property<String>>,
    /// The password, for BASIC and DIGEST.
    password: Option<Property<String>>,
    /// The token, for BEARER.
    token: Option<Property<String>>,
}

/// How servers prove who they are.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Ssl {
    /// Whether certificates are not checked at all: for servers of your own with a certificate of their own.
    insecure_trust_all_certificates: Option<Property<bool>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum AuthKind {
    Basic,
    Bearer,
    Digest,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum LogPart {
    RequestHeaders,
    RequestBody,
    ResponseHeaders,
    ResponseBody,
}

impl Coerce for AuthKind {
    fn coerce(value: Value) -> Result<Self, String> {
        by_name(value)
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": ["BASIC", "BEARER", "DIGEST"] })
    }
}

impl Coerce for LogPart {
    fn coerce(value: Value) -> Result<Self, String> {
        by_name(value)
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": ["REQUEST_HEADERS", "REQUEST_BODY", "RESPONSE_HEADERS", "RESPONSE_BODY"] })
    }
}

impl Coerce for ProxyKind {
    fn coerce(value: Value) -> Result<Self, String> {
        by_name(value)
    }

    fn schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": ["DIRECT", "HTTP", "SOCKS"] })
    }
}

/// The options with everything rendered.
pub(crate) struct Settings {
    pub(crate) transport: Transport,
    pub(crate) credentials: Credentials,
    pub(crate) follow_redirects: bool,
    allow_failed: bool,
    allowed: Option<Vec<u16>>,
    pub(crate) charset: &'static Encoding,
    pub(crate) logs: Logged,
}

/// Who asks, rendered.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Credentials {
    None,
    Basic { username: String, password: String },
    Bearer(String),
    Digest(digest::User),
}

/// What is logged.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Logged {
    pub(crate) request_headers: bool,
    pub(crate) request_body: bool,
    pub(crate) response_headers: bool,
    pub(crate) response_body: bool,
}

impl Options {
    /// Renders the options; those that are not given are as if empty.
    pub(crate) async fn render(
        options: Option<&Self>,
        context: &RunContext,
    ) -> Result<Settings, TaskError> {
        let none = Self::default();
        let options = options.unwrap_or(&none);
        let limits = &context.config.http;
        let (no_timeout, no_ssl) = (Timeout::default(), Ssl::default());
        let timeout = options.timeout.as_ref().unwrap_or(&no_timeout);
        let connect = timeout
            .connect_timeout
            .as_ref()
            .or(options.connect_timeout.as_ref());
        let read = timeout
            .read_idle_timeout
            .as_ref()
            .or(options.read_timeout.as_ref());
        let transport = Transport {
            connect_timeout: some(connect, context)
                .await?
                .unwrap_or(limits.connect_timeout),
            read_idle_timeout: some(read, context)
                .await?
                .unwrap_or(limits.read_idle_timeout),
            proxy: options.proxied(context).await?,
            trust_all: options
                .ssl
                .as_ref()
                .unwrap_or(&no_ssl)
                .trusts_all(context)
                .await?,
            keep_alive: some(options.enabled_tcp_extended_keep_alive.as_ref(), context)
                .await?
                .unwrap_or(true),
        };
        Ok(Settings {
            transport,
            credentials: options.credentials(context).await?,
            follow_redirects: some(options.follow_redirects.as_ref(), context)
                .await?
                .unwrap_or(true),
            allow_failed: some(options.allow_failed.as_ref(), context)
                .await?
                .unwrap_or(false),
            allowed: some(options.allowed_response_codes.as_ref(), context).await?,
            charset: charset(some(options.default_charset.as_ref(), context).await?)?,
            logs: logged(
                &some(options.logs.as_ref(), context)
                    .await?
                    .unwrap_or_default(),
            ),
        })
    }

    async fn proxied(&self, context: &RunContext) -> Result<Proxied, TaskError> {
        let none = Proxy::default();
        let proxy = self.proxy.as_ref().unwrap_or(&none);
        let kind = some(proxy.kind.as_ref().or(self.proxy_type.as_ref()), context).await?;
        let address = some(
            proxy.address.as_ref().or(self.proxy_address.as_ref()),
            context,
        )
        .await?;
        let port = some(proxy.port.as_ref().or(self.proxy_port.as_ref()), context).await?;
        let username = some(
            proxy.username.as_ref().or(self.proxy_username.as_ref()),
            context,
        )
        .await?;
        let password = some(
            proxy.password.as_ref().or(self.proxy_password.as_ref()),
            context,
        )
        .await?;
        match (kind, address) {
            (Some(ProxyKind::Direct), _) => Ok(Proxied::Never),
            (kind, Some(address)) => Ok(Proxied::By {
                kind: kind.unwrap_or(ProxyKind::Http),
                address,
                port: port.unwrap_or(80),
                user: username.map(|username| (username, password.unwrap_or_default())),
            }),
            (Some(_), None) => Err(TaskError::failed("`options.proxy` has no `address`")),
            (None, None) => Ok(Proxied::AsTheSystemSays),
        }
    }

    async fn credentials(&self, context: &RunContext) -> Result<Credentials, TaskError> {
        let Some(auth) = &self.auth else {
            let user = some(self.basic_auth_user.as_ref(), context).await?;
            let password = some(self.basic_auth_password.as_ref(), context).await?;
            return Ok(match (user, password) {
                (None, None) => Credentials::None,
                (username, password) => Credentials::Basic {
                    username: username.unwrap_or_default(),
                    password: password.unwrap_or_default(),
                },
            });
        };
        let username = some(auth.username.as_ref(), context)
            .await?
            .unwrap_or_default();
        let password = some(auth.password.as_ref(), context)
            .await?
            .unwrap_or_default();
        Ok(match auth.kind.render(context).await? {
            AuthKind::Basic => Credentials::Basic { username, password },
            AuthKind::Digest => Credentials::Digest(digest::User {
                name: username,
                password,
            }),
            AuthKind::Bearer => match some(auth.token.as_ref(), context).await? {
                Some(token) => Credentials::Bearer(token),
                None => {
                    return Err(TaskError::failed(
                        "`options.auth` of type BEARER has no `token`",
                    ));
                }
            },
        })
    }
}

impl Ssl {
    async fn trusts_all(&self, context: &RunContext) -> Result<bool, TaskError> {
        Ok(some(self.insecure_trust_all_certificates.as_ref(), context)
            .await?
            .unwrap_or(false))
    }
}

impl Settings {
    /// The same with what may stand beside `options` in older flows.
    pub(crate) async fn with_deprecated(
        mut self,
        ssl: Option<&Ssl>,
        allow_failed: Option<&Property<bool>>,
        context: &RunContext,
    ) -> Result<Self, TaskError> {
        if let Some(ssl) = ssl {
            self.transport.trust_all |= ssl.trusts_all(context).await?;
        }
        self.allow_failed |= some(allow_failed, context).await?.unwrap_or(false);
        Ok(self)
    }

    /// Whether a response of this status is a success.
    pub(crate) fn allows(&self, status: u16) -> bool {
        match &self.allowed {
            _ if status < 400 => true,
            Some(allowed) => allowed.contains(&status),
            None => self.allow_failed,
        }
    }

    /// Whether every response is one.
    pub(crate) fn allows_failures(&self) -> bool {
        self.allow_failed
    }

    /// The `Authorization` header that needs no question first.
    pub(crate) fn authorization(&self) -> Option<String> {
        match &self.credentials {
            Credentials::None | Credentials::Digest(_) => None,
            Credentials::Bearer(token) => Some(format!("Bearer {token}")),
            Credentials::Basic { username, password } => {
                let text = base64::engine::general_purpose::STANDARD
                    .encode(format!("{username}:{password}"));
                Some(format!("Basic {text}"))
            }
        }
    }
}

async fn some<T: Coerce>(
    property: Option<&Property<T>>,
    context: &RunContext,
) -> Result<Option<T>, TaskError> {
    Property::render_optional(property, context).await
}

fn charset(name: Option<String>) -> Result<&'static Encoding, TaskError> {
    let Some(name) = name else {
        return Ok(encoding_rs::UTF_8);
    };
    Encoding::for_label(name.trim().as_bytes()).ok_or_else(|| {
        TaskError::failed(format!(
            "`options.defaultCharset`: no character set `{name}` is known"
        ))
    })
}

fn logged(parts: &[LogPart]) -> Logged {
    let has = |part| parts.contains(&part);
    Logged {
        request_headers: has(LogPart::RequestHeaders),
        request_body: has(LogPart::RequestBody),
        response_headers: has(LogPart::ResponseHeaders),
        response_body: has(LogPart::ResponseBody),
    }
}
