//! The processor time of the kit and of its children.

/// Returns the processor time in seconds, user and system, of the kit and of all its children that
/// have ended, with their descendants. `None` if the system does not report it.
#[cfg(unix)]
pub fn cpu_seconds() -> Option<f64> {
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::TimeValLike as _;

    let mut microseconds = 0;
    for who in [UsageWho::RUSAGE_SELF, UsageWho::RUSAGE_CHILDREN] {
        let usage = getrusage(who).ok()?;
        microseconds += (usage.user_time() + usage.system_time()).num_microseconds();
    }
    Some(microseconds as f64 / 1e6)
}

/// Returns `None`: the system does not sum up the time of descendants.
#[cfg(not(unix))]
pub fn cpu_seconds() -> Option<f64> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use crate::process::{self, Runner};

    #[test]
    fn the_time_of_a_grandchild_is_counted() {
        let runner = Runner::new().unwrap();
        let before = super::cpu_seconds().unwrap();
        let busy = "i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done";
        let nested = format!("sh -c '{busy}' && true");
        process::checked(runner.program("sh").args(["-c", &nested])).unwrap();
        assert!(super::cpu_seconds().unwrap() > before + 0.01);
    }
}
