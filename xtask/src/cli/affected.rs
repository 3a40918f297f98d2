//! `affected`: what a change makes cargo build or run again, and why.

use anyhow::Result;

use super::args::QuestionArgs;
use crate::error::Status;
use crate::impact::Effect;
use crate::render;
use crate::render::affected::AffectedReport;

/// Arguments of `affected`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How to show the answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Only what cargo builds again
    #[arg(long, conflicts_with = "rerun")]
    rebuilt: bool,
    /// Only what must be run again though cargo does not build it
    #[arg(long)]
    rerun: bool,
    #[command(flatten)]
    question: QuestionArgs,
}

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum Format {
    /// Every unit with the way by which the change reaches it
    #[default]
    Text,
    /// The workspace's own packages, one name a line
    Names,
    /// The workspace's own packages as `-p a -p b`
    CargoArgs,
    /// For programs; see the documentation of the JSON
    Json,
}

pub(super) fn run(args: &Args) -> Result<Status> {
    let mut report = AffectedReport::new(&args.question.resolve()?.answer()?);
    if args.rebuilt {
        report = report.only(Effect::Rebuilt);
    } else if args.rerun {
        report = report.only(Effect::Rerun);
    }
    for note in &report.notes {
        render::note(note);
    }
    if report.units.is_empty() {
        render::note(format_args!("nothing is affected ({})", report.compared));
    }
    match args.format {
        Format::Text if report.units.is_empty() => {}
        Format::Text => {
            render::data(&report.text())?;
            render::status("Affected", report.headline());
        }
        Format::Names => render::data(&report.names())?,
        Format::CargoArgs => render::data(&report.cargo_args())?,
        Format::Json => render::json(&report)?,
    }
    Ok(Status::Done)
}
