//! That this program and the verifier in Python say the same of every export of an audit log, whatever somebody made of it, and find all that was done to it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use overt_records::{
    BreakKind, LodgedHead, RecordsError, Selection, Store, Verdict, Verification, verify_export,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use support::log::{broken, filled, log};
use support::{Folder, NOW, alert, counts, header, image};

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
    run.commit_decisions(&[alert(81)], &counts(1), NOW).unwrap();
    drop(run);
    let head = log(&folder).lodge(NOW).unwrap();
    let some = Selection {
        from: Some(30),
        to: Some(50),
        run: None,
    };
    let mut random = fastrand::Rng::with_seed(26);
    let mut kinds = BTreeMap::<String, usize>::new();
    for selection in [Selection::default(), some] {
        let good = log(&folder).export(&selection, NOW).unwrap().text;
        let good = good.as_bytes();
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
    let body = lines[last][83..lines[last].len() - 1].replace("\"run\":2", "\"run\":3");
    let forged = forge(&format!("{}{body}}}", &lines[last][..83]));
    let mut replaced = lines.clone();
    replaced[last] = &forged;
    let verdict = both(&(replaced.join("\n") + "\n"), &[]).verdict;
    assert_eq!(verdict, broken(BreakKind::Changed, 87));
}

/// The events of an export.
fn events(export: &[u8]) -> Vec<Vec<u8>> {
    let lines = export.split(|byte| *byte == b'\n');
    let is_event = |line: &&[u8]| line.starts_with(b"{\"hash\"");
    lines.filter(is_event).map(<[u8]>::to_vec).collect()
}

#[test]
fn both_agree_on_every_mutation_of_a_log_whose_older_contents_are_gone() {
    let (older, good, head) = let_go();
    assert!(good.contains("\",\"gone\":{"));
    let mut random = fastrand::Rng::with_seed(27);
    let (older, good) = (older.as_bytes(), good.as_bytes());
    let mutations: Vec<Vec<u8>> = (0..300)
        .map(|_| mutated(&mut random, good, older))
        .collect();
    let mut kinds = BTreeMap::<String, usize>::new();
    for heads in [vec![head.clone()], vec![]] {
        for (export, verification) in mutations.iter().zip(agreed(&mutations, &heads)) {
            let name = serde_json::to_value(verification.verdict).unwrap();
            let name = name["kind"].as_str().unwrap_or("none").to_owned();
            *kinds.entry(name).or_default() += 1;
            match verification.verdict {
                Verdict::Broken(_) => assert_ne!(export, good),
                Verdict::Proven => assert_eq!(events(export), events(good)),
                Verdict::TailUnproven => {
                    let found = events(export);
                    assert!(heads.is_empty() && [events(good), events(older)].contains(&found));
                }
            }
        }
    }
    for kind in ["changed", "dropped", "inserted", "reordered", "cut"] {
        assert!(kinds.contains_key(kind), "{kind}: {kinds:?}");
    }
}

/// Exports of a force's log before and after it let go of what was over the period of its rules, and a head that was lodged then.
fn let_go() -> (String, String, String) {
    use overt_records::{Force, Hashing, PersonRole};
    use support::force::{DAY, NOW, UID, credential, new, password};
    use support::register::{at, rules, signed, terms};
    use support::years::{YEAR, after};
    let folder = tempfile::tempdir().unwrap();
    let force = Force::with_hashing(&folder.path().join("force.redb"), Hashing::cheapest());
    let (now, later) = (after(0), after(11 * YEAR));
    let own = password("the boss's own");
    let officer = credential(PersonRole::AuthorisingOfficer, 36_500);
    force.init(&new("boss", &[]), &officer, &own, &now).unwrap();
    let boss = |now| force.sign_in("boss", &own, UID, now).unwrap().signed_in;
    let before = boss(&now);
    force
        .adopt_rules(&signed(rules(1), 1), &before, &now)
        .unwrap();
    force.plan(&terms("town-hall"), &before, &now).unwrap();
    force.refuse(1, "not needed", &before, &now).unwrap();
    let after = boss(&later);
    let whole = || {
        let log = force.audit_log().unwrap();
        let export = log.export(&Selection::default(), later.at).unwrap();
        (export.text, log.lodge(later.at).unwrap())
    };
    let (older, _) = whole();
    force
        .destroy_over_period(at(NOW + DAY), &after, &later)
        .unwrap();
    let (good, head) = whole();
    (older, good, head)
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
    run.commit_decisions(&[alert(1)], &counts(1), NOW).unwrap();
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
    let (_, gone, gone_head) = let_go();
    // Without the event that says what went, which is the last.
    let mut untold: Vec<&str> = gone.split_inclusive('\n').collect();
    untold.remove(untold.len() - 2);
    for (name, text) in [
        ("gone.jsonl", gone.as_str()),
        ("gone-untold.jsonl", &untold.concat()),
        ("gone-head.json", &gone_head),
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
    let gone_head = read("gone-head.json");
    for (name, verdict) in [
        ("gone.jsonl", Verdict::Proven),
        ("gone-untold.jsonl", broken(BreakKind::Dropped, 2)),
    ] {
        let found = both(&read(name), std::slice::from_ref(&gone_head)).verdict;
        assert_eq!(found, verdict, "{name}");
    }
}
