//! The results of the commands that find, install and uninstall hooks.

use camino::Utf8PathBuf;

use crate::hooks::model::Hook;

/// A place where git looks for a hook, and the hook that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FoundHook {
    /// The hook that git looks for.
    pub hook: Hook,
    /// The path where git looks for the hook.
    pub path: Utf8PathBuf,
    /// The kind of the file at this path.
    pub what: HookFileState,
    /// The chained hook of the user, which the kit's hook runs first.
    pub chained: Option<Utf8PathBuf>,
}

/// The kind of a file at the place of a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HookFileState {
    /// There is no hook.
    Absent,
    /// A hook of the kit, as this version would write the hook now.
    Installed,
    /// A hook of the kit that another version wrote, or that starts another binary.
    Outdated,
    /// A hook that the kit did not write.
    Foreign,
    /// A hook that the kit did not write, and that replaced the kit's hook. The hook that the kit's
    /// hook ran first is still kept.
    Replaced,
}

/// The outcome of installing or uninstalling a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InstallOutcome {
    /// The hook was written.
    Written,
    /// The hook was removed.
    Removed,
    /// The hook was installed already.
    Kept,
    /// The hook is not installed.
    Absent,
    /// The hook was not written by the kit, so it was left in place.
    Left,
}
