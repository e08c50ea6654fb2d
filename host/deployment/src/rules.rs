//! The force's rules: a file of its own, in which a force writes down its policy. It knows how the value is shaped; how the file is read, and what is a mistake in
//! it, stands in `check::rules`.

use std::path::Path;

use crate::deployment::{DocumentKind, Mode};
use crate::problem::Problems;
use crate::text::Text;

/// A checked rules file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RulesFile {
    /// `version`: grows with each change.
    pub version: u32,
    /// `force`: whose rules these are.
    pub force: String,
    /// `documents`: kinds that have to be in force.
    pub documents: Vec<DocumentKind>,
    /// `arrest-reasons`: the closed list of what an arrest may be for; empty where it is not put on record.
    pub arrest_reasons: Vec<String>,
    /// `authority.planner-may-authorise`, default false.
    pub planner_may_authorise: bool,
    /// `authority.longest-hours`: from a deployment's start to its end.
    pub longest_hours: u32,
    /// `authority.use-cases`: the closed list.
    pub use_cases: Vec<String>,
    /// `authority.calibration`: whether a score floor takes one, default false.
    pub calibration: bool,
    /// `authority.notice-hours`: before the start; absent: no notice is asked for.
    pub notice_hours: Option<u32>,
    /// `[[mode]]`: at least one, each once.
    pub modes: Vec<ModeOfRules>,
    /// `[watchlist]`.
    pub watchlist: WatchlistOfRules,
    /// `[retention]`: alerts, inputs, watchlist: the longest, hours.
    pub retention_hours: [u32; 3],
    /// `[judgement]`: adjudicate, engage, locate: the longest, seconds.
    pub judgement_seconds: [u32; 3],
    /// `[people]`: roles by name, and how many people of each there have to be.
    pub people: Vec<(&'static str, u32)>,
    /// `keep.register-days`.
    pub register_days: u32,
    /// `keep.commitments-days`.
    pub commitments_days: u32,
    pub(crate) source: String,
}

/// `[[mode]]`: a mode that is allowed, and who may authorise it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModeOfRules {
    /// `name`.
    pub mode: Mode,
    /// `ranks`.
    pub ranks: Vec<String>,
    /// `urgent-ranks`: who may as well where it is urgent, default nobody.
    pub urgent_ranks: Vec<String>,
    /// `urgent-hours`: the longest that an urgent deployment may last.
    pub urgent_hours: u32,
    /// `started-by`: roles, by name, that may start a run or a search of it; default the system engineer.
    pub started_by: Vec<&'static str>,
}

/// `[watchlist]` of the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WatchlistOfRules {
    /// `categories`: the closed list.
    pub categories: Vec<String>,
    /// `size`: people, at most.
    pub size: u32,
    /// `age-hours`: before the start, at most.
    pub age_hours: u32,
    /// `approval-under`: whoever is younger has an approval of their own.
    pub approval_under: u8,
}

impl RulesFile {
    /// Reads and checks a rules file.
    ///
    /// # Errors
    ///
    /// Every mistake in the file, in the order of its lines.
    pub fn read(file: &Path) -> Result<Self, Problems> {
        crate::check::rules::rules(Text::read(file, "rules file")?)
    }

    /// The same for a text that is already in memory.
    ///
    /// # Errors
    ///
    /// Every mistake in the text, in the order of its lines.
    pub fn parse(file: &Path, text: &str) -> Result<Self, Problems> {
        crate::check::rules::rules(Text::new(file, text.to_owned()))
    }

    /// The file's text, as it was read: what is signed.
    pub fn source(&self) -> &str {
        &self.source
    }
}
