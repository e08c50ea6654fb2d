//! Where the project's parts lie that set-up and build have made: plugins, models, photographs, the inference library. It measures nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use overt_pipeline::machine::{BackendChoice, open_backend};
use overt_runtime::Terms;
use overt_runtime::compiler::Compiler;
use overt_runtime::{Limits, Plugin, PluginFile, Role, Runtime, RuntimeOptions, TrustedFile};
use overt_vision::{Backend, ModelFile};
use tempfile::TempDir;

use crate::Outcome;

/// The argument with which this program compiles one plugin, as a child of its own.
pub(crate) const COMPILE: &str = "compile";

/// The project, with a runtime whose cache lives as long as it.
pub(crate) struct Project {
    root: PathBuf,
    /// Where compiled plugins are kept.
    pub(crate) cache: PathBuf,
    pub(crate) runtime: Runtime,
    pub(crate) backend: Box<dyn Backend>,
    _cache: TempDir,
}

impl Project {
    /// The project that this program was built from.
    pub(crate) fn open() -> Outcome<Project> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .canonicalize()?;
        let folder = tempfile::tempdir()?;
        let cache = folder.path().join("compiled");
        Ok(Project {
            runtime: runtime(Some(cache.clone()))?,
            backend: open_backend(
                &BackendChoice::usual(overt_deployment::Backend::OnnxRuntime),
                &root,
            )?,
            root,
            cache,
            _cache: folder,
        })
    }

    /// A path of the repository.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// A photograph of the demonstration.
    pub(crate) fn photograph(&self, name: &str) -> PathBuf {
        self.path(".overt/photographs").join(name)
    }

    /// A model by its name in the manifests.
    pub(crate) fn model(&self, name: &str) -> Outcome<ModelFile> {
        Ok(ModelFile::read(&self.model_path(name))?)
    }

    fn model_path(&self, name: &str) -> PathBuf {
        self.path(".overt/models").join(format!("{name}.onnx"))
    }

    /// What compiles plugins: this program.
    pub(crate) fn compiler(&self) -> Outcome<Compiler> {
        compiler()
    }

    /// Another runtime, with a cache of its own or none.
    pub(crate) fn runtime(&self, cache: Option<PathBuf>) -> Outcome<Runtime> {
        runtime(cache)
    }

    /// A plugin of the repository, as the build packed it.
    pub(crate) fn plugin_file(&self, name: &str) -> Outcome<TrustedFile> {
        Ok(TrustedFile::unsigned(PluginFile::read(
            &self.path(".overt/plugins").join(format!("{name}.wasm")),
        )?))
    }

    /// Everything granted that is declared, and the host's own limits.
    pub(crate) fn terms(&self, file: &PluginFile, role: Role, config: &str) -> Outcome<Terms> {
        let mut models = BTreeMap::new();
        for declared in &file.manifest().models {
            models.insert(
                declared.name.clone(),
                (self.model_path(&declared.name), self.model(&declared.name)?),
            );
        }
        Ok(Terms {
            role,
            grants: file.manifest().capabilities.declared().collect(),
            limits: Limits::default(),
            config: config.into(),
            models,
        })
    }

    /// A plugin, ready to be called.
    pub(crate) fn plugin(&self, name: &str, role: Role, config: &str) -> Outcome<Plugin> {
        let file = self.plugin_file(name)?;
        Ok(self
            .runtime
            .accept(&file, self.terms(&file, role, config)?)?)
    }
}

fn compiler() -> Outcome<Compiler> {
    Ok(Compiler {
        program: std::env::current_exe()?,
        arguments: vec![COMPILE.into()],
    })
}

fn runtime(cache: Option<PathBuf>) -> Outcome<Runtime> {
    Ok(Runtime::new(RuntimeOptions {
        compiler: compiler()?,
        cache,
    })?)
}
