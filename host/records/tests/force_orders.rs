//! People and sessions in any order of steps: nobody acts without a session, a role and a credential that is valid.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use overt_records::{ForceError, Moment, Person, PersonRole, SessionEnd, SessionToken, Timestamp};
use proptest::prelude::*;
use std::collections::BTreeMap;
use support::force::{DAY, HOUR, MINUTE, NOW, Place, UID, credential, password};

/// A step that somebody may try.
#[derive(Clone, Debug)]
enum Try {
    SignIn(usize),
    SignInWrongly(usize),
    SignOut(usize),
    AddRole(usize, usize, PersonRole),
    RemoveRole(usize, usize, PersonRole),
    AddCredential(usize, usize, PersonRole, i64),
    Withdraw(usize, usize, u32),
    Disable(usize, usize),
    Pass(u64),
    SetCalendar(i64),
    SwitchOn,
    Act(usize, PersonRole),
}

fn tries() -> impl Strategy<Value = Vec<Try>> {
    let who = || 0..3usize;
    let role = || prop::sample::select(&[PersonRole::AuthorisingOfficer, PersonRole::Operator][..]);
    let one = prop_oneof![
        4 => who().prop_map(Try::SignIn),
        1 => who().prop_map(Try::SignInWrongly),
        1 => who().prop_map(Try::SignOut),
        2 => (who(), who(), role()).prop_map(|(a, b, r)| Try::AddRole(a, b, r)),
        1 => (who(), who(), role()).prop_map(|(a, b, r)| Try::RemoveRole(a, b, r)),
        3 => (who(), who(), role(), 1..20i64).prop_map(|(a, b, r, d)| Try::AddCredential(a, b, r, d)),
        1 => (who(), who(), 1..4u32).prop_map(|(a, b, n)| Try::Withdraw(a, b, n)),
        1 => (who(), who()).prop_map(|(a, b)| Try::Disable(a, b)),
        2 => (1..45u64).prop_map(Try::Pass),
        1 => (-3..3i64).prop_map(Try::SetCalendar),
        1 => Just(Try::SwitchOn),
        6 => (who(), role()).prop_map(|(a, r)| Try::Act(a, r)),
    ];
    prop::collection::vec(one, 1..60)
}

/// What a reader of the rules would say, kept beside the store.
#[derive(Default)]
struct Said {
    /// The person's session: minutes by the machine since it was begun and since it was used, and the calendar then.
    session: Option<(u64, u64, i64, i64)>,
    roles: Vec<PersonRole>,
    /// Role, end, withdrawn.
    credentials: Vec<(PersonRole, i64, bool)>,
    disabled: bool,
}

proptest! {


    #[test]
    fn no_order_of_steps_lets_anybody_act_without_session_role_and_credential(tries in tries()) {
        let place = Place::new();
        let force = &place.force;
        let ids = ["boss", "eve", "joe"];
        for id in &ids[1..] {
            place.with(id, &[]);
        }
        let mut said: Vec<Said> = (0..3).map(|_| Said::default()).collect();
        said[0].roles.push(PersonRole::AuthorisingOfficer);
        said[0].credentials.push((PersonRole::AuthorisingOfficer, NOW + 10 * DAY, false));
        let mut tokens: BTreeMap<usize, SessionToken> = BTreeMap::new();
        let (mut clock, mut calendar, mut latest, mut boot) = (10_000u64, NOW, NOW, 0);

        for one in tries {
            // Time passes, so that a wrong password never locks for longer than a step.
            clock += MINUTE;
            calendar += MINUTE as i64;
            let now = Moment { at: Timestamp::from_unix_ms(calendar), boot: boot.to_string(), since_boot_ms: clock };
            let has_session = |said: &Said| said.session.is_some_and(|(begun, used, begun_at, used_at)| {
                let gone = |machine: u64, at: i64| (clock - machine).max((calendar - at).max(0) as u64);
                !said.disabled && gone(begun, begun_at) < 8 * HOUR as u64 && gone(used, used_at) < 30 * MINUTE
            });
            let may = |said: &Said, role: PersonRole, latest: i64| has_session(said) && said.roles.contains(&role)
                && said.credentials.iter().any(|(of, until, withdrawn)| *of == role && !withdrawn && latest.max(calendar) < *until);
            // Whoever tries to do something shows the token that they have, and what comes back is used at once.
            let shown = |who: usize| match tokens.get(&who) {
                Some(token) => force.verify(token, UID, &now),
                None => Err(ForceError::Session { cause: SessionEnd::Unknown }),
            };
            let used = |said: &mut Said| if let Some(session) = &mut said.session {
                (session.1, session.3) = (clock, calendar);
            };
            let change = |by: usize, whom: usize, said: &mut Vec<Said>, latest: i64, work: &dyn Fn(&overt_records::SignedIn) -> Result<Person, ForceError>| {
                let allowed = may(&said[by], PersonRole::AuthorisingOfficer, latest) && by != whom;
                let had = has_session(&said[by]);
                let done = shown(by).and_then(|by| work(&by));
                if had { used(&mut said[by]); }
                if done.is_ok() {
                    assert!(allowed, "{one:?} was done");
                    assert!(!said[whom].disabled);
                }
                done.is_ok()
            };
            match one {
                Try::SignIn(who) => {
                    let answer = place.sign_in_at(ids[who], &now);
                    assert_eq!(answer.is_ok(), !said[who].disabled, "{answer:?}");
                    if let Ok(session) = answer {
                        // Sessions that are over by now are removed then: no calendar that is set back revives them.
                        let over: Vec<bool> = said.iter().map(|said| !has_session(said)).collect();
                        for (said, over) in said.iter_mut().zip(over) {
                            if over { said.session = None; }
                        }
                        tokens.insert(who, session.token);
                        said[who].session = Some((clock, clock, calendar, calendar));
                        latest = latest.max(calendar);
                    }
                }
                Try::SignInWrongly(who) => {
                    let answer = force.sign_in(ids[who], &password("a wrong password"), UID, &now);
                    assert!(answer.is_err());
                    // A right one follows later, unless nobody may.
                    clock += HOUR as u64;
                    calendar += HOUR;
                }
                Try::SignOut(who) => {
                    if let Some(token) = tokens.get(&who) {
                        force.sign_out(token, now.at).unwrap();
                        said[who].session = None;
                    }
                }
                Try::AddRole(by, whom, role) => {
                    if change(by, whom, &mut said, latest, &|by| force.add_role(ids[whom], role, by, &now)) {
                        said[whom].roles.push(role);
                    }
                }
                Try::RemoveRole(by, whom, role) => {
                    if change(by, whom, &mut said, latest, &|by| force.remove_role(ids[whom], role, by, &now)) {
                        said[whom].roles.retain(|held| *held != role);
                    }
                }
                Try::AddCredential(by, whom, role, days) => {
                    let new = credential(role, days);
                    if change(by, whom, &mut said, latest, &|by| force.add_credential(ids[whom], &new, by, &now)) {
                        said[whom].credentials.push((role, new.until.unix_ms(), false));
                    }
                }
                Try::Withdraw(by, whom, number) => {
                    if change(by, whom, &mut said, latest, &|by| force.withdraw_credential(ids[whom], number, "resat", by, &now)) {
                        said[whom].credentials[number as usize - 1].2 = true;
                    }
                }
                Try::Disable(by, whom) => {
                    if change(by, whom, &mut said, latest, &|by| force.disable(ids[whom], "left", by, &now)) {
                        said[whom].disabled = true;
                        said[whom].session = None;
                    }
                }
                Try::Pass(minutes) => {
                    clock += minutes * MINUTE;
                    calendar += (minutes * MINUTE) as i64;
                }
                Try::SetCalendar(days) => calendar += days * DAY,
                Try::SwitchOn => {
                    (boot, clock) = (boot + 1, 10_000);
                    said.iter_mut().for_each(|said| said.session = None);
                }
                Try::Act(who, role) => {
                    let expected = may(&said[who], role, latest);
                    let had = has_session(&said[who]);
                    let acted = shown(who).and_then(|who| Ok(who.acting_as(role)?));
                    if had { used(&mut said[who]); }
                    // Valid credentials begin the day before NOW; a calendar set back before that makes them invalid, which is no way to act.
                    if expected && latest.max(calendar) >= NOW - DAY {
                        assert!(acted.is_ok(), "{acted:?}");
                    } else {
                        assert!(acted.is_err(), "{who} acted as {role}");
                    }
                }
            }
        }
    }
}
