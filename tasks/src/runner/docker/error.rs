/// Why a container could not be run to its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no daemon.
    #[error(
        "no Docker daemon answers at `{host}`: {reason}; start Docker, mount its socket into the worker, name it by \
         `tasks.docker.host`, or use `taskRunner` of type `io.kestra.plugin.core.runner.Process`"
    )]
    Unreachable {
        /// Where it was looked for.
        host: String,
        /// Why not.
        reason: String,
    },
    /// An image is not there and may not be pulled.
    #[error(
        "the image `{image}` is not on the Docker host, and `pullPolicy: NEVER` forbids to pull it"
    )]
    MissingImage {
        /// The image.
        image: String,
    },
    /// An image cannot be pulled.
    #[error("the image `{image}` cannot be pulled: {reason}")]
    Pull {
        /// The image.
        image: String,
        /// The daemon's or the registry's word.
        reason: String,
    },
    /// A property has a value that makes no sense.
    #[error("`{property}`: {reason}")]
    Property {
        /// The property.
        property: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A property cannot be rendered.
    #[error("{0}")]
    Render(String),
    /// The daemon refused something.
    #[error("Docker cannot {doing}: {reason}")]
    Refused {
        /// What was asked.
        doing: &'static str,
        /// Its word.
        reason: String,
    },
    /// The files of the working directory cannot be exchanged with the container.
    #[error("the files of the working directory cannot be {direction} the container: {reason}")]
    Files {
        /// `copied into` or `fetched from`.
        direction: &'static str,
        /// Why.
        reason: String,
    },
}

impl Error {
    pub(super) fn refused(doing: &'static str) -> impl FnOnce(bollard::errors::Error) -> Self {
        move |error| Self::Refused {
            doing,
            reason: words(&error),
        }
    }

    pub(super) fn property(property: &'static str, reason: impl Into<String>) -> Self {
        Self::Property {
            property,
            reason: reason.into(),
        }
    }
}

/// The daemon's own words without the client's around them; for the rest, all causes.
pub(super) fn words(error: &bollard::errors::Error) -> String {
    use bollard::errors::Error as Client;
    match error {
        Client::DockerResponseServerError { message, .. } => message.clone(),
        Client::DockerStreamError { error } => error.clone(),
        other => {
            let mut text = other.to_string();
            let mut cause = std::error::Error::source(other);
            while let Some(inner) = cause {
                let inner_text = inner.to_string();
                if !text.contains(&inner_text) {
                    text.push_str(": ");
                    text.push_str(&inner_text);
                }
                cause = inner.source();
            }
            text
        }
    }
}
