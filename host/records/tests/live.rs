//! The watchlist while a run goes on: sizes, and alerts about whoever is removed.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use overt_records::{
    Addition, ChangeCause, Closed, GenerationChange, LifeState, ListChange, ListChangeKind,
    ListSize, ListStanding, RecordsError, Removal, Run,
};
use proptest::prelude::*;
use support::people::People;
use support::{Folder, NOW, alert, counts, header, image, removal};

fn generation(run: &Run, number: u64) -> GenerationChange {
    GenerationChange {
        run: run.id(),
        number,
        at: NOW,
        cause: ChangeCause::Watchlist {
            by: support::engineer(),
            reason: "found safe".into(),
            change: ListChange {
                kind: ListChangeKind::Removed,
                reference: "W-1".into(),
                category: "wanted-on-warrant".into(),
                images: 1,
                authority: None,
            },
        },
        plugins: vec![],
        models: vec![],
        lock_sha256: None,
        score_floor: 0.45,
    }
}

/// Something that happens to the list.
#[derive(Clone, Debug)]
enum Act {
    Add(u8, u8),
    Remove(u8),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        (0..5_u8, 0..4_u8).prop_map(|(entry, source)| Act::Add(entry, source)),
        (0..5_u8).prop_map(Act::Remove),
    ]
}

/// The list as a model has it.
#[derive(Default)]
struct Model(BTreeMap<u8, BTreeSet<u8>>);

impl Model {
    fn add(&mut self, entry: u8, source: u8) {
        self.0.entry(entry).or_default().insert(source);
    }

    fn size(&self) -> ListSize {
        ListSize {
            people: self.0.len() as u64,
            images: self.0.values().map(|images| images.len() as u64).sum(),
        }
    }
}

fn reference(entry: u8) -> String {
    format!("W-{entry}")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn the_sizes_on_record_are_those_of_the_list(
        before in prop::collection::vec((0..5_u8, 0..4_u8), 0..6),
        acts in prop::collection::vec(act(), 0..14),
    ) {
        let (folder, people) = (Folder::new(), People::new());
        let store = folder.store();
        let mut model = Model::default();
        for (entry, source) in before {
            store.watchlist().enrol(&[image(&reference(entry), source)], NOW).unwrap();
            model.add(entry, source);
        }
        let run = store.begin_run(&header()).unwrap();
        let (start, mut largest) = (model.size(), model.size());
        // Who comes is one more at any time, whoever goes.
        let mut everybody = model.size();
        let addition = Addition::by(&people.boss(), "seen nearby", "LFR-1").unwrap();
        for (number, act) in (1..).zip(acts) {
            let generation = generation(&run, number);
            match act {
                Act::Add(entry, source) => {
                    let new = [image(&reference(entry), source)];
                    run.add_images(&new, &addition, &generation).unwrap();
                    let earlier = model.size();
                    model.add(entry, source);
                    everybody.people += model.size().people - earlier.people;
                    everybody.images += model.size().images - earlier.images;
                }
                Act::Remove(entry) => {
                    let removed = run
                        .remove_entry(&reference(entry), &removal(NOW), &generation)
                        .unwrap();
                    let expected = model.0.remove(&entry).map(|images| images.len());
                    prop_assert_eq!(removed.map(|removed| removed.images), expected);
                }
            }
            largest = largest.max(model.size());
            prop_assert_eq!(run.list_sizes().unwrap().end, model.size());
        }
        run.finish(&counts(0), false, NOW).unwrap();
        let sizes = store.runs().unwrap()[0].watchlist.unwrap();
        prop_assert_eq!((sizes.start, sizes.largest, sizes.end), (start, largest, model.size()));
        let counted = store.everybody().unwrap().unwrap();
        prop_assert_eq!((counted.people(), counted.images()), (everybody.people, everybody.images));
        let not_wanted: u64 = counted.not_wanted.values().sum();
        prop_assert_eq!(counted.wanted + not_wanted, counted.people());
    }
}

#[test]
fn everybody_is_counted_from_the_first_live_run_on_and_a_rehearsal_is_none() {
    let folder = Folder::new();
    let store = folder.store();
    let people = |store: &overt_records::Store| store.everybody().unwrap().map(|all| all.people());
    store.watchlist().enrol(&[image("W-1", 1)], NOW).unwrap();
    assert_eq!(people(&store), None, "nothing has run");
    let rehearsal = overt_records::RunHeader {
        mode: overt_records::RunMode::Rehearsal,
        ..header()
    };
    let run = store.begin_run(&rehearsal).unwrap();
    run.finish(&counts(0), false, NOW).unwrap();
    store.watchlist().enrol(&[image("W-2", 2)], NOW).unwrap();
    assert_eq!(people(&store), Some(2), "it is all that there is");
    store.watchlist().remove("W-1", &removal(NOW)).unwrap();
    let run = store.begin_run(&header()).unwrap();
    assert_eq!(people(&store), Some(1), "who was only rehearsed is no part");
    run.finish(&counts(0), false, NOW).unwrap();
    // Between two runs, and over a rehearsal, the count goes on.
    store.watchlist().enrol(&[image("W-3", 3)], NOW).unwrap();
    let run = store.begin_run(&rehearsal).unwrap();
    run.finish(&counts(0), false, NOW).unwrap();
    assert_eq!(people(&store), Some(2));
}

#[test]
fn a_removal_withdraws_what_is_pending_and_what_comes_after_it() {
    let folder = Folder::new();
    let store = folder.store();
    store.watchlist().enrol(&[image("W-1", 1)], NOW).unwrap();
    let run = store.begin_run(&header()).unwrap();
    assert!(
        run.commit_decisions(&[alert(1)], &counts(1), NOW)
            .unwrap()
            .is_empty()
    );
    let removed = run
        .remove_entry("W-1", &removal(NOW), &generation(&run, 1))
        .unwrap()
        .unwrap();
    assert_eq!((removed.images, removed.withdrawn), (1, vec![1]));
    // Decided before, committed after.
    assert_eq!(
        run.commit_decisions(&[alert(2)], &counts(2), NOW).unwrap(),
        [2]
    );
    for living in store.living().unwrap() {
        assert_eq!(living.life.state(), LifeState::Closed(Closed::Withdrawn));
    }
    // Whoever is on the list again is sought again.
    store.watchlist().enrol(&[image("W-1", 1)], NOW).unwrap();
    assert!(
        run.commit_decisions(&[alert(3)], &counts(3), NOW)
            .unwrap()
            .is_empty()
    );
    assert_eq!(store.generations().unwrap().len(), 1);
}

#[test]
fn who_removes_and_who_adds_is_asked_of_their_roles() {
    let people = People::new();
    assert!(Removal::by(&people.boss(), "found", NOW).is_ok());
    assert!(Removal::by(&people.engineer(), "found", NOW).is_ok());
    assert!(Addition::by(&people.engineer(), "seen", "LFR-1").is_err());
    let folder = Folder::new();
    let store = folder.store();
    store.watchlist().enrol(&[image("W-1", 1)], NOW).unwrap();
    let silent = Removal::by(&people.boss(), " ", NOW).unwrap();
    assert!(matches!(
        store.watchlist().remove("W-1", &silent),
        Err(RecordsError::Refused { .. })
    ));
}

#[test]
fn an_approval_holds_until_anything_of_the_list_changes() {
    let (folder, people) = (Folder::new(), People::new());
    let store = folder.store();
    let watchlist = store.watchlist();
    assert_eq!(watchlist.standing().unwrap(), ListStanding::Never);
    assert!(
        watchlist.approve(&people.boss(), None, NOW).is_err(),
        "nobody is on it"
    );
    watchlist
        .enrol(&[image("W-1", 1), image("W-2", 2)], NOW)
        .unwrap();
    assert!(matches!(
        watchlist.approve(&people.engineer(), None, NOW),
        Err(RecordsError::MayNot(_))
    ));
    let approve = || watchlist.approve(&people.boss(), None, NOW).unwrap();
    let changes: [&dyn Fn(); 4] = [
        &|| drop(watchlist.enrol(&[image("W-1", 3)], NOW).unwrap()),
        &|| drop(watchlist.enrol(&[image("W-3", 1)], NOW).unwrap()),
        &|| drop(watchlist.remove("W-2", &removal(NOW)).unwrap()),
        &|| {
            assert_eq!(
                store.sweep(NOW.after_hours(48)).unwrap().watchlist_entries,
                2
            )
        },
    ];
    for change in changes {
        let approved = approve();
        assert_eq!(approved.by.person(), Some("boss"));
        assert_eq!(
            watchlist.standing().unwrap(),
            ListStanding::Approved(approved.clone())
        );
        change();
        assert_eq!(
            watchlist.standing().unwrap(),
            ListStanding::Changed(approved)
        );
    }
    assert_eq!(watchlist.approvals().unwrap().len(), 4);
}
