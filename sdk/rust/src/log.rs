//! Lines in the host's log, for decision plugins: [`log!`](crate::log!). A perception plugin that writes one imports `log`, which it has in
//! `overt plugin test` and `overt plugin bench` alone: no host runs it.

pub use crate::bindings::imports::overt::algorithm::log::Level;
use crate::handles::system;

/// Writes one line: at most 256 bytes, printable ASCII; the host replaces or cuts the rest and takes at most 64 lines a call.
pub fn write(level: Level, line: &str) {
    system::log::write(level, line);
}

/// Writes a line to the host's log: `log!(debug, "...")`, `log!(info, "{seen} probes")` or `log!(warn, "...")`.
#[macro_export]
macro_rules! log {
    (debug, $($text:tt)+) => { $crate::log::write($crate::log::Level::Debug, &::std::format!($($text)+)) };
    (info, $($text:tt)+) => { $crate::log::write($crate::log::Level::Info, &::std::format!($($text)+)) };
    (warn, $($text:tt)+) => { $crate::log::write($crate::log::Level::Warn, &::std::format!($($text)+)) };
}
