//! `[self-test]`: what a plugin answered on its vendor's machine, so that a host can see whether it still does on its own. Perception plugins are asked about
//! the host's test card ([`overt_vision::test_card`]), decision plugins about scores and categories that stand here. It runs nothing.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::ValueProblem;
use overt_contract::Role;

/// `[self-test]`, a table for each role.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SelfTest {
    /// What a detector finds on the test card.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detector: Option<DetectorTest>,
    /// What an encoder makes of the face on the test card.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoder: Option<EncoderTest>,
    /// The range of each quality component of the face on the test card: least and greatest, 0 to 100.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub quality: BTreeMap<String, [f32; 2]>,
    /// What a policy decides; cases by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub matcher_policy: BTreeMap<String, PolicyTest>,
    /// Whom a router names; cases by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub alert_router: BTreeMap<String, RouterTest>,
}

/// `[self-test.detector]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DetectorTest {
    /// The boxes that it finds, and no others: x, y, width, height in pixels of the card.
    pub boxes: Vec<[f32; 4]>,
    /// How much each box at least overlaps with the one that is found: intersection over union.
    pub least_overlap: f32,
}

/// `[self-test.encoder]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct EncoderTest {
    /// The template of the card's face: a byte for each number, in base64; −127 to 127, of which the greatest is the template's greatest.
    pub template: String,
    /// The least cosine between that and the template that is made.
    pub least_cosine: f32,
}

impl EncoderTest {
    /// The template's bytes; nothing where it is not base64.
    pub fn values(&self) -> Option<Vec<i8>> {
        let bytes = STANDARD.decode(&self.template).ok()?;
        Some(bytes.into_iter().map(u8::cast_signed).collect())
    }

    /// A template as a manifest holds it.
    pub fn written(template: &[f32]) -> String {
        let greatest = template.iter().fold(0.0_f32, |most, v| most.max(v.abs()));
        let scale = 127.0 / greatest.max(f32::MIN_POSITIVE);
        let bytes: Vec<u8> = template
            .iter()
            .map(|value| ((value * scale).round() as i8).cast_unsigned())
            .collect();
        STANDARD.encode(bytes)
    }
}

/// `[self-test.matcher-policy.NAME]`: one passer-by, looked at every 0.2 seconds, and one entry that the search offers each time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PolicyTest {
    /// The policy's own configuration.
    #[serde(default)]
    pub config: toml::Table,
    /// The entry's category.
    pub category: String,
    /// The score of each look.
    pub scores: Vec<f32>,
    /// What it decides at the last of them.
    pub decision: Decided,
}

/// A decision, without its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decided {
    /// Nothing of interest.
    Ignore,
    /// Not yet.
    Hold,
    /// Worth a person's look.
    Alert,
}

impl Decided {
    /// The word in the manifest.
    pub fn name(self) -> &'static str {
        match self {
            Decided::Ignore => "ignore",
            Decided::Hold => "hold",
            Decided::Alert => "alert",
        }
    }
}

/// `[self-test.alert-router.NAME]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RouterTest {
    /// The router's own configuration.
    #[serde(default)]
    pub config: toml::Table,
    /// The alert's category.
    pub category: String,
    /// The desks that it names, in its order.
    pub channels: Vec<String>,
}

/// Looks of a policy's case: an observation holds no more.
const LOOKS: usize = 32;

/// Cases of a role.
const CASES: usize = 16;

impl SelfTest {
    /// Whether it asks anything of this role.
    pub fn is_for(&self, role: Role) -> bool {
        match role {
            Role::Detector => self.detector.is_some(),
            Role::Encoder => self.encoder.is_some(),
            Role::Quality => !self.quality.is_empty(),
            Role::MatcherPolicy => !self.matcher_policy.is_empty(),
            Role::AlertRouter => !self.alert_router.is_empty(),
        }
    }

    /// Texts that a vendor may write freely.
    pub(super) fn lines(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let asked = self.matcher_policy.values().map(|case| &case.category);
        let policy = asked.map(|text| ("self-test.matcher-policy", text.as_str()));
        let router = self.alert_router.values().flat_map(|case| {
            let texts = std::iter::once(&case.category).chain(&case.channels);
            texts.map(|text| ("self-test.alert-router", text.as_str()))
        });
        policy.chain(router)
    }

    /// What cannot be, given the plugin's roles and its templates' dimension.
    pub(super) fn problems(&self, roles: &[Role], dimension: Option<u32>) -> Vec<ValueProblem> {
        let mut problems = Vec::new();
        let mut expect = |right: bool, key: String, expected: &str, found: String| {
            if !right {
                problems.push(ValueProblem {
                    key: format!("self-test.{key}"),
                    expected: expected.to_owned(),
                    found,
                });
            }
        };
        for role in Role::ALL {
            expect(
                !self.is_for(role) || roles.contains(&role),
                role.to_string(),
                "nothing, because the role is not declared",
                "a table".to_owned(),
            );
        }
        let part = |value: f32| (0.0..=1.0).contains(&value);
        if let Some(test) = &self.detector {
            expect(
                part(test.least_overlap),
                "detector.least-overlap".into(),
                "0 to 1",
                test.least_overlap.to_string(),
            );
            let sound = |rect: &[f32; 4]| rect.iter().all(|v| v.is_finite() && v.abs() <= 1e4);
            expect(
                test.boxes.len() <= 16 && test.boxes.iter().all(sound),
                "detector.boxes".into(),
                "at most 16 boxes of finite numbers",
                format!("{:?}", test.boxes.iter().take(4).collect::<Vec<_>>()),
            );
        }
        if let Some(test) = &self.encoder {
            expect(
                part(test.least_cosine) && test.least_cosine > 0.0,
                "encoder.least-cosine".into(),
                "over 0, to 1",
                test.least_cosine.to_string(),
            );
            let found = test.values();
            let length = found.as_ref().map(Vec::len);
            expect(
                length == dimension.map(|dimension| dimension as usize)
                    && found.is_some_and(|values| values.iter().any(|value| *value != 0)),
                "encoder.template".into(),
                "a byte for each number of a template, in base64, and not all zero",
                length.map_or("no base64".to_owned(), |length| format!("{length} bytes")),
            );
        }
        for name in self.quality.keys() {
            let is_name = (1..=64).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
            expect(
                is_name,
                "quality".into(),
                "names of 1 to 64 letters and digits, as a quality plugin answers with",
                format!("{name:?}"),
            );
        }
        for (name, [least, greatest]) in &self.quality {
            expect(
                (0.0..=100.0).contains(least) && least <= greatest && *greatest <= 100.0,
                format!("quality.{}", name),
                "two numbers from 0 to 100, the lesser first",
                format!("[{least}, {greatest}]"),
            );
        }
        expect(
            self.quality.len() <= crate::limits::COMPONENTS
                && self.matcher_policy.len() <= CASES
                && self.alert_router.len() <= CASES,
            "…".into(),
            "at most 16 cases, or 32 quality components",
            "more".to_owned(),
        );
        for name in self.matcher_policy.keys().chain(self.alert_router.keys()) {
            expect(
                super::is_id(name),
                "…".into(),
                "cases with names of a–z, 0–9 and `-`",
                format!("{name:?}"),
            );
        }
        for (name, case) in &self.matcher_policy {
            let sound = |score: &f32| (-1.0..=1.0).contains(score);
            expect(
                (1..=LOOKS).contains(&case.scores.len()) && case.scores.iter().all(sound),
                format!("matcher-policy.{}.scores", name),
                "1 to 32 numbers from -1 to 1",
                format!("{} numbers", case.scores.len()),
            );
        }
        problems
    }
}
