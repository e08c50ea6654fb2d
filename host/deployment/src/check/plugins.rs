//! `[plugins.<role>]`: a file, grants, models, limits and the plugin's own configuration for each role.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use super::references::Names;
use super::{references, words};
use crate::files::NamedFile;
use crate::limits::{self, Limits};
use crate::plugin::{Plugin, Plugins, Post, Slot};
use crate::reader::{Notes, Table, Value, list};
use overt_contract::{Capability, Role};

pub(super) fn plugins(
    table: &Table<'_, '_>,
    names: &Names<'_>,
    files: &RefCell<Vec<NamedFile>>,
) -> Option<Plugins> {
    let notes = table.notes();
    let required = |role: Role| {
        let value = table.require(
            role.name(),
            &format!("a plugin for the role {role}"),
            &format!("[plugins.{role}]"),
        )?;
        plugin(value.table(notes)?, serving(role), names, files)
    };
    let detector = required(Role::Detector);
    let encoder = required(Role::Encoder);
    let quality = match table.find(Role::Quality.name()) {
        None => Some(None),
        Some(value) => value
            .table(notes)
            .and_then(|table| plugin(table, serving(Role::Quality), names, files))
            .map(Some),
    };
    let matcher_policy = required(Role::MatcherPolicy);
    let alert_router = required(Role::AlertRouter);
    table.finish();
    Some(Plugins {
        detector: detector?,
        encoder: encoder?,
        quality: quality?,
        matcher_policy: matcher_policy?,
        alert_router: alert_router?,
    })
}

fn serving(role: Role) -> Slot {
    Slot {
        role,
        post: Post::Serving,
    }
}

fn plugin(
    table: Table<'_, '_>,
    slot: Slot,
    names: &Names<'_>,
    files: &RefCell<Vec<NamedFile>>,
) -> Option<Plugin> {
    let Slot { role, post } = slot;
    let notes = table.notes();
    let what = "a plugin file";
    let file = table
        .require("file", what, "\"plugin.wasm\"")
        .and_then(|value| {
            words::existing_file(
                value,
                notes,
                what,
                "build the plugin and pack it with `overt plugin pack`, or correct the path",
                files,
            )
        });
    let sha256 = match table.find("sha256") {
        None => Some(None),
        Some(value) => digest(value, notes).map(Some),
    };
    let grants = table
        .find("grants")
        .map_or(Some(BTreeSet::new()), |value| grants(value, notes, role));
    let models = table.find("models").map_or(Some(BTreeMap::new()), |value| {
        models(value, notes, role, grants.as_ref(), files)
    });
    let limits = table
        .find("limits")
        .map_or(Some(Limits::default()), |value| {
            Some(limits(value.table(notes)?, role))
        });
    let config = table.find("config").map_or(Some("{}".to_owned()), |value| {
        references::config(value, notes, role, names)
    });
    // A calibration is of detector and encoder together, and that of the authority is of those that serve.
    let calibration = match (role, post) {
        (Role::Detector, Post::Fallback) => calibration(&table, files),
        _ => Some(None),
    };
    let every = match post {
        Post::Shadow if role.is_perception() => table.integer("every", limits::EVERY.range()),
        _ => None,
    };
    // Of a fallback or a shadow there is no other: its keys are unknown ones.
    let (fallback, shadow) = match post {
        Post::Serving => (
            fallback(&table, role, names, files),
            other(&table, role, Post::Shadow, names, files),
        ),
        Post::Fallback | Post::Shadow => (Some(None), Some(None)),
    };
    table.finish();
    Some(Plugin {
        role,
        post,
        file: file?,
        sha256: sha256?,
        grants: grants?,
        models: models?,
        limits: limits?,
        config: config?,
        calibration: calibration?,
        // Within its bounds, so it fits.
        every: every.unwrap_or(limits::EVERY.default) as u32,
        fallback: fallback?,
        shadow: shadow?,
    })
}

/// `calibration`: what the authority's score floor rests on while this plugin serves.
pub(super) fn calibration(
    table: &Table<'_, '_>,
    files: &RefCell<Vec<NamedFile>>,
) -> Option<Option<PathBuf>> {
    let Some(value) = table.find("calibration") else {
        return Some(None);
    };
    let file = words::existing_file(
        value,
        table.notes(),
        "a calibration file",
        "make it with `overt evaluate identification --calibration FILE`, or correct the path",
        files,
    );
    file.map(Some)
}

/// `fallback`, which an encoder cannot have: score floor and calibration belong to one encoder, and nobody has authorised the same floor for another.
fn fallback(
    table: &Table<'_, '_>,
    role: Role,
    names: &Names<'_>,
    files: &RefCell<Vec<NamedFile>>,
) -> Option<Option<Box<Plugin>>> {
    if role == Role::Encoder
        && let Some(value) = table.find("fallback")
    {
        value.complain_of(
            table.notes(),
            "an encoder without a fallback",
            "`fallback`",
            "take it out: the score floor and its calibration belong to one encoder; another comes by `overt plugin swap`, with its own",
        );
        return None;
    }
    other(table, role, Post::Fallback, names, files)
}

/// The fallback or the shadow of a plugin, where there is one.
fn other(
    table: &Table<'_, '_>,
    role: Role,
    post: Post,
    names: &Names<'_>,
    files: &RefCell<Vec<NamedFile>>,
) -> Option<Option<Box<Plugin>>> {
    let key = match post {
        Post::Shadow => "shadow",
        Post::Serving | Post::Fallback => "fallback",
    };
    let Some(value) = table.find(key) else {
        return Some(None);
    };
    let plugin = plugin(
        value.table(table.notes())?,
        Slot { role, post },
        names,
        files,
    )?;
    Some(Some(Box::new(plugin)))
}

fn digest(value: Value<'_>, notes: &Notes<'_>) -> Option<String> {
    const EXPECTED: &str = "a SHA-256 digest: 64 lower-case hexadecimal digits";
    let string = value.string(notes, EXPECTED)?;
    let fits = string.value.len() == 64
        && string
            .value
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if !fits {
        string.complain(
            notes,
            EXPECTED,
            "copy it from `overt plugin inspect` or `sha256sum`",
        );
        return None;
    }
    Some(string.value.to_owned())
}

fn grants(value: Value<'_>, notes: &Notes<'_>, role: Role) -> Option<BTreeSet<Capability>> {
    let words: Vec<_> = Capability::ALL
        .into_iter()
        .map(|capability| (capability.name(), capability))
        .collect();
    let allowed: Vec<_> = words
        .iter()
        .filter(|(_, capability)| capability.is_for(role))
        .map(|(word, _)| *word)
        .collect();
    let expected = format!(
        "a list of what the plugin may use: {}",
        list(allowed.iter().copied())
    );
    let mut grants = BTreeSet::new();
    let mut fine = true;
    for item in value.items(notes, &expected)? {
        let Some(capability) = words::word(item, notes, "a capability", &words) else {
            fine = false;
            continue;
        };
        if !capability.value.is_for(role) {
            let why = if role.is_perception() {
                "what sees faces writes no text: it could carry a template to disk"
            } else {
                "what decides never sees a pixel or runs a model"
            };
            capability.complain(
                notes,
                format!(
                    "a capability for the role {role}: {}",
                    list(allowed.iter().copied())
                ),
                format!("take it out; {why}"),
            );
            fine = false;
        }
        grants.insert(capability.value);
    }
    fine.then_some(grants)
}

fn models(
    value: Value<'_>,
    notes: &Notes<'_>,
    role: Role,
    grants: Option<&BTreeSet<Capability>>,
    files: &RefCell<Vec<NamedFile>>,
) -> Option<BTreeMap<String, PathBuf>> {
    let table = value.table(notes)?;
    let at = table.at();
    let entries: Vec<_> = table.entries().collect();
    if entries.len() > limits::MODELS {
        at.complain_of(
            notes,
            format!("at most {} models", limits::MODELS),
            entries.len().to_string(),
            "take models out",
        );
        return None;
    }
    if !entries.is_empty() && !role.is_perception() {
        at.complain_of(
            notes,
            format!("no models: the role {role} decides on numbers alone"),
            "models",
            "take them out",
        );
        return None;
    }
    if !entries.is_empty() && grants.is_some_and(|grants| !grants.contains(&Capability::Inference))
    {
        at.complain_of(
            notes,
            "models only for a plugin that may run them",
            "models, and no `inference` among the grants",
            "add `\"inference\"` to `grants`, or take the models out",
        );
    }
    let model = |(name, value): (crate::reader::At<&str>, Value<'_>)| {
        let file = words::existing_file(
            value,
            notes,
            "a model file",
            "run `overt models fetch`, or correct the path",
            files,
        )?;
        Some((name.value.to_owned(), file))
    };
    entries
        .into_iter()
        .map(model)
        .collect::<Vec<_>>()
        .into_iter()
        .collect()
}

fn limits(table: Table<'_, '_>, role: Role) -> Limits {
    let notes = table.notes();
    let default = Limits::default();
    let memory = table
        .integer("memory-mib", limits::MEMORY_MIB.range())
        .map_or(default.memory, |mib| mib << 20);
    let mut limits = Limits { memory, ..default };
    let (other, why) = if role.is_perception() {
        if let Some(milliseconds) = table.integer("deadline-ms", limits::DEADLINE_MS.range()) {
            limits.deadline = Duration::from_millis(milliseconds);
        }
        limits.tensors = table
            .integer("tensors-mib", limits::TENSORS_MIB.range())
            .map_or(limits.tensors, |mib| mib << 20);
        limits.model_memory = table
            .integer("model-memory-mib", limits::MODEL_MEMORY_MIB.range())
            .map_or(limits.model_memory, |mib| mib << 20);
        (
            ["fuel"].as_slice(),
            "a perception plugin is bounded by `deadline-ms`",
        )
    } else {
        limits.fuel = table
            .integer("fuel", limits::FUEL.range())
            .unwrap_or(limits.fuel);
        (
            ["deadline-ms", "tensors-mib", "model-memory-mib"].as_slice(),
            "a decision plugin is bounded by `fuel`, so that its answer never depends on the machine's haste",
        )
    };
    for key in other {
        if let Some(value) = table.find(key) {
            value.complain_of(
                notes,
                format!("a limit that binds the role {role}"),
                format!("`{key}`"),
                format!("take it out; {why}"),
            );
        }
    }
    table.finish();
    limits
}
