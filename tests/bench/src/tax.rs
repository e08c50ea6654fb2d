//! The plugin tax: one frame through the detector and the encoder as plugins, and through the same source, native. Same models, same
//! inference library, one thread.

use std::sync::Arc;

use detector_centerface::CenterFace;
use encoder_mobilefacenet::MobileFaceNet;
use overt_runtime::Role;
use overt_sdk::native::Workbench;
use overt_vision::{
    Budget, Channels, Element, Fit, Frame, FrameInfo, Layout, MODEL_MEMORY, Tensor, View,
    read_still,
};

use crate::pairs::{Effort, Pairs, each};
use crate::project::Project;
use crate::row::{Row, Target, Unit};
use crate::{Outcome, Scale};

/// The frame: photographs beside one another, [`COLUMNS`] × [`ROWS`] of them.
const TILE: (u32, u32) = (208, 180);
const COLUMNS: usize = 3;
const ROWS: usize = 2;
const PHOTOGRAPHS: [&str; COLUMNS * ROWS] = [
    "person-a-1.jpg",
    "person-b.jpg",
    "person-c.png",
    "person-d.jpg",
    "person-a-2.jpg",
    "person-a-3.jpg",
];

/// The row.
pub(crate) fn rows(project: &Project, scale: Scale) -> Outcome<Vec<Row>> {
    let detector = project.plugin("detector-centerface", Role::Detector, "{}")?;
    let encoder = project.plugin("encoder-mobilefacenet", Role::Encoder, "{}")?;
    let backend = &*project.backend;
    let (mut detecting, mut encoding) = (detector.sessions(backend)?, encoder.sessions(backend)?);
    let mut native = Workbench::new();
    for name in detector
        .models()
        .chain(encoder.models())
        .map(|(name, _)| name)
    {
        native = native.model(name, backend.load(&project.model(name)?, MODEL_MEMORY)?);
    }
    let frame = frame(project)?;

    let mut as_plugins = || -> Outcome<Tensor> {
        let faces = detector.detect(&frame, &mut detecting)?;
        Ok(encoder.encode(&frame, &faces, &mut encoding)?)
    };
    let natively = || -> Outcome<overt_sdk::Tensor> {
        let faces = native
            .detect::<CenterFace>(&frame)
            .map_err(|error| format!("{error:?}"))?;
        native
            .encode::<MobileFaceNet>(&frame, &faces)
            .map_err(|error| format!("{error:?}").into())
    };

    let (ours, theirs) = (as_plugins()?, natively()?);
    let (faces, values) = (theirs.shape()[0], ours.value_count() as u32);
    let theirs = theirs
        .read(0, values)
        .map_err(|error| format!("{error:?}"))?;
    if ours.read(0, values)? != theirs {
        return Err(
            "the plugins' templates differ from those of the same code run natively".into(),
        );
    }
    if faces < 4 {
        return Err(format!(
            "{faces} faces were found in the frame of {} photographs",
            PHOTOGRAPHS.len()
        )
        .into());
    }
    let pairs = Pairs::take(
        scale.effort(Effort::pairs(200)),
        || each(1, &mut as_plugins),
        || each(1, natively),
    )?;
    let name = format!(
        "plugin tax: a frame of {} × {}, {faces} faces",
        frame.width(),
        frame.height()
    );
    let row = Row::new(
        name,
        Unit::Milliseconds,
        "the plugins' code natively",
        &pairs,
    );
    Ok(vec![row.target(Target::RatioSurelyAtMost(1.05))])
}

/// The photographs, each shrunk into its tile.
fn frame(project: &Project) -> Outcome<Arc<Frame>> {
    let view = View {
        region: None,
        width: TILE.0,
        height: TILE.1,
        fit: Fit::Letterbox,
        multiple: 1,
        layout: Layout::Interleaved,
        element: Element::Uint8,
        channels: Channels::Bgr,
        mean: [0.0; 3],
        scale: [1.0; 3],
    };
    let row = TILE.0 as usize * 3;
    let mut pixels = vec![0; PHOTOGRAPHS.len() * row * TILE.1 as usize];
    for (number, name) in PHOTOGRAPHS.iter().enumerate() {
        let photograph = read_still(&project.photograph(name))?;
        let tile = photograph.tensor(&view, &Budget::unlimited())?.tensor;
        let bytes = tile.read_bytes(0, tile.value_count() as u32)?;
        for (line, bytes) in bytes.chunks_exact(row).enumerate() {
            let line = number / COLUMNS * TILE.1 as usize + line;
            let start = (line * COLUMNS + number % COLUMNS) * row;
            pixels[start..start + row].copy_from_slice(bytes);
        }
    }
    let info = FrameInfo {
        camera: "bench".into(),
        sequence: 0,
        captured_at: 0.0,
    };
    let (width, height) = (TILE.0 * COLUMNS as u32, TILE.1 * ROWS as u32);
    Ok(Arc::new(Frame::from_bgr(info, width, height, &pixels)?))
}
