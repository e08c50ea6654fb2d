//! Kills of a process that does everything that is done with the force's store, at any moment: this program starts itself as the process that is killed. Whatever moment it
//! is, the store opens, its log verifies, what was acknowledged is there, what is there is whole, and no number is missing or dealt out twice. Years pass meanwhile, so
//! that what the rules keep no longer goes, and its file is written anew.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use libtest_mimic::{Arguments, Failed, Trial};
use overt_records::{
    AuditEvent, AuditLog, Force, Hashing, KeepRules, Moment, NewPerson, PeopleChange, PeopleEvent,
    PersonRole, RegisterEntry, RegisterState, RegisterStep, Rules, RunAsked, SignedIn, Terms,
    Timestamp, Verdict, WatchlistFacts,
};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;
use support::force::{DAY, HOUR, NOW, UID, credential, password};
use support::register::{asked, at, nothing, order, rules, signed, terms};
use tempfile::TempDir;

/// Tells a child from the test program.
const ROLE: &str = "OVERT_RECORDS_TEST_ROLE";

/// When the child's calendar begins, milliseconds.
const START: &str = "OVERT_RECORDS_TEST_START";

/// Days that the rules keep the register.
const KEPT_DAYS: i64 = 30;

fn main() -> ExitCode {
    let folder = std::env::args_os().nth(1).unwrap_or_default();
    match std::env::var(ROLE).as_deref() {
        Ok("do-all") => {
            let start = std::env::var(START).unwrap().parse().unwrap();
            do_all(&store_in(Path::new(&folder)), start);
        }
        Ok("read") => {
            let register = store_in(Path::new(&folder)).register().unwrap();
            println!("{}", register.len());
        }
        _ => return libtest_mimic::run(&Arguments::from_args(), trials()).exit_code(),
    }
    ExitCode::SUCCESS
}

fn trials() -> Vec<Trial> {
    type Test = fn();
    let tests: [(&str, Test); 2] = [
        (
            "a_process_killed_at_any_moment_leaves_a_force_s_store_that_is_whole_with_all_that_was_acknowledged",
            killed_at_any_moment,
        ),
        (
            "a_store_that_cannot_be_written_anew_is_read_all_the_same_and_written_anew_once_it_can_be",
            no_room_to_write_anew,
        ),
    ];
    let trial = |(name, test): (&str, Test)| {
        Trial::test(name, move || {
            test();
            Ok::<(), Failed>(())
        })
    };
    tests.into_iter().map(trial).collect()
}

fn store_in(folder: &Path) -> Force {
    Force::with_hashing(&folder.join("force.redb"), Hashing::cheapest())
}

fn moment(ms: i64) -> Moment {
    Moment {
        at: at(ms),
        boot: "first".into(),
        since_boot_ms: (ms - NOW) as u64,
    }
}

fn kept_for(version: u32) -> Rules {
    let rules = rules(version);
    Rules {
        keep: KeepRules {
            register_days: KEPT_DAYS as u32,
            ..rules.keep
        },
        ..rules
    }
}

/// The people, with credentials that outlast the test.
fn set_up(force: &Force) {
    let now = moment(NOW);
    let long = |role| credential(role, 1_000_000);
    let new = |id: &str, rank: &str, roles: &[PersonRole]| NewPerson {
        rank: rank.into(),
        ..support::force::new(id, roles)
    };
    let officer = PersonRole::AuthorisingOfficer;
    let own = |id: &str| password(&format!("{id} own password"));
    force
        .init(
            &new("boss", "inspector", &[]),
            &long(officer),
            &own("boss"),
            &now,
        )
        .unwrap();
    let sign_in = |id: &str| force.sign_in(id, &own(id), UID, &now).unwrap().signed_in;
    for (id, rank, role) in [
        ("paul", "inspector", officer),
        ("sue", "superintendent", officer),
        ("anna", "engineer", PersonRole::SystemEngineer),
        ("olu", "constable", PersonRole::Operator),
        ("eve", "constable", PersonRole::EngagementOfficer),
    ] {
        let initial = password("chosen by the boss");
        let boss = sign_in("boss");
        force
            .add(&new(id, rank, &[role]), &initial, &boss, &now)
            .unwrap();
        force.add_credential(id, &long(role), &boss, &now).unwrap();
        force.change_password(id, &initial, &own(id), &now).unwrap();
    }
    force
        .adopt_rules(&signed(kept_for(1), 1), &sign_in("sue"), &now)
        .unwrap();
}

/// The child: its clock, and what it says once it is done.
struct Doer<'f> {
    force: &'f Force,
    clock: i64,
}

impl Doer<'_> {
    /// The next second.
    fn now(&mut self) -> Moment {
        self.clock += 1_000;
        moment(self.clock)
    }

    /// Something is on record since this time.
    fn say(&self, line: &str) {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{line} {}.", self.clock).unwrap();
        out.flush().unwrap();
    }

    fn sign_in(&mut self, id: &str) -> SignedIn {
        let now = self.now();
        let own = password(&format!("{id} own password"));
        let session = self.force.sign_in(id, &own, UID, &now).unwrap();
        self.say(&format!("signed-in {id} {}", &*session.token.to_text()));
        session.signed_in
    }

    /// What a kill has left goes its way.
    fn end_what_is_open(&mut self, sue: &SignedIn) {
        for entry in self.force.register().unwrap() {
            if entry.has_ended() {
                continue;
            }
            let number = entry.number();
            let now = self.now();
            match entry.state() {
                RegisterState::Planned => {
                    self.force.refuse(number, "left over", sue, &now).unwrap();
                    self.say(&format!("refused {number}"));
                }
                _ => self.close(number, sue),
            }
        }
    }

    fn close(&mut self, number: u32, sue: &SignedIn) {
        let now = self.now();
        let record = format!("{{\"record of\":{number}}}");
        let closed = self
            .force
            .close(number, &nothing(), &record, sue, &now)
            .unwrap();
        self.say(&format!("closed {number} {}", closed.sha256()));
    }

    fn terms(&self, id: &str) -> Terms {
        Terms {
            start: at(self.clock),
            end: at(self.clock + 4 * HOUR),
            ..terms(id)
        }
    }

    /// A deployment, from its plan to its end.
    fn deployment(&mut self, turn: u32, [paul, sue, anna]: [&SignedIn; 3]) {
        let id = format!("deployment-{}-x", self.clock);
        let terms = self.terms(&id);
        let now = self.now();
        let number = self.force.plan(&terms, paul, &now).unwrap().number();
        self.say(&format!("planned {number} {id}"));
        if turn % 4 == 1 {
            let now = self.now();
            self.force
                .refuse(number, "not proportionate", sue, &now)
                .unwrap();
            self.say(&format!("refused {number}"));
            return;
        }
        let now = self.now();
        self.force.authorise(number, &order(), sue, &now).unwrap();
        self.say(&format!("authorised {number}"));
        if turn % 4 == 2 {
            let now = self.now();
            self.force.cancel(number, "it rains", sue, &now).unwrap();
            self.say(&format!("cancelled {number}"));
            return;
        }
        let now = self.now();
        let asked = RunAsked {
            watchlist: WatchlistFacts {
                oldest: Some(terms.start),
                ..asked(terms.clone()).watchlist
            },
            ..asked(terms.clone())
        };
        let started = self.force.begin_run(&asked, anna, &now).unwrap();
        self.say(&format!("run-begun {number}"));
        let now = self.now();
        let until = at(terms.start.unix_ms() + 5 * HOUR);
        self.force
            .extend(number, until, "LFR/2", "more time", sue, &now)
            .unwrap();
        self.say(&format!("extended {number}"));
        let now = self.now();
        self.force.end_run(&started, false, now.at).unwrap();
        self.say(&format!("run-ended {number}"));
        self.close(number, sue);
    }
}

/// Does without end all that is done with the store.
fn do_all(force: &Force, start: i64) {
    let mut doer = Doer {
        force,
        clock: start,
    };
    for turn in 0.. {
        // Twenty days later.
        doer.clock += 20 * DAY;
        let sue = doer.sign_in("sue");
        doer.end_what_is_open(&sue);
        let now = doer.now();
        let before = doer.clock - KEPT_DAYS * DAY;
        force.destroy_over_period(at(before), &sue, &now).unwrap();
        doer.say(&format!("destroyed {before}"));
        let (paul, anna) = (doer.sign_in("paul"), doer.sign_in("anna"));
        doer.deployment(turn, [&paul, &sue, &anna]);
        let now = doer.now();
        let id = format!("p-{}", doer.clock);
        let new = support::force::new(&id, &[PersonRole::Operator]);
        force
            .add(&new, &password("chosen by sue"), &sue, &now)
            .unwrap();
        doer.say(&format!("added {id}"));
        let now = doer.now();
        let version = force.rules().unwrap().unwrap().rules.version + 1;
        force
            .adopt_rules(&signed(kept_for(version), 1), &sue, &now)
            .unwrap();
        doer.say(&format!("adopted {version}"));
    }
}

/// How often a process is killed: `OVERT_KILLS`, or 50.
fn kills() -> usize {
    let asked = std::env::var("OVERT_KILLS").ok();
    asked.map_or(50, |number| number.parse().unwrap())
}

fn killed_at_any_moment() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    let folder: TempDir = folder.unwrap();
    let force = store_in(folder.path());
    set_up(&force);
    let mut start = NOW;
    let (mut words, mut unfinished) = (BTreeMap::<String, usize>::new(), 0);
    let mut said: Vec<String> = Vec::new();
    for kill in 0..kills() {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg(folder.path())
            .env(ROLE, "do-all")
            .env(START, start.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut reader = BufReader::new(child.stdout.take().unwrap()).lines();
        let lines = random.usize(..24);
        let mut now: Vec<String> = reader.by_ref().take(lines).map(Result::unwrap).collect();
        std::thread::sleep(Duration::from_micros(random.u64(..12_000)));
        child.kill().unwrap();
        now.extend(reader.map_while(Result::ok));
        child.wait().unwrap();
        // The last line may be cut short, but then it is no acknowledgement.
        now.retain(|line| line.ends_with('.'));
        for line in &now {
            let word = line.split(' ').next().unwrap();
            *words.entry(word.to_owned()).or_default() += 1;
        }
        said.extend(now);
        let when = format!("kill {kill}, seed {seed}");
        unfinished += usize::from(beside(folder.path()).len() > 2);
        let log = all_is_whole(&force, folder.path(), &said, &when);
        let latest = log.entries().iter().map(|entry| entry.at).max().unwrap();
        start = latest.unix_ms() + HOUR;
        // What went long ago is looked for no more.
        let gone_for_long = latest.unix_ms() - 400 * DAY;
        said.retain(|line| time_of(line) > gone_for_long);
    }
    println!("{words:?}; killed {unfinished} times while the file was written anew");
    for word in ["closed", "refused", "cancelled", "destroyed", "adopted"] {
        assert!(words.contains_key(word), "the kills leave time for {word}");
    }
}

/// The files that are there.
fn beside(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).unwrap();
    files.map(|file| file.unwrap().path()).collect()
}

fn time_of(line: &str) -> i64 {
    let last = line.trim_end_matches('.').rsplit(' ').next().unwrap();
    last.parse().unwrap()
}

fn all_is_whole(force: &Force, folder: &Path, said: &[String], when: &str) -> AuditLog {
    // The first opening finishes what the kill has broken off.
    let register = force.register().unwrap();
    let files = beside(folder);
    assert_eq!(files.len(), 2, "{files:?}: {when}");
    let log = force.audit_log().unwrap();
    assert_eq!(log.verify(&[]).verdict, Verdict::TailUnproven, "{when}");
    // Each row is what the events say, and each event has its row.
    assert_eq!(log.register_differs(), None, "{when}");
    let mut numbers: Vec<u32> = register.iter().map(RegisterEntry::number).collect();
    let gone = force.register_gone().unwrap();
    for gone in &gone {
        numbers.extend(gone.first..=gone.last);
    }
    numbers.sort_unstable();
    let expected: Vec<u32> = (1..).take(numbers.len()).collect();
    assert_eq!(numbers, expected, "{when}");
    let entries = log.entries();
    let events: Vec<PeopleEvent> = force.events().unwrap();
    let told: Vec<(Timestamp, Option<String>, PeopleChange)> = entries
        .iter()
        .filter_map(|entry| match &entry.event {
            AuditEvent::PersonChanged { person, change } => {
                Some((entry.at, person.clone(), change.clone()))
            }
            _ => None,
        })
        .collect();
    let known: Vec<_> = events
        .iter()
        .map(|event| (event.at, event.person.clone(), event.change.clone()))
        .collect();
    assert_eq!(known, told, "{when}");
    let people: BTreeSet<String> = force
        .people()
        .unwrap()
        .into_iter()
        .map(|person| person.id)
        .collect();
    let before = entries.iter().filter_map(|entry| match entry.event {
        AuditEvent::ContentDestroyed { before, .. } => Some(before),
        _ => None,
    });
    let before = before.max().unwrap_or(at(NOW));
    let made: BTreeSet<&String> = told
        .iter()
        .filter(|(_, _, change)| *change == PeopleChange::Made)
        .filter_map(|(_, person, _)| person.as_ref())
        .collect();
    for id in people.iter().filter_map(|id| id.strip_prefix("p-")) {
        let id: i64 = id.parse().unwrap();
        assert!(
            at(id) < before || made.contains(&format!("p-{id}")),
            "{when}"
        );
    }
    assert!(made.iter().all(|id| people.contains(*id)), "{when}");
    let adopted: Vec<u32> = entries
        .iter()
        .filter_map(|entry| match entry.event {
            AuditEvent::RulesAdopted { version, .. } => Some(version),
            _ => None,
        })
        .collect();
    let versions: Vec<u32> = force
        .all_rules()
        .unwrap()
        .iter()
        .map(|adopted| adopted.rules.version)
        .collect();
    assert_eq!(versions, adopted, "{when}");
    for entry in &register {
        let number = entry.number();
        let kept = force.kept_record(number).unwrap();
        let is_closed = entry.state() == RegisterState::Closed;
        assert_eq!(kept.is_some(), is_closed, "{number}: {when}");
        // Every step is one that the order allows: authorised once, closed once, runs in a row.
        let steps = entry.steps().iter().map(|record| record.what.name());
        let mut once: Vec<&str> = steps.filter(|step| *step != "extended").collect();
        let all = once.len();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), all, "{entry:?}: {when}");
    }
    let found = Found {
        register: &register,
        is_gone: &|number| gone.iter().any(|gone| gone.has(number)),
        events: &events,
        people: &people,
        versions: &versions,
        before,
    };
    for line in said {
        assert!(found.has(line), "{line} {when}");
    }
    // The newest session goes on: whoever signs in later ends those that are over.
    let signed_in = said.iter().rev().find(|line| line.starts_with("signed-in"));
    let newest = events
        .iter()
        .rev()
        .find(|event| event.change == PeopleChange::SignedIn);
    if let (Some(line), Some(newest)) = (signed_in, newest)
        && newest.at == at(time_of(line))
    {
        let token = line.split(' ').nth(2).unwrap().parse().unwrap();
        let who = force
            .verify(&token, UID, &moment(time_of(line) + 1))
            .unwrap();
        assert_eq!(who.id(), line.split(' ').nth(1).unwrap(), "{when}");
    }
    nothing_gone_is_in_the_file(force, said, &found, when);
    log
}

/// What is on record.
struct Found<'f> {
    register: &'f [RegisterEntry],
    is_gone: &'f dyn Fn(u32) -> bool,
    events: &'f [PeopleEvent],
    people: &'f BTreeSet<String>,
    versions: &'f [u32],
    before: Timestamp,
}

impl Found<'_> {
    fn entry(&self, number: u32) -> Option<&RegisterEntry> {
        self.register.iter().find(|entry| entry.number() == number)
    }

    /// Whether what was acknowledged is there, or went with its time.
    fn has(&self, line: &str) -> bool {
        let words: Vec<&str> = line.trim_end_matches('.').split(' ').collect();
        let time = at(time_of(line));
        match words[0] {
            "signed-in" => {
                let is_it = |event: &PeopleEvent| {
                    event.at == time
                        && event.person.as_deref() == Some(words[1])
                        && event.change == PeopleChange::SignedIn
                };
                time < self.before || self.events.iter().any(is_it)
            }
            "added" => self.people.contains(words[1]),
            "adopted" => self.versions.contains(&words[1].parse().unwrap()),
            "destroyed" => {
                // None was there to go at first.
                at(words[1].parse().unwrap()) <= self.before || self.before == at(NOW)
            }
            step => {
                let number: u32 = words[1].parse().unwrap();
                let Some(entry) = self.entry(number) else {
                    return (self.is_gone)(number) && time < self.before;
                };
                let is_it = |what: &RegisterStep| match what {
                    RegisterStep::Planned { terms } => terms.deployment == words[2],
                    RegisterStep::Closed {
                        certificate_sha256, ..
                    } => certificate_sha256 == words[2],
                    _ => true,
                };
                entry.steps().iter().any(|record| {
                    record.at == time && record.what.name() == step && is_it(&record.what)
                })
            }
        }
    }
}

/// The file was written anew: no page of it holds the name of a deployment that went.
fn nothing_gone_is_in_the_file(force: &Force, said: &[String], found: &Found<'_>, when: &str) {
    let bytes = std::fs::read(force.path()).unwrap();
    for line in said.iter().filter(|line| line.starts_with("planned ")) {
        let words: Vec<&str> = line.split(' ').collect();
        if found.entry(words[1].parse().unwrap()).is_some() {
            continue;
        }
        let id = words[2].as_bytes();
        let holds = bytes.windows(id.len()).any(|window| window == id);
        assert!(!holds, "{line} {when}");
    }
}

fn no_room_to_write_anew() {
    let folder = tempfile::tempdir().unwrap();
    let force = store_in(folder.path());
    set_up(&force);
    let now = moment(NOW);
    let own = |id: &str| password(&format!("{id} own password"));
    let sign_in = |id: &str| force.sign_in(id, &own(id), UID, &now).unwrap().signed_in;
    force.plan(&terms("one"), &sign_in("paul"), &now).unwrap();
    {
        // As a process leaves it that had no room.
        let database = redb::Database::open(force.path()).unwrap();
        let change = database.begin_write().unwrap();
        let facts: redb::TableDefinition<&str, &str> = redb::TableDefinition::new("force");
        change
            .open_table(facts)
            .unwrap()
            .insert("rewrite", "due")
            .unwrap();
        change.commit().unwrap();
    }
    let file = || std::fs::metadata(force.path()).unwrap().ino();
    let before = file();
    // Its own first pages can be written, and no file of a store's size.
    let inner = std::env::current_exe().unwrap();
    let output = Command::new("sh")
        .arg("-c")
        .arg("trap '' XFSZ; ulimit -f 64; exec \"$0\" \"$1\"")
        .arg(inner)
        .arg(folder.path())
        .env(ROLE, "read")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert_eq!(output.stdout, b"1\n");
    assert_eq!(file(), before);
    assert_eq!(beside(folder.path()).len(), 2);
    // With room.
    assert_eq!(force.register().unwrap().len(), 1);
    assert_ne!(file(), before);
    assert_eq!(beside(folder.path()).len(), 2);
    all_is_whole(&force, folder.path(), &[], "written anew");
}
