//! What a plugin finds natively is what it would find in the host.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use overt_vision::FrameInfo;

use super::*;
use crate::{
    Channels, Element, Frame, FrameError, InferenceError, Model, PixelError, Rect, Tensor,
    TensorError, View,
};

/// 4 × 2 pixels, blue 10 × x, green 100 × y, red 200.
fn frame() -> Arc<overt_vision::Frame> {
    let pixels: Vec<u8> = (0..2u8)
        .flat_map(|y| (0..4u8).flat_map(move |x| [10 * x, 100 * y, 200]))
        .collect();
    let info = FrameInfo {
        camera: Arc::from("gate"),
        sequence: 7,
        captured_at: 0.28,
    };
    Arc::new(overt_vision::Frame::from_bgr(info, 4, 2, &pixels).unwrap())
}

#[test]
fn a_frame_says_what_it_is() {
    Workbench::new().on_frame(&frame(), |frame| {
        assert_eq!((frame.width(), frame.height()), (4, 2));
        assert_eq!((frame.sequence(), frame.captured_at()), (7, 0.28));
        assert_eq!(frame.camera(), "gate");
    });
}

#[test]
fn a_view_of_the_whole_frame_holds_its_pixels() {
    Workbench::new().pixels().on_frame(&frame(), |frame| {
        let viewed = frame
            .tensor(
                View::stretch(4, 2)
                    .channels(Channels::Bgr)
                    .normalised(10.0, 0.5),
            )
            .unwrap();
        assert_eq!(viewed.tensor.shape(), [1, 3, 2, 4]);
        assert_eq!(viewed.tensor.read(0, 4).unwrap(), [-5.0, 0.0, 5.0, 10.0]);
        assert_eq!(viewed.tensor.gather(&[12, 23]).unwrap(), [45.0, 95.0]);
        assert_eq!(viewed.to_frame(4.0, 2.0), crate::Point { x: 4.0, y: 2.0 });
    });
}

#[test]
fn the_views_of_the_sdk_take_a_region_and_pad() {
    Workbench::new().on_frame(&frame(), |frame| {
        let region = Rect {
            x: 2.0,
            y: 0.0,
            width: 2.0,
            height: 2.0,
        };
        let viewed = frame.tensor(View::stretch(2, 2).of(region)).unwrap();
        assert_eq!(viewed.to_frame(0.0, 0.0), crate::Point { x: 2.0, y: 0.0 });
        let padded = frame.tensor(View::shrink_to(64, 64, 32)).unwrap();
        assert_eq!(padded.tensor.shape(), [1, 3, 32, 32]);
        let grey = frame
            .tensor(
                View::letterbox(4, 4)
                    .channels(Channels::Grey)
                    .element(Element::Uint8),
            )
            .unwrap();
        assert_eq!(grey.tensor.shape(), [1, 1, 4, 4]);
        assert_eq!(grey.tensor.element(), Element::Uint8);
    });
}

#[test]
fn bytes_of_a_region_are_the_frames() {
    Workbench::new().on_frame(&frame(), |frame| {
        let bytes = frame.region(1, 1, 2, 1, Channels::Bgr).unwrap();
        assert_eq!(bytes, [10, 100, 200, 20, 100, 200]);
        assert_eq!(
            frame.region(3, 0, 2, 1, Channels::Bgr),
            Err(PixelError::OutsideFrame)
        );
    });
}

#[test]
fn each_call_has_the_whole_budget_and_no_more() {
    let bench = Workbench::new().budget(32);
    for _ in 0..2 {
        bench.within(|| {
            Tensor::from_values(&[8], &[0.0; 8]).unwrap();
            assert_eq!(
                Tensor::from_values(&[1], &[0.0]).unwrap_err(),
                TensorError::OverBudget
            );
        });
    }
    bench.on_frame(&frame(), |frame| {
        assert_eq!(
            frame.tensor(View::stretch(4, 4)).unwrap_err(),
            FrameError::OverBudget
        );
    });
}

#[test]
fn a_model_that_was_not_named_is_unknown() {
    Workbench::new().within(|| {
        assert_eq!(
            Model::open("centerface").unwrap_err(),
            InferenceError::UnknownModel
        );
    });
}

#[test]
fn lines_of_the_log_are_kept_in_order_and_within_bounds() {
    let bench = Workbench::new();
    bench.within(|| {
        crate::log!(info, "{} probes", 3);
        crate::log!(warn, "{}", "x\n".repeat(200));
    });
    let lines = bench.lines();
    assert_eq!(lines[0], (Level::Info, "3 probes".into()));
    assert_eq!(lines[1], (Level::Warn, "x?".repeat(128)));
}

#[test]
fn what_was_current_is_so_again_after_a_call_within_a_call() {
    let (outer, inner) = (Workbench::new().config("1"), Workbench::new().config("2"));
    let read = || crate::config::<u32>().unwrap();
    outer.within(|| {
        assert_eq!((read(), inner.within(read), read()), (1, 2, 1));
    });
}

#[test]
fn a_tensor_of_bytes_is_read_back_as_it_was() {
    Workbench::new().within(|| {
        let tensor = Tensor::from_bytes(&[3], Element::Uint8, &[1, 2, 255]).unwrap();
        assert_eq!(tensor.read(0, 3).unwrap(), [1.0, 2.0, 255.0]);
        assert_eq!(tensor.read_bytes(1, 2).unwrap(), [2, 255]);
        assert_eq!(tensor.read(2, 2).unwrap_err(), TensorError::OutOfRange);
    });
}

#[test]
fn peaks_are_the_local_maxima_highest_first() {
    Workbench::new().within(|| {
        let values = [0.1, 0.9, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.95];
        let tensor = Tensor::from_values(&[1, 1, 3, 3], &values).unwrap();
        let peaks = tensor.peaks(0, 0.5, 10).unwrap();
        let places: Vec<_> = peaks.iter().map(|peak| (peak.row, peak.column)).collect();
        assert_eq!(places, [(2, 2), (0, 1)]);
    });
}

#[test]
fn numbers_of_a_frame_are_withheld_from_whoever_has_not_the_pixels() {
    let numbers = |frame: &Frame| {
        let tensor = frame.tensor(View::stretch(4, 2)).unwrap().tensor;
        [
            tensor.read(0, 1).err(),
            tensor.read_bytes(0, 1).err(),
            tensor.gather(&[0]).err(),
            tensor.peaks(0, 0.0, 1).err(),
        ]
    };
    let withheld = Workbench::new().on_frame(&frame(), numbers);
    assert_eq!(withheld, [Some(TensorError::PixelsWithheld); 4]);
    let granted = Workbench::new().pixels().on_frame(&frame(), numbers);
    assert_eq!(granted, [None; 4]);
}
