//! The variables a text makes itself.

use std::sync::Arc;

use crate::Value;

/// Variables in nested scopes; the outermost is the host's root object, which is not kept here.
#[derive(Debug, Default)]
pub(crate) struct Scopes {
    variables: Vec<(Arc<str>, Value)>,
    frames: Vec<Frame>,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    /// Where its variables begin.
    start: usize,
    barrier: Barrier,
}

/// What a scope keeps from the scopes around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Barrier {
    /// Nothing: variables around are seen and can be set.
    None,
    /// Variables around are seen, but setting one makes a new one here.
    Writes,
    /// Variables around are not seen, not even the root.
    All,
}

/// Where a name was found.
pub(crate) enum Found<'a> {
    Here(&'a Value),
    /// Not here; the root may have it.
    AskRoot,
    /// Not here, and the root is hidden.
    Hidden,
}

impl Scopes {
    pub(crate) fn enter(&mut self, barrier: Barrier) {
        self.frames.push(Frame {
            start: self.variables.len(),
            barrier,
        });
    }

    pub(crate) fn leave(&mut self) {
        if let Some(frame) = self.frames.pop() {
            self.variables.truncate(frame.start);
        }
    }

    #[inline]
    pub(super) fn find(&self, name: &str) -> Found<'_> {
        if self.variables.is_empty() && self.frames.is_empty() {
            return Found::AskRoot;
        }
        let mut end = self.variables.len();
        for frame in self.frames.iter().rev() {
            if let Some((_, value)) = newest(&self.variables[frame.start..end], name) {
                return Found::Here(value);
            }
            if frame.barrier == Barrier::All {
                return Found::Hidden;
            }
            end = frame.start;
        }
        match newest(&self.variables[..end], name) {
            Some((_, value)) => Found::Here(value),
            None => Found::AskRoot,
        }
    }

    /// Sets the nearest variable of this name, or makes one in the innermost scope. If the root has the name, it is shadowed
    /// from the outermost scope on, so that the new value is still there when a loop is over.
    pub(crate) fn set(&mut self, name: &Arc<str>, value: Value, root_has: impl FnOnce() -> bool) {
        let barrier = self
            .frames
            .iter()
            .rposition(|frame| frame.barrier != Barrier::None);
        let reach = barrier.map_or(0, |index| self.frames[index].start);
        if let Some((_, old)) = self.variables[reach..]
            .iter_mut()
            .rev()
            .find(|(known, _)| known == name)
        {
            *old = value;
            return;
        }
        let hidden = barrier.is_some_and(|index| self.frames[index].barrier == Barrier::All);
        let first_above = barrier.map_or(0, |index| index + 1);
        if hidden || first_above >= self.frames.len() || !root_has() {
            self.variables.push((Arc::clone(name), value));
            return;
        }
        let end_of_outermost = self.frames[first_above].start;
        self.variables
            .insert(end_of_outermost, (Arc::clone(name), value));
        self.frames[first_above..]
            .iter_mut()
            .for_each(|frame| frame.start += 1);
    }

    /// Sets a variable of the innermost scope.
    pub(crate) fn set_here(&mut self, name: &Arc<str>, value: Value) {
        let start = self.frames.last().map_or(0, |frame| frame.start);
        match self.variables[start..]
            .iter_mut()
            .find(|(known, _)| known == name)
        {
            Some((_, old)) => *old = value,
            None => self.variables.push((Arc::clone(name), value)),
        }
    }

    /// The variables that are seen, outer ones first, and whether the root is seen too.
    pub(crate) fn visible(&self) -> (&[(Arc<str>, Value)], bool) {
        match self
            .frames
            .iter()
            .rev()
            .find(|frame| frame.barrier == Barrier::All)
        {
            Some(frame) => (&self.variables[frame.start..], false),
            None => (&self.variables, true),
        }
    }
}

fn newest<'a>(variables: &'a [(Arc<str>, Value)], name: &str) -> Option<&'a (Arc<str>, Value)> {
    variables.iter().rev().find(|(known, _)| **known == *name)
}
