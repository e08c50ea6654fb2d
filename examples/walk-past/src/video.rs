//! Plays the screenplay frame by frame into a file. Knows how the parts fit together, and none of them.

use std::path::{Path, PathBuf};

use opencv::core::{self, Mat, Size, Vec3b, Vector};
use opencv::prelude::*;
use opencv::videoio::{self, VideoWriter};

use crate::compose::{Figure, draw, figure};
use crate::cutout::{CutoutError, cut_out};
use crate::scene;
use crate::script::{FPS, FRAMES, HEIGHT, PASSES, Pass, WIDTH};
use crate::truth::truth;

/// JPEG quality of each frame, of 100: what a decent camera gives.
const QUALITY: i32 = 70;
/// Standard deviation of the camera's noise, of 255.
const NOISE: f64 = 1.0;
/// How much larger than a frame the sheet of noise is, in pixels.
const NOISE_ROOM: i32 = 61;

/// Why there is no video.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VideoError {
    #[error(transparent)]
    Cutout(#[from] CutoutError),
    #[error(transparent)]
    OpenCv(#[from] opencv::Error),
    #[error("the screenplay names {file}, of which nothing is known")]
    UnknownPhotograph { file: &'static str },
    #[error("{path}: {cause}")]
    Io {
        path: PathBuf,
        cause: std::io::Error,
    },
    #[error("{path}: OpenCV could not open it for writing")]
    NotOpened { path: PathBuf },
}

/// Makes the video and what is to be seen in it. Both appear under their names only when they are whole.
pub(crate) fn make(photographs: &Path, out: &Path) -> Result<(), VideoError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |cause| VideoError::Io { path, cause }
    };
    if let Some(folder) = out.parent() {
        std::fs::create_dir_all(folder).map_err(io(folder))?;
    }
    let figures = figures(photographs)?;
    let unfinished = out.with_extension("unfinished.avi");
    write(&figures, &unfinished)?;
    let list = out.with_extension("json");
    let text = serde_json::to_string(&truth()).map_err(|error| io(&list)(error.into()))?;
    std::fs::write(&list, text + "\n").map_err(io(&list))?;
    std::fs::rename(&unfinished, out).map_err(io(out))
}

fn figures(photographs: &Path) -> Result<Vec<(&'static Pass, Figure)>, VideoError> {
    // Those who are far are drawn first.
    let mut passes: Vec<&Pass> = PASSES.iter().collect();
    passes.sort_by_key(|pass| pass.lane);
    let make = |pass: &'static Pass| {
        let photograph = pass.photograph().ok_or(VideoError::UnknownPhotograph {
            file: pass.photograph,
        })?;
        let cutout = cut_out(photographs, photograph, pass.largest_face_width())?;
        Ok((pass, figure(&cutout, pass.gain, pass.blur, pass.speed)?))
    };
    passes.into_iter().map(make).collect()
}

fn write(figures: &[(&Pass, Figure)], path: &Path) -> Result<(), VideoError> {
    let mut writer = VideoWriter::new_with_backend(
        path,
        // OpenCV's own writer: the same bytes on every machine, and no codec to install.
        videoio::CAP_OPENCV_MJPEG,
        VideoWriter::fourcc('M', 'J', 'P', 'G')?,
        FPS,
        Size::new(WIDTH, HEIGHT),
        true,
    )?;
    if !writer.is_opened()? {
        return Err(VideoError::NotOpened {
            path: path.to_owned(),
        });
    }
    writer.set(videoio::VIDEOWRITER_PROP_QUALITY, f64::from(QUALITY))?;
    let concourse = scene::concourse()?;
    let noise = noise()?;
    for number in 0..FRAMES {
        let mut frame = concourse.clone();
        for (pass, figure) in figures {
            let place = pass
                .photograph()
                .and_then(|photograph| pass.place(photograph, number));
            if let Some(place) = place {
                draw(&mut frame, figure, place, pass.lane.hidden_below())?;
            }
        }
        writer.write(&with_noise(&frame, &noise, number)?)?;
    }
    writer.release()?;
    Ok(())
}

/// A sheet of noise, larger than a frame, so that every frame takes its noise from another place of it.
fn noise() -> opencv::Result<Mat> {
    core::set_rng_seed(1)?;
    let mut sheet =
        Mat::zeros(HEIGHT + NOISE_ROOM, WIDTH + NOISE_ROOM, core::CV_16SC3)?.to_mat()?;
    let (mean, deviation) = (
        Vector::from_slice(&[0.0; 3]),
        Vector::from_slice(&[NOISE; 3]),
    );
    core::randn(&mut sheet, &mean, &deviation)?;
    Ok(sheet)
}

fn with_noise(frame: &Mat, noise: &Mat, number: u32) -> opencv::Result<Mat> {
    // Steps that have no divisor in common with the room, so that the offsets repeat late.
    let step = |factor: u32| ((number * factor) % (NOISE_ROOM as u32)) as i32;
    let part = noise.roi(core::Rect::new(step(17), step(23), WIDTH, HEIGHT))?;
    let mut out = Mat::default();
    core::add(
        frame,
        &part,
        &mut out,
        &core::no_array(),
        Vec3b::opencv_type(),
    )?;
    Ok(out)
}
