//! From the force's rules to a live run: what is planned and authorised runs, what lacks anything does not, and what changes in the register reaches a run that goes on.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::path::Path;
use std::time::Duration;

use overt_records::{Actor, AuditEvent, AuditLog, Force};
use overt_tests::schema::Schema;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use support::running::Running;
use support::{Ended, Place, example};

fn deployment(place: &Place, id: &str, command: &[&str]) -> Ended {
    let (verb, more) = command.split_first().unwrap();
    let mut overt = place.overt_as(id);
    overt.args(["deployment", verb]).arg(place.deployment());
    overt.args(more).output().unwrap().into()
}

/// Has the watchlist approved as it stands.
fn approve(place: &Place) {
    let deployment = place.deployment();
    let approve = [Path::new("watchlist"), Path::new("approve"), &deployment];
    done(place.run_as("boss", approve));
}

fn done(ended: Ended) -> Ended {
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    ended
}

fn live(place: &Place, id: &str) -> Ended {
    place.run_as(id, [Path::new("run"), &place.deployment()])
}

fn register(place: &Place) -> Value {
    let ended = done(place.run_as("ada", ["deployment", "register", "--json"]));
    let register = serde_json::from_str(&ended.out).unwrap();
    let schema = Schema::parse(include_str!("../register.schema.json"));
    assert_eq!(schema.errors(&register), Vec::<String>::new());
    register
}

fn summary(place: &Place) -> Value {
    serde_json::from_slice(&std::fs::read(place.path("out/summary.json")).unwrap()).unwrap()
}

/// Changes the first line of the deployment file that has this key, whatever it says.
fn set(place: &Place, key: &str, value: &str) {
    let text = std::fs::read_to_string(place.deployment()).unwrap();
    let line = text
        .lines()
        .find(|line| line.starts_with(&format!("{key} = ")));
    let text = text.replacen(line.unwrap(), &format!("{key} = {value}"), 1);
    std::fs::write(place.deployment(), text).unwrap();
}

#[test]
fn a_deployment_is_planned_authorised_locked_and_run_and_the_register_tells_it() {
    let place = Place::with_person_a();
    place.film(40);
    let planned = done(deployment(&place, "paula", &["plan", "--json"]));
    let planned: Value = serde_json::from_str(&planned.out).unwrap();
    assert_eq!(
        (&planned["number"], &planned["state"]),
        (&1.into(), &"planned".into())
    );
    let own = deployment(&place, "paula", &["authorise", "--reference", "T/1"]);
    assert_eq!(own.status, Some(1));
    assert!(own.err.contains("inspector is no rank"), "{}", own.err);
    done(deployment(
        &place,
        "boss",
        &["authorise", "--reference", "T/1"],
    ));
    place.lock();
    approve(&place);
    let ran = done(live(&place, "anna"));
    for told in [
        "Deployment 1 of the register, run 1: authorised by superintendent A. N. Officer, reference T/1; started by A. N. Engineer.",
        "ALERT 1",
    ] {
        assert!(ran.err.contains(told), "{told}: {}", ran.err);
    }
    let summary = summary(&place);
    let authority = &summary["authority"];
    assert_eq!(
        (&authority["number"], &authority["run"]),
        (&1.into(), &1.into())
    );
    assert_eq!(authority["officer"], "A. N. Officer");
    assert_eq!(authority["started_by"], "A. N. Engineer");
    let report = std::fs::read_to_string(place.path("out/report.html")).unwrap();
    assert!(report.contains("superintendent A. N. Officer (reference T/1; number 1"));
    let register = register(&place);
    let run = &register[0]["runs"][0];
    assert_eq!(run["by"]["person"], "anna");
    assert_eq!(run["lock_sha256"], summary["lock_sha256"]);
    assert!(run["ended"].is_string(), "{register}");
    // Both logs say who: the force's who locked and started, the deployment's who started under which number.
    let force = Force::at(&place.path("out/force.redb"))
        .audit_log()
        .unwrap();
    assert_eq!(force.register_differs(), None);
    let by_anna = |entry: &overt_records::AuditEntry| matches!(&entry.by, Actor::Person { id, .. } if id == "anna");
    let entries = force.entries();
    let locked = |event: &AuditEvent| matches!(event, AuditEvent::Locked { lock_sha256, .. } if *lock_sha256 == summary["lock_sha256"]);
    assert!(
        entries
            .iter()
            .any(|entry| locked(&entry.event) && by_anna(entry))
    );
    let log = AuditLog::read(&place.path("out/records.redb"), "walk-past").unwrap();
    let begun = |event: &AuditEvent| {
        matches!(
            event,
            AuditEvent::RunBegun {
                register: Some(1),
                ..
            }
        )
    };
    assert!(
        log.entries()
            .iter()
            .any(|entry| begun(&entry.event) && by_anna(entry))
    );
    let force = place.path("out/force.redb");
    let verified = place.run_as(
        "ada",
        [
            Path::new("audit"),
            Path::new("verify"),
            Path::new("--force"),
            &force,
        ],
    );
    assert_eq!(verified.status, Some(3), "{}", verified.out);
    assert!(verified.out.contains("the force"), "{}", verified.out);
}

#[test]
fn whatever_a_live_run_lacks_is_listed_with_a_mend_and_nothing_starts() {
    let place = Place::with_person_a();
    place.film(5);
    let lacks = |ended: Ended, expected: &[&str]| {
        assert_eq!(ended.status, Some(1), "{}", ended.err);
        for told in expected {
            assert!(ended.err.contains(told), "{told}: {}", ended.err);
        }
        let (errors, mends) = (
            ended.err.matches("error: ").count(),
            ended.err.matches("help: ").count(),
        );
        assert_eq!((errors, mends), (expected.len(), errors), "{}", ended.err);
        assert!(!place.path("out/summary.json").exists());
    };
    lacks(
        live(&place, "nobody"),
        &[
            "nobody is signed in",
            "is not in the register",
            "nobody has approved the watchlist",
            "no lock",
        ],
    );
    lacks(
        live(&place, "olu"),
        &[
            "olu is no system-engineer",
            "is not in the register",
            "nobody has approved the watchlist",
            "no lock",
        ],
    );
    // Planned, and nobody has decided.
    done(deployment(&place, "paula", &["plan"]));
    lacks(
        live(&place, "anna"),
        &[
            "the register says that deployment 1 is planned",
            "nobody has approved the watchlist",
            "no lock",
        ],
    );
    done(deployment(
        &place,
        "boss",
        &["authorise", "--reference", "T/1"],
    ));
    // And then the file goes beyond it, in everything at once.
    for (key, value) in [
        ("purpose", "\"another\""),
        ("place", "\"another\""),
        ("use-case", "\"another\""),
        ("end", "2037-01-01T00:00:00Z"),
        ("score-floor", "0.4"),
        ("watchlist-size", "2000"),
        ("owner", "\"somebody else\""),
        (
            "categories",
            "[\"missing-person\", \"wanted-on-warrant\", \"other\"]",
        ),
        ("alerts-hours", "48"),
    ] {
        set(&place, key, value);
    }
    let text = std::fs::read_to_string(place.deployment()).unwrap();
    let end = text.find("# What stands behind it.").unwrap();
    std::fs::write(place.deployment(), &text[..end]).unwrap();
    lacks(
        live(&place, "anna"),
        &[
            "beyond the force's rules: deployment.end",
            "beyond the force's rules: deployment.use-case",
            "beyond the force's rules: watchlist.categories",
            "beyond the force's rules: authority.watchlist-size",
            "the rules ask for a document in force: sop",
            "the rules ask for a document in force: policy",
            "the rules ask for a document in force: legal-mandate",
            "the rules ask for a document in force: dpia",
            "the rules ask for a document in force: equality-assessment",
            "the public be told 24 hours before the start",
            "beyond the authority: deployment.purpose",
            "beyond the authority: deployment.place",
            "beyond the authority: deployment.use-case",
            "beyond the authority: deployment.end",
            "beyond the authority: camera: allowed is 0 fixed of somebody else, found is 1",
            "beyond the authority: watchlist.categories",
            "beyond the authority: authority.watchlist-size",
            "beyond the authority: retention.alerts-hours",
            "beyond the authority: authority.score-floor: allowed is at least 0.45, found is 0.4",
            "beyond the authority: document.sop",
            "beyond the authority: document.policy",
            "beyond the authority: document.legal-mandate",
            "beyond the authority: document.dpia",
            "beyond the authority: document.equality-assessment",
            "nobody has approved the watchlist",
            "no lock",
        ],
    );
    assert_eq!(register(&place)[0]["runs"], serde_json::json!([]));
}

#[test]
fn a_force_without_a_store_runs_nothing_live_and_rehearses_all_the_same() {
    let place = Place::with_person_a();
    place.film(5);
    for file in ["out/force.redb", "out/force.audit"] {
        std::fs::remove_file(place.path(file)).unwrap();
    }
    let ended = live(&place, "anna");
    assert_eq!(ended.status, Some(1));
    assert!(
        ended.err.contains("there is no force here"),
        "{}",
        ended.err
    );
    let unlocked = place.run_as(
        "anna",
        [
            Path::new("run"),
            Path::new("--unlocked"),
            &place.deployment(),
        ],
    );
    assert_eq!(unlocked.status, Some(2), "only a rehearsal may be unlocked");
    let rehearsed = place.run_as(
        "nobody",
        [
            Path::new("run"),
            Path::new("--rehearsal"),
            Path::new("--unlocked"),
            &place.deployment(),
        ],
    );
    assert_eq!(rehearsed.status, Some(0), "{}", rehearsed.err);
    assert_eq!(summary(&place)["authority"], Value::Null);
    assert!(!place.path("out/force.redb").exists());
}

#[test]
fn a_cancellation_stops_a_run_that_goes_on() {
    let place = Place::with_person_a();
    place.film(1_500);
    let mut running = Running::start(&place);
    running.await_line("Started");
    done(deployment(&place, "boss", &["cancel", "--reason", "rain"]));
    running.await_line("CANCELLED: the run ends now.");
    let ended = running.ended();
    assert_eq!(ended.status, Some(130), "{}", ended.err);
    let summary = summary(&place);
    assert_eq!(summary["interrupted"], true);
    assert!(summary["frames"]["read"].as_u64().unwrap() < 1_500);
    let register = register(&place);
    assert_eq!(register[0]["state"], "cancelled");
    assert!(register[0]["runs"][0]["ended"].is_string());
    let again = live(&place, "anna");
    assert!(again.err.contains("is cancelled"), "{}", again.err);
}

#[test]
fn an_extension_reaches_a_run_that_goes_on_and_keeps_it_from_ending() {
    let place = Place::with_person_a();
    place.film(3_000);
    // Soon over, as its file says; not before a busy machine has everything authorised.
    let end = jiff::Timestamp::now() + Duration::from_secs(40);
    set(
        &place,
        "end",
        &end.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    );
    let mut running = Running::start(&place);
    running.await_line("Started");
    let extend = [
        "extend",
        "--until",
        "2035-12-31T00:00:00Z",
        "--reference",
        "T/2",
    ];
    done(deployment(
        &place,
        "boss",
        &[&extend[..], &["--reason", "a match is late"]].concat(),
    ));
    running.await_line("EXTENDED: the deployment goes on until 2035-12-31T00:00:00Z.");
    while jiff::Timestamp::now() < end {
        std::thread::sleep(Duration::from_millis(100));
    }
    let ended = running.interrupt();
    assert!(
        !ended.err.contains("The deployment's time is over"),
        "{}",
        ended.err
    );
    assert_eq!(register(&place)[0]["until"], "2035-12-31T00:00:00Z");
}

#[test]
fn nobody_but_a_system_engineer_locks() {
    let place = Place::new();
    place.film(2);
    let lock = |id: &str| place.run_as(id, [Path::new("lock"), &place.deployment()]);
    let nobody = lock("nobody");
    assert_eq!(nobody.status, Some(1));
    assert!(nobody.err.contains("nobody is signed in"), "{}", nobody.err);
    let officer = lock("boss");
    assert!(
        officer.err.contains("boss is no system-engineer"),
        "{}",
        officer.err
    );
    assert!(!place.path("out/overt.lock").exists());
    assert_eq!(lock("anna").status, Some(0));
}

#[test]
fn rules_are_signed_adopted_and_shown_and_an_edited_file_is_not_adopted() {
    let place = Place::new();
    place.with_boss();
    let rules = place.path("rules.toml");
    let text = std::fs::read_to_string(example("rules.toml")).unwrap();
    std::fs::write(&rules, &text).unwrap();
    let rules = rules.to_str().unwrap();
    let folder = place.path("");
    place.done(
        &["key", "new", "force", "--folder", folder.to_str().unwrap()],
        "",
    );
    let key = place.path("force.key");
    let sign = ["rules", "sign", rules, "--key", key.to_str().unwrap()];
    let unsigned = place.ask(&["rules", "adopt", rules], "");
    assert_eq!(unsigned.status, Some(1));
    assert!(
        unsigned.err.contains("overt rules sign"),
        "{}",
        unsigned.err
    );
    place.done(&sign, "");
    let adopted = place.done(&["rules", "adopt", rules, "--json"], "");
    let adopted: Value = serde_json::from_str(&adopted).unwrap();
    assert_eq!(adopted["version"], 1);
    assert_eq!(place.done(&["rules", "show", "--text"], ""), text);
    let shown = place.done(&["rules", "show"], "");
    assert!(
        shown.contains("live: authorised by superintendent, chief superintendent"),
        "{shown}"
    );
    // One more version; edited after it was signed, it is not adopted.
    std::fs::write(rules, text.replace("version = 1", "version = 2")).unwrap();
    place.done(&sign, "");
    std::fs::write(
        rules,
        text.replace("version = 1", "version = 2")
            .replace("age-hours = 24 ", "age-hours = 700 "),
    )
    .unwrap();
    let edited = place.ask(&["rules", "adopt", rules], "");
    assert_eq!(edited.status, Some(1));
    assert!(
        edited.err.contains("not signed, or were changed"),
        "{}",
        edited.err
    );
    let wrong = place.path("wrong.toml");
    std::fs::write(&wrong, "version = 1\n").unwrap();
    let mistakes = place.ask(&["rules", "adopt", wrong.to_str().unwrap()], "");
    assert_eq!(mistakes.status, Some(2));
    assert!(mistakes.err.contains("wrong.toml:1:1"), "{}", mistakes.err);
}

#[test]
fn a_closed_deployment_has_no_watchlist_a_good_certificate_and_runs_no_more() {
    let place = Place::with_person_a();
    place.film(40);
    done(place.run());
    let page = place.path("alert.html");
    let show = [Path::new("alerts"), Path::new("show")];
    let of = [&*place.deployment(), Path::new("1"), Path::new("-o"), &page];
    done(place.run_as("olu", show.into_iter().chain(of)));
    let open = deployment(&place, "boss", &["close"]);
    assert_eq!(open.status, Some(1));
    assert!(open.err.contains("have not ended: 1"), "{}", open.err);
    assert!(page.exists(), "nothing goes before everything may");
    // Its time runs out.
    place.change(
        "# [judgement]",
        "[judgement]\nadjudicate-seconds = 5\n# [judgement]",
    );
    while deployment(&place, "boss", &["close"]).status != Some(0) {
        std::thread::sleep(Duration::from_millis(200));
    }
    let listed = place.run_as(
        "anna",
        [
            Path::new("watchlist"),
            Path::new("list"),
            &place.deployment(),
        ],
    );
    assert!(!listed.out.contains("MP-0001"), "{}", listed.out);
    assert!(!page.exists());
    let file = place.path("out/certificate.json");
    let verify = || {
        let deployment = place.deployment();
        place.run_as(
            "ada",
            [
                Path::new("deployment"),
                Path::new("certificate"),
                &file,
                Path::new("--deployment"),
                &deployment,
            ],
        )
    };
    let good = done(verify());
    assert!(
        good.out.contains("1 people of the watchlist with 1 images")
            && good.out.contains("alerts: 1 (1 lapsed)")
            && good.out.contains("still held: 1 of alerts"),
        "{}",
        good.out
    );
    let text = std::fs::read_to_string(&file).unwrap();
    // The same for people: what the line says, its digest, the line itself and what vouches for it.
    let page = std::fs::read_to_string(place.path("out/certificate.html")).unwrap();
    let line = text.trim_end();
    let digest = hex::encode(Sha256::digest(line));
    let shown = page.replace("&#34;", "\"").replace("&quot;", "\"");
    for part in [
        line,
        &digest,
        "Good: the line below is what the key signed",
        "Holds the digest of the line",
        "Deployment 1 is closed",
        "<caption>All alerts (1), each in exactly one state</caption>",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let again = place.path("again.html");
    let write = || {
        let arguments = [
            Path::new("deployment"),
            Path::new("certificate"),
            &file,
            Path::new("--deployment"),
            &place.deployment(),
            Path::new("--page"),
            &again,
        ];
        place.run_as("ada", arguments)
    };
    done(write());
    assert_eq!(std::fs::read_to_string(&again).unwrap(), page);
    std::fs::remove_file(&again).unwrap();
    std::fs::write(&file, text.replace("\"alerts\":1", "\"alerts\":2")).unwrap();
    assert_eq!(verify().status, Some(1));
    assert_eq!(write().status, Some(1));
    assert!(!again.exists(), "no page of what nobody signed");
    let again = live(&place, "anna");
    assert!(again.err.contains("is closed"), "{}", again.err);
}
