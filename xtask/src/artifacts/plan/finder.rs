//! Finds a unit's artifacts among the files of a profile directory.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};

use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::build_dir::Layout;
use xtask_impact::build_dir::dep_info::first_rule_has;
use xtask_impact::build_dir::unit_record::{RecordedKind, RecordedMode, UnitName};
use xtask_impact::records::names::target_kind;
use xtask_impact::workspace::{PackageIx, Workspace};
use xtask_impact::{build_dir, workspace};

use super::Artifact;
use crate::artifacts::profile_dir::{ProfileDirScan, ScannedUnit, plain_names};

/// The names in a profile directory, by hash and by crate name.
pub(crate) struct ArtifactFinder<'a> {
    contents: &'a ProfileDirScan,
    by_hash: HashMap<&'a str, Vec<Utf8PathBuf>>,
    incremental: HashMap<&'a str, Vec<Utf8PathBuf>>,
    workspace: &'a Workspace,
    namesakes: OnceCell<Namesakes>,
}

/// The packages that have a target of a kind and crate name.
type Namesakes = HashMap<(workspace::TargetKind, String), BTreeSet<PackageIx>>;

impl<'a> ArtifactFinder<'a> {
    pub(crate) fn new(workspace: &'a Workspace, contents: &'a ProfileDirScan) -> Self {
        let mut finder = Self {
            contents,
            by_hash: HashMap::new(),
            incremental: HashMap::new(),
            workspace,
            namesakes: OnceCell::new(),
        };
        let place = &contents.place.path;
        for shared in ["deps", "examples", "build"].map(|name| place.join(name)) {
            for name in contents.names.get(&shared).into_iter().flatten() {
                if let Some(hash) = build_dir::hash_in(name) {
                    let named = finder.by_hash.entry(hash).or_default();
                    named.push(shared.join(name));
                }
            }
        }
        let incremental = place.join("incremental");
        for name in contents.names.get(&incremental).into_iter().flatten() {
            if let Some((crate_name, _)) = name.rsplit_once('-') {
                let named = finder.incremental.entry(crate_name).or_default();
                named.push(incremental.join(name));
            }
        }
        finder
    }

    /// Returns all artifacts of a unit. If the fingerprint directory is shared, only the unit's own
    /// files in it are returned. Documentation pages are only returned if `documentation` is true.
    pub(crate) fn artifacts(
        &self,
        found: &ScannedUnit,
        documentation: bool,
    ) -> Vec<(Artifact, Utf8PathBuf)> {
        let place = &self.contents.place;
        let fingerprint = place.fingerprint_dir(&found.package_name, &found.hash);
        let Some(unit) = &found.unit else {
            let mut artifacts = self.of_hash(found, fingerprint);
            // The unit may be a script run that failed.
            artifacts.push(self.script_output(found));
            return artifacts;
        };
        let mut artifacts = if found.shares {
            let name = unit.file_name();
            let files = [
                name.clone(),
                format!("{name}.json"),
                format!("dep-{name}"),
                format!("output-{name}"),
            ];
            files
                .map(|file| (Artifact::Fingerprint, fingerprint.join(file)))
                .into()
        } else {
            self.of_hash(found, fingerprint)
        };
        let crate_name = unit.target.replace('-', "_");
        match unit.mode {
            RecordedMode::Run => {
                artifacts.push(self.script_output(found));
                return artifacts;
            }
            // Two packages with the same crate name share one page; the package that was documented
            // last wrote it.
            RecordedMode::Doc
                if documentation
                    && !self.is_shared_with_another(found, &crate_name, &KINDS[..2]) =>
            {
                let below = [crate_name.clone(), format!("src/{crate_name}")];
                if let Some(documentation) = &self.contents.documentation {
                    let paths = below.iter().map(|below| documentation.join(below));
                    artifacts.extend(paths.map(|path| (Artifact::Documentation, path)));
                }
                return artifacts;
            }
            RecordedMode::Doc => return artifacts,
            _ => {}
        }
        if found.package.is_some() || !self.is_shared_with_another(found, &crate_name, &KINDS) {
            let incremental = self.incremental.get(&*crate_name).into_iter().flatten();
            artifacts.extend(incremental.map(|path| (Artifact::Incremental, path.clone())));
        }
        if unit.mode == RecordedMode::Compile && unit.kind != RecordedKind::BuildScript {
            if place.layout == Layout::V1 && !self.by_hash.contains_key(&*found.hash) {
                let directory = place.output_dir(&found.package_name, &found.hash, unit.kind);
                let files = self.plain(found, unit, &directory, Artifact::Output);
                artifacts.extend(files);
            }
            let directory = match unit.kind {
                RecordedKind::Example => self.contents.outputs.join("examples"),
                _ => self.contents.outputs.clone(),
            };
            artifacts.extend(self.plain(found, unit, &directory, Artifact::Uplifted));
        }
        artifacts
    }

    /// Returns the packages by target kind and crate name. The map is made when the first file has
    /// to be found by its name alone.
    fn namesakes(&self) -> &Namesakes {
        self.namesakes.get_or_init(|| {
            let mut namesakes = Namesakes::new();
            for (index, package) in self.workspace.packages() {
                for target in &package.targets {
                    let key = (target.kind, target.name.replace('-', "_"));
                    namesakes.entry(key).or_default().insert(index);
                }
            }
            namesakes
        })
    }

    /// Returns true if another package of the workspace has a target of these kinds with this crate
    /// name.
    fn is_shared_with_another(
        &self,
        found: &ScannedUnit,
        crate_name: &str,
        kinds: &[workspace::TargetKind],
    ) -> bool {
        let of_kind = |&kind| self.namesakes().get(&(kind, crate_name.to_owned()));
        let mut packages = kinds.iter().filter_map(of_kind).flatten();
        packages.any(|&package| Some(package) != found.package)
    }

    /// Returns the output of a script's run. Cargo compares the output with the times of the run's
    /// inputs. Without the output cargo rebuilds the run and its dependents. While the output
    /// exists, cargo calls the dependents fresh, even if the run's fingerprint is gone.
    fn script_output(&self, found: &ScannedUnit) -> (Artifact, Utf8PathBuf) {
        let place = &self.contents.place;
        let output = place.script_output(&found.package_name, &found.hash);
        (Artifact::Fingerprint, output)
    }

    /// Returns the artifacts that have the unit's hash in their names.
    fn of_hash(
        &self,
        found: &ScannedUnit,
        fingerprint: Utf8PathBuf,
    ) -> Vec<(Artifact, Utf8PathBuf)> {
        let outputs = match self.contents.place.layout {
            Layout::V1 => self.by_hash.get(&*found.hash).cloned().unwrap_or_default(),
            Layout::V2 => Vec::from_iter(fingerprint.parent().map(Utf8Path::to_owned)),
        };
        let mut artifacts = vec![(Artifact::Fingerprint, fingerprint)];
        artifacts.extend(outputs.into_iter().map(|path| (Artifact::Output, path)));
        artifacts
    }

    /// Returns the unit's files that have no hash in their names. If a dep-info lies beside the
    /// files, its sources show whether the files belong to the unit. Otherwise the name decides, if
    /// no other package has a target of the same name.
    fn plain(
        &self,
        found: &ScannedUnit,
        unit: &UnitName,
        directory: &Utf8Path,
        artifact: Artifact,
    ) -> Vec<(Artifact, Utf8PathBuf)> {
        let stems = plain_names(unit);
        let mut dep_infos = stems.iter().map(|stem| directory.join(format!("{stem}.d")));
        let dep_info = dep_infos.find_map(|path| self.contents.dep_infos.get(&path));
        let is_its = match (dep_info, &found.root) {
            (Some(text), Some(root)) => {
                // Cargo writes absolute paths, rustc writes the paths that cargo passed.
                let below = root.strip_prefix(&self.workspace.root).unwrap_or(root);
                [root, below].iter().any(|file| first_rule_has(text, file))
            }
            _ if found.package.is_none() => false,
            _ => {
                let (kind, name) = (target_kind(unit.kind), unit.target.replace('-', "_"));
                let namesakes = self.namesakes().get(&(kind, name));
                namesakes.is_some_and(|packages| packages.len() == 1)
            }
        };
        let (true, Some(names)) = (is_its, self.contents.names.get(directory)) else {
            return Vec::new();
        };
        let mut files = Vec::new();
        for (index, stem) in stems.iter().enumerate() {
            let extensions = match (unit.kind, artifact, index) {
                // A binary of the same name has these files.
                (RecordedKind::Lib, Artifact::Uplifted, 1) => &EXTENSIONS[5..],
                (RecordedKind::Lib, ..) => &EXTENSIONS[1..],
                _ => &EXTENSIONS[..],
            };
            let named = extensions
                .iter()
                .map(|extension| format!("{stem}{extension}"));
            let present = named.filter(|name| names.binary_search(name).is_ok());
            files.extend(present.map(|name| (artifact, directory.join(name))));
        }
        files
    }
}

/// The kinds of targets. The kinds that can be documented come first.
const KINDS: [workspace::TargetKind; 5] = {
    use workspace::TargetKind::{Bench, Bin, Example, Lib, Test};
    [Lib, Bin, Example, Test, Bench]
};

/// The extensions that rustc and linkers append to a name: the extensions of executables first,
/// then those of libraries only.
const EXTENSIONS: [&str; 17] = [
    "", ".d", ".exe", ".pdb", ".js", ".wasm", ".dwp", ".dSYM", ".rlib", ".so", ".a", ".dylib",
    ".dll", ".dll.a", ".dll.lib", ".dll.exp", ".lib",
];
