//! What is said on the command line of why somebody is sought and where their image comes from: for all whom a folder or a list names, or for one.

use clap::Args;
use overt_records::{Day, Grounds, ImageFacts, ImageSource, Minor, Timestamp};

use crate::failure::Failure;

/// The facts of an entry and of its images.
#[derive(Args, Clone, Default)]
#[command(next_help_heading = "Who they are and why")]
pub(crate) struct GroundsArguments {
    /// They are wanted for arrest
    #[arg(long)]
    wanted: bool,
    /// Why they are sought, where they are not wanted for arrest; may be given several times
    #[arg(long = "because", value_name = "REASON")]
    reasons: Vec<String>,
    /// The class of the offence
    #[arg(long)]
    offence: Option<String>,
    /// The lawful basis
    #[arg(long, value_name = "BASIS")]
    lawful_basis: Option<String>,
    /// When they were born, as 1990-05-31
    #[arg(long, value_name = "DAY")]
    born: Option<Day>,
    /// Why they are sought although under 18
    #[arg(long, value_name = "REASON", requires = "under_18_approval")]
    under_18_reason: Option<String>,
    /// The reference of the approval for that
    #[arg(long, value_name = "REFERENCE", requires = "under_18_reason")]
    under_18_approval: Option<String>,
    /// Where the images come from: custody, force, partner or other:NAME
    #[arg(long, value_name = "SOURCE")]
    source: Option<ImageSource>,
    /// When they were taken, as 2026-05-31
    #[arg(long, value_name = "DAY")]
    taken: Option<Day>,
}

impl GroundsArguments {
    /// The grounds.
    pub(crate) fn grounds(&self) -> Grounds {
        let reason = self.under_18_reason.as_ref();
        Grounds {
            wanted: self.wanted,
            reasons: self.reasons.clone(),
            offence: self.offence.clone(),
            lawful_basis: self.lawful_basis.clone(),
            born: self.born,
            minor: reason.map(|reason| Minor {
                reason: reason.clone(),
                approval: self.under_18_approval.clone().unwrap_or_default(),
            }),
        }
    }

    /// Grounds that are enough.
    pub(crate) fn checked(&self, now: Timestamp, under: u8) -> Result<Grounds, Failure> {
        let grounds = self.grounds();
        match grounds.check(now, under) {
            Ok(()) => Ok(grounds),
            Err(cause) => Err(Failure::mistake(
                cause.to_string(),
                "say `--wanted`, or why they are sought with `--because`; for somebody under 18 `--under-18-reason` and `--under-18-approval` as well",
            )),
        }
    }

    /// What is said of every image.
    pub(crate) fn facts(&self) -> ImageFacts {
        ImageFacts {
            source: self.source.clone(),
            taken: self.taken,
        }
    }
}
