//! Chains the user's own hooks. If a repository already has a hook when the kit installs its hook,
//! the user's hook is moved to a directory next to the hooks directory. The kit's hook runs the
//! chained hook first.

use std::env::var;
use std::fs;

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::process::Runner;
use xtask_impact::vcs::Repository;
use xtask_impact::{files, process, quote, usage};

use super::install::is_executable;
use crate::cli::status::Status;
use crate::hooks::script::{
    chained_directory, is_ours, is_place_of_kept, kept, kept_by_older_versions, kept_not_executable,
};

/// The environment variable that lists the chained hooks that are running, one path on each line.
const RUNNING: &str = "XTASK_KEPT_HOOKS";

/// Runs the chained hook, if there is one. Returns the status of the chained hook if it fails, and
/// `None` if it passes.
pub(crate) fn run(
    runner: &Runner,
    hook: &Utf8Path,
    arguments: &[String],
    input: &str,
) -> Result<Option<Status>> {
    let Some(kept) = find(hook).filter(|it| *it != kept_not_executable(hook)) else {
        return Ok(None);
    };
    let running = startable(&kept, &var(RUNNING).unwrap_or_default())?;
    // Git starts hooks in the top level of the work tree.
    let current = Utf8Path::from_path(runner.directory()).context("this path is not UTF-8")?;
    let repository = Repository::discover(runner, current)?;
    let top = repository.as_ref().map_or(current, Repository::top_level);
    let mut command = runner.in_directory(top).hook(&kept);
    command.args(arguments).env(RUNNING, running);
    let status = process::status_with_input(&mut command, input.as_bytes().to_vec())?;
    Ok((!status.success()).then(|| crate::cargo_runs::forwarded(status)))
}

/// Checks that a chained hook can be started and does not start itself in a loop. Returns the value
/// of [`RUNNING`] for the chained hook. Two nested starts are allowed: a kept `pre-push` hook may
/// run `git push` again and let this second push pass.
fn startable(kept: &Utf8Path, running: &str) -> Result<String> {
    if !is_executable(kept) {
        return Err(usage!(
            "the former hook {}, which the kit's hook starts first, cannot be started\nhint: make \
             it executable, or repair the link; `cargo xtask hooks install` moves a hook that an \
             older version moved elsewhere",
            quote::name(kept)
        ));
    }
    if running.lines().filter(|it| *it == kept).count() > 1 {
        return Err(usage!(
            "the former hook {}, which the kit's hook starts first, starts the kit's hook again \
             in a loop\nhint: run `cargo xtask hooks uninstall` to restore the former hook, and \
             call `cargo xtask hooks run` in it",
            quote::name(kept)
        ));
    }
    Ok(format!("{running}{kept}\n"))
}

/// Returns the path of the chained hook, if there is one.
pub(crate) fn find(hook: &Utf8Path) -> Option<Utf8PathBuf> {
    let [below, beside] = kept_by_older_versions(hook);
    let places = [kept(hook), kept_not_executable(hook), below, beside];
    places
        .into_iter()
        .find(|it| it.symlink_metadata().is_ok() && !is_neighbour(it, hook))
}

/// Moves a hook that is about to be replaced to the directory of chained hooks.
pub(crate) fn keep(hook: &Utf8Path) -> Result<()> {
    // Git does not start a hook that is not executable or whose link is broken.
    let is_run = is_executable(hook);
    move_to_its_place(hook, hook, is_run)
}

/// Moves a hook that an older version of the kit stored elsewhere. If the hook is already in the
/// right place, links the files that were added to the hooks directory since.
pub(crate) fn migrate(hook: &Utf8Path) -> Result<()> {
    let older = kept_by_older_versions(hook);
    match find(hook) {
        Some(from) if older.contains(&from) => {
            // A relative link can be broken only because the older place is at another depth.
            let is_run = is_executable(&from) || from.metadata().is_err();
            move_to_its_place(&from, hook, is_run)?;
            remove_links(older[0].parent().unwrap_or(hook), hook)
        }
        Some(_) => link_neighbours(hook),
        None => Ok(()),
    }
}

fn move_to_its_place(from: &Utf8Path, hook: &Utf8Path, is_run: bool) -> Result<()> {
    let to = match is_run {
        true => kept(hook),
        false => kept_not_executable(hook),
    };
    let directory = chained_directory(hook);
    fs::create_dir_all(&directory)
        .with_context(|| format!("cannot create {}", quote::name(&directory)))?;
    rename(from, &to)?;
    link_neighbours(hook)?;
    if is_run && !is_executable(&to) {
        rename(&to, from)?;
        remove_links(&directory, hook)?;
        return Err(usage!(
            "{} cannot be started from {}, where the kit would move it\nhint: make it an \
             executable file, or a link that also works from there",
            quote::name(from),
            quote::name(&directory)
        ));
    }
    Ok(())
}

fn rename(from: &Utf8Path, to: &Utf8Path) -> Result<()> {
    fs::rename(from, to).with_context(|| {
        let (from, to) = (quote::name(from), quote::name(to));
        format!("cannot rename {from} to {to}")
    })
}

/// Moves the chained hook back to its first place.
pub(crate) fn put_back(hook: &Utf8Path) -> Result<()> {
    if let Some(kept) = find(hook) {
        rename(&kept, hook)?;
    }
    let [below, _] = kept_by_older_versions(hook);
    remove_links(below.parent().unwrap_or(hook), hook)?;
    remove_links(&chained_directory(hook), hook)
}

/// Removes a directory of chained hooks that holds only links to files of the hooks directory.
fn remove_links(directory: &Utf8Path, hook: &Utf8Path) -> Result<()> {
    if !directory.is_dir() {
        return Ok(());
    }
    let entries = directory.read_dir_utf8();
    let entries = entries.with_context(|| format!("cannot read {}", quote::name(directory)))?;
    let entries: Vec<Utf8PathBuf> = entries.flatten().map(|it| it.into_path()).collect();
    if entries.iter().all(|it| is_neighbour(it, hook)) {
        fs::remove_dir_all(directory)
            .with_context(|| format!("cannot remove {}", quote::name(directory)))?;
    }
    Ok(())
}

/// Returns true if a path is a link that [`link_neighbours`] made, and false if the path is a
/// chained hook.
fn is_neighbour(link: &Utf8Path, hook: &Utf8Path) -> bool {
    let to = link.read_link_utf8();
    to.is_ok_and(|to| Some(to) == neighbour(link, hook))
}

/// Returns the target of the link to a file of the hooks directory.
fn neighbour(link: &Utf8Path, hook: &Utf8Path) -> Option<Utf8PathBuf> {
    let hooks = hook.parent()?;
    let is_below = link.parent()?.parent()? == hooks;
    let from = if is_below { "" } else { hooks.file_name()? };
    Some(Utf8Path::new("..").join(from).join(link.file_name()?))
}

/// Links the other files of the hooks directory into the directory of chained hooks. A chained hook
/// may look for files next to itself, as the hooks of husky do, or may be a link to such a file.
#[cfg(unix)]
fn link_neighbours(hook: &Utf8Path) -> Result<()> {
    let hooks = hook.parent().unwrap_or(hook);
    let directory = chained_directory(hook);
    let entries = hooks.read_dir_utf8();
    let entries = entries.with_context(|| format!("cannot read {}", quote::name(hooks)))?;
    for entry in entries.flatten() {
        let name = entry.file_name();
        let link = directory.join(name);
        let is_kits = || files::read(entry.path(), files::SETTINGS).is_ok_and(|it| is_ours(&it));
        let is_other = entry.path() != hook && !name.ends_with(".sample");
        if is_other
            && !is_place_of_kept(name)
            && link.symlink_metadata().is_err()
            && !is_kits()
            && let Some(to) = neighbour(&link, hook)
        {
            std::os::unix::fs::symlink(to, &link)
                .with_context(|| format!("cannot create {}", quote::name(&link)))?;
        }
    }
    Ok(())
}

#[cfg(not(unix))]
fn link_neighbours(_: &Utf8Path) -> Result<()> {
    Ok(())
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use xtask_impact::testing::{scratch, write};

    use super::*;

    fn program(path: &Utf8Path) {
        write(path, "mine");
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn a_kept_hook_is_restored_from_every_place() {
        let (_directory, git) = scratch();
        let hook = git.join("hooks/pre-commit");
        program(&hook);
        keep(&hook).unwrap();
        let kept = git.join("before-xtask/pre-commit");
        assert_eq!(find(&hook), Some(kept.clone()));
        put_back(&hook).unwrap();
        assert_eq!(fs::read_to_string(&hook).unwrap(), "mine");
        assert!(!git.join("before-xtask").exists());

        for older in [
            "hooks/before-xtask/pre-commit",
            "hooks/pre-commit.before-xtask",
        ] {
            let older = git.join(older);
            fs::create_dir_all(older.parent().unwrap()).unwrap();
            fs::rename(&hook, &older).unwrap();
            assert_eq!(find(&hook), Some(older));
            migrate(&hook).unwrap();
            assert_eq!(find(&hook), Some(kept.clone()));
            assert!(!git.join("hooks/before-xtask").exists());
            put_back(&hook).unwrap();
            assert_eq!(fs::read_to_string(&hook).unwrap(), "mine");
        }

        keep(&hook).unwrap();
        program(&git.join("before-xtask/pre-push"));
        put_back(&hook).unwrap();
        assert!(git.join("before-xtask/pre-push").exists());
    }

    #[test]
    fn a_kept_relative_link_still_works() {
        let (_directory, root) = scratch();
        let hook = root.join(".git/hooks/pre-commit");
        program(&root.join("scripts/pre-commit"));
        let older = root.join(".git/hooks/before-xtask/pre-commit");
        fs::create_dir_all(older.parent().unwrap()).unwrap();
        symlink("../../scripts/pre-commit", &hook).unwrap();
        keep(&hook).unwrap();
        assert!(startable(&find(&hook).unwrap(), "").is_ok());

        // An older version stored the hook one level deeper, where the relative link is broken.
        fs::create_dir_all(older.parent().unwrap()).unwrap();
        fs::rename(find(&hook).unwrap(), &older).unwrap();
        assert!(startable(&find(&hook).unwrap(), "").is_err());
        migrate(&hook).unwrap();
        assert!(startable(&find(&hook).unwrap(), "").is_ok());
        put_back(&hook).unwrap();
        assert!(is_executable(&hook));
    }

    #[test]
    fn a_kept_hook_finds_the_files_next_to_it() {
        let (_directory, git) = scratch();
        let hook = git.join("hooks/pre-commit");
        write(&git.join("hooks/_/husky.sh"), "");
        write(&git.join("hooks/pre-commit.d/10"), "");
        write(&git.join("hooks/pre-push.sample"), "");
        program(&git.join("hooks/dispatch"));
        symlink("dispatch", &hook).unwrap();
        symlink("dispatch", git.join("hooks/pre-push")).unwrap();
        keep(&hook).unwrap();
        let kept = git.join("before-xtask");
        assert!(is_executable(&kept.join("pre-commit")));
        assert!(kept.join("_/husky.sh").is_file() && kept.join("pre-commit.d/10").is_file());
        assert!(!kept.join("pre-push.sample").exists());
        // The link to a file of the hooks directory is not a chained hook.
        let push = git.join("hooks/pre-push");
        assert!(kept.join("pre-push").exists() && find(&push).is_none());
        keep(&push).unwrap();
        assert_eq!(find(&push), Some(kept.join("pre-push")));
        write(&git.join("hooks/later"), "");
        migrate(&hook).unwrap();
        assert!(kept.join("later").is_file());
        put_back(&push).unwrap();
        put_back(&hook).unwrap();
        assert!(!kept.exists() && is_executable(&hook) && is_executable(&push));
    }

    #[test]
    fn a_hook_that_cannot_be_started_is_an_error() {
        let (_directory, root) = scratch();
        let hook = root.join("hooks/pre-commit");
        program(&hook);
        keep(&hook).unwrap();
        let kept = find(&hook).unwrap();
        fs::set_permissions(&kept, fs::Permissions::from_mode(0o644)).unwrap();
        let error = startable(&kept, "").unwrap_err().to_string();
        assert!(error.contains("cannot be started\nhint:"), "{error}");
        put_back(&hook).unwrap();
        // Git does not start this hook either.
        keep(&hook).unwrap();
        assert_eq!(find(&hook), Some(kept_not_executable(&hook)));
        put_back(&hook).unwrap();
        assert!(hook.is_file());

        // The hooks directory is a link, so the relative link of the hook is broken in the new
        // place.
        program(&root.join("tools/deep/run"));
        fs::create_dir_all(root.join("tools/hooks")).unwrap();
        symlink("../deep/run", root.join("tools/hooks/pre-push")).unwrap();
        symlink("tools/hooks", root.join("linked")).unwrap();
        let hook = root.join("linked/pre-push");
        let error = keep(&hook).unwrap_err().to_string();
        assert!(error.contains("where the kit would move it"), "{error}");
        assert!(is_executable(&hook) && !root.join("before-xtask").exists());
    }

    #[test]
    fn a_hook_that_starts_itself_is_stopped() {
        let (_directory, root) = scratch();
        let kept = root.join("pre-push");
        program(&kept);
        let once = startable(&kept, "/other\n").unwrap();
        let twice = startable(&kept, &once).unwrap();
        let error = startable(&kept, &twice).unwrap_err().to_string();
        assert!(error.contains("again in a loop"), "{error}");
    }
}
