//! `overt lock`: writes down what a deployment consists of, by digest, and compares.

use std::path::PathBuf;

use clap::Args;
use overt_deployment::Deployment;
use overt_pipeline::Lock;
use overt_pipeline::lock::{LockDifference, LockError, LockFile};
use overt_records::{Force, ForceError, PersonRole};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::{machine, output, session};

/// Write down what a deployment consists of, so that nothing else can run; you are signed in as a system engineer
///
/// Signatures, manifests, grants and models are checked as a run would; nothing is compiled or run. The lock names plugins, models, calibration and back
/// end by digest; grants, limits, configurations, trusted keys, each camera's source and zone, and this host's version as they are. It goes beside the deployment file as overt.lock, or where
/// `lock` under [host] says.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt lock deployment.toml                     decide what runs
  overt lock deployment.toml --check             is it still so?
  overt lock --diff overt.lock proposed.lock     what would change?

Exit status: 0 done, or nothing differs; 1 if something differs or a plugin would be refused; 2 for mistakes in the deployment file.")]
pub(crate) struct Arguments {
    /// The deployment file
    #[arg(required_unless_present = "diff")]
    deployment: Option<PathBuf>,
    /// Compare with the lock that is there, and write nothing
    #[arg(long)]
    check: bool,
    /// Compare two locks
    #[arg(long, num_args = 2, value_names = ["A", "B"], conflicts_with_all = ["deployment", "check"])]
    diff: Option<Vec<PathBuf>>,
    /// Differences as JSON
    #[arg(long)]
    json: bool,
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Self {
        Self::new(error.to_string(), error.mend())
    }
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    if let Some([one, other]) = arguments.diff.as_deref() {
        let read = |path: &PathBuf| {
            LockFile::read(path, path).map_err(|error| match error {
                LockError::Missing { .. } => Failure::mistake(error.to_string(), "check the path"),
                other => other.into(),
            })
        };
        let differences = read(one)?.lock.differences(&read(other)?.lock);
        return tell(&differences, arguments.json);
    }
    // Given, where `--diff` is not.
    let file = arguments.deployment.unwrap_or_default();
    let deployment = Deployment::read(&file)?;
    deployment.check_files()?;
    let force = Force::at(&deployment.host.force);
    // Before what takes its time. Who only compares is not asked.
    let who = match arguments.check {
        true => None,
        false => {
            let who = session::signed_in(&force)?;
            let may = who.acting_as(PersonRole::SystemEngineer);
            may.map_err(ForceError::from)?;
            Some(who)
        }
    };
    let machine = machine::start(&deployment)?;
    let now = Lock::of(&machine, &deployment)?;
    let path = &deployment.host.lock;
    if arguments.check {
        let locked = LockFile::read(path, &file)?;
        return tell(&locked.lock.differences(&now), arguments.json);
    }
    // What stood there before may be of an older version, or damaged; it is replaced all the same.
    let before = LockFile::read(path, &file).ok();
    now.write(path)?;
    if let Some(who) = &who {
        let written = LockFile::read(path, &file)?;
        force.note_lock(&deployment.id, &written.sha256, who, &session::now()?)?;
    }
    let differences = before.map(|before| before.lock.differences(&now));
    if arguments.json {
        output::print_json(&differences.unwrap_or_default())?;
        return Ok(Exit::Done);
    }
    let mut text = format!("{}\n", path.display());
    for (role, plugin) in &now.plugin {
        let signed = match plugin.signed_by.is_empty() {
            true => "not signed".to_owned(),
            false => format!("signed by {}", plugin.signed_by.join(", ")),
        };
        let role = role.name();
        text += &format!("  {role:<15} {} {}, {signed}\n", plugin.id, plugin.version);
    }
    if now.trust.unsigned {
        text += "Plugins need no signature here (`unsigned = true` under [trust]); every run says so.\n";
    }
    match differences.as_deref() {
        None => {}
        Some([]) => text += "Nothing differs from the lock that was there.\n",
        Some(differences) => text += &described(differences),
    }
    output::print(&output::printable(&text))?;
    Ok(Exit::Done)
}

fn tell(differences: &[LockDifference], json: bool) -> Result<Exit, Failure> {
    if json {
        output::print_json(&differences)?;
    } else if differences.is_empty() {
        output::print("Nothing differs.\n")?;
    } else {
        output::print(&output::printable(&described(differences)))?;
    }
    Ok(match differences {
        [] => Exit::Done,
        _ => Exit::Failed,
    })
}

/// As `diff` shows it: what was, what is.
fn described(differences: &[LockDifference]) -> String {
    let mut text = String::new();
    for LockDifference {
        part,
        locked,
        found,
    } in differences
    {
        text += &format!("{part}\n");
        for (sign, value) in [('-', locked), ('+', found)] {
            if let Some(value) = value {
                text += &format!("  {sign} {value}\n");
            }
        }
    }
    text
}
