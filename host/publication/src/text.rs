//! Text that somebody typed, made safe to publish: a character that moves, hides or reverses other text stands there by its number.

use serde_json::Value;

/// Whether a character shows as nothing, or changes how others show.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// The text in one line, with everything unseen by its number: `a[U+202E]b`. Nothing is left out silently.
pub fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => cleaned.push(' '),
            c if is_unseen(c) => cleaned.push_str(&format!("[U+{:04X}]", u32::from(c))),
            c => cleaned.push(c),
        }
    }
    cleaned
}

/// The same for every string in a value.
pub(crate) fn clean_all(value: &mut Value) {
    match value {
        Value::String(text) => *text = clean(text),
        Value::Array(items) => items.iter_mut().for_each(clean_all),
        Value::Object(members) => members.values_mut().for_each(clean_all),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// 12120 → `12,120`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `28 January 2022, 11:30 UTC`.
pub fn moment(time: jiff::Timestamp) -> String {
    time.strftime("%-d %B %Y, %H:%M UTC").to_string()
}

/// `28 January 2022`.
pub fn day(time: jiff::Timestamp) -> String {
    time.strftime("%-d %B %Y").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reverses_or_hides_text_stands_there_by_its_number() {
        assert_eq!(
            clean("a\u{202e}b\u{0}\u{200b}c\n\td"),
            "a[U+202E]b[U+0000][U+200B]c  d"
        );
        assert_eq!(clean("Łódź, 雪, é"), "Łódź, 雪, é");
    }

    #[test]
    fn thousands_are_told_apart() {
        assert_eq!(
            [0, 999, 1_000, 3_147_436].map(grouped),
            ["0", "999", "1,000", "3,147,436"]
        );
    }
}
