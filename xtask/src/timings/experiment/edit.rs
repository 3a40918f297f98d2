//! The edit of a typical change, in a copy of the sources.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::paths::resolved;
use xtask_impact::process::{self, Runner};
use xtask_impact::workspace::{TargetKind, Workspace};
use xtask_impact::{files, quote, usage};

/// The number of commits in which changed files are counted.
const COMMITS: &str = "300";

/// The greatest number of sources among which an experiment chooses.
const SOURCES: usize = 200;

/// Returns the sources that may be edited, relative to the workspace's root, the best first: the
/// file that the user named, or the sources of libraries by the number of changes in the last
/// commits, and then the roots of libraries.
///
/// # Errors
/// Returns an error if the named file is no Rust source of the workspace, or if there is no library.
pub(super) fn choices(
    runner: &Runner,
    workspace: &Workspace,
    named: Option<&Utf8Path>,
) -> Result<Vec<Utf8PathBuf>> {
    let root = resolved(&workspace.root);
    if let Some(named) = named {
        let directory = Utf8Path::from_path(runner.directory()).context("the directory's path")?;
        let path = resolved(&directory.join(named));
        let below = path.strip_prefix(&root).ok();
        let below = below.filter(|it| it.extension() == Some("rs") && path.is_file());
        return below.map(|it| vec![it.to_owned()]).ok_or_else(|| {
            usage!(
                "--edit {}: this is not a Rust source of the workspace",
                quote::name(&named)
            )
        });
    }
    let mut git = runner.in_directory(&root).git();
    git.args([
        "log",
        "--no-merges",
        "-n",
        COMMITS,
        "--name-only",
        "--relative",
    ]);
    git.args(["--pretty=format:", "-z", "--", "*.rs"]);
    let changed = process::checked(&mut git).unwrap_or_default();
    let changed = String::from_utf8_lossy(&changed);
    let folders = library_folders(workspace, &root);
    let mut choices = by_changes(changed.split(['\0', '\n']), &|path| {
        folders.iter().any(|it| path.starts_with(it)) && root.join(path).is_file()
    });
    choices.truncate(SOURCES);
    let mut roots: Vec<Utf8PathBuf> = libraries(workspace, &root).collect();
    roots.sort();
    choices.extend(roots);
    match choices.is_empty() {
        true => Err(usage!(
            "the workspace has no library\nhint: name a source with --edit FILE"
        )),
        false => Ok(choices),
    }
}

/// Returns the paths that may be edited, the most frequent path first. Equally frequent paths are
/// sorted by name.
fn by_changes<'a>(
    paths: impl Iterator<Item = &'a str>,
    is_possible: &dyn Fn(&Utf8Path) -> bool,
) -> Vec<Utf8PathBuf> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for path in paths.filter(|path| !path.is_empty()) {
        *counts.entry(path).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let paths = counts.into_iter().map(|(path, _)| Utf8Path::new(path));
    let possible = paths.filter(|path| is_possible(path));
    possible.map(Utf8Path::to_owned).collect()
}

/// Returns the folders of the libraries' sources, relative to the root.
fn library_folders(workspace: &Workspace, root: &Utf8Path) -> Vec<Utf8PathBuf> {
    let roots = libraries(workspace, root);
    roots
        .filter_map(|path| Some(path.parent()?.to_owned()))
        // If the library's root lies next to the manifest, its folder contains all files of the
        // package, tests too.
        .filter(|folder| folder.file_name() == Some("src"))
        .collect()
}

fn libraries<'a>(
    workspace: &'a Workspace,
    root: &'a Utf8Path,
) -> impl Iterator<Item = Utf8PathBuf> + 'a {
    let targets = workspace
        .members()
        .flat_map(|(_, package)| &package.targets);
    let targets = targets.filter(|it| it.kind == TargetKind::Lib);
    targets.filter_map(move |it| {
        let path = resolved(&it.src_path);
        Some(path.strip_prefix(root).ok()?.to_owned())
    })
}

/// A source that is edited before every incremental build. An edit is a line at the end that
/// defines a static variable with another value. Rustc must check the crate again and generate the
/// code of the module again, and no name and no interface changes.
pub(super) struct EditedSource {
    path: Utf8PathBuf,
    text: String,
    edits: usize,
}

impl EditedSource {
    /// Reads a source of the copy.
    pub(super) fn read(path: Utf8PathBuf) -> Result<Self> {
        let text = files::read_text(&path, files::SOURCE)
            .with_context(|| format!("cannot read {}", quote::name(&path)))?;
        Ok(Self {
            path,
            text,
            edits: 0,
        })
    }

    /// Writes the next edit.
    pub(super) fn edit(&mut self) -> Result<()> {
        self.edits += 1;
        let text = edited(&self.text, self.edits);
        fs::write(&self.path, text)
            .with_context(|| format!("cannot write {}", quote::name(&self.path)))
    }
}

fn edited(text: &str, number: usize) -> String {
    format!("{text}\nconst _: () = {{\n    #[used]\n    static EDITED: u32 = {number};\n}};\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_that_changes_most_is_edited() {
        let history = "a/src/lib.rs\nb/src/x.rs\n\n\0b/src/x.rs\0b/build.rs\nb/build.rs\nb/build.rs\
                       \0gone.rs\ngone.rs\ngone.rs\ngone.rs";
        let is_possible = |path: &Utf8Path| path.starts_with("a/src") || path.starts_with("b/src");
        let found = |history: &str| by_changes(history.split(['\0', '\n']), &is_possible);
        assert_eq!(found(history), ["b/src/x.rs", "a/src/lib.rs"]);
        assert_eq!(
            found("b/src/b.rs\na/src/a.rs"),
            ["a/src/a.rs", "b/src/b.rs"]
        );
        assert_eq!(found("gone.rs"), [""; 0]);
        assert_eq!(found(""), [""; 0]);
    }

    #[test]
    fn every_edit_differs_and_ends_the_source() {
        let edits = [
            edited("fn f() {} // no newline", 1),
            edited("fn f() {}\n", 2),
        ];
        assert!(edits[0].starts_with("fn f() {} // no newline\nconst _: () ="));
        assert!(edits[1].contains("EDITED: u32 = 2;"));
    }
}
