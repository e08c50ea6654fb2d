//! The cache of compiled plugins: what is in it runs without a further check, so nothing that somebody else wrote may be loaded.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use overt_runtime::compiler::Compiler;
use overt_runtime::{PluginError, Role, Runtime, RuntimeOptions, TrustedFile};
use support::{compiler, observation, policy, read, terms};

fn with_cache(folder: &Path, compiler: Compiler) -> Result<Runtime, PluginError> {
    Runtime::new(RuntimeOptions {
        compiler,
        cache: Some(folder.to_owned()),
    })
}

/// A compiler that is not there: what is accepted with it came out of the cache.
fn no_compiler() -> Compiler {
    Compiler {
        program: "/nonexistent/overt-compile".into(),
        arguments: Vec::new(),
    }
}

/// Two policies with the same behaviour and different bytes.
fn plugins() -> [TrustedFile; 2] {
    ["", "(func)"].map(|more| read(policy("(i32.const 0)", more)).unwrap())
}

fn accept(folder: &Path, compiler: Compiler, file: &TrustedFile) -> Result<(), PluginError> {
    let plugin = with_cache(folder, compiler)?.accept(file, terms(Role::MatcherPolicy))?;
    plugin.decide(&observation()).unwrap();
    Ok(())
}

/// The compiled plugins in a cache.
fn compiled(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap() != "host.key")
        .collect();
    paths.sort();
    paths
}

#[test]
fn a_plugin_is_compiled_once_and_loaded_after_that() {
    let folder = tempfile::tempdir().unwrap();
    let [plugin, other] = plugins();
    accept(folder.path(), compiler(), &plugin).unwrap();
    accept(folder.path(), no_compiler(), &plugin).unwrap();
    assert!(accept(folder.path(), no_compiler(), &other).is_err());
    assert_eq!(compiled(folder.path()).len(), 1, "and no draft is left");
}

#[test]
fn a_tampered_cache_is_not_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let [plugin, _] = plugins();
    accept(folder.path(), compiler(), &plugin).unwrap();
    let [path] = &compiled(folder.path())[..] else {
        panic!("one file")
    };
    let whole = fs::read(path).unwrap();
    let mut random = fastrand::Rng::with_seed(7);
    // The code itself, the first and the last byte of what it covers, and some between.
    let mut places = vec![0, 31, 32, whole.len() - 1];
    places.extend((0..20).map(|_| random.usize(..whole.len())));
    for place in places {
        let mut tampered = whole.clone();
        tampered[place] ^= 1 << random.u32(..8);
        fs::write(path, &tampered).unwrap();
        assert!(
            accept(folder.path(), no_compiler(), &plugin).is_err(),
            "byte {place} was not noticed"
        );
        assert!(fs::read(path).unwrap() == tampered);
    }
    for length in [0, 1, 31, 32, 33, whole.len() / 2, whole.len() - 1] {
        fs::write(path, &whole[..length]).unwrap();
        assert!(
            accept(folder.path(), no_compiler(), &plugin).is_err(),
            "cut to {length}"
        );
    }
    // With a compiler it is compiled again, replaced, and works.
    accept(folder.path(), compiler(), &plugin).unwrap();
    accept(folder.path(), no_compiler(), &plugin).unwrap();
}

#[test]
fn one_plugins_code_under_anothers_name_is_not_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let [plugin, other] = plugins();
    accept(folder.path(), compiler(), &plugin).unwrap();
    accept(folder.path(), compiler(), &other).unwrap();
    let [first, second] = &compiled(folder.path())[..] else {
        panic!("two files")
    };
    let (of_first, of_second) = (fs::read(first).unwrap(), fs::read(second).unwrap());
    fs::write(first, of_second).unwrap();
    fs::write(second, of_first).unwrap();
    for file in [plugin, other] {
        assert!(accept(folder.path(), no_compiler(), &file).is_err());
        accept(folder.path(), compiler(), &file).unwrap();
    }
}

#[test]
fn a_cache_of_another_key_is_not_loaded() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let [plugin, _] = plugins();
    accept(folder.path(), compiler(), &plugin).unwrap();
    with_cache(other.path(), no_compiler()).unwrap();
    fs::copy(
        other.path().join("host.key"),
        folder.path().join("host.key"),
    )
    .unwrap();
    assert!(accept(folder.path(), no_compiler(), &plugin).is_err());
    accept(folder.path(), compiler(), &plugin).unwrap();
}

#[test]
fn a_cache_key_that_others_may_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    with_cache(folder.path(), compiler()).unwrap();
    let key = folder.path().join("host.key");
    assert_eq!(
        fs::metadata(&key).unwrap().permissions().mode() & 0o777,
        0o600
    );
    for mode in [0o640, 0o604, 0o620] {
        fs::set_permissions(&key, Permissions::from_mode(mode)).unwrap();
        let error = with_cache(folder.path(), compiler())
            .err()
            .unwrap()
            .to_string();
        assert!(
            error.contains("host.key") && error.contains(&format!("{mode:o}")),
            "{error}"
        );
    }
}

#[test]
fn a_cache_folder_that_others_may_write_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
    let error = with_cache(folder.path(), compiler()).err().unwrap();
    assert!(matches!(error, PluginError::Engine { .. }), "{error}");
    assert!(compiled(folder.path()).is_empty());
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    with_cache(folder.path(), compiler()).unwrap();
}

#[test]
fn a_cache_key_that_is_cut_short_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    with_cache(folder.path(), compiler()).unwrap();
    fs::write(folder.path().join("host.key"), [0; 31]).unwrap();
    assert!(with_cache(folder.path(), compiler()).is_err());
}

#[test]
fn a_cache_that_cannot_be_written_compiles_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let [plugin, _] = plugins();
    let runtime = with_cache(folder.path(), compiler()).unwrap();
    // Not by its mode, which means nothing to root.
    fs::remove_dir_all(folder.path()).unwrap();
    for _ in 0..2 {
        let plugin = runtime.accept(&plugin, terms(Role::MatcherPolicy)).unwrap();
        plugin.decide(&observation()).unwrap();
    }
}
