#[cfg(unix)]
mod against_cargo;

use std::io::{Error, ErrorKind};

use super::*;

/// Returns the configuration in `/w/a`, with the files `/w/a/.cargo/config.toml` and so on, the
/// home `/home`, variables `NAME=value`, and flags.
fn config(files: &[(&str, &str)], variables: &[&str], flags: &[&str]) -> Result<CargoConfig> {
    let variables = variables.iter().filter_map(|it| it.split_once('='));
    let flags: Vec<_> = flags.iter().map(|&it| it.to_owned()).collect();
    let around = Surroundings {
        home: Some("/home".into()),
        variables: variables
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        flags,
        target_dir: None,
    };
    CargoConfig::read(Utf8Path::new("/w/a"), &around, &|path| {
        let found = files.iter().find(|(known, _)| path == *known);
        found
            .map(|(_, text)| (*text).to_owned())
            .ok_or(Error::from(ErrorKind::NotFound))
    })
}

/// Returns each value with its origin, one per line.
fn told(config: &CargoConfig, keys: &[&str]) -> String {
    let mut told = String::new();
    for key in keys {
        let parts: Vec<_> = key.split('.').collect();
        match config.get(&parts) {
            Ok(Some(ConfigValue {
                kind: ValueKind::List(items),
                ..
            })) => {
                for item in items {
                    told.push_str(&format!("{key} + {item} ← {}\n", item.origin));
                }
            }
            Ok(Some(value)) => told.push_str(&format!("{key} = {value} ← {}\n", value.origin)),
            Ok(None) => told.push_str(&format!("{key} is not set\n")),
            Err(error) => told.push_str(&format!("{key}: {error}\n")),
        }
    }
    told.replace('\\', "/")
}

#[test]
fn the_nearest_file_counts_and_lists_are_joined() {
    let config = config(
        &[
            (
                "/home/config.toml",
                "[build]\njobs = 1\nrustflags = ['-Chome']",
            ),
            (
                "/w/.cargo/config.toml",
                "[build]\njobs = 2\nrustc-wrapper = 'w'\nrustflags = ['-Cw']",
            ),
            (
                "/w/a/.cargo/config.toml",
                "[build]\njobs = 3\nrustflags = [\n  '-Ca',\n  '-Cb',\n]",
            ),
            ("/.cargo/config", "term.verbose = true"),
            ("/.cargo/config.toml", "term.quiet = true"),
        ],
        &["CARGO_BUILD_RUSTFLAGS=-Ce -Cf"],
        &["build.rustflags = ['-Cflag']"],
    )
    .unwrap();
    expect_test::expect![[r#"
        build.jobs = 3 ← /w/a/.cargo/config.toml:2
        build.rustc-wrapper = "w" ← /w/.cargo/config.toml:3
        build.rustflags + "-Chome" ← /home/config.toml:3
        build.rustflags + "-Cw" ← /w/.cargo/config.toml:4
        build.rustflags + "-Ca" ← /w/a/.cargo/config.toml:4
        build.rustflags + "-Cb" ← /w/a/.cargo/config.toml:5
        build.rustflags + "-Ce" ← CARGO_BUILD_RUSTFLAGS in the environment
        build.rustflags + "-Cf" ← CARGO_BUILD_RUSTFLAGS in the environment
        build.rustflags + "-Cflag" ← --config build.rustflags = ['-Cflag']
        term.verbose = true ← /.cargo/config:1
        term.quiet is not set
    "#]]
    .assert_eq(&told(
        &config,
        &[
            "build.jobs",
            "build.rustc-wrapper",
            "build.rustflags",
            "term.verbose",
            "term.quiet",
        ],
    ));
}

#[test]
fn an_including_file_overrides_its_includes_and_a_later_include_an_earlier_one() {
    let files = [
        (
            "/w/a/.cargo/config.toml",
            "include = ['one.toml', { path = '../two.toml' }, { path = 'no.toml', optional = true }]\n\
             [build]\njobs = 1\nrustflags = ['-Cown']",
        ),
        (
            "/w/a/.cargo/one.toml",
            "[build]\njobs = 2\nincremental = true\ntarget = 'one'\nrustflags = ['-Cone']",
        ),
        (
            "/w/a/two.toml",
            "[build]\nincremental = false\nrustflags = ['-Ctwo']",
        ),
    ];
    expect_test::expect![[r#"
        build.jobs = 1 ← /w/a/.cargo/config.toml:3
        build.incremental = false ← /w/a/two.toml:2
        build.target = "one" ← /w/a/.cargo/one.toml:4
        build.rustflags + "-Cone" ← /w/a/.cargo/one.toml:5
        build.rustflags + "-Ctwo" ← /w/a/two.toml:3
        build.rustflags + "-Cown" ← /w/a/.cargo/config.toml:4
    "#]]
    .assert_eq(&told(
        &config(&files, &[], &[]).unwrap(),
        &[
            "build.jobs",
            "build.incremental",
            "build.target",
            "build.rustflags",
        ],
    ));
}

#[test]
fn a_flag_overrides_a_variable_and_a_variable_overrides_a_file() {
    let files = [
        (
            "/w/.cargo/config.toml",
            "[build]\njobs = 1\ntarget-dir = 'out'\n[profile.dev]\nopt-level = 1\n\
             [profile.dev.package.my-dep]\nopt-level = 2\n[target.x86_64-unknown-linux-gnu]\n\
             linker = 'ld/it'\nrunner = ['far', 'x']",
        ),
        (
            "/w/a/.cargo/config.toml",
            "[target.x86_64-unknown-linux-gnu]\nrunner = ['near']",
        ),
        ("/w/a/more.toml", "profile.dev.debug = 'none'"),
    ];
    let variables = [
        "CARGO_BUILD_JOBS=4",
        "CARGO_PROFILE_DEV_OPT_LEVEL=s",
        "CARGO_PROFILE_DEV_PACKAGE_my-dep_OPT_LEVEL=3",
        "CARGO_PROFILE_DEV_STRIP=true",
        "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER=other",
    ];
    let config = config(&files, &variables, &["build.jobs=9", "more.toml"]).unwrap();
    expect_test::expect![[r#"
        build.jobs = 9 ← --config build.jobs=9
        profile.dev.opt-level = "s" ← CARGO_PROFILE_DEV_OPT_LEVEL in the environment
        profile.dev.debug = "none" ← /w/a/more.toml:1, by --config
        profile.dev.strip = true ← CARGO_PROFILE_DEV_STRIP in the environment
        profile.dev.package.my-dep.opt-level = 3 ← CARGO_PROFILE_DEV_PACKAGE_my-dep_OPT_LEVEL in the environment
        target.x86_64-unknown-linux-gnu.linker = "other" ← CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER in the environment
        target.x86_64-unknown-linux-gnu.runner + "near" ← /w/a/.cargo/config.toml:2
        build.jobs.x: --config build.jobs=9: `build.jobs` is a number, not a table
    "#]].assert_eq(&told(
        &config,
        &[
            "build.jobs",
            "profile.dev.opt-level",
            "profile.dev.debug",
            "profile.dev.strip",
            "profile.dev.package.my-dep.opt-level",
            "target.x86_64-unknown-linux-gnu.linker",
            "target.x86_64-unknown-linux-gnu.runner",
            "build.jobs.x",
        ],
    ));
}

/// Cargo takes a value for a file if a file of that name exists, and does not start if it cannot read
/// the file.
#[test]
fn a_named_file_that_cannot_be_read_is_no_key_and_value() {
    let (_temporary, directory) = crate::testing::scratch();
    std::fs::create_dir(directory.join("build.jobs=3")).unwrap();
    let told = |flag: &str| {
        let around = Surroundings {
            flags: vec![flag.to_owned()],
            ..Surroundings::default()
        };
        let read = CargoConfig::in_directory(&directory, &around);
        let jobs = read.map(|it| it.get(&["build", "jobs"]).unwrap().unwrap().to_string());
        let jobs = jobs.unwrap_or_else(|error| format!("{error:#}"));
        jobs.replace(directory.as_str(), "[DIR]")
    };
    assert_eq!(told("build.jobs=2"), "2");
    assert_eq!(
        told("build.jobs=3"),
        "--config: cannot read [DIR]/build.jobs=3: is a directory"
    );
    let long = format!("build.jobs=4{}", " ".repeat(4_000));
    assert_eq!(told(&long), "4");
}

#[test]
fn the_flag_of_the_target_directory_overrides_everything() {
    let around = Surroundings {
        variables: [("CARGO_TARGET_DIR".to_owned(), "/v".to_owned())].into(),
        flags: vec!["build.target-dir='/f'".to_owned()],
        target_dir: Some("/t".into()),
        ..Surroundings::default()
    };
    let config = CargoConfig::read(Utf8Path::new("/w"), &around, &|_| {
        Err(Error::from(ErrorKind::NotFound))
    });
    let (path, origin) = config
        .unwrap()
        .target_directory(Utf8Path::new("/w"))
        .unwrap();
    assert_eq!(path, "/t");
    assert_eq!(origin.to_string(), "--config build.target-dir='/t'");
}

#[test]
fn a_relative_path_is_resolved_by_its_origin() {
    let file = (
        "/w/.cargo/config.toml",
        "[build]\ntarget-dir = 'out'\nbuild-dir = '{workspace-root}/b'",
    );
    let more = ("/w/a/x/more.toml", "build.target-dir = 'more'");
    let root = Utf8Path::new("/w/a/root");
    for (variables, flags, expected) in [
        (&[][..], &[][..], "/w/out ← /w/.cargo/config.toml:2"),
        (
            &["CARGO_BUILD_TARGET_DIR=v"],
            &[],
            "/w/a/v ← CARGO_BUILD_TARGET_DIR in the environment",
        ),
        (
            &["CARGO_BUILD_TARGET_DIR=v"],
            &["build.target-dir='f'"],
            "/w/a/f ← --config build.target-dir='f'",
        ),
        (
            &[],
            &["x/more.toml"],
            "/w/a/more ← /w/a/x/more.toml:1, by --config",
        ),
        (
            &["CARGO_TARGET_DIR=/v"],
            &["build.target-dir='f'"],
            "/v ← CARGO_TARGET_DIR in the environment",
        ),
        (
            &["CARGO_TARGET_DIR="],
            &[],
            "the target directory is an empty path",
        ),
    ] {
        let config = config(&[file, more], variables, flags).unwrap();
        let told = match config.target_directory(root) {
            Ok((path, origin)) => format!("{path} ← {origin}"),
            Err(error) => error.to_string(),
        };
        assert!(told.replace('\\', "/").ends_with(expected), "{told}");
        let (path, _) = config.build_directory(root).unwrap().unwrap();
        assert_eq!(path, "/w/a/root/b");
    }
    let config = config(&[], &["CARGO_BUILD_BUILD_DIR={cargo-cache-home}/{x}"], &[]).unwrap();
    assert!(config.build_directory(root).is_err());
    assert_eq!(config.target_directory(root).unwrap().0, "/w/a/root/target");
}

#[test]
fn configuration_that_cargo_refuses_is_refused() {
    let file = |text: &'static str| [("/w/a/.cargo/config.toml", text)];
    for (files, flags, expected) in [
        (
            &file("[build")[..],
            &[][..],
            "config.toml is not a configuration of cargo",
        ),
        (
            &file("include = 'x.toml'"),
            &[],
            "`include` must be a list of paths",
        ),
        (
            &file("include = ['x.toml']"),
            &[],
            "cannot read the included /w/a/.cargo/x.toml",
        ),
        (&file("include = ['config.toml']"), &[], "includes itself"),
        (
            &file("build.jobs = 1.5"),
            &[],
            "`jobs`: numbers with a point, and dates, are no values",
        ),
        (
            &file("build.target = ['a']"),
            &["build.target='b'"],
            "cargo cannot join them",
        ),
        (&[], &["build.jobs"], "neither a file nor KEY=VALUE"),
        (&[], &["[build]\njobs = 1"], "neither a file nor KEY=VALUE"),
    ] {
        let error = config(files, &[], flags).unwrap_err();
        assert!(format!("{error:#}").contains(expected), "{error:#}");
    }
}
