//! A copy of the sources at another path, for builds that must not touch the user's files.

use std::{fs, io};

use anyhow::{Context as _, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::cargo_config::cargo_home;
use xtask_impact::paths::resolved;
use xtask_impact::private_dir::TemporaryDir;
use xtask_impact::process;
use xtask_impact::process::Runner;
use xtask_impact::vcs::Repository;
use xtask_impact::workspace::Workspace;

/// A copy of the sources, removed with the value.
pub(crate) struct CopiedSources {
    root: Utf8PathBuf,
    /// The top level of the repository.
    top: Utf8PathBuf,
    directory: TemporaryDir,
}

impl CopiedSources {
    /// Returns the root of the workspace in the copy.
    pub(crate) fn root(&self) -> &Utf8Path {
        &self.root
    }

    /// Returns the files of cargo's configuration that apply in the workspace and not in the copy,
    /// from the outermost to the nearest: files above the repository, and files that git ignores.
    pub(crate) fn missing_configuration(&self, workspace: &Utf8Path) -> Vec<Utf8PathBuf> {
        let home = cargo_home();
        let mut missing = Vec::new();
        for directory in resolved(workspace).ancestors() {
            let folder = directory.join(".cargo");
            // Cargo reads the file in its home everywhere.
            if home.as_deref() == Some(&*folder) {
                continue;
            }
            // Cargo prefers the name without an extension.
            let mut files = ["config", "config.toml"]
                .map(|it| folder.join(it))
                .into_iter();
            let Some(file) = files.find(|it| it.is_file()) else {
                continue;
            };
            let copied = file.strip_prefix(&self.top).ok();
            let copied = copied.map(|below| self.directory.path().join(COPY).join(below));
            if !copied.is_some_and(|it| it.is_file()) {
                missing.insert(0, file);
            }
        }
        missing
    }

    /// Returns the private directory, in which there is room beside the copy.
    pub(crate) fn directory(&self) -> &Utf8Path {
        self.directory.path()
    }
}

/// The name of the copy in the private directory.
const COPY: &str = "copy";

/// Copies the files of the repository that git tracks or would track.
///
/// # Errors
/// Returns an error if there is no repository, if a path dependency lies outside the repository, or
/// if a file cannot be copied.
pub(crate) fn copy(runner: &Runner, workspace: &Workspace) -> Result<CopiedSources> {
    let root = resolved(&workspace.root);
    let Some(repository) = Repository::discover(runner, &root)? else {
        bail!("{root} is not in a git repository");
    };
    let top = repository.top_level();
    let below = root
        .strip_prefix(top)
        .context("the workspace lies outside its repository")?;
    for package in workspace.packages.iter().filter(|it| it.source.is_none()) {
        if !resolved(package.directory()).starts_with(top) {
            bail!("the package {} lies outside the repository", package.name);
        }
    }
    let mut git = runner.in_directory(top).git();
    git.args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]);
    let listed = process::checked(&mut git)?;
    let directory = TemporaryDir::outside(&workspace.root)?;
    let to = directory.path().join(COPY);
    for name in listed
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
    {
        let name = Utf8Path::new(std::str::from_utf8(name).context("a path is not UTF-8")?);
        copy_file(&top.join(name), &to.join(name))
            .with_context(|| format!("cannot copy {name}"))?;
    }
    Ok(CopiedSources {
        root: to.join(below),
        top: top.to_owned(),
        directory,
    })
}

/// Copies a regular file or a symbolic link. Submodules and files that were deleted are left out.
fn copy_file(from: &Utf8Path, to: &Utf8Path) -> io::Result<()> {
    let Ok(metadata) = from.symlink_metadata() else {
        return Ok(());
    };
    let is_link = metadata.is_symlink();
    if !is_link && !metadata.is_file() {
        return Ok(());
    }
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    #[cfg(unix)]
    if is_link {
        return std::os::unix::fs::symlink(fs::read_link(from)?, to);
    }
    fs::copy(from, to).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configuration_that_the_copy_lacks_is_named() {
        let outside = tempfile::tempdir().unwrap();
        let outside = resolved(Utf8Path::from_path(outside.path()).unwrap());
        let top = outside.join("repository");
        let workspace = top.join("workspace");
        let directory = TemporaryDir::inside(&outside).unwrap();
        let copy = directory.path().join(COPY);
        for folder in [&outside, &top, &workspace, &copy] {
            fs::create_dir_all(folder.join(".cargo")).unwrap();
            fs::write(folder.join(".cargo/config.toml"), "").unwrap();
        }
        let copied = CopiedSources {
            root: copy.join("workspace"),
            top,
            directory,
        };
        let expected = [&outside, &workspace].map(|it| it.join(".cargo/config.toml"));
        let mut missing = copied.missing_configuration(&workspace);
        missing.retain(|it| it.starts_with(&outside));
        assert_eq!(missing, expected, "the file of the top level is copied");
    }
}
