mod cases;
mod local;
#[cfg(feature = "s3")]
mod s3;

use std::sync::Arc;

use flowmill_backends::Files;

/// What a case works with: a file storage, and a folder in it that nobody else uses.
pub(crate) struct Context {
    pub(crate) files: Arc<dyn Files>,
    pub(crate) folder: String,
}

/// Runs the contract against a file storage.
async fn hold(files: Arc<dyn Files>) {
    crate::suite::run(cases::CASES, |name| {
        let context = Context {
            files: files.clone(),
            folder: name.to_owned(),
        };
        async { context }
    })
    .await;
}
