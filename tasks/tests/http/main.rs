//! HTTP tasks against a server of this process.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

// the world is that of the other tests; not all of it is used here
#[allow(dead_code)]
#[path = "../scripts/world.rs"]
mod world;

mod download;
mod failures;
mod options;
mod request;
mod server;

use flowmill_tasks::{Catalogue, Output, TaskError};
use serde_json::{Value, json};

use self::world::World;

/// Runs `io.kestra.plugin.core.http.…`.
async fn run(world: &World, short_type: &str, properties: Value) -> Result<Output, TaskError> {
    let task_type = format!("io.kestra.plugin.core.http.{short_type}");
    let task = Catalogue::new()
        .task(&task_type, properties.as_object().unwrap())
        .unwrap();
    task.run(&world.context()).await
}

/// A world whose automatic retry does not wait, and where no proxy of this machine is between.
fn world() -> World {
    let mut world = World::new();
    world.config.http.retry_delay = std::time::Duration::ZERO;
    world
}

/// Asks for one address, with more properties.
async fn ask(world: &World, uri: &str, more: Value) -> Result<Value, TaskError> {
    let mut properties = json!({"uri": uri, "options": {"proxy": {"type": "DIRECT"}}});
    merge(&mut properties, more);
    run(world, "Request", properties)
        .await
        .map(|output| Value::Object(output.values))
}

fn merge(into: &mut Value, more: Value) {
    match (into, more) {
        (Value::Object(into), Value::Object(more)) => {
            for (name, value) in more {
                merge(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (into, more) => *into = more,
    }
}

fn message(result: Result<impl std::fmt::Debug, TaskError>) -> String {
    result.unwrap_err().to_string()
}
