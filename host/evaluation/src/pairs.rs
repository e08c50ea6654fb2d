//! Pair files in the format of Labeled Faces in the Wild (Huang, Ramesh, Berg, Learned-Miller 2007): text, fields between tabs or spaces.
//!
//! The first line is a count `n`, or two, `folds n`. Then come, for each fold, `n` pairs of one person (`name a b`) and `n` pairs of two
//! (`name a name b`); where there are no folds, `n` may be the count of all pairs as well. `name` and number stand for the photograph `name/name_nnnn.jpg`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// Bytes of a pair file: that of the whole LFW has 160 thousand.
const FILE_BYTES: u64 = 64 << 20;

/// Mistakes that are told one by one.
const TOLD: usize = 20;

/// A photograph of a person.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Photograph {
    /// The person's name: a folder.
    pub name: String,
    /// From 1.
    pub number: u32,
}

impl Photograph {
    /// The file below the folder of images.
    pub fn path(&self, images: &Path) -> PathBuf {
        images
            .join(&self.name)
            .join(format!("{}_{:04}.jpg", self.name, self.number))
    }
}

/// Two photographs that are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The first; an index into [`Pairs::photographs`].
    pub first: usize,
    /// The second.
    pub second: usize,
    /// Whether both show one person.
    pub genuine: bool,
    /// The fold, from 0.
    pub fold: usize,
}

/// A pair file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pairs {
    /// Every photograph, once.
    pub photographs: Vec<Photograph>,
    /// The pairs, in the file's order.
    pub pairs: Vec<Pair>,
    /// How many folds there are.
    pub folds: usize,
}

/// What is wrong with a pair file.
#[derive(Debug, thiserror::Error)]
pub enum PairsError {
    /// It cannot be read.
    #[error("{}: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        cause: std::io::Error,
    },
    /// It is larger than 64 MiB.
    #[error("{}: larger than 64 MiB, which is no pair file", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// Mistakes in it.
    #[error("{}", told(path, mistakes))]
    Mistakes {
        /// The file.
        path: PathBuf,
        /// Each of them.
        mistakes: Vec<Mistake>,
    },
}

/// A mistake in a pair file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The line, from 1.
    pub line: usize,
    /// What belongs there.
    pub expected: &'static str,
    /// What stands there.
    pub found: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}, found {}", self.expected, self.found)
    }
}

fn told(path: &Path, mistakes: &[Mistake]) -> String {
    let mut lines: Vec<String> = mistakes
        .iter()
        .take(TOLD)
        .map(|mistake| format!("{}:{}: {mistake}", path.display(), mistake.line))
        .collect();
    if mistakes.len() > TOLD {
        lines.push(format!("and {} more", mistakes.len() - TOLD));
    }
    lines.join("\n")
}

/// Folds where the file has none.
const FOLDS: usize = 10;

/// Most folds of a file.
const MOST_FOLDS: usize = 1_000;

impl Pairs {
    /// Reads a pair file.
    ///
    /// # Errors
    /// Every mistake in it at once.
    pub fn read(path: &Path) -> Result<Pairs, PairsError> {
        let file = |cause| PairsError::File {
            path: path.to_owned(),
            cause,
        };
        if std::fs::metadata(path).map_err(file)?.len() > FILE_BYTES {
            return Err(PairsError::TooLarge {
                path: path.to_owned(),
            });
        }
        let bytes = std::fs::read(path).map_err(file)?;
        Pairs::parse(&String::from_utf8_lossy(&bytes)).map_err(|mistakes| PairsError::Mistakes {
            path: path.to_owned(),
            mistakes,
        })
    }

    /// The same of a text.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn parse(text: &str) -> Result<Pairs, Vec<Mistake>> {
        let mut mistakes = Vec::new();
        let mut lines = text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line.split_whitespace().collect::<Vec<_>>()))
            .filter(|(_, fields)| !fields.is_empty());
        let header = lines.next();
        let counts: Option<Vec<usize>> = header.as_ref().and_then(|(_, fields)| {
            fields
                .iter()
                .map(|field| field.parse().ok().filter(|count| *count > 0))
                .collect()
        });
        let (stated, each) = match counts.as_deref() {
            Some([each]) => (None, *each),
            Some([folds, each]) if (2..=MOST_FOLDS).contains(folds) => (Some(*folds), *each),
            _ => {
                mistakes.push(Mistake {
                    line: header.as_ref().map_or(1, |(line, _)| *line),
                    expected: "a count of pairs, or a number of folds (2 to 1,000) and a count",
                    found: header.map_or("nothing".to_owned(), |(_, fields)| quoted(&fields)),
                });
                (None, 0)
            }
        };
        let mut known = BTreeMap::new();
        let mut pairs = Vec::new();
        let mut last = 1;
        for (line, fields) in lines {
            last = line;
            let mut photograph = |name: &str, number: &str| {
                let number = number.parse().ok().filter(|number| *number > 0)?;
                // A name is a folder's: none that leads elsewhere.
                if name.starts_with('.') || name.contains(['/', '\\', '\0']) {
                    return None;
                }
                let count = known.len();
                let name = name.to_owned();
                Some(*known.entry(Photograph { name, number }).or_insert(count))
            };
            let pair = match fields[..] {
                [name, a, b] => photograph(name, a)
                    .zip(photograph(name, b))
                    .map(|found| (found, true)),
                [name, a, other, b] if name != other => photograph(name, a)
                    .zip(photograph(other, b))
                    .map(|found| (found, false)),
                _ => None,
            };
            match pair {
                Some(((first, second), genuine)) if first != second => pairs.push(Pair {
                    first,
                    second,
                    genuine,
                    fold: 0,
                }),
                _ => mistakes.push(Mistake {
                    line,
                    expected: "`name n1 n2` (two photographs of one person) or `name1 n1 name2 n2` (of two)",
                    found: quoted(&fields),
                }),
            }
        }
        let genuine = pairs.iter().filter(|pair| pair.genuine).count();
        let impostor = pairs.len() - genuine;
        let wanted = each.saturating_mul(stated.unwrap_or(1));
        // Some write how many of each kind there are, some how many in all.
        let adds_up = (genuine, impostor) == (wanted, wanted)
            || (stated.is_none() && pairs.len() == wanted && genuine > 0 && impostor > 0);
        if mistakes.is_empty() && !adds_up {
            mistakes.push(Mistake {
                line: last,
                expected: "as many pairs of one person and of two people as the first line says",
                found: format!("{genuine} and {impostor}, where it says {wanted}"),
            });
        }
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let folds = stated.unwrap_or(FOLDS.min(genuine.min(impostor)));
        let blocks = match stated {
            Some(_) => [each * folds; 2],
            None => [impostor, genuine],
        };
        assign_folds(&mut pairs, folds, blocks);
        let mut photographs: Vec<(Photograph, usize)> = known.into_iter().collect();
        photographs.sort_by_key(|(_, index)| *index);
        Ok(Pairs {
            photographs: photographs.into_iter().map(|(one, _)| one).collect(),
            pairs,
            folds,
        })
    }
}

/// Blocks of neighbours, of genuine and of impostor pairs alike: the file's own folds stand in it one after the other; and where it has none, neighbours
/// often show the same people, who are better in one fold than in two. `counts` is how many impostor and genuine pairs there are.
fn assign_folds(pairs: &mut [Pair], folds: usize, counts: [usize; 2]) {
    // Where the file has folds, its genuine and impostor pairs come in turns of one fold's length, so each kind's own order is that of the folds.
    let mut seen = [0usize; 2];
    for pair in pairs {
        let kind = usize::from(pair.genuine);
        pair.fold = seen[kind] * folds / counts[kind];
        seen[kind] += 1;
    }
}

fn quoted(fields: &[&str]) -> String {
    let text: String = fields.join(" ").chars().take(60).collect();
    format!("`{}`", text.escape_debug())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_file_without_folds_has_as_many_pairs_of_each_kind_in_each() {
        let mut text = "30\n".to_owned();
        for index in 0..30 {
            text += &format!("P{index}\t1\t2\n");
        }
        for index in 0..30 {
            text += &format!("P{index}\t1\tQ{index}\t3\n");
        }
        let pairs = Pairs::parse(&text).unwrap();
        assert_eq!((pairs.pairs.len(), pairs.folds), (60, 10));
        for fold in 0..10 {
            for genuine in [true, false] {
                let count = pairs
                    .pairs
                    .iter()
                    .filter(|pair| (pair.fold, pair.genuine) == (fold, genuine))
                    .count();
                assert_eq!(count, 3);
            }
        }
        // P's first photograph is in two pairs and is one photograph.
        assert_eq!(pairs.photographs.len(), 30 * 3);
        let first = &pairs.photographs[pairs.pairs[30].first];
        assert_eq!(
            first.path(Path::new("/images")),
            Path::new("/images/P0/P0_0001.jpg")
        );
    }

    #[test]
    fn a_count_of_all_pairs_will_do() {
        let text = "3\nA 1 2\nA 1 B 1\nB 1 C 2\n";
        let pairs = Pairs::parse(text).unwrap();
        assert_eq!((pairs.pairs.len(), pairs.folds), (3, 1));
    }

    #[test]
    fn a_file_with_folds_keeps_its_own() {
        let text = "2 1\nA 1 2\nA 1 B 1\nC 1 2\nC 1 D 1\n";
        let pairs = Pairs::parse(text).unwrap();
        let folds: Vec<_> = pairs
            .pairs
            .iter()
            .map(|pair| (pair.genuine, pair.fold))
            .collect();
        assert_eq!(folds, [(true, 0), (false, 0), (true, 1), (false, 1)]);
    }

    #[test]
    fn every_mistake_is_told_with_its_line() {
        let text = "x\nA 1 2\nA 1\nA 0 2\nA 1 A 2\n../B 1 2\nA 2 2\n\nA one B 1\n";
        let lines: Vec<_> = Pairs::parse(text)
            .unwrap_err()
            .iter()
            .map(|mistake| mistake.line)
            .collect();
        assert_eq!(lines, [1, 3, 4, 5, 6, 7, 9]);
    }

    #[test]
    fn an_empty_file_a_missing_pair_and_a_count_without_end_are_mistakes() {
        for text in [
            "",
            "\n\n",
            "0\n",
            "1 2 3\n",
            "2\nA 1 2\nA 1 B 1\nB 1 2\n",
            "18446744073709551615 2\nA 1 2\n",
            "999 18446744073709551615\nA 1 2\n",
        ] {
            assert_eq!(Pairs::parse(text).unwrap_err().len(), 1, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_text_and_very_long_does_no_harm() {
        let text = format!("1\n{}\u{1b}[31m 1 2\n", "x".repeat(100_000));
        let mistakes = Pairs::parse(&text).unwrap_err();
        assert!(mistakes.iter().all(|mistake| mistake.found.len() < 400));
        let told = Pairs::parse("1\nA\u{1b}[31m\n").unwrap_err()[0].to_string();
        assert!(!told.contains('\u{1b}'), "{told}");
    }
}
