//! Variables that `cargo run` and rustup pass on to the kit, and that a cargo which the kit starts
//! must not see.

use std::ffi::{OsStr, OsString};
use std::path::Path;

pub(super) const LIBRARY_PATHS: [&str; 3] = [
    "LD_LIBRARY_PATH",
    "DYLD_FALLBACK_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
];

/// The variables that are in the environment because `cargo run` started the kit.
pub(super) struct Leaks {
    pub(super) under_cargo: bool,
    pub(super) toolchain_leaked: bool,
    pub(super) cargo: OsString,
}

impl Leaks {
    pub(super) fn of(variable: &dyn Fn(&str) -> Option<OsString>) -> Self {
        // Cargo sets both variables for a program that it runs. Users set neither.
        let under_cargo =
            variable("CARGO_MANIFEST_DIR").is_some() && variable("CARGO_PKG_NAME").is_some();
        let under_rustup = variable("RUSTUP_TOOLCHAIN").is_some();
        // From 1.29 on, rustup names the source of its choice. A toolchain that the user chose,
        // with `+nightly` or the variable, is kept. A toolchain that came from a default or a file
        // belongs to the directory in which the kit was started, and would be wrong in another
        // directory.
        let chosen = variable("RUSTUP_TOOLCHAIN_SOURCE")
            .is_some_and(|source| matches!(source.to_str(), Some("cli" | "env")));
        let toolchain_leaked = under_cargo && under_rustup && !chosen;
        // `cargo run` passes the path of one toolchain's cargo. rustup's proxy chooses a toolchain
        // for each directory.
        let cargo = variable("CARGO").filter(|_| !toolchain_leaked);
        Self {
            under_cargo,
            toolchain_leaked,
            cargo: cargo.unwrap_or_else(|| "cargo".into()),
        }
    }

    pub(super) fn leaks(&self, name: &str) -> bool {
        if name.starts_with("RUSTUP_TOOLCHAIN") {
            return self.toolchain_leaked;
        }
        self.under_cargo
            && (name.starts_with("CARGO_PKG_")
                || matches!(
                    name,
                    "CARGO"
                        | "CARGO_BIN_NAME"
                        | "CARGO_CRATE_NAME"
                        | "CARGO_MANIFEST_DIR"
                        | "CARGO_MANIFEST_LINKS"
                        | "CARGO_MANIFEST_PATH"
                        | "CARGO_PRIMARY_PACKAGE"
                        | "OUT_DIR"
                        | "RUST_RECURSION_COUNT"
                ))
    }
}

/// Removes the directories that cargo and rustup added to a library search path: the kit's own
/// build directory and the toolchain's directories.
pub(super) fn without_cargos_own(value: &OsStr) -> OsString {
    let own = std::env::current_exe()
        .ok()
        .and_then(|exe| exe.parent().map(Path::to_path_buf));
    let kept = std::env::split_paths(value).filter(|path| {
        let of_build = own.as_ref().is_some_and(|own| path.starts_with(own));
        let of_toolchain = path.join("rustlib").is_dir()
            || path.ancestors().any(|above| above.ends_with("lib/rustlib"));
        !of_build && !of_toolchain
    });
    std::env::join_paths(kept).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaks(variables: &[(&str, &str)]) -> Leaks {
        Leaks::of(&|name| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| value.into())
        })
    }

    #[test]
    fn under_cargo_run_the_package_and_the_toolchain_leak() {
        let leaks = leaks(&[
            ("CARGO", "/toolchain/bin/cargo"),
            ("CARGO_MANIFEST_DIR", "/repo/xtask"),
            ("CARGO_PKG_NAME", "xtask-kit"),
            ("RUSTUP_TOOLCHAIN", "stable"),
            ("RUSTUP_TOOLCHAIN_SOURCE", "default"),
        ]);
        assert_eq!(
            leaks.cargo, "cargo",
            "rustup chooses again for each directory"
        );
        for name in [
            "CARGO_PKG_VERSION",
            "CARGO_MANIFEST_DIR",
            "RUSTUP_TOOLCHAIN",
            "CARGO",
        ] {
            assert!(leaks.leaks(name), "{name}");
        }
        for name in [
            "CARGO_HOME",
            "CARGO_TARGET_DIR",
            "CARGO_PROFILE_DEV_DEBUG",
            "RUSTFLAGS",
        ] {
            assert!(!leaks.leaks(name), "{name} is the user's own");
        }
    }

    #[test]
    fn a_toolchain_that_the_user_chose_is_kept() {
        let leaks = leaks(&[
            ("CARGO", "/nightly/bin/cargo"),
            ("CARGO_MANIFEST_DIR", "/repo/xtask"),
            ("CARGO_PKG_NAME", "xtask-kit"),
            ("RUSTUP_TOOLCHAIN", "nightly"),
            ("RUSTUP_TOOLCHAIN_SOURCE", "cli"),
        ]);
        assert_eq!(leaks.cargo, "/nightly/bin/cargo");
        assert!(!leaks.leaks("RUSTUP_TOOLCHAIN"));
    }

    #[test]
    fn a_kit_started_by_hand_inherits_no_variables_of_cargo_run() {
        let leaks = leaks(&[("RUSTUP_TOOLCHAIN", "nightly"), ("CARGO", "my-cargo")]);
        assert_eq!(leaks.cargo, "my-cargo");
        assert!(!leaks.leaks("RUSTUP_TOOLCHAIN") && !leaks.leaks("CARGO_PKG_NAME"));
    }
}
