//! `timings`: cargo's own report, summed up.

use expect_test::expect;

use crate::support::Project;

#[test]
fn a_build_and_one_that_finds_everything_built() {
    let project = Project::with_libraries(&[("base", &[])]);
    project.xtask(&["timings"]).is(expect![[r#"
        [TIME]: 1 unit ran
        [TIME] of work, [NUMBER] units at a time on average; the first started after [TIME]

             time  frontend  codegen  slowest units
         [TIME] [SHARE] [SHARE]  base v0.1.0 lib

        More in [ROOT]/target/cargo-timings/cargo-timing-[TIME]-[HASH].html
        --- stderr
           Compiling base v0.1.0 ([ROOT]/crates/base)
              Timing report saved to [ROOT]/target/cargo-timings/cargo-timing-[TIME]-[HASH].html
            Finished `dev` profile [unoptimized + debuginfo] target(s) in [TIME]
    "#]]);
    project.xtask(&["timings"]).is(expect![[r#"
        [TIME]: 0 units ran, 1 fresh
        More in [ROOT]/target/cargo-timings/cargo-timing-[TIME]-[HASH].html
        --- stderr
              Timing report saved to [ROOT]/target/cargo-timings/cargo-timing-[TIME]-[HASH].html
            Finished `dev` profile [unoptimized + debuginfo] target(s) in [TIME]
    "#]]);
}

#[test]
fn what_follows_the_dashes_is_cargos() {
    let project = Project::with_libraries(&[("base", &[]), ("top", &["base"])]);
    let output = project.xtask(&["timings", "--", "--release", "--package", "base"]);
    output.is(expect![[r#"
        [TIME]: 1 unit ran
        [TIME] of work, [NUMBER] units at a time on average; the first started after [TIME]

             time  frontend  codegen  slowest units
         [TIME] [SHARE] [SHARE]  base v0.1.0 lib

        More in [ROOT]/target/cargo-timings/cargo-timing-[TIME]-[HASH].html
        --- stderr
           Compiling base v0.1.0 ([ROOT]/crates/base)
              Timing report saved to [ROOT]/target/cargo-timings/cargo-timing-[TIME]-[HASH].html
            Finished `release` profile [optimized] target(s) in [TIME]
    "#]]);
    assert!(project.path("target/release").is_dir());
    assert!(!project.path("target/debug").exists());
}

#[test]
fn a_build_that_fails_ends_with_cargos_status() {
    let project = Project::with_libraries(&[("base", &[]), ("broken", &["base"])]);
    project.write("crates/broken/src/lib.rs", "fn broken( {}\n");
    let output = project.xtask(&["timings"]);
    assert_eq!(output.status, 101);
    expect![[r#"
        Failed (1 job failed) after [TIME] or more: 1 unit ran
        failed: broken v0.1.0 lib
        [TIME] of work, [NUMBER] units at a time on average; the first started after [TIME]

             time  frontend  codegen  slowest units
         [TIME] [SHARE] [SHARE]  base v0.1.0 lib

        More in [ROOT]/target/cargo-timings/cargo-timing-[TIME]-[HASH].html
    "#]]
    .assert_eq(&output.stdout);
}

/// As many units ran as cargo compiles, and the report lies where it is said to lie.
#[test]
fn the_summary_counts_what_cargo_compiled() {
    let project = Project::with_libraries(&[("base", &[]), ("top", &["base"])]);
    project.write("crates/top/build.rs", "fn main() {}\n");
    project.write("crates/top/src/main.rs", "fn main() {}\n");
    let summary = project.json(&["timings", "--format", "json"]).unwrap();
    assert!(std::path::Path::new(summary["report"].as_str().unwrap()).is_file());
    project.remove("target");
    assert_eq!(summary["ran"], project.build(&["build"]).unwrap().len());
}
