//! The gate before a live run or a search: everything that is missing, not the first thing. What a rehearsal needs is none of it.

use super::super::error::ForceError;
use super::super::layout;
use super::super::log::Changing;
use super::super::person::{Person, PersonRole};
use super::super::rules::{self, AdoptedRules, ModeRule};
use super::super::session::again;
use super::super::signed_in::{By, MayNot, SignedIn};
use super::super::{Force, Moment, Stop};
use super::entry::{RegisterEntry, RegisterState, RegisterStep};
use super::terms::{Beyond, DocumentKind, Mode, Terms, hours_between};
use super::{newest_of, step};
use crate::retention::Timestamp;
use redb::ReadableTable;
use std::path::PathBuf;

/// A live run or a search that is to begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunAsked {
    /// How faces are to be searched.
    pub mode: Mode,
    /// What the deployment file says now.
    pub terms: Terms,
    /// The watchlist as it is.
    pub watchlist: WatchlistFacts,
    /// SHA-256 of the lock; absent: there is none.
    pub lock_sha256: Option<String>,
}

/// A watchlist, as far as the gate asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WatchlistFacts {
    /// People on it.
    pub entries: u32,
    /// When its oldest image was enrolled.
    pub oldest: Option<Timestamp>,
    /// Whether an authorising officer has approved it.
    pub approval: ListApproved,
    /// Days for which it can be told who was on it.
    pub membership_days: u32,
}

/// How a watchlist stands to its approval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListApproved {
    /// Nobody has ever approved it.
    #[default]
    Never,
    /// It has changed since it was approved.
    Changed,
    /// It is approved as it stands.
    AsItStands,
}

/// Something that keeps a live run from beginning.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// There is no store of the force.
    #[error("there is no force here: {path} is not there")]
    NoForce {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// No rules were adopted.
    #[error("the force has adopted no rules")]
    Rules,
    /// Nobody is signed in.
    #[error("nobody is signed in, so nobody would answer for the run")]
    NobodySignedIn,
    /// Who is signed in may not start it.
    #[error(transparent)]
    Starter(MayNot),
    /// It is in no register.
    #[error("{deployment} is not in the register")]
    NotPlanned {
        /// Its id.
        deployment: String,
    },
    /// The register says something else than authorised.
    #[error("the register says that deployment {number} is {state}, not authorised")]
    NotAuthorised {
        /// Its number.
        number: u32,
        /// Its state.
        state: RegisterState,
    },
    /// It is not the time.
    #[error("it is {now}, and deployment {number} is authorised from {start} to {until}")]
    Window {
        /// Its number.
        number: u32,
        /// When it begins.
        start: Timestamp,
        /// When it ends.
        until: Timestamp,
        /// The time.
        now: Timestamp,
    },
    /// Who is signed in has none of the roles that may start it.
    #[error("{person} is none of those who may start it: {}", names(roles))]
    StarterRole {
        /// Their id.
        person: String,
        /// The roles.
        roles: Vec<PersonRole>,
    },
    /// The deployment file does not turn the mode on.
    #[error("the deployment file does not turn the mode {mode} on")]
    ModeOff {
        /// The mode.
        mode: Mode,
    },
    /// The authority is for other modes.
    #[error("{mode} is not among the modes that deployment {number} is authorised for")]
    Mode {
        /// Its number.
        number: u32,
        /// The mode.
        mode: Mode,
    },
    /// The file goes beyond what was authorised.
    #[error("beyond the authority: {0}")]
    BeyondAuthority(Beyond),
    /// The file goes beyond the force's rules as they are now.
    #[error("beyond the force's rules: {0}")]
    BeyondRules(Beyond),
    /// Too few people.
    #[error(
        "the rules ask for {needed} of role {role} with a valid credential, and there are {found}"
    )]
    People {
        /// The role.
        role: PersonRole,
        /// How many there have to be.
        needed: u32,
        /// How many there are.
        found: u32,
    },
    /// A document that the rules ask for.
    #[error("the rules ask for a document in force: {0}")]
    Document(DocumentKind),
    /// The public was not told, or too late.
    #[error("the rules ask that the public be told {hours} hours before the start; {}", match since {
        Some(since) => format!("it was told {since}"),
        None => "it was not told".to_owned(),
    })]
    Notice {
        /// Hours before the start.
        hours: u32,
        /// Since when it was told.
        since: Option<Timestamp>,
    },
    /// The floor has no calibration.
    #[error("the rules ask for a calibration of the score floor")]
    Calibration,
    /// The watchlist is too large.
    #[error("the watchlist has {entries} people, and {most} are authorised")]
    WatchlistSize {
        /// People on it.
        entries: u32,
        /// At most.
        most: u32,
    },
    /// The watchlist is too old.
    #[error(
        "the watchlist's oldest image was enrolled {hours} hours before the start, and {most} are authorised"
    )]
    WatchlistAge {
        /// Its age at the start, hours.
        hours: u64,
        /// At most.
        most: u32,
    },
    /// Nobody has approved the watchlist as it stands.
    #[error("{}", match changed {
        true => "the watchlist has changed since it was approved",
        false => "nobody has approved the watchlist",
    })]
    WatchlistApproval {
        /// Whether it was approved before somebody changed it.
        changed: bool,
    },
    /// It can be told for too long who was on the watchlist.
    #[error("it can be told for {days} days who was on the watchlist, and the rules allow {most}")]
    Membership {
        /// Days.
        days: u32,
        /// At most.
        most: u32,
    },
    /// Nothing was locked.
    #[error("there is no lock: nobody has decided what runs")]
    Lock,
}

fn names(roles: &[PersonRole]) -> String {
    let names: Vec<_> = roles.iter().map(|role| role.name()).collect();
    names.join(", ")
}

impl Missing {
    /// What the reader can do about it.
    pub fn mend(&self) -> String {
        match self {
            Self::NoForce { .. } => "make the force's first person: `overt people init ID …`; or correct `force` under [host]".into(),
            Self::Rules => "an authorising officer adopts them: `overt rules adopt rules.toml`".into(),
            Self::NobodySignedIn => "somebody signs in who may start it (`overt rules show`): `overt sign-in ID`".into(),
            Self::StarterRole { .. } => "somebody who has one of them signs in: `overt sign-in ID`".into(),
            Self::ModeOff { mode } => format!(
                "name it in `modes` under [authority] of the deployment file, and have the deployment authorised with it: modes = [\"{mode}\"]"
            ),
            Self::Starter(cause) => cause.mend(),
            Self::NotPlanned { .. } => "an authorising officer plans it: `overt deployment plan DEPLOYMENT`".into(),
            Self::NotAuthorised { state: RegisterState::Planned, .. } => {
                "an authorising officer decides: `overt deployment authorise DEPLOYMENT --reference REF`".into()
            }
            Self::NotAuthorised { .. } => "plan it anew under an id of its own: `overt deployment plan DEPLOYMENT`".into(),
            Self::Window { .. } => {
                "start it within its window, or have it extended before it ends: `overt deployment extend DEPLOYMENT --until TIME`".into()
            }
            Self::Mode { mode, .. } => format!("plan a deployment whose `modes` under [authority] hold \"{mode}\""),
            Self::BeyondAuthority(beyond) => format!(
                "put `{}` back within the authority, or have another deployment authorised",
                beyond.part
            ),
            Self::BeyondRules(beyond) => format!(
                "put `{}` within the rules (`overt rules show`), or have them changed",
                beyond.part
            ),
            Self::People { role, .. } => format!(
                "an authorising officer puts people and credentials on record: `overt people credential add ID --role {role} …`"
            ),
            Self::Document(kind) => format!("name it in the deployment file: [[document]] with kind = \"{kind}\", and plan with it"),
            Self::Notice { .. } => "tell the public, and say where and since when: [notice] with where and since".into(),
            Self::Calibration => "measure one with `overt evaluate identification`, and name it: `calibration` under [authority]".into(),
            Self::WatchlistSize { .. } => "take people off: `overt watchlist remove`".into(),
            Self::WatchlistAge { .. } => "make the watchlist anew: remove who is on it and enrol again".into(),
            Self::WatchlistApproval { .. } => "an authorising officer looks through it and approves it: `overt watchlist check DEPLOYMENT`, `overt watchlist approve DEPLOYMENT`".into(),
            Self::Membership { most, .. } => format!("write `membership-days = {most}` or less under [retention]"),
            Self::Lock => "a system engineer locks it: `overt lock DEPLOYMENT`; to try something out, `overt run DEPLOYMENT --rehearsal`".into(),
        }
    }
}

/// A live run or a search that may begin, and is on record as begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunStarted {
    /// The deployment's entry, this run in it.
    pub entry: RegisterEntry,
    /// The run's number among the deployment's.
    pub run: u32,
    /// Who started it.
    pub by: By,
}

/// What the gate looks at, in one snapshot.
struct Gate<'g> {
    rules: Option<AdoptedRules>,
    entry: Option<RegisterEntry>,
    people: Vec<Person>,
    now: Timestamp,
    latest: Timestamp,
    asked: &'g RunAsked,
}

impl Gate<'_> {
    fn missing(&self) -> Vec<Missing> {
        let mut missing = Vec::new();
        let (terms, mode) = (&self.asked.terms, self.asked.mode);
        // Where the file has it, the rules and the authority are held against the file's modes.
        if !terms.modes.contains(&mode) {
            missing.push(Missing::ModeOff { mode });
        }
        match &self.rules {
            None => missing.push(Missing::Rules),
            Some(adopted) => self.against_rules(adopted, &mut missing),
        }
        match &self.entry {
            None => missing.push(Missing::NotPlanned {
                deployment: terms.deployment.clone(),
            }),
            Some(entry) => self.against_entry(entry, &mut missing),
        }
        self.watchlist(&mut missing);
        if self.asked.lock_sha256.is_none() {
            missing.push(Missing::Lock);
        }
        missing
    }

    /// Whoever starts it, in the first of the roles that may which they can act in now.
    fn starter(&self, who: &SignedIn) -> Result<By, Missing> {
        let rule = self
            .rules
            .as_ref()
            .and_then(|adopted| adopted.rules.mode(self.asked.mode));
        let roles = rule.map_or_else(ModeRule::started_by_engineers, |rule| {
            rule.started_by.clone()
        });
        let mut closest = None;
        for role in &roles {
            match who.acting_as(*role) {
                Ok(by) => return Ok(by),
                // Who has the role lacks a credential for it, which says more.
                Err(cause @ (MayNot::Credential { .. } | MayNot::Expired { .. })) => {
                    closest = Some(cause);
                }
                Err(cause) if roles.len() == 1 => closest = Some(cause),
                Err(_) => {}
            }
        }
        Err(match closest {
            Some(cause) => Missing::Starter(cause),
            None => Missing::StarterRole {
                person: who.id().to_owned(),
                roles,
            },
        })
    }

    fn against_rules(&self, adopted: &AdoptedRules, missing: &mut Vec<Missing>) {
        let (rules, terms) = (&adopted.rules, &self.asked.terms);
        missing.extend(rules.breaches(terms).into_iter().map(Missing::BeyondRules));
        for rule in &rules.people {
            let may = |person: &&Person| person.may_act_as(rule.role, self.now.max(self.latest));
            let found = self.people.iter().filter(may).count();
            let found = u32::try_from(found).unwrap_or(u32::MAX);
            if found < rule.count {
                let (role, needed) = (rule.role, rule.count);
                missing.push(Missing::People {
                    role,
                    needed,
                    found,
                });
            }
        }
        for kind in &rules.documents {
            if !terms.documents.iter().any(|found| found.kind == *kind) {
                missing.push(Missing::Document(*kind));
            }
        }
        if let Some(hours) = rules.notice_hours {
            let since = terms.notice.as_ref().map(|notice| notice.since);
            let told = since
                .is_some_and(|since| since <= self.now && since.after_hours(hours) <= terms.start);
            if !told {
                missing.push(Missing::Notice { hours, since });
            }
        }
        if rules.calibration && terms.calibration_sha256.is_none() {
            missing.push(Missing::Calibration);
        }
    }

    fn against_entry(&self, entry: &RegisterEntry, missing: &mut Vec<Missing>) {
        let (number, state) = (entry.number(), entry.state());
        if state != RegisterState::Authorised {
            missing.push(Missing::NotAuthorised { number, state });
            return;
        }
        if !entry.is_open_at(self.now, self.latest) {
            let (start, until) = (entry.terms().start, entry.until());
            // Where the calendar was set back, the latest time that it has shown says why.
            let now = match self.now < start {
                true => self.now,
                false => self.now.max(self.latest),
            };
            missing.push(Missing::Window {
                number,
                start,
                until,
                now,
            });
        }
        let mode = self.asked.mode;
        if !entry.allows(mode) {
            missing.push(Missing::Mode { number, mode });
        }
        let beyond = self.asked.terms.beyond(entry.terms(), entry.until());
        missing.extend(beyond.into_iter().map(Missing::BeyondAuthority));
    }

    /// By the terms that were authorised; by those of the file where nothing was.
    fn watchlist(&self, missing: &mut Vec<Missing>) {
        let terms = self
            .entry
            .as_ref()
            .map_or(&self.asked.terms, RegisterEntry::terms);
        let WatchlistFacts {
            entries,
            oldest,
            approval,
            membership_days: days,
        } = self.asked.watchlist;
        // That nobody is on it is told when it is loaded.
        if approval != ListApproved::AsItStands && entries > 0 {
            let changed = approval == ListApproved::Changed;
            missing.push(Missing::WatchlistApproval { changed });
        }
        if let Some(adopted) = &self.rules {
            let most = adopted.rules.keep.commitments_days;
            if days > most {
                missing.push(Missing::Membership { days, most });
            }
        }
        let most = terms.watchlist_size;
        if entries > most {
            missing.push(Missing::WatchlistSize { entries, most });
        }
        if let Some(oldest) = oldest {
            let hours = hours_between(oldest, terms.start);
            let most = terms.watchlist_age_hours;
            if hours > u64::from(most) {
                missing.push(Missing::WatchlistAge { hours, most });
            }
        }
    }
}

fn gate<'g>(change: &Changing<'_>, asked: &'g RunAsked, now: &Moment) -> Result<Gate<'g>, Stop> {
    let mut people = Vec::new();
    for row in change.open_table(layout::PEOPLE)?.iter()? {
        people.push(row?.1.value().read()?.person);
    }
    Ok(Gate {
        rules: rules::in_force(change)?,
        entry: newest_of(change, &asked.terms.deployment)?,
        people,
        now: now.at,
        latest: layout::latest(change, now.at)?,
        asked,
    })
}

impl Force {
    /// Everything that keeps a live run or a search from beginning now, but for who starts it.
    ///
    /// # Errors
    /// Whatever is wrong with the store; that there is none is in the answer.
    pub fn missing(&self, asked: &RunAsked, now: &Moment) -> Result<Vec<Missing>, ForceError> {
        let looked = self.change(|change| Ok(gate(change, asked, now)?.missing()));
        match looked {
            Err(ForceError::Missing { path }) => Ok(vec![Missing::NoForce { path }]),
            looked => looked,
        }
    }

    /// Puts a live run or a search on record as begun, by somebody whom the rules let start it, if nothing is missing.
    ///
    /// # Errors
    /// [`ForceError::NotReady`] with everything that is missing.
    pub fn begin_run(
        &self,
        asked: &RunAsked,
        by: &SignedIn,
        now: &Moment,
    ) -> Result<RunStarted, ForceError> {
        self.change(|change| {
            let mut missing = Vec::new();
            let gate = gate(change, asked, now)?;
            let starter = gate.starter(&again(change, by, now)?);
            missing.extend(gate.missing());
            let (by, lock_sha256) = match (starter, &asked.lock_sha256) {
                (Ok(by), Some(lock)) if missing.is_empty() => (by, lock.clone()),
                (starter, _) => {
                    if let Err(cause) = starter {
                        missing.insert(0, cause);
                    }
                    return Err(ForceError::NotReady { missing }.into());
                }
            };
            // There is an entry where nothing is missing.
            let Some(entry) = gate.entry else {
                return Err(ForceError::NotReady { missing }.into());
            };
            let run = u32::try_from(entry.runs().len() + 1).unwrap_or(u32::MAX);
            let mode = asked.mode;
            let begun = RegisterStep::RunBegun {
                run,
                mode,
                lock_sha256,
            };
            let entry = step(change, entry.number(), begun, &by, now.at)?;
            Ok(RunStarted { entry, run, by })
        })
    }

    /// Puts the end of a run on record, under whoever started it.
    ///
    /// # Errors
    /// [`ForceError::OutOfTurn`] where it is not on record as begun, or has ended.
    pub fn end_run(
        &self,
        started: &RunStarted,
        interrupted: bool,
        now: Timestamp,
    ) -> Result<RegisterEntry, ForceError> {
        let (number, run) = (started.entry.number(), started.run);
        self.change(|change| {
            let ended = RegisterStep::RunEnded { run, interrupted };
            step(change, number, ended, &started.by, now)
        })
    }
}
