use super::proc::{CoreTicks, load_in, seconds_in, ticks_in};
use super::*;
use crate::cargo_runs::build_times::UnitTiming;

/// Returns the use of a machine: wall, own and other processor time, time without an idle core.
fn on(cores: usize, [wall, cpu, other, full]: [f64; 4]) -> MachineUse {
    MachineUse {
        wall,
        cpu: Some(cpu),
        other_cpu: Some(other),
        without_idle_core: Some(full),
        usable: cpu,
        cores,
        load_before: Some(0.0),
        load_after: Some(cpu / wall),
    }
}

#[test]
fn other_work_counts_only_if_it_takes_the_cores_of_the_build() {
    for (what, machine, is_contended) in [
        ("alone, parallel", on(2, [60.0, 118.0, 0.5, 58.0]), false),
        ("alone, one core", on(16, [60.0, 62.0, 1.0, 0.0]), false),
        (
            "alone, the machine is full at the end",
            on(4, [60.0, 100.0, 2.0, 20.0]),
            false,
        ),
        (
            "a full machine: 18 minutes, 5.5 of them",
            on(2, [1080.0, 330.0, 1800.0, 1080.0]),
            true,
        ),
        (
            "one core, and two of sixteen are busy",
            on(16, [60.0, 62.0, 120.0, 0.0]),
            false,
        ),
        (
            "one core of two, the other one busy",
            on(2, [60.0, 60.0, 58.0, 55.0]),
            true,
        ),
        (
            "parallel, and a browser",
            on(8, [60.0, 430.0, 10.0, 55.0]),
            false,
        ),
        (
            "parallel, and another build",
            on(8, [60.0, 250.0, 220.0, 58.0]),
            true,
        ),
        (
            "other work at the end only",
            on(4, [100.0, 150.0, 60.0, 15.0]),
            true,
        ),
        (
            "other work for a moment",
            on(4, [100.0, 150.0, 6.0, 4.0]),
            false,
        ),
    ] {
        assert_eq!(machine.contention().is_some(), is_contended, "{what}");
    }
    assert_eq!(
        on(2, [1080.0, 330.0, 1800.0, 1080.0]).contention().unwrap(),
        "other work used 1.7 of 2 cores, and no core was idle for 100% of the time"
    );
}

/// Without the figures of Linux, the times of the units and the load average decide.
#[test]
fn units_that_get_too_little_time_are_contended_if_others_were_ready_to_run() {
    let machine = |cpu: f64, usable: f64, load: Option<f64>| MachineUse {
        wall: 100.0,
        cpu: Some(cpu),
        usable,
        cores: 8,
        load_after: load,
        ..MachineUse::default()
    };
    for (what, machine, is_contended) in [
        ("alone", machine(390.0, 400.0, Some(6.0)), false),
        ("one core", machine(95.0, 100.0, Some(1.2)), false),
        (
            "one core, others idle along",
            machine(95.0, 100.0, Some(5.0)),
            false,
        ),
        (
            "a script waits for the network",
            machine(20.0, 100.0, Some(0.3)),
            false,
        ),
        ("half of the time", machine(150.0, 400.0, Some(12.0)), true),
        (
            "one core, half of it",
            machine(40.0, 100.0, Some(11.0)),
            true,
        ),
        ("no load average", machine(40.0, 100.0, None), false),
        ("nothing is known", MachineUse::default(), false),
    ] {
        assert_eq!(machine.contention().is_some(), is_contended, "{what}");
    }
}

#[test]
fn usable_time_ends_at_the_number_of_cores() {
    let unit = |start: f64, duration: f64| UnitTiming {
        start,
        duration,
        ..UnitTiming::default()
    };
    let build = BuildTimings {
        units: vec![
            unit(0.0, 0.0),
            unit(0.5, 4.0),
            unit(1.0, 1.0),
            unit(1.0, 1.0),
            unit(6.0, 2.0),
        ],
        ..BuildTimings::default()
    };
    for (cores, seconds) in [(1, 6.0), (2, 7.0), (3, 8.0), (64, 8.0), (0, 6.0)] {
        assert!((usable(&build, cores) - seconds).abs() < 1e-9, "{cores}");
    }
    assert_eq!(usable(&BuildTimings::default(), 4), 0.0);
}

#[test]
fn the_figures_of_the_system_are_read() {
    let text = "cpu  100 20 30 400 50 1 2 7 60 0\ncpu0 1 1 1 1\ncpu1 1 1 1 1\nintr 5 0\nctxt 9\n";
    let ticks = ticks_in(text).unwrap();
    let expected = CoreTicks {
        busy: 160.0,
        idle: 450.0,
        cores: 2,
    };
    assert_eq!(ticks, expected);
    let later = CoreTicks {
        busy: 190.0,
        idle: 460.0,
        cores: 2,
    };
    assert_eq!(ticks.idle_cores(&later), Some(0.5));
    assert_eq!(ticks.idle_cores(&ticks), None, "no tick in between");
    // An old kernel lists fewer figures.
    assert_eq!(ticks_in("cpu  1 2 3 4\ncpu0 1 2 3 4\n").unwrap().busy, 6.0);
    assert_eq!(ticks_in("intr 5"), None);
    assert_eq!(load_in("1.30 1.39 2.39 2/117 4242\n"), Some(1.3));
    assert_eq!(load_in("{ 2.10 1.39 2.39 }\n"), Some(2.1));
    assert_eq!(load_in(""), None);
    let server = "77 (sccache) S 1 77 77 0 -1 4194560 1 2 3 4 150 50 200 100 20 0 1";
    assert_eq!(seconds_in(server, "sccache"), Some(5.0));
    assert_eq!(
        seconds_in(&server.replace("sccache", "a) (b"), "sccache"),
        None
    );
    assert_eq!(seconds_in("", "sccache"), None);
}
