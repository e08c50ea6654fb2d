//! A plugin's own table of the deployment file, read into the plugin's own type, with errors that name the key, what was expected and
//! what was found. It knows no plugin's keys.
//!
//! ```
//! use overt_sdk::config::Number;
//!
//! #[derive(serde::Deserialize)]
//! #[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
//! struct Settings {
//!     least_confidence: Number<0, 1>,
//! }
//!
//! impl Default for Settings {
//!     fn default() -> Self {
//!         Settings { least_confidence: const { Number::new(0.5) } }
//!     }
//! }
//!
//! let settings: Settings = overt_sdk::config::parse(r#"{"least-confidence": 0.7}"#)?;
//! assert_eq!(settings.least_confidence.get(), 0.7);
//!
//! let error = overt_sdk::config::parse::<Settings>(r#"{"least-confidence": "high"}"#).err();
//! assert_eq!(
//!     error.map(|error| error.to_string()).as_deref(),
//!     Some(r#"least-confidence: expected a number from 0 to 1, found "high""#),
//! );
//! # Ok::<(), overt_sdk::ConfigError>(())
//! ```

mod message;
mod numbers;

pub use numbers::{Number, Whole};

use serde::de::DeserializeOwned;

use crate::handles::system;

/// What is wrong with a plugin's table of the deployment file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A value that the key cannot have.
    #[error("{key}: expected {expected}, found {found}")]
    Unfit {
        /// The key, with those above it: `agree.probes`, `rules[2].desks`.
        key: String,
        /// What the plugin wants there.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// A key that the plugin does not know.
    #[error("{key}: no such key; {expected}")]
    Unknown {
        /// The key, with those above it.
        key: String,
        /// The keys that there are.
        expected: String,
    },
    /// A key that the plugin cannot do without.
    #[error("{key}: missing")]
    Missing {
        /// The key, with those above it.
        key: String,
    },
    /// A value or the whole table cannot be used, for a reason of the plugin's or the parser's own.
    #[error("{key}: {reason}")]
    Unusable {
        /// The key, with those above it.
        key: String,
        /// Why.
        reason: String,
    },
}

impl ConfigError {
    /// A value that the key cannot have, for checks of the plugin's own.
    pub fn unfit(
        key: impl Into<String>,
        expected: impl Into<String>,
        found: impl ToString,
    ) -> ConfigError {
        ConfigError::Unfit {
            key: key.into(),
            expected: expected.into(),
            found: found.to_string(),
        }
    }
}

/// The plugin's table of the deployment file as the plugin's own type.
///
/// Give the type `#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]`, so that keys read like the rest of the file, a
/// misspelt one is refused, and a missing one has its default; take [`Number`] and [`Whole`] for numbers that have a range.
pub fn config<T: DeserializeOwned>() -> Result<T, ConfigError> {
    parse(&system::config::get())
}

/// The same from JSON text, for tests.
pub fn parse<T: DeserializeOwned>(json: &str) -> Result<T, ConfigError> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let key = error.path().to_string();
        message::understand(&key, &error.into_inner().to_string())
    })?;
    deserializer
        .end()
        .map_err(|error| message::understand(".", &error.to_string()))?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
    struct Settings {
        least_confidence: Number<0, 1>,
        thresholds: BTreeMap<String, Number<-1, 1>>,
        agree: Agree,
        desks: Vec<String>,
        quiet: bool,
        plain: f32,
        urgency: Option<Urgency>,
    }

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(rename_all = "kebab-case", deny_unknown_fields)]
    struct Agree {
        probes: Whole<1, 32>,
        of: Whole<1, 32>,
    }

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Urgency {
        Low,
        High,
    }

    impl Default for Settings {
        fn default() -> Self {
            Settings {
                least_confidence: Number::new(0.5),
                thresholds: BTreeMap::new(),
                agree: Agree {
                    probes: Whole::new(1),
                    of: Whole::new(1),
                },
                desks: Vec::new(),
                quiet: false,
                plain: 0.0,
                urgency: None,
            }
        }
    }

    fn problem(json: &str) -> String {
        parse::<Settings>(json).unwrap_err().to_string()
    }

    #[test]
    fn an_empty_table_gives_the_defaults() {
        assert_eq!(parse::<Settings>("{}").unwrap(), Settings::default());
    }

    #[test]
    fn whole_numbers_serve_as_numbers() {
        let settings: Settings = parse(r#"{"least-confidence": 1, "plain": 3}"#).unwrap();
        assert_eq!(
            (settings.least_confidence.get(), settings.plain),
            (1.0, 3.0)
        );
    }

    #[test]
    fn an_unfit_value_is_named_with_its_key_and_what_was_expected() {
        for (json, expected) in [
            (
                r#"{"least-confidence": "high"}"#,
                r#"least-confidence: expected a number from 0 to 1, found "high""#,
            ),
            (
                r#"{"least-confidence": 1.5}"#,
                "least-confidence: expected a number from 0 to 1, found 1.5",
            ),
            (
                r#"{"least-confidence": -1}"#,
                "least-confidence: expected a number from 0 to 1, found -1",
            ),
            (
                r#"{"least-confidence": null}"#,
                "least-confidence: expected a number from 0 to 1, found nothing",
            ),
            (
                r#"{"thresholds": {"wanted": [0.5]}}"#,
                "thresholds.wanted: expected a number from -1 to 1, found a list",
            ),
            (
                r#"{"agree": {"probes": 2.5, "of": 3}}"#,
                "agree.probes: expected a whole number from 1 to 32, found 2.5",
            ),
            (
                r#"{"agree": {"probes": 0, "of": 3}}"#,
                "agree.probes: expected a whole number from 1 to 32, found 0",
            ),
            (r#"{"agree": 3}"#, "agree: expected a table, found 3"),
            (
                r#"{"desks": ["a", 1]}"#,
                "desks[1]: expected a string, found 1",
            ),
            (r#"{"desks": "a"}"#, r#"desks: expected a list, found "a""#),
            (
                r#"{"quiet": "yes"}"#,
                r#"quiet: expected true or false, found "yes""#,
            ),
            (
                r#"{"plain": {}}"#,
                "plain: expected a number, found a table",
            ),
            (
                r#"{"urgency": "medium"}"#,
                "urgency: expected `low` or `high`, found `medium`",
            ),
            ("3", "the table: expected a table, found 3"),
        ] {
            assert_eq!(problem(json), expected, "{json}");
        }
    }

    #[test]
    fn an_unknown_key_is_refused_with_the_keys_that_there_are() {
        assert_eq!(
            problem(r#"{"agree": {"probe": 2, "of": 3}}"#),
            "agree.probe: no such key; expected `probes` or `of`"
        );
        assert!(
            problem(r#"{"least-confidense": 0.5}"#)
                .starts_with("least-confidense: no such key; expected one of `least-confidence`")
        );
    }

    #[test]
    fn a_missing_key_is_named() {
        assert_eq!(problem(r#"{"agree": {"probes": 2}}"#), "agree.of: missing");
    }

    #[test]
    fn text_that_is_no_json_is_reported() {
        for json in ["", "{", "{} {}", "{\"plain\": }"] {
            assert!(
                matches!(
                    parse::<Settings>(json).unwrap_err(),
                    ConfigError::Unusable { .. }
                ),
                "{json}"
            );
        }
    }

    #[test]
    fn a_number_too_large_for_its_type_is_refused() {
        assert_eq!(
            problem(r#"{"agree": {"probes": 99999999999999999999, "of": 3}}"#),
            "agree.probes: expected a whole number from 1 to 32, found 1e+20"
        );
    }
}
