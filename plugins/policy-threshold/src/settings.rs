//! What a force sets: the keys of `[plugins.matcher-policy.config]`, their ranges and defaults. README.md says what each is for.

use std::collections::BTreeMap;

use overt_sdk::config::{Number, Whole};
use overt_sdk::{ConfigError, Priority};
use serde::Deserialize;

/// The plugin's table of the deployment file.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Settings {
    /// Least cosine score by category. No default of ours: a score means something only for one encoder and model.
    pub thresholds: ByCategory<Number<-1, 1>>,
    /// Pixels of the frame; a probe whose face box is narrower does not count.
    #[serde(default)]
    pub least_face_width: Number<0, 16384>,
    /// Least `UnifiedQualityScore` of a probe that counts; 0 asks for no measurement.
    #[serde(default)]
    pub least_quality: Number<0, 100>,
    /// How many of the newest probes must agree.
    #[serde(default)]
    pub agree: Agree,
    /// Cameras whose every picture is of somebody else, so that there is one look and no second: one probe is enough there.
    #[serde(default = "searches")]
    pub single_image: Vec<String>,
    /// How far the best candidate of a probe must lie over the next one.
    #[serde(default)]
    pub margin: Number<0, 2>,
    /// Seconds after an alert in which the same entry raises no other, by category.
    #[serde(default)]
    pub silence_seconds: ByCategory<Number<0, 600>>,
    /// How urgently a person should look, by category.
    #[serde(default)]
    pub priority: ByCategory<Urgency>,
    /// The encoder whose scores count; needed only where a deployment has several.
    #[serde(default)]
    pub encoder: Option<String>,
}

/// How many of the newest probes that count must agree on one entry.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Agree {
    /// So many.
    pub probes: Whole<1, 32>,
    /// Of so many.
    pub of: Whole<1, 32>,
}

/// What stands in a camera's place where the host searches photographs.
fn searches() -> Vec<String> {
    ["retrospective", "operator"].map(String::from).to_vec()
}

impl Default for Agree {
    fn default() -> Self {
        Agree {
            probes: const { Whole::new(2) },
            of: const { Whole::new(5) },
        }
    }
}

/// A value for each category, and under `default` one for all others.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct ByCategory<T>(BTreeMap<String, T>);

impl<T> Default for ByCategory<T> {
    fn default() -> Self {
        ByCategory(BTreeMap::new())
    }
}

impl<T: Copy> ByCategory<T> {
    /// The category's value, or else that under `default`.
    pub fn of(&self, category: &str) -> Option<T> {
        self.0
            .get(category)
            .or_else(|| self.0.get("default"))
            .copied()
    }
}

/// [`Priority`] as it is written in the deployment file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Urgency {
    /// `low`
    Low,
    /// `normal`
    Normal,
    /// `high`
    High,
}

impl From<Urgency> for Priority {
    fn from(urgency: Urgency) -> Self {
        match urgency {
            Urgency::Low => Priority::Low,
            Urgency::Normal => Priority::Normal,
            Urgency::High => Priority::High,
        }
    }
}

impl Settings {
    /// Seconds of silence where the deployment says nothing.
    const SILENCE: f32 = 60.0;

    /// The deployment's table, checked.
    pub fn read() -> Result<Settings, ConfigError> {
        overt_sdk::config::<Settings>()?.checked()
    }

    /// What no single key can say about itself.
    pub fn checked(self) -> Result<Settings, ConfigError> {
        if self.agree.of < self.agree.probes {
            return Err(ConfigError::unfit(
                "agree.of",
                format!(
                    "at least agree.probes, which is {}",
                    self.agree.probes.get()
                ),
                self.agree.of.get(),
            ));
        }
        Ok(self)
    }

    /// How many of the newest probes of this camera's tracks must agree, and of how many.
    pub fn agreement(&self, camera: &str) -> (usize, usize) {
        match self.single_image.iter().any(|single| single == camera) {
            true => (1, 1),
            false => (
                self.agree.probes.get() as usize,
                self.agree.of.get() as usize,
            ),
        }
    }

    /// The least score of a category.
    pub fn threshold(&self, category: &str) -> Result<f32, ConfigError> {
        self.thresholds
            .of(category)
            .map(Number::get)
            .ok_or_else(|| ConfigError::Missing {
                key: format!("thresholds.{category} (or thresholds.default)"),
            })
    }

    /// Seconds of silence after an alert about an entry of this category.
    pub fn silence(&self, category: &str) -> f64 {
        let seconds = self.silence_seconds.of(category).map(Number::get);
        f64::from(seconds.unwrap_or(Settings::SILENCE))
    }

    /// How urgently a person should look at an alert of this category.
    pub fn priority(&self, category: &str) -> Priority {
        self.priority
            .of(category)
            .map_or(Priority::Normal, Priority::from)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(json: &str) -> Result<Settings, ConfigError> {
        overt_sdk::config::parse::<Settings>(json).and_then(Settings::checked)
    }

    #[test]
    fn thresholds_have_no_default_of_ours() {
        assert_eq!(read("{}").unwrap_err().to_string(), "thresholds: missing");
    }

    #[test]
    fn a_category_without_a_threshold_is_an_error_that_names_it() {
        let settings = read(r#"{"thresholds": {"wanted": 0.5}}"#).unwrap();
        assert_eq!(settings.threshold("wanted").unwrap(), 0.5);
        assert_eq!(
            settings.threshold("missing").unwrap_err().to_string(),
            "thresholds.missing (or thresholds.default): missing"
        );
    }

    #[test]
    fn other_categories_take_what_stands_under_default() {
        let settings = read(
            r#"{"thresholds": {"wanted": 0.5, "default": 0.6},
                "silence-seconds": {"wanted": 5, "default": 10},
                "priority": {"wanted": "high"}}"#,
        )
        .unwrap();
        assert_eq!(settings.threshold("missing").unwrap(), 0.6);
        assert_eq!(settings.silence("wanted"), 5.0);
        assert_eq!(settings.silence("missing"), 10.0);
        assert_eq!(settings.priority("wanted"), Priority::High);
        assert_eq!(settings.priority("missing"), Priority::Normal);
    }

    #[test]
    fn more_agreeing_probes_than_there_can_be_are_refused() {
        let error = read(r#"{"thresholds": {}, "agree": {"probes": 4, "of": 3}}"#).unwrap_err();
        assert_eq!(
            error.to_string(),
            "agree.of: expected at least agree.probes, which is 4, found 3"
        );
    }

    #[test]
    fn one_look_is_enough_where_there_is_no_second() {
        let usual = read(r#"{"thresholds": {}}"#).unwrap();
        assert_eq!(usual.agreement("gate"), (2, 5));
        assert_eq!(usual.agreement("retrospective"), (1, 1));
        assert_eq!(usual.agreement("operator"), (1, 1));
        let none = read(r#"{"thresholds": {}, "single-image": []}"#).unwrap();
        assert_eq!(none.agreement("operator"), (2, 5));
    }

    #[test]
    fn values_out_of_range_and_misspelt_keys_are_named() {
        for (json, start) in [
            (
                r#"{"thresholds": {"wanted": 1.5}}"#,
                "thresholds.wanted: expected a number from -1 to 1",
            ),
            (
                r#"{"thresholds": {}, "least-quality": 101}"#,
                "least-quality: expected a number from 0 to 100",
            ),
            (
                r#"{"thresholds": {}, "silence-seconds": {"default": 601}}"#,
                "silence-seconds.default: expected a number from 0 to 600",
            ),
            (
                r#"{"thresholds": {}, "silence-seconds": 30}"#,
                "silence-seconds: expected a table",
            ),
            (
                r#"{"thresholds": {}, "priority": {"wanted": "urgent"}}"#,
                "priority.wanted: expected one of `low`, `normal`, `high`",
            ),
            (
                r#"{"thresholds": {}, "treshold": 1}"#,
                "treshold: no such key",
            ),
        ] {
            let error = read(json).unwrap_err().to_string();
            assert!(error.starts_with(start), "{error}");
        }
    }
}
