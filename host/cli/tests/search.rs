//! Searches of stored images and of one photograph that an officer took: off unless authorised, with alerts that two people judge, and nothing left of whoever raised none.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::AtomicBool;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use overt_deployment::Deployment;
use overt_pipeline::{Perception, stills};
use overt_records::{Actor, AuditEvent, AuditLog, Force, Mode, RunMode, RunOutcome, Store};
use overt_tests::schema::Schema;
use serde_json::Value;
use support::running::Running;
use support::{Ended, Place, machine_and_store, photograph, side_by_side};

/// Person A on the watchlist of a deployment with these modes and, where it is not live, without a camera.
fn place(modes: &str) -> Place {
    let place = Place::new();
    place.change(
        "watchlist-size = 100 ",
        &format!("modes = [{modes}]\nwatchlist-size = 100 "),
    );
    if !modes.contains("live") {
        let text = std::fs::read_to_string(place.deployment()).unwrap();
        let (head, tail) = text.split_once("[[camera]]").unwrap();
        let rest = &tail[tail.find("# The closed list of reasons for which").unwrap()..];
        std::fs::write(place.deployment(), format!("{head}{rest}")).unwrap();
    }
    place.enrol_person_a();
    place
}

/// The same, authorised and locked.
fn authorised(modes: &str) -> Place {
    let place = place(modes);
    place.authorise();
    place.lock();
    place
}

const REASON: [&str; 2] = ["--reason", "crime 4711"];
const TAKEN: [&str; 4] = [
    "--taken-at",
    "2026-01-31T09:00:00Z",
    "--taken-place",
    "Market Square",
];
const FOOTAGE: [&str; 4] = ["--source", "till camera", "--owner", "A. Shop Ltd"];

/// `overt search` of these photographs by somebody.
fn search(place: &Place, who: &str, photographs: &[&Path], more: &[&str]) -> Ended {
    let mut overt = place.overt_as(who);
    overt.arg("search").arg(place.deployment());
    overt.args(photographs).args(more).output().unwrap().into()
}

fn stored(place: &Place, who: &str, photographs: &[&Path], more: &[&str]) -> Ended {
    let said = [
        &["--mode", "retrospective"][..],
        &REASON,
        &TAKEN,
        &FOOTAGE,
        more,
    ];
    search(place, who, photographs, &said.concat())
}

fn taken(place: &Place, who: &str, photographs: &[&Path], more: &[&str]) -> Ended {
    let said = [&["--mode", "operator"][..], &REASON, &TAKEN, more];
    search(place, who, photographs, &said.concat())
}

/// What `--json` says of a search that ended so.
fn report(ended: &Ended, status: i32) -> Value {
    assert_eq!(ended.status, Some(status), "{}{}", ended.out, ended.err);
    let report = serde_json::from_str(&ended.out).unwrap();
    let schema = Schema::parse(include_str!("../search.schema.json"));
    assert_eq!(schema.errors(&report), Vec::<String>::new());
    report
}

/// That it ended so, with all of these words.
fn refused(ended: &Ended, status: i32, told: &[&str]) {
    assert_eq!(ended.status, Some(status), "{}{}", ended.out, ended.err);
    for told in told {
        assert!(ended.err.contains(told), "{told}: {}", ended.err);
    }
}

fn store(place: &Place) -> Store {
    let deployment = Deployment::read(&place.deployment()).unwrap();
    machine_and_store(&deployment).1
}

/// `overt alerts …` by somebody, done, as JSON.
fn alerts(place: &Place, who: &str, what: &[&str]) -> Value {
    let (verb, more) = what.split_first().unwrap();
    let mut overt = place.overt_as(who);
    overt.args(["alerts", verb]).arg(place.deployment());
    let ended = Ended::from(overt.args(more).arg("--json").output().unwrap());
    assert_eq!(ended.status, Some(0), "{what:?}: {}", ended.err);
    let told = serde_json::from_str(&ended.out).unwrap();
    if *verb != "describe" {
        let schema = Schema::parse(include_str!("../alerts.schema.json"));
        assert_eq!(schema.errors(&told), Vec::<String>::new(), "{told}");
    }
    told
}

#[test]
fn a_search_is_off_unless_the_file_turns_its_mode_on() {
    let place = Place::with_person_a();
    place.film(1);
    place.authorise();
    place.lock();
    let face = photograph("a-2.jpg");
    for ended in [
        stored(&place, "olu", &[&face], &[]),
        taken(&place, "olu", &[&face], &[]),
    ] {
        refused(
            &ended,
            1,
            &[
                "the deployment file does not turn the mode",
                "is not among the modes that deployment 1 is authorised for",
            ],
        );
        assert_eq!(ended.err.matches("error: ").count(), 2, "{}", ended.err);
        assert_eq!(ended.err.matches("help: ").count(), 2, "{}", ended.err);
    }
    assert!(store(&place).runs().unwrap().is_empty());
}

#[test]
fn a_search_that_nobody_authorised_or_by_whom_the_rules_do_not_name_is_refused() {
    let face = photograph("a-2.jpg");
    let place = place("\"retrospective\"");
    place.lock();
    refused(
        &stored(&place, "olu", &[&face], &[]),
        1,
        &["walk-past is not in the register"],
    );
    place.authorise();
    // An engagement officer may search what they took, and no footage; an auditor nothing.
    for who in ["eve", "ada"] {
        refused(
            &stored(&place, who, &[&face], &[]),
            1,
            &["is none of those who may start it: system-engineer, operator"],
        );
    }
    refused(
        &stored(&place, "nobody", &[&face], &[]),
        1,
        &["nobody is signed in"],
    );
    // The file goes beyond what was authorised.
    place.change("[\"retrospective\"]", "[\"retrospective\", \"operator\"]");
    refused(
        &taken(&place, "olu", &[&face], &[]),
        1,
        &[
            "operator is not among the modes that deployment 1 is authorised for",
            "beyond the authority: authority.modes",
        ],
    );
    assert!(store(&place).runs().unwrap().is_empty());
}

#[test]
fn stored_images_raise_an_alert_that_two_people_judge_and_that_replays() {
    let place = authorised("\"retrospective\"");
    let frames = place.path("frames");
    std::fs::create_dir(&frames).unwrap();
    for (name, of) in [
        ("1.jpg", "b.jpg"),
        ("2.jpg", "a-2.jpg"),
        ("3.jpg", "a-3.jpg"),
    ] {
        std::fs::copy(photograph(of), frames.join(name)).unwrap();
    }
    let ended = stored(&place, "olu", &[&frames], &["--json"]);
    let found = report(&ended, 0);
    assert_eq!(
        found["photographs"],
        serde_json::json!({"given": 3, "searched": 3})
    );
    assert_eq!(found["faces"]["compared"], 3, "{found}");
    // Each photograph stands for itself: the second alert about the same person is not silenced by the first.
    let raised = |number: u32, name: &str| serde_json::json!({"number": number, "photograph": frames.join(name)});
    let expected = serde_json::json!([raised(1, "2.jpg"), raised(2, "3.jpg")]);
    assert_eq!(found["alerts"], expected);
    // It says of nobody who they are.
    for said in [&ended.out, &ended.err] {
        assert!(!said.contains("MP-0001"), "{said}");
    }

    // As any other alert: images first, two people, an outcome.
    let seen = alerts(&place, "olu", &["show", "1"]);
    assert_eq!(seen["score"], Value::Null, "not before the judgement");
    // Whoever judges knows what they look at: when, where and out of what.
    let search = serde_json::json!({
        "mode": "retrospective",
        "place": "Market Square",
        "taken_from": "2026-01-31T09:00:00Z",
        "taken_to": "2026-01-31T09:00:00Z",
        "source": "till camera",
        "owner": "A. Shop Ltd",
    });
    assert_eq!(seen["alert"]["search"], search);
    let page = std::fs::read_to_string(seen["page"].as_str().unwrap()).unwrap();
    for fact in [
        "stored images",
        "till camera",
        "A. Shop Ltd",
        "at 2026-01-31T09:00:00Z",
        "Market Square",
        "2 of 3",
    ] {
        assert!(page.contains(&format!("<dd>{fact}</dd>")), "{fact}: {page}");
    }
    assert!(!page.contains("Time of the camera"), "{page}");
    if let Some(folder) = std::env::var_os("OVERT_PAGES") {
        std::fs::write(Path::new(&folder).join("alert-of-search.html"), &page).unwrap();
    }
    let mut overt = place.overt_as("olu");
    overt.args(["alerts", "list"]).arg(place.deployment());
    let list = Ended::from(overt.output().unwrap()).out;
    let told = "footage of till camera (A. Shop Ltd), photograph 2, Market Square, taken at 2026-01-31T09:00:00Z";
    assert!(list.contains(told), "{list}");
    let judged = alerts(&place, "olu", &["judge", "1", "pass"]);
    assert!(judged["score"].as_f64().unwrap() >= 0.5, "{judged}");
    assert_eq!(judged["alert"]["camera"], "retrospective");
    alerts(&place, "eve", &["show", "1"]);
    for step in ["viable", "engaged"] {
        alerts(&place, "eve", &["outcome", "1", step]);
    }
    let described = alerts(
        &place,
        "eve",
        &["describe", "--sex", "female", "--by", "self"],
    );
    assert_eq!(described[2]["mode"], "retrospective", "{described}");
    let over = [
        ["--correct", "yes"],
        ["--place", "Market Square"],
        ["--from", "2026-01-31T10:02:00Z"],
        ["--to", "2026-01-31T10:09:00Z"],
        ["--identity", "none"],
    ];
    let over = [&["outcome", "1", "confirmed"][..], over.as_flattened()].concat();
    let ended = alerts(&place, "eve", &over);
    assert_eq!(ended["alert"]["state"], "confirmed-true");
    alerts(&place, "omar", &["show", "2"]);
    let why = ["judge", "2", "reject", "--why", "cannot-tell"];
    assert_eq!(alerts(&place, "omar", &why)["alert"]["state"], "rejected");

    let mut overt = place.overt_as("ada");
    overt.args(["audit", "replay"]).arg(place.deployment());
    let replayed = Ended::from(overt.arg("--json").output().unwrap());
    let replayed: Value = serde_json::from_str(&replayed.out).unwrap();
    assert_eq!(
        replayed["sums"],
        serde_json::json!({"same": 2}),
        "{replayed}"
    );

    // On record with its mode, what it searched, why and by whom: in the records, in their log and in the register.
    let run = store(&place).runs().unwrap().remove(0);
    let header = &run.header;
    assert_eq!(
        (header.mode, header.register),
        (RunMode::Retrospective, Some(1))
    );
    assert!(header.cameras.is_empty());
    let searched = header.search.as_ref().unwrap();
    assert_eq!((searched.photographs, searched.every_face), (3, true));
    assert_eq!(
        (&*searched.reason, &*searched.place),
        ("crime 4711", "Market Square")
    );
    assert_eq!(searched.footage.as_ref().unwrap().owner, "A. Shop Ltd");
    let log = AuditLog::read(&place.path("out/records.redb"), "walk-past").unwrap();
    let begun = log.entries().iter().find_map(|entry| match &entry.event {
        AuditEvent::RunBegun { mode, search, .. } => {
            Some((entry.by.clone(), *mode, search.clone()))
        }
        _ => None,
    });
    let (by, mode, logged) = begun.unwrap();
    assert!(matches!(by, Actor::Person { id, .. } if id == "olu"));
    assert_eq!(
        (mode, logged.as_ref()),
        (RunMode::Retrospective, Some(searched))
    );
    let force = Force::at(&place.path("out/force.redb"));
    let registered = force.registered(1).unwrap();
    assert_eq!(registered.runs()[0].mode, Mode::Retrospective);
    assert!(registered.runs()[0].ended.is_some());

    // And what is published of it is of that mode.
    let record = place.path("record.html");
    let mut overt = place.overt_as("ada");
    overt.args(["report", "deployment"]).arg(place.deployment());
    let ended = Ended::from(overt.arg("-o").arg(&record).output().unwrap());
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    let text = std::fs::read_to_string(&record).unwrap();
    assert!(
        text.contains("retrospective") && text.contains("A. Shop Ltd"),
        "{text}"
    );
}

/// Pieces of what only this stranger's photograph and face could have put anywhere: with what they are.
fn needles(place: &Place, of: &Path) -> Vec<(&'static str, Vec<u8>)> {
    let mut needles = Vec::new();
    let image = std::fs::read(of).unwrap();
    for part in 1..8 {
        let at = image.len() * part / 8;
        needles.push(("the photograph", image[at..at + 24].to_vec()));
        let whole = at - at % 3;
        let packed = STANDARD.encode(&image[whole..whole + 24]).into_bytes();
        needles.push(("the photograph in base 64", packed));
    }
    let deployment = Deployment::read(&place.deployment()).unwrap();
    let (machine, _store) = machine_and_store(&deployment);
    let perception = Perception::load(&machine, &deployment).unwrap();
    let (stop, files) = (AtomicBool::new(false), [of.to_owned()]);
    let described = stills::each(
        &machine,
        &perception,
        1,
        &files,
        &stop,
        &|_| {},
        |file, eyes| {
            let (frame, _) = eyes.open(file).unwrap();
            let face = eyes.detect(&frame).unwrap()[0];
            eyes.describe(&frame, face).unwrap()
        },
    );
    let described = described.unwrap().remove(0).unwrap();
    let values = [&described.values[..], described.template.values()];
    for values in values {
        for four in values.chunks(4).step_by(8) {
            let bytes = four.iter().flat_map(|value| value.to_le_bytes()).collect();
            needles.push(("a template", bytes));
        }
    }
    // What no observation is without.
    needles.push(("an observation", b"UnifiedQualityScore".to_vec()));
    needles
}

/// Every file beneath a folder, with its bytes.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => {
                let bytes = std::fs::read(&path).unwrap();
                found.insert(path, bytes);
            }
        }
    }
    found
}

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn of_a_stranger_a_search_leaves_counts_and_not_a_byte() {
    let place = authorised("\"retrospective\", \"operator\"");
    let stranger = photograph("b.jpg");
    let found = report(&stored(&place, "olu", &[&stranger], &["--json"]), 0);
    assert_eq!(
        found["faces"],
        serde_json::json!({"found": 1, "compared": 1})
    );
    assert_eq!(found["alerts"], serde_json::json!([]));
    let found = report(&taken(&place, "eve", &[&stranger], &["--json"]), 0);
    assert_eq!(found["alerts"], serde_json::json!([]));

    // As the searches left it, before anything else opens the store.
    let left = files(place.folder.path());
    let needles = needles(&place, &stranger);
    let own = std::fs::read(&stranger).unwrap();
    assert!(
        holds(&own, &needles[0].1),
        "what is looked for can be found"
    );
    for (file, bytes) in &left {
        for (what, needle) in &needles {
            assert!(!holds(bytes, needle), "{what} in {}", file.display());
        }
    }
    let store = store(&place);
    let runs = store.runs().unwrap();
    let modes: Vec<RunMode> = runs.iter().map(|run| run.header.mode).collect();
    assert_eq!(modes, [RunMode::Retrospective, RunMode::Operator]);
    for run in runs {
        let counts = run.counts;
        assert_eq!(
            (counts.frames.processed, counts.faces, counts.probes),
            (1, 1, 1)
        );
        assert!(store.alerts(run.id).unwrap().is_empty());
        // Who took the photograph is who searched it.
        let by = run.header.started_by.unwrap();
        let is_officers = run.header.mode == RunMode::Operator;
        assert_eq!(by.person(), Some(if is_officers { "eve" } else { "olu" }));
        assert_eq!(run.header.search.unwrap().footage.is_none(), is_officers);
    }
}

#[test]
fn an_officers_photograph_of_two_people_is_refused_unless_all_faces_are_meant() {
    let place = authorised("\"operator\"");
    let both = place.path("both.jpg");
    side_by_side(&both, &[&photograph("a-2.jpg"), &photograph("b.jpg")], 400);
    let ended = taken(&place, "eve", &[&both], &[]);
    refused(
        &ended,
        1,
        &["2 faces were found", "nothing was compared", "--all-faces"],
    );
    let run = store(&place).runs().unwrap().remove(0);
    assert_eq!(
        (run.counts.faces, run.counts.probes, run.counts.alerts),
        (2, 0, 0)
    );
    assert!(run.finished_at.is_some());

    let found = report(
        &taken(&place, "eve", &[&both], &["--all-faces", "--json"]),
        0,
    );
    assert_eq!(
        found["faces"],
        serde_json::json!({"found": 2, "compared": 2})
    );
    assert_eq!(found["alerts"][0]["number"], 1);
    let run = store(&place).runs().unwrap().remove(1);
    assert!(run.header.search.unwrap().every_face, "on record");

    let found = report(
        &taken(&place, "eve", &[&photograph("a-3.jpg")], &["--json"]),
        0,
    );
    assert_eq!(found["alerts"][0]["number"], 2);
    assert_eq!(
        alerts(&place, "olu", &["list", "--open"])[0]["camera"],
        "operator"
    );
}

#[test]
fn what_a_search_has_to_say_is_asked_for() {
    let place = authorised("\"retrospective\", \"operator\"");
    let face = photograph("a-2.jpg");
    let mode = ["--mode", "retrospective"];
    let all = [&mode[..], &REASON, &TAKEN, &FOOTAGE].concat();
    for missing in [
        "--taken-at",
        "--taken-place",
        "--source",
        "--owner",
        "--reason",
    ] {
        let at = all.iter().position(|said| *said == missing).unwrap();
        let mut said = all.clone();
        said.drain(at..at + 2);
        refused(&search(&place, "olu", &[&face], &said), 2, &[missing]);
    }
    let two = [&*face, &*photograph("a-3.jpg")];
    refused(
        &taken(&place, "eve", &two, &[]),
        2,
        &["an officer's photograph is one"],
    );
    refused(
        &taken(&place, "eve", &[&face], &FOOTAGE),
        2,
        &["is the officer's"],
    );
    let later = [
        &mode[..],
        &REASON,
        &FOOTAGE,
        &["--taken-place", "x", "--taken-at", "2035-01-01"],
    ];
    refused(
        &search(&place, "olu", &[&face], &later.concat()),
        1,
        &["of the future"],
    );
    assert!(
        store(&place).runs().unwrap().is_empty(),
        "nothing was searched"
    );
}

#[test]
fn a_photograph_that_cannot_be_read_is_told_and_the_others_are_searched() {
    let place = authorised("\"retrospective\"");
    std::fs::write(
        place.path("torn.jpg"),
        &std::fs::read(photograph("b.jpg")).unwrap()[..900],
    )
    .unwrap();
    let list = place.path("footage.csv");
    let good = photograph("a-2.jpg");
    std::fs::write(&list, format!("file\ntorn.jpg\n{}\n", good.display())).unwrap();
    let found = report(&stored(&place, "anna", &[&list], &["--json"]), 1);
    assert_eq!(
        found["photographs"],
        serde_json::json!({"given": 2, "searched": 1})
    );
    assert_eq!(
        found["left_out"][0]["file"],
        serde_json::json!(place.path("torn.jpg"))
    );
    assert_eq!(found["alerts"][0]["photograph"], serde_json::json!(good));
    let frames = store(&place).runs().unwrap()[0].counts.frames;
    assert_eq!((frames.read, frames.processed, frames.unseen), (2, 1, 1));
}

#[test]
fn a_search_holds_no_run_up_and_says_where_to_search_instead() {
    let place = place("\"live\", \"retrospective\"");
    place.film(1500);
    let mut running = Running::start(&place);
    running.await_line("ALERT 1");
    let ended = stored(&place, "olu", &[&photograph("a-2.jpg")], &[]);
    refused(
        &ended,
        1,
        &["a run of walk-past goes on", "deployment of its own"],
    );
    assert!(running.goes_on());
    let ended = running.interrupt();
    assert!(!ended.err.contains("error"), "{}", ended.err);
    // Once it is over the same deployment can search, and both are on record apart.
    let ended = stored(&place, "olu", &[&photograph("b.jpg")], &[]);
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    let runs = store(&place).runs().unwrap();
    let modes: Vec<RunMode> = runs.iter().map(|run| run.header.mode).collect();
    assert_eq!(modes, [RunMode::Live, RunMode::Retrospective]);
    assert_eq!(runs[1].counts.alerts, 0);
}

#[test]
fn while_a_search_goes_on_people_judge_what_it_raised_and_ctrl_c_ends_it_in_good_order() {
    let place = authorised("\"retrospective\"");
    let list = place.path("footage.csv");
    let mut text = format!("file\n{}\n", photograph("a-2.jpg").display());
    let stranger = photograph("b.jpg");
    for _ in 0..2_000 {
        text += &format!("{}\n", stranger.display());
    }
    std::fs::write(&list, text).unwrap();
    let mut overt = place.overt_as("olu");
    overt.arg("search").arg(place.deployment()).arg(&list);
    overt.args(["--mode", "retrospective", "--json"]);
    overt.args(REASON).args(TAKEN).args(FOOTAGE);
    let piped = overt.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut told = lines.by_ref().map(Result::unwrap);
    assert!(told.any(|line| line.starts_with("ALERT 1")), "it has ended");
    let rest = std::thread::spawn(move || lines.map_while(Result::ok).count());

    // Its process has the records, and answers.
    alerts(&place, "omar", &["show", "1"]);
    let judged = alerts(&place, "omar", &["judge", "1", "pass"]);
    assert_eq!(judged["alert"]["state"], "passed");
    let another = stored(&place, "anna", &[&stranger], &[]);
    refused(&another, 1, &["a run of walk-past goes on"]);
    let mut swap = place.overt_as("anna");
    swap.args(["plugin", "swap"]).arg(place.deployment());
    let swapped = Ended::from(swap.args(["--reason", "better"]).output().unwrap());
    refused(&swapped, 1, &["a search keeps the plugins"]);

    let process = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(process, rustix::process::Signal::INT).unwrap();
    let ended = Ended::from(child.wait_with_output().unwrap());
    rest.join().unwrap();
    let found = report(&ended, 130);
    assert_eq!(found["interrupted"], true);
    assert!(found["photographs"]["searched"].as_u64().unwrap() < 2_001);
    let run = store(&place).runs().unwrap().remove(0);
    assert_eq!(run.outcome, RunOutcome::Interrupted);
    assert_eq!(run.counts.alerts, 1);
}
