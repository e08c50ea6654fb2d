//! The keys of a deployment's `[trust]`, read from where they stand.

use overt_deployment::{self as deployment, KeySource};
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
