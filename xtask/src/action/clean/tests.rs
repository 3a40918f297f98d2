use super::*;
use crate::graph::Verb;
use crate::repo::build_dir::Layout;
use crate::testing::answer;

const RAILWAY: &str = "
    planner: lib bin=plan test=it -> network
    network: lib -> serde
    docs: lib
    serde@1.0.0 external: lib
";

fn directory(triple: Option<&str>, directory: &str) -> ProfileDir {
    let build_directory = Utf8PathBuf::from("/w/target");
    ProfileDir {
        path: build_directory
            .join(triple.unwrap_or_default())
            .join(directory),
        build_directory,
        triple: triple.map(str::to_owned),
        directory: directory.to_owned(),
        layout: Layout::V1,
    }
}

#[test]
fn the_packages_that_cargo_would_rebuild_are_planned() {
    let plan = CleanPlan::new(
        &answer(RAILWAY, Verb::Check, &["network lib"]),
        &[
            directory(None, "debug"),
            directory(Some("wasm32-wasip1"), "release"),
        ],
        None,
    );
    let planned: Vec<_> = plan
        .packages
        .iter()
        .map(|planned| (planned.name.as_str(), planned.because.as_str()))
        .collect();
    let because = "edited.rs: it is compiled from this file";
    assert_eq!(planned, [("network", because), ("planner", because)]);
    let calls: Vec<_> = plan
        .directories
        .iter()
        .flat_map(|directory| plan.cargo_args(directory))
        .map(|args| args.join(" "))
        .collect();
    let packages = "-p path+file:///w/network#0.1.0 -p path+file:///w/planner#0.1.0";
    assert_eq!(
        calls,
        [
            format!("clean --profile dev {packages}"),
            format!("clean --profile release --target wasm32-wasip1 {packages}"),
        ]
    );
}

#[test]
fn what_is_only_run_again_stays() {
    let directories = [directory(None, "debug")];
    let text = "a: bin!test!bench=a test=it\nb: lib";
    let plan = CleanPlan::new(&answer(text, Verb::Build, &["a bin a"]), &directories, None);
    assert_eq!(plan.packages.len(), 1);
    let plan = CleanPlan::new(
        &answer("a: lib!test", Verb::Test, &["a doctests"]),
        &directories,
        None,
    );
    assert!(plan.is_empty());
}

#[test]
fn a_directory_that_holds_both_layouts_is_cleaned_once() {
    let directories = [Layout::V1, Layout::V2].map(|layout| ProfileDir {
        layout,
        ..directory(None, "debug")
    });
    let plan = CleanPlan::new(
        &answer(RAILWAY, Verb::Check, &["docs lib"]),
        &directories,
        None,
    );
    assert_eq!(plan.directories.len(), 1);
}

#[test]
fn with_no_directory_there_is_nothing_to_do() {
    assert!(CleanPlan::new(&answer(RAILWAY, Verb::Check, &["docs lib"]), &[], None).is_empty());
}

#[test]
fn the_running_kit_is_kept_in_the_directory_that_holds_it() {
    let text = "xtask-kit: lib bin=xtask\ncore: lib";
    let answer = answer(text, Verb::Check, &["xtask-kit lib", "core lib"]);
    let directories = [directory(None, "debug"), directory(None, "xtask")];
    let kept = |running: &str| {
        let plan = CleanPlan::new(&answer, &directories, Some(running.into()));
        let args = |directory| plan.cargo_args(directory).concat().join(" ");
        plan.directories.iter().map(args).collect::<Vec<_>>()
    };
    let core = "-p path+file:///w/core#0.1.0";
    let both = format!("{core} -p path+file:///w/xtask-kit#0.1.0");
    assert_eq!(
        kept("/w/target/xtask/xtask"),
        [
            format!("clean --profile dev {both}"),
            format!("clean --profile xtask {core}")
        ]
    );
    assert_eq!(
        kept("/home/me/.cargo/bin/xtask"),
        [
            format!("clean --profile dev {both}"),
            format!("clean --profile xtask {both}")
        ]
    );
}

#[test]
fn a_directory_where_all_is_kept_is_not_cleaned() {
    let answer = answer("xtask-kit: lib bin=xtask", Verb::Check, &["xtask-kit lib"]);
    let running = Utf8Path::new("/w/target/debug/xtask");
    let plan = CleanPlan::new(&answer, &[directory(None, "debug")], Some(running));
    assert!(plan.cargo_args(&plan.directories[0]).is_empty());
}

#[test]
fn a_long_list_of_packages_takes_several_calls() {
    let text: String = (0..250).map(|n| format!("p{n}: lib -> base\n")).collect();
    let answer = answer(&format!("{text}base: lib"), Verb::Check, &["base lib"]);
    let plan = CleanPlan::new(&answer, &[directory(None, "debug")], None);
    let calls = plan.cargo_args(&plan.directories[0]);
    let sizes: Vec<_> = calls
        .iter()
        .map(|args| args.iter().filter(|arg| *arg == "-p").count())
        .collect();
    assert_eq!(sizes, [100, 100, 51]);
    assert!(
        calls
            .iter()
            .all(|args| args[..3] == ["clean", "--profile", "dev"])
    );
}
