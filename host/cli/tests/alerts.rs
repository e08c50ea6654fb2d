//! From an alert to its outcome: two people judge it, channels hear of it, and nobody hears of what they have no business with. Through the socket of a run, and on the
//! records themselves where none goes on.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use overt_records::{ExportKind, Retention, Store, StoreSettings};
use serde_json::Value;
use support::alerts::{alerts, await_told, done, file, place, refused, told};
use support::receiver::{Answer, Receiver, free_port};
use support::running::Running;
use support::{Place, set_up};

/// Longer than anything takes on a busy machine; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(180);

fn summary(place: &Place) -> Value {
    serde_json::from_slice(&std::fs::read(place.path("out/summary.json")).unwrap()).unwrap()
}

fn settings() -> StoreSettings {
    StoreSettings {
        deployment: "walk-past".into(),
        retention: Retention {
            alerts_hours: 24,
            inputs_hours: 24,
            watchlist_hours: 24,
        },
    }
}

/// A channel's counts, delivered and waiting.
fn counts(summary: &Value, name: &str) -> [u64; 2] {
    let mut channels = summary["channels"].as_array().unwrap().iter();
    let channel = channels.find(|channel| channel["name"] == name).unwrap();
    ["delivered", "waiting"].map(|key| channel[key].as_u64().unwrap())
}

/// What an officer says of a stop.
const STOP: [&str; 12] = [
    "--correct",
    "yes",
    "--place",
    "Market Square",
    "--from",
    "2026-01-31T10:02:00Z",
    "--to",
    "2026-01-31T10:09:00Z",
    "--identity",
    "made",
    "--method",
    "driving licence",
];

#[test]
fn an_alert_goes_through_two_people_while_a_run_goes_on_and_only_then_reaches_who_acts() {
    let place = place(&(file("team", "action") + &file("van", "action") + &file("log", "review")));
    place.change(
        "channels = [\"desk-2\"] }]",
        "channels = [\"desk-2\", \"log\"] }]\naction = [{ channels = [\"van\"] }]",
    );
    place.film(1500);
    let mut running = Running::start(&place);
    running.await_line("ALERT 1 for desk-2, log: MP-0001");

    let list = done(&place, "olu", "list", &[]);
    let alert = &list[0];
    assert_eq!(
        (&alert["number"], &alert["state"]),
        (&1.into(), &"raised".into())
    );
    assert!(
        alert["lapses_at"].is_string() && alert["action"].is_null(),
        "{alert}"
    );
    refused(
        &place,
        "omar",
        "judge",
        &["1", "pass"],
        "has not opened this alert's images",
    );
    refused(&place, "anna", "show", &["1"], "anna is no operator");

    let seen = done(&place, "olu", "show", &["1"]);
    assert_eq!(
        (&seen["role"], &seen["pictures"]),
        (&"operator".into(), &1.into())
    );
    assert_eq!(seen["score"], Value::Null, "not before the judgement");
    let page = PathBuf::from(seen["page"].as_str().unwrap());
    assert_eq!(std::fs::metadata(&page).unwrap().mode() & 0o777, 0o600);
    let html = std::fs::read_to_string(&page).unwrap();
    assert_eq!(html.matches("src=\"data:image/jpeg;base64,").count(), 2);
    assert!(html.contains("missing-person") && html.contains("concourse"));
    assert!(
        html.contains("The score is shown once you have judged") && !html.contains("score was")
    );

    // Nobody has judged it: the desk that is a file has heard, and nobody who acts has.
    let raised = await_told(&place, "log", 1);
    assert_eq!(
        (&raised[0]["news"], &raised[0]["alert"]["open"]),
        (&"raised".into(), &true.into())
    );
    assert!(told(&place, "van").is_empty() && told(&place, "team").is_empty());
    refused(
        &place,
        "eve",
        "outcome",
        &["1", "viable"],
        "is for one that is passed",
    );

    let judged = done(&place, "olu", "judge", &["1", "pass"]);
    let score = judged["score"].as_f64().unwrap();
    assert!((0.45..=1.0).contains(&score), "{judged}");
    assert_eq!(
        done(&place, "olu", "judge", &["1", "pass"])["alert"]["steps"],
        judged["alert"]["steps"],
        "sent twice, recorded once"
    );
    refused(
        &place,
        "olu",
        "judge",
        &["1", "reject", "--why", "cannot-tell"],
        "the alert is Passed",
    );

    // The router named the van, and so the team hears nothing.
    let passed = await_told(&place, "van", 1);
    assert_eq!(
        (&passed[0]["news"], &passed[0]["alert"]["state"]),
        (&"passed".into(), &"passed".into())
    );
    assert_eq!(
        (&passed[0]["alert"]["open"], &passed[0]["again"]),
        (&true.into(), &false.into())
    );
    assert!(passed[0]["audit"]["events"].as_u64().unwrap() > 0);
    let van = std::fs::metadata(place.path("told/van.jsonl")).unwrap();
    assert_eq!(van.mode() & 0o777, 0o600);

    refused(
        &place,
        "eve",
        "outcome",
        &["1", "viable"],
        "has not opened this alert's images",
    );
    assert_eq!(
        done(&place, "eve", "show", &["1"])["role"],
        "engagement-officer"
    );
    done(&place, "eve", "outcome", &["1", "viable"]);
    done(&place, "eve", "outcome", &["1", "engaged"]);
    let mut confirmed = vec!["1", "confirmed"];
    confirmed.extend(STOP);
    done(&place, "eve", "outcome", &confirmed);
    let arrest = ["1", "disposal", "arrest", "--reason"];
    let other = [&arrest[..], &["mood"]].concat();
    refused(
        &place,
        "eve",
        "outcome",
        &other,
        "`mood` is none of what an arrest may be for by the force's rules: warrant, failing-to-appear",
    );
    let listed = [&arrest[..], &["warrant"]].concat();
    let ended = done(&place, "eve", "outcome", &listed);
    assert_eq!(ended["alert"]["state"], "confirmed-true");
    let steps = ended["alert"]["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 5);
    assert_eq!(
        (&steps[0]["by"]["id"], &steps[1]["by"]["id"]),
        (&"olu".into(), &"eve".into())
    );
    assert_eq!(steps[4]["step"]["disposal"]["arrest-for"], "warrant");

    let run = running.interrupt();
    assert_eq!(run.status, Some(130), "{}", run.err);
    let summary = summary(&place);
    assert_eq!(counts(&summary, "van"), [1, 0]);
    assert_eq!(counts(&summary, "team"), [0, 0]);
    assert_eq!(counts(&summary, "log"), [1, 0]);
    assert!(told(&place, "team").is_empty());
    // The pages are on record as files that show a face, by whoever opened them; the second took the place of the first.
    let store = Store::open(&place.path("out/records.redb"), &settings()).unwrap();
    let exports = store.exports().unwrap();
    let pages: Vec<_> = exports
        .iter()
        .filter(|export| export.path == page.canonicalize().unwrap())
        .collect();
    assert_eq!(pages.len(), 2, "{exports:?}");
    assert!(
        pages[0].destroyed.is_some() && pages[1].destroyed.is_none(),
        "{exports:?}"
    );
    assert!(pages.iter().all(|export| export.kind == ExportKind::Alert));
    drop(store);
    // The records themselves say the same as the run did.
    let list = done(&place, "olu", "list", &["--state", "confirmed-true"]);
    assert_eq!(list[0]["steps"], ended["alert"]["steps"]);
    assert_eq!(
        done(&place, "olu", "list", &["--open"]),
        serde_json::json!([])
    );
}

#[test]
fn where_no_run_goes_on_the_records_are_asked_and_the_next_run_tells_whom_nobody_could_tell() {
    let place = place(&file("team", "action"));
    place.film(100);
    let run = place.run();
    assert_eq!(run.status, Some(0), "{}", run.err);
    let lock = std::fs::read(place.path("out/overt.lock")).unwrap();
    std::fs::remove_file(place.path("out/overt.lock")).unwrap();
    // Both an operator and an engagement officer, and yet one person.
    done(&place, "bo", "show", &["1", "--as", "operator"]);
    let passed = alerts(&place, "bo", "judge", &["1", "pass"]);
    assert_eq!(passed.status, Some(0), "{}", passed.err);
    assert!(
        passed.out.contains("passed by B. Both") && passed.out.contains("its score was"),
        "{}",
        passed.out
    );
    let nobody = ["there is no lock", "NOBODY WHO ACTS HAS HEARD OF IT"];
    assert!(
        nobody.iter().all(|words| passed.err.contains(words)),
        "{}",
        passed.err
    );
    assert_eq!(
        done(&place, "bo", "show", &["1"])["role"],
        "engagement-officer"
    );
    refused(
        &place,
        "bo",
        "outcome",
        &["1", "viable"],
        "the second judgement is another person's",
    );
    assert!(told(&place, "team").is_empty());

    std::fs::write(place.path("out/overt.lock"), lock).unwrap();
    // The process that committed the pass is gone. No router rule names anybody, so everybody who acts is told.
    let run = place.run();
    assert_eq!(run.status, Some(0), "{}", run.err);
    let team = told(&place, "team");
    assert_eq!(team.len(), 1, "{team:?}");
    assert_eq!(
        (&team[0]["alert"]["number"], &team[0]["news"]),
        (&1.into(), &"passed".into())
    );
    assert_eq!(
        done(&place, "eve", "list", &["--state", "passed"])[0]["action"],
        serde_json::json!(["team"])
    );
    done(
        &place,
        "eve",
        "show",
        &["1", "-o", place.path("here.html").to_str().unwrap()],
    );
    assert!(place.path("here.html").exists());
    done(&place, "eve", "outcome", &["1", "not-viable"]);
    assert_eq!(
        done(&place, "eve", "outbox", &[])["messages"],
        serde_json::json!([])
    );
}

#[test]
fn a_router_that_fails_once_an_alert_was_passed_is_counted_as_any_plugin_is_and_everybody_who_acts_is_told()
 {
    let place = place(&(file("team", "action") + &file("van", "action")));
    place.hostile("alert-router", "grants = [\"log\"]", "trap-once-passed");
    place.film(1500);
    let mut running = Running::start(&place);
    running.await_line("ALERT 1 for desk-1");
    done(&place, "olu", "show", &["1"]);
    done(&place, "olu", "judge", &["1", "pass"]);
    for channel in ["team", "van"] {
        assert_eq!(await_told(&place, channel, 1)[0]["news"], "passed");
    }
    let line = running.await_line("A plugin failed");
    assert!(line.contains("hostile-decision"), "{line}");
    let run = running.interrupt();
    assert_eq!(run.status, Some(130), "{}", run.err);
    let errors = &summary(&place)["plugin_errors"];
    assert_eq!(errors.as_array().unwrap().len(), 1, "{errors}");
    assert_eq!(
        (
            &errors[0]["role"],
            &errors[0]["count"],
            &errors[0]["camera"]
        ),
        (&"alert-router".into(), &1.into(), &"concourse".into())
    );
    let store = Store::open(&place.path("out/records.redb"), &settings()).unwrap();
    let counts = store.runs().unwrap()[0].counts;
    assert_eq!(counts.plugin_errors, 1);
}

#[test]
fn a_challenger_of_the_router_is_asked_about_passed_alerts_too_and_tells_nobody() {
    let place = place(&(file("team", "action") + &file("van", "action")));
    place.unsigned();
    let challenger = set_up("hostile/hostile-decision.wasm");
    place.change(
        "[[channel]]\nname = \"desk-1\"",
        &format!("[plugins.alert-router.shadow]\nfile = {challenger:?}\ngrants = [\"log\"]\n[plugins.alert-router.shadow.config]\nbehaviour = \"trap-once-passed\"\n\n[[channel]]\nname = \"desk-1\""),
    );
    place.film(1500);
    let mut running = Running::start(&place);
    running.await_line("ALERT 1 for desk-2");
    done(&place, "olu", "show", &["1"]);
    done(&place, "olu", "judge", &["1", "pass"]);
    for channel in ["team", "van"] {
        assert_eq!(await_told(&place, channel, 1)[0]["news"], "passed");
    }
    let run = running.interrupt();
    assert_eq!(run.status, Some(130), "{}", run.err);
    let told = summary(&place);
    let shadow = &told["shadows"][0];
    assert_eq!(
        (&shadow["role"], &shadow["calls"], &shadow["failures"]),
        (
            &"alert-router".into(),
            &2.into(),
            &serde_json::json!({ "trap": 1 })
        )
    );
    assert_eq!(told["plugin_errors"], serde_json::json!([]));
}

#[test]
fn an_alert_that_nobody_judges_lapses_while_the_run_goes_on_and_its_desk_is_told() {
    let place = place(&(file("team", "action") + &file("log", "review")));
    place.change("channels = [\"desk-2\"] }]", "channels = [\"log\"] }]");
    place.change(
        "[retention]",
        "[judgement]\nadjudicate-seconds = 5\n\n[retention]",
    );
    place.film(1500);
    let mut running = Running::start(&place);
    running.await_line("ALERT 1 for log");
    done(&place, "olu", "show", &["1"]);
    let news = await_told(&place, "log", 2);
    assert_eq!(
        (&news[1]["news"], &news[1]["alert"]["state"]),
        (&"lapsed".into(), &"lapsed".into())
    );
    assert_eq!(news[1]["alert"]["open"], false);
    refused(
        &place,
        "olu",
        "judge",
        &["1", "pass"],
        "the alert is Closed(Lapsed)",
    );
    let run = running.interrupt();
    assert_eq!(run.status, Some(130), "{}", run.err);
    assert!(
        told(&place, "team").is_empty(),
        "it never becomes action by default"
    );
}

#[test]
fn of_two_people_who_judge_at_once_one_does() {
    let place = place("");
    place.film(100);
    assert_eq!(place.run().status, Some(0));
    done(&place, "olu", "show", &["1"]);
    done(&place, "omar", "show", &["1"]);
    let mut running = Running::start(&place);
    running.await_answer(&place);
    let both = std::thread::scope(|scope| {
        let pass = scope.spawn(|| alerts(&place, "olu", "judge", &["1", "pass"]));
        let reject = &["1", "reject", "--why", "not-this-person"];
        let reject = scope.spawn(|| alerts(&place, "omar", "judge", reject));
        [pass.join().unwrap(), reject.join().unwrap()]
    });
    let mut ends = both
        .iter()
        .map(|ended| ended.status.unwrap())
        .collect::<Vec<_>>();
    ends.sort_unstable();
    assert_eq!(ends, [0, 1], "{}{}", both[0].err, both[1].err);
    running.interrupt();
    let list = done(&place, "ada", "list", &[]);
    let judged = list
        .as_array()
        .unwrap()
        .iter()
        .find(|alert| alert["number"] == 1);
    assert_eq!(judged.unwrap()["steps"].as_array().unwrap().len(), 1);
}

#[test]
fn a_dead_receiver_loses_nothing_and_what_may_have_come_before_is_marked() {
    let port = free_port();
    let place = place(&format!(
        "[[channel]]\nname = \"far\"\npurpose = \"review\"\nkind = \"webhook\"\nurl = \"http://127.0.0.1:{port}/alerts\"\n"
    ));
    place.change("channels = [\"desk-2\"] }]", "channels = [\"far\"] }]");
    place.film(1500);
    let mut running = Running::start(&place);
    running.await_line("CHANNEL far has not taken a message");
    // While it is tried it may have arrived, for all that anybody knows; afterwards nobody answered the door.
    let begun = Instant::now();
    let outbox = loop {
        let outbox = done(&place, "olu", "outbox", &[]);
        let waiting = &outbox["messages"][0];
        assert!(
            waiting["trouble"].is_string() && waiting["tries"].as_u64() > Some(0),
            "{waiting}"
        );
        if waiting["may_have_arrived"] == false {
            break outbox;
        }
        assert!(begun.elapsed() < PATIENCE, "{waiting}");
    };
    let key = outbox["key"].as_str().unwrap();

    // Alive again. It reads the first and says nothing, refuses the second, and would lead the third elsewhere.
    let answers = [Answer::Nothing, Answer::Status(503), Answer::Redirect];
    let receiver = Receiver::start(port, &answers);
    let came: Vec<_> = (0..4).map(|_| receiver.next()).collect();
    running.await_line("CHANNEL far takes messages again.");
    let bodies: Vec<Value> = came.iter().map(|came| came.json()).collect();
    for (came, body) in came.iter().zip(&bodies) {
        assert!(came.is_signed_with(key) && came.header("overt-key") == key);
        assert_eq!(body["message"], bodies[0]["message"]);
        assert_eq!(
            (&body["news"], &body["alert"]["number"]),
            (&"raised".into(), &1.into())
        );
    }
    let again: Vec<&Value> = bodies.iter().map(|body| &body["again"]).collect();
    assert_eq!(again, [false, true, true, true]);
    let run = running.interrupt();
    assert_eq!(run.status, Some(130), "{}", run.err);
    assert_eq!(counts(&summary(&place), "far"), [1, 0]);
    assert!(
        receiver.rest().is_empty(),
        "taken once, it does not come again"
    );
}

#[test]
fn what_the_run_could_not_deliver_waits_for_the_next_and_says_that_it_is_over() {
    let port = free_port();
    let place = place(&format!(
        "[[channel]]\nname = \"far\"\npurpose = \"review\"\nkind = \"webhook\"\nurl = \"http://127.0.0.1:{port}/alerts\"\n"
    ));
    place.change("channels = [\"desk-2\"] }]", "channels = [\"far\"] }]");
    place.change(
        "[retention]",
        "[judgement]\nadjudicate-seconds = 5\n\n[retention]",
    );
    place.film(100);
    let run = place.run();
    assert_eq!(run.status, Some(0), "{}", run.err);
    // On a slow machine it lapses before the run ends, and then two wait.
    let [delivered, waiting] = counts(&summary(&place), "far");
    assert!(delivered == 0 && waiting > 0, "{waiting}");
    let told = format!("{waiting} messages to far");
    assert!(run.out.contains(&told), "{}", run.out);
    // Its time goes by while nobody runs anything.
    let begun = Instant::now();
    while done(&place, "olu", "list", &[])[0]["state"] != "lapsed" {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(500));
    }
    let receiver = Receiver::start(port, &[]);
    let run = place.run();
    assert_eq!(run.status, Some(0), "{}", run.err);
    let (first, second) = (receiver.next().json(), receiver.next().json());
    assert_eq!(
        (&first["news"], &second["news"]),
        (&"raised".into(), &"lapsed".into())
    );
    for body in [&first, &second] {
        assert_eq!(
            (&body["alert"]["number"], &body["alert"]["state"]),
            (&1.into(), &"lapsed".into())
        );
        assert_eq!(
            (&body["alert"]["open"], &body["again"]),
            (&false.into(), &false.into())
        );
    }
}

#[test]
fn a_mistake_in_what_is_reported_is_told_before_anything_is_asked() {
    let place = place("");
    for more in [
        &["1", "judge"][..],
        &["1", "confirmed", "--correct", "yes"],
        &["1", "viable", "--place", "here"],
        &["1", "disposal"],
        &["1", "disposal", "other"],
        &["1", "disposal", "arrest", "--note", "x"],
        &["1", "viable", "--reason", "warrant"],
    ] {
        assert_eq!(
            alerts(&place, "eve", "outcome", more).status,
            Some(2),
            "{more:?}"
        );
    }
    for more in [&["1", "reject"][..], &["1", "pass", "--why", "cannot-tell"]] {
        assert_eq!(
            alerts(&place, "olu", "judge", more).status,
            Some(2),
            "{more:?}"
        );
    }
    let nobody = support::run([
        "alerts".as_ref(),
        "list".as_ref(),
        place.deployment().as_os_str(),
    ]);
    assert_eq!(nobody.status, Some(1), "{}", nobody.out);
}
