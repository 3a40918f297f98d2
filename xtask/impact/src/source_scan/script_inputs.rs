//! The inputs that a build script reads, according to its sources: paths, variables, git, other
//! programs.

use std::collections::BTreeSet;

use camino::{Utf8Component, Utf8PathBuf};

use super::made_paths::{self, MadePath, PathOrigin};
use super::token_tree::TokenTree;
use super::tokens::{is_ident, is_one_of, is_punct, lex, name, parenthesised, string_value};

/// The inputs that a script reads while it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScriptInputs {
    /// The files and directories, relative to the package's directory, or absolute.
    pub paths: BTreeSet<Utf8PathBuf>,
    /// The environment variables, without the variables that cargo sets.
    pub variables: BTreeSet<String>,
    /// True if the script starts git, or reads files below `.git`.
    pub asks_git: bool,
    /// True if git's answer to the script depends on uncommitted files, as for `git status`.
    pub asks_for_edits: bool,
    /// True if the script asks git for tags.
    pub asks_for_tags: bool,
    /// The other inputs, described in words, because their paths are not known.
    pub unknown: BTreeSet<String>,
}

/// Finds the inputs in one source file of a build script.
pub fn script_inputs(text: &str) -> ScriptInputs {
    let mut inputs = ScriptInputs::default();
    let Some(tokens) = lex(text) else {
        inputs.unknown.insert("code that does not lex".to_owned());
        return inputs;
    };
    inputs.walk(&tokens);
    for read in made_paths::read_paths(text) {
        inputs.add(read.as_ref());
    }
    inputs
}

/// The methods that check a path on the disk. The path itself is not followed to its start.
const ASKING: [&str; 7] = [
    "exists",
    "is_dir",
    "is_file",
    "metadata",
    "read_dir",
    "symlink_metadata",
    "try_exists",
];

impl ScriptInputs {
    /// Adds the inputs from another file of the script.
    pub fn extend(&mut self, other: Self) {
        self.paths.extend(other.paths);
        self.variables.extend(other.variables);
        self.unknown.extend(other.unknown);
        self.asks_git |= other.asks_git;
        self.asks_for_edits |= other.asks_for_edits;
        self.asks_for_tags |= other.asks_for_tags;
    }

    fn add(&mut self, read: Option<&MadePath>) {
        let Some(made) = read else {
            let unknown = "paths that it makes as it runs";
            self.unknown.insert(unknown.to_owned());
            return;
        };
        if !matches!(made.origin, PathOrigin::ManifestDir | PathOrigin::Literal) {
            // The script itself made the files in `OUT_DIR`.
            return;
        }
        let is_known = |it: &Utf8Component<'_>| !it.as_str().contains(['*', '{', '?', '[']);
        let known: Utf8PathBuf = made.path.components().take_while(is_known).collect();
        if known.iter().any(|it| it == ".git") {
            self.asks_git = true;
        } else if known.as_str().is_empty() {
            self.unknown.insert("files of its package".to_owned());
        } else {
            self.paths.insert(known);
        }
    }

    fn walk(&mut self, tokens: &[TokenTree]) {
        for (at, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Group(group) => self.walk(group.stream()),
                TokenTree::Literal(_) => {
                    if let Some(text) = string_value(token) {
                        self.literal(&text);
                    }
                }
                TokenTree::Ident(_) => self.word(&tokens[..at], token, &tokens[at + 1..]),
                TokenTree::Punct(_) => {}
            }
        }
    }

    fn literal(&mut self, text: &str) {
        let mut words = text.split_whitespace();
        let first = words.next().unwrap_or_default();
        let is_git = |it: &str| it == "git" || it.ends_with("/git") || it == "git.exe";
        let is_of_git = text.split(['/', '\\']).any(|it| it == ".git");
        self.asks_git |= is_git(first) || is_of_git;
        for word in text.split_whitespace() {
            let edits = [
                "status",
                "diff",
                "diff-index",
                "diff-files",
                "ls-files",
                "stash",
            ];
            self.asks_for_edits |= edits.contains(&word);
            self.asks_for_edits |= word.starts_with("--dirty") || word.starts_with("--broken");
            self.asks_for_tags |= ["describe", "tag", "--tags", "for-each-ref"].contains(&word);
        }
    }

    fn word(&mut self, before: &[TokenTree], word: &TokenTree, after: &[TokenTree]) {
        let arguments = after.first().and_then(parenthesised);
        let literal = arguments.as_ref().and_then(|it| string_value(it.first()?));
        let is_behind = |owner: &str| match before {
            [.., it, colon, second] => {
                is_ident(it, owner) && is_punct(colon, ':') && is_punct(second, ':')
            }
            _ => false,
        };
        let called = name(word).unwrap_or_default();
        if ["git2", "gix", "vergen", "shadow_rs", "git_version"].contains(&called) {
            self.asks_git = true;
        } else if ["var", "var_os"].contains(&called) && arguments.is_some() {
            match literal {
                Some(variable) if is_cargos(&variable) => {}
                Some(variable) => _ = self.variables.insert(variable),
                None => {
                    _ = self
                        .unknown
                        .insert("variables whose names it makes".to_owned())
                }
            }
        } else if ["vars", "vars_os"].contains(&called) && arguments.is_some() {
            self.unknown
                .insert("all variables of the environment".to_owned());
        } else if called == "new" && is_behind("Command") {
            match literal {
                Some(program) if program.trim_end_matches(".exe").ends_with("git") => {}
                Some(program) => _ = self.unknown.insert(format!("what `{program}` reads")),
                None => _ = self.unknown.insert("what a program reads".to_owned()),
            }
        } else if ASKING.contains(&called)
            && arguments.is_some_and(|it| it.is_empty())
            && before.last().is_some_and(|it| is_punct(it, '.'))
        {
            self.unknown
                .insert("paths that it looks for on the disk".to_owned());
        } else if is_one_of(
            word,
            &["WalkDir", "WalkBuilder", "glob", "TcpStream", "stdin"],
        ) {
            self.unknown.insert(format!("what `{called}` finds"));
        }
    }
}

/// Returns true for a variable that cargo sets for build scripts and watches itself.
fn is_cargos(variable: &str) -> bool {
    const SET: [&str; 12] = [
        "OUT_DIR",
        "TARGET",
        "HOST",
        "NUM_JOBS",
        "OPT_LEVEL",
        "DEBUG",
        "PROFILE",
        "RUSTC",
        "RUSTDOC",
        "RUSTC_LINKER",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
    ];
    SET.contains(&variable) || variable.starts_with("CARGO") || variable.starts_with("DEP_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_variables_and_git_are_found_in_the_code_of_a_script() {
        for (code, expected) in [
            ("fn main() { println!(\"cargo::rustc-cfg=x\"); }", ""),
            ("fs::read_to_string(\"data/x.csv\")", "path data/x.csv"),
            (
                "File::open(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/../b/x\"))",
                "path ../b/x",
            ),
            ("fs::read_dir(\"templates\")", "path templates"),
            (
                "let d = env::var(\"CARGO_MANIFEST_DIR\")?; fs::read(Path::new(&d).join(\"a.txt\"))",
                "path a.txt",
            ),
            (
                "fs::read(Path::new(&env::var(\"OUT_DIR\")?).join(\"x\"))",
                "",
            ),
            ("fs::read(name)", "unknown paths that it makes as it runs"),
            (
                "env::var(\"MODE\"); env::var_os(\"OUT_DIR\"); env::var(\"DEP_Z_ROOT\")",
                "variable MODE",
            ),
            (
                "env::vars().count()",
                "unknown all variables of the environment",
            ),
            ("env::var(name)", "unknown variables whose names it makes"),
            (
                "Command::new(\"git\").args([\"rev-parse\", \"HEAD\"])",
                "git",
            ),
            (
                "Command::new(\"git\").args([\"describe\", \"--tags\"])",
                "git tags",
            ),
            (
                "Command::new(\"git\").args([\"describe\", \"--dirty\"])",
                "git edits tags",
            ),
            ("run(\"git status --porcelain\")", "git edits"),
            ("fs::read_to_string(\"../.git/HEAD\")", "git"),
            (
                "git2::Repository::open(\".\")",
                "git unknown files of its package",
            ),
            ("Command::new(\"protoc\")", "unknown what `protoc` reads"),
            (
                "Path::new(\"x\").exists()",
                "unknown paths that it looks for on the disk",
            ),
            ("fn main() { \"", "unknown code that does not lex"),
        ] {
            let inputs = script_inputs(code);
            let mut shown: Vec<String> = Vec::new();
            shown.extend(inputs.paths.iter().map(|it| format!("path {it}")));
            shown.extend(inputs.variables.iter().map(|it| format!("variable {it}")));
            shown.extend(inputs.asks_git.then(|| "git".to_owned()));
            shown.extend((inputs.asks_git && inputs.asks_for_edits).then(|| "edits".to_owned()));
            shown.extend((inputs.asks_git && inputs.asks_for_tags).then(|| "tags".to_owned()));
            shown.extend(inputs.unknown.iter().map(|it| format!("unknown {it}")));
            assert_eq!(shown.join(" "), expected, "{code}");
        }
    }
}
