//! Where the scan stands: which files a declaration may mean here, and how the tokens become code.

use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

/// Where `mod` declarations look for their files.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ModuleDirectory {
    /// What `#[path]` is relative to.
    pub(super) attribute_dir: Utf8PathBuf,
    /// What holds `x.rs` and `x/mod.rs` for `mod x;`.
    pub(super) module_dir: Utf8PathBuf,
}

impl ModuleDirectory {
    /// In a crate root, a `mod.rs`, an included file, a file that `#[path]` names, or an inline
    /// module the two are one.
    pub(super) fn flat(dir: impl Into<Utf8PathBuf>) -> ModuleDirectory {
        let dir = dir.into();
        ModuleDirectory {
            attribute_dir: dir.clone(),
            module_dir: dir,
        }
    }

    /// The place of a file which looks for its modules beside itself.
    pub(super) fn of_owner(file: &Utf8Path) -> ModuleDirectory {
        ModuleDirectory::flat(dir_of(file))
    }

    /// The files that `mod name;` can mean here, with their own places.
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

/// How the tokens at hand become code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CodeOrigin {
    /// They are code as they stand.
    Written,
    /// They are arguments of a macro, which may put them anywhere, and anything around them.
    Arguments,
    /// They are in a `macro_rules!` definition: code wherever the macro is called, which may be in
    /// another crate if it is exported.
    Definition { exported: bool },
    /// They are a definition once more, tried at a place where the macro may be called.
    Replay,
}

/// What the walk knows of the tokens around it.
#[derive(Clone, Copy)]
pub(super) struct TokenScope<'a> {
    pub(super) file: &'a Utf8Path,
    /// More than one where the attributes of an inline module leave a choice.
    pub(super) places: &'a [ModuleDirectory],
    pub(super) origin: CodeOrigin,
    /// Whether items are written here, not statements or members.
    pub(super) items: bool,
    /// Whether an identifier may be meant for a module's name.
    pub(super) names: bool,
    /// Whether a string literal may be meant for a file.
    pub(super) literals: bool,
}

/// The directory that holds a file.
pub(super) fn dir_of(file: &Utf8Path) -> &Utf8Path {
    file.parent().unwrap_or(file)
}
