//! `ci`: the jobs, the summary and the cache key, as a runner of GitHub requests them.

use std::fs;
use std::process::Command;

use expect_test::expect;

use crate::support::{Output, Project};

/// Makes the merge of a branch that edits `middle`, as GitHub checks out a pull request.
fn request() -> Project {
    let project = Project::with_libraries(&[
        ("base", &[]),
        ("middle", &["base"]),
        ("top", &["middle"]),
        ("apart", &[]),
    ]);
    project.write("crates/top/tests/it.rs", "#[test]\nfn passes() {}\n");
    project.commit("Test the top");
    project.git(&["checkout", "--quiet", "-b", "topic"]);
    project.write("crates/middle/src/lib.rs", "// Edited | here.\n");
    project.commit("Edit");
    project.git(&["checkout", "--quiet", "--detach", "main"]);
    project.git(&["merge", "--quiet", "--no-ff", "--no-edit", "topic"]);
    project
}

fn on_github(project: &Project, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = project.kit(arguments);
    command.env("GITHUB_ACTIONS", "true");
    let head = Command::new("git")
        .args(["-C", project.root().to_str().unwrap(), "rev-parse", "HEAD"])
        .output()
        .unwrap();
    command.env(
        "GITHUB_SHA",
        String::from_utf8(head.stdout).unwrap().trim_end(),
    );
    for name in ["GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"] {
        command.env(name, project.beside(name));
    }
    command.envs(variables.iter().copied());
    project.finish(&mut command)
}

#[test]
fn a_pull_request_becomes_jobs_for_the_affected_packages() {
    let project = request();
    let event = [("GITHUB_EVENT_NAME", "pull_request")];
    let matrix = on_github(
        &project,
        &["ci", "matrix", "--shards", "2", "--github"],
        &event,
    );
    matrix.is(expect![[r#"
        {
          "version": 1,
          "any": true,
          "compared": "the work tree since HEAD^1",
          "include": [
            {
              "shard": 1,
              "of": 2,
              "packages": [
                "top"
              ],
              "command": "cargo test -p top --no-fail-fast"
            },
            {
              "shard": 2,
              "of": 2,
              "packages": [
                "middle"
              ],
              "command": "cargo test -p middle --no-fail-fast"
            }
          ]
        }
        --- stderr
        note: compared with the first parent of the merge commit that GitHub made of this pull request
    "#]]);
    let written = fs::read_to_string(project.beside("GITHUB_OUTPUT")).unwrap();
    expect![[r#"
        any=true
        matrix={"include":[{"command":"cargo test -p top --no-fail-fast","of":2,"packages":["top"],"shard":1},{"command":"cargo test -p middle --no-fail-fast","of":2,"packages":["middle"],"shard":2}]}
    "#]].assert_eq(&written);
    // The commands of the jobs can be run by a shell.
    let matrix: serde_json::Value = serde_json::from_str(
        written
            .lines()
            .nth(1)
            .unwrap()
            .strip_prefix("matrix=")
            .unwrap(),
    )
    .unwrap();
    for job in matrix["include"].as_array().unwrap() {
        let command = job["command"].as_str().unwrap();
        project.run(Command::new("sh").args(["-c", command])).done();
    }

    let durations = project.beside("junit.xml");
    fs::write(
        &durations,
        "<testcase classname=\"middle\" time=\"9\"/><testcase classname=\"top\" time=\"1\"/>\
         <testcase classname=\"top::it\" time=\"3\"/>",
    )
    .unwrap();
    let sized = [
        "ci",
        "matrix",
        "nextest",
        "--shards",
        "2",
        "--durations",
        durations.to_str().unwrap(),
    ];
    on_github(&project, &sized, &event).is(expect![[r#"
        {
          "version": 1,
          "any": true,
          "compared": "the work tree since HEAD^1",
          "include": [
            {
              "shard": 1,
              "of": 2,
              "seconds": [NUMBER],
              "packages": [
                "middle"
              ],
              "command": "cargo nextest run -p middle --no-tests=pass -E 'package(=middle)' --no-fail-fast"
            },
            {
              "shard": 2,
              "of": 2,
              "seconds": [NUMBER],
              "packages": [
                "top"
              ],
              "command": "cargo nextest run -p top --no-tests=pass -E 'package(=top)' --no-fail-fast"
            }
          ]
        }
        --- stderr
        note: compared with the first parent of the merge commit that GitHub made of this pull request
    "#]]);

    on_github(&project, &["ci", "summary", "--github"], &event).is(expect![[r#"
        ### 2 of 4 packages affected

        Compared: the work tree since HEAD^1, 1 changed path.

        ```sh
        cargo test -p middle -p top --no-fail-fast
        ```

        | package | rebuilt or run again | because |
        | --- | --- | --- |
        | middle | lib, lib test, doctests | ← crates/middle/src/lib.rs: it is compiled from this file |
        | top | lib, lib test, doctests, test it | ← middle lib ← crates/middle/src/lib.rs: it is compiled from this file |
        --- stderr
        note: compared with the first parent of the merge commit that GitHub made of this pull request
    "#]]);
    let written = fs::read_to_string(project.beside("GITHUB_STEP_SUMMARY")).unwrap();
    assert!(
        written.starts_with("### 2 of 4 packages affected"),
        "{written}"
    );

    let other = on_github(
        &project,
        &["run-affected", "clippy", "--ci", "--dry-run"],
        &event,
    );
    other.is(expect![[r#"
        cargo clippy -p middle -p top --all-targets --locked
        --- stderr
        note: compared with the first parent of the merge commit that GitHub made of this pull request
    "#]]);
}

/// Two packages need the features of a third. The jobs of `test` build the third package, and run
/// only the affected tests, each once.
#[test]
fn jobs_run_only_the_affected_tests_even_if_they_build_more() {
    let project = Project::with_libraries(&[("base", &[]), ("one", &["base"]), ("two", &["base"])]);
    project.append("crates/base/Cargo.toml", "\n[features]\nmore = []\n");
    project.library("wide", &[]);
    project.append(
        "crates/wide/Cargo.toml",
        "base = { path = \"../base\", features = [\"more\"] }\n",
    );
    project.append(
        "crates/wide/src/lib.rs",
        "#[test]\nfn fails() { panic!() }\n",
    );
    project.cargo(&["metadata", "--format-version", "1"]).done();
    project.commit("Break the wide one");
    for name in ["one", "two"] {
        let test = format!("#[test]\nfn of_{name}() {{}}\n");
        project.append(format!("crates/{name}/src/lib.rs"), &test);
    }
    let asked = [
        "--since",
        "HEAD",
        "--shards",
        "3",
        "--feature-unification",
        "workspace",
    ];
    let matrix = |tool: &[&str]| project.xtask(&[&["ci", "matrix"], tool, &asked].concat());
    matrix(&["test"]).is(expect![[r#"
        {
          "version": 1,
          "any": true,
          "compared": "the work tree since HEAD",
          "notes": [
            "2 jobs instead of 3: the change affects 2 packages; a package is not split; `nextest` splits by test binaries"
          ],
          "include": [
            {
              "shard": 1,
              "of": 2,
              "packages": [
                "one"
              ],
              "command": "cargo xtask run-affected test --since HEAD --partition=slice:1/3 --keep-going --feature-unification=workspace",
              "notes": [
                "wide is also selected, because it turns on features of base: more"
              ]
            },
            {
              "shard": 2,
              "of": 2,
              "packages": [
                "two"
              ],
              "command": "cargo xtask run-affected test --since HEAD --partition=slice:2/3 --keep-going --feature-unification=workspace",
              "notes": [
                "wide is also selected, because it turns on features of base: more"
              ]
            }
          ]
        }
        --- stderr
        note: 2 jobs instead of 3: the change affects 2 packages; a package is not split; `nextest` splits by test binaries
    "#]]);
    let jobs = matrix(&["test"]);
    let jobs: serde_json::Value = serde_json::from_str(&jobs.stdout).unwrap();
    let mut ran = Vec::new();
    for job in jobs["include"].as_array().unwrap() {
        let command = job["command"].as_str().unwrap();
        let words: Vec<&str> = command.split(' ').collect();
        assert_eq!(words[..3], ["cargo", "xtask", "run-affected"], "{command}");
        let output = project.xtask(&words[2..]);
        assert_eq!(output.status, 0, "{output}");
        let passed = output
            .stdout
            .lines()
            .filter(|line| line.ends_with(" ... ok"));
        ran.extend(passed.map(str::to_owned));
    }
    ran.sort();
    assert_eq!(
        ran,
        ["test tests::of_one ... ok", "test tests::of_two ... ok"]
            .map(|it| it.replace("tests::", ""))
    );

    matrix(&["nextest", "--archive", "--format", "gitlab"]).is(expect![[r##"
        # Written by `xtask ci matrix --format gitlab`.
        stages: [build, test]
        "nextest archive":
          stage: build
          script: ["cargo nextest archive --archive-file nextest-archive.tar.zst -p one -p two -p wide"]
          artifacts:
            paths: ["nextest-archive.tar.zst"]
            expire_in: 1 day
        "nextest 1/2":
          stage: test
          script: ["cargo nextest run --archive-file nextest-archive.tar.zst --workspace-remap . --no-tests=pass -E 'package(=one)' --no-fail-fast"]
        "nextest 2/2":
          stage: test
          script: ["cargo nextest run --archive-file nextest-archive.tar.zst --workspace-remap . --no-tests=pass -E 'package(=two)' --no-fail-fast"]
        --- stderr
        note: 2 jobs instead of 3: the change affects 2 test targets; nextest's own --partition splits the tests of one binary
        note: wide is also selected, because it turns on features of base: more
    "##]]);
    if project.cargo(&["nextest", "--version"]).status != 0 {
        eprintln!("cargo-nextest is not installed here: not tested");
        return;
    }
    let archived = matrix(&["nextest", "--archive"]);
    let archived: serde_json::Value = serde_json::from_str(&archived.stdout).unwrap();
    let run = |command: &serde_json::Value| {
        let command = command.as_str().unwrap();
        project.run(Command::new("sh").args(["-c", command]))
    };
    run(&archived["archive"]["command"]).done();
    project.remove("target");
    for job in archived["include"].as_array().unwrap() {
        let output = run(&job["command"]);
        assert!(output.stderr.contains("1 test run: 1 passed"), "{output}");
    }
    project
        .xtask(&["ci", "matrix", "test", "--archive"])
        .is(expect![[r#"
            --- stderr
            error: --archive works only with nextest
            hint: use `ci matrix nextest --archive`
            --- exit status 2
        "#]]);
}

#[test]
#[cfg(unix)]
fn everything_counts_as_changed_without_a_base() {
    let project = request();
    let names = ["affected", "--ci", "--format", "names"];
    on_github(&project, &names, &[("GITHUB_EVENT_NAME", "schedule")]).is(expect![[r#"
        apart
        base
        middle
        top
        --- stderr
        note: everything counts as changed: the event is `schedule`
    "#]]);

    let clone = project.beside("shallow");
    let url = format!("file://{}", project.root().display());
    let clone = clone.to_str().unwrap();
    project.git(&[
        "clone",
        "--quiet",
        "--depth",
        "1",
        &url.replace(' ', "%20"),
        clone,
    ]);
    let event = project.beside("event.json");
    fs::write(
        &event,
        r#"{"before": "1111111111111111111111111111111111111111"}"#,
    )
    .unwrap();
    let mut command = project.kit(&names);
    command
        .current_dir(clone)
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_EVENT_NAME", "push");
    project
        .finish(command.env("GITHUB_EVENT_PATH", &event))
        .is(expect![[r#"
            apart
            base
            middle
            top
            --- stderr
            note: everything counts as changed: this shallow clone does not have the commit that the branch had before this push, [HASH]; set `fetch-depth: 0` for actions/checkout
        "#]]);

    // Without an affected package there is no job, and no error.
    project.git(&["checkout", "--quiet", "main"]);
    project.write("README.md", "# Read\n");
    project.commit("Document");
    let event = [("GITHUB_EVENT_NAME", "none")];
    let nothing = ["ci", "matrix", "--since", "HEAD~1"];
    on_github(&project, &nothing, &event).is(expect![[r#"
        {
          "version": 1,
          "any": false,
          "compared": "the work tree since HEAD~1",
          "include": []
        }
    "#]]);
    on_github(&project, &["ci", "summary", "--since", "HEAD~1"], &event).is(expect![[r#"
        ### 0 of 4 packages affected

        Compared: the work tree since HEAD~1, 1 changed path.

        Nothing is run.

    "#]]);
    let mut command = project.kit(&["ci", "matrix", "--all", "--github"]);
    project.finish(&mut command).is(expect![[r#"
        --- stderr
        error: --github: GITHUB_OUTPUT is not set
        hint: GitHub sets it in its jobs; elsewhere, leave out --github
        --- exit status 2
    "#]]);
}

#[test]
fn a_cache_key_changes_with_the_profile_and_the_configuration() {
    let project = Project::with_libraries(&[("base", &[])]);
    let key = || {
        let json = project
            .json(&["ci", "cache-key", "--prefix", "test"])
            .unwrap();
        let start = json["restore_keys"][0].as_str().unwrap().to_owned();
        assert!(json["key"].as_str().unwrap().starts_with(&start));
        assert!(start.starts_with("test-"), "{start}");
        start
    };
    let before = key();
    project.write("crates/base/src/lib.rs", "// Edited.\n");
    assert_eq!(key(), before);
    project.append("Cargo.toml", "\n[profile.dev]\nopt-level = 1\n");
    let other = key();
    assert_ne!(other, before);
    project.write(
        ".cargo/config.toml",
        "[build]\nrustflags = [\"--cfg\", \"x\"]\n",
    );
    assert_ne!(key(), other);
    let output = on_github(&project, &["ci", "cache-key", "--github"], &[]);
    assert_eq!(output.status, 0);
    let written = fs::read_to_string(project.beside("GITHUB_OUTPUT")).unwrap();
    assert!(
        written.starts_with("key=cargo-") && written.contains("restore-keys<<"),
        "{written}"
    );
}

/// GitLab merges the target branch into the merge request, but names the older merge base as the
/// base.
#[test]
fn a_merged_result_is_compared_with_its_first_parent() {
    let project = request();
    project.git(&["checkout", "--quiet", "main"]);
    project.write("crates/apart/src/lib.rs", "// Edited.\n");
    project.commit("Edit on the target branch");
    project.git(&["checkout", "--quiet", "--detach", "main"]);
    project.git(&["merge", "--quiet", "--no-ff", "--no-edit", "topic"]);
    let revision = |name: &str| {
        let mut git = Command::new("git");
        git.arg("-C").arg(project.root()).args(["rev-parse", name]);
        let said = git.output().unwrap().stdout;
        String::from_utf8(said).unwrap().trim_end().to_owned()
    };
    let mut command = project.kit(&["affected", "--ci", "--format", "names"]);
    command
        .env("GITLAB_CI", "true")
        .env("CI_PIPELINE_SOURCE", "merge_request_event")
        .env("CI_MERGE_REQUEST_EVENT_TYPE", "merged_result")
        .env("CI_COMMIT_SHA", revision("HEAD"))
        .env("CI_MERGE_REQUEST_DIFF_BASE_SHA", revision("topic~1"));
    project.finish(&mut command).is(expect![[r#"
        middle
        top
        --- stderr
        note: compared with the first parent of the merge commit that GitLab made of this merge request
    "#]]);
}

#[test]
fn a_branch_is_compared_with_its_last_successful_run() {
    let project = request();
    let event = [("GITHUB_EVENT_NAME", "push")];
    let asked = |revision| {
        let arguments = ["affected", "--format", "names", "--last-success", revision];
        on_github(&project, &arguments, &event)
    };
    asked("main").is(expect![[r#"
        middle
        top
        --- stderr
        note: compared with the last successful run, main
    "#]]);
    asked("").is(expect![[r#"
        apart
        base
        middle
        top
        --- stderr
        note: everything counts as changed: no run of this branch has succeeded yet
    "#]]);
    on_github(&project, &["affected", "--ci", "--format", "names"], &event).is(expect![[r#"
        apart
        base
        middle
        top
        --- stderr
        note: everything counts as changed: the event of this push cannot be read: GITHUB_EVENT_PATH is not set
    "#]]);
}
