//! The plugin `policy-threshold`: an alert when enough probes of a track agree on one entry, with a score at or over the threshold of its
//! category and a margin to the next candidate. It learns no name and sees no picture.

mod settings;
mod verdict;
mod votes;

pub use settings::{Agree, ByCategory, Settings};

use overt_sdk::{Decision, MatcherPolicy, Observation, PolicyError};

/// The policy.
pub struct Threshold;

impl MatcherPolicy for Threshold {
    fn decide(observation: Observation) -> Result<Decision, PolicyError> {
        verdict::decide(&Settings::read()?, &observation)
    }
}

overt_sdk::matcher_policy!(Threshold);
