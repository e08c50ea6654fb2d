//! `[deployment]`, `[authority]`, `[[document]]` and `[notice]`: what takes place, when, within which limits, and what stands behind it.

use std::cell::RefCell;

use jiff::Timestamp;

use super::words;
use crate::deployment::{Authority, Document, DocumentKind, Mode, Notice};
use crate::files::NamedFile;
use crate::limits;
use crate::reader::{At, Table};

/// `[deployment]`.
pub(super) struct Identity {
    pub(super) id: String,
    pub(super) purpose: String,
    pub(super) place: String,
    pub(super) use_case: String,
    pub(super) start: At<Timestamp>,
    pub(super) end: At<Timestamp>,
}

pub(super) fn identity(table: Table<'_, '_>) -> Option<Identity> {
    let notes = table.notes();
    let id = words::required_name(&table, "id", "the deployment's id", "town-hall-2026-01-31");
    let purpose = words::text(&table, "purpose", "what the deployment is for");
    let place = words::text(&table, "place", "where it takes place");
    let use_case = words::required_name(&table, "use-case", "the use case", "crime-hotspot");
    let start = table.timestamp("start");
    let end = table.timestamp("end");
    if let (Some(start), Some(end)) = (&start, &end)
        && end.value <= start.value
    {
        end.complain(
            notes,
            format!("an end after the start, {}", start.value),
            "correct the start or the end",
        );
    }
    table.finish();
    Some(Identity {
        id: id?.value,
        purpose: purpose?,
        place: place?,
        use_case: use_case?.value,
        start: start?,
        end: end?,
    })
}

/// `[authority]`: the limits that the authority is asked for. Who gave it, and until when, the force's register says.
pub(super) fn authority(
    table: Table<'_, '_>,
    files: &RefCell<Vec<NamedFile>>,
) -> Option<At<Authority>> {
    let score_floor = table.required_number("score-floor", -1.0..=1.0, "0.45");
    let calibration = super::plugins::calibration(&table, files);
    let cameras = table
        .integer("cameras", limits::CAMERAS.range())
        .unwrap_or(limits::CAMERAS.default);
    let watchlist_size = table
        .integer("watchlist-size", limits::WATCHLIST_SIZE.range())
        .unwrap_or(limits::WATCHLIST_SIZE.default);
    let watchlist_age = table
        .integer("watchlist-age-hours", limits::WATCHLIST_AGE_HOURS.range())
        .unwrap_or(limits::WATCHLIST_AGE_HOURS.default);
    let body_worn = table.flag("body-worn");
    let modes = modes(&table);
    let at = table.at();
    table.finish();
    let authority = Authority {
        score_floor: score_floor? as f32,
        calibration: calibration?,
        // Within their bounds, so all fit.
        cameras: cameras as u32,
        watchlist_size: watchlist_size as u32,
        watchlist_age_hours: watchlist_age as u32,
        body_worn: body_worn?,
        modes: modes?,
    };
    Some(At {
        value: authority,
        key: at.key,
        span: at.span,
    })
}

/// `modes`; silent: live alone.
fn modes(table: &Table<'_, '_>) -> Option<Vec<Mode>> {
    match table.find("modes") {
        None => Some(vec![Mode::Live]),
        Some(value) => words::listed(value, table.notes(), "a mode", &MODES),
    }
}

/// The words for modes.
pub(super) const MODES: [(&str, Mode); 3] = [
    ("live", Mode::Live),
    ("retrospective", Mode::Retrospective),
    ("operator", Mode::Operator),
];

/// `[[document]]`, which may be absent.
pub(super) fn documents(
    root: &Table<'_, '_>,
    files: &RefCell<Vec<NamedFile>>,
) -> Option<Vec<Document>> {
    let notes = root.notes();
    let mut documents = Vec::new();
    let mut kinds = Vec::new();
    for table in root.optional_tables("document") {
        let what = "the kind of document";
        let kind = table
            .require("kind", what, "\"sop\"")
            .and_then(|value| words::word(value, notes, what, &DOCUMENTS));
        let version = words::text(&table, "version", "the document's version");
        let date = table.date("date");
        let file = table
            .require("file", "the document's file", "\"sop.pdf\"")
            .and_then(|value| {
                words::existing_file(
                    value,
                    notes,
                    "a document in force",
                    "correct the path, or put the document there",
                    files,
                )
            });
        table.finish();
        if let Some(kind) = &kind {
            kinds.push(kind.clone().map(|kind| kind.name().to_owned()));
        }
        documents.push((|| {
            Some(Document {
                kind: kind?.value,
                version: version?,
                date: date?,
                file: file?,
            })
        })());
    }
    words::unique(notes, &kinds.iter().collect::<Vec<_>>(), "kind of document");
    documents.into_iter().collect()
}

/// The words for kinds of documents.
pub(super) const DOCUMENTS: [(&str, DocumentKind); 5] = [
    ("sop", DocumentKind::Sop),
    ("policy", DocumentKind::Policy),
    ("legal-mandate", DocumentKind::LegalMandate),
    ("dpia", DocumentKind::Dpia),
    ("equality-assessment", DocumentKind::EqualityAssessment),
];

/// `[notice]`, which may be absent. The outer `None` is a mistake.
pub(super) fn notice(root: &Table<'_, '_>) -> Option<Option<Notice>> {
    let Some(value) = root.find("notice") else {
        return Some(None);
    };
    let table = value.table(root.notes())?;
    let place = words::text(&table, "where", "where the public is told");
    let since = table.timestamp("since");
    // No run needs it: whoever writes the notice is told where it is not there.
    let particulars = table
        .find("particulars")
        .map(|value| words::path(value, root.notes(), "the force's particulars"));
    table.finish();
    Some(Some(Notice {
        place: place?,
        since: since?.value,
        particulars: match particulars {
            Some(path) => Some(path?.value),
            None => None,
        },
    }))
}
