//! What the register keeps in any order of steps and with clocks that jump by years: nothing goes that is young or has not ended, and what is left is a whole chain.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use overt_records::{ForceError, KeepRules, Moment, RegisterState, Rules, Verdict};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use std::cell::Cell;
use support::force::{DAY, NOW};
use support::register::{at, nothing, order, rules, signed, terms};
use support::years::{YEAR, after, place, who};

/// A step that somebody may try.
#[derive(Clone, Debug)]
enum Try {
    Plan(usize),
    Decide(u32, Decision),
    /// Days go by.
    Pass(i64),
    /// Somebody sets the calendar so many years off.
    SetCalendar(i64),
    SetRight,
    /// The officer knows what day it is, and names the day of so many days before the last that may go.
    LetGo(i64),
}

#[derive(Clone, Copy, Debug)]
enum Decision {
    Authorise,
    Refuse,
    Cancel,
    Close,
}

fn tries() -> impl Strategy<Value = Vec<Try>> {
    use Decision::*;
    let decision = prop::sample::select(&[Authorise, Refuse, Cancel, Close][..]);
    let one = prop_oneof![
        12 => (0..3usize).prop_map(Try::Plan),
        16 => (1..6u32, decision).prop_map(|(number, decision)| Try::Decide(number, decision)),
        12 => (1..150i64).prop_map(Try::Pass),
        1 => (-12..12i64).prop_map(Try::SetCalendar),
        1 => Just(Try::SetRight),
        10 => (-60..20i64).prop_map(Try::LetGo),
    ];
    prop::collection::vec(one, 20..60)
}

/// The rules keep the register for so many days here.
const KEPT: i64 = 100;

fn is_free(state: RegisterState) -> bool {
    matches!(state, RegisterState::Refused | RegisterState::Cancelled)
}

#[test]
fn no_order_of_steps_and_no_clock_lets_anything_go_that_is_young_or_has_not_ended() {
    let went = Cell::new(0);
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 48,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let run = runner.run(&tries(), |tries| {
        let place = place();
        let force = &place.force;
        let kept = Rules {
            keep: KeepRules {
                register_days: KEPT as u32,
                ..rules(2).keep
            },
            ..rules(2)
        };
        force
            .adopt_rules(&signed(kept, 1), &who(&place, "sue", &after(0)), &after(0))
            .unwrap();
        let ids = ["deployment-a-x", "deployment-b-x", "deployment-c-x"];
        // By the calendar on the wall, and what the machine's is off.
        let (mut wall, mut off, mut is_back) = (0i64, 0i64, false);
        // State, when anything last happened by the wall, whether it is gone.
        let mut said: Vec<(RegisterState, i64, bool)> = Vec::new();
        for one in tries {
            let now = Moment {
                at: at(NOW + wall + off),
                boot: "first".into(),
                since_boot_ms: 5_000 + wall as u64,
            };
            match one {
                Try::Pass(days) => wall += days * DAY,
                Try::SetCalendar(years) => {
                    off = years * YEAR;
                    is_back |= years < 0;
                }
                Try::SetRight => off = 0,
                Try::Plan(id) => {
                    let mut asked = terms(ids[id]);
                    asked.start = now.at;
                    asked.end = now.at.after_hours(4);
                    let paul = who(&place, "paul", &now);
                    if let Ok(planned) = force.plan(&asked, &paul, &now) {
                        prop_assert_eq!(planned.number() as usize, said.len() + 1);
                        said.push((RegisterState::Planned, wall, false));
                    }
                }
                Try::Decide(number, decision) => {
                    let Some(entry) = said.get_mut(number as usize - 1) else {
                        continue;
                    };
                    // Credentials end some day, and a calendar can say that it is later.
                    let Ok(sue) = place.sign_in_at("sue", &now) else {
                        continue;
                    };
                    let sue = sue.signed_in;
                    let done = match decision {
                        Decision::Authorise => force.authorise(number, &order(), &sue, &now),
                        Decision::Refuse => force.refuse(number, "no", &sue, &now),
                        Decision::Cancel => force.cancel(number, "no", &sue, &now),
                        Decision::Close => force
                            .close(number, &nothing(), "{}", &sue, &now)
                            .and_then(|_| force.registered(number)),
                    };
                    if let Ok(done) = done {
                        prop_assert!(!entry.2);
                        *entry = (done.state(), wall, false);
                    }
                }
                Try::LetGo(days) => {
                    let sue = who(&place, "sue", &now);
                    let day = at(NOW + wall - KEPT * DAY + days * DAY);
                    let may = day.unix_ms() <= now.at.unix_ms() - KEPT * DAY;
                    match force.destroy_over_period(day, &sue, &now) {
                        Err(refused) => {
                            let is_within = matches!(refused, ForceError::WithinPeriod { .. });
                            prop_assert!(is_within && !may, "{}", refused);
                        }
                        Ok(over) => {
                            prop_assert!(may);
                            went.set(went.get() + over.entries.len());
                            for entry in over.entries {
                                let known = &mut said[entry.number as usize - 1];
                                prop_assert!(!known.2);
                                prop_assert!(is_free(known.0) || known.0 == RegisterState::Closed);
                                prop_assert!(entry.ended < day);
                                // Whoever names an honest day destroys nothing young, whatever the clock says now, unless it once told it to be older than it is.
                                if days <= 0 && !is_back {
                                    prop_assert!(wall - known.1 >= KEPT * DAY);
                                }
                                known.2 = true;
                            }
                        }
                    }
                }
            }
        }
        let left: Vec<u32> = force
            .register()
            .unwrap()
            .iter()
            .map(|entry| entry.number())
            .collect();
        let expected: Vec<u32> = (1..)
            .zip(&said)
            .filter(|(_, said)| !said.2)
            .map(|(number, _)| number)
            .collect();
        prop_assert_eq!(left, expected);
        for (number, said) in (1..).zip(&said) {
            let gone = matches!(force.registered(number), Err(ForceError::EntryGone { .. }));
            prop_assert_eq!(gone, said.2);
        }
        let log = force.audit_log().unwrap();
        prop_assert_eq!(log.verify(&[]).verdict, Verdict::TailUnproven);
        prop_assert_eq!(log.register_differs(), None);
        Ok(())
    });
    run.unwrap();
    assert!(went.get() > 0, "in no order anything went");
}
