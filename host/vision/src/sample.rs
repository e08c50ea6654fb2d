//! Which pixels of a frame a view takes, and their resampling with OpenCV. Knows geometry and bytes, but neither elements nor channels.
//!
//! One rule for every view, axis by axis: output pixel i takes the frame at `start + (i + 0.5) × step`, in the coordinates of the contract (the
//! first pixel is centred on 0.5).
//!
//! - A step of 1 that hits pixel centres copies.
//! - Anything else is bilinear. A frame's edge pixels are continued to its edge, so that enlarging darkens no border; an output pixel whose
//!   centre lies beyond the frame is black.
//! - A step of 2 or more would leave pixels out, which makes small faces flicker from frame to frame: blocks of ⌊step⌋ pixels are averaged
//!   first (OpenCV's `INTER_AREA` by a whole factor, its fast path), and the rest of the step is bilinear over the averages.
//!   Pixels at the far edge that fill no block are left out: less than one output pixel.

use std::ops::Range;

use opencv::boxed_ref::BoxedRef;
use opencv::core::{BORDER_REPLICATE, Mat, Rect_, Scalar, Size, ToInputArray};
use opencv::imgproc::{INTER_AREA, INTER_LINEAR, WARP_INVERSE_MAP, resize, warp_affine};

use crate::buffers::Buffer;
use crate::convert::Picture;
use crate::mat::{self, PIXEL};

/// Positions that agree to this fraction of a pixel are the same.
const SAME: f64 = 1e-6;

/// How one axis of the output maps to one axis of the frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Axis {
    /// Where the region starts, frame pixels.
    pub(crate) start: f64,
    /// Frame pixels to an output pixel.
    pub(crate) step: f64,
    /// Output pixels that the region fills.
    pub(crate) content: usize,
    /// Black output pixels before them.
    pub(crate) before: usize,
    /// All output pixels.
    pub(crate) side: usize,
}

/// A run of frame pixels, averaged in blocks, and the way from output pixels to the averages: average = offset + step × output pixel.
#[derive(Debug)]
struct Window {
    start: usize,
    block: usize,
    count: usize,
    offset: f64,
    step: f64,
}

impl Axis {
    /// The frame's coordinate at the centre of an output pixel of the content.
    fn centre(&self, pixel: usize) -> f64 {
        self.start + (pixel as f64 + 0.5) * self.step
    }

    /// The output pixels of the content whose centres lie in a frame of `side` pixels.
    fn inside(&self, side: usize) -> Range<usize> {
        let first_from = |x: f64| {
            (((x - self.start) / self.step - 0.5).ceil().max(0.0) as usize).min(self.content)
        };
        first_from(0.0)..first_from(side as f64)
    }

    /// The region, if it is whole pixels that lie in the frame.
    fn whole(&self, side: usize) -> Option<Range<usize>> {
        let (start, end) = (self.start, self.start + self.step * self.content as f64);
        let inside = start.round() >= 0.0 && end.round() <= side as f64;
        if !inside || !near_integer(start) || !near_integer(end) {
            return None;
        }
        let region = start.round() as usize..end.round() as usize;
        // A region of next to nothing is no pixel.
        (!region.is_empty()).then_some(region)
    }

    /// The window of frame pixels that these output pixels need. `inside` is not empty, and the frame's side is at least 1.
    fn window(&self, inside: &Range<usize>, side: usize) -> Window {
        let (first, last) = (self.centre(inside.start), self.centre(inside.end - 1));
        let block = (self.step.min(side as f64) + SAME).floor().max(1.0) as usize;
        let (start, count) = match self.whole(side) {
            Some(region) if block == 1 => (region.start, region.len()),
            _ => {
                // From half a block before the first centre, so that averages lie exactly under output pixels where the step is whole; where blocks
                // are single pixels, from the pixel whose centre lies before the first.
                let wanted = if block == 1 {
                    (first - 0.5).floor()
                } else {
                    (first - self.step / 2.0).round()
                };
                let start = (wanted.max(0.0) as usize).min(side - block);
                let needed = ((last - start as f64) / block as f64 + 0.5).ceil() as usize + 1;
                (start, needed.min((side - start) / block))
            }
        };
        let offset = (first - start as f64) / block as f64 - 0.5;
        Window {
            start,
            block,
            count,
            offset,
            step: self.step / block as f64,
        }
    }
}

impl Window {
    /// Where the output pixels are averages one by one: the first of them.
    fn copies(&self, pixels: usize) -> Option<usize> {
        let first = self.offset.round();
        let same = (self.step - 1.0).abs() < SAME && near_integer(self.offset) && first >= 0.0;
        (same && first as usize + pixels <= self.count).then_some(first as usize)
    }

    /// Whether the output pixels span the window from edge to edge, which OpenCV's `resize` maps in the same way, only faster and more exactly.
    fn spans(&self, pixels: usize) -> bool {
        (self.step * pixels as f64 - self.count as f64).abs() < SAME
            && (self.offset - (self.step - 1.0) / 2.0).abs() < SAME
    }
}

fn near_integer(x: f64) -> bool {
    (x - x.round()).abs() < SAME
}

/// The pixels of a view, resampled where they had to be.
pub(crate) struct Sampled<'a> {
    frame: &'a [u8],
    made: Option<Buffer>,
    /// First byte of `made`, or of `frame`.
    first: usize,
    pitch: usize,
    at: (usize, usize),
    size: (usize, usize),
}

impl Sampled<'_> {
    pub(crate) fn picture(&self) -> Picture<'_> {
        let pixels = self.made.as_deref().unwrap_or(self.frame);
        Picture {
            pixels: &pixels[self.first..],
            pitch: self.pitch,
            at: self.at,
            size: self.size,
        }
    }
}

/// Takes the pixels of a view out of a frame of `width` × `height` BGR pixels.
pub(crate) fn sample<'a>(
    frame: &'a [u8],
    width: usize,
    height: usize,
    x: &Axis,
    y: &Axis,
) -> opencv::Result<Sampled<'a>> {
    let (across, down) = (x.inside(width), y.inside(height));
    let size = (across.len(), down.len());
    let at = (x.before + across.start, y.before + down.start);
    if across.is_empty() || down.is_empty() {
        // The region touches the frame with less than half an output pixel.
        return Ok(Sampled {
            frame,
            made: None,
            first: 0,
            pitch: 0,
            at: (0, 0),
            size: (0, 0),
        });
    }
    let (columns, rows) = (x.window(&across, width), y.window(&down, height));
    let copies = columns.copies(size.0).zip(rows.copies(size.1));

    if columns.block == 1 && rows.block == 1 {
        if let Some((column, row)) = copies {
            let first = ((rows.start + row) * width + columns.start + column) * PIXEL;
            return Ok(Sampled {
                frame,
                made: None,
                first,
                pitch: width,
                at,
                size,
            });
        }
        let whole = mat::to_read(frame, width, height)?;
        let made = interpolate(&window_of(&whole, &columns, &rows)?, &columns, &rows, size)?;
        return Ok(Sampled {
            frame,
            made: Some(made),
            first: 0,
            pitch: size.0,
            at,
            size,
        });
    }

    let whole = mat::to_read(frame, width, height)?;
    let mut averages = Buffer::zeroed(columns.count * rows.count * PIXEL);
    let mut target = mat::to_write(&mut averages, columns.count, rows.count)?;
    let averaged = Size::new(columns.count as i32, rows.count as i32);
    resize(
        &window_of(&whole, &columns, &rows)?,
        &mut target,
        averaged,
        0.0,
        0.0,
        INTER_AREA,
    )?;
    if let Some((column, row)) = copies {
        drop(target);
        let first = (row * columns.count + column) * PIXEL;
        return Ok(Sampled {
            frame,
            made: Some(averages),
            first,
            pitch: columns.count,
            at,
            size,
        });
    }
    let made = interpolate(&target, &columns, &rows, size)?;
    Ok(Sampled {
        frame,
        made: Some(made),
        first: 0,
        pitch: size.0,
        at,
        size,
    })
}

/// The frame pixels of a window: all of its blocks, which lie in the frame.
fn window_of<'a>(
    frame: &'a BoxedRef<'_, Mat>,
    columns: &Window,
    rows: &Window,
) -> opencv::Result<BoxedRef<'a, Mat>> {
    let side = |w: &Window| (w.start as i32, (w.count * w.block) as i32);
    let ((x, width), (y, height)) = (side(columns), side(rows));
    Mat::roi(frame, Rect_::new(x, y, width, height))
}

fn interpolate(
    source: &impl ToInputArray,
    columns: &Window,
    rows: &Window,
    size: (usize, usize),
) -> opencv::Result<Buffer> {
    let mut made = Buffer::zeroed(size.0 * size.1 * PIXEL);
    let mut target = mat::to_write(&mut made, size.0, size.1)?;
    let wanted = Size::new(size.0 as i32, size.1 as i32);
    if columns.spans(size.0) && rows.spans(size.1) {
        resize(source, &mut target, wanted, 0.0, 0.0, INTER_LINEAR)?;
    } else {
        let map = [
            [columns.step, 0.0, columns.offset],
            [0.0, rows.step, rows.offset],
        ];
        let map = Mat::from_slice_2d(&map)?;
        warp_affine(
            source,
            &mut target,
            &map,
            wanted,
            INTER_LINEAR | WARP_INVERSE_MAP,
            BORDER_REPLICATE,
            Scalar::default(),
        )?;
    }
    drop(target);
    Ok(made)
}
