//! A force over the years: its people keep their credentials for a century.

use super::force::{DAY, NOW, Place, credential};
use super::register::{at, ruled};
use overt_records::{Moment, PersonRole, SignedIn};

pub const YEAR: i64 = 365 * DAY;

/// So long after [`NOW`].
pub fn after(ms: i64) -> Moment {
    Moment {
        at: at(NOW + ms),
        boot: "first".into(),
        since_boot_ms: 5_000 + ms as u64,
    }
}

/// A force whose people keep their credentials for a century, with `ada`, an auditor.
pub fn place() -> Place {
    let place = ruled();
    place.with("ada", &[PersonRole::Auditor]);
    for (id, role) in [
        ("paul", PersonRole::AuthorisingOfficer),
        ("sue", PersonRole::AuthorisingOfficer),
        ("anna", PersonRole::SystemEngineer),
        ("olu", PersonRole::Operator),
        ("eve", PersonRole::EngagementOfficer),
        ("ada", PersonRole::Auditor),
    ] {
        let boss = place.sign_in("boss").signed_in;
        place
            .force
            .add_credential(id, &credential(role, 36_500), &boss, &after(0))
            .unwrap();
    }
    place
}

pub fn who(place: &Place, id: &str, now: &Moment) -> SignedIn {
    place.sign_in_at(id, now).unwrap().signed_in
}
