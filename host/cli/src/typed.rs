//! Passwords as they come in: typed without an echo, or a line of standard input for a program.

use std::io::{BufRead as _, Read as _};

use clap::Args;
use overt_records::Password;

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
            true => line(),
            false => ask(question),
        }
    }

    /// A new one, which a person types twice.
    pub(crate) fn chosen(&self, question: &str) -> Result<Password, Failure> {
        if self.password_stdin {
            return line();
        }
        let (once, again) = (ask(question)?, ask("The same again: ")?);
        match once == again {
            true => Ok(once),
            false => Err(Failure::mistake(
                "the two are not the same",
                "type it again",
            )),
        }
    }
}

fn ask(question: &str) -> Result<Password, Failure> {
    let typed = rpassword::prompt_password(question).map_err(|error| {
        Failure::new(
            format!("no password can be asked for: {error}"),
            "call it at a terminal, or give the password with `--password-stdin`",
        )
    })?;
    Ok(Password::new(typed))
}

/// The next line of standard input, without its end.
fn line() -> Result<Password, Failure> {
    let mut line = String::new();
    let read = std::io::stdin()
        .lock()
        .take(LINE_BYTES)
        .read_line(&mut line);
    let unread =
        |what: String| Failure::mistake(what, "write the password as a line to standard input");
    match read {
        Ok(0) => Err(unread(
            "standard input has no line with a password".to_owned(),
        )),
        Ok(_) => {
            let kept = line.trim_end_matches(['\n', '\r']).len();
            line.truncate(kept);
            Ok(Password::new(line))
        }
        Err(error) => Err(unread(format!("standard input: {error}"))),
    }
}
