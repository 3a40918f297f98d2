//! Several checkouts that share one target directory.

use std::path::PathBuf;
use std::process::Command;

use crate::support::{Output, Project, manifest, tree};

/// A repository with a worktree and a clone next to it. All of them build in `[BESIDE]/shared`.
struct Checkouts {
    project: Project,
    toolchain: &'static [(&'static str, &'static str)],
}

const V1: &[(&str, &str)] = &[];
/// The variables that make a stable cargo use the new layout, as a nightly cargo does.
const V2: &[(&str, &str)] = &[
    ("RUSTC_BOOTSTRAP", "1"),
    ("CARGO_UNSTABLE_BUILD_DIR_NEW_LAYOUT", "true"),
];

impl Checkouts {
    fn new(toolchain: &'static [(&'static str, &'static str)]) -> Self {
        let project = Project::with_libraries(&[("base", &[]), ("top", &["base"])]);
        project.write(
            "crates/base/src/lib.rs",
            "pub fn one() -> u32 {\n    1\n}\n",
        );
        project.write(
            "crates/top/src/lib.rs",
            "mod part;\npub fn two() -> u32 {\n    2 * base::one()\n}\n",
        );
        project.write("crates/top/src/part.rs", "");
        project.write("crates/top/src/main.rs", "fn main() {}\n");
        project.write("crates/top/tests/it.rs", "");
        project.commit("Add sources");
        let worktree = project.beside("worktree");
        let worktree = worktree.to_str().unwrap();
        project.git(&["worktree", "add", "--quiet", "-b", "other", worktree]);
        let clone = project.beside("clone");
        project.git(&["clone", "--quiet", ".", clone.to_str().unwrap()]);
        Self { project, toolchain }
    }

    fn at(&self, name: &str) -> PathBuf {
        match name {
            "project" => self.project.root().to_owned(),
            other => self.project.beside(other),
        }
    }

    fn run(&self, name: &str, program: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(program);
        command.args(arguments);
        self.project.isolated(&mut command);
        command.current_dir(self.at(name));
        command.env("CARGO_TARGET_DIR", self.project.beside("shared"));
        command.envs(self.toolchain.iter().copied());
        self.project.finish(&mut command)
    }

    fn cargo(&self, name: &str, arguments: &[&str]) -> Output {
        self.run(name, "cargo", arguments)
    }

    fn xtask(&self, name: &str, arguments: &[&str]) -> Output {
        self.run(name, env!("CARGO_BIN_EXE_xtask"), arguments)
    }

    /// Sets the times of all sources of a checkout to now, as git does when it creates a checkout.
    fn touch(&self, name: &str) {
        for crate_name in ["base", "top"] {
            let sources = self.at(name).join("crates").join(crate_name).join("src");
            tree::touch(&sources);
        }
        tree::touch(&self.at(name).join("crates/top/tests"));
    }
}

const BUILD: &[&str] = &["build", "--quiet", "--workspace", "--all-targets"];

/// The arguments that list the packages that a change of the test `it` affects.
const NAMES_OF_IT: &[&str] = &[
    "affected",
    "--format",
    "names",
    "--file",
    "crates/top/tests/it.rs",
];

fn another_checkout_is_noticed(toolchain: &'static [(&'static str, &'static str)]) {
    let them = Checkouts::new(toolchain);
    them.cargo("project", BUILD).done();
    let alone = ["affected", "--file", "crates/top/tests/it.rs"];
    them.xtask("project", &alone).is(expect_test::expect![[r#"
        top
          rebuilt  test it
                   ← crates/top/tests/it.rs: it is compiled from this file
        --- stderr
            Affected 1 unit of 1 package: 1 rebuilt, 0 rerun (cargo check --workspace --all-targets)
    "#]]);
    for other in ["worktree", "clone"] {
        // The other checkout does not use the source `part` any more. So the dep-info of the shared
        // artifact does not list `part` for cargo in this checkout either.
        let top = them.at(other).join("crates/top/src");
        std::fs::write(
            top.join("lib.rs"),
            "pub fn two() -> u32 {\n    2 * base::one()\n}\n",
        )
        .unwrap();
        them.touch(other);
        them.cargo(other, BUILD).done();
        let fresh = them.cargo("project", &["build", "--workspace", "--all-targets"]);
        assert!(!fresh.stderr.contains("Compiling"), "{fresh}");

        let part = ["--units", "--file", "crates/top/src/part.rs"];
        let ask = |more: &[&str]| {
            let names = ["affected", "--format", "names"];
            them.xtask("project", &[&names, more, &part].concat())
        };
        let (answer, unseen) = (ask(&[]), ask(&["--no-records"]));
        assert_eq!(answer.stdout, unseen.stdout);
        assert!(unseen.stdout.contains("top lib\n"), "{unseen}");
        let note = format!(
            "note: [BESIDE]/shared/debug is shared with another checkout: `base` was last built \
             there from [BESIDE]/{other}/crates/base/src/lib.rs."
        );
        assert!(answer.stderr.starts_with(&note), "{answer}");
    }
    let clean = ["clean-affected", "--assume-changed", "base"];
    them.xtask("project", &clean).is(expect_test::expect![[r#"
        --- stderr
        note: [BESIDE]/shared/debug is shared with another checkout: `base` was last built there from [BESIDE]/clone/crates/base/src/lib.rs. Cargo may use artifacts of the other checkout, so the records there are not used. Give each checkout its own build directory in .cargo/config.toml: [build] build-dir = "{cargo-cache-home}/build/{workspace-path-hash}"
        error: nothing removed from [BESIDE]/shared/debug: another checkout also builds there (`base` was last built from [BESIDE]/clone/crates/base/src/lib.rs)
        hint: --allow-shared removes the artifacts of both checkouts; `allow-shared = true` in [workspace.metadata.xtask.policy] always allows it
        --- exit status 2
    "#]]);
    let removed = them.xtask("project", &[&clean[..], &["--allow-shared"]].concat());
    assert!(removed.stdout.contains("base: "), "{removed}");
    assert_eq!(removed.status, 0, "{removed}");
}

#[test]
fn another_checkout_on_the_target_directory_is_noticed() {
    another_checkout_is_noticed(V1);
}

#[test]
fn another_checkout_is_noticed_in_the_new_layout() {
    another_checkout_is_noticed(V2);
}

/// Incremental state that no package of this checkout uses may belong to a package of the other
/// checkout.
#[test]
fn doctor_reports_another_checkout_and_keeps_its_state() {
    let them = Checkouts::new(V1);
    them.cargo("worktree", BUILD).done();
    let state = them
        .project
        .beside("shared/debug/incremental/of_a_branch-1abc");
    std::fs::create_dir(&state).unwrap();
    let codes = ["shared-with-checkout", "unused-incremental"].map(|it| ["--only", it]);
    let doctor = [&["doctor", "--fix"][..], codes.as_flattened()].concat();
    them.xtask("project", &doctor)
        .is(expect_test::expect![[r#"
            warning[shared-with-checkout]: another checkout also builds in [BESIDE]/shared/debug
              at [BESIDE]/shared/debug
              read: top was last built from [BESIDE]/worktree/crates/top/src/lib.rs
              costs: Cargo may use artifacts of the other checkout, so a program may contain code of the other checkout.
              here: A full build compiles 7 units of 2 packages; time unknown, because `cargo xtask timings` has not measured a build of all packages.
              fix: Give each checkout its own build directory in .cargo/config.toml: [build] build-dir = "{cargo-cache-home}/build/{workspace-path-hash}"

            --- stderr
            note: nothing to fix with --fix
            note: 1 warning
        "#]]);
    assert!(state.exists());
    std::fs::remove_dir_all(them.at("worktree")).unwrap();
    them.xtask("project", &doctor).is(expect_test::expect![[r#"
            --- stderr
                   Fixed removed [BESIDE]/shared/debug/incremental/of_a_branch-1abc, [SIZE]
            note: nothing found
        "#]]);
    assert!(!state.exists());
}

#[test]
fn the_note_is_printed_once_in_a_run_of_several_steps() {
    let checkouts = Checkouts::new(V1);
    let project = &checkouts.project;
    project.append(
        "Cargo.toml",
        "\n[workspace.metadata.xtask.hooks]\n\
         pre-commit = { steps = [\"check\", \"clippy\"], budget = 0 }\n",
    );
    project.commit("Configure the hook");
    checkouts
        .cargo("worktree", &["check", "--all-targets"])
        .done();
    project.write("crates/base/src/lib.rs", "pub fn one() -> u32 {}\n");
    project.git(&["add", "--all"]);
    let said = checkouts.xtask("project", &["hooks", "run", "pre-commit"]);
    assert_eq!(said.stderr.matches("failed [").count(), 2, "{said}");
    assert_eq!(said.stderr.matches("another checkout").count(), 1, "{said}");
}

#[test]
fn a_policy_may_allow_a_shared_directory() {
    let them = Checkouts::new(V1);
    them.touch("worktree");
    them.cargo("worktree", BUILD).done();
    let clean = ["clean-affected", "--assume-changed", "base", "--dry-run"];
    assert_eq!(them.xtask("project", &clean).status, 2);
    them.project.append(
        "Cargo.toml",
        "[workspace.metadata.xtask.policy]\nallow-shared = true\n",
    );
    assert_eq!(them.xtask("project", &clean).status, 0);
    let doctor = ["doctor", "--only", "shared-with-checkout"];
    assert_eq!(them.xtask("project", &doctor).stdout, "");
}

#[test]
fn a_moved_checkout_is_recognized() {
    let them = Checkouts::new(V1);
    them.cargo("worktree", BUILD).done();
    let moved = them.at("moved");
    let moved = moved.to_str().unwrap();
    let worktree = them.at("worktree");
    them.project
        .git(&["worktree", "move", worktree.to_str().unwrap(), moved]);
    them.xtask("moved", NAMES_OF_IT).is(expect_test::expect![[r#"
        top
        --- stderr
        note: [BESIDE]/shared/debug was built for another place: `top` was last built from [BESIDE]/worktree/crates/top/src/lib.rs, which does not exist. If the checkout was moved, run `cargo clean` and build again, so that its records are used
    "#]]);
    let clean = ["clean-affected", "--assume-changed", "base", "--dry-run"];
    assert_eq!(them.xtask("moved", &clean).status, 0);
}

#[test]
fn checkouts_with_separate_directories_get_no_note() {
    let them = Checkouts::new(V1);
    for name in ["project", "worktree"] {
        let directory = them.at(name).join(".cargo");
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(
            directory.join("config.toml"),
            "[build]\nbuild-dir = \"{cargo-cache-home}/build/{workspace-path-hash}\"\n",
        )
        .unwrap();
        them.touch(name);
        them.cargo(name, &["check", "--quiet", "--workspace", "--all-targets"])
            .done();
    }
    for name in ["project", "worktree"] {
        assert_eq!(them.xtask(name, NAMES_OF_IT).to_string(), "top\n");
    }
}

#[test]
fn another_workspace_of_the_repository_is_no_other_checkout() {
    let them = Checkouts::new(V1);
    let manifest = "[workspace]\n".to_owned() + &manifest("base");
    them.project
        .write("tools/crates/base/Cargo.toml", &manifest);
    them.project
        .write("tools/crates/base/src/lib.rs", "pub fn three() {}\n");
    them.project.git(&["add", "--all"]);
    them.cargo("project", BUILD).done();
    them.cargo(
        "project",
        &[
            "build",
            "--quiet",
            "--manifest-path",
            "tools/crates/base/Cargo.toml",
        ],
    )
    .done();
    assert_eq!(them.xtask("project", NAMES_OF_IT).to_string(), "top\n");
}

/// The scanned sources in the cache belong to the files of one checkout.
#[test]
fn the_cache_of_one_checkout_is_not_used_for_another() {
    let them = Checkouts::new(V1);
    let ask = |name, more: &[&str]| {
        them.xtask(
            name,
            &[&["affected", "--no-records", "--format", "json"], more].concat(),
        )
    };
    let far = "const FAR: &str = include_str!(\"../../../far.txt\");\n";
    ask("project", &[]).done();
    them.project.append("crates/base/src/lib.rs", far);
    them.project.write("far.txt", "far");
    them.project.commit("Read a file far away");
    // The clone pulls the new commit, and a query in the clone uses the clone's cache.
    them.run("clone", "git", &["pull", "--quiet"]).done();
    ask("clone", &["--since", "HEAD"]).done();
    them.project.append("far.txt", "ther");
    for more in [&["--since", "HEAD"][..], &["--since", "HEAD", "--no-cache"]] {
        let answer = ask("project", more).done();
        assert!(answer.contains("\"base\""), "{more:?}: {answer}");
    }
}
