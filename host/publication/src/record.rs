//! The record of one deployment: every field that is published or asked for, as whoever assembled it knew it. It holds counts and words; no face, no
//! template, no name of a person sought, and no moment of a single alert.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::field::Field;

/// A deployment's record (`record` in `deployment-report.schema.json` beside this crate’s manifest). A field that a kept record lacks, because it is older than the
/// field, is read as not recorded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct DeploymentRecord {
    /// What it was, where, when and what for.
    pub deployment: About,
    /// Who allowed it, under which documents, and how the public was told.
    pub authority: Authority,
    /// The least score that raises an alert, and what it rests on.
    pub threshold: Threshold,
    /// The cameras.
    pub cameras: Cameras,
    /// The people sought, in numbers.
    pub watchlist: Watchlist,
    /// The faces seen.
    pub faces: Faces,
    /// The frames, by what became of them.
    pub frames: Frames,
    /// The alerts, by how each ended.
    pub alerts: Alerts,
    /// The people whom an officer spoke to.
    pub stops: Stops,
    /// What came of it.
    pub outcomes: Outcomes,
    /// Who was engaged, where they or an officer said so; never inferred by software.
    pub people_engaged: PeopleEngaged,
    /// Who judged, by role and credential.
    pub judges: Judges,
    /// What ran.
    pub software: Software,
    /// What is kept for how long, what was destroyed, what is held.
    pub retention: Retention,
}

/// What a deployment was.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct About {
    /// Its number in the force's register.
    pub number: Field<u64>,
    /// Its id in its deployment file.
    pub id: Field<String>,
    /// Its mode.
    pub mode: Field<Mode>,
    /// Whether it was a rehearsal, in which nobody can be alerted on.
    pub rehearsal: Field<bool>,
    /// When it was allowed to start.
    pub planned_start: Field<Timestamp>,
    /// When it had to end.
    pub planned_end: Field<Timestamp>,
    /// When faces were first compared.
    pub start: Field<Timestamp>,
    /// When they were last compared.
    pub end: Field<Timestamp>,
    /// Where.
    pub place: Field<String>,
    /// The force's word for why there.
    pub use_case: Field<String>,
    /// What for.
    pub purpose: Field<String>,
    /// For stored images: when and where the footage was taken.
    pub footage: Field<Vec<Footage>>,
    /// What was tried out beside it, alerting on nobody. It is in no count of the record of a live deployment.
    pub rehearsals: Field<Vec<Rehearsal>>,
}

/// A rehearsal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rehearsal {
    /// When it began.
    pub from: Timestamp,
    /// When it ended; absent while it goes on, and where it was cut off.
    pub to: Option<Timestamp>,
    /// Faces seen.
    pub tracks: u64,
    /// Alerts that it would have raised.
    pub withheld: u64,
}

/// How faces come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Live cameras.
    Live,
    /// Stored images against a gallery.
    Retrospective,
    /// One photograph taken by an officer.
    Operator,
}

impl Mode {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Live, Self::Retrospective, Self::Operator];

    /// As people read it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Live => "live facial recognition (LFR)",
            Self::Retrospective => "retrospective facial recognition (RFR)",
            Self::Operator => "operator-initiated facial recognition (OIFR)",
        }
    }
}

/// Footage that was searched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Footage {
    /// Where it was taken.
    pub place: String,
    /// From when.
    pub from: Timestamp,
    /// To when.
    pub to: Timestamp,
    /// Whose it is.
    pub owner: String,
}

/// Who allowed a deployment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Authority {
    /// The rank of whoever authorised it.
    pub rank: Field<String>,
    /// The written authority's reference.
    pub reference: Field<String>,
    /// When it was given.
    pub given_at: Field<Timestamp>,
    /// Until when it held, extensions included.
    pub until: Field<Timestamp>,
    /// Whether it was urgent, so that a lower rank could give it.
    pub urgent: Field<bool>,
    /// How often and by whom it was extended.
    pub extensions: Field<Vec<Extension>>,
    /// The force's rules by which it was given; one version.
    pub rules: Field<Vec<RulesInForce>>,
    /// The documents in force.
    pub documents: Field<Vec<DocumentInForce>>,
    /// How the public was told.
    pub notice: Field<Vec<NoticeGiven>>,
}

/// An extension of an authority.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Extension {
    /// When it was given.
    pub given_at: Timestamp,
    /// Until when the authority held from then on.
    pub until: Timestamp,
    /// The rank of whoever gave it.
    pub rank: String,
    /// The written authority's reference.
    pub reference: String,
    /// Why.
    pub reason: String,
}

/// A version of the force's rules.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RulesInForce {
    /// Its number.
    pub version: u64,
    /// SHA-256 of its text, 64 lower-case hexadecimal digits.
    pub sha256: String,
}

/// A document in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DocumentInForce {
    /// Standard operating procedure, policy, legal mandate, data protection impact assessment, equality assessment.
    pub kind: String,
    /// Its version.
    pub version: String,
    /// Its date, as it stands in it.
    pub date: String,
    /// SHA-256 of its file, 64 lower-case hexadecimal digits.
    pub sha256: String,
}

/// A notice given to the public.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NoticeGiven {
    /// Where: signs on the approaches, the force's website.
    pub place: String,
    /// Since when.
    pub from: Timestamp,
}

/// The least score that raises an alert.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Threshold {
    /// The score floor. It means something only for its calibration.
    pub score_floor: Field<f64>,
    /// What the floor rests on; at most one.
    pub calibration: Field<Vec<Calibration>>,
}

/// What a score means: measured once, bound to what measured it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Calibration {
    /// The encoder and its version.
    pub encoder: String,
    /// The detector and its version.
    pub detector: String,
    /// The back end.
    pub backend: String,
    /// People in the gallery that was searched.
    pub gallery_people: u64,
    /// Images in it.
    pub gallery_images: u64,
    /// At the nearest measured threshold at or under the floor: searches for somebody else that found anybody.
    pub false_positives: u64,
    /// Searches for somebody else.
    pub non_mated: u64,
    /// There: searches for somebody in the gallery that did not find them.
    pub misses: u64,
    /// Searches for somebody in the gallery.
    pub mated: u64,
    /// SHA-256 of the calibration's file.
    pub sha256: String,
}

/// The cameras of a deployment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Cameras {
    /// How many.
    pub total: Field<u64>,
    /// How many of them were worn on the body.
    pub body_worn: Field<u64>,
    /// By kind and owner.
    pub groups: Field<Vec<CameraGroup>>,
}

/// Cameras of one kind and owner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CameraGroup {
    /// Fixed, vehicle, handheld or body-worn.
    pub kind: String,
    /// Whose they are.
    pub owner: String,
    /// How many.
    pub count: u64,
}

/// So many of a name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Tally {
    /// What.
    pub name: String,
    /// How many.
    pub count: u64,
}

impl Tally {
    /// So many of this.
    pub fn new(name: impl Into<String>, count: u64) -> Self {
        let name = name.into();
        Self { name, count }
    }
}

/// The people sought, in numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Watchlist {
    /// When faces were first compared.
    pub at_start: ListSize,
    /// When it was largest.
    pub largest: ListSize,
    /// When faces were last compared.
    pub at_end: ListSize,
    /// Everybody who was on it at any time.
    pub everybody: Composition,
}

/// How long a watchlist is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ListSize {
    /// People.
    pub people: Field<u64>,
    /// Their images.
    pub images: Field<u64>,
}

/// Who is on a watchlist, in numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Composition {
    /// People.
    pub people: Field<u64>,
    /// Their images.
    pub images: Field<u64>,
    /// Wanted for arrest.
    pub wanted_for_arrest: Field<u64>,
    /// Not wanted for arrest.
    pub not_wanted_for_arrest: Field<u64>,
    /// Under the age of 18.
    pub under_18: Field<u64>,
    /// People by category; each has one.
    pub by_category: Field<Vec<Tally>>,
    /// Images by source; each has one.
    pub by_source: Field<Vec<Tally>>,
    /// Why people are on it who are not wanted for arrest: by category, or by reason where a force counts those; a person can have several.
    pub reasons_not_wanted: Field<Vec<Tally>>,
}

/// The faces that the cameras saw.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Faces {
    /// Passes: a face that a camera followed from frame to frame counts once.
    pub tracks: Field<u64>,
    /// Detections: it counts once in each frame.
    pub detections: Field<u64>,
    /// Comparisons with the watchlist.
    pub comparisons: Field<u64>,
}

/// Frames, by what became of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Frames {
    /// Taken from a camera.
    pub read: Field<u64>,
    /// Looked at.
    pub processed: Field<u64>,
    /// Left out because a newer one was there.
    pub dropped: Field<u64>,
    /// Seen by no healthy plugin.
    pub unseen: Field<u64>,
    /// Plugins that were put in quarantine.
    pub quarantines: Field<u64>,
}

/// Alerts by how each ended: exactly one of these, or open.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Alerts {
    /// How many were raised.
    pub raised: Field<u64>,
    /// How many were false: rejected as not this person, or confirmed as somebody else.
    pub false_alerts: Field<u64>,
    /// An operator rejected it: not this person.
    pub rejected_not_this_person: Field<u64>,
    /// An operator rejected it: no longer wanted.
    pub rejected_no_longer_wanted: Field<u64>,
    /// An operator rejected it: not proportionate.
    pub rejected_not_proportionate: Field<u64>,
    /// An operator rejected it: cannot tell.
    pub rejected_cannot_tell: Field<u64>,
    /// An engagement officer found it not viable.
    pub not_viable: Field<u64>,
    /// The person was not found.
    pub not_located: Field<u64>,
    /// It was the person sought.
    pub confirmed_true: Field<u64>,
    /// It was somebody else.
    pub confirmed_false: Field<u64>,
    /// Nobody judged it in time.
    pub lapsed: Field<u64>,
    /// The entry was removed from the watchlist, or its retention was over.
    pub withdrawn: Field<u64>,
    /// Not closed yet.
    pub open: Field<u64>,
    /// Over time ([`crate::bins::over_time`]).
    pub over_time: Field<Vec<TimeBin>>,
    /// Their scores, of alerts only ([`crate::bins::scores`]).
    pub scores: Field<Vec<ScoreBin>>,
}

/// Alerts in a span of time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TimeBin {
    /// From, that moment included.
    pub from: Timestamp,
    /// To, that moment not included.
    pub to: Timestamp,
    /// How many.
    pub count: u64,
}

/// Alerts in a span of scores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ScoreBin {
    /// From, that score included.
    pub from: f64,
    /// To, that score not included.
    pub to: f64,
    /// How many.
    pub count: u64,
}

/// The people whom an officer spoke to because of an alert. A stop is not an identity check, and neither is an arrest.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Stops {
    /// Stops.
    pub total: Field<u64>,
    /// Stops at which no identity was asked for.
    pub identity_not_asked: Field<u64>,
    /// Stops at which an identity was checked.
    pub identity_checked: Field<u64>,
    /// Stops at which the person refused it.
    pub identity_refused: Field<u64>,
    /// Stops at which it did not establish who the person is.
    pub identity_not_established: Field<u64>,
    /// Identity checks that showed that the alert was correct.
    pub verified_correct: Field<u64>,
    /// Stops at which fingerprints were asked for.
    pub fingerprints_asked: Field<u64>,
}

/// What came of the stops.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Outcomes {
    /// Arrests.
    pub arrests: Field<u64>,
    /// Other outcomes.
    pub other: Field<u64>,
    /// No further action.
    pub no_further_action: Field<u64>,
    /// Stops whose outcome nobody has put on record yet.
    pub pending: Field<u64>,
    /// Arrests by what they were for.
    pub arrests_by_reason: Field<Vec<Tally>>,
}

/// People engaged, each count kept apart from the others and from any image. "Not recorded" is a name among them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct PeopleEngaged {
    /// By ethnicity, defined by themselves or by an officer.
    pub ethnicity: Field<Vec<Tally>>,
    /// By sex.
    pub sex: Field<Vec<Tally>>,
    /// By age band.
    pub age_band: Field<Vec<Tally>>,
}

/// Who judged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Judges {
    /// By role and credential, without a name.
    pub by_credential: Field<Vec<JudgesOf>>,
}

/// Those who judged by one credential.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct JudgesOf {
    /// Operator or engagement officer.
    pub role: String,
    /// How they were selected.
    pub selection: String,
    /// The course.
    pub course: String,
    /// The course's version.
    pub version: String,
    /// The earliest that a credential of theirs holds from.
    pub from: Timestamp,
    /// The earliest that one of theirs ends.
    pub until: Timestamp,
    /// How many people.
    pub people: u64,
    /// How many judgements they made.
    pub judgements: u64,
}

/// What ran.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Software {
    /// Version of the host.
    pub host: Field<String>,
    /// The plugins that served at any time.
    pub plugins: Field<Vec<PluginUsed>>,
    /// Their models.
    pub models: Field<Vec<ModelUsed>>,
}

/// A plugin that served.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PluginUsed {
    /// Its role.
    pub role: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its file, 64 lower-case hexadecimal digits.
    pub sha256: String,
}

/// A model that a plugin used. Its digest is its version: a model's file carries no other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ModelUsed {
    /// Its name.
    pub name: String,
    /// SHA-256 of its file, 64 lower-case hexadecimal digits.
    pub sha256: String,
}

/// How long what is kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Retention {
    /// The limit of each class of data.
    pub limits: Field<Vec<Limit>>,
    /// What was destroyed.
    pub destroyed: Field<Vec<Destroyed>>,
    /// What is held beyond its limit.
    pub held: Field<Vec<Hold>>,
}

/// How long a class of data is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Limit {
    /// What.
    pub data: String,
    /// The most hours.
    pub hours: u64,
}

/// Something that was destroyed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Destroyed {
    /// What.
    pub data: String,
    /// How many.
    pub count: u64,
    /// When the last of it went.
    pub last_at: Timestamp,
}

/// Something that is kept beyond its limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Hold {
    /// What.
    pub data: String,
    /// Why.
    pub reason: String,
    /// Whose hold it is, by role.
    pub owner: String,
    /// Until when.
    pub until: Timestamp,
}
