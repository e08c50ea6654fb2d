//! People and sessions: who may do what, and that nobody else comes to it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use overt_records::{
    Force, ForceError, MayNot, Moment, PasswordProblem, PeopleChange, PersonRole, RecordsError,
    Session, SessionEnd, SessionToken, Store, Timestamp,
};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use support::force::{DAY, HOUR, MINUTE, NOW, Place, UID, credential, moment, new, password};

fn ended(result: Result<impl Sized, ForceError>) -> SessionEnd {
    match result.err().unwrap() {
        ForceError::Session { cause } => cause,
        other => panic!("{other}"),
    }
}

#[test]
fn the_first_person_is_made_by_nobody_and_everybody_after_by_somebody_who_may() {
    let place = Place::new();
    assert_eq!(place.force.person("boss").unwrap().made_by, None);
    let second = place.init("other", 10).unwrap_err();
    assert!(matches!(second, ForceError::NotFirst { ref person, .. } if person == "boss"));
    place.with("eve", &[PersonRole::Operator, PersonRole::Auditor]);
    let made = place.force.person("eve").unwrap();
    assert_eq!(made.made_by.unwrap().person(), Some("boss"));
    // A role without a credential is not enough, and a credential without the role is none.
    let eve = place.sign_in("eve").signed_in;
    let refused = eve.acting_as(PersonRole::Operator).unwrap_err();
    assert!(matches!(refused, MayNot::Credential { .. }), "{refused}");
    let boss = place.sign_in("boss").signed_in;
    for role in [PersonRole::Operator, PersonRole::SystemEngineer] {
        place
            .force
            .add_credential("eve", &credential(role, 2), &boss, &moment(0))
            .unwrap();
    }
    let eve = place.sign_in("eve").signed_in;
    let by = eve.acting_as(PersonRole::Operator).unwrap();
    assert_eq!(by.to_string(), "eve Example (eve)");
    assert_eq!(by.credential().unwrap().course, "LFR for officers");
    assert!(matches!(
        eve.acting_as(PersonRole::SystemEngineer),
        Err(MayNot::Role { .. })
    ));
    // And who is no authorising officer makes nobody.
    let refused = place.force.add(
        &new("mallory", &[]),
        &password("chosen by eve"),
        &eve,
        &moment(0),
    );
    assert!(matches!(
        refused,
        Err(ForceError::MayNot(MayNot::Role { .. }))
    ));
}

#[test]
fn nobody_changes_what_they_may_do_themselves() {
    let place = Place::new();
    let boss = place.sign_in("boss").signed_in;
    let (force, now) = (&place.force, moment(0));
    let own = [
        force.add_role("boss", PersonRole::Operator, &boss, &now),
        force.remove_role("boss", PersonRole::AuthorisingOfficer, &boss, &now),
        force.add_credential(
            "boss",
            &credential(PersonRole::AuthorisingOfficer, 99),
            &boss,
            &now,
        ),
        force.withdraw_credential("boss", 1, "mine", &boss, &now),
        force.disable("boss", "mine", &boss, &now),
    ];
    for result in own {
        assert!(matches!(result, Err(ForceError::Own { .. })));
    }
}

#[test]
fn when_nobody_is_left_who_may_make_people_the_console_makes_one_again() {
    let place = Place::new();
    let later = moment(11 * DAY as u64);
    let credential = credential(PersonRole::AuthorisingOfficer, 99);
    let again = |id: &str, now: &Moment| {
        let own = password("another own password");
        place.force.init(&new(id, &[]), &credential, &own, now)
    };
    assert!(matches!(
        again("next", &moment(0)),
        Err(ForceError::NotFirst { .. })
    ));
    assert!(matches!(
        again("boss", &later),
        Err(ForceError::Exists { .. })
    ));
    again("next", &later).unwrap();
    assert_eq!(place.force.people().unwrap().len(), 2);
}

#[test]
fn a_password_that_somebody_else_chose_opens_nothing() {
    let place = Place::new();
    let boss = place.sign_in("boss").signed_in;
    let initial = password("chosen by the boss");
    let now = moment(0);
    place
        .force
        .add(&new("eve", &[]), &initial, &boss, &now)
        .unwrap();
    let refused = place.force.sign_in("eve", &initial, UID, &now);
    assert!(matches!(refused, Err(ForceError::InitialPassword { .. })));
    let change = |to: &str| {
        place
            .force
            .change_password("eve", &initial, &password(to), &now)
    };
    for (to, problem) in [
        ("chosen by the boss", PasswordProblem::Same),
        ("short", PasswordProblem::Short),
        ("password1234", PasswordProblem::Common),
        ("eve Example", PasswordProblem::Short),
        ("EVE  Example  ", PasswordProblem::OwnName),
    ] {
        match change(to).unwrap_err() {
            ForceError::Password { cause } => assert_eq!(cause, problem, "{to}"),
            other => panic!("{other}"),
        }
    }
    change("eve own password").unwrap();
    assert!(matches!(
        place.force.sign_in("eve", &initial, UID, &now),
        Err(ForceError::WrongPassword)
    ));
    place.sign_in("eve");
}

#[test]
fn an_unknown_person_a_disabled_one_and_a_wrong_password_are_answered_alike() {
    let place = Place::new();
    for id in ["known", "gone"] {
        place.with(id, &[]);
    }
    let boss = place.sign_in("boss").signed_in;
    place
        .force
        .disable("gone", "left", &boss, &moment(0))
        .unwrap();
    let mut answers = Vec::new();
    for id in ["known", "gone", "nobody"] {
        let attempts = (0..12u64).map(|attempt| {
            // The right one of somebody disabled is no better than a wrong one.
            let text = if id == "gone" {
                "gone own password"
            } else {
                "a wrong password"
            };
            let at = moment(attempt * 20_000);
            let error = place
                .force
                .sign_in(id, &password(text), UID, &at)
                .unwrap_err();
            assert!(!error.to_string().contains(id), "{error}");
            error.to_string()
        });
        answers.push(attempts.collect::<Vec<_>>());
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
    assert!(
        answers[0][5].contains("too many wrong passwords"),
        "{:?}",
        answers[0]
    );
    // While it is locked, the right password opens nothing either; afterwards it does, and says what went before.
    assert!(matches!(
        place.sign_in_at("known", &moment(220_000)),
        Err(ForceError::Locked { .. })
    ));
    let opened = place.sign_in_at("known", &moment(HOUR as u64)).unwrap();
    assert!(opened.failed_before >= 5, "{}", opened.failed_before);
    assert_eq!(
        place
            .sign_in_at("known", &moment(HOUR as u64))
            .unwrap()
            .failed_before,
        0
    );
}

#[test]
fn ten_thousand_wrong_passwords_open_nothing_leave_few_rows_and_few_of_them_are_looked_at() {
    let place = Place::new();
    let mut looked_at = 0;
    let mut random = fastrand::Rng::with_seed(7);
    // One a second: for nearly three hours.
    for attempt in 0..10_000u64 {
        let guess: String = (0..14).map(|_| random.alphanumeric()).collect();
        match place
            .force
            .sign_in("boss", &password(&guess), UID, &moment(attempt * 1000))
        {
            Err(ForceError::WrongPassword) => looked_at += 1,
            Err(ForceError::Locked { wait_s }) => assert!((1..=3600).contains(&wait_s)),
            other => panic!("{other:?}"),
        }
    }
    // Four at once, then after half a minute, one, two … minutes, an hour.
    assert!((5..=14).contains(&looked_at), "{looked_at}");
    // As many ids that nobody has: they cannot make the store grow without end.
    let before = fs::metadata(place.force.path()).unwrap().len();
    for stranger in 0..3_000 {
        let id = format!("stranger-{stranger}");
        let _ = place
            .force
            .sign_in(&id, &password("a wrong password"), UID, &moment(0));
    }
    let after = fs::metadata(place.force.path()).unwrap().len();
    assert!(after < before + (4 << 20), "{before} {after}");
}

#[test]
fn a_session_ends_by_either_clock_and_setting_one_back_lengthens_none() {
    let place = Place::new();
    let verify = |session: &Session, at: i64, since_boot_ms: u64| {
        let now = Moment {
            at: Timestamp::from_unix_ms(at),
            boot: "first".into(),
            since_boot_ms,
        };
        place.force.verify(&session.token, UID, &now)
    };
    let begun = moment(0).since_boot_ms;
    // Nothing is done for half an hour, whatever the calendar was set to.
    for at in [NOW, NOW - 365 * DAY, NOW + 1, i64::MIN, i64::MAX] {
        let idle = place.sign_in("boss");
        assert_eq!(
            ended(verify(&idle, at, begun + 30 * MINUTE)),
            SessionEnd::Idle.max_of(at),
            "{at}"
        );
    }
    // A calendar that jumps ahead ends it early.
    let ahead = place.sign_in("boss");
    assert_eq!(
        ended(verify(&ahead, NOW + HOUR, begun + 1)),
        SessionEnd::Idle
    );
    assert_eq!(
        ended(verify(&ahead, NOW + 9 * HOUR, begun + 1)),
        SessionEnd::Over
    );
    // Something is done every twenty minutes, and the calendar stands still or goes back: after eight hours it is over.
    for step in [0, -7 * DAY] {
        let busy = place.sign_in("boss");
        for turn in 1..24 {
            let now = begun + turn * 20 * MINUTE;
            verify(&busy, NOW + step * turn as i64, now).unwrap();
        }
        assert_eq!(
            ended(verify(&busy, NOW, begun + 480 * MINUTE)),
            SessionEnd::Over
        );
    }
}

/// What a test expects where the calendar went past the session's whole time.
trait MaxOf {
    fn max_of(self, at: i64) -> Self;
}

impl MaxOf for SessionEnd {
    fn max_of(self, at: i64) -> Self {
        if at > NOW + 8 * HOUR {
            SessionEnd::Over
        } else {
            self
        }
    }
}

#[test]
fn an_expired_credential_stays_expired_when_the_calendar_is_set_back() {
    let place = Place::new();
    place.with("eve", &[PersonRole::Operator]);
    let boss = place.sign_in("boss").signed_in;
    let short = credential(PersonRole::Operator, 2);
    place
        .force
        .add_credential("eve", &short, &boss, &moment(0))
        .unwrap();
    let day3 = moment(3 * DAY as u64);
    let eve = place.sign_in_at("eve", &day3).unwrap();
    let expired = eve.signed_in.acting_as(PersonRole::Operator).unwrap_err();
    assert!(
        matches!(expired, MayNot::Expired { at, .. } if at == short.until),
        "{expired}"
    );
    let back = Moment {
        at: Timestamp::from_unix_ms(NOW),
        ..moment(3 * DAY as u64 + 1)
    };
    let eve = place.force.verify(&eve.token, UID, &back).unwrap();
    assert!(eve.acting_as(PersonRole::Operator).is_err());
    let eve = place.sign_in_at("eve", &back).unwrap().signed_in;
    assert!(eve.acting_as(PersonRole::Operator).is_err());
}

#[test]
fn a_token_serves_its_user_on_its_machine_until_it_is_switched_off() {
    let place = Place::new();
    let session = place.sign_in("boss");
    let verify = |token: &SessionToken, uid: u32, now: &Moment| place.force.verify(token, uid, now);
    verify(&session.token, UID, &moment(1)).unwrap();
    assert_eq!(
        ended(verify(&session.token, 0, &moment(1))),
        SessionEnd::OtherUser
    );
    let elsewhere = Moment {
        boot: "second".into(),
        ..moment(1)
    };
    assert_eq!(
        ended(verify(&session.token, UID, &elsewhere)),
        SessionEnd::SwitchedOff
    );
    // Guesses, and the session's own token with one bit turned.
    let text = session.token.to_text();
    let copy: SessionToken = text.parse().unwrap();
    verify(&copy, UID, &moment(2)).unwrap();
    for digit in 0..64 {
        let mut other: Vec<u8> = text.bytes().collect();
        other[digit] = if other[digit] == b'0' { b'1' } else { b'0' };
        let guess: SessionToken = String::from_utf8(other).unwrap().parse().unwrap();
        assert_eq!(ended(verify(&guess, UID, &moment(2))), SessionEnd::Unknown);
    }
    for text in [
        "",
        "0",
        &"g".repeat(64),
        &"0".repeat(63),
        &"0".repeat(65),
        &"é".repeat(32),
    ] {
        assert!(text.parse::<SessionToken>().is_err(), "{text}");
    }
    // Another force's store knows nothing of it.
    let other = Place::new();
    assert_eq!(
        ended(other.force.verify(&session.token, UID, &moment(2))),
        SessionEnd::Unknown
    );
    place.force.sign_out(&session.token, moment(3).at).unwrap();
    assert_eq!(
        ended(verify(&session.token, UID, &moment(3))),
        SessionEnd::Unknown
    );
    assert!(!format!("{session:?}").contains(&text[..8]));
}

#[test]
fn whoever_is_disabled_or_changed_their_password_has_no_session_left() {
    let place = Place::new();
    place.with("eve", &[]);
    place.with("joe", &[]);
    let (eve, joe) = (place.sign_in("eve"), place.sign_in("joe"));
    let boss = place.sign_in("boss").signed_in;
    place
        .force
        .disable("eve", "left", &boss, &moment(0))
        .unwrap();
    let (old, new) = (password("joe own password"), password("another of joe's"));
    place
        .force
        .change_password("joe", &old, &new, &moment(0))
        .unwrap();
    for session in [eve, joe] {
        assert_eq!(
            ended(place.force.verify(&session.token, UID, &moment(1))),
            SessionEnd::Unknown
        );
    }
}

#[test]
fn a_proof_that_was_good_a_moment_ago_changes_nobody() {
    let place = Place::new();
    place.with("second", &[PersonRole::AuthorisingOfficer]);
    let boss = place.sign_in("boss").signed_in;
    let long = credential(PersonRole::AuthorisingOfficer, 50);
    place
        .force
        .add_credential("second", &long, &boss, &moment(0))
        .unwrap();
    let second = place.sign_in("second");
    place
        .force
        .withdraw_credential("boss", 1, "resat", &second.signed_in, &moment(0))
        .unwrap();
    let stale = place
        .force
        .add_role("second", PersonRole::Auditor, &boss, &moment(0));
    assert!(matches!(
        stale,
        Err(ForceError::MayNot(MayNot::Credential { .. }))
    ));
    place.force.sign_out(&second.token, moment(0).at).unwrap();
    let stale = place
        .force
        .disable("boss", "out", &second.signed_in, &moment(0));
    assert_eq!(ended(stale), SessionEnd::Unknown);
    // And nothing of what was refused is on record.
    let events = place.force.events().unwrap();
    assert!(events.iter().all(|event| {
        !matches!(
            event.change,
            PeopleChange::RoleAdded(_) | PeopleChange::Disabled { .. }
        )
    }));
    let withdrawn = events
        .iter()
        .find(|event| matches!(event.change, PeopleChange::CredentialWithdrawn { .. }))
        .unwrap();
    assert_eq!(withdrawn.by.as_ref().unwrap().person(), Some("second"));
    assert_eq!(withdrawn.person.as_deref(), Some("boss"));
}

#[test]
fn the_files_bytes_hold_no_password_and_no_token() {
    let place = Place::new();
    place.with("eve", &[]);
    let session = place.sign_in("eve");
    let typed = [
        "eve own password",
        "chosen by the boss",
        "boss own password",
        "typed in the wrong field",
    ];
    let wrong = place
        .force
        .sign_in(typed[3], &password("of no account here"), UID, &moment(0));
    assert!(matches!(wrong, Err(ForceError::WrongPassword)));
    let bytes = fs::read(place.force.path()).unwrap();
    let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    // The test can find what is there.
    assert!(holds(b"eve Example"));
    let text = session.token.to_text();
    let raw: Vec<u8> = (0..32)
        .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
        .collect();
    let as_numbers = serde_json::to_string(&raw).unwrap();
    for needle in typed.map(str::as_bytes).into_iter().chain([
        text.as_bytes(),
        &raw,
        as_numbers.as_bytes(),
        b"of no account here",
    ]) {
        assert!(!holds(needle), "{}", String::from_utf8_lossy(needle));
    }
}

#[test]
fn a_file_that_others_can_read_and_one_that_is_another_store_are_refused() {
    let place = Place::new();
    let path = place.force.path().to_owned();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let exposed = place.force.people().unwrap_err();
    assert!(
        matches!(exposed, ForceError::Exposed { mode: 0o640, .. }),
        "{exposed}"
    );
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    // Neither store is taken for the other.
    let settings = support::settings();
    let taken = Store::open(&path, &settings).err().unwrap();
    assert!(matches!(taken, RecordsError::NotAStore { .. }), "{taken}");
    let records = place.folder.path().join("records.redb");
    drop(Store::open_or_create(&records, &settings).unwrap());
    for error in [
        Force::at(&records).people().unwrap_err(),
        Force::at(&place.folder.path().join("none.redb"))
            .people()
            .unwrap_err(),
    ] {
        assert!(!error.to_string().is_empty());
        match error {
            ForceError::Missing { .. } => {}
            ForceError::Records(cause) => assert!(matches!(*cause, RecordsError::NotAStore { .. })),
            other => panic!("{other}"),
        }
    }
    fs::write(&records, "garbage").unwrap();
    assert!(matches!(
        Force::at(&records).people(),
        Err(ForceError::Records(_))
    ));
}

#[test]
fn many_at_once_wait_for_each_other_and_no_attempt_goes_uncounted() {
    let place = Place::new();
    let session = place.sign_in("boss");
    let looked_at: usize = std::thread::scope(|scope| {
        let guessers: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    (0..3)
                        .filter(|_| {
                            let wrong = password("a wrong password");
                            let answer = place.force.sign_in("boss", &wrong, UID, &moment(0));
                            matches!(answer, Err(ForceError::WrongPassword))
                        })
                        .count()
                })
            })
            .collect();
        for turn in 0..10 {
            place
                .force
                .verify(&session.token, UID, &moment(turn))
                .unwrap();
        }
        guessers
            .into_iter()
            .map(|guesser| guesser.join().unwrap())
            .sum()
    });
    assert_eq!(looked_at, 5);
}

#[test]
fn the_latest_time_that_a_force_has_seen_is_told_where_the_calendar_was_set_back() {
    let place = Place::new();
    let seen = |at: i64| {
        let at = Timestamp::from_unix_ms(at);
        place.force.no_earlier_than_seen(at).unwrap().unix_ms()
    };
    place.sign_in("boss");
    assert_eq!(seen(NOW - 365 * DAY), NOW);
    assert_eq!(seen(NOW + DAY), NOW + DAY);
    let nobody = Force::at(&place.force.path().with_file_name("none.redb"));
    let missing = nobody.no_earlier_than_seen(Timestamp::from_unix_ms(NOW));
    assert!(matches!(missing, Err(ForceError::Missing { .. })));
}
