//! `[judgement]`: how long a person has for each judgement.

use std::time::Duration;

use crate::deployment::Judgement;
use crate::limits::{ADJUDICATE_SECONDS, Bound, ENGAGE_SECONDS, LOCATE_SECONDS};
use crate::reader::Table;

/// It may be absent: then the defaults hold.
pub(super) fn judgement(root: &Table<'_, '_>) -> Option<Judgement> {
    let table = match root.find("judgement") {
        None => None,
        Some(value) => Some(value.table(root.notes())?),
    };
    let seconds = |key, bound: Bound| {
        let found = table
            .as_ref()
            .and_then(|table| table.integer(key, bound.range()));
        Duration::from_secs(found.unwrap_or(bound.default))
    };
    let judgement = Judgement {
        adjudicate: seconds("adjudicate-seconds", ADJUDICATE_SECONDS),
        engage: seconds("engage-seconds", ENGAGE_SECONDS),
        locate: seconds("locate-seconds", LOCATE_SECONDS),
    };
    if let Some(table) = &table {
        table.finish();
    }
    Some(judgement)
}
