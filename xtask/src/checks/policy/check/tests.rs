use std::fs;

use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::cargo_config::Surroundings;
use xtask_impact::testing::{scratch, write};

use super::*;
use crate::checks::Place;

/// Returns the findings in a repository of these files, one per line: code, place and message.
/// `variables` are `NAME=value`, and `policy` is the table `[workspace.metadata.xtask.policy]`.
fn found(files: &[(&str, &str)], variables: &[&str], policy: &str) -> String {
    let (_temporary, top) = scratch();
    let mut tracked = Vec::new();
    for (path, text) in files {
        write(&top.join(path), text);
        tracked.push(Utf8PathBuf::from(*path));
    }
    let variables = variables.iter().filter_map(|it| it.split_once('='));
    let around = Surroundings {
        home: Some(top.join("home")),
        variables: variables
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        flags: Vec::new(),
        target_dir: None,
    };
    let policy: Policy = toml::from_str(policy).unwrap();
    let subject = PolicySubject::read(&top, &tracked, &top, &around).unwrap();
    let weighed = find(&subject, &policy).and_then(|found| policy.weigh(CHECKS, found));
    let line = |finding: &Finding| {
        let place = match &finding.place {
            Place::Path {
                path,
                line: Some(line),
            } => format!("{path}:{line}"),
            Place::Path { path, line: None } => path.to_string(),
            Place::Variable(name) => format!("${name}"),
            Place::Whole => "-".to_owned(),
        };
        let evidence = finding.evidence.join("; ");
        let Finding { message, .. } = finding;
        format!("{} {place}: {message} [{evidence}]\n", finding.check.code)
    };
    let lines: String = weighed.unwrap().iter().map(line).collect();
    lines.replace(top.as_str(), "[TOP]").replace('\\', "/")
}

const ROOT: (&str, &str) = (
    "Cargo.toml",
    "[workspace]\nmembers = ['a']\nexclude = ['own']",
);
const MEMBER: (&str, &str) = ("a/Cargo.toml", "[package]\nname = 'a'\nversion = '1.0.0'");

#[test]
fn a_repository_with_few_settings_has_no_findings() {
    let ci = (
        ".github/workflows/ci.yml",
        "run: cargo test\nenv:\n  RUSTFLAGS: -Dwarnings",
    );
    let pin = ("rust-toolchain.toml", "[toolchain]\nchannel = '1.90'");
    let config = (
        ".cargo/config.toml",
        "[alias]\nx = 'run'\n[profile.dev]\ndebug = 1\n[env]\nA = '1'",
    );
    assert_eq!(
        found(
            &[ROOT, MEMBER, ci, pin, config],
            &["CI=1", "CARGO_TERM_COLOR=never"],
            ""
        ),
        ""
    );
}

#[test]
fn variables_that_override_files_are_found() {
    let files = [
        (
            "Cargo.toml",
            "[workspace]\n[profile.release]\nlto = true\nincremental = false",
        ),
        (
            ".cargo/config.toml",
            "[build]\ntarget-dir = 'out'\nrustc-wrapper = 'sccache'\nrustflags = ['-Ca']\n\
             [profile.dev]\ndebug = 'none'\nopt-level = 1\n[env]\nCARGO_TARGET_DIR = 'x'\nNAME = 'y'",
        ),
    ];
    let variables = [
        "CARGO_TARGET_DIR=/elsewhere",
        "CARGO_PROFILE_DEV_DEBUG=2",
        "CARGO_PROFILE_DEV_OPT_LEVEL=1",
        "CARGO_PROFILE_RELEASE_LTO=fat",
        "CARGO_PROFILE_RELEASE_PANIC=abort",
        "CARGO_INCREMENTAL=1",
        "RUSTC_WRAPPER=sccache",
        "RUSTFLAGS=-Cb",
        "CARGO_BUILD_RUSTFLAGS=-Cc",
        "CARGO_BUILD_JOBS=3",
    ];
    expect_test::expect![[r#"
        env-table-ignored .cargo/config.toml:9: `env.CARGO_TARGET_DIR` has no effect on cargo itself []
        environment-overrides $CARGO_INCREMENTAL: CARGO_INCREMENTAL overrides a value of the repository [CARGO_INCREMENTAL=1; profile.release.incremental = false (Cargo.toml:4)]
        environment-overrides $CARGO_PROFILE_DEV_DEBUG: CARGO_PROFILE_DEV_DEBUG overrides a value of the repository [CARGO_PROFILE_DEV_DEBUG=2; profile.dev.debug = "none" (.cargo/config.toml:6)]
        environment-overrides $CARGO_TARGET_DIR: CARGO_TARGET_DIR overrides a value of the repository [CARGO_TARGET_DIR=/elsewhere; build.target-dir = "out", and the variable's is /elsewhere (.cargo/config.toml:2)]
        incremental-with-cache $CARGO_INCREMENTAL: incremental compilation is on, but sccache does not cache it [RUSTC_WRAPPER in the environment]
        lto-with-incremental $CARGO_PROFILE_RELEASE_LTO: `release` is incremental, and has `lto = "fat"` []
        split-rustflags $RUSTFLAGS: RUSTFLAGS replaces the flags of the repository [RUSTFLAGS=-Cb; build.rustflags = ["-Ca"] (.cargo/config.toml:4)]
        environment-departs $CARGO_PROFILE_RELEASE_PANIC: CARGO_PROFILE_RELEASE_PANIC changes the builds of this shell [CARGO_PROFILE_RELEASE_PANIC=abort]
    "#]].assert_eq(&found(&files, &variables, ""));
    let same = [
        "CARGO_BUILD_TARGET_DIR=out",
        "RUSTC_WRAPPER=",
        "CARGO_INCREMENTAL=0",
    ];
    expect_test::expect![[r#"
        environment-overrides $RUSTC_WRAPPER: RUSTC_WRAPPER overrides a value of the repository [RUSTC_WRAPPER=; build.rustc-wrapper = "sccache" (.cargo/config.toml:3)]
    "#]].assert_eq(&found(
        &files,
        &same,
        "levels.env-table-ignored = 'allow'",
    ));
}

#[test]
fn files_that_set_flags_in_addition_to_the_configuration_are_found() {
    let files = [
        ROOT,
        (
            ".cargo/config.toml",
            "[target.'cfg(all())']\nrustflags = ['-Ca']",
        ),
        (
            ".github/workflows/ci.yml",
            "env:\n  # RUSTFLAGS: -Cx\n  RUSTFLAGS: -Dwarnings\n  RUSTDOCFLAGS: x\n\
             run: echo $RUSTFLAGS; CARGO_BUILD_RUSTFLAGS=-Cx cargo build",
        ),
        (".envrc", "export RUSTFLAGS=\"-Ctarget-cpu=native\""),
        (".vscode/settings.json", "{\"a\": {\"RUSTFLAGS\": \"-Cx\"}}"),
    ];
    let pin = ("rust-toolchain.toml", "");
    // Flags of a platform count only if cargo builds for the platform.
    let far = "[target.far]\nrustflags = ['-Ca']";
    let for_far = |config| {
        found(
            &[ROOT, (".cargo/config.toml", config), files[3], pin],
            &[],
            "",
        )
    };
    assert_eq!(for_far(far), "");
    let never = "[target.'cfg(target_os = \"none\")']\nrustflags = ['-Ca']";
    assert_eq!(for_far(never), "");
    let built = format!("{far}\n[build]\ntarget = 'far'");
    assert!(for_far(&built).starts_with("split-rustflags .envrc:1"));
    let built = format!("{never}\n[build]\ntarget = 'far'");
    assert!(for_far(&built).starts_with("split-rustflags .envrc:1"));
    if cfg!(target_os = "linux") {
        let host = std::env::consts::ARCH.to_owned() + "-unknown-linux-gnu";
        let here = format!("[target.{host}]\nrustflags = ['-Ca']");
        assert!(for_far(&here).starts_with("split-rustflags .envrc:1"));
    }
    expect_test::expect![[r#"
        split-rustflags .envrc:1: RUSTFLAGS replaces the flags of the repository [export RUSTFLAGS="-Ctarget-cpu=native"; target.cfg(all()).rustflags (.cargo/config.toml:2)]
        split-rustflags .github/workflows/ci.yml:3: RUSTFLAGS replaces the flags of the repository [RUSTFLAGS: -Dwarnings; target.cfg(all()).rustflags (.cargo/config.toml:2)]
        split-rustflags .vscode/settings.json:1: RUSTFLAGS replaces the flags of the repository [{"a": {"RUSTFLAGS": "-Cx"}}; target.cfg(all()).rustflags (.cargo/config.toml:2)]
    "#]].assert_eq(&found(&[&files[..], &[pin]].concat(), &[], ""));
}

#[test]
fn nested_files_that_contradict_files_above_are_found() {
    let files = [
        (
            "Cargo.toml",
            "[workspace]\nmembers = ['a', 'crates/*']\nexclude = ['own', 'group']\n\
          [profile.dev]\ndebug = 2\nopt-level = 1",
        ),
        (
            ".cargo/config.toml",
            "[build]\ntarget-dir = 'out'\n[profile.dev]\ndebug = 1\nopt-level = '1'",
        ),
        (
            ".cargo/config",
            "[build]\ntarget-dir = 'out'\n[profile.dev]\ndebug = 1\nopt-level = '1'",
        ),
        (
            "a/Cargo.toml",
            "[package]\nname = 'a'\n\n[profile.release]\nlto = true",
        ),
        (
            "a/.cargo/config.toml",
            "[term]\nverbose = true\n[build]\ntarget-dir = '../out'\ntarget = 'x'\nrustflags = ['-Ca']",
        ),
        (
            "crates/b/Cargo.toml",
            "[package]\nname = 'b'\n[dependencies]\nc = { path = '../../c' }",
        ),
        (
            "c/Cargo.toml",
            "[package]\nname = 'c'\n[profile.dev.package.x]\ndebug = 1",
        ),
        (
            "data/Cargo.toml",
            "[package]\nname = 'data'\n[profile.dev]\ndebug = 1",
        ),
        (
            "own/Cargo.toml",
            "[package]\nname = 'own'\n[profile.dev]\ndebug = 0",
        ),
        (
            "own/.cargo/config.toml",
            "[build]\ntarget-dir = '../elsewhere'\nrustflags = ['-Co']\n[profile.dev]\ndebug = 1",
        ),
        ("group/one/Cargo.toml", "[package]\nname = 'one'"),
        ("group/.cargo/config.toml", "[build]\ntarget = 'x'"),
        ("doc/.cargo/config.toml", "[build]\ntarget = 'x'"),
    ];
    expect_test::expect![[r#"
        contradicting-config own/.cargo/config.toml:2: `build.target-dir = "../elsewhere"` contradicts `"out"` of a directory above [.cargo/config:2]
        contradicting-manifest Cargo.toml:5: `profile.dev.debug = 2` is overridden by `1` of the configuration [.cargo/config:4]
        contradicting-manifest own/Cargo.toml:4: `profile.dev.debug = 0` is overridden by `1` of the configuration [own/.cargo/config.toml:5]
        member-profile a/Cargo.toml:5: cargo ignores the profiles of a member []
        member-profile c/Cargo.toml:4: cargo ignores the profiles of a member []
        nested-config a/.cargo/config.toml:6: a/.cargo/config.toml applies only if cargo is started below it, and sets `build.rustflags`, `build.target` []
        two-config-files .cargo/config.toml:1: .cargo/config.toml is ignored, because of the file `config` next to it []
    "#]].assert_eq(&found(&files, &[], ""));
}

#[test]
fn workspaces_that_overwrite_each_others_artifacts_are_found() {
    let files = |target: &'static str| {
        [
            ROOT,
            MEMBER,
            (".cargo/config.toml", target),
            (
                "own/Cargo.toml",
                "[workspace]\nmembers = ['a', 'b']\npackage.version = '1.0.0'",
            ),
            (
                "own/a/Cargo.toml",
                "[package]\nname = 'a'\nversion.workspace = true",
            ),
            (
                "own/b/Cargo.toml",
                "[package]\nname = 'b'\nversion = '1.0.0'",
            ),
            (
                "other/Cargo.toml",
                "[package]\nname = 'a'\nversion = '1.0.0'\n[workspace]",
            ),
        ]
    };
    expect_test::expect![[r#"
        same-package-twice own/a/Cargo.toml: a 1.0.0 is also in the workspace at the top level, and both build into out [a/Cargo.toml]
        same-outputs-twice other/Cargo.toml: a 1.0.0 is also in the workspace at the top level, and both build into out [a/Cargo.toml]
        same-outputs-twice own/a/Cargo.toml: a 1.0.0 is also in the workspace other, and both build into out [other/Cargo.toml]
    "#]].assert_eq(&found(&files("build.target-dir = 'out'"), &[], ""));
    let apart = "[build]\ntarget-dir = 'out'\nbuild-dir = 'b/{workspace-path-hash}'";
    expect_test::expect![[r#"
        same-outputs-twice other/Cargo.toml: a 1.0.0 is also in the workspace at the top level, and both build into out [a/Cargo.toml]
        same-outputs-twice own/a/Cargo.toml: a 1.0.0 is also in the workspace at the top level, and both build into out [a/Cargo.toml]
        same-outputs-twice own/a/Cargo.toml: a 1.0.0 is also in the workspace other, and both build into out [other/Cargo.toml]
    "#]].assert_eq(&found(&files(apart), &[], ""));
    assert_eq!(found(&files(""), &[], ""), "");
}

#[test]
fn conflicting_profile_settings_are_found() {
    let manifest = "[workspace]\n[profile.dev]\ncodegen-units = 4\nlto = 'thin'\nincremental = true\n\
                    [profile.release]\ndebug = true\nstrip = 'symbols'\ncodegen-units = 1\nlto = true\n\
                    [profile.split]\ninherits = 'release'\nsplit-debuginfo = 'packed'\n\
                    [profile.dev.package.'*']\ndebug = 2\n";
    let config = (".cargo/config.toml", "build.rustc-wrapper = '/opt/sccache'");
    expect_test::expect![[r#"
        codegen-units-with-incremental Cargo.toml:3: `dev` is incremental, and has 4 codegen units []
        debug-stripped Cargo.toml:8: `release` has `debug = "full"`, and `strip = "symbols"` removes it [Cargo.toml:7]
        incremental-with-cache Cargo.toml:5: incremental compilation is on, but sccache does not cache it [.cargo/config.toml:1]
        lto-with-incremental Cargo.toml:4: `dev` is incremental, and has `lto = "thin"` []
        full-debug-info Cargo.toml:7: `release` has full debug information []
        full-debug-info Cargo.toml:15: `dev.package."*"` has full debug information []
    "#]].assert_eq(&found(&[("Cargo.toml", manifest), config], &[], ""));
}

#[test]
fn a_pin_that_differs_from_continuous_integration_is_found() {
    let ci = |text| (".github/workflows/ci.yml", text);
    let pin = ("rust-toolchain", "1.90.0\n");
    let other = "steps:\n- run: cargo +nightly fmt\n- uses: dtolnay/rust-toolchain@1.88";
    expect_test::expect![[r#"
        toolchain-differs-in-ci .github/workflows/ci.yml:3: CI uses 1.88, and the pinned toolchain is 1.90.0 [rust-toolchain]
    "#]].assert_eq(&found(&[ROOT, pin, ci(other)], &[], ""));
    let chosen = ["RUSTUP_TOOLCHAIN=nightly"];
    assert!(
        found(&[ROOT, pin], &chosen, "").starts_with("environment-overrides $RUSTUP_TOOLCHAIN")
    );
    let both = "- uses: dtolnay/rust-toolchain@1.88\n- uses: dtolnay/rust-toolchain@1.90";
    assert_eq!(found(&[ROOT, pin, ci(both)], &[], ""), "");
    expect_test::expect![[r#"
        toolchain-unpinned -: no rust-toolchain.toml pins the toolchain [.github/workflows/ci.yml]
    "#]]
    .assert_eq(&found(&[ROOT, ci(other)], &[], ""));
    let why = "exceptions = [{ code = 'toolchain-unpinned', because = 'any will do' }]";
    assert_eq!(found(&[ROOT, ci(other)], &[], why), "");
}

#[test]
fn missing_required_values_are_found() {
    let files = [
        ROOT,
        MEMBER,
        (
            ".cargo/config.toml",
            "[build]\ntarget-dir = 'out'\n[profile.dev]\ndebug = 1\n\
          [profile.dev.package.x]\nopt-level = 2",
        ),
        (
            "own/Cargo.toml",
            "[workspace]\n[profile.release]\nlto = 'thin'",
        ),
    ];
    let require = "[require]\n'build.target-dir' = 'out'\nbuild.jobs = 4\n[require.profile]\n\
                   dev.debug = 'limited'\ndev.package.x.opt-level = '2'\ntest.debug = 'line-tables-only'\n\
                   release.lto = false\nrelease.strip = 'debuginfo'\ndev.build-override.opt-level = 0";
    expect_test::expect![[r#"
        required-value Cargo.toml: `build.jobs` is not set, and 4 is required [cargo's default]
        required-value own/Cargo.toml: `build.jobs` is not set, and 4 is required [cargo's default]
        required-value own/Cargo.toml:3: `profile.release.lto` is "thin", and false is required []
        required-value $CARGO_PROFILE_DEV_DEBUG: `profile.test.debug` is "limited", and "line-tables-only" is required []
    "#]].assert_eq(&found(&files, &["CARGO_PROFILE_DEV_DEBUG=1"], require));
}

/// A relative path names different directories in different workspaces.
#[test]
fn variables_that_override_another_workspace_are_found() {
    let files = [
        ("Cargo.toml", "[workspace]\nexclude = ['own']"),
        (
            "own/Cargo.toml",
            "[workspace]\n[profile.release]\nlto = true\nopt-level = 3",
        ),
        (".cargo/config.toml", "[build]\ntarget-dir = 'out'"),
    ];
    let variables = [
        "CARGO_TARGET_DIR=out",
        "CARGO_PROFILE_RELEASE_LTO=off",
        "CARGO_PROFILE_RELEASE_OPT_LEVEL=3",
    ];
    expect_test::expect![[r#"
        environment-overrides $CARGO_PROFILE_RELEASE_LTO: CARGO_PROFILE_RELEASE_LTO overrides a value of the repository [CARGO_PROFILE_RELEASE_LTO=off; profile.release.lto = true (own/Cargo.toml:3)]
        environment-overrides $CARGO_TARGET_DIR: CARGO_TARGET_DIR overrides a value of the repository [CARGO_TARGET_DIR=out; build.target-dir = "out", and the variable's is own/out (.cargo/config.toml:2)]
        environment-departs $CARGO_PROFILE_RELEASE_OPT_LEVEL: CARGO_PROFILE_RELEASE_OPT_LEVEL changes the builds of this shell [CARGO_PROFILE_RELEASE_OPT_LEVEL=3]
    "#]].assert_eq(&found(&files, &variables, ""));
}

#[test]
fn required_values_of_missing_profiles_and_defaults_are_checked() {
    let files = [
        (
            "Cargo.toml",
            "[workspace]\nexclude = ['own']\n[profile.ci]\ninherits = 'dev'\ndebug = 0",
        ),
        ("own/Cargo.toml", "[workspace]"),
        (".cargo/config.toml", "[build]\ntarget-dir = 'out'"),
    ];
    let require = "[require]\nprofile.ci.debug = 0\nbuild.build-dir = 'out'";
    expect_test::expect![[r#"
        required-value own/Cargo.toml: `profile.ci.debug` is not set, and "none" is required [cargo's default]
    "#]]
    .assert_eq(&found(&files, &[], require));
}

#[test]
fn a_workspace_that_cargo_refuses_is_reported() {
    let files = [
        ("Cargo.toml", "[workspace]\nexclude = ['own', 'broken']"),
        ("own/Cargo.toml", "[workspace]"),
        ("own/.cargo/config.toml", "[build"),
        ("broken/Cargo.toml", "[package"),
        ("tests/fixtures/broken/Cargo.toml", "[package"),
    ];
    expect_test::expect![[r#"
        unreadable-workspace broken/Cargo.toml: the workspace of broken/Cargo.toml was not checked [cannot read [TOP]/broken/Cargo.toml: TOML parse error at line 1, column 9]
        unreadable-workspace own/Cargo.toml: the workspace of own/Cargo.toml was not checked [[TOP]/own/.cargo/config.toml is not a configuration of cargo: TOML parse error at line 1, column 7]
    "#]]
    .assert_eq(&found(&files, &[], ""));
}

/// Checks that the table of codes in the documentation equals this list.
#[test]
fn every_code_is_documented() {
    let path = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/policy.md");
    let page = fs::read_to_string(path).unwrap();
    let rows = page.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split('|').map(str::trim);
        let code = cells.next()?.trim_end_matches('`').to_owned();
        Some((code, cells.next()?.to_owned()))
    });
    let rows: Vec<_> = rows.collect();
    let codes = CHECKS.iter().map(|check| {
        let level = serde_json::to_value(check.level).unwrap();
        (check.code.to_owned(), level.as_str().unwrap().to_owned())
    });
    assert_eq!(rows, codes.collect::<Vec<_>>());
}
