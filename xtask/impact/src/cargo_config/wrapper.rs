//! The wrapper around rustc, and questions to cargo that do not need it.

use std::process::Command;

use anyhow::Result;
use camino::Utf8PathBuf;

use super::{CargoConfig, ValueOrigin};
use crate::process::Runner;

/// The wrapper around rustc that cargo uses, and the origin of the setting.
#[derive(Clone, Debug, PartialEq)]
pub struct Wrapper {
    /// The program, as cargo starts it.
    pub program: Utf8PathBuf,
    /// The file or the variable that sets the wrapper.
    pub origin: ValueOrigin,
}

/// The programs that cache compilations. Each passes rustc's answers about itself on unchanged.
const COMPILER_CACHES: [&str; 4] = ["sccache", "kache", "cachepot", "ccache"];

impl Wrapper {
    /// Returns the wrapper that cargo uses here. `None` if cargo uses none.
    ///
    /// # Errors
    /// Returns an error if cargo's configuration cannot be read.
    pub fn of(config: &CargoConfig) -> Result<Option<Self>> {
        let variable = "RUSTC_WRAPPER";
        let (named, origin) = match config.variable(variable) {
            Some(named) => (named.to_owned(), ValueOrigin::Variable(variable.to_owned())),
            None => match config.text(&["build", "rustc-wrapper"])? {
                Some(found) => found,
                None => return Ok(None),
            },
        };
        // An empty name switches the wrapper off.
        Ok((!named.is_empty()).then(|| Self {
            program: config.program(&named, &origin),
            origin,
        }))
    }

    /// Returns true if the wrapper is sccache.
    pub fn is_sccache(&self) -> bool {
        self.program.file_stem() == Some("sccache")
    }

    /// Returns true if the wrapper only caches compilations, so that rustc answers the same without
    /// it. Other wrappers may change the answers: Miri's adds `cfg(miri)`.
    fn is_compiler_cache(&self) -> bool {
        let name = self.program.file_stem();
        name.is_some_and(|name| COMPILER_CACHES.contains(&name))
    }
}

/// Returns a command for a cargo that answers a question and builds nothing. Cargo asks rustc
/// without a compiler cache (see [`without_compiler_cache`]). The runner's
/// [`CargoFlags`](crate::process::CargoFlags) hold for the command: `cargo metadata` has no
/// `--target-dir`, and a variable overrides `build.target-dir` of `--config`.
pub fn asking_cargo(runner: &Runner) -> Command {
    let mut command = without_compiler_cache(runner).cargo();
    command.args(runner.config_args());
    if let Some(directory) = &runner.cargo_flags().target_dir {
        command.env("CARGO_TARGET_DIR", directory);
    }
    command
}

/// Returns a runner whose cargo asks rustc without a compiler cache. For an answer cargo starts
/// rustc through the wrapper, and a cache whose server is dead answers after ten seconds, with a
/// failure. Cargo keeps rustc's answers by the wrapper, so they are not kept here: the next build
/// of the user would find them replaced.
#[must_use]
pub fn without_compiler_cache(runner: &Runner) -> Runner {
    let config = CargoConfig::of(runner);
    match config.and_then(|config| Wrapper::of(&config)) {
        Ok(Some(wrapper)) if wrapper.is_compiler_cache() => runner
            .with_variable("RUSTC_WRAPPER", "")
            .with_variable("CARGO_CACHE_RUSTC_INFO", "0"),
        // Cargo itself reports an error in its configuration.
        _ => runner.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;
    use crate::testing::{scratch, write};

    #[test]
    fn only_compiler_caches_are_left_out_of_questions() {
        for (named, is_left_out) in [
            ("sccache", true),
            ("/opt/bin/sccache", true),
            ("kache", true),
            ("/opt/bin/cargo-miri", false),
            ("tools/wrapper.sh", false),
            ("", false),
        ] {
            let (_scratch, top) = scratch();
            let text = format!("[build]\nrustc-wrapper = {named:?}\n");
            write(&top.join(".cargo/config.toml"), &text);
            let runner = Runner::new().unwrap().in_directory(&top);
            let runner = runner.without_variable("RUSTC_WRAPPER");
            let cargo = without_compiler_cache(&runner).cargo();
            let has = |name: &str, value: &str| {
                let mut set = cargo.get_envs();
                set.any(|it| it == (OsStr::new(name), Some(OsStr::new(value))))
            };
            assert_eq!(has("CARGO_CACHE_RUSTC_INFO", "0"), is_left_out, "{named}");
        }
    }
}
