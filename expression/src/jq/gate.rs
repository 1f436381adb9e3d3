//! What a program must pass before jaq sees it.
//!
//! jaq parses and runs by recursion. Programs that nest out of all measure are refused, and every definition begins with a step,
//! so that one that calls itself for ever is stopped.

use jaq_core::load::Lexer;
use jaq_core::load::lex::{StrPart, Tok, Token};

/// Deepest nesting of brackets.
const MAX_DEPTH: usize = 60;
/// Most operators and keywords by which a program can nest without brackets.
const MAX_LINKS: usize = 600;
/// What every definition begins with: it counts a step, and passes its input on.
const STEP: &str = " (if _step then . else . end) | ";
/// The same for a definition with parameters that calls itself.
const CALL: &str = " (if _call then . else . end) | ";

/// A program that may be compiled.
pub(super) struct Gated {
    pub(super) code: String,
    /// Whether a definition with parameters calls itself: jaq then links the arguments of all calls into a chain, and needs
    /// the stack to drop it.
    pub(super) chains: bool,
}

/// Checks a program and puts a step into each of its definitions.
pub(super) fn prepare(program: &str) -> Result<Gated, String> {
    check_depth(program)?;
    let tokens = Lexer::new(program)
        .lex()
        .map_err(|_| "the jq program cannot be read".to_owned())?;
    let mut gate = Gate {
        program,
        links: 0,
        inserts: Vec::new(),
    };
    gate.tokens(&tokens)?;
    let mut code = String::with_capacity(program.len() + gate.inserts.len() * STEP.len());
    let mut copied = 0;
    gate.inserts.sort_unstable();
    let chains = gate.inserts.iter().any(|(_, step)| *step == CALL);
    for (at, step) in gate.inserts {
        code.push_str(&program[copied..at]);
        code.push_str(step);
        copied = at;
    }
    code.push_str(&program[copied..]);
    Ok(Gated { code, chains })
}

/// Counts brackets, those in strings too: nothing here may recurse.
fn check_depth(program: &str) -> Result<(), String> {
    let mut depth = 0_usize;
    for byte in program.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(format!(
                "the jq program nests deeper than the limit of {MAX_DEPTH}"
            ));
        }
    }
    Ok(())
}

struct Gate<'p> {
    program: &'p str,
    links: usize,
    inserts: Vec<(usize, &'static str)>,
}

impl<'p> Gate<'p> {
    fn tokens(&mut self, tokens: &[Token<&'p str>]) -> Result<(), String> {
        for (index, Token(text, kind)) in tokens.iter().enumerate() {
            match kind {
                Tok::Block(inner) => self.tokens(inner)?,
                Tok::Str(parts) => {
                    for part in parts {
                        if let StrPart::Term(term) = part {
                            self.tokens(std::slice::from_ref(term))?;
                        }
                    }
                }
                Tok::Word if matches!(*text, "import" | "include" | "module") => {
                    return Err(format!("`{text}` is not possible in a jq program"));
                }
                Tok::Word if *text == "def" => self.definition(&tokens[index + 1..]),
                Tok::Num | Tok::Var | Tok::Fmt => {}
                Tok::Word | Tok::Sym => {}
            }
            self.link(text)?;
        }
        Ok(())
    }

    fn link(&mut self, text: &str) -> Result<(), String> {
        let links = matches!(
            text,
            "|" | ","
                | "-"
                | "//"
                | "and"
                | "or"
                | "try"
                | "if"
                | "reduce"
                | "foreach"
                | "label"
                | "def"
                | "as"
                | "?"
        ) || text.ends_with('=')
            || matches!(
                text,
                "+" | "*" | "/" | "%" | "<" | ">" | "elif" | "else" | "catch"
            );
        self.links += usize::from(links);
        if self.links > MAX_LINKS {
            return Err(format!(
                "the jq program has more operators than the limit of {MAX_LINKS}"
            ));
        }
        Ok(())
    }

    /// Notes where the body of a definition begins: behind its name, its parameters and a colon.
    fn definition(&mut self, rest: &[Token<&'p str>]) {
        let colon = rest
            .iter()
            .take(3)
            .position(|Token(text, kind)| matches!(kind, Tok::Sym) && *text == ":");
        let (Some(colon), Some(Token(name, _))) = (colon, rest.first()) else {
            return;
        };
        let has_parameters = colon > 1;
        let step = if has_parameters && mentions(body(&rest[colon + 1..]), name) {
            CALL
        } else {
            STEP
        };
        let end = jaq_core::load::span(self.program, rest[colon].0).end;
        self.inserts.push((end, step));
    }
}

/// The tokens up to the semicolon that ends a definition.
fn body<'t, 'p>(tokens: &'t [Token<&'p str>]) -> &'t [Token<&'p str>] {
    let mut inner = 0_usize;
    let end = tokens.iter().position(|Token(text, kind)| {
        match (kind, *text) {
            (Tok::Word, "def") => inner += 1,
            (Tok::Sym, ";") if inner == 0 => return true,
            (Tok::Sym, ";") => inner -= 1,
            _ => {}
        }
        false
    });
    &tokens[..end.unwrap_or(tokens.len())]
}

/// Whether a name occurs among the tokens; their nesting is bounded by that of the brackets.
fn mentions(tokens: &[Token<&str>], name: &str) -> bool {
    tokens.iter().any(|Token(text, kind)| match kind {
        Tok::Word => *text == name,
        Tok::Block(inner) => mentions(inner, name),
        Tok::Str(parts) => parts.iter().any(|part| match part {
            StrPart::Term(term) => mentions(std::slice::from_ref(term), name),
            _ => false,
        }),
        _ => false,
    })
}
