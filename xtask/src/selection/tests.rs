use xtask_impact::testing::{answer, place};

use super::filter::LeftOut;
use super::*;

const RAILWAY: &str = "
    planner: lib bin=plan test=it example=demo -> network, tables
    network: lib test=it bench=search -> stations, dev: testkit
    stations: lib!doctest test=it test=suggest -> serde
    tables: lib!test!doctest test=it
    testkit: lib
    serde@1.0.0 external: lib
";

/// Returns the command that would be run after edits of these units.
fn command(tool: Tool, units: &[&str]) -> String {
    command_with(tool, units, &[], &[])
}

fn command_with(tool: Tool, units: &[&str], excluded: &[&str], forwarded: &[&str]) -> String {
    let answer = answer(RAILWAY, tool.verb(), units);
    let excluded = excluded.iter().map(|name| place(&answer.workspace, name));
    let forwarded: Vec<_> = forwarded.iter().map(|&word| word.to_owned()).collect();
    let options = ToolOptions {
        left_out: LeftOut {
            excluded: excluded.collect(),
            ..LeftOut::default()
        },
        forwarded: &forwarded,
        ..ToolOptions::default()
    };
    let selection = Selection::new(&answer, tool, &options.left_out.all());
    if selection.is_empty() {
        return "nothing".to_owned();
    }
    let arguments = selection.arguments(&answer.workspace, tool, &options);
    arguments.join(" ")
}

#[test]
fn each_command_has_its_own_smallest_selection() {
    let rows: &[(Tool, &[&str])] = &[
        (Tool::Check, &["network lib", "network lib test"]),
        (Tool::Check, &["serde lib"]),
        (Tool::Check, &["testkit lib"]),
        (Tool::Clippy, &["network test it"]),
        (Tool::Clippy, &["network test it", "tables test it"]),
        (Tool::Clippy, &["network test it", "planner example demo"]),
        (Tool::Build, &["network bench search"]),
        (Tool::Test, &["stations test suggest"]),
        (Tool::Test, &["stations test suggest", "tables test it"]),
        (Tool::Test, &["stations lib test"]),
        (Tool::Test, &["planner bin plan test"]),
        (Tool::Test, &["tables lib"]),
        (Tool::Test, &["planner doctests"]),
        (Tool::Nextest, &["stations lib test", "tables test it"]),
        (Tool::Nextest, &["planner lib", "planner lib test"]),
        (Tool::Nextest, &["planner doctests"]),
        (Tool::Doc, &["network lib doc"]),
        (Tool::Doc, &["network lib"]),
        (Tool::Bench, &["network test it"]),
        (Tool::Bench, &["network bench search"]),
    ];
    let told: Vec<_> = rows
        .iter()
        .map(|(tool, units)| format!("{}: {}\n", units.join(", "), command(*tool, units)))
        .collect();
    expect_test::expect![[r#"
        network lib, network lib test: check -p network -p planner --all-targets
        serde lib: check -p network -p planner -p stations --all-targets
        testkit lib: check -p network -p testkit --all-targets
        network test it: clippy -p network --test=it
        network test it, tables test it: clippy -p network -p tables --test=it
        network test it, planner example demo: clippy -p network -p planner --all-targets
        network bench search: build -p network --bench=search
        stations test suggest: test -p stations --test=suggest
        stations test suggest, tables test it: test -p stations -p tables
        stations lib test: test -p stations --lib
        planner bin plan test: test -p planner --bin=plan
        tables lib: test -p planner -p tables
        planner doctests: test -p planner --doc
        stations lib test, tables test it: nextest run -p stations -p tables --no-tests=pass -E binary_id(=stations) + package(=tables)
        planner lib, planner lib test: nextest run -p planner --no-tests=pass
        planner doctests: nothing
        network lib doc: doc --no-deps -p network
        network lib: doc --no-deps -p planner
        network test it: nothing
        network bench search: bench -p network --bench=search
    "#]].assert_eq(&told.concat());
}

#[test]
fn the_users_arguments_override_the_kits() {
    let lib = ["network lib", "network lib test"];
    let told = [
        command_with(Tool::Check, &lib, &["planner"], &["--lib", "--release"]),
        command_with(Tool::Clippy, &lib, &[], &["--", "--deny", "warnings"]),
        command_with(
            Tool::Test,
            &["stations test suggest"],
            &[],
            &["--", "--test"],
        ),
        command_with(Tool::Check, &["serde lib"], &["testkit", "tables"], &[]),
    ];
    expect_test::expect![[r#"
        check -p network --lib --release
        clippy -p network -p planner --all-targets -- --deny warnings
        test -p stations --test=suggest -- --test
        check --workspace --exclude tables --exclude testkit --all-targets"#]]
    .assert_eq(&told.join("\n"));
}

#[test]
fn several_machines_run_every_test_once() {
    let everything = ["stations lib", "tables lib", "testkit lib test"];
    let answer = answer(RAILWAY, Verb::Test, &everything);
    let units = Selection::units(&answer, Tool::Nextest, &BTreeSet::new());
    for machines in 1..6 {
        let parts = spread(units.iter().map(|&unit| (1, unit)).collect(), machines);
        let binaries: Vec<String> = parts
            .iter()
            .filter_map(|(_, units)| Selection::of_binaries(&answer, units).filter)
            .flat_map(|filter| named(&answer, &filter))
            .collect();
        let distinct: BTreeSet<_> = binaries.iter().collect();
        assert_eq!((distinct.len(), binaries.len()), (9, 9), "{binaries:?}");
    }
}

/// Returns the test binaries that a filterset names.
fn named(answer: &Answer, filter: &str) -> Vec<String> {
    let terms = filter.split(" + ").filter(|&term| term != "none()");
    let binaries = terms.flat_map(|term| {
        let Some(name) = term.strip_prefix("package(=") else {
            return vec![term.to_owned()];
        };
        let name = name.trim_end_matches(')');
        let units = answer.graph.units_of(place(&answer.workspace, name)).iter();
        units
            .map(|&unit| answer.graph.unit(unit))
            .filter(|unit| unit.mode == Mode::Test)
            .map(|unit| binary_id(name, unit.kind, &unit.target))
            .map(|id| format!("binary_id(={id})"))
            .collect()
    });
    binaries.collect()
}

#[test]
fn the_heaviest_thing_goes_to_the_machine_with_the_least_weight() {
    let things = vec![(1, "a"), (4, "b"), (2, "c"), (1, "d"), (2, "e")];
    let expected = [(5, vec!["b", "a"]), (5, vec!["c", "e", "d"])];
    assert_eq!(spread(things, 2), expected);
    assert_eq!(spread(vec![(0, "a")], 2), [(0, vec!["a"]), (0, vec![])]);
}

#[test]
fn the_arguments_that_configure_a_build_are_found() {
    let words = |text: &str| -> Vec<String> { text.split(' ').map(str::to_owned).collect() };
    let kept = |text| configuration_args(Tool::Test, &words(text)).join(" ");
    assert_eq!(kept("--lib -F a,b --release -v"), "-F a,b --release");
    assert_eq!(
        kept("--features=a -j 2 --target x"),
        "--features=a --target x"
    );
    assert_eq!(kept("--no-fail-fast -- --release"), "");
    for (tool, arguments, chosen) in [
        (Tool::Test, "--workspace", None),
        (Tool::Test, "-v", None),
        (Tool::Test, "-r", Some("release")),
        (Tool::Test, "-r --all-features", Some("release")),
        (Tool::Test, "--profile ci -F a,b", Some("ci")),
        (Tool::Test, "--profile=ci --features=x -p y", Some("ci")),
        (Tool::Test, "--profile ci -- --release", Some("ci")),
        (Tool::Nextest, "--cargo-profile ci", Some("ci")),
        (
            Tool::Nextest,
            "--cargo-profile=ci --profile own",
            Some("ci"),
        ),
        (Tool::Nextest, "--profile=own", None),
        (Tool::Nextest, "--profile own --release", Some("release")),
    ] {
        let found = profile_in(tool, &words(arguments));
        assert_eq!(found.as_deref(), chosen, "{arguments}");
    }
    let kept = |text| configuration_args(Tool::Nextest, &words(text)).join(" ");
    assert_eq!(
        kept("--profile own --cargo-profile ci -F a"),
        "--profile ci -F a"
    );
    assert_eq!(kept("--cargo-profile=ci"), "--profile=ci");
}

#[test]
fn a_slice_number_must_be_within_the_count() {
    assert_eq!("slice:2/3".parse(), Ok(Partition { slice: 2, of: 3 }));
    for wrong in [
        "2/3",
        "slice:0/3",
        "slice:4/3",
        "slice:1/0",
        "slice:1",
        "count:1/2",
    ] {
        assert!(wrong.parse::<Partition>().is_err(), "{wrong}");
    }
}

#[test]
fn locked_is_added_once() {
    for (given, expected) in [
        ("check", "check --locked"),
        ("test -- --nocapture", "test --locked -- --nocapture"),
        ("test -- --locked", "test --locked -- --locked"),
        ("check --locked", "check --locked"),
        ("check --frozen -p a", "check --frozen -p a"),
    ] {
        let arguments = given.split(' ').map(str::to_owned).collect();
        assert_eq!(locked(arguments).join(" "), expected);
    }
}
