#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;

use overt_confinement::Confinement;
use overt_deployment::{Capability, Purpose, Role, Timestamp};
use overt_pipeline::report::{
    AlertReport, CameraReport, DeploymentFacts, HostFacts, ModelReport, Picture, PluginReport,
    ReportData, RouteReport, Shown, StripFrame,
};
use overt_pipeline::shadow::{Agreement, ShadowReport};
use overt_pipeline::summary::{self, Alert, Frames, PluginErrors, Summary};
use overt_pipeline::{GenerationCause, GenerationFacts};

use super::page;

/// A drawn picture in place of a photograph.
fn picture(width: u32, height: u32, shade: u8) -> Picture {
    let pixels: Vec<u8> = (0..height)
        .flat_map(|y| {
            (0..width).flat_map(move |x| [(x * 255 / width) as u8, (y * 255 / height) as u8, shade])
        })
        .collect();
    Picture {
        jpeg: overt_vision::encode_jpeg(&pixels, width, height, 80).unwrap(),
        width,
        height,
    }
}

fn alert(number: u32, reference: &str, from: f64, to: f64) -> AlertReport {
    AlertReport {
        number,
        reference: reference.into(),
        category: "wanted-on-warrant".into(),
        camera: "gate".into(),
        track: 3 + number,
        score_floor: 0.45,
        generation: u64::from(number - 1),
        priority: "high".into(),
        time: from + 1.2,
        raised: "2026-01-31T10:00:07Z".parse().unwrap(),
        track_from: from,
        track_to: to,
        probes: 6,
        routes: vec![
            RouteReport {
                channel: "desk-1".into(),
                purpose: Purpose::Review,
                by_default: false,
            },
            RouteReport {
                channel: "desk-2".into(),
                purpose: Purpose::Review,
                by_default: true,
            },
        ],
        shown: Some(Shown {
            score: 0.712,
            reason: "3 of 5 probes at 0.65 or more, margin 0.41 to the second".into(),
            probe: picture(150, 180, 90),
            entry: picture(200, 260, 160),
            strip: (0..8)
                .map(|index| StripFrame {
                    sequence: 120 + index * 12,
                    time: from + f64::from(index) * 0.5,
                    picture: picture(480, 270, 40 + index as u8 * 20),
                    face: (
                        60.0 + index as f32 * 45.0,
                        80.0,
                        40.0 + index as f32 * 2.0,
                        52.0,
                    ),
                })
                .collect(),
        }),
    }
}

fn plugin(role: Role, id: &str, capabilities: &[Capability], models: usize) -> PluginReport {
    PluginReport {
        role,
        id: id.into(),
        version: "0.1.0".into(),
        vendor: "Overt".into(),
        licence: "MIT OR Apache-2.0".into(),
        sha256: "0123456789abcdef".repeat(4),
        signed_by: vec!["acme-2026 (vendor)".into()],
        capabilities: capabilities.to_vec(),
        models: (0..models)
            .map(|_| ModelReport {
                name: "centerface".into(),
                sha256: "fedcba9876543210".repeat(4),
                licence: "MIT".into(),
                training_data: "WIDER FACE, training part".into(),
            })
            .collect(),
    }
}

/// Every part of the page has something to show.
fn data() -> ReportData {
    let alerts = vec![
        alert(1, "custody-0117", 3.0, 9.4),
        alert(2, "custody-0231", 17.5, 22.8),
    ];
    ReportData {
        summary: Summary {
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
            withheld: 0,
            frames: Frames {
                read: 12_120,
                processed: 12_117,
                dropped: 0,
                unseen: 3,
            },
            cameras: vec![
                summary::Camera {
                    id: "gate".into(),
                    source: "file",
                    frames: Frames {
                        read: 600,
                        processed: 600,
                        dropped: 0,
                        unseen: 0,
                    },
                    last_frame_age: Some(0.0),
                    too_slow_count: 0,
                    outage_count: 0,
                    outages: Vec::new(),
                    alarm_count: 0,
                    alarms: Vec::new(),
                },
                summary::Camera {
                    id: "van".into(),
                    source: "rtsp",
                    frames: Frames {
                        read: 11_520,
                        processed: 11_517,
                        dropped: 0,
                        unseen: 3,
                    },
                    last_frame_age: Some(2.34),
                    too_slow_count: 1_204,
                    outage_count: 102,
                    outages: vec![summary::Outage {
                        from: 61.0,
                        to: Some(68.5),
                        cause: "rtsp://10.0.0.7:554/live: no more frames".into(),
                    }],
                    alarm_count: 1,
                    alarms: vec![summary::PictureAlarm {
                        fault: "covered",
                        from: 402.0,
                        to: None,
                    }],
                },
            ],
            faces: 1_630,
            tracks: 9,
            alerts: alerts
                .iter()
                .map(|alert| Alert {
                    reference: alert.reference.clone(),
                    category: alert.category.clone(),
                    camera: alert.camera.clone(),
                    track: alert.track,
                    score: alert.shown.as_ref().map(|shown| shown.score),
                    first_frame: 75,
                    last_frame: 235,
                    reason: alert.shown.as_ref().map(|shown| shown.reason.clone()),
                })
                .collect(),
            fps: 23.46,
            backend: "onnxruntime 1.24.1 f32".into(),
            device: "cpu".into(),
            stages_ms: BTreeMap::from([
                ("capture".into(), 2.1),
                ("detect".into(), 48.13),
                ("track".into(), 0.04),
                ("encode".into(), 12.4),
                ("search".into(), 0.02),
                ("decide".into(), 0.21),
            ]),
            plugins: Vec::new(),
            models: Vec::new(),
            plugin_errors: vec![PluginErrors {
                plugin: "detector-centerface".into(),
                role: Role::Detector,
                cause: "ran for 612 ms of CPU time; its deadline is 500 ms".into(),
                count: 3,
                camera: "gate".into(),
                frame: 41,
            }],
            channels: Vec::new(),
            quarantines: vec![summary::Quarantine {
                plugin: "router-desk".into(),
                role: "alert-router".into(),
                cause: "trap".into(),
                strikes: 10,
                calls: 31,
            }],
            generations: Vec::new(),
            watchlist: summary::Watchlist::default(),
            shadows: vec![
                shadow(
                    Role::Encoder,
                    Agreement::Searches {
                        same_best: 910,
                        other_best: 22,
                        both_over_floor: 61,
                        only_serving_over_floor: 1,
                        only_challenger_over_floor: 3,
                        difference: (0..20).map(|step| step * (19 - step)).collect(),
                    },
                ),
                shadow(
                    Role::MatcherPolicy,
                    Agreement::Decisions {
                        matrix: [[700, 0, 3], [0, 40, 0], [1, 0, 9]],
                        other_entry: 0,
                    },
                ),
            ],
            lock_sha256: Some("1c".repeat(32)),
            confinement: Confinement::none("this kernel has no Landlock"),
            audit: overt_records::AuditHead {
                events: 7,
                hash: "a0".repeat(32),
            },
            unsigned: false,
            interrupted: false,
        },
        deployment: DeploymentFacts {
            id: "market-square".into(),
            purpose: "To find people wanted on warrant.".into(),
            place: "Market Square, east side".into(),
            use_case: "crime-hotspot".into(),
            score_floor: 0.45,
            calibration: None,
        },
        started: "2026-01-31T10:00:00Z".parse().unwrap(),
        finished: "2026-01-31T10:00:32Z".parse().unwrap(),
        keep_until: "2026-02-01T10:00:07Z".parse::<Timestamp>().unwrap(),
        host: HostFacts {
            overt: "0.1.0".into(),
            backend: "ONNX Runtime 1.24.1".into(),
            device: "cpu".into(),
            workers: 2,
        },
        cameras: vec![
            CameraReport {
                id: "gate".into(),
                kind: "fixed".into(),
                owner: "The force".into(),
                source: "/srv/video/gate.avi".into(),
                width: 1280,
                height: 720,
                seconds: 24.0,
                in_view: vec![
                    0, 1, 1, 2, 2, 2, 3, 3, 2, 1, 1, 0, 0, 1, 1, 1, 2, 2, 1, 2, 2, 3, 1, 0,
                ],
                trouble: None,
            },
            CameraReport {
                id: "van".into(),
                kind: "vehicle".into(),
                owner: "The force".into(),
                source: "rtsp://10.0.0.7:554/live".into(),
                width: 640,
                height: 480,
                seconds: 460.8,
                in_view: (0..461).map(|second| (second / 7) % 5).collect(),
                trouble: Some("van.mp4 ends after 11520 of 12000 frames".into()),
            },
        ],
        watchlist_entries: 1_412,
        watchlist_images: 2_003,
        categories: vec![
            ("wanted-on-warrant".into(), 1_400),
            ("missing-person".into(), 12),
        ],
        alerts,
        plugins: vec![
            plugin(
                Role::Detector,
                "detector-centerface",
                &[Capability::Frames, Capability::Inference],
                1,
            ),
            plugin(
                Role::Encoder,
                "encoder-mobilefacenet",
                &[Capability::Frames, Capability::Inference],
                1,
            ),
            plugin(
                Role::MatcherPolicy,
                "policy-threshold",
                &[Capability::Log],
                0,
            ),
            plugin(Role::AlertRouter, "router-desk", &[], 0),
        ],
        generations: vec![
            generation(0, GenerationCause::Start),
            generation(
                1,
                GenerationCause::Swap {
                    by: serde_json::from_str("\"A. N. Engineer\"").unwrap(),
                    reason: "the new policy was evaluated".into(),
                },
            ),
            generation(
                2,
                GenerationCause::Fallback {
                    role: Role::MatcherPolicy,
                },
            ),
        ],
    }
}

fn generation(number: u64, cause: GenerationCause) -> GenerationFacts {
    GenerationFacts {
        number,
        since: "2026-01-31T10:00:12Z".parse().unwrap(),
        changed: match number {
            0 => Vec::new(),
            _ => vec![Role::MatcherPolicy],
        },
        cause,
        plugins: vec![plugin(Role::MatcherPolicy, "policy-threshold", &[], 0)],
        models: Vec::new(),
        lock_sha256: Some("1c".repeat(32)),
        score_floor: 0.45,
        calibration: None,
    }
}

fn shadow(role: Role, agreement: Agreement) -> ShadowReport {
    ShadowReport {
        role,
        plugin: "challenger".into(),
        version: "0.3.0".into(),
        sha256: "0123456789abcdef".repeat(4),
        serving: "served".into(),
        serving_sha256: "fedcba9876543210".repeat(4),
        every: 1,
        calls: 932,
        failures: BTreeMap::from([("overrun", 2)]),
        stopped: false,
        milliseconds: 7.31,
        unencoded: 4,
        agreement,
    }
}

#[test]
fn a_challenger_is_shown_by_counts_and_bars_and_a_table_of_what_they_show() {
    let told = page(&data()).unwrap();
    for text in [
        "Challengers in the shadow",
        "<dt>Beside</dt><dd>served <code>fedcba9876543210",
        "The same best candidate in 910 of 932 searches",
        "The same decision 749 of 753 times; alerts of both 9, of the serving plugin alone 1, of the challenger alone 3",
        "2 × overrun; 4 watchlist images that it made nothing of",
        "<th scope=\"row\">alert</th><td class=\"number\">1</td><td class=\"number\">0</td><td class=\"number\">9</td>",
    ] {
        assert!(told.contains(text), "{text}");
    }
    let mut none = data();
    none.summary.shadows.clear();
    assert!(!page(&none).unwrap().contains("Challengers in the shadow"));
}

#[test]
fn a_run_in_which_plugins_changed_says_what_served_when_and_why() {
    let told = page(&data()).unwrap();
    for text in [
        "What served from when on",
        "swapped by A. N. Engineer: the new policy was evaluated",
        "its fallback came in",
        "matcher-policy: policy-threshold 0.1.0",
    ] {
        assert!(told.contains(text), "{text}");
    }
    let mut one = data();
    one.generations.truncate(1);
    assert!(!page(&one).unwrap().contains("What served from when on"));
}

#[test]
fn the_page_shows_every_alert_with_both_images_score_reason_and_desks() {
    let page = page(&data()).unwrap();
    for text in [
        "custody-0117",
        "custody-0231",
        "0.712",
        "3 of 5 probes at 0.65 or more",
        "desk-1 (for review)",
        "0:04.2",
    ] {
        assert!(page.contains(text), "{text}");
    }
    assert_eq!(
        page.matches("The face of the passer-by, from the camera")
            .count(),
        2
    );
    assert_eq!(page.matches("The watchlist image of custody-").count(), 2);
    assert_eq!(page.matches("class=\"box\"").count(), 16);
}

#[test]
fn the_page_asks_nothing_of_any_other_place_and_runs_no_script() {
    let page = page(&data()).unwrap();
    assert!(!page.contains("<script") && !page.contains("javascript:"));
    for attribute in ["src=\"", "href=\"", "url(", "@import"] {
        for (at, _) in page.match_indices(attribute) {
            let rest = &page[at + attribute.len()..];
            assert!(
                rest.starts_with("data:") || rest.starts_with('#'),
                "{}",
                &rest[..rest.len().min(60)]
            );
        }
    }
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn what_comes_from_files_and_plugins_is_text_and_never_markup() {
    let mut data = data();
    let hostile = "<img src=x onerror=alert(1)>\"'&";
    data.deployment.purpose = hostile.into();
    data.alerts[0].shown.as_mut().unwrap().reason = hostile.into();
    data.alerts[0].reference = hostile.into();
    data.plugins[0].vendor = hostile.into();
    data.cameras[0].trouble = Some(hostile.into());
    assert!(!page(&data).unwrap().contains("<img src=x"));
}

#[test]
fn a_run_without_alerts_cameras_or_plugins_has_a_page_too() {
    let mut data = data();
    data.alerts.clear();
    data.summary.alerts.clear();
    data.plugins.clear();
    for camera in &mut data.cameras {
        camera.in_view.clear();
        camera.seconds = 0.0;
    }
    data.summary.interrupted = true;
    let page = page(&data).unwrap();
    assert!(page.contains("No alert was raised") && page.contains("This run was interrupted."));
    assert!(
        !page.contains("NaN") && !page.contains("inf\""),
        "a place in a drawing is no number"
    );
}

#[test]
fn every_picture_has_words_for_those_who_do_not_see_it() {
    let page = page(&data()).unwrap();
    for tag in page.split("<img ").skip(1) {
        assert!(tag[..tag.find('>').unwrap()].contains("alt=\""));
    }
    for tag in page.split("<svg ").skip(1) {
        let tag = &tag[..tag.find('>').unwrap()];
        assert!(
            tag.contains("aria-label=\"") || tag.contains("aria-hidden=\"true\""),
            "{tag}"
        );
    }
}

#[test]
fn a_cameras_outages_and_alarms_stand_with_it() {
    let page = page(&data()).unwrap();
    for told in [
        "away from 1:01.0 to 1:08.5: rtsp://10.0.0.7:554/live: no more frames",
        "picture covered from 6:42.0 to the end",
        "and 101 more",
        "the machine was too slow for it 1,204 times",
        ">2.3 s<",
    ] {
        assert!(page.contains(told), "{told}");
    }
}

#[test]
fn what_a_reader_has_to_know_before_anything_else_stands_at_the_head_of_the_page() {
    let mut data = data();
    let told = page(&data).unwrap();
    assert!(
        told.contains("router-desk as alert-router: 10 of its last 31 calls failed"),
        "quarantine"
    );
    assert!(!told.contains("This run was unlocked.") && !told.contains("needed no signature."));
    data.summary.quarantines.clear();
    data.generations.clear();
    data.summary.lock_sha256 = None;
    data.summary.unsigned = true;
    let told = page(&data).unwrap();
    assert!(told.contains("This run was unlocked.") && told.contains("needed no signature."));
    assert!(!told.contains("quarantine"));
}

#[test]
fn frames_that_do_not_add_up_are_not_passed_over() {
    let mut data = data();
    assert!(!page(&data).unwrap().contains("do not add up"));
    data.summary.frames.unseen = 2;
    assert!(page(&data).unwrap().contains("do not add up"));
}

/// For a person to look at: `OVERT_PAGE=/tmp/page.html cargo test --release -p overt the_page_can_be_looked_at`.
#[test]
fn the_page_can_be_looked_at() {
    let page = page(&data()).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>"));
    if let Some(file) = std::env::var_os("OVERT_PAGE") {
        std::fs::write(file, page).unwrap();
    }
}
