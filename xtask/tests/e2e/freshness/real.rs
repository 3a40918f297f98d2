//! A real workspace: one target directory is carried through fresh clones of its commits, beside a
//! checkout that is built in place.
//!
//! `XTASK_FRESHNESS_WORKSPACE` names the repository. These variables are optional:
//! `XTASK_FRESHNESS_BUILD`, the cargo command (`build --workspace`); `XTASK_FRESHNESS_PAIRS`, the
//! number of commit pairs (10); `XTASK_FRESHNESS_STRIDE`, the number of commits between two of them
//! (1); `XTASK_FRESHNESS_SKIP`, the number of newest commits to leave out (0).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use super::carry::{ARCHIVES, Archive, carry};
use super::generated::number;
use crate::support::{Project, Unit};

/// A workspace at one path. The path belongs to the checkout that is edited in place, or to the
/// fresh clone; the other checkout waits beside it.
struct RealWorkspace {
    project: Project,
    repository: PathBuf,
    command: Vec<String>,
}

/// A build and its artifacts.
struct Built {
    units: BTreeSet<Unit>,
    artifacts: BTreeMap<String, Vec<u8>>,
}

impl RealWorkspace {
    fn new(repository: &Path) -> Self {
        let command = env::var("XTASK_FRESHNESS_BUILD");
        let command = command.unwrap_or_else(|_| "build --workspace".to_owned());
        // Rustc divides an incremental crate by its former builds, so artifacts would differ.
        let settings = ["profile.dev.incremental=false", "profile.dev.debug=0"];
        let settings = settings.iter().flat_map(|it| ["--config", it]);
        let words = command.split_whitespace().chain(["--locked"]);
        Self {
            project: Project::empty(),
            repository: repository.to_owned(),
            command: words.chain(settings).map(str::to_owned).collect(),
        }
    }

    fn path(&self, below: &str) -> PathBuf {
        self.project.path(below)
    }

    /// Returns commits of the main line, oldest first.
    fn commits(&self) -> Vec<String> {
        let pairs = number("XTASK_FRESHNESS_PAIRS", 10);
        let stride = number("XTASK_FRESHNESS_STRIDE", 1);
        let skip = format!("--skip={}", number("XTASK_FRESHNESS_SKIP", 0));
        let count = format!("--max-count={}", pairs * stride + 1);
        let mut git = Command::new("git");
        git.arg("-C").arg(&self.repository);
        git.args(["rev-list", "--first-parent", &skip, &count, "HEAD"]);
        let listed = git.output().unwrap().stdout;
        let listed = String::from_utf8(listed).unwrap();
        let every = usize::try_from(stride).unwrap();
        let mut commits: Vec<_> = listed.lines().step_by(every).map(str::to_owned).collect();
        commits.reverse();
        commits
    }

    /// Makes a fresh clone of a commit.
    fn clone_commit(&self, commit: &str) {
        fs::create_dir_all(self.project.root()).unwrap();
        let mut git = Command::new("git");
        git.args(["clone", "--quiet", "--shared", "--no-checkout"]);
        self.project.run(git.arg(&self.repository).arg(".")).done();
        self.check_out(commit);
    }

    fn check_out(&self, commit: &str) {
        self.project
            .git(&["checkout", "--quiet", "--detach", commit]);
        let mut cargo = Command::new("cargo");
        cargo.args(["fetch", "--locked", "--quiet", "--target", "host-tuple"]);
        self.project.isolated(&mut cargo);
        cargo.env("CARGO_NET_OFFLINE", "false");
        self.project.finish(&mut cargo).done();
    }

    fn build(&self) -> Result<Built, String> {
        let words: Vec<&str> = self.command.iter().map(String::as_str).collect();
        let units = self.project.build(&words).map_err(|said| {
            let errors = said.lines().filter(|line| line.starts_with("error"));
            errors.collect::<Vec<_>>().join("\n")
        })?;
        Ok(Built {
            units,
            artifacts: self.artifacts(),
        })
    }

    /// Returns the executables, the libraries and the metadata of crates.
    fn artifacts(&self) -> BTreeMap<String, Vec<u8>> {
        let mut found = BTreeMap::new();
        for directory in ["target/debug", "target/debug/deps"] {
            for entry in fs::read_dir(self.path(directory)).unwrap() {
                let path = entry.unwrap().path();
                let is_metadata = path.extension().is_some_and(|it| it == "rmeta");
                let is_uplifted = directory == "target/debug"
                    && path.extension().is_none_or(|it| it != "d")
                    && path
                        .file_name()
                        .is_some_and(|it| !it.as_encoded_bytes().starts_with(b"."));
                if path.is_file() && (is_metadata || is_uplifted) {
                    let name = path.strip_prefix(self.project.root()).unwrap();
                    let hash = hmac_sha256::Hash::hash(&fs::read(&path).unwrap());
                    found.insert(name.display().to_string(), hash.to_vec());
                }
            }
        }
        found
    }

    /// Replaces the checkout by a fresh clone, restores the target directory there, and builds.
    /// Returns the build, and the packages whose script had to run although plain cargo does not
    /// notice.
    fn restore(&self, commit: &str, archive: Archive) -> (Result<Built, String>, BTreeSet<String>) {
        let former = self.project.beside("former");
        fs::rename(self.project.root(), &former).unwrap();
        self.clone_commit(commit);
        carry(&former.join("target"), &self.path("target"), archive);
        fs::remove_dir_all(&former).unwrap();
        self.project
            .xtask(&["freshness", "restore", "--touch"])
            .done();
        let built = self.build();
        self.project.xtask(&["freshness", "save"]).done();
        let unnoticed = built.as_ref().map(|it| self.unnoticed(commit, it));
        let unnoticed = unnoticed.unwrap_or_default();
        (built, unnoticed)
    }

    /// Returns the packages whose build script prints the commit, and those whose script ran and
    /// declares variables, but no file.
    fn unnoticed(&self, commit: &str, built: &Built) -> BTreeSet<String> {
        let ran = |package: &str| {
            let is_it = |id: &str| {
                id.contains(&format!("#{package}@")) || id.contains(&format!("/{package}#"))
            };
            let mut runs = built.units.iter().filter(|it| self.is_own(it));
            runs.any(|it| it.mode == "run-custom-build" && is_it(&it.package))
        };
        let runs = fs::read_dir(self.path("target/debug/build")).unwrap();
        let runs = runs.map(|it| it.unwrap().path());
        let unnoticed = runs.filter_map(|run| {
            let output = fs::read(run.join("output")).ok()?;
            let output = String::from_utf8_lossy(&output);
            let name = run.file_name()?.to_str()?;
            let package = name.rsplit_once('-')?.0;
            let declares_no_file =
                output.contains("rerun-if-env-changed=") && !output.contains("rerun-if-changed=");
            let is_unnoticed = output.contains(&commit[..7]) || declares_no_file && ran(package);
            is_unnoticed.then(|| package.to_owned())
        });
        unnoticed.collect()
    }

    /// Checks out a commit in the other checkout, and builds there.
    fn in_place(&self, commit: &str, unnoticed: &BTreeSet<String>) -> Built {
        let waiting = self.project.beside("waiting");
        let in_place = self.project.beside("in-place");
        fs::rename(self.project.root(), &waiting).unwrap();
        fs::rename(&in_place, self.project.root()).unwrap();
        self.check_out(commit);
        unnoticed.iter().for_each(|it| self.run_script_again(it));
        let built = self.build().unwrap();
        fs::rename(self.project.root(), &in_place).unwrap();
        fs::rename(&waiting, self.project.root()).unwrap();
        built
    }

    /// Makes cargo run the build script of a package again.
    fn run_script_again(&self, package: &str) {
        for entry in fs::read_dir(self.path("target/debug/build")).unwrap() {
            let run = entry.unwrap().path();
            let name = run.file_name().unwrap().to_str().unwrap();
            let is_own = name.rsplit_once('-').is_some_and(|it| it.0 == package);
            if is_own && run.join("output").exists() {
                fs::remove_file(run.join("output")).unwrap();
                let record = self.path("target/debug/.fingerprint").join(name);
                fs::remove_file(record.join("run-build-script-build-script-build")).unwrap();
            }
        }
    }

    fn is_own(&self, unit: &Unit) -> bool {
        unit.package.starts_with("path+")
    }
}

/// Prints the differences of two builds, and returns their number.
fn differences(restored: &Built, in_place: &Built) -> usize {
    let mut count = 0;
    for (what, units) in [
        ("missed", in_place.units.difference(&restored.units)),
        ("extra", restored.units.difference(&in_place.units)),
    ] {
        for unit in units {
            println!("  {what} {unit}");
            count += 1;
        }
    }
    let both = restored.artifacts.iter().filter_map(|(name, hash)| {
        let other = in_place.artifacts.get(name)?;
        (other != hash).then_some(name)
    });
    for name in both {
        println!("  differs: {name}");
        count += 1;
    }
    count
}

#[test]
#[ignore = "takes minutes; the nightly job runs it"]
fn a_real_workspace_builds_what_an_in_place_build_builds() {
    let Some(repository) = env::var_os("XTASK_FRESHNESS_WORKSPACE") else {
        println!("skipped: XTASK_FRESHNESS_WORKSPACE is not set");
        return;
    };
    let workspace = RealWorkspace::new(Path::new(&repository));
    let commits = workspace.commits();
    workspace.clone_commit(&commits[0]);
    let first = workspace.build().unwrap();
    let own = first.units.iter().filter(|it| workspace.is_own(it)).count();
    println!(
        "{}: {own} units of the workspace, {} in all",
        commits[0],
        first.units.len()
    );
    let in_place = workspace.project.beside("in-place");
    let mut copy = Command::new("cp");
    copy.arg("-a").arg(workspace.project.root()).arg(&in_place);
    workspace.project.run(copy.current_dir("/")).done();
    workspace.project.xtask(&["freshness", "save"]).done();

    let (again, _) = workspace.restore(&commits[0], Archive::WholeSeconds);
    let again = again.unwrap();
    println!("the same commit: {} units built", again.units.len());
    let mut faults = differences(
        &again,
        &Built {
            units: BTreeSet::new(),
            ..first
        },
    );
    for (at, commit) in commits.iter().enumerate().skip(1) {
        let archive = ARCHIVES[at % ARCHIVES.len()];
        let (restored, unnoticed) = workspace.restore(commit, archive);
        let restored = restored.unwrap();
        let in_place = workspace.in_place(commit, &unnoticed);
        println!(
            "{commit}, {archive:?}: {} units built, {} in place, {} artifacts compared; scripts \
             that plain cargo would not run: {unnoticed:?}",
            restored.units.len(),
            in_place.units.len(),
            restored.artifacts.len(),
        );
        faults += differences(&restored, &in_place);
    }
    assert_eq!(faults, 0);
}
