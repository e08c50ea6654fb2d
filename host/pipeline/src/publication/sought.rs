//! The people sought and the people engaged, in the counts that their stores keep of them.

use std::collections::BTreeMap;

use overt_publication::field::Field;
use overt_publication::record::{Composition, ListSize, Mode, PeopleEngaged, Tally, Watchlist};
use overt_records::{DescribedCount, ListComposition, RecordsError, RunRecord, Store};

use super::{NEVER_RUN, mode_of};

const OLDER: &str = "an older version ran it and did not count";

/// The watchlist of these runs.
pub(super) fn watchlist(store: &Store, runs: &[RunRecord]) -> Result<Watchlist, RecordsError> {
    let why = match runs.is_empty() {
        true => NEVER_RUN,
        false => OLDER,
    };
    // A size of some runs would be no size of the deployment.
    let sizes: Option<Vec<_>> = runs.iter().map(|run| run.watchlist).collect();
    let sizes = sizes.unwrap_or_default();
    let size = |size: Option<overt_records::ListSize>| ListSize {
        people: Field::from_option(size.map(|size| size.people), why),
        images: Field::from_option(size.map(|size| size.images), why),
    };
    let everybody = match runs.is_empty() {
        true => None,
        false => store.everybody()?,
    };
    Ok(Watchlist {
        at_start: size(sizes.first().map(|sizes| sizes.start)),
        largest: size(sizes.iter().map(|sizes| sizes.largest).max()),
        at_end: size(sizes.last().map(|sizes| sizes.end)),
        everybody: match everybody {
            Some(everybody) => composition(&everybody),
            None => nobody_counted(why),
        },
    })
}

fn nobody_counted(why: &str) -> Composition {
    let (count, tallies) = (
        || Field::not_recorded(why),
        || Field::<Vec<Tally>>::not_recorded(why),
    );
    Composition {
        people: count(),
        images: count(),
        wanted_for_arrest: count(),
        not_wanted_for_arrest: count(),
        under_18: count(),
        by_category: tallies(),
        by_source: tallies(),
        reasons_not_wanted: tallies(),
    }
}

fn composition(of: &ListComposition) -> Composition {
    let not_wanted: u64 = of.not_wanted.values().sum();
    let said = of.wanted + not_wanted == of.people();
    let wanted = |count: u64| match said {
        true => Field::Recorded(count),
        false => Field::not_recorded("it was not said of everybody whether they were wanted"),
    };
    let tallies = |counts: &BTreeMap<String, u64>| {
        // A source that is named stands in the store as `other:NAME`.
        let tally = |(name, count): (&String, &u64)| {
            Tally::new(name.replacen("other:", "other: ", 1), *count)
        };
        Field::Recorded(counts.iter().map(tally).collect())
    };
    Composition {
        people: of.people().into(),
        images: of.images().into(),
        wanted_for_arrest: wanted(of.wanted),
        not_wanted_for_arrest: wanted(not_wanted),
        under_18: of.under_18.into(),
        by_category: tallies(&of.categories),
        by_source: tallies(&of.sources),
        // The reasons themselves are words about people and go with them; the category is the reason that stays.
        reasons_not_wanted: tallies(&of.not_wanted),
    }
}

/// Where a deployment ran in several modes, and an older version counted people without saying in which.
fn of_all_modes() -> PeopleEngaged {
    const WHY: &str = "an older version counted it of all modes of the deployment together";
    PeopleEngaged {
        ethnicity: Field::not_recorded(WHY),
        sex: Field::not_recorded(WHY),
        age_band: Field::not_recorded(WHY),
    }
}

/// The counts of a mode; `None` where some have no mode, and there are several that they could be of.
fn of_mode(
    mut described: Vec<DescribedCount>,
    mode: Mode,
    is_only: bool,
) -> Option<Vec<DescribedCount>> {
    if !is_only && described.iter().any(|count| count.mode.is_none()) {
        return None;
    }
    described.retain(|count| match count.mode {
        Some(of) => mode_of(of) == Some(mode),
        None => true,
    });
    Some(described)
}

/// The people who were engaged in a mode, so many of whom were stopped; `is_only` where the deployment ran in no other. Of whom nothing is counted, it is not recorded.
pub(super) fn engaged(
    store: &Store,
    mode: Mode,
    is_only: bool,
    stopped: u64,
) -> Result<PeopleEngaged, RecordsError> {
    const SILENT: &str = "not recorded";
    let Some(described) = of_mode(store.described()?, mode, is_only) else {
        return Ok(of_all_modes());
    };
    let counts = |what: &str| {
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for count in described.iter().filter(|count| count.what == what) {
            let name = match (count.value.as_str(), count.by.as_str()) {
                ("not-recorded", _) => SILENT.to_owned(),
                (value, "self") => format!("{value}, in their own words"),
                (value, _) => format!("{value}, in an officer’s words"),
            };
            *counts.entry(name).or_default() += count.people;
        }
        let counted: u64 = counts.values().sum();
        if stopped > counted {
            *counts.entry(SILENT.to_owned()).or_default() += stopped - counted;
        }
        let tally = |(name, count)| Tally { name, count };
        Field::Recorded(counts.into_iter().map(tally).collect())
    };
    Ok(PeopleEngaged {
        ethnicity: counts("ethnicity"),
        sex: counts("sex"),
        age_band: counts("age"),
    })
}

#[cfg(test)]
mod tests {
    use overt_records::RunMode;

    use super::*;

    fn count(mode: Option<RunMode>, people: u64) -> DescribedCount {
        DescribedCount {
            mode,
            what: "sex".to_owned(),
            value: "female".to_owned(),
            by: "self".to_owned(),
            people,
        }
    }

    #[test]
    fn each_mode_has_its_own_counts_and_what_has_no_mode_is_only_told_where_there_is_one() {
        let (live, stored) = (Some(RunMode::Live), Some(RunMode::Retrospective));
        let both = vec![count(live, 3), count(stored, 2)];
        let of = |described: &Vec<DescribedCount>, mode, is_only| {
            let found = of_mode(described.clone(), mode, is_only)?;
            Some(found.iter().map(|count| count.people).sum::<u64>())
        };
        assert_eq!(of(&both, Mode::Live, false), Some(3));
        assert_eq!(of(&both, Mode::Retrospective, false), Some(2));
        assert_eq!(of(&both, Mode::Operator, false), Some(0));
        let older = vec![count(None, 1), count(live, 3)];
        assert_eq!(of(&older, Mode::Live, true), Some(4));
        assert_eq!(of(&older, Mode::Live, false), None);
    }
}
