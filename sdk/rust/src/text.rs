//! Text that crosses to the host: reasons and messages are at most 256 bytes of printable ASCII, and the SDK sees to it.

/// The most bytes that a reason, a message or a line of the log may have.
pub(crate) const MOST_BYTES: usize = 256;

/// The text with `?` for everything that is not printable ASCII, cut at [`MOST_BYTES`].
pub(crate) fn printable(text: String) -> String {
    let plain = text.len() <= MOST_BYTES && text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if plain {
        return text;
    }
    text.chars()
        .map(|character| match character {
            ' '..='~' => character,
            _ => '?',
        })
        .take(MOST_BYTES)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_left_as_it_is() {
        assert_eq!(printable("3 of 4 probes ~".into()), "3 of 4 probes ~");
    }

    #[test]
    fn what_is_not_printable_becomes_a_question_mark() {
        assert_eq!(printable("a\nb\u{e9}\u{7f}".into()), "a?b??");
    }

    #[test]
    fn long_text_is_cut_at_its_limit() {
        assert_eq!(printable("x".repeat(300)).len(), MOST_BYTES);
        assert_eq!(printable("\u{20ac}".repeat(300)), "?".repeat(MOST_BYTES));
        assert_eq!(printable("x".repeat(MOST_BYTES)).len(), MOST_BYTES);
    }
}
