//! Tasks of this repository: the commands of xtask-kit, and our own.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Tasks of this repository
#[derive(Parser)]
#[command(max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    globals: xtask_kit::GlobalArgs,
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    #[command(flatten)]
    Kit(Box<xtask_kit::Command>),
    /// Say hello; replace this task by your own
    Hello,
}

fn main() -> ExitCode {
    let cli: Cli = xtask_kit::parse();
    cli.globals.apply();
    match cli.task {
        Task::Kit(command) => command.main(),
        Task::Hello => {
            println!("hello");
            ExitCode::SUCCESS
        }
    }
}
