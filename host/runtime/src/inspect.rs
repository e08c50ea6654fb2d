//! What a plugin can do, from its bytes and not from its brochure. Never compiles and never runs anything.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Serialize;

use crate::agreement::{self, Needs};
use crate::envelope::Listed;
use crate::error::PluginError;
use crate::manifest::Manifest;
use crate::package::{Interface, PluginFile};
use crate::signature;
use overt_contract::{Capability, Role};

/// What a plugin file says and shows.
#[derive(Clone, Debug, Serialize)]
pub struct Inspection {
    /// SHA-256 of the file.
    pub sha256: String,
    /// SHA-256 of what is signed, which stays the same when somebody signs.
    pub content_sha256: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Whose signatures it carries, by the fingerprints that the signatures themselves hint at. Whether a hint is true, a key says:
    /// `overt plugin verify`.
    pub signature_hints: Vec<String>,
    /// Why its signatures are worth nothing, whoever made them, and no host accepts it; absent where they are of this content, or there are none.
    pub signature_fault: Option<String>,
    /// What its vendor declares.
    pub manifest: Manifest,
    /// The imported interfaces, as the bytes show them.
    pub imports: Vec<Interface>,
    /// The exported interfaces, as the bytes show them.
    pub exports: Vec<Interface>,
    /// The roles that it exports.
    pub roles: Vec<Role>,
    /// What the manifest claims and what the bytes ask for, capability by capability.
    pub capabilities: Vec<CapabilityRow>,
    /// What it can do if everything that it declares is granted; sentences for an auditor, drawn from the imports.
    pub can: Vec<String>,
    /// What it cannot do, whatever is granted; likewise.
    pub cannot: Vec<String>,
    /// Roles that its self-test asks about; the others are not tested before they run.
    pub self_tested: Vec<Role>,
    /// Where manifest and component disagree, or no host may run what they agree on; absent where a host would go on to the deployment's grants.
    pub disagreement: Option<String>,
    /// Models: they run natively and are trusted like the host.
    pub models_are_trusted: bool,
}

/// A capability: claimed, and asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CapabilityRow {
    /// Which.
    pub capability: Capability,
    /// In the manifest.
    pub claimed: bool,
    /// By the bytes: by an import, or by reading numbers of tensors that are made of frames.
    pub imported: bool,
}

/// What a role is told with every call, by the types of the contract; of what it asks the host beyond that, its imports tell.
fn is_told(role: Role) -> Option<&'static str> {
    match role {
        Role::Detector => None,
        Role::Encoder | Role::Quality => Some("know where in a frame the faces are"),
        Role::MatcherPolicy => Some(
            "know the scores, ranks and categories of the entries that the search offers, the time, camera, size and quality of each look at a passer-by, and earlier alerts; never who anybody is",
        ),
        Role::AlertRouter => Some(
            "know an alert's number, camera, track, time, category, urgency and score; never who it is about",
        ),
    }
}

/// Reads a plugin file and says what it is.
pub fn inspect(path: &Path) -> Result<Inspection, PluginError> {
    Ok(describe(&PluginFile::read(path)?))
}

/// The same of a file that has been read.
pub fn describe(file: &PluginFile) -> Inspection {
    let imported: BTreeSet<Capability> = file
        .imports()
        .iter()
        .filter_map(|import| match agreement::needs(&import.name) {
            Some(Needs::One(capability)) => Some(capability),
            _ => None,
        })
        .collect();
    let roles: Vec<Role> = file
        .exports()
        .iter()
        .filter_map(|export| agreement::role_of_export(&export.name))
        .collect();
    let uses = |interface: &str, function: &str| {
        file.imports().iter().any(|import| {
            agreement::of_contract(&import.name) == Some(interface)
                && (function.is_empty() || import.functions.iter().any(|found| found == function))
        })
    };
    let reads_numbers = [
        "[method]tensor.read",
        "[method]tensor.read-bytes",
        "[method]tensor.gather",
        "[method]tensor.peaks",
        // Of one number it gives that number.
        "[method]tensor.least-and-greatest",
    ]
    .iter()
    .any(|function| uses("tensors", function));
    let makes_tensors =
        uses("frames", "[method]frame.tensor") || uses("frames", "[method]frame.aligned");
    let says =
        |right: bool, yes: &str, no: &str, can: &mut Vec<String>, cannot: &mut Vec<String>| {
            if right {
                can.push(yes.to_owned())
            } else {
                cannot.push(no.to_owned())
            }
        };
    let (mut can, mut cannot) = (Vec::new(), Vec::new());
    let facts: Vec<&str> = [
        ("width", "width"),
        ("height", "height"),
        ("sequence", "number"),
        ("captured-at", "time"),
        ("camera", "camera"),
    ]
    .into_iter()
    .filter(|(function, _)| uses("frames", &format!("[method]frame.{function}")))
    .map(|(_, fact)| fact)
    .collect();
    for role in &roles {
        can.extend(is_told(*role).map(str::to_owned));
    }
    if !facts.is_empty() {
        can.push(format!("know a frame's {}", facts.join(", ")));
    }
    says(
        makes_tensors,
        "have the host make tensors of camera frames",
        if facts.is_empty() {
            "see a camera frame in any form"
        } else {
            "see what is in a camera frame"
        },
        &mut can,
        &mut cannot,
    );
    // The numbers of a tensor made of a frame are pixels; the host gives them to nobody without the capability `pixels`.
    let reads_pixels = file.manifest().capabilities.pixels && makes_tensors && reads_numbers;
    says(
        uses("pixels", "") || reads_pixels,
        if uses("pixels", "") {
            "copy pixels of a frame into its own memory"
        } else {
            "read pixels of a frame, as numbers of a tensor made of it"
        },
        if makes_tensors && reads_numbers && imported.contains(&Capability::Inference) {
            "copy a frame's pixels into its own memory, unless a model that it runs answers with the picture: models are trusted, not held"
        } else {
            "copy a frame's pixels into its own memory"
        },
        &mut can,
        &mut cannot,
    );
    if !file.manifest().models.is_empty() || imported.contains(&Capability::Inference) {
        says(
            imported.contains(&Capability::Inference),
            "run the models that its manifest names",
            "run a model",
            &mut can,
            &mut cannot,
        );
    } else {
        cannot.push("run a model".to_owned());
    }
    if uses("tensors", "") {
        says(
            reads_numbers,
            "read numbers of tensors: what its models answer, templates included",
            "read a tensor's numbers: no template enters its memory",
            &mut can,
            &mut cannot,
        );
    }
    says(
        imported.contains(&Capability::Log),
        if roles.iter().any(|role| role.is_perception()) {
            "write short lines to its vendor's terminal, for which no host runs it"
        } else {
            "write short lines to the host's log"
        },
        "write to the host's log",
        &mut can,
        &mut cannot,
    );
    says(
        uses("config", ""),
        "read its own table of the deployment file",
        "read its own table of the deployment file",
        &mut can,
        &mut cannot,
    );
    cannot.push(
        "open a file, a socket or a clock, or draw random numbers: the contract has no such import"
            .to_owned(),
    );
    cannot.push(
        "remember anything from one call to the next: each call runs in a fresh instance"
            .to_owned(),
    );
    let signatures = signature::listed(file.path(), file.bytes());
    Inspection {
        sha256: file.sha256().to_owned(),
        content_sha256: file.content_sha256().to_owned(),
        signature_hints: signatures.iter().flatten().map(Listed::hint).collect(),
        signature_fault: signatures.err().map(|error| error.to_string()),
        bytes: file.bytes().len() as u64,
        manifest: file.manifest().clone(),
        imports: file.imports().to_vec(),
        exports: file.exports().to_vec(),
        capabilities: Capability::ALL
            .into_iter()
            .map(|capability| CapabilityRow {
                capability,
                claimed: file
                    .manifest()
                    .capabilities
                    .declared()
                    .any(|claimed| claimed == capability),
                imported: imported.contains(&capability)
                    || (capability == Capability::Pixels && reads_pixels),
            })
            .filter(|row| row.claimed || row.imported)
            .collect(),
        roles,
        can,
        cannot,
        self_tested: Role::ALL
            .into_iter()
            .filter(|role| {
                let test = file.manifest().self_test.as_ref();
                test.is_some_and(|test| test.is_for(*role))
            })
            .collect(),
        disagreement: agreement::declared(
            file.path(),
            file.manifest(),
            file.imports(),
            file.exports(),
        )
        .and_then(|()| agreement::live(file.path(), file.manifest()))
        .err()
        .map(|error| error.to_string()),
        models_are_trusted: !file.manifest().models.is_empty(),
    }
}
