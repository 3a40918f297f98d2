//! `audit`: replays commits in a clone.

use crate::support::Project;

#[test]
fn a_replay_uses_the_records_of_its_own_builds() {
    let project = Project::with_libraries(&[("base", &[]), ("app", &["base"])]).in_git();
    project.append("crates/base/src/lib.rs", "// Edited.\n");
    project.commit("Edit");
    let audit = project.xtask(&["audit", "--commits", "1", "-v"]);
    let records = "info: records: 4 units used, none refused";
    assert!(audit.stderr.contains(records), "{audit}");
    let last = "1 of 1 commit: 4 units rebuilt, 4 predicted: recall [SHARE], precision [SHARE]";
    assert_eq!(audit.stdout.lines().last(), Some(last), "{audit}");
}
