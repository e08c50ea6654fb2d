//! The role `matcher-policy`: whether what the search found is worth a person's look.

use core::marker::PhantomData;

use crate::text::printable;
use crate::{ConfigError, Decision, Observation, PolicyError, PolicyErrorCode};

/// Decides whether what the search found for a track is worth a person's look.
pub trait MatcherPolicy {
    /// Called after each probe of a track, and once when the track has ended. Reasons are at most 256 bytes of printable ASCII; the SDK
    /// cuts and replaces what is not.
    fn decide(observation: Observation) -> Result<Decision, PolicyError>;
}

/// Exports a type with [`MatcherPolicy`] as the plugin's role `matcher-policy`. Natively it only checks that the type has the trait.
#[macro_export]
macro_rules! matcher_policy {
    ($plugin:ty) => {
        const _: () = {
            const fn is_a_matcher_policy<T: $crate::MatcherPolicy>() {}
            is_a_matcher_policy::<$plugin>();
            #[cfg(target_arch = "wasm32")]
            type Exported = $crate::exported::MatcherPolicy<$plugin>;
            #[cfg(target_arch = "wasm32")]
            $crate::bindings::matcher_policy::export!(Exported with_types_in $crate::bindings::matcher_policy);
        };
    };
}

/// A policy as the bindings want it: what it says is brought into the contract's bounds.
pub struct Exported<T>(PhantomData<T>);

impl<T: MatcherPolicy>
    crate::bindings::matcher_policy::exports::overt::algorithm::matcher_policy::Guest
    for Exported<T>
{
    fn decide(observation: Observation) -> Result<Decision, PolicyError> {
        match T::decide(observation) {
            Ok(Decision::Ignore(reason)) => Ok(Decision::Ignore(printable(reason))),
            Ok(Decision::Hold(reason)) => Ok(Decision::Hold(printable(reason))),
            Ok(Decision::Alert(mut proposal)) => {
                proposal.reason = printable(proposal.reason);
                Ok(Decision::Alert(proposal))
            }
            Err(mut error) => {
                error.message = printable(error.message);
                Err(error)
            }
        }
    }
}

impl PolicyError {
    /// The observation holds something that the policy does not understand.
    pub fn bad_observation(message: impl Into<String>) -> PolicyError {
        PolicyError {
            code: PolicyErrorCode::BadObservation,
            message: message.into(),
        }
    }

    /// The policy could not decide.
    pub fn failed(message: impl Into<String>) -> PolicyError {
        PolicyError {
            code: PolicyErrorCode::Failed,
            message: message.into(),
        }
    }
}

impl From<ConfigError> for PolicyError {
    fn from(error: ConfigError) -> Self {
        PolicyError {
            code: PolicyErrorCode::BadConfig,
            message: error.to_string(),
        }
    }
}
