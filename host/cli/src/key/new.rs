//! `overt key new`: a key pair.

use std::path::{Path, PathBuf};

use clap::Args;
use overt_runtime::signature::SecretKey;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// Make a key pair to sign plugins with
///
/// NAME.key is the secret key, readable by you alone: who has it can sign in your name, so keep it off machines that run deployments. NAME.pub is the
/// public key, which goes to everybody who is to trust your signatures. Both are PEM (Ed25519), as `openssl pkey` reads them. Neither is ever
/// overwritten.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt key new acme-2026
  overt key new office --folder /media/safe")]
pub(crate) struct Arguments {
    /// The key's name: 1 to 64 letters, digits and hyphens
    name: String,
    /// The folder to write it to
    #[arg(long, default_value = ".")]
    folder: PathBuf,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let Arguments { name, folder } = arguments;
    let fits = (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !fits {
        return Err(Failure::mistake(
            format!("{name:?} is no name for a key"),
            "choose 1 to 64 letters, digits and hyphens: the deployment file calls the key by it",
        ));
    }
    let file = |ending: &str| -> PathBuf { Path::new(&folder).join(format!("{name}.{ending}")) };
    let key = SecretKey::generate();
    key.write(&file("key"), &file("pub"))?;
    output::print(&format!(
        "{secret}  secret: yours alone\n{public}  public: for everybody who is to trust you\nfingerprint  {fingerprint}\n\n\
         In a deployment file:\n\n  [[trust.key]]\n  name = \"{name}\"\n  signer = \"vendor\"        # or evaluator, or force\n  public-key = \"{text}\"\n",
        secret = file("key").display(),
        public = file("pub").display(),
        fingerprint = key.public().fingerprint(),
        text = key.public(),
    ))?;
    Ok(Exit::Done)
}
