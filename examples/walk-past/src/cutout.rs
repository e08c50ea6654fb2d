//! Cuts a person out of a photograph: the rough outline says where to look for the edge, and OpenCV's GrabCut finds it. Knows no video.

use std::path::{Path, PathBuf};

use opencv::core::{self, Mat, Point, Rect, Scalar, Size, Vec3b, Vec4b, Vector};
use opencv::imgproc;
use opencv::prelude::*;
use overt_vision::{StillError, read_still};

use crate::outlines::Photograph;

/// Width of the face at which the edge is looked for: fine enough for an edge that is blurred afterwards, and quick.
const EDGE_FACE_WIDTH: f64 = 80.0;
/// How far the true edge may lie from the rough outline, in widths of the face.
const OUTLINE_ERROR: f64 = 0.09;
/// Rounds of GrabCut; more change nothing that is seen.
const ROUNDS: i32 = 5;

/// A person without what was behind them.
pub(crate) struct Cutout {
    /// Blue, green, red (each times opacity ÷ 255) and opacity.
    pub(crate) pixels: Mat,
    /// The face in pixels of the cut-out: x, y, width, height.
    pub(crate) face: [f64; 4],
}

/// Why a photograph gave no cut-out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CutoutError {
    #[error("{0}; `scripts/setup` fetches the photographs")]
    Still(#[from] StillError),
    #[error(
        "{path}: has {found_width} × {found_height} pixels, and the face should lie at {face:?}"
    )]
    OtherPhotograph {
        path: PathBuf,
        found_width: i32,
        found_height: i32,
        face: [f64; 4],
    },
    #[error(transparent)]
    OpenCv(#[from] opencv::Error),
}

/// The person at a size at which the face is `face_width` pixels wide.
pub(crate) fn cut_out(
    folder: &Path,
    photograph: &Photograph,
    face_width: f64,
) -> Result<Cutout, CutoutError> {
    let path = folder.join(photograph.file);
    let still = read_still(&path)?;
    let (width, height) = (still.width() as i32, still.height() as i32);
    let picture = Mat::new_rows_cols_with_bytes::<Vec3b>(height, width, still.bgr())?;
    let crop = crop_of(photograph);
    let whole = Rect::new(0, 0, picture.cols(), picture.rows());
    if (crop & whole) != crop {
        let (found_width, found_height) = (picture.cols(), picture.rows());
        return Err(CutoutError::OtherPhotograph {
            path,
            found_width,
            found_height,
            face: photograph.face,
        });
    }
    let person = picture.roi(crop)?;
    let scale = face_width / photograph.face[2];
    let person = scaled(&person, scale)?;
    let small = scaled(&person, EDGE_FACE_WIDTH / face_width)?;
    let opacity = opacity(&small, photograph, crop)?;
    let mut fitted = Mat::default();
    imgproc::resize(
        &opacity,
        &mut fitted,
        person.size()?,
        0.0,
        0.0,
        imgproc::INTER_CUBIC,
    )?;
    let [x, y, width, height] = photograph.face;
    let (left, top) = (f64::from(crop.x), f64::from(crop.y));
    let face = [
        (x - left) * scale,
        (y - top) * scale,
        width * scale,
        height * scale,
    ];
    Ok(Cutout {
        pixels: with_opacity(&person, &fitted)?,
        face,
    })
}

/// The part of the photograph that the outline reaches, with room for its error, as far as the photograph goes above and beside.
fn crop_of(photograph: &Photograph) -> Rect {
    let unit = photograph.face[2];
    let (x, y) = photograph.face_centre();
    let [left, up, right, down] = photograph.reach();
    let x0 = (x - (left + OUTLINE_ERROR) * unit).max(0.0).floor() as i32;
    let y0 = (y - (up + OUTLINE_ERROR) * unit).max(0.0).floor() as i32;
    let x1 = (x + right * unit).floor() as i32;
    let y1 = (y + down * unit).floor() as i32;
    Rect::new(x0, y0, x1 - x0, y1 - y0)
}

fn scaled(picture: &impl core::ToInputArray, scale: f64) -> opencv::Result<Mat> {
    let mut out = Mat::default();
    let how = if scale < 1.0 {
        imgproc::INTER_AREA
    } else {
        imgproc::INTER_CUBIC
    };
    imgproc::resize(picture, &mut out, Size::default(), scale, scale, how)?;
    Ok(out)
}

/// How much of each pixel is the person, 0 to 255.
fn opacity(small: &Mat, photograph: &Photograph, crop: Rect) -> opencv::Result<Mat> {
    let unit = EDGE_FACE_WIDTH / photograph.face[2];
    let (x, y) = photograph.face_centre();
    let centre = (
        (x - f64::from(crop.x)) * unit,
        (y - f64::from(crop.y)) * unit,
    );
    let mut outline = Vector::<Point>::new();
    for (right, down) in photograph.outline {
        let at = (
            centre.0 + right * EDGE_FACE_WIDTH,
            centre.1 + down * EDGE_FACE_WIDTH,
        );
        outline.push(Point::new(at.0.round() as i32, at.1.round() as i32));
    }
    let mut inside = Mat::zeros(small.rows(), small.cols(), core::CV_8UC1)?.to_mat()?;
    let outlines = Vector::<Vector<Point>>::from_iter([outline]);
    imgproc::fill_poly_def(&mut inside, &outlines, Scalar::all(255.0))?;

    let error = disc(OUTLINE_ERROR * EDGE_FACE_WIDTH)?;
    let (mut surely, mut perhaps) = (Mat::default(), Mat::default());
    // What the crop cuts off below belongs to the person, so the border must not eat into it.
    let border = imgproc::morphology_default_border_value()?;
    imgproc::morphology_ex(
        &inside,
        &mut surely,
        imgproc::MORPH_ERODE,
        &error,
        ANCHOR,
        1,
        core::BORDER_REPLICATE,
        border,
    )?;
    imgproc::morphology_ex(
        &inside,
        &mut perhaps,
        imgproc::MORPH_DILATE,
        &error,
        ANCHOR,
        1,
        core::BORDER_REPLICATE,
        border,
    )?;

    let background = f64::from(imgproc::GC_BGD);
    let mut mask = Mat::new_rows_cols_with_default(
        small.rows(),
        small.cols(),
        core::CV_8UC1,
        Scalar::all(background),
    )?;
    mask.set_to(&Scalar::all(f64::from(imgproc::GC_PR_BGD)), &perhaps)?;
    mask.set_to(&Scalar::all(f64::from(imgproc::GC_PR_FGD)), &inside)?;
    mask.set_to(&Scalar::all(f64::from(imgproc::GC_FGD)), &surely)?;
    // GrabCut draws on OpenCV's random numbers.
    core::set_rng_seed(0)?;
    let (mut behind, mut before) = (Mat::default(), Mat::default());
    let how = imgproc::GC_INIT_WITH_MASK;
    imgproc::grab_cut(
        small,
        &mut mask,
        Rect::default(),
        &mut behind,
        &mut before,
        ROUNDS,
        how,
    )?;

    let mut person = Mat::default();
    // Both kinds of foreground are odd numbers, both kinds of background even ones.
    core::bitwise_and(&mask, &Scalar::all(1.0), &mut person, &core::no_array())?;
    let mut person = (person * 255.0).into_result()?.to_mat()?;
    smooth(&mut person)?;
    Ok(person)
}

const ANCHOR: Point = Point { x: -1, y: -1 };

/// Closes pinholes, takes off the rim that is mixed with the background, and softens the edge.
fn smooth(person: &mut Mat) -> opencv::Result<()> {
    let border = imgproc::morphology_default_border_value()?;
    let (mut closed, mut rimless) = (Mat::default(), Mat::default());
    imgproc::morphology_ex(
        person,
        &mut closed,
        imgproc::MORPH_OPEN,
        &disc(2.0)?,
        ANCHOR,
        1,
        core::BORDER_REPLICATE,
        border,
    )?;
    imgproc::morphology_ex(
        &closed,
        &mut rimless,
        imgproc::MORPH_CLOSE,
        &disc(3.0)?,
        ANCHOR,
        1,
        core::BORDER_REPLICATE,
        border,
    )?;
    imgproc::morphology_ex(
        &rimless,
        &mut closed,
        imgproc::MORPH_ERODE,
        &disc(1.0)?,
        ANCHOR,
        1,
        core::BORDER_REPLICATE,
        border,
    )?;
    imgproc::gaussian_blur(
        &closed,
        person,
        Size::default(),
        1.3,
        1.3,
        core::BORDER_REPLICATE,
    )
}

fn disc(radius: f64) -> opencv::Result<Mat> {
    let side = 2 * radius.round() as i32 + 1;
    imgproc::get_structuring_element(imgproc::MORPH_ELLIPSE, Size::new(side, side), ANCHOR)
}

fn with_opacity(person: &Mat, opacity: &Mat) -> opencv::Result<Mat> {
    let mut out = Mat::new_rows_cols_with_default(
        person.rows(),
        person.cols(),
        core::CV_8UC4,
        Scalar::all(0.0),
    )?;
    for row in 0..person.rows() {
        let (colours, opacities) = (person.at_row::<Vec3b>(row)?, opacity.at_row::<u8>(row)?);
        for ((pixel, colour), opacity) in out
            .at_row_mut::<Vec4b>(row)?
            .iter_mut()
            .zip(colours)
            .zip(opacities)
        {
            // At most 255 × 255 ÷ 255, which fits a byte.
            let share = |colour: u8| ((u32::from(colour) * u32::from(*opacity) + 127) / 255) as u8;
            *pixel = Vec4b::from([
                share(colour[0]),
                share(colour[1]),
                share(colour[2]),
                *opacity,
            ]);
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::outlines::PHOTOGRAPHS;

    #[test]
    fn a_photograph_that_is_missing_or_another_one_is_an_error_that_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let photograph = &PHOTOGRAPHS[0];
        let missing = cut_out(folder.path(), photograph, 100.0)
            .err()
            .expect("an error");
        assert!(missing.to_string().contains("scripts/setup"), "{missing}");

        let grey = overt_vision::encode_jpeg(&[128; 3 * 64 * 64], 64, 64, 90).unwrap();
        std::fs::write(folder.path().join(photograph.file), grey).unwrap();
        let other = cut_out(folder.path(), photograph, 100.0)
            .err()
            .expect("an error");
        assert!(other.to_string().contains("has 64 × 64 pixels"), "{other}");
    }
}
