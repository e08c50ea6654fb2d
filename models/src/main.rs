//! `overt-models`: fetches models and other pinned files without the rest of Overt, for set-up. Knows no more than its arguments.

use std::path::Path;
use std::process::ExitCode;

use overt_models::{Fetcher, Progress, Status, cards, read_list, status};

const USAGE: &str = "\
Usage: overt-models fetch FOLDER         fetch the models that are not in FOLDER yet
       overt-models list FOLDER          say which models are in FOLDER
       overt-models files LIST FOLDER    fetch the files of a list, such as scripts/onnxruntime.toml, into FOLDER
";

struct Lines;

impl Progress for Lines {
    fn step(&mut self, what: &str) {
        println!("  {what}");
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["fetch", folder] => fetch(Path::new(folder)),
        ["list", folder] => list(Path::new(folder)),
        ["files", list, folder] => files(Path::new(list), Path::new(folder)),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

type Done = Result<ExitCode, Box<dyn std::error::Error>>;

fn fetch(folder: &Path) -> Done {
    let mut fetcher = Fetcher::default();
    for card in cards()? {
        fetcher.model(&card, folder, &mut Lines)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn files(list: &Path, folder: &Path) -> Done {
    let mut fetcher = Fetcher::default();
    for file in read_list(list)? {
        fetcher.file(&file, folder, &mut Lines)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn list(folder: &Path) -> Done {
    let mut all = true;
    for card in cards()? {
        let status = status(&card, folder);
        all &= status == Status::Present;
        let status = match status {
            Status::Present => "present".to_owned(),
            Status::Missing => "missing".to_owned(),
            Status::Differs { found } => format!("differs: SHA-256 {found}"),
            Status::Unreadable { cause } => format!("unreadable: {cause}"),
        };
        println!("{:<14} {status}", card.name);
    }
    Ok(if all {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
