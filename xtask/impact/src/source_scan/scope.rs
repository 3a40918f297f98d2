//! The context of the scan: the files that a declaration may mean, and how the tokens become code.

use camino::{Utf8Path, Utf8PathBuf};

/// The directories in which `mod` declarations look for files.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ModuleDirectory {
    /// The directory that `#[path]` is relative to.
    pub(super) attribute_dir: Utf8PathBuf,
    /// The directory that holds `x.rs` and `x/mod.rs` for `mod x;`.
    pub(super) module_dir: Utf8PathBuf,
}

impl ModuleDirectory {
    /// Returns the place in which both directories are the same: a crate root, a `mod.rs`, an
    /// included file, a file named by `#[path]`, or an inline module.
    pub(super) fn flat(dir: impl Into<Utf8PathBuf>) -> ModuleDirectory {
        let dir = dir.into();
        ModuleDirectory {
            attribute_dir: dir.clone(),
            module_dir: dir,
        }
    }

    /// Returns the place of a file whose modules are in the same directory as the file.
    pub(super) fn of_owner(file: &Utf8Path) -> ModuleDirectory {
        ModuleDirectory::flat(dir_of(file))
    }

    /// Returns the files that `mod name;` can mean here, each with the place of its own modules.
    pub(super) fn candidates(&self, name: &str) -> [(Utf8PathBuf, ModuleDirectory); 2] {
        let below = self.module_dir.join(name);
        let beside = ModuleDirectory {
            attribute_dir: self.module_dir.clone(),
            module_dir: below.clone(),
        };
        [
            (self.module_dir.join(format!("{name}.rs")), beside),
            (below.join("mod.rs"), ModuleDirectory::flat(below)),
        ]
    }
}

/// The way in which tokens become code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CodeOrigin {
    /// The tokens are code as written.
    Written,
    /// The tokens are arguments of a macro. The macro may put them anywhere, with any code around
    /// them.
    Arguments,
    /// The tokens are in a `macro_rules!` definition. They are code in every place that calls the
    /// macro, also in another crate if the macro is exported.
    Definition { exported: bool },
    /// The tokens are in a definition that is scanned again, for a place where the macro may be
    /// called.
    Replay,
}

/// The context of the tokens that are walked through.
#[derive(Clone, Copy)]
pub(super) struct TokenScope<'a> {
    pub(super) file: &'a Utf8Path,
    /// The places of module files. There are several if the attributes of an inline module leave a
    /// choice.
    pub(super) places: &'a [ModuleDirectory],
    pub(super) origin: CodeOrigin,
    /// True if the tokens are items, not statements or members.
    pub(super) items: bool,
    /// True if an identifier may be the name of a module.
    pub(super) names: bool,
    /// True if a string literal may be the path of a file.
    pub(super) literals: bool,
}

/// Returns the directory of a file.
pub(super) fn dir_of(file: &Utf8Path) -> &Utf8Path {
    file.parent().unwrap_or(file)
}
