//! Locks as text, and what differs between two.
#![allow(clippy::unwrap_used)]

use overt_vision::Precision;

use super::*;

fn lock() -> Lock {
    let plugin = LockedPlugin {
        id: "detector-x".into(),
        version: "1.2.3".into(),
        sha256: "0a".repeat(32),
        signed_by: vec!["acme".into()],
        grants: [Capability::Frames, Capability::Inference].into(),
        config: r#"{"agree":{"of":5},"margin":0.05}"#.into(),
        limits: LockedLimits::of(Role::Detector, &Limits::default()),
        calibration: None,
        model: BTreeMap::from([("centerface".into(), "0c".repeat(32))]),
    };
    Lock {
        format: FORMAT.into(),
        deployment: "town-hall".into(),
        host: LockedHost {
            overt: "0.1.0".into(),
            contract: "0.1".into(),
        },
        backend: BackendIdentity {
            name: "onnxruntime".into(),
            version: "1.31.1".into(),
            precision: Precision::F32,
            device: "cpu".into(),
            sha256: "0d".repeat(32),
        },
        authority: LockedAuthority {
            score_floor: "0.45".into(),
            calibration: Some("0e".repeat(32)),
        },
        camera: BTreeMap::from([(
            "gate".into(),
            LockedCamera {
                source: "rtsp://10.0.0.7/1".into(),
                zone: Some("0,0 640,0 640,480".into()),
            },
        )]),
        trust: LockedTrust {
            unsigned: false,
            require: BTreeMap::from([(Signer::Vendor, 1)]),
            key: BTreeMap::from([(
                "acme".into(),
                LockedKey {
                    signer: Signer::Vendor,
                    public_key: "MCow".into(),
                    expires: Some("2027-01-01T00:00:00Z".into()),
                    revoked: None,
                },
            )]),
        },
        plugin: BTreeMap::from([(Role::Detector, plugin)]),
        fallback: BTreeMap::new(),
        shadow: BTreeMap::new(),
    }
}

#[test]
fn a_lock_is_read_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("overt.lock");
    lock().write(&path).unwrap();
    let read = LockFile::read(&path, "d.toml".as_ref()).unwrap();
    assert_eq!(read.lock, lock());
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("# Written by `overt lock`"), "{text}");
    assert_eq!(read.sha256, hex::encode(Sha256::digest(&text)));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn every_difference_is_told_by_its_place_with_both_sides() {
    assert_eq!(lock().differences(&lock()), []);
    let mut found = lock();
    found.host.overt = "0.2.0".into();
    found.authority.calibration = None;
    let gate = found.camera.get_mut("gate").unwrap();
    gate.source = "rtsp://10.0.0.8/1".into();
    gate.zone = None;
    let detector = found.plugin.get_mut(&Role::Detector).unwrap();
    detector.grants.insert(Capability::Pixels);
    detector.limits.memory += 1;
    detector.config = r#"{"agree":{"of":7},"margin":"0.05"}"#.into();
    detector.model.insert("second".into(), "0f".repeat(32));
    let told: Vec<String> = lock()
        .differences(&found)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        told,
        [
            format!("authority.calibration: locked {}, found nothing", "0e".repeat(32)),
            "camera.gate.source: locked rtsp://10.0.0.7/1, found rtsp://10.0.0.8/1".to_owned(),
            "camera.gate.zone: locked 0,0 640,0 640,480, found nothing".to_owned(),
            "host.overt: locked 0.1.0, found 0.2.0".to_owned(),
            "plugin.detector.config.agree.of: locked 5, found 7".to_owned(),
            r#"plugin.detector.config.margin: locked 0.05, found "0.05""#.to_owned(),
            r#"plugin.detector.grants: locked ["frames","inference"], found ["frames","pixels","inference"]"#.to_owned(),
            "plugin.detector.limits.memory: locked 67108864, found 67108865".to_owned(),
            format!("plugin.detector.model.second: not in the lock, found {}", "0f".repeat(32)),
        ]
    );
}

#[test]
fn configurations_that_differ_never_look_alike() {
    let with = |config: &str| {
        let mut lock = lock();
        let detector = lock.plugin.get_mut(&Role::Detector).unwrap();
        detector.config = config.into();
        lock
    };
    let configs = [
        r#"{}"#,
        r#"{"a":{}}"#,
        r#"{"a":null}"#,
        r#"{"a":"null"}"#,
        r#"{"a":[]}"#,
        r#"{"a":"1"}"#,
        r#"{"a":1}"#,
        r#"{"a.b":1}"#,
        r#"{"a":{"b":1}}"#,
        r#"{"":{"a":1}}"#,
        "no JSON",
    ];
    for (index, one) in configs.iter().enumerate() {
        for other in &configs[index + 1..] {
            assert!(
                !with(one).differences(&with(other)).is_empty(),
                "{one} {other}"
            );
        }
    }
}

#[test]
fn what_is_no_lock_is_told_and_a_missing_one_says_how_to_make_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("overt.lock");
    let read = || LockFile::read(&path, "d.toml".as_ref()).unwrap_err();
    let missing = read();
    assert!(matches!(missing, LockError::Missing { .. }));
    assert!(missing.mend().contains("overt lock d.toml"));
    let whole = lock().text().unwrap();
    let memory = whole.lines().position(|line| line.starts_with("memory = "));
    let at_memory = format!("line {}: ", memory.unwrap() + 1);
    for (text, word) in [
        ("hm".to_owned(), "no lock"),
        (
            whole.replace("overt-lock-1", "overt-lock-2"),
            "overt-lock-2",
        ),
        (format!("more = 1\n{whole}"), "line 1: unknown field `more`"),
        (
            whole.replace("memory = 67108864", "memory = \"all\""),
            &at_memory,
        ),
        ("#".repeat(FILE_BYTES as usize + 1), "larger"),
    ] {
        std::fs::write(&path, text).unwrap();
        let error = read().to_string();
        assert!(error.contains(word), "{error}");
    }
}
