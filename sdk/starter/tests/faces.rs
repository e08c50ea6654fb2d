//! The starters that see faces, on the host's test card and on real photographs. What a vendor's own project cannot have: it has no host library.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use overt_sdk::native::{Setup, Workbench};
use overt_sdk::{Face, QualityError, Rect};
use overt_starter::{Contrasts, GreyPatch, LightAndSharpness};
use overt_vision::{Frame, test_card};

fn setup() -> Setup {
    Setup::above(env!("CARGO_MANIFEST_DIR")).unwrap()
}

fn bench() -> Workbench {
    Workbench::new().pixels()
}

fn card() -> Arc<Frame> {
    Arc::new(test_card::frame().unwrap())
}

fn template(frame: &Arc<Frame>, face: Face) -> Vec<f32> {
    let templates = bench().encode::<GreyPatch>(frame, &[face]).unwrap();
    templates.read(0, 256).unwrap()
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| -> f32 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn the_drawn_face_is_found_once_and_lies_in_its_box() {
    let found = bench().detect::<Contrasts>(&card()).unwrap();
    let [face] = found[..] else {
        panic!("{found:?}")
    };
    let drawn: Face = test_card::face().into();
    assert!(face.bounds.overlap(&drawn.bounds) > 0.5, "{face:?}");
}

#[test]
fn real_faces_are_found_and_compare() {
    let best = |photograph: &str| {
        let frame = setup().photograph(photograph).unwrap();
        let face = bench().detect::<Contrasts>(&frame).unwrap()[0];
        template(&frame, face)
    };
    let (one, same) = (best("person-a-1.jpg"), best("person-a-2.jpg"));
    let same = cosine(&one, &same);
    let other = cosine(&one, &best("person-d.jpg"));
    assert!(same > other, "{same} {other}");
}

#[test]
fn a_face_out_of_focus_is_worth_less() {
    let frame = setup().photograph("person-a-1.jpg").unwrap();
    let face = bench().detect::<Contrasts>(&frame).unwrap()[0];
    let unified = |frame: &Arc<Frame>| -> Result<f32, QualityError> {
        let found = bench().assess::<LightAndSharpness>(frame, &[face])?;
        Ok(found[0][0].value)
    };
    // Every pixel the mean of 48 of its row.
    let (width, row) = (frame.width() as usize, 3 * frame.width() as usize);
    let mut blurred = frame.bgr().to_vec();
    for (line, into) in frame.bgr().chunks(row).zip(blurred.chunks_mut(row)) {
        for column in 0..width - 48 {
            for channel in 0..3 {
                let sum: u32 = (0..48)
                    .map(|more| u32::from(line[3 * (column + more) + channel]))
                    .sum();
                into[3 * column + channel] = (sum / 48) as u8;
            }
        }
    }
    let info = overt_vision::FrameInfo {
        camera: Arc::from("gate"),
        sequence: 0,
        captured_at: 0.0,
    };
    let blurred = Frame::from_bgr(info, frame.width(), frame.height(), &blurred).unwrap();
    let (sharp, blurred) = (
        unified(&frame).unwrap(),
        unified(&Arc::new(blurred)).unwrap(),
    );
    assert!(sharp > 1.5 * blurred, "{sharp} {blurred}");
    let outside = Face {
        bounds: Rect {
            x: -500.0,
            ..face.bounds
        },
        ..face
    };
    let refused = bench().assess::<LightAndSharpness>(&frame, &[outside]);
    assert_eq!(refused, Err(QualityError::Refused));
}
