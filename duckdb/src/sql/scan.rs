//! Cuts SQL into the pieces that matter for splitting it: what is quoted or commented is one piece.

/// A piece of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// Byte offsets.
    pub(super) start: usize,
    pub(super) end: usize,
}

/// What a piece is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// White space or a comment.
    Blank,
    /// A string, quoted identifier or dollar-quoted text.
    Quoted,
    /// Letters, digits, `_`, and what is beyond ASCII.
    Word,
    /// One other character, or `::`.
    Symbol,
}

/// All pieces of the text, without gaps. A quote or comment that is never closed reaches to the end; the database will say so.
pub(super) fn tokens(sql: &str) -> Vec<Token> {
    let bytes = sql.as_bytes();
    let mut tokens = Vec::new();
    let mut start = 0;
    while start < bytes.len() {
        let (kind, end) = token_at(bytes, start);
        tokens.push(Token { kind, start, end });
        start = end;
    }
    tokens
}

fn token_at(bytes: &[u8], start: usize) -> (Kind, usize) {
    let rest = &bytes[start..];
    match rest[0] {
        b'\'' => (Kind::Quoted, start + quoted_length(rest, b'\'', false)),
        b'"' => (Kind::Quoted, start + quoted_length(rest, b'"', false)),
        b'e' | b'E' if rest.get(1) == Some(&b'\'') => (
            Kind::Quoted,
            start + 1 + quoted_length(&rest[1..], b'\'', true),
        ),
        b'-' if rest.starts_with(b"--") => (Kind::Blank, start + line_length(rest)),
        b'/' if rest.starts_with(b"/*") => (Kind::Blank, start + block_comment_length(rest)),
        b'$' => match dollar_quoted_length(rest) {
            Some(length) => (Kind::Quoted, start + length),
            None => (Kind::Symbol, start + 1),
        },
        b':' if rest.starts_with(b"::") => (Kind::Symbol, start + 2),
        byte if byte.is_ascii_whitespace() => (Kind::Blank, start + 1),
        byte if is_word(byte) => {
            let length = rest
                .iter()
                .position(|byte| !is_word(*byte))
                .unwrap_or(rest.len());
            (Kind::Word, start + length)
        }
        _ => (Kind::Symbol, start + 1),
    }
}

/// A quote is doubled, or with escapes preceded by a backslash, to stand for itself.
fn quoted_length(rest: &[u8], quote: u8, escapes: bool) -> usize {
    let mut at = 1;
    while at < rest.len() {
        let doubled = rest[at] == quote && rest.get(at + 1) == Some(&quote);
        if doubled || (escapes && rest[at] == b'\\') {
            at += 2;
        } else if rest[at] == quote {
            return at + 1;
        } else {
            at += 1;
        }
    }
    rest.len()
}

fn line_length(rest: &[u8]) -> usize {
    rest.iter()
        .position(|byte| *byte == b'\n')
        .map_or(rest.len(), |at| at + 1)
}

/// DuckDB nests block comments, as Postgres does.
fn block_comment_length(rest: &[u8]) -> usize {
    let (mut at, mut depth) = (2, 1);
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            (at, depth) = (at + 2, depth + 1);
        } else if rest[at..].starts_with(b"*/") {
            (at, depth) = (at + 2, depth - 1);
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// `$$…$$` or `$tag$…$tag$`; `None` if this is no opening tag (`$name` is a parameter).
fn dollar_quoted_length(rest: &[u8]) -> Option<usize> {
    let tag_length = 1 + rest[1..].iter().position(|byte| !is_word(*byte))?;
    if rest[tag_length] != b'$' || rest[1].is_ascii_digit() {
        return None;
    }
    let tag = &rest[..=tag_length];
    let body = &rest[tag.len()..];
    let closing = body.windows(tag.len()).position(|window| window == tag);
    Some(closing.map_or(rest.len(), |at| tag.len() + at + tag.len()))
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(sql: &str) -> Vec<&str> {
        let tokens = tokens(sql);
        assert_eq!(tokens.first().map_or(0, |token| token.start), 0);
        assert!(tokens.windows(2).all(|pair| pair[0].end == pair[1].start));
        tokens
            .iter()
            .map(|token| &sql[token.start..token.end])
            .collect()
    }

    #[test]
    fn quotes_and_comments_are_one_piece_each() {
        assert_eq!(
            pieces(r#"'it''s;' "a"";" E'\';' $$;$$ $t$;$$;$t$ -- ;"#),
            [
                "'it''s;'",
                " ",
                "\"a\"\";\"",
                " ",
                "E'\\';'",
                " ",
                "$$;$$",
                " ",
                "$t$;$$;$t$",
                " ",
                "-- ;"
            ]
        );
        assert_eq!(
            pieces("/* /* ; */ ; */a::b"),
            ["/* /* ; */ ; */", "a", "::", "b"]
        );
    }

    #[test]
    fn what_is_never_closed_reaches_to_the_end() {
        for sql in ["'a", "\"a", "/* a", "$$a", "$t$a$$", "E'\\"] {
            assert_eq!(pieces(sql), [sql]);
        }
    }

    #[test]
    fn a_dollar_name_is_no_quote() {
        assert_eq!(pieces("$a + $1"), ["$", "a", " ", "+", " ", "$", "1"]);
    }
}
