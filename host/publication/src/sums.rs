//! Do the counts of a record fit together? A sum that does not hold is shown with both sides, in every document; nothing is mended, because nobody here
//! knows which side is wrong.

use serde::Serialize;

use crate::facts::Facts;
use crate::field::{Absence, AbsenceKind};
use crate::fields;
use crate::text::grouped;

/// What stands in a sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Term {
    /// A count.
    Count(&'static str),
    /// The counts of all rows of a field.
    Rows(&'static str),
}

impl Term {
    fn path(self) -> &'static str {
        match self {
            Term::Count(path) | Term::Rows(path) => path,
        }
    }

    fn of(self, facts: &Facts) -> Result<u64, Absence> {
        match self {
            Term::Count(path) => facts.count(path),
            Term::Rows(path) => facts.sum(path),
        }
    }

    fn words(self) -> String {
        let label = fields::label(self.path());
        match self {
            Term::Count(_) => format!("“{label}”"),
            Term::Rows(_) => format!("all of “{label}”"),
        }
    }
}

/// How the two sides have to stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// They are the same.
    Equals,
    /// The left side is the right one or more.
    AtLeast,
}

/// A rule over the counts of a record.
struct Rule {
    id: &'static str,
    words: &'static str,
    left: &'static [Term],
    relation: Relation,
    right: &'static [Term],
}

use Relation::{AtLeast, Equals};
use Term::{Count as C, Rows as R};

const RULES: &[Rule] = &[
    Rule {
        id: "alerts-by-state",
        words: "every alert has ended in exactly one way, or is open",
        left: &[C("alerts.raised")],
        relation: Equals,
        right: &[
            C("alerts.rejected-not-this-person"),
            C("alerts.rejected-no-longer-wanted"),
            C("alerts.rejected-not-proportionate"),
            C("alerts.rejected-cannot-tell"),
            C("alerts.not-viable"),
            C("alerts.not-located"),
            C("alerts.confirmed-true"),
            C("alerts.confirmed-false"),
            C("alerts.lapsed"),
            C("alerts.withdrawn"),
            C("alerts.open"),
        ],
    },
    Rule {
        id: "false-alerts",
        words: "false alerts are those rejected as not this person and those confirmed as somebody else",
        left: &[C("alerts.false-alerts")],
        relation: Equals,
        right: &[
            C("alerts.rejected-not-this-person"),
            C("alerts.confirmed-false"),
        ],
    },
    Rule {
        id: "false-alerts-are-alerts",
        words: "no more alerts are false than were raised",
        left: &[C("alerts.raised")],
        relation: AtLeast,
        right: &[C("alerts.false-alerts")],
    },
    Rule {
        id: "alerts-over-time",
        words: "every alert has its time",
        left: &[C("alerts.raised")],
        relation: Equals,
        right: &[R("alerts.over-time")],
    },
    Rule {
        id: "alert-scores",
        words: "no more alerts have a score than were raised",
        left: &[C("alerts.raised")],
        relation: AtLeast,
        right: &[R("alerts.scores")],
    },
    Rule {
        id: "stops-by-identity",
        words: "at every stop an identity was checked, refused, not established, or not asked for",
        left: &[C("stops.total")],
        relation: Equals,
        right: &[
            C("stops.identity-not-asked"),
            C("stops.identity-checked"),
            C("stops.identity-refused"),
            C("stops.identity-not-established"),
        ],
    },
    Rule {
        id: "stops-confirmed",
        words: "every stop showed whether it was the person sought",
        left: &[C("stops.total")],
        relation: Equals,
        right: &[C("alerts.confirmed-true"), C("alerts.confirmed-false")],
    },
    Rule {
        id: "stops-are-alerts",
        words: "no more people were stopped than alerts were raised",
        left: &[C("alerts.raised")],
        relation: AtLeast,
        right: &[C("stops.total")],
    },
    Rule {
        id: "identity-checks-at-stops",
        words: "no more identities were checked than people were stopped",
        left: &[C("stops.total")],
        relation: AtLeast,
        right: &[C("stops.identity-checked")],
    },
    Rule {
        id: "verified-by-checks",
        words: "no more alerts were verified by an identity check than identities were checked",
        left: &[C("stops.identity-checked")],
        relation: AtLeast,
        right: &[C("stops.verified-correct")],
    },
    Rule {
        id: "verified-are-confirmed",
        words: "no more alerts were verified as correct than confirmed as the person sought",
        left: &[C("alerts.confirmed-true")],
        relation: AtLeast,
        right: &[C("stops.verified-correct")],
    },
    Rule {
        id: "fingerprints-at-stops",
        words: "fingerprints were asked for at no more stops than there were",
        left: &[C("stops.total")],
        relation: AtLeast,
        right: &[C("stops.fingerprints-asked")],
    },
    Rule {
        id: "outcomes",
        words: "every stop has one outcome, or none on record yet",
        left: &[C("stops.total")],
        relation: Equals,
        right: &[
            C("outcomes.arrests"),
            C("outcomes.other"),
            C("outcomes.no-further-action"),
            C("outcomes.pending"),
        ],
    },
    Rule {
        id: "arrests-at-stops",
        words: "no more people were arrested than stopped",
        left: &[C("stops.total")],
        relation: AtLeast,
        right: &[C("outcomes.arrests")],
    },
    Rule {
        id: "arrests-by-reason",
        words: "the arrests by what they were for are all arrests",
        left: &[C("outcomes.arrests")],
        relation: Equals,
        right: &[R("outcomes.arrests-by-reason")],
    },
    Rule {
        id: "ethnicity",
        words: "everybody who was stopped is counted once by ethnicity, as “not recorded” where it is not",
        left: &[C("stops.total")],
        relation: Equals,
        right: &[R("people-engaged.ethnicity")],
    },
    Rule {
        id: "sex",
        words: "everybody who was stopped is counted once by sex, as “not recorded” where it is not",
        left: &[C("stops.total")],
        relation: Equals,
        right: &[R("people-engaged.sex")],
    },
    Rule {
        id: "age-band",
        words: "everybody who was stopped is counted once by age band, as “not recorded” where it is not",
        left: &[C("stops.total")],
        relation: Equals,
        right: &[R("people-engaged.age-band")],
    },
    Rule {
        id: "cameras-by-kind",
        words: "the cameras by kind and owner are all cameras",
        left: &[C("cameras.total")],
        relation: Equals,
        right: &[R("cameras.groups")],
    },
    Rule {
        id: "body-worn-are-cameras",
        words: "no more cameras were worn on the body than there were",
        left: &[C("cameras.total")],
        relation: AtLeast,
        right: &[C("cameras.body-worn")],
    },
    Rule {
        id: "watchlist-largest-start",
        words: "the watchlist was at its largest no smaller than at the start",
        left: &[C("watchlist.largest.people")],
        relation: AtLeast,
        right: &[C("watchlist.at-start.people")],
    },
    Rule {
        id: "watchlist-largest-end",
        words: "the watchlist was at its largest no smaller than at the end",
        left: &[C("watchlist.largest.people")],
        relation: AtLeast,
        right: &[C("watchlist.at-end.people")],
    },
    Rule {
        id: "watchlist-everybody",
        words: "no fewer people were on the watchlist at any time than when it was largest",
        left: &[C("watchlist.everybody.people")],
        relation: AtLeast,
        right: &[C("watchlist.largest.people")],
    },
    Rule {
        id: "watchlist-by-category",
        words: "everybody on the watchlist has one category",
        left: &[C("watchlist.everybody.people")],
        relation: Equals,
        right: &[R("watchlist.everybody.by-category")],
    },
    Rule {
        id: "watchlist-by-wanted",
        words: "everybody on the watchlist is wanted for arrest or is not",
        left: &[C("watchlist.everybody.people")],
        relation: Equals,
        right: &[
            C("watchlist.everybody.wanted-for-arrest"),
            C("watchlist.everybody.not-wanted-for-arrest"),
        ],
    },
    Rule {
        id: "watchlist-reasons",
        words: "everybody not wanted for arrest is there for at least one reason",
        left: &[R("watchlist.everybody.reasons-not-wanted")],
        relation: AtLeast,
        right: &[C("watchlist.everybody.not-wanted-for-arrest")],
    },
    Rule {
        id: "watchlist-by-source",
        words: "every image of the watchlist has one source",
        left: &[C("watchlist.everybody.images")],
        relation: Equals,
        right: &[R("watchlist.everybody.by-source")],
    },
    Rule {
        id: "watchlist-images",
        words: "everybody on the watchlist has at least one image",
        left: &[C("watchlist.everybody.images")],
        relation: AtLeast,
        right: &[C("watchlist.everybody.people")],
    },
    Rule {
        id: "under-18",
        words: "no more people under 18 were on the watchlist than people",
        left: &[C("watchlist.everybody.people")],
        relation: AtLeast,
        right: &[C("watchlist.everybody.under-18")],
    },
    Rule {
        id: "frames",
        words: "every frame was looked at, left out for a newer one, or seen by no healthy plugin",
        left: &[C("frames.read")],
        relation: Equals,
        right: &[
            C("frames.processed"),
            C("frames.dropped"),
            C("frames.unseen"),
        ],
    },
    Rule {
        id: "passes-are-detected",
        words: "no more passes were seen than faces detected",
        left: &[C("faces.detections")],
        relation: AtLeast,
        right: &[C("faces.tracks")],
    },
];

/// A rule held against a record.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Check {
    /// The rule's name.
    pub id: &'static str,
    /// The rule.
    pub words: &'static str,
    /// The fields of the left side.
    pub left: Vec<&'static str>,
    /// How they have to stand to each other.
    pub relation: Relation,
    /// The fields of the right side.
    pub right: Vec<&'static str>,
    /// Whether it holds.
    pub verdict: Verdict,
    #[serde(skip)]
    sides: (String, String),
}

/// Whether a rule holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It holds.
    #[serde(rename_all = "kebab-case")]
    Holds {
        /// The left side.
        left: u64,
        /// The right side.
        right: u64,
    },
    /// It does not.
    #[serde(rename_all = "kebab-case")]
    DoesNotHold {
        /// The left side.
        left: u64,
        /// The right side: this, or more where something of it is not there.
        right: u64,
        /// What of the right side is not there; it cannot mend the sum.
        missing: Vec<Missing>,
    },
    /// Something is not there that it needs.
    #[serde(rename_all = "kebab-case")]
    CannotBeChecked {
        /// What.
        missing: Vec<Missing>,
    },
}

/// A field that a sum or a rate needs and that is not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Missing {
    /// The field.
    pub field: &'static str,
    /// Why it is not there.
    pub why: Absence,
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "“{}” is {}", fields::label(self.field), self.why)
    }
}

impl Check {
    /// Whether it does not hold.
    pub fn is_broken(&self) -> bool {
        matches!(self.verdict, Verdict::DoesNotHold { .. })
    }

    /// The two sides in words, without figures.
    pub fn sides(&self) -> (&str, &str) {
        (&self.sides.0, &self.sides.1)
    }

    /// The field that is redacted and can be worked out all the same, since nothing else of an equation is left out.
    pub(crate) fn only_redacted(&self) -> Option<&'static str> {
        match (&self.verdict, self.relation) {
            (Verdict::CannotBeChecked { missing }, Equals) => match missing.as_slice() {
                [only] if only.why.kind == AbsenceKind::Redacted => Some(only.field),
                _ => None,
            },
            _ => None,
        }
    }
}

impl std::fmt::Display for Check {
    /// In a sentence; with both sides where it does not hold.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Verdict::DoesNotHold {
            left,
            right,
            missing,
        } = &self.verdict
        else {
            return f.write_str(self.words);
        };
        let has_to = match self.relation {
            Equals => "would have to be the same as",
            AtLeast => "would have to be at least",
        };
        let at_least = if missing.is_empty() { "" } else { "at least " };
        write!(
            f,
            "{} is {}, and {has_to} {}, which is {at_least}{}",
            self.sides.0,
            grouped(*left),
            self.sides.1,
            grouped(*right)
        )
    }
}

/// Adds up what is there; what is not is told.
fn side(terms: &[Term], facts: &Facts) -> (u64, Vec<Missing>) {
    let mut missing = Vec::new();
    let mut sum = 0u64;
    for term in terms {
        match term.of(facts) {
            Ok(count) => sum = sum.saturating_add(count),
            Err(why) => missing.push(Missing {
                field: term.path(),
                why,
            }),
        }
    }
    (sum, missing)
}

/// Holds every rule against a record, in order.
pub fn checks(facts: &Facts) -> Vec<Check> {
    let words = |terms: &[Term]| {
        let words: Vec<_> = terms.iter().map(|term| term.words()).collect();
        words.join(" + ")
    };
    let check = |rule: &Rule| {
        let (left, mut missing) = side(rule.left, facts);
        let (right, missing_right) = side(rule.right, facts);
        let holds = match rule.relation {
            Equals => left == right,
            AtLeast => left >= right,
        };
        let verdict = if missing.is_empty() && right > left {
            // What is missing can only make the right side larger.
            Verdict::DoesNotHold {
                left,
                right,
                missing: missing_right,
            }
        } else if !missing.is_empty() || !missing_right.is_empty() {
            missing.extend(missing_right);
            Verdict::CannotBeChecked { missing }
        } else if holds {
            Verdict::Holds { left, right }
        } else {
            let missing = Vec::new();
            Verdict::DoesNotHold {
                left,
                right,
                missing,
            }
        };
        Check {
            id: rule.id,
            words: rule.words,
            left: rule.left.iter().map(|term| term.path()).collect(),
            relation: rule.relation,
            right: rule.right.iter().map(|term| term.path()).collect(),
            verdict,
            sides: (words(rule.left), words(rule.right)),
        }
    };
    RULES.iter().map(check).collect()
}

/// The sums that do not hold.
pub fn broken(facts: &Facts) -> Vec<Check> {
    let mut checks = checks(facts);
    checks.retain(Check::is_broken);
    checks
}
