//! The force's own log: everything that happens to people is in it, in the format of a deployment's, and nobody can change it unseen.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use overt_records::{
    Actor, AuditEvent, BreakKind, FORCE_LOG, Force, Hashing, LodgedHead, PeopleChange, PersonRole,
    RecordsError, Selection, Timestamp, Verdict, verify_export,
};
use std::fs;
use std::process::Command;
use support::force::{NOW, Place, UID, credential, moment, password};

const AT: Timestamp = Timestamp::from_unix_ms(NOW);

#[test]
fn whatever_happens_to_people_is_in_the_log_with_who_did_it() {
    let place = Place::new();
    place.with("eve", &[PersonRole::Operator]);
    let session = place.sign_in("eve");
    place.force.sign_out(&session.token, AT).unwrap();
    let log = place.force.audit_log().unwrap();
    let entries = log.entries();
    assert!(entries.iter().all(|entry| entry.deployment == FORCE_LOG));
    assert!(matches!(entries[0].event, AuditEvent::StoreCreated { .. }));
    let told: Vec<_> = entries
        .iter()
        .filter_map(|entry| match &entry.event {
            AuditEvent::PersonChanged { person, change } => {
                Some((entry.by.clone(), person.as_deref()?, change.clone()))
            }
            _ => None,
        })
        .collect();
    let known = place.force.events().unwrap();
    assert_eq!(told.len(), known.len());
    let person = |id: &str| Actor::Person {
        id: id.into(),
        name: format!("{id} Example"),
    };
    assert_eq!(
        told.last().unwrap(),
        &(person("eve"), "eve", PeopleChange::SignedOut)
    );
    assert!(told.contains(&(Actor::Unnamed, "boss", PeopleChange::FirstMade)));
    assert!(told.contains(&(person("boss"), "eve", PeopleChange::Made)));
    // A wrong password is no event, and nothing of one is in the log.
    let failed = place
        .force
        .sign_in("eve", &password("not hers, by far"), UID, &moment(0));
    failed.unwrap_err();
    let text = log.export(&Selection::default(), AT).unwrap().text;
    assert!(!text.contains("password\":"));
    assert!(!text.contains("own password"));
}

#[test]
fn both_verifiers_prove_an_export_of_the_force_s_log_by_a_lodged_head() {
    let place = Place::new();
    place.with("eve", &[PersonRole::Operator]);
    let log = place.force.audit_log().unwrap();
    let head = log.lodge(AT).unwrap();
    let lodged = LodgedHead::read(head.as_bytes()).unwrap();
    assert_eq!(
        log.verify(std::slice::from_ref(&lodged)).verdict,
        Verdict::Proven
    );
    let export = log.export(&Selection::default(), AT).unwrap().text;
    assert_eq!(
        verify_export(export.as_bytes(), &[lodged]).verdict,
        Verdict::Proven
    );
    let (file, head_file) = (
        place.folder.path().join("log.jsonl"),
        place.folder.path().join("head.json"),
    );
    fs::write(&file, &export).unwrap();
    fs::write(&head_file, &head).unwrap();
    let python = |file: &std::path::Path| {
        Command::new("python3")
            .args([
                "-B",
                concat!(env!("CARGO_MANIFEST_DIR"), "/audit/verify.py"),
            ])
            .arg(file)
            .arg("--head")
            .arg(&head_file)
            .output()
            .unwrap()
            .status
            .code()
    };
    assert_eq!(python(&file), Some(0));
    fs::write(&file, export.replacen("\"made\"", "\"maid\"", 1)).unwrap();
    assert_eq!(python(&file), Some(1));
}

#[test]
fn an_older_copy_of_the_force_s_store_is_found_out_and_stays_in_its_log() {
    let place = Place::new();
    let path = place.force.path().to_path_buf();
    let older = fs::read(&path).unwrap();
    place.with("eve", &[PersonRole::Operator]);
    let boss = place.sign_in("boss").signed_in;
    place
        .force
        .disable("eve", "left the force", &boss, &moment(0))
        .unwrap();
    // Whoever puts the older copy back has undone it, and the file beside knows.
    fs::write(&path, older).unwrap();
    let verdict = place.force.audit_log().unwrap().verify(&[]).verdict;
    assert!(matches!(verdict, Verdict::Broken(found) if found.kind == BreakKind::RolledBack));
    place.sign_in("boss");
    let log = place.force.audit_log().unwrap();
    let found = |event: &AuditEvent| matches!(event, AuditEvent::RollbackFound { .. });
    assert!(log.entries().iter().any(|entry| found(&entry.event)));
    assert!(matches!(
        log.verify(&[]).verdict,
        Verdict::Broken(found) if found.kind == BreakKind::RolledBack
    ));
}

#[test]
fn a_kill_between_the_commit_and_the_note_beside_it_breaks_nothing() {
    let place = Place::new();
    let beside = place.force.path().with_extension("audit");
    let before = fs::read(&beside).unwrap();
    place.with("eve", &[PersonRole::Operator]);
    // As if the process had been killed each time before it could note how far the log goes.
    fs::write(&beside, before).unwrap();
    let log = place.force.audit_log().unwrap();
    assert_eq!(log.verify(&[]).verdict, Verdict::TailUnproven);
    place.sign_in("eve");
    let log = place.force.audit_log().unwrap();
    assert_eq!(log.verify(&[]).verdict, Verdict::TailUnproven);
    assert!(log.has_head_outside());
}

#[test]
fn a_store_without_its_log_s_file_is_not_changed() {
    let place = Place::new();
    let beside = place.force.path().with_extension("audit");
    let kept = fs::read(&beside).unwrap();
    fs::remove_file(&beside).unwrap();
    let error = place.sign_in_at("boss", &moment(0)).unwrap_err();
    assert!(matches!(
        error,
        overt_records::ForceError::Records(ref cause)
            if matches!(**cause, RecordsError::AuditFileMissing { .. })
    ));
    assert!(!beside.exists());
    fs::write(&beside, kept).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(&beside, mode).unwrap();
    place.sign_in("boss");
}

#[test]
fn a_store_of_the_first_layout_gets_a_log_and_keeps_its_people() {
    let place = Place::new();
    let path = place.folder.path().join("older.redb");
    {
        // What the first layout was: the tables of people, and no log.
        use redb::TableDefinition as Table;
        fs::copy(place.force.path(), &path).unwrap();
        let database = redb::Database::open(&path).unwrap();
        let change = database.begin_write().unwrap();
        let facts: Table<&str, &str> = Table::new("force");
        {
            let mut facts = change.open_table(facts).unwrap();
            facts.insert("schema", "1").unwrap();
            for name in ["store", "audit-key", "audit-head"] {
                facts.remove(name).unwrap();
            }
        }
        let lines: Table<u64, &[u8]> = Table::new("audit");
        assert!(change.delete_table(lines).unwrap());
        change.commit().unwrap();
    }
    let older = Force::with_hashing(&path, Hashing::cheapest());
    let refused = older.audit_log().err().unwrap();
    assert!(refused.to_string().contains("log"), "{refused}");
    let boss = older
        .sign_in("boss", &password("boss own password"), UID, &moment(0))
        .unwrap()
        .signed_in;
    older
        .add_credential(
            "boss",
            &credential(PersonRole::Operator, 1),
            &boss,
            &moment(0),
        )
        .unwrap_err();
    let log = older.audit_log().unwrap();
    let first = &log.entries()[0].event;
    assert!(matches!(first, AuditEvent::ForceLogBegun { people: 1, .. }));
    assert_eq!(log.verify(&[]).verdict, Verdict::TailUnproven);
}
