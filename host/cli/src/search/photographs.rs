//! Which photographs to search: files, folders of files, and CSV files that list them. It opens no photograph.

use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::watchlist::sources::{ENDINGS, children, is_photograph};

/// Photographs of one search.
const MOST: usize = 1_000_000;

/// What is to be searched, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Listed {
    /// The photographs.
    pub(super) files: Vec<PathBuf>,
    /// What has to stay open to read them: files and folders.
    pub(super) places: Vec<PathBuf>,
    /// What a folder holds besides.
    pub(super) others: Vec<PathBuf>,
}

/// Finds them. Those of a folder come by name, those of a list in its order.
pub(super) fn listed(sources: &[PathBuf]) -> Result<Listed, Failure> {
    let mut listed = Listed::default();
    for source in sources {
        let metadata = std::fs::metadata(source).map_err(|error| Failure::file(source, &error))?;
        let is_list = source
            .extension()
            .is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
        if metadata.is_dir() {
            listed.folder(source)?;
        } else if is_list {
            listed.list(source)?;
        } else {
            listed.take(source.clone());
        }
        if listed.files.len() > MOST {
            return Err(Failure::mistake(
                format!("more than {MOST} photographs"),
                "search them in parts",
            ));
        }
    }
    if listed.files.is_empty() {
        return Err(Failure::mistake(
            "there is no photograph to search",
            format!(
                "name files, or a folder with some ({}), or a CSV file with the column `file`",
                ENDINGS.join(", ")
            ),
        ));
    }
    Ok(listed)
}

impl Listed {
    fn take(&mut self, file: PathBuf) {
        self.places.push(file.clone());
        self.files.push(file);
    }

    /// The visible files of a folder.
    fn folder(&mut self, folder: &Path) -> Result<(), Failure> {
        let children = children(folder)?;
        self.places.push(folder.to_owned());
        for child in children {
            match is_photograph(&child) {
                true => self.files.push(child),
                false => self.others.push(child),
            }
        }
        Ok(())
    }

    /// The files of a list's column `file`; relative paths start at the list's folder.
    fn list(&mut self, list: &Path) -> Result<(), Failure> {
        let mistake = |line: u64, what: String| {
            Failure::mistake(
                format!("{}:{line}: {what}", list.display()),
                "give a CSV file with the column `file`, a photograph in each line",
            )
        };
        let failed = |error: csv::Error| {
            let line = error.position().map_or(1, csv::Position::line);
            mistake(line, error.to_string())
        };
        let mut lines = csv::Reader::from_path(list).map_err(failed)?;
        let columns = lines.headers().map_err(failed)?;
        let Some(place) = columns.iter().position(|column| column == "file") else {
            return Err(mistake(1, "there is no column `file`".to_owned()));
        };
        let folder = crate::output::folder_of(list).to_owned();
        for line in lines.records() {
            let line = line.map_err(failed)?;
            let number = line.position().map_or(1, csv::Position::line);
            match line.get(place).filter(|file| !file.is_empty()) {
                Some(file) => self.take(folder.join(file)),
                None => return Err(mistake(number, "it names no file".to_owned())),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_folder_gives_its_photographs_by_name_and_tells_of_what_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["b.JPG", "a.png", "notes.txt", ".hidden.jpg"] {
            std::fs::write(at(name), "").unwrap();
        }
        let found = listed(&[folder.path().to_owned()]).unwrap();
        assert_eq!(found.files, [at("a.png"), at("b.JPG")]);
        assert_eq!(found.others, [at("notes.txt")]);
        assert_eq!(found.places, [folder.path()]);
    }

    #[test]
    fn a_list_gives_its_photographs_in_its_order_from_its_own_folder() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("list.csv"), "at,file\n1,z.jpg\n2,/stills/a.jpg\n").unwrap();
        let found = listed(&[at("list.csv")]).unwrap();
        assert_eq!(found.files, [at("z.jpg"), "/stills/a.jpg".into()]);
    }

    #[test]
    fn a_list_without_files_is_a_mistake_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("list.csv");
        for (text, told) in [
            ("photograph\na.jpg\n", "list.csv:1: there is no column"),
            ("file,at\na.jpg,1\n,2\n", "list.csv:3: it names no file"),
            ("file\n", "there is no photograph"),
        ] {
            std::fs::write(&list, text).unwrap();
            let failure = listed(std::slice::from_ref(&list)).unwrap_err();
            assert!(failure.render(false).contains(told), "{text}");
        }
    }
}
