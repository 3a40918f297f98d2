//! Reads the figures of the system: `/proc` on Linux, `sysctl` on macOS.

use xtask_impact::process::Runner;
use xtask_impact::{files, process};

/// The ticks of processor time per second that Linux counts for programs (`USER_HZ`).
const TICKS: f64 = 100.0;

/// The counted ticks of all cores since the machine started.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct CoreTicks {
    pub(super) busy: f64,
    pub(super) idle: f64,
    pub(super) cores: usize,
}

/// Reads the ticks of the machine. `None` if the system does not list them.
pub(super) fn ticks() -> Option<CoreTicks> {
    let text = files::read("/proc/stat", files::RECORD).ok()?;
    ticks_in(&String::from_utf8_lossy(&text))
}

/// Reads the text of `/proc/stat`. Time that a hypervisor took away counts as busy.
pub(super) fn ticks_in(text: &str) -> Option<CoreTicks> {
    let all = text.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let all: Vec<f64> = all
        .split_whitespace()
        .map_while(|it| it.parse().ok())
        .collect();
    // user, nice, system, idle, iowait, irq, softirq, steal; the later figures are parts of user.
    let at = |place: usize| all.get(place).copied().unwrap_or_default();
    let is_core = |line: &&str| {
        let number = line.strip_prefix("cpu");
        number.is_some_and(|it| it.starts_with(|first: char| first.is_ascii_digit()))
    };
    Some(CoreTicks {
        busy: [0, 1, 2, 5, 6, 7].map(at).iter().sum(),
        idle: at(3) + at(4),
        cores: text.lines().filter(is_core).count().max(1),
    })
}

/// Returns the load average of the last minute.
pub(super) fn load(runner: &Runner) -> Option<f64> {
    if let Ok(text) = files::read_text("/proc/loadavg", files::SETTINGS) {
        return load_in(&text);
    }
    if !cfg!(target_os = "macos") {
        return None;
    }
    let mut sysctl = runner.program("sysctl");
    let said = process::checked(sysctl.args(["-n", "vm.loadavg"])).ok()?;
    load_in(&String::from_utf8_lossy(&said))
}

/// Reads `1.30 1.39 2.39 …` of Linux and `{ 1.30 1.39 2.39 }` of macOS.
pub(super) fn load_in(text: &str) -> Option<f64> {
    text.split_whitespace().find_map(|word| word.parse().ok())
}

/// Returns the processor time in seconds of all processes of a name and of their ended children.
pub(super) fn seconds_of(name: &str) -> f64 {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return 0.0;
    };
    let mut sum = 0.0;
    for entry in entries.flatten() {
        if entry
            .file_name()
            .to_str()
            .is_some_and(|it| it.bytes().all(|byte| byte.is_ascii_digit()))
            && let Ok(text) = files::read(entry.path().join("stat"), files::SETTINGS)
        {
            sum += seconds_in(&String::from_utf8_lossy(&text), name).unwrap_or(0.0);
        }
    }
    sum
}

/// Reads the time of a process in the text of `/proc/<id>/stat`, if the process has this name.
pub(super) fn seconds_in(text: &str, name: &str) -> Option<f64> {
    let (before, after) = text.rsplit_once(')')?;
    let (_, called) = before.split_once('(')?;
    // The state is field 3; the times of the process are fields 14 and 15, of its children 16 and 17.
    let times = after.split_whitespace().skip(11).take(4);
    let times = times.filter_map(|it| it.parse::<f64>().ok());
    (called == name).then(|| times.sum::<f64>() / TICKS)
}
