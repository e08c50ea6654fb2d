//! Whether the files that a deployment names are there. A step of its own: a deployment file can be checked on a machine that holds
//! none of them. It opens nothing and knows nothing of what is in a file.

use std::ops::Range;
use std::path::PathBuf;

use crate::deployment::Deployment;
use crate::problem::Problems;

/// A file that the deployment file names and that must exist.
#[derive(Clone, Debug)]
pub(crate) struct NamedFile {
    pub(crate) path: PathBuf,
    /// What it is to somebody who reads the message, such as "a plugin file".
    pub(crate) what: &'static str,
    /// How to come by it.
    pub(crate) mend: &'static str,
    pub(crate) key: String,
    pub(crate) span: Range<usize>,
}

impl Deployment {
    /// Checks that every file that this deployment names is there: videos, plugins, models, the ONNX Runtime library.
    ///
    /// # Errors
    ///
    /// Every file that is missing or is no plain file, in the order of the deployment file's lines.
    pub fn check_files(&self) -> Result<(), Problems> {
        let list: Vec<_> = self
            .files
            .iter()
            .filter_map(|named| {
                let found = match std::fs::metadata(&named.path) {
                    Ok(metadata) if metadata.is_file() => return None,
                    Ok(_) => format!("{}, which is no file", named.path.display()),
                    Err(error) => format!("{}: {error}", named.path.display()),
                };
                Some(self.text.problem(
                    named.span.clone(),
                    named.key.clone(),
                    named.what.to_owned(),
                    found,
                    named.mend.to_owned(),
                ))
            })
            .collect();
        if list.is_empty() {
            Ok(())
        } else {
            Err(Problems::new(list, 0, self.text.clone()))
        }
    }
}
