//! Puts a cut-out into a frame: its light, its focus, its movement, its place. Knows no screenplay.

use opencv::core::{self, Mat, Point, Scalar, Size, Vec3b, Vec4b};
use opencv::imgproc;
use opencv::prelude::*;

use crate::cutout::Cutout;
use crate::script::Place;

/// Room around a cut-out for what blur spreads, in pixels.
const MARGIN: i32 = 12;
/// How long the shutter is open, as a share of the time between two frames.
const SHUTTER: f64 = 0.4;

/// A cut-out in the light, focus and movement of one pass.
pub(crate) struct Figure {
    pixels: Mat,
    /// Centre and width of the face in `pixels`.
    face: Place,
}

/// Makes a figure of a cut-out. `gain` is brightness, `blur` a standard deviation in pixels, `speed` pixels a frame.
pub(crate) fn figure(cutout: &Cutout, gain: f64, blur: f64, speed: f64) -> opencv::Result<Figure> {
    let mut pixels = Mat::default();
    let nothing = Scalar::all(0.0);
    // None below: there the person goes on behind the barrier, and no blur may fade them.
    let pad = core::BORDER_CONSTANT;
    core::copy_make_border(
        &cutout.pixels,
        &mut pixels,
        MARGIN,
        0,
        MARGIN,
        MARGIN,
        pad,
        nothing,
    )?;
    for row in 0..pixels.rows() {
        for pixel in pixels.at_row_mut::<Vec4b>(row)? {
            for colour in 0..3 {
                // No colour of a pixel may pass its opacity: brighter than white is white.
                pixel[colour] = ((f64::from(pixel[colour]) * gain).round() as u8).min(pixel[3]);
            }
        }
    }
    if blur > 0.0 {
        let sharp = pixels.clone();
        imgproc::gaussian_blur(
            &sharp,
            &mut pixels,
            Size::default(),
            blur,
            blur,
            core::BORDER_REPLICATE,
        )?;
    }
    let moved = (speed.abs() * SHUTTER).round() as i32;
    if moved > 1 {
        let still = pixels.clone();
        let anchor = Point::new(-1, -1);
        imgproc::blur(
            &still,
            &mut pixels,
            Size::new(moved, 1),
            anchor,
            core::BORDER_REPLICATE,
        )?;
    }
    let [x, y, width, height] = cutout.face;
    let margin = f64::from(MARGIN);
    let face = Place {
        x: x + width / 2.0 + margin,
        y: y + height / 2.0 + margin,
        face_width: width,
    };
    Ok(Figure { pixels, face })
}

/// Draws a figure at its place, above the row `hidden_below`.
pub(crate) fn draw(
    frame: &mut Mat,
    figure: &Figure,
    place: Place,
    hidden_below: i32,
) -> opencv::Result<()> {
    let scale = place.face_width / figure.face.face_width;
    let (left, top) = (
        place.x - figure.face.x * scale,
        place.y - figure.face.y * scale,
    );
    let (x0, y0) = (left.floor() as i32, top.floor() as i32);
    let size = Size::new(
        (f64::from(figure.pixels.cols()) * scale).ceil() as i32 + 1,
        (f64::from(figure.pixels.rows()) * scale).floor() as i32,
    );
    // The part of a pixel by which the place lies off the frame's grid, too: or a slow walk would jerk.
    let map = Mat::from_slice_2d(&[
        [scale, 0.0, left - f64::from(x0)],
        [0.0, scale, top - f64::from(y0)],
    ])?;
    let mut placed = Mat::default();
    let (how, nothing) = (imgproc::INTER_LINEAR, Scalar::all(0.0));
    imgproc::warp_affine(
        &figure.pixels,
        &mut placed,
        &map,
        size,
        how,
        core::BORDER_CONSTANT,
        nothing,
    )?;
    for row in 0..placed.rows() {
        let y = y0 + row;
        if y < 0 || y >= frame.rows().min(hidden_below) {
            continue;
        }
        blend_row(
            frame.at_row_mut::<Vec3b>(y)?,
            placed.at_row::<Vec4b>(row)?,
            x0,
        );
    }
    Ok(())
}

/// Lays a row over a row of the frame, from column `x0` of the frame, which may be negative.
fn blend_row(below: &mut [Vec3b], above: &[Vec4b], x0: i32) {
    // A column is an i32 in OpenCV, so neither conversion loses anything: a negative number was made positive before.
    let (skip, start) = if x0 < 0 {
        (x0.unsigned_abs() as usize, 0)
    } else {
        (0, x0 as usize)
    };
    for (pixel, over) in below.iter_mut().skip(start).zip(above.iter().skip(skip)) {
        let clear = 255 - u32::from(over[3]);
        for colour in 0..3 {
            let through = (u32::from(pixel[colour]) * clear + 127) / 255;
            pixel[colour] = (u32::from(over[colour]) + through).min(255) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_opaque_covers_and_what_is_clear_does_not_on_both_sides_of_the_edge() {
        let opaque = Vec4b::from([10, 20, 30, 255]);
        let above = [Vec4b::from([0, 0, 0, 0]), opaque, opaque];
        let background = Vec3b::from([200, 200, 200]);
        let drawn = Vec3b::from([10, 20, 30]);
        let row = |x0: i32| {
            let mut below = [background; 3];
            blend_row(&mut below, &above, x0);
            below
        };
        assert_eq!(row(0), [background, drawn, drawn]);
        assert_eq!(row(-2), [drawn, background, background]);
        assert_eq!(row(-9), [background; 3]);
        assert_eq!(row(1), [background, background, drawn]);
        assert_eq!(row(9), [background; 3]);
    }
}
