//! What officers and auditors ask of the records while a run has them open: they are answered as without one, who asks is checked and on record, and frames go on.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::path::{Path, PathBuf};
use std::time::Duration;

use overt_records::{AuditEvent, AuditLog};
use overt_tests::rtsp::{RtspServer, TEST_PICTURE, playing};
use overt_tests::schema::Schema;
use serde_json::Value;
use support::openmetrics::scrape;
use support::receiver::free_port;
use support::running::Running;
use support::{Ended, Place, run};

/// A run of a camera that goes on, and its figures.
struct Live {
    place: Place,
    port: u16,
    running: Running,
    _server: RtspServer,
}

impl Live {
    fn new() -> Self {
        Self::seeing(TEST_PICTURE)
    }

    fn seeing(picture: &str) -> Self {
        let place = Place::with_person_a();
        let port = free_port();
        place.change(
            "[host]\n",
            &format!("[host]\nmetrics = \"127.0.0.1:{port}\"\n"),
        );
        let server = RtspServer::start(picture);
        let address = server.address();
        place.change("file = \"video.avi\"", &format!("source = \"{address}\""));
        let mut running = Running::start(&place);
        running.await_line("Started");
        Self {
            place,
            port,
            running,
            _server: server,
        }
    }

    fn processed(&self) -> f64 {
        let samples = scrape(self.port).unwrap();
        samples.sum("overt_camera_frames_processed_total", &[])
    }

    /// Asks, and waits until frames have gone their way since.
    fn ask(&mut self, who: &str, command: &[&str], more: &[&str]) -> Ended {
        let before = self.processed();
        let deployment = self.place.deployment();
        let mut arguments = command.to_vec();
        arguments.push(deployment.to_str().unwrap());
        arguments.extend(more);
        let ended = self.place.run_as(who, arguments);
        for _ in 0..600 {
            if self.processed() > before {
                return ended;
            }
            assert!(self.running.goes_on(), "{command:?} has ended the run");
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("after {command:?} no frame went its way");
    }

    fn done(&mut self, who: &str, command: &[&str], more: &[&str], status: i32) -> String {
        let ended = self.ask(who, command, more);
        assert_eq!(
            ended.status,
            Some(status),
            "{who} {command:?}: {}{}",
            ended.out,
            ended.err
        );
        ended.out
    }

    fn json(&mut self, who: &str, command: &[&str], more: &[&str], status: i32) -> Value {
        let more = [more, &["--json"]].concat();
        serde_json::from_str(&self.done(who, command, &more, status)).unwrap()
    }

    fn refused(&mut self, who: &str, command: &[&str], more: &[&str], because: &str) {
        let ended = self.ask(who, command, more);
        assert_eq!(ended.status, Some(1), "{who} {command:?}: {}", ended.out);
        let told = ended.err.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains(because) && told.contains("help:"), "{told}");
    }

    fn end(self) -> Place {
        let ended = self.running.interrupt();
        assert_eq!(ended.status, Some(130), "{}", ended.err);
        let summary = std::fs::read(self.place.path("out/summary.json")).unwrap();
        let summary: Value = serde_json::from_slice(&summary).unwrap();
        let count = |name: &str| summary["frames"][name].as_u64().unwrap();
        assert_eq!(
            (count("read"), count("unseen")),
            (count("processed") + count("dropped"), 0),
            "{summary}"
        );
        self.place
    }
}

fn schema(text: &str, value: &Value) {
    assert_eq!(Schema::parse(text).errors(value), Vec::<String>::new());
}

/// The events of the log that is left.
fn events(place: &Place) -> Vec<AuditEvent> {
    let log = AuditLog::read(&place.path("out/records.redb"), "walk-past").unwrap();
    log.entries().into_iter().map(|entry| entry.event).collect()
}

#[test]
fn the_watchlist_is_listed_checked_and_proven_while_it_serves() {
    let mut live = Live::new();
    let listed = live.json("ada", &["watchlist", "list"], &[], 0);
    assert_eq!(listed[0]["reference"], "MP-0001", "{listed}");
    let checked = live.json("ada", &["watchlist", "check"], &[], 1);
    assert_eq!(checked["counts"]["people"], 1);

    let prove = |more: &[&'static str]| {
        let mut all = vec!["MP-0001", "--reason", "complaint 1"];
        all.extend(more);
        all
    };
    let proven = live.json("ada", &["watchlist", "prove"], &prove(&[]), 0);
    assert_eq!(proven["was_on_the_watchlist"], true);
    assert!(proven["intervals"][0]["to"].is_null(), "{proven}");
    live.refused(
        "olu",
        &["watchlist", "prove"],
        &prove(&[]),
        "olu is no auditor",
    );
    let other = ["MP-0002", "--reason", "complaint 2", "--json"];
    live.done("boss", &["watchlist", "prove"], &other, 1);

    // Its custodian has the key, in a folder that the run cannot reach.
    let custodian = tempfile::tempdir().unwrap();
    let key = custodian.path().join("key");
    std::fs::rename(live.place.path("out/records.membership"), &key).unwrap();
    live.refused(
        "ada",
        &["watchlist", "prove"],
        &prove(&[]),
        "is not there; without it nothing can be told",
    );
    let brought = ["MP-0001", "--reason", "it", "--key", key.to_str().unwrap()];
    live.done("ada", &["watchlist", "prove"], &brought, 0);
    let none = custodian.path().join("none");
    std::fs::write(&none, "no key").unwrap();
    let none = ["MP-0001", "--reason", "it", "--key", none.to_str().unwrap()];
    live.refused(
        "ada",
        &["watchlist", "prove"],
        &none,
        "is not the key of this store",
    );
    std::fs::rename(&key, live.place.path("out/records.membership")).unwrap();

    let place = live.end();
    let deployment = place.deployment();
    let deployment = deployment.to_str().unwrap();
    let after = place.run_as("ada", ["watchlist", "check", deployment, "--json"]);
    let after: Value = serde_json::from_str(&after.out).unwrap();
    assert_eq!(after, checked, "the same as without a run");
    let asked = |event: &AuditEvent| matches!(event, AuditEvent::MembershipAsked { .. });
    // All but that of the operator, who may not ask.
    assert_eq!(
        events(&place).iter().filter(|event| asked(event)).count(),
        5
    );
}

#[test]
fn the_log_is_verified_lodged_and_exported_while_it_is_written() {
    let mut live = Live::new();
    let first = live.json("ada", &["audit", "verify"], &[], 3);
    schema(include_str!("../audit-verify.schema.json"), &first);
    assert_eq!(first["verdict"], "tail-unproven");
    assert_eq!(first["has_head_outside"], true);
    let (head, export) = (live.place.path("head.json"), live.place.path("log.jsonl"));
    let (head, export) = (head.to_str().unwrap(), export.to_str().unwrap());
    live.done("ada", &["audit", "lodge"], &["--out", head], 0);
    let proven = live.json("ada", &["audit", "verify"], &["--head", head], 0);
    assert_eq!(proven["proven_to"], proven["events"], "nothing came since");

    live.refused(
        "olu",
        &["audit", "export"],
        &["--out", export],
        "olu is no authorising-officer",
    );
    assert!(!Path::new(export).exists());
    live.done("ada", &["audit", "export"], &["--out", export], 0);
    let verified = run(["audit", "verify", "--export", export, "--head", head]);
    assert_eq!(verified.status, Some(0), "{}{}", verified.out, verified.err);
    // That it was exported came after that head.
    let later = live.json("ada", &["audit", "verify"], &["--head", head], 3);
    assert!(later["events"].as_u64() > proven["events"].as_u64());

    let place = live.end();
    let exported = |event: &AuditEvent| {
        matches!(
            event,
            AuditEvent::Published {
                what: overt_records::PublishedKind::Log,
                ..
            }
        )
    };
    assert_eq!(
        events(&place)
            .iter()
            .filter(|event| exported(event))
            .count(),
        1
    );
    let head = ["--head", head];
    let deployment = place.deployment();
    let verify = ["audit", "verify", deployment.to_str().unwrap()];
    let left = run(verify.iter().chain(&head));
    assert_eq!(left.status, Some(3), "{}{}", left.out, left.err);
}

#[test]
fn what_is_published_is_made_while_a_run_goes_on() {
    let mut live = Live::new();
    live.refused(
        "olu",
        &["report", "deployment"],
        &[],
        "olu is no authorising-officer",
    );
    let json = ["--format", "json"];
    let record = live.done("ada", &["report", "deployment"], &json, 0);
    let record: Value = serde_json::from_str(&record).unwrap();
    schema(
        include_str!("../../publication/deployment-report.schema.json"),
        &record,
    );
    let text = record.to_string();
    assert!(text.contains("a run of it goes on"), "{text}");
    let force = live.place.path("out/force.redb");
    let span = [
        "--from",
        "2000-01-01",
        "--to",
        "2099-12-31",
        "--format",
        "json",
    ];
    let span = [&span[..], &["--force", force.to_str().unwrap()]].concat();
    for (what, of) in [
        (
            "period",
            include_str!("../../publication/period-report.schema.json"),
        ),
        (
            "questions",
            include_str!("../../publication/answers.schema.json"),
        ),
    ] {
        let told = live.done("ada", &["report", what], &span, 0);
        schema(of, &serde_json::from_str(&told).unwrap());
    }
    let place = live.end();
    let published = |event: &AuditEvent| matches!(event, AuditEvent::Published { .. });
    assert_eq!(
        events(&place)
            .iter()
            .filter(|event| published(event))
            .count(),
        1
    );
}

#[test]
fn a_copy_that_is_made_while_a_run_goes_on_is_whole() {
    let mut live = Live::new();
    let copies = tempfile::tempdir().unwrap();
    let copy = |name: &str| -> PathBuf { copies.path().join(name) };
    let first = copy("first");
    let made = live.json("ada", &["backup"], &[first.to_str().unwrap()], 0);
    live.refused(
        "ada",
        &["backup"],
        &[first.to_str().unwrap()],
        "is there already",
    );
    let second = copy("second");
    live.json("ada", &["backup"], &[second.to_str().unwrap()], 0);

    // Elsewhere, where there is nothing.
    let other = Place::new();
    std::fs::remove_dir_all(other.path("out")).unwrap();
    let deployment = other.deployment();
    let restored = run([Path::new("restore"), &first, &deployment]);
    assert_eq!(restored.status, Some(0), "{}{}", restored.out, restored.err);
    let verified = run([
        Path::new("audit"),
        Path::new("verify"),
        &deployment,
        Path::new("--json"),
    ]);
    assert_eq!(verified.status, Some(3), "{}{}", verified.out, verified.err);
    let verified: Value = serde_json::from_str(&verified.out).unwrap();
    let copied = made["records"]["events"].as_u64().unwrap();
    assert_eq!(
        verified["events"].as_u64(),
        Some(copied + 1),
        "that it was restored"
    );

    let place = live.end();
    let backed_up = |event: &AuditEvent| matches!(event, AuditEvent::BackedUp {});
    assert_eq!(
        events(&place)
            .iter()
            .filter(|event| backed_up(event))
            .count(),
        2
    );
}

#[test]
fn alerts_are_replayed_by_the_run_that_raised_them_while_it_goes_on() {
    let video = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../out/demo/walk-past.avi");
    let mut live = Live::seeing(&playing(&video));
    live.running.await_line("ALERT 1 for desk-2: MP-0001");
    // Nobody needs an account for it, as without a run.
    let told = live.json("nobody", &["audit", "replay"], &["1"], 0);
    schema(include_str!("../audit-replay.schema.json"), &told);
    assert_eq!(told["alerts"][0]["verdict"], "same", "{told}");
    assert!(told["alerts"][0]["compared"].as_u64().unwrap() >= 2);
    let all = live.done("nobody", &["audit", "replay"], &[], 0);
    assert!(all.contains("  same"), "{all}");

    live.refused("nobody", &["audit", "replay"], &["99"], "99");
    let ended = live.ask("nobody", &["audit", "replay"], &["--plugins", "archive"]);
    assert_eq!(ended.status, Some(2), "{}", ended.err);
    assert!(
        ended.err.contains("reaches no other plugins"),
        "{}",
        ended.err
    );
    let place = live.end();

    // And the same again once it has ended.
    let ended = run([Path::new("audit"), Path::new("replay"), &place.deployment()]);
    assert_eq!(ended.status, Some(0), "{}", ended.err);
}
