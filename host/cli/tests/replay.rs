//! `overt audit replay`: an alert comes out the same once more, and a changed plugin, a changed record, a missing plugin and inputs whose time is over are
//! told apart.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::path::{Path, PathBuf};

use overt_records::{
    Adjudication, Counts, HeldInputs, JudgementLimits, NewAlert, Retention, Store, StoreSettings,
    Timestamp,
};
use overt_tests::schema::Schema;
use redb::{ReadableTable, TableDefinition, TypeName};
use serde_json::Value;
use support::alerts::{alerts, done, told};
use support::{Ended, Place, module, run, set_up};

/// A place in which person A has raised an alert.
fn alerted() -> Place {
    let place = Place::with_person_a();
    place.film(60);
    let ended = place.run();
    assert_eq!(ended.status, Some(0), "{}{}", ended.out, ended.err);
    assert!(ended.err.contains("ALERT 1"), "{}", ended.err);
    place
}

fn replay(place: &Place, more: &[&str]) -> Ended {
    let deployment = place.deployment();
    let mut arguments = vec!["audit", "replay", deployment.to_str().unwrap()];
    arguments.extend(more);
    run(arguments)
}

/// The only alert of the answer, which is as the schema says.
fn only(place: &Place, more: &[&str], status: i32) -> Value {
    let ended = replay(place, &[more, &["--json"]].concat());
    assert_eq!(ended.status, Some(status), "{}{}", ended.out, ended.err);
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    let schema = Schema::parse(include_str!("../audit-replay.schema.json"));
    assert_eq!(schema.errors(&report), Vec::<String>::new(), "{report}");
    let alerts = report["alerts"].as_array().unwrap();
    assert_eq!(alerts.len(), 1, "{report}");
    let alert = alerts[0].clone();
    assert_eq!(
        report["sums"][alert["verdict"].as_str().unwrap()],
        1,
        "{report}"
    );
    alert
}

/// The policy's file, as the deployment file names it.
fn policy() -> PathBuf {
    set_up("plugins/policy-threshold.wasm")
}

/// Puts another plugin in the place of the policy.
fn policy_is(place: &Place, file: &Path) {
    place.change(policy().to_str().unwrap(), file.to_str().unwrap());
}

/// Signs a plugin file with this machine's key.
fn sign(file: &Path, key: &Path) {
    let signed = run([
        Path::new("plugin"),
        Path::new("sign"),
        file,
        Path::new("--key"),
        key,
    ]);
    assert_eq!(signed.status, Some(0), "{}", signed.err);
}

/// The same plugin under another version, signed: another file.
fn other(place: &Place, name: &str) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../plugins")
        .join(name)
        .join("plugin.toml");
    let manifest = std::fs::read_to_string(source).unwrap();
    let changed = manifest.replacen("version = \"0.1.0\"", "version = \"0.2.0\"", 1);
    assert_ne!(changed, manifest);
    std::fs::write(place.path("plugin.toml"), changed).unwrap();
    let packed = place.path(&format!("{name}.wasm"));
    let ended = run([
        Path::new("plugin"),
        Path::new("pack"),
        &place.path("plugin.toml"),
        &module(&name.replace('-', "_")),
        Path::new("-o"),
        &packed,
    ]);
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    sign(&packed, &set_up("keys/this-machine.key"));
    packed
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

#[test]
fn an_alert_replays_byte_for_byte_whatever_the_deployment_file_says_now() {
    let place = alerted();
    let alert = only(&place, &[], 0);
    assert_eq!(alert["verdict"], "same");
    // Two looks had to agree, and then the router was asked.
    assert!(alert["compared"].as_u64().unwrap() >= 3, "{alert}");
    assert!(alert["fuel"].as_u64().unwrap() > 1_000, "{alert}");
    assert_eq!(alert["plugins"][0]["id"], "policy-threshold");
    assert_eq!(alert["plugins"][1]["id"], "router-desk");

    let ended = replay(&place, &["1"]);
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    let words = ["ALERT", "VERDICT", "same", "1 alert: 1 same"];
    assert!(
        words.iter().all(|word| ended.out.contains(word)),
        "{}",
        ended.out
    );

    // With the present settings it would not have been raised, and would have gone to another desk.
    place.change("missing-person = 0.5,", "missing-person = 0.99,");
    place.change("channels = [\"desk-2\"]", "channels = [\"desk-1\"]");
    assert_eq!(only(&place, &[], 0)["verdict"], "same");
    // It needs nothing of a run but the plugins that decide.
    place.change("detector-centerface.wasm", "no-such-detector.wasm");
    place.change("video.avi", "no-such-video.avi");
    assert_eq!(only(&place, &[], 0)["verdict"], "same");

    let unknown = replay(&place, &["7"]);
    assert_eq!(unknown.status, Some(1));
    assert!(
        unknown.err.contains("holds no alert 7") && unknown.err.contains("leave the numbers out"),
        "{}",
        unknown.err
    );
}

#[test]
fn every_alert_of_the_demonstration_replays_the_same_and_a_changed_record_is_found_out() {
    let video = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../out/demo/walk-past.avi");
    assert!(video.exists(), "run `make demo` or `make test`");
    let place = Place::with_person_a();
    place.change("video.avi", video.canonicalize().unwrap().to_str().unwrap());
    assert_eq!(place.run().status, Some(0));
    let ended = replay(&place, &["--json"]);
    assert_eq!(ended.status, Some(0), "{}{}", ended.out, ended.err);
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(report["sums"]["same"], 3, "{report}");

    // A byte of what was sealed with the first.
    change_store(&place, |change| {
        let mut inputs = change.open_table(SEALED_INPUTS).unwrap();
        let (record, mut bytes) = {
            let first = inputs.first().unwrap().unwrap();
            (first.0.value(), first.1.value())
        };
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        inputs.insert(record, bytes).unwrap();
    });
    let ended = replay(&place, &["--json"]);
    assert_eq!(ended.status, Some(1), "{}", ended.err);
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(report["alerts"][0]["verdict"], "record-changed", "{report}");
    assert_eq!(report["sums"]["same"], 2, "{report}");

    // The inputs of the second and the third change places.
    change_store(&place, |change| {
        let mut alerts = change.open_table(ALERTS).unwrap();
        let row = |number| -> Value {
            let table = &alerts;
            serde_json::from_slice(&table.get(number).unwrap().unwrap().value()).unwrap()
        };
        let (mut second, mut third) = (row(2), row(3));
        std::mem::swap(&mut second["inputs"], &mut third["inputs"]);
        for (number, row) in [(2, second), (3, third)] {
            alerts
                .insert(number, serde_json::to_vec(&row).unwrap())
                .unwrap();
        }
    });
    let ended = replay(&place, &["2", "3"]);
    assert_eq!(ended.status, Some(1), "{}", ended.err);
    assert!(
        ended.out.contains("2 alerts: 2 record-changed"),
        "{}",
        ended.out
    );
    // A row that nobody can read any more is its own alert's trouble.
    change_store(&place, |change| {
        let mut alerts = change.open_table(ALERTS).unwrap();
        alerts.insert(2, b"{".to_vec()).unwrap();
    });
    let ended = replay(&place, &["2"]);
    assert!(
        ended.out.contains("1 alert: 1 record-changed"),
        "{}",
        ended.out
    );
}

/// A row as the bytes that it is, of one of these kinds.
#[derive(Debug)]
struct Row<const KIND: usize>;

const KINDS: [&str; 4] = ["SealedPayload", "Alert", "Action", "Life"];

impl<const KIND: usize> redb::Value for Row<KIND> {
    type SelfType<'a> = Vec<u8>;
    type AsBytes<'a> = Vec<u8>;

    fn fixed_width() -> Option<usize> {
        None
    }

    fn from_bytes<'a>(data: &'a [u8]) -> Vec<u8>
    where
        Self: 'a,
    {
        data.to_vec()
    }

    fn as_bytes<'a, 'b: 'a>(value: &'a Vec<u8>) -> Vec<u8>
    where
        Self: 'b,
    {
        value.clone()
    }

    fn type_name() -> TypeName {
        TypeName::new(&format!("overt-records::{}", KINDS[KIND]))
    }
}

const SEALED_INPUTS: TableDefinition<u64, Row<0>> = TableDefinition::new("sealed-inputs");
const ALERTS: TableDefinition<u32, Row<1>> = TableDefinition::new("alerts");
const ACTIONS: TableDefinition<u32, Row<2>> = TableDefinition::new("actions");
const LIVES: TableDefinition<u32, Row<3>> = TableDefinition::new("lives");

/// Changes the store past the program, as somebody would who can write the file.
fn change_store(place: &Place, change: impl FnOnce(&redb::WriteTransaction)) {
    let database = redb::Database::open(place.path("out/records.redb")).unwrap();
    let writing = database.begin_write().unwrap();
    change(&writing);
    writing.commit().unwrap();
}

#[test]
fn a_changed_plugin_is_told_apart_from_a_missing_one_and_an_auditor_who_kept_it_replays() {
    let place = alerted();
    let sha256 = only(&place, &[], 0)["plugins"][0]["sha256"].clone();
    policy_is(&place, &other(&place, "policy-threshold"));
    let changed = only(&place, &[], 1);
    assert_eq!(changed["verdict"], "plugin-changed");
    assert_eq!(changed["asked"]["sha256"], sha256);
    assert_eq!(changed["found"][0]["version"], "0.2.0");
    assert_ne!(changed["found"][0]["sha256"], sha256);
    let told = replay(&place, &[]).out;
    for digest in [&sha256, &changed["found"][0]["sha256"]] {
        assert!(told.contains(digest.as_str().unwrap()), "{told}");
    }

    // Kept by an auditor, under a name of theirs.
    let archive = place.path("archive");
    std::fs::create_dir(&archive).unwrap();
    std::fs::copy(policy(), archive.join("as-it-was.wasm")).unwrap();
    let with_archive = ["--plugins", archive.to_str().unwrap()];
    assert_eq!(only(&place, &with_archive, 0)["verdict"], "same");

    std::fs::remove_file(place.path("policy-threshold.wasm")).unwrap();
    let missing = only(&place, &[], 1);
    assert_eq!(missing["verdict"], "plugin-missing");
    assert_eq!(missing["asked"]["role"], "matcher-policy");
    assert_eq!(only(&place, &with_archive, 0)["verdict"], "same");

    let nowhere = replay(&place, &["--plugins", "no-such-folder"]);
    assert_eq!(nowhere.status, Some(1));
    assert!(nowhere.err.contains("no-such-folder"), "{}", nowhere.err);
}

#[test]
fn a_countersigned_plugin_is_the_same_and_one_that_nobody_vouches_for_any_more_is_refused() {
    let place = alerted();
    let made = run([
        Path::new("key"),
        Path::new("new"),
        Path::new("office"),
        Path::new("--folder"),
        place.folder.path(),
    ]);
    assert_eq!(made.status, Some(0), "{}", made.err);
    let file = place.path("countersigned.wasm");
    std::fs::copy(policy(), &file).unwrap();
    sign(&file, &place.path("office.key"));
    policy_is(&place, &file);
    assert_eq!(only(&place, &[], 0)["verdict"], "same");

    let key = set_up("keys/this-machine.pub");
    place.change(
        key.to_str().unwrap(),
        place.path("office.pub").to_str().unwrap(),
    );
    let refused = only(&place, &[], 1);
    assert_eq!(refused["verdict"], "plugin-refused", "{refused}");
    // The router carries this machine's signature alone.
    assert_eq!(refused["asked"]["role"], "alert-router");
}

#[test]
fn a_policy_whose_later_proposals_were_refused_and_a_router_that_failed_replay_the_same() {
    let place = Place::with_person_a();
    place.film(60);
    place.hostile(
        "matcher-policy",
        "grants = [\"log\"]",
        "alert-at-every-look",
    );
    place.hostile("alert-router", "grants = [\"log\"]", "trap");
    let ended = place.run();
    assert!(ended.err.contains("ALERT 1 for desk-1"), "{}", ended.err);
    let alert = only(&place, &[], 0);
    assert_eq!(
        (&alert["verdict"], &alert["compared"]),
        (&"same".into(), &2.into()),
        "{alert}"
    );
}

#[test]
fn inputs_whose_time_is_over_are_expired_and_that_is_lawful_and_those_gone_before_it_are_not() {
    let place = Place::with_person_a();
    place.change("inputs-hours = 24 ", "inputs-hours = 2 ");
    place.film(60);
    assert_eq!(place.run().status, Some(0));
    assert_eq!(only(&place, &[], 0)["verdict"], "same");

    // Another alert like it, three hours ago.
    let now = Timestamp::from_unix_ms(jiff::Timestamp::now().as_millisecond());
    let mut settings = settings();
    settings.retention.inputs_hours = 2;
    let open = || Store::open(&place.path("out/records.redb"), &settings).unwrap();
    let store = open();
    let mut alert = store.alert(1).unwrap().alert;
    alert.number = 2;
    alert.raised_at = Timestamp::from_unix_ms(now.unix_ms() - 3 * 3_600_000);
    let HeldInputs::Held(inputs) = store.alert_inputs(1, now).unwrap() else {
        panic!("its time is not over");
    };
    let header = store.runs().unwrap()[0].header.clone();
    let second = NewAlert {
        alert,
        image: 0,
        payload: store.alert_payload(1).unwrap().unwrap(),
        inputs: Some(inputs),
    };
    // And one of now, which these inputs did not raise.
    let mut third = second.clone();
    (third.alert.number, third.alert.raised_at) = (3, now);
    let run = store.begin_run(&header).unwrap();
    run.commit_decisions(&[second, third], &Counts::default(), now)
        .unwrap();
    drop((run, store));
    let ended = replay(&place, &["1", "2"]);
    assert_eq!(ended.status, Some(0), "{}{}", ended.out, ended.err);
    assert!(
        ended.out.contains("2 alerts: 1 expired, 1 same"),
        "{}",
        ended.out
    );
    let foreign = only(&place, &["3"], 1);
    assert_eq!(foreign["verdict"], "record-changed");
    let cause = foreign["cause"].as_str().unwrap();
    assert!(cause.contains("did not raise it"), "{cause}");

    // A sweep by a clock that is hours ahead: by this machine's, somebody has removed them.
    let store = open();
    let report = store.sweep(now.after_hours(3)).unwrap();
    assert_eq!((report.inputs, report.alerts), (2, 0));
    drop(store);
    let ended = replay(&place, &["1", "2"]);
    assert_eq!(ended.status, Some(1));
    assert!(
        ended.out.contains("2 alerts: 1 expired, 1 record-changed"),
        "{}",
        ended.out
    );
}

/// The same place with a team who act and a desk that does not lapse, in which olu has passed the alert and the team has heard of it.
fn passed() -> Place {
    let place = Place::with_person_a();
    place.change(
        "[retention]",
        "[[channel]]\nname = \"team\"\npurpose = \"action\"\nkind = \"file\"\nfile = \"told/team.jsonl\"\n
         [judgement]\nadjudicate-seconds = 300\n\n[retention]",
    );
    place.film(60);
    let ended = place.run();
    assert_eq!(ended.status, Some(0), "{}{}", ended.out, ended.err);
    place
}

/// Olu passes it, and whoever acts is told.
fn pass(place: &Place) {
    done(place, "olu", "show", &["1"]);
    let judged = alerts(place, "olu", "judge", &["1", "pass"]);
    assert_eq!(judged.status, Some(0), "{}", judged.err);
    let said = judged.err.contains("team: 1 message delivered");
    assert!(said, "{}", judged.err);
}

/// The router's file, as the deployment file names it.
fn router() -> PathBuf {
    set_up("plugins/router-desk.wasm")
}

#[test]
fn the_call_that_chose_who_acts_replays_with_the_alert_and_tells_nobody_again() {
    let place = passed();
    let raised = only(&place, &[], 0);
    assert_eq!(raised["for_action"], Value::Null);
    pass(&place);
    let alert = only(&place, &[], 0);
    assert_eq!(
        (&alert["verdict"], &alert["for_action"]),
        (&"same".into(), &"kept".into())
    );
    let compared = |of: &Value| of["compared"].as_u64().unwrap();
    assert_eq!(compared(&alert), compared(&raised) + 1);
    assert!(alert["fuel"].as_u64() > raised["fuel"].as_u64());
    assert_eq!(told(&place, "team").len(), 1);

    // Its own row, its life and its inputs each say what they said.
    let change_row = |table: TableDefinition<u32, Row<2>>, change: &dyn Fn(&mut Value)| {
        change_store(&place, |writing| {
            let mut rows = writing.open_table(table).unwrap();
            let row = rows.get(1).unwrap().unwrap().value();
            let mut row = serde_json::from_slice(&row).unwrap();
            change(&mut row);
            rows.insert(1, serde_json::to_vec(&row).unwrap()).unwrap();
        });
    };
    let changed = |because: &str| {
        let alert = only(&place, &[], 1);
        assert_eq!(alert["verdict"], "record-changed", "{alert}");
        assert!(
            alert["cause"].as_str().unwrap().contains(because),
            "{alert}"
        );
    };
    change_row(ACTIONS, &|row| row["channels"] = serde_json::json!(["van"]));
    changed("others were told");
    change_row(ACTIONS, &|row| {
        row["channels"] = serde_json::json!(["team"]);
    });
    assert_eq!(only(&place, &[], 0)["verdict"], "same");
    let move_judgement = |milliseconds: i64| {
        change_store(&place, |writing| {
            let mut lives = writing.open_table(LIVES).unwrap();
            let row = lives.get(1).unwrap().unwrap().value();
            let mut life: Value = serde_json::from_slice(&row).unwrap();
            let at = first_time(&mut life).expect("a step says when it was");
            *at = (at.as_i64().unwrap() + milliseconds).into();
            lives.insert(1, serde_json::to_vec(&life).unwrap()).unwrap();
        });
    };
    move_judgement(1_000);
    changed("asked about something else");
    move_judgement(-1_000);
    // The inputs of the raising in the place of those of the passing.
    let inputs = |row: &Value, kept: &str| row.pointer(kept).cloned().unwrap();
    let mut of_raising = Value::Null;
    change_store(&place, |writing| {
        let alerts = writing.open_table(ALERTS).unwrap();
        let row = alerts.get(1).unwrap().unwrap().value();
        of_raising = inputs(&serde_json::from_slice(&row).unwrap(), "/inputs");
    });
    change_row(ACTIONS, &|row| row["router"]["kept"] = of_raising.clone());
    changed("their form");
}

/// The first `at` of a row.
fn first_time(row: &mut Value) -> Option<&mut Value> {
    match row {
        Value::Object(fields) => fields.iter_mut().find_map(|(name, value)| match &**name {
            "at" => Some(value),
            _ => first_time(value),
        }),
        Value::Array(items) => items.iter_mut().find_map(first_time),
        _ => None,
    }
}

#[test]
fn the_router_that_chose_who_acts_need_not_be_the_one_that_chose_the_desk() {
    let place = passed();
    let newer = other(&place, "router-desk");
    let old = router();
    place.change(old.to_str().unwrap(), newer.to_str().unwrap());
    place.lock();
    pass(&place);

    let archive = place.path("archive");
    std::fs::create_dir(&archive).unwrap();
    std::fs::copy(&old, archive.join("old.wasm")).unwrap();
    let with_archive = ["--plugins", archive.to_str().unwrap()];
    let alert = only(&place, &with_archive, 0);
    assert_eq!(alert["verdict"], "same");
    let routers: Vec<_> = alert["plugins"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|plugin| plugin["role"] == "alert-router")
        .map(|plugin| plugin["version"].as_str().unwrap())
        .collect();
    assert_eq!(routers, ["0.1.0", "0.2.0"]);

    // The newer one is gone again, and what is there is of its id.
    place.change(newer.to_str().unwrap(), old.to_str().unwrap());
    let changed = only(&place, &[], 1);
    assert_eq!(changed["verdict"], "plugin-changed", "{changed}");
    assert_eq!(
        (&changed["asked"]["version"], &changed["asked"]["role"]),
        (&"0.2.0".into(), &"alert-router".into())
    );
    assert_eq!(changed["found"][0]["version"], "0.1.0");
}

#[test]
fn what_the_router_was_asked_once_an_alert_was_passed_expires_with_the_rest_of_it() {
    let place = passed();
    pass(&place);
    // Another alert like it, 25 hours ago, passed and told of a minute later.
    let now = Timestamp::from_unix_ms(jiff::Timestamp::now().as_millisecond());
    let ago = |minutes: i64| Timestamp::from_unix_ms(now.unix_ms() - minutes * 60_000);
    let open = || Store::open(&place.path("out/records.redb"), &settings()).unwrap();
    let store = open();
    let mut alert = store.alert(1).unwrap().alert;
    (alert.number, alert.raised_at) = (2, ago(25 * 60));
    let HeldInputs::Held(inputs) = store.alert_inputs(1, now).unwrap() else {
        panic!("its time is not over");
    };
    let settled = store.settled_action(1, now).unwrap().unwrap();
    let Some(HeldInputs::Held(asked)) = settled.inputs else {
        panic!("the router was asked, and its time is not over");
    };
    let second = NewAlert {
        alert,
        image: 0,
        payload: store.alert_payload(1).unwrap().unwrap(),
        inputs: Some(inputs),
    };
    let header = store.runs().unwrap()[0].header.clone();
    let run = store.begin_run(&header).unwrap();
    run.commit_decisions(&[second], &Counts::default(), ago(25 * 60))
        .unwrap();
    let olu = place.judge("olu");
    let then = ago(25 * 60 - 1);
    store.view(2, &olu, then).unwrap().unwrap();
    let limits = JudgementLimits {
        adjudication_ms: i64::MAX,
        engagement_ms: i64::MAX,
        location_ms: i64::MAX,
    };
    let passed = store.adjudicate(2, &olu, Adjudication::Pass, &limits, then);
    let passed = passed.unwrap().unwrap();
    let channels = ["team".to_owned()];
    store
        .route(&passed, &channels, true, Some(&asked), then)
        .unwrap();
    drop((run, store));
    // The command sweeps before it looks.
    let ended = replay(&place, &["1", "2"]);
    assert_eq!(ended.status, Some(0), "{}{}", ended.out, ended.err);
    assert!(
        ended.out.contains("2 alerts: 1 expired, 1 same"),
        "{}",
        ended.out
    );
    let expired = only(&place, &["2"], 0);
    assert_eq!(
        (&expired["verdict"], &expired["for_action"]),
        (&"expired".into(), &"expired".into())
    );

    // A sweep by a clock that is a day ahead: by this machine's, somebody has removed them.
    let store = open();
    let report = store.sweep(now.after_hours(25)).unwrap();
    assert_eq!((report.alerts, report.inputs), (1, 2));
    drop(store);
    assert_eq!(only(&place, &["1"], 1)["verdict"], "record-changed");
}
