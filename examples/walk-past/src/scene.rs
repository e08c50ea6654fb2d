//! The station concourse that people cross: drawn, so that there is nobody in it. Knows nobody who crosses.

use opencv::core::{self, Mat, Point, Scalar, Size};
use opencv::imgproc;
use opencv::prelude::*;

use crate::script::{HEIGHT, Lane, WIDTH};

/// Drawn this many times larger and then shrunk, so that edges are smooth.
const OVERSIZE: i32 = 2;
/// The row in which the floor meets the wall.
const FLOOR: i32 = 330;
/// The point in which the floor's lines meet.
const VANISHING: (i32, i32) = (640, 215);

/// The empty concourse.
pub(crate) fn concourse() -> opencv::Result<Mat> {
    let mut canvas = Canvas::new()?;
    wall(&mut canvas)?;
    windows(&mut canvas)?;
    floor(&mut canvas)?;
    board(&mut canvas)?;
    barrier(&mut canvas, Lane::Far.hidden_below(), 46)?;
    barrier(&mut canvas, Lane::Middle.hidden_below(), 84)?;
    canvas.finish()
}

fn wall(canvas: &mut Canvas) -> opencv::Result<()> {
    canvas.shade(0, FLOOR, [168.0, 178.0, 184.0], [150.0, 164.0, 172.0])?;
    canvas.block(0, 0, WIDTH, 34, [92.0, 98.0, 102.0])?;
    for lamp in 0..8 {
        let x = 20 + lamp * 165;
        canvas.block(x, 14, 96, 10, [236.0, 246.0, 250.0])?;
    }
    canvas.block(0, FLOOR - 16, WIDTH, 16, [112.0, 120.0, 126.0])
}

fn windows(canvas: &mut Canvas) -> opencv::Result<()> {
    for x in [40, 225, 890, 1075] {
        canvas.block(x - 6, 62, 162, 232, [118.0, 130.0, 138.0])?;
        canvas.block(x, 68, 150, 220, [214.0, 206.0, 196.0])?;
        canvas.block(x + 72, 68, 6, 220, [130.0, 140.0, 148.0])?;
        canvas.block(x, 140, 150, 5, [130.0, 140.0, 148.0])?;
        canvas.block(x, 214, 150, 5, [130.0, 140.0, 148.0])?;
    }
    for x in [195, 1045, 408, 848] {
        canvas.block(x, 34, 22, FLOOR - 34, [140.0, 152.0, 160.0])?;
        canvas.block(x + 16, 34, 6, FLOOR - 34, [116.0, 128.0, 136.0])?;
    }
    Ok(())
}

fn floor(canvas: &mut Canvas) -> opencv::Result<()> {
    canvas.shade(FLOOR, HEIGHT, [138.0, 146.0, 152.0], [164.0, 172.0, 178.0])?;
    let joint = [128.0, 136.0, 142.0];
    for step in -16..=16 {
        let foot = VANISHING.0 + step * 190;
        // Where the line from the vanishing point to the foot crosses the wall's foot.
        let top = VANISHING.0 + step * 190 * (FLOOR - VANISHING.1) / (HEIGHT - VANISHING.1);
        canvas.line((top, FLOOR), (foot, HEIGHT), joint)?;
    }
    for row in 1..9 {
        // Equal steps on the floor are drawn at distances of 1 ÷ depth.
        let y = VANISHING.1 + (HEIGHT - VANISHING.1) * 10 / (10 + 4 * row);
        if y > FLOOR {
            canvas.line((0, y), (WIDTH, y), joint)?;
        }
    }
    Ok(())
}

fn board(canvas: &mut Canvas) -> opencv::Result<()> {
    canvas.block(632, 34, 6, 24, [70.0, 74.0, 78.0])?;
    canvas.block(468, 56, 344, 128, [38.0, 36.0, 34.0])?;
    let amber = [70.0, 176.0, 236.0];
    canvas.text("Departures", (480, 78), 0.55, [225.0, 225.0, 225.0])?;
    for (row, (time, place, platform)) in [
        ("10:04", "Harbour", "2"),
        ("10:11", "Old Bridge", "5"),
        ("10:19", "Airport", "1"),
        ("10:26", "Northfield", "4"),
    ]
    .into_iter()
    .enumerate()
    {
        let y = 102 + 24 * i32::try_from(row).unwrap_or(0);
        canvas.text(time, (480, y), 0.5, amber)?;
        canvas.text(place, (560, y), 0.5, amber)?;
        canvas.text(platform, (784, y), 0.5, amber)?;
    }
    Ok(())
}

/// A barrier that hides what is below the row `top` of the lane behind it.
fn barrier(canvas: &mut Canvas, top: i32, height: i32) -> opencv::Result<()> {
    canvas.block(0, top, WIDTH, height, [126.0, 134.0, 134.0])?;
    canvas.block(0, top + height / 2, WIDTH, 2, [112.0, 120.0, 120.0])?;
    for post in 0..=WIDTH / (height * 3) {
        canvas.block(
            post * height * 3,
            top,
            height / 8,
            height,
            [88.0, 94.0, 96.0],
        )?;
    }
    canvas.block(0, top, WIDTH, 2 + height / 10, [96.0, 104.0, 108.0])?;
    canvas.block(0, top, WIDTH, 2, [176.0, 184.0, 188.0])?;
    canvas.block(0, top + height, WIDTH, 4, [106.0, 112.0, 116.0])
}

/// What is drawn on, in pixels of the video; colours are blue, green, red.
struct Canvas {
    pixels: Mat,
}

impl Canvas {
    fn new() -> opencv::Result<Self> {
        let pixels = Mat::zeros(HEIGHT * OVERSIZE, WIDTH * OVERSIZE, core::CV_8UC3)?.to_mat()?;
        Ok(Canvas { pixels })
    }

    fn block(
        &mut self,
        x: i32,
        y: i32,
        width: i32,
        height: i32,
        colour: [f64; 3],
    ) -> opencv::Result<()> {
        let from = Point::new(x * OVERSIZE, y * OVERSIZE);
        let to = Point::new((x + width) * OVERSIZE - 1, (y + height) * OVERSIZE - 1);
        imgproc::rectangle_points(
            &mut self.pixels,
            from,
            to,
            scalar(colour),
            imgproc::FILLED,
            imgproc::LINE_8,
            0,
        )
    }

    /// Rows whose colour goes evenly from one to the other.
    fn shade(&mut self, top: i32, bottom: i32, from: [f64; 3], to: [f64; 3]) -> opencv::Result<()> {
        for y in top..bottom {
            let share = f64::from(y - top) / f64::from(bottom - top);
            let colour =
                [0, 1, 2].map(|channel| from[channel] + (to[channel] - from[channel]) * share);
            self.block(0, y, WIDTH, 1, colour)?;
        }
        Ok(())
    }

    fn line(&mut self, from: (i32, i32), to: (i32, i32), colour: [f64; 3]) -> opencv::Result<()> {
        let from = Point::new(from.0 * OVERSIZE, from.1 * OVERSIZE);
        let to = Point::new(to.0 * OVERSIZE, to.1 * OVERSIZE);
        imgproc::line(
            &mut self.pixels,
            from,
            to,
            scalar(colour),
            2,
            imgproc::LINE_AA,
            0,
        )
    }

    fn text(
        &mut self,
        text: &str,
        at: (i32, i32),
        size: f64,
        colour: [f64; 3],
    ) -> opencv::Result<()> {
        let at = Point::new(at.0 * OVERSIZE, at.1 * OVERSIZE);
        let font = imgproc::FONT_HERSHEY_SIMPLEX;
        let size = size * f64::from(OVERSIZE);
        imgproc::put_text(
            &mut self.pixels,
            text,
            at,
            font,
            size,
            scalar(colour),
            2,
            imgproc::LINE_AA,
            false,
        )
    }

    /// The picture at the video's size, a little out of focus as what is far behind is.
    fn finish(self) -> opencv::Result<Mat> {
        let mut shrunk = Mat::default();
        let size = Size::new(WIDTH, HEIGHT);
        imgproc::resize(
            &self.pixels,
            &mut shrunk,
            size,
            0.0,
            0.0,
            imgproc::INTER_AREA,
        )?;
        let mut picture = Mat::default();
        imgproc::gaussian_blur(
            &shrunk,
            &mut picture,
            Size::default(),
            0.8,
            0.8,
            core::BORDER_REPLICATE,
        )?;
        Ok(picture)
    }
}

fn scalar([blue, green, red]: [f64; 3]) -> Scalar {
    Scalar::new(blue, green, red, 0.0)
}
