//! The force's rules: its own policy as data, so that no rank, category or period stands in code. Signed by a key that the first adoption pins; each version is kept.

use super::error::ForceError;
use super::layout::RULES;
use super::log::Changing;
use super::register::{Beyond, DocumentKind, Mode, Terms};
use super::session::still;
use super::signed_in::{By, SignedIn};
use super::{Force, Moment, PersonRole, Stop};
use crate::audit::{Actor, AuditEvent};
use crate::life::JudgementLimits;
use crate::retention::{Retention, Timestamp};
use crate::tables::RowBytes;
use ed25519_compact::{PublicKey, Signature};
use redb::{ReadableTable, Table};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What is put before the text of a rules file when it is signed, so that a signature of anything else is none of rules.
pub const RULES_DOMAIN: &[u8] = b"overt rules v1\0";

/// A force's policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// Grows with each change.
    pub version: u32,
    /// The force.
    pub force: String,
    /// Whether who planned a deployment may authorise it.
    pub planner_may_authorise: bool,
    /// Modes that are allowed at all, each with who may authorise it.
    pub modes: Vec<ModeRule>,
    /// The closed list of use cases.
    pub use_cases: Vec<String>,
    /// The closed list of categories that anybody may be sought in.
    pub categories: Vec<String>,
    /// The closed list of what an arrest may be for; empty where it is not put on record, as in rules of older versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arrest_reasons: Vec<String>,
    /// The longest time from a deployment's start to its end, hours.
    pub longest_hours: u32,
    /// What holds for every watchlist.
    pub watchlist: WatchlistRules,
    /// Whether a score floor takes a calibration.
    pub calibration: bool,
    /// Hours before the start by which the public has to be told; absent: no notice is asked for.
    pub notice_hours: Option<u32>,
    /// The longest that each class of data may be kept.
    pub retention: Retention,
    /// The longest that a judgement may take.
    pub judgement: JudgementLimits,
    /// Documents that have to be in force.
    pub documents: Vec<DocumentKind>,
    /// How many people with a valid credential there have to be.
    pub people: Vec<PeopleRule>,
    /// How long what is left is kept.
    pub keep: KeepRules,
}

/// Who may authorise a mode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModeRule {
    /// The mode.
    pub mode: Mode,
    /// Ranks that may.
    pub ranks: Vec<String>,
    /// Ranks that may where it is urgent.
    pub urgent_ranks: Vec<String>,
    /// The longest window then, hours.
    pub urgent_hours: u32,
    /// Roles that may start a run or a search of it. Rules of older versions do not say it: then it is the system engineer.
    #[serde(default = "ModeRule::started_by_engineers")]
    pub started_by: Vec<PersonRole>,
}

impl ModeRule {
    /// Who starts a run where the rules do not say.
    pub fn started_by_engineers() -> Vec<PersonRole> {
        vec![PersonRole::SystemEngineer]
    }
}

/// What holds for every watchlist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchlistRules {
    /// The most people.
    pub size: u32,
    /// Hours before the start that it may have been made at the earliest.
    pub age_hours: u32,
    /// Whoever is younger has an approval of their own.
    pub approval_under: u8,
}

/// How many people of a role there have to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeopleRule {
    /// The role.
    pub role: PersonRole,
    /// So many with a valid credential, at least.
    pub count: u32,
}

/// How long what is left is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeepRules {
    /// The register, counts and decisions, days.
    pub register_days: u32,
    /// What answers whether somebody was on a watchlist, days.
    pub commitments_days: u32,
}

impl Rules {
    /// The rule of a mode, if it is allowed.
    pub fn mode(&self, mode: Mode) -> Option<&ModeRule> {
        self.modes.iter().find(|rule| rule.mode == mode)
    }

    /// Where these terms go beyond the rules.
    pub fn breaches(&self, terms: &Terms) -> Vec<Beyond> {
        let mut found = Vec::new();
        let list = |words: &[String]| words.join(", ");
        let mut most = |part: &str, most: u32, asked: u32| {
            if asked > most {
                found.push(Beyond::new(
                    part,
                    format!("at most {most}"),
                    asked.to_string(),
                ));
            }
        };
        most(
            "authority.watchlist-size",
            self.watchlist.size,
            terms.watchlist_size,
        );
        most(
            "authority.watchlist-age-hours",
            self.watchlist.age_hours,
            terms.watchlist_age_hours,
        );
        let (kept, longest) = (terms.retention, self.retention);
        most(
            "retention.alerts-hours",
            longest.alerts_hours,
            kept.alerts_hours,
        );
        most(
            "retention.inputs-hours",
            longest.inputs_hours,
            kept.inputs_hours,
        );
        most(
            "retention.watchlist-hours",
            longest.watchlist_hours,
            kept.watchlist_hours,
        );
        for (part, longest, asked) in self.judgement.parts(terms.judgement) {
            if asked > longest {
                let seconds = |ms: i64| format!("{} s", ms / 1_000);
                let most = format!("at most {}", seconds(longest));
                found.push(Beyond::new(part, most, seconds(asked)));
            }
        }
        if terms.hours() > u64::from(self.longest_hours) {
            let longest = format!("at most {} hours after the start", self.longest_hours);
            let asked = format!("{} hours after it", terms.hours());
            found.push(Beyond::new("deployment.end", longest, asked));
        }
        if !self.use_cases.contains(&terms.use_case) {
            let (allowed, asked) = (list(&self.use_cases), terms.use_case.clone());
            found.push(Beyond::new("deployment.use-case", allowed, asked));
        }
        for category in &terms.categories {
            if !self.categories.contains(category) {
                let allowed = list(&self.categories);
                found.push(Beyond::new(
                    "watchlist.categories",
                    allowed,
                    category.clone(),
                ));
            }
        }
        for mode in &terms.modes {
            if self.mode(*mode).is_none() {
                let allowed: Vec<_> = self.modes.iter().map(|rule| rule.mode.name()).collect();
                found.push(Beyond::new(
                    "authority.modes",
                    allowed.join(", "),
                    mode.name().to_owned(),
                ));
            }
        }
        found
    }
}

/// Rules as they were adopted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdoptedRules {
    /// What they say.
    pub rules: Rules,
    /// SHA-256 of the text.
    pub sha256: String,
    /// The text, as it was signed.
    pub text: String,
    /// The public key that signed it, 64 hexadecimal digits.
    pub key: String,
    /// The signature, 128 hexadecimal digits.
    pub signature: String,
    /// Who adopted them.
    pub by: By,
    /// When.
    pub at: Timestamp,
}

/// A signed rules file that is to be adopted. What its text says has been read by whoever calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedRules {
    /// What the text says.
    pub rules: Rules,
    /// The text.
    pub text: String,
    /// The public key.
    pub key: [u8; 32],
    /// The signature of [`RULES_DOMAIN`] and the text.
    pub signature: [u8; 64],
}

impl SignedRules {
    fn is_signed(&self) -> bool {
        let message = [RULES_DOMAIN, self.text.as_bytes()].concat();
        PublicKey::new(self.key)
            .verify(message, &Signature::new(self.signature))
            .is_ok()
    }
}

impl Force {
    /// Puts rules in force. The first ones pin the key that signs all others.
    ///
    /// # Errors
    /// [`ForceError::MayNot`]; [`ForceError::RulesUnsigned`], [`ForceError::RulesKey`], [`ForceError::RulesVersion`].
    pub fn adopt_rules(
        &self,
        signed: &SignedRules,
        by: &SignedIn,
        now: &Moment,
    ) -> Result<AdoptedRules, ForceError> {
        if !signed.is_signed() {
            return Err(ForceError::RulesUnsigned);
        }
        let rules = &signed.rules;
        self.change(|change| {
            let by = still(change, by, PersonRole::AuthorisingOfficer, now)?;
            let key = hex::encode(signed.key);
            if let Some(before) = in_force(change)? {
                if before.key != key {
                    let pinned = before.key;
                    return Err(ForceError::RulesKey { pinned, key }.into());
                }
                if before.rules.version >= rules.version {
                    return Err(ForceError::RulesVersion {
                        adopted: before.rules.version,
                        version: rules.version,
                    }
                    .into());
                }
            }
            let sha256 = hex::encode(Sha256::digest(signed.text.as_bytes()));
            change.log(
                now.at,
                Actor::from(&by),
                AuditEvent::RulesAdopted {
                    version: rules.version,
                    sha256: sha256.clone(),
                    key: key.clone(),
                },
            )?;
            let adopted = AdoptedRules {
                rules: rules.clone(),
                sha256,
                text: signed.text.clone(),
                key,
                signature: hex::encode(signed.signature),
                by,
                at: now.at,
            };
            change
                .open_table(RULES)?
                .insert(rules.version, RowBytes::of(&adopted)?)?;
            Ok(adopted)
        })
    }

    /// The rules in force; `None` where none were adopted.
    ///
    /// # Errors
    /// Whatever is wrong with the store.
    pub fn rules(&self) -> Result<Option<AdoptedRules>, ForceError> {
        self.read(|reading| newest(&reading.open_table(RULES)?))
    }

    /// Every version, oldest first.
    ///
    /// # Errors
    /// Whatever is wrong with the store.
    pub fn all_rules(&self) -> Result<Vec<AdoptedRules>, ForceError> {
        self.read(|reading| {
            let mut found = Vec::new();
            for row in reading.open_table(RULES)?.iter()? {
                found.push(row?.1.value().read()?);
            }
            Ok(found)
        })
    }
}

type RulesRow = crate::tables::Row<AdoptedRules>;

fn newest(rules: &impl ReadableTable<u32, RulesRow>) -> Result<Option<AdoptedRules>, Stop> {
    match rules.last()? {
        None => Ok(None),
        Some((_, row)) => Ok(Some(row.value().read()?)),
    }
}

/// The rules in force, in a change.
pub(super) fn in_force(change: &Changing<'_>) -> Result<Option<AdoptedRules>, Stop> {
    let table: Table<'_, u32, RulesRow> = change.open_table(RULES)?;
    newest(&table)
}

/// The same where there have to be some.
pub(super) fn required(change: &Changing<'_>) -> Result<AdoptedRules, Stop> {
    in_force(change)?.ok_or_else(|| ForceError::NoRules.into())
}
