//! Where in a script something stands, and how to show it.

/// A place in a text; both count from 1, the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// The place of a byte offset, the end if it is beyond.
pub(crate) fn place_of(text: &str, offset: usize) -> Place {
    let before = &text[..floor_boundary(text, offset)];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    Place {
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
    }
}

/// The line of a place with a caret under it, a long line shortened around it.
pub(crate) fn excerpt(text: &str, place: Place) -> String {
    const BEFORE: usize = 60;
    const SHOWN: usize = 100;
    let line = text.lines().nth(place.line - 1).unwrap_or_default();
    let from = (place.column - 1).saturating_sub(BEFORE);
    let shown: String = line
        .chars()
        .skip(from)
        .take(SHOWN)
        .map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        })
        .collect();
    let ellipsis = if from > 0 { "..." } else { "" };
    let label = format!("LINE {}: {ellipsis}", place.line);
    let indent = " ".repeat(label.chars().count() + place.column - 1 - from);
    format!("{label}{shown}\n{indent}^")
}

fn floor_boundary(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters() {
        let text = "SELECT 1;\nSELECT 'é', x";
        let offset = text.find('x').unwrap();
        let place = place_of(text, offset);
        assert_eq!(
            place,
            Place {
                line: 2,
                column: 13
            }
        );
        assert_eq!(
            excerpt(text, place),
            "LINE 2: SELECT 'é', x\n                    ^"
        );
    }

    #[test]
    fn long_lines_are_shown_around_the_place() {
        let text = format!("{}x{}", "a".repeat(500), "b".repeat(500));
        let excerpt = excerpt(&text, place_of(&text, 500));
        let (line, caret) = excerpt.split_once('\n').unwrap();
        assert!(line.len() < 130, "{line}");
        assert_eq!(&line[caret.find('^').unwrap()..][..2], "xb");
    }

    #[test]
    fn a_place_beyond_the_text_is_its_end() {
        assert_eq!(place_of("ab", 99), Place { line: 1, column: 3 });
    }
}
