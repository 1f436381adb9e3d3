//! What the tests of the compiler's parts share.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{Catalogue, Options, Placement, PropertyProblem, TaskType, compile};
use crate::flow::{Flow, Place};

/// Knows `t.Work`, older name `t.Old`, which takes anything.
pub(super) struct OneType;

impl Catalogue for OneType {
    fn resolve(&self, written: &str) -> Option<TaskType> {
        let known = matches!(written, "t.Work" | "t.Old");
        known.then_some(TaskType {
            name: "t.Work".into(),
            placement: Placement::Runnable(Place::Worker),
        })
    }

    fn property_names(&self, _: &str) -> Option<Vec<Cow<'static, str>>> {
        None
    }

    fn check(&self, _: &str, _: &Map<String, Value>) -> Vec<PropertyProblem> {
        Vec::new()
    }

    fn type_names(&self) -> Vec<Cow<'static, str>> {
        vec!["t.Work".into()]
    }
}

/// The flow `n.f` with this body.
pub(super) fn compiled(body: &str) -> Flow {
    let source = format!("id: f\nnamespace: n\n{body}");
    match compile(&source, &OneType, &Options::default()) {
        Ok(compiled) => compiled.flow,
        Err(found) => panic!("{}", crate::yaml::render_all(&found, None, &source)),
    }
}
