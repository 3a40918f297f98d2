//! Writes the files of a plan.

use std::fs;
use std::io::Write as _;

use anyhow::{Context as _, Result};
use camino::Utf8Path;
use xtask_impact::private_dir::write_whole;
use xtask_impact::{files, quote, usage};

use crate::init::plan::InitPlan;

/// Writes the files of a plan. A new file is created exclusively, so no file is overwritten. A file
/// that gets more lines must still have the text that the plan was made from.
///
/// # Errors
/// Returns an error if a file changed since the plan was made, or if the disk fails.
pub(crate) fn apply(plan: &InitPlan) -> Result<()> {
    for file in &plan.writes {
        let path = plan.root.join(&file.path);
        let failed = || format!("cannot write {}", quote::name(&path));
        match &file.before {
            None => create(&path, &file.after).with_context(failed)?,
            Some(before) => {
                if files::read_text(&path, files::SETTINGS).ok().as_ref() != Some(before) {
                    return Err(usage!("{} changed while `init` ran", quote::name(&path)));
                }
                write_whole(&path, &file.after).with_context(failed)?;
            }
        }
    }
    Ok(())
}

/// Creates a file and the directories above it. Fails if the file exists.
fn create(path: &Utf8Path, text: &str) -> Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let mut file = fs::File::create_new(path)?;
    file.write_all(text.as_bytes())?;
    Ok(())
}
