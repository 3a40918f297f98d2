//! Advises what a build script without declared inputs can print, so that the script runs only if
//! one of its inputs changes.

use xtask_impact::source_scan::ScriptInputs;

/// Returns the advice for a script that declares no input, and the evidence from its sources. One
/// printed line turns off cargo's watch over all files of the package. So the advice has a line for
/// each input of the script, and asks the user to complete the list if an input is unknown.
pub(crate) fn advice(inputs: &ScriptInputs, asks_libraries: bool) -> (String, Vec<String>) {
    let mut unknown: Vec<&str> = inputs.unknown.iter().map(String::as_str).collect();
    if asks_libraries {
        unknown.push("files that its libraries read");
    }
    let mut evidence = Vec::new();
    if inputs.asks_git {
        evidence.push("it asks git".to_owned());
    }
    evidence.extend(unknown.iter().map(|it| format!("it reads {it}")));
    if inputs.asks_git && inputs.asks_for_edits {
        let fix = "Leave the script as it is, and add an exception to the policy: no list of files \
                   covers uncommitted changes. Or do not ask git for uncommitted changes, and \
                   watch git's `HEAD`.";
        return (fix.to_owned(), evidence);
    }
    let mut lines: Vec<String> = Vec::new();
    let of_paths = inputs.paths.iter();
    lines.extend(of_paths.map(|it| format!("`cargo::rerun-if-changed={it}`")));
    let of_variables = inputs.variables.iter();
    lines.extend(of_variables.map(|it| format!("`cargo::rerun-if-env-changed={it}`")));
    evidence.extend(lines.iter().map(|it| format!("it reads what {it} watches")));
    if inputs.asks_git {
        let tags = match inputs.asks_for_tags {
            true => ", for `git rev-parse --git-path refs/tags` and `packed-refs`",
            false => "",
        };
        lines.push(format!(
            "`cargo::rerun-if-changed=…` for the files that `git rev-parse --git-path HEAD` and `git \
             rev-parse --git-path \"$(git symbolic-ref -q HEAD)\"` name (where the second does not \
             exist, for `git rev-parse --git-path packed-refs`){tags}"
        ));
    }
    if !unknown.is_empty() {
        lines.push(format!("lines for {}", unknown.join(", ")));
        let fix = format!(
            "Print {}; if the inputs cannot be listed, leave the script as it is.",
            lines.join(", ")
        );
        return (fix, evidence);
    }
    if lines.is_empty() {
        lines.push(
            "`cargo::rerun-if-changed=build.rs`, because the script reads nothing else".to_owned(),
        );
    }
    (format!("Print {}.", lines.join(", ")), evidence)
}

#[cfg(test)]
mod tests {
    use xtask_impact::source_scan::script_inputs;

    use super::*;

    #[test]
    fn advice_names_everything_that_is_read() {
        for (code, libraries, expected) in [
            (
                "",
                false,
                &[
                    "Print `cargo::rerun-if-changed=build.rs`, because the script reads nothing \
                     else.",
                ][..],
            ),
            (
                "env::var(\"MODE\"); fs::read_dir(\"../b/data\")",
                false,
                &["Print `cargo::rerun-if-changed=../b/data`, `cargo::rerun-if-env-changed=MODE`."],
            ),
            (
                "Command::new(\"git\").arg(\"rev-parse\"); env::var(\"MODE\")",
                false,
                &[
                    "rerun-if-env-changed=MODE`",
                    "--git-path HEAD`",
                    "symbolic-ref",
                    "packed-refs",
                ],
            ),
            (
                "Command::new(\"git\").args([\"describe\", \"--tags\"])",
                false,
                &["refs/tags"],
            ),
            (
                "Command::new(\"git\").args([\"describe\", \"--dirty\"])",
                false,
                &["Leave the script as it is"],
            ),
            ("fs::read(name)", false, &["leave the script as it is"]),
            ("", true, &["its libraries", "leave the script as it is"]),
        ] {
            let (fix, _) = advice(&script_inputs(code), libraries);
            for words in expected {
                assert!(fix.contains(words), "{code}: {fix}");
            }
            assert_eq!(
                fix.contains("build.rs"),
                code.is_empty() && !libraries,
                "{code}: {fix}"
            );
        }
    }
}
