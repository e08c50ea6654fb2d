//! The audit log: what stands in it, what it proves, and that this program and the verifier in Python say the same of whatever somebody made of it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use overt_records::{
    Actor, AuditEvent, AuditLog, Break, BreakKind, ChangeCause, GenerationChange, LodgedHead,
    PluginUsed, Quarantine, RecordsError, Release, RunId, Selection, Store, Verdict, Verification,
    verify_export,
};
use redb::ReadableTable;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use support::{Folder, NOW, alert, counts, digest, header, image, settings};

const EVENTS: redb::TableDefinition<u64, &[u8]> = redb::TableDefinition::new("audit");
const HEADS: redb::TableDefinition<u64, &[u8]> = redb::TableDefinition::new("audit-heads");
const META: redb::TableDefinition<&str, &str> = redb::TableDefinition::new("meta");

fn plugin() -> PluginUsed {
    PluginUsed {
        role: "detector".into(),
        id: "detector-example".into(),
        version: "1.0.0".into(),
        sha256: digest(0xdd),
    }
}

/// A store with two runs of alerts, closed.
fn filled() -> Folder {
    let folder = Folder::new();
    let store = folder.store();
    let images = [image("W-1", 1), image("W-2", 2)];
    store.watchlist().enrol(&images, NOW).unwrap();
    for start in [1, 41] {
        let run = store.begin_run(&header()).unwrap();
        for number in start..start + 40 {
            let count = counts(u64::from(number));
            run.commit_decisions(&[alert(number)], &count).unwrap();
        }
        run.finish(&counts(0), false, NOW).unwrap();
    }
    folder
}

fn log(folder: &Folder) -> AuditLog {
    AuditLog::read(&folder.records(), "walk-past").unwrap()
}

fn lodged(folder: &Folder) -> LodgedHead {
    LodgedHead::read(log(folder).lodge(NOW).unwrap().as_bytes()).unwrap()
}

fn broken(kind: BreakKind, event: u64) -> Verdict {
    Verdict::Broken(Break { kind, event })
}

fn rewrite(path: &Path, change: impl FnOnce(&redb::WriteTransaction)) {
    let database = redb::Database::open(path).unwrap();
    let writing = database.begin_write().unwrap();
    change(&writing);
    writing.commit().unwrap();
}

#[test]
fn every_change_of_a_store_stands_in_its_log_with_who_did_it() {
    let folder = Folder::new();
    let store = folder.store();
    let watchlist = store.watchlist();
    watchlist.enrol(&[image("W-1", 1)], NOW).unwrap();
    watchlist.enrol(&[image("W-1", 1)], NOW).unwrap();
    let run = store.begin_run(&header()).unwrap();
    run.commit_decisions(&[], &counts(0)).unwrap();
    run.commit_decisions(&[alert(1)], &counts(1)).unwrap();
    let quarantine = Quarantine {
        number: 0,
        run: RunId(0),
        at: NOW,
        plugin: plugin(),
        cause: "overrun".into(),
        strikes: 10,
        calls: 90,
        release: None,
    };
    run.quarantine(&quarantine).unwrap();
    let swap = GenerationChange {
        run: run.id(),
        number: 1,
        at: NOW,
        cause: ChangeCause::Swap {
            by: "A. N. Engineer".into(),
            reason: "a better one".into(),
        },
        plugins: vec![plugin()],
        models: vec![],
        lock_sha256: None,
        score_floor: 0.45,
    };
    run.change_generation(&swap, None).unwrap();
    run.finish(&counts(1), true, NOW).unwrap();
    let release = Release {
        by: "B. Engineer".into(),
        reason: "the cable was broken".into(),
        at: NOW,
    };
    store.release("detector-example", &release).unwrap();
    store.sweep(NOW.after_hours(30)).unwrap();
    watchlist.remove("W-1", NOW).unwrap().unwrap();
    // What changes nothing leaves nothing.
    assert_eq!(watchlist.remove("W-1", NOW).unwrap(), None);
    store.sweep(NOW).unwrap();
    let head = store.audit_head().unwrap();
    drop(store);

    let log = log(&folder);
    assert_eq!(log.head(), head);
    let entries = log.entries();
    let kinds: Vec<String> = entries
        .iter()
        .map(|entry| {
            let event = serde_json::to_value(&entry.event).unwrap();
            let by = match &entry.by {
                Actor::Host => "host",
                Actor::Unnamed => "unnamed",
                Actor::Named(name) => name,
            };
            format!("{} by {by}", event["kind"].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        kinds,
        [
            "store-created by host",
            "image-enrolled by unnamed",
            "image-enrolled by unnamed",
            "keys-destroyed by host",
            "run-begun by unnamed",
            "alert-raised by host",
            "plugin-quarantined by host",
            "generation-changed by A. N. Engineer",
            "run-finished by host",
            "plugin-released by B. Engineer",
            "swept by host",
            "keys-destroyed by host",
            "entry-removed by unnamed",
            "keys-destroyed by host",
        ]
    );
    let AuditEvent::AlertRaised {
        alert, reference, ..
    } = &entries[5].event
    else {
        panic!("{:?}", entries[5]);
    };
    assert_eq!((*alert, reference.as_str()), (1, "W-1"));
    // No score, no reason, no crop, no template: the names of every fact that the log holds are known.
    let text = log.export(&Selection::default(), NOW).unwrap().text;
    for word in ["score", "0.7", "crop", "template", "reason\":\"score"] {
        assert!(!text.contains(word), "{word}: {text}");
    }
}

#[test]
fn a_change_that_fails_leaves_nothing_in_the_log() {
    let folder = filled();
    let store = folder.store();
    let before = store.audit_head().unwrap();
    let run = store.begin_run(&header()).unwrap();
    let begun = store.audit_head().unwrap();
    assert_eq!(begun.events, before.events + 1);
    // The first of the two would have been logged.
    let error = run.commit_decisions(&[alert(81), alert(83)], &counts(0));
    assert!(matches!(error, Err(RecordsError::AlertNumber { .. })));
    assert_eq!(store.audit_head().unwrap(), begun);
}

#[test]
fn without_a_lodged_head_the_tail_is_unproven_and_with_one_it_is_proven_as_far_as_that_goes() {
    let folder = filled();
    let verification = log(&folder).verify(&[]);
    assert_eq!(verification.verdict, Verdict::TailUnproven);
    assert_eq!((verification.events, verification.proven_to), (87, 0));
    // One after 64 events, one at the end of each run.
    assert_eq!(verification.heads, 3);

    let head = lodged(&folder);
    assert_eq!(head.events(), 87);
    let verification = log(&folder).verify(std::slice::from_ref(&head));
    assert_eq!(verification.verdict, Verdict::Proven);

    folder.store().begin_run(&header()).unwrap();
    let verification = log(&folder).verify(&[head]);
    assert_eq!(verification.verdict, Verdict::TailUnproven);
    assert_eq!((verification.events, verification.proven_to), (88, 87));
}

#[test]
fn what_was_done_to_the_log_in_the_store_is_told_apart() {
    type Deed = fn(&redb::WriteTransaction);
    fn move_line(rows: &redb::WriteTransaction, from: u64, to: u64) {
        let mut events = rows.open_table(EVENTS).unwrap();
        let line = events.get(from).unwrap().unwrap().value().to_vec();
        events.insert(to, &line[..]).unwrap();
    }
    let deeds: [(BreakKind, u64, Deed); 8] = [
        (BreakKind::Changed, 10, |rows| {
            let mut events = rows.open_table(EVENTS).unwrap();
            let line = events.get(10).unwrap().unwrap().value().to_vec();
            let other = String::from_utf8(line).unwrap().replace("W-1", "W-2");
            events.insert(10, other.as_bytes()).unwrap();
        }),
        (BreakKind::Dropped, 10, |rows| {
            rows.open_table(EVENTS).unwrap().remove(10).unwrap();
        }),
        (BreakKind::Inserted, 20, |rows| move_line(rows, 20, 88)),
        // A line that is none of the log's.
        (BreakKind::Changed, 88, |rows| {
            let mut events = rows.open_table(EVENTS).unwrap();
            events.insert(88, &b"{}"[..]).unwrap();
        }),
        (BreakKind::Reordered, 10, |rows| {
            move_line(rows, 10, 1_000);
            move_line(rows, 11, 10);
            move_line(rows, 1_000, 11);
            rows.open_table(EVENTS).unwrap().remove(1_000).unwrap();
        }),
        (BreakKind::Cut, 80, |rows| {
            let mut events = rows.open_table(EVENTS).unwrap();
            events.retain(|number, _| number < 80).unwrap();
        }),
        // The row that says how far the log goes fits what is left, but a signed head does not.
        (BreakKind::Cut, 80, |rows| {
            let mut events = rows.open_table(EVENTS).unwrap();
            events.retain(|number, _| number < 80).unwrap();
            let line = events.get(79).unwrap().unwrap().value().to_vec();
            let hash = std::str::from_utf8(&line[9..73]).unwrap();
            let mut meta = rows.open_table(META).unwrap();
            meta.insert("audit-head", format!("79 {hash}").as_str())
                .unwrap();
        }),
        // No signed head speaks of what is gone, but the head outside does.
        (BreakKind::RolledBack, 87, |rows| {
            let mut events = rows.open_table(EVENTS).unwrap();
            events.retain(|number, _| number < 80).unwrap();
            let mut heads = rows.open_table(HEADS).unwrap();
            heads.retain(|number, _| number < 80).unwrap();
            let line = events.get(79).unwrap().unwrap().value().to_vec();
            let hash = std::str::from_utf8(&line[9..73]).unwrap();
            let mut meta = rows.open_table(META).unwrap();
            meta.insert("audit-head", format!("79 {hash}").as_str())
                .unwrap();
        }),
    ];
    for (kind, event, deed) in deeds {
        let folder = filled();
        rewrite(&folder.records(), deed);
        let log = log(&folder);
        assert_eq!(log.verify(&[]).verdict, broken(kind, event));
        let error = log.lodge(NOW).err().unwrap();
        assert!(matches!(error, RecordsError::AuditBroken { .. }), "{error}");
    }
}

/// Puts an older copy of a store in its place.
fn roll_back(folder: &Folder, with_audit_file: bool) {
    let audit = folder.path().join("records.audit");
    let old = fs::read(folder.records()).unwrap();
    let old_audit = fs::read(&audit).unwrap();
    let store = folder.store();
    store.begin_run(&header()).unwrap();
    drop(store);
    fs::write(folder.records(), old).unwrap();
    if with_audit_file {
        fs::write(audit, old_audit).unwrap();
    }
}

#[test]
fn an_older_copy_put_in_the_stores_place_is_found_out_and_the_log_says_so_for_good() {
    let folder = filled();
    roll_back(&folder, false);
    assert_eq!(
        log(&folder).verify(&[]).verdict,
        broken(BreakKind::RolledBack, 88)
    );
    // The deployment goes on. The trace stays.
    for _ in 0..2 {
        let store = folder.store();
        store.begin_run(&header()).unwrap();
        drop(store);
        let log = log(&folder);
        assert_eq!(log.verify(&[]).verdict, broken(BreakKind::RolledBack, 88));
        let found =
            |event: &AuditEvent| matches!(event, AuditEvent::RollbackFound { number: 88, .. });
        let times = log.entries().iter().filter(|e| found(&e.event)).count();
        assert_eq!(times, 1);
        // Not even where every other event is left out.
        let selection = Selection {
            to: Some(0),
            ..Selection::default()
        };
        let export = log.export(&selection, NOW).unwrap().text;
        let verdict = both(&export, &[log.lodge(NOW).unwrap()]).verdict;
        assert_eq!(verdict, broken(BreakKind::RolledBack, 88));
    }
}

#[test]
fn an_older_copy_of_everything_is_found_out_by_a_lodged_head_and_by_nothing_else() {
    let folder = filled();
    let audit = folder.path().join("records.audit");
    let (old, old_audit) = (
        fs::read(folder.records()).unwrap(),
        fs::read(&audit).unwrap(),
    );
    let store = folder.store();
    store.begin_run(&header()).unwrap();
    drop(store);
    let head = lodged(&folder);
    fs::write(folder.records(), old).unwrap();
    fs::write(audit, old_audit).unwrap();
    assert_eq!(log(&folder).verify(&[]).verdict, Verdict::TailUnproven);
    let verdict = broken(BreakKind::RolledBack, 88);
    assert_eq!(
        log(&folder).verify(std::slice::from_ref(&head)).verdict,
        verdict
    );
    // Going on from there brings the same number, and another event.
    folder.store().begin_run(&header()).unwrap();
    assert_eq!(log(&folder).verify(&[head]).verdict, verdict);
}

#[test]
fn a_head_outside_that_is_behind_is_what_a_kill_leaves_and_is_no_rollback() {
    let folder = filled();
    let audit = folder.path().join("records.audit");
    let old_audit = fs::read(&audit).unwrap();
    let run = folder.store().begin_run(&header()).unwrap();
    run.commit_decisions(&[alert(81)], &counts(1)).unwrap();
    drop(run);
    fs::write(&audit, old_audit).unwrap();
    assert_eq!(log(&folder).verify(&[]).verdict, Verdict::TailUnproven);
    drop(folder.store());
    assert_eq!(log(&folder).head().events, 89, "opening said nothing");
    assert_eq!(log(&folder).verify(&[]).verdict, Verdict::TailUnproven);
}

#[test]
fn a_head_of_another_store_is_foreign_and_a_changed_one_is_none() {
    let (folder, other) = (filled(), filled());
    let head = lodged(&other);
    assert_eq!(
        log(&folder).verify(&[head]).verdict,
        broken(BreakKind::Foreign, 87)
    );
    let line = log(&folder).lodge(NOW).unwrap();
    assert!(LodgedHead::read(line.replace(":87,", ":86,").as_bytes()).is_err());
    assert!(LodgedHead::read(b"").is_err());
}

#[test]
fn a_store_without_its_audit_file_or_with_that_of_another_is_refused() {
    let (folder, other) = (filled(), filled());
    let audit = |folder: &Folder| folder.path().join("records.audit");
    fs::copy(audit(&other), audit(&folder)).unwrap();
    let error = Store::open(&folder.records(), &settings()).err().unwrap();
    assert!(
        matches!(error, RecordsError::AuditFileForeign { .. }),
        "{error}"
    );
    fs::remove_file(audit(&folder)).unwrap();
    let error = Store::open(&folder.records(), &settings()).err().unwrap();
    assert!(
        matches!(error, RecordsError::AuditFileMissing { .. }),
        "{error}"
    );
    // What is there is verified all the same.
    assert_eq!(log(&folder).verify(&[]).verdict, Verdict::TailUnproven);
    assert!(!log(&folder).has_head_outside());
}

#[test]
fn an_export_of_a_part_is_verified_like_the_whole_and_holds_nothing_of_the_rest() {
    let folder = filled();
    let head = log(&folder).lodge(NOW).unwrap();
    let run = |run| Selection {
        run: Some(run),
        ..Selection::default()
    };
    for (selection, events) in [
        (Selection::default(), 87),
        (run(1), 42),
        (run(2), 42),
        (
            Selection {
                from: Some(2),
                to: Some(3),
                run: None,
            },
            2,
        ),
    ] {
        let exported = log(&folder).export(&selection, NOW).unwrap();
        assert_eq!((exported.events, exported.left_out), (events, 87 - events));
        let verification = both(&exported.text, std::slice::from_ref(&head));
        assert_eq!(verification.verdict, Verdict::Proven, "{selection:?}");
        assert_eq!(verification.left_out, 87 - events);
    }
    let exported = log(&folder).export(&run(1), NOW).unwrap();
    assert!(!exported.text.contains("W-2"), "W-2 was enrolled before");
    let error = log(&folder).export(&run(3), NOW).err().unwrap();
    assert!(matches!(error, RecordsError::NoSuchRun { run: 3, .. }));
}

/// What the verifier in Python says of each of these exports, and this program, which have to be the same.
fn agreed(exports: &[Vec<u8>], heads: &[String]) -> Vec<Verification> {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: String, bytes: &[u8]| -> PathBuf {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let names: Vec<PathBuf> = exports
        .iter()
        .enumerate()
        .map(|(number, export)| file(format!("{number}.jsonl"), export))
        .collect();
    let list: Vec<&str> = names.iter().map(|name| name.to_str().unwrap()).collect();
    let list = file("list".into(), list.join("\n").as_bytes());
    let head_lines = file("heads".into(), heads.concat().as_bytes());
    let each = "
import json, sys
sys.path.insert(0, sys.argv[1])
import verify
heads = [verify.read_head(line) for line in open(sys.argv[3], 'rb').read().split(b'\\n') if line]
for name in open(sys.argv[2]).read().split('\\n'):
    print(json.dumps(verify.verify(open(name, 'rb').read(), heads)))
";
    let output = Command::new("python3")
        .args([
            "-B",
            "-c",
            each,
            concat!(env!("CARGO_MANIFEST_DIR"), "/audit"),
        ])
        .args([&list, &head_lines])
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success());
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said.lines().count(), exports.len());
    let heads: Vec<LodgedHead> = heads
        .iter()
        .map(|head| LodgedHead::read(head.as_bytes()).unwrap())
        .collect();
    let check = |(export, line): (&Vec<u8>, &str)| {
        let ours = verify_export(export, &heads);
        let theirs: Value = serde_json::from_str(line).unwrap();
        let mut expected = serde_json::to_value(ours.verdict).unwrap();
        expected["proven_to"] = ours.proven_to.into();
        let shown = String::from_utf8_lossy(export);
        assert_eq!(theirs, expected, "of {shown}");
        ours
    };
    exports.iter().zip(said.lines()).map(check).collect()
}

fn both(export: &str, heads: &[String]) -> Verification {
    agreed(&[export.as_bytes().to_vec()], heads).remove(0)
}

/// Changes an export: one of the deeds that are told apart, or a flipped bit.
fn mutated(random: &mut fastrand::Rng, export: &[u8], older: &[u8]) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = export
        .split_inclusive(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    let (one, other) = (random.usize(..lines.len()), random.usize(..lines.len()));
    match random.u8(..8) {
        0 | 1 => {
            let byte = random.usize(..lines[one].len());
            lines[one][byte] ^= 1 << random.u8(..8);
        }
        2 => drop(lines.remove(one)),
        3 => lines.insert(other, lines[one].clone()),
        4 => lines.swap(one, other),
        5 => {
            let mut whole = lines.concat();
            whole.truncate(random.usize(..whole.len()));
            return whole;
        }
        6 => lines.truncate(one),
        _ => return older.to_vec(),
    }
    lines.concat()
}

#[test]
fn this_program_and_the_verifier_in_python_agree_on_every_mutation_and_find_every_one() {
    let folder = filled();
    let older = log(&folder)
        .export(&Selection::default(), NOW)
        .unwrap()
        .text;
    let run = folder.store().begin_run(&header()).unwrap();
    run.commit_decisions(&[alert(81)], &counts(1)).unwrap();
    drop(run);
    let head = log(&folder).lodge(NOW).unwrap();
    let some = Selection {
        from: Some(30),
        to: Some(50),
        run: None,
    };
    let mut random = fastrand::Rng::with_seed(26);
    let mut kinds = std::collections::BTreeMap::<String, usize>::new();
    for selection in [Selection::default(), some] {
        let good = log(&folder).export(&selection, NOW).unwrap().text;
        let good = good.as_bytes();
        let events = |export: &[u8]| -> Vec<Vec<u8>> {
            let lines = export.split(|byte| *byte == b'\n');
            let is_event = |line: &&[u8]| line.starts_with(b"{\"hash\"");
            lines.filter(is_event).map(<[u8]>::to_vec).collect()
        };
        let mutations: Vec<Vec<u8>> = (0..400)
            .map(|_| {
                let once = mutated(&mut random, good, older.as_bytes());
                // Now and then something on top of it.
                match random.u8(..5) {
                    0 if !once.is_empty() => mutated(&mut random, &once, older.as_bytes()),
                    _ => once,
                }
            })
            .collect();
        for heads in [vec![head.clone()], vec![]] {
            for (export, verification) in mutations.iter().zip(agreed(&mutations, &heads)) {
                let name = serde_json::to_value(verification.verdict).unwrap();
                let name = name["kind"].as_str().unwrap_or("none").to_owned();
                *kinds.entry(name).or_default() += 1;
                match verification.verdict {
                    Verdict::Broken(_) => assert_ne!(export, good),
                    // A signed head was taken out: the events are all there.
                    Verdict::Proven => assert_eq!(events(export), events(good)),
                    // An export of before is whole in itself.
                    Verdict::TailUnproven => assert!(
                        heads.is_empty()
                            && (events(export) == events(good) || events(export).len() == 87)
                    ),
                }
            }
        }
    }
    // The mutations reach every verdict that an export can have.
    for kind in [
        "changed",
        "dropped",
        "inserted",
        "reordered",
        "cut",
        "rolled-back",
    ] {
        assert!(kinds.contains_key(kind), "{kind}: {kinds:?}");
    }
}

#[test]
fn a_forged_event_with_a_hash_of_its_own_is_found_by_the_event_after_it() {
    use sha2::{Digest, Sha256};
    let folder = filled();
    let good = log(&folder)
        .export(&Selection::default(), NOW)
        .unwrap()
        .text;
    let head = log(&folder).lodge(NOW).unwrap();
    // Somebody changes a line, and hashes it anew as the format says.
    let forge = |line: &str| {
        let body = line[83..line.len() - 1].replace("W-1", "W-9");
        let event: Value = serde_json::from_str(&body).unwrap();
        let previous = hex::decode(event["previous"].as_str().unwrap()).unwrap();
        let hash = Sha256::new()
            .chain_update(b"overt audit event v1\0")
            .chain_update(previous)
            .chain_update(Sha256::digest(body.as_bytes()))
            .finalize();
        format!(r#"{{"hash":"{}","event":{body}}}"#, hex::encode(hash))
    };
    let lines: Vec<&str> = good.lines().collect();
    // Line 10 is event 10, for the header is line 0.
    let forged = forge(lines[10]);
    let mut replaced = lines.clone();
    replaced[10] = &forged;
    let replaced = replaced.join("\n") + "\n";
    let verdict = both(&replaced, std::slice::from_ref(&head)).verdict;
    assert_eq!(verdict, broken(BreakKind::Changed, 10));
    let mut added = lines.clone();
    added.insert(10, &forged);
    let added = added.join("\n") + "\n";
    let verdict = both(&added, std::slice::from_ref(&head)).verdict;
    assert_eq!(verdict, broken(BreakKind::Inserted, 10));
    // The last event has none after it, but a signed head.
    let last = lines
        .iter()
        .rposition(|line| line.starts_with("{\"hash\""))
        .unwrap();
    let forged = forge(lines[last]).replace("W-1", "W-9");
    let same = forged == lines[last];
    assert!(same, "the last event names nobody, so nothing was forged");
    let body = lines[last][83..lines[last].len() - 1].replace("\"run\":2", "\"run\":3");
    let forged = forge(&format!("{}{body}}}", &lines[last][..83]));
    let mut replaced = lines.clone();
    replaced[last] = &forged;
    let verdict = both(&(replaced.join("\n") + "\n"), &[]).verdict;
    assert_eq!(verdict, broken(BreakKind::Changed, 87));
}

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("audit/vectors")
}

/// Makes the vectors anew: `OVERT_BLESS=1`. Their keys and salts are random, so all of them change.
fn bless() {
    let folder = Folder::new();
    let store = folder.store();
    store.watchlist().enrol(&[image("W-1", 1)], NOW).unwrap();
    let older = log_after(store, &folder);
    let store = folder.store();
    let run = store.begin_run(&header()).unwrap();
    run.commit_decisions(&[alert(1)], &counts(1)).unwrap();
    run.finish(&counts(1), false, NOW).unwrap();
    let whole = log_after(store, &folder);
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let without = |left: usize| {
        let kept = |(index, line): (usize, &&str)| (index != left).then(|| line.to_string());
        lines
            .iter()
            .enumerate()
            .filter_map(kept)
            .collect::<String>()
    };
    let mut swapped = lines.clone();
    swapped.swap(2, 3);
    let mut doubled = lines.clone();
    doubled.insert(3, lines[2]);
    let selection = Selection {
        from: Some(3),
        ..Selection::default()
    };
    let part = log(&folder).export(&selection, NOW).unwrap().text;
    let head = log(&folder).lodge(NOW).unwrap();
    let _ = fs::create_dir_all(vectors());
    for (name, text) in [
        ("head.json", head.as_str()),
        ("whole.jsonl", &whole),
        ("part.jsonl", &part),
        ("changed.jsonl", &whole.replacen("W-1", "W-2", 1)),
        ("dropped.jsonl", &without(3)),
        ("inserted.jsonl", &doubled.concat()),
        ("reordered.jsonl", &swapped.concat()),
        ("cut.jsonl", &lines[..4].concat()),
        ("rolled-back.jsonl", &older),
    ] {
        fs::write(vectors().join(name), text).unwrap();
    }
}

fn log_after(store: Store, folder: &Folder) -> String {
    drop(store);
    log(folder).export(&Selection::default(), NOW).unwrap().text
}

#[test]
fn the_published_vectors_come_out_as_they_are_published() {
    if std::env::var_os("OVERT_BLESS").is_some() {
        bless();
    }
    let read = |name: &str| fs::read_to_string(vectors().join(name)).unwrap();
    let head = read("head.json");
    for (name, verdict) in [
        ("whole.jsonl", Verdict::Proven),
        ("part.jsonl", Verdict::Proven),
        ("changed.jsonl", broken(BreakKind::Changed, 2)),
        ("dropped.jsonl", broken(BreakKind::Dropped, 3)),
        ("inserted.jsonl", broken(BreakKind::Inserted, 2)),
        ("reordered.jsonl", broken(BreakKind::Reordered, 2)),
        ("cut.jsonl", broken(BreakKind::Cut, 4)),
        ("rolled-back.jsonl", broken(BreakKind::RolledBack, 5)),
    ] {
        let found = both(&read(name), std::slice::from_ref(&head)).verdict;
        assert_eq!(found, verdict, "{name}");
    }
    let found = both(&read("whole.jsonl"), &[]).verdict;
    assert_eq!(found, Verdict::TailUnproven);
}
