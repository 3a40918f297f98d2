use super::*;

fn config(text: &str) -> Config {
    toml::from_str(text).unwrap()
}

fn steps_as_text(config: &Config, hook: Hook, skip: &str) -> String {
    match config.steps(hook, skip) {
        Ok(steps) => {
            let steps_as_text = steps.iter().map(|step| {
                let budget = step.budget.map_or(0.0, |it| it.as_secs_f64());
                format!(
                    "{}: {:?}, {budget} s, {:?}\n",
                    step.name, step.work, step.over_budget
                )
            });
            steps_as_text.collect()
        }
        Err(error) => format!("{error:#}\n"),
    }
}

#[test]
fn a_hook_has_default_steps_without_configuration() {
    let config = Config::default();
    let all = Hook::ALL.map(|hook| steps_as_text(&config, hook, ""));
    expect_test::expect![[r#"
        policy: Policy, 20 s, Pass
        fmt: Format, 20 s, Pass
        clippy: Cargo { command: "clippy", arguments: ["--", "--deny", "warnings"] }, 20 s, Pass
        clippy: Cargo { command: "clippy", arguments: ["--", "--deny", "warnings"] }, 300 s, Pass
        test: Cargo { command: "test", arguments: [] }, 300 s, Pass
    "#]]
    .assert_eq(&all.concat());
    assert_eq!(
        steps_as_text(&config, Hook::PreCommit, "clippy, policy, fmt"),
        ""
    );
}

#[test]
fn steps_are_configured_per_hook_and_per_step() {
    let config = config(
        r#"
        pre-commit = { steps = ["fmt", "check", "spelling", "clippy"], budget = 5, over-budget = "fail" }
        pre-push = { steps = ["nextest", "audit"], budget = 600 }
        [steps]
        spelling = { run = ["typos", "{files}"], files = ["**/*.md"], budget = 0 }
        clippy = { args = ["--", "--allow", "warnings"], over-budget = "pass" }
        "#,
    );
    let all = [
        steps_as_text(&config, Hook::PreCommit, "check"),
        steps_as_text(&config, Hook::PrePush, ""),
        steps_as_text(&config, Hook::PrePush, "audit"),
    ];
    // The definition of a step is checked even if the step is skipped.
    expect_test::expect![[r#"
        fmt: Format, 5 s, Fail
        spelling: Program(["typos", "{files}"]), 0 s, Fail
        clippy: Cargo { command: "clippy", arguments: ["--", "--allow", "warnings"] }, 5 s, Pass
        [workspace.metadata.xtask.hooks]: pre-push has an unknown step `audit`; known steps are fmt, policy, clippy, check, test, nextest, doc, freshness, sweep, spelling
        hint: define it as steps.audit = { run = ["program", "argument"] }
        [workspace.metadata.xtask.hooks]: pre-push has an unknown step `audit`; known steps are fmt, policy, clippy, check, test, nextest, doc, freshness, sweep, spelling
        hint: define it as steps.audit = { run = ["program", "argument"] }
    "#]].assert_eq(&all.concat());
}

#[test]
fn a_step_is_about_files_that_its_globs_match() {
    let config = config(
        r#"
        pre-commit.steps = ["fmt", "clippy", "spelling"]
        steps.spelling = { run = ["typos"], files = ["docs/*.md", "**/*.txt"] }
        "#,
    );
    let steps = config.steps(Hook::PreCommit, "").unwrap();
    let about = |path: &str| {
        let about = steps.iter().filter(|step| step.is_about(path.into()));
        about
            .map(|step| step.name.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(about("src/lib.rs"), "fmt clippy");
    assert_eq!(about("docs/a.md"), "fmt clippy spelling");
    assert_eq!(about("docs/b/a.md"), "fmt clippy");
    assert_eq!(about("a/b/c.txt"), "fmt clippy spelling");
}

#[test]
fn a_wrong_configuration_is_refused() {
    let wrong = [
        "pre-comit = {}",
        "pre-commit = { budgets = 3 }",
        "pre-commit = { over-budget = \"shout\" }",
        "pre-commit = { steps = [\"unknown\"] }",
        "pre-commit = { budget = -1 }",
        "pre-commit.steps = [\"x\"]\nsteps.x = { run = [\"x\"], files = [\"a**\"] }",
    ];
    let steps_as_text: Vec<_> = wrong
        .into_iter()
        .map(|text| match toml::from_str(text) {
            Ok(config) => steps_as_text(&config, Hook::PreCommit, ""),
            Err(error) => format!("{}\n", error.message()),
        })
        .collect();
    expect_test::expect![[r#"
        unknown field `pre-comit`, expected one of `pre-commit`, `pre-push`, `post-checkout`, `steps`, `enabled`, `skip-workspaces`
        unknown field `budgets`, expected one of `steps`, `budget`, `over-budget`
        unknown variant `shout`, expected `pass` or `fail`
        [workspace.metadata.xtask.hooks]: pre-commit has an unknown step `unknown`; known steps are fmt, policy, clippy, check, test, nextest, doc, freshness, sweep
        hint: define it as steps.unknown = { run = ["program", "argument"] }
        [workspace.metadata.xtask.hooks]: policy: `budget` must be a number of seconds
        [workspace.metadata.xtask.hooks]: steps.x: `a**`: Pattern syntax error near position 0: recursive wildcards must form a single path component
    "#]].assert_eq(&steps_as_text.concat());
}

#[test]
fn a_step_over_budget_passes_or_fails_as_configured() {
    let lets_pass = |result| {
        let outcome = StepOutcome {
            workspace: None,
            step: String::new(),
            result,
            took: Duration::ZERO,
            output: String::new(),
        };
        outcome.lets_pass()
    };
    assert!(lets_pass(Ending::Passed) && lets_pass(Ending::Idle));
    assert!(lets_pass(Ending::OverBudget(OverBudget::Pass)));
    assert!(!lets_pass(Ending::OverBudget(OverBudget::Fail)) && !lets_pass(Ending::Failed));
}

#[test]
fn every_definition_is_checked_at_installation() {
    let steps_as_text = [
        "pre-push.steps = [\"lints\"]",
        "steps.clipy = { args = [\"--\"] }",
        "steps.x = { run = [\"x\"], files = [\"a**\"] }",
        "skip-workspaces = [\"a**\"]",
        "pre-commit.steps = [\"x\"]\nsteps.x = { run = [\"x\"] }\nsteps.test = { budget = 9 }",
    ]
    .map(|text| match config(text).check() {
        Ok(()) => "right\n".to_owned(),
        Err(error) => format!("{error:#}\n"),
    });
    expect_test::expect![[r#"
        [workspace.metadata.xtask.hooks]: pre-push has an unknown step `lints`; known steps are fmt, policy, clippy, check, test, nextest, doc, freshness, sweep
        hint: define it as steps.lints = { run = ["program", "argument"] }
        [workspace.metadata.xtask.hooks]: steps.clipy has no `run`, and is not a built-in step (fmt, policy, clippy, check, test, nextest, doc, freshness, sweep)
        [workspace.metadata.xtask.hooks]: steps.x: `a**`: Pattern syntax error near position 0: recursive wildcards must form a single path component
        [workspace.metadata.xtask.hooks]: skip-workspaces: `a**`: Pattern syntax error near position 0: recursive wildcards must form a single path component
        right
    "#]]
    .assert_eq(&steps_as_text.concat());
}

#[test]
fn a_failure_is_worse_than_a_timeout_in_the_same_step() {
    let late = Ending::OverBudget(OverBudget::Pass);
    let worst = |endings: &[Ending]| endings.iter().fold(Ending::Passed, |a, b| a.worse(*b));
    for endings in [[Ending::Failed, late], [late, Ending::Failed]] {
        assert_eq!(worst(&endings), Ending::Failed);
    }
    assert_eq!(worst(&[late, Ending::Passed]), late);
    assert_eq!(worst(&[Ending::Passed, Ending::Idle]), Ending::Passed);
}
