//! Runs vendors' algorithms as sandboxed WebAssembly components.
//!
//! The way of a plugin through this crate, in the order in which it is walked:
//!
//! 1. [`package`]: the file is read once, capped in size, hashed.
//! 2. [`trust`]: its signatures meet the deployment's rule; only then its manifest, imports and exports are read from the bytes.
//! 3. [`agreement`]: what the manifest declares, what the component imports and exports and what the deployment grants have to agree.
//! 4. [`compiler`] and [`cache`]: the component is compiled in a watched child process; the result is kept under a message
//!    authentication code.
//! 5. [`Runtime::accept`]: the linker receives the granted interfaces and no other; every role is loaded once, so that a type mismatch
//!    shows now and not at the first frame.
//! 6. [`Plugin`]: each call runs in a fresh store and a fresh instance under [`Limits`]; the answer is checked before anybody
//!    uses it ([`answer`]).
//!
//! The runtime knows no watchlist, no record and no deployment file.

mod accept;
pub mod agreement;
pub mod answer;
pub mod cache;
pub mod child;
pub mod compiler;
mod contract;
mod engine;
mod envelope;
pub mod error;
mod imports;
pub mod inspect;
pub mod limits;
pub mod manifest;
mod observe;
pub mod pack;
pub mod package;
pub mod passphrase;
pub mod plugin;
mod sandbox;
pub mod self_test;
pub mod signature;
pub mod trial;
pub mod trust;
mod validate;

pub use accept::Terms;
pub use agreement::Grants;
pub use engine::{Runtime, RuntimeOptions, fuel_table};
pub use error::{CallCause, CallError, PluginError};
pub use limits::Limits;
pub use manifest::Manifest;
pub use observe::{CallObserver, CallReport};
pub use overt_contract::{CONTRACT, Capability, Family, Role};
pub use package::{PluginBytes, PluginFile};
pub use plugin::{Metered, Plugin, PluginIdentity, Sessions};
pub use trust::{Trust, TrustedFile, TrustedKey};

pub use contract::decision;
