//! The published schema of `summary.json` and what a run writes are one.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;

use overt_confinement::Confinement;
use overt_deployment::Role;
use overt_pipeline::shadow::{Agreement, ShadowReport};
use overt_pipeline::summary::{
    Alert, Camera, Channel, Expired, Frames, Generation, ListChange, ListSize, ModelUsed, Outage,
    PictureAlarm, PluginErrors, PluginUsed, Quarantine, Summary, Watchlist,
};
use overt_records::AuditHead;
use overt_tests::schema::Schema;
use serde_json::{Value, json};

fn schema() -> Schema {
    Schema::parse(include_str!("../summary.schema.json"))
}

/// A summary in which nothing is empty.
fn summary() -> Value {
    let summary = Summary {
        mode: "live",
        authority: Some(overt_pipeline::Authorised {
            number: 17,
            run: 1,
            officer: "A. N. Officer".into(),
            rank: "superintendent".into(),
            reference: "LFR/2026/17".into(),
            urgent: false,
            started_by: "A. N. Engineer".into(),
        }),
        frames: Frames {
            read: 700,
            processed: 697,
            dropped: 1,
            unseen: 2,
        },
        cameras: vec![Camera {
            id: "gate".into(),
            source: "rtsp",
            frames: Frames {
                read: 700,
                processed: 697,
                dropped: 1,
                unseen: 2,
            },
            last_frame_age: Some(0.04),
            too_slow_count: 3,
            outage_count: 1,
            outages: vec![Outage {
                from: 3.2,
                to: Some(7.9),
                cause: "no more frames".into(),
            }],
            alarm_count: 1,
            alarms: vec![PictureAlarm {
                fault: "dark",
                from: 9.0,
                to: None,
            }],
        }],
        faces: 1_481,
        tracks: 10,
        alerts: vec![Alert {
            reference: "MP-0001".into(),
            category: "missing-person".into(),
            camera: "gate".into(),
            track: 2,
            score: Some(0.739),
            first_frame: 0,
            last_frame: 220,
            reason: Some("2 of 3 probes".into()),
        }],
        withheld: 0,
        fps: 22.7,
        stages_ms: BTreeMap::from([("detect".into(), 70.1)]),
        backend: "onnxruntime 1.24.1 f32".into(),
        device: "cpu".into(),
        plugins: Role::ALL
            .into_iter()
            .map(|role| PluginUsed {
                role,
                id: role.name().into(),
                version: "0.1.0".into(),
                sha256: "0a".repeat(32),
                signed_by: vec!["acme-2026 (vendor)".into()],
            })
            .collect(),
        models: vec![ModelUsed {
            plugin: "detector".into(),
            name: "centerface".into(),
            sha256: "f9".repeat(32),
        }],
        plugin_errors: vec![PluginErrors {
            plugin: "detector".into(),
            role: Role::Detector,
            cause: "overrun".into(),
            count: 2,
            camera: "gate".into(),
            frame: 3,
        }],
        channels: vec![Channel {
            name: "desk-1".into(),
            purpose: "review",
            kind: "webhook",
            delivered: 2,
            waiting: 1,
        }],
        quarantines: vec![Quarantine {
            plugin: "detector".into(),
            role: "detector".into(),
            cause: "overrun".into(),
            strikes: 10,
            calls: 12,
        }],
        generations: vec![Generation {
            number: 1,
            since: "2026-01-31T10:00:12Z".into(),
            cause: "fallback",
            by: None,
            reason: None,
            role: Some(Role::Detector),
            changed: vec![Role::Detector],
            plugins: vec!["0a".repeat(32)],
            lock_sha256: None,
        }],
        watchlist: Watchlist {
            start: ListSize {
                people: 16_000,
                images: 17_200,
            },
            categories: BTreeMap::from([("wanted-on-warrant".into(), 16_000)]),
            not_wanted: BTreeMap::from([("missing-person".into(), 12)]),
            under_18: 3,
            sources: BTreeMap::from([("custody".into(), 17_200)]),
            largest: ListSize {
                people: 16_001,
                images: 17_202,
            },
            end: ListSize {
                people: 16_001,
                images: 17_202,
            },
            changes: vec![ListChange {
                at: "2026-11-26T12:00:00Z".into(),
                by: "A. N. Officer (boss)".into(),
                reason: "seen nearby".into(),
                change: "added",
                reference: "W-7".into(),
                category: "wanted-on-warrant".into(),
                images: 2,
                authority: Some("LFR-2026-11".into()),
                generation: 1,
            }],
            expired: Expired {
                images: 3,
                people: 2,
                withdrawn: 1,
            },
        },
        shadows: [
            Agreement::Faces {
                both: 1,
                only_serving: 2,
                only_challenger: 3,
                overlap: vec![0; 10],
            },
            Agreement::Searches {
                same_best: 1,
                other_best: 2,
                both_over_floor: 3,
                only_serving_over_floor: 4,
                only_challenger_over_floor: 5,
                difference: vec![0; 20],
            },
            Agreement::Qualities {
                difference: vec![0; 20],
                unmeasured: 1,
            },
            Agreement::Decisions {
                matrix: [[0; 3]; 3],
                other_entry: 1,
            },
            Agreement::Desks { same: 1, other: 0 },
        ]
        .map(|agreement| ShadowReport {
            role: Role::Encoder,
            plugin: "challenger".into(),
            version: "0.3.0".into(),
            sha256: "0b".repeat(32),
            serving: "encoder-x".into(),
            serving_sha256: "0a".repeat(32),
            every: 1,
            calls: 5,
            failures: [("overrun", 1)].into(),
            stopped: false,
            milliseconds: 1.5,
            unencoded: 0,
            agreement,
        })
        .into(),
        lock_sha256: Some("1c".repeat(32)),
        confinement: Confinement::none("this kernel has no Landlock"),
        audit: AuditHead {
            events: 7,
            hash: "a0".repeat(32),
        },
        unsigned: false,
        interrupted: true,
    };
    serde_json::to_value(summary).unwrap()
}

#[test]
fn a_summary_is_as_its_schema_says() {
    let errors = schema().errors(&summary());
    assert!(errors.is_empty(), "{errors:?}");
}

#[test]
fn the_schema_names_every_key_and_no_other() {
    let (schema, summary) = (schema(), summary());
    let objects = [
        "",
        "/frames",
        "/cameras/0",
        "/cameras/0/frames",
        "/cameras/0/outages/0",
        "/cameras/0/alarms/0",
        "/alerts/0",
        "/plugins/0",
        "/models/0",
        "/plugin_errors/0",
        "/generations/0",
        "/shadows/0",
        "/audit",
        "/shadows/0/agreement",
        "/shadows/1/agreement",
        "/shadows/2/agreement",
        "/shadows/3/agreement",
        "/shadows/4/agreement",
    ];
    for pointer in objects {
        let keys: Vec<String> = summary
            .pointer(pointer)
            .unwrap()
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect();
        for key in keys {
            let mut without = summary.clone();
            without
                .pointer_mut(pointer)
                .unwrap()
                .as_object_mut()
                .unwrap()
                .remove(&key);
            assert!(
                !schema.is_valid(&without),
                "{pointer}/{key} is not required"
            );
        }
        let mut more = summary.clone();
        more.pointer_mut(pointer).unwrap()["unheard-of"] = json!(1);
        assert!(!schema.is_valid(&more), "{pointer} takes any key");
    }
}

#[test]
fn the_schema_refuses_values_that_cannot_be() {
    let (schema, summary) = (schema(), summary());
    let impossible = [
        ("/frames/read", json!(-1)),
        ("/cameras/0/source", json!("carrier pigeon")),
        ("/cameras/0/last_frame_age", json!(-1)),
        ("/cameras/0/alarms/0/fault", json!("sad")),
        ("/cameras/0/outages/0/to", json!(-0.1)),
        ("/faces", json!(1.5)),
        ("/alerts/0/score", json!(1.01)),
        ("/alerts/0/track", json!(0)),
        ("/fps", json!("fast")),
        ("/stages_ms/detect", json!(-0.1)),
        ("/plugins/0/sha256", json!("0A".repeat(32))),
        ("/plugins/0/role", json!("judge")),
        ("/plugin_errors/0/count", json!(0)),
        ("/audit/events", json!(0)),
        ("/audit/hash", json!("A0".repeat(32))),
        ("/interrupted", json!("no")),
    ];
    for (pointer, value) in impossible {
        let mut wrong = summary.clone();
        *wrong.pointer_mut(pointer).unwrap() = value;
        assert!(!schema.is_valid(&wrong), "{pointer}");
    }
}
