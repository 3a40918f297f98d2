//! The hook that was there before the kit's: kept under its own name in a directory beside it.

use std::fs;

use anyhow::{Context as _, Result};
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

use crate::hooks::script::{is_ours, kept, kept_by_older_versions};
use crate::quote;
use crate::repo::files;

/// Returns the hook that was there before, if there was one.
pub(super) fn find(hook: &Utf8Path) -> Option<Utf8PathBuf> {
    let places = [kept(hook), kept_by_older_versions(hook)];
    places.into_iter().find(|it| it.symlink_metadata().is_ok())
}

/// Keeps a hook that is about to be replaced.
pub(super) fn keep(hook: &Utf8Path) -> Result<()> {
    move_to_its_place(hook, hook)
}

/// Moves a hook that an older version of the kit kept under another name.
pub(super) fn migrate(hook: &Utf8Path) -> Result<()> {
    let (older, now) = (kept_by_older_versions(hook), kept(hook));
    if older.symlink_metadata().is_err() || now.symlink_metadata().is_ok() {
        return Ok(());
    }
    move_to_its_place(&older, hook)
}

fn move_to_its_place(from: &Utf8Path, hook: &Utf8Path) -> Result<()> {
    let kept = kept(hook);
    let directory = kept.parent().unwrap_or(hook);
    fs::create_dir_all(directory)
        .with_context(|| format!("cannot create {}", quote::name(directory)))?;
    rename(from, &kept)?;
    link_neighbours(&kept)
}

fn rename(from: &Utf8Path, to: &Utf8Path) -> Result<()> {
    fs::rename(from, to).with_context(|| {
        let (from, to) = (quote::name(from), quote::name(to));
        format!("cannot rename {from} to {to}")
    })
}

/// Puts the hook back that was there before.
pub(super) fn put_back(hook: &Utf8Path) -> Result<()> {
    if let Some(kept) = find(hook) {
        rename(&kept, hook)?;
    }
    let kept = kept(hook);
    let Some(directory) = kept.parent().filter(|it| it.is_dir()) else {
        return Ok(());
    };
    let entries = directory.read_dir_utf8();
    let entries = entries.with_context(|| format!("cannot read {}", quote::name(directory)))?;
    let entries: Vec<Utf8PathBuf> = entries.flatten().map(|it| it.into_path()).collect();
    let is_neighbour = |path: &Utf8PathBuf| {
        path.read_link_utf8()
            .is_ok_and(|to| Some(to) == neighbour(path))
    };
    if entries.iter().all(is_neighbour) {
        fs::remove_dir_all(directory)
            .with_context(|| format!("cannot remove {}", quote::name(directory)))?;
    }
    Ok(())
}

/// Where the link to a neighbour of the hooks leads.
fn neighbour(link: &Utf8Path) -> Option<Utf8PathBuf> {
    Some(Utf8Path::new("..").join(link.file_name()?))
}

/// Links what lies beside the hooks into the directory of a kept hook that looks for files beside
/// itself, as husky's do.
#[cfg(unix)]
fn link_neighbours(kept: &Utf8Path) -> Result<()> {
    let text = files::read(kept, files::SETTINGS).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let is_asking = ["dirname", "${0%", "__file__", "__dir__", "BASH_SOURCE"];
    let (Some(directory), true) = (kept.parent(), is_asking.iter().any(|it| text.contains(it)))
    else {
        return Ok(());
    };
    let hooks = directory.parent().unwrap_or(directory);
    for entry in hooks.read_dir_utf8()?.flatten() {
        let link = directory.join(entry.file_name());
        let is_kits = || files::read(entry.path(), files::SETTINGS).is_ok_and(|it| is_ours(&it));
        let is_other = entry.path() != directory && !entry.file_name().ends_with(".sample");
        if is_other
            && link.symlink_metadata().is_err()
            && !is_kits()
            && let Some(to) = neighbour(&link)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{scratch, write};

    #[test]
    fn a_kept_hook_comes_back_from_either_place() {
        let (_directory, hooks) = scratch();
        let hook = hooks.join("pre-commit");
        write(&hook, "mine");
        keep(&hook).unwrap();
        assert_eq!(find(&hook), Some(hooks.join("before-xtask/pre-commit")));
        put_back(&hook).unwrap();
        assert_eq!(fs::read_to_string(&hook).unwrap(), "mine");
        assert!(!hooks.join("before-xtask").exists());

        fs::rename(&hook, hooks.join("pre-commit.before-xtask")).unwrap();
        assert_eq!(find(&hook), Some(hooks.join("pre-commit.before-xtask")));
        migrate(&hook).unwrap();
        assert_eq!(find(&hook), Some(hooks.join("before-xtask/pre-commit")));
        write(&hooks.join("before-xtask/pre-push"), "another");
        put_back(&hook).unwrap();
        assert_eq!(fs::read_to_string(&hook).unwrap(), "mine");
        assert!(hooks.join("before-xtask/pre-push").exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_hook_finds_what_lies_beside_it() {
        let (_directory, hooks) = scratch();
        write(&hooks.join("_/husky.sh"), "");
        write(&hooks.join("pre-push.sample"), "");
        let hook = hooks.join("pre-commit");
        write(&hook, ". \"$(dirname \"$0\")/_/husky.sh\"");
        keep(&hook).unwrap();
        assert!(hooks.join("before-xtask/_/husky.sh").is_file());
        assert!(!hooks.join("before-xtask/pre-push.sample").exists());
        put_back(&hook).unwrap();
        assert!(!hooks.join("before-xtask").exists() && hook.is_file());
    }
}
