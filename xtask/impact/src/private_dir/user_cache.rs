//! The kit's directory in the user's cache directory.

use std::fs;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::path::PathBuf;

use camino::{Utf8Path, Utf8PathBuf};

use super::place::{self, Safety, cargo_home};

/// Returns the directory in which the kit keeps caches of a workspace that has no target directory
/// yet. The directory lies in the user's cache directory and is created with mode 0700. Returns
/// `None` if the user has no cache directory, if another user may write to it, or if it lies in the
/// workspace's own repository, where git would show its files as changes.
pub fn user_state(root: &Utf8Path) -> Option<Utf8PathBuf> {
    state_directory_below(&kits_own()?, root)
}

fn state_directory_below(kits_own: &Utf8Path, root: &Utf8Path) -> Option<Utf8PathBuf> {
    let repository = root.ancestors().find(|above| above.join(".git").exists());
    let repository = place::real(repository.unwrap_or(root))?;
    if kits_own.starts_with(repository) {
        return None;
    }
    state_directory_for(kits_own, root)
}

/// Returns the directory of [`user_state`] if cargo may be run there: the directory lies outside
/// the work tree, and cargo reads no file there that it does not read in the tree.
pub fn isolated_user_state(tree: &Utf8Path) -> Option<Utf8PathBuf> {
    let kept = state_directory_for(&kits_own()?, tree)?;
    let home = cargo_home().and_then(|home| home.canonicalize_utf8().ok());
    let is_apart =
        !kept.starts_with(tree) && place::foreign_file(&kept, tree, home.as_deref()).is_none();
    is_apart.then_some(kept)
}

fn state_directory_for(kits_own: &Utf8Path, root: &Utf8Path) -> Option<Utf8PathBuf> {
    let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(root);
    private(kits_own.join(format!("{hash:016x}")))
}

/// Returns the parent of temporary directories, used if the system's directory for them is not
/// safe.
pub(super) fn for_temporary() -> Option<Utf8PathBuf> {
    private(kits_own()?.join("tmp"))
}

fn kits_own() -> Option<Utf8PathBuf> {
    let cache = of_the_user(cfg!(target_os = "macos"), &|name| std::env::var_os(name))?;
    kits_own_in(cache)
}

/// Returns the kit's own directory in a cache directory. Both are created if no other user may
/// write above them. Otherwise nothing is created.
fn kits_own_in(mut cache: Utf8PathBuf) -> Option<Utf8PathBuf> {
    let is_exposed = |directory: &Utf8Path| {
        let real = place::real(directory);
        real.is_none_or(|it| place::safety(&it, Utf8Path::new("")) == Safety::Exposed)
    };
    let existing = cache.ancestors().find(|above| above.exists())?;
    if is_exposed(existing) {
        return None;
    }
    create(&cache);
    if cfg!(unix) {
        cache = cache.canonicalize_utf8().ok()?;
    }
    if is_exposed(&cache) {
        return None;
    }
    private(cache.join("xtask-kit"))
}

/// Returns the user's cache directory by the conventions of the system.
fn of_the_user(
    is_macos: bool,
    variable: &dyn Fn(&str) -> Option<std::ffi::OsString>,
) -> Option<Utf8PathBuf> {
    let absolute = |name: &str| {
        let path = PathBuf::from(variable(name)?);
        let path = Utf8PathBuf::try_from(path).ok()?;
        path.is_absolute().then_some(path)
    };
    if cfg!(windows) {
        return absolute("LOCALAPPDATA");
    }
    if let (false, Some(cache)) = (is_macos, absolute("XDG_CACHE_HOME")) {
        return Some(cache);
    }
    // A home directory that does not exist is not created.
    let home = absolute("HOME").filter(|home| home.is_dir())?;
    Some(home.join(if is_macos { "Library/Caches" } else { ".cache" }))
}

/// Creates a directory with mode 0700 and returns its path, or `None` if another user owns the
/// directory or may write to it.
fn private(path: Utf8PathBuf) -> Option<Utf8PathBuf> {
    create(&path);
    let metadata = fs::symlink_metadata(&path).ok()?;
    (metadata.is_dir() && is_closed(&metadata)).then_some(path)
}

#[cfg(unix)]
fn is_closed(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    const WRITABLE_BY_OTHERS: u32 = 0o022;
    metadata.uid() == user() && metadata.mode() & WRITABLE_BY_OTHERS == 0
}

#[cfg(not(unix))]
fn is_closed(_: &fs::Metadata) -> bool {
    true
}

fn create(path: &Utf8Path) {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    // If the creation fails, the caller finds no directory.
    drop(builder.create(path));
}

/// Returns the id of the user that the kit runs as.
#[cfg(unix)]
pub(super) fn user() -> u32 {
    nix::unistd::geteuid().as_raw()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(all(unix, not(target_os = "macos")))]
    fn the_cache_directory_follows_the_systems_conventions() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().to_str().unwrap();
        let of = |macos, xdg: Option<&str>, home: Option<&str>| {
            let found = of_the_user(macos, &|name| match name {
                "XDG_CACHE_HOME" => xdg.map(Into::into),
                "HOME" => home.map(Into::into),
                _ => None,
            });
            found.map(Utf8PathBuf::into_string)
        };
        let in_home = Some(format!("{home}/.cache"));
        assert_eq!(of(false, None, Some(home)), in_home);
        assert_eq!(of(false, Some("relative"), Some(home)), in_home);
        assert_eq!(of(false, Some("/x"), Some(home)), Some("/x".to_owned()));
        assert_eq!(
            of(true, Some("/x"), Some(home)),
            Some(format!("{home}/Library/Caches"))
        );
        assert_eq!(of(false, None, Some("/no/such/home")), None);
        assert_eq!(of(false, None, None), None);
    }

    #[test]
    #[cfg(unix)]
    fn a_directory_that_others_may_write_to_is_not_used() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let scratch = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(scratch.path()).unwrap().join("mine");
        assert_eq!(private(path.clone()), Some(path.clone()), "it is created");
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o700);
        for (mode, expected) in [
            (0o755, true),
            (0o720, false),
            (0o702, false),
            (0o777, false),
        ] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(private(path.clone()).is_some(), expected, "{mode:o}");
        }
        fs::remove_dir(&path).unwrap();
        symlink(scratch.path(), &path).unwrap();
        assert_eq!(private(path.clone()), None, "a link may lead anywhere");
        let is_root = user() == 0;
        if is_root {
            fs::remove_file(&path).unwrap();
            assert!(private(path.clone()).is_some());
            std::os::unix::fs::chown(&path, Some(65534), None).unwrap();
            assert_eq!(private(path), None, "another user's");
        }
    }
    /// Returns a repository, the root of its workspace, and the kit's own directory in a cache
    /// directory.
    fn workspace() -> (tempfile::TempDir, Utf8PathBuf, Utf8PathBuf) {
        let (scratch, top) = crate::testing::scratch();
        let root = top.join("repository/rust");
        fs::create_dir_all(&root).unwrap();
        fs::create_dir(top.join("repository/.git")).unwrap();
        let own = kits_own_in(top.join("cache")).unwrap();
        (scratch, root, own)
    }

    #[test]
    fn each_checkout_has_a_directory_of_its_own() {
        let (_scratch, root, own) = workspace();
        let other = own.parent().unwrap().parent().unwrap().join("other");
        fs::create_dir(&other).unwrap();
        let kept = state_directory_below(&own, &root).unwrap();
        assert_eq!(kept.parent(), Some(&*own));
        assert_eq!(state_directory_below(&own, &root).as_ref(), Some(&kept));
        assert_ne!(state_directory_below(&own, &other), Some(kept));
        assert_eq!(own.read_dir_utf8().unwrap().count(), 2);
    }

    #[test]
    fn nothing_is_kept_in_the_repository_of_the_workspace() {
        let (_scratch, root, _) = workspace();
        let repository = root.parent().unwrap();
        for cache in ["rust/.cache", ".cache"] {
            let own = kits_own_in(repository.join(cache)).unwrap();
            assert_eq!(state_directory_below(&own, &root), None, "{cache}");
        }
        // A repository may lie in another repository, such as a home directory under version
        // control.
        let home = repository.parent().unwrap();
        fs::create_dir(home.join(".git")).unwrap();
        let own = kits_own_in(home.join(".cache")).unwrap();
        assert!(state_directory_below(&own, &root).is_some());
    }

    #[test]
    #[cfg(unix)]
    fn nothing_is_kept_where_another_user_may_write() {
        use std::os::unix::fs::{PermissionsExt as _, chown};
        let (_scratch, root, own) = workspace();
        let kept = state_directory_below(&own, &root).unwrap();
        let cache = own.parent().unwrap();
        let again = || state_directory_below(&kits_own_in(cache.to_owned())?, &root);
        for directory in [cache, &own, &kept] {
            assert_eq!(again().as_ref(), Some(&kept));
            let mode = fs::metadata(directory).unwrap().permissions().mode();
            assert_eq!(mode & 0o7777, 0o700, "{directory}");
            fs::set_permissions(directory, fs::Permissions::from_mode(0o777)).unwrap();
            assert_eq!(again(), None, "{directory}");
            fs::set_permissions(directory, fs::Permissions::from_mode(0o700)).unwrap();
            let is_root = user() == 0;
            if is_root {
                chown(directory, Some(65534), None).unwrap();
                assert_eq!(again(), None, "{directory}, another user's");
                chown(directory, Some(0), None).unwrap();
            }
        }
    }

    #[test]
    #[cfg(unix)]
    fn nothing_is_created_where_another_user_may_write() {
        use std::os::unix::fs::{PermissionsExt as _, chown};
        let (_scratch, top) = crate::testing::scratch();
        let open = top.join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
        let is_empty = || open.read_dir_utf8().unwrap().next().is_none();
        for cache in [open.clone(), open.join("cache"), open.join("a/cache")] {
            assert_eq!(kits_own_in(cache.clone()), None, "{cache}");
            assert!(is_empty(), "{cache}");
        }
        let is_root = user() == 0;
        if is_root {
            fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).unwrap();
            chown(&open, Some(65534), None).unwrap();
            for cache in [open.clone(), open.join("cache")] {
                assert_eq!(kits_own_in(cache.clone()), None, "{cache}, another user's");
                assert!(is_empty(), "{cache}, another user's");
            }
        }
    }

    #[test]
    fn nothing_is_kept_if_a_file_has_the_name_of_the_directory() {
        let (_scratch, root, own) = workspace();
        let file = own.join("file");
        fs::write(&file, "").unwrap();
        assert_eq!(kits_own_in(file), None);
        fs::remove_dir_all(&own).unwrap();
        fs::write(&own, "").unwrap();
        assert_eq!(kits_own_in(own.parent().unwrap().to_owned()), None);
        assert_eq!(state_directory_below(&own, &root), None);
    }
}
