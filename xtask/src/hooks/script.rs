//! The small shell script that the kit writes as a git hook.

use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::quote::posix_word;

use crate::hooks::model::Hook;

/// The start and the end of the line that marks a script as a hook of the kit. Between them stand
/// the commands, which name the kit as the user does.
const MARK: [&str; 2] = ["# Installed by `", " hooks uninstall` takes it away."];

/// The name of the directory of chained hooks. A chained hook keeps its own file name, because a
/// hook may read its name.
const BEFORE: &str = "before-xtask";

/// Returns the directory of chained hooks; `hook` is the path of the kit's hook. The directory lies
/// next to the hooks directory, at the same depth. So relative links and paths such as
/// `$(dirname "$0")/../..` lead to the same place as before. If the hooks directory is hidden, the
/// directory of chained hooks is hidden too: `.husky` and `.before-xtask`.
pub(crate) fn chained_directory(hook: &Utf8Path) -> Utf8PathBuf {
    let hooks = hook.parent().unwrap_or(hook);
    let is_hidden = hooks.file_name().is_some_and(|it| it.starts_with('.'));
    hooks.with_file_name(format!("{}{BEFORE}", if is_hidden { "." } else { "" }))
}

/// Returns the path of the chained hook; `hook` is the path of the kit's hook.
pub(crate) fn kept(hook: &Utf8Path) -> Utf8PathBuf {
    chained_directory(hook).join(hook.file_name().unwrap_or_default())
}

/// Returns the path of a chained hook that is not executable. Git does not start such a hook.
pub(crate) fn kept_not_executable(hook: &Utf8Path) -> Utf8PathBuf {
    Utf8PathBuf::from(format!("{}.not-executable", kept(hook)))
}

/// Returns the paths at which older versions of the kit stored the user's hook, newest version
/// first.
pub(crate) fn kept_by_older_versions(hook: &Utf8Path) -> [Utf8PathBuf; 2] {
    let below = hook.parent().unwrap_or(hook).join(BEFORE);
    [
        below.join(hook.file_name().unwrap_or_default()),
        Utf8PathBuf::from(format!("{hook}.{BEFORE}")),
    ]
}

/// Returns true if a name in a hooks directory belongs to a hook, or directory of hooks, that the
/// kit kept.
pub(crate) fn is_place_of_kept(name: &str) -> bool {
    name.ends_with(BEFORE)
}

/// The values with which the script of a hook starts the kit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HookStart {
    /// The directory of the workspace, relative to the top level; empty for the top level itself.
    pub directory: String,
    /// The path of the built binary: absolute, or relative to the directory of the workspace. With
    /// a relative path, every worktree of a repository starts its own binary.
    pub binary: String,
    /// The alias of cargo that also starts the kit, and builds the binary if it is missing.
    pub alias: Option<String>,
    /// The name by which the user starts the kit: `cargo xtask`, or the name of an executable.
    pub kit: String,
    /// The directory of `cargo`, for programs that start git with a minimal `PATH`; empty if
    /// unknown.
    pub cargo: String,
}

/// Returns the text of the script of a hook.
pub(crate) fn script(hook: Hook, start: &HookStart) -> String {
    let name = hook.name();
    let binary = posix_word(&start.binary);
    let cargo = posix_word(&start.cargo);
    let [mark, end_of_mark] = MARK;
    let kit = &start.kit;
    let mut script = format!("#!/bin/sh\n{mark}{kit} hooks install`; `{kit}{end_of_mark}\n");
    if !start.cargo.is_empty() {
        script += &format!("command -v cargo >/dev/null 2>&1 || PATH=\"$PATH:\"{cargo}\n");
    }
    // Git passes the path of the hook relative to the directory in which it starts the hook.
    script += "case $0 in /* | ?:*) hook=$0 ;; *) hook=$PWD/$0 ;; esac\n";
    if !start.directory.is_empty() {
        // `GIT_DIR` and `GIT_WORK_TREE` are relative to the top level. Git does not set
        // `GIT_WORK_TREE` if the top level is the work tree.
        script += "if [ -n \"$GIT_DIR\" ]; then GIT_DIR=$(cd \"$GIT_DIR\" && pwd) && \
                   GIT_WORK_TREE=$(cd \"${GIT_WORK_TREE:-.}\" && pwd); \
                   export GIT_DIR GIT_WORK_TREE; fi\n";
        // The workspace directory may be missing on another branch.
        let directory = posix_word(&start.directory);
        script += &format!("if [ -d {directory} ]; then cd {directory} || exit; fi\n");
    }
    script += &format!(
        "if [ -x {binary} ]; then set -- {binary} hooks run {name} --hook \"$hook\" -- \"$@\"\n"
    );
    let gone = format!(
        "{name}: {} does not exist; `{kit} hooks install` writes this hook again, --no-verify \
         skips it",
        start.binary
    );
    let otherwise = match (&start.alias, hook) {
        (Some(alias), _) => {
            format!("set -- cargo --locked {alias} hooks run {name} --hook \"$hook\" -- \"$@\"")
        }
        // A missing binary must not make a checkout fail.
        (None, Hook::PostCheckout) => "exit 0".to_owned(),
        (None, _) => format!("echo {} >&2; exit 1", posix_word(&gone)),
    };
    script + &format!("else {otherwise}\nfi\nexec \"$@\"\n")
}

/// Returns true if a script was written by the kit.
pub(crate) fn is_ours(script: &[u8]) -> bool {
    let [start, end] = MARK;
    let is_mark = |line: &str| line.starts_with(start) && line.ends_with(end);
    String::from_utf8_lossy(script).lines().any(is_mark)
}

#[test]
fn a_script_starts_the_existing_binary_or_builds_it() {
    let start = HookStart {
        directory: String::new(),
        binary: "target/xtask/xtask".to_owned(),
        alias: Some("kit".to_owned()),
        kit: "cargo kit".to_owned(),
        cargo: "/home/u/.cargo/bin".to_owned(),
    };
    let script = script(Hook::PreCommit, &start);
    assert!(is_ours(script.as_bytes()) && !is_ours(b"#!/bin/sh\nexit 0\n"));
    expect_test::expect![[r##"
        #!/bin/sh
        # Installed by `cargo kit hooks install`; `cargo kit hooks uninstall` takes it away.
        command -v cargo >/dev/null 2>&1 || PATH="$PATH:"'/home/u/.cargo/bin'
        case $0 in /* | ?:*) hook=$0 ;; *) hook=$PWD/$0 ;; esac
        if [ -x 'target/xtask/xtask' ]; then set -- 'target/xtask/xtask' hooks run pre-commit --hook "$hook" -- "$@"
        else set -- cargo --locked kit hooks run pre-commit --hook "$hook" -- "$@"
        fi
        exec "$@"
    "##]].assert_eq(&script);
    let start = HookStart {
        directory: "it's here".to_owned(),
        binary: "/opt/bin/xtask".to_owned(),
        alias: None,
        kit: "xtask".to_owned(),
        cargo: String::new(),
    };
    expect_test::expect![[r##"
        #!/bin/sh
        # Installed by `xtask hooks install`; `xtask hooks uninstall` takes it away.
        case $0 in /* | ?:*) hook=$0 ;; *) hook=$PWD/$0 ;; esac
        if [ -n "$GIT_DIR" ]; then GIT_DIR=$(cd "$GIT_DIR" && pwd) && GIT_WORK_TREE=$(cd "${GIT_WORK_TREE:-.}" && pwd); export GIT_DIR GIT_WORK_TREE; fi
        if [ -d 'it'\''s here' ]; then cd 'it'\''s here' || exit; fi
        if [ -x '/opt/bin/xtask' ]; then set -- '/opt/bin/xtask' hooks run pre-push --hook "$hook" -- "$@"
        else echo 'pre-push: /opt/bin/xtask does not exist; `xtask hooks install` writes this hook again, --no-verify skips it' >&2; exit 1
        fi
        exec "$@"
    "##]].assert_eq(&self::script(Hook::PrePush, &start));
}

#[test]
fn an_existing_hook_keeps_its_name_and_its_depth() {
    for (hook, place) in [
        (
            "/r/.git/hooks/pre-commit",
            "/r/.git/before-xtask/pre-commit",
        ),
        (
            "/r/.husky/_/pre-commit",
            "/r/.husky/before-xtask/pre-commit",
        ),
        ("/r/.husky/pre-commit", "/r/.before-xtask/pre-commit"),
        ("/r/scripts/pre-commit", "/r/before-xtask/pre-commit"),
    ] {
        assert_eq!(kept(Utf8Path::new(hook)), place);
    }
    let older = kept_by_older_versions(Utf8Path::new("/r/.git/hooks/pre-commit"));
    assert_eq!(older[0], "/r/.git/hooks/before-xtask/pre-commit");
    assert_eq!(older[1], "/r/.git/hooks/pre-commit.before-xtask");
}
