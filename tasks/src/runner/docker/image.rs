//! The image of a container: whether it is there, and how it gets there.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bollard::Docker as Client;
use bollard::auth::DockerCredentials;
use bollard::errors::Error as ClientError;
use bollard::query_parameters::CreateImageOptions;
use flowmill_common::log::Level;
use futures::TryStreamExt;
use serde_json::Value;

use super::error::{Error, words};
use super::options::PullPolicy;
use crate::context::RunContext;

/// Makes sure that the image is on the Docker host.
pub(super) async fn provide(
    client: &Client,
    context: &RunContext,
    image: &str,
    policy: PullPolicy,
    credentials: Option<DockerCredentials>,
) -> Result<(), Error> {
    if policy != PullPolicy::Always {
        match client.inspect_image(image).await {
            Ok(_) => return Ok(()),
            Err(ClientError::DockerResponseServerError {
                status_code: 404, ..
            }) => {}
            Err(error) => return Err(Error::refused("look for the image")(error)),
        }
    }
    if policy == PullPolicy::Never {
        return Err(Error::MissingImage {
            image: image.to_owned(),
        });
    }
    pull(client, context, image, credentials).await
}

async fn pull(
    client: &Client,
    context: &RunContext,
    image: &str,
    credentials: Option<DockerCredentials>,
) -> Result<(), Error> {
    context.log(Level::Info, format!("Pulling the image `{image}`"));
    let (name, tag) = name_and_tag(image);
    let mut pause = Duration::from_secs(1);
    let mut left = context.config.docker.pull_retries;
    loop {
        let options = CreateImageOptions {
            from_image: Some(name.to_owned()),
            tag: Some(tag.to_owned()),
            ..CreateImageOptions::default()
        };
        let progress = client.create_image(Some(options), None, credentials.clone());
        let error = match progress.try_for_each(|_| std::future::ready(Ok(()))).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        let reason = words(&error);
        if left == 0 || is_final(&error, &reason) {
            return Err(Error::Pull {
                image: image.to_owned(),
                reason,
            });
        }
        context.log(
            Level::Warn,
            format!("the image `{image}` cannot be pulled, trying again: {reason}"),
        );
        left -= 1;
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
}

/// What no further try would change: the registry has answered.
fn is_final(error: &ClientError, reason: &str) -> bool {
    let answered = matches!(
        error,
        ClientError::DockerResponseServerError {
            status_code: 400..=404,
            ..
        }
    );
    let refusals = [
        "not found",
        "manifest unknown",
        "unauthorized",
        "denied",
        "invalid reference",
        "does not exist",
    ];
    answered || refusals.iter().any(|refusal| reason.contains(refusal))
}

/// The parts of an image's name; a name without a tag means `latest`, and a digest stands for a tag.
fn name_and_tag(image: &str) -> (&str, &str) {
    if let Some((name, digest)) = image.split_once('@') {
        return (name, digest);
    }
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (image, "latest"),
    }
}

/// The credentials for an image in Docker's `config.json`, as a map or as text.
pub(super) fn credentials_of(
    config: &Value,
    image: &str,
) -> Result<Option<DockerCredentials>, Error> {
    let wrong = |reason: String| Error::property("config", reason);
    let parsed;
    let config = match config {
        Value::String(text) => {
            parsed = serde_json::from_str::<Value>(text)
                .map_err(|error| wrong(format!("not the JSON of a `config.json`: {error}")))?;
            &parsed
        }
        other => other,
    };
    let Some(all) = config.get("auths").and_then(Value::as_object) else {
        return Ok(None);
    };
    let registry = registry(image);
    let is_for = |name: &str| {
        let host = name
            .trim_start_matches("https://")
            .trim_start_matches("http://");
        host == registry
            || host.split('/').next() == Some(registry)
            || (registry == HUB && host.contains(HUB))
    };
    let Some((server, entry)) = all.iter().find(|(name, _)| is_for(name)) else {
        return Ok(None);
    };
    let text = |name: &str| entry.get(name).and_then(Value::as_str).map(str::to_owned);
    let mut credentials = DockerCredentials {
        username: text("username"),
        password: text("password"),
        identitytoken: text("identitytoken"),
        registrytoken: text("registrytoken"),
        serveraddress: Some(server.clone()),
        ..DockerCredentials::default()
    };
    if let Some(auth) = text("auth") {
        let (username, password) = decoded(&auth).ok_or_else(|| {
            wrong(format!(
                "`auth` of `{server}` is not `user:password` in Base64"
            ))
        })?;
        (credentials.username, credentials.password) = (Some(username), Some(password));
    }
    Ok(Some(credentials))
}

/// `user:password` out of Base64.
pub(super) fn decoded(auth: &str) -> Option<(String, String)> {
    let text = String::from_utf8(STANDARD.decode(auth.trim()).ok()?).ok()?;
    let (username, password) = text.split_once(':')?;
    Some((username.to_owned(), password.to_owned()))
}

const HUB: &str = "docker.io";

/// The registry that an image's name means.
fn registry(image: &str) -> &str {
    match image.split_once('/') {
        Some((first, _)) if first.contains(['.', ':']) || first == "localhost" => first,
        _ => HUB,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_name_without_a_tag_means_latest() {
        assert_eq!(name_and_tag("ubuntu"), ("ubuntu", "latest"));
        assert_eq!(name_and_tag("python:3.13-slim"), ("python", "3.13-slim"));
        assert_eq!(
            name_and_tag("localhost:5000/a/b"),
            ("localhost:5000/a/b", "latest")
        );
        assert_eq!(
            name_and_tag("localhost:5000/a/b:1"),
            ("localhost:5000/a/b", "1")
        );
        assert_eq!(name_and_tag("a@sha256:12"), ("a", "sha256:12"));
    }

    #[test]
    fn credentials_are_those_of_the_images_registry() {
        let config = json!({"auths": {
            "ghcr.io": {"username": "u", "password": "p"},
            "https://index.docker.io/v1/": {"auth": STANDARD.encode("hub:word")},
        }});
        let user = |config: &Value, image| {
            credentials_of(config, image)
                .unwrap()
                .and_then(|it| it.username)
        };
        assert_eq!(user(&config, "ghcr.io/a/b:1"), Some("u".into()));
        assert_eq!(user(&config, "ubuntu"), Some("hub".into()));
        assert_eq!(user(&config, "quay.io/a/b"), None);
        assert_eq!(
            user(&Value::String(config.to_string()), "ghcr.io/a/b"),
            Some("u".into())
        );
        assert!(credentials_of(&json!("{"), "ubuntu").is_err());
    }
}
