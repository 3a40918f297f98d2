//! Names from a repository are quoted before they reach a terminal, a log of a CI service, Markdown
//! or a shell. Arguments for cargo are words that cargo accepts.

use expect_test::expect;

use crate::support::Project;

/// Returns the control characters in a text that a terminal would obey, except line breaks and
/// tabs.
fn obeyed(text: &str) -> Vec<char> {
    let is_obeyed = |c: &char| {
        c.is_control() && !matches!(c, '\n' | '\t') || matches!(c, '\u{202a}'..='\u{202e}')
    };
    text.chars().filter(is_obeyed).collect()
}

#[test]
#[cfg(unix)]
fn hostile_names_are_quoted_in_every_output() {
    let project = Project::with_libraries(&[("base", &[]), ("top", &["base"])]);
    let hostile = "x\n::error::pwned\r##[error]p\u{1b}[2Jw\u{202e}n|`b`.txt";
    project.write("crates/top/tests/it.rs", "#[test]\nfn passes() {}\n");
    project.write("crates/top/tests/--help.rs", "");
    project.write("crates/top/build.rs", "fn main() {}\n");
    project.write(
        ".cargo/config.toml",
        "[env]\nHOSTILE = \"a\\n::error::b\\u001B[2J\"\n\n\
         [profile.dev.package.\"base\"]\nrustflags = [\"##[error]x\\u202E\"]\n\n\
         [alias]\n\"a\\n::error::b\\u001B[2J\" = \"check ##[error]x\"\n",
    );
    let outside = "ext\u{1b}[2J\n::error::pwned";
    let at = |path: &str| project.beside(&format!("{outside}/{path}"));
    project.write(
        at("Cargo.toml"),
        "[package]\nname = \"ext\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n",
    );
    project.write(at("src/lib.rs"), "");
    // The steps of hooks run in a mirror, where a relative path would lead elsewhere.
    let above = project.beside("").display().to_string();
    project.append(
        "crates/base/Cargo.toml",
        &format!("ext = {{ path = \"{above}/ext\\u001B[2J\\n::error::pwned\" }}\n"),
    );
    project.cargo(&["generate-lockfile"]).done();
    project.append(
        "Cargo.toml",
        "\n[workspace.metadata.xtask.hooks.pre-commit]\nsteps = [\"fmt\", \"x\"]\n\n\
         [workspace.metadata.xtask.hooks.steps.x]\n\
         run = [\"sh\", \"-c\", \"printf 'a\\\\033[2J\\\\n::error::b'; false\"]\n",
    );
    project.commit("Subject \u{1b}[2J ##[error]x \u{202e}");
    project.git(&["checkout", "--quiet", "-b", "topic-\u{202e}"]);
    project.write(format!("crates/top/tests/{hostile}"), "1");
    project.write(format!("crates/top/src/{hostile}.rs"), "pub  fn  f ( ) { }");
    project.write("crates/top/src/lib.rs", "mod z;\n");
    project.write("crates/top/src/z.rs", "pub  fn  f ( ) { }\n");
    project.append("crates/top/tests/--help.rs", "// Edited.\n");
    project.append("crates/base/src/lib.rs", "pub  fn  f ( ) { }\n");
    project.git(&["add", "--all"]);

    let head = "--head=topic-\u{202e}";
    let commands: &[&[&str]] = &[
        &["affected", "--verb", "test"],
        &["affected", "--verb", "test", head, "--since", "HEAD~1"],
        &["affected", "--verb", "test", "--format", "json"],
        &["affected", "--verb", "test", "--format", "names", "--units"],
        &["affected", "--verb", "test", "--format", "nextest"],
        &["affected", "--why", "top", "--verb", "test"],
        &[
            "affected",
            "--why-not",
            "base",
            "--verb",
            "test",
            "--file",
            "crates/top/tests/it.rs",
        ],
        &["affected", "--file", hostile],
        &["affected", "--assume-changed", hostile],
        &["affected", "--since", hostile],
        &["affected", "--profile", hostile],
        &["graph", "--units", "--verb", "test"],
        &["graph", "--units", "--format", "dot"],
        &["graph", "--units", "--format", "mermaid"],
        &["graph", "--focus", hostile],
        &["graph", "--manifest-path", hostile],
        &["run-affected", "test", "--dry-run"],
        &["run-affected", "nextest", "--dry-run"],
        &["ci", "summary", "test", "--base", "main"],
        &["ci", "matrix", "test", "--base", "main"],
        &["clean-affected", "--dry-run", "--all"],
        &["policy", "show"],
        &["policy", "check"],
        &["policy", "check", "--format", "json"],
        &["policy", "check", "--explain", hostile],
        &["doctor"],
        &["hooks", "run", "pre-commit"],
        &["hooks", "run", hostile],
        &["timings", "diff", hostile, hostile],
    ];
    for command in commands {
        let output = project.xtask(command);
        let all = format!("{}\n{}", output.stdout, output.stderr);
        assert_eq!(obeyed(&all), [], "{command:?}\n{all}");
        assert!(!all.contains("##["), "{command:?}\n{all}");
        let is_command = |line: &&str| line.trim_start().starts_with("::");
        assert_eq!(all.lines().find(is_command), None, "{command:?}\n{all}");
    }
    for check in ["policy", "doctor"] {
        let arguments = match check {
            "policy" => &["policy", "check", "--format", "github"][..],
            _ => &["doctor", "--format", "github"],
        };
        let output = project.xtask(arguments);
        assert_eq!(obeyed(&output.stdout), [], "{output}");
        let mut lines = output.stdout.lines();
        let is_own = |line: &str| line.starts_with("::") && line.contains(" title=");
        assert!(lines.all(is_own), "{output}");
    }
    // A file is also formatted if it follows a file with a line break in its name.
    let hook = project.xtask(&["hooks", "run", "pre-commit"]).stderr;
    assert!(hook.contains("Diff in crates/top/src/z.rs"), "{hook}");
}

#[test]
fn arguments_for_cargo_are_words_that_cargo_accepts() {
    let project = Project::with_libraries(&[("base", &[]), ("top", &["base"])]);
    project.write("crates/top/tests/--help.rs", "#[test]\nfn passes() {}\n");
    project.write("crates/top/tests/a b.rs", "#[test]\nfn passes() {}\n");
    project.commit("Test");
    let units = [
        "affected",
        "--format",
        "cargo-args",
        "--units",
        "--verb",
        "test",
    ];
    project.append("crates/top/tests/--help.rs", "// Edited.\n");
    project.xtask(&units).is(expect![[r#"
        -p top --test=--help
    "#]]);
    project
        .cargo(&["check", "-p", "top", "--test=--help"])
        .done();
    // A shell splits this output at spaces, so only the package is named.
    project.append("crates/top/tests/a b.rs", "// Edited.\n");
    project.xtask(&units).is(expect![[r#"
        -p top
    "#]]);
    project
        .xtask(&["run-affected", "test", "--dry-run"])
        .is(expect![[r#"
            cargo test -p top --test=--help '--test=a b' --locked
        "#]]);
}

#[test]
fn an_undefined_profile_is_refused() {
    let project = Project::with_libraries(&[("base", &[])]);
    project.append("Cargo.toml", "\n[profile.dist]\ninherits = \"release\"\n");
    project.write(
        ".cargo/config.toml",
        "[profile.local]\ninherits = \"dev\"\n",
    );
    project.commit("Profiles");
    let expected = expect![[r#"
        --- stderr
        error: no profile `dits` in this workspace
        hint: did you mean `dist`? this workspace has bench, dev, dist, local, release, test
        --- exit status 2
    "#]];
    for command in [
        &["affected", "--profile", "dits"][..],
        &["affected", "--all-workspaces", "--profile", "dits"],
        &["clean-affected", "--profile", "dits"],
        &["run-affected", "check", "--", "--profile", "dits"],
        &["ci", "summary", "check", "--", "--profile=dits"],
        &["timings", "--", "--profile", "dits"],
        &["audit", "--profile", "dits"],
    ] {
        expected.assert_eq(&project.xtask(command).to_string());
    }
    for profile in ["dev", "test", "bench", "release", "dist", "local"] {
        project.xtask(&["affected", "--profile", profile]).done();
    }
    let mut kit = project.kit(&["affected", "--profile", "dits"]);
    kit.env("CARGO_PROFILE_DITS_INHERITS", "dev");
    project.finish(&mut kit).done();
    let config = "profile.dits.inherits=\"dev\"";
    let flags = ["--", "--profile", "dits", "--config", config];
    project
        .xtask(&[&["run-affected", "check", "--dry-run"], &flags[..]].concat())
        .done();
}

#[test]
fn colours_follow_the_variables_that_cargo_reads() {
    let project = Project::with_libraries(&[("base", &[])]);
    let is_coloured = |variables: &[(&str, &str)]| {
        let mut kit = project.kit(&["affected"]);
        for name in ["CARGO_TERM_COLOR", "NO_COLOR", "CLICOLOR_FORCE"] {
            kit.env_remove(name);
        }
        kit.envs(variables.iter().copied());
        kit.output().unwrap().stderr.contains(&b'\x1b')
    };
    for (variables, expected) in [
        (&[][..], false),
        (&[("CARGO_TERM_COLOR", "always")], true),
        (&[("CARGO_TERM_COLOR", "always"), ("NO_COLOR", "1")], true),
        (&[("CLICOLOR_FORCE", "1")], true),
        (
            &[("CLICOLOR_FORCE", "1"), ("CARGO_TERM_COLOR", "auto")],
            true,
        ),
        (
            &[("CLICOLOR_FORCE", "1"), ("CARGO_TERM_COLOR", "never")],
            false,
        ),
        (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
    ] {
        assert_eq!(is_coloured(variables), expected, "{variables:?}");
    }
    project.write(".cargo/config.toml", "[term]\ncolor = \"always\"\n");
    assert!(is_coloured(&[]));
    assert!(!is_coloured(&[("CARGO_TERM_COLOR", "never")]));
}

/// A usual case for published workspaces: an older version of a member is among its dependencies.
#[test]
fn a_member_with_an_ambiguous_name_is_named_as_each_command_needs() {
    let project = Project::with_libraries(&[("base", &[]), ("top", &["base"])]);
    let other =
        "[package]\nname = \"base\"\nversion = \"9.0.0\"\nedition = \"2024\"\n[workspace]\n";
    project.write(project.beside("other/Cargo.toml"), other);
    project.write(project.beside("other/src/lib.rs"), "");
    project.append(
        "crates/top/Cargo.toml",
        "base9 = { package = \"base\", version = \"9\", path = \"../../../other\" }\n",
    );
    project.cargo(&["metadata", "--format-version", "1"]).done();
    project.commit("Two of one name");
    project.append("crates/base/src/lib.rs", "#[test]\nfn passes() {}\n");
    let arguments = project
        .xtask(&["affected", "--format", "cargo-args"])
        .done();
    assert_eq!(arguments, "-p base@0.1.0 -p top\n");
    let words: Vec<&str> = arguments.split_whitespace().collect();
    project.cargo(&[&["check"], &words[..]].concat()).done();
    project
        .xtask(&["run-affected", "fmt", "--dry-run"])
        .is(expect![[r#"
            cargo fmt -p base
        "#]]);
    project.xtask(&["run-affected", "fmt"]).done();
    project.xtask(&["run-affected", "test"]).done();
}
