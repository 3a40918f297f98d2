//! The cache of `cargo metadata`. Cargo is asked again only if its answer would be different.
//!
//! A cached answer has a [`Stamp`] of everything that cargo read for it: manifests, the directories
//! in which cargo looks for members and targets, the lock file, the configuration, and the programs
//! `cargo` and `rustc`. A hash of the environment variables is part of the name of the cache file.
//! An answer is not cached if one of the stamped files changed while cargo ran.

use std::collections::{BTreeSet, HashMap};
use std::env::consts::EXE_SUFFIX;
use std::fs;
use std::time::SystemTime;

use camino::{Utf8Path, Utf8PathBuf};

use super::declared::{self, Declared};
use super::guess_members::listed;
use super::stamps::Stamp;
use super::{LoadOptions, Package, Workspace, likely_root};
use crate::cargo_config::toolchain_file;
use crate::lock_file::LockState;
use crate::paths::hashed;
use crate::process::Runner;
use crate::{cargo_config, files, parallel, quote, state};

/// The cache entry for one question to cargo.
pub(super) struct MetadataCache {
    /// The cache file. Its directory comes from [`state::directory`], which is known before cargo
    /// is asked.
    file: Utf8PathBuf,
    target_directory: Utf8PathBuf,
    directory: Utf8PathBuf,
    programs: Vec<Utf8PathBuf>,
    asked: SystemTime,
    /// True if cargo unifies features and makes units as its stable documentation says: no unstable
    /// option is configured.
    is_stable: bool,
}

/// The stamps of an expired cache entry, reused for the next entry: most of the stamped files did
/// not change and need not be read again.
#[derive(Default)]
pub(super) struct Before {
    inputs_hash: Option<u64>,
    stamps: Vec<Stamp>,
}

/// A cache entry: the stamps, and the answer that depends on them.
type CachedMetadata = (Vec<Stamp>, Workspace);

impl MetadataCache {
    /// Returns the cache entry for the workspace of the runner's directory, or of the manifest in
    /// `options`. Returns `None` if only cargo knows which workspace that is.
    pub(super) fn new(runner: &Runner, options: &LoadOptions) -> Option<Self> {
        let directory = Utf8PathBuf::try_from(runner.directory().to_owned()).ok()?;
        let start = match &options.manifest_path {
            Some(manifest) => directory.join(manifest).parent()?.to_owned(),
            None => directory.clone(),
        };
        let root = likely_root(&start)?;
        let configuration = cargo_config::CargoConfig::of(runner).ok()?;
        let (target_directory, _) = configuration.target_directory(root).ok()?;
        let unification = ["resolver", "feature-unification"];
        let is_stable = matches!(configuration.get(&unification), Ok(None))
            && matches!(configuration.get(&["unstable"]), Ok(None))
            && !configuration
                .variables()
                .any(|(name, _)| name.starts_with("CARGO_UNSTABLE_"));
        let programs = ["cargo", "rustc"].map(|name| runner.find(name));
        let variables: BTreeSet<_> = runner
            .environment()
            .filter(|(name, _)| {
                let name = name.to_string_lossy();
                (name.starts_with("CARGO_") || name.starts_with("RUST"))
                    && !name.starts_with("CARGO_TERM_")
            })
            .collect();
        let version = env!("CARGO_PKG_VERSION");
        let options = format!("{options:?}{:?}", runner.cargo_flags());
        let question = hashed((version, &directory, &start, variables, &programs, options));
        Some(Self {
            file: state::directory(&target_directory, root)?
                .join(format!("{}-{question:016x}", Workspace::STATE_NAME)),
            target_directory,
            directory,
            programs: programs.into_iter().flatten().collect(),
            asked: SystemTime::now(),
            is_stable,
        })
    }

    /// Returns the cached workspace if every stamp is unchanged.
    ///
    /// # Errors
    /// Returns the stamps of the expired entry if a stamp changed, and no stamps if there is no
    /// entry.
    pub(super) fn read(&self) -> Result<Workspace, Before> {
        let Some((stamps, workspace)) = state::read::<CachedMetadata>(&self.file) else {
            log::info!("metadata: not from the cache, since no answer is cached");
            return Err(Before::default());
        };
        let hold = |stamps: &[Stamp]| vec![stamps.iter().all(Stamp::holds)];
        let hold = parallel::parts(&stamps, hold);
        if hold.into_iter().all(|it| it) {
            log::info!("metadata: from the cache, {}", quote::name(&self.file));
            return Ok(workspace);
        }
        if log::log_enabled!(log::Level::Info)
            && let Some(changed) = stamps.iter().find(|it| !it.holds())
        {
            let path = quote::name(&changed.path);
            log::info!("metadata: not from the cache, since {path} changed");
        }
        let inputs_hash = workspace.inputs_hash;
        Err(Before {
            inputs_hash,
            stamps,
        })
    }

    /// Writes the cache entry. Also writes the declared features, unless an unstable option affects
    /// features. `paths` are manifests that cargo may have read in addition to the manifests of the
    /// workspace's packages.
    pub(super) fn write(
        &self,
        workspace: &mut Workspace,
        declared: &Declared,
        mut paths: Vec<Utf8PathBuf>,
        before: Before,
    ) {
        if workspace.target_directory != self.target_directory {
            return;
        }
        paths.extend(self.programs.iter().cloned());
        if let Some(sysroot) = &workspace.sysroot {
            let program = |name| sysroot.join("bin").join(format!("{name}{EXE_SUFFIX}"));
            paths.extend(["cargo", "rustc"].map(program));
        }
        paths.extend(self.around(&workspace.root));
        paths.push(workspace.lock_file.path.clone());
        paths.extend(named_in_root(&workspace.root));
        for package in workspace.packages.iter().filter(|it| it.source.is_none()) {
            // The package's workspace root is the nearest manifest above it with a `[workspace]`
            // table. So a manifest that appears in a directory above the package can change the
            // root.
            let above = package.directory().ancestors();
            let above = above.take_while(|it| *it != workspace.root.as_str());
            paths.extend(above.map(|above| above.join("Cargo.toml")));
            paths.push(package.manifest_path.clone());
        }
        paths.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
        paths.dedup_by(|a, b| a.as_str() == b.as_str());
        let own = workspace.packages.iter().filter(|it| it.source.is_none());
        let own: Vec<_> = own.map(Package::directory).collect();
        let known = before.stamps.iter().map(|it| (it.path.as_str(), it));
        let known: HashMap<_, _> = known.collect();
        let stamp = |path: Utf8PathBuf| {
            let before = known.get(path.as_str()).copied();
            Stamp::of(path, before)
        };
        let mut stamps = parallel::parts(&paths, |paths| {
            paths.iter().map(|path| stamp(path.clone())).collect()
        });
        stamps.extend(parallel::parts(&own, |packages| {
            let mut stamps = Vec::new();
            for package in packages {
                stamp_targets((*package).to_owned(), "", &stamp, &mut stamps);
            }
            stamps
        }));
        if stamps.iter().any(|stamp| stamp.is_fresh_at(self.asked)) {
            return;
        }
        workspace.inputs_hash = Some(hashed((&self.file, &stamps)));
        let outdated = before
            .inputs_hash
            .and_then(|it| declared::file(workspace, it));
        if let Some(outdated) = outdated {
            drop(fs::remove_file(outdated));
        }
        if self.is_stable && workspace.lock_file.state == LockState::Current {
            declared.write(workspace);
        }
        state::write(&self.file, &(stamps, &*workspace));
    }

    /// Returns the files outside the packages that decide which workspace cargo loads and how cargo
    /// resolves it: configuration, toolchain files, and the manifests up to the root.
    fn around(&self, root: &Utf8Path) -> Vec<Utf8PathBuf> {
        let mut paths = Vec::from_iter(cargo_config::configuration_files(&self.directory));
        let rustup = std::env::var("RUSTUP_HOME").ok().map(Utf8PathBuf::from);
        let rustup = rustup.or_else(|| Some(cargo_config::cargo_home()?.parent()?.join(".rustup")));
        paths.extend(rustup.map(|rustup| rustup.join("settings.toml")));
        for above in self.directory.ancestors() {
            paths.extend(toolchain_file::NAMES.map(|name| above.join(name)));
        }
        let between = self
            .directory
            .ancestors()
            .take_while(|above| above.starts_with(root));
        paths.extend(between.map(|above| above.join("Cargo.toml")));
        paths.push(root.join("Cargo.toml"));
        paths
    }
}

/// Returns the paths that the root manifest makes cargo read: the manifests of patches, used or
/// not, and the directories that match the globs of `workspace.members`.
fn named_in_root(root: &Utf8Path) -> Vec<Utf8PathBuf> {
    let manifest = files::read_text(root.join("Cargo.toml"), files::SETTINGS).unwrap_or_default();
    let manifest: toml::Table = manifest.parse().unwrap_or_default();
    // `[patch.SOURCE.NAME]` and `[replace.SPEC]`
    let patched = manifest.get("patch").into_iter().flat_map(values);
    let replaced = manifest.get("replace").into_iter();
    let mut paths: Vec<Utf8PathBuf> = patched
        .chain(replaced)
        .flat_map(values)
        .filter_map(|patch| Some(root.join(patch.get("path")?.as_str()?).join("Cargo.toml")))
        .collect();
    for member in listed(&manifest, "members") {
        let parts: Vec<&str> = member.split('/').collect();
        for (at, part) in parts.iter().enumerate() {
            if part.contains(['*', '?', '[']) {
                let listed = root.join(parts[..at].join("/"));
                let found = glob::glob(listed.as_str()).into_iter().flatten().flatten();
                paths.extend(found.filter_map(|path| Utf8PathBuf::try_from(path).ok()));
            }
        }
    }
    paths
}

fn values(table: &toml::Value) -> impl Iterator<Item = &toml::Value> {
    table.as_table().into_iter().flat_map(toml::Table::values)
}

/// Stamps the package's directory and the directories below it in which cargo looks for targets.
/// `below` is the path of `directory` below the package, for example `src/bin`, or `*` for the
/// directory of a single target.
fn stamp_targets(
    directory: Utf8PathBuf,
    below: &str,
    stamp: &impl Fn(Utf8PathBuf) -> Stamp,
    stamps: &mut Vec<Stamp>,
) {
    let stamped = stamp(directory);
    for name in stamped.directories() {
        let next = match (below, name.as_str()) {
            ("", "src" | "tests" | "examples" | "benches") => name,
            ("src", "bin") => "src/bin",
            ("" | "src" | "*", _) => continue,
            // A target may be a directory that holds a `main.rs`.
            _ => "*",
        };
        stamp_targets(stamped.path.join(name), next, stamp, stamps);
    }
    stamps.push(stamped);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::testing::{scratch, workspace_in, write};

    #[test]
    fn an_answer_is_not_cached_if_a_file_changed_while_cargo_ran() {
        let (_scratch, root) = scratch();
        let mut workspace = workspace_in(&root, "a: lib");
        write(&root.join("Cargo.toml"), "[workspace]");
        write(&root.join("a/Cargo.toml"), "[package]");
        fs::create_dir_all(&workspace.target_directory).unwrap();
        let mut is_cached = |asked: SystemTime| {
            let cache = MetadataCache {
                file: state::in_target(&workspace.target_directory).join("metadata-0"),
                target_directory: workspace.target_directory.clone(),
                directory: root.clone(),
                programs: Vec::new(),
                asked,
                is_stable: false,
            };
            let declared = Declared::default();
            cache.write(&mut workspace, &declared, Vec::new(), Before::default());
            cache.read().is_ok()
        };
        let now = SystemTime::now();
        assert!(!is_cached(now - Duration::from_secs(1)));
        assert!(!is_cached(now));
        assert!(is_cached(now + Duration::from_secs(1)));
    }
}
