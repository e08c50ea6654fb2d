//! Small pieces of messages. It knows no mistake.

use std::ops::Range;

/// A part of the file that is short enough for a message.
pub(crate) fn excerpt(source: &str, span: &Range<usize>) -> String {
    const MOST: usize = 60;
    let text = source.get(span.clone()).unwrap_or_default().trim();
    let line = text.lines().next().unwrap_or_default();
    let mut shown: String = line.chars().take(MOST).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// The candidate that somebody most likely meant: at most a third of its letters differ.
pub(crate) fn nearest<'c>(
    word: &str,
    candidates: impl Iterator<Item = &'c str>,
) -> Option<&'c str> {
    let word = word.to_lowercase();
    candidates
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&word, &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, candidate)| *distance <= candidate.chars().count().div_ceil(3))
        .min()
        .map(|(_, candidate)| candidate)
}

/// `a`, `b`, `c`.
pub(crate) fn list<'c>(words: impl Iterator<Item = &'c str>) -> String {
    words
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The last name of a key's path.
pub(super) fn last(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}
