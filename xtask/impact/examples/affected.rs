//! Prints the affected units of the workspace in the current directory, each with its reason.
//!
//! ```sh
//! cargo run -p xtask-impact --example affected -- HEAD~1
//! ```

use anyhow::Result;
use xtask_impact::{ChangeRequest, LoadOptions, Query, Runner, Verb, Workspace};

fn main() -> Result<()> {
    let revision = std::env::args().nth(1).unwrap_or_else(|| "HEAD".to_owned());
    let runner = Runner::new()?;
    let workspace = Workspace::load(&runner, &LoadOptions::default())?;
    let query = Query::new(
        runner,
        workspace,
        ChangeRequest::since(revision),
        Verb::Check,
    );
    let answer = query.answer()?;
    for note in &answer.notes {
        eprintln!("note: {note}");
    }
    for (unit, _) in answer.affected.units() {
        let Some(explanation) = answer.explain(unit) else {
            continue;
        };
        let seed = explanation.seed;
        let path = seed.path.as_ref().map_or("", |path| path.as_str());
        println!("{}: {path} {}", answer.unit_name(unit), seed.because);
    }
    Ok(())
}
