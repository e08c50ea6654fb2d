//! An authorising officer and a system engineer of a force, who are signed in.

use super::NOW;
use overt_records::{
    Credential, Force, Hashing, Judge, JudgingRole, Moment, NewPerson, Password, PersonRole,
    SignedIn,
};
use std::path::Path;
use tempfile::TempDir;

pub struct People {
    force: Force,
    _folder: TempDir,
}

fn moment() -> Moment {
    Moment {
        at: NOW,
        boot: "one".into(),
        since_boot_ms: 0,
    }
}

fn password(id: &str) -> Password {
    Password::new(format!("{id} and some words"))
}

/// An operator and an engagement officer, as they judge: of the force in this folder, which is made where there is none.
pub fn judges(folder: &Path) -> [Judge; 2] {
    let path = folder.join("force.redb");
    let is_new = !path.exists();
    let force = Force::with_hashing(&path, Hashing::cheapest());
    let now = moment();
    let credential = |role| Credential {
        role,
        selection: "by interview".into(),
        course: "LFR".into(),
        version: "3".into(),
        from: NOW,
        until: NOW.after_hours(24),
    };
    let new = |id: &str, role| NewPerson {
        id: id.into(),
        name: format!("{id} Example"),
        rank: "constable".into(),
        roles: vec![role],
    };
    let boss = PersonRole::AuthorisingOfficer;
    if is_new {
        force
            .init(
                &new("boss", boss),
                &credential(boss),
                &password("boss"),
                &now,
            )
            .unwrap();
    }
    let sign_in = |id: &str| {
        let session = force.sign_in(id, &password(id), 0, &now);
        session.unwrap().signed_in
    };
    let made = |id: &str, role| {
        if !is_new {
            return sign_in(id);
        }
        let first = password("first");
        let by = || sign_in("boss");
        force.add(&new(id, role), &first, &by(), &now).unwrap();
        force
            .add_credential(id, &credential(role), &by(), &now)
            .unwrap();
        force
            .change_password(id, &first, &password(id), &now)
            .unwrap();
        sign_in(id)
    };
    [
        made("olu", PersonRole::Operator)
            .judging(JudgingRole::Operator)
            .unwrap(),
        made("eve", PersonRole::EngagementOfficer)
            .judging(JudgingRole::EngagementOfficer)
            .unwrap(),
    ]
}

impl People {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let force = Force::with_hashing(&folder.path().join("force.redb"), Hashing::cheapest());
        let (boss, engineer) = (PersonRole::AuthorisingOfficer, PersonRole::SystemEngineer);
        let credential = |role| Credential {
            role,
            selection: "by hand".into(),
            course: "Overt".into(),
            version: "1".into(),
            from: NOW,
            until: NOW.after_hours(24),
        };
        let new = |id: &str, role| NewPerson {
            id: id.into(),
            name: format!("{id} Example"),
            rank: "engineer".into(),
            roles: vec![role],
        };
        let now = moment();
        force
            .init(
                &new("boss", boss),
                &credential(boss),
                &password("boss"),
                &now,
            )
            .unwrap();
        let people = Self {
            force,
            _folder: folder,
        };
        let (by, force) = (people.boss(), &people.force);
        let first = password("first");
        force
            .add(&new("anna", engineer), &first, &by, &now)
            .unwrap();
        force
            .add_credential("anna", &credential(engineer), &by, &now)
            .unwrap();
        force
            .change_password("anna", &first, &password("anna"), &now)
            .unwrap();
        people
    }

    pub fn boss(&self) -> SignedIn {
        self.sign_in("boss")
    }

    pub fn engineer(&self) -> SignedIn {
        self.sign_in("anna")
    }

    fn sign_in(&self, id: &str) -> SignedIn {
        let session = self.force.sign_in(id, &password(id), 0, &moment());
        session.unwrap().signed_in
    }
}
