//! Facts about build scripts, derived from their sources.

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use super::names::{COMMON_NAMES, makes_name, names_file, names_in, names_variable};
use super::reach::LISTINGS;
use crate::observed;
use crate::source_scan::BuildScriptScan;

/// The inputs that a build script watches, according to its sources.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WatchedBySource {
    scan: BuildScriptScan,
    /// The text of all sources of the script, in which names are searched.
    text: String,
    /// The text of the sources of libraries with functions that the script calls.
    text_of_libraries: String,
}

impl WatchedBySource {
    pub(super) fn new(scan: BuildScriptScan, text: String, text_of_libraries: String) -> Self {
        Self {
            scan,
            text,
            text_of_libraries,
        }
    }

    /// Returns the paths that the script declares with `rerun-if-changed`.
    pub fn named(&self) -> impl Iterator<Item = &Utf8Path> {
        self.scan.rerun_if_changed.iter().map(Utf8PathBuf::as_path)
    }

    /// Returns true if the script declares no input, so that cargo watches the package.
    pub fn is_silent(&self) -> bool {
        !self.scan.says_any
    }

    /// Returns true if the script declares inputs only under a condition, so that cargo may watch
    /// the package.
    pub fn may_be_silent(&self) -> bool {
        self.scan.says_any && !self.scan.says_for_certain
    }

    /// Returns true if the script is known to compute the text of a declaration while it runs.
    pub fn has_doubts(&self) -> bool {
        !self.scan.doubts.is_empty()
    }

    /// Returns true if a source file of the package may be an input of the script: a file below
    /// `src`, or a file in a top-level directory that the script's text names, such as `tests`.
    pub fn may_take(&self, path: &Utf8Path, package: &Utf8Path) -> bool {
        let below = path.strip_prefix(package).ok();
        let first = below.and_then(|below| below.iter().next());
        first.is_none_or(|first| first == "src" || names_in(&self.text, first))
    }

    /// Returns true if the script's text names the path or a directory between `within` and the
    /// path.
    pub fn names(&self, path: &Utf8Path, within: &Utf8Path, package: &Utf8Path) -> bool {
        let is_shared = |name: &&str| package.iter().any(|own| own == *name);
        let says_something =
            |name: &&str| name.len() > 1 && !COMMON_NAMES.contains(name) && !is_shared(name);
        let mut below = path.strip_prefix(within).into_iter().flatten();
        below.any(|name| says_something(&name) && names_in(&self.text, name))
    }

    /// Returns true if the path may be a path whose end the script makes at run time.
    pub fn may_end_in(&self, path: &Utf8Path) -> bool {
        self.scan.partial.iter().any(|it| it.may_be(path))
    }

    /// Returns true if the script may watch git's own files, directly or through a library known
    /// for this.
    pub fn may_watch_git(&self) -> bool {
        self.or_libraries_hold(&[".git/", "vergen", "shadow_rs", "built::"])
            || self.has_doubts()
                && self.or_libraries_hold(&[".git", "git-dir", "rev-parse", "git2", "gix"])
    }

    /// Returns true if the script declares a missing file as input. A script that checks which
    /// files exist, or which platform it runs on, may not print the declaration. For such a script
    /// only declarations that are always printed count.
    pub fn watches_missing_file(&self) -> bool {
        let missing = self.named();
        let mut missing = missing.filter(|named| !observed::exists(named)).peekable();
        let looks = [
            "exists()",
            "is_file()",
            "is_dir()",
            "metadata(",
            "read_to_string(",
            "cfg",
        ];
        let is_plain = missing.peek().is_some() && !self.or_libraries_hold(&looks);
        is_plain || missing.any(|missing| self.scan.always.contains(missing))
    }

    /// Returns true if the script declares a variable with `rerun-if-env-changed`.
    pub fn watches_variable(&self, name: &str) -> bool {
        self.scan.rerun_if_env_changed.contains(name)
    }

    /// Returns true if the script may declare a variable whose name the script computes while it
    /// runs.
    pub(super) fn may_watch_variable(&self, name: &str) -> bool {
        self.has_doubts() && self.names_variable(name)
    }

    /// Returns true if the script's text contains the name of a variable.
    pub(super) fn names_variable(&self, name: &str) -> bool {
        names_variable(&self.text, name)
    }

    /// Returns true if the script may set a variable for the other targets of its package.
    pub(super) fn sets_variable(&self, name: &str) -> bool {
        self.text.contains("rustc-env") && self.text.contains(name)
    }

    /// Returns true if the script may set a feature for the other targets of its package.
    pub(super) fn may_set_features(&self) -> bool {
        self.or_libraries_hold(&["rustc-cfg"]) && self.or_libraries_hold(&["feature"])
    }

    /// Returns true if the code that the script generates may include a file of the package.
    pub(super) fn may_include(&self, file: &Utf8Path) -> bool {
        self.holds(&LISTINGS) || names_file(&self.text, file)
    }

    /// Returns the text of all sources of the script.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Returns true if the script may make the name of a file, possibly in another case.
    pub(super) fn may_make(&self, name: &str) -> bool {
        let texts = [&self.text, &self.text_of_libraries];
        let changes_case = self.or_libraries_hold(&["case"]);
        texts.iter().any(|text| {
            makes_name(text, name)
                || changes_case && makes_name(&text.to_lowercase(), &name.to_lowercase())
        })
    }

    /// Returns true if the text of the script, or of the libraries that it calls, contains one of
    /// these words.
    pub(super) fn or_libraries_hold(&self, words: &[&str]) -> bool {
        self.holds(words) || words.iter().any(|it| self.text_of_libraries.contains(it))
    }

    /// Returns true if the script's text contains one of these words.
    pub(super) fn holds(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.text.contains(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source_scan::{DoubtKind, SourceDoubt};
    use crate::testing::{scratch, write};

    /// Returns a script with this text and with the text of libraries that it calls. A doubtful script
    /// computes an instruction.
    fn script(text: &str, libraries: &str, is_doubtful: bool) -> WatchedBySource {
        let mut scan = BuildScriptScan::default();
        if is_doubtful {
            scan.doubts.push(SourceDoubt {
                file: "build.rs".into(),
                kind: DoubtKind::RunTimeInstruction,
                reason: String::new(),
            });
        }
        WatchedBySource::new(scan, text.to_owned(), libraries.to_owned())
    }

    #[test]
    fn a_script_may_take_sources_from_src_and_from_directories_that_it_names() {
        let script = script("read_dir(\"tests\")", "", false);
        for (path, expected) in [
            ("/w/a/src/lib.rs", true),
            ("/w/a/tests/it.rs", true),
            ("/w/a/benches/speed.rs", false),
            ("/w/b/benches/speed.rs", true),
        ] {
            assert_eq!(
                script.may_take(path.into(), "/w/a".into()),
                expected,
                "{path}"
            );
        }
    }

    #[test]
    fn a_script_may_watch_git_directly_or_by_a_library() {
        for (text, libraries, is_doubtful, expected) in [
            ("\"cargo::rerun-if-changed=../.git/HEAD\"", "", false, true),
            ("vergen::emit()", "", false, true),
            ("version::emit()", "shadow_rs::new()", false, true),
            ("git(\"rev-parse\")", "", true, true),
            ("git(\"rev-parse\")", "", false, false),
            ("file(\"data\")", "", true, false),
        ] {
            let script = script(text, libraries, is_doubtful);
            assert_eq!(script.may_watch_git(), expected, "{text} {libraries}");
        }
    }

    #[test]
    fn a_script_watches_a_missing_file_unless_it_looks_before() {
        let (_directory, root) = scratch();
        let (there, missing) = (root.join("there"), root.join("missing"));
        write(&there, "");
        for (story, path, text, is_always, expected) in [
            ("a file that is there", &there, "", true, false),
            ("a missing file", &missing, "", false, true),
            ("the script looks", &missing, "path.exists()", false, false),
            ("it prints anyway", &missing, "path.exists()", true, true),
        ] {
            let mut script = script(text, "", false);
            script.scan.rerun_if_changed.insert(path.clone());
            if is_always {
                script.scan.always.insert(path.clone());
            }
            assert_eq!(script.watches_missing_file(), expected, "{story}");
        }
    }

    #[test]
    fn only_a_script_that_computes_a_declaration_may_watch_a_variable_that_it_names() {
        let name = "watch(\"PLACE\")";
        for (text, is_doubtful, expected) in
            [(name, true, true), (name, false, false), ("", true, false)]
        {
            let mut script = script(text, "", is_doubtful);
            assert_eq!(script.may_watch_variable("PLACE"), expected, "{text}");
            assert_eq!(script.names_variable("PLACE"), text == name, "{text}");
            assert!(!script.watches_variable("PLACE"));
            script.scan.rerun_if_env_changed.insert("PLACE".to_owned());
            assert!(script.watches_variable("PLACE"));
            assert!(!script.watches_variable("OTHER"));
        }
    }

    #[test]
    fn a_script_names_a_file_or_a_directory_that_other_packages_do_not_have() {
        for (text, path, expected) in [
            ("\"data/x\"", "/w/tool/data/y", true),
            ("\"y\"", "/w/tool/data/y", false),
            ("\"yy\"", "/w/tool/data/yy", true),
            ("\"yy.txt\"", "/w/tool/data/yy", true),
            ("\"src/x\"", "/w/tool/src/y", false),
            ("\"tool/x\"", "/w/tool/tool/y", false),
            ("\"w\"", "/w/tool/data/y", false),
            ("data", "/w/tool/data/y", false),
        ] {
            let names =
                script(text, "", false).names(path.into(), "/w/tool".into(), "/w/tool".into());
            assert_eq!(names, expected, "{text} {path}");
        }
    }

    #[test]
    fn a_script_makes_a_name_in_another_case_only_if_it_changes_the_case() {
        for (text, libraries, name, expected) in [
            ("emit(\"front\", \"page\")", "", "front_page", true),
            ("emit(\"front\")", "", "front_page", false),
            ("emit(\"FRONT\")", "", "front", false),
            ("emit(\"FRONT\".to_lowercase())", "", "front", true),
            ("emit(l::lower(\"FRONT\"))", "to_lowercase()", "front", true),
            ("l::emit()", "emit(\"front\")", "front", true),
            ("l::emit()", "", "front", false),
        ] {
            let script = script(text, libraries, false);
            assert_eq!(script.may_make(name), expected, "{text} {libraries} {name}");
        }
    }

    #[test]
    fn a_script_sets_variables_and_features_with_an_instruction() {
        for (text, libraries, variable, feature) in [
            ("cargo::rustc-env=PLACE=x", "", true, false),
            ("cargo::rustc-env=OTHER=x", "", false, false),
            ("var(\"PLACE\")", "", false, false),
            ("cargo::rustc-cfg=feature=\"x\"", "", false, true),
            ("cargo::rustc-cfg=x", "", false, false),
            ("enable(\"feature\")", "cargo::rustc-cfg", false, true),
            ("enable(\"feature\")", "", false, false),
        ] {
            let script = script(text, libraries, false);
            assert_eq!(script.sets_variable("PLACE"), variable, "{text}");
            assert_eq!(script.may_set_features(), feature, "{text} {libraries}");
        }
    }

    #[test]
    fn a_script_may_include_what_it_names_or_lists() {
        for (text, expected) in [
            ("emit(\"queries\")", true),
            ("emit(\"all.sql\")", true),
            ("emit(\"tables\")", false),
            ("read_dir(\"tables\")", true),
        ] {
            let script = script(text, "", false);
            assert_eq!(
                script.may_include("queries/all.sql".into()),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn a_script_without_a_certain_declaration_may_watch_its_package() {
        for (says_any, says_for_certain, is_silent, may_be_silent) in [
            (false, false, true, false),
            (true, false, false, true),
            (true, true, false, false),
        ] {
            let mut script = script("", "", false);
            script.scan.says_any = says_any;
            script.scan.says_for_certain = says_for_certain;
            assert_eq!(script.is_silent(), is_silent);
            assert_eq!(script.may_be_silent(), may_be_silent);
        }
    }
}
