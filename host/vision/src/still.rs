//! Photographs: read from JPEG and PNG, cropped, written as JPEG. Knows no face and no watchlist.
//!
//! Decoded in Rust and not by OpenCV, because these files come from many hands, and because OpenCV gives back half a picture for half a
//! file without a word. The size is read from the header before any memory is made for pixels.

use std::fs::File;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::codecs::png::PngDecoder;
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, ImageDecoder, Limits, RgbImage};
use opencv::core::Vector;
use opencv::imgcodecs::{IMWRITE_JPEG_QUALITY, imencode};
use thiserror::Error;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use crate::buffers::Buffer;
use crate::frame::{Frame, FrameInfo, MOST_SIDE, size_in_bytes};
use crate::geometry::Rect;
use crate::mat::{self, PIXEL};

/// Most bytes of a photograph's file.
const MOST_FILE_BYTES: u64 = 64 << 20;

/// Most pixels of a photograph.
const MOST_PIXELS: u64 = 64_000_000;

/// Most bytes that the PNG decoder may take: 16 bits of four channels, and as much again to turn it.
const MOST_DECODER_BYTES: u64 = 2 * 8 * MOST_PIXELS;

/// Why a photograph was not read, or not written.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum StillError {
    /// There is no such file.
    #[error("{path}: there is no such file")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A file over 64 MiB, or a picture over 64 million pixels or [`MOST_SIDE`] pixels a side.
    #[error("too large: {found} {what}, at most {most}")]
    TooLarge {
        /// `bytes`, `pixels`, or `pixels a side`.
        what: &'static str,
        /// How large.
        found: u64,
        /// The limit.
        most: u64,
    },
    /// Neither JPEG nor PNG, by its first bytes.
    #[error("neither a JPEG nor a PNG picture")]
    UnknownFormat,
    /// Corrupt, cut short, or not to be read from the disk.
    #[error("cannot be read: {cause}")]
    Unreadable {
        /// What is wrong with it.
        cause: String,
    },
    /// Pixels that could not be written as JPEG.
    #[error("cannot be written as JPEG: {cause}")]
    Unwritable {
        /// What is wrong.
        cause: String,
    },
}

/// Reads a photograph from a JPEG or PNG file; the file's name is the frame's camera. See [`decode_still`].
///
/// # Errors
/// `Missing`, and those of [`decode_still`].
pub fn read_still(path: &Path) -> Result<Frame, StillError> {
    let file = File::open(path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => StillError::Missing {
            path: path.to_owned(),
        },
        _ => unreadable(e),
    })?;
    if !file.metadata().map_err(unreadable)?.is_file() {
        return Err(unreadable("not a file"));
    }
    let mut bytes = Vec::new();
    file.take(MOST_FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    decode(&bytes, Arc::from(name))
}

/// Decodes a JPEG or PNG picture of at least 1 × 1 pixel. Grey becomes BGR, 16 bits become 8, what is transparent is laid over white, and
/// the orientation that its EXIF data states is applied. The frame has number 0, time 0 and a nameless camera.
///
/// # Errors
/// `TooLarge`, `UnknownFormat`, and `Unreadable` for a picture that is corrupt or cut short, even where part of it could be shown. A JPEG
/// that was cut and then closed with an end marker is a whole file with a flat part, and is read as one.
pub fn decode_still(bytes: &[u8]) -> Result<Frame, StillError> {
    decode(bytes, Arc::from(""))
}

fn decode(bytes: &[u8], camera: Arc<str>) -> Result<Frame, StillError> {
    at_most("bytes", bytes.len() as u64, MOST_FILE_BYTES)?;
    let mut picture = if bytes.starts_with(&[0xFF, 0xD8, 0xFF]) {
        decode_jpeg(bytes)?
    } else if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        decode_png(bytes)?
    } else {
        return Err(StillError::UnknownFormat);
    };
    picture.0.apply_orientation(picture.1);
    let (width, height) = (picture.0.width(), picture.0.height());
    let pixels = to_bgr(picture.0);
    let info = FrameInfo {
        camera,
        sequence: 0,
        captured_at: 0.0,
    };
    Frame::from_buffer(info, width, height, pixels).map_err(unreadable)
}

fn decode_jpeg(bytes: &[u8]) -> Result<(DynamicImage, Orientation), StillError> {
    if !has_end_of_image(bytes) {
        return Err(unreadable("a JPEG picture that is cut short"));
    }
    // Strict: otherwise what is missing or damaged comes out as grey.
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX));
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(unreadable)?;
    let (width, height) = decoder
        .dimensions()
        .ok_or_else(|| unreadable("a JPEG picture without a size"))?;
    let (width, height) = small_enough(width as u64, height as u64)?;
    let grey = decoder.input_colorspace() == Some(ColorSpace::Luma);
    let wanted = if grey {
        ColorSpace::Luma
    } else {
        ColorSpace::RGB
    };
    decoder.set_options(options.jpeg_set_out_colorspace(wanted));
    let orientation = decoder
        .exif()
        .and_then(|exif| Orientation::from_exif_chunk(exif))
        .unwrap_or(Orientation::NoTransforms);
    let pixels = decoder.decode().map_err(unreadable)?;
    let picture = if grey {
        GrayImage::from_raw(width, height, pixels).map(DynamicImage::ImageLuma8)
    } else {
        RgbImage::from_raw(width, height, pixels).map(DynamicImage::ImageRgb8)
    };
    Ok((
        picture.ok_or_else(|| unreadable("fewer pixels than its size says"))?,
        orientation,
    ))
}

/// Whether a JPEG stream reaches its end-of-image marker behind its first scan. Segments are stepped over, so that the marker of a
/// thumbnail inside one does not count.
fn has_end_of_image(bytes: &[u8]) -> bool {
    const START_OF_SCAN: u8 = 0xDA;
    let mut at = 2;
    while let Some([0xFF, marker, ..]) = bytes.get(at..) {
        match (marker, bytes.get(at + 2..at + 4)) {
            // A filler byte.
            (0xFF, _) => at += 1,
            (&START_OF_SCAN, _) => return bytes[at..].windows(2).any(|pair| pair == [0xFF, 0xD9]),
            (_, Some(&[high, low])) => at += 2 + usize::from(u16::from_be_bytes([high, low])),
            (_, _) => return false,
        }
    }
    // Rubbish between two segments: the decoder says more about it.
    at < bytes.len()
}

fn decode_png(bytes: &[u8]) -> Result<(DynamicImage, Orientation), StillError> {
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_DECODER_BYTES);
    let mut decoder = PngDecoder::with_limits(Cursor::new(bytes), limits).map_err(unreadable)?;
    let (width, height) = decoder.dimensions();
    small_enough(u64::from(width), u64::from(height))?;
    let orientation = decoder.orientation().map_err(unreadable)?;
    Ok((
        DynamicImage::from_decoder(decoder).map_err(unreadable)?,
        orientation,
    ))
}

/// The size, if it is one that the host reads.
fn small_enough(width: u64, height: u64) -> Result<(u32, u32), StillError> {
    at_most("pixels", width.saturating_mul(height), MOST_PIXELS)?;
    at_most("pixels a side", width.max(height), u64::from(MOST_SIDE))?;
    // Both are at most `MOST_SIDE` here.
    Ok((width as u32, height as u32))
}

fn to_bgr(picture: DynamicImage) -> Buffer {
    if picture.color().has_alpha() {
        let rgba = picture.into_rgba8();
        let mut pixels = Buffer::zeroed(rgba.len() / 4 * PIXEL);
        for (bgr, from) in pixels
            .as_chunks_mut::<PIXEL>()
            .0
            .iter_mut()
            .zip(rgba.as_chunks::<4>().0)
        {
            let [r, g, b, a] = from.map(u32::from);
            let over_white = |c: u32| ((c * a + 255 * (255 - a) + 127) / 255) as u8;
            *bgr = [over_white(b), over_white(g), over_white(r)];
        }
        return pixels;
    }
    let rgb = picture.into_rgb8();
    let mut pixels = Buffer::zeroed(rgb.len());
    for (bgr, [r, g, b]) in pixels
        .as_chunks_mut::<PIXEL>()
        .0
        .iter_mut()
        .zip(rgb.as_chunks::<PIXEL>().0)
    {
        *bgr = [*b, *g, *r];
    }
    pixels
}

/// BGR rows without padding as a JPEG file; `quality` from 1 to 100 (larger is 100, 0 is 1).
///
/// # Errors
/// `Unwritable` where the bytes are not width × height × 3, or a side is 0 or over [`MOST_SIDE`].
pub fn encode_jpeg(
    bgr: &[u8],
    width: u32,
    height: u32,
    quality: u8,
) -> Result<Vec<u8>, StillError> {
    if size_in_bytes(width, height) != Some(bgr.len()) {
        let cause = format!(
            "{} bytes are no BGR picture of {width} × {height}; sides are 1 to {MOST_SIDE}",
            bgr.len()
        );
        return Err(StillError::Unwritable { cause });
    }
    let unwritable = |e: opencv::Error| StillError::Unwritable {
        cause: e.to_string(),
    };
    let picture = mat::to_read(bgr, width as usize, height as usize).map_err(unwritable)?;
    let parameters = Vector::from_slice(&[IMWRITE_JPEG_QUALITY, i32::from(quality.clamp(1, 100))]);
    let mut file = Vector::<u8>::new();
    let written = imencode(".jpg", &picture, &mut file, &parameters).map_err(unwritable)?;
    if written {
        Ok(file.into())
    } else {
        Err(StillError::Unwritable {
            cause: "OpenCV gives no reason".to_owned(),
        })
    }
}

/// The whole pixels that a box covers in part or in full, cut off at the frame's edge: width, height, and BGR rows. All three are
/// zero or empty where the box does not touch the frame or is not finite.
pub fn crop(frame: &Frame, bounds: Rect) -> (u32, u32, Vec<u8>) {
    let side = |start: f32, end: f32, side: u32| {
        let within = |x: f32| x.clamp(0.0, side as f32) as usize;
        within(start.floor())..within(end.ceil())
    };
    if !bounds.is_finite() {
        return (0, 0, Vec::new());
    }
    let columns = side(bounds.x, bounds.right(), frame.width());
    let rows = side(bounds.y, bounds.bottom(), frame.height());
    if columns.is_empty() || rows.is_empty() {
        return (0, 0, Vec::new());
    }
    let pitch = frame.width() as usize * PIXEL;
    let mut pixels = Vec::with_capacity(columns.len() * rows.len() * PIXEL);
    for row in rows.clone() {
        pixels.extend_from_slice(
            &frame.bgr()[row * pitch..][columns.start * PIXEL..columns.end * PIXEL],
        );
    }
    (columns.len() as u32, rows.len() as u32, pixels)
}

fn at_most(what: &'static str, found: u64, most: u64) -> Result<(), StillError> {
    if found > most {
        Err(StillError::TooLarge { what, found, most })
    } else {
        Ok(())
    }
}

fn unreadable(cause: impl ToString) -> StillError {
    StillError::Unreadable {
        cause: cause.to_string(),
    }
}

#[cfg(test)]
mod tests;
