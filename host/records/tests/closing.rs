//! The end of a deployment: the watchlist is destroyed, alerts are reconciled, and the certificate says what is still held and is signed.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use overt_records::{ForceError, MayNot, RecordsError, RegisterState, SignedCertificate};
use support::force::{MINUTE, moment};
use support::register::{authorised, ruled, who};
use support::{Folder, NOW, alert, counts, header, image};

#[test]
fn a_closed_deployment_holds_no_watchlist_and_its_certificate_says_what_is_left_and_why() {
    let place = ruled();
    authorised(&place, "walk-past");
    let folder = Folder::new();
    let store = folder.store();
    let images = [image("W-1", 1), image("W-1", 3), image("W-2", 2)];
    store.watchlist().enrol(&images, NOW).unwrap();
    let run = store.begin_run(&header()).unwrap();
    run.commit_decisions(&[alert(1), alert(2)], &counts(2), NOW)
        .unwrap();
    run.finish(&counts(2), false, NOW).unwrap();

    let (force, now) = (&place.force, moment(5 * MINUTE));
    // An engineer closes nothing, and nothing is destroyed while an alert waits for a person.
    let anna = who(&place, "anna");
    assert!(matches!(
        force.may_close(1, &anna, &now).unwrap_err(),
        ForceError::MayNot(MayNot::Role { .. })
    ));
    let by = force.may_close(1, &who(&place, "sue"), &now).unwrap();
    let refused = store.close_out(&by, NOW).unwrap_err();
    assert!(matches!(refused, RecordsError::AlertsOpen { ref alerts, .. } if alerts == &[1, 2]));
    assert_eq!(store.watchlist().list().unwrap().len(), 2);

    let limits = support::register::rules(1).judgement;
    let later = NOW.after_hours(1);
    assert_eq!(store.lapse(&limits, later).unwrap(), [1, 2]);
    // Closed twice, as after a kill between the two stores: it comes to the same.
    let first = store.close_out(&by, later).unwrap();
    let records = store.close_out(&by, later).unwrap();
    assert_eq!(
        (&first.destroyed, &first.held, &first.alerts_by_state),
        (&records.destroyed, &records.held, &records.alerts_by_state)
    );
    assert!(store.watchlist().list().unwrap().is_empty());
    assert_eq!(records.destroyed.watchlist_entries, 2);
    assert_eq!(records.destroyed.watchlist_images, 3);
    assert_eq!(records.alerts, 2);
    assert_eq!(records.alerts_by_state.values().sum::<u64>(), 2);
    assert_eq!(records.alerts_by_state["lapsed"], 2);
    let held: Vec<_> = records
        .held
        .iter()
        .map(|held| (held.class.as_str(), held.records))
        .collect();
    assert_eq!(held, [("alerts", 2), ("inputs", 2)]);

    let certificate = force
        .close(1, &records, "{}", &who(&place, "sue"), &now)
        .unwrap();
    assert_eq!(force.registered(1).unwrap().state(), RegisterState::Closed);
    assert!(force.knows(&certificate).unwrap());
    let read = SignedCertificate::read((certificate.line.clone() + "\n").as_bytes()).unwrap();
    assert_eq!(read, certificate);
    let forged = certificate
        .line
        .replace("\"watchlist_images\":3", "\"watchlist_images\":4");
    assert_ne!(forged, certificate.line);
    SignedCertificate::read(forged.as_bytes()).unwrap_err();
    // Once the retention is over nothing is held, whoever opens it then.
    drop(store);
    let store = folder.store();
    store.sweep(NOW.after_hours(10_000)).unwrap();
    let swept = store.close_out(&by, NOW.after_hours(10_000)).unwrap();
    assert!(swept.held.is_empty(), "{:?}", swept.held);
    assert_eq!(swept.destroyed.alerts, 2);
}
