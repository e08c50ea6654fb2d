//! A force's store in a folder of its own, and what its people are made of.

use overt_records::{
    Credential, Force, ForceError, Hashing, Moment, NewPerson, Password, Person, PersonRole,
    Session, Timestamp,
};

pub const NOW: i64 = 1_800_000_000_000;
pub const HOUR: i64 = 3_600_000;
pub const DAY: i64 = 24 * HOUR;
pub const MINUTE: u64 = 60_000;
pub const UID: u32 = 1000;

pub fn moment(since: u64) -> Moment {
    Moment {
        at: Timestamp::from_unix_ms(NOW + since as i64),
        boot: "first".into(),
        since_boot_ms: 5_000 + since,
    }
}

pub fn password(text: &str) -> Password {
    Password::new(text.to_owned())
}

pub fn credential(role: PersonRole, days: i64) -> Credential {
    Credential {
        role,
        selection: "by the superintendent".into(),
        course: "LFR for officers".into(),
        version: "3".into(),
        from: Timestamp::from_unix_ms(NOW - DAY),
        until: Timestamp::from_unix_ms(NOW + days * DAY),
    }
}

pub fn new(id: &str, roles: &[PersonRole]) -> NewPerson {
    NewPerson {
        id: id.into(),
        name: format!("{id} Example"),
        rank: "inspector".into(),
        roles: roles.to_vec(),
    }
}

pub struct Place {
    pub folder: tempfile::TempDir,
    pub force: Force,
}

impl Place {
    /// With `boss`, who may make people for ten days.
    pub fn new() -> Self {
        // In memory where there is such a folder: what is tested takes thousands of commits, and no disk.
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let folder = folder.unwrap();
        let force = Force::with_hashing(&folder.path().join("force.redb"), Hashing::cheapest());
        let place = Self { folder, force };
        place.init("boss", 10).unwrap();
        place
    }

    pub fn init(&self, id: &str, days: i64) -> Result<Person, ForceError> {
        let credential = credential(PersonRole::AuthorisingOfficer, days);
        let own = password(&format!("{id} own password"));
        self.force
            .init(&new(id, &[]), &credential, &own, &moment(0))
    }

    pub fn sign_in_at(&self, id: &str, now: &Moment) -> Result<Session, ForceError> {
        self.force
            .sign_in(id, &password(&format!("{id} own password")), UID, now)
    }

    pub fn sign_in(&self, id: &str) -> Session {
        self.sign_in_at(id, &moment(0)).unwrap()
    }

    /// Somebody with these roles who has chosen a password.
    pub fn with(&self, id: &str, roles: &[PersonRole]) {
        self.with_rank(id, "inspector", roles);
    }

    /// The same with a rank.
    pub fn with_rank(&self, id: &str, rank: &str, roles: &[PersonRole]) {
        let boss = self.sign_in("boss").signed_in;
        let initial = password("chosen by the boss");
        self.force
            .add(
                &NewPerson {
                    rank: rank.into(),
                    ..new(id, roles)
                },
                &initial,
                &boss,
                &moment(0),
            )
            .unwrap();
        let own = password(&format!("{id} own password"));
        self.force
            .change_password(id, &initial, &own, &moment(0))
            .unwrap();
    }
}
