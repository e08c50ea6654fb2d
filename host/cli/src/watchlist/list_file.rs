//! A watchlist as a CSV file: its columns, and what each may hold.

use std::collections::HashMap;
use std::fmt::Display;
use std::path::Path;
use std::str::FromStr;

use overt_records::{Day, Grounds, GroundsProblem, ImageFacts, ImageSource, Minor, Timestamp};

use super::sources::{ForAll, MOST, Photograph};
use crate::failure::Failure;

/// The columns, in the order in which they are told. The first three have to be there; and of everybody it has to be said that they are wanted or why they are
/// sought.
const COLUMNS: [&str; 12] = [
    "reference",
    "file",
    "category",
    "wanted",
    "reasons",
    "offence",
    "lawful-basis",
    "born",
    "under-18-reason",
    "under-18-approval",
    "source",
    "taken",
];

/// What stands between several reasons.
const BETWEEN: char = ';';

/// A line's fields by column.
struct Line<'r> {
    record: &'r csv::StringRecord,
    places: &'r HashMap<&'static str, usize>,
}

impl Line<'_> {
    fn field(&self, column: &str) -> Option<&str> {
        let place = self.places.get(column)?;
        self.record.get(*place).filter(|field| !field.is_empty())
    }

    fn text(&self, column: &str) -> Option<String> {
        self.field(column).map(str::to_owned)
    }

    fn parsed<T: FromStr<Err: Display>>(
        &self,
        column: &str,
        mend: &str,
    ) -> Result<Option<T>, String> {
        let parsed = self.field(column).map(str::parse).transpose();
        parsed.map_err(|error| format!("`{column}`: {error}; {mend}"))
    }

    fn wanted(&self, for_all: bool) -> Result<bool, String> {
        match self.field("wanted").map(str::to_lowercase).as_deref() {
            None => Ok(for_all),
            Some("yes" | "true" | "1") => Ok(true),
            Some("no" | "false" | "0") => Ok(false),
            Some(other) => Err(format!("`wanted` is {other:?}; write yes or no")),
        }
    }

    /// Why the person is sought. What the line does not say is said for all.
    fn grounds(&self, all: &Grounds, now: Timestamp, under: u8) -> Result<Grounds, String> {
        const DAY: &str = "write the day as 2008-05-31";
        let reasons = match self.field("reasons") {
            None => all.reasons.clone(),
            Some(reasons) => {
                let reasons = reasons.split(BETWEEN).map(str::trim);
                let said = reasons.filter(|reason| !reason.is_empty());
                said.map(str::to_owned).collect()
            }
        };
        let minor = match (self.text("under-18-reason"), self.text("under-18-approval")) {
            (None, None) => all.minor.clone(),
            (reason, approval) => Some(Minor {
                reason: reason.unwrap_or_default(),
                approval: approval.unwrap_or_default(),
            }),
        };
        let grounds = Grounds {
            wanted: self.wanted(all.wanted)?,
            reasons,
            offence: self.text("offence").or_else(|| all.offence.clone()),
            lawful_basis: self
                .text("lawful-basis")
                .or_else(|| all.lawful_basis.clone()),
            born: self.parsed("born", DAY)?.or(all.born),
            minor,
        };
        let told = |cause: GroundsProblem| format!("{cause}; {}", cause.mend());
        grounds.check(now, under).map_err(told)?;
        Ok(grounds)
    }

    fn facts(&self, all: ImageFacts) -> Result<ImageFacts, String> {
        let source: Option<ImageSource> = self.parsed("source", "write one of these")?;
        let taken: Option<Day> = self.parsed("taken", "write the day as 2026-05-31")?;
        Ok(ImageFacts {
            source: source.or(all.source),
            taken: taken.or(all.taken),
        })
    }
}

/// Which column stands where.
fn places(
    source: &Path,
    header: &csv::StringRecord,
    all: &ForAll<'_>,
) -> Result<HashMap<&'static str, usize>, Failure> {
    let (mut places, mut unknown) = (HashMap::new(), None);
    for (place, title) in header.iter().enumerate() {
        let title = title.trim_start_matches('\u{feff}');
        let named = |column: &&&str| title.eq_ignore_ascii_case(column);
        let Some(column) = COLUMNS.iter().find(named) else {
            unknown.get_or_insert(title);
            continue;
        };
        if places.insert(*column, place).is_some() {
            return Err(Failure::mistake(
                format!(
                    "{}:1: the column `{column}` is there twice",
                    source.display()
                ),
                "keep one of them",
            ));
        }
    }
    let absent: Vec<_> = ["reference", "file", "category"]
        .into_iter()
        .filter(|column| !places.contains_key(column))
        .filter(|column| *column != "category" || all.category.is_none())
        .map(|column| format!("`{column}`"))
        .collect();
    if !absent.is_empty() {
        return Err(Failure::mistake(
            format!(
                "{}:1: the columns {} are missing; found {:?}",
                source.display(),
                absent.join(" and "),
                header.iter().collect::<Vec<_>>()
            ),
            "write `reference,file,category,wanted,reasons` as the first line",
        ));
    }
    // One that is written wrongly would go unread without a word.
    match unknown {
        None => Ok(places),
        Some(title) => Err(Failure::mistake(
            format!("{}:1: the column `{title}` means nothing", source.display()),
            format!("the columns are `{}`", COLUMNS.join("`, `")),
        )),
    }
}

/// Reads a header and a line for each photograph. Paths start at the CSV file's own folder.
pub(super) fn read(
    source: &Path,
    all: &ForAll<'_>,
    now: Timestamp,
    under: u8,
) -> Result<(Vec<Photograph>, Vec<String>), Failure> {
    let file = std::fs::File::open(source).map_err(|error| Failure::file(source, &error))?;
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .flexible(true)
        .from_reader(file);
    let unreadable = |error: csv::Error| {
        Failure::mistake(
            format!("{}: {error}", source.display()),
            "save it as UTF-8 text, one line for each photograph, commas between",
        )
    };
    let header = reader.headers().map_err(unreadable)?.clone();
    let places = places(source, &header, all)?;
    let grounds_for_all = all.grounds.grounds();
    let (mut photographs, mut mistakes) = (Vec::<Photograph>::new(), Vec::new());
    // The first photograph of each entry, and its line.
    let mut first: HashMap<String, (usize, u64)> = HashMap::new();
    let base = source.parent().unwrap_or(Path::new(""));
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) if matches!(error.kind(), csv::ErrorKind::Io(_)) => {
                return Err(unreadable(error));
            }
            Err(error) => {
                mistakes.push(format!("{}: {error}", source.display()));
                continue;
            }
        };
        let number = record.position().map_or(0, csv::Position::line);
        let line = Line {
            record: &record,
            places: &places,
        };
        let photograph = photograph(&line, base, all, &grounds_for_all, now, under).and_then(|new| {
            let Some((place, before)) = first.get(&new.reference) else {
                return Ok(new);
            };
            let known = &photographs[*place];
            match known.grounds == new.grounds && known.category == new.category {
                true => Ok(new),
                false => Err(format!(
                    "{} is said to be sought for something else in line {before}; say the same in both",
                    new.reference
                )),
            }
        });
        match photograph {
            Ok(photograph) => {
                first
                    .entry(photograph.reference.clone())
                    .or_insert((photographs.len(), number));
                photographs.push(photograph);
            }
            Err(mistake) => mistakes.push(format!("{}:{number}: {mistake}", source.display())),
        }
        if photographs.len() > MOST {
            return Err(Failure::mistake(
                format!("{}: more than {MOST} photographs", source.display()),
                "enrol them in parts",
            ));
        }
    }
    Ok((photographs, mistakes))
}

/// One line, or what is wrong with it.
fn photograph(
    line: &Line<'_>,
    base: &Path,
    all: &ForAll<'_>,
    grounds: &Grounds,
    now: Timestamp,
    under: u8,
) -> Result<Photograph, String> {
    let category = line.field("category").or(all.category);
    let (Some(reference), Some(category), Some(file)) =
        (line.field("reference"), category, line.field("file"))
    else {
        let needed = [
            ("reference", line.field("reference")),
            ("category", category),
            ("file", line.field("file")),
        ];
        let absent: Vec<_> = needed
            .into_iter()
            .filter(|(_, field)| field.is_none())
            .map(|(name, _)| name)
            .collect();
        return Err(format!("no {}", absent.join(", no ")));
    };
    Ok(Photograph {
        reference: reference.to_owned(),
        category: category.to_owned(),
        file: base.join(file),
        grounds: line.grounds(grounds, now, under)?,
        facts: line.facts(all.grounds.facts())?,
    })
}
