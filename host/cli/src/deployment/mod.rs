//! `overt deployment`: a deployment in the force's register, and what can be seen of it, from its file and while it runs.

mod authorise;
mod cancel;
mod certificate;
mod close;
mod extend;
mod inspect;
mod plan;
mod refuse;
mod register;
mod status;

use std::path::Path;

use clap::{Args, Subcommand};
use overt_deployment::Deployment;
use overt_records::{Force, SignedIn};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::session;

/// Plan and authorise deployments, and see what one consists of and whether anything is out of order
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Plan(plan::Arguments),
    Authorise(authorise::Arguments),
    Refuse(refuse::Arguments),
    Extend(extend::Arguments),
    Cancel(cancel::Arguments),
    Close(close::Arguments),
    Certificate(certificate::Arguments),
    Register(register::Arguments),
    Inspect(inspect::Arguments),
    Status(status::Arguments),
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.command {
        Command::Plan(arguments) => plan::run(arguments),
        Command::Authorise(arguments) => authorise::run(arguments),
        Command::Refuse(arguments) => refuse::run(arguments),
        Command::Extend(arguments) => extend::run(arguments),
        Command::Cancel(arguments) => cancel::run(arguments),
        Command::Close(arguments) => close::run(arguments),
        Command::Certificate(arguments) => certificate::run(arguments),
        Command::Register(arguments) => register::run(arguments),
        Command::Inspect(arguments) => inspect::run(arguments),
        Command::Status(arguments) => status::run(arguments),
    }
}

/// The force that a deployment file names, who is signed in there, and the number of the deployment in its register.
struct Registered {
    force: Force,
    who: SignedIn,
    number: u32,
}

impl Registered {
    fn find(file: &Path) -> Result<Self, Failure> {
        let deployment = Deployment::read(file)?;
        let force = Force::at(&deployment.host.force);
        let who = session::signed_in(&force)?;
        match force.registered_as(&deployment.id)? {
            Some(entry) => Ok(Self {
                number: entry.number(),
                force,
                who,
            }),
            None => Err(Failure::new(
                format!("{} is not in the register", deployment.id),
                format!("plan it first: `overt deployment plan {}`", file.display()),
            )),
        }
    }
}
