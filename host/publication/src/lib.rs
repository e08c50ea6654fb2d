//! What a force publishes of its deployments, and answers when it is asked: documents made of facts. It reads no store, no clock and no file, and knows
//! no plugin and no face.
//!
//! - [`record`]: the record of a deployment; [`field`]: what is recorded, or why nothing stands there; [`fields`]: the words.
//! - [`register`]: every deployment has a number before it may start; [`period`]: several deployments, all numbers accounted for.
//! - [`facts`]: a record cleaned and redacted, ready to be published.
//! - [`rates`]: counts, rates and intervals; [`sums`]: do the counts fit together?
//! - [`questions`]: what people ask about facial recognition, answered from records and register.
//! - [`document`]: deployment, period and answers as HTML, CSV and JSON; [`notice`]: what the public is told; [`certificate`]: that what was held is gone.
//!
//! A count that nobody made is never a zero, a sum that does not hold is never mended, and what is left out says why.

pub mod bins;
pub mod certificate;
pub mod document;
pub mod facts;
pub mod field;
pub mod fields;
mod html;
pub mod notice;
pub mod period;
pub mod plots;
pub mod questions;
pub mod rates;
pub mod record;
pub mod register;
mod sheet;
pub mod sums;
pub mod text;
