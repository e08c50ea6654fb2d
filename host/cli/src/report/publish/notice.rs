//! `overt report notice`: what the public is told of a deployment.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use overt_deployment::Deployment;
use overt_pipeline::publication;
use overt_publication::notice::{NoticeError, Paper};
use overt_records::Force;

use super::{toml_file, write};
use crate::exit::Exit;
use crate::failure::Failure;

/// Write the notice that the public is given: a page, plain text, or a sign in large print
///
/// Where, when, what for, who is looked for and how long what is kept come out of the terms that were authorised, extensions included; out of the deployment file where
/// nobody has decided yet. Who answers for it, on which law it rests, the rights that people have and how to complain are the force's own words, in a file that serves
/// many deployments: `particulars` under [notice].
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt report notice deployment.toml -o notice.html
  overt report notice deployment.toml --format sign-a3 -o sign.html
  overt report notice deployment.toml --particulars force.toml --format text

The particulars, all of which the notice has to say:
  controller = \"The Chief Constable of …\"
  contact = \"…\"
  data-protection-officer = \"…\"
  lawful-basis = \"…\"
  rights = [\"…\", \"…\"]
  how-to-use-rights = \"…\"
  complaints = \"…\"
  regulator = \"…\"
  more = \"…\"

Exit status: 0 if it was written, 2 for a mistake in a file or something that the notice would not say.")]
pub(super) struct Arguments {
    /// The deployment file
    deployment: PathBuf,
    /// The force's particulars, a TOML file [default: the one that the deployment file names]
    #[arg(long, value_name = "FILE")]
    particulars: Option<PathBuf>,
    /// How it is written
    #[arg(long, value_enum, default_value_t = Form::Html)]
    format: Form,
    /// The file to write, instead of standard output
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// How a notice is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A page that stands alone
    Html,
    /// Plain text
    Text,
    /// A sign in large print, for A4 paper
    SignA4,
    /// A sign in large print, for A3 paper
    SignA3,
}

pub(super) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let deployment = Deployment::read(&arguments.deployment)?;
    let mend = "`overt report notice --help` shows all that it has to say";
    let named = deployment.notice.as_ref();
    let named = named.and_then(|notice| notice.particulars.clone());
    let Some(file) = arguments.particulars.or(named) else {
        return Err(Failure::mistake(
            "it is not said where the force's particulars are",
            "name their file: `particulars` under [notice] of the deployment file, or --particulars; `overt report notice --help` shows one",
        ));
    };
    let force = Force::at(&deployment.host.force);
    let notice = publication::notice(&deployment, &force, toml_file(&file, mend)?)?;
    let notice = notice.checked()?;
    let text = match arguments.format {
        Form::Html => notice.html()?,
        Form::Text => notice.text(),
        Form::SignA4 => notice.sign(Paper::A4)?,
        Form::SignA3 => notice.sign(Paper::A3)?,
    };
    write(arguments.out.as_deref(), &text)?;
    Ok(Exit::Done)
}

impl From<NoticeError> for Failure {
    fn from(error: NoticeError) -> Self {
        match &error {
            NoticeError::Missing(_) => Failure::mistake(
                error.to_string(),
                "say it in the particulars or in the deployment file",
            ),
            NoticeError::Html(_) => Failure::new(error.to_string(), ""),
        }
    }
}
