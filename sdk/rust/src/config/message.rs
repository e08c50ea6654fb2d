//! Turns what serde says of a value into facts: the key, what was expected, what was found. It reads serde's own wording, whose few
//! forms are documented with `serde::de::Error`; what it does not recognise it passes on as it is.

use super::ConfigError;

/// `path`: the key as `serde_path_to_error` gives it, `.` for the table itself. `said`: serde's message.
pub(super) fn understand(path: &str, said: &str) -> ConfigError {
    // serde_json appends the place in the JSON, which the reader of a deployment file never sees.
    let said = said.rfind(" at line ").map_or(said, |at| &said[..at]);
    let key = || match path {
        "." => "the table".to_owned(),
        path => path.to_owned(),
    };
    for start in ["invalid type: ", "invalid value: "] {
        if let Some((found, expected)) = said
            .strip_prefix(start)
            .and_then(|rest| rest.rsplit_once(", expected "))
        {
            return ConfigError::Unfit {
                key: key(),
                expected: in_plain_words(expected),
                found: as_written(found),
            };
        }
    }
    if let Some((found, expected)) = quoted(said, "unknown variant ") {
        return ConfigError::Unfit {
            key: key(),
            expected: expected.trim_start_matches("expected ").to_owned(),
            found: format!("`{found}`"),
        };
    }
    if let Some((name, expected)) = quoted(said, "unknown field ") {
        return ConfigError::Unknown {
            key: below(path, name),
            expected: expected.to_owned(),
        };
    }
    if let Some((name, _)) = quoted(said, "missing field ") {
        return ConfigError::Missing {
            key: below(path, name),
        };
    }
    ConfigError::Unusable {
        key: key(),
        reason: said.to_owned(),
    }
}

/// The name in backticks after `start`, and what follows it.
fn quoted<'a>(said: &'a str, start: &str) -> Option<(&'a str, &'a str)> {
    let (name, rest) = said
        .strip_prefix(start)?
        .strip_prefix('`')?
        .split_once('`')?;
    Some((name, rest.trim_start_matches(", ")))
}

/// A key below another. Some deserialisers already end the path with it.
fn below(path: &str, name: &str) -> String {
    match path {
        "." | "?" => name.to_owned(),
        path if path == name || path.ends_with(&format!(".{name}")) => path.to_owned(),
        path => format!("{}.{name}", path.trim_end_matches(".?")),
    }
}

/// What serde and Rust call a type, in the words of a deployment file.
fn in_plain_words(expected: &str) -> String {
    match expected {
        "f32" | "f64" => "a number".to_owned(),
        "u8" | "u16" | "u32" | "u64" | "usize" | "i8" | "i16" | "i32" | "i64" | "isize" => {
            "a whole number".to_owned()
        }
        "a boolean" => "true or false".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "a table".to_owned(),
        other if other.starts_with("struct ") => "a table".to_owned(),
        other => other.to_owned(),
    }
}

/// A value as it stands in the file: serde writes `string "high"`, ``integer `3` ``, `sequence`.
fn as_written(found: &str) -> String {
    match found {
        "sequence" => return "a list".to_owned(),
        "map" => return "a table".to_owned(),
        "null" | "unit value" | "Option value" => return "nothing".to_owned(),
        _ => {}
    }
    if let Some(text) = found.strip_prefix("string ") {
        return text.to_owned();
    }
    match found.split_once('`') {
        Some((_, value)) => value.trim_end_matches('`').to_owned(),
        None => found.to_owned(),
    }
}
