//! Changes of the watchlist as they go through the socket. A photograph goes as bytes: a run has shut itself in, and reads no file outside its folders.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use overt_pipeline::ImageToEnrol;
use overt_pipeline::list_change::{Add, Come, Gone, Remove};
use overt_records::{Grounds, ImageFacts, Minor, SignedIn};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

use crate::watchlist::enrolled::{self, Row};

/// Somebody to be put on the watchlist.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct AddAsked {
    pub(crate) reference: String,
    pub(crate) category: String,
    pub(crate) reason: String,
    pub(crate) authority: String,
    pub(crate) wanted: bool,
    pub(crate) reasons: Vec<String>,
    pub(crate) offence: Option<String>,
    pub(crate) lawful_basis: Option<String>,
    pub(crate) born: Option<overt_records::Day>,
    /// Why a child is sought, and the approval's reference.
    pub(crate) minor: Option<(String, String)>,
    pub(crate) facts: ImageFacts,
    pub(crate) photographs: Vec<Photograph>,
}

impl std::fmt::Debug for AddAsked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AddAsked").finish_non_exhaustive()
    }
}

/// A photograph: its file's name, and its bytes in base64.
#[derive(Serialize, Deserialize)]
pub(crate) struct Photograph {
    name: PathBuf,
    bytes: String,
}

impl Drop for Photograph {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl Photograph {
    pub(crate) fn of(name: PathBuf, bytes: &[u8]) -> Photograph {
        Photograph {
            name,
            bytes: STANDARD.encode(bytes),
        }
    }
}

impl AddAsked {
    pub(crate) fn grounds(&self) -> Grounds {
        Grounds {
            wanted: self.wanted,
            reasons: self.reasons.clone(),
            offence: self.offence.clone(),
            lawful_basis: self.lawful_basis.clone(),
            born: self.born,
            minor: self
                .minor
                .clone()
                .map(|(reason, approval)| Minor { reason, approval }),
        }
    }

    /// The images; `None` where a photograph is no base64.
    pub(crate) fn images(&self) -> Option<Vec<ImageToEnrol>> {
        let grounds = self.grounds();
        let image = |photograph: &Photograph| {
            Some(ImageToEnrol {
                reference: self.reference.clone(),
                category: self.category.clone(),
                path: photograph.name.clone(),
                bytes: Some(Zeroizing::new(STANDARD.decode(&photograph.bytes).ok()?)),
                grounds: grounds.clone(),
                facts: self.facts.clone(),
            })
        };
        self.photographs.iter().map(image).collect()
    }

    /// What the run is asked; `None` where it is no question.
    pub(crate) fn asked(&self, by: SignedIn) -> Option<Add> {
        Some(Add {
            images: self.images()?,
            by,
            reason: self.reason.clone(),
            authority: self.authority.clone(),
        })
    }
}

/// What the run is asked.
pub(crate) fn removal(reference: String, reason: String, by: SignedIn) -> Remove {
    Remove {
        reference,
        by,
        reason,
    }
}

/// What became of a change.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ListTold {
    /// It is off.
    Removed {
        images: u64,
        withdrawn: Vec<u32>,
        /// Absent where no run goes on.
        generation: Option<u64>,
    },
    /// It was not on it.
    Absent,
    /// Photograph by photograph, and the generation with it where any was taken.
    Added {
        photographs: Vec<Row>,
        generation: Option<u64>,
    },
}

impl From<Option<Gone>> for ListTold {
    fn from(gone: Option<Gone>) -> Self {
        match gone {
            Some(gone) => ListTold::Removed {
                images: gone.images,
                withdrawn: gone.withdrawn,
                generation: gone.generation.map(|facts| facts.number),
            },
            None => ListTold::Absent,
        }
    }
}

impl From<Come> for ListTold {
    fn from(come: Come) -> Self {
        ListTold::Added {
            photographs: come.enrolments.into_iter().map(enrolled::row).collect(),
            generation: come.generation.map(|facts| facts.number),
        }
    }
}
