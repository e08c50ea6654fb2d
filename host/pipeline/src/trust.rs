//! The keys of a deployment's `[trust]`, read from where they stand, and the time at which they are asked whether they have expired.

use overt_deployment::{self as deployment, KeySource, Timestamp};
use overt_records::{self as records, Force, ForceError};
use overt_runtime::signature::read_public_key;
use overt_runtime::{Trust, TrustedKey};

use crate::error::PipelineError;

/// Which plugins the deployment trusts. All that is wrong with its key files is reported at once.
pub fn trust(deployment: &deployment::Deployment) -> Result<Trust, PipelineError> {
    let (require, keys) = match &deployment.trust {
        deployment::Trust::Unsigned => return Ok(Trust::unsigned()),
        deployment::Trust::Signed { require, keys } => (require, keys),
    };
    let mut errors = Vec::new();
    let mut read = Vec::with_capacity(keys.len());
    for key in keys {
        let public = match &key.source {
            KeySource::Inline(public) => Ok(*public),
            KeySource::File(path) => read_public_key(path),
        };
        match public {
            Ok(public) => read.push(TrustedKey {
                name: key.name.clone(),
                signer: key.signer,
                key: public,
                expires: key.expires,
                revoked: key.revoked.clone(),
            }),
            Err(cause) => errors.push(PipelineError::Key(Box::new(cause))),
        }
    }
    if !errors.is_empty() {
        return Err(PipelineError::together(errors));
    }
    Ok(Trust::signed(require.clone(), read)?)
}

/// The time by which keys expire: now, or the latest at which anybody of the force signed in, where the calendar was set back since. A force that has no
/// store yet has seen no time.
///
/// # Errors
/// What is wrong with the force's store; it is asked only where a key expires at all.
pub fn trust_time(
    deployment: &deployment::Deployment,
    trust: &Trust,
) -> Result<Timestamp, PipelineError> {
    let now = Timestamp::now();
    if trust.keys().iter().all(|key| key.expires.is_none()) {
        return Ok(now);
    }
    let at = records::Timestamp::from_unix_ms(now.as_millisecond());
    match Force::at(&deployment.host.force).no_earlier_than_seen(at) {
        // What is no time of the calendar's is later than any.
        Ok(seen) => {
            let seen = Timestamp::from_millisecond(seen.unix_ms()).unwrap_or(Timestamp::MAX);
            Ok(now.max(seen))
        }
        Err(ForceError::Missing { .. }) => Ok(now),
        Err(error) => Err(PipelineError::Force(Box::new(error))),
    }
}
