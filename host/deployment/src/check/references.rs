//! A plugin's own configuration: as the JSON that the plugin will read, and with the names in it held against the rest of the file.
//!
//! The host knows no plugin's keys. But in the configuration of a decision plugin, at any depth, the keys `camera`, `category` and `channel` (and their
//! plurals) name a camera, a category or a channel of this file: as a text, as a list of texts, or as the keys of a table. And a table of which one key is
//! a category is a table by category: its other keys are categories or `default`. So a misspelt desk or category is found here, and not when an alert
//! goes to another desk.

use serde_json::{Map, Number, Value as Json};
use toml::de::DeValue;

use crate::limits;
use crate::reader::{At, Notes, Value, list, nearest};
use overt_contract::Role;

/// The names that the file declares; absent where that part of the file could not be read.
pub(super) struct Names<'f> {
    pub(super) cameras: Option<Vec<&'f str>>,
    pub(super) categories: Option<Vec<&'f str>>,
    pub(super) channels: Option<Vec<&'f str>>,
}

/// What a reserved key names.
struct Kind<'f> {
    what: &'static str,
    names: &'f [&'f str],
}

impl Names<'_> {
    fn kind(&self, key: &str) -> Option<Kind<'_>> {
        let (what, names) = match key {
            "camera" | "cameras" => ("a camera", &self.cameras),
            "category" | "categories" => ("a category", &self.categories),
            "channel" | "channels" => ("a channel", &self.channels),
            _ => return None,
        };
        Some(Kind {
            what,
            names: names.as_deref()?,
        })
    }
}

/// `config` as JSON of at most 65,536 bytes.
pub(super) fn config(
    value: Value<'_>,
    notes: &Notes<'_>,
    role: Role,
    names: &Names<'_>,
) -> Option<String> {
    let whole = At {
        value: (),
        key: value.key.clone(),
        span: value.span.clone(),
    };
    let DeValue::Table(_) = value.value else {
        value.wrong_type(notes, &format!("a table, `[{}]`", value.key));
        return None;
    };
    if !role.is_perception() {
        references("", &value, notes, names);
    }
    let text = json(&value, notes)?.to_string();
    if text.len() > limits::CONFIG_BYTES {
        whole.complain_of(
            notes,
            format!(
                "at most {} bytes of configuration, as JSON",
                limits::CONFIG_BYTES
            ),
            format!("{} bytes", text.len()),
            "make it smaller: a plugin's data belongs in the plugin",
        );
        return None;
    }
    Some(text)
}

/// The value as JSON; every value that JSON cannot say is a mistake.
fn json(value: &Value<'_>, notes: &Notes<'_>) -> Option<Json> {
    let refused = |expected: &str| {
        value.wrong_type(notes, expected);
        None
    };
    match value.value {
        DeValue::String(text) => Some(Json::String(text.to_string())),
        DeValue::Boolean(flag) => Some(Json::Bool(*flag)),
        DeValue::Datetime(datetime) => Some(Json::String(datetime.to_string())),
        DeValue::Integer(integer) => match i64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(number) => Some(Json::Number(number.into())),
            Err(_) => refused("a whole number of 64 bits"),
        },
        DeValue::Float(float) => match float.as_str().parse().ok().and_then(Number::from_f64) {
            Some(number) => Some(Json::Number(number)),
            None => refused("a number that is finite"),
        },
        DeValue::Array(_) => {
            let items: Vec<_> = children(value)
                .iter()
                .map(|(_, item)| json(item, notes))
                .collect();
            items
                .into_iter()
                .collect::<Option<Vec<_>>>()
                .map(Json::Array)
        }
        DeValue::Table(_) => {
            let items: Vec<_> = children(value)
                .iter()
                .map(|(key, item)| Some((key.value.to_owned(), json(item, notes)?)))
                .collect();
            items
                .into_iter()
                .collect::<Option<Map<_, _>>>()
                .map(Json::Object)
        }
    }
}

/// Looks for names at any depth; `key` is the last name of the value's own key.
fn references(key: &str, value: &Value<'_>, notes: &Notes<'_>, names: &Names<'_>) {
    match value.value {
        DeValue::String(text) => {
            if let Some(kind) = names.kind(key) {
                let name = At {
                    value: text.as_ref(),
                    key: value.key.clone(),
                    span: value.span.clone(),
                };
                check(&name, notes, &kind);
            }
        }
        DeValue::Array(_) => {
            for (_, item) in children(value) {
                // A table in a list has keys of its own; only texts stand for names.
                let key = if let DeValue::String(_) = item.value {
                    key
                } else {
                    ""
                };
                references(key, &item, notes, names);
            }
        }
        DeValue::Table(_) => {
            let children = children(value);
            let by_category = names.kind("category").filter(|kind| {
                children
                    .iter()
                    .any(|(key, _)| kind.names.contains(&key.value))
            });
            if let Some(kind) = names.kind(key).or(by_category) {
                children
                    .iter()
                    .filter(|(key, _)| key.value != "default")
                    .for_each(|(key, _)| check(key, notes, &kind));
            }
            children
                .iter()
                .for_each(|(key, child)| references(key.value, child, notes, names));
        }
        _ => {}
    }
}

fn check(name: &At<&str>, notes: &Notes<'_>, kind: &Kind<'_>) {
    if kind.names.contains(&name.value) {
        return;
    }
    let mend = match nearest(name.value, kind.names.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "correct the name, or declare it".to_owned(),
    };
    name.complain(
        notes,
        format!(
            "{} of this file: {}",
            kind.what,
            list(kind.names.iter().copied())
        ),
        mend,
    );
}

/// The items of a table or a list; a list's items go by an empty name.
fn children<'r>(value: &Value<'r>) -> Vec<(At<&'r str>, Value<'r>)> {
    match value.value {
        DeValue::Table(table) => table
            .iter()
            .map(|(key, item)| {
                let path = format!("{}.{}", value.key, key.get_ref());
                let name = At {
                    value: key.get_ref().as_ref(),
                    key: path.clone(),
                    span: key.span(),
                };
                (
                    name,
                    At {
                        value: item.get_ref(),
                        key: path,
                        span: item.span(),
                    },
                )
            })
            .collect(),
        DeValue::Array(array) => array
            .iter()
            .enumerate()
            .map(|(index, item)| {
                let path = format!("{}[{index}]", value.key);
                (
                    At {
                        value: "",
                        key: path.clone(),
                        span: item.span(),
                    },
                    At {
                        value: item.get_ref(),
                        key: path,
                        span: item.span(),
                    },
                )
            })
            .collect(),
        _ => Vec::new(),
    }
}
