//! `[[camera]]`: which cameras there are, and whether the authority allows them.

use std::cell::RefCell;

use super::words;
use crate::deployment::{Authority, Camera, CameraKind, Source, Zone};
use crate::files::NamedFile;
use crate::limits;
use crate::reader::{At, Table};

/// The largest side of a frame, pixels.
const FRAME_SIDE: u64 = 16_384;

pub(super) fn cameras(
    root: &Table<'_, '_>,
    authority: Option<&At<Authority>>,
    files: &RefCell<Vec<NamedFile>>,
) -> Option<Vec<Camera>> {
    let notes = root.notes();
    let tables = root.tables("camera");
    let most = authority.map_or(limits::CAMERAS.most, |authority| {
        authority.value.cameras.into()
    });
    let mut cameras = Vec::new();
    let mut ids = Vec::new();
    for (index, table) in tables.into_iter().enumerate() {
        let at = table.at();
        if index as u64 == most {
            at.complain_of(
                notes,
                format!("no more than {most}, as `authority.cameras` says"),
                format!("camera number {}", index + 1),
                "take the camera out, or have the authority extended",
            );
        }
        let (id, camera) = camera(table, authority, files);
        ids.extend(id);
        cameras.push(camera);
    }
    words::unique(notes, &ids.iter().collect::<Vec<_>>(), "camera id");
    cameras
        .into_iter()
        .collect::<Option<Vec<_>>>()
        .filter(|cameras| !cameras.is_empty())
}

/// The id also where the rest is wrong, so that a second camera of that id is found out.
fn camera(
    table: Table<'_, '_>,
    authority: Option<&At<Authority>>,
    files: &RefCell<Vec<NamedFile>>,
) -> (Option<At<String>>, Option<Camera>) {
    const KINDS: [(&str, CameraKind); 4] = [
        ("fixed", CameraKind::Fixed),
        ("vehicle", CameraKind::Vehicle),
        ("handheld", CameraKind::Handheld),
        ("body-worn", CameraKind::BodyWorn),
    ];
    let notes = table.notes();
    let id = words::required_name(&table, "id", "the camera's id", "gate");
    let what = "what the camera is mounted on";
    let kind = table
        .require("kind", what, "\"fixed\"")
        .and_then(|value| words::word(value, notes, what, &KINDS));
    if let (Some(kind), Some(authority)) = (&kind, authority)
        && kind.value == CameraKind::BodyWorn
        && !authority.value.body_worn
    {
        kind.complain(
            notes,
            "a fixed, vehicle or handheld camera: the authority does not allow body-worn ones",
            "take the camera out; or, if the authority says so in writing, add `body-worn = true` to `[authority]`",
        );
    }
    let owner = words::text(&table, "owner", "whose camera it is");
    let what = "a video file";
    let source = table
        .require("file", what, "\"video.avi\"")
        .and_then(|value| {
            words::existing_file(
                value,
                notes,
                what,
                "check the path; a relative one starts at the deployment file's folder",
                files,
            )
        });
    let zone = match table.find("zone").map(|value| value.table(notes)) {
        None => Some(None),
        Some(table) => table.and_then(zone).map(Some),
    };
    table.finish();
    let camera = (|| {
        Some(Camera {
            id: id.as_ref()?.value.clone(),
            kind: kind?.value,
            owner: owner?,
            source: Source::File(source?),
            zone: zone?,
        })
    })();
    (id, camera)
}

fn zone(table: Table<'_, '_>) -> Option<Zone> {
    let x = table.required_integer("x", 0..=FRAME_SIDE - 1);
    let y = table.required_integer("y", 0..=FRAME_SIDE - 1);
    let width = table.required_integer("width", 1..=FRAME_SIDE);
    let height = table.required_integer("height", 1..=FRAME_SIDE);
    table.finish();
    // Within their bounds, so all fit.
    Some(Zone {
        x: x? as u32,
        y: y? as u32,
        width: width? as u32,
        height: height? as u32,
    })
}
