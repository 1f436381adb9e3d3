use redis::{ErrorKind, RedisError, ServerErrorKind};

use super::config::Config;
use crate::config::Address;
use crate::error::{Error, Kind};

/// Turns Redis's errors into ours, in the operator's terms.
#[derive(Clone)]
pub(super) struct Failures {
    place: String,
}

impl Failures {
    pub(super) fn new(config: &Config) -> Self {
        let places: Vec<_> = config.urls.iter().map(Address::masked).collect();
        Self {
            place: places.join(", "),
        }
    }

    /// A URL that cannot be used.
    pub(super) fn address(&self, url: &Address, error: &RedisError) -> Error {
        let detail = error
            .detail()
            .map(|detail| format!(" ({detail})"))
            .unwrap_or_default();
        let message = format!(
            "`store.redis.urls`: `{url}` cannot be used: {}{detail}",
            error.category()
        );
        Error::new(Kind::Invalid, message)
    }

    /// An error at start: what an operator must mend names the setting.
    pub(super) fn starting(&self, error: RedisError) -> Error {
        let place = &self.place;
        match code_of(&error) {
            "NOAUTH" => wrong(
                format!("redis at `{place}` asks for a password (`store.redis.password`)"),
                error,
            ),
            "WRONGPASS" => {
                let settings = "`store.redis.username` or `store.redis.password`";
                wrong(
                    format!(
                        "redis at `{place}` refuses the user or the password ({settings}, or in the URL)"
                    ),
                    error,
                )
            }
            "NOPERM" => wrong(
                format!(
                    "redis at `{place}` does not let the user do this (`store.redis.username`)"
                ),
                error,
            ),
            _ => match error.kind() {
                ErrorKind::AuthenticationFailed => {
                    let settings = "`store.redis.username` or `store.redis.password`";
                    wrong(
                        format!("redis at `{place}` refuses the user or the password ({settings})"),
                        error,
                    )
                }
                ErrorKind::InvalidClientConfig => wrong(
                    format!("`store.redis.urls`: `{place}` cannot be used"),
                    error,
                ),
                ErrorKind::RESP3NotSupported => wrong(
                    format!("redis at `{place}` is too old, 6.2 or newer is needed"),
                    error,
                ),
                ErrorKind::Server(ServerErrorKind::Moved | ServerErrorKind::CrossSlot) => wrong(
                    format!("redis at `{place}` is a cluster: set `store.redis.cluster`"),
                    error,
                ),
                _ if error.to_string().contains("cluster support disabled") => wrong(
                    format!("redis at `{place}` is no cluster: do not set `store.redis.cluster`"),
                    error,
                ),
                ErrorKind::Io | ErrorKind::ClusterConnectionNotFound => {
                    let message =
                        format!("redis at `{place}` (`store.redis.urls`) cannot be reached");
                    Error::with_source(Kind::Unavailable, message, error)
                }
                _ => self.running(error),
            },
        }
    }

    /// An error of a read or a commit.
    pub(super) fn running(&self, error: RedisError) -> Error {
        let place = &self.place;
        let about = || error.detail().unwrap_or_default().to_owned();
        let unavailable = |message: String| (Kind::Unavailable, message);
        let (kind, message) = match code_of(&error) {
            "CONFLICT" => {
                return Error::new(Kind::Conflict, format!("`{}` is not as expected", about()));
            }
            "FENCED" => {
                return Error::new(Kind::Fenced, format!("`{}` has a newer owner", about()));
            }
            "OOM" => unavailable(format!(
                "redis at `{place}` has no memory left (`maxmemory`)"
            )),
            "MISCONF" => unavailable(format!("redis at `{place}` cannot write to its disk")),
            "NOREPLICAS" => unavailable(format!(
                "redis at `{place}` misses its replicas (`min-replicas-to-write`)"
            )),
            "NOAUTH" | "WRONGPASS" | "NOPERM" => {
                unavailable(format!("redis at `{place}` refuses this user now"))
            }
            _ => match error.kind() {
                ErrorKind::Io
                | ErrorKind::AuthenticationFailed
                | ErrorKind::ClusterConnectionNotFound
                | ErrorKind::Server(
                    ServerErrorKind::BusyLoading
                    | ServerErrorKind::TryAgain
                    | ServerErrorKind::ClusterDown
                    | ServerErrorKind::MasterDown
                    | ServerErrorKind::Moved
                    | ServerErrorKind::Ask
                    | ServerErrorKind::ReadOnly,
                ) => unavailable(format!("redis at `{place}` cannot be reached or used")),
                ErrorKind::Server(ServerErrorKind::NoPerm) => {
                    unavailable(format!("redis at `{place}` refuses this user now"))
                }
                _ => (Kind::Internal, format!("redis at `{place}` failed")),
            },
        };
        Error::with_source(kind, message, error)
    }
}

/// The first word of what the server said.
fn code_of(error: &RedisError) -> &str {
    error.code().unwrap_or_default()
}

fn wrong(message: String, error: RedisError) -> Error {
    Error::with_source(Kind::Invalid, message, error)
}
