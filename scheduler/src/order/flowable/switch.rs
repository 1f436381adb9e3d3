//! `Switch`: the case whose text is the rendered value, else the defaults; neither fails the task.

use std::sync::Arc;

use flowmill_common::execution::Chosen;
use flowmill_common::log::Level;
use flowmill_common::{Task, TaskRunId};
use indexmap::IndexMap;
use serde_json::{Value, json};

use super::set_outputs;
use crate::draft::Draft;
use crate::order::render::{self, Rendered};

pub(super) fn begin(
    draft: &mut Draft<'_>,
    id: &TaskRunId,
    value: &Value,
    cases: &IndexMap<String, Vec<Arc<Task>>>,
    defaults: &[Arc<Task>],
) -> Rendered<()> {
    let rendered = match render::scalar(draft, Some(id), value)? {
        Ok(rendered) => rendered,
        Err(message) => return Ok(Err(message)),
    };
    let found = cases.contains_key(&rendered);
    set_outputs(draft, id, json!({"value": rendered, "defaults": !found}));
    if !found && defaults.is_empty() {
        let task = draft
            .run(id)
            .map(|run| run.task_id.clone())
            .unwrap_or_default();
        let message = format!(
            "No task found on flow '{}', task '{task}', execution '{}'",
            draft.flow.full_id(),
            draft.header().id
        );
        draft.log(Some(id), Level::Warn, message.clone());
        return Ok(Err(format!(
            "{message}: no case for the value `{rendered}`, and no defaults"
        )));
    }
    if let Some(progress) = draft.progress_mut(&Some(id.clone())) {
        progress.chosen = Some(if found {
            Chosen::Case(rendered)
        } else {
            Chosen::Defaults
        });
    }
    Ok(Ok(()))
}

pub(super) fn branch<'t>(
    draft: &Draft<'_>,
    id: &TaskRunId,
    cases: &'t IndexMap<String, Vec<Arc<Task>>>,
    defaults: &'t [Arc<Task>],
) -> &'t [Arc<Task>] {
    let chosen = draft
        .run(id)
        .and_then(|run| run.progress.as_ref()?.chosen.as_ref());
    match chosen {
        Some(Chosen::Case(case)) => cases.get(case).map(Vec::as_slice).unwrap_or_default(),
        _ => defaults,
    }
}
