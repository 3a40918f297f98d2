//! A copy of this repository's sample.

use std::path::Path;

use super::{Project, tree};

impl Project {
    /// The sample as a repository of its own, committed on `main`: the workspace without the kit,
    /// so that the kit is not built again for its own tests, and with a configuration of its own.
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
        project.replace("Cargo.toml", "members = [\"xtask\", ", "members = [");
        project.write(".cargo/config.toml", SMALL_BUILDS);
        project.in_git()
    }
}

/// What only takes time and space where many builds are made and none is debugged.
const SMALL_BUILDS: &str = "[profile.dev]\ndebug = false\nincremental = false\n";
