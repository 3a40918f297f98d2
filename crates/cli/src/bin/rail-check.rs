//! `rail-check`: checks timetables.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

#[derive(Parser)]
#[command(version = rail_cli::about::VERSION, about = "Checks timetables")]
struct Arguments {
    /// The files
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

fn main() -> ExitCode {
    let mut exit = ExitCode::SUCCESS;
    for file in Arguments::parse().files {
        match rail_cli::load(Some(&file)) {
            Ok(timetable) => println!("{}: {} trips", file.display(), timetable.trips().len()),
            Err(error) => {
                eprintln!("error: {error:#}");
                exit = ExitCode::FAILURE;
            }
        }
    }
    exit
}
