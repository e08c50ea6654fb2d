//! From CenterFace's four maps to faces in the frame. The maps: how much a cell is the centre of a face; the logarithm of height and
//! width in cells; how far the centre lies from the cell's middle (y, x); five landmarks as (y, x) within the box, whose
//! upper left corner is (0, 0) and lower right corner (1, 1).

use overt_sdk::{DetectorError, Face, Landmarks, Peak, Point, Rect, Tensor, Viewed};

use crate::Settings;

/// Pixels of the input in one cell.
const STRIDE: f32 = 4.0;

/// Planes of the maps: 1 of centres, 2 of sizes, 2 of offsets, 10 of landmarks.
const PLANES: [u32; 4] = [1, 2, 2, 10];

/// The most centres that are looked at; far more than there can be faces after overlaps are gone.
const MOST_PEAKS: u32 = 2_048;

/// The largest logarithm of a side in cells that is believed: a face of 4,096 cells, wider than any input.
const MOST_LOG_SIDE: f32 = 8.4;

/// Every face that the maps show, in pixels of the frame; faces may still overlap.
pub(crate) fn faces(
    maps: &[Tensor; 4],
    input: &Viewed,
    settings: &Settings,
) -> Result<Vec<Face>, DetectorError> {
    let (rows, columns) = grid(maps)?;
    let [centres, sizes, offsets, marks] = maps;
    let peaks = centres.peaks(0, settings.least_confidence.get(), MOST_PEAKS)?;
    if peaks.is_empty() {
        return Ok(Vec::new());
    }
    let at_peaks =
        |map: &Tensor, planes: u32| map.gather(&positions(&peaks, planes, rows, columns));
    let sizes = at_peaks(sizes, 2)?;
    let offsets = at_peaks(offsets, 2)?;
    let marks = at_peaks(marks, 10)?;
    let (sizes, _) = sizes.as_chunks::<2>();
    let (offsets, _) = offsets.as_chunks::<2>();
    let (marks, _) = marks.as_chunks::<10>();
    Ok(peaks
        .iter()
        .zip(sizes)
        .zip(offsets)
        .zip(marks)
        .map(|(((peak, size), offset), marks)| face(peak, size, offset, marks, input))
        .collect())
}

/// Rows and columns of the maps, which must agree.
fn grid(maps: &[Tensor; 4]) -> Result<(u32, u32), DetectorError> {
    let mut grid = None;
    for (map, planes) in maps.iter().zip(PLANES) {
        match map.shape()[..] {
            [1, found, rows, columns]
                if found == planes && grid.is_none_or(|known| known == (rows, columns)) =>
            {
                grid = Some((rows, columns));
            }
            _ => return Err(DetectorError::UnexpectedOutput),
        }
    }
    grid.ok_or(DetectorError::UnexpectedOutput)
}

/// Where the values of each peak lie in a map of so many planes: peak by peak, plane by plane.
fn positions(peaks: &[Peak], planes: u32, rows: u32, columns: u32) -> Vec<u32> {
    peaks
        .iter()
        .flat_map(|peak| {
            (0..planes).map(move |plane| (plane * rows + peak.row) * columns + peak.column)
        })
        .collect()
}

fn face(
    peak: &Peak,
    size: &[f32; 2],
    offset: &[f32; 2],
    marks: &[f32; 10],
    input: &Viewed,
) -> Face {
    let side = |logarithm: f32| logarithm.min(MOST_LOG_SIDE).exp() * STRIDE;
    let (height, width) = (side(size[0]), side(size[1]));
    let row = (peak.row as f32 + offset[0] + 0.5) * STRIDE;
    let column = (peak.column as f32 + offset[1] + 0.5) * STRIDE;
    let bounds = Rect::around(
        input.to_frame(column, row),
        width * input.x_step,
        height * input.y_step,
    );
    let point = |number: usize| Point {
        x: bounds.x + marks[2 * number + 1] * bounds.width,
        y: bounds.y + marks[2 * number] * bounds.height,
    };
    Face {
        bounds,
        confidence: peak.value,
        landmarks: Some(Landmarks::from_points(std::array::from_fn(point))),
    }
}

#[cfg(test)]
mod tests;
