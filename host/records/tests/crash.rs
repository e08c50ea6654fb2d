//! Kills and full disks, on real processes: this program starts itself as the process that is killed or that meets its
//! file size limit, and looks at what is left.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use libtest_mimic::{Arguments, Failed, Trial};
use overt_records::{
    AuditEvent, AuditLog, ChangeCause, News, RecordsError, RunId, RunOutcome, StepKind, Store,
    SweepReport, Timestamp, Verdict,
};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;
use support::{
    Folder, NOW, alert, counts, encoder, header, image, payload, removal, settings, swept,
};

/// Says what the child has to do, and tells a child from the test program.
const ROLE: &str = "OVERT_RECORDS_TEST_ROLE";

fn main() -> ExitCode {
    let folder = std::env::args_os().nth(1).unwrap_or_default();
    let path = Path::new(&folder).join("records.redb");
    match std::env::var(ROLE).as_deref() {
        Ok("write-alerts") => write_alerts(&path),
        Ok("enrol-and-remove") => enrol_and_remove(&path),
        Ok("fill-the-disk") => fill_the_disk(&path),
        Ok("change-all") => change_all(&path),
        Ok("let-expire") => let_expire(&path),
        _ => return libtest_mimic::run(&Arguments::from_args(), trials()).exit_code(),
    }
    ExitCode::SUCCESS
}

fn trials() -> Vec<Trial> {
    type Test = fn();
    let tests: [(&str, Test); 6] = [
        (
            "a_killed_process_loses_no_alert_that_was_acknowledged",
            a_killed_process_loses_no_alert_that_was_acknowledged,
        ),
        (
            "a_process_killed_while_it_removes_entries_leaves_a_store_in_step_with_its_keys",
            a_process_killed_while_it_removes_entries_leaves_a_store_in_step_with_its_keys,
        ),
        (
            "a_process_killed_at_any_moment_leaves_an_audit_log_that_verifies_with_all_that_was_acknowledged",
            a_process_killed_at_any_moment_leaves_an_audit_log_that_verifies_with_all_that_was_acknowledged,
        ),
        (
            "a_process_killed_while_it_sweeps_leaves_nothing_pending_of_an_entry_that_is_gone",
            a_process_killed_while_it_sweeps_leaves_nothing_pending_of_an_entry_that_is_gone,
        ),
        (
            "a_full_disk_is_an_error_value_and_the_store_stays_readable",
            a_full_disk_is_an_error_value_and_the_store_stays_readable,
        ),
        (
            "a_second_process_is_told_that_the_store_is_in_use",
            a_second_process_is_told_that_the_store_is_in_use,
        ),
    ];
    tests
        .into_iter()
        .map(|(name, test)| {
            Trial::test(name, move || {
                test();
                Ok::<(), Failed>(())
            })
        })
        .collect()
}

fn child(role: &str, folder: &Folder) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .arg(folder.path())
        .env(ROLE, role)
        .stdout(Stdio::piped());
    command
}

/// Starts a child, reads `lines` lines of it, kills it with SIGKILL, and returns all it had said by then.
fn killed_after(lines: usize, mut command: Command) -> Vec<String> {
    let mut child = command.spawn().unwrap();
    let mut reader = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut said: Vec<String> = reader.by_ref().take(lines).map(Result::unwrap).collect();
    child.kill().unwrap();
    // What it said between the last line read and its death counts as well. The last line may be cut short, but then
    // it is no acknowledgement.
    said.extend(
        reader
            .map_while(Result::ok)
            .filter(|line| line.ends_with('.')),
    );
    assert_eq!(child.wait().unwrap().signal(), Some(9));
    said
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}

/// Raises alerts without end, in groups of one to three, and says each number once it is committed.
fn write_alerts(path: &Path) {
    let store = Store::open_or_create(path, &settings()).unwrap();
    let run = store.begin_run(&header()).unwrap();
    for group in 1.. {
        let next = run.next_alert_number().unwrap();
        let alerts: Vec<_> = (next..next + group % 3 + 1).map(alert).collect();
        let total = u64::from(next) + alerts.len() as u64 - 1;
        run.commit_decisions(&alerts, &counts(total), NOW).unwrap();
        for alert in &alerts {
            say(&format!("{}.", alert.alert.number));
        }
    }
}

fn a_killed_process_loses_no_alert_that_was_acknowledged() {
    let folder = Folder::new();
    let mut acknowledged = 0;
    // Later rounds kill a process that goes on with a store which a kill has left.
    for round in 1..=8u64 {
        let said = killed_after(3 * round as usize, child("write-alerts", &folder));
        let last = said.last().unwrap().trim_end_matches('.');
        acknowledged = acknowledged.max(last.parse().unwrap());

        let store = Store::open(&folder.records(), &settings()).unwrap();
        let runs = store.runs().unwrap();
        let alerts: Vec<_> = (1..=round)
            .flat_map(|run| store.alerts(RunId(run)).unwrap())
            .collect();
        assert!(
            alerts.len() >= acknowledged,
            "{} < {acknowledged}",
            alerts.len()
        );
        for (stored, number) in alerts.iter().zip(1..) {
            assert_eq!(stored.alert, alert(number).alert);
            let held = store.alert_payload(number).unwrap().unwrap();
            assert!(held == payload(number));
        }
        let run = runs.last().unwrap();
        assert_eq!(run.outcome, RunOutcome::Unfinished);
        assert_eq!(run.counts, counts(alerts.len() as u64));
    }
}

/// Enrols and removes entries without end: every removal rewrites the key file.
fn enrol_and_remove(path: &Path) {
    let store = Store::open_or_create(path, &settings()).unwrap();
    let watchlist = store.watchlist();
    for round in 0u64.. {
        let source = round as u8;
        let images = [image("stays", source), image("goes", source)];
        watchlist.enrol(&images, NOW).unwrap();
        watchlist.remove("goes", &removal(NOW)).unwrap();
        if store.watchlist().list().unwrap()[0].images.len() > 3 {
            watchlist.remove("stays", &removal(NOW)).unwrap();
        }
        say(&format!("{round}."));
    }
}

fn a_process_killed_while_it_removes_entries_leaves_a_store_in_step_with_its_keys() {
    let folder = Folder::new();
    for round in 1..=8 {
        killed_after(round, child("enrol-and-remove", &folder));
        let store = Store::open(&folder.records(), &settings()).unwrap();
        let list = store.watchlist().list().unwrap();
        let images: usize = list.iter().map(|entry| entry.images.len()).sum();
        let templates = store.watchlist().templates(&encoder(1)).unwrap();
        assert_eq!(templates.len(), images);
        for template in &templates {
            let picture = store
                .watchlist()
                .picture(&template.reference, template.image);
            assert_eq!(picture.unwrap().unwrap().jpeg[0], template.values[0] as u8);
        }
        drop(store);
        let slots = (std::fs::metadata(folder.keys()).unwrap().len() - 512) / 128;
        // One for each image, and one for why its person is sought.
        let held = (images + list.len()) as u64;
        assert_eq!(slots, held, "no key without its payload is left");
        let mut names: Vec<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        let expected = ["audit", "keys", "membership", "redb"].map(|end| format!("records.{end}"));
        assert_eq!(names, expected, "no second key file is left");
    }
}

/// Makes every kind of change without end, and says after each how far the log goes.
fn change_all(path: &Path) {
    let store = Store::open_or_create(path, &settings()).unwrap();
    let acknowledge = || {
        let head = store.audit_head().unwrap();
        say(&format!("{} {}.", head.events, head.hash));
    };
    for round in 0u8.. {
        let run = store.begin_run(&header()).unwrap();
        acknowledge();
        store
            .watchlist()
            .enrol(&[image("W-1", round)], NOW)
            .unwrap();
        acknowledge();
        let next = run.next_alert_number().unwrap();
        let alerts = [alert(next), alert(next + 1)];
        run.commit_decisions(&alerts, &counts(2), NOW).unwrap();
        acknowledge();
        store.watchlist().remove("W-1", &removal(NOW)).unwrap();
        acknowledge();
        store.sweep(NOW.after_hours(13)).unwrap();
        acknowledge();
        run.finish(&counts(2), false, NOW).unwrap();
        acknowledge();
    }
}

/// Has a person's only image expire under an alert, without end, and says each alert that was withdrawn for it.
fn let_expire(path: &Path) {
    let store = Store::open_or_create(path, &settings()).unwrap();
    // Kept for 48 hours: it has one left.
    let enrolled = Timestamp::from_unix_ms(NOW.unix_ms() - 47 * 3_600_000);
    let later = NOW.after_hours(2);
    let run = store.begin_run(&header()).unwrap();
    say("ready.");
    for number in 1.. {
        store
            .watchlist()
            .enrol(&[image("W-1", 1)], enrolled)
            .unwrap();
        let next = run.next_alert_number().unwrap();
        run.commit_decisions(&[alert(next)], &counts(1), NOW)
            .unwrap();
        let generation = |report: &SweepReport| swept(&run, number, later, report);
        for alert in run.sweep(later, &generation).unwrap().withdrawn {
            say(&format!("{alert}."));
        }
    }
}

fn a_process_killed_while_it_sweeps_leaves_nothing_pending_of_an_entry_that_is_gone() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let folder = Folder::new();
    let mut acknowledged = Vec::new();
    for kill in 0..kills() {
        let mut child = child("let-expire", &folder).spawn().unwrap();
        let mut reader = BufReader::new(child.stdout.take().unwrap()).lines();
        // Once it is ready it is killed after some lines, and some time after the last of them.
        let lines = 1 + random.usize(..3);
        let mut said: Vec<String> = reader.by_ref().take(lines).map(Result::unwrap).collect();
        std::thread::sleep(Duration::from_micros(random.u64(..20_000)));
        child.kill().unwrap();
        said.extend(reader.map_while(Result::ok));
        // The last line may be cut short, but then it is no acknowledgement.
        let said = said.iter();
        acknowledged.extend(said.filter_map(|line| line.strip_suffix('.')?.parse::<u32>().ok()));
        assert_eq!(child.wait().unwrap().signal(), Some(9));

        let when = format!("kill {kill}, seed {seed}");
        let store = Store::open(&folder.records(), &settings()).unwrap();
        let is_listed = !store.watchlist().list().unwrap().is_empty();
        let outbox = store.outbox().unwrap();
        let mut withdrawn = Vec::new();
        for living in store.living().unwrap() {
            let number = living.alert.number;
            let steps: Vec<_> = living.life.steps().iter().map(|step| &step.kind).collect();
            let told = outbox
                .iter()
                .filter(|message| message.alert == number && message.news == News::Withdrawn);
            match steps[..] {
                [] => assert!(is_listed, "alert {number} waits: {when}"),
                [StepKind::WithdrawnByRetention { .. }] => withdrawn.push(number),
                ref other => panic!("{other:?}: {when}"),
            }
            assert_eq!(told.count(), steps.len(), "{when}");
        }
        for alert in &acknowledged {
            assert!(withdrawn.contains(alert), "alert {alert}: {when}");
        }
        // Each generation on record has withdrawn what it says.
        let mut of_generations = Vec::new();
        for generation in store.generations().unwrap() {
            let ChangeCause::Retention { withdrawn, .. } = generation.cause else {
                panic!("{:?}: {when}", generation.cause);
            };
            of_generations.extend(withdrawn);
        }
        of_generations.sort_unstable();
        assert_eq!(of_generations, withdrawn, "{when}");
        drop(store);
        let log = AuditLog::read(&folder.records(), "walk-past").unwrap();
        assert_eq!(log.verify(&[]).verdict, Verdict::TailUnproven, "{when}");
    }
    assert!(
        !acknowledged.is_empty(),
        "the kills leave time for something"
    );
}

/// How often a process is killed: `OVERT_KILLS`, or 50.
fn kills() -> usize {
    let asked = std::env::var("OVERT_KILLS").ok();
    asked.map_or(50, |number| number.parse().unwrap())
}

fn a_process_killed_at_any_moment_leaves_an_audit_log_that_verifies_with_all_that_was_acknowledged()
{
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut folder = Folder::new();
    for kill in 0..kills() {
        // Mostly a process that goes on with what a kill has left; now and then the making of a store is killed.
        if kill % 25 == 0 {
            folder = Folder::new();
        }
        let mut child = child("change-all", &folder).spawn().unwrap();
        let mut reader = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut said = Vec::new();
        if kill % 25 != 0 {
            said.extend(reader.next().map(Result::unwrap));
        }
        std::thread::sleep(Duration::from_micros(random.u64(..40_000)));
        child.kill().unwrap();
        said.extend(reader.map_while(Result::ok));
        assert_eq!(child.wait().unwrap().signal(), Some(9));
        // The last line may be cut short, but then it is no acknowledgement.
        let acknowledged = said.iter().rev().find_map(|line| line.strip_suffix('.'));

        // As the kill left it, and once it was opened.
        for is_opened in [false, true] {
            if is_opened {
                drop(Store::open_or_create(&folder.records(), &settings()).unwrap());
            }
            let log = match AuditLog::read(&folder.records(), "walk-past") {
                Ok(log) => log,
                Err(error) => {
                    assert!(acknowledged.is_none() && !is_opened, "{error}");
                    continue;
                }
            };
            let verdict = log.verify(&[]).verdict;
            assert_eq!(verdict, Verdict::TailUnproven, "kill {kill}, seed {seed}");
            let entries = log.entries();
            assert_eq!(entries.len() as u64, log.head().events);
            let is_rollback = |event: &_| matches!(event, AuditEvent::RollbackFound { .. });
            assert!(!entries.iter().any(|entry| is_rollback(&entry.event)));
            let Some((number, hash)) = acknowledged.map(|line| line.split_once(' ').unwrap())
            else {
                continue;
            };
            let number: usize = number.parse().unwrap();
            assert!(entries.len() >= number, "kill {kill}, seed {seed}");
            // The event after it names its hash, or it is the newest.
            let held = match entries.get(number) {
                Some(next) => next.previous.clone(),
                None => log.head().hash,
            };
            assert_eq!(held, hash, "kill {kill}, seed {seed}");
            // Alerts of the log and alerts of the store are the same.
            drop(log);
            if is_opened {
                let store = Store::open(&folder.records(), &settings()).unwrap();
                let logged = entries.iter().filter_map(|entry| match entry.event {
                    AuditEvent::AlertRaised { alert, .. } => Some(alert),
                    _ => None,
                });
                assert_eq!(store.alert_numbers().unwrap(), logged.collect::<Vec<_>>());
            }
        }
    }
}

/// Commits until there is no space left, and then says how it stands.
fn fill_the_disk(path: &Path) {
    let store = Store::open_or_create(path, &settings()).unwrap();
    store.watchlist().enrol(&[image("W-1", 1)], NOW).unwrap();
    let run = store.begin_run(&header()).unwrap();
    let big = |number| {
        let mut big = alert(number);
        big.payload.crop = vec![number as u8; 200_000].into();
        big
    };
    let mut committed = 0;
    let error = loop {
        match run.commit_decisions(&[big(committed + 1)], &counts(0), NOW) {
            Ok(_) => committed += 1,
            Err(error) => break error,
        }
        assert!(committed < 10_000, "the disk is never full");
    };
    assert!(matches!(error, RecordsError::Full { .. }), "{error:?}");
    assert!(committed > 0, "nothing fitted");
    // The same store goes on being read, with all that was committed, however often a write fails.
    for _ in 0..3 {
        assert_eq!(store.alerts(run.id()).unwrap().len(), committed as usize);
        for number in 1..=committed {
            let held = store.alert_payload(number).unwrap().unwrap();
            assert_eq!(held.crop[0], number as u8);
        }
        assert_eq!(store.watchlist().list().unwrap().len(), 1);
        assert_eq!(run.next_alert_number().unwrap(), committed + 1);
        let error = run.commit_decisions(&[big(committed + 1)], &counts(0), NOW);
        assert!(matches!(error, Err(RecordsError::Full { .. })), "{error:?}");
    }
    drop((run, store));
    // So does one that is opened while the disk is full.
    let store = Store::open(path, &settings()).unwrap();
    let held = store.alert_payload(committed).unwrap().unwrap();
    assert_eq!(held.crop[0], committed as u8);
    say(&format!("{committed}."));
}

fn a_full_disk_is_an_error_value_and_the_store_stays_readable() {
    // The file size limit of a process ends every write past it with EFBIG, as a full disk does with ENOSPC, where the
    // signal is ignored. Several limits, so that the failure meets different steps of a commit. In blocks of 512 bytes.
    for blocks in [9_000, 12_345, 16_000, 20_001] {
        let folder = Folder::new();
        let inner = child("fill-the-disk", &folder);
        let mut shell = Command::new("sh");
        shell
            .arg("-c")
            .arg(format!(
                "trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$1\""
            ))
            .arg(inner.get_program())
            .arg(folder.path())
            .env(ROLE, "fill-the-disk");
        let output = shell.output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{blocks} blocks: {errors}");
        let said = String::from_utf8(output.stdout).unwrap();
        let committed: u32 = said.trim().trim_end_matches('.').parse().unwrap();

        // With space again, the store goes on where it was.
        let store = Store::open(&folder.records(), &settings()).unwrap();
        let run = store.begin_run(&header()).unwrap();
        let next = run.next_alert_number().unwrap();
        assert_eq!(next, committed + 1);
        run.commit_decisions(&[alert(next)], &counts(1), NOW)
            .unwrap();
        assert!(store.alert_payload(next).unwrap().unwrap() == payload(next));
    }
}

fn a_second_process_is_told_that_the_store_is_in_use() {
    let folder = Folder::new();
    let mut child = child("write-alerts", &folder).spawn().unwrap();
    let mut reader = BufReader::new(child.stdout.take().unwrap()).lines();
    reader.next().unwrap().unwrap();
    let error = Store::open(&folder.records(), &settings()).err().unwrap();
    assert!(matches!(error, RecordsError::AlreadyOpen { .. }), "{error}");
    assert!(error.to_string().contains("records.redb"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(Store::open(&folder.records(), &settings()).is_ok());
}
