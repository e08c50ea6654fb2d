//! What a guest may ask of a tensor, and what it is refused.

#![allow(clippy::unwrap_used)]
use super::*;

fn unlimited() -> Budget {
    Budget::unlimited()
}

#[test]
fn a_shape_that_does_not_agree_with_its_values_is_refused() {
    let values = [0.0f32; 6];
    for shape in [
        &[][..],
        &[5],
        &[2, 2],
        &[6, 0],
        &[1, 1, 1, 1, 1, 1, 1, 1, 6],
        &[u32::MAX, u32::MAX, u32::MAX],
    ] {
        let refused = Tensor::from_values(shape, &values, &unlimited()).unwrap_err();
        assert_eq!(
            refused,
            TensorError::BadShape {
                shape: shape.to_vec(),
                found: 6
            }
        );
    }
    assert!(
        Tensor::from_values(&[0], &[], &unlimited()).is_err(),
        "no dimension is 0"
    );
    assert_eq!(
        Tensor::from_values(&[1, 1, 1, 1, 1, 1, 2, 3], &values, &unlimited())
            .unwrap()
            .shape(),
        [1, 1, 1, 1, 1, 1, 2, 3]
    );
}

#[test]
fn a_product_that_overflows_is_refused_even_where_it_wraps_to_the_right_number() {
    // 2³² − 1 and 2³² − 1 and so on never give a small product, but 2³¹ · 2³¹ · 4 is 0 modulo 2⁶⁴.
    let shape = [1 << 31, 1 << 31, 4];
    assert!(matches!(
        Tensor::from_values(&shape, &[], &unlimited()),
        Err(TensorError::BadShape { .. })
    ));
}

#[test]
fn bytes_that_are_no_whole_number_of_values_are_refused() {
    let refused =
        Tensor::from_bytes(&[1], Element::Int32, &[1, 2, 3, 4, 5], &unlimited()).unwrap_err();
    assert_eq!(
        refused,
        TensorError::BadShape {
            shape: vec![1],
            found: 5
        }
    );
}

#[test]
fn the_budget_is_charged_before_a_tensor_is_made() {
    let budget = Budget::new(23);
    let refused = Tensor::from_values(&[2, 3], &[0.0; 6], &budget).unwrap_err();
    assert_eq!(
        refused,
        TensorError::OverBudget(OverBudget {
            wanted: 24,
            left: 23
        })
    );
    assert_eq!(
        Tensor::zeroed(vec![usize::MAX, 2], Element::Uint8, &unlimited())
            .unwrap_err()
            .wanted,
        u64::MAX,
        "and never overflows"
    );
    let budget = Budget::new(24);
    Tensor::from_values(&[2, 3], &[0.0; 6], &budget).unwrap();
    assert_eq!(budget.left(), 0, "a tensor that died gives nothing back");
}

#[test]
fn every_element_reads_as_float32_except_int64() {
    let read = |element, bytes: &[u8], n| {
        Tensor::from_bytes(&[n], element, bytes, &unlimited())
            .unwrap()
            .read(0, n)
    };
    assert_eq!(
        read(Element::Float32, &1.5f32.to_le_bytes(), 1).unwrap(),
        [1.5]
    );
    assert_eq!(
        read(Element::Float16, &f16::from_f32(-0.25).to_le_bytes(), 1).unwrap(),
        [-0.25]
    );
    assert_eq!(read(Element::Uint8, &[0, 255], 2).unwrap(), [0.0, 255.0]);
    assert_eq!(
        read(Element::Int32, &16_777_217i32.to_le_bytes(), 1).unwrap(),
        [16_777_216.0],
        "to the nearest"
    );
    assert_eq!(
        read(Element::Int64, &[0; 8], 1).unwrap_err(),
        TensorError::WrongElement(Element::Int64)
    );
    let tensor =
        Tensor::from_bytes(&[1], Element::Int64, &7i64.to_le_bytes(), &unlimited()).unwrap();
    assert_eq!(tensor.read_bytes(0, 1).unwrap(), 7i64.to_le_bytes());
    assert_eq!(
        tensor.gather(&[0]).unwrap_err(),
        TensorError::WrongElement(Element::Int64)
    );
}

#[test]
fn gather_gives_the_values_that_read_gives_for_every_element() {
    let bytes: Vec<u8> = (0..64).collect();
    for element in [
        Element::Float32,
        Element::Float16,
        Element::Uint8,
        Element::Int32,
    ] {
        let n = (bytes.len() / element.size()) as u32;
        let tensor = Tensor::from_bytes(&[n], element, &bytes, &unlimited()).unwrap();
        let backwards: Vec<u32> = (0..n).rev().collect();
        let mut gathered = tensor.gather(&backwards).unwrap();
        gathered.reverse();
        assert_eq!(gathered, tensor.read(0, n).unwrap(), "{element:?}");
    }
}

#[test]
fn what_lies_outside_is_refused() {
    let tensor =
        Tensor::from_values(&[2, 3], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0], &unlimited()).unwrap();
    assert_eq!(tensor.read(2, 4).unwrap(), [2.0, 3.0, 4.0, 5.0]);
    assert_eq!(tensor.read(6, 0).unwrap(), []);
    assert_eq!(
        tensor.read(2, 5).unwrap_err(),
        TensorError::OutOfRange { asked: 6, there: 6 }
    );
    assert_eq!(
        tensor.read(7, 0).unwrap_err(),
        TensorError::OutOfRange { asked: 7, there: 6 }
    );
    assert!(tensor.read(u32::MAX, u32::MAX).is_err());
    assert_eq!(tensor.gather(&[5, 0]).unwrap(), [5.0, 0.0]);
    assert_eq!(
        tensor.gather(&[6]).unwrap_err(),
        TensorError::OutOfRange { asked: 6, there: 6 }
    );
    assert_eq!(
        tensor.peaks(1, 0.0, 1).unwrap_err(),
        TensorError::OutOfRange { asked: 1, there: 1 }
    );
}

#[test]
fn an_answer_that_would_be_too_long_is_refused() {
    let most = MOST_VALUES as u32;
    let tensor = Tensor::from_bytes(
        &[most + 1],
        Element::Uint8,
        &vec![1; most as usize + 1],
        &unlimited(),
    )
    .unwrap();
    let too_many = TensorError::TooMany {
        asked: MOST_VALUES + 1,
        most: MOST_VALUES,
    };
    assert_eq!(tensor.read(0, most + 1).unwrap_err(), too_many);
    assert_eq!(tensor.read_bytes(0, most + 1).unwrap_err(), too_many);
    assert_eq!(
        tensor.gather(&vec![0; most as usize + 1]).unwrap_err(),
        too_many
    );
    assert_eq!(tensor.read(1, most).unwrap().len(), most as usize);
    let map = Tensor::from_values(&[1, 1], &[1.0], &unlimited()).unwrap();
    assert_eq!(
        map.peaks(0, 0.0, MOST_PEAKS + 1).unwrap_err(),
        TensorError::TooMany {
            asked: 65_537,
            most: 65_536
        }
    );
}

#[test]
fn peaks_looks_at_the_plane_asked_for() {
    let tensor = Tensor::from_values(
        &[1, 2, 2, 2],
        &[1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 9.0],
        &unlimited(),
    )
    .unwrap();
    assert_eq!(
        tensor.peaks(0, 0.5, 9).unwrap(),
        [Peak {
            row: 0,
            column: 0,
            value: 1.0
        }]
    );
    assert_eq!(
        tensor.peaks(1, 0.5, 9).unwrap(),
        [Peak {
            row: 1,
            column: 1,
            value: 9.0
        }]
    );
    let bytes = Tensor::from_bytes(&[1], Element::Uint8, &[1], &unlimited()).unwrap();
    assert_eq!(
        bytes.peaks(0, 0.0, 1).unwrap_err(),
        TensorError::WrongElement(Element::Uint8)
    );
}

#[test]
fn a_model_may_answer_with_nothing_and_asking_for_its_peaks_is_an_error() {
    let empty = Tensor::zeroed(vec![1, 0, 4], Element::Float32, &unlimited()).unwrap();
    assert_eq!(empty.read(0, 0).unwrap(), []);
    assert_eq!(
        empty.peaks(0, 0.0, 1).unwrap_err(),
        TensorError::OutOfRange { asked: 0, there: 0 }
    );
}

#[test]
fn a_tensor_can_be_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Tensor>();
}

#[test]
fn the_least_and_the_greatest_pass_over_nan_and_need_a_number() {
    let values = [1.0, f32::NAN, -2.0, 7.0, f32::NAN, f32::NAN];
    let tensor = Tensor::from_values(&[2, 3], &values, &unlimited()).unwrap();
    assert_eq!(tensor.least_and_greatest(0, 6).unwrap(), (-2.0, 7.0));
    assert_eq!(tensor.least_and_greatest(2, 1).unwrap(), (-2.0, -2.0));
    for (start, count) in [(4, 2), (0, 0), (5, 2), (u32::MAX, u32::MAX)] {
        assert!(
            matches!(
                tensor.least_and_greatest(start, count),
                Err(TensorError::OutOfRange { .. })
            ),
            "{start} {count}"
        );
    }
}
