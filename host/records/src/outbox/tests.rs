//! The outbox: every message is written with its event, is delivered at least once and in order, and says so where it may have come before.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::inputs::HeldInputs;
use crate::judgements::tests::{LIMITS, at, officer, open, operator, store};
use crate::judgements::{Adjudication, Report};
use crate::life::{Closed, Reject};

/// What waits, as `alert channel news`.
fn waiting(store: &Store) -> Vec<String> {
    let told = |message: Message| {
        let Message {
            alert,
            channel,
            news,
            ..
        } = message;
        format!("{alert} {channel} {}", news.name())
    };
    store.outbox().unwrap().into_iter().map(told).collect()
}

fn pass(store: &Store, alert: u32, seconds: i64) -> PassedAlert {
    let by = operator("a");
    store.view(alert, &by, at(seconds)).unwrap().unwrap();
    let passed = store.adjudicate(alert, &by, Adjudication::Pass, &LIMITS, at(seconds));
    passed.unwrap().unwrap()
}

fn deliver_all(store: &Store) -> Vec<Letter> {
    let numbers: Vec<u64> = store.outbox().unwrap().iter().map(|m| m.number).collect();
    let take = |number| {
        let letter = store.take_out(number).unwrap().unwrap();
        store.delivered_now(&letter, at(500)).unwrap();
        letter
    };
    numbers.into_iter().map(take).collect()
}

#[test]
fn a_raised_alert_waits_for_its_desk_and_nothing_waits_for_anybody_who_acts() {
    let (folder, records) = store(2);
    assert_eq!(waiting(&records), ["1 desk-1 raised", "2 desk-1 raised"]);
    drop(records);
    let records = open(folder.path());
    assert_eq!(waiting(&records).len(), 2, "it outlives the process");
    // A look, a refused judgement and a rejection tell nobody anything.
    records.view(1, &operator("a"), at(1)).unwrap();
    let reject = Adjudication::Reject(Reject::NotThisPerson);
    records
        .adjudicate(1, &operator("a"), reject, &LIMITS, at(2))
        .unwrap();
    records
        .adjudicate(2, &operator("b"), Adjudication::Pass, &LIMITS, at(2))
        .unwrap_err();
    assert_eq!(waiting(&records).len(), 2);
    assert_eq!(records.unrouted().unwrap(), []);
}

#[test]
fn a_passed_alert_waits_to_be_routed_until_it_is_and_is_routed_once() {
    let (folder, records) = store(2);
    let passed = pass(&records, 2, 1);
    drop(records);
    // The process died between the pass and its routing.
    let records = open(folder.path());
    assert_eq!(records.unrouted().unwrap(), std::slice::from_ref(&passed));
    assert_eq!(records.acting_channels(2).unwrap(), None);
    let team = ["team".to_owned(), "van".to_owned()];
    assert!(records.route(&passed, &team, false, None, at(2)).unwrap());
    assert!(
        !records
            .route(&passed, &["other".to_owned()], true, None, at(3))
            .unwrap()
    );
    assert_eq!(records.unrouted().unwrap(), []);
    assert_eq!(records.acting_channels(2).unwrap(), Some(team.to_vec()));
    let expected = [
        "1 desk-1 raised",
        "2 desk-1 raised",
        "2 team passed",
        "2 van passed",
    ];
    assert_eq!(waiting(&records), expected);
}

#[test]
fn whoever_was_told_of_an_alert_is_told_that_it_lapsed_or_was_withdrawn_and_nobody_else() {
    let (_folder, records) = store(4);
    deliver_all(&records);
    for alert in [2, 3, 4] {
        let passed = pass(&records, alert, 50);
        if alert != 4 {
            records
                .route(&passed, &["team".to_owned()], false, None, at(51))
                .unwrap();
        }
    }
    deliver_all(&records);
    records.withdraw("W-3", at(52)).unwrap();
    assert_eq!(
        waiting(&records),
        ["3 desk-1 withdrawn", "3 team withdrawn"]
    );
    records.lapse(&LIMITS, at(61)).unwrap();
    assert_eq!(waiting(&records)[2..], ["1 desk-1 lapsed"]);
    records.lapse(&LIMITS, at(171)).unwrap();
    let expected = ["2 desk-1 lapsed", "2 team lapsed", "4 desk-1 lapsed"];
    assert_eq!(waiting(&records)[3..], expected);
    // The one that nobody was named for in time is not forgotten: its channel hears of it, and that it is over.
    let late = records.unrouted().unwrap();
    records
        .route(&late[0], &["team".to_owned()], true, None, at(172))
        .unwrap();
    let letters = deliver_all(&records);
    let last = letters.last().unwrap();
    assert_eq!((last.message.alert, last.message.news), (4, News::Passed));
    assert_eq!(last.state, LifeState::Closed(Closed::Lapsed));
}

#[test]
fn a_message_that_may_have_arrived_says_so_when_it_comes_again() {
    let (folder, records) = store(1);
    let number = records.outbox().unwrap()[0].number;
    let take = |records: &Store| records.take_out(number).unwrap().unwrap();
    // Nobody answered the door: it cannot have arrived.
    let letter = take(&records);
    assert!(!letter.again);
    records
        .not_taken(&letter, "connection refused", true)
        .unwrap();
    let message = &records.outbox().unwrap()[0];
    assert_eq!((message.tries, message.may_have_arrived), (1, false));
    assert_eq!(message.trouble.as_deref(), Some("connection refused"));
    // It left, and then the process was killed.
    let letter = take(&records);
    assert!(!letter.again);
    drop(records);
    let records = open(folder.path());
    let letter = take(&records);
    assert!(letter.again);
    // That nobody answers the door now does not take back that it may have arrived before.
    records
        .not_taken(&letter, "connection refused", true)
        .unwrap();
    let letter = take(&records);
    assert!(letter.again);
    records.delivered_now(&letter, at(9)).unwrap();
    records.delivered_now(&letter, at(9)).unwrap();
    assert_eq!(records.outbox().unwrap(), []);
    assert_eq!(records.take_out(number).unwrap(), None);
    let delivered = records.delivered().unwrap();
    assert_eq!((delivered.len(), delivered[0].message.tries), (1, 4));
}

#[test]
fn a_letter_says_how_its_alert_stands_when_it_leaves_and_how_far_the_log_goes() {
    let (_folder, records) = store(1);
    let number = records.outbox().unwrap()[0].number;
    let before = records.take_out(number).unwrap().unwrap();
    assert_eq!(before.state, LifeState::Raised);
    assert_eq!(before.head, records.audit_head().unwrap());
    records.lapse(&LIMITS, at(61)).unwrap();
    let late = records.take_out(number).unwrap().unwrap();
    assert_eq!(late.state, LifeState::Closed(Closed::Lapsed));
    assert!(late.head.events > before.head.events);
}

#[test]
fn numbers_go_on_where_every_message_was_delivered() {
    let (_folder, records) = store(1);
    let first = deliver_all(&records);
    let passed = pass(&records, 1, 1);
    records
        .route(&passed, &["team".to_owned()], true, None, at(2))
        .unwrap();
    let second = records.outbox().unwrap();
    assert_eq!(second[0].number, first[0].message.number + 1);
    records.view(1, &officer("b"), at(3)).unwrap();
    records
        .report(1, &officer("b"), Report::NotViable, &LIMITS, at(4))
        .unwrap();
    let counts = records.channel_counts().unwrap();
    let desk = ChannelCounts {
        delivered: 1,
        waiting: 0,
    };
    let team = ChannelCounts {
        delivered: 0,
        waiting: 1,
    };
    assert_eq!((counts["desk-1"], counts["team"]), (desk, team));
}

#[test]
fn a_letter_is_signed_with_the_key_that_signs_the_log() {
    let (_folder, records) = store(1);
    let signature = records.sign_message(b"{}");
    let mut key = [0; 32];
    hex::decode_to_slice(records.audit_key(), &mut key).unwrap();
    let signature = ed25519_compact::Signature::new(signature);
    let key = ed25519_compact::PublicKey::new(key);
    assert!(key.verify(b"{}", &signature).is_ok() && key.verify(b"[]", &signature).is_err());
}

#[test]
fn what_the_router_was_asked_is_sealed_with_who_was_named_and_goes_when_the_alert_goes() {
    let (folder, records) = store(3);
    let asked = AlertInputs {
        bytes: b"asked about somebody at 0.75".to_vec().into(),
    };
    let team = ["team".to_owned()];
    let passed = pass(&records, 1, 1);
    let settled = |alert, seconds| records.settled_action(alert, at(seconds)).unwrap();
    assert!(settled(1, 2).is_none());
    records
        .route(&passed, &team, false, Some(&asked), at(3_600))
        .unwrap();
    let held = HeldInputs::Held(asked.clone());
    let action = settled(1, 3_601).unwrap();
    assert_eq!(action.channels, team);
    assert!(action.inputs == Some(held));
    let file = std::fs::read(folder.path().join("records.redb")).unwrap();
    let mut windows = file.windows(asked.bytes.len());
    assert!(!windows.any(|window| *window == **asked.bytes));

    // Nobody was asked about the second; the third was settled when its time was over.
    let passed = pass(&records, 2, 1);
    records.route(&passed, &team, true, None, at(2)).unwrap();
    assert!(settled(2, 3).unwrap().inputs.is_none());
    let passed = pass(&records, 3, 1);
    let (day, end) = (86_400, at(86_400));
    records
        .route(&passed, &team, true, Some(&asked), end)
        .unwrap();
    assert!(settled(3, day).unwrap().inputs == Some(HeldInputs::NeverKept));

    // A day from when it was raised, not from when it was passed.
    let report = records.sweep(end).unwrap();
    assert_eq!((report.alerts, report.inputs), (3, 1));
    let inputs = settled(1, day).unwrap().inputs;
    assert!(inputs == Some(HeldInputs::Expired { at: end }));

    let too_many = AlertInputs {
        bytes: vec![0; (4 << 20) + 1].into(),
    };
    let refused = records.route(&passed, &team, true, Some(&too_many), end);
    assert!(matches!(refused, Err(RecordsError::Refused { .. })));
}
