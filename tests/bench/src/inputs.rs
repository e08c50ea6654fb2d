//! What it costs that an alert can be replayed: noting a decision while its track is open, which every passer-by pays, and sealing a track's calls with the
//! alert, which only an alert pays; in time and in bytes.

use overt_pipeline::inputs::{Calls, Outcome, Routing};
use overt_records::{
    Alert, AlertInputs, AlertPayload, AlertScore, By, Counts, Encoder, Grounds, ImageFacts,
    NewAlert, NewImage, Picture, Priority, Retention, Run, RunHeader, Store, StoreSettings,
    Timestamp,
};
use overt_runtime::Role;
use overt_runtime::decision::{
    Alert as RoutedAlert, Candidate, Observation, Offer, Probe, QualityValue, SearchResult, Urgency,
};
use overt_tests::engineer::Engineer;

use crate::decision::CONFIG;
use crate::pairs::{Effort, Pairs, each};
use crate::project::Project;
use crate::row::{Row, Unit};
use crate::{Outcome as Result, Scale};

/// Looks of the track that raises the alert: four seconds, in which somebody walks through a picture.
const LOOKS: u32 = 20;

/// Candidates of each look.
const CANDIDATES: u32 = 10;

/// Alerts in a sample, each committed by itself.
const ALERTS: usize = 10;

/// When all of it is.
const START: Timestamp = Timestamp::from_unix_ms(0);

/// Bytes of a face's picture as the demonstration keeps it, about.
const CROP: usize = 8 << 10;

/// The rows.
pub(crate) fn rows(project: &Project, scale: Scale) -> Result<Vec<Row>> {
    let policy = project.plugin("policy-threshold", Role::MatcherPolicy, CONFIG)?;
    let router = project.plugin("router-desk", Role::AlertRouter, "{}")?;
    let track: Vec<Observation> = (1..=LOOKS).map(observation).collect();
    let noting = Pairs::take(
        scale.effort(Effort {
            least: 50,
            most: 500,
            seconds: 5.0,
        }),
        || {
            let mut calls = Calls::default();
            let mut looks = track.iter();
            each(track.len(), || {
                Ok(looks.next().map(|look| {
                    let called = policy.decide_metered(look);
                    calls.note(&policy, &[], look, &called);
                }))
            })
        },
        || {
            let mut looks = track.iter();
            each(track.len(), || {
                Ok(looks.next().map(|look| policy.decide_metered(look)))
            })
        },
    )?;

    let mut calls = Calls::default();
    for look in &track {
        calls.note(&policy, &[], look, &policy.decide_metered(look));
    }
    calls.came_to(Outcome::Raised(1));
    let alert = RoutedAlert {
        number: 1,
        camera: "gate".into(),
        track: 7,
        time: 4.0,
        category: "wanted-on-warrant".into(),
        urgency: Urgency::High,
        score: 0.7,
    };
    let called = router.for_review_metered(&alert);
    let inputs = || {
        let routing = Routing {
            plugin: &router,
            capabilities: &[],
            alert: &alert,
            called: &called,
        };
        let inputs = calls.inputs(Some(routing));
        inputs.ok_or("the track's calls are not kept")
    };
    let bytes = inputs()?.bytes.len();

    let folder = tempfile::tempdir()?;
    let [with, without] = ["with", "without"].map(|name| {
        let settings = StoreSettings {
            deployment: "bench".into(),
            retention: Retention {
                alerts_hours: 24,
                inputs_hours: 24,
                watchlist_hours: 24,
            },
        };
        Store::open_or_create(&folder.path().join(name).join("records.redb"), &settings)
    });
    let header = RunHeader {
        deployment: "bench".into(),
        started_at: START,
        mode: overt_records::RunMode::Live,
        register: None,
        started_by: None,
        search: None,
        host_version: "bench".into(),
        lock_sha256: None,
        plugins: Vec::new(),
        models: Vec::new(),
        cameras: Vec::new(),
    };
    let (with, without) = (with?, without?);
    let by = By::enrolling(&Engineer::new().signed_in())?;
    for store in [&with, &without] {
        store.watchlist().enrol(&[sought(&by)], START)?;
    }
    let (with, without) = (with.begin_run(&header)?, without.begin_run(&header)?);
    let keeping = Pairs::take(
        scale.effort(Effort {
            least: 20,
            most: 100,
            seconds: 10.0,
        }),
        || each(ALERTS, || commit(&with, Some(inputs()?))),
        || each(ALERTS, || commit(&without, None)),
    )?;
    let payload = payload();
    let scores = payload.scores.iter();
    // The numbers of a score are twelve bytes; each text has one for its length.
    let beside = payload.crop.len()
        + payload.reason.len()
        + scores
            .map(|score| 14 + score.encoder.len() + score.reference.len())
            .sum::<usize>();
    Ok(vec![
        Row::new(
            format!(
                "a decision, noted for a replay; {} bytes a track of {LOOKS} looks",
                calls.bytes()
            ),
            Unit::Microseconds,
            "the decision alone",
            &noting,
        ),
        Row::new(
            format!("an alert committed with its inputs, {LOOKS} looks"),
            Unit::Milliseconds,
            "the alert without them",
            &keeping,
        ),
        Row::counted(
            format!("an alert's inputs, {LOOKS} looks"),
            bytes,
            "bytes",
            "its picture of 8 KiB, its scores and its reason",
            beside,
        ),
    ])
}

fn commit(run: &Run, inputs: Option<AlertInputs>) -> Result<()> {
    let number = run.next_alert_number()?;
    let alert = NewAlert {
        alert: Alert {
            number,
            reference: "W-1".into(),
            category: "wanted-on-warrant".into(),
            camera: "gate".into(),
            track: 7,
            time: 4.0,
            raised_at: START,
            first_frame: 0,
            last_frame: 100,
            generation: 0,
            priority: Priority::High,
            routes: vec!["desk-1".into()],
        },
        image: 0,
        payload: payload(),
        inputs,
    };
    run.commit_decisions(&[alert], &Counts::default(), START)?;
    Ok(())
}

/// Whoever the alerts are about: an alert about somebody who is not on the watchlist is withdrawn as it comes, which takes longer.
fn sought(by: &By) -> NewImage {
    NewImage {
        reference: "W-1".into(),
        category: "wanted-on-warrant".into(),
        picture: Picture {
            jpeg: vec![1; CROP].into(),
            source_name: "w-1.jpg".into(),
            source_sha256: "0c".repeat(32),
            landmarks: None,
            quality: Vec::new(),
        },
        encoder: Encoder {
            plugin_id: "encoder-mobilefacenet".into(),
            plugin_sha256: "0a".repeat(32),
            model_sha256: "0b".repeat(32),
            backend: "onnxruntime f32".into(),
            dimension: 4,
        },
        template: vec![1.0, 0.5, 0.25, 0.125].into(),
        grounds: Grounds {
            wanted: true,
            ..Grounds::default()
        },
        facts: ImageFacts::default(),
        by: by.clone(),
    }
}

fn payload() -> AlertPayload {
    let score = |look: u32, offered: u32| AlertScore {
        time: f64::from(look) / 5.0,
        encoder: "encoder-mobilefacenet".into(),
        reference: format!("W-{offered}"),
        score: 0.7,
    };
    AlertPayload {
        score: 0.7,
        crop: vec![0x5a; CROP].into(),
        reason: "score 0.700 over 0.500 for wanted-on-warrant, 3 of the last 5 looks"
            .to_owned()
            .into(),
        scores: (0..LOOKS)
            .flat_map(|look| (0..CANDIDATES).map(move |offered| score(look, offered)))
            .collect(),
    }
}

/// What the policy is shown at a look: as many probes, and what the search found for each.
fn observation(looks: u32) -> Observation {
    let probe = |look: u32| Probe {
        time: f64::from(look) / 5.0,
        width: 90.0,
        height: 110.0,
        confidence: 0.9,
        quality: [
            "UnifiedQualityScore",
            "Sharpness",
            "Brightness",
            "Contrast",
            "PoseYaw",
        ]
        .map(|name| QualityValue {
            name: name.into(),
            value: 60.0 + look as f32,
        })
        .into(),
        results: vec![SearchResult {
            encoder: "encoder-mobilefacenet".into(),
            candidates: (0..CANDIDATES)
                .map(|offered| Candidate {
                    offered,
                    score: 0.7 - 0.06 * offered as f32 + look as f32 / 1_000.0,
                    rank: offered + 1,
                })
                .collect(),
        }],
    };
    Observation {
        track: 7,
        camera: "gate".into(),
        time: f64::from(looks) / 5.0,
        ended: false,
        offered: (0..CANDIDATES)
            .map(|_| Offer {
                category: "wanted-on-warrant".into(),
                image_quality: Some(60.0),
            })
            .collect(),
        probes: (0..looks).map(probe).collect(),
        raised: Vec::new(),
    }
}
