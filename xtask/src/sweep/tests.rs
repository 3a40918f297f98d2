//! Plans of made-up directories.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, SystemTime};

use xtask_impact::build_dir::unit_record::UnitName;
use xtask_impact::build_dir::{Directories, Layout, ProfileDir};

use super::garbage::SweepClass;
use super::last_use::{self, UseEvidence};
use super::plan::{PlanLimits, SweepPlan, SweptDirectory};
use super::report::SweepReport;
use super::scan::{DirectoryScan, SharedArtifact, Sizes, SweepUnit};
use super::text;
use crate::artifacts::plan::Artifact;

const DAY: u64 = 86_400;
const NOW: u64 = 1000 * DAY;

fn time(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// Returns a unit of 10 bytes that was used some days ago. The number of its fingerprint is given,
/// and the numbers of its dependencies.
fn unit(package: &str, days: u64, value: u64, dependencies: &[u64]) -> SweepUnit {
    let last_use = time(NOW - days * DAY);
    SweepUnit {
        place: 0,
        package: package.to_owned(),
        hash: format!("{value:016x}"),
        names: Vec::from_iter(UnitName::parse(&format!("lib-{package}"))),
        values: vec![value],
        dependencies: dependencies.to_vec(),
        rustc: Some(1),
        has_fingerprint: true,
        built: last_use,
        spans: Vec::new(),
        read_by_others: None,
        unarmed: Vec::new(),
        record_times: Vec::new(),
        accessed: None,
        last_use,
        files: Vec::new(),
        sizes: Sizes {
            files: 1,
            bytes: 10,
        },
    }
}

fn directory(units: Vec<SweepUnit>, shared: Vec<SharedArtifact>) -> SweptDirectory {
    let place = ProfileDir {
        path: "/t/debug".into(),
        build_directory: "/t".into(),
        triple: None,
        directory: "debug".to_owned(),
        layout: Layout::V1,
    };
    let bytes = units.iter().map(|it| it.sizes.bytes).sum::<u64>();
    let bytes = bytes + shared.iter().map(|it| it.sizes.bytes).sum::<u64>();
    SweptDirectory {
        directories: Directories {
            build: "/t".into(),
            target: "/t".into(),
        },
        scan: DirectoryScan {
            places: vec![place],
            units,
            shared,
            bytes,
            ..DirectoryScan::default()
        },
        uses: last_use::KnownUses::default(),
        evidence: UseEvidence::AccessTimes,
        garbage: HashMap::new(),
        needed: BTreeSet::new(),
        running: BTreeSet::new(),
        unknown_profiles: BTreeSet::new(),
    }
}

/// Returns the removed packages in their order, and the bytes that are left.
fn told(directory: SweptDirectory, max_size: Option<u64>, days: Option<u64>) -> String {
    let limits = PlanLimits {
        max_size,
        max_age: days.map(|days| Duration::from_secs(days * DAY)),
    };
    let plan = SweepPlan::new(&[directory], limits, time(NOW));
    let removed = plan.items.iter().map(|it| it.package.as_str());
    let removed: Vec<_> = removed.collect();
    format!("{} -> {}", removed.join(" "), plan.after)
}

#[test]
fn units_are_removed_by_last_use_until_the_limit_holds() {
    let units = || {
        vec![
            unit("new", 0, 1, &[]),
            unit("old", 30, 2, &[]),
            unit("older", 90, 3, &[]),
            unit("middle", 7, 4, &[]),
        ]
    };
    for (size, days, expected) in [
        (None, None, " -> 40"),
        (Some(40), None, " -> 40"),
        (Some(39), None, "older -> 30"),
        (Some(15), None, "older old middle -> 10"),
        (Some(0), None, "older old middle new -> 0"),
        // Units that were used within `--max-age` are kept, even above the size limit.
        (Some(0), Some(7), "older old -> 20"),
        (Some(35), Some(7), "older -> 30"),
        // Without a size, the time alone decides.
        (None, Some(7), "older old -> 20"),
        (None, Some(0), "older old middle -> 10"),
    ] {
        let told = told(directory(units(), Vec::new()), size, days);
        assert_eq!(told, expected, "{size:?} {days:?}");
    }
}

#[test]
fn dependents_are_removed_before_their_dependencies() {
    let units = vec![
        unit("base", 3, 1, &[]),
        unit("top", 3, 3, &[2]),
        unit("middle", 3, 2, &[1]),
    ];
    let told = told(directory(units, Vec::new()), Some(10), None);
    assert_eq!(told, "top middle -> 10");
}

#[test]
fn a_dry_run_names_profiles_and_other_directories() {
    let read = [directory(vec![unit("a", 9, 1, &[])], Vec::new())];
    let limits = PlanLimits {
        max_size: Some(0),
        max_age: None,
    };
    let plan = SweepPlan::new(&read, limits, time(NOW));
    let mut report = SweepReport::new("/w".into(), &read, &plan, limits, time(NOW));
    report.others = vec!["/t/editor".into()];
    let text = text::report(&report, true, time(NOW));
    let (head, _) = text.split_once("by kind").unwrap();
    expect_test::expect![[r#"
        /t: 10B, 1 unit
                10B  a lib-a in debug (least recently used, used 9 days ago)
        would remove least recently used units: 1, 10B
        would remove 10B, 0B left, limit 0B
        other build directories, swept only with --all-target-dirs: /t/editor
    "#]]
    .assert_eq(head);
}

#[test]
fn garbage_is_removed_first_and_in_its_order() {
    let units = vec![
        unit("used", 90, 1, &[]),
        unit("orphan", 1, 2, &[]),
        unit("gone", 1, 3, &[]),
        unit("former", 1, 4, &[]),
        unit("needed", 90, 5, &[]),
    ];
    let state = SharedArtifact {
        kind: Some(Artifact::Incremental),
        place: Some(0),
        name: "state".to_owned(),
        paths: vec!["/t/debug/incremental/state-1".into()],
        sizes: Sizes { files: 1, bytes: 5 },
        modified: time(NOW - 2 * DAY),
        owners: Vec::new(),
    };
    let make = || {
        let mut directory = directory(units.clone(), vec![state.clone()]);
        for (unit, class) in [
            (1, SweepClass::Orphan),
            (2, SweepClass::GoneToolchain),
            (3, SweepClass::FormerLayout),
            (4, SweepClass::Orphan),
        ] {
            directory.garbage.insert(unit, (class, String::new()));
        }
        directory.needed.insert(4);
        directory
    };
    assert_eq!(told(make(), None, None), "gone orphan former state -> 20");
    assert_eq!(
        told(make(), Some(0), None),
        "gone orphan former state used -> 10"
    );
    assert_eq!(told(make(), Some(0), Some(1)), "state used -> 40");
    // A command failed, so the units of the profile may be needed. Certain garbage is not.
    let mut directory = make();
    directory.unknown_profiles.insert("debug".to_owned());
    assert_eq!(told(directory, Some(0), None), "gone orphan state -> 30");
}

#[test]
fn a_shared_artifact_is_removed_with_its_last_owner() {
    let shared = |owners: &[usize]| SharedArtifact {
        kind: Some(Artifact::Documentation),
        place: None,
        name: "page".to_owned(),
        paths: vec!["/t/doc/page".into()],
        sizes: Sizes {
            files: 1,
            bytes: 100,
        },
        modified: time(NOW),
        owners: owners.to_vec(),
    };
    let units = || vec![unit("a", 9, 1, &[]), unit("b", 5, 2, &[])];
    assert_eq!(
        told(directory(units(), vec![shared(&[0, 1])]), Some(111), None),
        "a -> 110"
    );
    assert_eq!(
        told(directory(units(), vec![shared(&[0, 1])]), Some(109), None),
        "a b -> 0"
    );
    assert_eq!(
        told(directory(units(), vec![shared(&[0])]), Some(110), None),
        "a -> 10"
    );
}

/// Checks the last uses: a pass over all files is no use, a use of a dependent is also a use of its
/// dependencies, and a remembered use counts.
#[test]
fn the_last_use_is_the_newest_evidence() {
    let (_scratch, root) = xtask_impact::testing::scratch();
    let directories = Directories {
        build: root.clone(),
        target: root.clone(),
    };
    if !xtask_impact::files::keeps_access_times(&root).unwrap() {
        return;
    }
    let with =
        |days: u64, value, dependencies: &[u64], accessed: u64, others: Option<u64>| SweepUnit {
            accessed: Some(time(accessed)),
            read_by_others: others.map(time),
            ..unit("a", days, value, dependencies)
        };
    let archive = NOW - DAY;
    let units = vec![
        with(10, 1, &[], NOW - 9 * DAY, None),
        with(10, 2, &[], archive, Some(archive + 20)),
        // Used after the archive was made.
        with(10, 3, &[4], NOW - 3600, Some(archive)),
        with(10, 4, &[], archive, Some(archive)),
        // The build is newer than the access.
        with(2, 5, &[], NOW - 5 * DAY, None),
    ];
    let mut scan = directory(units, Vec::new()).scan;
    let uses = |scan: &DirectoryScan| {
        let uses = scan.units.iter().map(|it| {
            let age = time(NOW).duration_since(it.last_use).unwrap();
            age.as_secs() / 3600
        });
        uses.collect::<Vec<_>>()
    };
    let evidence = last_use::find(&mut scan, &directories, &last_use::KnownUses::default());
    assert_eq!(evidence, UseEvidence::AccessTimes);
    assert_eq!(uses(&scan), [9 * 24, 10 * 24, 1, 1, 2 * 24]);
    let nothing = last_use::KnownUses::default();
    last_use::arm(&scan, &directories, &nothing, &BTreeSet::from([0]));
    for unit in &mut scan.units {
        unit.accessed = None;
    }
    let known = last_use::KnownUses::read(&directories);
    last_use::find(&mut scan, &directories, &known);
    assert_eq!(uses(&scan), [10 * 24, 10 * 24, 1, 1, 2 * 24]);
}

#[test]
fn a_directory_that_does_not_exist_says_nothing_about_access_times() {
    let (_scratch, root) = xtask_impact::testing::scratch();
    let directories = Directories {
        build: root.join("target"),
        target: root.join("target"),
    };
    let mut scan = directory(Vec::new(), Vec::new()).scan;
    let evidence = last_use::find(&mut scan, &directories, &last_use::KnownUses::default());
    assert_eq!(evidence, UseEvidence::AccessTimes);
}
