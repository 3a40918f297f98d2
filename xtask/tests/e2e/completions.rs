//! Completions in a shell.

use std::process::Command;

use expect_test::expect;

use crate::support::Project;

/// Returns what bash proposes for the last word of a command line. Empty without bash.
fn proposed(project: &Project, line: &str) -> Option<String> {
    let script = r#"
        source <("$KIT" completions bash) || exit 1
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_TYPE=9
        function=$(complete -p xtask | sed 's/.* -F \([^ ]*\) .*/\1/')
        "$function" xtask "${COMP_WORDS[$COMP_CWORD]}" "${COMP_WORDS[$COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}""#;
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-c", script, "bash"]);
    bash.args(line.split(' '))
        .env("KIT", env!("CARGO_BIN_EXE_xtask"));
    project.isolated(&mut bash);
    bash.current_dir(project.root());
    let output = bash.output().ok()?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn bash_completes_commands_flags_and_names_of_packages() {
    let project = Project::with_libraries(&[("base", &[]), ("board", &[]), ("app", &["base"])]);
    let lines = [
        "xtask affec",
        "xtask affected --package b",
        "xtask run-affected --exclude ",
        "xtask affected --format ca",
        "xtask affected --no-re",
    ];
    let Some(told) = lines
        .iter()
        .map(|line| Some(format!("{line}\n{}\n", proposed(&project, line)?)))
        .collect::<Option<String>>()
    else {
        return;
    };
    expect![[r#"
        xtask affec
        affected

        xtask affected --package b
        base
        board

        xtask run-affected --exclude 
        app
        base
        board

        xtask affected --format ca
        cargo-args

        xtask affected --no-re
        --no-records

    "#]]
    .assert_eq(&told);
}
