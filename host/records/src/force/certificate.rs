//! A certificate of deletion: what was destroyed when a deployment was closed, what is still held and why, signed with the force's key.
//!
//! One line, `{"signature":"…128…","certificate":{…}}`, made so that what is signed can be cut out of it as it stands, like a head of the log.

use super::signed_in::By;
use crate::audit::{AuditFile, digits};
use crate::closing::ClosedRecords;
use crate::retention::Timestamp;
use ed25519_compact::{PublicKey, Signature};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Version of the format.
const FORMAT: &str = "overt-certificate-1";

/// What is put before a certificate when it is signed.
const DOMAIN: &[u8] = b"overt certificate v1\0";

/// What stands in a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// `overt-certificate-1`.
    pub format: String,
    /// The deployment's number in the register.
    pub number: u32,
    /// Its id.
    pub deployment: String,
    /// Who closed it.
    pub closed_by: By,
    /// When, in milliseconds since 1970.
    pub closed_at: Timestamp,
    /// What its records came to.
    pub records: ClosedRecords,
    /// The force's public key, 64 hexadecimal digits.
    pub key: String,
}

/// A certificate with its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCertificate {
    /// What it says.
    pub certificate: Certificate,
    /// The line, without its end.
    pub line: String,
}

/// What was given as a certificate is none, or its signature does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no signed certificate of deletion, or it was changed")]
pub struct NoCertificate;

impl SignedCertificate {
    pub(super) fn sign(
        number: u32,
        deployment: &str,
        by: &By,
        at: Timestamp,
        records: &ClosedRecords,
        file: &AuditFile,
    ) -> serde_json::Result<Self> {
        let certificate = Certificate {
            format: FORMAT.to_owned(),
            number,
            deployment: deployment.to_owned(),
            closed_by: by.clone(),
            closed_at: at,
            records: records.clone(),
            key: hex::encode(file.public()),
        };
        let body = serde_json::to_string(&certificate)?;
        let signature = file.sign(&[DOMAIN, body.as_bytes()].concat());
        let signature = hex::encode(signature);
        Ok(Self {
            certificate,
            line: format!(r#"{{"signature":"{signature}","certificate":{body}}}"#),
        })
    }

    /// Reads a certificate's file. Its signature is by the key that it names itself; whose that is, the register says.
    ///
    /// # Errors
    /// [`NoCertificate`].
    pub fn read(file: &[u8]) -> Result<Self, NoCertificate> {
        Self::parse(file.strip_suffix(b"\n").unwrap_or(file)).ok_or(NoCertificate)
    }

    fn parse(line: &[u8]) -> Option<Self> {
        let rest = line.strip_prefix(br#"{"signature":""#)?;
        let (signature, rest) = rest.split_at_checked(128)?;
        let body = rest
            .strip_prefix(br#"","certificate":"#)?
            .strip_suffix(b"}")?;
        let signature: [u8; 64] = digits(std::str::from_utf8(signature).ok()?)?;
        let certificate: Certificate = serde_json::from_slice(body).ok()?;
        let key: [u8; 32] = digits(&certificate.key)?;
        if certificate.format != FORMAT {
            return None;
        }
        PublicKey::new(key)
            .verify([DOMAIN, body].concat(), &Signature::new(signature))
            .ok()?;
        Some(Self {
            certificate,
            line: std::str::from_utf8(line).ok()?.to_owned(),
        })
    }

    /// SHA-256 of the line, as the register holds it.
    pub fn sha256(&self) -> String {
        hex::encode(Sha256::digest(self.line.as_bytes()))
    }
}
