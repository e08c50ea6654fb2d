//! A card per model: what it is, where it comes from, what it takes and gives, what it is good for and what not. Knows no network and
//! no inference.

use std::path::Path;

use serde::Deserialize;

use crate::patch::Patch;
use crate::source::{Sha256Hex, Source};

/// The cards of this folder, built into the program.
const CARDS: &[(&str, &str)] = &[
    ("centerface", include_str!("../cards/centerface.toml")),
    ("landmarks68", include_str!("../cards/landmarks68.toml")),
    ("mobilefacenet", include_str!("../cards/mobilefacenet.toml")),
    ("rfb320", include_str!("../cards/rfb320.toml")),
];

/// What is known about a model.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Card {
    /// The model's name in this project.
    pub name: String,
    /// What it does, in words.
    pub task: String,
    /// SHA-256 of the file that the host loads: what a plugin's manifest pins.
    pub sha256: Sha256Hex,
    /// SHA-256 of the file in the package, before any change.
    pub original_sha256: Sha256Hex,
    /// SPDX name of the licence.
    pub licence: String,
    /// Whose the licence is, and where it says so.
    pub licence_note: String,
    /// What it was trained with, or "not stated".
    pub training_data: String,
    /// Figures, and who measured them.
    pub accuracy: String,
    /// What it is not good for.
    pub known_limits: String,
    /// Where it comes from.
    pub source: Source,
    /// The changes made to the file, in order.
    #[serde(default, rename = "patch")]
    pub patches: Vec<Patch>,
    /// What it takes.
    #[serde(rename = "input")]
    pub inputs: Vec<Input>,
    /// What it gives.
    #[serde(rename = "output")]
    pub outputs: Vec<Port>,
}

/// An input of a model.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Its name in the file.
    pub name: String,
    /// Its sides; a name stands for a side of any length.
    pub shape: Vec<crate::patch::Dim>,
    /// The least and the greatest number that a picture becomes.
    pub range: [f32; 2],
    /// What the numbers mean.
    pub meaning: String,
}

/// An output of a model.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Port {
    /// Its name in the file.
    pub name: String,
    /// Its sides; a name stands for a side of any length.
    pub shape: Vec<crate::patch::Dim>,
    /// What the numbers mean.
    pub meaning: String,
}

/// Whether a model is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// There, and the right one.
    Present,
    /// Not there.
    Missing,
    /// There is a file, but not this one.
    Differs {
        /// SHA-256 of the file that is there.
        found: Sha256Hex,
    },
    /// There is something that cannot be read.
    Unreadable {
        /// The system's reason.
        cause: String,
    },
}

/// A card that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the card of the model {name:?}: {cause}")]
pub struct CardError {
    /// The model's name.
    pub name: String,
    /// What is wrong, and where.
    pub cause: Box<toml::de::Error>,
}

impl Card {
    /// The name of the model's file.
    pub fn file_name(&self) -> String {
        format!("{}.onnx", self.name)
    }
}

/// Every card, in a fixed order.
pub fn cards() -> Result<Vec<Card>, CardError> {
    CARDS.iter().map(|(name, text)| parse(name, text)).collect()
}

/// Whether the model's file is in a folder, by its digest.
pub fn status(card: &Card, folder: &Path) -> Status {
    file_status(&folder.join(card.file_name()), &card.sha256)
}

/// Whether a file is there with the digest that it must have.
pub(crate) fn file_status(path: &Path, expected: &Sha256Hex) -> Status {
    match Sha256Hex::of_file(path) {
        Ok(found) if found == *expected => Status::Present,
        Ok(found) => Status::Differs { found },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Status::Missing,
        Err(error) => Status::Unreadable {
            cause: error.to_string(),
        },
    }
}

fn parse(name: &str, text: &str) -> Result<Card, CardError> {
    toml::from_str(text).map_err(|cause| CardError {
        name: name.to_owned(),
        cause: Box::new(cause),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_card_of_the_folder_is_built_in_and_named_like_its_file() {
        let mut files: Vec<String> =
            std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/cards"))
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
        files.sort();
        let mut names: Vec<String> = cards()
            .unwrap()
            .iter()
            .map(|card| format!("{}.toml", card.name))
            .collect();
        names.sort();
        assert_eq!(files, names);
    }

    #[test]
    fn a_card_leaves_no_question_open() {
        for card in cards().unwrap() {
            for text in [
                &card.task,
                &card.licence,
                &card.licence_note,
                &card.training_data,
                &card.accuracy,
                &card.known_limits,
            ] {
                assert!(!text.trim().is_empty(), "{}", card.name);
            }
            assert!(
                !card.inputs.is_empty() && !card.outputs.is_empty(),
                "{}",
                card.name
            );
            assert_eq!(
                card.patches.is_empty(),
                card.sha256 == card.original_sha256,
                "{}",
                card.name
            );
        }
    }

    #[test]
    fn a_card_with_an_unknown_key_or_a_false_digest_is_refused_with_its_place() {
        let (name, text) = CARDS[0];
        let error = parse(name, &format!("colour = \"red\"\n{text}"))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("colour") && error.contains("line 1"),
            "{error}"
        );
        let error = parse(name, &text.replace("sha256 = \"", "sha256 = \"x"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("64 lower-case"), "{error}");
    }

    #[test]
    fn a_model_is_missing_then_different_then_present() {
        let folder = tempfile::tempdir().unwrap();
        let mut card = cards().unwrap().remove(0);
        card.sha256 = Sha256Hex::of(b"model");
        let path = folder.path().join(card.file_name());
        assert_eq!(status(&card, folder.path()), Status::Missing);
        std::fs::write(&path, b"mod").unwrap();
        assert_eq!(
            status(&card, folder.path()),
            Status::Differs {
                found: Sha256Hex::of(b"mod")
            }
        );
        std::fs::write(&path, b"model").unwrap();
        assert_eq!(status(&card, folder.path()), Status::Present);
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert!(matches!(
            status(&card, folder.path()),
            Status::Unreadable { .. }
        ));
    }
}
