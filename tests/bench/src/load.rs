//! Accepting a plugin whose compiled code is in the authenticated cache: from its bytes to the first call that could be made. The
//! baseline is accepting it without a cache.

use overt_runtime::{Role, Runtime};

use crate::pairs::{Effort, Pairs, each};
use crate::project::Project;
use crate::row::{Row, Target, Unit};
use crate::{Outcome, Scale};

/// The row.
pub(crate) fn rows(project: &Project, scale: Scale) -> Outcome<Vec<Row>> {
    let file = project.plugin_file("policy-threshold")?;
    let uncached = project.runtime(None)?;
    // What was accepted is dropped when the time is taken: here nobody asks what it costs to be rid of a plugin.
    let accept = |runtime: &Runtime, times| {
        let terms = (0..times).map(|_| project.terms(&file, Role::MatcherPolicy, "{}"));
        let mut terms = terms.collect::<Outcome<Vec<_>>>()?.into_iter();
        let mut accepted = Vec::with_capacity(times);
        each(times, || {
            if let Some(terms) = terms.next() {
                accepted.push(runtime.accept(&file, terms)?);
            }
            Ok(())
        })
    };
    let pairs = Pairs::take(
        scale.effort(Effort {
            least: 9,
            most: 9,
            seconds: 0.0,
        }),
        || accept(&project.runtime, 20),
        || accept(&uncached, 1),
    )?;
    let name = "a compiled plugin from the cache, accepted";
    let row = Row::new(
        name,
        Unit::Milliseconds,
        "compiling it in a child process",
        &pairs,
    );
    Ok(vec![row.target(Target::ValueAtMost(1.0))])
}
