//! Videos that are whole, cut short, damaged, or no videos at all.
#![allow(clippy::unwrap_used)]

use std::fs;

use opencv::core::{Mat, Scalar, Size};
use opencv::videoio::{VideoWriter, VideoWriterTrait, VideoWriterTraitConst};
use tempfile::TempDir;

use super::*;

const FPS: f64 = 25.0;

/// Writes a video in which frame n is grey of 8 n.
fn write(
    folder: &TempDir,
    name: &str,
    code: [char; 4],
    frames: u8,
    (width, height): (i32, i32),
) -> PathBuf {
    let path = folder.path().join(name);
    let [a, b, c, d] = code;
    let code = VideoWriter::fourcc(a, b, c, d).unwrap();
    let mut writer =
        VideoWriter::new_with_backend(&path, CAP_FFMPEG, code, FPS, Size::new(width, height), true)
            .unwrap();
    assert!(writer.is_opened().unwrap(), "OpenCV's FFmpeg writes {name}");
    for n in 0..frames {
        let grey = f64::from(n) * 8.0;
        let picture = Mat::new_rows_cols_with_default(
            height,
            width,
            opencv::core::CV_8UC3,
            Scalar::all(grey),
        )
        .unwrap();
        writer.write(&picture).unwrap();
    }
    writer.release().unwrap();
    path
}

const MJPG: [char; 4] = ['M', 'J', 'P', 'G'];
const MP4V: [char; 4] = ['m', 'p', '4', 'v'];

fn open(path: &Path) -> Result<FileCamera, CameraError> {
    FileCamera::open(path, Arc::from("gate"))
}

/// The frames until the end or the error, each as its grey level divided by 8.
fn levels(camera: &mut FileCamera) -> (Vec<u32>, Option<CameraError>) {
    let mut levels = Vec::new();
    loop {
        match camera.next() {
            Ok(Some(frame)) => {
                let sum: u64 = frame.bgr().iter().map(|b| u64::from(*b)).sum();
                levels.push((sum as f64 / frame.bgr().len() as f64 / 8.0).round() as u32);
            }
            Ok(None) => return (levels, None),
            Err(error) => return (levels, Some(error)),
        }
    }
}

fn cut(path: &Path, part: f64) {
    let bytes = fs::read(path).unwrap();
    fs::write(path, &bytes[..(bytes.len() as f64 * part) as usize]).unwrap();
}

#[test]
fn every_frame_of_a_file_comes_once_and_in_order() {
    let folder = TempDir::new().unwrap();
    for (name, code) in [("a.avi", MJPG), ("b.mp4", MP4V), ("c.mkv", MP4V)] {
        let mut camera = open(&write(&folder, name, code, 30, (64, 48))).unwrap();
        assert_eq!(
            (camera.size(), camera.fps(), camera.frames_expected()),
            ((64, 48), FPS, Some(30)),
            "{name}"
        );
        let (found, error) = levels(&mut camera);
        assert_eq!((found, error), ((0..30).collect(), None), "{name}");
        assert!(
            matches!(camera.next(), Ok(None)),
            "{name}: the end stays the end"
        );
    }
}

#[test]
fn a_frame_says_when_it_was_taken_and_by_which_camera() {
    let folder = TempDir::new().unwrap();
    let mut camera = open(&write(&folder, "a.avi", MJPG, 3, (32, 32))).unwrap();
    for sequence in 0..3 {
        let frame = camera.next().unwrap().unwrap();
        assert_eq!(
            (frame.sequence(), frame.captured_at(), &**frame.camera()),
            (sequence, f64::from(sequence) / FPS, "gate")
        );
        assert_eq!(
            (frame.width(), frame.height(), frame.bgr().len()),
            (32, 32, 32 * 32 * 3)
        );
    }
}

#[test]
fn a_file_cut_short_gives_its_frames_and_then_an_error() {
    let folder = TempDir::new().unwrap();
    for (name, code) in [("a.avi", MJPG), ("c.mkv", MP4V)] {
        // Long enough that the estimate's slack of a second does not hide the cut.
        let path = write(&folder, name, code, 100, (64, 48));
        cut(&path, 0.5);
        let mut camera = open(&path).unwrap();
        let (found, error) = levels(&mut camera);
        assert!(
            (20..80).contains(&found.len()),
            "{name}: {} frames",
            found.len()
        );
        let Some(CameraError::CutShort {
            path: named,
            read,
            expected,
        }) = error
        else {
            panic!("{name}: {error:?}")
        };
        assert_eq!(
            (named, read, expected),
            (path, found.len() as u64, 100),
            "{name}"
        );
        assert!(
            matches!(camera.next(), Ok(None)),
            "{name}: the error comes once"
        );
    }
}

#[test]
fn a_file_that_lost_its_last_frame_alone_is_found_out() {
    let folder = TempDir::new().unwrap();
    let path = write(&folder, "a.avi", MJPG, 20, (64, 48));
    let bytes = fs::read(&path).unwrap();
    // The index at the end is gone too, as it is when a recorder loses power; cut in front of the last frame's chunk.
    let index = bytes.windows(4).rposition(|w| w == b"idx1").unwrap();
    let last = bytes[..index]
        .windows(4)
        .rposition(|w| w == b"00dc")
        .unwrap();
    fs::write(&path, &bytes[..last]).unwrap();
    let (found, error) = levels(&mut open(&path).unwrap());
    assert_eq!(found, (0..19).collect::<Vec<_>>());
    assert!(
        matches!(
            error,
            Some(CameraError::CutShort {
                read: 19,
                expected: 20,
                ..
            })
        ),
        "{error:?}"
    );
}

#[test]
fn frames_that_cannot_be_decoded_are_not_passed_over_in_silence() {
    let folder = TempDir::new().unwrap();
    let path = write(&folder, "a.avi", MJPG, 30, (64, 48));
    let mut bytes = fs::read(&path).unwrap();
    let chunks: Vec<usize> = bytes
        .windows(4)
        .enumerate()
        .filter(|(_, w)| *w == b"00dc")
        .map(|(at, _)| at)
        .collect();
    // Three frames in the middle are overwritten with nothing.
    bytes[chunks[10] + 8..chunks[13]].fill(0);
    fs::write(&path, bytes).unwrap();
    let (found, error) = levels(&mut open(&path).unwrap());
    assert!(found.len() < 30, "{found:?}");
    assert!(
        matches!(error, Some(CameraError::CutShort { expected: 30, .. })),
        "{error:?}"
    );
}

#[test]
fn a_file_that_is_not_there_is_missing() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("none.avi");
    assert_eq!(open(&path).unwrap_err(), CameraError::Missing { path });
}

#[test]
fn a_file_that_is_no_video_is_unreadable_and_named() {
    let folder = TempDir::new().unwrap();
    let whole = fs::read(write(&folder, "whole.avi", MJPG, 3, (64, 48))).unwrap();
    let files: [(&str, &[u8]); 6] = [
        ("empty.avi", b""),
        ("text.avi", b"this is a video, is it not?"),
        ("list.avi", b"#EXTM3U\n#EXTINF:1,\n/etc/hostname\n"),
        ("head.avi", b"RIFF\x24\0\0\0AVI LIST"),
        (
            "noise.mp4",
            b"\0\0\0\x20ftypisom\xDE\xAD\xBE\xEF\xDE\xAD\xBE\xEF\xDE\xAD\xBE\xEF\xDE\xAD\xBE\xEF",
        ),
        ("header.avi", &whole[..200]),
    ];
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let error = open(&path).unwrap_err();
        assert!(
            matches!(&error, CameraError::Unreadable { path: named, .. } if *named == path),
            "{name}: {error:?}"
        );
        assert!(error.to_string().contains(name), "{error}");
    }
    let error = open(folder.path()).unwrap_err();
    assert!(
        matches!(error, CameraError::Unreadable { .. }),
        "a folder: {error:?}"
    );
}

#[test]
fn a_video_without_a_readable_frame_is_empty() {
    let folder = TempDir::new().unwrap();
    let path = write(&folder, "a.avi", MJPG, 3, (64, 48));
    let mut bytes = fs::read(&path).unwrap();
    let chunks: Vec<usize> = bytes
        .windows(4)
        .enumerate()
        .filter(|(_, w)| *w == b"00dc")
        .map(|(at, _)| at)
        .collect();
    let index = bytes.windows(4).rposition(|w| w == b"idx1").unwrap();
    for pair in [chunks[0], chunks[1], chunks[2], index].windows(2) {
        bytes[pair[0] + 8..pair[1]].fill(0);
    }
    fs::write(&path, bytes).unwrap();
    assert_eq!(open(&path).unwrap_err(), CameraError::Empty { path });
}

#[test]
fn frames_over_the_longest_side_are_too_large() {
    let folder = TempDir::new().unwrap();
    let path = write(&folder, "wide.avi", MJPG, 1, (MOST_SIDE as i32 + 16, 16));
    let error = open(&path).unwrap_err();
    assert_eq!(
        error,
        CameraError::TooLarge {
            source_name: path.display().to_string(),
            width: u64::from(MOST_SIDE) + 16,
            height: 16,
            most: MOST_SIDE
        }
    );
    let path = write(&folder, "widest.avi", MJPG, 1, (MOST_SIDE as i32, 16));
    assert_eq!(open(&path).unwrap().size(), (MOST_SIDE, 16));
}

#[test]
fn a_name_that_looks_like_an_address_is_a_file_all_the_same() {
    let folder = TempDir::new().unwrap();
    let path = write(&folder, "plain.avi", MJPG, 2, (32, 32));
    let odd = folder.path().join("http:strange%d.avi");
    fs::rename(path, &odd).unwrap();
    assert_eq!(levels(&mut open(&odd).unwrap()).0.len(), 2);
}

#[test]
fn a_camera_moves_to_its_own_thread_and_frames_are_shared() {
    fn moves<T: Send>() {}
    fn is_shared<T: Send + Sync>() {}
    moves::<FileCamera>();
    is_shared::<Frame>();
}
