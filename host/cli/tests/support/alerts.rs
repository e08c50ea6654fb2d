//! What people do with alerts at the command line, and what channels that are files were told.

use std::time::{Duration, Instant};

use overt_tests::schema::Schema;
use serde_json::Value;

use super::{Ended, Place};

/// Longer than anything takes on a busy machine; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(180);

/// A place with person A on the watchlist, a force, and these channels beside the two desks.
pub(crate) fn place(channels: &str) -> Place {
    let place = Place::with_person_a();
    place.with_force();
    place.change(
        "# Who must have signed",
        &format!("{channels}\n# Who must have signed"),
    );
    place
}

/// A channel that is a file.
pub(crate) fn file(name: &str, purpose: &str) -> String {
    format!(
        "[[channel]]\nname = \"{name}\"\npurpose = \"{purpose}\"\nkind = \"file\"\nfile = \"told/{name}.jsonl\"\n"
    )
}

/// `overt alerts …` by somebody.
pub(crate) fn alerts(place: &Place, who: &str, what: &str, more: &[&str]) -> Ended {
    let deployment = place.deployment();
    let mut arguments = vec!["alerts", what, deployment.to_str().unwrap()];
    arguments.extend(more);
    place.run_as(who, arguments)
}

/// The same, done, as JSON.
pub(crate) fn done(place: &Place, who: &str, what: &str, more: &[&str]) -> Value {
    let mut more = more.to_vec();
    more.push("--json");
    let ended = alerts(place, who, what, &more);
    assert_eq!(
        ended.status,
        Some(0),
        "{who} {what} {more:?}: {}",
        ended.err
    );
    let told = serde_json::from_str(&ended.out).unwrap();
    if ["list", "show", "judge", "outcome"].contains(&what) {
        let schema = Schema::parse(include_str!("../../alerts.schema.json"));
        assert_eq!(schema.errors(&told), Vec::<String>::new(), "{told}");
    }
    told
}

/// The same, refused, with this in its words.
pub(crate) fn refused(place: &Place, who: &str, what: &str, more: &[&str], because: &str) {
    let ended = alerts(place, who, what, more);
    assert_eq!(
        ended.status,
        Some(1),
        "{who} {what} {more:?}: {}",
        ended.out
    );
    // Lines are broken where the terminal ends.
    let told = ended.err.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains(because), "{because}: {told}");
    assert!(told.contains("help:"), "{told}");
}

/// What a channel that is a file was told.
pub(crate) fn told(place: &Place, name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(place.path(&format!("told/{name}.jsonl")));
    let lines = text.unwrap_or_default();
    // A line that is being written has no end yet.
    let whole = lines.rfind('\n').map_or("", |end| &lines[..end]);
    let read = |line| serde_json::from_str(line).unwrap();
    whole.lines().map(read).collect()
}

/// Waits until it was told so often.
pub(crate) fn await_told(place: &Place, name: &str, times: usize) -> Vec<Value> {
    let begun = Instant::now();
    loop {
        let told = told(place, name);
        if told.len() >= times {
            return told;
        }
        assert!(begun.elapsed() < PATIENCE, "{name}: {told:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
