//! Pairs of files: `ui/<case>.toml`, a deployment file, or `ui-rules/<case>.toml`, a rules file, and what is said about it, `ui/<case>.err` (as at a terminal) and, for some, `ui/<case>.json`. A case without either
//! has no mistake. `OVERT_BLESS=1` writes the `.err` and `.json` files that are there or missing anew; read them before you commit them.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::{Path, PathBuf};

use libtest_mimic::{Arguments, Failed, Trial};
use overt_deployment::{Deployment, Problems, RulesFile};

/// Cases without a mistake.
const SOUND: [&str; 2] = ["sound", "least"];

/// How a file is read.
type Read = fn(&Path) -> Result<(), Problems>;

fn main() {
    let deployments = cases("tests/ui", "", |file| Deployment::read(file).map(|_| ()));
    let rules = cases("tests/ui-rules", "rules-", |file| {
        RulesFile::read(file).map(|_| ())
    });
    let trials = deployments.into_iter().chain(rules).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// The cases of a folder.
fn cases(folder: &str, prefix: &str, read: Read) -> Vec<Trial> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.retain(|file| {
        file.extension()
            .is_some_and(|extension| extension == "toml")
    });
    files.sort();
    assert!(!files.is_empty());
    let trial = |file: PathBuf| {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        Trial::test(format!("{prefix}{name}"), move || case(&name, &file, read))
    };
    files.into_iter().map(trial).collect()
}

fn case(name: &str, file: &Path, read: Read) -> Result<(), Failed> {
    let problems = match (read(file), SOUND.contains(&name)) {
        (Ok(_), true) => return Ok(()),
        (Ok(_), false) => return Err("no mistake was found".into()),
        (Err(problems), true) => return Err(problems.render(false).into()),
        (Err(problems), false) => problems,
    };
    for problem in &problems {
        if problem.position.is_none()
            || problem.expected.is_empty()
            || problem.found.is_empty()
            || problem.mend.is_empty()
        {
            return Err(format!("a mistake is not told in full: {problem:?}").into());
        }
    }
    compare(&file.with_extension("err"), &problems.render(false))?;
    let json = file.with_extension("json");
    if json.exists() {
        compare(
            &json,
            &(serde_json::to_string_pretty(&problems).unwrap() + "\n"),
        )?;
    }
    Ok(())
}

fn compare(file: &Path, found: &str) -> Result<(), Failed> {
    if std::env::var_os("OVERT_BLESS").is_some() {
        std::fs::write(file, found).unwrap();
    }
    let expected = std::fs::read_to_string(file).unwrap_or_default();
    if expected == found {
        Ok(())
    } else {
        Err(format!(
            "{} says\n\n{expected}\n\nbut the answer is\n\n{found}",
            file.display()
        )
        .into())
    }
}
