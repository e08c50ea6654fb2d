//! The decision records of the contract as they are written down: with an alert, to be replayed. Their shape is the contract's, field by field, in its
//! order; a record that changed in the contract would not compile here.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::decision;

/// Has a record of the contract written and read in this shape.
macro_rules! in_shape {
    ($($record:ident: $shape:ident),*) => {$(
        impl Serialize for decision::$record {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $shape::serialize(self, serializer)
            }
        }

        impl<'de> Deserialize<'de> for decision::$record {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $shape::deserialize(deserializer)
            }
        }
    )*};
}

in_shape!(
    Candidate: CandidateShape,
    SearchResult: SearchResultShape,
    QualityValue: QualityValueShape,
    Probe: ProbeShape,
    Offer: OfferShape,
    AlertState: AlertStateShape,
    EarlierAlert: EarlierAlertShape,
    Observation: ObservationShape,
    Priority: PriorityShape,
    Proposal: ProposalShape,
    Decision: DecisionShape,
    Urgency: UrgencyShape,
    Alert: AlertShape,
    PassedAlert: PassedAlertShape,
    Route: RouteShape
);

#[derive(Serialize, Deserialize)]
#[serde(remote = "decision::Candidate")]
struct CandidateShape {
    offered: u32,
    score: f32,
    rank: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "decision::SearchResult")]
struct SearchResultShape {
    encoder: String,
    candidates: Vec<decision::Candidate>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "decision::QualityValue")]
struct QualityValueShape {
    name: String,
    value: f32,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "decision::Probe")]
struct ProbeShape {
    time: f64,
    width: f32,
    height: f32,
    confidence: f32,
    quality: Vec<decision::QualityValue>,
    results: Vec<decision::SearchResult>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "decision::Offer")]
struct OfferShape {
    category: String,
    image_quality: Option<f32>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "decision::AlertState")]
enum AlertStateShape {
    Raised,
    Passed,
    Closed,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "decision::EarlierAlert")]
struct EarlierAlertShape {
    offered: u32,
    camera: String,
    track: u32,
    time: f64,
    state: decision::AlertState,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "decision::Observation")]
struct ObservationShape {
    track: u32,
    camera: String,
    time: f64,
    ended: bool,
    offered: Vec<decision::Offer>,
    probes: Vec<decision::Probe>,
    raised: Vec<decision::EarlierAlert>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "decision::Priority")]
enum PriorityShape {
    Low,
    Normal,
    High,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "decision::Proposal")]
struct ProposalShape {
    offered: u32,
    priority: decision::Priority,
    reason: String,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "decision::Decision")]
enum DecisionShape {
    Ignore(String),
    Hold(String),
    Alert(decision::Proposal),
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "decision::Urgency")]
enum UrgencyShape {
    Low,
    Normal,
    High,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "decision::Alert")]
struct AlertShape {
    number: u32,
    camera: String,
    track: u32,
    time: f64,
    category: String,
    urgency: decision::Urgency,
    score: f32,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "decision::PassedAlert")]
struct PassedAlertShape {
    alert: decision::Alert,
    judged_after: f64,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "decision::Route")]
struct RouteShape {
    channel: String,
}
