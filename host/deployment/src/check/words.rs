//! Names, texts, words of a closed list and paths: the kinds of strings that a deployment file holds. It knows none of its keys.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::files::NamedFile;
use crate::limits;
use crate::reader::{At, Notes, Table, Value, list, nearest};

/// 1 to 64 letters, digits and hyphens of ASCII: what is safe in a file name, a log line and a terminal.
pub(super) fn name(value: Value<'_>, notes: &Notes<'_>, what: &str) -> Option<At<String>> {
    let string = value.string(notes, what)?;
    let fits = (1..=limits::NAME_CHARACTERS).contains(&string.value.len())
        && string
            .value
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !fits {
        string.complain(
            notes,
            format!(
                "{what}: 1 to {} letters, digits and hyphens",
                limits::NAME_CHARACTERS
            ),
            "choose another name, without spaces, accents or other signs",
        );
        return None;
    }
    Some(string.to_owned())
}

pub(super) fn required_name(
    table: &Table<'_, '_>,
    key: &'static str,
    what: &str,
    example: &str,
) -> Option<At<String>> {
    name(
        table.require(key, what, &format!("\"{example}\""))?,
        table.notes(),
        what,
    )
}

/// One line of text for people, 1 to 1,024 bytes.
pub(super) fn text(table: &Table<'_, '_>, key: &'static str, what: &str) -> Option<String> {
    let string = table
        .require(key, what, "\"…\"")?
        .string(table.notes(), what)?;
    let fits = !string.value.trim().is_empty()
        && string.value.len() <= limits::TEXT_BYTES
        && !string.value.chars().any(char::is_control);
    if !fits {
        string.complain(
            table.notes(),
            format!("{what}: one line of 1 to {} bytes", limits::TEXT_BYTES),
            "write a line that says it to somebody who was not there",
        );
        return None;
    }
    Some(string.value.to_owned())
}

/// One word of a closed list.
pub(super) fn word<T: Copy>(
    value: Value<'_>,
    notes: &Notes<'_>,
    what: &str,
    words: &[(&'static str, T)],
) -> Option<At<T>> {
    let expected = format!("{what}: {}", list(words.iter().map(|(word, _)| *word)));
    let string = value.string(notes, &expected)?;
    let found = words.iter().find(|(word, _)| *word == string.value);
    if found.is_none() {
        let mend = match nearest(string.value, words.iter().map(|(word, _)| *word)) {
            Some(meant) => format!("did you mean `\"{meant}\"`?"),
            None => "choose one of them".to_owned(),
        };
        string.complain(notes, expected, mend);
    }
    found.map(|(_, value)| At {
        value: *value,
        key: string.key,
        span: string.span,
    })
}

/// A list of names, each once.
pub(super) fn names(
    items: Vec<Value<'_>>,
    notes: &Notes<'_>,
    what: &str,
    kind: &str,
) -> Option<Vec<String>> {
    let names: Vec<_> = items
        .into_iter()
        .map(|item| name(item, notes, what))
        .collect();
    let found: Vec<_> = names.iter().flatten().collect();
    unique(notes, &found, kind);
    names
        .into_iter()
        .map(|name| name.map(|name| name.value))
        .collect()
}

/// A list of at least one word of a closed list.
pub(super) fn listed<T: Copy>(
    value: Value<'_>,
    notes: &Notes<'_>,
    what: &str,
    words: &[(&'static str, T)],
) -> Option<Vec<T>> {
    let whole: At<()> = At {
        value: (),
        key: value.key.clone(),
        span: value.span.clone(),
    };
    let expected = format!("a list of {}", list(words.iter().map(|(word, _)| *word)));
    let items = value.items(notes, &expected)?;
    if items.is_empty() {
        whole.complain_of(notes, expected, "an empty list", "name at least one");
        return None;
    }
    let found: Vec<_> = items
        .into_iter()
        .map(|item| word(item, notes, what, words))
        .collect();
    found
        .into_iter()
        .map(|word| word.map(|word| word.value))
        .collect()
}

/// A path, resolved against the deployment file's folder.
pub(super) fn path(value: Value<'_>, notes: &Notes<'_>, what: &str) -> Option<At<PathBuf>> {
    let string = value.string(notes, what)?;
    if string.value.is_empty() || string.value.len() > 4_096 || string.value.contains('\0') {
        string.complain(
            notes,
            format!("{what}, a path"),
            "write a path; a relative one starts at the deployment file's folder",
        );
        return None;
    }
    Some(At {
        value: notes.text().resolve(string.value),
        key: string.key,
        span: string.span,
    })
}

/// The path of a file that has to be there when the deployment runs.
pub(super) fn existing_file(
    value: Value<'_>,
    notes: &Notes<'_>,
    what: &'static str,
    mend: &'static str,
    files: &RefCell<Vec<NamedFile>>,
) -> Option<PathBuf> {
    let At {
        value: path,
        key,
        span,
    } = path(value, notes, what)?;
    files.borrow_mut().push(NamedFile {
        path: path.clone(),
        what,
        mend,
        key,
        span,
    });
    Some(path)
}

/// Complains about every name that an earlier one has already.
pub(super) fn unique(notes: &Notes<'_>, names: &[&At<String>], what: &str) {
    let mut first: BTreeMap<&str, &str> = BTreeMap::new();
    for name in names {
        if let Some(earlier) = first.get(name.value.as_str()) {
            let found = format!("\"{}\", which is `{earlier}` already", name.value);
            name.complain_of(
                notes,
                format!("a {what} of its own"),
                found,
                "rename one of them, or take it out",
            );
        } else {
            first.insert(&name.value, &name.key);
        }
    }
}
