//! From the text of a rules file to checked [`RulesFile`], or to every mistake in it. Every number but those that nobody needs is required: a policy does not rest
//! on what a program takes for granted.

use toml::de::DeTable;

use super::authority::{DOCUMENTS, MODES};
use super::{syntax, words};
use crate::limits::{self, Bound};
use crate::problem::Problems;
use crate::reader::{At, Notes, Table, Value};
use crate::rules::{ModeOfRules, RulesFile, WatchlistOfRules};
use crate::text::Text;

/// Roles of people, by name.
const ROLES: [&str; 5] = [
    "authorising-officer",
    "system-engineer",
    "operator",
    "engagement-officer",
    "auditor",
];

/// Who starts a run where the rules do not say.
const ENGINEER: &str = "system-engineer";

/// Checks a whole file.
pub(crate) fn rules(text: Text) -> Result<RulesFile, Problems> {
    let (table, errors) = DeTable::parse_recoverable(text.source());
    let syntax = syntax::sort(&text, &table, errors);
    let notes = Notes::new(&text, syntax.refused);
    for problem in syntax.problems {
        notes.add(problem);
    }
    let found = match syntax.structure_is_broken {
        true => None,
        false => parts(&Table::new(&notes, table.get_ref(), String::new(), 0..0)),
    };
    let (list, omitted) = notes.into_problems();
    match found {
        Some(found) if list.is_empty() => Ok(found),
        _ => Err(Problems::new(list, omitted, text.clone())),
    }
}

/// A number within its bound, which fits: no bound here is above four thousand million.
fn number(table: &Table<'_, '_>, key: &'static str, bound: Bound) -> Option<u32> {
    let example = bound.default.to_string();
    let found = table.required_integer(key, bound.range(), &example)?;
    u32::try_from(found).ok()
}

fn parts(root: &Table<'_, '_>) -> Option<RulesFile> {
    const VERSION: Bound = Bound {
        least: 1,
        default: 1,
        most: u32::MAX as u64,
    };
    let notes = root.notes();
    let section = |name| {
        root.require(name, "a table", &format!("[{name}]"))
            .and_then(|value| value.table(notes))
    };
    let version = number(root, "version", VERSION);
    let force = words::text(root, "force", "whose rules these are");
    let documents = root
        .require(
            "documents",
            "the documents that have to be in force",
            r#"["sop", "dpia"]"#,
        )
        .and_then(|value| words::listed(value, notes, "a kind of document", &DOCUMENTS));
    let arrest_reasons = match root.find("arrest-reasons") {
        None => Some(Vec::new()),
        Some(value) => closed(
            value,
            notes,
            "a list of names, what an arrest may be for each",
            "what an arrest may be for",
        ),
    };
    let authority = section("authority").and_then(authority);
    let mut modes = Vec::new();
    let mut names = Vec::new();
    for table in root.tables("mode") {
        modes.push(mode(table, &mut names));
    }
    words::unique(notes, &names.iter().collect::<Vec<_>>(), "mode");
    let modes: Option<Vec<_>> = modes.into_iter().collect();
    let watchlist = section("watchlist").and_then(watchlist);
    let hours = |name, keys: [(&'static str, Bound); 3]| {
        let table = section(name)?;
        let found = keys.map(|(key, bound)| number(&table, key, bound));
        table.finish();
        let [a, b, c] = found;
        Some([a?, b?, c?])
    };
    let retention = hours(
        "retention",
        [
            ("alerts-hours", limits::ALERTS_HOURS),
            (
                "inputs-hours",
                Bound {
                    default: 24,
                    ..limits::INPUTS_HOURS
                },
            ),
            ("watchlist-hours", limits::WATCHLIST_HOURS),
        ],
    );
    let judgement = hours(
        "judgement",
        [
            ("adjudicate-seconds", limits::ADJUDICATE_SECONDS),
            ("engage-seconds", limits::ENGAGE_SECONDS),
            ("locate-seconds", limits::LOCATE_SECONDS),
        ],
    );
    let people = section("people").map(people);
    let keep = section("keep").and_then(|table| {
        let register = number(&table, "register-days", limits::KEEP_DAYS);
        let commitments = number(&table, "commitments-days", limits::KEEP_DAYS);
        table.finish();
        Some((register?, commitments?))
    });
    root.finish();
    let authority = authority?;
    let (register_days, commitments_days) = keep?;
    Some(RulesFile {
        version: version?,
        force: force?,
        documents: documents?,
        arrest_reasons: arrest_reasons?,
        planner_may_authorise: authority.planner_may_authorise,
        longest_hours: authority.longest_hours,
        use_cases: authority.use_cases,
        calibration: authority.calibration,
        notice_hours: authority.notice_hours,
        modes: modes?,
        watchlist: watchlist?,
        retention_hours: retention?,
        judgement_seconds: judgement?,
        people: people?,
        register_days,
        commitments_days,
        source: notes.text().source().to_owned(),
    })
}

/// `[authority]` of the rules.
struct AuthorityOfRules {
    planner_may_authorise: bool,
    longest_hours: u32,
    use_cases: Vec<String>,
    calibration: bool,
    notice_hours: Option<u32>,
}

fn authority(table: Table<'_, '_>) -> Option<AuthorityOfRules> {
    let planner = table.flag("planner-may-authorise");
    let longest = number(&table, "longest-hours", limits::WINDOW_HOURS);
    let use_cases = closed_list(&table, "use-cases", "a use case", r#"["crime-hotspot"]"#);
    let calibration = table.flag("calibration");
    let notice = table.find("notice-hours").is_some();
    let notice_hours = table.integer("notice-hours", 0..=limits::WINDOW_HOURS.most);
    table.finish();
    let notice_hours = match notice {
        true => Some(u32::try_from(notice_hours?).ok()?),
        false => None,
    };
    Some(AuthorityOfRules {
        planner_may_authorise: planner?,
        longest_hours: longest?,
        use_cases: use_cases?,
        calibration: calibration?,
        notice_hours,
    })
}

/// A list of at least one name.
fn closed_list(
    table: &Table<'_, '_>,
    key: &'static str,
    what: &str,
    example: &str,
) -> Option<Vec<String>> {
    let notes = table.notes();
    let expected = format!("a list of names, {what} each");
    let value = table.require(key, &expected, example)?;
    closed(value, notes, &expected, what)
}

/// The same of a value that is there.
fn closed(value: Value<'_>, notes: &Notes<'_>, expected: &str, what: &str) -> Option<Vec<String>> {
    let whole: At<()> = At {
        value: (),
        key: value.key.clone(),
        span: value.span.clone(),
    };
    let items = value.items(notes, expected)?;
    if items.is_empty() || items.len() > limits::CATEGORIES {
        let expected = format!("1 to {} of them", limits::CATEGORIES);
        whole.complain(notes, expected, "name each that is allowed");
    }
    words::names(items, notes, what, "name")
}

/// A list of ranks: texts, for a rank may have two words.
fn ranks(table: &Table<'_, '_>, key: &'static str, is_required: bool) -> Option<Vec<String>> {
    const EXPECTED: &str = "a list of ranks";
    let notes = table.notes();
    let value = match is_required {
        true => table.require(key, EXPECTED, r#"["superintendent"]"#)?,
        false => match table.find(key) {
            None => return Some(Vec::new()),
            Some(value) => value,
        },
    };
    let whole: At<()> = At {
        value: (),
        key: value.key.clone(),
        span: value.span.clone(),
    };
    let items = value.items(notes, EXPECTED)?;
    if items.is_empty() || items.len() > limits::RANKS {
        let expected = format!("1 to {} ranks", limits::RANKS);
        whole.complain(notes, expected, "name each rank that may");
        return None;
    }
    items
        .into_iter()
        .map(|item| Some(item.string(notes, "a rank")?.value.to_owned()))
        .collect()
}

fn mode(table: Table<'_, '_>, names: &mut Vec<At<String>>) -> Option<ModeOfRules> {
    let name = table
        .require("name", "the mode", "\"live\"")
        .and_then(|value| words::word(value, table.notes(), "the mode", &MODES));
    let allowed = ranks(&table, "ranks", true);
    let urgent = ranks(&table, "urgent-ranks", false);
    let hours = match &urgent {
        Some(ranks) if !ranks.is_empty() => number(&table, "urgent-hours", limits::WINDOW_HOURS),
        _ => Some(
            table
                .integer("urgent-hours", limits::WINDOW_HOURS.range())
                .and_then(|hours| u32::try_from(hours).ok())
                .unwrap_or(0),
        ),
    };
    let started_by = match table.find("started-by") {
        None => Some(vec![ENGINEER]),
        Some(value) => words::listed(
            value,
            table.notes(),
            "a role",
            &ROLES.map(|role| (role, role)),
        ),
    };
    table.finish();
    if let Some(name) = &name {
        let word = MODES.iter().find(|(_, mode)| *mode == name.value);
        names.push(
            name.clone()
                .map(|_| word.map_or("", |(word, _)| word).to_owned()),
        );
    }
    Some(ModeOfRules {
        mode: name?.value,
        ranks: allowed?,
        urgent_ranks: urgent?,
        urgent_hours: hours?,
        started_by: started_by?,
    })
}

fn watchlist(table: Table<'_, '_>) -> Option<WatchlistOfRules> {
    let categories = closed_list(&table, "categories", "a category", r#"["missing-person"]"#);
    let size = number(&table, "size", limits::WATCHLIST_SIZE);
    let age = number(&table, "age-hours", limits::WATCHLIST_AGE_HOURS);
    let under = table.required_integer("approval-under", 0..=120, "18");
    table.finish();
    Some(WatchlistOfRules {
        categories: categories?,
        size: size?,
        age_hours: age?,
        approval_under: u8::try_from(under?).ok()?,
    })
}

/// `[people]`: a role that is not named needs nobody.
fn people(table: Table<'_, '_>) -> Vec<(&'static str, u32)> {
    let counts = ROLES.map(|role| (role, table.integer(role, 0..=10_000)));
    table.finish();
    counts
        .into_iter()
        .filter_map(|(role, count)| Some((role, u32::try_from(count?).ok()?)))
        .filter(|(_, count)| *count > 0)
        .collect()
}
