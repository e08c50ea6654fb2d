//! What the documentation refers to is there: each link to a file, and each to a heading.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

/// Every document of the repository, without what is built or fetched.
fn documents(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir()
            && !["target", "out", "node_modules"].contains(&&*name)
            && !name.starts_with('.')
        {
            documents(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            into.push(path);
        }
    }
}

/// The name by which a heading is linked to: in small letters, with hyphens for spaces, without other marks.
fn anchor(heading: &str) -> String {
    let heading = heading.trim_start_matches('#').trim().to_lowercase();
    heading
        .chars()
        .filter(|mark| mark.is_alphanumeric() || [' ', '-', '_'].contains(mark))
        .map(|mark| if mark == ' ' { '-' } else { mark })
        .collect()
}

/// The targets of a document's links within the repository.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter(|link| !link.contains("://") && !link.contains(' '))
}

#[test]
fn every_link_of_the_documentation_leads_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut all = Vec::new();
    documents(&root, &mut all);
    let mut followed = 0;
    for document in all {
        let text = std::fs::read_to_string(&document).unwrap();
        for link in links(&text) {
            followed += 1;
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => document.clone(),
                file => document.parent().unwrap().join(file),
            };
            assert!(target.exists(), "{}: {link}", document.display());
            if !heading.is_empty() {
                let there = std::fs::read_to_string(&target).unwrap();
                let found = there
                    .lines()
                    .any(|line| line.starts_with('#') && anchor(line) == heading);
                assert!(found, "{}: no heading for {link}", document.display());
            }
        }
    }
    assert!(followed > 50, "{followed}");
}
