//! The functions that the bindings have on wasm32, natively: same names, same arguments, same answers.

#[cfg(feature = "vision")]
pub(crate) use super::handles::{frames, inference, pixels, tensors};

/// Without the host's library nothing makes a frame natively, so nothing comes as far as calling these.
#[cfg(not(feature = "vision"))]
pub(crate) use crate::bindings::imports::overt::algorithm::{frames, inference, pixels, tensors};

pub(crate) mod config {
    use super::super::current;

    pub(crate) fn get() -> String {
        current().surroundings.config.clone()
    }
}

pub(crate) mod log {
    use super::super::current;
    use crate::log::Level;
    use crate::text::printable;

    pub(crate) fn write(level: Level, line: &str) {
        let line = printable(line.to_owned());
        current()
            .surroundings
            .lines
            .borrow_mut()
            .push((level, line));
    }
}
