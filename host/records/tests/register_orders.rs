//! The register in any order of steps, with clocks that jump: no run outside an authorised window, numbers without gaps, and a log that verifies and says the same.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use overt_records::{Moment, RegisterState, Timestamp, Verdict};
use proptest::prelude::*;
use support::force::{HOUR, MINUTE, NOW, moment};
use support::register::{asked, at, nothing, order, ruled, terms};

/// A step that somebody may try, of one of two deployments.
#[derive(Clone, Debug)]
enum Try {
    Plan(usize),
    Authorise(u32),
    Refuse(u32),
    Extend(u32, i64),
    Cancel(u32),
    Run(usize),
    EndRun,
    Close(u32),
    Pass(u64),
    SetCalendar(i64),
}

fn tries() -> impl Strategy<Value = Vec<Try>> {
    let number = || 1..4u32;
    let one = prop_oneof![
        3 => (0..2usize).prop_map(Try::Plan),
        4 => number().prop_map(Try::Authorise),
        1 => number().prop_map(Try::Refuse),
        2 => (number(), 3..14i64).prop_map(|(n, h)| Try::Extend(n, h)),
        1 => number().prop_map(Try::Cancel),
        6 => (0..2usize).prop_map(Try::Run),
        2 => Just(Try::EndRun),
        1 => number().prop_map(Try::Close),
        4 => (1..100u64).prop_map(Try::Pass),
        1 => (-5..5i64).prop_map(Try::SetCalendar),
    ];
    prop::collection::vec(one, 1..40)
}

/// What a reader of the rules would say of an entry, kept beside the store.
struct Said {
    id: usize,
    state: RegisterState,
    until: i64,
    ran: bool,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn no_order_of_steps_lets_a_run_begin_outside_an_authorised_window(tries in tries()) {
        let place = ruled();
        let force = &place.force;
        let ids = ["one", "two"];
        let mut said: Vec<Said> = Vec::new();
        let mut open = None;
        let (mut clock, mut calendar, mut latest) = (0u64, NOW, NOW);
        for one in tries {
            match one {
                Try::Pass(minutes) => {
                    clock += minutes * MINUTE;
                    calendar += (minutes * MINUTE) as i64;
                    continue;
                }
                Try::SetCalendar(hours) => {
                    calendar += hours * HOUR;
                    continue;
                }
                _ => {}
            }
            let now = Moment { at: at(calendar), ..moment(clock) };
            // Signing in shows the store the time.
            latest = latest.max(calendar);
            let who = |id: &str| place.sign_in_at(id, &now).unwrap().signed_in;
            let index = |number: u32| number as usize - 1;
            let entry = |number: u32| said.get(index(number)).map(|found| (found.state, found.until));
            let start = terms("one").start.unix_ms();
            use RegisterState as State;
            match one {
                Try::Plan(id) => {
                    let last = said.iter().rev().find(|found| found.id == id);
                    let free = last.is_none_or(|found| found.state == State::Refused || (found.state == State::Cancelled && !found.ran));
                    let done = force.plan(&terms(ids[id]), &who("paul"), &now);
                    prop_assert_eq!(done.is_ok(), free);
                    if let Ok(planned) = done {
                        prop_assert_eq!(index(planned.number()), said.len());
                        said.push(Said { id, state: State::Planned, until: terms("one").end.unix_ms(), ran: false });
                    }
                }
                Try::Authorise(number) => {
                    let may = entry(number).is_some_and(|(state, until)| state == State::Planned && latest < until);
                    let done = force.authorise(number, &order(), &who("sue"), &now);
                    prop_assert_eq!(done.is_ok(), may);
                    if may { said[index(number)].state = State::Authorised; }
                }
                Try::Refuse(number) => {
                    let may = entry(number).is_some_and(|(state, _)| state == State::Planned);
                    prop_assert_eq!(force.refuse(number, "no", &who("sue"), &now).is_ok(), may);
                    if may { said[index(number)].state = State::Refused; }
                }
                Try::Extend(number, hours) => {
                    let later = NOW + hours * HOUR;
                    let may = entry(number).is_some_and(|(state, until)| state == State::Authorised && latest < until && later > until);
                    let done = force.extend(number, at(later), "REF", "more", &who("sue"), &now);
                    prop_assert_eq!(done.is_ok(), may);
                    if may { said[index(number)].until = later; }
                }
                Try::Cancel(number) => {
                    let may = entry(number).is_some_and(|(state, _)| matches!(state, State::Planned | State::Authorised));
                    prop_assert_eq!(force.cancel(number, "no", &who("sue"), &now).is_ok(), may);
                    if may { said[index(number)].state = State::Cancelled; }
                }
                Try::Run(id) => {
                    let last = said.iter().rposition(|found| found.id == id);
                    let may = last.is_some_and(|last| said[last].state == State::Authorised && start <= calendar && latest < said[last].until);
                    let done = force.begin_run(&asked(terms(ids[id])), &who("anna"), &now);
                    prop_assert_eq!(done.is_ok(), may, "{:?}", done);
                    if let Ok(started) = done {
                        said[index(started.entry.number())].ran = true;
                        open = Some(started);
                    }
                }
                Try::EndRun => if let Some(started) = open.take() {
                    force.end_run(&started, false, Timestamp::from_unix_ms(calendar)).unwrap();
                },
                Try::Close(number) => {
                    let may = entry(number).is_some_and(|(state, _)| matches!(state, State::Authorised | State::Cancelled));
                    prop_assert_eq!(force.close(number, &nothing(), "{}", &who("sue"), &now).is_ok(), may);
                    if may { said[index(number)].state = State::Closed; }
                }
                Try::Pass(_) | Try::SetCalendar(_) => {}
            }
        }
        let register = force.register().unwrap();
        prop_assert_eq!(register.len(), said.len());
        for (number, (entry, said)) in (1..).zip(register.iter().zip(&said)) {
            prop_assert_eq!(entry.number(), number);
            prop_assert_eq!(entry.state(), said.state);
            prop_assert_eq!(entry.until(), at(said.until));
        }
        let log = force.audit_log().unwrap();
        prop_assert_eq!(log.verify(&[]).verdict, Verdict::TailUnproven);
        prop_assert_eq!(log.register_differs(), None);
    }
}
