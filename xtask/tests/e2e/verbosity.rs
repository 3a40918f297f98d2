//! Tests of `-v`, `-q` and `--color`: they change standard error, and never standard output.

use expect_test::expect;

use crate::support::Project;
use crate::support::clean::CHECK;

/// Returns a built workspace of two libraries in which a source, a text and a setting changed.
fn changed() -> Project {
    let project = Project::with_libraries(&[("base", &[]), ("top", &["base"])]);
    project.cargo(CHECK).done();
    project.write("crates/base/src/lib.rs", "pub fn base() {}\n");
    project.write("notes.md", "");
    project
}

#[test]
fn verbose_shows_processes_evidence_and_the_rule_of_each_path() {
    let project = changed();
    let plain = project.xtask(&["affected", "--no-cache"]);
    let mut verbose = project.xtask(&["-vv", "affected", "--no-cache"]);
    assert_eq!(verbose.stdout, plain.stdout);
    // Processes run in parallel, so the order of their lines varies.
    let mut lines: Vec<String> = verbose.stderr.lines().map(str::to_owned).collect();
    lines.sort_unstable();
    verbose.stderr = lines.join("\n") + "\n";
    verbose.is(expect![[r#"
        base
          rebuilt  lib, lib test
                   ← crates/base/src/lib.rs: it is compiled from this file
        top
          rebuilt  lib, lib test
                   ← base lib ← crates/base/src/lib.rs: it is compiled from this file
        --- stderr
            Affected 4 units of 2 packages: 4 rebuilt, 0 rerun (cargo check --workspace --all-targets)
        debug: changed crates/base/src/lib.rs: base lib (source: it is compiled from this file)
        debug: changed crates/base/src/lib.rs: base lib test (source: it is compiled from this file)
        debug: changed notes.md: no unit (the rule for **/*.md, **/*.markdown, **/*.adoc, **/*.rst, **/AUTHORS*, **/CHANGELOG*, **/CONTRIBUTORS*, **/README*, **/NOTICE*)
        info: cargo's unit graph: not asked, since no changed file affects resolution
        info: metadata: not from the cache, since the cache is off
        info: metadata: read from the manifests and the lock file
        info: ran `cargo --version`: status 0, [TIME]
        info: ran `git for-each-ref '--format=%(refname) %(objectname)' refs/remotes/origin/HEAD refs/remotes/origin/main refs/remotes/origin/master refs/heads/main refs/heads/master`: status 0, [TIME]
        info: ran `git rev-parse --show-toplevel 'HEAD^{commit}'`: status 0, [TIME]
        info: ran `git status --porcelain=v2 -z --no-renames --untracked-files=all --ignored=matching --ignore-submodules=none`: status 0, [TIME]
        info: ran `rustc --print host-tuple --print sysroot --print cfg`: status 0, [TIME]
        info: records: 4 units used, none refused
        info: sources: facts about 0 packages are in the scan cache
        info: sources: scanned 0 targets; 0 scans are in the scan cache
    "#]]);

    let brief = project.xtask(&["affected", "--no-cache", "-v"]);
    assert_eq!(brief.stdout, plain.stdout);
    let is_info = |line: &String| !line.starts_with("debug: ");
    assert_eq!(
        brief.stderr.lines().count(),
        lines.into_iter().filter(is_info).count()
    );
}

#[test]
fn quiet_leaves_warnings_and_errors() {
    let project = changed();
    let plain = project.xtask(&["affected"]);
    let quiet = project.xtask(&["affected", "-q"]);
    assert_eq!((quiet.stdout, quiet.stderr), (plain.stdout, String::new()));
    project
        .xtask(&["affected", "--file", "notes.md"])
        .is(expect![[r#"
            --- stderr
            note: nothing is affected (the named files)
        "#]]);
    project
        .xtask(&["affected", "--file", "notes.md", "-q"])
        .is(expect![[""]]);
    project
        .xtask(&["-q", "affected", "--file", "absent.rs"])
        .is(expect![[r#"
            --- stderr
            error: no such path: `absent.rs` is neither on disk nor in a revision of this repository
            hint: name paths relative to the current directory or to the top level of the repository, one per line; for a file of another revision, name that revision with --since
            --- exit status 2
        "#]]);
    project.xtask(&["-q", "affected", "-v"]).is(expect![[r#"
        --- stderr
        error: the argument '--quiet' cannot be used with '--verbose...'

        Usage: cargo xtask [+TOOLCHAIN] [OPTIONS] <COMMAND>

        For more information, try '--help'.
        --- exit status 2
    "#]]);
}

/// The environment of the tests says `CARGO_TERM_COLOR=never`.
#[test]
fn the_flag_for_colours_overrides_the_variable() {
    let project = changed();
    let coloured = project.xtask(&["affected", "--color", "always", "--format", "names"]);
    assert_eq!(coloured.stdout, "base\ntop\n");
    let shown = |arguments: &[&str]| project.xtask(arguments).stderr.replace('\u{1b}', "ESC");
    let all = [
        shown(&["affected", "--color", "always"]),
        shown(&["--color=always", "affected", "--nope"]),
        shown(&["--color=never", "affected"]),
        shown(&[
            "run-affected",
            "check",
            "--color=always",
            "--",
            "--quiet",
            "--offline",
        ]),
    ];
    expect![[r#"
        ESC[1mESC[32m    AffectedESC[0m 4 units of 2 packages: 4 rebuilt, 0 rerun (cargo check --workspace --all-targets)
        ESC[1mESC[31merror:ESC[0m unexpected argument 'ESC[33m--nopeESC[0m' found

        ESC[1mESC[4mUsage:ESC[0m ESC[1mcargo xtask affectedESC[0m [OPTIONS]

        For more information, try 'ESC[1m--helpESC[0m'.
            Affected 4 units of 2 packages: 4 rebuilt, 0 rerun (cargo check --workspace --all-targets)
        ESC[1mESC[32m     RunningESC[0m cargo --color=always check --workspace --all-targets --quiet --offline --locked
    "#]].assert_eq(&all.concat());
}

/// A hook passes the flags to the kit that its steps start.
#[cfg(unix)]
#[test]
fn hooks_are_quiet_and_pass_the_flags_on() {
    let project = changed();
    let steps = "\n[workspace.metadata.xtask.hooks]\npre-commit.steps = [\"ask\"]\n\
                 steps.ask.run = [\"sh\", \"-c\", \"echo {xtask} | sed 's/.*xtask//'; test ! -e no\"]\n";
    project.append("Cargo.toml", steps);
    project.git(&["add", "--all"]);
    let run = ["hooks", "run", "pre-commit"];
    project.xtask(&run).is(expect![[r#"
        --- stderr
              Passed pre-commit: ask ([TIME]) in [TIME]
    "#]]);
    project
        .xtask(&[&["-q"], &run[..]].concat())
        .is(expect![[""]]);
    project.write("no", "");
    project.git(&["add", "no"]);
    let flags = ["-q", "--color", "never"];
    project.xtask(&[&run[..], &flags].concat()).is(expect![[r#"
        --- stderr
        ── ask failed ([TIME])
         -q --color=never
        ── pre-commit: ask (failed [TIME]) in [TIME]
           hint: SKIP=ask skips the failed steps, --no-verify skips the hook
        --- exit status 1
    "#]]);
}
