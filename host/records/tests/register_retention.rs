//! The end of what the register keeps: what goes by the force's rules, what stays, who lets it go, and that the log is a whole chain all the same.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use overt_records::{
    AuditEvent, BreakKind, Force, ForceError, Hashing, LodgedHead, MayNot, Moment, PeopleChange,
    RegisterGone, RegisterState, Selection, Verdict, verify_export,
};
use redb::ReadableTable;
use std::fs;
use std::path::Path;
use std::process::Command;
use support::force::{DAY, NOW, Place};
use support::log::broken;
use support::raw::{Gone, RawRow};
use support::register::{asked, at, nothing, order, terms};
use support::years::{YEAR, after, place, who};

/// One that ran and was closed, one refused, one cancelled, one that nobody decided on, one cancelled after it ran, and years later another that was refused.
fn filled() -> Place {
    let place = place();
    let force = &place.force;
    let now = after(0);
    for number in 1..=5 {
        let terms = terms(&format!("deployment-{number}-x"));
        force
            .plan(&terms, &who(&place, "paul", &now), &now)
            .unwrap();
    }
    let within = after(3 * 3_600_000);
    for number in [1, 5] {
        let sue = who(&place, "sue", &now);
        force.authorise(number, &order(), &sue, &now).unwrap();
        let asked = asked(terms(&format!("deployment-{number}-x")));
        let anna = who(&place, "anna", &within);
        let started = force.begin_run(&asked, &anna, &within).unwrap();
        force.end_run(&started, false, within.at).unwrap();
    }
    let sue = who(&place, "sue", &within);
    let record = "{\"the record of\":\"deployment one\"}";
    force.close(1, &nothing(), record, &sue, &within).unwrap();
    force.refuse(2, "not proportionate", &sue, &within).unwrap();
    force.cancel(3, "it rains", &sue, &within).unwrap();
    force.cancel(5, "enough is seen", &sue, &within).unwrap();
    let later = after(9 * YEAR);
    let paul = who(&place, "paul", &later);
    force.plan(&terms("deployment-6-x"), &paul, &later).unwrap();
    let sue = who(&place, "sue", &later);
    force.refuse(6, "not needed", &sue, &later).unwrap();
    place
}

fn file_holds(force: &Force, text: &str) -> bool {
    let bytes = fs::read(force.path()).unwrap();
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

/// What is left is a whole chain, and the register is what it tells.
fn is_whole(force: &Force) {
    let log = force.audit_log().unwrap();
    assert_eq!(log.verify(&[]).verdict, Verdict::TailUnproven);
    assert_eq!(log.register_differs(), None);
}

#[test]
fn what_has_ended_and_is_over_the_period_goes_for_good_and_what_has_not_ended_stays() {
    let place = filled();
    let force = &place.force;
    let now = after(11 * YEAR);
    let sue = who(&place, "sue", &now);
    let before_it = force.register().unwrap();
    let over = force.over_period(None, &sue, &now).unwrap();
    let numbers: Vec<u32> = over.entries.iter().map(|entry| entry.number).collect();
    assert_eq!(numbers, [1, 2, 3]);
    assert_eq!(over.not_ended, [4, 5]);
    assert!(over.people > 0 && over.events > over.people);
    assert_eq!(over.entries[0].state, RegisterState::Closed);
    // To be told changes nothing.
    assert_eq!(force.register().unwrap(), before_it);
    assert!(file_holds(force, "deployment-1-x"));

    let day = at(NOW + YEAR);
    let went = force.destroy_over_period(day, &sue, &now).unwrap();
    assert_eq!(went.entries, over.entries);
    let left = force.register().unwrap();
    let numbers: Vec<u32> = left.iter().map(|entry| entry.number()).collect();
    assert_eq!(numbers, [4, 5, 6]);
    for (number, id) in (1..).zip(["deployment-1-x", "deployment-2-x", "deployment-3-x"]) {
        let gone = force.registered(number).unwrap_err();
        assert!(matches!(
            gone,
            ForceError::EntryGone {
                rules_version: 1,
                ..
            }
        ));
        assert!(force.kept_record(number).is_err());
        assert!(!file_holds(force, id), "{id}");
    }
    for gone in ["not proportionate", "it rains", "the record of"] {
        assert!(!file_holds(force, gone), "{gone}");
    }
    for kept in ["deployment-4-x", "enough is seen", "not needed"] {
        assert!(file_holds(force, kept), "{kept}");
    }
    is_whole(force);
    let log = force.audit_log().unwrap();
    let told = force.register_gone().unwrap();
    assert_eq!(log.register_gone(), told);
    assert!(matches!(
        told[..],
        [RegisterGone { first: 1, last: 3, before, rules_version: 1, .. }] if before == day
    ));
    assert_eq!(log.verify(&[]).gone, over.events);
    // Of people's doings of that time nothing is left, but the people are.
    let doings = force.events().unwrap();
    assert!(doings.iter().all(|event| event.at >= day));
    assert!(
        doings
            .iter()
            .any(|event| event.change == PeopleChange::SignedIn)
    );
    assert!(force.person("paul").unwrap().credentials.len() > 1);

    // No number is dealt out twice, and an id whose number is gone is free.
    let paul = who(&place, "paul", &now);
    let next = force.plan(&terms("deployment-1-x"), &paul, &now).unwrap();
    assert_eq!(next.number(), 7);
    let again = force.over_period(None, &sue, &now).unwrap();
    assert!(again.is_empty(), "{again:?}");
}

#[test]
fn numbers_go_on_where_all_entries_are_gone() {
    let place = place();
    let force = &place.force;
    let now = after(0);
    for number in 1..=3 {
        let paul = who(&place, "paul", &now);
        force.plan(&terms("again"), &paul, &now).unwrap();
        let sue = who(&place, "sue", &now);
        force.refuse(number, "no", &sue, &now).unwrap();
    }
    let later = after(11 * YEAR);
    let sue = who(&place, "sue", &later);
    force
        .destroy_over_period(at(NOW + YEAR), &sue, &later)
        .unwrap();
    assert!(force.register().unwrap().is_empty());
    is_whole(force);
    let paul = who(&place, "paul", &later);
    assert_eq!(
        force.plan(&terms("again"), &paul, &later).unwrap().number(),
        4
    );
    is_whole(force);
}

#[test]
fn only_an_authorising_officer_lets_it_go_and_nobody_names_a_day_within_the_period() {
    let place = filled();
    let force = &place.force;
    let now = after(11 * YEAR);
    let day = at(NOW + YEAR);
    for id in ["anna", "olu", "ada"] {
        let refused = force.destroy_over_period(day, &who(&place, id, &now), &now);
        assert!(matches!(
            refused,
            Err(ForceError::MayNot(MayNot::Role { .. }))
        ));
    }
    force
        .over_period(None, &who(&place, "ada", &now), &now)
        .unwrap();
    let refused = force.over_period(None, &who(&place, "anna", &now), &now);
    assert!(matches!(refused, Err(ForceError::MayNot(_))));
    let sue = who(&place, "sue", &now);
    let youngest = at(NOW + 11 * YEAR - 3650 * DAY);
    let young = at(youngest.unix_ms() + 1);
    let refused = force.destroy_over_period(young, &sue, &now);
    assert!(matches!(
        refused,
        Err(ForceError::WithinPeriod { before, days: 3650, .. }) if before == youngest
    ));
    assert_eq!(force.register().unwrap().len(), 6);
    // A clock that was set back makes the period longer, and no shorter.
    let back = after(9 * YEAR);
    let sue = who(&place, "sue", &back);
    let refused = force.destroy_over_period(day, &sue, &back);
    assert!(matches!(refused, Err(ForceError::WithinPeriod { .. })));
}

#[test]
fn what_was_written_while_the_calendar_was_set_back_is_not_taken_for_old() {
    let place = place();
    let force = &place.force;
    // Ten years go by, and then the calendar falls back to the beginning for a while.
    let late = after(10 * YEAR);
    who(&place, "boss", &late);
    let back = Moment {
        at: at(NOW),
        ..after(10 * YEAR)
    };
    let paul = who(&place, "paul", &back);
    force.plan(&terms("young"), &paul, &back).unwrap();
    let sue = who(&place, "sue", &back);
    force.refuse(1, "no", &sue, &back).unwrap();
    let now = after(11 * YEAR);
    let sue = who(&place, "sue", &now);
    let over = force
        .destroy_over_period(at(NOW + YEAR), &sue, &now)
        .unwrap();
    assert!(over.entries.is_empty() && over.not_ended.is_empty());
    assert_eq!(force.register().unwrap().len(), 1);
    is_whole(force);
}

/// What both verifiers say of an export.
fn both(export: &str, head: &str) -> Verdict {
    let folder = tempfile::tempdir().unwrap();
    let (file, head_file) = (folder.path().join("log"), folder.path().join("head"));
    fs::write(&file, export).unwrap();
    fs::write(&head_file, head).unwrap();
    let lodged = LodgedHead::read(head.as_bytes()).unwrap();
    let ours = verify_export(export.as_bytes(), &[lodged]);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/audit/verify.py");
    let output = Command::new("python3")
        .args(["-B", script])
        .arg(&file)
        .arg("--head")
        .arg(&head_file)
        .output()
        .unwrap();
    let theirs: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut expected = serde_json::to_value(ours.verdict).unwrap();
    expected["proven_to"] = ours.proven_to.into();
    assert_eq!(theirs, expected);
    ours.verdict
}

#[test]
fn an_export_is_proven_without_what_went_and_broken_without_the_event_that_says_so() {
    let place = filled();
    let force = &place.force;
    let now = after(11 * YEAR);
    let older = force.audit_log().unwrap().lodge(now.at).unwrap();
    let sue = who(&place, "sue", &now);
    force
        .destroy_over_period(at(NOW + YEAR), &sue, &now)
        .unwrap();
    let log = force.audit_log().unwrap();
    let head = log.lodge(now.at).unwrap();
    // A head that was lodged before holds yet, for the chain is the same.
    let lodged = LodgedHead::read(older.as_bytes()).unwrap();
    assert_eq!(log.verify(&[lodged]).verdict, Verdict::TailUnproven);
    let whole = log.export(&Selection::default(), now.at).unwrap();
    assert_eq!(whole.left_out, 0);
    assert!(whole.gone > 0);
    assert_eq!(both(&whole.text, &head), Verdict::Proven);
    // Whatever is left out, the event that says what went is not.
    let some = Selection {
        to: Some(1),
        ..Selection::default()
    };
    let part = log.export(&some, now.at).unwrap();
    assert_eq!(part.gone, whole.gone);
    assert_eq!(both(&part.text, &head), Verdict::Proven);
    let lines: Vec<&str> = part.text.split_inclusive('\n').collect();
    let teller = lines
        .iter()
        .position(|line| line.contains("\"content-destroyed\""))
        .unwrap();
    let first = lines
        .iter()
        .find(|line| line.contains("\",\"gone\":{"))
        .unwrap();
    let number = |line: &str| -> u64 {
        let rest = line.split("\"number\":").nth(1).unwrap();
        rest.split(',').next().unwrap().parse().unwrap()
    };
    let mut without = lines.clone();
    without.remove(teller);
    assert_eq!(
        both(&without.concat(), &head),
        broken(BreakKind::Dropped, number(first))
    );
    // As a digest it says nothing any more.
    let body = &lines[teller][83..lines[teller].len() - 2];
    use sha2::{Digest, Sha256};
    let event: serde_json::Value = serde_json::from_str(body).unwrap();
    let stub = format!(
        "{},\"left_out\":{{\"number\":{},\"previous\":{},\"body_sha256\":\"{}\"}}}}\n",
        &lines[teller][..74],
        event["number"],
        event["previous"],
        hex::encode(Sha256::digest(body))
    );
    let mut stubbed = lines.clone();
    stubbed[teller] = &stub;
    assert_eq!(
        both(&stubbed.concat(), &head),
        broken(BreakKind::Dropped, number(first))
    );
}

/// Puts a digest in the place of an event's content, as whoever has the file can.
fn take_out(path: &Path, number: u64, word: &str) {
    use sha2::{Digest, Sha256};
    let database = redb::Database::open(path).unwrap();
    let change = database.begin_write().unwrap();
    {
        let lines: redb::TableDefinition<u64, &[u8]> = redb::TableDefinition::new("audit");
        let mut lines = change.open_table(lines).unwrap();
        let line = lines.get(number).unwrap().unwrap().value().to_vec();
        let line = String::from_utf8(line).unwrap();
        let body = &line[83..line.len() - 1];
        let event: serde_json::Value = serde_json::from_str(body).unwrap();
        let stub = format!(
            "{},\"{word}\":{{\"number\":{number},\"previous\":{},\"body_sha256\":\"{}\"}}}}",
            &line[..74],
            event["previous"],
            hex::encode(Sha256::digest(body))
        );
        lines.insert(number, stub.as_bytes()).unwrap();
    }
    change.commit().unwrap();
}

#[test]
fn a_content_that_no_later_event_says_is_gone_is_told_as_dropped() {
    let place = filled();
    let force = &place.force;
    let now = after(11 * YEAR);
    let sue = who(&place, "sue", &now);
    force
        .destroy_over_period(at(NOW + YEAR), &sue, &now)
        .unwrap();
    let verdict = |force: &Force| force.audit_log().unwrap().verify(&[]).verdict;
    let log = force.audit_log().unwrap();
    let find = |is_it: &dyn Fn(&AuditEvent) -> bool| {
        let entries = log.entries();
        let found = entries.iter().find(|entry| is_it(&entry.event));
        found.unwrap().number
    };
    let kept = find(&|event| matches!(event, AuditEvent::Registered { number: 4, .. }));
    let teller = find(&|event| matches!(event, AuditEvent::ContentDestroyed { .. }));
    let good = fs::read(force.path()).unwrap();
    for (number, word) in [(kept, "gone"), (kept, "left_out")] {
        take_out(force.path(), number, word);
        assert_eq!(verdict(force), broken(BreakKind::Dropped, number), "{word}");
        fs::write(force.path(), &good).unwrap();
    }
    assert_eq!(verdict(force), Verdict::TailUnproven);
    // What says so is needed itself, and the events that it names are told by it alone.
    take_out(force.path(), teller, "gone");
    let Verdict::Broken(found) = verdict(force) else {
        panic!("it is not found");
    };
    assert_eq!(found.kind, BreakKind::Dropped);
    assert!(found.event < kept);
}

#[test]
fn a_register_that_says_gone_where_its_log_does_not_is_found() {
    let place = filled();
    let force = &place.force;
    let good = fs::read(force.path()).unwrap();
    let now = after(11 * YEAR);
    let sue = who(&place, "sue", &now);
    force
        .destroy_over_period(at(NOW + YEAR), &sue, &now)
        .unwrap();
    is_whole(force);
    // The older copy has the entries, and the file beside it knows of the event after them.
    fs::write(force.path(), &good).unwrap();
    assert!(matches!(
        force.audit_log().unwrap().verify(&[]).verdict,
        Verdict::Broken(found) if found.kind == BreakKind::RolledBack
    ));
    // Whoever empties the table by which numbers are known to be gone is told the first of them.
    let place = filled();
    let force = &place.force;
    let sue = who(&place, "sue", &now);
    force
        .destroy_over_period(at(NOW + YEAR), &sue, &now)
        .unwrap();
    {
        let database = redb::Database::open(force.path()).unwrap();
        let change = database.begin_write().unwrap();
        {
            let table: redb::TableDefinition<u32, RawRow<Gone>> =
                redb::TableDefinition::new("gone");
            change.open_table(table).unwrap().pop_first().unwrap();
        }
        change.commit().unwrap();
    }
    assert_eq!(force.audit_log().unwrap().register_differs(), Some(1));
}

#[test]
fn a_store_of_the_second_layout_is_read_as_it_is_and_brought_up_to_date_by_the_first_that_opens_it()
{
    let place = filled();
    let force = &place.force;
    let facts: redb::TableDefinition<&str, &str> = redb::TableDefinition::new("force");
    let schema = |to: Option<&str>| -> String {
        let database = redb::Database::open(force.path()).unwrap();
        let change = database.begin_write().unwrap();
        let found = {
            let mut facts = change.open_table(facts).unwrap();
            if let Some(to) = to {
                facts.insert("schema", to).unwrap();
            }
            facts.get("schema").unwrap().unwrap().value().to_owned()
        };
        if to == Some("2") {
            let gone: redb::TableDefinition<u32, RawRow<Gone>> = redb::TableDefinition::new("gone");
            assert!(change.delete_table(gone).unwrap());
        }
        change.commit().unwrap();
        found
    };
    let register = force.register().unwrap();
    schema(Some("2"));
    // An auditor's reading changes nothing.
    is_whole(force);
    assert_eq!(schema(None), "2");
    assert_eq!(force.register().unwrap(), register);
    assert_eq!(schema(None), "3");
    is_whole(force);
    let now = after(11 * YEAR);
    let sue = who(&place, "sue", &now);
    let over = force
        .destroy_over_period(at(NOW + YEAR), &sue, &now)
        .unwrap();
    assert_eq!(over.entries.len(), 3);
    is_whole(force);
    // One of a version to come is refused.
    schema(Some("4"));
    let refused = force.register().unwrap_err().to_string();
    assert!(refused.contains("layout \"4\""), "{refused}");
}

#[test]
fn what_a_kill_leaves_of_a_rewriting_is_destroyed_and_the_store_is_not() {
    let place = filled();
    let force = &place.force;
    let beside = |name: &str| place.folder.path().join(name);
    let (new, old, other) = (
        beside("force.redb.new"),
        beside("force.redb.old"),
        beside("other name"),
    );
    let register = force.register().unwrap();
    // Before the new file has the name: it is in part, and the store has two names.
    fs::write(&new, "half a store").unwrap();
    fs::hard_link(force.path(), &old).unwrap();
    assert_eq!(force.register().unwrap(), register);
    assert!(!new.exists() && !old.exists());
    // After it: the old one is a file of its own, and is overwritten.
    fs::write(&old, "what a store held").unwrap();
    fs::hard_link(&old, &other).unwrap();
    assert_eq!(force.register().unwrap(), register);
    assert!(!old.exists());
    assert!(fs::read(&other).unwrap().iter().all(|byte| *byte == 0));
    is_whole(force);
}

#[test]
fn a_store_whose_path_is_a_link_is_written_anew_where_it_lies() {
    let place = filled();
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("force.redb");
    std::os::unix::fs::symlink(place.force.path(), &link).unwrap();
    let beside = elsewhere.path().join("force.audit");
    std::os::unix::fs::symlink(place.folder.path().join("force.audit"), beside).unwrap();
    let linked = Force::with_hashing(&link, Hashing::cheapest());
    let now = after(11 * YEAR);
    let sue = who(&place, "sue", &now);
    linked
        .destroy_over_period(at(NOW + YEAR), &sue, &now)
        .unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(!file_holds(&place.force, "deployment-1-x"));
    is_whole(&place.force);
    is_whole(&linked);
}

#[test]
fn whoever_waits_for_the_store_while_it_is_written_anew_loses_nothing() {
    let place = place();
    let force = &place.force;
    for number in 1..=20 {
        let now = after(i64::from(number) * DAY);
        let paul = who(&place, "paul", &now);
        let id = format!("deployment-{number}-x");
        force.plan(&terms(&id), &paul, &now).unwrap();
        let sue = who(&place, "sue", &now);
        force.refuse(number, "no", &sue, &now).unwrap();
    }
    let later = after(11 * YEAR);
    let sue = who(&place, "sue", &later);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for turn in 0..25 {
                    who(&place, "olu", &after(11 * YEAR + turn));
                }
            });
        }
        // Each time a little more goes, for which the file is written anew.
        for day in 1..=20 {
            let before = at(NOW + day * DAY + DAY / 2);
            let went = force.destroy_over_period(before, &sue, &later).unwrap();
            assert_eq!(went.entries.len(), 1);
            let paul = who(&place, "paul", &later);
            let id = format!("young-{day}-x");
            force.plan(&terms(&id), &paul, &later).unwrap();
        }
    });
    let signed_in = force.events().unwrap().into_iter().filter(|event| {
        event.person.as_deref() == Some("olu") && event.change == PeopleChange::SignedIn
    });
    assert_eq!(signed_in.count(), 100);
    assert_eq!(force.register().unwrap().len(), 20);
    is_whole(force);
}

#[test]
fn a_file_beside_the_store_that_is_behind_and_names_an_event_that_is_gone_tells_of_no_older_copy() {
    let place = place();
    let force = &place.force;
    // As after a loss of power: it was written last when somebody signed in, long ago.
    let beside = place.folder.path().join("force.audit");
    who(&place, "paul", &after(0));
    let behind = fs::read(&beside).unwrap();
    let now = after(11 * YEAR);
    let sue = who(&place, "sue", &now);
    let over = force
        .destroy_over_period(at(NOW + YEAR), &sue, &now)
        .unwrap();
    assert!(over.people > 0);
    fs::write(&beside, behind).unwrap();
    is_whole(force);
    who(&place, "paul", &now);
    is_whole(force);
    let entries = force.audit_log().unwrap().entries();
    let is_rollback = |event: &AuditEvent| matches!(event, AuditEvent::RollbackFound { .. });
    assert!(!entries.iter().any(|entry| is_rollback(&entry.event)));
}
