//! What asks too much of the host: handles, tensors, bytes, answers, time.

use overt_sdk::{
    Alignment, Channels, DetectorError, Face, Frame, InferenceError, Landmarks, Model, PixelError,
    Point, Tensor, TensorError, View,
};

use crate::sound_face;

/// A tensor of one number.
fn small() -> Result<Tensor, DetectorError> {
    Ok(Tensor::from_values(&[1], &[1.0])?)
}

/// The rest of [`crate::detector`]'s behaviours. Where the host refuses by an error that the contract knows, it answers well.
pub(crate) fn detect(behaviour: &str, frame: &Frame) -> Result<Vec<Face>, DetectorError> {
    let plane = || Tensor::from_values(&[500, 500], &vec![0.0; 250_000]);
    match behaviour {
        "hold-thousands-of-tensors" => {
            let held: Result<Vec<Tensor>, _> = (0..10_000).map(|_| small()).collect();
            drop(held?);
        }
        "open-a-model-thousands-of-times" => {
            let open = |_| Model::open("endless");
            drop((0..10_000).map(open).collect::<Result<Vec<_>, _>>()?);
        }
        "lend-one-tensor-thousands-of-times" => {
            let tensor = small()?;
            Model::open("endless")?.run(&vec![&tensor; 5_000])?;
        }
        "tensors-over-the-budget" => {
            let refused = loop {
                // Dropping them gives nothing back.
                if let Err(error) = frame.tensor(View::stretch(4_096, 4_096)) {
                    break error;
                }
            };
            assert_eq!(refused, overt_sdk::FrameError::OverBudget);
        }
        "payload-over-a-mebibyte" => drop(Tensor::from_values(&[300_000], &vec![0.0; 300_000])?),
        "ask-for-too-much" => ask_for_too_much(frame)?,
        "ask-for-what-is-not-there" => ask_for_what_is_not_there(frame)?,
        "open-a-model-that-is-not-declared" => {
            for name in ["other", "", "../endless", "endless\0"] {
                let opened = Model::open(name).map(drop);
                assert_eq!(opened, Err(InferenceError::UnknownModel));
            }
        }
        "call-the-host-for-ever" => loop {
            frame.width();
        },
        "copy-tensors-for-ever" => {
            let plane = plane()?;
            loop {
                plane.read(0, 250_000)?;
            }
        }
        "peaks-for-ever" => {
            let plane = plane()?;
            loop {
                plane.peaks(0, -1.0, 1)?;
            }
        }
        "views-for-ever" => loop {
            frame.tensor(View::stretch(1, 1).channels(Channels::Grey))?;
        },
        "bad-input-for-ever" => {
            let model = Model::open("endless")?;
            loop {
                let refused = model.run(&[]).map(drop);
                assert_eq!(refused, Err(InferenceError::BadInput));
            }
        }
        "run-an-endless-model" => drop(Model::open("endless")?.run(&[&small()?])?),
        "run-a-model-past-its-memory" => {
            let large = frame.tensor(View::stretch(2_048, 1_024))?.tensor;
            drop(Model::open("wide")?.run(&[&large])?);
        }
        "run-a-model-on-a-huge-tensor" => {
            let huge = frame.tensor(View::stretch(4_096, 4_096))?.tensor;
            drop(Model::open("wide")?.run(&[&huge])?);
        }
        "run-a-model-on-a-huge-tensor-for-ever" => {
            let model = Model::open("wide")?;
            let large = frame.tensor(View::stretch(1_024, 1_024))?.tensor;
            loop {
                model.run(&[&large])?;
            }
        }
        other => panic!("no such behaviour: {other}"),
    }
    Ok(vec![sound_face()])
}

fn ask_for_too_much(frame: &Frame) -> Result<(), DetectorError> {
    let tensor = small()?;
    let most = 1 << 20;
    assert_eq!(tensor.read(0, most + 1), Err(TensorError::TooMany));
    assert_eq!(tensor.read(0, u32::MAX), Err(TensorError::TooMany));
    assert_eq!(tensor.read_bytes(0, u32::MAX), Err(TensorError::TooMany));
    assert_eq!(tensor.peaks(0, 0.0, 65_537), Err(TensorError::TooMany));
    assert_eq!(tensor.peaks(0, 0.0, u32::MAX), Err(TensorError::TooMany));
    for (width, height) in [(u32::MAX, u32::MAX), (4_194_305, 1), (1, u32::MAX)] {
        let region = frame.region(0, 0, width, height, Channels::Bgr);
        assert_eq!(region, Err(PixelError::TooMany));
    }
    let origin = Point { x: 0.0, y: 0.0 };
    let landmarks = Landmarks {
        left_eye: origin,
        right_eye: origin,
        nose: origin,
        left_mouth: origin,
        right_mouth: origin,
    };
    let aligned = frame.aligned(&[landmarks; 257], Alignment::arcface(112));
    assert!(matches!(aligned, Err(overt_sdk::FrameError::TooMany)));
    let aligned = frame.aligned(&[landmarks], Alignment::arcface(112));
    assert!(matches!(aligned, Err(overt_sdk::FrameError::BadLandmarks)));
    Ok(())
}

fn ask_for_what_is_not_there(frame: &Frame) -> Result<(), DetectorError> {
    let tensor = small()?;
    for (start, count) in [(0, 2), (1, 1), (2, 0), (u32::MAX, 1), (1, 1 << 20)] {
        assert_eq!(tensor.read(start, count), Err(TensorError::OutOfRange));
        assert_eq!(
            tensor.read_bytes(start, count),
            Err(TensorError::OutOfRange)
        );
    }
    assert_eq!(tensor.gather(&[0, 1]), Err(TensorError::OutOfRange));
    assert_eq!(tensor.gather(&[u32::MAX]), Err(TensorError::OutOfRange));
    assert_eq!(tensor.peaks(1, 0.0, 1), Err(TensorError::OutOfRange));
    assert_eq!(tensor.peaks(u32::MAX, 0.0, 1), Err(TensorError::OutOfRange));
    for shape in [&[][..], &[0], &[2], &[1; 9], &[u32::MAX, u32::MAX, 2]] {
        let made = Tensor::from_values(shape, &[1.0]).map(drop);
        assert_eq!(made, Err(TensorError::BadShape), "{shape:?}");
    }
    let (width, height) = (frame.width(), frame.height());
    for (x, y, w, h) in [
        (0, 0, 0, 1),
        (0, 0, width + 1, 1),
        (width, 0, 1, 1),
        (u32::MAX, 0, 1, 1),
        (0, height, 1, 1),
        (0, u32::MAX, 1, 2),
    ] {
        let region = frame.region(x, y, w, h, Channels::Grey);
        assert_eq!(region, Err(PixelError::OutsideFrame), "{x} {y} {w} {h}");
    }
    Ok(())
}
