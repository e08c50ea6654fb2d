//! Reads typed values out of a parsed TOML table, and writes down every one that is not as it should be instead of stopping at the first. It knows
//! TOML and how to say what is wrong; which keys a deployment file has, it does not know.

mod notes;
mod phrase;
mod table;
mod value;

pub(crate) use notes::{At, Notes};
pub(crate) use phrase::{excerpt, list, nearest};
pub(crate) use table::Table;
pub(crate) use value::{Value, integer};
