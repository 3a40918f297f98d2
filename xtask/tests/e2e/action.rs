//! The action of GitHub: its script runs with an event that a test made up, also with a hostile
//! branch. And `ci comment`, with a program `gh` that records its calls.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Output, Project};

/// A branch that a shell would run if its name became part of a script.
const HOSTILE: &str = "x`touch${IFS}pwned`$(touch${IFS}pwned);touch${IFS}pwned;#'\"";

/// A runner of GitHub with a pull request that edits the package `middle`.
struct Service {
    project: Project,
}

impl Service {
    fn new() -> Self {
        let project = Project::with_libraries(&[
            ("base", &[]),
            ("middle", &["base"]),
            ("top", &["middle"]),
            ("apart", &[]),
        ]);
        project.git(&["checkout", "--quiet", "-b", HOSTILE]);
        project.write("crates/middle/src/lib.rs", "// Edited | <b>here</b>.\n");
        project.commit("Edit");
        project.git(&["checkout", "--quiet", "--detach", "main"]);
        project.git(&["merge", "--quiet", "--no-ff", "--no-edit", HOSTILE]);
        let service = Self { project };
        for directory in ["bin", "home", "temporary"] {
            fs::create_dir_all(service.beside(directory)).unwrap();
        }
        symlink(env!("CARGO_BIN_EXE_xtask"), service.beside("bin/xtask")).unwrap();
        service.comments("[]");
        let gh = "#!/bin/sh\nprintf '%s\\n' \"$*\" >>\"$GH_LOG\"\ncase \"$*\" in\n\
                  *--paginate*) cat \"$GH_COMMENTS\" ;;\n\
                  *) test -z \"$GH_REFUSES\" || { echo 'HTTP 403' >&2; exit 1; }\n\
                  cat >\"$GH_BODY\"; echo '{}' ;;\nesac\n";
        let path = service.beside("bin/gh");
        fs::write(&path, gh).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let event = serde_json::json!({ "pull_request": {
            "number": 7, "title": HOSTILE, "body": "${{ github.token }}",
            "head": { "ref": HOSTILE }, "base": { "sha": "0" },
        }});
        fs::write(service.beside("event.json"), event.to_string()).unwrap();
        service
    }

    fn beside(&self, name: &str) -> PathBuf {
        self.project.beside(name)
    }

    /// Sets the comments that `gh` lists.
    fn comments(&self, json: &str) {
        fs::write(self.beside("comments.json"), json).unwrap();
    }

    fn prepare(&self, command: &mut Command) {
        self.project.isolated(command);
        let head = Command::new("git")
            .arg("-C")
            .arg(self.project.root())
            .args(["rev-parse", "HEAD"])
            .output()
            .unwrap();
        let path = std::env::var("PATH").unwrap();
        let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
        let home = std::env::home_dir().unwrap();
        let rustup_home = std::env::var_os("RUSTUP_HOME").map(PathBuf::from);
        command
            .env("PATH", format!("{}:{path}", self.beside("bin").display()))
            .env(
                "CARGO_HOME",
                cargo_home.unwrap_or_else(|| home.join(".cargo")),
            )
            .env(
                "RUSTUP_HOME",
                rustup_home.unwrap_or_else(|| home.join(".rustup")),
            )
            .env("HOME", self.beside("home"))
            .env("RUNNER_TEMP", self.beside("temporary"))
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_EVENT_NAME", "pull_request")
            .env("GITHUB_EVENT_PATH", self.beside("event.json"))
            .env("GITHUB_REPOSITORY", "owner/name")
            .env("GITHUB_HEAD_REF", HOSTILE)
            .env("GITHUB_REF_NAME", "7/merge")
            .env("GITHUB_SHA", String::from_utf8(head.stdout).unwrap().trim())
            .env("GITHUB_WORKSPACE", self.project.root());
        for file in ["GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_PATH"] {
            command.env(file, self.beside(file));
        }
        for (name, file) in [
            ("GH_LOG", "gh.log"),
            ("GH_BODY", "body.json"),
            ("GH_COMMENTS", "comments.json"),
        ] {
            command.env(name, self.beside(file));
        }
    }

    /// Runs a step of the action.
    fn step(&self, step: &str, inputs: &[(&str, &str)]) -> Output {
        let mut command = Command::new("bash");
        command.arg(repository().join(".ci/action")).arg(step);
        self.prepare(&mut command);
        command.envs(inputs.iter().copied());
        self.project.finish(&mut command)
    }

    fn kit(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
        let mut command = self.project.kit(arguments);
        self.prepare(&mut command);
        command.envs(variables.iter().copied());
        self.project.finish(&mut command)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.beside(name)).unwrap_or_default()
    }

    /// Returns the text of the comment that `gh` got.
    fn body(&self) -> String {
        let body: serde_json::Value = serde_json::from_str(&self.read("body.json")).unwrap();
        body["body"].as_str().unwrap().to_owned()
    }
}

/// The folder of the repository, in which the action lies.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn the_steps_of_the_action_run_with_a_hostile_branch() {
    let service = Service::new();
    let tool = ("INPUT_TOOL", "check");
    let arguments = ("INPUT_ARGUMENTS", "--quiet\r\n\n--features=");
    let inputs = [tool, ("INPUT_SHARDS", "2"), ("INPUT_COMMENT", "true")];
    assert_eq!(service.step("kit-key", &inputs).status, 0);
    let keys = service.read("GITHUB_OUTPUT");
    let hash = keys.strip_prefix("kit-key=").unwrap().trim();
    assert!(
        hash.len() == 40 && hash.bytes().all(|it| it.is_ascii_hexdigit()),
        "{keys}"
    );
    for (step, inputs) in [
        ("install", vec![("KIT_IS_THERE", "true")]),
        ("key", vec![tool]),
        ("restore", vec![]),
        ("plan", vec![tool, ("INPUT_SHARDS", "2"), arguments]),
        ("run", vec![tool, arguments]),
        ("save", vec![]),
        ("restore", vec![]),
        ("comment", vec![tool, arguments, ("RUN_OUTCOME", "success")]),
    ] {
        let output = service.step(step, &inputs);
        assert_eq!(output.status, 0, "{step}: {output}");
    }
    let outputs = service.read("GITHUB_OUTPUT");
    for output in [
        "\nkey=check-",
        "\nrestore-keys<<",
        "\nany=true\n",
        "\nmatrix={\"include\":[{",
    ] {
        assert!(outputs.contains(output), "{output}: {outputs}");
    }
    assert!(service.read("GITHUB_PATH").ends_with("/home/.kit/bin\n"));
    assert!(
        service
            .read("GITHUB_STEP_SUMMARY")
            .contains("2 of 4 packages affected")
    );
    assert!(
        service.project.path("target/debug").is_dir(),
        "the command ran"
    );
    let calls = service.read("gh.log");
    let lines: Vec<_> = calls.lines().collect();
    assert_eq!(
        lines,
        [
            "api --paginate repos/owner/name/issues/7/comments?per_page=100",
            "api --method POST repos/owner/name/issues/7/comments --input -",
        ]
    );
    let body = service.body();
    for part in [
        "### 2 of 4 packages affected",
        "#### Why: the widest chains",
        "cargo check -p",
        "Skipped, because not affected: 2 packages (apart, base).",
        "#### Freshness\n\nUnits: ",
        "| check | success |",
        "#### Policy\n",
    ] {
        assert!(body.contains(part), "{part}: {body}");
    }
    assert_no_command_ran(&service);
}

fn assert_no_command_ran(service: &Service) {
    for directory in [
        service.project.root(),
        &service.beside("home"),
        &repository(),
    ] {
        assert!(!directory.join("pwned").exists(), "{}", directory.display());
    }
}

#[test]
fn wrong_inputs_of_the_action_are_refused() {
    let service = Service::new();
    for (name, value, says) in [
        ("INPUT_TOOL", "test; touch pwned", "tool: not a command"),
        ("INPUT_SHARDS", "0", "shards: not a number from 1 to 9999"),
        (
            "INPUT_SHARDS",
            "$(touch pwned)",
            "shards: not a number from 1 to 9999",
        ),
        (
            "INPUT_CACHE",
            "yes",
            "cache, freshness and comment: write true or false",
        ),
        (
            "INPUT_KIT",
            "no-such-folder",
            "kit: there is no Cargo.toml in the folder",
        ),
    ] {
        let output = service.step("kit-key", &[(name, value)]);
        assert_eq!(output.status, 2, "{output}");
        assert_eq!(output.stderr, format!("::error::{says}\n"));
    }
    assert_no_command_ran(&service);
}

/// Text of a pull request reaches a script only in a variable.
#[test]
fn no_script_of_the_action_contains_an_expression() {
    let action = fs::read_to_string(repository().join("action.yml")).unwrap();
    let scripts = action
        .lines()
        .filter(|line| line.trim_start().starts_with("run:"));
    let scripts: Vec<_> = scripts.collect();
    assert!(scripts.len() >= 8, "{scripts:?}");
    for script in scripts {
        assert!(
            script.contains("bash \"$GITHUB_ACTION_PATH/.ci/action\""),
            "{script}"
        );
        assert!(!script.contains("${{"), "{script}");
    }
}

/// The next run updates the comment, and leaves the comments of others alone.
#[test]
fn one_comment_is_updated() {
    let service = Service::new();
    let comment = ["ci", "comment", "check", "--post"];
    let first = service.kit(&comment, &[]);
    assert_eq!(first.status, 0, "{first}");
    assert!(
        first.stderr.ends_with("Posted the comment on #7\n"),
        "{first}"
    );
    let body = service.body();
    assert_eq!(body.lines().next(), Some("<!-- xtask-kit comment: ci -->"));
    assert!(!body.contains("<b>"), "{body}");
    let listed = serde_json::json!([
        { "id": 1, "user": { "login": "someone" }, "body": body },
        { "id": 2, "user": { "login": "github-actions[bot]" }, "body": "other" },
        { "id": 3, "user": { "login": "github-actions[bot]" }, "body": body },
    ]);
    service.comments(&listed.to_string());
    let second = service.kit(&comment, &[]);
    assert!(
        second.stderr.ends_with("Updated the comment on #7\n"),
        "{second}"
    );
    let calls = service.read("gh.log");
    assert_eq!(
        calls.lines().last(),
        Some("api --method PATCH repos/owner/name/issues/comments/3 --input -")
    );
    let other = service.kit(&["ci", "comment", "check", "--post", "--name", "docs"], &[]);
    assert!(
        other.stderr.ends_with("Posted the comment on #7\n"),
        "{other}"
    );

    // The token of a fork may not write. The text is printed all the same.
    let refused = service.kit(&comment, &[("GH_REFUSES", "1")]);
    assert_eq!(refused.status, 3, "{refused}");
    assert!(
        refused
            .stdout
            .starts_with("<!-- xtask-kit comment: ci -->\n"),
        "{refused}"
    );
    assert!(
        refused.stderr.contains("permissions: pull-requests: write"),
        "{refused}"
    );
    let warned = service.step("comment", &[("INPUT_TOOL", "check"), ("GH_REFUSES", "1")]);
    assert_eq!(warned.status, 0, "{warned}");
    assert!(
        warned.stdout.ends_with("see the log of this step\n"),
        "{warned}"
    );

    fs::write(
        service.beside("event.json"),
        "{\"ref\":\"refs/heads/main\"}",
    )
    .unwrap();
    let none = service.kit(&comment, &[("GITHUB_EVENT_NAME", "push")]);
    assert_eq!(none.status, 2, "{none}");
    assert!(
        none.stderr
            .contains("the event is about no pull request\nhint: "),
        "{none}"
    );
    let wrong = service.kit(&["ci", "comment", "--name", "a--> b"], &[]);
    assert_eq!(wrong.status, 2, "{wrong}");
}

/// The reports of other steps are part of the comment. A report that is missing is named.
#[test]
fn a_comment_shows_the_reports_of_other_steps() {
    let service = Service::new();
    let timings = ["timings", "--clean", "all", "--format", "json"];
    let measured = service.project.kit(&timings).output().unwrap();
    fs::write(service.beside("timings.json"), &measured.stdout).unwrap();
    let results = "{\"test\":{\"result\":\"failure\",\"outputs\":{}}}";
    fs::write(service.beside("results.json"), results).unwrap();
    let path = |name: &str| service.beside(name).to_str().unwrap().to_owned();
    let shown = service.kit(
        &[
            "ci",
            "comment",
            "check",
            "--timings",
            &path("timings.json"),
            "--results",
            &path("results.json"),
            "--policy",
            &path("missing.json"),
        ],
        &[],
    );
    assert_eq!(shown.status, 0, "{shown}");
    for part in [
        "#### Timings\n\n`cargo build` took ",
        ": 4 units ran, 0 fresh, critical path ",
        "\nCompiler cache: none.\n",
        "| test | failure |",
        "#### Policy\n\n:warning: not known: missing.json: ",
    ] {
        assert!(shown.stdout.contains(part), "{part}: {shown}");
    }
    assert_eq!(service.read("gh.log"), "", "nothing is posted unasked");
}
