//! What keeps a panic in one thread of a run from being silence in the others: it becomes an error, and a flag that others look at is set by
//! whatever way its holder ends.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::PipelineError;

/// Does a thread's work; a panic in it is the error [`PipelineError::Panicked`], with the thread's name. What the work left half done is for the caller
/// to drop or to finish.
pub(crate) fn caught<T>(
    thread: &'static str,
    work: impl FnOnce() -> T,
) -> Result<T, PipelineError> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| PipelineError::Panicked(thread))
}

/// Sets its flag when it is dropped: at the end of its scope, at a `?`, and in a panic.
pub(crate) struct SetOnDrop<'a>(pub(crate) &'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_is_set_however_its_holder_ends() {
        let is_set = |work: &dyn Fn() -> Result<(), ()>| {
            let flag = AtomicBool::new(false);
            let ended = caught("test", || {
                let _set = SetOnDrop(&flag);
                work()
            });
            (ended.is_ok(), flag.load(Ordering::Relaxed))
        };
        assert_eq!(is_set(&|| Ok(())), (true, true));
        assert_eq!(is_set(&|| Err(())), (true, true));
        assert_eq!(is_set(&|| panic!("as wanted")), (false, true));
    }
}
