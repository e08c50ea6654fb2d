//! What the end-to-end tests share: the hostile plugins, and the model that they abuse. The plugins themselves are under `hostile/`,
//! and `make plugins` compiles and packs them.

#![allow(clippy::unwrap_used, clippy::expect_used)]

pub mod hostile;
pub mod model;
