//! From tokens to a tree.

use std::sync::Arc;

use super::ast::{
    Arguments, Call, Expression, ExpressionKind, Macro, Node, Span, Step, StepKind, Tree,
};
use super::lexer::{Problem, tokenize};
use super::operator::{Binary, Operator, UNARY_PRECEDENCE};
use super::raw::{Extracted, extract};
use super::token::{Token, TokenKind};
use crate::error::{Error, Limit};
use crate::java::hash_order;
use crate::table::{self, Callable};
use crate::value::Map;
use crate::{Options, Profile, Value};

/// Reads a text.
pub(crate) fn parse(source: &Arc<str>, options: &Options) -> Result<Tree, Error> {
    let limits = &options.limits;
    if source.len() > limits.template_bytes.min(u32::MAX as usize) {
        let message = format!(
            "the text is larger than {} bytes (`limits.templateBytes`)",
            limits.template_bytes
        );
        return Err(Error::limit(Limit::TemplateBytes, message).at(source, 0, 0));
    }
    let extracted = extract(source);
    let located = |problem: Problem| {
        Error::syntax(problem.message).at(source, extracted.origin(problem.offset), problem.length)
    };
    let tokens = tokenize(&extracted.text).map_err(located)?;
    let mut parser = Parser {
        source,
        extracted: &extracted,
        tokens: &tokens,
        at: 0,
        depth: 0,
        nesting: limits.nesting,
        profile: options.profile,
        tree: Tree::default(),
    };
    let (nodes, end) = parser.body(&[])?;
    debug_assert!(end.is_none(), "only the end of the text ends it");
    let mut tree = parser.tree;
    tree.nodes = nodes;
    tree.raw = extracted.parts;
    Ok(tree)
}

struct Parser<'a> {
    source: &'a Arc<str>,
    extracted: &'a Extracted<'a>,
    tokens: &'a [Token<'a>],
    at: usize,
    depth: usize,
    nesting: usize,
    profile: Profile,
    tree: Tree,
}

/// What a tag does after its name was read.
enum Tag {
    Node(Node),
    /// Nothing is left of it where it stands.
    Nothing,
}

// === Tags ===

impl<'a> Parser<'a> {
    /// Reads up to one of the tags named in `ends`, whose name it consumes and gives; or to the end of the text.
    fn body(&mut self, ends: &[&'static str]) -> Result<(Vec<Node>, Option<&'static str>), Error> {
        let mut nodes = Vec::new();
        loop {
            match &self.peek().kind {
                TokenKind::End => return Ok((nodes, None)),
                TokenKind::Text(text) => {
                    let text = Arc::from(*text);
                    self.at += 1;
                    nodes.push(Node::Text(text));
                }
                TokenKind::PrintStart => {
                    self.at += 1;
                    let expression = self.expression()?;
                    self.expect(|kind| matches!(kind, TokenKind::PrintEnd), "PRINT_END")?;
                    nodes.push(Node::Print(expression));
                }
                TokenKind::TagStart => {
                    self.at += 1;
                    let TokenKind::Name(name) = self.peek().kind else {
                        return Err(self.problem("A block must start with a tag name."));
                    };
                    if let Some(end) = ends.iter().find(|end| **end == name) {
                        self.at += 1;
                        return Ok((nodes, Some(*end)));
                    }
                    match self.nested(|parser| parser.tag(name))? {
                        Tag::Node(node) => nodes.push(node),
                        Tag::Nothing => {}
                    }
                }
                _ => return Err(self.unexpected()),
            }
        }
    }

    fn tag(&mut self, name: &str) -> Result<Tag, Error> {
        let read = match name {
            "if" => Parser::if_tag,
            "for" => Parser::for_tag,
            "set" => Parser::set_tag,
            "macro" => Parser::macro_tag,
            "filter" => Parser::filter_tag,
            "block" => Parser::block_tag,
            _ => return Err(self.problem(&format!("Unexpected tag name \"{name}\""))),
        };
        self.at += 1;
        read(self)
    }

    fn if_tag(&mut self) -> Result<Tag, Error> {
        let mut branches = Vec::new();
        let mut condition = self.expression()?;
        self.tag_end()?;
        loop {
            let (body, end) = self.body(&["elseif", "else", "endif"])?;
            branches.push((condition, body));
            match end {
                Some("elseif") => {
                    condition = self.expression()?;
                    self.tag_end()?;
                }
                Some("else") => {
                    self.tag_end()?;
                    let (otherwise, end) = self.body(&["endif"])?;
                    self.closed(end, "endif")?;
                    return Ok(Tag::Node(Node::If {
                        branches,
                        otherwise,
                    }));
                }
                end => {
                    self.closed(end, "endif")?;
                    return Ok(Tag::Node(Node::If {
                        branches,
                        otherwise: Vec::new(),
                    }));
                }
            }
        }
    }

    fn for_tag(&mut self) -> Result<Tag, Error> {
        let name = self.new_variable()?;
        if !matches!(self.peek().kind, TokenKind::Name("in")) {
            return Err(self.unexpected_instead("NAME"));
        }
        self.at += 1;
        let iterable = self.expression()?;
        self.tag_end()?;
        let (body, end) = self.body(&["else", "endfor"])?;
        let (otherwise, end) = if end == Some("else") {
            self.tag_end()?;
            self.body(&["endfor"])?
        } else {
            (Vec::new(), end)
        };
        self.closed(end, "endfor")?;
        Ok(Tag::Node(Node::For {
            name,
            iterable,
            body,
            otherwise,
        }))
    }

    fn set_tag(&mut self) -> Result<Tag, Error> {
        let name = self.new_variable()?;
        self.punctuation(b'=')?;
        let value = self.expression()?;
        self.tag_end()?;
        Ok(Tag::Node(Node::Set { name, value }))
    }

    fn macro_tag(&mut self) -> Result<Tag, Error> {
        let offset = self.at;
        let name = self.name()?;
        self.punctuation(b'(')?;
        let mut parameters = Vec::new();
        while !self.take_punctuation(b')') {
            if !parameters.is_empty() {
                self.punctuation(b',')?;
            }
            let parameter = self.name()?;
            let default = if self.take_punctuation(b'=') {
                Some(self.expression()?)
            } else {
                None
            };
            parameters.push((parameter, default));
        }
        self.tag_end()?;
        let (body, end) = self.body(&["endmacro"])?;
        self.closed(end, "endmacro")?;
        if self.tree.macros.iter().any(|known| known.name == name) {
            self.at = offset;
            return Err(self.problem(&format!(
                "More than one macro can not share the same name: {name}"
            )));
        }
        self.tree.macros.push(Macro {
            name,
            parameters,
            body,
        });
        Ok(Tag::Nothing)
    }

    fn filter_tag(&mut self) -> Result<Tag, Error> {
        let mut calls = vec![self.call(table::filter)?];
        while matches!(self.peek().kind, TokenKind::Operator(Operator::Filter)) {
            self.at += 1;
            calls.push(self.call(table::filter)?);
        }
        self.tag_end()?;
        let (body, end) = self.body(&["endfilter"])?;
        self.closed(end, "endfilter")?;
        Ok(Tag::Node(Node::Filter { calls, body }))
    }

    fn block_tag(&mut self) -> Result<Tag, Error> {
        let start = self.at;
        let name: Arc<str> = match &self.peek().kind {
            TokenKind::Str(name) => Arc::from(&**name),
            TokenKind::Name(name) => Arc::from(*name),
            _ => return Err(self.unexpected_instead("NAME")),
        };
        self.at += 1;
        self.tag_end()?;
        let (body, end) = self.body(&["endblock"])?;
        if end.is_none() {
            let line = crate::Place::new(self.source, self.offset_of(start), 0).line;
            return Err(self.problem(&format!(
                "endblock tag should be present with block tag starting line number {line}"
            )));
        }
        if matches!(&self.peek().kind, TokenKind::Name(again) if **again == *name) {
            self.at += 1;
        }
        self.tag_end()?;
        let index = match self
            .tree
            .blocks
            .iter()
            .position(|(known, _)| *known == name)
        {
            Some(index) => {
                self.tree.blocks[index].1 = body;
                index
            }
            None => {
                self.tree.blocks.push((name, body));
                self.tree.blocks.len() - 1
            }
        };
        Ok(Tag::Node(Node::Block(index)))
    }

    /// A tag was closed by its end tag, which ends here.
    fn closed(&mut self, end: Option<&str>, wanted: &str) -> Result<(), Error> {
        if end.is_none() {
            let message =
                format!("Unexpected end of template. Pebble was looking for the \"{wanted}\" tag");
            return Err(self.problem(&message));
        }
        self.tag_end()
    }

    fn tag_end(&mut self) -> Result<(), Error> {
        self.expect(|kind| matches!(kind, TokenKind::TagEnd), "EXECUTE_END")
    }

    fn new_variable(&mut self) -> Result<Arc<str>, Error> {
        if let TokenKind::Name(name) = self.peek().kind
            && literal(name).is_some()
        {
            return Err(self.problem(&format!("Can not assign a value to {name}")));
        }
        self.name()
    }
}

// === Expressions ===

impl<'a> Parser<'a> {
    fn expression(&mut self) -> Result<Expression, Error> {
        let condition = self.binary(0)?;
        if !self.take_punctuation(b'?') {
            return Ok(condition);
        }
        self.nested(|parser| {
            let then = parser.expression()?;
            parser.punctuation(b':')?;
            let otherwise = parser.expression()?;
            let span = join(condition.span, otherwise.span);
            Ok(Expression {
                kind: ExpressionKind::Ternary(Box::new([condition, then, otherwise])),
                span,
            })
        })
    }

    /// Reads an operand and the operators behind it that bind at least as tightly as `precedence`.
    fn binary(&mut self, precedence: u16) -> Result<Expression, Error> {
        self.nested(|parser| {
            let first = parser.operand()?;
            let mut steps = Vec::new();
            while let TokenKind::Operator(operator) = parser.peek().kind {
                match operator.precedence(parser.profile) {
                    Some(binds) if binds >= precedence => {
                        parser.step(operator, binds, &mut steps)?
                    }
                    _ => break,
                }
            }
            Ok(chain(first, steps))
        })
    }

    fn step(
        &mut self,
        operator: Operator,
        precedence: u16,
        steps: &mut Vec<Step>,
    ) -> Result<(), Error> {
        let span = self.span();
        self.at += 1;
        let kind = match operator {
            Operator::Filter => {
                let call = self.call(table::filter)?;
                steps.push(Step {
                    span: call.span,
                    kind: StepKind::Filter(call),
                });
                return Ok(());
            }
            Operator::Is | Operator::IsNot => StepKind::Test {
                call: self.call(table::test)?,
                negated: operator == Operator::IsNot,
            },
            _ => {
                let right = self.binary(precedence + 1)?;
                match operator.binary() {
                    Some(Binary::Concat) => {
                        if let Some(Step {
                            kind: StepKind::Concat(parts),
                            ..
                        }) = steps.last_mut()
                        {
                            parts.push(right);
                            return Ok(());
                        }
                        StepKind::Concat(vec![right])
                    }
                    Some(binary) => StepKind::Binary(binary, right),
                    None => return Err(self.unexpected()),
                }
            }
        };
        steps.push(Step { kind, span });
        Ok(())
    }

    fn operand(&mut self) -> Result<Expression, Error> {
        let span = self.span();
        if let TokenKind::Operator(operator) = self.peek().kind {
            let Some(unary) = operator.unary() else {
                return Err(self.unexpected());
            };
            self.at += 1;
            let operand = self.binary(UNARY_PRECEDENCE)?;
            let span = join(span, operand.span);
            return Ok(Expression {
                kind: ExpressionKind::Unary(unary, Box::new(operand)),
                span,
            });
        }
        let (primary, may_go_on) = self.primary()?;
        if !may_go_on {
            return Ok(primary);
        }
        let mut steps = Vec::new();
        self.postfix(&mut steps)?;
        Ok(chain(primary, steps))
    }

    /// Reads a literal, a name, a call, a collection or a bracketed expression; and tells whether `.` or `[` may follow.
    fn primary(&mut self) -> Result<(Expression, bool), Error> {
        let token = self.peek();
        let span = self.span();
        let kind = match &token.kind {
            TokenKind::Number { digits, long } => self.number(digits, *long)?,
            TokenKind::Str(text) => ExpressionKind::Literal(Value::from(&**text)),
            TokenKind::QuoteStart => return Ok((self.interpolated()?, true)),
            TokenKind::Name(name) => match literal(name) {
                Some(value) => ExpressionKind::Literal(value),
                None if self
                    .tokens
                    .get(self.at + 1)
                    .is_some_and(|next| next.kind == TokenKind::Punctuation(b'(')) =>
                {
                    let call = self.call(table::function)?;
                    let span = join(span, self.last_span());
                    return Ok((
                        Expression {
                            kind: ExpressionKind::Function(call),
                            span,
                        },
                        true,
                    ));
                }
                None => ExpressionKind::Name(Arc::from(*name)),
            },
            TokenKind::Punctuation(b'(') => {
                self.at += 1;
                let inner = self.expression()?;
                self.punctuation(b')')?;
                return Ok((inner, true));
            }
            TokenKind::Punctuation(b'[') => return Ok((self.list()?, false)),
            TokenKind::Punctuation(b'{') => return Ok((self.map()?, false)),
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        Ok((Expression { kind, span }, true))
    }

    fn number(&self, digits: &str, long: bool) -> Result<ExpressionKind, Error> {
        let value = if digits.contains('.') && !long {
            digits.parse().ok().map(Value::Float)
        } else {
            digits.parse().ok().map(Value::Int)
        };
        value
            .map(ExpressionKind::Literal)
            .ok_or_else(|| self.problem(&format!("For input string: \"{digits}\"")))
    }

    fn interpolated(&mut self) -> Result<Expression, Error> {
        let start = self.span();
        self.at += 1;
        let mut parts = Vec::new();
        loop {
            match &self.peek().kind {
                TokenKind::Str(text) => {
                    let part = ExpressionKind::Literal(Value::from(&**text));
                    parts.push(Expression {
                        kind: part,
                        span: self.span(),
                    });
                    self.at += 1;
                }
                TokenKind::InterpolationStart => {
                    self.at += 1;
                    parts.push(self.expression()?);
                    self.expect(
                        |kind| matches!(kind, TokenKind::InterpolationEnd),
                        "STRING_INTERPOLATION_END",
                    )?;
                }
                TokenKind::QuoteEnd => {
                    let span = join(start, self.span());
                    self.at += 1;
                    return Ok(Expression {
                        kind: ExpressionKind::Interpolated(parts),
                        span,
                    });
                }
                _ => return Err(self.unexpected()),
            }
        }
    }

    fn list(&mut self) -> Result<Expression, Error> {
        let start = self.span();
        self.at += 1;
        let mut items = Vec::new();
        while !self.take_punctuation(b']') {
            if !items.is_empty() {
                self.punctuation(b',')?;
            }
            items.push(self.expression()?);
        }
        Ok(Expression {
            kind: ExpressionKind::List(items),
            span: join(start, self.last_span()),
        })
    }

    fn map(&mut self) -> Result<Expression, Error> {
        let start = self.span();
        self.at += 1;
        let mut entries = Vec::new();
        while !self.take_punctuation(b'}') {
            if !entries.is_empty() {
                self.punctuation(b',')?;
            }
            let key = self.expression()?;
            self.punctuation(b':')?;
            entries.push((key, self.expression()?));
        }
        Ok(Expression {
            kind: constant_map(&entries).unwrap_or(ExpressionKind::Map(entries)),
            span: join(start, self.last_span()),
        })
    }

    /// Reads the attributes, indexes and method calls behind an operand.
    fn postfix(&mut self, steps: &mut Vec<Step>) -> Result<(), Error> {
        loop {
            if self.take_punctuation(b'.') {
                let span = self.span();
                let name = self.name()?;
                let kind = if matches!(self.peek().kind, TokenKind::Punctuation(b'(')) {
                    let arguments = self.arguments()?;
                    if !arguments.named.is_empty() {
                        return Err(
                            self.problem("Can not use named arguments when calling a bean method")
                        );
                    }
                    StepKind::Method { name, arguments }
                } else {
                    StepKind::Attribute(name)
                };
                steps.push(Step { kind, span });
            } else if matches!(self.peek().kind, TokenKind::Punctuation(b'[')) {
                self.at += 1;
                let index = self.expression()?;
                self.punctuation(b']')?;
                let span = index.span;
                let kind = match &index.kind {
                    ExpressionKind::Literal(Value::Str(name)) => {
                        StepKind::Attribute(Arc::clone(name))
                    }
                    _ => StepKind::Index(index),
                };
                steps.push(Step { kind, span });
            } else {
                return Ok(());
            }
        }
    }

    /// Reads the name and the arguments of a filter, function or test.
    fn call<T: Callable>(
        &mut self,
        find: fn(&str, Profile) -> Option<&'static T>,
    ) -> Result<Call<T>, Error> {
        let span = self.span();
        let name = self.name()?;
        let arguments = match self.peek().kind {
            TokenKind::Punctuation(b'(') => self.arguments()?,
            _ => Arguments::default(),
        };
        let target = find(&name, self.profile);
        let slots = target.map_or_else(
            || Ok(Box::default()),
            |target| target.parameters().bind(&arguments),
        );
        Ok(Call {
            name,
            target,
            arguments,
            slots,
            span,
        })
    }

    fn arguments(&mut self) -> Result<Arguments, Error> {
        self.punctuation(b'(')?;
        let mut arguments = Arguments::default();
        let mut first = true;
        while !self.take_punctuation(b')') {
            if !first {
                self.punctuation(b',')?;
            }
            first = false;
            let named = self
                .tokens
                .get(self.at + 1)
                .is_some_and(|next| next.kind == TokenKind::Punctuation(b'='));
            match self.peek().kind {
                TokenKind::Name(name) if named => {
                    self.at += 2;
                    let value = self.expression()?;
                    arguments.named.push((Arc::from(name), value));
                }
                _ => {
                    let start = self.at;
                    let value = self.expression()?;
                    if !arguments.named.is_empty() {
                        self.at = start;
                        let message =
                            "Positional arguments must be declared before any named arguments.";
                        return Err(self.problem(message));
                    }
                    arguments.positional.push(value);
                }
            }
        }
        Ok(arguments)
    }
}

// === Tokens ===

impl<'a> Parser<'a> {
    fn peek(&self) -> &'a Token<'a> {
        // The last token is the end, and nothing reads beyond it.
        &self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    fn expect(&mut self, wanted: fn(&TokenKind<'_>) -> bool, type_name: &str) -> Result<(), Error> {
        if !wanted(&self.peek().kind) {
            return Err(self.unexpected_instead(type_name));
        }
        self.at += 1;
        Ok(())
    }

    fn name(&mut self) -> Result<Arc<str>, Error> {
        let TokenKind::Name(name) = self.peek().kind else {
            return Err(self.unexpected_instead("NAME"));
        };
        self.at += 1;
        Ok(Arc::from(name))
    }

    fn punctuation(&mut self, byte: u8) -> Result<(), Error> {
        if self.take_punctuation(byte) {
            Ok(())
        } else {
            Err(self.unexpected_instead("PUNCTUATION"))
        }
    }

    fn take_punctuation(&mut self, byte: u8) -> bool {
        let found = self.peek().kind == TokenKind::Punctuation(byte);
        self.at += usize::from(found);
        found
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        if self.depth >= self.nesting {
            let message = format!(
                "the expression nests deeper than {} (`limits.nesting`)",
                self.nesting
            );
            let span = self.span();
            return Err(Error::limit(Limit::Nesting, message).at(
                self.source,
                span.offset as usize,
                0,
            ));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    fn span(&self) -> Span {
        self.span_of(self.peek())
    }

    fn last_span(&self) -> Span {
        self.span_of(&self.tokens[self.at.saturating_sub(1)])
    }

    fn span_of(&self, token: &Token<'_>) -> Span {
        let offset = self.extracted.origin(token.offset);
        // Texts longer than 4 GiB are refused.
        Span {
            offset: u32::try_from(offset).unwrap_or(0),
            length: u32::try_from(token.length).unwrap_or(0),
        }
    }

    fn offset_of(&self, at: usize) -> usize {
        self.extracted.origin(self.tokens[at].offset)
    }

    fn unexpected(&self) -> Error {
        let kind = &self.peek().kind;
        self.problem(&format!(
            "Unexpected token \"{}\" of value \"{}\"",
            kind.type_name(),
            kind.value()
        ))
    }

    fn unexpected_instead(&self, wanted: &str) -> Error {
        let kind = &self.peek().kind;
        self.problem(&format!(
            "Unexpected token of value \"{}\" and type {}, expected token of type {wanted}",
            kind.value(),
            kind.type_name(),
        ))
    }

    fn problem(&self, message: &str) -> Error {
        let token = self.peek();
        Error::syntax(message).at(
            self.source,
            self.extracted.origin(token.offset),
            token.length,
        )
    }
}

/// An expression and the steps behind it; a chain goes on if the expression is one already.
fn chain(first: Expression, steps: Vec<Step>) -> Expression {
    let Some(last) = steps.last() else {
        return first;
    };
    let span = join(first.span, last.span);
    match first.kind {
        ExpressionKind::Chain(inner, mut inner_steps) => {
            inner_steps.extend(steps);
            Expression {
                kind: ExpressionKind::Chain(inner, inner_steps),
                span,
            }
        }
        _ => Expression {
            kind: ExpressionKind::Chain(Box::new(first), steps),
            span,
        },
    }
}

/// A map of texts to scalars, which is the same at every rendering and so is made only once.
fn constant_map(entries: &[(Expression, Expression)]) -> Option<ExpressionKind> {
    let pairs = entries.iter().map(|(key, value)| {
        let (ExpressionKind::Literal(key @ Value::Str(text)), ExpressionKind::Literal(value)) =
            (&key.kind, &value.kind)
        else {
            return None;
        };
        Some((Arc::clone(text), key.clone(), value.clone()))
    });
    let pairs = hash_order::order(
        pairs.collect::<Option<Vec<_>>>()?,
        hash_order::capacity_for(entries.len()),
    );
    Some(ExpressionKind::Literal(Value::Map(Map::with_keys(pairs))))
}

fn join(first: Span, last: Span) -> Span {
    let end = (last.offset + last.length).max(first.offset + first.length);
    Span {
        offset: first.offset,
        length: end - first.offset,
    }
}

/// The value of a name that is a literal.
fn literal(name: &str) -> Option<Value> {
    match name {
        "true" | "TRUE" => Some(Value::Bool(true)),
        "false" | "FALSE" => Some(Value::Bool(false)),
        "null" | "NULL" | "none" | "NONE" => Some(Value::Null),
        _ => None,
    }
}
