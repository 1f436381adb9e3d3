//! What is special to S3.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use bytes::Bytes;
use flowmill_backends::config::{ByteSize, Secret};
use flowmill_backends::files::s3::{Config, S3Files};
use flowmill_backends::{Files, Kind};
use flowmill_test_servers::{Minio, S3InProcess, or_skip};
use futures::{StreamExt, TryStreamExt, stream};

const BUCKET: &str = "flowmill";

fn config(endpoint: String) -> Config {
    Config {
        bucket: BUCKET.into(),
        endpoint: Some(endpoint),
        access_key: Some(Minio::USER.into()),
        secret_key: Some(Secret::new(Minio::PASSWORD)),
        attempts: 2,
        start_timeout: Duration::ZERO,
        ..Config::default()
    }
}

async fn put(files: &S3Files, path: &str, content: &'static str) {
    files
        .put(
            path,
            stream::once(async move { Ok(Bytes::from(content)) }).boxed(),
        )
        .await
        .unwrap();
}

async fn get(files: &S3Files, path: &str) -> flowmill_backends::Result<Vec<u8>> {
    let chunks: Vec<_> = files.get(path, None).await?.try_collect().await.unwrap();
    Ok(chunks.concat())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s3_files_hold_the_contract_on_minio_and_leave_no_parts_behind() {
    let Some(minio) = or_skip(Minio::start(BUCKET)) else {
        return;
    };
    for prefix in ["", "some/prefix"] {
        let config = Config {
            prefix: prefix.into(),
            ..config(minio.url())
        };
        super::hold(Arc::new(S3Files::open(&config).await.unwrap())).await;
    }

    let credentials = Credentials::new(Minio::USER, Minio::PASSWORD, None, None, "test");
    let settings = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(minio.url())
        .region(Region::new("us-east-1"))
        .credentials_provider(credentials)
        .force_path_style(true);
    let client = aws_sdk_s3::Client::from_conf(settings.build());
    let patience = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        let begun = client
            .list_multipart_uploads()
            .bucket(BUCKET)
            .send()
            .await
            .unwrap();
        if begun.uploads().is_empty() {
            break;
        }
        assert!(
            tokio::time::Instant::now() < patience,
            "uploads are left: {:?}",
            begun.uploads()
        );
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn wrong_settings_are_refused_at_start_with_their_names() {
    let Some(minio) = or_skip(Minio::start(BUCKET)) else {
        return;
    };
    let right = || config(minio.url());
    for (wrong, kind, part) in [
        (
            Config {
                bucket: "elsewhere".into(),
                ..right()
            },
            Kind::Invalid,
            "`files.s3.bucket`",
        ),
        (
            Config {
                bucket: String::new(),
                ..right()
            },
            Kind::Invalid,
            "`files.s3.bucket` says nothing",
        ),
        (
            Config {
                access_key: Some("nobody".into()),
                ..right()
            },
            Kind::Invalid,
            "`files.s3.access-key`",
        ),
        (
            Config {
                secret_key: Some(Secret::new("hunter2")),
                ..right()
            },
            Kind::Invalid,
            "`files.s3.secret-key`",
        ),
        (
            Config {
                secret_key: None,
                ..right()
            },
            Kind::Invalid,
            "`files.s3.secret-key` belong together",
        ),
        (
            Config {
                endpoint: Some("minio:9000".into()),
                ..right()
            },
            Kind::Invalid,
            "`files.s3.endpoint`",
        ),
        (
            Config {
                part_size: ByteSize::bytes(1),
                ..right()
            },
            Kind::Invalid,
            "`files.s3.part-size`",
        ),
        (
            Config {
                ca_file: Some("/nowhere".into()),
                ..right()
            },
            Kind::Invalid,
            "`files.s3.ca-file`",
        ),
        (
            Config {
                prefix: "/a".into(),
                ..right()
            },
            Kind::Invalid,
            "`files.s3.prefix`",
        ),
        (
            Config {
                endpoint: Some("http://127.0.0.1:1".into()),
                ..right()
            },
            Kind::Unavailable,
            "(`files.s3.endpoint`) cannot be reached",
        ),
    ] {
        let refused = S3Files::open(&wrong).await.err().expect("it is refused");
        let message = refused.to_string();
        assert_eq!(refused.kind(), kind, "{message}");
        assert!(
            message.contains(part) && !message.contains("hunter2"),
            "{message}"
        );
    }
}

#[tokio::test]
async fn a_storage_that_is_away_is_unavailable_and_used_again_when_it_is_back() {
    let Some(mut minio) = or_skip(Minio::start(BUCKET)) else {
        return;
    };
    let files = S3Files::open(&config(minio.url())).await.unwrap();
    put(&files, "a", "before").await;
    minio.kill();
    assert_eq!(
        get(&files, "a").await.unwrap_err().kind(),
        Kind::Unavailable
    );
    let outage = files.probe().outage().expect("an outage");
    assert!(
        outage.reason.contains("failed to read `a`"),
        "{}",
        outage.reason
    );
    minio.restart();
    let patience = tokio::time::Instant::now() + Duration::from_secs(20);
    let content = loop {
        match get(&files, "a").await {
            Ok(content) => break content,
            Err(error) => assert!(tokio::time::Instant::now() < patience, "still {error}"),
        }
    };
    assert_eq!(content, b"before");
    assert_eq!(files.probe().outage(), None);
}

#[tokio::test]
async fn a_link_lets_anyone_read_the_file_for_a_while() {
    let server = S3InProcess::start(BUCKET).await;
    let without = S3Files::open(&config(server.url())).await.unwrap();
    put(&without, "some/file.csv", "a,b\n").await;
    let minute = Duration::from_secs(60);
    assert_eq!(
        without
            .link("some/file.csv", "file.csv", minute)
            .await
            .unwrap(),
        None
    );
    let config = Config {
        public_endpoint: Some(server.url()),
        ..config(server.url())
    };
    let with = S3Files::open(&config).await.unwrap();
    let link = with
        .link("some/file.csv", "file.csv", minute)
        .await
        .unwrap()
        .expect("a link");
    assert!(
        link.starts_with(&format!("{}/{BUCKET}/some/file.csv?", server.url())),
        "{link}"
    );
    let fetch = move || {
        std::process::Command::new("curl")
            .args(["--silent", "--include", &link])
            .output()
    };
    let fetched = tokio::task::spawn_blocking(fetch).await.unwrap().unwrap();
    let fetched = String::from_utf8_lossy(&fetched.stdout).into_owned();
    assert!(fetched.contains("a,b"), "{fetched}");
    assert!(fetched.contains("file.csv"), "{fetched}");
}
