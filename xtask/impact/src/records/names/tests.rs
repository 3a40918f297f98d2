use super::*;
use crate::testing::{place, unit, workspace};
use crate::unit_graph::Verb;

#[test]
fn a_record_belongs_to_the_unit_whose_root_file_it_lists() {
    let mut workspace = workspace("a: lib bin -> util\nutil external: lib");
    let graph = UnitGraph::new(&workspace, Verb::Check);
    let is_its_in = |workspace: &Workspace, name: &str, files: &[&str]| {
        let unit = graph.unit(unit(workspace, &graph, name));
        let files: Vec<Utf8PathBuf> = files.iter().map(Utf8PathBuf::from).collect();
        is_its(workspace, unit, &files)
    };
    for (name, files, expected) in [
        ("a lib", &["/w/a/src/lib.rs"][..], true),
        ("a lib", &["/w/a/src/more.rs", "/w/a/src/lib.rs"], true),
        ("a lib", &["/w/a/src/more.rs"], false),
        ("a lib", &["/w/a/src/bin/a.rs"], false),
        ("a bin a", &["/w/a/src/bin/a.rs"], true),
        ("a bin a", &["/w/a/src/lib.rs"], false),
        // Records of external packages list no files.
        ("util lib", &[], true),
    ] {
        let found = is_its_in(&workspace, name, files);
        assert_eq!(found, expected, "{name}: {files:?}");
    }
    let a = place(&workspace, "a").0 as usize;
    workspace.packages[a].targets[0].src_path = "/w/a/../a/src/lib.rs".into();
    assert!(is_its_in(&workspace, "a lib", &["/w/a/src/lib.rs"]));
    for (variable, expected) in [("A", false), ("CLIPPY_ARGS", true)] {
        assert_eq!(
            is_by_clippy(&["B".to_owned(), variable.to_owned()]),
            expected
        );
    }
}

#[test]
fn only_libraries_have_the_names_of_their_crates() {
    assert_eq!(crate_name(TargetKind::Lib, "my-lib"), "my_lib");
    assert_eq!(crate_name(TargetKind::Bin, "my-tool"), "my-tool");
}
