//! The end of what a force's register keeps, at the command line: an officer is told what is over the rules' period, names a day, and lets it go; what went is said to be gone wherever somebody looks.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fs;

use overt_deployment::Deployment;
use overt_pipeline::authority;
use overt_records::{
    Credential, Force, Hashing, Moment, NewPerson, Password, PersonRole, Published, PublishedKind,
    SignedIn, Store, StoreSettings, Terms, Timestamp,
};
use overt_tests::schema::Schema;
use serde_json::Value;
use support::people::signed_rules;
use support::{Ended, Place};

/// The first of January 2010.
const LONG_AGO: Timestamp = Timestamp::from_unix_ms(1_262_304_000_000);

fn then() -> Moment {
    Moment {
        at: LONG_AGO,
        boot: "another machine's".to_owned(),
        since_boot_ms: 0,
    }
}

/// A force of 2010: deployment 1 was refused, nobody ever decided on deployment 2; the rules keep the register for ten years. `boss` is its officer, `ada` its auditor.
fn old_force(place: &Place) {
    place.without_force();
    fs::create_dir_all(place.path("out")).unwrap();
    let force = Force::with_hashing(&place.path("out/force.redb"), Hashing::cheapest());
    let now = then();
    let password = |id: &str| Password::new(format!("{id} and some words"));
    let credential = |role| Credential {
        role,
        selection: "by the superintendent".to_owned(),
        course: "Overt".to_owned(),
        version: "1".to_owned(),
        from: Timestamp::from_unix_ms(0),
        until: Timestamp::from_unix_ms(4_102_444_800_000),
    };
    let new = |id: &str, role| NewPerson {
        id: id.to_owned(),
        name: format!("{id} Example"),
        rank: "superintendent".to_owned(),
        roles: vec![role],
    };
    let (officer, auditor) = (PersonRole::AuthorisingOfficer, PersonRole::Auditor);
    force
        .init(
            &new("boss", officer),
            &credential(officer),
            &password("boss"),
            &now,
        )
        .unwrap();
    let boss = boss_of_then(&force);
    let first = Password::new("chosen by the boss".to_owned());
    force
        .add(&new("ada", auditor), &first, &boss, &now)
        .unwrap();
    force
        .add_credential("ada", &credential(auditor), &boss, &now)
        .unwrap();
    force
        .change_password("ada", &first, &password("ada"), &now)
        .unwrap();
    force.adopt_rules(&signed_rules(), &boss, &now).unwrap();
    let deployment = Deployment::read(&place.deployment()).unwrap();
    let terms = |id: &str| Terms {
        deployment: id.to_owned(),
        start: LONG_AGO.after_hours(24),
        end: LONG_AGO.after_hours(30),
        ..authority::terms(&deployment).unwrap()
    };
    force.plan(&terms(&deployment.id), &boss, &now).unwrap();
    force
        .refuse(1, "the market was called off", &boss, &now)
        .unwrap();
    force.plan(&terms("forgotten"), &boss, &now).unwrap();
}

fn boss_of_then(force: &Force) -> SignedIn {
    let password = Password::new("boss and some words".to_owned());
    let uid = nix::unistd::geteuid().as_raw();
    force
        .sign_in("boss", &password, uid, &then())
        .unwrap()
        .signed_in
}

fn ask(place: &Place, arguments: &[&str]) -> Ended {
    place.ask(arguments, "")
}

fn json(text: &str, schema: &str) -> Value {
    let value = serde_json::from_str(text).unwrap();
    assert_eq!(Schema::parse(schema).errors(&value), Vec::<String>::new());
    value
}

fn refused(place: &Place, arguments: &[&str], told: &str) {
    let ended = ask(place, arguments);
    assert_eq!(ended.status, Some(1), "{}{}", ended.out, ended.err);
    assert!(ended.err.contains(told), "{told}: {}", ended.err);
    assert!(ended.err.contains("help: "), "no mend: {}", ended.err);
}

const REGISTER: [&str; 2] = ["retention", "register"];
const LET_GO: [&str; 5] = [
    "retention",
    "register",
    "--before",
    "2012-01-01",
    "--delete",
];
const SCHEMA: &str = include_str!("../retention-register.schema.json");

#[test]
fn an_officer_is_told_what_is_over_the_period_and_lets_it_go_and_its_numbers_are_said_to_be_gone() {
    let place = Place::new();
    old_force(&place);
    let at = place.path("out/force.redb");
    let at = at.to_str().unwrap();
    refused(
        &place,
        &["retention", "register", "--force", at],
        "nobody is signed in",
    );
    // Whoever has not named a day lets nothing go.
    place.sign_in("ada");
    assert_eq!(
        ask(&place, &["retention", "register", "--delete"]).status,
        Some(2)
    );
    let told = place.done(&[&REGISTER[..], &["--json"]].concat(), "");
    let told = json(&told, SCHEMA);
    assert_eq!(told["deleted"], false);
    assert_eq!(told["register_days"], 3650);
    assert_eq!(told["entries"][0]["number"], 1);
    assert_eq!(told["entries"][0]["state"], "refused");
    assert_eq!(told["not_ended"], serde_json::json!([2]));
    let words = place.done(&REGISTER, "");
    assert!(words.contains("It is over its time"), "{words}");
    assert!(words.contains("have not ended"), "{words}");
    refused(&place, &LET_GO, "ada is no authorising-officer");

    place.sign_in("boss");
    let young = ["--before", "2999-01-01", "--delete"];
    refused(
        &place,
        &[&REGISTER[..], &young].concat(),
        "by this machine's clock",
    );
    let went = place.done(&[&LET_GO[..], &["--json"]].concat(), "");
    let went = json(&went, SCHEMA);
    assert_eq!(went["deleted"], true);
    assert_eq!(went["entries"], told["entries"]);
    let bytes = fs::read(at).unwrap();
    let gone = b"the market was called off";
    assert!(!bytes.windows(gone.len()).any(|window| window == gone));
    let again = place.done(&LET_GO, "");
    assert!(again.contains("Nothing of it is over its time"), "{again}");

    let register = place.done(&["deployment", "register"], "");
    assert!(register.starts_with("1: GONE "), "{register}");
    assert!(register.contains("2 forgotten: PLANNED"), "{register}");
    let verified = ask(&place, &["audit", "verify", "--force", at, "--json"]);
    assert_eq!(verified.status, Some(3), "{}", verified.err);
    let verified = json(&verified.out, include_str!("../audit-verify.schema.json"));
    assert_eq!(verified["gone"], went["events"]);

    // A report of that time says so, and one of a later time that it has nothing to do with it.
    let report = |from: &str, to: &str, format: &str| {
        let span = [
            "report", "period", "--from", from, "--to", to, "--format", format,
        ];
        place.done(&span, "")
    };
    let period = report("2010-01-01", "2010-12-31", "json");
    let period = json(
        &period,
        include_str!("../../publication/period-report.schema.json"),
    );
    assert_eq!(period["register"]["gone"][0]["last"], 1);
    assert_eq!(period["register"]["entries"][0]["number"], 2);
    let said = "nothing here counts those";
    assert!(report("2010-01-01", "2010-12-31", "html").contains(said));
    assert!(!report("2020-01-01", "2020-12-31", "html").contains(said));
}

#[test]
fn a_deployment_s_own_records_go_once_they_are_over_the_period_and_say_why_they_stay() {
    let place = Place::new();
    old_force(&place);
    let file = place.deployment();
    let file = file.to_str().unwrap();
    let deployment = Deployment::read(&place.deployment()).unwrap();
    let settings = StoreSettings {
        deployment: deployment.id.clone(),
        retention: authority::retention(&deployment),
    };
    let path = &deployment.host.records;
    let store = Store::open_or_create(path, &settings).unwrap();
    let published = |at| {
        let published = Published {
            what: PublishedKind::Log,
            format: "jsonl".to_owned(),
            sha256: "00".repeat(32),
            left_out: 0,
            number: None,
            span: None,
        };
        let boss = boss_of_then(&Force::at(&place.path("out/force.redb")));
        store.note_published(&published, &boss, at).unwrap();
    };
    published(LONG_AGO);
    drop(store);
    place.sign_in("boss");
    let records = ["retention", "records", file];
    let words = place.done(&records, "");
    assert!(words.contains("These files would go"), "{words}");
    let day = ["--before", "2009-01-01", "--delete"];
    refused(
        &place,
        &[&records[..], &day].concat(),
        "something was done with them 2010-01-01T00:00:00Z",
    );
    assert!(path.exists());
    let day = ["--before", "2012-01-01", "--delete", "--json"];
    let went = place.done(&[&records[..], &day].concat(), "");
    let went = json(&went, include_str!("../retention-records.schema.json"));
    assert_eq!(went["deleted"], true);
    assert!(!path.exists() && !path.with_extension("keys").exists());
    refused(&place, &records, "records.redb");
}
