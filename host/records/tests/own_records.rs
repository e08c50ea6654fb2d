//! The end of a deployment's own records: they go as a whole once nothing in them is within the period of the force's rules, and not before.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use overt_records::{AuditEvent, ForceError, RecordsStay, Timestamp};
use std::fs;
use support::force::{DAY, NOW};
use support::register::{at, terms};
use support::years::{YEAR, after, place, who};
use support::{Folder, alert, counts, header, image};

/// A deployment's own records, whose last thing was done at [`NOW`], and nothing is sealed in them any more.
fn own_records() -> Folder {
    let folder = Folder::new();
    let store = folder.store();
    store
        .watchlist()
        .enrol(&[image("W-1", 1)], support::NOW)
        .unwrap();
    let run = store.begin_run(&header()).unwrap();
    run.commit_decisions(&[alert(1)], &counts(1), support::NOW)
        .unwrap();
    run.finish(&counts(1), false, support::NOW).unwrap();
    folder
}

#[test]
fn a_deployment_s_own_records_go_as_a_whole_once_nothing_in_them_is_within_the_period() {
    let place = place();
    let force = &place.force;
    let folder = own_records();
    let path = folder.records();
    let now = after(11 * YEAR);
    let sue = who(&place, "sue", &now);
    let stays =
        |before: Option<Timestamp>| match force.own_records("walk-past", &path, before, &sue, &now)
        {
            Err(ForceError::RecordsStay { why, .. }) => why,
            other => panic!("{other:?}"),
        };
    // What is sealed has a time of its own, and whoever was on the watchlist.
    assert!(matches!(stays(None), RecordsStay::Holds { .. }));
    let swept = at(NOW + 50 * DAY);
    folder.store().sweep(swept).unwrap();
    folder.store().sweep(at(NOW + 90 * DAY)).unwrap();
    assert!(matches!(
        stays(Some(at(NOW))),
        // The alert about whoever was on the watchlist was withdrawn then.
        RecordsStay::Younger { newest, .. } if newest == swept
    ));
    let paul = who(&place, "paul", &now);
    force.plan(&terms("walk-past"), &paul, &now).unwrap();
    assert!(matches!(
        stays(None),
        RecordsStay::NotEnded { number: 1, .. }
    ));
    force.refuse(1, "no", &sue, &now).unwrap();
    let found = force
        .own_records("walk-past", &path, None, &sue, &now)
        .unwrap();
    assert_eq!(found.newest, swept);
    assert!(found.files.contains(&path));
    let of_another = force.own_records("another", &path, None, &sue, &now);
    assert!(of_another.is_err());

    let day = at(NOW + YEAR);
    let ada = who(&place, "ada", &now);
    let refused = force.destroy_own_records("walk-past", &path, day, &ada, &now);
    assert!(matches!(refused, Err(ForceError::MayNot(_))));
    let open = folder.store();
    let refused = force.destroy_own_records("walk-past", &path, day, &sue, &now);
    assert!(refused.is_err(), "a run has them open");
    drop(open);
    let went = force
        .destroy_own_records("walk-past", &path, day, &sue, &now)
        .unwrap();
    assert_eq!(went.head, found.head);
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    let entries = force.audit_log().unwrap().entries();
    let last = entries.last().unwrap();
    assert!(matches!(
        &last.event,
        AuditEvent::RecordsDestroyed { deployment, hash, .. }
            if deployment == "walk-past" && *hash == found.head.hash
    ));
}

#[test]
fn what_a_kill_leaves_of_own_records_goes_the_next_time() {
    let place = place();
    let folder = own_records();
    let path = folder.records();
    // The kill came once they were on record as destroyed, and had lost their name.
    fs::rename(&path, folder.path().join("records.redb.going")).unwrap();
    let now = after(11 * YEAR);
    let sue = who(&place, "sue", &now);
    let missing = place
        .force
        .destroy_own_records("walk-past", &path, at(NOW + YEAR), &sue, &now);
    assert!(missing.is_err());
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    // Without that sign nothing is taken for destroyed.
    let folder = own_records();
    fs::remove_file(folder.records()).unwrap();
    let missing =
        place
            .force
            .destroy_own_records("walk-past", &folder.records(), at(NOW + YEAR), &sue, &now);
    assert!(missing.is_err());
    assert!(folder.keys().exists());
}
