//! A frame of a camera: its pixels, and the tensors and bytes that are made from them. Knows no file and no model; where pixels come from is
//! the camera's, what tensors mean is the plugin's.

use std::sync::Arc;

use opencv::core::{BORDER_CONSTANT, Mat, Scalar, Size};
use opencv::imgproc::{INTER_LINEAR, warp_affine};
use thiserror::Error;

use crate::align::Similarity;
use crate::budget::{Budget, OverBudget};
use crate::buffers::Buffer;
use crate::convert::{Conversion, Picture, luma};
use crate::geometry::Landmarks;
use crate::mat::{self, PIXEL};
use crate::sample::sample;
use crate::tensor::Tensor;
use crate::view::{Alignment, Channels, View, Viewed};

/// Most pixels of a frame's side.
pub const MOST_SIDE: u32 = 16_384;

/// Most faces in one [`Frame::aligned`].
pub const MOST_ALIGNED_FACES: usize = 256;

/// Sides of an aligned face, pixels.
const ALIGNED_SIDES: std::ops::RangeInclusive<u32> = 16..=512;

/// Most bytes in one [`Frame::region`].
pub const MOST_REGION_BYTES: u64 = 4 << 20;

/// Why a frame, or something from it, was not made.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum FrameError {
    /// The numbers of a view or an alignment do not fit together.
    #[error("bad view: {reason}")]
    BadView {
        /// Which number, and what it may be.
        reason: String,
    },
    /// A view's region does not touch the frame; a pixel region is empty or reaches beyond it.
    #[error(
        "a region of {region_width} × {region_height} at ({x}, {y}) is outside the frame of {width} × {height}"
    )]
    OutsideFrame {
        /// The region's left edge, pixels.
        x: f64,
        /// The region's top edge, pixels.
        y: f64,
        /// The region's width, pixels.
        region_width: f64,
        /// The region's height, pixels.
        region_height: f64,
        /// The frame's width, pixels.
        width: u32,
        /// The frame's height, pixels.
        height: u32,
    },
    /// Landmarks that are not finite, or that coincide, so that no alignment exists.
    #[error("no alignment exists for the landmarks of face {face}")]
    BadLandmarks {
        /// Which of the faces, from 0.
        face: usize,
    },
    /// The call's budget of host memory for tensors would be exceeded.
    #[error(transparent)]
    OverBudget(#[from] OverBudget),
    /// More was asked for than one call gives: faces of [`Frame::aligned`], bytes of [`Frame::region`].
    #[error("{asked} asked for, at most {most} in one call")]
    TooMany {
        /// What was asked for.
        asked: u64,
        /// What one call gives.
        most: u64,
    },
    /// The size of a frame is 0 or over [`MOST_SIDE`], or its pixels are not width × height × 3 bytes.
    #[error("{bytes} bytes are no BGR frame of {width} × {height}; sides are 1 to {MOST_SIDE}")]
    BadSize {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
        /// Bytes that came.
        bytes: u64,
    },
    /// OpenCV failed: the host's fault, not the caller's.
    #[error("OpenCV failed: {cause}")]
    Failed {
        /// What OpenCV said.
        cause: String,
    },
}

impl From<opencv::Error> for FrameError {
    fn from(error: opencv::Error) -> FrameError {
        FrameError::Failed {
            cause: error.to_string(),
        }
    }
}

/// Whose frame it is, and when it was taken.
#[derive(Clone, Debug, PartialEq)]
pub struct FrameInfo {
    /// The camera's name in the deployment file.
    pub camera: Arc<str>,
    /// Counts the camera's frames from 0, the dropped ones too.
    pub sequence: u32,
    /// Seconds since the camera's first frame; for a live camera since its run began, so that the times of several compare.
    pub captured_at: f64,
}

/// A frame of a camera: rows of BGR bytes from the top, without padding, in a pooled buffer that is zeroed when the frame dies.
#[derive(Debug)]
pub struct Frame {
    info: FrameInfo,
    width: u32,
    height: u32,
    pixels: Buffer,
}

impl Frame {
    /// A frame with a copy of these pixels.
    ///
    /// # Errors
    /// `BadSize`.
    pub fn from_bgr(
        info: FrameInfo,
        width: u32,
        height: u32,
        pixels: &[u8],
    ) -> Result<Frame, FrameError> {
        let found = pixels.len() as u64;
        if size_in_bytes(width, height).map(|bytes| bytes as u64) != Some(found) {
            return Err(FrameError::BadSize {
                width,
                height,
                bytes: found,
            });
        }
        Ok(Frame {
            info,
            width,
            height,
            pixels: Buffer::copy_of(pixels),
        })
    }

    /// A frame of pixels that are in a pooled buffer already.
    pub(crate) fn from_buffer(
        info: FrameInfo,
        width: u32,
        height: u32,
        pixels: Buffer,
    ) -> Result<Frame, FrameError> {
        if size_in_bytes(width, height) != Some(pixels.len()) {
            return Err(FrameError::BadSize {
                width,
                height,
                bytes: pixels.len() as u64,
            });
        }
        Ok(Frame {
            info,
            width,
            height,
            pixels,
        })
    }

    /// Pixels, 1 to [`MOST_SIDE`].
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Pixels, 1 to [`MOST_SIDE`].
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Counts the camera's frames from 0, the dropped ones too.
    pub fn sequence(&self) -> u32 {
        self.info.sequence
    }

    /// Seconds since the camera's first frame; for a live camera since its run began, so that the times of several compare.
    pub fn captured_at(&self) -> f64 {
        self.info.captured_at
    }

    /// The camera's name in the deployment file.
    pub fn camera(&self) -> &Arc<str> {
        &self.info.camera
    }

    /// Rows of BGR bytes from the top, without padding.
    pub fn bgr(&self) -> &[u8] {
        &self.pixels
    }

    /// A tensor of a part of the frame, and how to get from its columns and rows back to the frame.
    ///
    /// # Errors
    /// `BadView`, `OutsideFrame`, `OverBudget`.
    pub fn tensor(&self, view: &View, budget: &Budget) -> Result<Viewed, FrameError> {
        let placed = view.place(self.width, self.height)?;
        let conversion = Conversion::new(
            view.channels,
            view.layout,
            view.element,
            view.mean,
            view.scale,
        )
        .map_err(bad_view)?;
        let (width, height) = (placed.x.side, placed.y.side);
        let mut tensor = Tensor::zeroed(conversion.shape(1, width, height), view.element, budget)?;
        let sampled = sample(
            &self.pixels,
            self.width as usize,
            self.height as usize,
            &placed.x,
            &placed.y,
        )?;
        conversion.fill(&sampled.picture(), width, height, tensor.bytes_mut());
        Ok(Viewed {
            tensor,
            left: placed.left,
            top: placed.top,
            x_step: placed.x.step as f32,
            y_step: placed.y.step as f32,
        })
    }

    /// Aligned faces, one batch in the order given: [n, channels, size, size] when planar. Bilinear, zeros outside the frame.
    ///
    /// # Errors
    /// `BadView` for the alignment's numbers and for no face at all, `BadLandmarks`, `TooMany` over [`MOST_ALIGNED_FACES`], `OverBudget`.
    pub fn aligned(
        &self,
        faces: &[Landmarks],
        alignment: &Alignment,
        budget: &Budget,
    ) -> Result<Tensor, FrameError> {
        if faces.len() > MOST_ALIGNED_FACES {
            return Err(FrameError::TooMany {
                asked: faces.len() as u64,
                most: MOST_ALIGNED_FACES as u64,
            });
        }
        if faces.is_empty() {
            return Err(bad_view("no face to align"));
        }
        if !ALIGNED_SIDES.contains(&alignment.size) {
            let (least, most) = (ALIGNED_SIDES.start(), ALIGNED_SIDES.end());
            return Err(bad_view(format!(
                "an aligned side of {}, not {least} to {most} pixels",
                alignment.size
            )));
        }
        let Alignment {
            layout,
            element,
            channels,
            mean,
            scale,
            ..
        } = *alignment;
        let conversion =
            Conversion::new(channels, layout, element, mean, scale).map_err(bad_view)?;
        let transform = |(face, landmarks)| {
            Similarity::of(landmarks, alignment.template, alignment.size)
                .ok_or(FrameError::BadLandmarks { face })
        };
        let transforms = faces
            .iter()
            .enumerate()
            .map(transform)
            .collect::<Result<Vec<_>, _>>()?;

        let side = alignment.size as usize;
        let mut tensor =
            Tensor::zeroed(conversion.shape(faces.len(), side, side), element, budget)?;
        let each = tensor.byte_len() / faces.len();
        let frame = mat::to_read(&self.pixels, self.width as usize, self.height as usize)?;
        let mut aligned = Buffer::zeroed(side * side * PIXEL);
        for (transform, out) in transforms
            .iter()
            .zip(tensor.bytes_mut().chunks_exact_mut(each))
        {
            let map = Mat::from_slice_2d(&transform.rows())?;
            let mut target = mat::to_write(&mut aligned, side, side)?;
            let size = Size::new(side as i32, side as i32);
            warp_affine(
                &frame,
                &mut target,
                &map,
                size,
                INTER_LINEAR,
                BORDER_CONSTANT,
                Scalar::default(),
            )?;
            drop(target);
            let picture = Picture {
                pixels: &aligned,
                pitch: side,
                at: (0, 0),
                size: (side, side),
            };
            conversion.fill(&picture, side, side, out);
        }
        Ok(tensor)
    }

    /// Bytes of whole pixels: rows from the top, each `width` pixels of interleaved channels, without padding.
    ///
    /// # Errors
    /// `OutsideFrame` where the region is empty or reaches beyond the frame; `TooMany` over [`MOST_REGION_BYTES`].
    pub fn region(
        &self,
        x: u32,
        y: u32,
        width: u32,
        height: u32,
        channels: Channels,
    ) -> Result<Vec<u8>, FrameError> {
        let within = |start: u32, length: u32, side: u32| {
            length > 0 && start.checked_add(length).is_some_and(|end| end <= side)
        };
        if !within(x, width, self.width) || !within(y, height, self.height) {
            return Err(self.outside(
                f64::from(x),
                f64::from(y),
                f64::from(width),
                f64::from(height),
            ));
        }
        let asked = u64::from(width) * u64::from(height) * channels.count() as u64;
        if asked > MOST_REGION_BYTES {
            return Err(FrameError::TooMany {
                asked,
                most: MOST_REGION_BYTES,
            });
        }
        let mut bytes = Vec::with_capacity(asked as usize);
        for row in y..y + height {
            let start = (row as usize * self.width as usize + x as usize) * PIXEL;
            let (pixels, _) = self.pixels[start..][..width as usize * PIXEL].as_chunks::<PIXEL>();
            match channels {
                Channels::Bgr => bytes.extend_from_slice(pixels.as_flattened()),
                Channels::Rgb => bytes.extend(pixels.iter().flat_map(|[b, g, r]| [*r, *g, *b])),
                Channels::Grey => bytes.extend(pixels.iter().map(luma)),
            }
        }
        Ok(bytes)
    }

    fn outside(&self, x: f64, y: f64, region_width: f64, region_height: f64) -> FrameError {
        FrameError::OutsideFrame {
            x,
            y,
            region_width,
            region_height,
            width: self.width,
            height: self.height,
        }
    }
}

/// Bytes of a BGR frame, if its sides are within the limits.
pub(crate) fn size_in_bytes(width: u32, height: u32) -> Option<usize> {
    let sides = 1..=MOST_SIDE;
    (sides.contains(&width) && sides.contains(&height))
        .then(|| width as usize * height as usize * PIXEL)
}

pub(crate) fn bad_view(reason: impl ToString) -> FrameError {
    FrameError::BadView {
        reason: reason.to_string(),
    }
}

#[cfg(test)]
mod tests;
