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
