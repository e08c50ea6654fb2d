//! Which photographs to enrol, as whom and why: from a folder or a CSV file. It opens no photograph.

use std::path::{Path, PathBuf};

use overt_records::{Grounds, ImageFacts, Timestamp};

use super::grounds::GroundsArguments;
use super::list_file;
use crate::failure::Failure;

/// Photographs of one enrolment. A watchlist is at most a million entries.
pub(super) const MOST: usize = 2_000_000;

/// Endings of files that are taken for photographs in a folder.
pub(crate) const ENDINGS: [&str; 3] = ["jpg", "jpeg", "png"];

/// A photograph and whom it shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Photograph {
    pub(super) reference: String,
    pub(super) category: String,
    pub(super) file: PathBuf,
    pub(super) grounds: Grounds,
    pub(super) facts: ImageFacts,
}

/// What is said of everybody for whom the source does not say it.
pub(super) struct ForAll<'a> {
    pub(super) category: Option<&'a str>,
    pub(super) grounds: &'a GroundsArguments,
}

/// Reads a folder or a CSV file. Every mistake is in the answer's second part, with its line and what mends it; a list with a mistake is not to be used in part
/// without saying so.
pub(super) fn read(
    source: &Path,
    all: &ForAll<'_>,
    now: Timestamp,
    under: u8,
) -> Result<(Vec<Photograph>, Vec<String>), Failure> {
    let metadata = std::fs::metadata(source).map_err(|error| Failure::file(source, &error))?;
    let (mut photographs, mistakes) = if metadata.is_dir() {
        let Some(category) = all.category else {
            return Err(Failure::mistake(
                format!(
                    "{} is a folder, and a folder does not say its people's category",
                    source.display()
                ),
                "say it with `--category`, or give a CSV file with the columns `reference`, `category` and `file`",
            ));
        };
        folder(source, category, all.grounds, now, under)?
    } else {
        list_file::read(source, all, now, under)?
    };
    photographs
        .sort_by(|one, other| (&one.reference, &one.file).cmp(&(&other.reference, &other.file)));
    Ok((photographs, mistakes))
}

/// `FOLDER/REFERENCE.jpg`, or `FOLDER/REFERENCE/anything.jpg` for several photographs of one person.
fn folder(
    folder: &Path,
    category: &str,
    all: &GroundsArguments,
    now: Timestamp,
    under: u8,
) -> Result<(Vec<Photograph>, Vec<String>), Failure> {
    let (grounds, facts) = (all.checked(now, under)?, all.facts());
    let mut photographs = Vec::new();
    let mut mistakes = Vec::new();
    for path in children(folder)? {
        let named =
            |name: Option<&std::ffi::OsStr>| name.and_then(|name| name.to_str()).map(str::to_owned);
        let (reference, files) = if path.is_dir() {
            (named(path.file_name()), children(&path)?)
        } else {
            (named(path.file_stem()), vec![path.clone()])
        };
        let Some(reference) = reference else {
            mistakes.push(format!(
                "{}: the name is no UTF-8 text, so it cannot be a reference",
                path.display()
            ));
            continue;
        };
        let mut any = false;
        for file in files {
            if is_photograph(&file) {
                any = true;
                photographs.push(Photograph {
                    reference: reference.clone(),
                    category: category.to_owned(),
                    file,
                    grounds: grounds.clone(),
                    facts: facts.clone(),
                });
            } else {
                mistakes.push(format!(
                    "{}: expected a photograph ({}), so it was left out",
                    file.display(),
                    ENDINGS.join(", ")
                ));
            }
            if photographs.len() > MOST {
                return Err(Failure::mistake(
                    format!("{}: more than {MOST} photographs", folder.display()),
                    "enrol them in parts",
                ));
            }
        }
        if !any && path.is_dir() {
            mistakes.push(format!("{}: holds no photograph", path.display()));
        }
    }
    Ok((photographs, mistakes))
}

/// The visible files and folders of a folder, by name.
pub(crate) fn children(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |error: std::io::Error| Failure::file(folder, &error);
    let mut children = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            children.push(entry.path());
        }
    }
    children.sort();
    Ok(children)
}

/// Whether a file is a photograph, by its name.
pub(crate) fn is_photograph(file: &Path) -> bool {
    let ending = file
        .extension()
        .map(|ending| ending.to_string_lossy().to_lowercase());
    !file.is_dir() && ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use clap::Parser as _;

    const NOW: Timestamp = Timestamp::from_unix_ms(1_800_000_000_000);

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        grounds: GroundsArguments,
    }

    /// What stands in the source, and on the command line for everybody.
    fn read_with(
        source: &Path,
        category: Option<&str>,
        arguments: &[&str],
    ) -> Result<(Vec<Photograph>, Vec<String>), Failure> {
        let line = Line::parse_from([&["overt"], arguments].concat());
        let grounds = &line.grounds;
        read(source, &ForAll { category, grounds }, NOW, 18)
    }

    fn read_list(text: &str) -> (Vec<Photograph>, Vec<String>) {
        let folder = files(&[("list.csv", text)]);
        read_with(&folder.path().join("list.csv"), None, &[]).unwrap()
    }

    fn files(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    fn told(photographs: &[Photograph]) -> Vec<(&str, &str, &str)> {
        photographs
            .iter()
            .map(|photograph| {
                let file = photograph
                    .file
                    .file_name()
                    .and_then(|name| name.to_str())
                    .unwrap();
                (
                    photograph.reference.as_str(),
                    photograph.category.as_str(),
                    file,
                )
            })
            .collect()
    }

    #[test]
    fn a_folder_names_one_person_a_photograph_or_a_folder() {
        let folder = files(&[
            ("a-1.JPG", ""),
            ("b-2/front.png", ""),
            ("b-2/side.jpeg", ""),
            (".hidden", ""),
        ]);
        let (photographs, mistakes) =
            read_with(folder.path(), Some("wanted"), &["--wanted"]).unwrap();
        assert_eq!(
            told(&photographs),
            [
                ("a-1", "wanted", "a-1.JPG"),
                ("b-2", "wanted", "front.png"),
                ("b-2", "wanted", "side.jpeg")
            ]
        );
        assert!(mistakes.is_empty(), "{mistakes:?}");
    }

    #[test]
    fn what_is_no_photograph_is_named_and_not_passed_over_in_silence() {
        let folder = files(&[("a.jpg", ""), ("notes.txt", ""), ("b/readme", "")]);
        let (photographs, mistakes) =
            read_with(folder.path(), Some("wanted"), &["--wanted"]).unwrap();
        assert_eq!(photographs.len(), 1);
        assert_eq!(mistakes.len(), 3, "{mistakes:?}");
    }

    #[test]
    fn a_folder_without_a_category_is_refused() {
        let folder = files(&[("a.jpg", "")]);
        assert!(matches!(
            read_with(folder.path(), None, &["--wanted"]),
            Err(Failure::Diagnostics { .. })
        ));
    }

    #[test]
    fn a_csv_file_names_photographs_beside_it_in_any_order_of_columns() {
        let folder = files(&[(
            "list.csv",
            "\u{feff}File, category ,REFERENCE\nx/a.jpg,wanted,a\n\"b, c.png\",missing,b\n",
        )]);
        let (photographs, mistakes) =
            read_with(&folder.path().join("list.csv"), None, &["--wanted"]).unwrap();
        assert_eq!(
            told(&photographs),
            [("a", "wanted", "a.jpg"), ("b", "missing", "b, c.png")]
        );
        assert_eq!(photographs[0].file, folder.path().join("x/a.jpg"));
        assert!(mistakes.is_empty());
    }

    #[test]
    fn every_incomplete_line_of_a_csv_file_is_named_by_its_number() {
        let folder = files(&[(
            "list.csv",
            "reference,file,category\na,a.jpg,wanted\n,b.jpg,wanted\nc\nd,d.jpg,missing\n",
        )]);
        let (photographs, mistakes) =
            read_with(&folder.path().join("list.csv"), None, &["--wanted"]).unwrap();
        assert_eq!(photographs.len(), 2);
        assert!(
            mistakes[0].ends_with("list.csv:3: no reference"),
            "{mistakes:?}"
        );
        assert!(
            mistakes[1].ends_with("list.csv:4: no category, no file"),
            "{mistakes:?}"
        );
    }

    #[test]
    fn a_csv_file_without_its_columns_is_refused_and_told_which() {
        let folder = files(&[("list.csv", "name,photo\na,a.jpg\n")]);
        let failure = read_with(
            &folder.path().join("list.csv"),
            Some("wanted"),
            &["--wanted"],
        )
        .unwrap_err()
        .render(false);
        assert!(
            failure.contains("`reference` and `file` are missing"),
            "{failure}"
        );
    }

    #[test]
    fn a_category_for_all_fills_the_gaps_of_a_csv_file() {
        let folder = files(&[(
            "list.csv",
            "reference,file,category\na,a.jpg,\nb,b.jpg,missing\n",
        )]);
        let (photographs, _) = read_with(
            &folder.path().join("list.csv"),
            Some("wanted"),
            &["--wanted"],
        )
        .unwrap();
        assert_eq!(
            told(&photographs),
            [("a", "wanted", "a.jpg"), ("b", "missing", "b.jpg")]
        );
    }

    #[test]
    fn every_column_of_a_csv_file_is_on_record() {
        let (photographs, mistakes) = read_list(
            "reference,file,category,wanted,reasons,offence,lawful-basis,born,under-18-reason,under-18-approval,source,taken\n\
             a,a.jpg,warrant,yes,,burglary,PACE s.24,1990-05-31,,,custody,2026-01-02\n\
             b,b.jpg,missing,no,missing; at risk of harm,,common law,2012-02-29,a child alone,ACC 7/26,other:family,\n",
        );
        assert!(mistakes.is_empty(), "{mistakes:?}");
        let (a, b) = (&photographs[0], &photographs[1]);
        assert!(a.grounds.wanted && !b.grounds.wanted);
        assert_eq!(b.grounds.reasons, ["missing", "at risk of harm"]);
        assert_eq!(a.grounds.offence.as_deref(), Some("burglary"));
        assert_eq!(a.grounds.lawful_basis.as_deref(), Some("PACE s.24"));
        assert_eq!(a.grounds.born.unwrap().to_string(), "1990-05-31");
        let minor = b.grounds.minor.as_ref().unwrap();
        assert_eq!(
            (&*minor.reason, &*minor.approval),
            ("a child alone", "ACC 7/26")
        );
        assert_eq!(b.facts.source.as_ref().unwrap().to_string(), "other:family");
        assert_eq!(a.facts.taken.unwrap().to_string(), "2026-01-02");
        assert_eq!(b.facts.taken, None);
    }

    #[test]
    fn what_is_wrong_with_a_line_is_told_with_its_line_and_its_mend() {
        for (line, told, mend) in [
            ("a,a.jpg,x,,,,,", "wanted for arrest", "give `reasons`"),
            (
                "a,a.jpg,x,maybe,,,,",
                "`wanted` is \"maybe\"",
                "write yes or no",
            ),
            (
                "a,a.jpg,x,yes,,31/05/1990,,",
                "is no day",
                "write the day as 2008-05-31",
            ),
            (
                "a,a.jpg,x,yes,,2015-01-01,,",
                "under 18",
                "under-18-approval",
            ),
            (
                "a,a.jpg,x,yes,,2015-01-01,at risk,",
                "under 18",
                "under-18-approval",
            ),
            (
                "a,a.jpg,x,yes,,,,web",
                "no source of an image",
                "custody, force, partner",
            ),
        ] {
            let (photographs, mistakes) = read_list(&format!(
                "reference,file,category,wanted,reasons,born,under-18-reason,source\n{line}\n"
            ));
            assert!(photographs.is_empty(), "{line}");
            assert_eq!(mistakes.len(), 1, "{mistakes:?}");
            for part in ["list.csv:2: ", told, mend] {
                assert!(mistakes[0].contains(part), "{part}: {mistakes:?}");
            }
        }
    }

    #[test]
    fn a_column_that_means_nothing_is_refused_with_those_that_do() {
        let folder = files(&[("list.csv", "reference,file,category,wanted,resons\n")]);
        let refused = read_with(&folder.path().join("list.csv"), None, &[])
            .unwrap_err()
            .render(false);
        assert!(
            refused.contains("`resons`") && refused.contains("`reasons`"),
            "{refused}"
        );
    }

    #[test]
    fn two_lines_of_one_entry_that_say_different_things_are_told() {
        let (photographs, mistakes) = read_list(
            "reference,file,category,wanted,reasons\na,1.jpg,x,yes,\na,2.jpg,x,no,missing\n",
        );
        assert_eq!(photographs.len(), 1);
        assert!(
            mistakes[0].contains("list.csv:3: ") && mistakes[0].contains("line 2"),
            "{mistakes:?}"
        );
    }

    #[test]
    fn a_folder_without_grounds_is_refused() {
        let folder = files(&[("a.jpg", "")]);
        let refused = read_with(folder.path(), Some("wanted"), &[])
            .unwrap_err()
            .render(false);
        assert!(refused.contains("--because"), "{refused}");
    }
}
