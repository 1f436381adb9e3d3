use std::path::{Path, PathBuf};

use aws_config::BehaviorVersion;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{
    Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation, SharedHttpClient,
};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};

use super::config::Config;
use crate::error::{Error, Kind, Result};

/// Smallest part that S3 takes.
const SMALLEST_PART: u64 = 5 << 20;

/// A client by the configuration. `Invalid` when a setting is wrong.
pub(super) async fn client(config: &Config) -> Result<Client> {
    let invalid = |message: &str| Err(Error::new(Kind::Invalid, message));
    if config.bucket.is_empty() {
        return invalid("`files.s3.bucket` says nothing: which bucket?");
    }
    if config.part_size.get() < SMALLEST_PART {
        return invalid("`files.s3.part-size` must be at least 5MiB");
    }
    if config.prefix.starts_with('/') || config.prefix.contains("//") {
        return invalid("`files.s3.prefix` must not begin with a slash or have empty names");
    }
    for (setting, endpoint) in [
        ("endpoint", &config.endpoint),
        ("public-endpoint", &config.public_endpoint),
    ] {
        let known = ["http://", "https://"];
        if endpoint
            .as_ref()
            .is_some_and(|endpoint| !known.iter().any(|scheme| endpoint.starts_with(scheme)))
        {
            return invalid(&format!(
                "`files.s3.{setting}` must begin with `http://` or `https://`"
            ));
        }
    }
    let retries = RetryConfig::standard().with_max_attempts(config.attempts.max(1));
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(config.connect_timeout)
        .operation_attempt_timeout(config.request_timeout)
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http(config)?)
        .region(Region::new(config.region.clone()))
        .retry_config(retries)
        .timeout_config(timeouts);
    match (&config.access_key, &config.secret_key) {
        (Some(access), Some(secret)) => {
            let token = config
                .session_token
                .as_ref()
                .map(|token| token.expose().to_owned());
            loader = loader.credentials_provider(Credentials::new(
                access,
                secret.expose(),
                token,
                None,
                "flowmill",
            ));
        }
        (None, None) => {}
        _ => return invalid("`files.s3.access-key` and `files.s3.secret-key` belong together"),
    }
    if let Some(endpoint) = &config.endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    let settings = aws_sdk_s3::config::Builder::from(&loader.load().await)
        .force_path_style(config.path_style.unwrap_or(config.endpoint.is_some()))
        // Several storages refuse the checksums that the library adds by itself.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
    Ok(Client::from_conf(settings.build()))
}

fn http(config: &Config) -> Result<SharedHttpClient> {
    crate::tls::provide();
    let builder = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring));
    let Some(file) = &config.ca_file else {
        return Ok(builder.build_https());
    };
    let trust = TrustStore::default().with_pem_certificate(read("files.s3.ca-file", file)?);
    let context = TlsContext::builder().with_trust_store(trust).build();
    let context = context.map_err(|error| {
        Error::with_source(
            Kind::Invalid,
            format!("`files.s3.ca-file`: cannot use `{}`", file.display()),
            error,
        )
    })?;
    Ok(builder.tls_context(context).build_https())
}

fn read(setting: &str, file: &PathBuf) -> Result<Vec<u8>> {
    std::fs::read(file).map_err(|error| {
        let shown = Path::new(file).display();
        Error::with_source(
            Kind::Invalid,
            format!("`{setting}`: cannot read `{shown}`"),
            error,
        )
    })
}
