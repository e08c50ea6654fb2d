//! A system engineer of a force that exists for the time of a measurement, for what takes one who is signed in.

use overt_records::{
    Credential, Force, Hashing, Moment, NewPerson, Password, PersonRole, SignedIn, Timestamp,
};

use crate::Outcome;

/// Makes the force in this folder, and signs the engineer in.
pub(crate) fn signed_in(folder: &std::path::Path) -> Outcome<SignedIn> {
    let force = Force::with_hashing(&folder.join("force.redb"), Hashing::cheapest());
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let now = Moment {
        at: Timestamp::from_unix_ms(i64::try_from(since.as_millis())?),
        boot: "bench".into(),
        since_boot_ms: 0,
    };
    let new = |id: &str, role| NewPerson {
        id: id.into(),
        name: format!("{id} Example"),
        rank: "engineer".into(),
        roles: vec![role],
    };
    let credential = |role| Credential {
        role,
        selection: "for a measurement".into(),
        course: "Overt".into(),
        version: "1".into(),
        from: now.at,
        until: now.at.after_hours(24),
    };
    let password = |id: &str| Password::new(format!("{id} and some words"));
    let (officer, engineer) = (PersonRole::AuthorisingOfficer, PersonRole::SystemEngineer);
    let boss = new("boss", officer);
    force.init(&boss, &credential(officer), &password("boss"), &now)?;
    let boss = force.sign_in("boss", &password("boss"), 0, &now)?.signed_in;
    let first = password("first");
    force.add(&new("anna", engineer), &first, &boss, &now)?;
    force.add_credential("anna", &credential(engineer), &boss, &now)?;
    force.change_password("anna", &first, &password("anna"), &now)?;
    Ok(force.sign_in("anna", &password("anna"), 0, &now)?.signed_in)
}
