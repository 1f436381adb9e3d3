use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};

use super::config::Config;
use crate::error::{Error, Kind};

/// Turns the storage's errors into ours, in the operator's terms.
#[derive(Clone)]
pub(super) struct Failures {
    place: String,
    bucket: String,
}

impl Failures {
    pub(super) fn new(config: &Config) -> Self {
        let place = config
            .endpoint
            .clone()
            .unwrap_or_else(|| format!("AWS {}", config.region));
        Self {
            place,
            bucket: config.bucket.clone(),
        }
    }

    /// An error at start: what an operator must mend names the setting.
    pub(super) fn starting<E>(&self, error: SdkError<E, HttpResponse>) -> Error
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let Self { place, bucket } = self;
        let message = match code_of(&error) {
            "NoSuchBucket" => {
                format!("the bucket `{bucket}` does not exist at `{place}` (`files.s3.bucket`)")
            }
            "InvalidBucketName" => {
                format!("`{bucket}` cannot be a bucket's name (`files.s3.bucket`)")
            }
            "InvalidAccessKeyId" => {
                format!("s3 at `{place}` does not know the access key (`files.s3.access-key`)")
            }
            "SignatureDoesNotMatch" => {
                format!("s3 at `{place}` refuses the secret key (`files.s3.secret-key`)")
            }
            "AccessDenied" | "AllAccessDisabled" => {
                format!(
                    "s3 at `{place}` lets this user not use the bucket `{bucket}` (`files.s3.access-key`)"
                )
            }
            "AuthorizationHeaderMalformed"
            | "PermanentRedirect"
            | "IllegalLocationConstraintException" => {
                format!("the bucket `{bucket}` is in another region (`files.s3.region`)")
            }
            _ => match &error {
                SdkError::ConstructionFailure(_) => {
                    format!(
                        "there are no credentials for s3 at `{place}` (`files.s3.access-key`, or the environment)"
                    )
                }
                SdkError::DispatchFailure(_) | SdkError::TimeoutError(_) => {
                    let source = DisplayErrorContext(error).to_string();
                    let credentials = source.contains("credentials");
                    let (kind, message) = match credentials {
                        true => (
                            Kind::Invalid,
                            format!(
                                "there are no credentials for s3 at `{place}` (`files.s3.access-key`, or the environment)"
                            ),
                        ),
                        false => (
                            Kind::Unavailable,
                            format!("s3 at `{place}` (`files.s3.endpoint`) cannot be reached"),
                        ),
                    };
                    return Error::with_source(kind, message, source);
                }
                _ => return self.running("list", "", error),
            },
        };
        Error::with_source(
            Kind::Invalid,
            message,
            DisplayErrorContext(error).to_string(),
        )
    }

    /// An error of a request about a path.
    pub(super) fn running<E>(
        &self,
        verb: &str,
        path: &str,
        error: SdkError<E, HttpResponse>,
    ) -> Error
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let status = error
            .raw_response()
            .map(|response| response.status().as_u16());
        let kind = match (code_of(&error), status) {
            ("NoSuchKey" | "NotFound", _) => return Error::not_found(format!("no file `{path}`")),
            (
                "KeyTooLongError"
                | "EntityTooLarge"
                | "InvalidArgument"
                | "XMinioInvalidObjectName",
                _,
            ) => Kind::Invalid,
            (
                "NoSuchBucket" | "AccessDenied" | "InvalidAccessKeyId" | "SignatureDoesNotMatch",
                _,
            ) => Kind::Unavailable,
            // A HEAD has no body to say more.
            ("", Some(404)) => return Error::not_found(format!("no file `{path}`")),
            (_, Some(403 | 408 | 429 | 500..)) | (_, None) => Kind::Unavailable,
            _ => Kind::Internal,
        };
        let message = format!("s3 at `{}` failed to {verb} `{path}`", self.place);
        Error::with_source(kind, message, DisplayErrorContext(error).to_string())
    }
}

/// Whether a range begins behind the end of the object.
pub(super) fn is_beyond_end<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    error
        .raw_response()
        .is_some_and(|response| response.status().as_u16() == 416)
}

fn code_of<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> &str {
    error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code)
        .unwrap_or_default()
}
