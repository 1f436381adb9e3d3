//! What is special to the queue within one process.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use flowmill_backends::config::ByteSize;
use flowmill_backends::queue::in_process::{Config, InProcessQueue};
use flowmill_backends::queue::{Message, Topic};
use flowmill_backends::{Kind, Queue};

use super::{Context, cases};

fn message(id: impl ToString, size: usize) -> Message {
    Message {
        id: id.to_string(),
        body: Bytes::from(vec![b'x'; size]),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_in_process_queue_holds_the_contract() {
    crate::suite::run(cases::CASES, |_| async {
        Context::new(Arc::new(InProcessQueue::new(Config::default())))
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn publishing_waits_for_memory_and_fails_after_a_time() {
    let config = Config {
        memory: ByteSize::bytes(10_000),
        publish_timeout: Duration::from_secs(5),
        ..Config::default()
    };
    let queue = InProcessQueue::new(config);
    let topic = Topic::Jobs("default".into());
    let full = queue
        .publish(&topic, (0..10).map(|n| message(n, 1500)).collect())
        .await
        .unwrap_err();
    assert_eq!(full.kind(), Kind::Unavailable);
    assert!(
        full.to_string().contains("`queue.in-process.memory`"),
        "{full}"
    );

    let mut consumer = queue.consume(&topic, 10).await.unwrap();
    let more = [message("more", 1500)];
    let (published, ()) = tokio::join!(queue.publish(&topic, more.to_vec()), async {
        consumer.next().await.unwrap().receipt.acknowledge();
    });
    published.unwrap();
    for _ in 1..7 {
        consumer
            .try_next()
            .unwrap()
            .receipt
            .dead_letter("no reason");
    }
    queue
        .publish(&topic, vec![message("larger than the memory", 50_000)])
        .await
        .unwrap();
    assert_eq!(consumer.try_next().unwrap().message.body.len(), 50_000);
}

#[tokio::test]
async fn a_message_given_back_too_often_is_put_aside() {
    let queue = InProcessQueue::new(Config {
        delivery_limit: 3,
        ..Config::default()
    });
    let topic = Topic::Jobs("default".into());
    queue
        .publish(&topic, vec![message("poison", 1)])
        .await
        .unwrap();
    for _ in 0..3 {
        // However it comes back: by its receipt, or with its consumer.
        drop(
            queue
                .consume(&topic, 1)
                .await
                .unwrap()
                .next()
                .await
                .unwrap(),
        );
    }
    assert!(queue.consume(&topic, 1).await.unwrap().try_next().is_none());
    let letters = queue.dead_letters();
    assert_eq!(
        (letters.len(), letters[0].message.id.as_str()),
        (1, "poison")
    );
    assert_eq!(letters[0].topic, topic);
}

#[tokio::test]
async fn a_dead_letter_is_kept_with_its_reason() {
    let queue = InProcessQueue::new(Config::default());
    let topic = Topic::Events(0);
    queue
        .publish(&topic, vec![message("odd", 1)])
        .await
        .unwrap();
    let delivery = queue
        .consume(&topic, 1)
        .await
        .unwrap()
        .next()
        .await
        .unwrap();
    delivery.receipt.dead_letter("not JSON");
    assert_eq!(
        queue.dead_letters().len(),
        0,
        "its consumer was gone, so it is ready again"
    );
    let mut consumer = queue.consume(&topic, 1).await.unwrap();
    consumer
        .next()
        .await
        .unwrap()
        .receipt
        .dead_letter("not JSON");
    assert_eq!(queue.dead_letters()[0].reason, "not JSON");
}

#[tokio::test]
async fn a_subscriber_that_is_too_slow_loses_the_oldest() {
    let queue = InProcessQueue::new(Config {
        fan_out_buffer: 10,
        ..Config::default()
    });
    let mut consumer = queue.consume(&Topic::Changes, 1).await.unwrap();
    queue
        .publish(&Topic::Changes, (0..25).map(|n| message(n, 1)).collect())
        .await
        .unwrap();
    let ids: Vec<_> = std::iter::from_fn(|| consumer.try_next())
        .map(|delivery| delivery.message.id)
        .collect();
    assert_eq!(ids, (15..25).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_closed_queue_ends_its_consumers_once_they_have_read_it() {
    let queue = Arc::new(InProcessQueue::new(Config::default()));
    let topics = [
        Topic::Jobs("default".into()),
        Topic::Events(0),
        Topic::Changes,
    ];
    let mut consumers = Vec::new();
    for topic in &topics {
        consumers.push(queue.consume(topic, 1).await.unwrap());
        queue.publish(topic, vec![message(1, 1)]).await.unwrap();
    }
    let mut standby = queue.consume(&topics[1], 1).await.unwrap();
    let waiting = tokio::spawn(async move { standby.next().await.is_none() });
    tokio::task::yield_now().await;
    queue.close();
    for consumer in &mut consumers {
        consumer.next().await.unwrap().receipt.acknowledge();
        assert!(consumer.next().await.is_none());
    }
    assert!(waiting.await.unwrap());
    for topic in &topics {
        let refused = queue.publish(topic, vec![message(2, 1)]).await.unwrap_err();
        assert_eq!(refused.kind(), Kind::Unavailable);
        assert!(
            queue
                .consume(topic, 1)
                .await
                .unwrap()
                .next()
                .await
                .is_none()
        );
    }
}
