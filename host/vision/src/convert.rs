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
                for (channel, (plane, table)) in out
                    .chunks_exact_mut(width * height)
                    .zip(&tables)
                    .enumerate()
                {
                    for (y, row) in plane.chunks_exact_mut(width).enumerate() {
                        let (before, pixels) = picture.row(y);
                        row[..before].fill(table[0]);
                        let covered = pixels.len();
                        self.look_up(
                            channel,
                            pixels,
                            table,
                            row[before..before + covered].iter_mut(),
                        );
                        row[before + covered..].fill(table[0]);
                    }
                }
            }
            Layout::Interleaved => {
                for (y, row) in out.chunks_exact_mut(width * self.count).enumerate() {
                    let (before, pixels) = picture.row(y);
                    for (channel, table) in tables.iter().enumerate() {
                        row.iter_mut()
                            .skip(channel)
                            .step_by(self.count)
                            .for_each(|v| *v = table[0]);
                        let covered =
                            row[before * self.count..][..pixels.len() * self.count].iter_mut();
                        self.look_up(
                            channel,
                            pixels,
                            table,
                            covered.skip(channel).step_by(self.count),
                        );
                    }
                }
            }
        }
    }

    fn look_up<'a, T: Copy + 'a>(
        &self,
        channel: usize,
        pixels: &[[u8; PIXEL]],
        table: &[T; 256],
        out: impl Iterator<Item = &'a mut T>,
    ) {
        match self.source {
            Source::Luma => out
                .zip(pixels)
                .for_each(|(v, pixel)| *v = table[usize::from(luma(pixel))]),
            Source::Bytes(order) => {
                // Matched so that the byte's place is a constant in the loop.
                match order[channel] {
                    0 => out
                        .zip(pixels)
                        .for_each(|(v, pixel)| *v = table[usize::from(pixel[0])]),
                    1 => out
                        .zip(pixels)
                        .for_each(|(v, pixel)| *v = table[usize::from(pixel[1])]),
                    _ => out
                        .zip(pixels)
                        .for_each(|(v, pixel)| *v = table[usize::from(pixel[2])]),
                }
            }
        }
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
        if !(value.abs() <= most) {
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

impl Picture<'_> {
    /// How many black pixels come before the row's own, and the row's own.
    fn row(&self, y: usize) -> (usize, &[[u8; PIXEL]]) {
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
