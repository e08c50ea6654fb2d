//! No order of steps, people and times leads past the rules.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::force::{Credential, PersonRole};

const DAY: i64 = 86_400_000;

const LIMITS: JudgementLimits = JudgementLimits {
    adjudication_ms: 60_000,
    engagement_ms: 120_000,
    location_ms: 600_000,
};

fn at(ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(ms)
}

fn judge(person: &str, role: JudgingRole) -> Judge {
    Judge {
        person: person.into(),
        name: format!("Officer {person}"),
        role,
        credential: Credential {
            role: PersonRole::Operator,
            selection: "by interview".into(),
            course: "LFR operators".into(),
            version: "3".into(),
            from: at(0),
            until: at(DAY),
        },
    }
}

fn step(ms: i64, by: Option<Judge>, kind: StepKind) -> Step {
    Step {
        at: at(ms),
        opened_at: by.is_some().then(|| at(ms - 5)),
        by,
        kind,
    }
}

fn operator(ms: i64, kind: StepKind) -> Step {
    step(ms, Some(judge("op", JudgingRole::Operator)), kind)
}

fn officer(ms: i64, kind: StepKind) -> Step {
    step(ms, Some(judge("eo", JudgingRole::EngagementOfficer)), kind)
}

fn stop() -> Stop {
    Stop {
        place: "Market Square".into(),
        from: at(1),
        to: at(2),
        identity: IdentityCheck::Made,
        method: "passport".into(),
        fingerprints: false,
    }
}

/// A life of these steps, all of which are allowed.
fn lived(steps: Vec<Step>) -> Life {
    let mut life = Life::default();
    for step in steps {
        life.add(at(0), &LIMITS, step).unwrap();
    }
    life
}

fn refused(life: &Life, step: Step) -> NotAllowed {
    life.clone().add(at(0), &LIMITS, step).unwrap_err()
}

#[test]
fn an_alert_goes_from_raised_to_its_disposal_through_two_people() {
    let confirmed = StepKind::Confirmed {
        correct: true,
        stop: stop(),
    };
    let life = lived(vec![
        operator(1_000, StepKind::Passed),
        officer(2_000, StepKind::Viable),
        officer(3_000, StepKind::Engaged),
        // A stop takes as long as it takes: no limit ends it.
        officer(900_000, confirmed),
        officer(900_001, StepKind::Disposal(Disposal::Arrest)),
    ]);
    assert_eq!(life.state(), LifeState::Closed(Closed::ConfirmedTrue));
    let again = officer(
        900_002,
        StepKind::Disposal(Disposal::Other("a caution".into())),
    );
    assert!(matches!(
        refused(&life, again),
        NotAllowed::OutOfTurn { .. }
    ));
}

#[test]
fn the_operator_is_never_the_engagement_officer_of_the_same_alert() {
    let passed = lived(vec![operator(1_000, StepKind::Passed)]);
    let both = judge("op", JudgingRole::EngagementOfficer);
    for kind in [StepKind::Viable, StepKind::NotViable] {
        assert_eq!(
            refused(&passed, step(2_000, Some(both.clone()), kind)),
            NotAllowed::SamePerson {
                name: "Officer op".into()
            }
        );
    }
    let viable = lived(vec![
        operator(1_000, StepKind::Passed),
        officer(2_000, StepKind::Viable),
    ]);
    let engaged = step(3_000, Some(both), StepKind::Engaged);
    assert!(matches!(
        refused(&viable, engaged),
        NotAllowed::SamePerson { .. }
    ));
}

#[test]
fn each_judgement_is_of_its_role_with_a_credential_and_after_a_look() {
    let raised = Life::default();
    assert!(matches!(
        refused(&raised, officer(1_000, StepKind::Passed)),
        NotAllowed::OtherRole { .. }
    ));
    assert_eq!(
        refused(&raised, step(1_000, None, StepKind::Passed)),
        NotAllowed::NoPerson
    );
    let mut unseen = operator(1_000, StepKind::Passed);
    unseen.opened_at = None;
    assert!(matches!(
        refused(&raised, unseen),
        NotAllowed::NotSeen { .. }
    ));
    let mut early = operator(1_000, StepKind::Passed);
    early.by.as_mut().unwrap().credential.from = at(1_001);
    assert!(matches!(
        refused(&raised, early),
        NotAllowed::NoCredential { .. }
    ));
    let mut late = operator(1_000, StepKind::Passed);
    late.by.as_mut().unwrap().credential.until = at(1_000);
    assert!(matches!(
        refused(&raised, late),
        NotAllowed::NoCredential { .. }
    ));
}

#[test]
fn an_alert_that_nobody_judges_in_time_lapses_and_a_clock_that_is_set_back_wins_no_time() {
    let raised = Life::default();
    assert!(raised.lapse(at(0), &LIMITS, at(60_000)).is_none());
    let lapsed = raised.lapse(at(0), &LIMITS, at(60_001)).unwrap();
    assert_eq!(
        lapsed.kind,
        StepKind::Lapsed {
            limit: LimitOf::Adjudication
        }
    );
    assert_eq!(
        refused(&raised, operator(60_001, StepKind::Passed)),
        NotAllowed::TooLate
    );
    // Passed at 50 s; the clock then says 10 s. The engagement officer's time counts from 50 s, and an expired credential stays expired.
    let passed = lived(vec![operator(50_000, StepKind::Passed)]);
    let mut expired = officer(10_000, StepKind::Viable);
    expired.by.as_mut().unwrap().credential.until = at(40_000);
    assert!(matches!(
        refused(&passed, expired),
        NotAllowed::NoCredential { .. }
    ));
    assert!(passed.lapse(at(0), &LIMITS, at(10_000)).is_none());
    assert!(passed.lapse(at(0), &LIMITS, at(170_001)).is_some());
}

#[test]
fn nothing_withdraws_or_lapses_once_an_officer_speaks_to_somebody() {
    let of = RetentionOf::Entry;
    for kind in [StepKind::Withdrawn, StepKind::WithdrawnByRetention { of }] {
        nothing_once_engaged(&kind);
    }
}

/// An alert that is open is withdrawn by this step, and one over which somebody is engaged is not, nor does it lapse.
fn nothing_once_engaged(kind: &StepKind) {
    let withdrawn = |ms| step(ms, None, kind.clone());
    let viable = lived(vec![
        operator(1_000, StepKind::Passed),
        officer(2_000, StepKind::Viable),
    ]);
    let mut gone = viable.clone();
    gone.add(at(0), &LIMITS, withdrawn(3_000)).unwrap();
    assert_eq!(gone.state(), LifeState::Closed(Closed::Withdrawn));
    let mut engaged = viable;
    engaged
        .add(at(0), &LIMITS, officer(3_000, StepKind::Engaged))
        .unwrap();
    assert!(matches!(
        refused(&engaged, withdrawn(4_000)),
        NotAllowed::OutOfTurn { .. }
    ));
    assert!(engaged.lapse(at(0), &LIMITS, at(DAY / 2)).is_none());
}

#[test]
fn only_not_this_person_and_confirmed_false_are_false_alerts() {
    let rejects = [
        Reject::NotThisPerson,
        Reject::NoLongerWanted,
        Reject::NotProportionate,
        Reject::CannotTell,
    ];
    let mut closed: Vec<Closed> = rejects.into_iter().map(Closed::Rejected).collect();
    closed.extend([
        Closed::NotViable,
        Closed::NotLocated,
        Closed::ConfirmedTrue,
        Closed::ConfirmedFalse,
        Closed::Lapsed,
        Closed::Withdrawn,
    ]);
    let counted: Vec<Closed> = closed
        .into_iter()
        .filter(|closed| closed.is_false_alert())
        .collect();
    assert_eq!(
        counted,
        [
            Closed::Rejected(Reject::NotThisPerson),
            Closed::ConfirmedFalse
        ]
    );
}

fn any_step() -> impl Strategy<Value = Step> {
    let kind = prop_oneof![
        Just(StepKind::Passed),
        Just(StepKind::Rejected(Reject::NotThisPerson)),
        Just(StepKind::Rejected(Reject::CannotTell)),
        Just(StepKind::Viable),
        Just(StepKind::NotViable),
        Just(StepKind::NotLocated),
        Just(StepKind::Engaged),
        any::<bool>().prop_map(|correct| StepKind::Confirmed {
            correct,
            stop: stop()
        }),
        Just(StepKind::Disposal(Disposal::NoFurtherAction)),
        Just(StepKind::Lapsed {
            limit: LimitOf::Adjudication
        }),
        Just(StepKind::Withdrawn),
        Just(StepKind::WithdrawnByRetention {
            of: RetentionOf::Entry
        }),
    ];
    let person = prop_oneof![
        Just(None),
        (0..3_u8, any::<bool>()).prop_map(|(person, operates)| {
            let role = match operates {
                true => JudgingRole::Operator,
                false => JudgingRole::EngagementOfficer,
            };
            Some(judge(&person.to_string(), role))
        })
    ];
    // Jumps forwards and backwards.
    let time = -10_000..400_000_i64;
    (time, person, kind, any::<bool>()).prop_map(|(ms, by, kind, looked)| {
        let mut step = step(ms, by, kind);
        if !looked {
            step.opened_at = None;
        }
        step
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Whatever comes in whatever order: what is on the record obeys the law.
    #[test]
    fn no_order_of_steps_leads_to_a_stop_without_two_people(
        steps in proptest::collection::vec(any_step(), 1..40)
    ) {
        let mut life = Life::default();
        for step in steps {
            let before = life.clone();
            if life.add(at(0), &LIMITS, step).is_err() {
                prop_assert_eq!(&life, &before);
            }
        }
        let is = |is_it: fn(&StepKind) -> bool| {
            life.steps().iter().filter(|step| is_it(&step.kind)).collect::<Vec<_>>()
        };
        let first = is(|kind| matches!(kind, StepKind::Passed | StepKind::Rejected(_)));
        let second = is(|kind| matches!(kind, StepKind::Viable | StepKind::NotViable));
        let engaged = is(|kind| matches!(kind, StepKind::Engaged));
        let confirmed = is(|kind| matches!(kind, StepKind::Confirmed { .. }));
        let ended = is(|kind| matches!(
            kind,
            StepKind::Rejected(_) | StepKind::NotViable | StepKind::NotLocated
                | StepKind::Confirmed { .. } | StepKind::Lapsed { .. } | StepKind::Withdrawn
                | StepKind::WithdrawnByRetention { .. }
        ));
        // One decision, recorded once; one end.
        for once in [&first, &second, &engaged, &confirmed, &ended] {
            prop_assert!(once.len() <= 1);
        }
        // Nobody is engaged without a pass and a second judgement, by two people with the roles, who looked.
        if !engaged.is_empty() {
            let (first, second) = (first[0], second[0]);
            let (one, other) = (first.by.as_ref().unwrap(), second.by.as_ref().unwrap());
            prop_assert_ne!(one.person(), other.person());
            prop_assert_eq!(one.role(), JudgingRole::Operator);
            prop_assert_eq!(other.role(), JudgingRole::EngagementOfficer);
            prop_assert!(first.opened_at.is_some() && second.opened_at.is_some());
            prop_assert!(life.passed_by() == Some(one) && life.viable_by() == Some(other));
        }
        // What a person decides has a person; what time and the watchlist do has none.
        for step in life.steps() {
            let nobody = matches!(
                step.kind,
                StepKind::Lapsed { .. } | StepKind::Withdrawn | StepKind::WithdrawnByRetention { .. }
            );
            prop_assert_eq!(step.by.is_none(), nobody);
        }
        // A disposal is said of a stop alone.
        let disposals = is(|kind| matches!(kind, StepKind::Disposal(_)));
        prop_assert!(disposals.len() <= confirmed.len());
    }
}
