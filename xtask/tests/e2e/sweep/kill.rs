//! Kills a sweep at random moments. The next build must equal a build from nothing.

use std::time::{Duration, Instant};

use super::{KEPT, program};
use crate::support::Project;
use crate::support::clean::SECOND_LAYOUT;

const ASKED: [&str; 4] = ["--max-size", "0", "--keep-command", "check -p base"];

/// Starts a sweep, and kills the kit after a time. Returns true if the kit had not
/// ended by itself.
fn killed_after(project: &Project, time: Duration) -> bool {
    let mut command = project.kit(&[&["sweep", "-q"], &ASKED[..]].concat());
    command
        .env("RUSTC_BOOTSTRAP", "1")
        .stderr(std::process::Stdio::null());
    let mut child = command.spawn().unwrap();
    std::thread::sleep(time);
    let is_killed = child.try_wait().unwrap().is_none();
    let _ = child.kill();
    child.wait().unwrap();
    is_killed
}

/// Kills `times` sweeps. Each sweep starts from the artifacts of several builds, and the sources
/// change in between, so that a stale artifact would show.
fn kills(times: u32, configuration: &str) {
    let project = program();
    project.write(".cargo/config.toml", configuration);
    project.build_all(&KEPT);
    let start = Instant::now();
    project.sweep(&ASKED);
    let whole = start.elapsed();
    let mut seed = 1_u64;
    let mut killed = 0;
    for round in 0..times {
        project.build_all(&[KEPT[0], KEPT[2]]);
        let value = 100 + round;
        let source = format!("pub fn value() -> u32 {{ {value} }}\n");
        project.write("crates/base/src/lib.rs", &source);
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let part = f64::from(u32::try_from(seed >> 33).unwrap()) / f64::from(1_u32 << 31);
        killed += u32::from(killed_after(&project, whole.mul_f64(part)));
        let said = project.cargo(&["run", "--quiet"]).done();
        assert_eq!(said, format!("{value} 7\n"), "round {round}");
        project.cargo(&["test", "--workspace", "--quiet"]).done();
    }
    println!("{killed} of {times} sweeps were killed before their end");
}

#[test]
fn a_killed_sweep_leaves_nothing_stale() {
    kills(3, "");
}

/// Kills 100 sweeps, half of them in each layout. The nightly workflow runs this test.
#[test]
#[ignore = "takes minutes; the nightly workflow runs it"]
fn a_hundred_killed_sweeps_leave_nothing_stale() {
    kills(50, "");
    kills(50, SECOND_LAYOUT);
}
