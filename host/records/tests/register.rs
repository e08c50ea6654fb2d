//! The register: who may plan and decide, what a run needs, and that a changed row is found.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use redb::ReadableTable as _;

use overt_records::{
    Beyond, Credential, ForceError, MayNot, Missing, Mode, ModeRule, Moment, Order, OutOfTurn,
    PersonRole, RegisterState, RegisterStep, RunAsked, Terms, Timestamp, Verdict,
};
use support::force::{DAY, HOUR, MINUTE, NOW, Place, moment};
use support::raw::{Entry, RawRow};
use support::register::{
    LOCK, asked, at, authorised, nothing, order, place, ruled, rules, signed, terms, who,
};

/// A moment so many hours after the people signed in, in whose session there was something to do all the time.
fn hours(place: &Place, id: &str, hours: u64) -> (overt_records::SignedIn, Moment) {
    let now = moment(hours * 60 * MINUTE);
    (place.sign_in_at(id, &now).unwrap().signed_in, now)
}

#[test]
fn a_deployment_has_its_number_before_anybody_decides_and_none_is_left_out() {
    let place = ruled();
    let force = &place.force;
    let paul = who(&place, "paul");
    for (number, id) in (1..).zip(["one", "two", "three"]) {
        let planned = force.plan(&terms(id), &paul, &moment(0)).unwrap();
        assert_eq!(
            (planned.number(), planned.state()),
            (number, RegisterState::Planned)
        );
    }
    let again = force.plan(&terms("two"), &paul, &moment(0)).unwrap_err();
    assert!(matches!(
        again,
        ForceError::AlreadyPlanned { number: 2, .. }
    ));
    let sue = who(&place, "sue");
    force.authorise(1, &order(), &sue, &moment(0)).unwrap();
    force
        .refuse(2, "not proportionate", &sue, &moment(0))
        .unwrap();
    force.cancel(3, "rain", &sue, &moment(0)).unwrap();
    // What was refused or cancelled before a run is planned again under a number of its own.
    for (number, id) in (4..).zip(["two", "three"]) {
        let paul = who(&place, "paul");
        assert_eq!(
            force.plan(&terms(id), &paul, &moment(0)).unwrap().number(),
            number
        );
    }
    let states: Vec<_> = force
        .register()
        .unwrap()
        .iter()
        .map(|entry| entry.state().name())
        .collect();
    assert_eq!(
        states,
        ["authorised", "refused", "cancelled", "planned", "planned"]
    );
}

#[test]
fn whoever_planned_it_or_has_not_the_rank_or_the_role_authorises_nothing() {
    let place = ruled();
    let force = &place.force;
    let anna = who(&place, "anna");
    let refused = force.plan(&terms("one"), &anna, &moment(0)).unwrap_err();
    assert!(matches!(refused, ForceError::MayNot(MayNot::Role { .. })));
    force
        .plan(&terms("one"), &who(&place, "sue"), &moment(0))
        .unwrap();
    let refused = |id: &str, order: &Order| {
        force
            .authorise(1, order, &who(&place, id), &moment(0))
            .unwrap_err()
    };
    assert!(matches!(
        refused("sue", &order()),
        ForceError::Planner { .. }
    ));
    assert!(matches!(
        refused("paul", &order()),
        ForceError::Rank { ref rank, .. } if rank == "inspector"
    ));
    // An inspector may where it is urgent, and for no longer than the rules say.
    let urgent = Order {
        urgent: true,
        ..order()
    };
    let given = force
        .authorise(1, &urgent, &who(&place, "paul"), &moment(0))
        .unwrap();
    assert!(given.authorisation().unwrap().urgent);
    let longer = force
        .extend(
            1,
            at(NOW + 7 * HOUR),
            "LFR/2027/1b",
            "more time",
            &who(&place, "paul"),
            &moment(0),
        )
        .unwrap_err();
    assert!(matches!(longer, ForceError::Urgent { hours: 5, most: 4 }));
}

#[test]
fn an_authoriser_whose_credential_has_expired_authorises_nothing_even_by_an_older_calendar() {
    let place = ruled();
    let force = &place.force;
    let boss = who(&place, "boss");
    // `sue` again, by a credential that ends in an hour, in place of the first.
    force
        .withdraw_credential("sue", 1, "lapsed", &boss, &moment(0))
        .unwrap();
    let short = Credential {
        until: at(NOW + HOUR),
        ..support::force::credential(PersonRole::AuthorisingOfficer, 1)
    };
    force
        .add_credential("sue", &short, &boss, &moment(0))
        .unwrap();
    force
        .plan(&terms("one"), &who(&place, "paul"), &moment(0))
        .unwrap();
    let (sue, later) = hours(&place, "sue", 1);
    let refused = force.authorise(1, &order(), &sue, &later).unwrap_err();
    assert!(matches!(
        refused,
        ForceError::MayNot(MayNot::Expired { .. })
    ));
    let back = Moment {
        at: at(NOW),
        ..later
    };
    let refused = force.authorise(1, &order(), &sue, &back).unwrap_err();
    assert!(matches!(
        refused,
        ForceError::MayNot(MayNot::Expired { .. })
    ));
}

#[test]
fn terms_beyond_the_rules_are_authorised_by_nobody_and_all_of_them_are_told() {
    let place = ruled();
    let force = &place.force;
    let beyond = Terms {
        use_case: "to see".into(),
        end: at(NOW + 15 * HOUR),
        categories: vec!["wanted".into(), "other".into()],
        watchlist_size: 1001,
        watchlist_age_hours: 25,
        retention: overt_records::Retention {
            alerts_hours: 25,
            inputs_hours: 25,
            watchlist_hours: 25,
        },
        judgement: overt_records::JudgementLimits {
            adjudication_ms: 61_000,
            engagement_ms: 61_000,
            location_ms: 601_000,
        },
        modes: overt_records::Mode::ALL.to_vec(),
        ..terms("one")
    };
    force
        .plan(&beyond, &who(&place, "paul"), &moment(0))
        .unwrap();
    let refused = force
        .authorise(1, &order(), &who(&place, "sue"), &moment(0))
        .unwrap_err();
    let ForceError::BeyondRules { breaches } = refused else {
        panic!("{refused}")
    };
    let parts: Vec<_> = breaches.iter().map(|found| found.part.as_str()).collect();
    assert_eq!(
        parts,
        [
            "authority.watchlist-size",
            "authority.watchlist-age-hours",
            "retention.alerts-hours",
            "retention.inputs-hours",
            "retention.watchlist-hours",
            "judgement.adjudicate-seconds",
            "judgement.engage-seconds",
            "judgement.locate-seconds",
            "deployment.end",
            "deployment.use-case",
            "watchlist.categories",
            "authority.modes",
            "authority.modes"
        ]
    );
}

#[test]
fn rules_need_the_first_key_s_signature_and_a_higher_version() {
    let place = place();
    let force = &place.force;
    let adopt = |signed| force.adopt_rules(&signed, &who(&place, "sue"), &moment(0));
    let mut changed = signed(rules(1), 1);
    changed.text += "# one word more\n";
    assert!(matches!(
        adopt(changed).unwrap_err(),
        ForceError::RulesUnsigned
    ));
    assert_eq!(force.rules().unwrap(), None);
    adopt(signed(rules(1), 1)).unwrap();
    assert!(matches!(
        adopt(signed(rules(2), 2)).unwrap_err(),
        ForceError::RulesKey { .. }
    ));
    assert!(matches!(
        adopt(signed(rules(1), 1)).unwrap_err(),
        ForceError::RulesVersion {
            adopted: 1,
            version: 1
        }
    ));
    adopt(signed(rules(3), 1)).unwrap();
    assert_eq!(force.rules().unwrap().unwrap().rules.version, 3);
    assert_eq!(force.all_rules().unwrap().len(), 2);
    let anna = who(&place, "anna");
    let refused = force.adopt_rules(&signed(rules(4), 1), &anna, &moment(0));
    assert!(matches!(refused.unwrap_err(), ForceError::MayNot(_)));
}

#[test]
fn a_run_begins_within_the_window_alone_and_is_on_record_with_its_lock() {
    let place = ruled();
    let force = &place.force;
    authorised(&place, "one");
    let asked = asked(terms("one"));
    let windows = |error: ForceError| match error {
        ForceError::NotReady { missing } => {
            matches!(missing.as_slice(), [Missing::Window { number: 1, .. }])
        }
        _ => false,
    };
    let (anna, early) = hours(&place, "anna", 1);
    assert!(windows(force.begin_run(&asked, &anna, &early).unwrap_err()));
    let (anna, now) = hours(&place, "anna", 3);
    let started = force.begin_run(&asked, &anna, &now).unwrap();
    assert_eq!(started.run, 1);
    let entry = force.end_run(&started, true, now.at).unwrap();
    let run = &entry.runs()[0];
    assert_eq!((run.run, run.ended), (1, Some(now.at)));
    assert_eq!(run.by.person(), Some("anna"));
    assert_eq!(run.lock_sha256, LOCK);
    let twice = force.end_run(&started, true, now.at).unwrap_err();
    assert!(matches!(
        twice,
        ForceError::OutOfTurn(OutOfTurn::NoRun { run: 1, .. })
    ));
    let (anna, late) = hours(&place, "anna", 6);
    assert!(windows(force.begin_run(&asked, &anna, &late).unwrap_err()));
    // Who sets the calendar back into the window has come too late all the same.
    let back = Moment {
        at: at(NOW + 3 * HOUR),
        ..late
    };
    assert!(windows(force.begin_run(&asked, &anna, &back).unwrap_err()));
}

#[test]
fn an_extension_lengthens_the_window_and_a_cancellation_ends_it() {
    let place = ruled();
    let force = &place.force;
    authorised(&place, "one");
    let asked = asked(terms("one"));
    let (sue, now) = hours(&place, "sue", 5);
    let extend = |until| force.extend(1, at(until), "LFR/2027/1b", "a match is late", &sue, &now);
    assert!(matches!(
        extend(NOW + 6 * HOUR).unwrap_err(),
        ForceError::OutOfTurn(OutOfTurn::NotLater { .. })
    ));
    assert!(matches!(
        extend(NOW + 15 * HOUR).unwrap_err(),
        ForceError::BeyondRules { .. }
    ));
    let entry = extend(NOW + 8 * HOUR).unwrap();
    assert_eq!(entry.until(), at(NOW + 8 * HOUR));
    let (anna, late) = hours(&place, "anna", 7);
    let started = force.begin_run(&asked, &anna, &late).unwrap();
    assert!(started.entry.is_open_at(late.at, late.at));
    let (sue, now) = hours(&place, "sue", 7);
    let entry = force.cancel(1, "an incident", &sue, &now).unwrap();
    assert!(!entry.is_open_at(now.at, now.at));
    force.end_run(&started, true, now.at).unwrap();
    let refused = force.begin_run(&asked, &anna, &now).unwrap_err();
    let ForceError::NotReady { missing } = refused else {
        panic!("{refused}")
    };
    assert_eq!(
        missing,
        [Missing::NotAuthorised {
            number: 1,
            state: RegisterState::Cancelled
        }]
    );
    // It ran, so its id is used up; it can be closed.
    let again = force
        .plan(&terms("one"), &who(&place, "paul"), &moment(0))
        .unwrap_err();
    assert!(matches!(again, ForceError::AlreadyPlanned { .. }));
    let (sue, now) = hours(&place, "sue", 7);
    force.close(1, &nothing(), "{}", &sue, &now).unwrap();
    assert_eq!(force.registered(1).unwrap().state(), RegisterState::Closed);
}

#[test]
fn everything_that_is_missing_is_told_at_once_each_with_a_mend() {
    let place = ruled();
    let force = &place.force;
    authorised(&place, "one");
    let boss = who(&place, "boss");
    for id in ["olu", "eve"] {
        force
            .withdraw_credential(id, 1, "lapsed", &boss, &moment(0))
            .unwrap();
    }
    let allowed = terms("one");
    let mut wanted = asked(Terms {
        purpose: "another".into(),
        place: "another".into(),
        start: at(NOW + HOUR),
        end: at(NOW + 9 * HOUR),
        cameras: vec![overt_records::CameraTerms {
            count: 3,
            ..allowed.cameras[0].clone()
        }],
        categories: vec!["wanted".into(), "missing".into()],
        watchlist_size: 101,
        score_floor: overt_records::ScoreFloor::new(0.4).unwrap(),
        calibration_sha256: None,
        documents: Vec::new(),
        notice: None,
        ..allowed
    });
    wanted.lock_sha256 = None;
    wanted.watchlist.entries = 101;
    wanted.watchlist.oldest = Some(at(NOW - DAY));
    // By an operator, before the window.
    let refused = force
        .begin_run(&wanted, &who(&place, "olu"), &moment(0))
        .unwrap_err();
    let ForceError::NotReady { missing } = refused else {
        panic!("{refused}")
    };
    for one in &missing {
        assert!(!one.mend().is_empty(), "{one}");
        assert!(!one.to_string().is_empty());
    }
    let beyond: Vec<&str> = missing
        .iter()
        .filter_map(|one| match one {
            Missing::BeyondAuthority(Beyond { part, .. }) => Some(part.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(
        beyond,
        [
            "deployment.purpose",
            "deployment.place",
            "deployment.start",
            "deployment.end",
            "camera",
            "watchlist.categories",
            "authority.watchlist-size",
            "authority.score-floor",
            "authority.calibration",
            "document.sop",
            "document.policy",
            "document.legal-mandate",
            "document.dpia",
            "document.equality-assessment",
        ]
    );
    let has = |is_it: fn(&Missing) -> bool| missing.iter().filter(|one| is_it(one)).count();
    assert_eq!(has(|one| matches!(one, Missing::Starter(_))), 1);
    assert_eq!(has(|one| matches!(one, Missing::People { .. })), 2);
    assert_eq!(has(|one| matches!(one, Missing::Document(_))), 5);
    assert_eq!(has(|one| matches!(one, Missing::Notice { .. })), 1);
    assert_eq!(has(|one| matches!(one, Missing::Calibration)), 1);
    assert_eq!(has(|one| matches!(one, Missing::Window { .. })), 1);
    assert_eq!(has(|one| matches!(one, Missing::WatchlistSize { .. })), 1);
    assert_eq!(has(|one| matches!(one, Missing::WatchlistAge { .. })), 1);
    assert_eq!(has(|one| matches!(one, Missing::Lock)), 1);
    assert_eq!(missing.len(), beyond.len() + 14);
    // And nothing was begun.
    assert!(force.registered(1).unwrap().runs().is_empty());
    let unruled = support::register::place();
    let missing = unruled
        .force
        .missing(&asked(terms("one")), &moment(0))
        .unwrap();
    let expected = [
        Missing::Rules,
        Missing::NotPlanned {
            deployment: "one".into(),
        },
    ];
    assert_eq!(missing, expected);
}

#[test]
fn a_changed_dropped_or_added_row_of_the_register_is_found_by_the_log() {
    let place = ruled();
    authorised(&place, "one");
    place
        .force
        .plan(&terms("two"), &who(&place, "paul"), &moment(0))
        .unwrap();
    let log = || place.force.audit_log().unwrap();
    assert_eq!(log().register_differs(), None);
    let path = place.force.path().to_path_buf();
    let good = std::fs::read(&path).unwrap();
    type Row = RawRow<Entry>;
    type Rows = redb::TableDefinition<'static, u32, Row>;
    const ROWS: Rows = redb::TableDefinition::new("register");
    let change = |work: &dyn Fn(&mut redb::Table<'_, u32, Row>)| {
        std::fs::write(&path, &good).unwrap();
        let database = redb::Database::open(&path).unwrap();
        let open = database.begin_write().unwrap();
        work(&mut open.open_table(ROWS).unwrap());
        open.commit().unwrap();
        drop(database);
        assert_eq!(log().verify(&[]).verdict, Verdict::TailUnproven);
        log().register_differs()
    };
    let replaced = |from: &'static str, to: &'static str| {
        change(&move |rows| {
            let text = rows.get(1).unwrap().unwrap().value().to_vec();
            let text = String::from_utf8(text).unwrap();
            assert!(text.contains(from), "{from}: {text}");
            rows.insert(1, text.replacen(from, to, 1).as_bytes())
                .unwrap();
        })
    };
    assert_eq!(replaced("the square", "the circle"), Some(1));
    assert_eq!(replaced("LFR/2027/1", "LFR/2027/2"), Some(1));
    assert_eq!(replaced("\"sue\"", "\"eve\""), Some(1));
    assert_eq!(replaced("{", "["), Some(1));
    let dropped = change(&|rows| {
        rows.remove(2).unwrap();
    });
    assert_eq!(dropped, Some(2));
    let added = change(&|rows| {
        let text = rows.get(2).unwrap().unwrap().value().to_vec();
        rows.insert(4, text.as_slice()).unwrap();
    });
    assert_eq!(added, Some(3));
}

#[test]
fn a_killed_run_stays_open_on_record_and_the_next_one_has_a_number_of_its_own() {
    let place = ruled();
    let force = &place.force;
    authorised(&place, "one");
    let (anna, now) = hours(&place, "anna", 3);
    for run in [1, 2] {
        let started = force.begin_run(&asked(terms("one")), &anna, &now).unwrap();
        assert_eq!(started.run, run);
    }
    let entry = force.registered(1).unwrap();
    let ends: Vec<Option<Timestamp>> = entry.runs().iter().map(|run| run.ended).collect();
    assert_eq!(ends, [None, None]);
    let last = &entry.steps().last().unwrap().what;
    assert!(matches!(last, RegisterStep::RunBegun { run: 2, .. }));
}

#[test]
fn a_search_is_begun_by_whom_the_rules_name_for_its_mode_and_is_on_record_as_one() {
    let place = place();
    let force = &place.force;
    let rule = |mode, started_by: &[PersonRole]| ModeRule {
        mode,
        started_by: started_by.to_vec(),
        ..rules(1).modes.remove(0)
    };
    let (stored, one) = (Mode::Retrospective, Mode::Operator);
    let mut allowed = rules(1);
    allowed.modes = vec![
        rule(Mode::Live, &[PersonRole::SystemEngineer]),
        rule(stored, &[PersonRole::SystemEngineer, PersonRole::Operator]),
        rule(one, &[PersonRole::EngagementOfficer]),
    ];
    force
        .adopt_rules(&signed(allowed, 1), &who(&place, "sue"), &moment(0))
        .unwrap();
    let terms = Terms {
        modes: vec![stored],
        ..terms("one")
    };
    let planned = force
        .plan(&terms, &who(&place, "paul"), &moment(0))
        .unwrap();
    force
        .authorise(planned.number(), &order(), &who(&place, "sue"), &moment(0))
        .unwrap();
    let asked = |mode| RunAsked {
        mode,
        ..asked(terms.clone())
    };
    let missing = |who: &str, mode| {
        let (by, now) = hours(&place, who, 3);
        match force.begin_run(&asked(mode), &by, &now).unwrap_err() {
            ForceError::NotReady { missing } => missing,
            other => panic!("{other}"),
        }
    };
    // The authority is for stored images alone; and neither the file nor the register has the others.
    let (off, number) = (Missing::ModeOff { mode: one }, 1);
    assert_eq!(
        missing("eve", one),
        [off, Missing::Mode { number, mode: one }]
    );
    let live = Mode::Live;
    assert_eq!(missing("anna", live).len(), 2);
    let none = missing("eve", stored);
    assert!(
        matches!(none.as_slice(), [Missing::StarterRole { person, .. }] if person == "eve"),
        "{none:?}"
    );
    assert_eq!(force.registered(1).unwrap().runs().len(), 0);
    for (run, who) in [(1, "olu"), (2, "anna")] {
        let (by, now) = hours(&place, who, 3);
        let started = force.begin_run(&asked(stored), &by, &now).unwrap();
        assert_eq!((started.run, started.by.person()), (run, Some(who)));
        force.end_run(&started, false, now.at).unwrap();
    }
    let entry = force.registered(1).unwrap();
    assert!(entry.runs().iter().all(|run| run.mode == stored));
    assert_eq!(force.audit_log().unwrap().register_differs(), None);
}
