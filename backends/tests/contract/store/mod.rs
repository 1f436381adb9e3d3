mod cases;
mod embedded;
mod property;
#[cfg(feature = "redis")]
mod redis;
mod testing;

use std::sync::Arc;

use flowmill_backends::Store;

/// What a case works with: a store, and a space in it that nobody else uses.
pub(crate) struct Context {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) space: String,
}

/// Runs the whole contract against a store.
async fn hold(store: Arc<dyn Store>) {
    crate::suite::run(cases::CASES, |name| {
        let context = Context {
            store: store.clone(),
            space: name.to_owned(),
        };
        async { context }
    })
    .await;
    property::hold(store).await;
}
