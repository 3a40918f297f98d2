use std::time::Duration;

use xtask_impact::testing::{answer, artifact};
use xtask_impact::unit_graph::Verb;

use super::*;
use crate::artifacts::plan::Directory;

#[test]
fn rebuilt_units_are_compared_with_the_answer() {
    let text = "
        planner: lib!test!bench -> network
        network: lib!test!bench
        kit: lib!test!bench bin=xtask!test!bench
        board: lib!test!bench
        docs: lib!test!bench
    ";
    let answer = answer(text, Verb::Build, &["network lib", "kit bin xtask"]);
    let fresh = [
        artifact(&answer.workspace, "network", "lib", true),
        artifact(&answer.workspace, "planner", "lib", true),
        artifact(&answer.workspace, "kit", "bin xtask", true),
        artifact(&answer.workspace, "docs", "lib", true),
    ];
    let before = BuildOutcome::new(&fresh, None);
    let mut after = BuildOutcome::new(&fresh, None);
    let compiled = [
        artifact(&answer.workspace, "network", "lib", false),
        artifact(&answer.workspace, "board", "lib", false),
    ];
    after.rebuilt = BuildOutcome::new(&compiled, None).rebuilt;
    let kept = Directory {
        path: "/w/target/debug".into(),
        triple: None,
        removals: Vec::new(),
        kept: vec!["path+file:///w/kit#0.1.0".to_owned()],
        shared_incremental: Vec::new(),
        doubtful: Vec::new(),
    };
    let found = Verification::new(
        &answer,
        &CleanPlan::new(vec![kept], Vec::new()),
        &before,
        &after,
    );
    expect_test::expect![[r#"
        rebuilt as predicted: 1 unit
          network 0.1.0: lib
        rebuilt but not predicted: 1 unit
          board 0.1.0: lib
        predicted but not rebuilt: 1 unit
          planner 0.1.0: lib
        stayed fresh: 1 unit
        took 1.5s; the last full build took 9.0s
    "#]]
    .assert_eq(&crate::artifacts::text::verification(
        &found,
        Duration::from_millis(1500),
        Some(Duration::from_secs(9)),
    ));
}
