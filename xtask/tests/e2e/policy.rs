//! `policy`: shows the settings, finds settings that differ from the policy, and refuses a commit
//! that differs.

use expect_test::expect;

use crate::support::{Output, Project, clean};

/// Makes two libraries, a nested workspace and a policy.
fn project() -> Project {
    let project = Project::with_libraries(&[("base", &[]), ("top", &["base"])]);
    project.write(
        ".cargo/config.toml",
        "[build]\ntarget-dir = \"out\"\nrustflags = [\"-Cdebuginfo=1\"]\n\n[profile.dev]\n\
         debug = \"line-tables-only\"\n\n[profile.dev.package.base]\nopt-level = 1\n",
    );
    project.append(
        "Cargo.toml",
        "exclude = [\"tools\"]\n\n[workspace.metadata.xtask.policy.require]\n\
         profile.dev.debug = \"line-tables-only\"\n",
    );
    project.write(
        "tools/Cargo.toml",
        "[package]\nname = \"tools\"\nedition = \"2024\"\n",
    );
    project.write("tools/src/lib.rs", "");
    project.commit("Add a policy");
    project
}

/// Removes the alignment, because the width of the columns depends on the length of paths.
fn unaligned(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        words.join(" ") + "\n"
    });
    lines.collect()
}

fn with_variable(project: &Project, arguments: &[&str], name: &str, value: &str) -> Output {
    project.finish(project.kit(arguments).env(name, value))
}

#[test]
fn values_are_shown_with_their_origin() {
    let project = project();
    let show = [
        "policy",
        "show",
        "--profile",
        "dev",
        "--config",
        "build.jobs=3",
    ];
    let output = with_variable(&project, &show, "CARGO_PROFILE_DEV_LTO", "off");
    let host = clean::host();
    expect![[r#"
        [ROOT]
        target directory [ROOT]/out ← [ROOT]/.cargo/config.toml:2
        build directory [ROOT]/out ← [ROOT]/.cargo/config.toml:2
        build.jobs 3 ← --config build.jobs=3
        build.target [HOST] ← cargo's default
        rustflags of [HOST] -Cdebuginfo=1 ← [ROOT]/.cargo/config.toml:3
        profile dev
        debug line-tables-only ← [ROOT]/.cargo/config.toml:6
        lto off ← CARGO_PROFILE_DEV_LTO in the environment
        package.base.opt-level 1 ← [ROOT]/.cargo/config.toml:9
        by default: opt-level = "0", strip = "none", debug-assertions = true, overflow-checks = true, panic = "unwind", incremental = true, rpath = false
    "#]].assert_eq(&unaligned(&output.to_string().replace(&host, "[HOST]")));
    let all = project
        .json(&["policy", "show", "--all", "--format", "json"])
        .unwrap();
    let told = all["workspaces"].as_array().unwrap().iter().map(|it| {
        let of = |key: &str| it["target_directory"][key].to_string();
        format!(
            "{} {} {}\n",
            it["workspace_root"],
            of("value"),
            of("origin")
        )
    });
    let root = project.root().to_str().unwrap();
    expect![[r#"
        "[ROOT]" "[ROOT]/out" {"file":{"line":2,"path":"[ROOT]/.cargo/config.toml"}}
        "[ROOT]/tools" "[ROOT]/out" {"file":{"line":2,"path":"[ROOT]/.cargo/config.toml"}}
    "#]]
    .assert_eq(&told.collect::<String>().replace(root, "[ROOT]"));
    project
        .xtask(&["policy", "show", "--profile", "nightly"])
        .is(expect![[r#"
            --- stderr
            error: no profile `nightly` in this workspace
            hint: `cargo xtask policy show` lists the profiles
            --- exit status 2
        "#]]);
    // A repository with several workspaces, and none at its top level.
    std::fs::remove_file(project.root().join("Cargo.toml")).unwrap();
    project.xtask(&["policy", "show"]).is(expect![[r#"
        --- stderr
        error: no Cargo.toml in [ROOT] or above it
        hint: run the command in a workspace, or pass --manifest-path
        --- exit status 2
    "#]]);
    let all = ["policy", "show", "--all"];
    let output = with_variable(&project, &all, "RUSTC", "/nowhere");
    let is_told = |line: &&str| line.starts_with("[ROOT]") || line.contains("warning");
    let output = output.to_string();
    let told: Vec<_> = output.lines().filter(is_told).collect();
    expect![[r#"
        [ROOT]/crates/base
        [ROOT]/crates/top
        [ROOT]/tools
        warning: [ROOT]/crates/base: rustc did not print its target, so flags and linkers are left out
        warning: [ROOT]/crates/top: rustc did not print its target, so flags and linkers are left out
        warning: [ROOT]/tools: rustc did not print its target, so flags and linkers are left out"#]].assert_eq(&told.join("\n"));
}

#[test]
fn differences_from_the_policy_are_found() {
    let project = project();
    project
        .xtask_in("crates/top", &["policy", "check"])
        .is(expect![[r#"
            --- stderr
                 Checked policy: nothing found
        "#]]);
    let check = ["policy", "check"];
    with_variable(&project, &check, "CARGO_PROFILE_DEV_DEBUG", "2").is(expect![[r#"
        error[required-value]: `profile.dev.debug` is "full", and "line-tables-only" is required
          at CARGO_PROFILE_DEV_DEBUG in the environment
          costs: The repository requires this value, but a build here does not use it.
          fix: Set it in .cargo/config.toml, and unset what overrides it.

        warning[environment-overrides]: CARGO_PROFILE_DEV_DEBUG overrides a value of the repository
          at CARGO_PROFILE_DEV_DEBUG in the environment
          read: CARGO_PROFILE_DEV_DEBUG=2
          read: profile.dev.debug = "line-tables-only" (.cargo/config.toml:6)
          costs: Builds from this shell differ from all other builds. If they share a target directory, each of them compiles again what the other compiled.
          fix: Unset CARGO_PROFILE_DEV_DEBUG, or change the value for everyone.

        --- stderr
             Checked policy: 1 error, 1 warning
        --- exit status 1
    "#]]);
    let github = ["policy", "check", "--format", "github"];
    project.append("tools/Cargo.toml", "\n[profile.dev]\ndebug = 0\n");
    project.xtask(&github).is(expect![[r#"
        ::warning title=contradicting-manifest,file=tools/Cargo.toml,line=6::`profile.dev.debug = 0` is overridden by `"line-tables-only"` of the configuration. Remove one of the two.
        --- stderr
             Checked policy: 1 warning
    "#]]);
    project
        .xtask(&["policy", "check", "--explain", "member-profiles"])
        .is(expect![[r#"
            --- stderr
            error: no check is called `member-profiles`
            hint: did you mean `member-profile`?
            --- exit status 2
        "#]]);
}

/// The step checks the staged files, and runs only if a staged file concerns it.
#[test]
#[cfg(unix)]
fn a_commit_against_the_policy_is_refused() {
    let project = project();
    let hooks = "\n[workspace.metadata.xtask.hooks]\npre-commit.steps = [\"policy\"]\n";
    project.append("Cargo.toml", hooks);
    project.commit("Configure the hooks");
    project.xtask(&["hooks", "install", "pre-commit"]).done();
    let commit = || {
        let mut command = std::process::Command::new("git");
        project.run(command.args(["commit", "--quiet", "--message", "x"]))
    };
    project.replace(".cargo/config.toml", "line-tables-only", "full");
    project.git(&["add", "--all"]);
    project.replace(".cargo/config.toml", "full", "line-tables-only");
    commit().is(expect![[r#"
        --- stderr
        ── .: policy failed ([TIME])
        error[required-value]: `profile.dev.debug` is "full", and "line-tables-only" is required
          at .cargo/config.toml:6
          costs: The repository requires this value, but a build here does not use it.
          fix: Set it in .cargo/config.toml, and unset what overrides it.
        ── pre-commit: .: policy (failed [TIME]) in [TIME]
           hint: SKIP=policy skips the failed steps, --no-verify skips the hook
        --- exit status 1
    "#]]);
    project.git(&["add", "--all"]);
    project.append("crates/base/src/lib.rs", "// Edited.\n");
    project.git(&["add", "--all"]);
    project.replace(".cargo/config.toml", "line-tables-only", "full");
    // No staged file concerns the step.
    commit().is(expect![[""]]);
}
