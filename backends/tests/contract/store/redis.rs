//! What is special to Redis.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use flowmill_backends::config::{Address, Secret};
use flowmill_backends::store::redis::{Config, RedisStore};
use flowmill_backends::store::{Batch, RangeOptions};
use flowmill_backends::{Kind, Store};
use flowmill_test_servers::{Redis, RedisCluster, or_skip};
use futures::future::join_all;

fn config(urls: Vec<String>) -> Config {
    Config {
        urls: urls.into_iter().map(Address::new).collect(),
        start_timeout: Duration::ZERO,
        ..Config::default()
    }
}

fn put(key: &str, value: impl Into<Bytes>) -> Batch {
    Batch {
        puts: vec![(key.to_owned(), value.into())],
        ..Batch::default()
    }
}

/// Repeats a call until the store answers.
async fn patiently<T>(mut call: impl AsyncFnMut() -> flowmill_backends::Result<T>) -> T {
    let patience = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        match call().await {
            Ok(value) => return value,
            Err(error) => {
                assert_eq!(error.kind(), Kind::Unavailable, "{error}");
                assert!(tokio::time::Instant::now() < patience, "still {error}");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_redis_store_holds_the_contract() {
    let Some(redis) = or_skip(Redis::start()) else {
        return;
    };
    let store = RedisStore::open(&config(vec![redis.url()])).await.unwrap();
    super::hold(Arc::new(store)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_redis_cluster_store_holds_the_contract() {
    let Some(mut cluster) = or_skip(RedisCluster::start()) else {
        return;
    };
    let store = RedisStore::open(&Config {
        cluster: true,
        ..config(cluster.urls())
    })
    .await
    .unwrap();
    super::hold(Arc::new(store)).await;
    let sizes: Vec<_> = cluster
        .nodes()
        .iter()
        .map(|node| node.command(&["dbsize"]))
        .collect();
    assert!(
        sizes.iter().all(|size| !size.starts_with('0')),
        "the spaces are spread over the nodes: {sizes:?}"
    );
}

#[tokio::test]
async fn a_cluster_moves_a_space_to_another_node_without_losing_anything() {
    let Some(mut cluster) = or_skip(RedisCluster::start()) else {
        return;
    };
    let store = RedisStore::open(&Config {
        cluster: true,
        ..config(cluster.urls())
    })
    .await
    .unwrap();
    for n in 0..50 {
        store
            .commit(put(&format!("p00/{n:02}"), "1"))
            .await
            .unwrap();
    }
    let nodes = cluster.nodes();
    let slot = nodes[0]
        .command(&["cluster", "keyslot", "{p00}"])
        .trim()
        .to_owned();
    let ids: Vec<_> = nodes
        .iter()
        .map(|node| node.command(&["cluster", "myid"]).trim().to_owned())
        .collect();
    let owner = nodes
        .iter()
        .position(|node| {
            !node
                .command(&["cluster", "countkeysinslot", &slot])
                .starts_with('0')
        })
        .unwrap();
    let target = (owner + 1) % 3;
    nodes[target].command(&["cluster", "setslot", &slot, "importing", &ids[owner]]);
    nodes[owner].command(&["cluster", "setslot", &slot, "migrating", &ids[target]]);
    let keys = nodes[owner].command(&["cluster", "getkeysinslot", &slot, "10"]);
    let port = nodes[target].port().to_string();
    for key in keys.split_whitespace() {
        nodes[owner].command(&["migrate", "127.0.0.1", &port, key, "0", "5000"]);
    }
    let moving = patiently(async || store.get("p00/07").await).await;
    assert_eq!(moving, Some(Bytes::from_static(b"1")));
    for node in nodes.iter() {
        node.command(&["cluster", "setslot", &slot, "node", &ids[target]]);
    }
    patiently(async || store.commit(put("p00/after", "1")).await).await;
    assert_eq!(
        store
            .range("p00/", "p000", RangeOptions::default())
            .await
            .unwrap()
            .len(),
        51
    );
}

#[tokio::test]
async fn what_redis_keeps_is_there_after_its_restart_and_the_store_goes_on() {
    let Some(mut redis) = or_skip(Redis::with(&["--appendfsync", "always"])) else {
        return;
    };
    let store = RedisStore::open(&config(vec![redis.url()])).await.unwrap();
    store.commit(put("p00/before", "1")).await.unwrap();
    redis.kill();
    assert_eq!(
        store
            .commit(put("p00/during", "1"))
            .await
            .unwrap_err()
            .kind(),
        Kind::Unavailable
    );
    let outage = store.probe().outage().expect("an outage");
    assert!(
        outage.reason.contains("cannot be reached"),
        "{}",
        outage.reason
    );
    redis.restart();
    patiently(async || store.commit(put("p00/after", "1")).await).await;
    assert!(store.get("p00/before").await.unwrap().is_some());
    assert!(store.probe().outage().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_during_a_restart_are_whole_or_not_there() {
    let Some(mut redis) = or_skip(Redis::with(&["--appendfsync", "always"])) else {
        return;
    };
    let store = Arc::new(RedisStore::open(&config(vec![redis.url()])).await.unwrap());
    let writers = (0..8).map(|writer| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut acknowledged = Vec::new();
            for n in 0..200 {
                let keys = [format!("p00/a/{writer}/{n}"), format!("p00/b/{writer}/{n}")];
                let puts = keys
                    .iter()
                    .map(|key| (key.clone(), Bytes::from_static(b"1")))
                    .collect();
                if store
                    .commit(Batch {
                        puts,
                        ..Batch::default()
                    })
                    .await
                    .is_ok()
                {
                    acknowledged.push(n);
                }
            }
            (writer, acknowledged)
        })
    });
    let writers: Vec<_> = writers.collect();
    redis.kill();
    redis.restart();
    for (writer, acknowledged) in join_all(writers).await.into_iter().map(Result::unwrap) {
        for n in 0..200 {
            let first = patiently(async || store.get(&format!("p00/a/{writer}/{n}")).await).await;
            let second = store.get(&format!("p00/b/{writer}/{n}")).await.unwrap();
            assert_eq!(first, second);
            assert!(
                first.is_some() || !acknowledged.contains(&n),
                "a commit that was acknowledged is lost"
            );
        }
    }
}

#[tokio::test]
async fn a_redis_that_does_not_answer_makes_calls_fail_in_time_and_not_for_good() {
    let Some(redis) = or_skip(Redis::start()) else {
        return;
    };
    let short = Config {
        response_timeout: Duration::from_millis(300),
        ..config(vec![redis.url()])
    };
    let store = RedisStore::open(&short).await.unwrap();
    redis.pause();
    let since = tokio::time::Instant::now();
    assert_eq!(
        store.commit(put("p00/a", "1")).await.unwrap_err().kind(),
        Kind::Unavailable
    );
    assert!(since.elapsed() < Duration::from_secs(3));
    redis.resume();
    patiently(async || store.commit(put("p00/b", "1")).await).await;
}

#[tokio::test]
async fn a_full_redis_is_unavailable_and_keeps_what_it_has() {
    let Some(redis) = or_skip(Redis::with(&[
        "--maxmemory",
        "8mb",
        "--maxmemory-policy",
        "noeviction",
    ])) else {
        return;
    };
    let store = RedisStore::open(&config(vec![redis.url()])).await.unwrap();
    store.commit(put("p00/first", "1")).await.unwrap();
    let mut n = 0;
    let full = loop {
        n += 1;
        assert!(n < 200, "it never gets full");
        if let Err(error) = store
            .commit(put(&format!("p00/{n}"), vec![b'x'; 200_000]))
            .await
        {
            break error;
        }
    };
    assert_eq!(full.kind(), Kind::Unavailable);
    assert!(
        full.to_string()
            .contains("has no memory left (`maxmemory`)"),
        "{full}"
    );
    assert!(store.get("p00/first").await.unwrap().is_some());
    let deletes = (1..=n).map(|n| format!("p00/{n}")).collect();
    store
        .commit(Batch {
            deletes,
            ..Batch::default()
        })
        .await
        .unwrap();
    store.commit(put("p00/again", "1")).await.unwrap();
}

#[tokio::test]
async fn wrong_settings_are_refused_at_start_with_their_names() {
    let Some(redis) = or_skip(Redis::with(&["--requirepass", "hunter2"])) else {
        return;
    };
    let url = redis.url();
    let with_password = |password: &str| Config {
        password: Some(Secret::new(password)),
        ..config(vec![url.clone()])
    };
    for (wrong, kind, part) in [
        (
            config(vec![url.clone()]),
            Kind::Invalid,
            "asks for a password (`store.redis.password`)",
        ),
        (
            with_password("wrong"),
            Kind::Invalid,
            "`store.redis.password`",
        ),
        (
            Config {
                username: Some("nobody".into()),
                ..with_password("hunter2")
            },
            Kind::Invalid,
            "`store.redis.username`",
        ),
        (
            config(Vec::new()),
            Kind::Invalid,
            "`store.redis.urls` says nothing",
        ),
        (
            config(vec!["http://nowhere".into()]),
            Kind::Invalid,
            "`store.redis.urls`",
        ),
        (
            config(vec![url.clone(), url.clone()]),
            Kind::Invalid,
            "`store.redis.cluster` is not set",
        ),
        (
            Config {
                cluster: true,
                ..with_password("hunter2")
            },
            Kind::Invalid,
            "do not set `store.redis.cluster`",
        ),
        (
            Config {
                prefix: "a{b}".into(),
                ..with_password("hunter2")
            },
            Kind::Invalid,
            "`store.redis.prefix`",
        ),
        (
            Config {
                ca_file: Some("/nowhere".into()),
                ..with_password("hunter2")
            },
            Kind::Invalid,
            "`store.redis.ca-file`",
        ),
        (
            config(vec!["redis://127.0.0.1:1".into()]),
            Kind::Unavailable,
            "(`store.redis.urls`) cannot be reached",
        ),
    ] {
        let refused = RedisStore::open(&wrong).await.err().expect("it is refused");
        let message = refused.to_string();
        assert_eq!(refused.kind(), kind, "{message}");
        assert!(
            message.contains(part) && !message.contains("hunter2"),
            "{message}"
        );
    }
    RedisStore::open(&with_password("hunter2")).await.unwrap();
    let in_url = url.replace("redis://", "redis://:hunter2@");
    RedisStore::open(&config(vec![in_url])).await.unwrap();
}

#[tokio::test]
async fn installations_with_different_prefixes_do_not_see_each_other() {
    let Some(redis) = or_skip(Redis::start()) else {
        return;
    };
    let first = RedisStore::open(&config(vec![redis.url()])).await.unwrap();
    let second = RedisStore::open(&Config {
        prefix: "other".into(),
        ..config(vec![redis.url()])
    })
    .await
    .unwrap();
    first.commit(put("global/a", "1")).await.unwrap();
    assert_eq!(second.get("global/a").await.unwrap(), None);
    assert!(
        redis
            .command(&["keys", "*"])
            .contains("flowmill:{global}:values")
    );
}

#[tokio::test]
async fn a_connection_can_be_encrypted() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let Some((certificate, key)) = self_signed(&file("cert.pem"), &file("key.pem")) else {
        return;
    };
    let tls = [
        "--tls-cert-file",
        &certificate,
        "--tls-key-file",
        &key,
        "--tls-auth-clients",
        "no",
    ];
    let Some(redis) = or_skip(Redis::with(&tls)) else {
        return;
    };
    let port = redis.enable_tls();
    let encrypted = Config {
        ca_file: Some(certificate.into()),
        ..config(vec![format!("rediss://localhost:{port}")])
    };
    let store = RedisStore::open(&encrypted).await.unwrap();
    store.commit(put("global/a", "1")).await.unwrap();
    let untrusted = Config {
        ca_file: None,
        ..encrypted
    };
    let refused = RedisStore::open(&untrusted)
        .await
        .err()
        .expect("it is refused");
    assert!(refused.to_string().contains("ertificate"), "{refused}");
}

/// A certificate for `localhost` and its key, made by openssl.
fn self_signed(certificate: &str, key: &str) -> Option<(String, String)> {
    let made = std::process::Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ])
        .args([
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost",
        ])
        .args([
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-keyout",
            key,
            "-out",
            certificate,
        ])
        .output();
    let made = made.is_ok_and(|output| output.status.success());
    let missing = flowmill_test_servers::Missing {
        server: "openssl",
        reason: "it cannot make a certificate".into(),
    };
    or_skip(
        made.then(|| (certificate.to_owned(), key.to_owned()))
            .ok_or(missing),
    )
}
