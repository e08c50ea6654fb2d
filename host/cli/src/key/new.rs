//! `overt key new`: a key pair.

use std::path::{Path, PathBuf};

use clap::Args;
use overt_runtime::signature::{KeyError, SecretKey};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::typed::PassphraseArguments;

/// Make a key pair to sign plugins with
///
/// NAME.key is the secret key, readable by you alone: who has it can sign in your name, so keep it off machines that run deployments. NAME.pub is the
/// public key, which goes to everybody who is to trust your signatures. Both are PEM (Ed25519), as `openssl pkey` reads them. Neither is ever
/// overwritten. With `--passphrase` the secret key is of use to nobody who does not know it: every command that signs asks for it. A passphrase that is forgotten
/// cannot be found out.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt key new acme-2026
  overt key new office --folder /media/safe --passphrase
  overt key new office --passphrase-file office.passphrase")]
pub(crate) struct Arguments {
    /// The key's name: 1 to 64 letters, digits and hyphens
    name: String,
    /// The folder to write it to
    #[arg(long, default_value = ".")]
    folder: PathBuf,
    /// Put the secret key under a passphrase, which is asked for twice at the terminal
    #[arg(long, conflicts_with = "passphrase_file")]
    passphrase: bool,
    #[command(flatten)]
    from: PassphraseArguments,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let Arguments {
        name,
        folder,
        passphrase,
        from,
    } = arguments;
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
    // Before anybody chooses a passphrase for nothing.
    if let Some(path) = [file("key"), file("pub")]
        .into_iter()
        .find(|path| path.exists())
    {
        let cause = std::io::ErrorKind::AlreadyExists.into();
        return Err(KeyError::File { path, cause }.into());
    }
    let key = SecretKey::generate();
    let under = match passphrase || from.is_given() {
        true => Some(from.chosen("Passphrase of the new key: ")?),
        false => None,
    };
    key.write(&file("key"), &file("pub"), under.as_ref())?;
    output::print(&format!(
        "{secret}  secret: yours alone{kept}\n{public}  public: for everybody who is to trust you\nfingerprint  {fingerprint}\n\n\
         In a deployment file:\n\n  [[trust.key]]\n  name = \"{name}\"\n  signer = \"vendor\"        # or evaluator, or force\n  public-key = \"{text}\"\n",
        secret = file("key").display(),
        kept = if under.is_some() {
            ", under its passphrase"
        } else {
            ""
        },
        public = file("pub").display(),
        fingerprint = key.public().fingerprint(),
        text = key.public(),
    ))?;
    Ok(Exit::Done)
}
