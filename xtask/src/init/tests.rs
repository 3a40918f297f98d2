//! Tests of the plan: each on a small repository, without a process.

use camino::{Utf8Path, Utf8PathBuf};

use super::apply::apply;
use super::host::HostRepository;
use super::plan::{CiService, InitOptions, InitPlan, dependency};
use super::text;
use crate::architecture::package;

/// Returns the facts about a repository in a directory.
fn host(top: &Utf8Path) -> HostRepository {
    HostRepository {
        top: top.to_owned(),
        below: Utf8PathBuf::new(),
        target: Some("target".into()),
        members: vec!["crates/*".to_owned()],
        configuration: ".cargo/config.toml",
        has_build_target: false,
        branch: "main".to_owned(),
        notes: Vec::new(),
    }
}

fn options() -> InitOptions {
    InitOptions {
        name: "xtask".to_owned(),
        kit: dependency(&[]),
        ci: Vec::new(),
        hooks: false,
        pre_commit: false,
    }
}

fn repository() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let manifest = "[workspace]\nmembers = [\"crates/*\"]\n";
    std::fs::write(directory.path().join("Cargo.toml"), manifest).unwrap();
    directory
}

fn path(directory: &tempfile::TempDir) -> &Utf8Path {
    Utf8Path::from_path(directory.path()).unwrap()
}

#[test]
fn a_second_run_writes_nothing() {
    let directory = repository();
    let options = InitOptions {
        ci: vec![CiService::Github, CiService::Gitlab],
        pre_commit: true,
        ..options()
    };
    let plan = InitPlan::new(&host(path(&directory)), &options).unwrap();
    let written: Vec<_> = plan.writes.iter().map(|it| it.path.as_str()).collect();
    assert_eq!(
        written,
        [
            "xtask/Cargo.toml",
            "xtask/src/main.rs",
            "xtask/.gitignore",
            "xtask/launcher/Cargo.toml",
            "xtask/launcher/Cargo.lock",
            "xtask/launcher/src/main.rs",
            ".cargo/config.toml",
            "Cargo.toml",
            ".github/workflows/xtask.yml",
            "xtask.gitlab-ci.yml",
            ".pre-commit-config.yaml",
        ]
    );
    apply(&plan).unwrap();
    let again = InitPlan::new(&host(path(&directory)), &options).unwrap();
    assert_eq!((&again.writes[..], &again.kept[..]), (&[][..], &[][..]));
    assert_eq!(again.unchanged.len(), written.len());
}

#[test]
fn files_with_other_contents_are_kept() {
    let directory = repository();
    let top = path(&directory);
    std::fs::create_dir_all(top.join(".cargo")).unwrap();
    let alias = "[alias]\nxtask = \"run -p xtask --\"\n";
    std::fs::write(top.join(".cargo/config.toml"), alias).unwrap();
    std::fs::write(top.join(".pre-commit-config.yaml"), "repos: []\n").unwrap();
    let options = InitOptions {
        pre_commit: true,
        ..options()
    };
    let plan = InitPlan::new(&host(top), &options).unwrap();
    let told = text::plan(&plan);
    let kept: Vec<_> = told.lines().filter(|it| it.starts_with("keep")).collect();
    expect_test::expect![[r#"
        keep .cargo/config.toml: the alias exists with a different value: "run -p xtask --"
        keep .pre-commit-config.yaml: the file exists with different contents"#]]
    .assert_eq(&kept.join("\n"));
    apply(&plan).unwrap();
    let text = std::fs::read_to_string(top.join(".cargo/config.toml")).unwrap();
    assert_eq!(text, alias);
}

#[test]
fn an_xtask_of_the_user_is_refused() {
    let directory = repository();
    let top = path(&directory);
    std::fs::create_dir_all(top.join("xtask")).unwrap();
    std::fs::write(top.join("xtask/Cargo.toml"), "[package]\n").unwrap();
    let error = InitPlan::new(&host(top), &options())
        .unwrap_err()
        .to_string();
    let error = error.replace(top.as_str(), "[TOP]");
    expect_test::expect![[r#"
        xtask/Cargo.toml exists, and does not depend on xtask-kit
        hint: pass --name NAME for another folder, or add the kit's commands to your own tasks as the README shows"#]].assert_eq(&error);
    let other = InitOptions {
        name: "kit".to_owned(),
        ..options()
    };
    assert!(InitPlan::new(&host(top), &other).is_ok());
}

#[test]
fn a_file_that_appears_between_plan_and_apply_is_not_overwritten() {
    let directory = repository();
    let top = path(&directory);
    let plan = InitPlan::new(&host(top), &options()).unwrap();
    std::fs::create_dir_all(top.join("xtask")).unwrap();
    std::fs::write(top.join("xtask/Cargo.toml"), "mine").unwrap();
    assert!(apply(&plan).is_err());
    let text = std::fs::read_to_string(top.join("xtask/Cargo.toml")).unwrap();
    assert_eq!(text, "mine");
}

#[test]
fn the_alias_fits_the_repository() {
    let all = [
        host(Utf8Path::new("/r")),
        HostRepository {
            target: None,
            ..host(Utf8Path::new("/r"))
        },
        HostRepository {
            target: Some("build output".into()),
            has_build_target: true,
            ..host(Utf8Path::new("/r"))
        },
    ];
    let told = all.map(|host| format!("{}\n{:?}\n", host.alias("xtask"), host.flags("xtask")));
    expect_test::expect![[r#"
        "run --quiet --manifest-path xtask/launcher/Cargo.toml --target-dir target/own-xtask --"
        ["--target-dir", "target/own-xtask"]
        "run --quiet --manifest-path xtask/launcher/Cargo.toml --target-dir xtask/target --"
        ["--target-dir", "xtask/target"]
        ["run", "--quiet", "--manifest-path", "xtask/launcher/Cargo.toml", "--target-dir", "build output/own-xtask", "--target", "host-tuple", "--"]
        ["--target-dir", "build output/own-xtask", "--target", "host-tuple"]
    "#]].assert_eq(&told.concat());
}

#[test]
fn globs_of_members_match_the_new_folder_as_in_cargo() {
    let matches = |globs: &[&str]| {
        let members = globs.iter().map(|&it| it.to_owned()).collect();
        let host = HostRepository {
            members,
            ..host(Utf8Path::new("/r"))
        };
        host.is_member("xtask")
    };
    assert!(matches(&["*"]) && matches(&["crates/*", "./x*"]));
    // The launcher lies one level deeper.
    assert!(matches(&["*/*"]));
    assert!(!matches(&["crates/*"]) && !matches(&["*/*/*"]) && !matches(&["tool"]));
}

#[test]
fn dependencies_are_written_as_toml() {
    expect_test::expect![[r#"
        "0.1.0"
        { path = "../kit/xtask" }
        { git = 'https://example.org/a"b', rev = "abc" }"#]]
    .assert_eq(
        &[
            dependency(&[]),
            dependency(&[("path", "../kit/xtask")]),
            dependency(&[("git", "https://example.org/a\"b"), ("rev", "abc")]),
        ]
        .join("\n"),
    );
    let relative = |path: &str| super::relative(Utf8Path::new(path), Utf8Path::new("/a/b/xtask"));
    assert_eq!(relative("/a/kit/xtask"), "../../kit/xtask");
    assert_eq!(relative("/a/b/xtask/kit"), "kit");
}

#[test]
fn a_workspace_below_the_top_level_gets_a_workflow_for_its_directory() {
    let host = HostRepository {
        below: "back end".into(),
        ..host(Utf8Path::new("/r"))
    };
    let text = super::templates::Template::Github.text(&host, &options());
    assert!(text.contains("working-directory: back end\n"), "{text}");
    assert!(text.contains("hashFiles('back end/xtask/**')"), "{text}");
    assert!(text.contains("path: back end/target\n"), "{text}");
    let text = super::templates::Template::PreCommit.text(&host, &options());
    let entry = "entry: sh -c 'cd \"back end\" && exec cargo --locked xtask hooks run pre-push'\n";
    assert!(text.contains(entry), "{text}");
}

/// A repository that an older version of `init` wrote to keeps its alias, which needs no launcher.
#[test]
fn an_alias_of_an_older_version_is_kept() {
    let directory = repository();
    let top = path(&directory);
    let alias = "run --quiet --manifest-path xtask/Cargo.toml --target-dir target/own-xtask --";
    std::fs::create_dir_all(top.join(".cargo")).unwrap();
    let text = format!("[alias]\nxtask = \"{alias}\"\n");
    std::fs::write(top.join(".cargo/config.toml"), text).unwrap();
    let plan = InitPlan::new(&host(top), &options()).unwrap();
    let written: Vec<_> = plan.writes.iter().map(|it| it.path.as_str()).collect();
    assert_eq!(
        written,
        [
            "xtask/Cargo.toml",
            "xtask/src/main.rs",
            "xtask/.gitignore",
            "Cargo.toml"
        ]
    );
    expect_test::expect!["the alias `cargo xtask` works, but starts the tasks without the launcher, which takes less time: to get the launcher, remove the alias from .cargo/config.toml and run `init` again"].assert_eq(&plan.notes.join("\n"));
}

#[test]
fn the_launcher_gets_the_name_and_the_flags_of_the_alias() {
    let host = HostRepository {
        has_build_target: true,
        ..host(Utf8Path::new("/r"))
    };
    let options = InitOptions {
        name: "kit".to_owned(),
        ..options()
    };
    let text = super::templates::Template::LauncherMain.text(&host, &options);
    assert!(!text.contains("clippy"), "{text}");
    let values: Vec<_> = text.lines().filter(|it| it.starts_with("const ")).collect();
    expect_test::expect![[r#"
        const NAME: &str = "kit";
        const FLAGS: &[&str] = &["--target-dir", "target/own-kit", "--target", "host-tuple"];
        const SETTINGS: [&str; 6] = ["#]]
    .assert_eq(&values.join("\n"));
}

/// The recipe of the README is what `init` writes.
#[test]
fn the_readme_shows_what_init_writes() {
    let directory = repository();
    let plan = InitPlan::new(&host(path(&directory)), &options()).unwrap();
    let readme = std::fs::read_to_string(package().join("../README.md")).unwrap();
    for file in &plan.writes {
        let text = match file.path.as_str() {
            // The launcher is a file of this repository, and the README names it.
            "xtask/launcher/src/main.rs" => "(xtask/examples/own_launcher.rs)",
            "xtask/launcher/Cargo.lock" | "Cargo.toml" => continue,
            _ => file.after.trim_end(),
        };
        assert!(
            readme.contains(text),
            "README.md lacks {}:\n{text}",
            file.path
        );
    }
}

#[test]
fn a_name_that_cannot_be_an_alias_is_refused() {
    let refused = |name: &str| {
        let args = super::Args {
            dry_run: false,
            name: name.to_owned(),
            kit_path: None,
            kit_git: None,
            kit_rev: None,
            ci: Vec::new(),
            hooks: false,
            pre_commit: false,
            format: super::Format::Text,
            manifest_path: None,
        };
        args.options(&host(Utf8Path::new("/r"))).is_err()
    };
    let all = ["xtask", "my-kit", "k2", "2k", "a b", "test", "run", ""];
    assert_eq!(
        all.map(refused),
        [false, false, false, true, true, true, true, true]
    );
}
