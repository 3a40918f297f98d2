//! Tests with real cargo, offline, on workspaces that have path packages only.

use std::time::SystemTime;

use super::*;
use crate::testing::{scratch, write};

/// Returns a `cargo metadata` command for the workspace in a directory.
fn metadata<'a>(runner: &'a Runner, flags: &'a [&str]) -> impl Fn() -> Command + 'a {
    move || {
        let mut command = runner.cargo();
        command
            .args(["metadata", "--format-version", "1", "--offline"])
            .args(flags);
        command
    }
}

/// Writes two packages. If `depends` is true, one depends on the other.
fn packages(root: &Utf8Path, depends: bool) {
    write(
        &root.join("Cargo.toml"),
        "[workspace]\nmembers = ['a', 'b']\nresolver = '3'\n",
    );
    for name in ["a", "b"] {
        let mut manifest = format!("[package]\nname = '{name}'\nedition = '2024'\n");
        if depends && name == "b" {
            manifest += "[dependencies]\na = { path = '../a' }\n";
        }
        write(&root.join(name).join("Cargo.toml"), &manifest);
        write(&root.join(name).join("src/lib.rs"), "");
    }
}

/// Returns the content and modification time of a file, or `None` if the file does not exist.
fn state_of(path: &Utf8Path) -> Option<(Vec<u8>, SystemTime)> {
    let modified = fs::metadata(path).ok()?.modified().unwrap();
    Some((fs::read(path).unwrap(), modified))
}

#[test]
fn a_query_never_writes_the_lock_file() {
    let (_temporary, root) = scratch();
    let runner = Runner::new().unwrap().in_directory(&root);
    let lock = root.join("Cargo.lock");
    packages(&root, false);
    let ask = || {
        let before = state_of(&lock);
        let (output, state) = ask(&metadata(&runner, &[])).unwrap();
        assert!(output.status.success(), "{output:?}");
        assert_eq!(state_of(&lock), before);
        state
    };
    assert_eq!(ask(), LockState::Missing);
    process::checked(runner.cargo().args(["generate-lockfile", "--offline"])).unwrap();
    assert_eq!(ask(), LockState::Current);
    packages(&root, true);
    assert_eq!(ask(), LockState::Stale);
    let mut permissions = fs::metadata(&lock).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&lock, permissions).unwrap();
    assert_eq!(ask(), LockState::Stale, "a lock file that is read-only");
}

#[test]
#[cfg(unix)]
fn a_lock_file_behind_a_link_is_never_written() {
    let (_temporary, root) = scratch();
    let runner = Runner::new().unwrap().in_directory(&root);
    packages(&root, false);
    process::checked(runner.cargo().args(["generate-lockfile", "--offline"])).unwrap();
    fs::create_dir(root.join("locks")).unwrap();
    fs::rename(root.join("Cargo.lock"), root.join("locks/main.lock")).unwrap();
    std::os::unix::fs::symlink("locks/main.lock", root.join("Cargo.lock")).unwrap();
    packages(&root, true);
    let before = state_of(&root.join("locks/main.lock"));
    let (output, state) = ask(&metadata(&runner, &[])).unwrap();
    assert!(output.status.success() && state == LockState::Stale);
    assert_eq!(state_of(&root.join("locks/main.lock")), before);
    assert!(root.join("Cargo.lock").is_symlink());
}

#[test]
fn a_stale_lock_file_is_an_error_with_locked() {
    let (_temporary, root) = scratch();
    let runner = Runner::new().unwrap().in_directory(&root);
    packages(&root, false);
    for flag in ["--locked", "--frozen"] {
        let (output, _) = ask(&metadata(&runner, &[flag])).unwrap();
        assert!(!output.status.success(), "{flag}");
        assert!(!root.join("Cargo.lock").exists());
    }
}

#[test]
fn another_setting_of_the_lock_file_path_is_overridden() {
    let (_temporary, root) = scratch();
    let other = root.join("other/Cargo.lock");
    let setting = format!("resolver.lockfile-path='{other}'");
    write(
        &root.join(".cargo/config.toml"),
        &format!("{setting}\n").replace("other", "configured"),
    );
    let runner = Runner::new().unwrap().in_directory(&root);
    let runner = runner.with_variable(VARIABLE, root.join("variable/Cargo.lock"));
    packages(&root, false);
    let (output, state) = ask(&metadata(&runner, &["--config", &setting])).unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(state, LockState::Missing);
    for path in ["Cargo.lock", "other", "configured", "variable"] {
        assert!(!root.join(path).exists(), "{path}");
    }
}

#[test]
fn the_refused_lock_file_is_read_from_cargos_message() {
    for (said, path) in [
        (
            "error: cannot update the lock file /w/my because x/Cargo.lock because --locked was \
             passed to prevent this\nhelp: …",
            Some("/w/my because x/Cargo.lock"),
        ),
        (
            "    Blocking waiting for file lock on package cache\nerror: cannot create the lock \
             file /w/Cargo.lock because --locked was passed to prevent this",
            Some("/w/Cargo.lock"),
        ),
        (
            "error: the lock file /w/Cargo.lock needs to be updated but --locked was passed to \
             prevent this",
            Some("/w/Cargo.lock"),
        ),
        ("error: failed to parse lock file at: /w/Cargo.lock", None),
        ("error: no matching package named `x` found", None),
    ] {
        assert_eq!(refused(said).as_deref(), path.map(Utf8Path::new), "{said}");
    }
}

#[test]
fn a_build_needs_a_current_lock_file() {
    let check = |state| {
        let path = "/w/Cargo.lock".into();
        let checked = LockFile { path, state }.check();
        checked.map_or_else(|error| error.to_string(), |()| "current".to_owned())
    };
    let all = [LockState::Current, LockState::Stale, LockState::Missing].map(check);
    expect_test::expect![[r#"
        current

        /w/Cargo.lock is stale: it does not match the manifests, and the kit does not write it
        hint: run `cargo update --workspace`, which changes only what the manifests require

        /w/Cargo.lock is missing, and the kit does not create it
        hint: run `cargo generate-lockfile`"#]]
    .assert_eq(&all.join("\n\n"));
}
