//! `[deployment]` and `[authority]`: what takes place, when, and who allowed how much of it.

use std::cell::RefCell;

use jiff::Timestamp;

use super::words;
use crate::deployment::Authority;
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

/// `[authority]`, and whether it covers the time of the deployment.
pub(super) fn authority(
    table: Table<'_, '_>,
    identity: Option<&Identity>,
    files: &RefCell<Vec<NamedFile>>,
) -> Option<At<Authority>> {
    let notes = table.notes();
    let officer = words::text(&table, "officer", "who authorised the deployment");
    let rank = words::text(&table, "rank", "the authorising officer's rank");
    let reference = words::text(
        &table,
        "reference",
        "the reference of the written authority",
    );
    let when = table.timestamp("when");
    let until = table.timestamp("until");
    let score_floor = table.required_number("score-floor", -1.0..=1.0, "0.45");
    let calibration = super::plugins::calibration(&table, files);
    let cameras = table
        .integer("cameras", limits::CAMERAS.range())
        .unwrap_or(limits::CAMERAS.default);
    let watchlist_size = table
        .integer("watchlist-size", limits::WATCHLIST_SIZE.range())
        .unwrap_or(limits::WATCHLIST_SIZE.default);
    let body_worn = table.flag("body-worn");

    if let (Some(when), Some(until)) = (&when, &until)
        && until.value <= when.value
    {
        until.complain(
            notes,
            format!("a time after `authority.when`, {}", when.value),
            "correct the one or the other",
        );
    } else if let Some(identity) = identity {
        if let Some(when) = when
            .as_ref()
            .filter(|when| identity.start.value < when.value)
        {
            when.complain(
                notes,
                format!(
                    "an authority given by the deployment's start, {}",
                    identity.start.value
                ),
                "start the deployment later: nothing is authorised in hindsight",
            );
        }
        if let Some(until) = until
            .as_ref()
            .filter(|until| until.value < identity.end.value)
        {
            until.complain(
                notes,
                format!(
                    "an authority valid until the deployment's end, {}",
                    identity.end.value
                ),
                "end the deployment earlier, or have the authority extended",
            );
        }
    }
    let at = table.at();
    table.finish();
    let authority = Authority {
        officer: officer?,
        rank: rank?,
        reference: reference?,
        when: when?.value,
        until: until?.value,
        score_floor: score_floor? as f32,
        calibration: calibration?,
        // Within their bounds, so both fit.
        cameras: cameras as u32,
        watchlist_size: watchlist_size as u32,
        body_worn: body_worn?,
    };
    Some(At {
        value: authority,
        key: at.key,
        span: at.span,
    })
}
