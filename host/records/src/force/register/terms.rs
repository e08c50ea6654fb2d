//! The terms of a deployment: what is planned, what the authority fixes, and what a run is held to. Knows no table and no clock.

use crate::life::JudgementLimits;
use crate::retention::{Retention, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a deployment is allowed to be, or asks to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// The deployment's id.
    pub deployment: String,
    /// What it is for.
    pub purpose: String,
    /// Where it takes place.
    pub place: String,
    /// Why there, by the force's word.
    pub use_case: String,
    /// How faces are searched.
    pub modes: Vec<Mode>,
    /// Nothing is compared before.
    pub start: Timestamp,
    /// Nothing is compared from here on.
    pub end: Timestamp,
    /// Cameras by kind and owner, and how many of each.
    pub cameras: Vec<CameraTerms>,
    /// Categories that anybody may be sought in.
    pub categories: Vec<String>,
    /// The most people on the watchlist.
    pub watchlist_size: u32,
    /// Hours before the start that the watchlist may have been made at the earliest.
    pub watchlist_age_hours: u32,
    /// The least score at which anybody may be alerted.
    pub score_floor: ScoreFloor,
    /// The calibration that gives the floor its meaning, by SHA-256; absent: it rests on none.
    pub calibration_sha256: Option<String>,
    /// How long each class of data is kept.
    pub retention: Retention,
    /// How long each judgement may take.
    pub judgement: JudgementLimits,
    /// The documents in force.
    pub documents: Vec<Document>,
    /// How the public was told.
    pub notice: Option<Notice>,
}

/// How faces are searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Faces that walk past.
    Live,
    /// Stored images.
    Retrospective,
    /// One photograph that an officer takes.
    Operator,
}

impl Mode {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Live, Self::Retrospective, Self::Operator];

    /// Its name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Retrospective => "retrospective",
            Self::Operator => "operator",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Cameras of a kind and an owner.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CameraTerms {
    /// `fixed`, `vehicle`, `handheld` or `body-worn`.
    pub kind: String,
    /// Whose.
    pub owner: String,
    /// How many.
    pub count: u32,
}

/// The least score at which anybody may be alerted: a finite number.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ScoreFloor(f32);

// It is finite.
impl Eq for ScoreFloor {}

impl ScoreFloor {
    /// `None` where it is no finite number.
    pub fn new(floor: f32) -> Option<Self> {
        floor.is_finite().then_some(Self(floor))
    }

    /// The number.
    pub fn get(self) -> f32 {
        self.0
    }
}

/// A document in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Which.
    pub kind: DocumentKind,
    /// Its version.
    pub version: String,
    /// Its date, `2026-01-31`.
    pub date: String,
    /// SHA-256 of its file.
    pub sha256: String,
}

/// A kind of document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DocumentKind {
    /// The standard operating procedure.
    Sop,
    /// The policy.
    Policy,
    /// The legal mandate.
    LegalMandate,
    /// The data protection impact assessment.
    Dpia,
    /// The equality impact assessment.
    EqualityAssessment,
}

impl DocumentKind {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Sop,
        Self::Policy,
        Self::LegalMandate,
        Self::Dpia,
        Self::EqualityAssessment,
    ];

    /// Its name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sop => "sop",
            Self::Policy => "policy",
            Self::LegalMandate => "legal-mandate",
            Self::Dpia => "dpia",
            Self::EqualityAssessment => "equality-assessment",
        }
    }
}

impl fmt::Display for DocumentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How the public was told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Where.
    pub place: String,
    /// Since when.
    pub since: Timestamp,
}

/// Something that goes beyond what is allowed, by its key in the deployment file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beyond {
    /// The key, such as `authority.score-floor`.
    pub part: String,
    /// What is allowed.
    pub allowed: String,
    /// What is asked for.
    pub found: String,
}

impl Beyond {
    pub(crate) fn new(part: &str, allowed: String, found: String) -> Self {
        Self {
            part: part.to_owned(),
            allowed,
            found,
        }
    }
}

impl fmt::Display for Beyond {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            part,
            allowed,
            found,
        } = self;
        write!(f, "{part}: allowed is {allowed}, found is {found}")
    }
}

impl Terms {
    /// Hours from the start to the end, a begun one counted whole.
    pub fn hours(&self) -> u64 {
        hours_between(self.start, self.end)
    }

    /// Where these go beyond the terms that were authorised, whose end may have been extended since.
    pub fn beyond(&self, authorised: &Terms, until: Timestamp) -> Vec<Beyond> {
        let mut found = Vec::new();
        let mut differs = |part: &str, allowed: String, asked: String, is_beyond: bool| {
            if is_beyond {
                found.push(Beyond::new(part, allowed, asked));
            }
        };
        let (a, b) = (authorised, self);
        for (part, allowed, asked) in [
            ("deployment.purpose", &a.purpose, &b.purpose),
            ("deployment.place", &a.place, &b.place),
            ("deployment.use-case", &a.use_case, &b.use_case),
        ] {
            differs(part, allowed.clone(), asked.clone(), allowed != asked);
        }
        let time = |at: Timestamp| at.to_string();
        differs(
            "deployment.start",
            format!("not before {}", time(a.start)),
            time(b.start),
            b.start < a.start,
        );
        differs(
            "deployment.end",
            format!("not after {}", time(until)),
            time(b.end),
            b.end > until,
        );
        for mode in &b.modes {
            let allowed: Vec<_> = a.modes.iter().map(|mode| mode.name()).collect();
            let is_beyond = !a.modes.contains(mode);
            differs(
                "authority.modes",
                allowed.join(", "),
                mode.name().to_owned(),
                is_beyond,
            );
        }
        for asked in &b.cameras {
            let same =
                |found: &&CameraTerms| found.kind == asked.kind && found.owner == asked.owner;
            let allowed = a.cameras.iter().find(same).map_or(0, |found| found.count);
            differs(
                "camera",
                format!("{allowed} {} of {}", asked.kind, asked.owner),
                asked.count.to_string(),
                asked.count > allowed,
            );
        }
        for category in &b.categories {
            let is_beyond = !a.categories.contains(category);
            let allowed = a.categories.join(", ");
            differs("watchlist.categories", allowed, category.clone(), is_beyond);
        }
        let most = |most: u32| format!("at most {most}");
        for (part, allowed, asked) in [
            (
                "authority.watchlist-size",
                a.watchlist_size,
                b.watchlist_size,
            ),
            (
                "authority.watchlist-age-hours",
                a.watchlist_age_hours,
                b.watchlist_age_hours,
            ),
            (
                "retention.alerts-hours",
                a.retention.alerts_hours,
                b.retention.alerts_hours,
            ),
            (
                "retention.inputs-hours",
                a.retention.inputs_hours,
                b.retention.inputs_hours,
            ),
            (
                "retention.watchlist-hours",
                a.retention.watchlist_hours,
                b.retention.watchlist_hours,
            ),
        ] {
            differs(part, most(allowed), asked.to_string(), asked > allowed);
        }
        differs(
            "authority.score-floor",
            format!("at least {}", a.score_floor.get()),
            b.score_floor.get().to_string(),
            b.score_floor < a.score_floor,
        );
        for (part, allowed, asked) in a.judgement.parts(b.judgement) {
            let seconds = |ms: i64| format!("{} s", ms / 1_000);
            differs(part, seconds(allowed), seconds(asked), asked > allowed);
        }
        let digest = |digest: &Option<String>| digest.clone().unwrap_or_else(|| "none".to_owned());
        differs(
            "authority.calibration",
            digest(&a.calibration_sha256),
            digest(&b.calibration_sha256),
            a.calibration_sha256 != b.calibration_sha256,
        );
        for document in &a.documents {
            let now = b.documents.iter().find(|found| found.kind == document.kind);
            let shown = |document: &Document| {
                format!("version {}, sha256 {}", document.version, document.sha256)
            };
            differs(
                &format!("document.{}", document.kind),
                shown(document),
                now.map_or_else(|| "none".to_owned(), shown),
                now.is_none_or(|now| {
                    now.version != document.version || now.sha256 != document.sha256
                }),
            );
        }
        found
    }
}

/// Hours, a begun one counted whole.
pub(super) fn hours_between(start: Timestamp, end: Timestamp) -> u64 {
    let span = end.unix_ms().saturating_sub(start.unix_ms());
    u64::try_from(span).unwrap_or(0).div_ceil(3_600_000)
}

impl JudgementLimits {
    /// Each limit by its key in the deployment file: this one's and the other's.
    pub(in crate::force) fn parts(self, other: Self) -> [(&'static str, i64, i64); 3] {
        [
            (
                "judgement.adjudicate-seconds",
                self.adjudication_ms,
                other.adjudication_ms,
            ),
            (
                "judgement.engage-seconds",
                self.engagement_ms,
                other.engagement_ms,
            ),
            (
                "judgement.locate-seconds",
                self.location_ms,
                other.location_ms,
            ),
        ]
    }
}
