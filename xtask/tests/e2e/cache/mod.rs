//! The compiler cache, with real servers.

mod servers;

use std::fs;
use std::process::Command;
use std::time::Duration;

use servers::{CachedBuild, CachedProject, Server, program};

use crate::schemas::fits;

/// The time in which each build with a dead server must end, if this is longer than three cold
/// builds. Without the watchdog, such a build takes more than a minute.
const LIMIT: Duration = Duration::from_secs(40);

/// Checks what the kit printed, and that the build took not much longer than a cold one.
#[track_caller]
fn check(build: &CachedBuild, cold: &CachedBuild, said: &str) {
    assert!(build.said.contains(said), "{}", build.said);
    let limit = LIMIT.max(cold.time * 3);
    assert!(build.time < limit, "{:?}: {}", build.time, build.said);
}

/// Sets a wrapper that fails each time, as sccache does with a dead remote cache. Questions to cargo
/// do not start the wrapper, and their answers are the same as without it.
#[cfg(unix)]
#[test]
fn questions_to_cargo_do_not_start_a_compiler_cache() {
    let cached = CachedProject::new("/nowhere/sccache".into());
    let project = &cached.project;
    project.cargo(&["build", "--quiet"]).done();
    let started = project.beside("started");
    let wrapper = project.beside("bin/sccache");
    let text = format!("#!/bin/sh\necho \"$@\" >> {started:?}\nexit 2\n");
    project.write(&wrapper, &text);
    fs::set_permissions(
        &wrapper,
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    let questions = [
        &["graph", "--no-cache"][..],
        &["affected", "--assume-changed", "base", "--no-cache"],
        &["run-affected", "--all", "--no-cache", "--dry-run", "test"],
        &["policy", "show", "--no-cache"],
    ];
    let answers = || questions.map(|it| cached.run(it).stdout);
    let before = answers();
    let info = || project.read("target/.rustc_info.json");
    let (settings, kept) = (format!("[build]\nrustc-wrapper = {wrapper:?}\n"), info());
    project.write(".cargo/config.toml", &settings);
    let after = answers();
    for (at, question) in questions[..3].iter().enumerate() {
        assert!(!before[at].is_empty(), "{question:?}");
        assert_eq!(before[at], after[at], "{question:?}");
    }
    assert_eq!(fs::read_to_string(&started).unwrap_or_default(), "");
    assert_eq!(info(), kept);
}

/// The table of the situations: cold, warm, at another path, and with each kind of dead server.
#[test]
fn a_dead_remote_cache_neither_stalls_nor_fails_a_build() {
    let (Some(sccache), Some(redis)) = (program("sccache"), program("redis-server")) else {
        return;
    };
    let cached = CachedProject::new(sccache);
    let project = &cached.project;
    let server = Server::redis(&redis, project.root());
    let url = format!("redis://127.0.0.1:{}", server.port);
    cached.set_up(&["redis", &url]);

    let cold = cached.build();
    check(&cold, &cold, "Cached");
    assert!(!cold.said.contains("warning"), "{}", cold.said);
    assert_eq!((cold.hits, cold.misses), (0, 6));
    // A procedural macro, a binary and a build script cannot be cached.
    assert_eq!(cold.compilations, 9);
    // The disk was removed, so the hits come from the server.
    let warm = cached.build();
    check(&warm, &cold, "Cached");
    assert_eq!((warm.hits, warm.misses), (6, 0));

    // sccache hashes the directory of path packages.
    let other = project.beside("other");
    let copied = Command::new("cp")
        .args(["-R", "."])
        .arg(&other)
        .current_dir(project.root())
        .status();
    assert!(copied.unwrap().success());
    drop(fs::remove_dir_all(other.join("target")));
    let mut moved = cached.kit(&["cache", "run", "--", "build", "-q"]);
    let moved = project.finish(moved.current_dir(&other));
    assert_eq!(moved.status, 0, "{moved}");
    assert!(moved.stderr.contains("0 of 6 cacheable"), "{moved}");

    // The server accepts connections and never answers.
    server.signal("STOP");
    let stopped = cached.build();
    check(&stopped, &cold, "warning: the remote cache does not answer");
    assert_eq!(stopped.hits + stopped.misses, 6);
    let (status, code) = cached.json(&["cache", "status", "--format", "json"]);
    assert_eq!(
        (status["remotes"][0]["answers"].as_bool(), code),
        (Some(false), 1)
    );
    server.signal("CONT");

    // The server stops half-way, and is then killed half-way.
    for signal in ["STOP", "KILL"] {
        let file = project.beside("signal");
        fs::write(&file, format!("{signal} {}", server.id())).unwrap();
        let more = format!("pub fn more_{}() {{}}\n", signal.to_lowercase());
        project.append("crates/base/src/lib.rs", &more);
        let lost = cached.build();
        check(
            &lost,
            &cold,
            "warning: the remote cache failed, so the build continues with the disk",
        );
        fs::remove_file(&file).unwrap();
        if signal == "STOP" {
            server.signal("CONT");
        }
    }

    // No server is there at the start.
    let dead = cached.build();
    check(&dead, &cold, "warning: the remote cache does not answer");
    assert_eq!(dead.hits + dead.misses, 6);
}

/// A build error is the user's, with every kind of server, and is printed once.
#[test]
fn a_compile_error_is_printed_once() {
    let Some(sccache) = program("sccache") else {
        return;
    };
    let cached = CachedProject::new(sccache);
    cached.set_up(&["local"]);
    cached
        .project
        .write("crates/top/src/lib.rs", "pub fn top() -> u32 { no }\n");
    let output = cached.run(&["cache", "run", "--", "build", "--quiet"]);
    assert_eq!(output.status, 101, "{output}");
    assert_eq!(
        output.stderr.matches("cannot find value `no`").count(),
        1,
        "{output}"
    );
}

/// Without sccache the build goes on.
#[test]
fn a_missing_program_does_not_fail_a_build() {
    let cached = CachedProject::new("/nowhere/sccache".into());
    let project = &cached.project;
    project.write(
        ".cargo/config.toml",
        "[build]\nrustc-wrapper = \"/nowhere/sccache\"\n",
    );
    let mut kit = project.kit(&["cache", "run", "--", "build", "-q", "-p", "early"]);
    // Only the toolchain, git and a shell.
    let named = kit
        .get_envs()
        .find(|it| it.0 == "PATH")
        .unwrap()
        .1
        .unwrap()
        .to_owned();
    let first = std::env::split_paths(&named).next().unwrap();
    let path = std::env::join_paths([first, "/usr/bin".into(), "/bin".into()]).unwrap();
    let output = project.finish(kit.env("PATH", path));
    assert_eq!(output.status, 0, "{output}");
    if !std::path::Path::new("/usr/bin/sccache").exists() {
        let said = "warning: the build runs without a compiler cache: sccache is not installed";
        assert!(output.stderr.contains(said), "{output}");
    }
}

#[test]
fn a_bucket_of_s3_is_shared() {
    let (Some(sccache), Some(moto)) = (program("sccache"), program("moto_server")) else {
        return;
    };
    let cached = CachedProject::new(sccache);
    let server = Server::s3(&moto, cached.project.root());
    let url = format!("http://127.0.0.1:{}", server.port);
    let put = Command::new("python3")
        .args([
            "-c",
            "import sys, urllib.request as u; u.urlopen(u.Request(sys.argv[1], method='PUT'))",
        ])
        .arg(format!("{url}/team"))
        .status();
    assert!(put.unwrap().success());
    cached.set_up(&["s3", "team", "--endpoint", &url, "--region", "us-east-1"]);
    let build = || {
        drop(fs::remove_dir_all(cached.project.path("target")));
        drop(fs::remove_dir_all(cached.project.beside("disk")));
        let mut kit = cached.kit(&["cache", "run", "--", "build", "-q"]);
        kit.env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test");
        cached.project.finish(&mut kit)
    };
    let cold = build();
    assert!(
        cold.status == 0 && cold.stderr.contains("0 of 6 cacheable"),
        "{cold}"
    );
    let warm = build();
    assert!(
        warm.status == 0 && warm.stderr.contains("6 of 6 cacheable"),
        "{warm}"
    );
}

#[test]
fn a_set_up_is_shown_and_taken_back_exactly() {
    let mut cached = CachedProject::new("/nowhere/sccache".into());
    // Some program of this name, so that no note says that it is missing.
    cached.project.write("../bin/sccache", "");
    cached.sccache = cached.project.beside("bin/sccache");
    let project = &cached.project;
    let text = "# ours\n[build]\nincremental = true # fast\n\n[alias]\nb = \"build\"";
    project.write(".cargo/config.toml", text);
    let dry = cached.run(&[
        "cache",
        "setup",
        "--dry-run",
        "redis",
        "redis://me:secret@h",
    ]);
    dry.is(expect_test::expect![[r#"
        [ROOT]/.cargo/config.toml
          - incremental = true # fast
          + rustc-wrapper = "sccache" # set by `cargo xtask cache setup`
          + incremental = false # set by `cargo xtask cache setup`
          + # replaced by `cargo xtask cache setup`: incremental = true # fast
          + # no line break before `cargo xtask cache setup`
        [BESIDE]/sccache.toml
          + # made by `cargo xtask cache setup`
          + [cache.redis] # set by `cargo xtask cache setup`
          + endpoint = "redis://h:6379" # set by `cargo xtask cache setup`
          + [cache.multilevel] # set by `cargo xtask cache setup`
          + chain = ["disk", "redis"] # set by `cargo xtask cache setup`
          + write_error_policy = "ignore" # set by `cargo xtask cache setup`
          + [cache.disk] # set by `cargo xtask cache setup`
          + size = 10737418240 # set by `cargo xtask cache setup`
        --- stderr
        note: the credentials of the URL are not written: set SCCACHE_REDIS_ENDPOINT=redis://h:6379, SCCACHE_REDIS_USERNAME and SCCACHE_REDIS_PASSWORD
    "#]]);
    assert_eq!(project.read(".cargo/config.toml"), text);
    assert!(!cached.configuration().exists());
    for store in [
        &["redis", "redis://me:secret@h"][..],
        &["s3", "team", "--region", "eu-west-1"],
        &["gcs", "team"],
        &["gha"],
        &["local", "--size", "5G"],
    ] {
        let done = cached.run(&[&["cache", "setup"], store].concat()).done();
        assert!(done.contains("  + ") && !done.contains("secret"), "{done}");
        let written = fs::read_to_string(cached.configuration()).unwrap();
        assert!(!written.contains("secret"), "{written}");
    }
    // Cargo reads the values.
    let config = project.read(".cargo/config.toml");
    assert!(
        config.contains("rustc-wrapper = \"sccache\"") && config.contains("\nincremental = false")
    );
    cached.run(&["cache", "unset"]).done();
    assert_eq!(project.read(".cargo/config.toml"), text);
    assert!(!cached.configuration().exists());
}

/// The probe finds the variable that differs, and passes without it.
#[test]
fn a_probe_names_the_cause_of_misses() {
    let Some(sccache) = program("sccache") else {
        return;
    };
    let cached = CachedProject::new(sccache);
    cached.set_up(&["local"]);
    let probe = ["cache", "probe", "--format", "json"];
    let (report, code) = cached.json(&probe);
    fits("cache-probe", &report.to_string());
    assert_eq!(
        (code, report["passed"].as_bool()),
        (0, Some(true)),
        "{report:#}"
    );
    let rates: Vec<_> = [0, 1, 2]
        .map(|at| report["builds"][at]["hit_rate"].as_f64())
        .into();
    assert_eq!(rates, [Some(0.0), Some(100.0), Some(0.0)], "{report:#}");
    let cause = |package: &str, build: &str| {
        let misses = report["misses"].as_array().unwrap().iter();
        let mut misses = misses.filter(|it| it["package"] == package && it["build"] == build);
        misses
            .next()
            .map(|it| it["cause"].as_str().unwrap().to_owned())
    };
    let moved = cause("middle", "other path").unwrap();
    assert!(moved.starts_with("the checkout's path"), "{moved}");
    assert!(
        cause("derive", "warm")
            .unwrap()
            .starts_with("a procedural macro")
    );
    assert_eq!(report["not_fresh"].as_array().unwrap().len(), 0);
    let mut kit = cached.kit(&probe);
    kit.env("CARGO_TERM_VERBOSE", "false")
        .env("CARGO_HTTP_TIMEOUT", "30");
    let output = kit.output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{report:#}");
    let names = report["variables"].as_array().unwrap();
    assert!(
        names.iter().any(|it| it == "CARGO_TERM_VERBOSE"),
        "{report:#}"
    );
    assert!(
        names.iter().any(|it| it == "CARGO_HTTP_TIMEOUT"),
        "{report:#}"
    );
}

#[test]
fn timings_keep_the_hit_rate() {
    let Some(sccache) = program("sccache") else {
        return;
    };
    let cached = CachedProject::new(sccache.clone());
    let project = &cached.project;
    cached.set_up(&["local"]);
    let socket = project.beside("s");
    let of_server = |command: &mut Command| {
        command
            .env("SCCACHE_SERVER_UDS", &socket)
            .env("SCCACHE_IDLE_TIMEOUT", "60");
    };
    let mut rates = Vec::new();
    for _ in 0..2 {
        drop(fs::remove_dir_all(project.path("target")));
        let mut kit = cached.kit(&["timings", "--format", "json", "--budget", "cache-hits=80"]);
        of_server(&mut kit);
        let output = kit.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let report: serde_json::Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"));
        let cache = &report["run"]["cache"];
        rates.push((
            cache["hits"].as_u64(),
            cache["misses"].as_u64(),
            output.status.code(),
        ));
    }
    let mut stop = Command::new(&sccache);
    stop.arg("--stop-server");
    project.isolated(&mut stop);
    of_server(&mut stop);
    drop(stop.output());
    assert_eq!(
        rates,
        [(Some(0), Some(6), Some(1)), (Some(6), Some(0), Some(0))]
    );
}
