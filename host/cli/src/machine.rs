//! Starts what `run` and `watchlist enrol` need of the machine. It knows where this program and its user's cache are, and no more.

use std::path::PathBuf;

use overt_deployment::Deployment;
use overt_pipeline::{Machine, MachineOptions};
use overt_runtime::compiler::Compiler;

use crate::failure::Failure;

/// The plugin runtime and the inference back end. Plugins are compiled by this same program as a child (`overt compile`).
pub(crate) fn start(deployment: &Deployment) -> Result<Machine, Failure> {
    Ok(Machine::start(deployment, options()?)?)
}

/// What a machine is started with.
pub(crate) fn options() -> Result<MachineOptions, Failure> {
    Ok(MachineOptions {
        compiler: compiler()?,
        cache: cache_folder(),
    })
}

/// What compiles plugins.
pub(crate) fn compiler() -> Result<Compiler, Failure> {
    let program = std::env::current_exe().map_err(|error| {
        Failure::new(
            format!("this program cannot find its own file: {error}"),
            "start it by its path",
        )
    })?;
    Ok(Compiler {
        program,
        arguments: vec!["compile".into()],
    })
}

/// `overt/compiled` in the user's cache folder, by the XDG Base Directory Specification; nowhere for a user without a home.
pub(crate) fn cache_folder() -> Option<PathBuf> {
    let absolute = |path: PathBuf| path.is_absolute().then_some(path);
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .and_then(absolute);
    let cache = cache.or_else(|| Some(absolute(std::env::home_dir()?)?.join(".cache")));
    Some(cache?.join("overt/compiled"))
}
