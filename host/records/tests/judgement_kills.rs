//! Kills between any two steps of an alert's way from its raising to its outcome, on real processes: this program starts itself as the process that is killed. Whatever
//! moment it is, each judgement that was acknowledged is on record once, by its person, and whoever has to hear of it does.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use libtest_mimic::{Arguments, Failed, Trial};
use overt_records::{
    Adjudication, AuditEvent, AuditLog, IdentityCheck, JudgementLimits, LifeState, News, Report,
    StepKind, Stop, Store, Verdict,
};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;
use support::people::judges;
use support::{Folder, NOW, alert, counts, header, image, settings};

/// Tells a child from the test program.
const ROLE: &str = "OVERT_RECORDS_TEST_ROLE";

const LIMITS: JudgementLimits = JudgementLimits {
    adjudication_ms: 60_000,
    engagement_ms: 60_000,
    location_ms: 60_000,
};

/// Whoever acts.
const TEAM: &str = "team";

fn main() -> ExitCode {
    let folder = std::env::args_os().nth(1).unwrap_or_default();
    if std::env::var(ROLE).as_deref() == Ok("judge-all") {
        judge_all(Path::new(&folder));
        return ExitCode::SUCCESS;
    }
    let name = "a_process_killed_between_any_two_steps_loses_no_judgement_and_nobody_who_has_to_hear_of_it";
    let trial = Trial::test(name, || {
        killed_at_any_moment();
        Ok::<(), Failed>(())
    });
    libtest_mimic::run(&Arguments::from_args(), vec![trial]).exit_code()
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}

/// Raises alerts without end, has each judged by two people, and delivers what has to be; says each step once it is committed.
fn judge_all(folder: &Path) {
    let store = Store::open_or_create(&folder.join("records.redb"), &settings()).unwrap();
    let [operator, officer] = judges(folder);
    store.watchlist().enrol(&[image("W-1", 1)], NOW).unwrap();
    let run = store.begin_run(&header()).unwrap();
    say("ready.");
    // What a kill has left.
    tend(&store);
    loop {
        let number = run.next_alert_number().unwrap();
        run.commit_decisions(&[alert(number)], &counts(u64::from(number)), NOW)
            .unwrap();
        say(&format!("raised {number}."));
        store.view(number, &operator, NOW).unwrap();
        store
            .adjudicate(number, &operator, Adjudication::Pass, &LIMITS, NOW)
            .unwrap();
        say(&format!("passed {number}."));
        tend(&store);
        store.view(number, &officer, NOW).unwrap();
        let stop = Stop {
            place: "Market Square".into(),
            from: NOW,
            to: NOW,
            identity: IdentityCheck::None,
            method: String::new(),
            fingerprints: false,
        };
        let correct = true;
        for (report, word) in [
            (Report::Viable, "viable"),
            (Report::Engaged, "engaged"),
            (Report::Confirmed { correct, stop }, "confirmed"),
        ] {
            store
                .report(number, &officer, report, &LIMITS, NOW)
                .unwrap();
            say(&format!("{word} {number}."));
        }
    }
}

/// Names somebody for every passed alert, and delivers every message.
fn tend(store: &Store) {
    for passed in store.unrouted().unwrap() {
        let channels = [TEAM.to_owned()];
        store.route(&passed, &channels, true, None, NOW).unwrap();
        say(&format!("routed {}.", passed.alert().number));
    }
    for message in store.outbox().unwrap() {
        let letter = store.take_out(message.number).unwrap().unwrap();
        // Here it would be on its way.
        say(&format!("sent {} {}.", message.number, letter.again));
        store.delivered_now(&letter, NOW).unwrap();
        say(&format!("delivered {}.", message.number));
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
    let folder = Folder::new();
    let mut said: Vec<String> = Vec::new();
    for kill in 0..kills() {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg(folder.path())
            .env(ROLE, "judge-all")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut reader = BufReader::new(child.stdout.take().unwrap()).lines();
        // Once it is ready its people are there, and it is not killed before; from then on it is killed after some lines, and some time after the last of them.
        let lines = 1 + random.usize(..12);
        said.extend(reader.by_ref().take(lines).map(Result::unwrap));
        std::thread::sleep(Duration::from_micros(random.u64(..6_000)));
        child.kill().unwrap();
        said.extend(reader.map_while(Result::ok));
        child.wait().unwrap();
        // The last line may be cut short, but then it is no acknowledgement.
        said.retain(|line| line.ends_with('.'));
        all_is_on_record(&folder, &said, &format!("kill {kill}, seed {seed}"));
    }
    let words = |word: &str| said.iter().filter(|line| line.starts_with(word)).count();
    assert!(
        words("confirmed ") > 0 && words("delivered ") > 0,
        "the kills leave time for something"
    );
}

/// Numbers that were said with this word.
fn numbers<'a>(said: &'a [String], word: &'a str) -> impl Iterator<Item = u64> + 'a {
    said.iter().filter_map(move |line| {
        let rest = line.strip_prefix(word)?.trim_end_matches('.').trim();
        rest.split(' ').next()?.parse().ok()
    })
}

fn all_is_on_record(folder: &Folder, said: &[String], when: &str) {
    let store = Store::open_or_create(&folder.records(), &settings()).unwrap();
    let living = store.living().unwrap();
    let steps_of = |alert: u64| living[alert as usize - 1].life.steps();
    for (word, place) in [
        ("passed ", 0),
        ("viable ", 1),
        ("engaged ", 2),
        ("confirmed ", 3),
    ] {
        for alert in numbers(said, word) {
            assert!(steps_of(alert).len() > place, "{word}{alert}: {when}");
        }
    }
    let unrouted = store.unrouted().unwrap();
    for alert in &living {
        let (number, steps) = (alert.alert.number, alert.life.steps());
        // One decision each, in order, by its person.
        let order = |kind: &StepKind| match kind {
            StepKind::Passed => (0, "olu"),
            StepKind::Viable => (1, "eve"),
            StepKind::Engaged => (2, "eve"),
            StepKind::Confirmed { .. } => (3, "eve"),
            other => panic!("{other:?}: {when}"),
        };
        for (place, step) in steps.iter().enumerate() {
            let by = step.by.as_ref().map(|by| by.person()).unwrap();
            assert_eq!(order(&step.kind), (place, by), "{when}");
        }
        // A passed alert has its people or waits for them, and no other alert has any.
        let waits = unrouted
            .iter()
            .any(|passed| passed.alert().number == number);
        let acting = store.acting_channels(number).unwrap();
        match alert.life.state() {
            LifeState::Raised => assert!(!waits && acting.is_none(), "{when}"),
            _ => assert_ne!(waits, acting.is_some(), "alert {number}: {when}"),
        }
    }
    // Each message is there once, waiting or delivered.
    let waiting = store.outbox().unwrap();
    let delivered = store.delivered().unwrap();
    let mut messages: BTreeMap<(u32, String, &str), usize> = BTreeMap::new();
    let taken = delivered.iter().map(|delivered| &delivered.message);
    for message in waiting.iter().chain(taken) {
        let key = (message.alert, message.channel.clone(), message.news.name());
        *messages.entry(key).or_default() += 1;
    }
    let mut expected = 0;
    for alert in &living {
        let number = alert.alert.number;
        let raised = (number, "desk-1".to_owned(), News::Raised.name());
        assert_eq!(messages.get(&raised), Some(&1), "{when}");
        let passed = (number, TEAM.to_owned(), News::Passed.name());
        let is_routed = store.acting_channels(number).unwrap().is_some();
        assert_eq!(messages.contains_key(&passed), is_routed, "{when}");
        expected += 1 + usize::from(is_routed);
    }
    assert_eq!(messages.values().sum::<usize>(), expected, "{when}");
    for message in numbers(said, "delivered ") {
        let is_delivered = delivered.iter().any(|one| one.message.number == message);
        assert!(is_delivered, "{message}: {when}");
    }
    // What left and was not acknowledged is marked, and was marked when it left again.
    for message in &waiting {
        let sent = format!("sent {} ", message.number);
        if said.iter().any(|line| line.starts_with(&sent)) {
            assert!(message.may_have_arrived, "{when}");
        }
    }
    for message in &delivered {
        let sent = format!("sent {} ", message.message.number);
        let times: Vec<&String> = said.iter().filter(|line| line.starts_with(&sent)).collect();
        for later in times.iter().skip(1) {
            assert!(later.ends_with("true."), "{later} {when}");
        }
    }
    drop(store);
    // The log tells of each step that is on record, and of no other.
    let log = AuditLog::read(&folder.records(), "walk-past").unwrap();
    assert_eq!(log.verify(&[]).verdict, Verdict::TailUnproven, "{when}");
    let mut logged: BTreeMap<u32, usize> = BTreeMap::new();
    let mut told = 0;
    for entry in log.entries() {
        match entry.event {
            AuditEvent::AlertStep { alert, .. } => *logged.entry(alert).or_default() += 1,
            AuditEvent::MessageDelivered { .. } => told += 1,
            _ => {}
        }
    }
    for alert in &living {
        let steps = logged.remove(&alert.alert.number).unwrap_or_default();
        assert_eq!(steps, alert.life.steps().len(), "{when}");
    }
    assert!(logged.is_empty(), "{when}");
    assert_eq!(told, delivered.len(), "{when}");
}
