//! Copies the sample of this repository.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::clean::CHECK;
use super::{Project, Unit, tree};

/// The arguments that build everything that `cargo test` runs.
pub(crate) const TEST: &[&str] = &["test", "--workspace", "--no-run"];

/// The units that builds of the sample from nothing compiled, external packages included.
#[derive(Deserialize, Serialize)]
pub(crate) struct Builds {
    inputs: u64,
    pub(crate) checked: BTreeSet<Unit>,
    pub(crate) tested: BTreeSet<Unit>,
}

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

    /// Makes the sample with artifacts of its external packages, so that a build compiles only the
    /// packages of the sample. Also returns the units that builds from nothing compiled.
    ///
    /// The artifacts are made once. They are kept in cargo's directory for files of tests, and are
    /// copied with their times as long as the sample and the compiler are the same.
    pub(crate) fn sample_with_dependencies() -> (Self, Builds) {
        let sample = Self::sample();
        let root = sample.root().to_str().unwrap();
        let root = &root.replace(' ', "%20").replace('ä', "%C3%A4");
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sample");
        fs::create_dir_all(&kept).unwrap();
        let lock = File::create(kept.join("lock")).unwrap();
        lock.lock().unwrap();

        let inputs = sample.inputs();
        let (known, target) = (kept.join("builds.json"), kept.join("target"));
        if let Ok(text) = fs::read_to_string(&known) {
            let builds: Builds = serde_json::from_str(&text.replace("[ROOT]", root)).unwrap();
            if builds.inputs == inputs {
                tree::copy(&target, &sample.path("target"), &|_| true);
                return (sample, builds);
            }
            fs::remove_file(&known).unwrap();
        }
        let _ = fs::remove_dir_all(&target);
        let builds = Builds {
            inputs,
            checked: sample.build_dependencies(CHECK),
            tested: {
                sample.rename("target", "checked");
                sample.build_dependencies(TEST)
            },
        };
        // The check is older. Its build scripts and macros replace those of the other build, so that
        // no artifact is older than its dependencies.
        tree::copy(&sample.path("checked"), &sample.path("target"), &|_| true);
        sample.remove("checked");
        tree::copy(&sample.path("target"), &target, &|_| true);
        let text = serde_json::to_string(&builds).unwrap();
        fs::write(&known, text.replace(root, "[ROOT]")).unwrap();
        (sample, builds)
    }

    /// Builds everything, and removes the artifacts of the sample's own packages, which contain the
    /// path of the sample. Returns the units that were built.
    fn build_dependencies(&self, arguments: &[&str]) -> BTreeSet<Unit> {
        let built = self.build(arguments).unwrap();
        self.cargo(&["clean", "--workspace"]).done();
        built
    }

    /// Returns a hash of everything that a build of the sample depends on.
    fn inputs(&self) -> u64 {
        let mut hash = DefaultHasher::new();
        let compiler = self.run(std::process::Command::new("rustc").arg("-vV"));
        compiler.stdout.hash(&mut hash);
        let is_input = |file: &String| {
            let starts = ["crates/", ".cargo/", "Cargo."];
            starts.iter().any(|start| file.starts_with(start))
        };
        for file in tree::files(self.root()).into_iter().filter(is_input) {
            let path = self.path(&file);
            fs::read(&path).unwrap().hash(&mut hash);
            if file.starts_with("crates/") {
                let modified = fs::metadata(&path).unwrap().modified();
                modified.unwrap().hash(&mut hash);
            }
            file.hash(&mut hash);
        }
        hash.finish()
    }
}

/// A configuration that saves time and space, because the tests make many builds and debug none.
const SMALL_BUILDS: &str = "[profile.dev]\ndebug = false\nincremental = false\n";
