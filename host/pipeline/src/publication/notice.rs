//! What the public is told of a deployment, from the terms that were authorised; where nobody has decided yet, from its file.

use overt_deployment::Deployment;
use overt_publication::notice::{Notice, Particulars};
use overt_publication::record::Mode;
use overt_records::{Force, ForceError, RegisterState};

use super::{PublicationError, limits, moment};
use crate::authority::retention;

/// The notice of a deployment.
///
/// # Errors
/// [`PublicationError::TakesNoPlace`] for one that was refused or cancelled; whatever is wrong with the force's store. There need be none yet.
pub fn notice(
    deployment: &Deployment,
    force: &Force,
    particulars: Particulars,
) -> Result<Notice, PublicationError> {
    let entry = match force.registered_as(&deployment.id) {
        Err(ForceError::Missing { .. }) => None,
        found => found?,
    };
    let mode = Mode::Live;
    let Some(entry) = entry.filter(|entry| entry.state() != RegisterState::Planned) else {
        return Ok(Notice {
            particulars,
            mode,
            purpose: deployment.purpose.clone(),
            place: deployment.place.clone(),
            from: deployment.start,
            to: deployment.end,
            categories: deployment.watchlist.categories.clone(),
            retention: limits(&retention(deployment)),
        });
    };
    let (number, state) = (entry.number(), entry.state());
    if matches!(state, RegisterState::Refused | RegisterState::Cancelled) {
        return Err(PublicationError::TakesNoPlace { number, state });
    }
    let terms = entry.terms();
    Ok(Notice {
        particulars,
        mode,
        purpose: terms.purpose.clone(),
        place: terms.place.clone(),
        from: moment(terms.start),
        to: moment(entry.until()),
        categories: terms.categories.clone(),
        retention: limits(&terms.retention),
    })
}
