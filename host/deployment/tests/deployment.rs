//! What a sound file becomes, and what is refused before a line of it is read.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use overt_deployment::{
    CameraKind, Capability, ChannelKind, Confine, Deployment, Device, Limits, Mode, Problems,
    Purpose, Role, Source, Zone, limits,
};

fn sound() -> Deployment {
    Deployment::read(Path::new("tests/ui/sound.toml")).unwrap()
}

fn least() -> String {
    std::fs::read_to_string("tests/ui/least.toml").unwrap()
}

fn parse(text: &str) -> Result<Deployment, Problems> {
    Deployment::parse(Path::new("some/where/deployment.toml"), text)
}

fn only(problems: Result<Deployment, Problems>) -> String {
    let problems = problems.unwrap_err();
    assert_eq!(problems.len(), 1, "{problems}");
    problems.to_string()
}

#[test]
fn every_key_of_a_sound_file_arrives() {
    let deployment = sound();
    assert_eq!(deployment.id, "market-square");
    assert_eq!(deployment.use_case, "crime-hotspot");
    assert_eq!(
        deployment.end.to_string(),
        "2026-01-31T17:00:00Z",
        "an offset is taken into account"
    );
    assert_eq!(deployment.authority.score_floor, 0.45);
    assert_eq!(
        deployment.authority.calibration,
        Some(PathBuf::from("tests/ui/calibration.json"))
    );
    assert_eq!(deployment.authority.cameras, 2);
    assert_eq!(deployment.authority.watchlist_age_hours, 48);
    assert_eq!(deployment.authority.modes, [Mode::Live, Mode::Operator]);
    let documents: Vec<_> = deployment
        .documents
        .iter()
        .map(|document| {
            (
                document.kind.name(),
                document.version.as_str(),
                document.date.as_str(),
                document.file.to_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        documents,
        [
            ("sop", "3.1", "2026-01-05", "tests/ui/documents/sop.pdf"),
            ("dpia", "2", "2025-11-30", "tests/ui/documents/dpia.pdf"),
        ]
    );
    let notice = deployment.notice.as_ref().unwrap();
    assert_eq!(notice.since.to_string(), "2026-01-24T09:00:00Z");
    assert_eq!(deployment.host.workers, Some(2));
    assert_eq!(deployment.host.device, Device::Cuda { index: 1 });
    assert_eq!(
        deployment.host.models,
        Some(PathBuf::from("tests/ui/models"))
    );
    assert_eq!(
        deployment.host.metrics,
        Some("10.0.0.7:9464".parse().unwrap())
    );
    assert_eq!(deployment.host.confine, Confine::Required);
    assert_eq!(
        deployment.cameras[0].zone,
        Zone::new(vec![[10, 20], [1280, 20], [1280, 720], [10, 720]]).ok()
    );
    assert_eq!(deployment.cameras[1].kind, CameraKind::BodyWorn);
    assert_eq!(deployment.watchlist.least_quality, Some(40));
    assert_eq!(
        deployment.watchlist.categories,
        ["wanted-on-warrant", "missing-person"]
    );
    assert_eq!(
        deployment
            .channels
            .iter()
            .map(|channel| channel.purpose)
            .collect::<Vec<_>>(),
        [
            Purpose::Review,
            Purpose::Review,
            Purpose::Action,
            Purpose::Action
        ]
    );
    let ChannelKind::Webhook(webhook) = &deployment.channels[2].kind else {
        panic!("{:?}", deployment.channels[2]);
    };
    assert_eq!(
        webhook.address.to_string(),
        "https://team.example:443/alerts"
    );
    assert_eq!(
        webhook.authorities.as_deref(),
        Some("tests/ui/authorities.pem".as_ref())
    );
    assert_eq!(
        deployment.channels[3].kind,
        ChannelKind::File("tests/ui/team.jsonl".into())
    );
    let seconds = Duration::from_secs;
    let judgement = deployment.judgement;
    assert_eq!(
        [judgement.adjudicate, judgement.engage, judgement.locate],
        [seconds(60), seconds(300), seconds(86_400)]
    );
    assert_eq!(deployment.default_desk().name, "desk-1");
    assert_eq!(deployment.retention.alerts, Duration::from_secs(48 * 3_600));
    assert_eq!(deployment.retention.inputs, Duration::from_secs(36 * 3_600));
    assert_eq!(
        deployment.retention.watchlist,
        Duration::from_secs(12 * 3_600)
    );

    let detector = &deployment.plugins.detector;
    assert_eq!(
        detector.grants.iter().copied().collect::<Vec<_>>(),
        [Capability::Frames, Capability::Inference]
    );
    assert_eq!(
        detector.limits,
        Limits {
            memory: 32 << 20,
            deadline: Duration::from_millis(250),
            tensors: 128 << 20,
            model_memory: 512 << 20,
            ..Limits::default()
        }
    );
    assert_eq!(deployment.plugins.matcher_policy.limits.fuel, 1_000_000);
    let roles: Vec<_> = deployment
        .plugins
        .iter()
        .map(|plugin| plugin.role)
        .collect();
    assert_eq!(roles, Role::ALL);
    let slots: Vec<_> = deployment
        .plugins
        .all()
        .map(|plugin| plugin.slot().to_string())
        .collect();
    assert_eq!(
        slots[..4],
        [
            "plugins.detector",
            "plugins.detector.fallback",
            "plugins.detector.shadow",
            "plugins.encoder"
        ]
    );
    let fallback = detector.fallback.as_ref().unwrap();
    assert_eq!(
        fallback.calibration.as_deref(),
        Some("tests/ui/calibration-2.json".as_ref())
    );
    assert_eq!(detector.shadow.as_ref().unwrap().every, 10);
    // What a fallback is given is its own; nothing is taken over from whom it comes in for.
    assert_eq!(fallback.limits, Limits::default());
}

#[test]
fn what_is_left_out_has_its_default() {
    let deployment = parse(&least()).unwrap();
    assert_eq!(
        (
            deployment.authority.cameras,
            deployment.authority.watchlist_size,
            deployment.authority.body_worn
        ),
        (1, 1_000, false)
    );
    assert_eq!(deployment.authority.watchlist_age_hours, 24);
    assert_eq!(deployment.authority.modes, [Mode::Live]);
    assert_eq!((deployment.documents.len(), deployment.notice), (0, None));
    assert_eq!(
        (
            deployment.host.workers,
            deployment.host.device,
            &deployment.host.onnxruntime
        ),
        (None, Device::Cpu, &None)
    );
    assert_eq!(
        (deployment.host.metrics, deployment.host.confine),
        (None, Confine::Possible)
    );
    assert_eq!(deployment.cameras[0].zone, None);
    assert_eq!(deployment.plugins.quality, None);
    assert_eq!(deployment.plugins.encoder.limits, Limits::default());
    assert!(deployment.plugins.encoder.grants.is_empty());
    assert_eq!(deployment.plugins.encoder.config, "{}");
    let judgement = deployment.judgement;
    assert_eq!(
        [judgement.adjudicate, judgement.engage, judgement.locate].map(|limit| limit.as_secs()),
        [120, 600, 1_800]
    );
    assert_eq!(deployment.retention.alerts, Duration::from_secs(24 * 3_600));
    assert_eq!(deployment.retention.inputs, deployment.retention.alerts);
}

#[test]
fn a_configuration_arrives_as_json_with_dates_as_strings() {
    let config: serde_json::Value = serde_json::from_str(&sound().plugins.detector.config).unwrap();
    assert_eq!(
        config,
        serde_json::json!({ "least-confidence": 0.5, "since": "2026-01-01", "channels": "rgb" })
    );
}

#[test]
fn relative_paths_start_at_the_deployment_files_folder_and_absolute_ones_stay() {
    let deployment = sound();
    assert_eq!(
        deployment.cameras[0].source,
        Source::File(PathBuf::from("tests/ui/gate.avi"))
    );
    assert_eq!(
        deployment.cameras[1].source,
        Source::File(PathBuf::from("/video/officer-7.mp4"))
    );
    assert_eq!(
        deployment.plugins.detector.models["centerface"],
        PathBuf::from("tests/ui/models/centerface.onnx")
    );
}

#[test]
fn a_deployment_is_open_from_its_start_until_just_before_its_end() {
    let deployment = sound();
    assert!(deployment.is_open_at(deployment.start));
    assert!(!deployment.is_open_at(deployment.end));
}

#[test]
fn a_missing_file_is_named_with_the_line_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("deployment.toml");
    std::fs::write(&file, least()).unwrap();
    let deployment = Deployment::read(&file).unwrap();
    let problems = deployment.check_files().unwrap_err();
    let keys: Vec<_> = problems
        .iter()
        .map(|problem| problem.key.as_str())
        .collect();
    assert_eq!(
        keys,
        [
            "camera[0].file",
            "plugins.detector.file",
            "plugins.encoder.file",
            "plugins.matcher-policy.file",
            "plugins.alert-router.file"
        ]
    );
    assert!(problems.iter().all(|problem| problem.position.is_some()));

    std::fs::create_dir(folder.path().join("plugins")).unwrap();
    for name in [
        "gate.avi",
        "plugins/detector.wasm",
        "plugins/encoder.wasm",
        "plugins/policy.wasm",
    ] {
        std::fs::write(folder.path().join(name), "").unwrap();
    }
    std::fs::create_dir(folder.path().join("plugins/router.wasm")).unwrap();
    let problems = deployment.check_files().unwrap_err().to_string();
    assert!(
        problems.contains("router.wasm, which is no file"),
        "{problems}"
    );

    std::fs::remove_dir(folder.path().join("plugins/router.wasm")).unwrap();
    std::fs::write(folder.path().join("plugins/router.wasm"), "").unwrap();
    deployment.check_files().unwrap();
}

#[test]
fn a_deployment_file_that_is_not_there_or_a_folder_is_said_so() {
    let missing = only(Deployment::read(Path::new("tests/ui/nowhere.toml")));
    assert!(
        missing.contains("tests/ui/nowhere.toml") && missing.contains("check the path"),
        "{missing}"
    );
    let folder = only(Deployment::read(Path::new("tests/ui")));
    assert!(
        folder.contains("name the deployment file in the folder"),
        "{folder}"
    );
}

#[test]
fn a_file_of_more_than_a_mebibyte_is_not_read() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut text = least();
    text.push_str(&"#".repeat(limits::FILE_BYTES as usize - text.len()));
    std::fs::write(file.path(), &text).unwrap();
    Deployment::read(file.path()).unwrap();
    text.push('#');
    std::fs::write(file.path(), &text).unwrap();
    let problem = only(Deployment::read(file.path()));
    assert!(problem.contains("at most 1048576 bytes"), "{problem}");
}

#[test]
fn a_file_that_is_not_utf_8_is_refused_at_its_first_bad_byte() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), b"[deployment]\nplace = \"Caf\xe9 corner\"\n").unwrap();
    let problem = only(Deployment::read(file.path()));
    assert!(
        problem.contains(":2:13: expected UTF-8 text, found the byte 0xe9"),
        "{problem}"
    );
}

#[test]
fn mistakes_beyond_a_hundred_are_counted_and_not_listed() {
    let mut text = least();
    for index in 0..1_000 {
        text.push_str(&format!("extra-{index} = 1\n"));
    }
    let problems = parse(&text).unwrap_err();
    assert_eq!(
        (problems.len(), problems.omitted()),
        (limits::PROBLEMS, 900)
    );
    assert!(
        problems
            .render(false)
            .ends_with("1000 problems in some/where/deployment.toml, 900 of them not shown\n")
    );
}

#[test]
fn a_list_nested_without_end_is_a_mistake_and_no_crash() {
    let text = format!("a = {}{}\n", "[".repeat(400_000), "]".repeat(400_000));
    assert!(parse(&text).is_err());
}

#[test]
fn a_configuration_of_more_than_64_kib_is_refused() {
    let config = |letters| {
        least().replace(
            "[plugins.encoder]\n",
            &format!(
                "[plugins.encoder]\nconfig = {{ a = \"{}\" }}\n",
                "x".repeat(letters)
            ),
        )
    };
    let around = r#"{"a":""}"#.len();
    parse(&config(limits::CONFIG_BYTES - around)).unwrap();
    let problem = only(parse(&config(limits::CONFIG_BYTES - around + 1)));
    assert!(
        problem.contains("at most 65536 bytes of configuration"),
        "{problem}"
    );
}

#[test]
fn more_categories_models_or_channels_than_the_ceiling_are_refused() {
    let names = |count: usize| {
        (0..count)
            .map(|index| format!("\"c{index}\""))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let categories = |count| least().replace("\"wanted-on-warrant\"", &names(count));
    parse(&categories(limits::CATEGORIES)).unwrap();
    only(parse(&categories(limits::CATEGORIES + 1)));

    let models = |count: usize| {
        let models: Vec<_> = (0..count)
            .map(|index| format!("m{index} = \"m\""))
            .collect();
        let plugin = format!(
            "[plugins.encoder]\ngrants = [\"inference\"]\nmodels = {{ {} }}\n",
            models.join(", ")
        );
        least().replace("[plugins.encoder]\n", &plugin)
    };
    parse(&models(limits::MODELS)).unwrap();
    only(parse(&models(limits::MODELS + 1)));

    let channels = |count: usize| {
        let more = (1..count).map(|index| {
            format!("[[channel]]\nname = \"c{index}\"\npurpose = \"review\"\nkind = \"console\"\n")
        });
        least() + &more.collect::<String>()
    };
    parse(&channels(limits::CHANNELS)).unwrap();
    only(parse(&channels(limits::CHANNELS + 1)));
}

#[test]
fn a_terminal_obeys_nothing_that_stands_in_the_file() {
    let problems =
        parse("\"\\u001b[2J\" = 1\n[deployment]\nid = \"\\u001b[2J\"\nplace = \"\u{9b}2J\"\n")
            .unwrap_err();
    let shown = format!(
        "{}{}{}",
        problems.render(false),
        problems,
        serde_json::to_string(&problems).unwrap()
    );
    assert!(
        shown.chars().all(|c| c == '\n' || !c.is_control()),
        "{shown:?}"
    );
}

#[test]
fn colours_are_used_when_asked_for_and_not_otherwise() {
    let problems = parse("").unwrap_err();
    assert!(problems.render(true).contains('\u{1b}'));
    assert!(!problems.render(false).contains('\u{1b}'));
}
