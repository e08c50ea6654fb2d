//! What was published: that a document was made for the public, who made it, and the digest by which it can be told from another. Publishing is an export, so it takes
//! somebody who is signed in, and is in a log before the document is anywhere.

use crate::audit::{Actor, AuditEvent};
use crate::error::RecordsError;
use crate::force::{By, ForceError, MayNot, PersonRole, SignedIn};
use crate::membership::acting_as_any;
use crate::payload;
use crate::retention::Timestamp;
use crate::store::Store;
use serde::{Deserialize, Serialize};

/// Who may publish.
const MAY_PUBLISH: [PersonRole; 2] = [PersonRole::AuthorisingOfficer, PersonRole::Auditor];

/// A kind of document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PublishedKind {
    /// The record of a deployment.
    Deployment,
    /// The deployments of a period.
    Period,
    /// Answers to what people ask, about a period.
    Questions,
    /// The log itself, whole or in part.
    Log,
}

/// A document that is to be published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// What it is.
    pub what: PublishedKind,
    /// How it is written, such as `html`.
    pub format: String,
    /// SHA-256 of it, 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// How many fields it leaves out.
    pub left_out: u64,
    /// The number of the deployment that it is of, where that is no longer to be seen from the log.
    pub number: Option<u64>,
    /// The period that it is of: from, and until before.
    pub span: Option<(Timestamp, Timestamp)>,
}

impl By {
    /// Somebody who publishes: an authorising officer or an auditor.
    ///
    /// # Errors
    /// [`MayNot`].
    pub fn publishing(who: &SignedIn) -> Result<By, MayNot> {
        acting_as_any(who, &MAY_PUBLISH)
    }
}

impl Published {
    pub(crate) fn event(&self) -> Result<AuditEvent, RecordsError> {
        payload::digest("a document", &self.sha256)?;
        payload::name("the format of a document", &self.format)?;
        let (from, to) = self.span.unzip();
        Ok(AuditEvent::Published {
            what: self.what,
            format: self.format.clone(),
            sha256: self.sha256.clone(),
            left_out: self.left_out,
            number: self.number,
            from,
            to,
        })
    }
}

impl Store {
    /// Puts on record that a document about this deployment is published. Write it only once this has returned.
    ///
    /// # Errors
    /// [`ForceError::MayNot`] for anybody but an authorising officer or an auditor; whatever is wrong with the store.
    pub fn note_published(
        &self,
        published: &Published,
        by: &SignedIn,
        now: Timestamp,
    ) -> Result<(), ForceError> {
        let event = published.event()?;
        let by = By::publishing(by)?;
        Ok(self.change(|change| change.log(now, Actor::from(&by), event))?)
    }
}
