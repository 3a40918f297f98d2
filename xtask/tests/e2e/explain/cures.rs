//! Every damage of an artifact: real cargo fails, `explain` names the verdict, and the proposed
//! command alone makes the next build pass.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::scene::{Scene, cut, damage, zero};

/// A way to damage the scene.
#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    /// The arguments of the failing cargo.
    cargo: &'static [&'static str],
    damage: fn(&Scene),
    /// The package that is edited, so that cargo compiles the package again.
    edited: &'static str,
    verdict: &'static str,
    /// Units that the explanation names: package and unit.
    units: &'static str,
}

/// The cases of the ordinary suite: one of each kind.
const KINDS: &[Case] = &[
    Case {
        name: "metadata cut short",
        cargo: &["check"],
        damage: |scene| damage(&scene.metadata_of_check("base"), cut),
        edited: "mid",
        verdict: "E0786 damaged",
        units: "base lib",
    },
    Case {
        name: "metadata empty",
        cargo: &["check"],
        damage: |scene| damage(&scene.metadata_of_check("base"), Vec::clear),
        edited: "mid",
        verdict: "E0463 damaged",
        units: "base lib",
    },
    Case {
        name: "library cut short",
        cargo: &["build"],
        damage: |scene| damage(&scene.library("base"), cut),
        edited: "app",
        verdict: "E0786 damaged",
        units: "base lib",
    },
    Case {
        name: "object in a library zero",
        cargo: &["build"],
        damage: |scene| damage(&scene.library("base"), |it| zero_objects(it)),
        edited: "app",
        verdict: "- damaged",
        units: "base lib",
    },
    Case {
        name: "object in the incremental cache zero",
        cargo: &["build"],
        damage: |scene| {
            for object in incremental_objects(scene) {
                damage(&object, |it| zero(it));
            }
        },
        edited: "app",
        verdict: "- damaged",
        units: "",
    },
    Case {
        name: "generated file missing",
        cargo: &["check"],
        damage: |scene| fs::remove_file(scene.generated()).unwrap(),
        edited: "mid",
        verdict: "- damaged",
        units: "mid build script run",
    },
    Case {
        name: "script cut short",
        cargo: &["check"],
        damage: |scene| {
            damage(&scene.script(), cut);
            fs::remove_file(scene.script_output()).unwrap();
        },
        edited: "",
        verdict: "- damaged",
        units: "mid build script",
    },
    Case {
        name: "metadata of another checkout",
        cargo: &["check"],
        damage: |scene| {
            let other = scene.foreign_base(&scene.metadata_of_check("base"));
            damage(&scene.metadata_of_check("base"), |it| *it = other);
        },
        edited: "app",
        verdict: "E0460 foreign",
        units: "base lib",
    },
    Case {
        name: "source replaced with an old time",
        cargo: &["check"],
        damage: |scene| {
            newer_source(scene);
            scene.project.append(
                "crates/mid/src/lib.rs",
                "pub fn f() -> u64 { base::three() }\n",
            );
        },
        edited: "mid",
        verdict: "E0425 stale",
        units: "base lib",
    },
];

/// Further cases, for the nightly suite.
const FURTHER: &[Case] = &[
    Case {
        name: "metadata zero",
        damage: |scene| damage(&scene.metadata_of_check("base"), |it| zero(it)),
        ..KINDS[0]
    },
    Case {
        name: "metadata of a build cut short",
        cargo: &["build"],
        damage: |scene| damage(&scene.metadata_of_build("base"), cut),
        ..KINDS[0]
    },
    Case {
        name: "library zero",
        damage: |scene| damage(&scene.library("base"), |it| zero(it)),
        ..KINDS[2]
    },
    Case {
        name: "library empty",
        damage: |scene| damage(&scene.library("base"), Vec::clear),
        ..KINDS[2]
    },
    Case {
        name: "end of the library zero",
        damage: |scene| {
            damage(&scene.library("base"), |it| {
                let half = it.len() / 2;
                it[half..].fill(0);
            });
        },
        ..KINDS[2]
    },
    Case {
        name: "procedural macro cut short",
        damage: |scene| damage(&scene.macro_library(), cut),
        units: "mac lib",
        ..KINDS[2]
    },
    Case {
        name: "procedural macro zero",
        damage: |scene| damage(&scene.macro_library(), |it| zero(it)),
        units: "mac lib",
        ..KINDS[2]
    },
    Case {
        name: "procedural macro empty",
        damage: |scene| damage(&scene.macro_library(), Vec::clear),
        units: "mac lib",
        ..KINDS[2]
    },
    Case {
        name: "metadata of another build",
        damage: |scene| {
            let other = scene.other_base(&scene.metadata_of_check("base"));
            damage(&scene.metadata_of_check("base"), |it| *it = other);
        },
        verdict: "E0460 stale",
        ..KINDS[7]
    },
    Case {
        name: "library of another build beside the metadata",
        cargo: &["build"],
        damage: |scene| {
            let other = scene.other_base(&scene.library("base"));
            damage(&scene.library("base"), |it| *it = other);
        },
        edited: "app",
        verdict: "- stale",
        units: "base lib",
    },
    Case {
        name: "library and metadata of another build",
        cargo: &["build"],
        damage: |scene| {
            for path in [scene.library("base"), scene.metadata_of_build("base")] {
                let other = scene.other_base(&path);
                damage(&path, |it| *it = other);
            }
        },
        edited: "app",
        verdict: "E0460 stale",
        units: "base lib",
    },
    Case {
        name: "program cut short",
        cargo: &["run"],
        damage: |scene| damage(&scene.program(), cut),
        edited: "",
        verdict: "- damaged",
        units: "app bin app",
    },
    Case {
        name: "script without the permission to be executed",
        cargo: &["check"],
        damage: |scene| {
            forbid_execution(&scene.script());
            fs::remove_file(scene.script_output()).unwrap();
        },
        edited: "",
        verdict: "- damaged",
        units: "mid build script",
    },
    Case {
        name: "program without the permission to be executed",
        cargo: &["run"],
        damage: |scene| forbid_execution(&scene.program()),
        edited: "",
        verdict: "- damaged",
        units: "app bin app",
    },
    Case {
        name: "metadata and its copy in the cache damaged in two ways",
        damage: |scene| {
            let metadata = scene.metadata_of_check("base");
            let bytes = fs::read(&metadata).unwrap();
            for copy in scene.built_files() {
                let is_copy = copy.to_str().unwrap().contains("/incremental/base-")
                    && fs::read(&copy).unwrap() == bytes;
                if is_copy {
                    fs::remove_file(&copy).unwrap();
                    fs::write(&copy, &bytes[..bytes.len() / 3]).unwrap();
                }
            }
            damage(&metadata, cut);
        },
        ..KINDS[0]
    },
    Case {
        name: "method that the artifact lacks",
        damage: |scene| {
            let source = "crates/base/src/lib.rs";
            let text = scene.project.read(source);
            let method = "impl Thing {\n    pub fn four(&self) -> u32 {\n        4\n    }\n}\n";
            scene.write_with_old_time(source, &(text + method));
            scene.project.append(
                "crates/mid/src/lib.rs",
                "pub fn f() -> u32 { base::Thing(1).four() }\n",
            );
        },
        verdict: "E0599 stale",
        ..KINDS[8]
    },
    Case {
        name: "import of a name that the artifact lacks",
        damage: |scene| {
            newer_source(scene);
            scene
                .project
                .append("crates/mid/src/lib.rs", "pub use base::three;\n");
        },
        verdict: "E0432 stale",
        ..KINDS[8]
    },
    Case {
        name: "metadata of another rustc",
        damage: |scene| {
            damage(&scene.metadata_of_check("base"), |it| {
                let at = it.windows(8).position(|it| it == b"rustc 1.").unwrap() + 8;
                it[at] = if it[at] == b'1' { b'2' } else { b'1' };
            });
        },
        verdict: "E0514 toolchain-mismatch",
        ..KINDS[0]
    },
];

/// Writes zeros over the code objects of an archive.
fn zero_objects(bytes: &mut [u8]) {
    let mut at = 8;
    while at < bytes.len() {
        let size = std::str::from_utf8(&bytes[at + 48..at + 58])
            .unwrap()
            .trim();
        let size: usize = size.parse().unwrap();
        let content = at + 60..at + 60 + size;
        if bytes[at] == b'/' && bytes[content.clone()].starts_with(b"\x7fELF") {
            bytes[content].fill(0);
        }
        at += 60 + size + size % 2;
    }
}

fn forbid_execution(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
}

fn incremental_objects(scene: &Scene) -> Vec<PathBuf> {
    let files = scene.built_files().into_iter();
    let objects = files.filter(|it| {
        let path = it.to_str().unwrap();
        path.contains("/incremental/app-") && path.ends_with(".o")
    });
    objects.collect()
}

fn newer_source(scene: &Scene) {
    let source = "crates/base/src/lib.rs";
    let text = scene.project.read(source) + "pub fn three() -> u64 { 3 }\n";
    scene.write_with_old_time(source, &text);
}

impl Case {
    /// Runs cargo, and returns its standard error if cargo failed. A shell says if a program crashed.
    fn fails(&self, scene: &Scene) -> Option<String> {
        scene.shell(&format!("cargo {}; exit $?", self.cargo.join(" ")))
    }

    /// Damages the scene, and returns the real text of cargo.
    fn fail(&self, scene: &Scene) -> String {
        scene.reset();
        (self.damage)(scene);
        scene.edit(self.edited);
        let said = self.fails(scene);
        said.unwrap_or_else(|| panic!("{}: cargo did not fail", self.name))
    }

    /// Checks verdict, names and sizes, and that the command cures.
    fn is_cured(&self, scene: &Scene) {
        let name = self.name;
        let said = self.fail(scene);
        // Without the proposed command, the next build fails again.
        assert!(self.fails(scene).is_some(), "{name}");
        let answer = scene.explained(&said);
        let found = &answer["explanations"][0];
        let code = found["code"].as_str().unwrap_or("-");
        let verdict = format!("{code} {}", found["verdict"].as_str().unwrap());
        assert_eq!(verdict, self.verdict, "{name}: {said}\n{answer:#}");
        let units = found["artifacts"].as_array().unwrap().iter().map(|it| {
            let package = it["package"].as_str().unwrap().split(' ').next().unwrap();
            format!("{package} {}", it["unit"].as_str().unwrap())
        });
        let units: BTreeSet<String> = units.collect();
        assert_eq!(
            Vec::from_iter(units).join(", "),
            self.units,
            "{name}: {answer:#}"
        );
        let cure = &found["cure"];
        let before = scene.built_files();
        let command = cure["command"].as_str().unwrap();
        assert_eq!(
            scene.shell(command).filter(|it| it.contains("error")),
            None,
            "{name}: {command}"
        );
        let removed = before.difference(&scene.built_files()).count();
        assert_eq!(cure["files"], removed as u64, "{name}: {answer:#}");
        assert_eq!(self.fails(scene), None, "{name}: {command}");
    }

    /// Checks that every part of the removal is needed: without one unit or one cache, cargo fails
    /// again or keeps the bad file.
    fn needs_all(&self, scene: &Scene) {
        let said = self.fail(scene);
        let answer = scene.explained(&said);
        let artifacts = answer["explanations"][0]["artifacts"]
            .as_array()
            .unwrap()
            .iter();
        let artifacts = artifacts.map(|it| PathBuf::from(it["path"].as_str().unwrap()));
        let bad: Vec<(PathBuf, Option<Vec<u8>>)> = artifacts
            .map(|path| (path.clone(), fs::read(path).ok()))
            .collect();
        let output = scene.explain(&["-", "--fix", "--dry-run", "--format", "json"], &said);
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        let directories = answer["removals"]["directories"].as_array().unwrap().iter();
        let removals = directories.flat_map(|it| it["removals"].as_array().unwrap());
        let mut groups: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
        for removal in removals {
            let group = match removal["kind"].as_str().unwrap() {
                // A script may keep a damaged file that exists.
                "fingerprint" | "output" => format!("{} {}", removal["package"], removal["unit"]),
                _ => removal["path"].to_string(),
            };
            groups
                .entry(group)
                .or_default()
                .push(removal["path"].as_str().unwrap().into());
        }
        assert!(!groups.is_empty(), "{}: {answer:#}", self.name);
        for left_out in groups.keys() {
            self.fail(scene);
            for path in groups
                .iter()
                .filter(|it| it.0 != left_out)
                .flat_map(|it| it.1)
            {
                let _ = fs::remove_dir_all(path).or_else(|_| fs::remove_file(path));
            }
            let is_bad = self.fails(scene).is_some()
                || bad
                    .iter()
                    .any(|(path, bytes)| fs::read(path).ok() == *bytes);
            assert!(is_bad, "{}: without {left_out}", self.name);
        }
    }
}

#[test]
fn the_proposed_command_alone_cures_each_kind_of_damage() {
    let scene = Scene::new();
    for case in KINDS {
        case.is_cured(&scene);
    }
}

const NATIVE_MISSING: Case = Case {
    name: "native library missing",
    cargo: &["build"],
    damage: |scene| fs::remove_file(scene.native()).unwrap(),
    edited: "mid",
    verdict: "- damaged",
    units: "mid build script run",
};

/// Cases with a native library that a build script makes.
const NATIVE: &[Case] = &[
    NATIVE_MISSING,
    Case {
        name: "native library cut short, which makes rustc crash",
        damage: |scene| damage(&scene.native(), cut),
        ..NATIVE_MISSING
    },
    Case {
        name: "native library zero",
        damage: |scene| damage(&scene.native(), |it| zero(it)),
        ..NATIVE_MISSING
    },
    Case {
        name: "native library empty",
        damage: |scene| damage(&scene.native(), Vec::clear),
        ..NATIVE_MISSING
    },
];

/// Documented in CONTRIBUTING.md, and run every night.
#[test]
#[ignore = "many builds"]
fn the_proposed_command_is_the_smallest_cure_of_every_damage() {
    let first = [KINDS, FURTHER].concat();
    prove(&Scene::new(), &first);
}

/// Documented in CONTRIBUTING.md, and run every night.
#[test]
#[ignore = "many builds"]
fn the_proposed_command_is_the_smallest_cure_in_the_second_layout() {
    let first = [KINDS, FURTHER].concat();
    prove(&Scene::in_second_layout(), &first);
}

/// Documented in CONTRIBUTING.md, and run every night.
#[test]
#[ignore = "many builds"]
fn the_proposed_command_is_the_smallest_cure_of_native_libraries() {
    prove(&Scene::new().with_native_library(), NATIVE);
    prove(&Scene::in_second_layout().with_native_library(), NATIVE);
}

#[track_caller]
fn prove(scene: &Scene, cases: &[Case]) {
    for case in cases {
        case.is_cured(scene);
        case.needs_all(scene);
        println!("{}: cured, and by nothing smaller", case.name);
    }
}
