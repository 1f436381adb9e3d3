//! Runs a list of named cases and says which of them failed.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;

/// A case may take so long before it counts as stuck.
const PATIENCE: Duration = Duration::from_secs(60);

/// One sentence of a contract, and what proves it.
pub(crate) struct Case<C> {
    pub(crate) name: &'static str,
    pub(crate) run: fn(C) -> BoxFuture<'static, ()>,
}

/// Makes a list of cases from the names of async functions.
macro_rules! cases {
    ($($case:ident),+ $(,)?) => {
        &[$(crate::suite::Case { name: stringify!($case), run: |context| Box::pin($case(context)) }),+]
    };
}
pub(crate) use cases;

/// Runs each case with a context of its own. `BACKENDS_CASE` picks those whose name contains it.
pub(crate) async fn run<C, F: Future<Output = C>>(
    cases: &[Case<C>],
    mut context: impl FnMut(&str) -> F,
) {
    let wanted = std::env::var("BACKENDS_CASE").unwrap_or_default();
    let mut failures = Vec::new();
    for case in cases.iter().filter(|case| case.name.contains(&wanted)) {
        let context = context(case.name).await;
        let run = AssertUnwindSafe((case.run)(context)).catch_unwind();
        match tokio::time::timeout(PATIENCE, run).await {
            Ok(Ok(())) => {}
            Ok(Err(panic)) => failures.push(format!("{}: {}", case.name, text_of(&*panic))),
            Err(_) => failures.push(format!("{}: stuck for {PATIENCE:?}", case.name)),
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {} cases failed:\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n")
    );
}

fn text_of(panic: &(dyn Any + Send)) -> &str {
    (panic.downcast_ref::<String>().map(String::as_str))
        .or(panic.downcast_ref::<&str>().copied())
        .unwrap_or("panicked")
}
