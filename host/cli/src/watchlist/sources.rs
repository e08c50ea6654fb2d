//! Which photographs to enrol, as whom: from a folder or a CSV file. It opens no photograph.

use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Photographs of one enrolment. A watchlist is at most a million entries.
const MOST: usize = 2_000_000;

/// Endings of files that are taken for photographs in a folder.
const ENDINGS: [&str; 3] = ["jpg", "jpeg", "png"];

/// A photograph and whom it shows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Photograph {
    pub(super) reference: String,
    pub(super) category: String,
    pub(super) file: PathBuf,
}

/// Reads a folder or a CSV file. Every mistake is in the answer's second part; a list with a mistake is not to be used in part without saying so.
pub(super) fn read(
    source: &Path,
    category: Option<&str>,
) -> Result<(Vec<Photograph>, Vec<String>), Failure> {
    let metadata = std::fs::metadata(source).map_err(|error| Failure::file(source, &error))?;
    let (mut photographs, mistakes) = if metadata.is_dir() {
        let Some(category) = category else {
            return Err(Failure::mistake(
                format!(
                    "{} is a folder, and a folder does not say its people's category",
                    source.display()
                ),
                "say it with `--category`, or give a CSV file with the columns `reference`, `category` and `file`",
            ));
        };
        folder(source, category)?
    } else {
        csv(source, category)?
    };
    photographs.sort();
    Ok((photographs, mistakes))
}

/// `FOLDER/REFERENCE.jpg`, or `FOLDER/REFERENCE/anything.jpg` for several photographs of one person.
fn folder(folder: &Path, category: &str) -> Result<(Vec<Photograph>, Vec<String>), Failure> {
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
fn children(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
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

fn is_photograph(file: &Path) -> bool {
    let ending = file
        .extension()
        .map(|ending| ending.to_string_lossy().to_lowercase());
    !file.is_dir() && ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

/// A header and a line for each photograph. Columns, in any order: `reference`, `file` (relative to the CSV file), and `category` unless it
/// was given for all.
fn csv(source: &Path, category: Option<&str>) -> Result<(Vec<Photograph>, Vec<String>), Failure> {
    let file = std::fs::File::open(source).map_err(|error| Failure::file(source, &error))?;
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .flexible(true)
        .from_reader(file);
    let unreadable = |error: csv::Error| {
        Failure::mistake(
            format!("{}: {error}", source.display()),
            "save it as UTF-8 text, one line for each photograph, commas between",
        )
    };
    let header = reader.headers().map_err(unreadable)?.clone();
    let column = |name: &str| {
        header.iter().position(|title| {
            title
                .trim_start_matches('\u{feff}')
                .eq_ignore_ascii_case(name)
        })
    };
    let (reference, path, kind) = (column("reference"), column("file"), column("category"));
    let absent: Vec<_> = [
        ("reference", reference.is_none()),
        ("file", path.is_none()),
        ("category", kind.is_none() && category.is_none()),
    ]
    .into_iter()
    .filter_map(|(name, absent)| absent.then_some(format!("`{name}`")))
    .collect();
    let (Some(reference), Some(path), true) = (reference, path, absent.is_empty()) else {
        return Err(Failure::mistake(
            format!(
                "{}:1: the columns {} are missing; found {:?}",
                source.display(),
                absent.join(" and "),
                header.iter().collect::<Vec<_>>()
            ),
            "write `reference,category,file` as the first line",
        ));
    };
    let mut photographs = Vec::new();
    let mut mistakes = Vec::new();
    let base = source.parent().unwrap_or(Path::new(""));
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) if matches!(error.kind(), csv::ErrorKind::Io(_)) => {
                return Err(unreadable(error));
            }
            Err(error) => {
                mistakes.push(format!("{}: {error}", source.display()));
                continue;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        let field = |index: usize| record.get(index).filter(|field| !field.is_empty());
        let kind = kind.and_then(field).or(category);
        match (field(reference), kind, field(path)) {
            (Some(reference), Some(category), Some(file)) => photographs.push(Photograph {
                reference: reference.to_owned(),
                category: category.to_owned(),
                file: base.join(file),
            }),
            (reference, category, file) => {
                let absent = [
                    ("reference", reference),
                    ("category", category),
                    ("file", file),
                ];
                let absent: Vec<_> = absent
                    .into_iter()
                    .filter(|(_, field)| field.is_none())
                    .map(|(name, _)| name)
                    .collect();
                mistakes.push(format!(
                    "{}:{line}: no {}",
                    source.display(),
                    absent.join(", no ")
                ));
            }
        }
        if photographs.len() > MOST {
            return Err(Failure::mistake(
                format!("{}: more than {MOST} photographs", source.display()),
                "enrol them in parts",
            ));
        }
    }
    Ok((photographs, mistakes))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

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
        let (photographs, mistakes) = read(folder.path(), Some("wanted")).unwrap();
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
        let (photographs, mistakes) = read(folder.path(), Some("wanted")).unwrap();
        assert_eq!(photographs.len(), 1);
        assert_eq!(mistakes.len(), 3, "{mistakes:?}");
    }

    #[test]
    fn a_folder_without_a_category_is_refused() {
        let folder = files(&[("a.jpg", "")]);
        assert!(matches!(
            read(folder.path(), None),
            Err(Failure::Diagnostics { .. })
        ));
    }

    #[test]
    fn a_csv_file_names_photographs_beside_it_in_any_order_of_columns() {
        let folder = files(&[(
            "list.csv",
            "\u{feff}File, category ,REFERENCE\nx/a.jpg,wanted,a\n\"b, c.png\",missing,b\n",
        )]);
        let (photographs, mistakes) = read(&folder.path().join("list.csv"), None).unwrap();
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
        let (photographs, mistakes) = read(&folder.path().join("list.csv"), None).unwrap();
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
        let failure = read(&folder.path().join("list.csv"), Some("wanted"))
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
        let (photographs, _) = read(&folder.path().join("list.csv"), Some("wanted")).unwrap();
        assert_eq!(
            told(&photographs),
            [("a", "wanted", "a.jpg"), ("b", "missing", "b.jpg")]
        );
    }
}
