//! The files and variables that one target reads, according to its sources.

use std::collections::{BTreeSet, HashSet};

use camino::{Utf8Path, Utf8PathBuf};

use crate::observed;
use crate::source_scan::CallWords;

/// The files and variables that one target reads, according to its sources.
#[derive(Debug, Default)]
pub struct Reads {
    /// The directory of the target's package.
    pub(super) directory: Utf8PathBuf,
    pub(super) files: HashSet<Utf8PathBuf>,
    /// The directories that contain Rust sources of the target.
    pub(super) source_directories: HashSet<Utf8PathBuf>,
    /// The variables that the target reads by name.
    pub env: HashSet<String>,
    /// True if the scan saw every file that the target reads. Macros of other packages and
    /// generated code may still hide files.
    pub complete: bool,
    /// True if the target includes code that its build script generates.
    pub generated: bool,
    /// True if a path in the sources depends on a variable.
    pub by_environment: bool,
    /// True if the target includes code by a path that a macro or a variable makes.
    pub(super) includes_made_code: bool,
    /// True if a source of the target cannot be read as Rust.
    pub(super) unlexable: bool,
    /// True if the macros of the target may make their callers read files.
    pub(super) has_including_macros: bool,
    /// True if the target may use macros of other packages.
    pub(super) calls_macros: bool,
    /// The texts that the target passes to macros and that may name a file, a directory or a
    /// module, and the numbers.
    pub(super) passed_to_macros: BTreeSet<String>,
    /// The words in the target's calls of unknown macros.
    pub(super) calls: CallWords,
}

impl Reads {
    /// Returns true if the target reads the file.
    pub fn has(&self, path: &Utf8Path) -> bool {
        self.files.contains(path)
    }

    /// Returns the sources that a search of the package's directory does not find: they lie
    /// elsewhere or have another extension than `rs`.
    pub(super) fn far_sources(&self) -> impl Iterator<Item = &Utf8Path> {
        let is_far = |file: &&Utf8PathBuf| {
            !file.starts_with(&self.directory) || file.extension() != Some("rs")
        };
        self.files.iter().filter(is_far).map(Utf8PathBuf::as_path)
    }

    /// Returns the part of a file's path that the target passes to macros. A file also counts as
    /// passed by name if the target passes the name of another file that lies in a directory above
    /// the file. The package's directory and `src` do not count as such directories. A macro that
    /// reads one file of a directory may read its neighbours too. For example, templates include
    /// one another.
    pub(super) fn passes(&self, file: &Utf8Path, package: &Utf8Path, root: &Utf8Path) -> PassedTo {
        let Ok(below) = file.strip_prefix(package) else {
            return PassedTo::Nothing;
        };
        let whole: Vec<&str> = file.strip_prefix(root).unwrap_or(below).iter().collect();
        let (above, stem) = (&whole[..whole.len() - 1], below.file_stem());
        let bare: Vec<&str> = above.iter().copied().chain(stem).collect();
        let outside = whole.len() - below.iter().count();
        // The matching part must end inside the package.
        let names = |way: &[&str], parts: &[&str]| {
            let mut places = way.windows(parts.len()).enumerate();
            places.any(|(at, some)| some == parts && at + some.len() > outside)
        };
        let of = |passed: &String| {
            let parts: Vec<&str> = Utf8Path::new(passed)
                .iter()
                .filter(|part| !matches!(*part, "." | ".." | "/" | "$CARGO_MANIFEST_DIR"))
                .take_while(|part| !part.contains('*'))
                .collect();
            let has_neighbour = || {
                let mut above = below.ancestors().skip(1);
                parts.last().is_some_and(|last| last.contains('.'))
                    && above.any(|above| {
                        !matches!(above.as_str(), "" | "src")
                            && observed::is_file(&package.join(above).join(passed))
                    })
            };
            let is_named = match parts[..] {
                [] => true,
                [name] => below
                    .parent()
                    .is_some_and(|it| it.iter().any(|dir| dir == name)),
                _ => names(&whole, &parts) || names(&bare, &parts),
            };
            let is_last = || {
                let name = Some(parts[0]).filter(|_| parts.len() == 1);
                name.is_some() && [below.file_name(), below.file_stem()].contains(&name)
            };
            if is_named {
                PassedTo::Path
            } else if is_last() || has_neighbour() {
                PassedTo::Name
            } else {
                PassedTo::Nothing
            }
        };
        self.passed_to_macros
            .iter()
            .map(of)
            .max()
            .unwrap_or(PassedTo::Nothing)
    }
}

/// The part of a file's path that a target passes to macros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PassedTo {
    Nothing,
    /// Only the file's name, or the name of a neighbour of the file.
    Name,
    /// The file's name with directories, or the name of a directory above the file.
    Path,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{scratch, write};

    /// Returns how a target of the package `p` passes a file if it passes one text to macros.
    fn passed(root: &Utf8Path, text: &str, file: &str) -> PassedTo {
        let package = root.join("p");
        let reads = Reads {
            directory: package.clone(),
            passed_to_macros: BTreeSet::from([text.to_owned()]),
            ..Reads::default()
        };
        reads.passes(&root.join(file), &package, root)
    }

    #[test]
    fn a_text_passes_a_file_by_its_path_its_directory_or_its_name() {
        let (_directory, root) = scratch();
        write(&root.join("p/pages/base.html"), "");
        for (text, file, expected) in [
            // By path, from any directory.
            ("pages/page.html", "p/pages/page.html", PassedTo::Path),
            ("../pages/page.html", "p/pages/page.html", PassedTo::Path),
            ("p/pages/page.html", "p/pages/page.html", PassedTo::Path),
            (
                "$CARGO_MANIFEST_DIR/pages/page.html",
                "p/pages/page.html",
                PassedTo::Path,
            ),
            // Without an extension, which the macro adds.
            ("pages/page", "p/pages/page.html", PassedTo::Path),
            // By a directory above the file.
            ("pages", "p/pages/page.html", PassedTo::Path),
            ("pages/", "p/pages/deep/page.html", PassedTo::Path),
            ("pages/deep", "p/pages/deep/page.html", PassedTo::Path),
            ("pages/*.html", "p/pages/page.html", PassedTo::Path),
            // The whole package.
            (".", "p/notes.txt", PassedTo::Path),
            ("*.txt", "p/notes.txt", PassedTo::Path),
            // By its name, in a directory that the macro knows.
            ("page.html", "p/pages/page.html", PassedTo::Name),
            ("page", "p/pages/page.html", PassedTo::Name),
            // By a neighbour in a directory above.
            ("base.html", "p/pages/page.html", PassedTo::Name),
            ("base.html", "p/pages/deep/page.html", PassedTo::Name),
            ("base.html", "p/views/page.html", PassedTo::Nothing),
            ("base", "p/pages/page.html", PassedTo::Nothing),
            // Another file, and another package.
            ("pages/other.html", "p/pages/page.html", PassedTo::Nothing),
            ("views", "p/pages/page.html", PassedTo::Nothing),
            ("page.html", "q/pages/page.html", PassedTo::Nothing),
        ] {
            assert_eq!(passed(&root, text, file), expected, "{text} {file}");
        }
    }

    #[test]
    fn a_path_that_ends_above_the_package_passes_no_file() {
        let (_directory, root) = scratch();
        let package = root.join("x/y/p");
        for (text, expected) in [
            ("x/y", PassedTo::Nothing),
            ("y/p", PassedTo::Nothing),
            ("p/page.html", PassedTo::Path),
            ("y/p/page", PassedTo::Path),
        ] {
            let reads = Reads {
                passed_to_macros: BTreeSet::from([text.to_owned()]),
                ..Reads::default()
            };
            let file = package.join("page.html");
            assert_eq!(reads.passes(&file, &package, &root), expected, "{text}");
        }
    }

    #[test]
    fn a_neighbour_in_the_package_or_in_src_passes_no_other_file() {
        let (_directory, root) = scratch();
        write(&root.join("p/base.html"), "");
        write(&root.join("p/src/base.html"), "");
        for file in ["p/page.html", "p/src/page.html"] {
            assert_eq!(
                passed(&root, "base.html", file),
                PassedTo::Nothing,
                "{file}"
            );
        }
    }
}
