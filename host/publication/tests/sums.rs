//! Any single count that is changed is noticed, and totals are the sums of their records.
#![allow(clippy::unwrap_used)]

mod support;

use overt_publication::facts::Facts;
use overt_publication::field::Field;
use overt_publication::fields;
use overt_publication::period::Period;
use overt_publication::record::{DeploymentRecord, Mode};
use overt_publication::register::RegisterState::Closed;
use overt_publication::sums::{broken, checks};
use proptest::prelude::*;
use serde_json::Value;
use support::{january, register, whole};

/// The same record with one count of it set.
fn with(record: &DeploymentRecord, path: &str, count: u64) -> DeploymentRecord {
    let mut value = serde_json::to_value(record).unwrap();
    let field = path
        .split('.')
        .fold(&mut value, |value, key| &mut value[key]);
    *field = serde_json::to_value(Field::Recorded(count)).unwrap();
    serde_json::from_value(value).unwrap()
}

/// The counts that stand in an equation: a change of one alone cannot hide.
fn in_equations() -> Vec<&'static str> {
    let facts = Facts::of(&whole(1), &[]).unwrap();
    let equations = checks(&facts)
        .into_iter()
        .filter(|check| check.relation == overt_publication::sums::Relation::Equals);
    let mut paths: Vec<_> = equations
        .flat_map(|check| [check.left, check.right].concat())
        .collect();
    paths.sort_unstable();
    paths.dedup();
    paths
}

#[test]
fn every_field_of_a_sum_or_a_rate_is_a_field_of_the_record() {
    let facts = Facts::of(&whole(1), &[]).unwrap();
    for check in checks(&facts) {
        for path in check.left.iter().chain(&check.right) {
            assert!(fields::named(path).is_some(), "{path}");
        }
        assert!(
            matches!(
                check.verdict,
                overt_publication::sums::Verdict::Holds { .. }
            ),
            "{check:?}"
        );
    }
}

#[test]
fn every_field_of_the_record_has_words_and_a_place_in_the_documents() {
    fn leaves(value: &Value, path: &str, found: &mut Vec<String>) {
        let members = value.as_object().unwrap();
        let is_field = members.len() == 1
            && ["recorded", "not-recorded", "not-applicable"]
                .iter()
                .any(|variant| members.contains_key(*variant));
        if is_field {
            found.push(path.trim_start_matches('.').to_owned());
            return;
        }
        for (key, member) in members {
            leaves(member, &format!("{path}.{key}"), found);
        }
    }
    let mut found = Vec::new();
    leaves(&serde_json::to_value(whole(1)).unwrap(), "", &mut found);
    let mut named: Vec<_> = fields::all().map(|field| field.path.to_owned()).collect();
    found.sort();
    named.sort();
    assert_eq!(found, named);
}

proptest! {
    #[test]
    fn any_single_changed_count_of_an_equation_is_marked(place in 0usize..100, change in 1u64..1_000, up: bool) {
        let paths = in_equations();
        let path = paths[place % paths.len()];
        let facts = Facts::of(&whole(1), &[]).unwrap();
        if let Ok(count) = facts.count(path) {
            let changed = if up { count + change } else { count.saturating_sub(change) };
            if changed != count {
                let facts = Facts::of(&with(&whole(1), path, changed), &[]).unwrap();
                let marked = broken(&facts);
                let concerns = marked.iter().any(|check| check.left.contains(&path) || check.right.contains(&path));
                prop_assert!(concerns, "{path}: {count} → {changed}: {marked:#?}");
            }
        } else {
            // Rows: one more of the first.
            let mut value = serde_json::to_value(whole(1)).unwrap();
            let field = path.split('.').fold(&mut value, |value, key| &mut value[key]);
            let first = &mut field["recorded"][0]["count"];
            *first = (first.as_u64().unwrap() + change).into();
            let facts = Facts::of(&serde_json::from_value(value).unwrap(), &[]).unwrap();
            let marked = broken(&facts);
            prop_assert!(marked.iter().any(|check| check.right.contains(&path)), "{path}: {marked:#?}");
        }
    }

    #[test]
    fn totals_of_a_period_are_the_sums_of_its_records(counts in prop::collection::vec(prop::collection::vec(prop::option::of(0u64..5_000_000), 60), 1..5)) {
        let paths: Vec<_> = fields::counts().collect();
        let records: Vec<_> = (1..).zip(&counts).map(|(number, counts)| {
            let mut value = serde_json::to_value(whole(number)).unwrap();
            for (field, count) in paths.iter().zip(counts) {
                let of_record = field.path.split('.').fold(&mut value, |value, key| &mut value[key]);
                let count = Field::from_option(*count, "nobody counted");
                *of_record = serde_json::to_value(count).unwrap();
            }
            serde_json::from_value::<DeploymentRecord>(value).unwrap()
        }).collect();
        let period = Period::of(january(), &register(&vec![Closed; records.len()]), &records, &[]).unwrap();
        let totals = period.totals(Mode::Live);
        for (place, field) in paths.iter().enumerate() {
            let Some(total) = totals.iter().find(|total| total.field == field.path) else {
                prop_assert!(field.path.starts_with("watchlist."), "{}", field.path);
                continue;
            };
            let of_records: Vec<u64> = counts.iter().filter_map(|counts| counts[place]).collect();
            prop_assert_eq!(total.total, of_records.iter().sum::<u64>());
            prop_assert_eq!(total.recorded_by, of_records.len());
            prop_assert_eq!(total.missing.len(), counts.len() - of_records.len());
        }
    }
}
