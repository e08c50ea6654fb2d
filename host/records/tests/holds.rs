//! What keeps an alert past its time, what brings it to its end all the same, and what becomes of files that left the store.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use overt_records::{
    Actor, Adjudication, AuditEvent, ExportKind, HeldInputs, IdentityCheck, JudgementLimits,
    JudgingRole, LONGEST_HOLD_DAYS, PersonRole, RecordsError, Report, SignedIn, Stop, Store,
    SweepReport, Timestamp,
};
use std::fs;
use support::force::Place;
use support::{Folder, NOW, alert, counts, header, image, inputs, settings};

const LIMITS: JudgementLimits = JudgementLimits {
    adjudication_ms: 600_000,
    engagement_ms: 600_000,
    location_ms: 600_000,
};

fn people() -> Place {
    let place = Place::new();
    place.with("olu", &[PersonRole::Operator]);
    place.with("eve", &[PersonRole::EngagementOfficer]);
    place.with("ada", &[PersonRole::Auditor]);
    place
}

/// Somebody who is signed in, with a credential for every role that they have.
fn who(place: &Place, id: &str) -> SignedIn {
    let boss = place.sign_in("boss").signed_in;
    if id == "boss" {
        return boss;
    }
    let session = place.sign_in(id);
    let lacking: Vec<PersonRole> = session
        .signed_in
        .roles()
        .filter(|(_, credential)| credential.is_none())
        .map(|(role, _)| role)
        .collect();
    for role in lacking {
        let credential = support::force::credential(role, 10);
        place
            .force
            .add_credential(id, &credential, &boss, &support::force::moment(0))
            .unwrap();
    }
    place.sign_in(id).signed_in
}

/// A store with so many alerts about somebody who is on the watchlist, each with its inputs.
fn with_alerts(folder: &Folder, number: u32) -> Store {
    let store = folder.store();
    store.watchlist().enrol(&[image("W-1", 1)], NOW).unwrap();
    let run = store.begin_run(&header()).unwrap();
    let alerts: Vec<_> = (1..=number)
        .map(|number| {
            let mut alert = alert(number);
            alert.inputs = Some(inputs(number));
            alert
        })
        .collect();
    run.commit_decisions(&alerts, &counts(u64::from(number)), NOW)
        .unwrap();
    run.finish(&counts(u64::from(number)), false, NOW).unwrap();
    store
}

/// Brings an alert to a stop.
fn stop(store: &Store, place: &Place, alert: u32) {
    let operator = who(place, "olu").judging(JudgingRole::Operator).unwrap();
    let officer = who(place, "eve")
        .judging(JudgingRole::EngagementOfficer)
        .unwrap();
    store.view(alert, &operator, NOW).unwrap().unwrap();
    store
        .adjudicate(alert, &operator, Adjudication::Pass, &LIMITS, NOW)
        .unwrap();
    store.view(alert, &officer, NOW).unwrap().unwrap();
    for report in [Report::Viable, Report::Engaged] {
        store.report(alert, &officer, report, &LIMITS, NOW).unwrap();
    }
}

fn is_there(store: &Store, alert: u32) -> bool {
    let late = NOW.after_hours(24 * 400);
    let payload = store.alert_payload(alert).unwrap().is_some();
    let inputs = matches!(
        store.alert_inputs(alert, late).unwrap(),
        HeldInputs::Held { .. }
    );
    assert_eq!(payload, inputs, "alert {alert}: one went without the other");
    payload
}

#[test]
fn a_hold_keeps_its_alert_with_its_inputs_and_nothing_else_until_it_ends() {
    let (folder, place) = (Folder::new(), people());
    let store = with_alerts(&folder, 3);
    // What the router was asked once it was passed is the alert's as well.
    stop(&store, &place, 2);
    let passed = store.passed(2).unwrap().unwrap();
    let team = ["team".to_owned()];
    store
        .route(&passed, &team, true, Some(&inputs(9)), NOW)
        .unwrap();
    let until = NOW.after_hours(24 * 30);
    let hold = store
        .hold(2, "complaint 2027/12", until, &who(&place, "ada"), NOW)
        .unwrap();
    assert_eq!((hold.number, hold.by.person()), (1, Some("ada")));

    // Long after every limit, and after the store was closed.
    drop(store);
    let store = Store::open(&folder.records(), &settings()).unwrap();
    let report = store.sweep(NOW.after_hours(24 * 7)).unwrap();
    let expected = SweepReport {
        watchlist_images: 1,
        watchlist_entries: 1,
        images: vec![("W-1".into(), 0)],
        // The second was judged to its end.
        withdrawn: vec![1, 3],
        alerts: 2,
        inputs: 2,
        ..SweepReport::default()
    };
    assert_eq!(report, expected);
    assert_eq!(
        [1, 2, 3].map(|alert| is_there(&store, alert)),
        [false, true, false]
    );
    let late = NOW.after_hours(24 * 7);
    let asked = |late| store.settled_action(2, late).unwrap().unwrap().inputs;
    assert!(asked(late) == Some(HeldInputs::Held(inputs(9))));
    // What is held costs no sweep a write.
    let before = store.audit_head().unwrap();
    let nothing = store.sweep(NOW.after_hours(24 * 8)).unwrap();
    assert_eq!(nothing, SweepReport::default());
    assert_eq!(store.audit_head().unwrap(), before);

    // It ends by itself.
    let report = store.sweep(until).unwrap();
    assert_eq!((report.alerts, report.inputs), (1, 2));
    assert!(!is_there(&store, 2));
    assert!(matches!(asked(until), Some(HeldInputs::Expired { .. })));
}

#[test]
fn a_hold_that_is_ended_early_lets_go_with_the_next_sweep_and_another_one_keeps_on() {
    let (folder, place) = (Folder::new(), people());
    let store = with_alerts(&folder, 1);
    let (ada, boss) = (who(&place, "ada"), who(&place, "boss"));
    let until = NOW.after_hours(24 * 30);
    store.hold(1, "a complaint", until, &ada, NOW).unwrap();
    store.hold(1, "a court's order", until, &boss, NOW).unwrap();
    let late = NOW.after_hours(100);
    let ended = store.end_hold(1, "withdrawn", &ada, late).unwrap();
    assert_eq!(ended.release.as_ref().unwrap().reason, "withdrawn");
    // Once more changes nothing.
    let again = store.end_hold(1, "another reason", &boss, late).unwrap();
    assert_eq!(again, ended);
    store.sweep(late).unwrap();
    assert!(is_there(&store, 1), "the court's order lasts");
    store
        .end_hold(2, "the case is closed", &boss, late)
        .unwrap();
    store.sweep(late).unwrap();
    assert!(!is_there(&store, 1));
    drop(store);
    let log = support::log::log(&folder).entries();
    let told: Vec<(&str, Option<&str>)> = log
        .iter()
        .filter_map(|entry| {
            let who = match &entry.by {
                Actor::Person { id, .. } => Some(id.as_str()),
                _ => None,
            };
            match &entry.event {
                AuditEvent::HoldPlaced { .. } => Some(("placed", who)),
                AuditEvent::HoldEnded { .. } => Some(("ended", who)),
                _ => None,
            }
        })
        .collect();
    let (ada, boss) = (Some("ada"), Some("boss"));
    let expected = [
        ("placed", ada),
        ("placed", boss),
        ("ended", ada),
        ("ended", boss),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_hold_takes_a_person_who_may_a_reason_an_end_and_something_to_keep() {
    let (folder, place) = (Folder::new(), people());
    let store = with_alerts(&folder, 1);
    let (ada, olu) = (who(&place, "ada"), who(&place, "olu"));
    let until = NOW.after_hours(48);
    let may_not = store.hold(1, "a reason", until, &olu, NOW);
    assert!(
        matches!(may_not, Err(RecordsError::MayNot(_))),
        "{may_not:?}"
    );
    let too_long = NOW.after_hours(24 * LONGEST_HOLD_DAYS + 1);
    for (reason, until) in [
        ("", until),
        ("a\nb", until),
        ("late", NOW),
        ("long", too_long),
    ] {
        let refused = store.hold(1, reason, until, &ada, NOW);
        assert!(
            matches!(refused, Err(RecordsError::Refused { .. })),
            "{reason:?}: {refused:?}"
        );
    }
    let missing = store.hold(9, "a reason", until, &ada, NOW);
    assert!(matches!(
        missing,
        Err(RecordsError::NoSuchAlert { number: 9, .. })
    ));
    store.sweep(NOW.after_hours(30)).unwrap();
    let gone = store.hold(1, "too late", until, &ada, NOW.after_hours(30));
    assert!(
        matches!(gone, Err(RecordsError::Refused { .. })),
        "{gone:?}"
    );
    assert!(store.holds().unwrap().is_empty());
    let none = store.end_hold(1, "a reason", &ada, NOW);
    assert!(matches!(none, Err(RecordsError::Refused { .. })));
}

#[test]
fn a_receipt_leads_to_the_alert_of_whoever_was_stopped_and_to_no_other() {
    let (folder, place) = (Folder::new(), people());
    let store = with_alerts(&folder, 2);
    let eve = who(&place, "eve");
    let nobody_stopped = store.receipt(1, &eve, NOW);
    assert!(matches!(nobody_stopped, Err(RecordsError::Refused { .. })));
    stop(&store, &place, 1);
    let by_operator = store.receipt(1, &who(&place, "olu"), NOW);
    assert!(matches!(by_operator, Err(RecordsError::MayNot(_))));
    let code = store.receipt(1, &eve, NOW).unwrap();
    assert_eq!(store.alert_of(&code).unwrap(), Some(1));
    let written = code.to_string().to_lowercase().parse().unwrap();
    assert_eq!(store.alert_of(&written).unwrap(), Some(1));
    // A second one takes the first one's place.
    let second = store.receipt(1, &eve, NOW).unwrap();
    assert_eq!(store.alert_of(&code).unwrap(), None);
    assert_eq!(store.alert_of(&second).unwrap(), Some(1));

    // The code stands nowhere, and is worth nothing at another store.
    drop(store);
    for text in [second.to_string(), second.to_string().replace('-', "")] {
        assert!(!support::folder_holds(folder.path(), text.as_bytes()));
    }
    let other = Folder::new();
    let elsewhere = with_alerts(&other, 1);
    stop(&elsewhere, &place, 1);
    elsewhere.receipt(1, &eve, NOW).unwrap();
    assert_eq!(elsewhere.alert_of(&second).unwrap(), None);
}

#[test]
fn a_stop_that_was_confirmed_has_a_receipt_too_and_a_hold_by_it_outlives_the_sweep() {
    let (folder, place) = (Folder::new(), people());
    let store = with_alerts(&folder, 1);
    stop(&store, &place, 1);
    let officer = who(&place, "eve")
        .judging(JudgingRole::EngagementOfficer)
        .unwrap();
    let stop = Stop {
        place: "platform 2".into(),
        from: NOW,
        to: NOW.after_hours(1),
        identity: IdentityCheck::Refused,
        method: String::new(),
        fingerprints: false,
    };
    let confirmed = Report::Confirmed {
        correct: false,
        stop,
    };
    store.report(1, &officer, confirmed, &LIMITS, NOW).unwrap();
    let code = store.receipt(1, &who(&place, "eve"), NOW).unwrap();
    let alert = store.alert_of(&code).unwrap().unwrap();
    let until = NOW.after_hours(24 * 60);
    store
        .hold(
            alert,
            "the person complains",
            until,
            &who(&place, "ada"),
            NOW,
        )
        .unwrap();
    store.sweep(NOW.after_hours(24 * 40)).unwrap();
    assert!(is_there(&store, 1));
}

fn export(folder: &Folder, store: &Store, name: &str, until: Timestamp) -> std::path::PathBuf {
    let path = folder.path().join(name);
    store
        .export(&path, ExportKind::Report, Actor::Host, until, NOW)
        .unwrap();
    fs::write(&path, "a face").unwrap();
    path
}

#[test]
fn a_file_that_left_the_store_is_overwritten_and_removed_at_its_time() {
    let folder = Folder::new();
    let store = with_alerts(&folder, 1);
    let path = export(&folder, &store, "report.html", NOW.after_hours(5));
    let later = export(&folder, &store, "later.html", NOW.after_hours(50));
    let name = folder.path().join("another name");
    fs::hard_link(&path, &name).unwrap();
    store.sweep(NOW.after_hours(4)).unwrap();
    assert!(path.exists());
    let report = store.sweep(NOW.after_hours(5)).unwrap();
    assert_eq!((report.exports, report.exports_left), (1, Vec::new()));
    assert!(!path.exists() && later.exists());
    assert_eq!(
        fs::read(&name).unwrap(),
        [0; 6],
        "overwritten, not only unlinked"
    );
    let exports = store.exports().unwrap();
    assert_eq!(
        exports
            .iter()
            .map(|export| export.destroyed)
            .collect::<Vec<_>>(),
        [Some(NOW.after_hours(5)), None]
    );
}

#[test]
fn a_second_export_under_a_name_destroys_the_first_and_a_file_somebody_removed_is_no_trouble() {
    let folder = Folder::new();
    let store = with_alerts(&folder, 1);
    let path = export(&folder, &store, "report.html", NOW.after_hours(5));
    let name = folder.path().join("another name");
    fs::hard_link(&path, &name).unwrap();
    let again = export(&folder, &store, "report.html", NOW.after_hours(9));
    assert_eq!(fs::read(&name).unwrap(), [0; 6]);
    // The first one's time takes nothing from the second.
    assert_eq!(store.sweep(NOW.after_hours(5)).unwrap().exports, 0);
    assert!(again.exists());
    fs::remove_file(&again).unwrap();
    assert_eq!(store.sweep(NOW.after_hours(9)).unwrap().exports, 1);
    let relative = store.export(
        "report.html".as_ref(),
        ExportKind::Report,
        Actor::Host,
        NOW,
        NOW,
    );
    assert!(matches!(relative, Err(RecordsError::Refused { .. })));
}

#[test]
fn a_file_that_cannot_be_removed_is_told_of_and_tried_again() {
    let folder = Folder::new();
    let store = with_alerts(&folder, 1);
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    // What stands under the name now is a folder: nothing that may be overwritten or unlinked.
    let path = inner.join("report.html");
    store
        .export(&path, ExportKind::Alert, Actor::Host, NOW, NOW)
        .unwrap();
    fs::create_dir(&path).unwrap();
    let report = store.sweep(NOW).unwrap();
    assert_eq!(report.exports, 0);
    assert_eq!(report.exports_left[0].0, path);
    fs::remove_dir(&path).unwrap();
    fs::write(&path, "a face").unwrap();
    let report = store.sweep(NOW).unwrap();
    assert_eq!((report.exports, report.exports_left.len()), (1, 0));
    assert!(!path.exists());
}
