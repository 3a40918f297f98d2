//! Copies the sample of this repository.

use std::path::Path;

use super::{Project, tree};

impl Project {
    /// Makes the sample a repository of its own, committed on `main`. The copy has its own cargo
    /// configuration and does not contain the kit, so the tests do not build the kit again.
    pub(crate) fn sample() -> Self {
        let project = Self::empty();
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let is_wanted = |path: &Path| {
            let is_of_the_kit = path.parent() == Some(repository)
                && ["xtask", ".cargo", ".ci", ".github"]
                    .iter()
                    .any(|name| path.file_name() == Some(name.as_ref()));
            tree::is_source(path) && !is_of_the_kit
        };
        tree::copy(repository, project.root(), &is_wanted);
        project.replace(
            "Cargo.toml",
            "members = [\"xtask\", \"xtask/impact\", ",
            "members = [",
        );
        project.write(".cargo/config.toml", SMALL_BUILDS);
        project.in_git()
    }
}

/// A configuration that saves time and space, because the tests make many builds and debug none.
const SMALL_BUILDS: &str = "[profile.dev]\ndebug = false\nincremental = false\n";
