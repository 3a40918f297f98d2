//! Each row was measured on cargo 1.95 in a workspace with build scripts, `links`, a proc-macro and
//! a registry dependency. The text of a row gives the number of units that cargo rebuilt.

use super::*;

fn table(text: &str) -> Table {
    text.parse().expect("the row is TOML")
}

/// Returns the effects of adding the text to an empty file, without those of cargo's graph.
fn added(text: &str) -> Vec<TouchedUnits> {
    untold(compare_config(&Table::new(), &table(text)))
}

fn untold(effects: Vec<SemanticChange>) -> Vec<TouchedUnits> {
    let untold = effects
        .into_iter()
        .filter(|effect| !effect.covered_by_unit_graph);
    untold.map(|effect| effect.what).collect()
}

#[test]
fn inert_keys_rebuild_nothing() {
    for text in [
        "alias.q = 'build'",
        "build.dep-info-basedir = '.'",
        "build.jobs = 2",
        "build.pipelining = false",
        "build.rustc-wrapper = 'sccache'",
        "build.warnings = 'deny'",
        "cache.auto-clean-frequency = '1 day'",
        "cargo-new.vcs = 'none'",
        "credential-alias.m = 'x'",
        "doc.browser = 'x'",
        "future-incompat-report.frequency = 'never'",
        "http.timeout = 3",
        "install.root = 'x'",
        "net.retry = 3",
        "registries.my.token = 'x'",
        "registry.default = 'my'",
        "resolver.incompatible-rust-versions = 'allow'",
        "target.x86_64-unknown-linux-gnu.ar = 'ar'",
        "term.progress.when = 'never'",
    ] {
        assert_eq!(added(text), [], "{text}");
        let (key, _) = text.split_once(" = ").unwrap();
        assert!(is_inert(&key.split('.').collect::<Vec<_>>()), "{key}");
    }
    for key in [
        "build",
        "build.rustflags",
        "registries",
        "target.x.linker",
        "env.X",
    ] {
        assert!(!is_inert(&key.split('.').collect::<Vec<_>>()), "{key}");
    }
}

#[test]
fn other_keys_touch_the_measured_units() {
    let flags = |platform: Option<&str>| TouchedUnits::Flags {
        platform: platform.map(str::to_owned),
    };
    let linker = |platform: &str| TouchedUnits::Platform {
        platform: Some(platform.to_owned()),
        host_too: true,
    };
    for (story, text, units) in [
        (
            "another directory: all 30",
            "build.target-dir = 't'",
            TouchedUnits::All,
        ),
        (
            "another build directory: all 30",
            "build.build-dir = 't'",
            TouchedUnits::All,
        ),
        (
            "0 of 30 for the same compiler elsewhere",
            "build.rustc = '/r'",
            TouchedUnits::All,
        ),
        (
            "29, all members' units",
            "build.rustc-workspace-wrapper = '/w'",
            TouchedUnits::Members,
        ),
        (
            "0, and 8 under doc",
            "build.rustdocflags = ['--cfg', 'x']",
            TouchedUnits::Docs,
        ),
        (
            "30; 25 with --target",
            "build.rustflags = ['-Cx']",
            flags(None),
        ),
        (
            "25, or 31 where flags are set elsewhere",
            "build.target = 'T'",
            TouchedUnits::All,
        ),
        (
            "30; 25 with --target; 0 for another triple",
            "target.T.rustflags = ['-Cx']",
            flags(Some("T")),
        ),
        (
            "30; 31 with --target, the host's units included",
            "target.'cfg(unix)'.linker = 'cc'",
            linker("cfg(unix)"),
        ),
        (
            "0, tests start otherwise",
            "target.T.runner = 'x'",
            TouchedUnits::Runs,
        ),
        (
            "14: the overridden run, its package and the dependent's script run",
            "target.T.foo.rustc-cfg = ['q']",
            TouchedUnits::OverriddenRuns {
                links: vec!["foo".to_owned()],
                platform: Some("T".to_owned()),
            },
        ),
        (
            "16: the replaced package and up",
            "source.crates-io.replace-with = 'v'",
            TouchedUnits::External,
        ),
        (
            "unknown, so everything, where cargo 1.95 rebuilt 0",
            "zork.a = 1",
            TouchedUnits::All,
        ),
        (
            "an unknown key in a known table",
            "build.zork = 1",
            TouchedUnits::All,
        ),
        (
            "an unknown key of a platform",
            "target.T.zork = 1",
            TouchedUnits::All,
        ),
        (
            "unstable features",
            "unstable.host-config = true",
            TouchedUnits::All,
        ),
        ("a malformed table", "build = 3", TouchedUnits::All),
        ("another malformed table", "env = 3", TouchedUnits::All),
    ] {
        assert_eq!(added(text), [units], "{story}: {text}");
    }
}

#[test]
fn an_environment_variable_touches_its_readers_and_test_runs() {
    let readers = |name: &str| {
        vec![
            TouchedUnits::ReadersOf(vec![name.to_owned()]),
            TouchedUnits::Runs,
        ]
    };
    let compare = |old: &str, new: &str| {
        let effects = compare_config(&table(old), &table(new)).into_iter();
        effects.map(|effect| effect.what).collect::<Vec<_>>()
    };
    for (story, old, new, units) in [
        (
            "2 units read it by option_env!",
            "",
            "env.V = '1'",
            readers("V"),
        ),
        (
            "a script names it: its run and 2 units",
            "",
            "env.S = { value = '1' }",
            readers("S"),
        ),
        (
            "the longer form",
            "env.V = '1'",
            "env.V = { value = '1', force = false }",
            vec![],
        ),
        (
            "forced",
            "env.V = '1'",
            "env.V = { value = '1', force = true }",
            readers("V"),
        ),
        (
            "relative",
            "env.V = 'a'",
            "env.V = { value = 'a', relative = true }",
            readers("V"),
        ),
        ("taken out", "env.V = 'a'", "", readers("V")),
    ] {
        assert_eq!(compare(old, new), units, "{story}");
    }
}

#[test]
fn a_different_spelling_is_no_change() {
    for (story, old, new) in [
        ("comments", "# one", "# two\n[build]"),
        (
            "flags in one string",
            "build.rustflags = '-C x'",
            "build.rustflags = ['-C', 'x']",
        ),
        ("one target", "build.target = 'T'", "build.target = ['T']"),
        ("an empty table", "", "[target.T]"),
    ] {
        assert_eq!(compare_config(&table(old), &table(new)), [], "{story}");
    }
}

#[test]
fn changes_covered_by_the_unit_graph_are_marked() {
    for (text, key) in [
        ("[build]\ntarget = 'T'", "build.target"),
        ("[target.T.foo]\nrustc-cfg = ['q']", "target.T.foo"),
        ("[profile.dev]\nopt-level = 1", "profile.dev.opt-level"),
        ("[patch.crates-io]\na = { path = 'a' }", "patch"),
        ("paths = ['a']", "paths"),
        (
            "registries.my.index = 'sparse+https://example.org/'",
            "registries.my.index",
        ),
        ("resolver.lockfile-path = 'l'", "resolver.lockfile-path"),
        // 29 of 30, registry units not.
        ("build.incremental = true", "build.incremental"),
    ] {
        let effects = compare_config(&Table::new(), &table(text));
        let told = effects.iter().filter(|effect| effect.covered_by_unit_graph);
        let told: Vec<_> = told.map(|effect| effect.key.as_str()).collect();
        assert_eq!(told, [key]);
    }
    let two = compare_config(&table("build.target = 'T'"), &table("build.target = 'U'"));
    assert_eq!(
        two[0].what,
        TouchedUnits::Platform {
            platform: None,
            host_too: false
        }
    );
    assert!(two[0].covered_by_unit_graph);
}

#[test]
fn a_triple_that_comes_or_goes_reaches_the_host_only_through_flags() {
    let triple = "build.target = 'T'";
    let flags = "build.rustflags = ['-Cx']";
    let both = format!("{triple}\n{flags}");
    let of_triple = format!("{triple}\n[target.T]\nrustflags = ['-Cx']");
    for (story, old, new, units) in [
        (
            "the host's units had no flags and have none",
            "",
            triple,
            &[][..],
        ),
        ("the same the other way", triple, "", &[]),
        ("flags for the triple alone come with it", "", &both, &[]),
        ("and go with it", &both, "", &[]),
        ("from the triple's table", &of_triple, "", &[]),
        (
            "the host's units lose the flags",
            flags,
            &both,
            &[TouchedUnits::All],
        ),
        (
            "the host's units get the flags",
            &both,
            flags,
            &[TouchedUnits::All],
        ),
        (
            "the flags change under the triple",
            triple,
            &both,
            &[TouchedUnits::Flags { platform: None }],
        ),
    ] {
        let (old, new) = (table(old), table(new));
        assert_eq!(untold(compare_sole_config(&old, &new)), units, "{story}");
        // Another file or the environment may have flags.
        let is_named = |table: &Table| {
            table
                .get("build")
                .is_some_and(|it| it.get("target").is_some())
        };
        let others = untold(compare_config(&old, &new));
        let is_all = others.contains(&TouchedUnits::All);
        assert_eq!(is_all, is_named(&old) != is_named(&new), "{story}");
    }
}

#[test]
fn every_documented_key_is_known() {
    let keys = "include paths alias.x build.warnings build.jobs build.rustc build.rustc-wrapper \
        build.rustc-workspace-wrapper build.rustdoc build.target build.target-dir build.build-dir \
        build.rustflags build.rustdocflags build.incremental build.dep-info-basedir \
        build.pipelining credential-alias.x doc.browser cargo-new.name cargo-new.email \
        cargo-new.vcs env.X future-incompat-report.frequency cache.auto-clean-frequency \
        http.debug http.proxy http.timeout http.cainfo http.proxy-cainfo http.check-revoke \
        http.ssl-version http.low-speed-limit http.multiplexing http.user-agent install.root \
        net.retry net.git-fetch-with-cli net.offline net.ssh.known-hosts patch.x.y \
        profile.x.build-override.opt-level profile.x.package.y.opt-level profile.x.codegen-units \
        profile.x.debug profile.x.split-debuginfo profile.x.debug-assertions \
        profile.x.incremental profile.x.lto profile.x.overflow-checks profile.x.opt-level \
        profile.x.panic profile.x.rpath profile.x.strip resolver.lockfile-path \
        resolver.incompatible-rust-versions registries.x.index registries.x.token \
        registries.x.credential-provider registries.crates-io.protocol registry.default \
        registry.credential-provider registry.token registry.global-credential-providers \
        source.x.replace-with source.x.directory source.x.registry source.x.local-registry \
        source.x.git source.x.branch source.x.tag source.x.rev target.x.ar target.x.linker \
        target.x.runner target.x.rustflags target.x.rustdocflags target.x.links.rustc-cfg \
        term.quiet term.verbose term.color term.hyperlinks term.unicode term.progress.when \
        term.progress.width term.progress.term-integration";
    for key in keys.split_whitespace() {
        let effects = compare_config(&Table::new(), &table(&format!("{key} = 'x'")));
        assert!(
            effects.iter().all(|effect| !effect.why.contains("unknown")),
            "{key}"
        );
    }
}
