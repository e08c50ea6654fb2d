//! A system engineer of a force of their own, for whoever drives a run without the command line.

use overt_records::{
    Credential, Force, Hashing, Moment, NewPerson, Password, PersonRole, SessionToken, SignedIn,
    Timestamp,
};
use tempfile::TempDir;

/// Signed in, at a moment that does not pass.
pub struct Engineer {
    force: Force,
    _folder: TempDir,
    token: SessionToken,
    now: Moment,
}

impl Engineer {
    /// Makes them, and whoever makes them.
    #[allow(clippy::new_without_default)] // It makes files.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let force = Force::with_hashing(&folder.path().join("force.redb"), Hashing::cheapest());
        let now = Moment {
            at: Timestamp::from_unix_ms(1_800_000_000_000),
            boot: "one".to_owned(),
            since_boot_ms: 0,
        };
        let credential = |role| Credential {
            role,
            selection: "by hand".to_owned(),
            course: "Overt".to_owned(),
            version: "1".to_owned(),
            from: now.at,
            until: now.at.after_hours(24),
        };
        let new = |id: &str, role| NewPerson {
            id: id.to_owned(),
            name: "A. N. Engineer".to_owned(),
            rank: "engineer".to_owned(),
            roles: vec![role],
        };
        let password = |text: &str| Password::new(text.to_owned());
        let (boss, engineer) = (PersonRole::AuthorisingOfficer, PersonRole::SystemEngineer);
        let (of_boss, first, own) = (
            password("the boss's own"),
            password("chosen by the boss"),
            password("the engineer's own"),
        );
        force
            .init(&new("boss", boss), &credential(boss), &of_boss, &now)
            .unwrap();
        let by = force.sign_in("boss", &of_boss, 0, &now).unwrap().signed_in;
        force
            .add(&new("anna", engineer), &first, &by, &now)
            .unwrap();
        force
            .add_credential("anna", &credential(engineer), &by, &now)
            .unwrap();
        force.change_password("anna", &first, &own, &now).unwrap();
        let token = force.sign_in("anna", &own, 0, &now).unwrap().token;
        Self {
            force,
            _folder: folder,
            token,
            now,
        }
    }

    /// Who they are now.
    pub fn signed_in(&self) -> SignedIn {
        self.force.verify(&self.token, 0, &self.now).unwrap()
    }
}
