//! `clean-affected` on the sample, for each combination of layout, directories together or apart,
//! profile, and triple. All packages are built in all directories, which takes a quarter of an hour.
//! `clean_exact` covers the same layouts with a small workspace.

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

    let host = host();
    let mut builds = Vec::new();
    for (profile, verb) in [("dev", "check"), ("release", "check"), ("spare", "build")] {
        for triple in [None, Some(&*host)] {
            let target: Vec<_> = triple.iter().flat_map(|it| ["--target", it]).collect();
            let everything = ["--workspace", "--all-targets"];
            builds.push([&[verb, "--profile", profile], &everything[..], &target].concat());
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
#[ignore = "slow: `.ci/nightly cleaning` runs it"]
fn the_first_layout_is_cleaned_exactly() {
    cleans_exactly("");
}

#[test]
#[ignore = "slow: `.ci/nightly cleaning` runs it"]
fn the_first_layout_with_a_separate_build_directory_is_cleaned_exactly() {
    cleans_exactly("[build]\nbuild-dir = \"built/{workspace-path-hash}\"\n");
}

#[test]
#[ignore = "slow: `.ci/nightly cleaning` runs it"]
fn the_second_layout_is_cleaned_exactly() {
    cleans_exactly(SECOND_LAYOUT);
}

#[test]
#[ignore = "slow: `.ci/nightly cleaning` runs it"]
fn the_second_layout_with_a_separate_build_directory_is_cleaned_exactly() {
    cleans_exactly(&format!("{SECOND_LAYOUT}[build]\nbuild-dir = \"built\"\n"));
}
