//! `/flows`.

pub(crate) mod bulk;
mod create;
pub(crate) mod dependencies;
pub(crate) mod filter;
mod graph;
mod read;
mod search;
mod source;
mod switch;
mod validate;
mod violations;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Api;

pub(crate) use self::create::compiled_source;
pub(crate) use self::graph::drawn;
pub(crate) use self::read::{latest, of_revision};

pub(crate) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(create::create))
        .routes(routes!(search::search))
        .routes(routes!(source::search_source))
        .routes(routes!(search::distinct_namespaces))
        .routes(routes!(search::of_namespace, bulk::replace_namespace))
        .routes(routes!(bulk::save_many))
        .routes(routes!(read::get, create::update, create::delete))
        .routes(routes!(read::revisions, create::delete_revisions))
        .routes(routes!(read::task))
        .routes(routes!(validate::validate))
        .routes(routes!(validate::validate_task))
        .routes(routes!(validate::validate_trigger))
        .routes(routes!(graph::of_flow))
        .routes(routes!(graph::of_source))
        .routes(routes!(dependencies::dependencies))
        .routes(routes!(bulk::delete_by_ids))
        .routes(routes!(bulk::delete_by_query))
        .routes(routes!(switch::disable_by_ids))
        .routes(routes!(switch::disable_by_query))
        .routes(routes!(switch::enable_by_ids))
        .routes(routes!(switch::enable_by_query))
}
