//! The hook checks the files that are committed, and does not change the work tree.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::{git, one_step, project};
use crate::support::Project;

/// A script that lists what a step sees: every file with its content, and every link with its
/// target.
const LOOK: &str = r#"
for path in $(find . -path ./.git -prune -o -path ./target -prune -o ! -type d -print | sort); do
    if [ -L "$path" ]; then echo "$path -> $(readlink "$path")"
    elif [ -x "$path" ]; then echo "$path* $(git hash-object "$path")"
    else echo "$path $(git hash-object "$path")"; fi
done > "$OUT"
"#;

/// Lists the files of the last commit in the same form.
fn committed(project: &Project) -> String {
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        project.isolated(command.args(arguments));
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let mut told = String::new();
    for line in git(&["ls-tree", "-r", "HEAD"]).lines() {
        let (facts, path) = line.split_once('\t').unwrap();
        let facts: Vec<_> = facts.split(' ').collect();
        let hash = facts[2];
        told += &match facts[0] {
            "120000" => format!("./{path} -> {}\n", git(&["cat-file", "blob", hash])),
            "100755" => format!("./{path}* {hash}\n"),
            _ => format!("./{path} {hash}\n"),
        };
    }
    told
}

/// Returns all files below a directory except those of git and cargo, with kind, content and time.
fn snapshot(root: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut pending = vec![root.to_owned()];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let metadata = path.symlink_metadata().unwrap();
            if path.ends_with(".git") || path.ends_with("target") {
                continue;
            }
            let content = match fs::read_link(&path) {
                Ok(target) => target.display().to_string(),
                Err(_) if metadata.is_dir() => String::new(),
                Err(_) => fs::read_to_string(&path).unwrap(),
            };
            let (time, mode) = (metadata.modified().unwrap(), metadata.permissions());
            let path_in = path.strip_prefix(root).unwrap().display().to_string();
            found.insert(path_in, format!("{content:?} {time:?} {mode:?}"));
            if metadata.is_dir() {
                pending.push(path);
            }
        }
    }
    found
}

/// Makes files of every kind, staged in part and in every way.
fn partly_staged(project: &Project) {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let files = [
        "edited",
        "edited twice",
        "deleted",
        "deleted here",
        "renamed",
        "kept here",
        "mode",
        "mode here",
        "becomes a link",
        "directory/file",
        "untouched",
    ];
    // The shell would split names at spaces. This test is about git.
    let name = |file: &str| file.replace(' ', "-");
    for file in files {
        project.write(format!("data/{}", name(file)), file);
    }
    symlink("untouched", project.path("data/link")).unwrap();
    project.git(&["add", "--all"]);
    project.git(&["commit", "--quiet", "--no-verify", "--message", "Data"]);

    project.write("data/edited", "staged");
    project.write("data/edited-twice", "staged");
    project.rename("data/renamed", "data/renamed-now");
    project.remove("data/deleted");
    project.remove("data/becomes-a-link");
    symlink("edited", project.path("data/becomes-a-link")).unwrap();
    project.remove("data/link");
    symlink("edited", project.path("data/link")).unwrap();
    project.remove("data/directory");
    project.write("data/directory", "a file now");
    project.write("data/added", "staged");
    project.write("data/added-and-edited", "staged");
    let executable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(project.path("data/mode"), executable.clone()).unwrap();
    project.git(&["add", "--all"]);
    project.git(&["rm", "--quiet", "--cached", "data/kept-here"]);

    project.write("data/edited-twice", "not staged");
    project.write("data/added-and-edited", "not staged");
    project.write("data/announced", "not staged");
    project.git(&["add", "--intent-to-add", "data/announced"]);
    project.write("data/not-tracked", "not staged");
    project.remove("data/deleted-here");
    project.remove("data/link");
    symlink("untouched", project.path("data/link")).unwrap();
    fs::set_permissions(project.path("data/mode-here"), executable).unwrap();
}

#[test]
fn a_step_sees_the_committed_files_and_the_work_tree_stays() {
    let project = project(&one_step("pre-commit", LOOK));
    let out = project.beside("out");
    let commit = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command
            .args(["commit", "--quiet", "--message", "x"])
            .args(arguments)
            .env("OUT", &out);
        let output = project.run(&mut command);
        assert_eq!(output.status, 0, "{output}");
        fs::read_to_string(&out).unwrap()
    };
    partly_staged(&project);
    let before = snapshot(project.root());
    assert_eq!(commit(&[]), committed(&project));
    assert_eq!(snapshot(project.root()), before);

    // Commits one of the remaining changes by its name, and then all of them.
    let before = snapshot(project.root());
    assert_eq!(
        commit(&["--only", "data/edited-twice"]),
        committed(&project)
    );
    assert_eq!(commit(&["--all"]), committed(&project));
    assert_eq!(snapshot(project.root()), before);

    // Amends a commit while there are unstaged changes.
    project.write("data/edited", "fixed");
    project.git(&["add", "data/edited"]);
    project.write("data/edited", "not staged again");
    let before = snapshot(project.root());
    assert_eq!(commit(&["--amend"]), committed(&project));
    assert_eq!(snapshot(project.root()), before);
}

/// The mirror is updated file by file, so that cargo rebuilds little in the mirror.
#[test]
fn unchanged_files_in_the_mirror_keep_their_times() {
    let project = project(&one_step("pre-commit", "pwd > \"$OUT\""));
    let out = project.beside("out");
    let commit = || {
        project.write("crates/top/src/lib.rs", "// Not staged.\n");
        let mut command = Command::new("git");
        command
            .args(["commit", "--quiet", "--message", "x"])
            .env("OUT", &out);
        project.run(&mut command).done();
        let mirror = fs::read_to_string(&out).unwrap();
        let mirror = Path::new(mirror.trim_end()).to_owned();
        assert!(
            mirror.starts_with(project.path("target/xtask")),
            "{mirror:?}"
        );
        mirror
    };
    project.write("crates/base/src/lib.rs", "// One.\n");
    project.git(&["add", "crates/base"]);
    let mirror = commit();
    let before = snapshot(&mirror);
    project.write("crates/base/src/lib.rs", "// Two.\n");
    project.git(&["add", "crates/base"]);
    assert_eq!(commit(), mirror);
    let after = snapshot(&mirror);
    let changed: Vec<_> = after
        .iter()
        .filter(|(path, it)| before[*path] != **it)
        .collect();
    let changed: Vec<_> = changed.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(changed, ["crates/base/src", "crates/base/src/lib.rs"]);
    // The mirror is not registered as a worktree.
    assert_eq!(project.git(&["worktree", "list"]).lines().count(), 1);

    // A damaged mirror is repaired.
    fs::write(mirror.join("crates/base/src/lib.rs"), "// Spoilt.\n").unwrap();
    fs::remove_file(mirror.join("Cargo.toml")).unwrap();
    fs::remove_file(mirror.with_file_name("git").join("commondir")).unwrap();
    project.write("crates/base/src/lib.rs", "// Three.\n");
    project.git(&["add", "crates/base"]);
    commit();
    let text = fs::read_to_string(mirror.join("crates/base/src/lib.rs")).unwrap();
    assert_eq!(text, "// Three.\n");
    assert_eq!(
        fs::read_to_string(mirror.join("Cargo.toml")).unwrap(),
        project.read("Cargo.toml")
    );
}

#[test]
fn a_killed_hook_loses_nothing() {
    let script = "touch \"$OUT\"; while [ -e \"$OUT\" ]; do sleep 0.1; done";
    let project = project(&one_step("pre-commit", script));
    let out = project.beside("out");
    project.write("crates/base/src/lib.rs", "// Staged.\n");
    project.git(&["add", "--all"]);
    project.write("crates/base/src/lib.rs", "// Not staged.\n");
    let before = snapshot(project.root());
    let (index, head) = (
        project.git(&["ls-files", "-s"]),
        project.git(&["rev-parse", "HEAD"]),
    );
    let mut command = Command::new("git");
    command
        .args(["commit", "--quiet", "--message", "x"])
        .env("OUT", &out);
    command
        .current_dir(project.root())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    project.isolated(&mut command);
    // Git, the hook and its step are a process group of their own, which is killed as a whole.
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn().unwrap();
    while !out.exists() {
        assert!(child.try_wait().unwrap().is_none());
        std::thread::sleep(Duration::from_millis(10));
    }
    let group = format!("-{}", child.id());
    Command::new("kill")
        .args(["-s", "KILL", "--", &group])
        .status()
        .unwrap();
    child.wait().unwrap();
    fs::remove_file(&out).unwrap();
    assert_eq!(snapshot(project.root()), before);
    assert_eq!(project.git(&["ls-files", "-s"]), index);
    assert_eq!(project.git(&["rev-parse", "HEAD"]), head);

    // Simulates a power failure while git writes to the mirror.
    let mirror = fs::read_dir(project.path("target/xtask")).unwrap();
    let mirror = mirror.map(|entry| entry.unwrap().path());
    let mirror = mirror
        .into_iter()
        .find(|path| path.join("tree").exists())
        .unwrap();
    fs::write(mirror.join("git/index.lock"), "").unwrap();
    fs::write(mirror.join("tree/crates/base/src/lib.rs"), "").unwrap();
    super::configure(
        &project,
        &one_step("pre-commit", "cat crates/base/src/lib.rs; false"),
    );
    let output = git(&project, &["commit", "--message", "x"]);
    assert!(output.stderr.contains("// Staged."), "{output}");
}

/// A submodule is checked at its staged commit. Its files in the work tree do not count.
#[test]
fn a_submodule_is_checked_as_it_is_committed() {
    let lamp = Project::empty()
        .file(
            "Cargo.toml",
            "[package]\nname = \"lamp\"\nversion = \"0.1.0\"\n",
        )
        .file("src/lib.rs", "pub fn shine() {}\n");
    lamp.write(".gitignore", "/target/\n");
    lamp.git(&["init", "--quiet", "--initial-branch", "main"]);
    lamp.commit("Shine");
    let project = project("pre-commit.steps = [\"check\"]\n");
    let url = lamp.root().to_str().unwrap();
    let allowed = ["-c", "protocol.file.allow=always", "submodule", "--quiet"];
    let add = [&allowed[..], &["add", url, "external/lamp"]].concat();
    project.git(&add);
    project.replace(
        "Cargo.toml",
        "members = [\"crates/*\"]",
        "members = [\"crates/*\"]\nexclude = [\"external\"]",
    );
    project.append(
        "crates/base/Cargo.toml",
        "lamp = { path = \"../../external/lamp\" }\n",
    );
    project.cargo(&["metadata", "--format-version", "1"]).done();
    project.write("crates/base/src/lib.rs", "pub use lamp::shine;\n");
    let commit = ["commit", "--quiet", "--message", "Let there be light"];
    project.git(&["add", "--all"]);
    assert_eq!(git(&project, &commit).status, 0);

    // `base` is checked with the committed submodule, not with the files in the work tree.
    project.write("external/lamp/src/lib.rs", "nonsense\n");
    project.write(
        "crates/base/src/lib.rs",
        "pub use lamp::shine;\n// And so on.\n",
    );
    project.git(&["add", "crates"]);
    let said = git(&project, &commit);
    assert!(
        said.stderr.contains("Passed pre-commit: check"),
        "{}",
        said.stderr
    );
    // A staged commit of the submodule counts.
    project.write("external/lamp/src/lib.rs", "pub fn glow() {}\n");
    let lamp = project.path("external/lamp");
    project.git(&[
        "-C",
        lamp.to_str().unwrap(),
        "commit",
        "--quiet",
        "--all",
        "--message",
        "Glow",
    ]);
    project.append("crates/base/src/lib.rs", "// So on.\n");
    project.git(&["add", "--all"]);
    project.write("external/lamp/src/lib.rs", "pub fn shine() {}\n");
    let said = git(&project, &commit);
    assert!(said.stderr.contains("error[E0432]"), "{}", said.stderr);
}

#[test]
fn ignored_and_hidden_source_changes_are_not_used() {
    let project = project("pre-commit = { steps = [\"check\"], budget = 0 }\n");
    project.append(".gitignore", "*gen.rs\n");
    project.write("crates/base/src/lib.rs", "pub mod regen;\n");
    project.write("crates/base/src/regen.rs", "pub fn one() {}\n");
    project.write("crates/base/notes-gen.rs", "not compiled\n");
    project.git(&["add", "--all"]);
    let commit = || git(&project, &["commit", "--quiet", "--message", "x"]);
    let output = commit();
    assert_eq!(output.status, 1, "{output}");
    let told = "note: git ignores crates/base/src/regen.rs, which is compiled here but is missing \
                in a clone: the step runs without it\n\
                hint: `git add --force crates/base/src/regen.rs`, or change .gitignore";
    assert!(output.stderr.contains(told), "{output}");
    assert!(output.stderr.contains("error[E0583]"), "{output}");
    project.git(&["add", "--force", "crates/base/src/regen.rs"]);
    let output = commit();
    assert_eq!(output.status, 0, "{output}");
    let log = project.path("target/debug/.fingerprint");
    assert!(
        log.exists(),
        "what is ignored and not compiled does not matter"
    );

    project.git(&[
        "update-index",
        "--assume-unchanged",
        "crates/base/src/regen.rs",
    ]);
    project.write(
        "crates/base/src/regen.rs",
        "pub fn one() {}\npub fn two() {}\n",
    );
    project.write(
        "crates/base/src/lib.rs",
        "pub mod regen;\npub use regen::two;\n",
    );
    project.git(&["add", "crates/base/src/lib.rs"]);
    let output = commit();
    assert!(output.stderr.contains("error[E0432]"), "{output}");
}
