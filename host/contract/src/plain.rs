//! Texts of strangers that are shown to people: nothing in them that a terminal obeys, that hides, or that turns what stands beside it; and no more
//! of them than somebody reads.

/// Most characters of one line of a stranger's text in a message.
const LINE: usize = 200;

/// Most lines of it.
const LINES: usize = 40;

/// Whether a character does nothing but show itself: no control character, none of Unicode's marks that turn the order of what follows, and
/// none that shows nothing. A new line is fine.
pub fn is_plain(character: char) -> bool {
    character == '\n'
        || !(character.is_control()
            || matches!(character,
                // What takes no room and joins no letters: soft hyphen, spaces of no width, invisible operators, byte order mark, tags.
                '\u{ad}' | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
                // What turns the order.
                | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}'
                // What ends a line for some and not for others.
                | '\u{2028}' | '\u{2029}'))
}

/// A text in which nothing but plain characters is left, of a length that can be read.
pub fn plain(text: &str) -> String {
    let mut shown = String::new();
    for (number, line) in text.trim_end().lines().enumerate() {
        if number > 0 {
            shown.push('\n');
        }
        if number == LINES {
            shown.push('…');
            break;
        }
        let mut characters = line.chars();
        shown.extend(
            characters
                .by_ref()
                .take(LINE)
                .map(|character| match is_plain(character) {
                    true => character,
                    false => '\u{fffd}',
                }),
        );
        if characters.next().is_some() {
            shown.push('…');
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_what_hides_and_what_turns_the_order_is_replaced() {
        for odd in [
            '\u{1b}',
            '\u{7}',
            '\r',
            '\u{9b}',
            '\u{85}',
            '\u{202e}',
            '\u{2066}',
            '\u{61c}',
            '\u{200b}',
            '\u{feff}',
            '\u{e0041}',
            '\u{2028}',
            '\u{ad}',
        ] {
            assert_eq!(
                plain(&format!("a{odd}b")),
                "a\u{fffd}b",
                "U+{:04X}",
                u32::from(odd)
            );
        }
        assert_eq!(plain("Zoë 山\nb\n"), "Zoë 山\nb");
    }

    #[test]
    fn a_text_is_cut_to_what_somebody_reads() {
        let shown = plain(&"x".repeat(1_000_000));
        assert_eq!(shown.chars().count(), LINE + 1);
        let shown = plain(&"x\n".repeat(1_000_000));
        assert_eq!(shown.lines().count(), LINES + 1);
        assert!(shown.ends_with("\n…"));
    }
}
