//! A decision by the plugin `policy-threshold`, as the host asks for it: fresh store, fresh instance, configuration read anew. The
//! baseline is the same source, native.

use overt_runtime::Role;
use overt_sdk::native::Workbench;
use policy_threshold::Threshold;

use crate::pairs::{Effort, Pairs, each};
use crate::project::Project;
use crate::row::{Row, Target, Unit};
use crate::{Outcome, Scale};

/// A configuration with a value for every key, so that all of the reading is measured.
pub(crate) const CONFIG: &str = r#"{
    "thresholds": {"wanted-on-warrant": 0.5, "missing-person": 0.55, "default": 0.6},
    "least-face-width": 40, "least-quality": 0, "margin": 0.05, "agree": {"probes": 3, "of": 5},
    "silence-seconds": {"default": 60}, "priority": {"wanted-on-warrant": "high"}
}"#;

/// Candidates of the probe.
const CANDIDATES: u32 = 10;

/// Decisions in a sample.
const DECISIONS: usize = 200;

/// The observation in the types of the host or of the SDK: the same names, generated from the same contract.
macro_rules! observation {
    ($types:path) => {{
        use $types as types;
        types::Observation {
            track: 7,
            camera: "gate".into(),
            time: 12.5,
            ended: false,
            offered: (0..CANDIDATES)
                .map(|_| types::Offer {
                    category: "wanted-on-warrant".into(),
                    image_quality: Some(60.0),
                })
                .collect(),
            probes: vec![types::Probe {
                time: 12.4,
                width: 90.0,
                height: 110.0,
                confidence: 0.9,
                quality: Vec::new(),
                results: vec![types::SearchResult {
                    encoder: "encoder-mobilefacenet".into(),
                    candidates: (0..CANDIDATES)
                        .map(|offered| types::Candidate {
                            offered,
                            score: 0.7 - 0.06 * offered as f32,
                            rank: offered + 1,
                        })
                        .collect(),
                }],
            }],
            raised: Vec::new(),
        }
    }};
}

/// The row.
pub(crate) fn rows(project: &Project, scale: Scale) -> Outcome<Vec<Row>> {
    let plugin = project.plugin("policy-threshold", Role::MatcherPolicy, CONFIG)?;
    let native = Workbench::new().config(CONFIG);
    let observation = observation!(overt_runtime::decision);
    let same = observation!(overt_sdk);

    let (decided, expected) = (
        plugin.decide(&observation)?,
        native.decide::<Threshold>(same.clone())?,
    );
    // Two types of one contract: what they print is all that they share.
    if format!("{decided:?}") != format!("{expected:?}") {
        return Err(
            format!("the plugin decides {decided:?}, the same code natively {expected:?}").into(),
        );
    }
    let pairs = Pairs::take(
        scale.effort(Effort {
            least: 50,
            most: 1_000,
            seconds: 5.0,
        }),
        || each(DECISIONS, || Ok(plugin.decide(&observation)?)),
        || {
            // A policy takes its observation by value; making the copies is no part of deciding.
            let mut copies = vec![same.clone(); DECISIONS].into_iter();
            each(DECISIONS, || {
                Ok(copies
                    .next()
                    .map(|copy| native.decide::<Threshold>(copy))
                    .transpose()?)
            })
        },
    )?;
    let name = format!("a decision, {CANDIDATES} candidates, fresh instance");
    let row = Row::new(
        name,
        Unit::Microseconds,
        "the policy's code natively",
        &pairs,
    );
    Ok(vec![row.target(Target::ValueAtMost(40.0))])
}
