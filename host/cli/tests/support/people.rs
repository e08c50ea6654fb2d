//! The people of a test's own force, and a session in a folder of the test's own.

use std::fs::{self, DirBuilder, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use overt_deployment::{Deployment, RulesFile};
use overt_pipeline::authority;
use overt_records::{
    Credential, Force, Hashing, Judge, JudgingRole, Moment, NewPerson, Order, Password, PersonRole,
    RULES_DOMAIN, RegisterState, SignedIn, SignedRules, Timestamp,
};
use overt_runtime::signature::SecretKey;
use rustix::time::{ClockId, clock_gettime};

use super::{Ended, Place, overt};

/// A force for tests that are about something else: id, name, rank, roles. Each has a credential for each role, and the password is the id and a few words.
const PEOPLE: [(&str, &str, &str, &[PersonRole]); 8] = [
    (
        "boss",
        "A. N. Officer",
        "superintendent",
        &[PersonRole::AuthorisingOfficer],
    ),
    (
        "paula",
        "P. Planner",
        "inspector",
        &[PersonRole::AuthorisingOfficer],
    ),
    (
        "anna",
        "A. N. Engineer",
        "engineer",
        &[PersonRole::SystemEngineer],
    ),
    ("olu", "O. Operator", "constable", &[PersonRole::Operator]),
    (
        "omar",
        "O. Other-Operator",
        "constable",
        &[PersonRole::Operator],
    ),
    (
        "eve",
        "E. Engagement",
        "constable",
        &[PersonRole::EngagementOfficer],
    ),
    (
        "bo",
        "B. Both",
        "sergeant",
        &[PersonRole::Operator, PersonRole::EngagementOfficer],
    ),
    ("ada", "A. Auditor", "staff", &[PersonRole::Auditor]),
];

/// That force as bytes of its store, and a session of each of its people.
struct Prepared {
    force: Vec<u8>,
    /// The file of its log, beside it.
    audit: Vec<u8>,
    sessions: Vec<(&'static str, String)>,
}

/// Made once for all tests of a program: passwords take their time.
fn prepared() -> &'static Prepared {
    static PREPARED: OnceLock<Prepared> = OnceLock::new();
    PREPARED.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("force.redb");
        let force = Force::with_hashing(&path, Hashing::cheapest());
        let now = now();
        let password = |id: &str| Password::new(format!("{id} and some words"));
        let uid = nix::unistd::geteuid().as_raw();
        let credential = |role| Credential {
            role,
            selection: "by the superintendent".to_owned(),
            course: "Overt".to_owned(),
            version: "1".to_owned(),
            from: Timestamp::from_unix_ms(1_577_836_800_000),
            until: Timestamp::from_unix_ms(4_102_444_800_000),
        };
        let mut boss = None;
        let mut sessions = Vec::new();
        for (id, name, rank, roles) in PEOPLE {
            let new = NewPerson {
                id: id.to_owned(),
                name: name.to_owned(),
                rank: rank.to_owned(),
                roles: roles.to_vec(),
            };
            match &boss {
                None => {
                    force
                        .init(&new, &credential(roles[0]), &password(id), &now)
                        .unwrap();
                }
                Some(boss) => {
                    let first = Password::new("chosen by the boss".to_owned());
                    force.add(&new, &first, boss, &now).unwrap();
                    for role in roles {
                        force
                            .add_credential(id, &credential(*role), boss, &now)
                            .unwrap();
                    }
                    force
                        .change_password(id, &first, &password(id), &now)
                        .unwrap();
                }
            }
            let session = force.sign_in(id, &password(id), uid, &now).unwrap();
            sessions.push((id, session.token.to_text().to_string()));
            boss.get_or_insert(session.signed_in);
        }
        if let Some(boss) = &boss {
            force.adopt_rules(&signed_rules(), boss, &now).unwrap();
        }
        Prepared {
            force: fs::read(&path).unwrap(),
            audit: fs::read(path.with_extension("audit")).unwrap(),
            sessions,
        }
    })
}

/// One of that force's people, who is signed in.
fn signed_in(force: &Force, id: &str, now: &Moment) -> SignedIn {
    let mut sessions = prepared().sessions.iter();
    let (_, token) = sessions.find(|(of, _)| *of == id).unwrap();
    let uid = nix::unistd::geteuid().as_raw();
    force.verify(&token.parse().unwrap(), uid, now).unwrap()
}

/// The demonstration's rules, signed by a key that nobody keeps.
pub(crate) fn signed_rules() -> SignedRules {
    let file = RulesFile::read(&super::example("rules.toml")).unwrap();
    let key = SecretKey::generate();
    let message = [RULES_DOMAIN, file.source().as_bytes()].concat();
    SignedRules {
        rules: authority::rules(&file),
        text: file.source().to_owned(),
        key: *key.public().as_bytes(),
        signature: key.sign_message(&message),
    }
}

/// This moment, as the program measures it.
fn now() -> Moment {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let since = clock_gettime(ClockId::Boottime);
    Moment {
        at: Timestamp::from_unix_ms(jiff::Timestamp::now().as_millisecond()),
        boot: boot.trim().to_owned(),
        since_boot_ms: since.tv_sec as u64 * 1000 + since.tv_nsec as u64 / 1_000_000,
    }
}

/// Since long ago, and for long.
pub(crate) const COURSE: [&str; 10] = [
    "--selection",
    "by the superintendent",
    "--course",
    "Overt",
    "--version",
    "1",
    "--from",
    "2020-01-01",
    "--until",
    "2099-12-31",
];

impl Place {
    /// A force with somebody for every role, each signed in: [`Place::run_as`].
    pub(crate) fn with_force(&self) {
        let Prepared {
            force,
            audit,
            sessions,
        } = prepared();
        fs::create_dir_all(self.path("out")).unwrap();
        let path = self.path("out/force.redb");
        fs::write(&path, force).unwrap();
        let beside = path.with_extension("audit");
        fs::write(&beside, audit).unwrap();
        for file in [&path, &beside] {
            fs::set_permissions(file, Permissions::from_mode(0o600)).unwrap();
        }
        for (id, token) in sessions {
            let folder = self.path("people").join(id).join("overt");
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&folder)
                .unwrap();
            let session =
                serde_json::json!({ "force": path.canonicalize().unwrap(), "token": token });
            let file = folder.join("session");
            fs::write(&file, session.to_string()).unwrap();
            fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        }
    }

    /// Has the deployment planned and authorised as its file stands. A file with mistakes is left for the program to complain of.
    pub(crate) fn authorise(&self) {
        let Ok(deployment) = Deployment::read(&self.deployment()) else {
            return;
        };
        let Ok(terms) = authority::terms(&deployment) else {
            return;
        };
        // Where there is a watchlist, and no run that has it.
        self.run_as(
            "boss",
            [
                Path::new("watchlist"),
                Path::new("approve"),
                &self.deployment(),
            ],
        );
        let force = Force::at(&self.path("out/force.redb"));
        let known = force.registered_as(&deployment.id).unwrap();
        match known {
            None => {}
            Some(known)
                if *known.terms() == terms && known.state() == RegisterState::Authorised =>
            {
                return;
            }
            // An id that ran stays that deployment's, so another force has to begin.
            Some(_) => self.with_force(),
        }
        let now = now();
        let who = |id: &str| signed_in(&force, id, &now);
        let planned = force.plan(&terms, &who("paula"), &now).unwrap();
        let order = Order {
            reference: "TEST/1".to_owned(),
            urgent: false,
        };
        // What the rules let nobody authorise stays planned.
        let _ = force.authorise(planned.number(), &order, &who("boss"), &now);
    }

    /// An operator of that force, for a test that judges in the records itself.
    pub(crate) fn judge(&self, id: &str) -> Judge {
        let force = Force::at(&self.path("out/force.redb"));
        let who = signed_in(&force, id, &now());
        who.judging(JudgingRole::Operator).unwrap()
    }

    /// The program, for one of that force's people.
    pub(crate) fn overt_as(&self, id: &str) -> Command {
        let mut command = overt();
        command.env("XDG_RUNTIME_DIR", self.path("people").join(id));
        command
    }

    /// Runs it.
    pub(crate) fn run_as<S: AsRef<std::ffi::OsStr>>(
        &self,
        id: &str,
        arguments: impl IntoIterator<Item = S>,
    ) -> Ended {
        self.overt_as(id).args(arguments).output().unwrap().into()
    }

    /// The program, for whoever is signed in here.
    pub(crate) fn overt(&self) -> Command {
        let mut command = overt();
        command.env("XDG_RUNTIME_DIR", self.path("state"));
        command
    }

    /// Runs it with these lines on its standard input.
    pub(crate) fn ask(&self, arguments: &[&str], input: &str) -> Ended {
        let mut child = self
            .overt()
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It may have ended without reading.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap().into()
    }

    /// The same, and it has to be done.
    pub(crate) fn done(&self, arguments: &[&str], input: &str) -> String {
        let ended = self.ask(arguments, input);
        assert_eq!(ended.status, Some(0), "{arguments:?}: {}", ended.err);
        ended.out
    }

    /// Signs somebody in whose password is their id and a few words.
    pub(crate) fn sign_in(&self, id: &str) {
        let file = self.deployment();
        let file = file.to_str().unwrap();
        let arguments = ["sign-in", id, "--deployment", file, "--password-stdin"];
        self.done(&arguments, &format!("{id} and some words\n"));
    }

    /// Has somebody of the prepared force sign in by a calendar that says this.
    pub(crate) fn signed_in_at(&self, id: &str, calendar: &str) {
        let at: jiff::Timestamp = calendar.parse().unwrap();
        let now = Moment {
            at: Timestamp::from_unix_ms(at.as_millisecond()),
            ..now()
        };
        let force = Force::with_hashing(&self.path("out/force.redb"), Hashing::cheapest());
        let password = Password::new(format!("{id} and some words"));
        let uid = nix::unistd::geteuid().as_raw();
        force.sign_in(id, &password, uid, &now).unwrap();
    }

    /// No force at all, in place of the one that was prepared.
    pub(crate) fn without_force(&self) {
        for file in ["out/force.redb", "out/force.audit"] {
            // It may have gone before.
            let _ = fs::remove_file(self.path(file));
        }
    }

    /// Makes the force's first person, `boss`, and signs them in.
    pub(crate) fn with_boss(&self) {
        self.without_force();
        let file = self.deployment();
        let mut arguments = vec!["people", "init", "boss", "--name", "A. N. Officer"];
        arguments.extend(["--rank", "superintendent", "--password-stdin"]);
        arguments.extend(["--deployment", file.to_str().unwrap()]);
        arguments.extend(COURSE);
        self.done(&arguments, "boss and some words\n");
        self.sign_in("boss");
    }

    /// Makes somebody with a role and a credential for it; `boss` is signed in.
    pub(crate) fn with_person(&self, id: &str, name: &str, role: &str) {
        let add = [
            "people",
            "add",
            id,
            "--name",
            name,
            "--rank",
            "engineer",
            "--role",
            role,
            "--password-stdin",
        ];
        self.done(&add, "chosen by the boss\n");
        let mut credential = vec!["people", "credential", "add", id, "--role", role];
        credential.extend(COURSE);
        self.done(&credential, "");
        let change = ["people", "change-password", id, "--password-stdin"];
        self.done(
            &change,
            &format!("chosen by the boss\n{id} and some words\n"),
        );
    }

    /// A force of this place's own with a system engineer, A. N. Engineer, who is signed in.
    pub(crate) fn with_own_engineer(&self) {
        self.with_boss();
        self.with_person("anna", "A. N. Engineer", "system-engineer");
        self.sign_in("anna");
    }

    /// A system engineer, A. N. Engineer of the prepared force, who is signed in.
    pub(crate) fn with_engineer(&self) {
        self.sign_in("anna");
    }
}
