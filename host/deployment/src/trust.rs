//! What a deployment file says about who must have signed its plugins. It checks no signature: that is the runtime's.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use overt_contract::{PublicKey, Signer};

/// `[trust]`.
#[derive(Clone, Debug, PartialEq)]
pub enum Trust {
    /// `unsigned = true`: plugins run whoever made them. For development and measuring; every run says so.
    Unsigned,
    /// `require` and `[[trust.key]]`.
    Signed {
        /// `require`: how many signatures every plugin needs, by whom; at least one of somebody, and no more than there are keys.
        require: BTreeMap<Signer, u32>,
        /// `[[trust.key]]`: names are unique.
        keys: Vec<TrustKey>,
    },
}

/// `[[trust.key]]`.
#[derive(Clone, Debug, PartialEq)]
pub struct TrustKey {
    /// `name`: 1 to 64 letters, digits and hyphens.
    pub name: String,
    /// `signer`: on whose behalf it signs.
    pub signer: Signer,
    /// `public-key` or `file`.
    pub source: KeySource,
    /// `expires`: from then on its signatures do not count.
    pub expires: Option<Timestamp>,
    /// `revoked`: why its signatures do not count, whenever they were made.
    pub revoked: Option<String>,
}

/// Where a public key stands.
#[derive(Clone, Debug, PartialEq)]
pub enum KeySource {
    /// `public-key`: in the deployment file itself.
    Inline(PublicKey),
    /// `file`: a PEM file, resolved.
    File(PathBuf),
}
