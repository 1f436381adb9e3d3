//! The description of the API, made from the handlers themselves.

use std::sync::LazyLock;

use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;

use crate::Config;

/// What is not said by a handler.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "flowmill",
        description = "Kestra's REST API as flowmill serves it. Every path below `/api/v1/` is also served below `/api/v1/main/`, \
                       and `/executions/{id}/actions/{action}` is `/executions/{id}/{action}`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    tags(
        (name = "flows", description = "Flows, their revisions and graphs."),
        (name = "executions", description = "Executions, their task runs and files."),
        (name = "logs", description = "What executions log."),
        (name = "metrics", description = "What tasks measure."),
        (name = "outputs", description = "What task runs and executions give."),
        (name = "expressions", description = "Trying out expressions."),
        (name = "namespaces", description = "Where flows are."),
        (name = "plugins", description = "Task types, their documentation and schemas."),
        (name = "instance", description = "The server itself."),
    ),
)]
struct Base;

/// The description as JSON, indented; always the same for the same program.
pub fn json() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let text = document()
            .to_pretty_json()
            .expect("the description is made of what JSON can say");
        format!("{text}\n")
    });
    &TEXT
}

fn document() -> Document {
    let (_, described) = crate::router::routes(&Config::default()).split_for_parts();
    let mut document = Base::openapi();
    document.merge(described);
    document
}
