//! What a force sets: the rules of `[plugins.alert-router.config]`, and how they pick channels. README.md says what each key is for.

use overt_sdk::{Alert, Route, RouterError, Urgency};
use serde::Deserialize;

/// The most channels that the contract lets one alert go to.
const MOST_ROUTES: usize = 16;

/// The plugin's table of the deployment file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Settings {
    /// Which of the rules that fit an alert count.
    pub matching: Matching,
    /// Rules for new alerts; their channels have the purpose `review`.
    pub review: Vec<Rule>,
    /// Rules for alerts that an operator passed; their channels have the purpose `action`.
    pub action: Vec<Rule>,
}

/// Which of the rules that fit an alert count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Matching {
    /// The first alone.
    #[default]
    First,
    /// Every one.
    All,
}

/// A rule: an alert fits where each condition that is given holds.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Rule {
    /// Of one of these cameras; absent: of any.
    pub cameras: Option<Vec<String>>,
    /// Of one of these categories; absent: of any.
    pub categories: Option<Vec<String>>,
    /// Of one of these urgencies; absent: of any.
    pub urgencies: Option<Vec<Level>>,
    /// Where it goes.
    pub channels: Vec<String>,
}

/// [`Urgency`] as it is written in the deployment file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// `low`
    Low,
    /// `normal`
    Normal,
    /// `high`
    High,
}

impl From<Urgency> for Level {
    fn from(urgency: Urgency) -> Self {
        match urgency {
            Urgency::Low => Level::Low,
            Urgency::Normal => Level::Normal,
            Urgency::High => Level::High,
        }
    }
}

impl Rule {
    fn fits(&self, alert: &Alert) -> bool {
        let among = |list: &Option<Vec<String>>, name: &String| {
            list.as_ref().is_none_or(|list| list.contains(name))
        };
        among(&self.cameras, &alert.camera)
            && among(&self.categories, &alert.category)
            && self
                .urgencies
                .as_ref()
                .is_none_or(|list| list.contains(&alert.urgency.into()))
    }
}

impl Settings {
    /// The channels of the rules that count, each once, in the order of the rules.
    pub fn routes(&self, rules: &[Rule], alert: &Alert) -> Result<Vec<Route>, RouterError> {
        let most = match self.matching {
            Matching::First => 1,
            Matching::All => rules.len(),
        };
        let mut channels: Vec<&String> = Vec::new();
        for rule in rules.iter().filter(|rule| rule.fits(alert)).take(most) {
            for channel in &rule.channels {
                if !channels.contains(&channel) {
                    channels.push(channel);
                }
            }
        }
        if channels.len() > MOST_ROUTES {
            return Err(RouterError::failed(format!(
                "the rules name {} channels for alert {}, at most {MOST_ROUTES} can be asked",
                channels.len(),
                alert.number
            )));
        }
        Ok(channels.into_iter().map(Route::to).collect())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const RULES: &str = r#"{
        "review": [
            {"cameras": ["gate"], "urgencies": ["high"], "channels": ["desk-1", "desk-2"]},
            {"categories": ["missing-person"], "channels": ["desk-3", "desk-1"]},
            {"cameras": ["gate"], "channels": ["desk-4"]}
        ],
        "action": [{"channels": ["radio"]}]
    }"#;

    fn settings(json: &str) -> Settings {
        overt_sdk::config::parse(json).unwrap()
    }

    fn alert(camera: &str, category: &str, urgency: Urgency) -> Alert {
        Alert {
            number: 7,
            camera: camera.into(),
            track: 3,
            time: 1.5,
            category: category.into(),
            urgency,
            score: 0.7,
        }
    }

    fn review(settings: &Settings, alert: &Alert) -> Vec<String> {
        let routes = settings.routes(&settings.review, alert).unwrap();
        routes.into_iter().map(|route| route.channel).collect()
    }

    #[test]
    fn the_first_rule_that_fits_names_the_desks() {
        let settings = settings(RULES);
        let urgent = alert("gate", "missing-person", Urgency::High);
        assert_eq!(review(&settings, &urgent), ["desk-1", "desk-2"]);
        let normal = alert("gate", "missing-person", Urgency::Normal);
        assert_eq!(review(&settings, &normal), ["desk-3", "desk-1"]);
        let other = alert("gate", "wanted", Urgency::Low);
        assert_eq!(review(&settings, &other), ["desk-4"]);
    }

    #[test]
    fn an_alert_that_no_rule_fits_goes_to_the_default_desk() {
        let other = alert("bridge", "wanted", Urgency::High);
        assert!(review(&settings(RULES), &other).is_empty());
        assert!(review(&settings("{}"), &other).is_empty());
    }

    #[test]
    fn all_rules_that_fit_count_where_the_deployment_says_so_and_each_desk_once() {
        let mut settings = settings(RULES);
        settings.matching = Matching::All;
        let urgent = alert("gate", "missing-person", Urgency::High);
        assert_eq!(
            review(&settings, &urgent),
            ["desk-1", "desk-2", "desk-3", "desk-4"]
        );
    }

    #[test]
    fn an_empty_list_of_conditions_fits_nothing() {
        let settings = settings(r#"{"review": [{"cameras": [], "channels": ["desk-1"]}]}"#);
        assert!(review(&settings, &alert("gate", "wanted", Urgency::Low)).is_empty());
    }

    #[test]
    fn review_and_action_have_their_own_rules() {
        let settings = settings(RULES);
        let other = alert("bridge", "wanted", Urgency::Low);
        let routes = settings.routes(&settings.action, &other).unwrap();
        assert_eq!(routes, [Route::to("radio")]);
    }

    #[test]
    fn more_desks_than_can_be_asked_are_an_error() {
        let names: Vec<String> = (0..17).map(|number| format!("\"desk-{number}\"")).collect();
        let many = |count: usize| {
            let rules = format!(
                r#"{{"review": [{{"channels": [{}]}}]}}"#,
                names[..count].join(",")
            );
            let settings = settings(&rules);
            settings.routes(&settings.review, &alert("gate", "wanted", Urgency::Low))
        };
        assert_eq!(many(16).unwrap().len(), 16);
        assert_eq!(
            many(17).unwrap_err().message,
            "the rules name 17 channels for alert 7, at most 16 can be asked"
        );
    }

    #[test]
    fn mistakes_in_the_rules_are_named() {
        for (json, start) in [
            (
                r#"{"review": [{"camera": ["gate"], "channels": []}]}"#,
                "review[0].camera: no such key",
            ),
            (
                r#"{"review": [{"cameras": ["gate"]}]}"#,
                "review[0].channels: missing",
            ),
            (
                r#"{"action": [{"channels": ["a"]}, {"urgencies": ["hi"], "channels": ["a"]}]}"#,
                "action[1].urgencies[0]: expected one of `low`, `normal`, `high`, found `hi`",
            ),
            (
                r#"{"matching": "last"}"#,
                "matching: expected `first` or `all`, found `last`",
            ),
            (
                r#"{"review": "desk-1"}"#,
                r#"review: expected a list, found "desk-1""#,
            ),
        ] {
            let error = overt_sdk::config::parse::<Settings>(json)
                .unwrap_err()
                .to_string();
            assert!(error.starts_with(start), "{error}");
        }
    }
}
