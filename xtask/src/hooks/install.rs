//! What stands where git looks for hooks, and what was done about it.

use cargo_metadata::camino::Utf8PathBuf;

use super::Hook;

/// What stands where git looks for a hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Which hook.
    pub hook: Hook,
    /// Where git looks for it.
    pub path: Utf8PathBuf,
    /// What is there.
    pub what: What,
    /// The hook that was there before, which the kit's runs first.
    pub chained: Option<Utf8PathBuf>,
}

/// What a hook is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// There is none.
    Absent,
    /// The kit's, as it would be written now.
    Installed,
    /// The kit's, written by another version or for another place.
    Outdated,
    /// Somebody else's.
    Foreign,
    /// Somebody else's, put in the place of the kit's since that was installed.
    Replaced,
}

/// What was done to a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// It was written.
    Written,
    /// It was taken away.
    Removed,
    /// It was there already.
    Kept,
    /// There is none.
    Absent,
    /// Somebody else's is there now; it stays.
    Left,
}
