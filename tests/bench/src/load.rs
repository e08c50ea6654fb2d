//! Accepting a plugin whose compiled code is in the authenticated cache: from its bytes to the first call that could be made. The
//! baseline is accepting it without a cache.

use overt_runtime::Role;

use crate::pairs::{Effort, Pairs, each};
use crate::project::Project;
use crate::row::{Row, Target, Unit};
use crate::{Outcome, Scale};

/// The row.
pub(crate) fn rows(project: &Project, scale: Scale) -> Outcome<Vec<Row>> {
    let file = project.plugin_file("policy-threshold")?;
    let uncached = project.runtime(None)?;
    let terms = || project.terms(&file, Role::MatcherPolicy, "{}");
    let pairs = Pairs::take(
        scale.effort(Effort {
            least: 9,
            most: 9,
            seconds: 0.0,
        }),
        || each(20, || Ok(project.runtime.accept(&file, terms()?)?)),
        || each(1, || Ok(uncached.accept(&file, terms()?)?)),
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
