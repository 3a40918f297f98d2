//! A copy of the sources at another path.

use std::{fs, io};

use anyhow::{Context as _, Result, bail};
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::paths::resolved;
use xtask_impact::private_dir::TemporaryDir;
use xtask_impact::process;
use xtask_impact::process::Runner;
use xtask_impact::vcs::Repository;
use xtask_impact::workspace::Workspace;

/// A copy of the sources, removed with the value.
pub(super) struct CopiedSources {
    root: Utf8PathBuf,
    _directory: TemporaryDir,
}

impl CopiedSources {
    /// Returns the root of the workspace in the copy.
    pub(super) fn root(&self) -> &Utf8Path {
        &self.root
    }
}

/// Copies the files of the repository that git tracks or would track.
///
/// # Errors
/// Returns an error if there is no repository, if a path dependency lies outside the repository, or
/// if a file cannot be copied.
pub(super) fn copy(runner: &Runner, workspace: &Workspace) -> Result<CopiedSources> {
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
    let to = directory.path().join("copy");
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
        _directory: directory,
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
