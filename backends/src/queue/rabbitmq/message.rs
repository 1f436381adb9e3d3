//! A message as RabbitMQ carries it.

use bytes::Bytes;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, LongString, ShortString};

use crate::queue::Message;

/// Where an id is kept that is too long for the property meant for it.
const LONG_ID: &str = "flowmill-message-id";

/// RabbitMQ's `delivery_mode`: in memory, or on disk.
const TRANSIENT: u8 = 1;
const PERSISTENT: u8 = 2;

pub(super) fn properties(
    message: &Message,
    mut headers: FieldTable,
    transient: bool,
) -> BasicProperties {
    let properties = BasicProperties::default().with_delivery_mode(if transient {
        TRANSIENT
    } else {
        PERSISTENT
    });
    let properties = match ShortString::try_new(message.id.clone()) {
        Ok(id) => properties.with_message_id(id),
        Err(_) => {
            headers.insert(
                LONG_ID.into(),
                AMQPValue::LongString(LongString::from(message.id.as_str())),
            );
            properties
        }
    };
    match headers.inner().is_empty() {
        true => properties,
        false => properties.with_headers(headers),
    }
}

/// Whatever RabbitMQ delivers is a message: one of another program may have no id and any body.
pub(super) fn read(properties: &BasicProperties, body: Vec<u8>) -> Message {
    let long_id = properties
        .headers()
        .as_ref()
        .and_then(|headers| headers.inner().get(LONG_ID));
    let id = match (properties.message_id(), long_id) {
        (_, Some(AMQPValue::LongString(id))) => id.to_string(),
        (Some(id), _) => id.to_string(),
        (None, _) => String::new(),
    };
    Message {
        id,
        body: Bytes::from(body),
    }
}
