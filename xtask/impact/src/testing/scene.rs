//! A workspace on disk, with records of builds, for the tests of seeds and of records.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::File;
use std::time::{Duration, SystemTime};

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::build_dir::evidence::ProfileRecords;
use crate::cargo_config::{CargoConfig, Surroundings};
use crate::change_set::OutsidePackages;
use crate::process::Runner;
use crate::records::changed::ChangedPaths;
use crate::records::layout::PackageDirectories;
use crate::records::{QueryContext, Records};
use crate::seeds;
use crate::seeds::rules::Rules;
use crate::seeds::settings::{BothSides, SettingFiles};
use crate::seeds::{Effect, Resolution, Seed, SeedInputs};
use crate::testing::{name, scratch, workspace_in, write};
use crate::unit_graph::{UnitGraph, Verb};
use crate::vcs::{Change, ChangeStatus, Repository, Seen};
use crate::workspace::{Package, Workspace};

/// A workspace on disk. Its files are 1,000 seconds old.
pub(crate) struct Scene {
    _directory: TempDir,
    pub(crate) root: Utf8PathBuf,
    pub(crate) workspace: Workspace,
    pub(crate) graph: UnitGraph,
    verb: Verb,
    now: SystemTime,
    changes: Vec<Change>,
    contents: HashMap<Utf8PathBuf, BothSides>,
    records: Vec<Value>,
    pub(crate) head_moved: bool,
    pub(crate) resolution: Resolution,
    /// Cargo's configuration, if it changed.
    pub(crate) config: Option<CargoConfig>,
    /// The target triples that the query names.
    pub(crate) targets: Vec<String>,
    pub(crate) profile: Option<String>,
    /// True if both sides of a toolchain file choose the same compiler.
    pub(crate) is_same_compiler: bool,
}

impl Scene {
    /// Creates the workspace on disk: a manifest for each package, an empty source for each target,
    /// and the given files. Downloaded packages lie in `.registry`.
    pub(crate) fn new(text: &str, verb: Verb, files: &[(&str, &str)]) -> Self {
        let (directory, root) = scratch();
        let mut workspace = workspace_in(&root, text);
        for package in &mut workspace.packages {
            keep_in(&root, package);
        }
        let graph = UnitGraph::new(&workspace, verb);
        let scene = Self {
            _directory: directory,
            root,
            workspace,
            graph,
            verb,
            now: whole_seconds(SystemTime::now()),
            changes: Vec::new(),
            contents: HashMap::new(),
            records: Vec::new(),
            head_moved: false,
            resolution: Resolution::Unchanged,
            config: None,
            targets: Vec::new(),
            profile: None,
            is_same_compiler: false,
        };
        scene.write("Cargo.toml", "[workspace]\n");
        for (_, package) in scene.workspace.packages() {
            let manifest = format!("[package]\nname = {:?}\n", package.name);
            scene.write(package.manifest_path.as_str(), &manifest);
            for target in &package.targets {
                scene.write(target.src_path.as_str(), "");
            }
        }
        for (path, text) in files {
            scene.write(path, text);
        }
        scene
    }

    /// Writes a file that is 1,000 seconds old.
    pub(crate) fn write(&self, path: &str, text: &str) {
        write(&self.root.join(path), text);
        self.set_age(path, 1000);
    }

    /// Sets the modification time of a file to a number of seconds before now.
    pub(crate) fn set_age(&self, path: &str, seconds: u64) {
        let file = File::options().append(true).open(self.root.join(path));
        file.unwrap().set_modified(self.ago(seconds)).unwrap();
    }

    fn ago(&self, seconds: u64) -> SystemTime {
        self.now - Duration::from_secs(seconds)
    }

    /// Adds a path to the change set.
    pub(crate) fn change(&mut self, path: &str, status: ChangeStatus) {
        self.changes.push(Change {
            path: path.into(),
            status,
            seen: Seen::WorkTree,
        });
    }

    /// Adds a path that the user named as changed.
    pub(crate) fn name_as_changed(&mut self, path: &str) {
        self.change(path, ChangeStatus::Modified);
        self.changes.last_mut().unwrap().seen = Seen::Named;
    }

    /// Sets both sides of a changed file; `None` for a side without the file.
    pub(crate) fn set_sides(&mut self, path: &str, before: Option<&str>, after: Option<&str>) {
        let (before, after) = (before.map(str::to_owned), after.map(str::to_owned));
        self.contents
            .insert(path.into(), BothSides { before, after });
    }

    /// Adds a modified file to the change set, given the text of both sides.
    pub(crate) fn edit(&mut self, path: &str, before: &str, after: &str) {
        self.change(path, ChangeStatus::Modified);
        self.write(path, after);
        let (before, after) = (Some(before.to_owned()), Some(after.to_owned()));
        self.contents
            .insert(path.into(), BothSides { before, after });
    }

    /// Adds the record of a compiled unit. The record is `age` seconds old and lists the given
    /// files. The records of dependents refer to the record by `value`, and `on` are the values of
    /// the records of the unit's dependencies.
    pub(crate) fn compiled(
        &mut self,
        unit: (&str, &str),
        files: &[&str],
        age: u64,
        (value, on): (u64, &[u64]),
    ) {
        let (package, kind) = unit;
        let files: Vec<_> = files.iter().map(|file| self.root.join(file)).collect();
        let inputs = json!({ "Compiled": { "files": files, "real": [], "env": [] } });
        let (mode, kind, target) = match kind {
            "script" => ("compile", "build-script", "build-script-build"),
            "lib test" => ("test", "lib", package),
            "bin" => ("compile", "bin", package),
            _ => ("compile", "lib", package),
        };
        let name = json!({ "mode": mode, "kind": kind, "target": target });
        self.record(package, name, inputs, age, (value, on));
    }

    /// Adds a variable to the last record of a compiled unit.
    pub(crate) fn reads_variable(&mut self, name: &str) {
        let inputs = &mut self.records.last_mut().unwrap()["inputs"][0][1];
        inputs["Compiled"]["env"] = json!([name]);
    }

    /// Adds the record of a script run that watched these paths. Without paths, the script run
    /// watched its package.
    pub(crate) fn run(&mut self, package: &str, watched: &[&str], age: u64, on: u64) {
        let watched: Vec<_> = watched.iter().map(|path| self.root.join(path)).collect();
        let watch = match watched.is_empty() {
            true => json!({ "Package": null }),
            false => json!({ "Declared": [watched, []] }),
        };
        let target = "build-script-build";
        let name = json!({ "mode": "run", "kind": "build-script", "target": target });
        self.record(
            package,
            name,
            json!({ "Run": watch }),
            age,
            (on + 1000, &[on]),
        );
    }

    /// Adds the record of a script run that watched its package. The record names the newest file of
    /// the package with the age of the file.
    pub(crate) fn watched_package(
        &mut self,
        package: &str,
        newest: (&str, u64),
        age: u64,
        on: u64,
    ) {
        let (file, age_of_file) = newest;
        let file = self.root.join(package).join(file);
        let newest = json!({ "path": file, "time": self.ago(age_of_file) });
        let target = "build-script-build";
        let name = json!({ "mode": "run", "kind": "build-script", "target": target });
        let inputs = json!({ "Run": { "Package": newest } });
        self.record(package, name, inputs, age, (on + age_of_file, &[on]));
    }

    /// Adds the record of a library's documentation. The record is `age` seconds old, and names the
    /// newest file of the package with the age of the file.
    pub(crate) fn documented(&mut self, package: &str, newest: (&str, u64), age: u64) {
        let name = json!({ "mode": "doc", "kind": "lib", "target": package });
        self.record(package, name, Value::Null, age, (30, &[]));
        let (file, age_of_file) = newest;
        let time = self.ago(age_of_file).duration_since(SystemTime::UNIX_EPOCH);
        let record = self.records.last_mut().unwrap();
        record["inputs"] = json!([]);
        let seconds = time.unwrap().as_secs();
        record["documented"] = json!(format!("{seconds}.000000000s ({file})"));
        record["stamp"] = json!([record["invoked"], 1]);
    }

    fn record(
        &mut self,
        package: &str,
        name: Value,
        inputs: Value,
        age: u64,
        (value, on): (u64, &[u64]),
    ) {
        let on: Vec<(u64, u64)> = on.iter().map(|&value| (value / 10, value)).collect();
        let names: Vec<u64> = on.iter().map(|(package, _)| *package).collect();
        self.records.push(json!({
            "package": package, "name": name, "rustc": 1, "features": [], "invoked": self.ago(age),
            "inputs": [[self.root.join(package), inputs]], "documented": null, "compiled_from": null,
            "hash": format!("{value:016x}"), "value": value,
            "likeness": value, "dependencies": on, "names": names, "stamp": null,
        }));
    }

    /// Returns changes as lines, and after them the notes, with `ROOT` for the directory.
    pub(crate) fn told(&self, changes: &[Change], notes: &[String]) -> String {
        let mut lines: Vec<String> = changes
            .iter()
            .map(|it| format!("{:?} {}\n", it.status, it.path))
            .collect();
        lines.extend(notes.iter().map(|note| format!("{note}\n")));
        lines.concat().replace(self.root.as_str(), "ROOT")
    }

    /// Makes the directory of the scene a repository, with all files that `ignored` does not match
    /// in one commit.
    pub(crate) fn commit(&self, ignored: &str) -> Repository {
        self.write(".gitignore", ignored);
        let runner = self.runner();
        for arguments in [
            &["init", "--quiet"][..],
            &["add", "--all"],
            &["commit", "--quiet", "--message", "first"],
        ] {
            let mut git = runner.git();
            git.args(["-c", "user.name=test", "-c", "user.email=test@example.org"]);
            let output = git.args(arguments).output().unwrap();
            assert!(output.status.success(), "{arguments:?}: {output:?}");
        }
        Repository::discover(&runner, &self.root).unwrap().unwrap()
    }

    fn runner(&self) -> Runner {
        Runner::new().unwrap().in_directory(&self.root)
    }

    /// Removes a record by its place in the order of their creation.
    pub(crate) fn remove_record(&mut self, place: usize) {
        self.records.remove(place);
    }

    /// Sets a value of the last record.
    pub(crate) fn set_in_record(&mut self, key: &str, value: Value) {
        self.records.last_mut().unwrap()[key] = value;
    }

    /// Sets a value of a record, given its place in the order of their creation.
    pub(crate) fn set_in_record_at(&mut self, place: usize, key: &str, value: Value) {
        self.records[place][key] = value;
    }

    /// Passes the packages and their records to a function that looks for changes that git does not
    /// list.
    pub(crate) fn with_builds<T>(&self, then: impl FnOnce(&OutsidePackages<'_>) -> T) -> T {
        then(&OutsidePackages {
            workspace: &self.workspace,
            layout: &PackageDirectories::new(&self.workspace),
            places: &self.places(),
            directory: Some("debug"),
            runner: &self.runner(),
        })
    }

    /// Moves the last record to the profile directory of a target triple.
    pub(crate) fn move_to_triple(&mut self) {
        self.set_in_record("triple", json!("T"));
    }

    /// Returns the records of this scene, by profile directory.
    pub(crate) fn places(&self) -> Vec<ProfileRecords> {
        let (of_triple, of_host): (Vec<&Value>, Vec<&Value>) =
            self.records.iter().partition(|it| it["triple"] == "T");
        let place = |path: &str, units: Vec<&Value>| {
            json!({
                "directory": "debug", "path": self.root.join(path), "units": units,
                "is_v1": true, "marks": [], "wanted": 0,
            })
        };
        let places = json!([
            place("target/debug", of_host),
            place("target/T/debug", of_triple),
        ]);
        serde_json::from_value(places).unwrap()
    }

    /// Passes the records of this scene to a function.
    pub(crate) fn with_records<T>(&self, then: impl FnOnce(&Records<'_>) -> T) -> T {
        let places = self.places();
        let layout = PackageDirectories::new(&self.workspace);
        let changed = self.changes.iter().map(|it| self.root.join(&it.path));
        let changed: ChangedPaths = changed.collect();
        let context = QueryContext {
            workspace: &self.workspace,
            graph: &self.graph,
            layout: &layout,
            changed: &changed,
        };
        then(&Records::new(context, "debug", false, &places))
    }

    /// Reads cargo's configuration, as after a change, given the environment variables.
    pub(crate) fn read_config(&mut self, variables: &[(&str, &str)]) {
        let variables = variables.iter();
        let around = Surroundings {
            variables: variables
                .map(|&(name, value)| (name.into(), value.into()))
                .collect(),
            ..Surroundings::default()
        };
        self.config = Some(CargoConfig::in_directory(&self.root, &around).unwrap());
    }

    /// Finds the seeds of the change set.
    pub(crate) fn find(&self) -> Vec<Seed> {
        self.with_inputs(|inputs| seeds::find(inputs, HashMap::new()))
    }

    /// Passes the data that seeds are found from to a function.
    pub(crate) fn with_inputs<T>(&self, then: impl FnOnce(&SeedInputs<'_>) -> T) -> T {
        self.with_records(|records| {
            let inputs = SeedInputs {
                workspace: &self.workspace,
                graph: &self.graph,
                verb: self.verb,
                profile: self.profile.as_deref(),
                root: &self.root,
                changes: &self.changes,
                head_moved: self.head_moved,
                targets: &self.targets,
                config: self.config.as_ref(),
                contents: &|path: &Utf8Path| self.contents.get(path).cloned().unwrap_or_default(),
                is_same_compiler: &|_, _| self.is_same_compiler,
                resolution: &self.resolution,
                layout: &PackageDirectories::new(&self.workspace),
                records,
                rules: &Rules::new(&self.workspace).unwrap(),
                settings: &SettingFiles::new(&self.workspace),
                facts: &RefCell::default(),
            };
            then(&inputs)
        })
    }

    /// Returns the seeds, one per line: the unit, the rule, and `rerun` if the unit is only run
    /// again.
    pub(crate) fn seeds(&self) -> String {
        let line = |seed: &Seed| {
            let unit = name(&self.workspace, &self.graph, seed.unit);
            let rerun = match seed.effect {
                Effect::Rebuilt => "",
                Effect::Rerun => ", rerun",
            };
            format!("{unit}: {:?}{rerun}\n", seed.rule)
        };
        let mut lines: Vec<String> = self.find().iter().map(line).collect();
        lines.sort();
        lines.dedup();
        lines.concat()
    }
}

/// Moves the files of a downloaded package into the directory of the scene.
fn keep_in(root: &Utf8Path, package: &mut Package) {
    let roots = package.targets.iter_mut().map(|it| &mut it.src_path);
    for path in roots.chain([&mut package.manifest_path]) {
        if let Ok(below) = path.strip_prefix("/registry") {
            *path = root.join(".registry").join(below);
        }
    }
}

/// Returns a time rounded down to whole seconds, because every file system keeps whole seconds.
fn whole_seconds(time: SystemTime) -> SystemTime {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs())
}
