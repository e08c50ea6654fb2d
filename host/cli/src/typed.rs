//! Passwords and passphrases as they come in: typed without an echo, or a line of standard input or of a file for a program.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use clap::Args;
use overt_records::Password;
use overt_runtime::passphrase::Passphrase;
use overt_runtime::signature::{KeyError, SecretKey};
use zeroize::Zeroizing;

use crate::failure::Failure;

/// The longest line that is read.
const LINE_BYTES: u64 = 64 << 10;

/// Where passwords come from.
#[derive(Args)]
pub(crate) struct PasswordArguments {
    /// Read it from standard input, a line for each, instead of asking at the terminal
    #[arg(long)]
    password_stdin: bool,
}

impl PasswordArguments {
    /// The password of an account that exists.
    pub(crate) fn shown(&self, question: &str) -> Result<Password, Failure> {
        match self.password_stdin {
            true => password_line(),
            false => ask_password(question),
        }
    }

    /// A new one, which a person types twice.
    pub(crate) fn chosen(&self, question: &str) -> Result<Password, Failure> {
        if self.password_stdin {
            return password_line();
        }
        let mut typed = twice(question, "password", "--password-stdin")?;
        Ok(Password::new(std::mem::take(&mut *typed)))
    }
}

/// Where the passphrase of a secret key comes from.
#[derive(Args)]
pub(crate) struct PassphraseArguments {
    /// The file whose first line is the key's passphrase; `-` is standard input [default: it is asked for at the terminal]
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl PassphraseArguments {
    /// Whether a file was named.
    pub(crate) fn is_given(&self) -> bool {
        self.passphrase_file.is_some()
    }

    /// Reads a secret key, with its passphrase where it is under one.
    pub(crate) fn secret_key(&self, key: &Path) -> Result<SecretKey, Failure> {
        SecretKey::read_asking(key, |key| {
            self.or_ask(|| {
                let question = format!("Passphrase of {}: ", key.display());
                ask(&question, "passphrase", "--passphrase-file FILE")
            })
        })
    }

    /// A new one, which a person types twice.
    pub(crate) fn chosen(&self, question: &str) -> Result<Passphrase, Failure> {
        self.or_ask(|| twice(question, "passphrase", "--passphrase-file FILE"))
    }

    fn or_ask(
        &self,
        ask: impl FnOnce() -> Result<Zeroizing<String>, Failure>,
    ) -> Result<Passphrase, Failure> {
        let text = match &self.passphrase_file {
            None => ask(),
            Some(path) if path == Path::new("-") => {
                line(std::io::stdin().lock(), "standard input", "passphrase")
            }
            Some(path) => first_line(path),
        };
        Ok(Passphrase::new(text?))
    }
}

/// A passphrase's file, which its owner alone may read, like the key.
fn first_line(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let failed = |error| Failure::file(path, &error);
    let file = File::open(path).map_err(failed)?;
    let about = file.metadata().map_err(failed)?;
    let mode = about.mode() & 0o777;
    // A pipe is nobody's to read but whose it is.
    if about.is_file() && mode & 0o077 != 0 {
        let path = path.to_owned();
        return Err(KeyError::Exposed { path, mode }.into());
    }
    line(
        BufReader::new(file),
        &path.display().to_string(),
        "passphrase",
    )
}

fn ask(question: &str, what: &str, instead: &str) -> Result<Zeroizing<String>, Failure> {
    let typed = rpassword::prompt_password(question).map_err(|error| {
        Failure::new(
            format!("no {what} can be asked for: {error}"),
            format!("call it at a terminal, or give the {what} with `{instead}`"),
        )
    })?;
    Ok(Zeroizing::new(typed))
}

fn twice(question: &str, what: &str, instead: &str) -> Result<Zeroizing<String>, Failure> {
    let once = ask(question, what, instead)?;
    match once == ask("The same again: ", what, instead)? {
        true => Ok(once),
        false => Err(Failure::mistake(
            "the two are not the same",
            "type it again",
        )),
    }
}

fn ask_password(question: &str) -> Result<Password, Failure> {
    let mut typed = ask(question, "password", "--password-stdin")?;
    Ok(Password::new(std::mem::take(&mut *typed)))
}

fn password_line() -> Result<Password, Failure> {
    let mut line = line(std::io::stdin().lock(), "standard input", "password")?;
    Ok(Password::new(std::mem::take(&mut *line)))
}

/// The next line, without its end.
fn line(from: impl BufRead, name: &str, what: &str) -> Result<Zeroizing<String>, Failure> {
    let mut line = Zeroizing::new(String::new());
    let read = from.take(LINE_BYTES).read_line(&mut line);
    let unread =
        |found: String| Failure::mistake(found, format!("write the {what} as a line to it"));
    match read {
        Ok(0) => Err(unread(format!("{name} has no line with a {what}"))),
        Ok(_) => {
            let kept = line.trim_end_matches(['\n', '\r']).len();
            line.truncate(kept);
            Ok(line)
        }
        Err(error) => Err(unread(format!("{name}: {error}"))),
    }
}
