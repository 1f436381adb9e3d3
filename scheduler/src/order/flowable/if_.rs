//! `If`: the condition is rendered once, when the task run starts; the chosen branch runs in order.

use std::sync::Arc;

use flowmill_common::execution::Chosen;
use flowmill_common::{Task, TaskRunId};
use serde_json::{Value, json};

use super::set_outputs;
use crate::draft::Draft;
use crate::order::render::{self, Rendered};

pub(super) fn begin(draft: &mut Draft<'_>, id: &TaskRunId, condition: &Value) -> Rendered<()> {
    let rendered = match render::scalar(draft, Some(id), condition)? {
        Ok(rendered) => rendered,
        Err(message) => return Ok(Err(message)),
    };
    let holds = render::is_truthy(&rendered);
    set_outputs(draft, id, json!({"evaluationResult": holds}));
    if let Some(progress) = draft.progress_mut(&Some(id.clone())) {
        progress.chosen = Some(if holds { Chosen::Then } else { Chosen::Else });
    }
    Ok(Ok(()))
}

pub(super) fn branch<'t>(
    draft: &Draft<'_>,
    id: &TaskRunId,
    then: &'t [Arc<Task>],
    otherwise: &'t [Arc<Task>],
) -> &'t [Arc<Task>] {
    let chosen = draft
        .run(id)
        .and_then(|run| run.progress.as_ref()?.chosen.as_ref());
    if chosen == Some(&Chosen::Then) {
        then
    } else {
        otherwise
    }
}
