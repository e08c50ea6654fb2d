//! `overt alerts deliver`, and what `overt alerts judge` does by itself once a pass is on record: who acts hears of an alert although its run has ended, whatever the receiver,
//! the router and this machine do, once, or marked.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use overt_records::{Actor, AuditEvent, AuditLog};
use overt_tests::schema::Schema;
use serde_json::Value;
use support::alerts::{alerts, done, file, place, refused, told};
use support::receiver::{Receiver, free_port};
use support::running::Running;
use support::{Ended, Place};

/// Longer than anything takes on a busy machine; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(180);

/// A channel for action that is a receiver at this port.
fn webhook(port: u16) -> String {
    format!(
        "[[channel]]\nname = \"far\"\npurpose = \"action\"\nkind = \"webhook\"\nurl = \"http://127.0.0.1:{port}/alerts\"\n"
    )
}

/// Lets alerts wait for as long as the rules let them: the machine may be busy.
fn patient(place: &Place) {
    place.change(
        "[retention]",
        "[judgement]\nadjudicate-seconds = 300\n\n[retention]",
    );
}

/// A place whose runs have raised this many alerts and ended, one each.
fn ended(channels: &str, alerts: usize) -> Place {
    let place = place(channels);
    patient(&place);
    place.film(60);
    for _ in 0..alerts {
        let run = place.run();
        assert_eq!(run.status, Some(0), "{}", run.err);
    }
    place
}

/// Olu opens an alert and passes it. The judgement is on record whatever becomes of the rest.
fn pass(place: &Place, alert: &str) -> Ended {
    done(place, "olu", "show", &[alert]);
    let judged = alerts(place, "olu", "judge", &[alert, "pass", "--json"]);
    assert_eq!(judged.status, Some(0), "{}", judged.err);
    let told: Value = serde_json::from_str(&judged.out).unwrap();
    assert_eq!(told["alert"]["steps"][0]["step"], "passed", "{told}");
    judged
}

/// What `overt alerts deliver --json` says, which is as the schema says.
fn deliver(place: &Place, who: &str, wait: &str, status: i32) -> Value {
    let ended = alerts(place, who, "deliver", &["--wait", wait, "--json"]);
    report(&ended, status)
}

fn report(ended: &Ended, status: i32) -> Value {
    assert_eq!(ended.status, Some(status), "{}{}", ended.out, ended.err);
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    let schema = Schema::parse(include_str!("../alerts-deliver.schema.json"));
    assert_eq!(schema.errors(&report), Vec::<String>::new(), "{report}");
    report
}

/// The same, begun.
fn begin(place: &Place, wait: &str) -> Child {
    place
        .overt_as("eve")
        .args(["alerts", "deliver"])
        .arg(place.deployment())
        .args(["--wait", wait, "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits until somebody answers questions about the deployment's alerts.
fn await_answer(place: &Place) {
    let begun = Instant::now();
    let deployment = place.deployment();
    let ask = [Path::new("deployment"), Path::new("status"), &deployment];
    while support::run(ask).status != Some(0) {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn delivered(report: &Value) -> Vec<(&str, u64)> {
    let rows = report["delivered"].as_array().unwrap();
    rows.iter()
        .map(|row| {
            let messages = row["messages"].as_u64().unwrap();
            (row["channel"].as_str().unwrap(), messages)
        })
        .collect()
}

#[test]
fn what_is_passed_after_the_run_is_told_at_once_and_what_a_dead_receiver_did_not_take_later() {
    let port = free_port();
    let place = ended(&(webhook(port) + &file("team", "action")), 1);
    assert!(told(&place, "team").is_empty());
    let judged = pass(&place, "1");
    // Said on standard error, where no receiver can hold up the judgement.
    let said = [
        "alert 1: for far, team (every channel for action, for the router named none)",
        "team: 1 message delivered",
        "overt alerts deliver",
    ];
    assert!(
        said.iter().all(|words| judged.err.contains(words)),
        "{}",
        judged.err
    );
    let team = told(&place, "team");
    assert_eq!(
        (team.len(), &team[0]["news"], &team[0]["again"]),
        (1, &"passed".into(), &false.into())
    );

    let waits = deliver(&place, "eve", "0", 1);
    assert_eq!(waits["settled"], serde_json::json!([]));
    assert_eq!(waits["router"]["id"], "router-desk");
    let waiting = &waits["waiting"][0];
    assert_eq!(
        (&waiting["channel"], &waiting["may_have_arrived"]),
        (&"far".into(), &false.into())
    );
    assert!(waiting["trouble"].is_string() && waiting["tries"].as_u64() >= Some(2));
    let in_words = alerts(&place, "eve", "deliver", &["--wait", "0"]);
    assert_eq!(in_words.status, Some(1));
    assert!(
        in_words.out.contains("1 message waiting"),
        "{}",
        in_words.out
    );
    refused(&place, "ada", "deliver", &[], "ada is no operator");

    let receiver = Receiver::start(port, &[]);
    let went = deliver(&place, "anna", "60", 0);
    assert_eq!(delivered(&went), [("far", 1)]);
    let came = receiver.next();
    let key = done(&place, "olu", "outbox", &[])["key"].clone();
    assert!(came.is_signed_with(key.as_str().unwrap()));
    assert_eq!(
        (&came.json()["news"], &came.json()["again"]),
        (&"passed".into(), &false.into())
    );
    let nothing = deliver(&place, "anna", "0", 0);
    assert_eq!(
        (delivered(&nothing), &nothing["waiting"]),
        (vec![], &serde_json::json!([]))
    );
    assert!(receiver.rest().is_empty());
    assert_eq!(told(&place, "team").len(), 1);

    // Who had it delivered is in the log, with the router that was asked and the lock that it holds to.
    let log = AuditLog::read(&place.path("out/records.redb"), "walk-past").unwrap();
    let begun: Vec<_> = log
        .entries()
        .into_iter()
        .filter_map(|entry| match entry.event {
            AuditEvent::DeliveryBegun {
                router, unrouted, ..
            } => Some((entry.by, router.unwrap().id, unrouted)),
            _ => None,
        })
        .collect();
    let by = |who: &Actor| match who {
        Actor::Person { id, .. } => id.clone(),
        other => panic!("{other:?}"),
    };
    let who: Vec<_> = begun.iter().map(|(who, ..)| by(who)).collect();
    assert_eq!(who, ["olu", "eve", "eve", "anna", "anna"]);
    assert_eq!((begun[0].1.as_str(), begun[0].2), ("router-desk", 1));
    assert_eq!(begun[1].2, 0);
}

#[test]
fn what_was_under_way_when_the_delivery_was_killed_comes_again_and_says_so() {
    let port = free_port();
    let place = ended(&webhook(port), 1);
    pass(&place, "1");
    // It reads the message, and the process is gone before it can answer.
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let mut under_way = begin(&place, "60");
    let (stream, _) = listener.accept().unwrap();
    let mut reader = BufReader::new(&stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        match line.trim_end().to_ascii_lowercase().split_once(": ") {
            Some(("content-length", bytes)) => length = bytes.parse().unwrap(),
            Some(_) => {}
            None if line.trim_end().is_empty() => break,
            None => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let first: Value = serde_json::from_slice(&body).unwrap();
    under_way.kill().unwrap();
    under_way.wait().unwrap();
    drop((stream, listener));
    assert_eq!(first["again"], false);

    let receiver = Receiver::start(port, &[]);
    assert_eq!(delivered(&deliver(&place, "eve", "60", 0)), [("far", 1)]);
    let second = receiver.next().json();
    assert_eq!(
        (&second["message"], &second["again"]),
        (&first["message"], &true.into())
    );
    assert!(receiver.rest().is_empty());
}

#[test]
fn of_two_deliveries_at_once_one_delivers_and_nothing_goes_out_twice() {
    let port = free_port();
    let place = ended(&webhook(port), 2);
    pass(&place, "1");
    let both = [begin(&place, "120"), begin(&place, "120")];
    await_answer(&place);
    // Whoever asks meanwhile is answered, and what they pass goes the same way.
    done(&place, "olu", "show", &["2"]);
    let judged = alerts(&place, "olu", "judge", &["2", "pass"]);
    assert_eq!(judged.status, Some(0), "{}", judged.err);
    assert_eq!(judged.err, "", "whoever delivers has taken it over");
    let elsewhere = deliver(&place, "eve", "0", 1);
    assert_eq!(elsewhere["elsewhere"], true);
    assert_eq!(elsewhere["waiting"].as_array().unwrap().len(), 2);

    let receiver = Receiver::start(port, &[]);
    let came = [receiver.next().json(), receiver.next().json()];
    let ends: Vec<Ended> = both
        .into_iter()
        .map(|child| child.wait_with_output().unwrap().into())
        .collect();
    let here: Vec<Value> = ends
        .iter()
        .filter_map(|ended| serde_json::from_str(&ended.out).ok())
        .filter(|report: &Value| report["elsewhere"] == false)
        .collect();
    assert_eq!(here.len(), 1, "{}{}", ends[0].err, ends[1].err);
    assert_eq!(delivered(&here[0]), [("far", 2)]);
    assert_eq!(here[0]["settled"][0]["alert"], 2);
    for (came, alert) in came.iter().zip([1, 2]) {
        assert_eq!(
            (&came["alert"]["number"], &came["again"]),
            (&alert.into(), &false.into())
        );
    }
    assert!(receiver.rest().is_empty());
}

#[test]
fn who_is_removed_while_messages_are_delivered_is_gone_at_once_and_what_arrives_then_says_so() {
    let port = free_port();
    let place = ended(&webhook(port), 1);
    pass(&place, "1");
    let under_way = begin(&place, "120");
    await_answer(&place);
    let deployment = place.deployment();
    let remove = ["watchlist", "remove", deployment.to_str().unwrap()];
    let gone = ["MP-0001", "--reason", "found safe", "--json"];
    let removed = place.run_as("anna", [&remove[..], &gone].concat());
    assert_eq!(removed.status, Some(0), "{}", removed.err);
    let removed: Value = serde_json::from_str(&removed.out).unwrap();
    assert_eq!(
        (&removed[0]["withdrawn"], &removed[0]["generation"]),
        (&serde_json::json!([1]), &Value::Null)
    );

    let receiver = Receiver::start(port, &[]);
    for news in ["passed", "withdrawn"] {
        let came = receiver.next().json();
        assert_eq!(came["news"], news);
        assert_eq!(
            (&came["alert"]["state"], &came["alert"]["open"]),
            (&"withdrawn".into(), &false.into())
        );
    }
    let ended: Ended = under_way.wait_with_output().unwrap().into();
    // The desk, which is the terminal of whoever delivers, has heard as well.
    assert_eq!(delivered(&report(&ended, 0)), [("desk-2", 1), ("far", 2)]);
}

#[test]
fn what_differs_from_the_lock_tells_nobody_and_what_is_locked_then_does() {
    let place = ended(&(file("team", "action") + &file("van", "action")), 1);
    place.change(
        "channels = [\"desk-2\"] }]",
        "channels = [\"desk-2\"] }]\naction = [{ channels = [\"van\"] }]",
    );
    let judged = pass(&place, "1");
    let said = [
        "the deployment is not the one that was locked",
        "plugin.alert-router.config.",
        "The judgement is on record. NOBODY WHO ACTS HAS HEARD OF IT",
    ];
    assert!(
        said.iter().all(|words| judged.err.contains(words)),
        "{}",
        judged.err
    );
    refused(
        &place,
        "eve",
        "deliver",
        &[],
        "the deployment is not the one that was locked",
    );
    assert!(told(&place, "team").is_empty() && told(&place, "van").is_empty());

    place.lock();
    let went = deliver(&place, "eve", "30", 0);
    assert_eq!(
        went["settled"],
        serde_json::json!([{ "alert": 1, "channels": ["van"], "by_default": false }])
    );
    assert_eq!(delivered(&went), [("van", 1)]);
    assert!(told(&place, "team").is_empty());
}

#[test]
fn a_router_that_traps_sends_a_passed_alert_to_everybody_who_acts() {
    let place = place(&(file("team", "action") + &file("van", "action")));
    place.hostile("alert-router", "grants = [\"log\"]", "trap-once-passed");
    patient(&place);
    place.film(60);
    let run = place.run();
    assert_eq!(run.status, Some(0), "{}", run.err);
    let lock = std::fs::read(place.path("out/overt.lock")).unwrap();
    std::fs::remove_file(place.path("out/overt.lock")).unwrap();
    pass(&place, "1");
    std::fs::write(place.path("out/overt.lock"), lock).unwrap();

    let went = deliver(&place, "eve", "30", 0);
    assert_eq!(
        went["settled"],
        serde_json::json!([{ "alert": 1, "channels": ["team", "van"], "by_default": true }])
    );
    assert_eq!(delivered(&went), [("team", 1), ("van", 1)]);
    let errors = &went["plugin_errors"];
    assert_eq!(
        (&errors[0]["count"], &errors[0]["camera"]),
        (&1.into(), &"concourse".into()),
        "{errors}"
    );
    assert_eq!(told(&place, "van").len(), 1);
    // A trap replays as a trap.
    let deployment = place.deployment();
    let replay = ["audit", "replay", deployment.to_str().unwrap(), "--json"];
    let replayed = support::run(replay);
    let replayed: Value = serde_json::from_str(&replayed.out).unwrap();
    let alert = &replayed["alerts"][0];
    assert_eq!(
        (&alert["verdict"], &alert["for_action"]),
        (&"same".into(), &"kept".into()),
        "{alert}"
    );
}

#[test]
fn while_a_run_goes_on_it_delivers_and_a_rehearsal_does_not() {
    let place = place(&file("team", "action"));
    patient(&place);
    place.film(1500);
    let mut running = Running::start(&place);
    running.await_answer(&place);
    let ended = alerts(&place, "eve", "deliver", &[]);
    assert!(
        ended.out.contains("a run of walk-past goes on"),
        "{}{}",
        ended.out,
        ended.err
    );
    running.await_line("ALERT 1 for");
    running.interrupt();

    let mut running = Running::start_with(&place, &["--rehearsal"]);
    running.await_answer(&place);
    refused(
        &place,
        "eve",
        "deliver",
        &[],
        "a rehearsal of walk-past goes on",
    );
    let judged = pass(&place, "1");
    assert!(
        judged.err.contains("NOBODY WHO ACTS HAS HEARD OF IT"),
        "{}",
        judged.err
    );
    running.interrupt();
    assert!(told(&place, "team").is_empty());
    assert_eq!(delivered(&deliver(&place, "eve", "30", 0)), [("team", 1)]);
}
