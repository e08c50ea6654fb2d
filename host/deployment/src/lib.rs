//! The deployment file: one TOML file that says everything that a force decides, turned into one checked value.
//!
//! [`Deployment::read`] reports every mistake at once, each with its line, what was expected, what was found and how to mend it.
//! [`RulesFile`] is the same for the force's rules. This crate reads these two files and nothing else; it knows no plugin, no camera and no record.

mod check;
mod deployment;
mod files;
pub mod limits;
mod plugin;
mod problem;
mod reader;
mod render;
mod rules;
mod source;
mod text;
mod trust;
mod webhook;
mod zone;

pub use deployment::{
    Authority, Backend, Camera, CameraKind, Channel, ChannelKind, Confine, Deployment, Device,
    Document, DocumentKind, Host, Judgement, Mode, Notice, Precision, Purpose, Retention,
    RunReport, Watchlist,
};
pub use jiff::Timestamp;
pub use limits::Limits;
pub use overt_contract::{Capability, PublicKey, Role, Signer};
pub use plugin::{Plugin, Plugins, Post, Slot};
pub use problem::{Position, Problem, Problems};
pub use rules::{ModeOfRules, RulesFile, WatchlistOfRules};
pub use source::{AddressFault, RtspAddress, RtspSource, Source};
pub use trust::{KeySource, Trust, TrustKey};
pub use webhook::{Webhook, WebhookAddress, WebhookFault};
pub use zone::{Zone, ZoneFault};
