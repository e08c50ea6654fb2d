//! `[trust]`: who must have signed the plugins, and the keys by which that is checked.

use std::cell::RefCell;
use std::collections::BTreeMap;

use overt_contract::{PublicKey, Signer};

use super::words;
use crate::files::NamedFile;
use crate::limits;
use crate::reader::{At, Notes, Table, Value};
use crate::trust::{KeySource, Trust, TrustKey};

const SIGNERS: [(&str, Signer); 3] = [
    ("vendor", Signer::Vendor),
    ("evaluator", Signer::Evaluator),
    ("force", Signer::Force),
];

pub(super) fn trust(table: Table<'_, '_>, files: &RefCell<Vec<NamedFile>>) -> Option<Trust> {
    let notes = table.notes();
    if table.flag("unsigned")? {
        for key in ["require", "key"] {
            if let Some(value) = table.find(key) {
                value.complain_of(
                    notes,
                    "either `unsigned = true` or a rule over signatures",
                    "both",
                    "take `unsigned` out: the rule is the stronger",
                );
            }
        }
        table.finish();
        return Some(Trust::Unsigned);
    }
    let require = table.require(
        "require",
        "how many signatures each plugin needs, by whom",
        "{ vendor = 1, force = 1 }",
    );
    let at = require.as_ref().map(|value| At {
        value: (),
        key: value.key.clone(),
        span: value.span.clone(),
    });
    let require = require.and_then(|value| self::require(value.table(notes)?));
    let mut names = Vec::new();
    let keys: Option<Vec<TrustKey>> = table
        .tables("key")
        .into_iter()
        .enumerate()
        .map(|(index, table)| {
            if index == limits::KEYS {
                table.at().complain_of(
                    notes,
                    format!("at most {} keys", limits::KEYS),
                    format!("key number {}", index + 1),
                    "take out those that nothing is signed with any more",
                );
            }
            let (name, key) = key(table, files);
            names.extend(name);
            key
        })
        .collect::<Vec<_>>()
        .into_iter()
        .collect();
    words::unique(notes, &names.iter().collect::<Vec<_>>(), "key name");
    table.finish();
    let (require, keys) = (require?, keys?);
    if let Some(at) = at {
        enough(notes, &at, &require, &keys);
    }
    Some(Trust::Signed { require, keys })
}

/// `require`, a table of counts by signer.
fn require(table: Table<'_, '_>) -> Option<BTreeMap<Signer, u32>> {
    let mut require = BTreeMap::new();
    for (name, signer) in SIGNERS {
        if let Some(count) = table.integer(name, 1..=limits::KEYS as u64) {
            // Within its bounds, so it fits.
            require.insert(signer, count as u32);
        }
    }
    let at = table.at();
    table.finish();
    if require.is_empty() {
        at.complain_of(
            table.notes(),
            "at least one signature of a vendor, an evaluator or the force",
            "none",
            "write `{ force = 1 }`, say; or `unsigned = true` in its place, for development",
        );
        return None;
    }
    Some(require)
}

/// A rule that its keys can never meet is a mistake.
fn enough(notes: &Notes<'_>, at: &At<()>, require: &BTreeMap<Signer, u32>, keys: &[TrustKey]) {
    for (signer, needed) in require {
        let found = keys
            .iter()
            .filter(|key| key.signer == *signer && key.revoked.is_none())
            .count();
        if (found as u32) < *needed {
            at.complain_of(
                notes,
                format!("at least {needed} keys with `signer = \"{signer}\"` that are not revoked"),
                found.to_string(),
                "add the key under `[[trust.key]]`, or ask for fewer signatures",
            );
        }
    }
}

/// The name also where the rest is wrong, so that a second key of that name is found out.
fn key(
    table: Table<'_, '_>,
    files: &RefCell<Vec<NamedFile>>,
) -> (Option<At<String>>, Option<TrustKey>) {
    let notes = table.notes();
    let name = words::required_name(&table, "name", "the key's name", "acme-2026");
    let what = "on whose behalf it signs";
    let signer = table
        .require("signer", what, "\"vendor\"")
        .and_then(|value| words::word(value, notes, what, &SIGNERS));
    let source = source(&table, files);
    let expires = match table.find("expires") {
        None => Some(None),
        Some(_) => table.timestamp("expires").map(|at| Some(at.value)),
    };
    let revoked = match table.find("revoked") {
        None => Some(None),
        Some(_) => words::text(&table, "revoked", "why it was revoked").map(Some),
    };
    table.finish();
    let key = (|| {
        Some(TrustKey {
            name: name.as_ref()?.value.clone(),
            signer: signer?.value,
            source: source?,
            expires: expires?,
            revoked: revoked?,
        })
    })();
    (name, key)
}

/// `public-key` or `file`, exactly one.
fn source(table: &Table<'_, '_>, files: &RefCell<Vec<NamedFile>>) -> Option<KeySource> {
    let notes = table.notes();
    match (table.find("public-key"), table.find("file")) {
        (Some(text), None) => inline(text, notes).map(KeySource::Inline),
        (None, Some(path)) => words::existing_file(
            path,
            notes,
            "a public key's file",
            "make one with `overt key new`, get it from its owner, or correct the path",
            files,
        )
        .map(KeySource::File),
        (found, _) => {
            table.at().complain_of(
                notes,
                "the key: `public-key` or `file`",
                if found.is_some() { "both" } else { "neither" },
                "write `public-key = \"MCowBQYDK2VwAyEA…\"`, the line between the marks of the .pub file, or `file = \"NAME.pub\"`",
            );
            None
        }
    }
}

fn inline(value: Value<'_>, notes: &Notes<'_>) -> Option<PublicKey> {
    const EXPECTED: &str = "an Ed25519 public key: the line between the marks of its .pub file";
    let string = value.string(notes, EXPECTED)?;
    match PublicKey::parse(string.value) {
        Ok(key) => Some(key),
        Err(error) => {
            // Not the text itself: somebody may have pasted a secret.
            string.complain_of(notes, EXPECTED, error.found, "copy it from the .pub file");
            None
        }
    }
}
