use lapin::{Error as LapinError, ErrorKind};

use super::config::Config;
use crate::error::{Error, Kind};

const ACCESS_REFUSED: u16 = 403;
const RESOURCE_LOCKED: u16 = 405;
const PRECONDITION_FAILED: u16 = 406;
const NOT_ALLOWED: u16 = 530;

/// Turns RabbitMQ's errors into ours, in the operator's terms.
#[derive(Clone)]
pub(super) struct Failures {
    place: String,
}

impl Failures {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            place: config.url.masked(),
        }
    }

    /// An error while connecting at start: what an operator must mend names the setting.
    pub(super) fn starting(&self, error: LapinError) -> Error {
        let place = &self.place;
        match code_of(&error) {
            Some(ACCESS_REFUSED) => {
                let settings = "`queue.rabbitmq.username` or `queue.rabbitmq.password`, or in `queue.rabbitmq.url`";
                let message =
                    format!("rabbitmq at `{place}` refuses the user or the password ({settings})");
                Error::with_source(Kind::Invalid, message, error)
            }
            Some(NOT_ALLOWED) => {
                let message = format!(
                    "rabbitmq at `{place}` has no such virtual host for this user (`queue.rabbitmq.vhost`, or in `queue.rabbitmq.url`)"
                );
                Error::with_source(Kind::Invalid, message, error)
            }
            _ => {
                let message =
                    format!("rabbitmq at `{place}` (`queue.rabbitmq.url`) cannot be reached");
                Error::with_source(Kind::Unavailable, message, error)
            }
        }
    }

    /// An error while a queue or an exchange is declared.
    pub(super) fn declaring(&self, name: &str, error: LapinError) -> Error {
        match code_of(&error) {
            Some(PRECONDITION_FAILED | RESOURCE_LOCKED) => {
                let message = format!(
                    "`{name}` exists in rabbitmq with other arguments: another program made it, or `queue.rabbitmq.queue-type` \
                     was changed; delete it, or choose another `queue.rabbitmq.prefix`"
                );
                Error::with_source(Kind::Invalid, message, error)
            }
            Some(ACCESS_REFUSED) => {
                let message = format!(
                    "rabbitmq does not let the user make `{name}` (`queue.rabbitmq.username`)"
                );
                Error::with_source(Kind::Invalid, message, error)
            }
            _ => self.running(error),
        }
    }

    /// An error of an established connection.
    pub(super) fn running(&self, error: LapinError) -> Error {
        Error::with_source(
            Kind::Unavailable,
            format!("rabbitmq at `{}` cannot be reached or used", self.place),
            error,
        )
    }
}

fn code_of(error: &LapinError) -> Option<u16> {
    match error.kind() {
        ErrorKind::ProtocolError(error) => Some(error.get_id()),
        _ => None,
    }
}
