use super::*;

fn faults(steps: &str) -> Vec<String> {
    let text = format!("env:\n  CARGO_TERM_COLOR: always\njobs:\n  test:\n    steps:\n{steps}");
    let file = Utf8Path::new(".github/workflows/ci.yml");
    let root = RepositoryFiles {
        locks: true,
        pins: false,
    };
    let jobs = workflow::jobs(file, &text).unwrap();
    let faults = jobs.iter().flat_map(|job| judge(job, &root));
    faults
        .map(|it| format!("{}:{} {}", it.check.code, it.at, it.message))
        .collect()
}

fn cache(path: &str, key: &str) -> String {
    format!(
        "      - uses: actions/cache@v4\n        with:\n          path: {path}\n          key: {key}\n"
    )
}

#[test]
fn a_cache_key_needs_the_lock_file_and_the_toolchain() {
    for (path, key, lacks) in [
        (
            "target",
            "${{ runner.os }}-cargo",
            Some("Cargo.lock nor the toolchain"),
        ),
        (
            "target",
            "${{ runner.os }}-${{ hashFiles('**/Cargo.lock') }}",
            Some("the toolchain"),
        ),
        (
            "target",
            "a-${{ matrix.rust }}-${{ hashFiles('Cargo.lock') }}",
            None,
        ),
        (
            "./target/",
            "a-${{ hashFiles('rust-toolchain.toml', 'Cargo.lock') }}",
            None,
        ),
        ("target", "${{ steps.key.outputs.key }}", None),
        ("target", "rust-1.95-${{ hashFiles('Cargo.lock') }}", None),
        ("target", "${{ runner.os }}-target-${{ github.sha }}", None),
        ("~/.cargo/registry", "${{ runner.os }}", Some("Cargo.lock")),
        (
            "~/.cargo/registry",
            "a-${{ hashFiles('Cargo.lock') }}",
            None,
        ),
        ("node_modules", "a", None),
    ] {
        let found = faults(&cache(path, key));
        let keys: Vec<_> = found
            .iter()
            .filter(|it| it.starts_with("ci-cache-key"))
            .collect();
        match lacks {
            None => assert!(keys.is_empty(), "{key}: {keys:?}"),
            Some(lacks) => assert!(
                keys[0].ends_with(&format!(
                    ":9 test caches {} with a key without {lacks}",
                    if path == "target" {
                        "the target directory"
                    } else {
                        "cargo's downloads"
                    }
                )),
                "{keys:?}"
            ),
        }
    }
}

#[test]
fn a_cached_target_directory_needs_old_source_times() {
    let kept = cache("target", "${{ steps.key.outputs.key }}");
    assert_eq!(
        faults(&kept),
        [
            "ci-target-mtimes:9 test caches the target directory, but the checkout gives all sources \
          new times"
        ]
    );
    let of_one_run = cache("target", "a-${{ github.sha }}");
    assert!(faults(&of_one_run).is_empty());
    let lenient = format!("{of_one_run}          restore-keys: a-\n");
    assert!(faults(&lenient)[0].starts_with("ci-target-mtimes"));
    let restored = format!("{kept}      - run: git restore-mtime\n");
    assert!(faults(&restored).is_empty());
    assert!(faults(&cache("runtime/target/x", "a")).is_empty());
}

#[test]
fn a_job_that_begins_with_cargo_clean_is_found() {
    for (run, is_found) in [
        ("cargo clean", true),
        ("cargo --version && cargo +stable clean", true),
        ("cargo build; cargo clean", false),
        ("cargo clean -p a", false),
        ("cargo install x && cargo test", false),
    ] {
        let found = faults(&format!(
            "      - run: |\n          # first\n          {run}\n"
        ));
        let expected =
            is_found.then(|| "ci-clean-first:8 test begins with `cargo clean`".to_owned());
        assert_eq!(found, Vec::from_iter(expected), "{run}");
    }
}

#[test]
fn variables_that_spoil_a_compiler_cache_are_found() {
    let job = |name: &str, env: &str| {
        format!("  {name}:\n    env: {{ RUSTC_WRAPPER: sccache, {env} }}\n    steps: []\n")
    };
    for (first, second, expected) in [
        ("CARGO_INCREMENTAL: 0", "CARGO_BUILD_JOBS: 2", None),
        (
            "CARGO_INCREMENTAL: 1",
            "A: b",
            Some("3 CARGO_INCREMENTAL is on together with sccache"),
        ),
        (
            "CARGO_TARGET_DIR: '/tmp/${{ github.run_id }}'",
            "A: b",
            Some("3 CARGO_TARGET_DIR differs in each run, and is part of sccache's keys"),
        ),
        (
            "CARGO_TERM_COLOR: always",
            "A: b",
            Some("3 CARGO_TERM_COLOR differs between jobs that use sccache"),
        ),
        ("CARGO_TERM_COLOR: always", "CARGO_TERM_COLOR: always", None),
        ("CARGO_PROFILE_DEV_DEBUG: 0", "A: b", None),
    ] {
        let text = format!(
            "jobs:\n{}{}  c:\n    env: {{ CARGO_TERM_COLOR: never }}\n    steps: []\n",
            job("a", first),
            job("b", second)
        );
        let jobs = workflow::jobs(Utf8Path::new("ci.yml"), &text).unwrap();
        let found = variables(&jobs);
        let found: Vec<_> = found
            .iter()
            .map(|it| format!("{} {}", it.at, it.message))
            .collect();
        assert_eq!(found, Vec::from_iter(expected), "{first}");
    }
}

#[test]
fn the_toolchains_of_a_job_are_read() {
    let text = "env:\n  R: stable\n  S: ${{ env.S }}\njobs:\n  a:\n    steps:\n      - uses: dtolnay/rust-toolchain@nightly\n      \
        - uses: dtolnay/rust-toolchain@master\n        with:\n          toolchain: ${{ env.R }}\n      \
        - run: rustup toolchain install --profile minimal 1.90\n      - run: rustup default nightly-x86_64-pc-windows-gnu\n      \
        - uses: actions-rs/toolchain@v1\n        with:\n          toolchain: ${{ matrix.rust }}\n      \
        - uses: actions-rs/toolchain@v1\n        with:\n          toolchain: ${{ env.S }}\n";
    let jobs = workflow::jobs(Utf8Path::new("ci.yml"), text).unwrap();
    let channels: Vec<_> = chosen(&jobs[0]).into_iter().map(|it| it.1).collect();
    assert_eq!(
        channels,
        ["nightly", "stable", "unknown", "unknown", "1.90", "nightly"]
    );
}

#[test]
fn a_gitlab_pipeline_is_checked() {
    let text = "variables:\n  CARGO_NET_RETRY: '3'\ntest:\n  cache:\n    key:\n      files: [Cargo.lock]\n    paths: [target/]\n  \
        script:\n    - cargo clean\n    - cargo test\n";
    let root = RepositoryFiles {
        locks: true,
        pins: false,
    };
    let jobs = workflow::jobs(Utf8Path::new(".gitlab-ci.yml"), text).unwrap();
    let found: Vec<_> = judge(&jobs[0], &root)
        .iter()
        .map(|it| (it.check.code, it.at))
        .collect();
    assert_eq!(
        found,
        [
            ("ci-cache-key", 6),
            ("ci-target-mtimes", 6),
            ("ci-clean-first", 9)
        ]
    );
}

#[test]
fn the_directory_of_a_compiler_cache_needs_a_key_of_the_run() {
    for (path, key, is_found) in [
        (
            "~/.cache/sccache",
            "sccache-${{ hashFiles('Cargo.lock') }}",
            true,
        ),
        ("${{ env.SCCACHE_DIR }}", "sccache", true),
        ("~/.cache/sccache", "sccache-${{ github.sha }}", false),
        ("~/.cache/pip", "pip", false),
    ] {
        let found = faults(&cache(path, key));
        assert_eq!(!found.is_empty(), is_found, "{path} {key}: {found:?}");
    }
}

#[test]
fn logs_paths_and_files_that_differ_spoil_a_compiler_cache() {
    let file = |env: &str, steps: &str| {
        let text = format!(
            "jobs:\n  a:\n    env: {{ RUSTC_WRAPPER: sccache, {env} }}\n    steps:\n{steps}"
        );
        workflow::jobs(Utf8Path::new("ci.yml"), &text).unwrap()
    };
    let checkout = |path: &str| {
        format!("      - uses: actions/checkout@v4\n        with:\n          path: {path}\n")
    };
    let alone = |env: &str, steps: &str| -> Vec<String> {
        let found = variables(&file(env, steps));
        found
            .iter()
            .map(|it| format!("{} {}", it.at, it.message))
            .collect()
    };
    assert_eq!(
        alone("CARGO_LOG: warn", &checkout("w")),
        ["3 CARGO_LOG is part of sccache's keys, and has no other effect"]
    );
    assert_eq!(
        alone("A: b", &checkout("'w-${{ github.run_id }}'")),
        ["7 a checks out at a path that differs in each run, and sccache's keys contain the path"]
    );
    assert_eq!(
        alone("CARGO_HOME: '/c/${{ github.run_id }}'", &checkout("w")),
        ["3 CARGO_HOME differs in each run, and is part of sccache's keys"]
    );
    let files = [
        ("a.yml", "CARGO_TERM_COLOR: always"),
        ("b.yml", "CARGO_TERM_COLOR: always"),
        ("c.yml", "CARGO_TERM_COLOR: never"),
        (
            "d.yml",
            "CARGO_PROFILE_DEV_DEBUG: 0, CARGO_TERM_COLOR: always",
        ),
    ];
    let files: Vec<_> = files
        .map(|(name, env)| (name.into(), file(env, &checkout("w"))))
        .into();
    let found = between_files(&files);
    let found: Vec<_> = found
        .iter()
        .map(|(file, it)| format!("{file} {}", it.message))
        .collect();
    assert_eq!(
        found,
        ["c.yml CARGO_TERM_COLOR differs between jobs that use sccache, here and in a.yml"]
    );
}
