//! The fix for each root cause.

use xtask_impact::quote;

use super::cause::{CauseKind, RootCause};

/// Returns the edit or the command that avoids the cause. `in_script` is true if the run of a build
/// script is among the units that the cause touches directly.
pub(crate) fn fix(cause: &RootCause, in_script: bool) -> String {
    let subject = cause.subject.as_deref().unwrap_or_default();
    match cause.kind {
        CauseKind::FileMissing if in_script => format!(
            "remove `cargo::rerun-if-changed={subject}` from the build script, or create the \
             file: until then the script runs at every build"
        ),
        CauseKind::FutureTime => format!("run `touch {}`", quote::shell(subject)),
        CauseKind::Variable if subject != "PATH" => format!(
            "give {subject} one value in all tools: in `[env]` of `.cargo/config.toml`, with \
             `force = true`"
        ),
        kind => constant_fix(kind, in_script).to_owned(),
    }
}

/// Returns the fix of a kind of cause, without the name of its subject.
fn constant_fix(kind: CauseKind, in_script: bool) -> &'static str {
    match kind {
        CauseKind::FileChanged => "none needed: the units are built from this file",
        CauseKind::FileMissing => "none needed, if the file was removed or renamed on purpose",
        CauseKind::FileUnreadable => "make the path a file that you may read",
        CauseKind::FutureTime => "set the time of the file to now",
        CauseKind::PackageFiles if in_script => {
            "print `cargo::rerun-if-changed=build.rs`, and one such line for each input, in the \
             build script: without any, every file of the package counts"
        }
        CauseKind::PackageFiles => "none needed: documentation counts every file of its package",
        CauseKind::ScriptInstructions => {
            "none needed, if the build script was edited; otherwise make it print the same lines \
             in every run"
        }
        CauseKind::Variable => {
            "remove `rerun-if-env-changed=PATH` from the build script, or start the editor from \
             the shell, so that both have the same PATH"
        }
        CauseKind::Toolchain => {
            "pin one toolchain in `rust-toolchain.toml`; give a tool that needs another toolchain \
             its own `--target-dir`"
        }
        CauseKind::Features => {
            "select the same packages and features in every build, for example by `--workspace`: \
             with `-p`, cargo turns on the features of the selected packages only"
        }
        CauseKind::DeclaredFeatures => {
            "none needed, if `[features]` or an optional dependency was edited"
        }
        CauseKind::Rustflags => {
            "set the flags once in `build.rustflags` of `.cargo/config.toml`, and not in RUSTFLAGS"
        }
        CauseKind::Profile => {
            "set the profile once in `[profile]` of the root Cargo.toml, and not in \
             CARGO_PROFILE_* or `--config`"
        }
        CauseKind::Incremental => {
            "set `incremental` once in `[profile]` of the root Cargo.toml, and not in \
             CARGO_INCREMENTAL"
        }
        CauseKind::Lints => "none needed, if `[lints]` was edited",
        CauseKind::Linker => {
            "set the linker once in `[target.<triple>]` of `.cargo/config.toml`, and not in \
             CARGO_TARGET_<TRIPLE>_LINKER"
        }
        CauseKind::ConfigSettings => {
            "keep the setting in `.cargo/config.toml`, and not in the environment of one tool"
        }
        CauseKind::TargetSettings => "none needed, if the manifest was edited",
        CauseKind::SourcePath => "none needed, if the target or the package was moved",
        CauseKind::Moved => {
            "let cargo build each profile, and do not copy or rename a profile directory"
        }
        CauseKind::Platform => {
            "pass `--target` in every build or in none, or set `build.target` in \
             `.cargo/config.toml`"
        }
        CauseKind::Dependencies => "none needed, if the manifest or Cargo.lock was edited",
        CauseKind::DependencyBuiltBefore => {
            "build the dependents in the same command, for example by `--workspace`"
        }
        CauseKind::PackageId => {
            "none needed, if the version in the manifest or in Cargo.lock was edited; otherwise \
             use the same `build.rustc-workspace-wrapper` in all tools"
        }
        CauseKind::Wrapper => {
            "use the same `build.rustc-workspace-wrapper` in all tools, set once in \
             `.cargo/config.toml`"
        }
        CauseKind::ArtifactMissing | CauseKind::Removed => {
            "remove less: `cargo xtask clean-affected` removes only what a change affects"
        }
        CauseKind::Unfinished => "none needed: the next successful build completes the record",
        CauseKind::FirstBuild => "none needed: later builds find these artifacts",
        CauseKind::Forced => "none needed",
        CauseKind::ChangedMeanwhile => "none needed, if a source was saved during the build",
        CauseKind::Unknown => {
            "report the line as an issue of the kit, with the output of `cargo -V`"
        }
    }
}
