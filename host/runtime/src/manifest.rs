//! The manifest: what a vendor declares about a plugin.
//!
//! `plugin.toml` is its source. Packing puts that text unchanged into the component's custom section `overt:manifest`, so an auditor
//! reads what the vendor wrote. Nothing here looks at the component; [`crate::agreement`] compares the two.

use semver::Version;
use serde::{Deserialize, Serialize};

use overt_contract::{Capability, Family, Role, is_plain, plain};

pub mod self_test;

use self_test::SelfTest;

/// The name of the custom section that holds the manifest.
pub const SECTION: &str = "overt:manifest";

/// The largest manifest, in bytes. A model card's worth of text fits a hundred times over.
pub const LARGEST: usize = 256 * 1024;

/// Most values of a manifest that are told to be wrong.
const MOST_PROBLEMS: usize = 40;

/// What is wrong with a manifest.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ManifestError {
    /// More bytes than [`LARGEST`].
    #[error("the manifest has {bytes} bytes; at most {LARGEST} are read")]
    TooLarge {
        /// Bytes found.
        bytes: usize,
    },
    /// Not UTF-8.
    #[error("the manifest is not UTF-8 text: the byte at {offset} is not")]
    NotText {
        /// Bytes before the first that is wrong.
        offset: usize,
    },
    /// Not TOML, an unknown key, a missing key or a wrong type. The text holds line, column and an excerpt.
    #[error("{message}")]
    Syntax {
        /// What the parser says, with line, column and an excerpt.
        message: String,
    },
    /// Values that cannot be; all of them, up to 40.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Values(Vec<ValueProblem>),
}

/// A value of a manifest that cannot be.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{key}: expected {expected}, found {found}")]
pub struct ValueProblem {
    /// The key, such as `limits.memory-mib`.
    pub key: String,
    /// What would be right.
    pub expected: String,
    /// What stands there.
    pub found: String,
}

/// A vendor's declaration about a plugin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Manifest {
    /// Who and what.
    pub plugin: About,
    /// The contract it is written for.
    pub contract: Contract,
    /// What it asks for.
    #[serde(default)]
    pub capabilities: Capabilities,
    /// What the vendor says that it needs.
    #[serde(default)]
    pub limits: DeclaredLimits,
    /// What an encoder's templates are; encoders only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoder: Option<EncoderFacts>,
    /// The models that it runs.
    #[serde(default, rename = "model", skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<DeclaredModel>,
    /// What the algorithm is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<Algorithm>,
    /// What it answered on its vendor's machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub self_test: Option<SelfTest>,
    /// How the component was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build: Option<Build>,
}

/// `[plugin]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct About {
    /// 1 to 64 of a–z, 0–9 and `-`, beginning with a letter.
    pub id: String,
    /// A semantic version.
    pub version: Version,
    /// The vendor's name.
    pub vendor: String,
    /// The roles that the component exports.
    pub roles: Vec<Role>,
    /// One or two sentences for a reader from a police force.
    pub description: String,
    /// An SPDX expression.
    pub licence: String,
    /// Where to read more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub homepage: Option<String>,
}

/// `[contract]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Contract {
    /// Major and minor, such as `0.1`.
    pub version: String,
}

/// `[capabilities]`: absent means no.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Capabilities {
    /// See [`Capability::Frames`].
    #[serde(default)]
    pub frames: bool,
    /// See [`Capability::Pixels`].
    #[serde(default)]
    pub pixels: bool,
    /// See [`Capability::Inference`].
    #[serde(default)]
    pub inference: bool,
    /// See [`Capability::Log`].
    #[serde(default)]
    pub log: bool,
}

impl Capabilities {
    /// The declared capabilities.
    pub fn declared(&self) -> impl Iterator<Item = Capability> + '_ {
        Capability::ALL
            .into_iter()
            .filter(|capability| match capability {
                Capability::Frames => self.frames,
                Capability::Pixels => self.pixels,
                Capability::Inference => self.inference,
                Capability::Log => self.log,
            })
    }
}

/// `[limits]`: what the vendor says that the plugin needs. The deployment may give less or more; the host's ceilings hold
/// anyhow.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DeclaredLimits {
    /// Memories and tables of one call, MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_mib: Option<u32>,
    /// Perception: what each of its models takes in the host, MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_memory_mib: Option<u32>,
    /// Perception: the guest's CPU time for one call, milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u32>,
    /// Decision: wasmtime fuel for one call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fuel: Option<u64>,
    /// Detectors: the most faces in one answer, 1 to 256.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub faces_per_frame: Option<u32>,
}

/// `[encoder]`: facts about templates, checked with every answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct EncoderFacts {
    /// Numbers in a template, 8 to 4,096.
    pub dimension: u32,
    /// How templates are compared.
    pub metric: Metric,
    /// The least and the greatest score.
    pub score_range: [f32; 2],
}

/// How templates are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// The cosine of the angle between two templates.
    Cosine,
}

/// A `[[model]]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DeclaredModel {
    /// The name by which the plugin opens it; the form of an id.
    pub name: String,
    /// SHA-256 of the file, 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// The file's format.
    pub format: ModelFormat,
    /// The weights' licence, which may differ from the code's.
    pub licence: String,
    /// What it was trained on; "not stated" where its maker does not say.
    pub training_data: String,
}

/// The format of a model file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModelFormat {
    /// Open Neural Network Exchange, one file without external data.
    Onnx,
}

/// `[algorithm]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Algorithm {
    /// What it is meant for.
    pub intended_use: String,
    /// What it is known not to be good at.
    pub known_limits: String,
    /// Measurements of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
}

/// A measurement of an algorithm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Evidence {
    /// The report's title or address.
    pub report: String,
    /// When, as the report writes it.
    pub date: String,
    /// What it was measured on.
    pub dataset: String,
    /// Entries in the gallery, where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gallery_size: Option<u64>,
    /// The score at which it was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// What was found.
    pub figure: String,
    /// SHA-256 of what was measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub digests: Vec<String>,
}

/// `[build]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Build {
    /// Where the source is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Its revision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// What it was built with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub toolchain: Option<String>,
    /// How.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

/// Whether a text has the form of an id: 1 to 64 of a–z, 0–9 and `-`, beginning with a letter.
pub fn is_id(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn is_sha256(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

impl Manifest {
    /// Reads a manifest and checks every value by itself.
    pub fn parse(bytes: &[u8]) -> Result<Manifest, ManifestError> {
        if bytes.len() > LARGEST {
            return Err(ManifestError::TooLarge { bytes: bytes.len() });
        }
        let text = std::str::from_utf8(bytes).map_err(|error| ManifestError::NotText {
            offset: error.valid_up_to(),
        })?;
        let manifest: Manifest = toml::from_str(text).map_err(|error| ManifestError::Syntax {
            // The message quotes the text, and the text is a stranger's.
            message: plain(&error.to_string()),
        })?;
        let problems = manifest.problems();
        if problems.is_empty() {
            Ok(manifest)
        } else {
            Err(ManifestError::Values(problems))
        }
    }

    /// The roles' family. A checked manifest has roles of one family only.
    pub fn family(&self) -> Option<Family> {
        self.plugin.roles.first().map(|role| role.family())
    }

    /// Texts of any number of lines.
    fn long_texts(&self) -> Vec<(&'static str, &str)> {
        let mut texts = vec![("plugin.description", self.plugin.description.as_str())];
        if let Some(algorithm) = &self.algorithm {
            texts.push(("algorithm.intended-use", &algorithm.intended_use));
            texts.push(("algorithm.known-limits", &algorithm.known_limits));
        }
        texts
    }

    /// Texts of one line: a second could pass for a line of the host's own.
    fn lines(&self) -> Vec<(&'static str, &str)> {
        let about = &self.plugin;
        let mut texts = vec![
            ("plugin.vendor", about.vendor.as_str()),
            ("plugin.licence", &about.licence),
        ];
        texts.extend(
            about
                .homepage
                .iter()
                .map(|text| ("plugin.homepage", text.as_str())),
        );
        for model in &self.models {
            texts.push(("model.licence", &model.licence));
            texts.push(("model.training-data", &model.training_data));
        }
        if let Some(algorithm) = &self.algorithm {
            for evidence in &algorithm.evidence {
                let Evidence {
                    report,
                    date,
                    dataset,
                    figure,
                    digests,
                    ..
                } = evidence;
                let fields = [report, date, dataset, figure].into_iter().chain(digests);
                texts.extend(fields.map(|text| ("algorithm.evidence", text.as_str())));
            }
        }
        if let Some(build) = &self.build {
            let fields = [
                &build.source,
                &build.revision,
                &build.toolchain,
                &build.command,
            ];
            texts.extend(
                fields
                    .into_iter()
                    .flatten()
                    .map(|text| ("build", text.as_str())),
            );
        }
        if let Some(test) = &self.self_test {
            texts.extend(test.lines());
        }
        texts
    }

    fn problems(&self) -> Vec<ValueProblem> {
        let mut problems = Vec::new();
        let mut expect = |right: bool, key: &str, expected: &str, found: String| {
            if !right && problems.len() < MOST_PROBLEMS {
                problems.push(ValueProblem {
                    key: key.to_owned(),
                    expected: expected.to_owned(),
                    found: plain(&found),
                });
            }
        };
        let about = &self.plugin;
        // Every incident names it.
        let version = about.version.to_string();
        expect(
            version.len() <= 64,
            "plugin.version",
            "at most 64 characters",
            version.clone(),
        );
        const ID: &str = "1 to 64 of a–z, 0–9 and `-`, beginning with a letter";
        expect(is_id(&about.id), "plugin.id", ID, format!("{:?}", about.id));
        for (key, text) in [
            ("plugin.vendor", &about.vendor),
            ("plugin.description", &about.description),
            ("plugin.licence", &about.licence),
        ] {
            expect(
                !text.trim().is_empty(),
                key,
                "some text",
                "nothing".to_owned(),
            );
        }
        let odd = |text: &str| text.chars().find(|character| !is_plain(*character));
        let texts = self.long_texts().into_iter();
        let texts = texts.map(|(key, text)| {
            let odd = odd(text);
            (key, "text without control characters", odd)
        });
        let lines = self.lines().into_iter().map(|(key, text)| {
            let odd = text.chars().find(|odd| *odd == '\n').or_else(|| odd(text));
            (key, "one line without control characters", odd)
        });
        for (key, expected, odd) in texts.chain(lines) {
            expect(
                odd.is_none(),
                key,
                expected,
                odd.map_or_else(String::new, |odd| format!("U+{:04X}", u32::from(odd))),
            );
        }
        expect(
            !about.roles.is_empty(),
            "plugin.roles",
            "at least one role",
            "none".to_owned(),
        );
        for (index, role) in about.roles.iter().enumerate() {
            expect(
                !about.roles[..index].contains(role),
                "plugin.roles",
                "each role once",
                format!("{role} twice"),
            );
        }
        if let Some(first) = about.roles.first() {
            for role in &about.roles {
                expect(
                    role.family() == first.family(),
                    "plugin.roles",
                    "roles of one family: detector, encoder and quality, or matcher-policy and alert-router",
                    format!("{first} and {role}"),
                );
            }
            for capability in self.capabilities.declared() {
                expect(
                    // A perception plugin that logs is packed for its vendor's tests; no host runs it ([`crate::agreement::live`]).
                    capability.family() == first.family() || capability == Capability::Log,
                    &format!("capabilities.{capability}"),
                    "a capability that the role may hold",
                    format!("{capability} for the role {first}"),
                );
            }
        }
        expect(
            self.contract.version == crate::CONTRACT,
            "contract.version",
            &format!("\"{}\", which this host speaks", crate::CONTRACT),
            format!("{:?}", self.contract.version),
        );
        let limits = &self.limits;
        let mut range = |value: Option<u64>, key: &str, least: u64, most: u64| {
            if let Some(value) = value {
                expect(
                    (least..=most).contains(&value),
                    key,
                    &format!("{least} to {most}"),
                    value.to_string(),
                );
            }
        };
        range(
            limits.memory_mib.map(u64::from),
            "limits.memory-mib",
            1,
            4096,
        );
        range(
            limits.model_memory_mib.map(u64::from),
            "limits.model-memory-mib",
            1,
            65_536,
        );
        range(
            limits.deadline_ms.map(u64::from),
            "limits.deadline-ms",
            1,
            60_000,
        );
        range(limits.fuel, "limits.fuel", 1_000, 100_000_000_000);
        range(
            limits.faces_per_frame.map(u64::from),
            "limits.faces-per-frame",
            1,
            256,
        );
        let encodes = about.roles.contains(&Role::Encoder);
        expect(
            self.encoder.is_some() == encodes,
            "encoder",
            if encodes {
                "a table, because the role encoder is declared"
            } else {
                "no table, because the role encoder is not declared"
            },
            if encodes {
                "none".to_owned()
            } else {
                "one".to_owned()
            },
        );
        if let Some(encoder) = &self.encoder {
            expect(
                (8..=4096).contains(&encoder.dimension),
                "encoder.dimension",
                "8 to 4096",
                encoder.dimension.to_string(),
            );
            let [least, greatest] = encoder.score_range;
            expect(
                least.is_finite()
                    && greatest.is_finite()
                    && least < greatest
                    && least >= -1.0
                    && greatest <= 1.0,
                "encoder.score-range",
                "two numbers from -1 to 1, the lesser first",
                format!("[{least}, {greatest}]"),
            );
        }
        expect(
            self.models.is_empty() || self.capabilities.inference,
            "model",
            "no model, because the capability inference is not declared",
            format!("{} models", self.models.len()),
        );
        for (index, model) in self.models.iter().enumerate() {
            let key = |field: &str| format!("model[{index}].{field}");
            expect(
                is_id(&model.name),
                &key("name"),
                ID,
                format!("{:?}", model.name),
            );
            expect(
                self.models[..index]
                    .iter()
                    .all(|other| other.name != model.name),
                &key("name"),
                "each name once",
                format!("{:?} twice", model.name),
            );
            expect(
                is_sha256(&model.sha256),
                &key("sha256"),
                "64 lower-case hexadecimal digits",
                format!("{:?}", model.sha256),
            );
            for (field, text) in [
                ("licence", &model.licence),
                ("training-data", &model.training_data),
            ] {
                expect(
                    !text.trim().is_empty(),
                    &key(field),
                    "some text, \"not stated\" where nobody says",
                    "nothing".to_owned(),
                );
            }
        }
        if let Some(test) = &self.self_test {
            let dimension = self.encoder.as_ref().map(|facts| facts.dimension);
            let more = test.problems(&about.roles, dimension).into_iter();
            let room = MOST_PROBLEMS.saturating_sub(problems.len());
            problems.extend(more.take(room).map(|problem| ValueProblem {
                key: plain(&problem.key),
                found: plain(&problem.found),
                ..problem
            }));
        }
        problems
    }
}

#[cfg(test)]
mod tests;
