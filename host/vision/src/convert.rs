//! From BGR bytes to the numbers of a tensor: the order of channels, mean and scale, the element, the layout. One pass over the
//! pixels. Knows no geometry.
//!
//! A byte has 256 values, so (pixel − mean) × scale is worked out once per value and channel and looked up after that: exact for every
//! element, and no slower than computing, since taking three interleaved channels apart is what costs.

use half::f16;
use thiserror::Error;

use crate::mat::PIXEL;
use crate::tensor::Element;
use crate::view::{Channels, Layout};

/// The numbers of a view or an alignment that do not fit together.
#[derive(Clone, Copy, Debug, Error, PartialEq)]
pub(crate) enum BadNumbers {
    /// Only float32, float16 and uint8 hold pixels.
    #[error("a picture cannot be made of {0:?}")]
    Element(Element),
    /// A value that would be NaN or infinite in this element.
    #[error("mean {mean} and scale {scale} give a value that is not finite as {element:?}")]
    NotFinite {
        /// The channel's mean.
        mean: f32,
        /// The channel's scale.
        scale: f32,
        /// The tensor's element.
        element: Element,
    },
    /// Uint8 takes pixels as they are.
    #[error("uint8 needs mean 0 and scale 1, not {mean} and {scale}")]
    Uint8 {
        /// The channel's mean.
        mean: f32,
        /// The channel's scale.
        scale: f32,
    },
}

/// Which byte of a BGR pixel each channel takes, or luma.
#[derive(Clone, Copy)]
enum Source {
    Bytes([usize; 3]),
    Luma,
}

/// ITU-R BT.601 luma of a BGR pixel, 0.299 R + 0.587 G + 0.114 B in 15-bit fixed point, rounded: the numbers of OpenCV's `COLOR_BGR2GRAY`.
pub(crate) fn luma(pixel: &[u8; PIXEL]) -> u8 {
    let [b, g, r] = pixel.map(u32::from);
    ((3735 * b + 19235 * g + 9798 * r + (1 << 14)) >> 15) as u8
}

/// A colour space, mean and scale, checked and worked out.
pub(crate) struct Conversion {
    source: Source,
    count: usize,
    layout: Layout,
    element: Element,
    /// What each value of a pixel becomes, per channel.
    tables: Vec<[f32; 256]>,
}

impl Conversion {
    pub(crate) fn new(
        channels: Channels,
        layout: Layout,
        element: Element,
        mean: [f32; 3],
        scale: [f32; 3],
    ) -> Result<Conversion, BadNumbers> {
        let count = channels.count();
        let mut tables = Vec::with_capacity(count);
        for (mean, scale) in mean.into_iter().zip(scale).take(count) {
            tables.push(table(element, mean, scale)?);
        }
        let source = match channels {
            Channels::Bgr => Source::Bytes([0, 1, 2]),
            Channels::Rgb => Source::Bytes([2, 1, 0]),
            Channels::Grey => Source::Luma,
        };
        Ok(Conversion {
            source,
            count,
            layout,
            element,
            tables,
        })
    }

    /// The shape of `batch` pictures.
    pub(crate) fn shape(&self, batch: usize, width: usize, height: usize) -> Vec<usize> {
        match self.layout {
            Layout::Planar => vec![batch, self.count, height, width],
            Layout::Interleaved => vec![batch, height, width, self.count],
        }
    }

    /// Fills `out`, one picture of the tensor, from `picture`; what the picture does not cover becomes what a black pixel becomes.
    pub(crate) fn fill(&self, picture: &Picture<'_>, width: usize, height: usize, out: &mut [u8]) {
        match self.element {
            Element::Uint8 => self.fill_with(picture, width, height, out, |v| v as u8),
            Element::Float16 => {
                self.fill_with(picture, width, height, bytemuck::cast_slice_mut(out), |v| {
                    f16::from_f32(v).to_bits()
                })
            }
            // `new` lets no other element pass.
            _ => self.fill_with(picture, width, height, bytemuck::cast_slice_mut(out), |v| v),
        }
    }

    fn fill_with<T: Copy>(
        &self,
        picture: &Picture<'_>,
        width: usize,
        height: usize,
        out: &mut [T],
        value: impl Fn(f32) -> T,
    ) {
        let tables: Vec<[T; 256]> = self.tables.iter().map(|t| t.map(&value)).collect();
        match self.layout {
            Layout::Planar => {
                for (channel, plane) in out.chunks_exact_mut(width * height).enumerate() {
                    for (y, row) in plane.chunks_exact_mut(width).enumerate() {
                        self.fill_plane_row(picture.row(y), channel, &tables[channel], row);
                    }
                }
            }
            Layout::Interleaved => {
                for (y, row) in out.chunks_exact_mut(width * self.count).enumerate() {
                    self.fill_interleaved_row(picture.row(y), &tables, row);
                }
            }
        }
    }

    /// One channel of a row.
    fn fill_plane_row<T: Copy>(
        &self,
        (before, pixels): Row<'_>,
        channel: usize,
        table: &[T; 256],
        row: &mut [T],
    ) {
        let after = before + pixels.len();
        row[..before].fill(table[0]);
        row[after..].fill(table[0]);
        let places = row[before..after].iter_mut().zip(pixels);
        // A loop for each, so that the byte's place is a constant in it.
        match self.source {
            Source::Luma => places.for_each(|(v, pixel)| *v = table[usize::from(luma(pixel))]),
            Source::Bytes(order) => match order[channel] {
                0 => places.for_each(|(v, pixel)| *v = table[usize::from(pixel[0])]),
                1 => places.for_each(|(v, pixel)| *v = table[usize::from(pixel[1])]),
                _ => places.for_each(|(v, pixel)| *v = table[usize::from(pixel[2])]),
            },
        }
    }

    /// All channels of a row.
    fn fill_interleaved_row<T: Copy>(
        &self,
        (before, pixels): Row<'_>,
        tables: &[[T; 256]],
        row: &mut [T],
    ) {
        let [first, second, third] = match (self.source, tables) {
            (Source::Bytes(order), [a, b, c]) => [(a, order[0]), (b, order[1]), (c, order[2])],
            // Luma, whose rows are the same in both layouts.
            _ => return self.fill_plane_row((before, pixels), 0, &tables[0], row),
        };
        let of = |pixel: &[u8; PIXEL]| {
            [first, second, third].map(|(table, place)| table[usize::from(pixel[place])])
        };
        let (row, _) = row.as_chunks_mut::<PIXEL>();
        let after = before + pixels.len();
        row[..before].fill(of(&[0; PIXEL]));
        row[after..].fill(of(&[0; PIXEL]));
        row[before..after]
            .iter_mut()
            .zip(pixels)
            .for_each(|(v, pixel)| *v = of(pixel));
    }
}

fn table(element: Element, mean: f32, scale: f32) -> Result<[f32; 256], BadNumbers> {
    let most = match element {
        Element::Float32 => f32::MAX,
        Element::Float16 => f16::MAX.to_f32(),
        Element::Uint8 if mean == 0.0 && scale == 1.0 => 255.0,
        Element::Uint8 => return Err(BadNumbers::Uint8 { mean, scale }),
        Element::Int32 | Element::Int64 => return Err(BadNumbers::Element(element)),
    };
    let mut table = [0.0; 256];
    for (pixel, value) in table.iter_mut().enumerate() {
        *value = (pixel as f32 - mean) * scale;
        if value.is_nan() || value.abs() > most {
            return Err(BadNumbers::NotFinite {
                mean,
                scale,
                element,
            });
        }
    }
    Ok(table)
}

/// Pixels that lie somewhere in a larger black picture.
pub(crate) struct Picture<'a> {
    /// BGR, from the first pixel to take.
    pub(crate) pixels: &'a [u8],
    /// Pixels from the start of one row of `pixels` to the next.
    pub(crate) pitch: usize,
    /// Where the pixels lie in the larger picture, across and down.
    pub(crate) at: (usize, usize),
    /// How many of them to take, across and down.
    pub(crate) size: (usize, usize),
}

/// How many black pixels come before a row's own, and the row's own.
type Row<'a> = (usize, &'a [[u8; PIXEL]]);

impl Picture<'_> {
    fn row(&self, y: usize) -> Row<'_> {
        match y.checked_sub(self.at.1).filter(|y| *y < self.size.1) {
            Some(y) => (
                self.at.0,
                self.pixels[y * self.pitch * PIXEL..][..self.size.0 * PIXEL]
                    .as_chunks()
                    .0,
            ),
            None => (0, &[]),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use opencv::core::{Mat, MatTraitConstManual};
    use opencv::imgproc::{COLOR_BGR2GRAY, cvt_color_def};

    use super::*;
    use crate::buffers::Buffer;
    use crate::mat;
    use crate::testing::Numbers;

    const MEAN: [f32; 3] = [127.5, 100.0, -3.0];
    const SCALE: [f32; 3] = [1.0 / 128.0, 2.0, -0.5];

    /// One value at a time, as the contract words it.
    fn expected(
        pixel: [u8; 3],
        channels: Channels,
        channel: usize,
        mean: [f32; 3],
        scale: [f32; 3],
    ) -> f32 {
        let [b, g, r] = pixel;
        let value = match channels {
            Channels::Bgr => [b, g, r][channel],
            Channels::Rgb => [r, g, b][channel],
            Channels::Grey => luma(&pixel),
        };
        (f32::from(value) - mean[channel]) * scale[channel]
    }

    fn check(
        channels: Channels,
        layout: Layout,
        element: Element,
        mean: [f32; 3],
        scale: [f32; 3],
    ) {
        // A picture of 5 × 3 out of rows of 7, at (2, 1) of a tensor of 9 × 6.
        let pixels = Numbers(99).bytes(7 * 3 * PIXEL);
        let picture = Picture {
            pixels: &pixels,
            pitch: 7,
            at: (2, 1),
            size: (5, 3),
        };
        let (width, height) = (9, 6);
        let conversion = Conversion::new(channels, layout, element, mean, scale).unwrap();
        let n = channels.count();
        let mut out = Buffer::zeroed(width * height * n * element.size());
        conversion.fill(&picture, width, height, &mut out);
        for (y, x, channel) in
            (0..height).flat_map(|y| (0..width).flat_map(move |x| (0..n).map(move |c| (y, x, c))))
        {
            let at = match layout {
                Layout::Planar => (channel * height + y) * width + x,
                Layout::Interleaved => (y * width + x) * n + channel,
            };
            let inside = (2..7).contains(&x) && (1..4).contains(&y);
            let pixel = if inside {
                pixels.as_chunks::<3>().0[(y - 1) * 7 + x - 2]
            } else {
                [0; 3]
            };
            let wanted = expected(pixel, channels, channel, mean, scale);
            let found = match element {
                Element::Float32 => bytemuck::cast_slice::<u8, f32>(&out)[at],
                Element::Float16 => {
                    f16::from_bits(bytemuck::cast_slice::<u8, u16>(&out)[at]).to_f32()
                }
                _ => f32::from(out[at]),
            };
            let wanted = if element == Element::Float16 {
                f16::from_f32(wanted).to_f32()
            } else {
                wanted
            };
            assert_eq!(
                found, wanted,
                "{channels:?} {layout:?} {element:?} at row {y}, column {x}, channel {channel}"
            );
        }
    }

    #[test]
    fn every_order_layout_and_element_holds_pixel_minus_mean_times_scale() {
        for channels in [Channels::Rgb, Channels::Bgr, Channels::Grey] {
            for layout in [Layout::Planar, Layout::Interleaved] {
                check(channels, layout, Element::Float32, MEAN, SCALE);
                check(channels, layout, Element::Float16, MEAN, SCALE);
                check(channels, layout, Element::Uint8, [0.0; 3], [1.0; 3]);
            }
        }
    }

    #[test]
    fn luma_is_what_opencv_calls_grey() {
        let mut pixels = Numbers(5).bytes(64 * 64 * PIXEL);
        pixels[..6].copy_from_slice(&[0, 0, 0, 255, 255, 255]);
        let mut grey = Mat::default();
        let picture = mat::to_read(&pixels, 64, 64).unwrap();
        cvt_color_def(&picture, &mut grey, COLOR_BGR2GRAY).unwrap();
        let ours: Vec<u8> = pixels.as_chunks().0.iter().map(luma).collect();
        assert_eq!(ours, grey.data_bytes().unwrap());
    }

    #[test]
    fn numbers_that_give_no_finite_value_are_refused() {
        let new = |element, mean, scale| {
            Conversion::new(Channels::Rgb, Layout::Planar, element, mean, scale).map(|_| ())
        };
        let one = [1.0; 3];
        for bad in [f32::NAN, f32::INFINITY, f32::MAX] {
            assert!(
                matches!(
                    new(Element::Float32, [0.0; 3], [1.0, bad, 1.0]),
                    Err(BadNumbers::NotFinite { .. })
                ),
                "scale {bad}"
            );
        }
        assert!(matches!(
            new(Element::Float32, [0.0, 0.0, f32::NAN], one),
            Err(BadNumbers::NotFinite { .. })
        ));
        assert!(
            matches!(
                new(Element::Float16, [0.0; 3], [258.0; 3]),
                Err(BadNumbers::NotFinite { .. })
            ),
            "65,790 is no float16"
        );
        assert_eq!(new(Element::Float16, [0.0; 3], [256.0; 3]), Ok(()));
        assert_eq!(
            new(Element::Uint8, [1.0, 0.0, 0.0], one),
            Err(BadNumbers::Uint8 {
                mean: 1.0,
                scale: 1.0
            })
        );
        assert_eq!(
            new(Element::Int32, [0.0; 3], one),
            Err(BadNumbers::Element(Element::Int32))
        );
        let grey = Conversion::new(
            Channels::Grey,
            Layout::Planar,
            Element::Float32,
            [0.0, f32::NAN, 0.0],
            one,
        );
        assert!(grey.is_ok(), "grey uses the first number alone");
    }
}
