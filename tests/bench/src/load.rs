//! Accepting a plugin whose compiled code is in the authenticated cache: from its bytes to the first call that could be made. The
//! baseline is accepting it without a cache. And the whole way of the demonstration's four plugins from their files to serving: digest, signatures, manifest,
//! compiled code, the note that their models were tried, self-test with their models.

use std::collections::BTreeMap;
use std::path::PathBuf;

use overt_deployment::{Signer, Timestamp};
use overt_runtime::signature::read_public_key;
use overt_runtime::{PluginBytes, Role, Runtime, Trust, TrustedFile, TrustedKey};

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
    Ok(vec![
        row.target(Target::ValueAtMost(1.0)),
        to_serving(project, scale)?,
    ])
}

/// The four plugins without which there is no demonstration.
const FOUR: [(&str, Role); 4] = [
    ("detector-centerface", Role::Detector),
    ("encoder-mobilefacenet", Role::Encoder),
    ("policy-threshold", Role::MatcherPolicy),
    ("router-desk", Role::AlertRouter),
];

/// All four, with a cache that holds them and without one.
fn to_serving(project: &Project, scale: Scale) -> Outcome<Row> {
    let uncached = project.runtime(None)?;
    let key = read_public_key(&project.path(".overt/keys/this-machine.pub"))?;
    let key = TrustedKey {
        name: "this-machine".into(),
        signer: Signer::Vendor,
        key,
        expires: None,
        revoked: None,
    };
    let trust = Trust::signed(BTreeMap::from([(Signer::Vendor, 1)]), vec![key])?;
    let files: Vec<PathBuf> = FOUR
        .iter()
        .map(|(name, _)| project.path(&format!(".overt/plugins/{name}.wasm")))
        .collect();
    let pins: Vec<String> = files
        .iter()
        .map(|file| Ok(PluginBytes::read(file)?.sha256().to_owned()))
        .collect::<Outcome<_>>()?;
    let serve = |runtime: &Runtime| -> Outcome<()> {
        for (((_, role), path), pin) in FOUR.iter().zip(&files).zip(&pins) {
            let bytes = PluginBytes::read(path)?;
            bytes.expect(pin)?;
            let file = TrustedFile::admit(bytes, &trust, Timestamp::now())?;
            let plugin = runtime.accept(&file, project.terms(&file, *role, "{}")?)?;
            runtime.try_models(&plugin, path, &*project.backend)?;
            let test = file.manifest().self_test.as_ref();
            let tested = test.map(|test| plugin.self_test(test, &*project.backend));
            if !tested.is_some_and(|tested| tested.questions > 0 && tested.failures.is_empty()) {
                return Err(format!("the self-test of {} fails", path.display()).into());
            }
        }
        Ok(())
    };
    let pairs = Pairs::take(
        scale.effort(Effort {
            least: 9,
            most: 9,
            seconds: 0.0,
        }),
        || each(1, || serve(&project.runtime)),
        || each(1, || serve(&uncached)),
    )?;
    Ok(Row::new(
        "four plugins from their files to serving, compiled before",
        Unit::Milliseconds,
        "the same with compiling, and with trying the models",
        &pairs,
    ))
}
