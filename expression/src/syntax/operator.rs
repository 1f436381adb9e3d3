//! The operators and how tightly they bind.

use crate::Profile;

/// An operator as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Operator {
    Or,
    And,
    Is,
    IsNot,
    Contains,
    Equals,
    EqualsWord,
    NotEquals,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    Plus,
    Minus,
    Times,
    Divide,
    Modulo,
    Filter,
    Concat,
    Range,
    /// `??`
    Coalesce,
    /// `???`
    CoalesceUndefined,
    IsIn,
    Not,
}

/// Every operator: those that begin with the same byte side by side, longer texts before their beginnings.
const OPERATORS: [(&str, Operator); 24] = [
    ("contains", Operator::Contains),
    ("equals", Operator::EqualsWord),
    ("is not", Operator::IsNot),
    ("isIn", Operator::IsIn),
    ("is", Operator::Is),
    ("and", Operator::And),
    ("not", Operator::Not),
    ("or", Operator::Or),
    ("???", Operator::CoalesceUndefined),
    ("??", Operator::Coalesce),
    ("..", Operator::Range),
    ("==", Operator::Equals),
    ("!=", Operator::NotEquals),
    (">=", Operator::GreaterOrEqual),
    (">", Operator::Greater),
    ("<=", Operator::LessOrEqual),
    ("<", Operator::Less),
    ("+", Operator::Plus),
    ("-", Operator::Minus),
    ("*", Operator::Times),
    ("/", Operator::Divide),
    ("%", Operator::Modulo),
    ("|", Operator::Filter),
    ("~", Operator::Concat),
];

/// Where the operators that begin with a byte stand, from and to: nowhere for most bytes.
const BY_FIRST_BYTE: [(u8, u8); 256] = {
    let mut places = [(0, 0); 256];
    let mut index = 0;
    while index < OPERATORS.len() {
        let first = OPERATORS[index].0.as_bytes()[0] as usize;
        if places[first].1 == 0 {
            places[first].0 = index as u8;
        }
        places[first].1 = index as u8 + 1;
        index += 1;
    }
    places
};

/// How tightly the unary operators bind.
pub(crate) const UNARY_PRECEDENCE: u16 = 500;

impl Operator {
    /// The operator at the beginning of a text, and its length: the longest one, words only where they end.
    pub(super) fn starting(text: &str) -> Option<(Operator, usize)> {
        let bytes = text.as_bytes();
        let first = *bytes.first()?;
        let (from, to) = BY_FIRST_BYTE[usize::from(first)];
        let candidates = &OPERATORS[usize::from(from)..usize::from(to)];
        candidates.iter().find_map(|(word, operator)| {
            // shorter than a call that compares memory
            let begins = bytes.len() >= word.len()
                && word
                    .bytes()
                    .zip(bytes)
                    .all(|(wanted, found)| wanted == *found);
            if !begins {
                return None;
            }
            let goes_on = || {
                let next = text[word.len()..].chars().next();
                next.is_some_and(|unit| unit.is_alphanumeric() || unit == '_')
            };
            let is_word = first.is_ascii_alphabetic();
            (!is_word || !goes_on()).then_some((*operator, word.len()))
        })
    }

    pub(super) fn text(self) -> &'static str {
        OPERATORS
            .iter()
            .find(|(_, operator)| *operator == self)
            .map_or("", |(text, _)| text)
    }

    /// How tightly it binds as a binary operator; `None` for `not`.
    pub(super) fn precedence(self, profile: Profile) -> Option<u16> {
        Some(match self {
            Operator::Or => 10,
            Operator::And => 15,
            Operator::Is | Operator::IsNot | Operator::Contains => 20,
            Operator::Equals
            | Operator::EqualsWord
            | Operator::NotEquals
            | Operator::Greater
            | Operator::Less
            | Operator::GreaterOrEqual
            | Operator::LessOrEqual => 30,
            Operator::Coalesce | Operator::CoalesceUndefined | Operator::IsIn => match profile {
                Profile::Legacy => 120,
                Profile::V2 => 30,
            },
            Operator::Plus | Operator::Minus => 40,
            Operator::Times | Operator::Divide | Operator::Modulo => 60,
            Operator::Filter => 100,
            Operator::Concat => 110,
            Operator::Range => 120,
            Operator::Not => return None,
        })
    }

    /// The operator in front of its operand.
    pub(super) fn unary(self) -> Option<Unary> {
        match self {
            Operator::Not => Some(Unary::Not),
            Operator::Plus => Some(Unary::Plus),
            Operator::Minus => Some(Unary::Minus),
            _ => None,
        }
    }

    /// The operator between two expressions; `None` for those whose right side is a name.
    pub(super) fn binary(self) -> Option<Binary> {
        Some(match self {
            Operator::Or => Binary::Or,
            Operator::And => Binary::And,
            Operator::Contains => Binary::Contains,
            Operator::Equals | Operator::EqualsWord => Binary::Equal,
            Operator::NotEquals => Binary::NotEqual,
            Operator::Greater => Binary::Greater,
            Operator::Less => Binary::Less,
            Operator::GreaterOrEqual => Binary::GreaterOrEqual,
            Operator::LessOrEqual => Binary::LessOrEqual,
            Operator::Plus => Binary::Add,
            Operator::Minus => Binary::Subtract,
            Operator::Times => Binary::Multiply,
            Operator::Divide => Binary::Divide,
            Operator::Modulo => Binary::Remainder,
            Operator::Concat => Binary::Concat,
            Operator::Range => Binary::Range,
            Operator::Coalesce => Binary::Coalesce,
            Operator::CoalesceUndefined => Binary::CoalesceUndefined,
            Operator::IsIn => Binary::IsIn,
            Operator::Filter | Operator::Is | Operator::IsNot | Operator::Not => return None,
        })
    }
}

/// An operator in front of its operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unary {
    Not,
    Plus,
    Minus,
}

/// An operator between two expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binary {
    Or,
    And,
    Contains,
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Concat,
    Range,
    Coalesce,
    CoalesceUndefined,
    IsIn,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operator_is_found_by_its_first_byte() {
        for (word, operator) in OPERATORS {
            assert_eq!(Operator::starting(word), Some((operator, word.len())));
        }
    }

    #[test]
    fn words_are_operators_only_where_they_end() {
        assert_eq!(Operator::starting("not x"), Some((Operator::Not, 3)));
        assert_eq!(Operator::starting("nothing"), None);
        assert_eq!(Operator::starting("is not x"), Some((Operator::IsNot, 6)));
        assert_eq!(Operator::starting("is  not x"), Some((Operator::Is, 2)));
        assert_eq!(Operator::starting("isIn x"), Some((Operator::IsIn, 4)));
        assert_eq!(
            Operator::starting("??? x"),
            Some((Operator::CoalesceUndefined, 3))
        );
    }
}
