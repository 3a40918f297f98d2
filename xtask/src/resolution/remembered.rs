//! What cargo answered before: a question about the features of a selection costs a large workspace
//! a second or two, and its answer changes only with manifests, the lock file and configuration.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::PathBuf;

use cargo_metadata::camino::Utf8PathBuf;

use super::selection::Kept;
use crate::process::{self, Runner};
use crate::workspace::Workspace;

/// How many answers are kept.
const MOST: usize = 256;

/// The file that has the answer to a question, if it was asked before.
pub struct Remembered {
    file: Utf8PathBuf,
}

impl Remembered {
    /// For a question in these words. Everything that cargo resolves by is part of its name; `None`
    /// where some of it cannot be read.
    pub fn of(runner: &Runner, workspace: &Workspace, question: &[&[String]]) -> Option<Self> {
        let mut hasher = DefaultHasher::new();
        question.hash(&mut hasher);
        process::checked(runner.cargo().arg("-vV"))
            .ok()?
            .hash(&mut hasher);
        let local = workspace
            .packages
            .iter()
            .filter(|package| package.source.is_none());
        for package in local {
            let manifest = fs::read(&package.manifest_path).ok()?;
            (&package.id, manifest).hash(&mut hasher);
        }
        for name in ["Cargo.toml", "Cargo.lock"] {
            fs::read(workspace.root.join(name)).ok()?.hash(&mut hasher);
        }
        let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
        let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo")));
        let above = workspace.root.ancestors();
        let above = above.map(|directory| directory.join(".cargo").into_std_path_buf());
        for directory in above.chain(home) {
            for name in ["config.toml", "config"] {
                if let Ok(text) = fs::read(directory.join(name)) {
                    // What it includes would have to be read too.
                    let includes = text.windows(7).any(|word| word == b"include");
                    (!includes).then_some(&text)?.hash(&mut hasher);
                }
            }
        }
        let mut variables: Vec<_> = std::env::vars_os()
            .filter(|(name, _)| {
                let name = name.to_string_lossy();
                name.starts_with("CARGO_") || name.starts_with("RUST")
            })
            .collect();
        variables.sort();
        variables.hash(&mut hasher);
        let directory = workspace.target_directory.join("xtask/features");
        let name = format!("{:016x}.json", hasher.finish());
        Some(Self {
            file: directory.join(name),
        })
    }

    /// The answer.
    pub fn read(&self) -> Option<Kept> {
        serde_json::from_slice(&fs::read(&self.file).ok()?).ok()
    }

    /// Keeps the answer. Where that fails, the question is asked again another time.
    pub fn write(&self, kept: &Kept) {
        let Some(directory) = self.file.parent() else {
            return;
        };
        if fs::read_dir(directory).is_ok_and(|entries| entries.count() > MOST) {
            drop(fs::remove_dir_all(directory));
        }
        let aside = self.file.with_extension(std::process::id().to_string());
        let written = serde_json::to_vec(kept).map(|text| {
            fs::create_dir_all(directory)
                .and_then(|()| fs::write(&aside, text))
                .and_then(|()| fs::rename(&aside, &self.file))
        });
        drop(written);
    }
}
