//! `[[camera]]`: which cameras there are, and whether the authority allows them.

use std::cell::RefCell;

use super::words;
use crate::deployment::{Authority, Camera, CameraKind, Mode};
use crate::files::NamedFile;
use crate::limits;
use crate::reader::{self, At, Notes, Table, Value};
use crate::source::{AddressFault, RtspAddress, RtspSource, Source};
use crate::zone::{CORNERS, MOST_COORDINATE, Zone, ZoneFault};

/// What stands in a camera's place where photographs are searched.
const SEARCHES: [&str; 2] = ["retrospective", "operator"];

pub(super) fn cameras(
    root: &Table<'_, '_>,
    authority: Option<&At<Authority>>,
    files: &RefCell<Vec<NamedFile>>,
) -> Option<Vec<Camera>> {
    let notes = root.notes();
    // Whoever only searches photographs needs none.
    let is_live = authority.is_none_or(|authority| authority.value.modes.contains(&Mode::Live));
    let tables = match is_live {
        true => root.tables("camera"),
        false => root.optional_tables("camera"),
    };
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
        .filter(|cameras| !(is_live && cameras.is_empty()))
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
    if let Some(id) = id.as_ref().filter(|id| SEARCHES.contains(&&*id.value)) {
        id.complain(
            notes,
            format!(
                "an id other than {}: alerts of a search have those in a camera's place",
                SEARCHES.join(" and ")
            ),
            "give the camera another id",
        );
    }
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
    let source = source(&table, files);
    let zone = match table.find("zone") {
        None => Some(None),
        Some(value) => zone(value, notes).map(Some),
    };
    table.finish();
    let camera = (|| {
        Some(Camera {
            id: id.as_ref()?.value.clone(),
            kind: kind?.value,
            owner: owner?,
            source: source?,
            zone: zone?,
        })
    })();
    (id, camera)
}

/// `file`, or `source` with `credentials`: one camera has one source.
fn source(table: &Table<'_, '_>, files: &RefCell<Vec<NamedFile>>) -> Option<Source> {
    let notes = table.notes();
    let live = table.find("source");
    let credentials = table.find("credentials");
    if let (Some(_), Some(file)) = (&live, table.find("file")) {
        file.complain_of(
            notes,
            "one source: `file` or `source`",
            "both",
            "take one of them out; a second source is a second `[[camera]]`",
        );
        return None;
    }
    let Some(live) = live else {
        if let Some(credentials) = credentials {
            credentials.complain_of(
                notes,
                "`credentials` beside `source = \"rtsp://…\"` alone",
                "no such source",
                "take it out; a file needs none",
            );
        }
        let what =
            "a video file (`file`), or a live camera (`source = \"v4l2:0\"` or `\"rtsp://…\"`)";
        return words::existing_file(
            table.require("file", what, "\"video.avi\"")?,
            notes,
            "a video file",
            "check the path; a relative one starts at the deployment file's folder",
            files,
        )
        .map(Source::File);
    };
    const EXPECTED: &str =
        "`v4l2:` and a device's number, 0 to 255, or an address `rtsp://host:port/path`";
    let text = live.string(notes, EXPECTED)?;
    if let Some(number) = text.value.strip_prefix("v4l2:") {
        let number = number
            .parse::<u8>()
            .ok()
            .filter(|parsed| parsed.to_string() == number);
        if number.is_none() {
            text.complain(
                notes,
                EXPECTED,
                "`ls /dev/video*` lists the devices of this machine",
            );
        }
        if let Some(credentials) = credentials {
            credentials.complain_of(
                notes,
                "`credentials` beside `source = \"rtsp://…\"` alone",
                "a device",
                "take it out; a device needs none",
            );
        }
        return number.map(|number| Source::V4l2(number.into()));
    }
    let address = match RtspAddress::parse(text.value) {
        Ok(address) => Some(address),
        Err(AddressFault::Credentials) => {
            // What was found is not shown: it holds the password.
            text.complain_of(
                notes,
                AddressFault::Credentials.to_string(),
                "an address with an `@`",
                "write `user:password` into a file that only you can read, and name it: `credentials = \"gate.credentials\"`",
            );
            None
        }
        Err(AddressFault::Scheme) => {
            text.complain(notes, EXPECTED, "a video file is named with `file`");
            None
        }
        Err(fault) => {
            text.complain(
                notes,
                fault.to_string(),
                "write it like `rtsp://10.0.0.7:554/stream1`",
            );
            None
        }
    };
    let credentials = match credentials {
        None => None,
        Some(value) => Some(words::existing_file(
            value,
            notes,
            "a file with `user:password`",
            "make it, readable by you alone (`chmod 600`)",
            files,
        )?),
    };
    Some(Source::Rtsp(RtspSource {
        address: address?,
        credentials,
    }))
}

/// A polygon: a list of corners, each a list of two whole numbers.
fn zone(value: Value<'_>, notes: &Notes<'_>) -> Option<Zone> {
    const EXPECTED: &str = "the corners of a polygon, `[[x, y], [x, y], [x, y]]` or more, in whole pixels of the picture";
    let whole: At<()> = At {
        value: (),
        key: value.key.clone(),
        span: value.span.clone(),
    };
    let items = value.items(notes, EXPECTED)?;
    if !CORNERS.contains(&items.len()) {
        whole.complain_of(
            notes,
            ZoneFault::Corners.to_string(),
            items.len().to_string(),
            "draw it with as many corners as the place has, in order",
        );
        return None;
    }
    let corners: Vec<Option<[u32; 2]>> = items
        .into_iter()
        .map(|corner| {
            let at: At<()> = At {
                value: (),
                key: corner.key.clone(),
                span: corner.span.clone(),
            };
            let numbers = corner.items(notes, "a corner, `[x, y]`")?;
            if numbers.len() != 2 {
                at.complain_of(
                    notes,
                    "a corner, `[x, y]`",
                    format!("{} numbers", numbers.len()),
                    "write two whole numbers of pixels, from the picture's left and top edge",
                );
                return None;
            }
            let numbers: Vec<Option<u64>> = numbers
                .into_iter()
                .map(|number| reader::integer(number, notes, 0..=MOST_COORDINATE))
                .collect();
            // Within their bounds, so both fit.
            Some([numbers[0]? as u32, numbers[1]? as u32])
        })
        .collect();
    match Zone::new(corners.into_iter().collect::<Option<_>>()?) {
        Ok(zone) => Some(zone),
        Err(fault) => {
            whole.complain(
                notes,
                fault.to_string(),
                "name the corners in the order in which one walks round the zone",
            );
            None
        }
    }
}
