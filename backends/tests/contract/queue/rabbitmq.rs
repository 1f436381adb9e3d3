//! What is special to RabbitMQ. All of it runs against one broker, which takes a while to start.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use flowmill_backends::config::{Address, ByteSize, Secret};
use flowmill_backends::queue::rabbitmq::{Config, QueueType, RabbitQueue};
use flowmill_backends::queue::{Consumer, Delivery, Message, Topic};
use flowmill_backends::{Kind, Queue};
use flowmill_test_servers::{RabbitMq, or_skip};
use lapin::options::{BasicGetOptions, BasicPublishOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::{Context, cases};
use crate::suite::{self, Case};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rabbitmq_queue_holds_the_contract_and_outlives_its_broker() {
    let Some(broker) = or_skip(RabbitMq::start()) else {
        return;
    };
    let url = broker.url();
    for queue_type in [QueueType::Quorum, QueueType::Classic] {
        suite::run(cases::CASES, |name| {
            let config = Config {
                queue_type,
                ..config(&url, &format!("{queue_type:?}.{name}"))
            };
            async move { Context::new(Arc::new(RabbitQueue::open(&config).await.unwrap())) }
        })
        .await;
    }
    let broker = Arc::new(Mutex::new(broker));
    suite::run(CASES, |name| {
        let broker = Broker {
            server: broker.clone(),
            config: config(&url, name),
        };
        async { broker }
    })
    .await;
}

const CASES: &[Case<Broker>] = suite::cases![
    wrong_settings_are_refused_with_their_names,
    a_queue_of_another_program_is_refused_with_its_name,
    a_dead_letter_is_kept_with_its_reason,
    a_message_given_back_too_often_is_put_aside,
    whatever_another_program_sends_is_delivered,
    a_message_that_is_too_large_is_invalid,
    what_was_acknowledged_before_the_consumer_went_stays_acknowledged,
    a_queue_that_is_deleted_is_made_again,
    a_closed_queue_ends_its_consumers,
    connections_that_are_closed_are_made_again_and_nothing_is_lost,
    a_broker_that_is_full_holds_publishers_up_and_says_so,
    a_broker_that_does_not_answer_is_waited_for,
    a_broker_that_is_killed_is_waited_for_and_nothing_is_lost,
];

/// The broker, and a configuration whose queues nobody else uses.
struct Broker {
    server: Arc<Mutex<RabbitMq>>,
    config: Config,
}

fn config(url: &str, prefix: &str) -> Config {
    Config {
        url: Address::new(url),
        prefix: prefix.into(),
        start_timeout: Duration::ZERO,
        publish_timeout: Duration::from_secs(40),
        ..Config::default()
    }
}

fn jobs() -> Topic {
    Topic::Jobs("default".into())
}

fn message(id: impl ToString) -> Message {
    Message {
        id: id.to_string(),
        body: Bytes::from_static(b"{}"),
    }
}

async fn next(consumer: &mut Box<dyn Consumer>) -> Delivery {
    timeout(Duration::from_secs(40), consumer.next())
        .await
        .expect("a delivery")
        .expect("an open queue")
}

impl Broker {
    async fn open(&self) -> RabbitQueue {
        RabbitQueue::open(&self.config).await.unwrap()
    }

    /// Another program's channel.
    async fn channel(&self) -> (Connection, Channel) {
        let connection =
            Connection::connect(self.config.url.expose(), ConnectionProperties::default())
                .await
                .unwrap();
        let channel = connection.create_channel().await.unwrap();
        (connection, channel)
    }

    fn name(&self, rest: &str) -> String {
        format!("{}.{rest}", self.config.prefix)
    }

    /// The next dead letter: its body and its headers.
    async fn dead_letter(&self) -> (Vec<u8>, FieldTable) {
        let (_connection, channel) = self.channel().await;
        let patience = Instant::now() + Duration::from_secs(20);
        loop {
            let options = BasicGetOptions { no_ack: true };
            let found = channel
                .basic_get(self.name("dead-letters").into(), options)
                .await
                .unwrap();
            if let Some(found) = found {
                let found = found.delivery;
                return (
                    found.data,
                    found.properties.headers().clone().unwrap_or_default(),
                );
            }
            assert!(Instant::now() < patience, "no dead letter comes");
            tokio::task::yield_now().await;
        }
    }
}

async fn wrong_settings_are_refused_with_their_names(broker: Broker) {
    let right = || broker.config.clone();
    let port = broker.server.lock().await.port();
    for (wrong, kind, part) in [
        (
            Config {
                password: Some(Secret::new("hunter2")),
                ..right()
            },
            Kind::Invalid,
            "`queue.rabbitmq.password`",
        ),
        (
            Config {
                username: Some("nobody".into()),
                ..right()
            },
            Kind::Invalid,
            "`queue.rabbitmq.username`",
        ),
        (
            Config {
                vhost: Some("elsewhere".into()),
                ..right()
            },
            Kind::Invalid,
            "`queue.rabbitmq.vhost`",
        ),
        (
            Config {
                url: Address::default(),
                ..right()
            },
            Kind::Invalid,
            "`queue.rabbitmq.url` says nothing",
        ),
        (
            Config {
                url: Address::new("http://localhost"),
                ..right()
            },
            Kind::Invalid,
            "`queue.rabbitmq.url`",
        ),
        (
            Config {
                prefix: String::new(),
                ..right()
            },
            Kind::Invalid,
            "`queue.rabbitmq.prefix`",
        ),
        (
            Config {
                ca_file: Some("/nowhere".into()),
                ..right()
            },
            Kind::Invalid,
            "`queue.rabbitmq.ca-file`",
        ),
        (
            Config {
                url: Address::new("amqp://127.0.0.1:1"),
                ..right()
            },
            Kind::Unavailable,
            "(`queue.rabbitmq.url`) cannot be reached",
        ),
        (
            Config {
                url: Address::new(format!("amqps://localhost:{port}")),
                ..right()
            },
            Kind::Unavailable,
            "(`queue.rabbitmq.url`) cannot be reached",
        ),
    ] {
        let refused = RabbitQueue::open(&wrong)
            .await
            .err()
            .expect("it is refused");
        let message = refused.to_string();
        assert_eq!(refused.kind(), kind, "{message}");
        assert!(
            message.contains(part) && !message.contains("hunter2"),
            "{message}"
        );
    }
}

async fn a_queue_of_another_program_is_refused_with_its_name(broker: Broker) {
    let (_connection, channel) = broker.channel().await;
    let name = broker.name("jobs.taken");
    channel
        .queue_declare(
            name.clone().into(),
            QueueDeclareOptions::default(),
            FieldTable::default(),
        )
        .await
        .unwrap();
    let queue = broker.open().await;
    let taken = Topic::Jobs("taken".into());
    let refusals = [
        queue.publish(&taken, vec![message(1)]).await.unwrap_err(),
        queue.consume(&taken, 1).await.err().expect("it is refused"),
    ];
    for refused in refusals {
        let text = refused.to_string();
        assert_eq!(refused.kind(), Kind::Invalid, "{text}");
        assert!(
            text.contains(&name)
                && text.contains("queue.rabbitmq.prefix")
                && text.contains("inequivalent arg"),
            "{text}"
        );
    }
    let mut consumer = queue.consume(&jobs(), 1).await.unwrap();
    queue.publish(&jobs(), vec![message(2)]).await.unwrap();
    assert_eq!(next(&mut consumer).await.message, message(2));
}

async fn a_dead_letter_is_kept_with_its_reason(broker: Broker) {
    let queue = broker.open().await;
    let mut consumer = queue.consume(&jobs(), 1).await.unwrap();
    let garbage = Message {
        id: "garbage".into(),
        body: Bytes::from_static(b"\xff\x00garbage"),
    };
    queue.publish(&jobs(), vec![garbage.clone()]).await.unwrap();
    next(&mut consumer)
        .await
        .receipt
        .dead_letter("this is no JSON");
    let (body, headers) = broker.dead_letter().await;
    assert_eq!(body, garbage.body);
    let header = |name: &str| match headers.inner().get(name) {
        Some(AMQPValue::LongString(value)) => value.to_string(),
        other => panic!("{name} is {other:?}"),
    };
    assert_eq!(header("flowmill-reason"), "this is no JSON");
    assert_eq!(header("flowmill-topic"), "jobs.default");
    drop(consumer);
    assert_eq!(queue.depth(&jobs()).await.unwrap(), Some(0));
}

async fn a_message_given_back_too_often_is_put_aside(broker: Broker) {
    let config = Config {
        delivery_limit: 3,
        ..broker.config.clone()
    };
    let queue = RabbitQueue::open(&config).await.unwrap();
    let mut consumer = queue.consume(&jobs(), 1).await.unwrap();
    queue
        .publish(&jobs(), vec![message("poison")])
        .await
        .unwrap();
    for _ in 0..4 {
        next(&mut consumer).await.receipt.requeue();
    }
    let (body, headers) = broker.dead_letter().await;
    assert_eq!(body, b"{}");
    assert!(headers.contains_key("x-death"));
}

async fn whatever_another_program_sends_is_delivered(broker: Broker) {
    let queue = broker.open().await;
    let mut consumer = queue.consume(&jobs(), 1).await.unwrap();
    let (_connection, channel) = broker.channel().await;
    let (exchange, name) = ("".into(), broker.name("jobs.default").into());
    let options = BasicPublishOptions::default();
    channel
        .basic_publish(
            exchange,
            name,
            options,
            b"\xfe\xffgarbage",
            BasicProperties::default(),
        )
        .await
        .unwrap();
    let delivery = next(&mut consumer).await;
    assert_eq!(
        delivery.message,
        Message {
            id: String::new(),
            body: Bytes::from_static(b"\xfe\xffgarbage")
        }
    );
    delivery.receipt.dead_letter("garbage");
    queue
        .publish(&jobs(), vec![message("x".repeat(300))])
        .await
        .unwrap();
    assert_eq!(next(&mut consumer).await.message, message("x".repeat(300)));
}

async fn a_message_that_is_too_large_is_invalid(broker: Broker) {
    let config = Config {
        message_limit: ByteSize::bytes(1000),
        ..broker.config.clone()
    };
    let queue = RabbitQueue::open(&config).await.unwrap();
    let large = Message {
        id: "large".into(),
        body: Bytes::from(vec![0; 1001]),
    };
    let refused = queue.publish(&jobs(), vec![large]).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::Invalid);
    assert!(
        refused
            .to_string()
            .contains("`queue.rabbitmq.message-limit`"),
        "{refused}"
    );
    let long_group = Topic::Jobs("x".repeat(300));
    assert_eq!(
        queue
            .publish(&long_group, vec![message(1)])
            .await
            .unwrap_err()
            .kind(),
        Kind::Invalid
    );
    assert_eq!(
        queue
            .consume(&long_group, 1)
            .await
            .err()
            .map(|error| error.kind()),
        Some(Kind::Invalid)
    );
}

async fn what_was_acknowledged_before_the_consumer_went_stays_acknowledged(broker: Broker) {
    let queue = broker.open().await;
    for round in 0..20 {
        let topic = Topic::Events(round);
        queue
            .publish(&topic, (0..100).map(message).collect())
            .await
            .unwrap();
        let mut consumer = queue.consume(&topic, 100).await.unwrap();
        for _ in 0..100 {
            next(&mut consumer).await.receipt.acknowledge();
        }
        drop(consumer);
        let mut successor = queue.consume(&topic, 100).await.unwrap();
        queue.publish(&topic, vec![message("after")]).await.unwrap();
        assert_eq!(next(&mut successor).await.message.id, "after");
    }
}

async fn a_queue_that_is_deleted_is_made_again(broker: Broker) {
    let config = Config {
        idle_check: Duration::from_secs(1),
        ..broker.config.clone()
    };
    let queue = RabbitQueue::open(&config).await.unwrap();
    let mut consumer = queue.consume(&jobs(), 10).await.unwrap();
    queue
        .publish(&jobs(), vec![message("before")])
        .await
        .unwrap();
    next(&mut consumer).await.receipt.acknowledge();
    let name = broker.name("jobs.default");
    broker.server.lock().await.control(&["delete_queue", &name]);
    queue
        .publish(&jobs(), (0..20).map(message).collect())
        .await
        .unwrap();
    let mut seen = BTreeSet::new();
    while seen.len() < 20 {
        let delivery = next(&mut consumer).await;
        seen.insert(delivery.message.id);
        delivery.receipt.acknowledge();
    }
}

async fn a_closed_queue_ends_its_consumers(broker: Broker) {
    let queue = broker.open().await;
    let mut consumers = [
        queue.consume(&jobs(), 1).await.unwrap(),
        queue.consume(&Topic::Changes, 1).await.unwrap(),
    ];
    queue.close();
    for consumer in &mut consumers {
        assert!(
            timeout(Duration::from_secs(10), consumer.next())
                .await
                .unwrap()
                .is_none()
        );
    }
    assert_eq!(
        queue
            .publish(&jobs(), vec![message(1)])
            .await
            .unwrap_err()
            .kind(),
        Kind::Unavailable
    );
}

/// Publishes while something happens to the broker, and checks that all that was confirmed arrives.
async fn assert_nothing_is_lost(broker: &Broker, outage: impl Future<Output = ()>) {
    let queue = Arc::new(broker.open().await);
    let mut consumer = queue.consume(&jobs(), 50).await.unwrap();
    let mut listener = queue.consume(&Topic::Changes, 50).await.unwrap();
    // RabbitMQ notes a new quorum queue on its disk a moment late: one that is killed before has a queue without a leader.
    let known = Instant::now() + Duration::from_secs(2);
    while Instant::now() < known {
        queue
            .publish(&jobs(), vec![message("before the outage")])
            .await
            .unwrap();
    }
    let over = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let publisher = {
        let (queue, over) = (queue.clone(), over.clone());
        tokio::spawn(async move {
            let mut confirmed = 0;
            while !over.load(std::sync::atomic::Ordering::Relaxed) {
                queue
                    .publish(&jobs(), vec![message(confirmed)])
                    .await
                    .unwrap();
                confirmed += 1;
            }
            confirmed
        })
    };
    let reader = tokio::spawn(async move {
        let mut seen = BTreeSet::new();
        loop {
            let delivery = next(&mut consumer).await;
            delivery.receipt.acknowledge();
            match delivery.message.id.as_str() {
                "end" => return seen,
                "before the outage" | "after the outage" => {}
                id => _ = seen.insert(id.parse::<u32>().unwrap()),
            }
        }
    });
    outage.await;
    queue
        .publish(&jobs(), vec![message("after the outage")])
        .await
        .unwrap();
    over.store(true, std::sync::atomic::Ordering::Relaxed);
    let confirmed = publisher.await.unwrap();
    queue.publish(&jobs(), vec![message("end")]).await.unwrap();
    let seen = reader.await.unwrap();
    assert!(
        (0..confirmed).all(|id| seen.contains(&id)),
        "of {confirmed} confirmed messages {} arrived",
        seen.len()
    );
    // The subscription is made again as well, a moment later perhaps.
    let heard = async {
        loop {
            let _ = queue
                .publish(&Topic::Changes, vec![message("changed")])
                .await;
            if timeout(Duration::from_millis(50), listener.next())
                .await
                .is_ok()
            {
                return;
            }
        }
    };
    timeout(Duration::from_secs(20), heard)
        .await
        .expect("the subscription works again");
    let outage = queue.probes().map(|probe| probe.outage());
    assert_eq!(outage, [None, None]);
}

async fn connections_that_are_closed_are_made_again_and_nothing_is_lost(broker: Broker) {
    assert_nothing_is_lost(&broker, async {
        for _ in 0..3 {
            let server = broker.server.clone();
            tokio::task::spawn_blocking(move || server.blocking_lock().close_connections())
                .await
                .unwrap();
        }
    })
    .await;
}

async fn a_broker_that_is_full_holds_publishers_up_and_says_so(broker: Broker) {
    let config = Config {
        publish_timeout: Duration::from_secs(2),
        ..broker.config.clone()
    };
    let queue = RabbitQueue::open(&config).await.unwrap();
    let mut consumer = queue.consume(&jobs(), 10).await.unwrap();
    queue
        .publish(&jobs(), vec![message("before")])
        .await
        .unwrap();
    broker.server.lock().await.block();
    let refused = loop {
        // RabbitMQ takes the first message after it ran full, and blocks the connection then.
        if let Err(error) = queue.publish(&jobs(), vec![message("during")]).await {
            break error;
        }
    };
    assert_eq!(refused.kind(), Kind::Unavailable);
    assert!(
        refused
            .to_string()
            .contains("takes no messages at the moment: low on memory"),
        "{refused}"
    );
    next(&mut consumer).await.receipt.acknowledge();
    broker.server.lock().await.unblock();
    while queue
        .publish(&jobs(), vec![message("after")])
        .await
        .is_err()
    {}
    assert_eq!(queue.probes()[0].outage(), None);
    while next(&mut consumer).await.message.id != "after" {}
}

async fn a_broker_that_does_not_answer_is_waited_for(broker: Broker) {
    let config = Config {
        publish_timeout: Duration::from_secs(1),
        heartbeat: Duration::from_secs(2),
        connect_timeout: Duration::from_secs(1),
        ..broker.config.clone()
    };
    let queue = RabbitQueue::open(&config).await.unwrap();
    let mut consumer = queue.consume(&jobs(), 10).await.unwrap();
    queue
        .publish(&jobs(), vec![message("before")])
        .await
        .unwrap();
    next(&mut consumer).await.receipt.acknowledge();
    broker.server.lock().await.pause();
    let patience = Instant::now() + Duration::from_secs(20);
    while queue.probes().iter().any(|probe| probe.outage().is_none()) {
        assert!(Instant::now() < patience, "nobody notices");
        assert_eq!(
            queue
                .publish(&jobs(), vec![message("during")])
                .await
                .unwrap_err()
                .kind(),
            Kind::Unavailable
        );
    }
    broker.server.lock().await.resume();
    while queue
        .publish(&jobs(), vec![message("after")])
        .await
        .is_err()
    {}
    while next(&mut consumer).await.message.id != "after" {}
}

async fn a_broker_that_is_killed_is_waited_for_and_nothing_is_lost(broker: Broker) {
    assert_nothing_is_lost(&broker, async {
        let server = broker.server.clone();
        tokio::task::spawn_blocking(move || server.blocking_lock().restart())
            .await
            .unwrap();
    })
    .await;
}
