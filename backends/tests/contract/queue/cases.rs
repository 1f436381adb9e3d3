//! The contract of a queue.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use flowmill_backends::queue::{Consumer, Delivery, Message, Topic};
use futures::future::join_all;
use tokio::time::timeout;

use super::Context;
use crate::suite::{Case, cases};

pub(crate) const CASES: &[Case<Context>] = cases![
    a_message_arrives_as_it_was_published,
    messages_arrive_in_the_order_of_their_publication,
    messages_wait_for_the_first_consumer,
    publishing_nothing_is_fine,
    an_acknowledged_message_does_not_come_again,
    a_delivery_dropped_unsettled_comes_again,
    a_requeued_message_comes_again_at_once,
    a_dead_letter_does_not_come_again,
    a_consumer_that_goes_away_gives_its_deliveries_back,
    a_receipt_that_outlives_its_consumer_does_nothing,
    no_more_than_the_prefetch_is_out,
    settling_makes_room_for_the_next,
    acknowledging_out_of_order_is_fine,
    a_shared_topic_spreads_over_its_consumers,
    a_partition_has_one_consumer_at_a_time,
    a_partition_passes_to_the_next_consumer_with_what_was_unsettled,
    every_subscriber_of_a_fan_out_topic_gets_each_message,
    a_fan_out_subscriber_gets_nothing_from_before,
    a_slow_fan_out_subscriber_holds_nobody_up,
    fan_out_deliveries_need_no_settling,
    waiting_for_a_delivery_can_be_given_up_and_taken_up,
    a_consumer_that_gives_up_waiting_leaves_the_message_to_another,
    topics_do_not_mix,
    any_group_name_and_id_will_do,
    a_message_of_five_megabytes_arrives,
    ten_thousand_messages_arrive_once_each,
    many_publishers_and_consumers_lose_nothing,
    the_depth_counts_what_waits,
];

/// Long enough for a message that is on its way to arrive, so that its absence says something.
const A_WHILE: Duration = Duration::from_millis(150);

fn message(id: impl ToString) -> Message {
    let id = id.to_string();
    Message {
        body: Bytes::from(format!("body of {id}")),
        id,
    }
}

fn messages(ids: impl IntoIterator<Item = u32>) -> Vec<Message> {
    ids.into_iter().map(message).collect()
}

async fn next(consumer: &mut Box<dyn Consumer>) -> Delivery {
    timeout(Duration::from_secs(20), consumer.next())
        .await
        .expect("a delivery")
        .expect("an open queue")
}

async fn next_id(consumer: &mut Box<dyn Consumer>) -> String {
    let delivery = next(consumer).await;
    delivery.receipt.acknowledge();
    delivery.message.id
}

async fn next_ids(consumer: &mut Box<dyn Consumer>, count: usize) -> Vec<u32> {
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(next_id(consumer).await.parse().unwrap());
    }
    ids
}

async fn assert_quiet(consumer: &mut Box<dyn Consumer>) {
    if let Ok(delivery) = timeout(A_WHILE, consumer.next()).await {
        panic!(
            "unexpected delivery of {:?}",
            delivery.map(|delivery| delivery.message)
        );
    }
}

impl Context {
    async fn publish(&self, topic: &Topic, ids: impl IntoIterator<Item = u32>) {
        self.queue.publish(topic, messages(ids)).await.unwrap();
    }

    async fn consume(&self, topic: &Topic, prefetch: u16) -> Box<dyn Consumer> {
        self.queue.consume(topic, prefetch).await.unwrap()
    }
}

async fn a_message_arrives_as_it_was_published(cx: Context) {
    for topic in [&cx.shared, &cx.partition, &Topic::Changes, &Topic::Control] {
        let mut consumer = cx.consume(topic, 10).await;
        let body: Bytes = (0..=255).collect();
        for message in [
            Message {
                id: "id/ü 1".into(),
                body,
            },
            Message {
                id: "2".into(),
                body: Bytes::new(),
            },
        ] {
            cx.queue
                .publish(topic, vec![message.clone()])
                .await
                .unwrap();
            let delivery = next(&mut consumer).await;
            assert_eq!(delivery.message, message);
            assert!(!delivery.redelivered);
            delivery.receipt.acknowledge();
        }
    }
}

async fn messages_arrive_in_the_order_of_their_publication(cx: Context) {
    for topic in [&cx.shared, &cx.partition, &Topic::Changes] {
        let mut consumer = cx.consume(topic, 50).await;
        cx.publish(topic, 0..100).await;
        for n in 100..120 {
            cx.publish(topic, [n]).await;
        }
        assert_eq!(next_ids(&mut consumer, 120).await, Vec::from_iter(0..120));
    }
}

async fn messages_wait_for_the_first_consumer(cx: Context) {
    for topic in [&cx.shared, &cx.partition] {
        cx.publish(topic, 0..10).await;
        let mut consumer = cx.consume(topic, 10).await;
        assert_eq!(next_ids(&mut consumer, 10).await, Vec::from_iter(0..10));
    }
}

async fn publishing_nothing_is_fine(cx: Context) {
    for topic in [&cx.shared, &cx.partition, &Topic::Changes] {
        cx.queue.publish(topic, Vec::new()).await.unwrap();
    }
}

async fn an_acknowledged_message_does_not_come_again(cx: Context) {
    for topic in [&cx.shared, &cx.partition] {
        let mut consumer = cx.consume(topic, 10).await;
        cx.publish(topic, 0..3).await;
        assert_eq!(next_ids(&mut consumer, 3).await, [0, 1, 2]);
        drop(consumer);
        let mut consumer = cx.consume(topic, 10).await;
        cx.publish(topic, [3]).await;
        assert_eq!(next_ids(&mut consumer, 1).await, [3]);
        assert_quiet(&mut consumer).await;
    }
}

async fn a_delivery_dropped_unsettled_comes_again(cx: Context) {
    for topic in [&cx.shared, &cx.partition] {
        let mut consumer = cx.consume(topic, 10).await;
        cx.publish(topic, [1]).await;
        drop(next(&mut consumer).await);
        let again = next(&mut consumer).await;
        assert_eq!(again.message, message(1));
        assert!(again.redelivered);
        again.receipt.acknowledge();
    }
}

async fn a_requeued_message_comes_again_at_once(cx: Context) {
    for topic in [&cx.shared, &cx.partition] {
        let mut consumer = cx.consume(topic, 1).await;
        cx.publish(topic, [1]).await;
        for round in 0..5 {
            let delivery = next(&mut consumer).await;
            assert_eq!(delivery.redelivered, round > 0);
            delivery.receipt.requeue();
        }
        assert_eq!(next_ids(&mut consumer, 1).await, [1]);
    }
}

async fn a_dead_letter_does_not_come_again(cx: Context) {
    for topic in [&cx.shared, &cx.partition] {
        let mut consumer = cx.consume(topic, 1).await;
        cx.publish(topic, 0..2).await;
        next(&mut consumer)
            .await
            .receipt
            .dead_letter("it makes no sense");
        assert_eq!(next_ids(&mut consumer, 1).await, [1]);
        assert_quiet(&mut consumer).await;
    }
}

async fn a_consumer_that_goes_away_gives_its_deliveries_back(cx: Context) {
    for topic in [&cx.shared, &cx.partition] {
        cx.publish(topic, 0..6).await;
        let mut consumer = cx.consume(topic, 4).await;
        let mut held = Vec::new();
        for _ in 0..4 {
            held.push(next(&mut consumer).await);
        }
        held.remove(1).receipt.acknowledge();
        drop(consumer);
        let mut consumer = cx.consume(topic, 10).await;
        let ids = next_ids(&mut consumer, 5).await;
        // what comes again has lost its place: RabbitMQ's quorum queues keep no order then
        assert_eq!(BTreeSet::from_iter(ids), BTreeSet::from([0, 2, 3, 4, 5]));
        drop(held);
        assert_quiet(&mut consumer).await;
    }
}

async fn a_receipt_that_outlives_its_consumer_does_nothing(cx: Context) {
    for topic in [&cx.shared, &cx.partition] {
        let mut first = cx.consume(topic, 10).await;
        cx.publish(topic, [1]).await;
        let held = next(&mut first).await;
        drop(first);
        let mut second = cx.consume(topic, 10).await;
        let again = next(&mut second).await;
        assert!(again.redelivered);
        held.receipt.acknowledge();
        again.receipt.requeue();
        assert_eq!(next_ids(&mut second, 1).await, [1]);
    }
}

async fn no_more_than_the_prefetch_is_out(cx: Context) {
    for topic in [&cx.shared, &cx.partition] {
        let mut consumer = cx.consume(topic, 3).await;
        cx.publish(topic, 0..10).await;
        let mut held = Vec::new();
        for _ in 0..3 {
            held.push(next(&mut consumer).await);
        }
        assert_quiet(&mut consumer).await;
        assert!(consumer.try_next().is_none());
        held.into_iter()
            .for_each(|delivery| delivery.receipt.acknowledge());
        assert_eq!(next_ids(&mut consumer, 7).await, Vec::from_iter(3..10));
    }
}

async fn settling_makes_room_for_the_next(cx: Context) {
    for topic in [&cx.shared, &cx.partition] {
        let mut consumer = cx.consume(topic, 1).await;
        cx.publish(topic, 0..3).await;
        for id in 0..3 {
            let delivery = next(&mut consumer).await;
            assert_eq!(delivery.message, message(id));
            // Settled while the consumer already waits for the next.
            let settle = async {
                tokio::task::yield_now().await;
                match id {
                    1 => delivery.receipt.dead_letter("for a change"),
                    _ => delivery.receipt.acknowledge(),
                }
            };
            if id < 2 {
                let (following, ()) = tokio::join!(next(&mut consumer), settle);
                assert_eq!(following.message, message(id + 1));
                following.receipt.requeue();
            }
        }
    }
}

async fn acknowledging_out_of_order_is_fine(cx: Context) {
    for topic in [&cx.shared, &cx.partition] {
        let mut consumer = cx.consume(topic, 10).await;
        cx.publish(topic, 0..10).await;
        let mut held = Vec::new();
        for _ in 0..10 {
            held.push(next(&mut consumer).await);
        }
        held.reverse();
        let kept = held.swap_remove(4);
        held.into_iter()
            .for_each(|delivery| delivery.receipt.acknowledge());
        let id = kept.message.id.clone();
        drop(kept);
        assert_eq!(next_id(&mut consumer).await, id);
        assert_quiet(&mut consumer).await;
    }
}

async fn a_shared_topic_spreads_over_its_consumers(cx: Context) {
    let mut consumers = [
        cx.consume(&cx.shared, 1).await,
        cx.consume(&cx.shared, 1).await,
    ];
    cx.publish(&cx.shared, 0..2).await;
    let [first, second] = &mut consumers;
    let (one, other) = tokio::join!(next(first), next(second));
    assert_ne!(one.message.id, other.message.id);
    one.receipt.acknowledge();
    other.receipt.acknowledge();
}

async fn a_partition_has_one_consumer_at_a_time(cx: Context) {
    let mut active = cx.consume(&cx.partition, 5).await;
    let mut standby = cx.consume(&cx.partition, 5).await;
    cx.publish(&cx.partition, 0..20).await;
    let mut held = Vec::new();
    for _ in 0..5 {
        held.push(next(&mut active).await);
    }
    assert_quiet(&mut standby).await;
    assert!(standby.try_next().is_none());
    held.into_iter()
        .for_each(|delivery| delivery.receipt.acknowledge());
    assert_eq!(next_ids(&mut active, 15).await, Vec::from_iter(5..20));
}

async fn a_partition_passes_to_the_next_consumer_with_what_was_unsettled(cx: Context) {
    let mut active = cx.consume(&cx.partition, 5).await;
    let mut standby = cx.consume(&cx.partition, 5).await;
    cx.publish(&cx.partition, 0..10).await;
    assert_eq!(next_ids(&mut active, 2).await, [0, 1]);
    let held = next(&mut active).await;
    assert_eq!(held.message, message(2));
    let waiting = tokio::spawn(async move {
        let ids = next_ids(&mut standby, 8).await;
        (standby, ids)
    });
    tokio::task::yield_now().await;
    drop(active);
    let (mut standby, ids) = waiting.await.unwrap();
    assert_eq!(BTreeSet::from_iter(ids), BTreeSet::from_iter(2..10));
    drop(held);
    assert_quiet(&mut standby).await;
}

async fn every_subscriber_of_a_fan_out_topic_gets_each_message(cx: Context) {
    for topic in [Topic::Changes, Topic::Control] {
        let mut first = cx.consume(&topic, 10).await;
        let mut second = cx.consume(&topic, 10).await;
        cx.publish(&topic, 0..20).await;
        assert_eq!(next_ids(&mut first, 20).await, Vec::from_iter(0..20));
        assert_eq!(next_ids(&mut second, 20).await, Vec::from_iter(0..20));
        drop(first);
        cx.publish(&topic, 20..22).await;
        assert_eq!(next_ids(&mut second, 2).await, [20, 21]);
    }
}

async fn a_fan_out_subscriber_gets_nothing_from_before(cx: Context) {
    cx.publish(&Topic::Changes, 0..5).await;
    let mut consumer = cx.consume(&Topic::Changes, 10).await;
    cx.publish(&Topic::Changes, 5..7).await;
    assert_eq!(next_ids(&mut consumer, 2).await, [5, 6]);
}

async fn a_slow_fan_out_subscriber_holds_nobody_up(cx: Context) {
    let slow = cx.consume(&Topic::Changes, 10).await;
    let mut quick = cx.consume(&Topic::Changes, 10).await;
    for round in 0..200 {
        cx.publish(&Topic::Changes, (0..100).map(|n| round * 100 + n))
            .await;
        assert_eq!(
            next_ids(&mut quick, 100).await,
            Vec::from_iter(round * 100..(round + 1) * 100)
        );
    }
    drop(slow);
}

async fn fan_out_deliveries_need_no_settling(cx: Context) {
    let mut consumer = cx.consume(&Topic::Control, 2).await;
    cx.publish(&Topic::Control, 0..10).await;
    let mut held = Vec::new();
    for _ in 0..10 {
        held.push(next(&mut consumer).await);
    }
    drop(held);
    assert_quiet(&mut consumer).await;
}

async fn waiting_for_a_delivery_can_be_given_up_and_taken_up(cx: Context) {
    for topic in [&cx.shared, &cx.partition, &Topic::Changes] {
        let mut consumer = cx.consume(topic, 10).await;
        let queue = cx.queue.clone();
        let (to, count) = (topic.clone(), 300);
        let publisher = tokio::spawn(async move {
            for n in 0..count {
                queue.publish(&to, messages([n])).await.unwrap();
            }
        });
        let mut ids = Vec::new();
        while ids.len() < count as usize {
            // Given up at once unless something is there already.
            tokio::select! {
                biased;
                delivery = consumer.next() => {
                    let delivery = delivery.unwrap();
                    delivery.receipt.acknowledge();
                    ids.push(delivery.message.id.parse::<u32>().unwrap());
                }
                () = tokio::task::yield_now() => {}
            }
        }
        publisher.await.unwrap();
        assert_eq!(ids, Vec::from_iter(0..count));
    }
}

async fn a_consumer_that_gives_up_waiting_leaves_the_message_to_another(cx: Context) {
    let mut fickle = cx.consume(&cx.shared, 1).await;
    let mut patient = cx.consume(&cx.shared, 1).await;
    for n in 0..50 {
        let waits = tokio::spawn(async move {
            let delivery = next(&mut patient).await;
            (patient, delivery)
        });
        {
            let gives_up = fickle.next();
            futures::pin_mut!(gives_up);
            assert!(futures::poll!(&mut gives_up).is_pending());
            cx.publish(&cx.shared, [n]).await;
        }
        drop(fickle);
        let (consumer, delivery) = waits.await.unwrap();
        delivery.receipt.acknowledge();
        patient = consumer;
        fickle = cx.consume(&cx.shared, 1).await;
    }
}

async fn topics_do_not_mix(cx: Context) {
    let topics = [
        Topic::Jobs("a".into()),
        Topic::Jobs("b".into()),
        Topic::Events(1),
        Topic::Events(2),
    ];
    for (n, topic) in topics.iter().enumerate() {
        cx.publish(topic, [n as u32]).await;
    }
    for (n, topic) in topics.iter().enumerate() {
        let mut consumer = cx.consume(topic, 10).await;
        assert_eq!(next_ids(&mut consumer, 1).await, [n as u32]);
    }
}

async fn any_group_name_and_id_will_do(cx: Context) {
    for group in ["", "gpu workers", "ü/日本#*", "a.b.c"] {
        let topic = Topic::Jobs(group.into());
        let message = Message {
            id: format!("{group}\n1"),
            body: Bytes::from_static(b"{}"),
        };
        cx.queue
            .publish(&topic, vec![message.clone()])
            .await
            .unwrap();
        let delivery = next(&mut cx.consume(&topic, 1).await).await;
        assert_eq!(delivery.message, message);
        delivery.receipt.acknowledge();
    }
}

async fn a_message_of_five_megabytes_arrives(cx: Context) {
    let body: Bytes = (0..5 << 20)
        .map(|n: u32| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    for topic in [&cx.shared, &Topic::Changes] {
        let mut consumer = cx.consume(topic, 1).await;
        cx.queue
            .publish(
                topic,
                vec![Message {
                    id: "big".into(),
                    body: body.clone(),
                }],
            )
            .await
            .unwrap();
        let delivery = next(&mut consumer).await;
        assert!(delivery.message.body == body);
        delivery.receipt.acknowledge();
    }
}

async fn ten_thousand_messages_arrive_once_each(cx: Context) {
    let mut consumer = cx.consume(&cx.shared, 500).await;
    let publish = cx.publish(&cx.shared, 0..10_000);
    let (ids, ()) = tokio::join!(next_ids(&mut consumer, 10_000), publish);
    assert_eq!(BTreeSet::from_iter(ids).len(), 10_000);
    assert_quiet(&mut consumer).await;
}

async fn many_publishers_and_consumers_lose_nothing(cx: Context) {
    const TOTAL: usize = 4000;
    let (seen, mut arrived) = tokio::sync::mpsc::channel(TOTAL);
    let mut consumers = Vec::new();
    for _ in 0..4 {
        let mut consumer = cx.consume(&cx.shared, 20).await;
        let seen = seen.clone();
        consumers.push(tokio::spawn(async move {
            while let Some(delivery) = consumer.next().await {
                let id: u32 = delivery.message.id.parse().unwrap();
                // Every seventh is handed back once.
                if id.is_multiple_of(7) && !delivery.redelivered {
                    delivery.receipt.requeue();
                    continue;
                }
                delivery.receipt.acknowledge();
                seen.send(id).await.unwrap();
            }
        }));
    }
    join_all((0..8).map(|n| cx.publish(&cx.shared, n * 500..(n + 1) * 500))).await;
    let mut ids = BTreeSet::new();
    while ids.len() < TOTAL {
        let id = timeout(Duration::from_secs(20), arrived.recv()).await;
        ids.insert(
            id.unwrap_or_else(|_| panic!("only {} arrived", ids.len()))
                .unwrap(),
        );
    }
    consumers.iter().for_each(tokio::task::JoinHandle::abort);
}

async fn the_depth_counts_what_waits(cx: Context) {
    for topic in [&cx.shared, &cx.partition] {
        cx.publish(topic, 0..5).await;
        assert_eq!(cx.queue.depth(topic).await.unwrap(), Some(5));
        let mut consumer = cx.consume(topic, 2).await;
        let held = [next(&mut consumer).await, next(&mut consumer).await];
        assert_eq!(cx.queue.depth(topic).await.unwrap(), Some(3));
        drop(held);
    }
    assert_eq!(cx.queue.depth(&Topic::Changes).await.unwrap(), None);
}
