//! Reads the errors in the output of a build: text as on a terminal or in a log of a CI service,
//! JSON messages of cargo, or both mixed.

use cargo_metadata::Message;
use cargo_metadata::diagnostic::{Diagnostic as RustcDiagnostic, DiagnosticLevel};
use xtask_impact::workspace::name_and_version;

use crate::cargo_runs::read_messages;

/// An error of cargo, rustc, a build script or a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Diagnostic {
    /// The code of rustc: `E0786`.
    pub(super) code: Option<String>,
    /// The first line, without `error:` and without the code.
    pub(super) message: String,
    /// The other lines: notes, helps, causes, and the places in the code.
    pub(super) lines: Vec<String>,
    /// The name of the package that did not compile, if the input names the package.
    pub(super) package: Option<String>,
    /// The file in which rustc found the error, as rustc names the file.
    pub(super) source: Option<String>,
}

impl Diagnostic {
    /// Returns the message and all other lines.
    pub(super) fn all_lines(&self) -> impl Iterator<Item = &str> {
        let first = std::iter::once(self.message.as_str());
        first.chain(self.lines.iter().map(String::as_str))
    }
}

/// Returns the errors in the output of a build.
pub(super) fn read(input: &str) -> Vec<Diagnostic> {
    // Reading from a slice of bytes does not fail.
    let messages = read_messages(input.as_bytes()).unwrap_or_default();
    let mut found: Vec<Diagnostic> = messages.into_iter().filter_map(of_message).collect();
    let text = input.lines().filter(|line| !line.starts_with('{'));
    let of_text = of_text(text);
    // Cargo prints the rendered form on standard error unless JSON was asked for.
    let is_new = |it: &Diagnostic| !found.iter().any(|known| is_same(known, it));
    let new: Vec<Diagnostic> = of_text.into_iter().filter(is_new).collect();
    found.extend(new);
    let mut unique: Vec<Diagnostic> = Vec::new();
    for it in found {
        // A library and its test harness give the same error.
        if !unique.iter().any(|known| is_same(known, &it)) {
            unique.push(it);
        }
    }
    unique
}

fn is_same(one: &Diagnostic, other: &Diagnostic) -> bool {
    (&one.code, &one.message, &one.source) == (&other.code, &other.message, &other.source)
        && (one.code.is_some() || one.lines == other.lines)
}

fn of_message(message: Message) -> Option<Diagnostic> {
    let Message::CompilerMessage(message) = message else {
        return None;
    };
    let rustc = message.message;
    let is_error = matches!(rustc.level, DiagnosticLevel::Error | DiagnosticLevel::Ice);
    if !is_error || is_summary(&rustc.message) {
        return None;
    }
    let mut lines = rustc.message.lines();
    let first = lines.next().unwrap_or_default().to_owned();
    let mut rest: Vec<String> = lines.map(str::to_owned).collect();
    add_children(&rustc, &mut rest);
    let primary = rustc.spans.iter().find(|it| it.is_primary);
    Some(Diagnostic {
        code: rustc.code.map(|it| it.code),
        message: first,
        lines: rest,
        package: Some(name_and_version(&message.package_id.repr).0.to_owned()),
        source: primary.map(|it| it.file_name.clone()),
    })
}

/// Adds the labels and the notes of an error.
fn add_children(rustc: &RustcDiagnostic, lines: &mut Vec<String>) {
    for span in &rustc.spans {
        lines.push(format!(
            "--> {}:{}:{}",
            span.file_name, span.line_start, span.column_start
        ));
        lines.extend(span.label.clone());
    }
    for child in &rustc.children {
        lines.extend(child.message.lines().map(str::to_owned));
        add_children(child, lines);
    }
}

/// Reads the errors in text. Each begins with `error` at the start of a line.
fn of_text<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = Vec::new();
    let mut is_open = false;
    // The first error whose package is not known yet.
    let mut unnamed = 0;
    let mut running: Option<String> = None;
    for line in lines {
        let line = plain(line);
        if let Some(program) = line.trim_start().strip_prefix("Running `") {
            running = Some(program.trim_end_matches('`').to_owned());
        }
        let crash = CRASHES.iter().find(|word| line.contains(**word));
        if let (Some(crash), Some(program), false) = (crash, &running, is_open) {
            found.push(Diagnostic {
                message: format!("process didn't exit successfully: `{program}` ({crash})"),
                ..Diagnostic::default()
            });
            continue;
        }
        if let Some((source, code, message)) = header(&line) {
            is_open = false;
            if let Some(package) = message.strip_prefix("could not compile `") {
                let name = package.split(['`', ' ']).next().map(str::to_owned);
                for it in &mut found[unnamed..] {
                    it.package = it.package.take().or_else(|| name.clone());
                }
                unnamed = found.len();
            }
            let is_killed = message.starts_with("could not compile `");
            if !is_summary(message) || is_killed {
                is_open = true;
                found.push(Diagnostic {
                    code: code.map(str::to_owned),
                    message: message.to_owned(),
                    source: source.map(str::to_owned),
                    ..Diagnostic::default()
                });
            }
            continue;
        }
        is_open &= !ends_error(&line);
        if let (true, Some(last)) = (is_open, found.last_mut()) {
            if let (None, Some(place)) = (&last.source, line.trim_start().strip_prefix("--> ")) {
                let file = place.rsplitn(3, ':').last();
                last.source = file.map(str::to_owned);
            }
            last.lines.push(line);
        }
    }
    found.retain(|it| !it.message.starts_with("could not compile `") || was_killed(it));
    found
}

/// Returns true if a signal ended the compiler.
fn was_killed(compiler: &Diagnostic) -> bool {
    compiler.lines.iter().any(|line| line.contains("(signal: "))
}

/// The words with which shells and systems report a crash.
const CRASHES: &[&str] = &[
    "Segmentation fault",
    "Bus error",
    "Illegal instruction",
    "Exec format error",
];

/// Returns a line without colours and without the time that a CI service puts in front.
fn plain(line: &str) -> String {
    let line = anstream::adapter::strip_str(line).to_string();
    let line = line.trim_end();
    let without_time = line.split_once(' ').filter(|(first, _)| {
        let bytes = first.as_bytes();
        bytes.len() > 19 && bytes[4] == b'-' && bytes[10] == b'T' && first.ends_with('Z')
    });
    let line = without_time.map_or(line, |(_, rest)| rest);
    line.strip_prefix("##[error]").unwrap_or(line).to_owned()
}

/// Returns source, code and message of a line that begins an error. With `--message-format short`
/// the source stands first: `src/lib.rs:1:5: error[E0786]: …`.
fn header(line: &str) -> Option<(Option<&str>, Option<&str>, &str)> {
    let (source, line) = match line.split_once(": error") {
        Some((place, _)) => match source_in(place) {
            Some(source) => (Some(source), &line[place.len() + 2..]),
            None => (None, line),
        },
        None => (None, line),
    };
    let rest = line.strip_prefix("error")?;
    match rest.strip_prefix('[') {
        Some(coded) => {
            let (code, message) = coded.split_once("]: ")?;
            Some((source, Some(code), message))
        }
        None => Some((source, None, rest.strip_prefix(": ")?)),
    }
}

/// Returns the file of a place in the code: `FILE:LINE:COLUMN`.
fn source_in(place: &str) -> Option<&str> {
    let mut parts = place.rsplitn(3, ':');
    let mut is_number = || parts.next().is_some_and(|it| it.parse::<u32>().is_ok());
    let has_numbers = is_number() && is_number();
    let file = parts.next()?;
    (has_numbers && !file.starts_with(' ')).then_some(file)
}

/// Returns true if a line does not belong to the error before it.
fn ends_error(line: &str) -> bool {
    let is_status = line.starts_with("   ") && {
        let word = line.trim_start().split(' ').next().unwrap_or_default();
        [
            "Compiling",
            "Checking",
            "Finished",
            "Running",
            "Fresh",
            "Dirty",
            "Building",
        ]
        .contains(&word)
            && line.find(word) == Some(12 - word.len().min(12))
    };
    is_status
        || line.starts_with("warning: ")
        || line.starts_with("warning[")
        || line.starts_with("For more information about")
        || line.starts_with("Some errors have detailed")
}

/// Returns true for an error that only sums up other errors.
fn is_summary(message: &str) -> bool {
    let starts = [
        "aborting due to",
        "could not compile `",
        "build failed",
        "could not document `",
        "`cargo ",
    ];
    starts.iter().any(|start| message.starts_with(start))
        || message.ends_with("target failed:")
        || message.ends_with("targets failed:")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\u{1b}[1m   Compiling\u{1b}[0m mid v0.1.0 (/w/mid)
2026-11-30T04:00:00.123Z error[E0786]: found invalid metadata files for crate `base`
2026-11-30T04:00:00.123Z  --> mid/src/lib.rs:1:68
  |
  = note: corrupt metadata encountered in /w/target/debug/deps/libbase-8226b39f90c50374.rmeta

For more information about this error, try `rustc --explain E0786`.
error: could not compile `mid` (lib) due to 1 previous error
warning: build failed, waiting for other jobs to finish...
error: could not compile `app` (bin \"app\")

Caused by:
  process didn't exit successfully: `rustc --crate-name app` (signal: 9, SIGKILL: kill)
";

    #[test]
    fn errors_in_text_are_found_with_their_package() {
        let found = read(TEXT);
        let shown = found.iter().map(|it| {
            let (code, package) = (it.code.as_deref(), it.package.as_deref());
            let source = it.source.as_deref();
            let number = it.lines.len();
            format!("{code:?} {package:?} {source:?} {number}: {}\n", it.message)
        });
        expect_test::expect![[r#"
            Some("E0786") Some("mid") Some("mid/src/lib.rs") 4: found invalid metadata files for crate `base`
            None None None 3: could not compile `app` (bin "app")
        "#]].assert_eq(&shown.collect::<String>());
    }

    #[test]
    fn errors_in_the_short_form_are_found() {
        let text = "    Checking mid v0.1.0 (/w/mid)\ncrates/mid/src/lib.rs:2:23: error[E0786]: found \
                    invalid metadata files for crate `base`\nsrc/a.rs:1:1: warning: unused: error: \
                    no\nsrc/a.rs:1:2: error: expected `;`\nerror: could not compile `mid` (lib) due \
                    to 2 previous errors\n";
        let found = read(text);
        let shown = found
            .iter()
            .map(|it| format!("{:?} {:?} {:?}\n", it.code, it.package, it.source));
        expect_test::expect![[r#"
            Some("E0786") Some("mid") Some("crates/mid/src/lib.rs")
            None Some("mid") Some("src/a.rs")
        "#]]
        .assert_eq(&shown.collect::<String>());
    }

    #[test]
    fn errors_in_json_are_found_once() {
        let message = serde_json::json!({
            "reason": "compiler-message",
            "package_id": "path+file:///w/mid#0.1.0",
            "manifest_path": "/w/mid/Cargo.toml",
            "target": {
                "kind": ["lib"], "crate_types": ["lib"], "name": "mid", "src_path": "/w/mid/src/lib.rs",
                "edition": "2024", "doc": true, "doctest": true, "test": true
            },
            "message": {
                "message": "found invalid metadata files for crate `base`",
                "code": { "code": "E0786", "explanation": null },
                "level": "error",
                "spans": [{
                    "file_name": "mid/src/lib.rs", "byte_start": 0, "byte_end": 1, "line_start": 1,
                    "line_end": 1, "column_start": 68, "column_end": 72, "is_primary": true,
                    "text": [], "label": null, "suggested_replacement": null,
                    "suggestion_applicability": null, "expansion": null
                }],
                "children": [{
                    "message": "corrupt metadata encountered in /w/libbase.rmeta", "code": null,
                    "level": "note", "spans": [], "children": [], "rendered": null
                }],
                "rendered": "x"
            }
        });
        let line = message.to_string();
        let found = read(&format!("{line}\n{line}\n{TEXT}"));
        assert_eq!(found.len(), 2, "{found:#?}");
        assert_eq!(found[0].package.as_deref(), Some("mid"));
        assert_eq!(
            found[0].lines[1],
            "corrupt metadata encountered in /w/libbase.rmeta"
        );
    }

    #[test]
    fn a_crash_belongs_to_the_program_that_ran_last() {
        let found =
            read("     Running `target/debug/app --flag`\nSegmentation fault (core dumped)\n");
        assert_eq!(
            found[0].message,
            "process didn't exit successfully: `target/debug/app --flag` (Segmentation fault)"
        );
        assert_eq!(
            read("    Finished `dev` profile\n     Running `target/debug/app`\n"),
            []
        );
    }
}
