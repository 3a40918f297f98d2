//! Commits of every kind, checked by cargo steps and by configured steps.

use std::process::Command;

use expect_test::expect;

use super::{configure, git, one_step, project};

fn commit(project: &crate::support::Project, arguments: &[&str]) -> crate::support::Output {
    git(
        project,
        &[&["commit", "--quiet", "--message", "x"], arguments].concat(),
    )
}

#[test]
fn staged_files_are_formatted_and_checked() {
    let project = project("pre-commit = { steps = [\"fmt\", \"check\"], budget = 0 }\n");
    // The hook checks only staged files: their format and their code.
    project.write("crates/base/src/lib.rs", "pub fn one() {}\n");
    project.write("crates/base/fixtures/ugly.rs", "fn   ugly(){}\n");
    project.git(&["add", "--all"]);
    project.write("crates/base/src/lib.rs", "fn broken( {\n");
    project.write("crates/top/src/lib.rs", "fn broken( {\n");
    commit(&project, &[]).is(expect![[r#"
        --- stderr
              Passed pre-commit: fmt ([TIME]), check ([TIME]) in [TIME]
    "#]]);
    assert_eq!(
        project.git(&["status", "--short"]),
        " M crates/base/src/lib.rs\n M crates/top/src/lib.rs\n"
    );

    // A change of another package that is only in the work tree does not affect the check.
    project.git(&["checkout", "--quiet", "crates/base"]);
    project.write("crates/base/src/lib.rs", "pub fn two() {}\n");
    project.git(&["add", "crates/base"]);
    commit(&project, &[]).is(expect![[r#"
        --- stderr
              Passed pre-commit: fmt ([TIME]), check ([TIME]) in [TIME]
    "#]]);
    assert!(
        project.path("target/debug/.fingerprint").exists(),
        "it ran in place"
    );

    project.write("crates/base/src/lib.rs", "pub  fn two() -> u8 {}\n");
    project.git(&["add", "crates/base"]);
    let output = commit(&project, &[]);
    assert_eq!(output.status, 1);
    let (formatted, checked) = output.stderr.split_once("── check failed").unwrap();
    let formatted: Vec<_> = formatted.lines().map(str::trim_end).collect();
    expect![[r#"
        ── fmt failed ([TIME])
        Diff in crates/base/src/lib.rs:1:
        -pub  fn two() -> u8 {}
        +pub fn two() -> u8 {}

        `cargo fmt`, then `git add` what it changed"#]]
    .assert_eq(&formatted.join("\n"));
    assert!(
        checked.contains("error[E0308]: mismatched types"),
        "{output}"
    );
    let (_, summary) = checked.split_once("── ").unwrap();
    expect![[r#"
        pre-commit: fmt (failed [TIME]), check (failed [TIME]) in [TIME]
           hint: SKIP=fmt,check skips the failed steps, --no-verify skips the hook
    "#]]
    .assert_eq(summary);
    let mut skipping = Command::new("git");
    skipping
        .args(["commit", "--quiet", "--message", "x"])
        .env("SKIP", "fmt,check");
    project.run(&mut skipping).is(expect![[""]]);
    project.append("crates/base/src/lib.rs", "fn    ugly(){}\n");
    commit(&project, &["--all", "--no-verify"]).is(expect![[""]]);
}

#[test]
fn a_step_gets_the_changed_files_and_packages() {
    let script = "test -z \"$(env | grep ^GIT_)\" && echo \"$@\" && false";
    let project = project(&format!(
        "pre-commit.steps = [\"say\", \"docs\"]\n[workspace.metadata.xtask.hooks.steps]\n\
         say.run = [\"sh\", \"-c\", '''{script}''', \"sh\", \"{{files}}\", \"of {{packages}}\", \
         \"{{cargo-args}}\"]\n\
         docs = {{ run = [\"false\"], files = [\"**/*.md\"] }}\n"
    ));
    project.write("crates/base/src/lib.rs", "// Edited.\n");
    project.write("crates/base/a file", "");
    project.remove("crates/top/src/lib.rs");
    project.write("crates/top/src/main.rs", "fn main() {}\n");
    project.git(&["add", "--all"]);
    commit(&project, &[]).is(expect![[r#"
        --- stderr
        ── say failed ([TIME])
        crates/base/a file crates/base/src/lib.rs crates/top/src/main.rs of base top -p base -p top
        ── pre-commit: say (failed [TIME]) in [TIME]
           hint: SKIP=say skips the failed steps, --no-verify skips the hook
        --- exit status 1
    "#]]);
}

#[test]
fn a_step_over_its_budget_is_stopped() {
    let sleep = |over: &str| {
        format!(
            "{}pre-commit.over-budget = \"{over}\"\npre-commit.budget = 0.2\n",
            one_step("pre-commit", "echo begun; sleep 60")
        )
    };
    let project = project(&sleep("pass"));
    project.write("crates/base/src/lib.rs", "// Edited.\n");
    commit(&project, &["--all"]).is(expect![[r#"
        --- stderr
        warning: look did not finish in [TIME]: it was stopped, and counts as passed (`budget` of [workspace.metadata.xtask.hooks.pre-commit])
              Passed pre-commit: look (stopped [TIME]) in [TIME]
    "#]]);
    configure(&project, &sleep("fail"));
    commit(&project, &["--all"]).is(expect![[r#"
        --- stderr
        warning: look did not finish in [TIME]: it was stopped, and counts as failed (`budget` of [workspace.metadata.xtask.hooks.pre-commit])
        ── pre-commit: look (stopped [TIME]) in [TIME]
           hint: SKIP=look skips the failed steps, --no-verify skips the hook
        --- exit status 1
    "#]]);
}

/// Git runs the hook, or not, in situations of every kind. Each time, the hook checks the index
/// that git names.
#[test]
fn rebases_merges_and_cherry_picks_are_checked() {
    // A commit with the word `bad` is refused. The content of the work tree does not count.
    let project = project(&one_step("pre-commit", "! grep -r bad crates"));
    let run = |arguments: &[&str], editor: &str| {
        let mut command = Command::new("git");
        command.args(arguments).env("GIT_SEQUENCE_EDITOR", editor);
        command.env("GIT_EDITOR", "true");
        project.run(&mut command)
    };
    let done = |arguments: &[&str]| {
        let output = run(arguments, "true");
        assert_eq!(output.status, 0, "{arguments:?}: {output}");
    };
    done(&["commit", "--quiet", "--allow-empty", "--message", "Empty"]);
    project.git(&["checkout", "--quiet", "-b", "topic"]);
    for text in ["// One.\n", "// Two.\n", "// Three.\n"] {
        project.write("crates/base/src/lib.rs", text);
        done(&["commit", "--quiet", "--all", "--message", text]);
    }
    // A rebase that rewords a commit, stops for an edit, and squashes two commits.
    let todo = "sed -i.bak -e '1s/pick/reword/' -e '2s/pick/edit/' -e '3s/pick/fixup/'";
    let output = run(&["rebase", "--quiet", "--interactive", "HEAD~3"], todo);
    assert_eq!(output.status, 0, "{output}");
    project.write("crates/base/src/lib.rs", "// bad\n");
    let refused = run(
        &["commit", "--quiet", "--all", "--amend", "--no-edit"],
        "true",
    );
    assert_eq!(refused.status, 1, "{refused}");
    project.write("crates/base/src/lib.rs", "// Two and a half.\n");
    done(&["commit", "--quiet", "--all", "--amend", "--no-edit"]);
    project.write("crates/base/src/lib.rs", "// Two and a half.\n");
    let conflict = run(&["rebase", "--continue"], "true");
    assert_ne!(conflict.status, 0, "{conflict}");
    project.write("crates/base/src/lib.rs", "// Settled.\n");
    done(&["add", "--all"]);
    done(&["rebase", "--continue"]);

    // A merge and a cherry-pick, each with a conflict.
    project.git(&["checkout", "--quiet", "main"]);
    project.write("crates/base/src/lib.rs", "// Main.\n");
    done(&["commit", "--quiet", "--all", "--message", "Main"]);
    for way in [&["merge", "topic"][..], &["cherry-pick", "topic"]] {
        assert_ne!(run(way, "true").status, 0);
        project.write("crates/base/src/lib.rs", "// bad\n");
        project.git(&["add", "--all"]);
        assert_eq!(
            run(&["commit", "--quiet", "--no-edit"], "true").status,
            1,
            "{way:?}"
        );
        project.write("crates/base/src/lib.rs", &format!("// {}\n", way[0]));
        project.git(&["add", "--all"]);
        done(&["commit", "--quiet", "--no-edit"]);
        project.write("crates/base/src/lib.rs", "// Main.\n");
        project.git(&[
            "commit",
            "--quiet",
            "--all",
            "--no-verify",
            "--message",
            "Back",
        ]);
    }

    // The first commit of a history.
    project.git(&["checkout", "--quiet", "--orphan", "new"]);
    done(&["commit", "--quiet", "--message", "First"]);
}

/// The hook refuses a commit exactly if `cargo fmt --check` fails.
#[test]
fn the_format_step_decides_as_cargo_fmt_does() {
    let project = project("pre-commit.steps = [\"fmt\"]\n");
    let lib = "crates/base/src/lib.rs";
    let refused = |what: &str, output: &crate::support::Output| {
        let is_refused = output.stderr.contains("── fmt failed");
        assert_eq!(output.status, i32::from(is_refused), "{what}: {output}");
        is_refused
    };
    let cases: [(&str, &str, &str, &str); 10] = [
        (
            "an included expression",
            "include!(\"x.rs\");\n",
            "crates/base/src/x.rs",
            "[1,   2]\n",
        ),
        (
            "a skipped module",
            "#[rustfmt::skip]\nmod x;\n",
            "crates/base/src/x.rs",
            "fn  x(){}\n",
        ),
        (
            "another platform",
            "#[cfg(windows)]\nmod x;\n",
            "crates/base/src/x.rs",
            "fn  x(){}\n",
        ),
        (
            "a feature that is off",
            "#[cfg(feature = \"f\")]\nmod x;\n",
            "crates/base/src/x.rs",
            "fn  x(){}\n",
        ),
        (
            "a file elsewhere",
            "#[path = \"../../top/x.inc\"]\nmod x;\n",
            "crates/top/x.inc",
            "fn  x(){}\n",
        ),
        (
            "a module that a macro declares",
            "macro_rules! m {\n    () => {\n        mod x;\n    };\n}\nm!();\n",
            "crates/base/src/x.rs",
            "fn  x(){}\n",
        ),
        (
            "a link",
            "mod x;\n",
            "crates/base/src/x.rs",
            "-> ../../../shared.rs",
        ),
        (
            "a fixture",
            "fn f() {}\n",
            "crates/base/tests/data/x.rs",
            "fn  x(){}\n",
        ),
        (
            "a bin that requires a feature",
            "fn f() {}\n",
            "crates/base/src/bin/b.rs",
            "fn  main(){}\n",
        ),
        (
            "a setting",
            "fn f() {\n    g()\n}\n",
            "crates/base/rustfmt.toml",
            "hard_tabs = true\n",
        ),
    ];
    project.append(
        "crates/base/Cargo.toml",
        "[features]\nf = []\n[[bin]]\nname = \"b\"\nrequired-features = [\"f\"]\n",
    );
    project.write("crates/base/src/bin/b.rs", "fn main() {}\n");
    for path in [lib, "crates/top/src/lib.rs"] {
        project.write(path, "fn f() {}\n");
    }
    project.commit("Features");
    project.git(&["tag", "start"]);
    let mut told = String::new();
    for (what, text, path, content) in cases {
        project.write(lib, text);
        match content.strip_prefix("-> ") {
            Some(target) => {
                project.write("shared.rs", "fn  x(){}\n");
                std::os::unix::fs::symlink(target, project.path(path)).unwrap();
            }
            None => project.write(path, content),
        }
        project.git(&["add", "--all"]);
        let by_hook = refused(what, &commit(&project, &[]));
        let by_cargo = project.cargo(&["fmt", "--check"]).status != 0;
        assert_eq!(by_hook, by_cargo, "{what}");
        told += &format!("{what}: {}\n", if by_hook { "refused" } else { "passed" });
        project.git(&["reset", "--quiet", "--hard", "start"]);
    }
    expect![[r#"
        an included expression: passed
        a skipped module: passed
        another platform: refused
        a feature that is off: refused
        a file elsewhere: refused
        a module that a macro declares: passed
        a link: refused
        a fixture: passed
        a bin that requires a feature: refused
        a setting: refused
    "#]]
    .assert_eq(&told);
}

/// Cargo sees edited sources, but does not know the configured rules of the workspace.
#[test]
fn a_checkout_reports_stale_artifacts_that_cargo_would_keep() {
    let project = project("pre-commit.steps = []\npre-push.steps = []\n");
    let rule =
        "\n[[workspace.metadata.xtask.rules]]\nfiles = [\"schema/**\"]\naffects = [\"top\"]\n";
    project.append("Cargo.toml", rule);
    project.write("schema/one.sql", "");
    project.write(".cargo/config.toml", "[profile.dev]\nincremental = false\n");
    project.commit("Build less");
    project.git(&["checkout", "--quiet", "-b", "sources"]);
    project.write("crates/base/src/lib.rs", "// Edited.\n");
    project.commit("Edit");
    project.git(&["checkout", "--quiet", "-b", "schema"]);
    project.write("schema/one.sql", "edited");
    project.commit("Edit the schema");
    project.build(&["check"]).unwrap();
    git(&project, &["checkout", "--quiet", "sources"]).is(expect![[r#"
        --- stderr
        in [ROOT]/target/debug
          top: [COUNT] files, [SIZE] ← schema/one.sql: a configured rule says so
            lib
        total: [COUNT] files, [SIZE]
        note: the checkout made these artifacts stale, and cargo would not rebuild them
        hint: `cargo xtask clean-affected --since [HASH]` removes them
    "#]]);
    git(&project, &["checkout", "--quiet", "main"]).is(expect![[""]]);
    git(&project, &["checkout", "--quiet", "-b", "other"]).is(expect![[""]]);
    git(&project, &["checkout", "--quiet", "schema", "--", "schema"]).is(expect![[""]]);
}
