//! The tree of a text.

use std::sync::Arc;

use super::operator::{Binary, Unary};
use crate::Value;
use crate::table::{Filter, Function, Test};

/// A place in a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    /// Byte offset.
    pub(crate) offset: u32,
    /// Length in bytes.
    pub(crate) length: u32,
}

/// A whole text.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    pub(crate) nodes: Vec<Node>,
    pub(crate) macros: Vec<Macro>,
    /// The bodies of blocks by name; of equal names the last counts, everywhere.
    pub(crate) blocks: Vec<(Arc<str>, Vec<Node>)>,
    /// The bodies of raw parts, to be put back into the output.
    pub(crate) raw: Vec<Arc<str>>,
}

#[derive(Debug)]
pub(crate) struct Macro {
    pub(crate) name: Arc<str>,
    pub(crate) parameters: Vec<(Arc<str>, Option<Expression>)>,
    pub(crate) body: Vec<Node>,
}

#[derive(Debug)]
pub(crate) enum Node {
    Text(Arc<str>),
    Print(Expression),
    If {
        branches: Vec<(Expression, Vec<Node>)>,
        otherwise: Vec<Node>,
    },
    For {
        name: Arc<str>,
        iterable: Expression,
        body: Vec<Node>,
        otherwise: Vec<Node>,
    },
    Set {
        name: Arc<str>,
        value: Expression,
    },
    Filter {
        calls: Vec<Call<Filter>>,
        body: Vec<Node>,
    },
    /// The block with this index.
    Block(usize),
}

#[derive(Debug)]
pub(crate) struct Expression {
    pub(crate) kind: ExpressionKind,
    pub(crate) span: Span,
}

#[derive(Debug)]
pub(crate) enum ExpressionKind {
    Literal(Value),
    /// A string with interpolations; its parts are joined.
    Interpolated(Vec<Expression>),
    List(Vec<Expression>),
    Map(Vec<(Expression, Expression)>),
    /// A variable.
    Name(Arc<str>),
    Unary(Unary, Box<Expression>),
    Ternary(Box<[Expression; 3]>),
    Function(Call<Function>),
    /// Operators, filters, tests and attributes applied one after another, from left to right.
    Chain(Box<Expression>, Vec<Step>),
}

/// One step of a chain.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) kind: StepKind,
    pub(crate) span: Span,
}

#[derive(Debug)]
pub(crate) enum StepKind {
    /// `.name`, or `['name']`
    Attribute(Arc<str>),
    /// `.name(…)`
    Method {
        name: Arc<str>,
        arguments: Arguments,
    },
    /// `[…]`
    Index(Expression),
    /// `~ a ~ b`
    Concat(Vec<Expression>),
    Binary(Binary, Expression),
    Filter(Call<Filter>),
    Test {
        call: Call<Test>,
        negated: bool,
    },
}

/// Arguments as written.
#[derive(Debug, Default)]
pub(crate) struct Arguments {
    pub(crate) positional: Vec<Expression>,
    pub(crate) named: Vec<(Arc<str>, Expression)>,
}

impl Arguments {
    /// All arguments, positional ones first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Expression> {
        self.positional
            .iter()
            .chain(self.named.iter().map(|(_, argument)| argument))
    }
}

/// A filter, function or test with its arguments.
#[derive(Debug)]
pub(crate) struct Call<T: 'static> {
    pub(crate) name: Arc<str>,
    /// What the name stands for; `None` fails when the call is evaluated, not before.
    pub(crate) target: Option<&'static T>,
    pub(crate) arguments: Arguments,
    /// For each parameter the index of its argument (positional ones first), or why the arguments do not fit.
    pub(crate) slots: Result<Box<[Option<u16>]>, String>,
    pub(crate) span: Span,
}
