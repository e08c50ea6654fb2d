//! The fetcher with a real pip, whose registry is a folder: no network is needed.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use overt_models::Sha256Hex;

const FILE: &[u8] = b"a small library";

/// A folder with a registry of one package, a list that names it, and room for what is fetched.
struct Place {
    folder: tempfile::TempDir,
    wheel: PathBuf,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("registry")).unwrap();
        let wheel = folder.path().join("registry/pinned-1.0-py3-none-any.whl");
        let metadata = "Metadata-Version: 2.1\nName: pinned\nVersion: 1.0\n";
        let tags =
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
        let mut zip = zip::ZipWriter::new(std::fs::File::create(&wheel).unwrap());
        for (name, bytes) in [
            ("pinned/lib.so", FILE),
            ("pinned-1.0.dist-info/METADATA", metadata.as_bytes()),
            ("pinned-1.0.dist-info/WHEEL", tags.as_bytes()),
            ("pinned-1.0.dist-info/RECORD", b""),
        ] {
            zip.start_file(name, zip::write::SimpleFileOptions::default())
                .unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap();
        let place = Place { folder, wheel };
        place.list(
            &Sha256Hex::of(FILE),
            &Sha256Hex::of_file(&place.wheel).unwrap(),
        );
        place
    }

    /// Writes the list with these pins.
    fn list(&self, file: &Sha256Hex, archive: &Sha256Hex) {
        let text = format!(
            "[[file]]\nname = \"lib.so\"\nsha256 = \"{file}\"\nlicence = \"MIT\"\nnote = \"\"\n[file.source]\nregistry = \"pypi\"\n\
             package = \"pinned\"\nversion = \"1.0\"\narchive-sha256 = \"{archive}\"\npath = \"pinned/lib.so\"\n"
        );
        std::fs::write(self.folder.path().join("list.toml"), text).unwrap();
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    fn fetch(&self) -> Output {
        self.command().output().unwrap()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_overt-models"));
        command
            .arg("files")
            .arg(self.folder.path().join("list.toml"))
            .arg(self.out());
        command
            .env("PIP_NO_INDEX", "1")
            .env("PIP_FIND_LINKS", self.folder.path().join("registry"));
        command.env("TMPDIR", self.folder.path());
        command
    }

    /// What lies in the folder of fetched files.
    fn fetched(&self) -> Vec<String> {
        names(&self.out())
    }
}

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_file_is_fetched_once_and_a_second_run_says_and_does_nothing() {
    let place = Place::new();
    let first = place.fetch();
    assert!(first.status.success(), "{}", text(&first.stderr));
    assert_eq!(text(&first.stdout), "  fetching pinned 1.0 from PyPI\n");
    assert_eq!(std::fs::read(place.out().join("lib.so")).unwrap(), FILE);
    let mode = std::fs::metadata(place.out().join("lib.so"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o644);

    std::fs::remove_file(&place.wheel).unwrap();
    let second = place.fetch();
    assert!(
        second.status.success() && second.stdout.is_empty(),
        "{}",
        text(&second.stderr)
    );
    // Packages and everything else that was needed on the way are gone.
    let mut left = names(place.folder.path());
    left.sort();
    assert_eq!(left, ["list.toml", "out", "registry"]);
}

#[test]
fn a_file_that_was_changed_or_cut_short_is_fetched_anew() {
    let place = Place::new();
    std::fs::create_dir(place.out()).unwrap();
    for found in [&FILE[..4], b"another library", b""] {
        std::fs::write(place.out().join("lib.so"), found).unwrap();
        assert!(place.fetch().status.success());
        assert_eq!(std::fs::read(place.out().join("lib.so")).unwrap(), FILE);
    }
}

#[test]
fn a_package_with_another_digest_is_refused_and_nothing_is_left_of_it() {
    let place = Place::new();
    place.list(&Sha256Hex::of(FILE), &Sha256Hex::of(b"another package"));
    let run = place.fetch();
    assert_eq!(run.status.code(), Some(1));
    let error = text(&run.stderr);
    assert!(
        error.starts_with("error: lib.so: ") && error.contains("pinned 1.0 from PyPI"),
        "{error}"
    );
    assert_eq!(place.fetched(), Vec::<String>::new());
}

#[test]
fn a_file_with_another_digest_is_refused_and_nothing_is_left_of_it() {
    let place = Place::new();
    let expected = Sha256Hex::of(b"another file");
    place.list(&expected, &Sha256Hex::of_file(&place.wheel).unwrap());
    let run = place.fetch();
    assert_eq!(run.status.code(), Some(1));
    let error = text(&run.stderr);
    assert!(
        error.contains(expected.as_str()) && error.contains(Sha256Hex::of(FILE).as_str()),
        "{error}"
    );
    assert_eq!(place.fetched(), Vec::<String>::new());
}

#[test]
fn a_package_that_the_registry_does_not_have_is_an_error_with_the_clients_words() {
    let place = Place::new();
    std::fs::remove_file(&place.wheel).unwrap();
    let run = place.fetch();
    assert_eq!(run.status.code(), Some(1));
    let error = text(&run.stderr);
    assert!(
        error.contains("python3 -m pip could not fetch pinned 1.0 from PyPI")
            && error.contains("ERROR"),
        "{error}"
    );
}

#[test]
fn without_the_client_the_error_names_it_and_what_to_install() {
    let place = Place::new();
    let run = place
        .command()
        .env("PATH", place.folder.path())
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(1));
    let error = text(&run.stderr);
    assert!(
        error.contains("python3 -m pip could not be started") && error.contains("python3-pip"),
        "{error}"
    );
}

#[test]
fn a_folder_that_cannot_be_written_is_an_error_that_names_the_file() {
    let place = Place::new();
    std::fs::write(place.out(), "in the way").unwrap();
    let run = place.fetch();
    assert_eq!(run.status.code(), Some(1));
    assert!(
        text(&run.stderr).contains("out/lib.so"),
        "{}",
        text(&run.stderr)
    );
}
