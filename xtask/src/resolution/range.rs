//! The resolution of two states of a repository, compared.

use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

use super::{Answer, Place, Question, Resolution, ResolutionError, Side, TreeEntry, TreeEntryKind};
use crate::graph;
use crate::process::{self, Runner};
use crate::repo::git::{EntryKind, Range, Repository, State};
use crate::repo::toolchain_file;

/// The units that cargo configures differently after the change than before it. Without a range
/// the work tree is compared with `HEAD`. `flags` are those
/// of the command that say what is built: `--profile`, `--target`.
///
/// # Errors
/// Why cargo could not be asked.
pub fn compare(
    runner: &Runner,
    repository: &Repository,
    range: Option<&Range>,
    workspace_root: &Utf8Path,
    (verb, flags): (graph::Verb, &[String]),
    network: bool,
) -> Result<Resolution, ResolutionError> {
    let (before, after) = match range {
        Some(range) => (range.before(), range.after()),
        None => (
            repository
                .head()
                .cloned()
                .map_or(State::Empty, State::Commit),
            State::WorkTree,
        ),
    };
    let top_level = repository.top_level();
    let workspace_root = crate::repo::resolved(workspace_root);
    let workspace = workspace_root
        .strip_prefix(top_level)
        .map_err(|_| ResolutionError::OutsideRepository(workspace_root.clone()))?;
    let scratch = Place::scratch_of(top_level)?;
    let cargo_home = crate::repo::cargo_config::cargo_home();
    let place = Place {
        repository: top_level,
        workspace,
        cargo_home: cargo_home.as_deref(),
        scratch: &scratch,
    };
    let given = given(repository, workspace)?;
    let side = |state: &State| -> Result<Side, ResolutionError> {
        let entries = repository
            .entries(state)?
            .into_iter()
            .map(|entry| TreeEntry {
                path: entry.path,
                kind: match entry.kind {
                    EntryKind::File => TreeEntryKind::File,
                    EntryKind::Link => TreeEntryKind::Link,
                    EntryKind::Submodule => TreeEntryKind::Submodule,
                },
            });
        Side::materialise(place, entries, &given, &mut |paths| {
            let contents = repository.read(state, paths)?;
            Ok(contents
                .into_iter()
                .map(Option::unwrap_or_default)
                .collect())
        })
    };
    let (before, after) = (side(&before)?, side(&after)?);
    let mut all = vec!["--workspace".to_owned()];
    if verb != graph::Verb::Test {
        all.push("--all-targets".to_owned());
    }
    all.extend_from_slice(flags);
    let question = Question {
        verb: asked(verb),
        flags: &all,
        network,
    };
    super::compare(
        &before,
        &after,
        question,
        &mut |arguments, directory, variables| {
            let mut command = runner.in_directory(directory).cargo();
            command.args(arguments).envs(variables.iter().copied());
            let output = process::output(&mut command)?;
            Ok(Answer {
                success: output.status.success(),
                stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
                stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            })
        },
    )
}

/// Files that are the same on both sides whatever the revision: the toolchain file, since both
/// sides are asked of today's cargo, and a lock file that git ignores.
fn given(
    repository: &Repository,
    workspace: &Utf8Path,
) -> Result<Vec<(Utf8PathBuf, Vec<u8>)>, ResolutionError> {
    let mut given = Vec::new();
    let above = workspace.ancestors().map(Utf8Path::to_owned);
    let mut paths: Vec<Utf8PathBuf> = above
        .flat_map(|above| toolchain_file::NAMES.map(|name| above.join(name)))
        .collect();
    let lock = workspace.join("Cargo.lock");
    if repository.is_ignored(&lock)? {
        paths.push(lock);
    }
    let contents = repository.read(&State::WorkTree, &paths)?;
    for (path, content) in paths.into_iter().zip(contents) {
        given.extend(content.map(|content| (path, content)));
    }
    Ok(given)
}

fn asked(verb: graph::Verb) -> super::Verb {
    match verb {
        graph::Verb::Check => super::Verb::Check,
        graph::Verb::Build => super::Verb::Build,
        graph::Verb::Test => super::Verb::Test,
    }
}
