use super::*;

fn proven() -> UnitFacts {
    UnitFacts {
        tie: Ok(()),
        difference: None,
        is_natural: false,
        is_ahead: false,
        young: None,
        watches_package: false,
        must_run: false,
        is_linked: false,
    }
}

/// Returns the actions in a directory that was never moved, in a carried directory, and with
/// `--touch` in a carried directory.
fn actions(facts: &UnitFacts) -> String {
    let touch = JudgeOptions {
        touch: true,
        verify: false,
    };
    let cases = [
        (false, JudgeOptions::default()),
        (true, JudgeOptions::default()),
        (true, touch),
    ];
    let actions = cases.map(|(is_carried, options)| {
        format!("{:?}", action(facts, is_carried, options).0).to_lowercase()
    });
    actions.join(", ")
}

#[test]
fn only_a_proven_unit_is_stamped() {
    let other = || Some("src/lib.rs".to_owned());
    let untied = Err("it was not recorded".to_owned());
    let cases = [
        ("proven", proven()),
        (
            "fresh for cargo",
            UnitFacts {
                is_natural: true,
                ..proven()
            },
        ),
        (
            "fresh for cargo, of the future",
            UnitFacts {
                is_natural: true,
                is_ahead: true,
                ..proven()
            },
        ),
        (
            "other content",
            UnitFacts {
                difference: other(),
                ..proven()
            },
        ),
        (
            "other content, fresh for cargo",
            UnitFacts {
                difference: other(),
                is_natural: true,
                ..proven()
            },
        ),
        (
            "not tied",
            UnitFacts {
                tie: untied.clone(),
                ..proven()
            },
        ),
        (
            "not tied, fresh for cargo",
            UnitFacts {
                tie: untied,
                is_natural: true,
                ..proven()
            },
        ),
        (
            "a young input",
            UnitFacts {
                young: other(),
                ..proven()
            },
        ),
        (
            "watches its package",
            UnitFacts {
                watches_package: true,
                ..proven()
            },
        ),
        (
            "watches its package, other content",
            UnitFacts {
                watches_package: true,
                difference: other(),
                ..proven()
            },
        ),
        (
            "must write a file",
            UnitFacts {
                must_run: true,
                is_natural: true,
                ..proven()
            },
        ),
        (
            "in a hard-linked copy",
            UnitFacts {
                is_linked: true,
                ..proven()
            },
        ),
    ];
    let shown: String = cases
        .iter()
        .map(|(name, facts)| format!("{name}: {}\n", actions(facts)))
        .collect();
    expect_test::expect![[r#"
        proven: stamp, stamp, stamp
        fresh for cargo: keep, keep, keep
        fresh for cargo, of the future: stamp, stamp, stamp
        other content: rebuild, rebuild, invalidate
        other content, fresh for cargo: invalidate, invalidate, invalidate
        not tied: keep, invalidate, invalidate
        not tied, fresh for cargo: keep, invalidate, invalidate
        a young input: rebuild, invalidate, invalidate
        watches its package: rebuild, rebuild, touch
        watches its package, other content: rebuild, rebuild, invalidate
        must write a file: invalidate, invalidate, invalidate
        in a hard-linked copy: rebuild, rebuild, rebuild
    "#]]
    .assert_eq(&shown);
}

#[test]
fn the_package_of_a_key_is_named() {
    for (key, expected) in [
        (
            "debug/.fingerprint/my-lib-0123456789abcdef/lib-my_lib",
            "my-lib",
        ),
        (
            "debug/build/my-lib/0123456789abcdef/fingerprint/lib-my_lib",
            "my-lib",
        ),
    ] {
        assert_eq!(named(key), expected);
    }
}
