//! `overt deployment certificate`: whether a certificate of deletion is what was signed, and by this force.

use std::path::PathBuf;

use clap::Args;
use overt_records::SignedCertificate;

use super::close;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::session::ForceArguments;

/// Verify a certificate of deletion: is its signature good, and does the force's register hold its digest?
///
/// With --page it is also written as a page for people, with the same data, its digest and the signed line on it.
#[derive(Args)]
#[command(after_help = "\
Examples:
  overt deployment certificate out/certificate.json --deployment deployment.toml
  overt deployment certificate certificate.json --force /var/lib/overt/force.redb
  overt deployment certificate out/certificate.json --deployment deployment.toml --page certificate.html

Exit status: 0 if both are so, 1 if not.")]
pub(crate) struct Arguments {
    /// The certificate
    certificate: PathBuf,
    #[command(flatten)]
    force: ForceArguments,
    /// Write it as a page, too
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,
}

pub(crate) fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let path = &arguments.certificate;
    let bytes = std::fs::read(path).map_err(|error| Failure::file(path, &error))?;
    let signed = SignedCertificate::read(&bytes).map_err(|error| {
        Failure::new(
            format!("{}: {error}", path.display()),
            "take the file as `overt deployment close` wrote it",
        )
    })?;
    let force = arguments.force.force()?;
    if !force.knows(&signed)? {
        let number = signed.certificate.number;
        if force.register_gone()?.iter().any(|gone| gone.has(number)) {
            return Err(Failure::new(
                format!(
                    "{}: the register's entry of deployment {number} is gone by the period of the force's rules, and its digest with it",
                    path.display()
                ),
                "nobody can tell any more whether this certificate is the force's; its signature holds by the key that it names",
            ));
        }
        return Err(Failure::new(
            format!(
                "{}: the force's register knows no such certificate",
                path.display()
            ),
            "ask for the certificate that the force's own command wrote, and verify the register: `overt audit verify --force FORCE`",
        ));
    }
    if let Some(page) = &arguments.page {
        close::write_page(page, &signed)?;
    }
    output::print(&output::printable(&close::text(&signed)))?;
    output::print("GOOD: the signature holds, and the force's register has its digest.\n")?;
    Ok(Exit::Done)
}
