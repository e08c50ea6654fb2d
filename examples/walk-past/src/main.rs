//! Makes the video of the demonstration: people cut out of public-domain photographs cross a drawn station concourse. Beside the video
//! it writes what is to be seen, frame by frame. Knows no algorithm.

mod compose;
mod cutout;
mod outlines;
mod scene;
mod script;
mod truth;
mod video;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

/// Makes the video of the demonstration, and what is to be seen in it as JSON beside it.
#[derive(Parser)]
#[command(
    after_help = "Example: walk-past --photographs .overt/photographs --out out/demo/walk-past.avi"
)]
struct Arguments {
    /// Folder of the photographs, as set-up fetches them.
    #[arg(long)]
    photographs: PathBuf,
    /// The video to write (AVI); the JSON has the same name and the ending .json.
    #[arg(long)]
    out: PathBuf,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match video::make(&arguments.photographs, &arguments.out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
