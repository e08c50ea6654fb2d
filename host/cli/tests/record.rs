//! What people ask of a force under freedom of information, asked of one: a live deployment with judged alerts, one refused, one cancelled, three planned, one only
//! rehearsed. Each numbered question is answered from what its people did, and from nothing that this test wrote down beside it; and once more when the stores are gone.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use overt_records::{Actor, AuditEvent, AuditLog, Force, PublishedKind};
use overt_tests::schema::Schema;
use redb::{Database, TableDefinition, TypeName, Value as Column};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use support::{Ended, Place, photograph};

/// The first month of the demonstration's deployments.
const JANUARY: [&str; 4] = ["--from", "2026-01-01", "--to", "2026-01-31"];

fn done(ended: Ended) -> String {
    assert_eq!(ended.status, Some(0), "{}{}", ended.out, ended.err);
    ended.out
}

/// The place's deployment under another id, with records of its own, and changed like this.
fn another(place: &Place, id: &str, changes: &[(&str, &str)]) -> PathBuf {
    let mut text = fs::read_to_string(place.deployment()).unwrap();
    let own = [
        ("\"walk-past\"", format!("\"{id}\"")),
        ("out/records.redb", format!("out/{id}.redb")),
        ("out/overt.lock", format!("out/{id}.lock")),
        ("output = \"out\"", format!("output = \"out/{id}\"")),
    ];
    let own = own.iter().map(|(from, to)| (*from, to.as_str()));
    for (from, to) in own.chain(changes.iter().copied()) {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    let file = place.path(&format!("{id}.toml"));
    fs::write(&file, text).unwrap();
    file
}

fn deployment(place: &Place, who: &str, verb: &str, file: &Path, more: &[&str]) {
    let mut overt = place.overt_as(who);
    overt.args(["deployment", verb]).arg(file).args(more);
    done(overt.output().unwrap().into());
}

fn alerts(place: &Place, who: &str, what: &str, more: &[&str]) -> Value {
    let mut overt = place.overt_as(who);
    overt.args(["alerts", what]).arg(place.deployment());
    overt.args(more).arg("--json");
    serde_json::from_str(&done(overt.output().unwrap().into())).unwrap()
}

/// What somebody publishes.
fn report(place: &Place, who: &str, what: &str, more: &[&str]) -> Ended {
    let mut overt = place.overt_as(who);
    overt.args(["report", what]).args(more);
    overt.output().unwrap().into()
}

fn published(place: &Place, what: &str, more: &[&str], schema: &str) -> Value {
    let text = done(report(
        place,
        "ada",
        what,
        &[more, &["--format", "json"]].concat(),
    ));
    let value = serde_json::from_str(&text).unwrap();
    let schema = match schema {
        "deployment" => include_str!("../../publication/deployment-report.schema.json"),
        "period" => include_str!("../../publication/period-report.schema.json"),
        _ => include_str!("../../publication/answers.schema.json"),
    };
    let errors = Schema::parse(schema).errors(&value);
    assert!(errors.is_empty(), "{errors:#?}");
    value
}

/// Three people from two sources, one of them wanted for arrest and one a child.
fn enrol(place: &Place, file: &Path) {
    let list = place.path("sought.csv");
    let row = |reference: &str, photograph_of: &str, more: &str| {
        format!(
            "{reference},{},{more}\n",
            photograph(photograph_of).display()
        )
    };
    let text =
        "reference,file,category,wanted,reasons,born,under-18-reason,under-18-approval,source\n"
            .to_owned()
            + &row("MP-0001", "a-1.jpg", "missing-person,no,missing,,,,partner")
            + &row("MP-0001", "a-3.jpg", "missing-person,no,missing,,,,custody")
            + &row("W-0002", "b.jpg", "wanted-on-warrant,yes,,,,,custody")
            + &row(
                "MP-0003",
                "d.jpg",
                "missing-person,no,missing,2012-03-04,a child is missing,LFR/C/3,partner",
            );
    fs::write(&list, text).unwrap();
    let enrolled = place.run_as(
        "anna",
        [Path::new("watchlist"), Path::new("enrol"), file, &list],
    );
    done(enrolled);
}

/// What an officer says of the stop.
const STOP: [&str; 14] = [
    "1",
    "confirmed",
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

/// Runs three times, which is an alert each, and judges each after its run: the first is the person sought, who is arrested; the second is somebody else; of the third nobody can
/// tell. How many there are.
fn run_and_judge(place: &Place) -> u64 {
    let verdicts: [&[&str]; 3] = [
        &["pass"],
        &["reject", "--why", "not-this-person"],
        &["reject", "--why", "cannot-tell"],
    ];
    for (number, verdict) in (1..).zip(verdicts) {
        done(place.run());
        let list = alerts(place, "olu", "list", &["--open"]);
        assert_eq!(list.as_array().unwrap().len(), 1, "{list}");
        let number = i32::to_string(&number);
        alerts(place, "olu", "show", &[&number]);
        alerts(
            place,
            "olu",
            "judge",
            &[&[number.as_str()], verdict].concat(),
        );
        if verdict == ["pass"] {
            alerts(place, "eve", "show", &[&number]);
            for step in ["viable", "engaged"] {
                alerts(place, "eve", "outcome", &[&number, step]);
            }
            alerts(place, "eve", "outcome", &STOP);
            let arrest = [&*number, "disposal", "arrest", "--reason", "warrant"];
            alerts(place, "eve", "outcome", &arrest);
            alerts(
                place,
                "eve",
                "describe",
                &["--sex", "female", "--by", "self"],
            );
        }
    }
    3
}

/// The whole force. Its deployments by number: 1 ran live, 2 was refused, 3 cancelled, 4 to 6 are planned (6 with a camera worn on the body, 5 retrospective), and 7 was only
/// rehearsed.
fn force() -> (Place, u64) {
    let place = Place::new();
    enrol(&place, &place.deployment());
    done(place.run_as(
        "boss",
        [
            Path::new("watchlist"),
            Path::new("approve"),
            &place.deployment(),
        ],
    ));
    place.film(60);
    let raised = run_and_judge(&place);

    let refused = another(&place, "refused", &[]);
    deployment(&place, "paula", "plan", &refused, &[]);
    deployment(
        &place,
        "boss",
        "refuse",
        &refused,
        &["--reason", "not proportionate"],
    );
    let cancelled = another(&place, "cancelled", &[]);
    deployment(&place, "paula", "plan", &cancelled, &[]);
    deployment(
        &place,
        "boss",
        "authorise",
        &cancelled,
        &["--reference", "T/3"],
    );
    deployment(
        &place,
        "boss",
        "cancel",
        &cancelled,
        &["--reason", "it rained"],
    );
    let planned = another(&place, "planned", &[]);
    deployment(&place, "paula", "plan", &planned, &[]);
    let stored = another(
        &place,
        "stored",
        &[(
            "[authority]\n",
            "[authority]\nmodes = [\"retrospective\"]\n",
        )],
    );
    deployment(&place, "paula", "plan", &stored, &[]);
    let worn = another(
        &place,
        "worn",
        &[
            ("[authority]\n", "[authority]\nbody-worn = true\n"),
            ("kind = \"fixed\"", "kind = \"body-worn\""),
        ],
    );
    deployment(&place, "paula", "plan", &worn, &[]);
    let rehearsed = another(&place, "rehearsed", &[]);
    deployment(&place, "paula", "plan", &rehearsed, &[]);
    deployment(
        &place,
        "boss",
        "authorise",
        &rehearsed,
        &["--reference", "T/7"],
    );
    enrol(&place, &rehearsed);
    let rehearse = [
        Path::new("run"),
        &rehearsed,
        Path::new("--rehearsal"),
        Path::new("--unlocked"),
    ];
    done(place.run_as("anna", rehearse));
    (place, raised)
}

/// The answer to a question, by its name.
fn answer(answers: &Value, id: &str) -> Value {
    let answers = answers["answers"].as_array().unwrap();
    let found = answers.iter().find(|answer| answer["id"] == id);
    found.unwrap_or_else(|| panic!("{id}"))["answer"].clone()
}

/// The rows of an answer, each cell by its column.
fn rows(answers: &Value, id: &str) -> Vec<serde_json::Map<String, Value>> {
    let answer = answer(answers, id);
    let held = &answer["information"];
    let columns = held["columns"]
        .as_array()
        .unwrap_or_else(|| panic!("{id}: {answer}"));
    let row = |row: &Value| {
        let cells = row.as_array().unwrap();
        let pair =
            |(column, cell): (&Value, &Value)| (column.as_str().unwrap().to_owned(), cell.clone());
        columns.iter().zip(cells).map(pair).collect()
    };
    held["rows"].as_array().unwrap().iter().map(row).collect()
}

fn none_because(answers: &Value, id: &str) -> String {
    let answer = answer(answers, id);
    let because = answer["none"]["because"].as_str();
    because
        .unwrap_or_else(|| panic!("{id}: {answer}"))
        .to_owned()
}

/// Asks every question of the list, and holds each answer against what happened.
fn ask_everything(place: &Place, files: &[&str], raised: u64) {
    let answers = published(place, "questions", &[&JANUARY, files].concat(), "answers");
    let asked: Vec<_> = answers["answers"].as_array().unwrap().iter().collect();
    assert_eq!(asked.len(), 19, "a question without a check here");
    let of_1 = |id: &str| {
        let mut rows = rows(&answers, id);
        assert!(
            rows.iter().all(|row| row["Number"] == "1"),
            "{id}: {rows:?}"
        );
        assert!(!rows.is_empty(), "{id}");
        rows.remove(0)
    };
    // 1 to 3: which deployments, when and where, in each mode. The rehearsal is listed and marked.
    let used = rows(&answers, "deployments");
    let live: Vec<_> = used.iter().filter(|row| row["Rehearsal"] == "no").collect();
    assert_eq!(live.len(), 1, "{used:?}");
    assert_eq!(live[0]["Place"], "A drawn station concourse");
    let rehearsals = used.iter().filter(|row| row["Rehearsal"] == "yes");
    // Rehearsals are not kept when a store is gone: they need no number.
    assert_eq!(
        rehearsals.count(),
        usize::from(!files.is_empty()),
        "{used:?}"
    );
    for id in ["retrospective", "operator-initiated"] {
        assert!(
            none_because(&answers, id).contains("whole from 1 to 7"),
            "{id}"
        );
    }
    // 4 to 6: the list, its sources, who is not wanted for arrest and why.
    let size = of_1("watchlist-size");
    assert_eq!(size["People, at its largest"], "3");
    assert_eq!(size["Images, at its largest"], "4");
    let sources = rows(&answers, "image-sources");
    let sources: Vec<_> = sources
        .iter()
        .map(|row| (&row["Which"], &row["How many"]))
        .collect();
    assert_eq!(
        sources,
        [
            (&json!("custody"), &json!("2")),
            (&json!("partner"), &json!("2"))
        ]
    );
    let wanted = of_1("not-wanted-for-arrest");
    assert_eq!(wanted["People not wanted for arrest"], "2");
    assert_eq!(wanted["Why"], "missing-person: 2");
    // 7 to 11: alerts, stops, identity checks, verified, outcomes.
    let alerts = rows(&answers, "alerts");
    let alert = |what: &str| {
        let row = alerts.iter().find(|row| row["What"] == what);
        row.unwrap_or_else(|| panic!("{what}: {alerts:?}"))["How many"].clone()
    };
    assert_eq!(alert("Alerts raised"), raised.to_string());
    assert_eq!(alert("False alerts"), "1");
    assert_eq!(alert("Confirmed: the person sought"), "1");
    assert_eq!(alert("Not closed yet"), "0");
    assert_eq!(
        alert("Rejected by an operator: cannot tell"),
        (raised - 2).to_string()
    );
    assert_eq!(of_1("stops")["Stops"], "1");
    let checks = of_1("identity-checks");
    assert_eq!(
        (
            &checks["Identity checked"],
            &checks["Fingerprints asked for"]
        ),
        (&json!("1"), &json!("0"))
    );
    assert_eq!(
        of_1("verified-correct")["Alert verified as correct by an identity check"],
        "1"
    );
    let outcomes = of_1("outcomes");
    assert_eq!(
        (&outcomes["Arrests"], &outcomes["Outcome not on record yet"]),
        (&json!("1"), &json!("0"))
    );
    assert_eq!(outcomes["What the arrests were for"], "warrant: 1");
    // 12: body-worn cameras, and 13 to 16: what is planned, refused and cancelled.
    assert!(none_because(&answers, "body-worn").contains("whole from 1 to 7"));
    let states = |id: &str| -> Vec<(String, String)> {
        let cell = |row: &serde_json::Map<String, Value>, column: &str| {
            row[column].as_str().unwrap().to_owned()
        };
        rows(&answers, id)
            .iter()
            .map(|row| (cell(row, "Number"), cell(row, "State")))
            .collect()
    };
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        let own = |(number, state): &(&str, &str)| ((*number).to_owned(), (*state).to_owned());
        pairs.iter().map(own).collect()
    };
    assert_eq!(
        states("planned-live"),
        pairs(&[
            ("2", "refused"),
            ("3", "cancelled"),
            ("4", "planned"),
            ("6", "planned"),
            ("7", "authorised")
        ])
    );
    let whys: Vec<_> = rows(&answers, "planned-live")
        .iter()
        .map(|row| row["Why refused or cancelled"].clone())
        .collect();
    assert_eq!(whys, ["not proportionate", "it rained", "", "", ""]);
    assert_eq!(states("planned-retrospective"), pairs(&[("5", "planned")]));
    assert!(none_because(&answers, "planned-operator-initiated").contains("whole from 1 to 7"));
    assert_eq!(states("planned-body-worn"), pairs(&[("6", "planned")]));
    // 17 and 18: who judged, by credential, and the documents in force.
    let judges = rows(&answers, "judges");
    let judge = |role: &str| {
        judges
            .iter()
            .find(|row| row["Role"] == role)
            .unwrap_or_else(|| panic!("{judges:?}"))
    };
    assert_eq!(judge("operator")["Judgements"], raised.to_string());
    assert_eq!(judge("operator")["Selected by"], "by the superintendent");
    assert_eq!(judge("engagement officer")["People"], "1");
    let documents = rows(&answers, "documents");
    assert_eq!(documents.len(), 5, "{documents:?}");
    assert_eq!(documents[0]["Document"], "standard operating procedure");
    // 19: what it cost is not for this software to say.
    assert!(answer(&answers, "cost").get("out-of-scope").is_some());
}

/// The record of the live deployment, against what happened, its rates and sums reckoned here.
fn check_record(report: &Value, raised: u64) {
    let record = &report["record"];
    let recorded = |path: &str| {
        let field = record.pointer(path).unwrap_or_else(|| panic!("{path}"));
        field
            .get("recorded")
            .unwrap_or_else(|| panic!("{path}: {field}"))
            .clone()
    };
    for (path, expected) in [
        ("/deployment/number", json!(1)),
        ("/deployment/mode", json!("live")),
        ("/deployment/rehearsal", json!(false)),
        ("/authority/rank", json!("superintendent")),
        ("/authority/reference", json!("TEST/1")),
        ("/authority/until", json!("2036-01-01T00:00:00Z")),
        ("/authority/urgent", json!(false)),
        ("/authority/extensions", json!([])),
        ("/watchlist/at-start/people", json!(3)),
        ("/watchlist/at-end/images", json!(4)),
        ("/watchlist/everybody/people", json!(3)),
        ("/watchlist/everybody/under-18", json!(1)),
        ("/watchlist/everybody/wanted-for-arrest", json!(1)),
        (
            "/watchlist/everybody/reasons-not-wanted",
            json!([{"name": "missing-person", "count": 2}]),
        ),
        ("/alerts/raised", json!(raised)),
        (
            "/outcomes/arrests-by-reason",
            json!([{"name": "warrant", "count": 1}]),
        ),
        (
            "/people-engaged/sex",
            json!([{"name": "female, in their own words", "count": 1}]),
        ),
        (
            "/people-engaged/age-band",
            json!([{"name": "not recorded", "count": 1}]),
        ),
    ] {
        assert_eq!(recorded(path), expected, "{path}");
    }
    assert_eq!(recorded("/authority/rules")[0]["version"], 1);
    assert_eq!(
        recorded("/authority/notice")[0]["place"],
        "In this repository; nobody real walks past"
    );
    assert_eq!(
        recorded("/authority/documents").as_array().unwrap().len(),
        5
    );
    // Every sum that can be checked holds; and both false alert rates are the counts' own.
    for sum in report["sums"].as_array().unwrap() {
        assert!(sum["verdict"].get("does-not-hold").is_none(), "{sum}");
    }
    let faces = recorded("/faces/tracks").as_u64().unwrap();
    let rates = report["rates"].as_array().unwrap();
    let of = |total: u64| {
        let rate = |rate: &&Value| {
            let rate = &rate["measured"]["rate"];
            rate["count"] == 1 && rate["of"] == total
        };
        assert!(
            rates.iter().any(|one| rate(&one)),
            "1 of {total}: {rates:#?}"
        );
    };
    of(faces);
    of(raised);
}

/// A force's column of rows, without their meaning: to take one away.
#[derive(Debug)]
struct Raw;

impl Column for Raw {
    type SelfType<'a> = &'a [u8];
    type AsBytes<'a> = &'a [u8];

    fn fixed_width() -> Option<usize> {
        None
    }

    fn from_bytes<'a>(data: &'a [u8]) -> &'a [u8]
    where
        Self: 'a,
    {
        data
    }

    fn as_bytes<'a, 'b: 'a>(value: &'a &'b [u8]) -> &'a [u8] {
        value
    }

    fn type_name() -> TypeName {
        TypeName::new("overt-records::RegisterEntry")
    }
}

fn take_away(place: &Place, number: u32) {
    const REGISTER: TableDefinition<u32, Raw> = TableDefinition::new("register");
    let database = Database::open(place.path("out/force.redb")).unwrap();
    let change = database.begin_write().unwrap();
    let gone = change
        .open_table(REGISTER)
        .unwrap()
        .remove(number)
        .unwrap()
        .is_some();
    assert!(gone);
    change.commit().unwrap();
}

/// The documents that a log knows of, and who published each.
fn in_log(log: &AuditLog) -> Vec<(PublishedKind, String, String)> {
    let entries = log.entries().into_iter();
    let of = |entry: overt_records::AuditEntry| match (entry.event, entry.by) {
        (AuditEvent::Published { what, sha256, .. }, Actor::Person { id, .. }) => {
            Some((what, sha256, id))
        }
        _ => None,
    };
    entries.filter_map(of).collect()
}

#[test]
fn every_question_that_people_ask_is_answered_and_once_more_when_the_stores_are_gone() {
    let (place, raised) = force();
    let own = place.deployment();
    let own = own.to_str().unwrap();
    let rehearsed = place.path("rehearsed.toml");
    let rehearsed = rehearsed.to_str().unwrap();
    let files = [own, rehearsed];

    // Publishing takes somebody who may; an engineer may not, nor does a run that nobody's record is given of.
    let engineer = report(&place, "anna", "deployment", &[own]);
    assert_eq!((engineer.status, engineer.out.as_str()), (Some(1), ""));
    assert!(engineer.err.contains("anna is no"), "{}", engineer.err);
    let without = report(&place, "ada", "period", &JANUARY);
    assert_eq!(without.status, Some(1));
    assert!(
        without
            .err
            .contains("walk-past, number 1, has run, and its record is not here"),
        "{}",
        without.err
    );

    let live = published(&place, "deployment", &[own], "deployment");
    check_record(&live, raised);
    ask_everything(&place, &files, raised);
    let period = published(&place, "period", &[&JANUARY[..], &files].concat(), "period");
    let total = |period: &Value, field: &str| {
        let totals = period["modes"][0]["totals"].as_array().unwrap();
        totals.iter().find(|total| total["field"] == field).unwrap()["total"].clone()
    };
    assert_eq!(total(&period, "alerts.raised"), raised);
    assert_eq!(
        total(&period, "faces.tracks"),
        live["record"]["faces"]["tracks"]["recorded"],
        "a rehearsal is in no total"
    );
    assert_eq!(period["modes"][0]["deployments"], 1);
    assert_eq!(period["deployments"].as_array().unwrap().len(), 2);
    let tried = &period["deployments"][1]["record"]["deployment"];
    assert_eq!(
        (
            &tried["rehearsal"]["recorded"],
            &tried["number"]["recorded"]
        ),
        (&json!(true), &json!(7))
    );
    assert!(
        tried["rehearsals"]["recorded"][0]["withheld"]
            .as_u64()
            .unwrap()
            > 0,
        "{tried}"
    );
    assert_eq!(period["disagreements"], json!([]));
    assert_eq!(period["register"]["last-number"], 7);

    // Each format, and the notice: none empty, none an error.
    for format in ["html", "csv"] {
        for (what, more) in [
            ("deployment", vec![own]),
            ("period", [&JANUARY[..], &files].concat()),
            ("questions", [&JANUARY[..], &files].concat()),
        ] {
            let text = done(report(
                &place,
                "boss",
                what,
                &[&more[..], &["--format", format]].concat(),
            ));
            assert!(
                text.contains("A drawn station concourse"),
                "{what} {format}"
            );
        }
    }

    // Both logs say who published what, by the digest of the document.
    let file = place.path("record.json");
    let out = ["-o", file.to_str().unwrap(), "--format", "json"];
    done(report(
        &place,
        "ada",
        "deployment",
        &[&[own][..], &out].concat(),
    ));
    let digest = hex::encode(Sha256::digest(fs::read(&file).unwrap()));
    let log = AuditLog::read(&place.path("out/records.redb"), "walk-past").unwrap();
    let newest = in_log(&log).pop().unwrap();
    assert_eq!(
        newest,
        (PublishedKind::Deployment, digest, "ada".to_owned())
    );
    done(report(
        &place,
        "ada",
        "period",
        &[&JANUARY[..], &files, &out].concat(),
    ));
    let digest = hex::encode(Sha256::digest(fs::read(&file).unwrap()));
    let force = Force::at(&place.path("out/force.redb"));
    let newest = in_log(&force.audit_log().unwrap()).pop().unwrap();
    assert_eq!(newest, (PublishedKind::Period, digest, "ada".to_owned()));

    // It is closed, and its store goes: the force kept the record, with no score in it and nobody's reference.
    deployment(&place, "boss", "close", &place.deployment(), &[]);
    let kept = force.kept_record(1).unwrap().unwrap();
    assert!(
        !kept.contains("MP-0001") && !kept.contains("Engagement"),
        "{kept}"
    );
    // Who was on the list can be told until its period is over, and that it ended.
    let prove = [
        "watchlist",
        "prove",
        own,
        "MP-0001",
        "--reason",
        "a complaint",
        "--json",
    ];
    let told: Value = serde_json::from_str(&done(place.run_as("ada", prove))).unwrap();
    assert_eq!(told["was_on_the_watchlist"], true);
    assert!(told["intervals"][0]["to"].is_string(), "{told}");
    for ending in ["redb", "keys", "audit", "membership"] {
        let _ = fs::remove_file(place.path("out/records").with_extension(ending));
    }
    assert!(!place.path("out/records.redb").exists());
    let gone = published(&place, "deployment", &[own], "deployment");
    check_record(&gone, raised);
    assert!(gone["record"]["alerts"]["scores"].get("expired").is_some());
    let destroyed = gone["record"]["retention"]["destroyed"]["recorded"]
        .as_array()
        .unwrap()
        .clone();
    assert!(
        destroyed.iter().any(|one| one["count"] == 4),
        "{destroyed:?}"
    );
    ask_everything(&place, &[], raised);
    let later = published(&place, "period", &JANUARY, "period");
    assert_eq!(total(&later, "alerts.raised"), raised);
    assert_eq!(total(&later, "outcomes.arrests"), 1);

    // Somebody takes a number out of the register: nothing is published by it, and the number is named.
    take_away(&place, 3);
    let gap = report(&place, "ada", "period", &JANUARY);
    assert_eq!((gap.status, gap.out.as_str()), (Some(1), ""));
    assert!(
        gap.err.contains("no entry with the number 3"),
        "{}",
        gap.err
    );
}
