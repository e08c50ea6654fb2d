//! The models that Overt's own plugins use: a card each, and the way to get them.
//!
//! Nothing fetched is part of the repository. Every file comes out of a package of a public registry, through that registry's ordinary
//! client, and is checked by SHA-256: the archive, the file in it, and the file after the changes that its card names.
//! This crate knows no inference.

mod archive;
mod card;
mod fetch;
mod files;
mod patch;
mod registry;
mod source;
mod wire;

pub use archive::ArchiveError;
pub use card::{Card, CardError, Port, Status, cards, status};
pub use fetch::{FetchCause, FetchError, Fetcher, Progress, fetch};
pub use files::{ListError, PinnedFile, read_list};
pub use patch::{Dim, Patch, PatchError, apply};
pub use registry::RegistryError;
pub use source::{Registry, Sha256Hex, Source};
pub use wire::WireError;
