//! What differs between two locks, part by part: `plugin.detector.sha256`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use super::Lock;

/// Something that is not as it was locked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LockDifference {
    /// Which part, as in the lock: `plugin.detector.sha256`.
    pub part: String,
    /// In the lock; absent where it is new.
    pub locked: Option<String>,
    /// Now; absent where it is gone.
    pub found: Option<String>,
}

impl fmt::Display for LockDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = &self.part;
        match (&self.locked, &self.found) {
            (Some(locked), Some(found)) => write!(f, "{part}: locked {locked}, found {found}"),
            (Some(locked), None) => write!(f, "{part}: locked {locked}, found nothing"),
            (None, Some(found)) => write!(f, "{part}: not in the lock, found {found}"),
            (None, None) => f.write_str(part),
        }
    }
}

impl Lock {
    /// All that is other in `found`, by part.
    pub fn differences(&self, found: &Lock) -> Vec<LockDifference> {
        let (locked, found) = (self.parts(), found.parts());
        let names: BTreeSet<&String> = locked.keys().chain(found.keys()).collect();
        names
            .into_iter()
            .filter(|name| locked.get(*name) != found.get(*name))
            .map(|name| LockDifference {
                part: name.clone(),
                locked: locked.get(name).cloned(),
                found: found.get(name).cloned(),
            })
            .collect()
    }

    /// Every value by its place, `plugin.detector.sha256`; a list is one value.
    fn parts(&self) -> BTreeMap<String, String> {
        fn put(path: String, value: serde_json::Value, into: &mut BTreeMap<String, String>) {
            use serde_json::Value;
            match value {
                Value::Object(table) => {
                    for (key, value) in table {
                        let path = if path.is_empty() {
                            key
                        } else {
                            format!("{path}.{key}")
                        };
                        put(path, value, into);
                    }
                }
                Value::Null => {}
                // Of a plugin in its post and role; a model may be called so too.
                Value::String(text)
                    if path.ends_with(".config") && path.split('.').count() == 3 =>
                {
                    put_config(path, &text, into)
                }
                Value::String(text) => {
                    into.insert(path, text);
                }
                other => {
                    into.insert(path, other.to_string());
                }
            }
        }
        let mut parts = BTreeMap::new();
        // Strings, numbers, lists and maps with keys of text: JSON can say all of it.
        put(
            String::new(),
            serde_json::to_value(self).unwrap_or_default(),
            &mut parts,
        );
        parts
    }
}

/// Every value of a plugin's configuration by its place. Two that differ have other parts: a text is not its number, and a key with a dot is quoted.
fn put_config(path: String, text: &str, into: &mut BTreeMap<String, String>) {
    use serde_json::Value;
    fn put(path: String, value: &Value, into: &mut BTreeMap<String, String>) {
        let Value::Object(table) = value else {
            into.insert(path, value.to_string());
            return;
        };
        if table.is_empty() {
            into.insert(path, "{}".to_owned());
            return;
        }
        let bare = |key: &str| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            !key.is_empty() && key.bytes().all(plain)
        };
        for (key, value) in table {
            let path = match bare(key) {
                true => format!("{path}.{key}"),
                false => format!("{path}.{key:?}"),
            };
            put(path, value, into);
        }
    }
    match serde_json::from_str(text) {
        Ok(value) => put(path, &value, into),
        Err(_) => {
            into.insert(path, text.to_owned());
        }
    }
}
