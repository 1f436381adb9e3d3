//! Answers to actions on many things.

use serde::Serialize;
use utoipa::ToSchema;

/// How many were acted upon, under the names that 1.x (`count`) and 2.0 (`totalItems`) read.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BulkResponse)]
pub(crate) struct Bulk {
    count: usize,
    total_items: usize,
    /// Names the operation, which is done already.
    operation_id: String,
}

impl Bulk {
    pub(crate) fn of(count: usize) -> Self {
        Self {
            count,
            total_items: count,
            operation_id: uuid::Uuid::now_v7().simple().to_string(),
        }
    }
}

/// Why an action on many things was not done: these do not fit, so none was acted upon.
#[derive(Serialize, ToSchema)]
#[schema(as = BulkErrorResponse)]
pub(crate) struct BulkError {
    pub(crate) message: String,
    pub(crate) invalids: Vec<Invalid>,
}

/// One thing that does not fit, in the form that Java's validation gives.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BulkInvalid)]
pub(crate) struct Invalid {
    message: &'static str,
    invalid_value: String,
    root_bean: String,
    root_bean_class: &'static str,
    leaf_bean: String,
    property_path: [PropertyPath; 1],
    message_template: &'static str,
    #[schema(value_type = Vec<Object>)]
    executable_parameters: [(); 0],
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BulkPropertyPath)]
struct PropertyPath {
    name: &'static str,
    kind: &'static str,
    in_iterable: bool,
}

impl Invalid {
    /// An execution that does not fit.
    pub(crate) fn execution(id: &str, message: &'static str) -> Self {
        Self {
            message,
            invalid_value: id.to_owned(),
            root_bean: id.to_owned(),
            root_bean_class: "java.lang.String",
            leaf_bean: id.to_owned(),
            property_path: [PropertyPath {
                name: "execution",
                kind: "PROPERTY",
                in_iterable: false,
            }],
            message_template: "{messageTemplate}",
            executable_parameters: [],
        }
    }
}
