//! Ctrl-C: the first asks the command to end in good order, the second ends it at once. Stopped by `kill` (SIGTERM) or a closed terminal
//! (SIGHUP) it ends in good order too.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// Set once somebody wants the command to end. `what` is said then, such as "finishing the frames in flight".
pub(crate) fn watch(what: &'static str) -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let handle = stop.clone();
    ctrlc::set_handler(move || {
        if handle.swap(true, Ordering::SeqCst) {
            std::process::exit(Exit::Interrupted as i32);
        }
        output::say(&format!(
            "\nInterrupted: {what}. Ctrl-C again ends at once.\n"
        ));
    })
    .map_err(|error| Failure::new(format!("Ctrl-C cannot be caught: {error}"), "try again"))?;
    Ok(stop)
}
