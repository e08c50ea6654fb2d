//! A folder of photographs of people: a folder for each person with any number of photographs, or photographs named like their person,
//! with or without a number (`Ann_Other_0002.jpg`).

use std::path::{Path, PathBuf};

/// Photographs of a folder: far more than anybody evaluates with.
const MOST: usize = 10_000_000;

/// A photograph and whom it shows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shown {
    /// The person: the folder's name, or the file's without its number.
    pub person: String,
    /// The photograph.
    pub path: PathBuf,
}

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    /// It cannot be read.
    #[error("{}: {cause}", path.display())]
    File {
        /// The folder, or a folder in it.
        path: PathBuf,
        /// Why not.
        cause: std::io::Error,
    },
    /// It holds no photograph.
    #[error("{}: no photograph (.jpg, .jpeg or .png) in it or in a folder of it", path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// A name that is no text.
    #[error("{}: its name is not UTF-8", path.display())]
    Name {
        /// The file or folder.
        path: PathBuf,
    },
}

/// Every photograph of a folder, by person and then by name.
///
/// # Errors
/// A folder that cannot be read or holds none.
pub fn read(folder: &Path) -> Result<Vec<Shown>, PeopleError> {
    let mut shown = Vec::new();
    for (name, path) in entries(folder)? {
        if path.is_dir() {
            for (_, file) in entries(&path)? {
                if is_photograph(&file) {
                    shown.push(Shown {
                        person: name.clone(),
                        path: file,
                    });
                }
            }
        } else if is_photograph(&path) {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            shown.push(Shown {
                person: person(&stem).to_owned(),
                path,
            });
        }
        if shown.len() > MOST {
            break;
        }
    }
    shown.sort();
    match shown.is_empty() {
        true => Err(PeopleError::Empty {
            path: folder.to_owned(),
        }),
        false => Ok(shown),
    }
}

fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>, PeopleError> {
    let failed = |cause| PeopleError::File {
        path: folder.to_owned(),
        cause,
    };
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        match entry.file_name().into_string() {
            // Hidden files are a program's, not a person's.
            Ok(name) if name.starts_with('.') => {}
            Ok(name) => entries.push((name, path)),
            Err(_) => return Err(PeopleError::Name { path }),
        }
    }
    Ok(entries)
}

fn is_photograph(path: &Path) -> bool {
    path.is_file()
        && path.extension().is_some_and(|ext| {
            ["jpg", "jpeg", "png"]
                .iter()
                .any(|known| ext.eq_ignore_ascii_case(known))
        })
}

/// A file's name without the number at its end.
fn person(stem: &str) -> &str {
    match stem.rsplit_once('_') {
        Some((name, number))
            if !name.is_empty()
                && !number.is_empty()
                && number.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            name
        }
        _ => stem,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn folders_and_numbered_files_name_their_people() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("Ann_Other")).unwrap();
        for name in [
            "Ann_Other/b.JPG",
            "Ann_Other/a.png",
            "Bo_0002.jpg",
            "Bo_0001.jpeg",
            "C_3D.jpg",
            "note.txt",
            ".hidden.jpg",
            "_1.jpg",
        ] {
            std::fs::write(at(name), "").unwrap();
        }
        let people: Vec<(String, String)> = read(folder.path())
            .unwrap()
            .into_iter()
            .map(|shown| {
                let name = shown
                    .path
                    .file_name()
                    .unwrap()
                    .to_string_lossy()
                    .into_owned();
                (shown.person, name)
            })
            .collect();
        let expected = [
            ("Ann_Other", "a.png"),
            ("Ann_Other", "b.JPG"),
            ("Bo", "Bo_0001.jpeg"),
            ("Bo", "Bo_0002.jpg"),
            ("C_3D", "C_3D.jpg"),
            ("_1", "_1.jpg"),
        ];
        assert_eq!(
            people,
            expected.map(|(one, other)| (one.to_owned(), other.to_owned()))
        );
    }

    #[test]
    fn a_folder_without_photographs_and_one_that_is_not_there_are_told() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(
            read(folder.path()),
            Err(PeopleError::Empty { .. })
        ));
        assert!(matches!(
            read(&folder.path().join("no")),
            Err(PeopleError::File { .. })
        ));
    }
}
