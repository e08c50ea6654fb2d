//! Photographs of every kind that people bring, and files that only look like photographs.
#![allow(clippy::unwrap_used)]

use std::fs;

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageBuffer, ImageEncoder, ImageFormat, Luma, LumaA, Rgb, Rgba};
use tempfile::TempDir;

use super::*;
use crate::testing::{Numbers, frame};

fn png(picture: DynamicImage) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, ImageFormat::Png).unwrap();
    file.into_inner()
}

fn jpeg(picture: &DynamicImage) -> Vec<u8> {
    let mut file = Vec::new();
    JpegEncoder::new_with_quality(&mut file, 95)
        .encode_image(picture)
        .unwrap();
    file
}

/// A picture with detail everywhere, so that every part of its file matters.
fn busy(width: u32, height: u32) -> DynamicImage {
    let noise = Numbers(4).bytes((width * height * 3) as usize);
    DynamicImage::ImageRgb8(RgbImage::from_raw(width, height, noise).unwrap())
}

fn bgr(frame: &Frame, x: u32, y: u32) -> [u8; 3] {
    frame.bgr().as_chunks::<3>().0[(y * frame.width() + x) as usize]
}

#[test]
fn colours_arrive_as_blue_green_red() {
    let picture = DynamicImage::ImageRgb8(ImageBuffer::from_fn(16, 8, |x, _| {
        if x < 8 {
            Rgb([200, 100, 0])
        } else {
            Rgb([0, 0, 255])
        }
    }));
    let frame = decode_still(&png(picture.clone())).unwrap();
    assert_eq!((frame.width(), frame.height()), (16, 8));
    assert_eq!(
        (bgr(&frame, 0, 0), bgr(&frame, 15, 7)),
        ([0, 100, 200], [255, 0, 0])
    );
    let frame = decode_still(&jpeg(&picture)).unwrap();
    for (x, wanted) in [(1, [0, 100, 200]), (14, [255, 0, 0])] {
        let near = bgr(&frame, x, 4)
            .iter()
            .zip(wanted)
            .all(|(found, wanted)| found.abs_diff(wanted) < 12);
        assert!(near, "{:?}", bgr(&frame, x, 4));
    }
}

#[test]
fn grey_becomes_three_equal_channels() {
    let picture = DynamicImage::ImageLuma8(ImageBuffer::from_fn(9, 9, |x, _| Luma([x as u8 * 20])));
    for file in [png(picture.clone()), jpeg(&picture)] {
        let frame = decode_still(&file).unwrap();
        let [b, g, r] = bgr(&frame, 8, 0);
        assert!(b == g && g == r && b.abs_diff(160) < 8, "{b} {g} {r}");
    }
}

#[test]
fn what_is_transparent_lies_over_white() {
    let picture = ImageBuffer::from_fn(3, 1, |x, _| Rgba([100, 50, 0, [0, 128, 255][x as usize]]));
    let frame = decode_still(&png(DynamicImage::ImageRgba8(picture))).unwrap();
    // 255 − 128 / 255 · (255 − c), rounded.
    assert_eq!(
        (0..3).map(|x| bgr(&frame, x, 0)).collect::<Vec<_>>(),
        [[255, 255, 255], [127, 152, 177], [0, 50, 100]]
    );
    let picture = ImageBuffer::from_fn(1, 1, |_, _| LumaA([0u8, 0]));
    assert_eq!(
        bgr(
            &decode_still(&png(DynamicImage::ImageLumaA8(picture))).unwrap(),
            0,
            0
        ),
        [255; 3]
    );
}

#[test]
fn sixteen_bits_become_eight() {
    let rgb = ImageBuffer::from_fn(1, 1, |_, _| Rgb([65_535u16, 32_896, 0]));
    assert_eq!(
        bgr(
            &decode_still(&png(DynamicImage::ImageRgb16(rgb))).unwrap(),
            0,
            0
        ),
        [0, 128, 255]
    );
    let grey = ImageBuffer::from_fn(1, 1, |_, _| Luma([257u16 * 77]));
    assert_eq!(
        bgr(
            &decode_still(&png(DynamicImage::ImageLuma16(grey))).unwrap(),
            0,
            0
        ),
        [77; 3]
    );
    let rgba = ImageBuffer::from_fn(1, 1, |_, _| Rgba([0u16, 0, 0, 0]));
    assert_eq!(
        bgr(
            &decode_still(&png(DynamicImage::ImageRgba16(rgba))).unwrap(),
            0,
            0
        ),
        [255; 3]
    );
}

#[test]
fn one_pixel_and_sixteen_megapixels_are_photographs() {
    for file in [png(busy(1, 1)), jpeg(&busy(1, 1))] {
        let frame = decode_still(&file).unwrap();
        assert_eq!((frame.width(), frame.height()), (1, 1));
    }
    let large = DynamicImage::ImageLuma8(ImageBuffer::from_fn(5000, 3400, |x, y| {
        Luma([(x / 40 + y / 40) as u8])
    }));
    let frame = decode_still(&jpeg(&large)).unwrap();
    assert_eq!((frame.width(), frame.height()), (5000, 3400));
    assert!(
        bgr(&frame, 4990, 3390)[0].abs_diff((4990 / 40 + 3390 / 40) as u8) < 4,
        "the last corner is there"
    );
}

#[test]
fn a_jpeg_cut_anywhere_is_unreadable() {
    let file = jpeg(&busy(80, 60));
    assert!(decode_still(&file).is_ok());
    for keep in (4..file.len() - 1).step_by(37) {
        let refused = decode_still(&file[..keep]);
        assert!(
            matches!(refused, Err(StillError::Unreadable { .. })),
            "{keep} of {} bytes: {refused:?}",
            file.len()
        );
    }
}

#[test]
fn a_progressive_jpeg_cut_short_is_unreadable() {
    // OpenCV writes progressive files; `image` does not.
    let picture = busy(80, 60).into_rgb8();
    let mat = mat::to_read(picture.as_raw(), 80, 60).unwrap();
    let parameters = Vector::from_slice(&[opencv::imgcodecs::IMWRITE_JPEG_PROGRESSIVE, 1]);
    let mut file = Vector::<u8>::new();
    assert!(imencode(".jpg", &mat, &mut file, &parameters).unwrap());
    let file: Vec<u8> = file.into();
    assert!(decode_still(&file).is_ok());
    for keep in (4..file.len() - 1).step_by(97) {
        assert!(
            matches!(
                decode_still(&file[..keep]),
                Err(StillError::Unreadable { .. })
            ),
            "{keep} of {} bytes",
            file.len()
        );
    }
}

#[test]
fn the_end_of_a_thumbnail_is_not_the_end_of_the_picture() {
    let file = jpeg(&busy(80, 60));
    let thumbnail = jpeg(&busy(8, 8));
    let with = |whole: &[u8]| {
        let length = (thumbnail.len() as u16 + 2).to_be_bytes();
        [&whole[..2], &[0xFF, 0xE3], &length, &thumbnail, &whole[2..]].concat()
    };
    assert!(decode_still(&with(&file)).is_ok());
    assert!(matches!(
        decode_still(&with(&file[..file.len() / 2])),
        Err(StillError::Unreadable { .. })
    ));
}

#[test]
fn a_png_cut_or_changed_anywhere_is_unreadable() {
    let file = png(busy(40, 30));
    for keep in (8..file.len() - 12).step_by(41) {
        assert!(
            matches!(
                decode_still(&file[..keep]),
                Err(StillError::Unreadable { .. })
            ),
            "{keep} of {} bytes",
            file.len()
        );
    }
    for at in (16..file.len() - 12).step_by(53) {
        let mut changed = file.clone();
        changed[at] ^= 0x55;
        let refused = decode_still(&changed);
        assert!(
            matches!(
                refused,
                Err(StillError::Unreadable { .. } | StillError::TooLarge { .. })
            ),
            "byte {at}: {refused:?}"
        );
    }
}

#[test]
fn no_changed_jpeg_makes_the_decoder_panic() {
    let file = jpeg(&busy(48, 40));
    let mut random = Numbers(21);
    let mut refused = 0;
    for _ in 0..2_000 {
        let mut changed = file.clone();
        for _ in 0..1 + random.below(4) {
            let at = 2 + random.below(changed.len() as u64 - 2) as usize;
            changed[at] = random.below(256) as u8;
        }
        refused += u32::from(decode_still(&changed).is_err());
    }
    assert!(refused > 100, "{refused} of 2,000 were refused");
}

/// A PNG file that says it has this size and holds next to nothing.
fn png_that_claims(width: u32, height: u32) -> Vec<u8> {
    let mut file = png(busy(1, 1));
    file[16..20].copy_from_slice(&width.to_be_bytes());
    file[20..24].copy_from_slice(&height.to_be_bytes());
    // The chunk's checksum is made right again, so that only the size is wrong.
    let crc = crc32(&file[12..29]);
    file[29..33].copy_from_slice(&crc.to_be_bytes());
    file
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |c, _| {
            if c & 1 == 1 {
                0xEDB8_8320 ^ (c >> 1)
            } else {
                c >> 1
            }
        })
    };
    !bytes.iter().fold(u32::MAX, step)
}

/// A JPEG file that says it has this size.
fn jpeg_that_claims(width: u16, height: u16) -> Vec<u8> {
    let mut file = jpeg(&busy(8, 8));
    let frame_header = file
        .windows(2)
        .position(|pair| pair == [0xFF, 0xC0])
        .unwrap();
    file[frame_header + 5..frame_header + 7].copy_from_slice(&height.to_be_bytes());
    file[frame_header + 7..frame_header + 9].copy_from_slice(&width.to_be_bytes());
    file
}

#[test]
fn a_size_over_the_limit_is_refused_by_the_header() {
    for file in [
        png_that_claims(10_000, 6_401),
        jpeg_that_claims(10_000, 6_401),
    ] {
        assert_eq!(
            decode_still(&file).unwrap_err(),
            StillError::TooLarge {
                what: "pixels",
                found: 64_010_000,
                most: MOST_PIXELS
            }
        );
    }
    for file in [
        png_that_claims(u32::MAX >> 1, u32::MAX >> 1),
        jpeg_that_claims(u16::MAX, u16::MAX),
    ] {
        assert!(matches!(
            decode_still(&file),
            Err(StillError::TooLarge { what: "pixels", .. } | StillError::Unreadable { .. })
        ));
    }
    for file in [png_that_claims(16_385, 1), jpeg_that_claims(16_385, 1)] {
        assert_eq!(
            decode_still(&file).unwrap_err(),
            StillError::TooLarge {
                what: "pixels a side",
                found: 16_385,
                most: 16_384
            }
        );
    }
}

#[test]
fn a_file_over_the_limit_is_not_looked_into() {
    let mut file = jpeg(&busy(8, 8));
    file.resize(MOST_FILE_BYTES as usize + 1, 0);
    let too_large = StillError::TooLarge {
        what: "bytes",
        found: MOST_FILE_BYTES + 1,
        most: MOST_FILE_BYTES,
    };
    assert_eq!(decode_still(&file).unwrap_err(), too_large);
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("large.jpg");
    // A hole in the file, so that the disk is not filled.
    File::create(&path)
        .unwrap()
        .set_len(MOST_FILE_BYTES * 10)
        .unwrap();
    assert_eq!(
        read_still(&path).unwrap_err(),
        too_large,
        "and read no further than the limit"
    );
}

#[test]
fn other_formats_are_unknown() {
    for bytes in [
        &b""[..],
        b"GIF89a",
        b"\xFF\xD8",
        b"RIFF\0\0\0\0WEBP",
        b"<svg/>",
        b"\x89PNG",
    ] {
        assert_eq!(decode_still(bytes).unwrap_err(), StillError::UnknownFormat);
    }
}

/// A picture with an EXIF segment that states an orientation.
fn oriented(orientation: u8, picture: &DynamicImage) -> Vec<u8> {
    let file = jpeg(picture);
    // TIFF header, one entry: tag 0x0112, short, one value.
    let exif = [
        &b"Exif\0\0MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0"[..],
        &[orientation],
        b"\0\0\0\0\0\0",
    ]
    .concat();
    let length = (exif.len() as u16 + 2).to_be_bytes();
    [&file[..2], &[0xFF, 0xE1], &length, &exif, &file[2..]].concat()
}

#[test]
fn the_orientation_of_the_exif_data_is_applied() {
    // Bright at the left, 32 × 16.
    let picture = DynamicImage::ImageLuma8(ImageBuffer::from_fn(32, 16, |x, _| {
        Luma([if x < 16 { 250 } else { 5 }])
    }));
    let bright = |orientation, x, y| {
        let frame = decode_still(&oriented(orientation, &picture)).unwrap();
        ((frame.width(), frame.height()), bgr(&frame, x, y)[0] > 128)
    };
    assert_eq!(bright(1, 0, 0), ((32, 16), true));
    assert_eq!(bright(3, 0, 0), ((32, 16), false), "turned upside down");
    // 6: turned a quarter to the right to be upright, so that the left is on top.
    assert_eq!(bright(6, 8, 0), ((16, 32), true));
    assert_eq!(bright(8, 8, 0), ((16, 32), false));
    assert_eq!(
        bright(99, 0, 0),
        ((32, 16), true),
        "an orientation that does not exist is none"
    );
}

#[test]
fn a_file_is_read_and_named() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("custody 7.jpg");
    fs::write(&path, jpeg(&busy(10, 10))).unwrap();
    assert_eq!(&**read_still(&path).unwrap().camera(), "custody 7.jpg");
    let missing = folder.path().join("none.jpg");
    assert_eq!(
        read_still(&missing).unwrap_err(),
        StillError::Missing { path: missing }
    );
    assert!(
        matches!(
            read_still(folder.path()),
            Err(StillError::Unreadable { .. })
        ),
        "a folder"
    );
}

#[test]
fn a_jpeg_that_was_written_can_be_read() {
    let wanted = frame(40, 30, |x, y| [x as u8 * 6, y as u8 * 8, 128]);
    let file = encode_jpeg(wanted.bgr(), 40, 30, 95).unwrap();
    let found = decode_still(&file).unwrap();
    assert_eq!((found.width(), found.height()), (40, 30));
    let worst = found
        .bgr()
        .iter()
        .zip(wanted.bgr())
        .map(|(f, w)| f.abs_diff(*w))
        .max()
        .unwrap();
    assert!(worst < 16, "{worst}");
    let small = encode_jpeg(wanted.bgr(), 40, 30, 0).unwrap();
    assert!(
        small.len() < file.len(),
        "quality counts, and 0 is no error"
    );
}

#[test]
fn bytes_that_are_no_picture_are_not_written() {
    for (bytes, width, height) in [
        (5, 2, 1),
        (0, 0, 0),
        (3, u32::MAX, u32::MAX),
        ((MOST_SIDE as usize + 1) * 3, MOST_SIDE + 1, 1),
    ] {
        assert!(
            matches!(
                encode_jpeg(&vec![0; bytes], width, height, 90),
                Err(StillError::Unwritable { .. })
            ),
            "{bytes} as {width} × {height}"
        );
    }
}

#[test]
fn a_crop_is_the_pixels_that_the_box_covers() {
    let frame = frame(20, 10, |x, y| [x as u8, y as u8, 0]);
    let cut = |x, y, width, height| {
        crop(
            &frame,
            Rect {
                x,
                y,
                width,
                height,
            },
        )
    };
    let (width, height, pixels) = cut(3.2, 4.0, 2.0, 2.0);
    assert_eq!(
        (width, height),
        (3, 2),
        "3.2 to 5.2 covers the columns 3, 4 and 5"
    );
    assert_eq!(
        pixels,
        [3, 4, 0, 4, 4, 0, 5, 4, 0, 3, 5, 0, 4, 5, 0, 5, 5, 0]
    );
    let (width, height, pixels) = cut(-5.0, -5.0, 1e9, 1e9);
    assert_eq!((width, height), (20, 10));
    assert_eq!(pixels, frame.bgr());
    for (x, y, width, height) in [
        (20.0, 0.0, 5.0, 5.0),
        (-5.0, 0.0, 5.0, 5.0),
        (0.0, 0.0, -3.0, 5.0),
        (f32::NAN, 0.0, 1.0, 1.0),
        (0.0, f32::INFINITY, 1.0, 1.0),
    ] {
        assert_eq!(cut(x, y, width, height), (0, 0, vec![]));
    }
}

#[test]
fn an_encoder_for_grey_is_not_needed_to_know_grey() {
    // A PNG of one bit a pixel, as scanners make them.
    let mut file = Vec::new();
    image::codecs::png::PngEncoder::new(&mut file)
        .write_image(&[0, 255], 2, 1, ExtendedColorType::L8)
        .unwrap();
    let frame = decode_still(&file).unwrap();
    assert_eq!((bgr(&frame, 0, 0), bgr(&frame, 1, 0)), ([0; 3], [255; 3]));
}
