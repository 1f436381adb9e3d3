//! Where the Docker daemon is.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use bollard::{API_DEFAULT_VERSION, Docker as Client};
use tokio::time::timeout;

use super::config::Config;
use super::error::{Error, words};

/// Connects, and finds out which version of the API both sides speak. `host` overrides the settings.
pub(super) async fn connect(config: &Config, host: Option<String>) -> Result<Client, Error> {
    let host = host.unwrap_or_else(|| self::host(config));
    let unreachable = |reason: String| Error::Unreachable {
        host: host.clone(),
        reason,
    };
    let client = client(&host, config.request_timeout).map_err(unreachable)?;
    match timeout(
        config.probe_timeout.max(Duration::from_millis(100)) * 5,
        client.negotiate_version(),
    )
    .await
    {
        Ok(Ok(client)) => Ok(client),
        Ok(Err(error)) => Err(unreachable(words(&error))),
        Err(_) => Err(unreachable("it does not answer in time".into())),
    }
}

/// Whether a daemon answers. `host` overrides the settings. What was found out is taken for true for some seconds.
pub(super) async fn answers(config: &Config, host: Option<String>) -> bool {
    static KNOWN: Mutex<Option<(String, Instant, bool)>> = Mutex::new(None);
    const TRUE_FOR: Duration = Duration::from_secs(10);
    let host = host.unwrap_or_else(|| self::host(config));
    let known = KNOWN.lock().expect("no panic holds it").clone();
    if let Some((of, at, answer)) = known
        && of == host
        && at.elapsed() < TRUE_FOR
    {
        return answer;
    }
    let answer = match client(&host, config.request_timeout) {
        Ok(client) => matches!(
            timeout(config.probe_timeout, client.ping()).await,
            Ok(Ok(_))
        ),
        Err(_) => false,
    };
    *KNOWN.lock().expect("no panic holds it") = Some((host, Instant::now(), answer));
    answer
}

fn client(host: &str, request_timeout: Duration) -> Result<Client, String> {
    let seconds = request_timeout.as_secs().max(1);
    let client = match host.split_once("://") {
        None | Some(("unix", _)) => {
            let path = host.strip_prefix("unix://").unwrap_or(host);
            if !Path::new(path).exists() {
                return Err(format!("there is no socket `{path}`"));
            }
            Client::connect_with_unix(path, seconds, API_DEFAULT_VERSION)
        }
        Some(("tcp" | "http", _)) => Client::connect_with_http(host, seconds, API_DEFAULT_VERSION),
        Some((scheme, _)) => {
            return Err(format!(
                "`{scheme}://` is not supported: use `unix://` or `tcp://`"
            ));
        }
    };
    client.map_err(|error| words(&error))
}

fn host(config: &Config) -> String {
    let configured = config.host.clone();
    configured.unwrap_or_else(|| find(std::env::var("DOCKER_HOST").ok()))
}

/// The first socket that exists; the usual one where none does, for the error to name.
fn find(environment: Option<String>) -> String {
    if let Some(host) = environment.filter(|host| !host.is_empty()) {
        return host;
    }
    let of_user =
        std::env::var_os("XDG_RUNTIME_DIR").map(|folder| PathBuf::from(folder).join("docker.sock"));
    let usual = ["/var/run/docker.sock", "/dind/docker.sock"].map(PathBuf::from);
    let found = usual
        .iter()
        .chain(&of_user)
        .find(|socket| socket.exists())
        .unwrap_or(&usual[0]);
    format!("unix://{}", found.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_missing_daemon_is_explained() {
        let connect = async |host: &str| {
            connect(&Config::default(), Some(host.into()))
                .await
                .unwrap_err()
                .to_string()
        };
        let missing = connect("unix:///no/such/docker.sock").await;
        assert!(
            missing.contains("`unix:///no/such/docker.sock`") && missing.contains("no socket"),
            "{missing}"
        );
        assert!(missing.contains("runner.Process"), "{missing}");
        assert!(
            connect("ssh://host")
                .await
                .contains("`ssh://` is not supported")
        );
        assert!(connect("tcp://127.0.0.1:1").await.contains("refused"));
    }

    #[test]
    fn the_environment_names_the_daemon() {
        assert_eq!(find(Some("tcp://there:2375".into())), "tcp://there:2375");
        assert!(find(Some(String::new())).starts_with("unix://"));
    }
}
