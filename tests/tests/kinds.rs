//! Every kind of hostile plugin ends as the list says, and the list leaves none out.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use overt_tests::hostile::Hostile;
use overt_tests::kinds;

#[test]
fn every_kind_ends_for_its_cause_and_the_next_call_is_served() {
    let kinds = kinds::all();
    assert!(kinds.len() > 80);
    for kind in &kinds {
        let mut hostile = Hostile::accept(
            env!("CARGO_BIN_EXE_compile"),
            kind.role,
            kind.behaviour,
            kinds::limits(kind),
        );
        let outcome = kinds::call(&mut hostile, kind);
        assert_eq!(kinds::ending(&outcome), kind.ends, "{kind:?}: {outcome:?}");
        if let Err(error) = &outcome {
            assert_eq!(error.role, kind.role);
            let text = error.to_string();
            assert!(
                text.len() < 600 && !text.chars().any(char::is_control),
                "{text:?}"
            );
        }
    }
}

#[test]
fn no_behaviour_of_the_hostile_plugins_is_left_out() {
    let sources = [
        include_str!("../hostile/hostile-perception/src/detector.rs"),
        include_str!("../hostile/hostile-perception/src/greed.rs"),
        include_str!("../hostile/hostile-perception/src/encoder.rs"),
        include_str!("../hostile/hostile-perception/src/quality.rs"),
        include_str!("../hostile/hostile-decision/src/policy.rs"),
        include_str!("../hostile/hostile-decision/src/router.rs"),
    ];
    let kinds = kinds::all();
    for line in sources.iter().flat_map(|source| source.lines()) {
        // An arm of the `match` over behaviours.
        let Some((name, _)) = line
            .trim()
            .strip_prefix('"')
            .and_then(|rest| rest.split_once("\" =>"))
        else {
            continue;
        };
        assert!(kinds.iter().any(|kind| kind.behaviour == name), "{name}");
    }
}
