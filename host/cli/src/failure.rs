//! Why a command did not do what was asked, and the one way in which that is shown. Libraries tell facts; what to do about them is said here
//! where they do not say it themselves.

use std::path::Path;

use annotate_snippets::{Level, Renderer};
use overt_deployment::Problems;
use overt_models::{CardError, FetchCause, FetchError};
use overt_pipeline::PipelineError;
use overt_records::RecordsError;
use overt_runtime::PluginError;

use crate::exit::Exit;

/// Why a command did not do what was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Mistakes in a deployment file.
    Problems(Box<Problems>),
    /// Anything else; at least one.
    Diagnostics { list: Vec<Diagnostic>, exit: Exit },
}

/// One thing that went wrong.
#[derive(Debug)]
pub(crate) struct Diagnostic {
    /// What, with its facts.
    pub(crate) what: String,
    /// What the reader can do about it.
    pub(crate) mend: Option<String>,
}

impl Failure {
    /// Something failed.
    pub(crate) fn new(what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::one(what, mend, Exit::Failed)
    }

    /// Somebody made a mistake in what they typed or wrote.
    pub(crate) fn mistake(what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self::one(what, mend, Exit::Mistake)
    }

    /// A file or folder could not be used.
    pub(crate) fn file(path: &Path, error: &std::io::Error) -> Self {
        let mend = match error.kind() {
            std::io::ErrorKind::NotFound => "check the path",
            std::io::ErrorKind::PermissionDenied => {
                "check whose it is and what its permissions are"
            }
            std::io::ErrorKind::StorageFull => "make room on the disk",
            _ => "check the file and the disk that it is on",
        };
        Self::new(format!("{}: {error}", path.display()), mend)
    }

    fn one(what: impl Into<String>, mend: impl Into<String>, exit: Exit) -> Self {
        let mend = Some(mend.into()).filter(|mend| !mend.is_empty());
        Self::Diagnostics {
            list: vec![Diagnostic {
                what: what.into(),
                mend,
            }],
            exit,
        }
    }

    /// The status that the command ends with.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Problems(_) => Exit::Mistake,
            Self::Diagnostics { exit, .. } => *exit,
        }
    }

    /// As somebody reads it at a terminal.
    pub(crate) fn render(&self, colour: bool) -> String {
        match self {
            Self::Problems(problems) => problems.render(colour),
            Self::Diagnostics { list, .. } => list
                .iter()
                .map(|diagnostic| diagnostic.render(colour))
                .collect(),
        }
    }
}

impl Diagnostic {
    pub(crate) fn render(&self, colour: bool) -> String {
        let renderer = if colour {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let error = Level::ERROR.primary_title(self.what.trim_end());
        let group = match &self.mend {
            Some(mend) => error.element(Level::HELP.message(mend)),
            None => annotate_snippets::Group::with_title(error),
        };
        renderer.render(&[group]) + "\n"
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::Problems(Box::new(problems))
    }
}

impl From<PipelineError> for Failure {
    fn from(error: PipelineError) -> Self {
        let diagnostic = |error: &PipelineError| Diagnostic {
            what: error.to_string(),
            mend: Some(error.mend()),
        };
        Self::Diagnostics {
            list: error.each().into_iter().map(diagnostic).collect(),
            exit: Exit::Failed,
        }
    }
}

impl From<PluginError> for Failure {
    fn from(error: PluginError) -> Self {
        // The manifest is a file that somebody wrote.
        let exit = if let PluginError::Manifest { .. } = error {
            Exit::Mistake
        } else {
            Exit::Failed
        };
        Self::one(error.to_string(), error.mend(), exit)
    }
}

impl From<RecordsError> for Failure {
    fn from(error: RecordsError) -> Self {
        let told;
        let mend = match &error {
            RecordsError::MayNot(cause) => {
                told = cause.mend();
                &told
            }
            RecordsError::Grounds { cause, .. } => cause.mend(),
            RecordsError::Membership { cause } => cause.mend(),
            RecordsError::Missing { .. } => {
                "enrol somebody first: `overt watchlist enrol DEPLOYMENT FOLDER-OR-CSV`, or correct `records` under [host]"
            }
            RecordsError::AlreadyOpen { .. } => "wait until the other `overt` has ended",
            RecordsError::ForeignDeployment { .. } => {
                "give each deployment a record store of its own: `records` under [host]"
            }
            RecordsError::AlertsOpen { .. } => {
                "people judge them, or their time runs out: `overt alerts list DEPLOYMENT`"
            }
            RecordsError::AuditFileMissing { .. } => {
                "put the file back from where it went; it is written once, with the store, and nothing can replace it"
            }
            RecordsError::AuditBroken { .. } => {
                "`overt audit verify DEPLOYMENT` says how; keep every file as it is for whoever looks into it"
            }
            RecordsError::Full { .. } => {
                "make room on the disk and try again; what was committed is safe"
            }
            _ => "",
        };
        Self::new(error.to_string(), mend)
    }
}

impl From<CardError> for Failure {
    fn from(error: CardError) -> Self {
        Self::new(
            error.to_string(),
            "this is a fault of Overt: its cards are built into it",
        )
    }
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        let mend = match *error.cause {
            FetchCause::Registry(_) => {
                "check the network and the package manager's settings, then try again: what is there already is not fetched twice"
            }
            FetchCause::Differs { .. } => {
                "nothing was kept; try again, and if it differs again, do not use it"
            }
            FetchCause::Io { .. } => {
                "check that the folder may be written, and that the disk has room"
            }
            FetchCause::Archive(_) | FetchCause::Patch(_) => {
                "try again; if it persists, the package is not the one that the card describes"
            }
        };
        Self::new(error.to_string(), mend)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_what_went_wrong_and_the_mend() {
        let failure = Failure::new("the disk is full", "make room");
        assert_eq!(
            failure.render(false),
            "error: the disk is full\n |\n = help: make room\n"
        );
        assert_eq!(failure.exit(), Exit::Failed);
    }

    #[test]
    fn a_failure_without_a_mend_is_one_line() {
        assert_eq!(Failure::new("no", "").render(false), "error: no\n");
    }
}
