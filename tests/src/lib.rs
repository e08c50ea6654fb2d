//! What the end-to-end tests share: the hostile plugins, the model that they abuse, and a camera on the network, JSON schemas, somebody who is
//! signed in. The plugins themselves are under `hostile/`,
//! and `make plugins` compiles and packs them.

#![allow(clippy::unwrap_used, clippy::expect_used)]

pub mod bodies;
pub mod engineer;
pub mod hostile;
pub mod kinds;
pub mod model;
pub mod models;
pub mod mutation;
pub mod rtsp;
pub mod schema;
