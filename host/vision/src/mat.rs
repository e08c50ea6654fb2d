//! Our rows of BGR pixels as OpenCV's matrices and back, without a copy; and OpenCV kept to one thread. The only place that knows how
//! OpenCV sees memory.

use std::sync::Once;

use opencv::boxed_ref::{BoxedRef, BoxedRefMut};
use opencv::core::{Mat, Vec3b};

/// Bytes of a BGR pixel.
pub(crate) const PIXEL: usize = 3;

static ONE_THREAD: Once = Once::new();

/// OpenCV's own thread pool off, for the whole process: a worker per core already uses the cores. Setting it cannot fail; the result is
/// only there because every OpenCV function has one.
pub(crate) fn keep_to_one_thread() {
    ONE_THREAD.call_once(|| {
        let _ = opencv::core::set_num_threads(1);
    });
}

/// BGR rows without padding, to read. `pixels` is `width` × `height` × 3 bytes; OpenCV checks it.
pub(crate) fn to_read(
    pixels: &[u8],
    width: usize,
    height: usize,
) -> opencv::Result<BoxedRef<'_, Mat>> {
    keep_to_one_thread();
    Mat::new_rows_cols_with_bytes::<Vec3b>(side(height)?, side(width)?, pixels)
}

/// BGR rows without padding, to write.
pub(crate) fn to_write(
    pixels: &mut [u8],
    width: usize,
    height: usize,
) -> opencv::Result<BoxedRefMut<'_, Mat>> {
    keep_to_one_thread();
    Mat::new_rows_cols_with_bytes_mut::<Vec3b>(side(height)?, side(width)?, pixels)
}

fn side(pixels: usize) -> opencv::Result<i32> {
    i32::try_from(pixels).map_err(|_| {
        opencv::Error::new(
            opencv::core::StsOutOfRange,
            format!("a side of {pixels} pixels"),
        )
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use opencv::core::MatTraitConst;

    use super::*;

    #[test]
    fn opencv_keeps_to_one_thread() {
        keep_to_one_thread();
        assert_eq!(opencv::core::get_num_threads().unwrap(), 1);
    }

    #[test]
    fn a_matrix_is_our_memory_and_no_copy() {
        let mut pixels = vec![7; 4 * 3 * PIXEL];
        let place = pixels.as_ptr();
        assert_eq!(to_read(&pixels, 4, 3).unwrap().data(), place);
        let matrix = to_write(&mut pixels, 4, 3).unwrap();
        assert_eq!((matrix.data(), matrix.rows(), matrix.cols()), (place, 3, 4));
    }

    #[test]
    fn bytes_that_do_not_fill_a_matrix_are_refused() {
        assert!(to_read(&[0; 35], 4, 3).is_err());
        assert!(to_read(&[], usize::MAX, 1).is_err());
    }
}
