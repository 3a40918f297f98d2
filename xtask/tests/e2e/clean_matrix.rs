//! `clean-affected` on the sample, for each combination of layout, directories together or apart,
//! profile, and triple.
//!
//! By default, a few packages are built in some of the directories. With `XTASK_MATRIX=full`, all
//! packages are built in all directories; this takes a quarter of an hour.

use std::env;

use crate::support::Project;
use crate::support::clean::{SECOND_LAYOUT, host};

/// A profile that neither a manifest nor the configuration defines at the time of the clean.
const SPARE: &str = "[profile.spare]\ninherits = \"dev\"\n";

fn cleans_exactly(configuration: &str) {
    let sample = Project::sample();
    let small = sample.read(".cargo/config.toml");
    let without = configuration.to_owned() + &small;
    let with_spare = without.clone() + SPARE;
    sample.write(".cargo/config.toml", &with_spare);

    let is_full = env::var("XTASK_MATRIX").is_ok_and(|it| it == "full");
    let host = host();
    let what: &[&str] = match is_full {
        true => &["--workspace", "--all-targets"],
        false => &["--package", "network", "--package", "zones", "--lib"],
    };
    let mut builds = Vec::new();
    for (profile, verb) in [("dev", "check"), ("release", "check"), ("spare", "build")] {
        for triple in [None, Some(&*host)] {
            let target: Vec<_> = triple.iter().flat_map(|it| ["--target", it]).collect();
            let thin = [("dev", false), ("spare", true)];
            if is_full || thin.contains(&(profile, triple.is_some())) {
                builds.push([&[verb, "--profile", profile], what, &target].concat());
            }
        }
    }
    let builds = sample.build_each(&builds);
    // The changed units: a library with many dependents, a library that build scripts depend on, a
    // macro, and a build script.
    for changed in [
        "zones",
        "tables",
        "labels-derive",
        "stations:build-script-build",
    ] {
        sample.write(".cargo/config.toml", &without);
        let asked = ["--verb", "build", "--assume-changed", changed];
        let affected = sample.named(&asked);
        sample.clean_as_planned(&asked);
        sample.write(".cargo/config.toml", &with_spare);
        sample.builds_again(&affected, &builds);
    }
}

#[test]
fn the_first_layout_is_cleaned_exactly() {
    cleans_exactly("");
}

#[test]
fn the_first_layout_with_a_separate_build_directory_is_cleaned_exactly() {
    cleans_exactly("[build]\nbuild-dir = \"built/{workspace-path-hash}\"\n");
}

#[test]
fn the_second_layout_is_cleaned_exactly() {
    cleans_exactly(SECOND_LAYOUT);
}

#[test]
fn the_second_layout_with_a_separate_build_directory_is_cleaned_exactly() {
    cleans_exactly(&format!("{SECOND_LAYOUT}[build]\nbuild-dir = \"built\"\n"));
}
