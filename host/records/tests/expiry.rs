//! Images of the watchlist that reach the end of their retention while alerts are under way: what goes, what is withdrawn, and what stays.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use overt_records::{
    Adjudication, AuditEvent, AuditLog, ChangeCause, Closed, GenerationChange, GoneByRetention,
    Judge, JudgementLimits, LifeState, ListSize, NewAlert, News, RecordsError, Report, RetentionOf,
    StepKind, Store, SweepReport, Timestamp,
};
use proptest::prelude::*;
use support::people::judges;
use support::{Folder, NOW, alert, counts, header, image, removal, swept};

/// Hours that an image is kept.
const KEPT: u32 = 48;

/// Nobody's time for a judgement runs out here.
const LIMITS: JudgementLimits = JudgementLimits {
    adjudication_ms: i64::MAX,
    engagement_ms: i64::MAX,
    location_ms: i64::MAX,
};

/// An alert about an entry that rests on an image of it.
fn about(number: u32, reference: &str, image: u32, at: Timestamp) -> NewAlert {
    let mut new = alert(number);
    new.alert.reference = reference.into();
    new.alert.raised_at = at;
    new.image = image;
    new
}

/// Before `NOW`, so that an image of then expires so many hours after it.
fn to_expire_in(hours: u32) -> Timestamp {
    let ago = i64::from(KEPT) - i64::from(hours);
    Timestamp::from_unix_ms(NOW.unix_ms() - ago * 3_600_000)
}

fn state(store: &Store, alert: u32) -> LifeState {
    store.living_alert(alert).unwrap().life.state()
}

/// Passes an alert and brings it to an officer who speaks to somebody.
fn engage(store: &Store, alert: u32, [operator, officer]: &[Judge; 2]) {
    store.view(alert, operator, NOW).unwrap().unwrap();
    let pass = Adjudication::Pass;
    store
        .adjudicate(alert, operator, pass, &LIMITS, NOW)
        .unwrap();
    store.view(alert, officer, NOW).unwrap().unwrap();
    for report in [Report::Viable, Report::Engaged] {
        store.report(alert, officer, report, &LIMITS, NOW).unwrap();
    }
}

#[test]
fn an_entry_whose_last_image_goes_takes_its_pending_alerts_with_it_and_no_others() {
    let folder = Folder::new();
    let store = folder.store();
    let judges = judges(folder.path());
    let watchlist = store.watchlist();
    watchlist
        .enrol(&[image("W-1", 1), image("W-2", 2)], to_expire_in(1))
        .unwrap();
    watchlist.enrol(&[image("W-2", 3)], NOW).unwrap();
    let run = store.begin_run(&header()).unwrap();
    let alerts = [
        about(1, "W-1", 0, NOW),
        about(2, "W-1", 0, NOW),
        about(3, "W-2", 0, NOW),
        about(4, "W-1", 0, NOW),
    ];
    let come = run.commit_decisions(&alerts, &counts(4), NOW).unwrap();
    assert!(come.is_empty());
    engage(&store, 2, &judges);
    let [operator, _] = &judges;
    store.view(4, operator, NOW).unwrap().unwrap();
    let pass = Adjudication::Pass;
    store.adjudicate(4, operator, pass, &LIMITS, NOW).unwrap();
    let passed = store.passed(4).unwrap().unwrap();
    store
        .route(&passed, &["team".into()], true, None, NOW)
        .unwrap();

    let later = NOW.after_hours(1);
    let report = store.sweep(later).unwrap();
    assert_eq!((report.watchlist_images, report.watchlist_entries), (2, 1));
    assert_eq!(
        report.images,
        [("W-1".to_owned(), 0), ("W-2".to_owned(), 0)]
    );
    assert_eq!(report.withdrawn, [1, 4]);
    for alert in [1, 4] {
        assert_eq!(
            state(&store, alert),
            LifeState::Closed(Closed::Withdrawn),
            "{alert}"
        );
    }
    // There was a stop, and a stop has an outcome.
    assert_eq!(state(&store, 2), LifeState::Engaged);
    // They are sought by another image.
    assert_eq!(state(&store, 3), LifeState::Raised);

    let of = |alert: u32| -> Vec<String> {
        let messages = store.outbox().unwrap().into_iter();
        messages
            .filter(|message| message.alert == alert && message.news == News::Withdrawn)
            .map(|message| message.channel)
            .collect()
    };
    assert_eq!(of(1), ["desk-1"]);
    assert_eq!(
        of(4),
        ["desk-1", "team"],
        "whoever acts on it hears of it too"
    );
    assert!(of(2).is_empty() && of(3).is_empty());
    // A second sweep finds nothing more.
    assert_eq!(store.sweep(later).unwrap(), SweepReport::default());
    let gone = GoneByRetention {
        images: 2,
        entries: 1,
        withdrawn: 2,
    };
    assert_eq!(store.gone_by_retention().unwrap(), gone);
    drop((run, store));

    let log = AuditLog::read(&folder.records(), "walk-past").unwrap();
    let of = RetentionOf::Entry;
    let by_retention = StepKind::WithdrawnByRetention { of };
    let told: Vec<u32> = log
        .entries()
        .iter()
        .filter_map(|entry| match &entry.event {
            AuditEvent::AlertStep { alert, step } if *step == by_retention => Some(*alert),
            _ => None,
        })
        .collect();
    assert_eq!(told, [1, 4]);
    let swept = log.entries().iter().any(|entry| {
        matches!(&entry.event, AuditEvent::Swept { withdrawn, watchlist_images: 2, .. } if withdrawn == &[1, 4])
    });
    assert!(swept);
}

#[test]
fn an_alert_that_rests_on_an_image_past_its_day_is_withdrawn_as_it_comes_before_any_sweep() {
    let folder = Folder::new();
    let store = folder.store();
    let watchlist = store.watchlist();
    watchlist
        .enrol(&[image("W-1", 1), image("W-2", 2)], to_expire_in(1))
        .unwrap();
    watchlist.enrol(&[image("W-2", 3)], NOW).unwrap();
    let run = store.begin_run(&header()).unwrap();
    let day = NOW.after_hours(1);
    let before = Timestamp::from_unix_ms(day.unix_ms() - 1);
    let come = |alerts: &[NewAlert], at| run.commit_decisions(alerts, &counts(1), at).unwrap();
    assert!(come(&[about(1, "W-1", 0, before)], before).is_empty());
    // Decided in time, and on record too late.
    assert_eq!(come(&[about(2, "W-1", 0, before)], day), [2]);
    // A clock that was set back since it was decided changes nothing.
    assert_eq!(come(&[about(3, "W-1", 0, day)], before), [3]);
    // By the other image the person is sought.
    let of_both = [about(4, "W-2", 0, day), about(5, "W-2", 1, day)];
    assert_eq!(come(&of_both, day), [4]);
    // Of an image that never was, and of a person who never was.
    let of_none = [about(6, "W-2", 9, day), about(7, "W-3", 0, day)];
    assert_eq!(come(&of_none, day), [6, 7]);

    let why = |alert: u32| {
        let steps = store.living_alert(alert).unwrap().life;
        match steps.steps() {
            [] => None,
            [step] => Some(step.kind.clone()),
            more => panic!("{more:?}"),
        }
    };
    let by_retention = |of| Some(StepKind::WithdrawnByRetention { of });
    assert_eq!(why(1), None);
    for alert in [2, 3, 7] {
        assert_eq!(why(alert), by_retention(RetentionOf::Entry), "{alert}");
    }
    for alert in [4, 6] {
        assert_eq!(why(alert), by_retention(RetentionOf::Image), "{alert}");
    }
    assert_eq!(why(5), None);
    // Whose entry somebody removed is withdrawn for that, and not by time.
    watchlist.remove("W-2", &removal(day)).unwrap();
    assert_eq!(come(&[about(8, "W-2", 1, day)], day), [8]);
    assert_eq!(why(8), Some(StepKind::Withdrawn));
    // The sweep finds what came in time, and withdraws nothing twice.
    assert_eq!(store.sweep(day).unwrap().withdrawn, [1]);
}

#[test]
fn in_a_run_the_sweep_its_generation_and_the_sizes_are_one_transaction() {
    let folder = Folder::new();
    let store = folder.store();
    store
        .watchlist()
        .enrol(&[image("W-1", 1), image("W-2", 2)], to_expire_in(1))
        .unwrap();
    store.watchlist().enrol(&[image("W-2", 3)], NOW).unwrap();
    let run = store.begin_run(&header()).unwrap();
    run.commit_decisions(&[alert(1)], &counts(1), NOW).unwrap();
    let later = NOW.after_hours(1);
    let (head, messages) = (store.audit_head().unwrap(), store.outbox().unwrap().len());

    // What cannot be put on record takes nothing with it.
    let bad = |report: &SweepReport| GenerationChange {
        lock_sha256: Some("no digest".into()),
        ..swept(&run, 1, later, report)
    };
    let refused = run.sweep(later, &bad);
    assert!(
        matches!(refused, Err(RecordsError::Refused { .. })),
        "{refused:?}"
    );
    assert_eq!(store.audit_head().unwrap(), head);
    assert_eq!(store.outbox().unwrap().len(), messages);
    assert_eq!(store.watchlist().list().unwrap().len(), 2);
    assert!(store.watchlist().picture("W-1", 0).unwrap().is_some());
    assert_eq!(state(&store, 1), LifeState::Raised);

    let good = |report: &SweepReport| swept(&run, 1, later, report);
    let report = run.sweep(later, &good).unwrap();
    assert_eq!(report.withdrawn, [1]);
    let generations = store.generations().unwrap();
    assert_eq!(generations.len(), 1);
    let expected = ChangeCause::Retention {
        images: 2,
        entries: 1,
        withdrawn: vec![1],
    };
    assert_eq!(generations[0].cause, expected);
    let size = |people, images| ListSize { people, images };
    let sizes = run.list_sizes().unwrap();
    assert_eq!(
        (sizes.start, sizes.largest, sizes.end),
        (size(2, 3), size(2, 3), size(1, 1))
    );
    // Where no image goes there is no generation, whatever else does.
    let quiet = |_: &SweepReport| -> GenerationChange { panic!("no image goes") };
    let report = run.sweep(NOW.after_hours(12), &quiet).unwrap();
    assert_eq!((report.inputs, report.watchlist_images), (1, 0));
}

/// Something that happens.
#[derive(Clone, Debug)]
enum Act {
    Enrol(u8, u8),
    Wait(u32),
    Raise(u8, u32),
    Pass(u32),
    Reject(u32),
    Engage(u32),
    Sweep,
    Remove(u8),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        (0..3_u8, 0..3_u8).prop_map(|(entry, source)| Act::Enrol(entry, source)),
        (1..30_u32).prop_map(Act::Wait),
        (0..3_u8, 0..3_u32).prop_map(|(entry, image)| Act::Raise(entry, image)),
        (0..8_u32).prop_map(Act::Pass),
        (0..8_u32).prop_map(Act::Reject),
        (0..8_u32).prop_map(Act::Engage),
        Just(Act::Sweep),
        (0..3_u8).prop_map(Act::Remove),
    ]
}

/// An entry as a model has it.
#[derive(Default)]
struct Entry {
    next: u32,
    /// Source and day of each image, by its number.
    images: BTreeMap<u32, (u8, Timestamp)>,
}

/// The list as a model has it.
#[derive(Default)]
struct Model(BTreeMap<u8, Entry>);

impl Model {
    fn enrol(&mut self, entry: u8, source: u8, now: Timestamp) {
        let entry = self.0.entry(entry).or_default();
        let day = now.after_hours(KEPT);
        let mut known = entry.images.iter_mut();
        match known.find(|(_, (own, _))| *own == source) {
            Some((_, (_, own))) => *own = day,
            None => {
                entry.images.insert(entry.next, (source, day));
                entry.next += 1;
            }
        }
    }

    /// Whether somebody may be alerted by this image.
    fn seeks(&self, entry: u8, image: u32, now: Timestamp) -> bool {
        let entry = self.0.get(&entry);
        let image = entry.and_then(|entry| entry.images.get(&image));
        image.is_some_and(|(_, day)| *day > now)
    }

    /// Images that went, and entries with them.
    fn sweep(&mut self, now: Timestamp) -> (usize, BTreeSet<u8>) {
        let mut images = 0;
        for entry in self.0.values_mut() {
            let before = entry.images.len();
            entry.images.retain(|_, (_, day)| *day > now);
            images += before - entry.images.len();
        }
        let gone = self.0.extract_if(.., |_, entry| entry.images.is_empty());
        (images, gone.map(|(entry, _)| entry).collect())
    }
}

fn reference(entry: u8) -> String {
    format!("W-{entry}")
}

fn is_pending(state: LifeState) -> bool {
    matches!(
        state,
        LifeState::Raised | LifeState::Passed | LifeState::Viable
    )
}

/// Alerts about these entries that wait for somebody.
fn pending(store: &Store, of: &BTreeSet<u8>) -> Vec<u32> {
    let about: Vec<String> = of.iter().copied().map(reference).collect();
    let living = store.living().unwrap().into_iter();
    living
        .filter(|living| is_pending(living.life.state()) && about.contains(&living.alert.reference))
        .map(|living| living.alert.number)
        .collect()
}

/// An operator and an engagement officer, made once: passwords take their time.
fn team() -> &'static [Judge; 2] {
    static TEAM: OnceLock<[Judge; 2]> = OnceLock::new();
    TEAM.get_or_init(|| judges(Folder::new().path()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn no_alert_rests_on_an_image_past_its_day_and_nothing_pending_is_left_of_an_entry_that_is_gone(
        acts in prop::collection::vec(act(), 0..32),
    ) {
        let folder = Folder::new();
        let store = folder.store();
        let [operator, officer] = team();
        let run = store.begin_run(&header()).unwrap();
        let (mut model, mut now, mut next_generation) = (Model::default(), NOW, 1);
        for act in acts {
            match act {
                Act::Enrol(entry, source) => {
                    store.watchlist().enrol(&[image(&reference(entry), source)], now).unwrap();
                    model.enrol(entry, source, now);
                }
                Act::Wait(hours) => now = now.after_hours(hours),
                Act::Raise(entry, image) => {
                    let number = run.next_alert_number().unwrap();
                    let new = about(number, &reference(entry), image, now);
                    let come = run.commit_decisions(&[new], &counts(1), now).unwrap();
                    let stands = model.seeks(entry, image, now);
                    prop_assert_eq!(come.is_empty(), stands);
                    prop_assert_eq!(is_pending(state(&store, number)), stands);
                }
                // Whether the rules allow it is told elsewhere; here it only changes where the alert is.
                Act::Pass(alert) => {
                    let _ = store.view(alert, operator, now);
                    let _ = store.adjudicate(alert, operator, Adjudication::Pass, &LIMITS, now);
                }
                Act::Reject(alert) => {
                    let _ = store.view(alert, operator, now);
                    let reject = Adjudication::Reject(overt_records::Reject::CannotTell);
                    let _ = store.adjudicate(alert, operator, reject, &LIMITS, now);
                }
                Act::Engage(alert) => {
                    let _ = store.view(alert, officer, now);
                    for report in [Report::Viable, Report::Engaged] {
                        let _ = store.report(alert, officer, report, &LIMITS, now);
                    }
                }
                Act::Sweep => {
                    let (images, gone) = model.sweep(now);
                    let expected = pending(&store, &gone);
                    let report = run
                        .sweep(now, &|report| swept(&run, next_generation, now, report))
                        .unwrap();
                    next_generation += u64::from(images > 0);
                    prop_assert_eq!(report.watchlist_images, images);
                    prop_assert_eq!(report.watchlist_entries, gone.len());
                    prop_assert_eq!(report.withdrawn, expected);
                }
                Act::Remove(entry) => {
                    let of = BTreeSet::from([entry]);
                    let known = model.0.remove(&entry);
                    let expected = known.map(|_| pending(&store, &of));
                    let removed = store
                        .watchlist()
                        .remove(&reference(entry), &removal(now))
                        .unwrap();
                    prop_assert_eq!(removed.map(|removed| removed.withdrawn), expected);
                }
            }
            let listed = store.watchlist().list().unwrap();
            let listed: Vec<String> = listed.into_iter().map(|entry| entry.reference).collect();
            let known: Vec<String> = model.0.keys().copied().map(reference).collect();
            prop_assert_eq!(&listed, &known);
            for living in store.living().unwrap() {
                if is_pending(living.life.state()) {
                    prop_assert!(listed.contains(&living.alert.reference));
                }
            }
        }
        prop_assert_eq!(store.generations().unwrap().len() as u64, next_generation - 1);
    }
}
