use super::*;

/// A run as a service describes it.
struct Run<'a> {
    variables: &'a [(&'a str, &'a str)],
    event: &'a str,
    /// The revisions that the clone has.
    known: &'a [&'a str],
    is_shallow: bool,
    last_success: Option<&'a str>,
}

impl Default for Run<'_> {
    fn default() -> Self {
        Self {
            variables: &[],
            event: "null",
            known: &["main"],
            is_shallow: false,
            last_success: None,
        }
    }
}

/// Returns the comparison and the reason as one line.
fn told(run: &Run<'_>) -> String {
    let variable = |name: &str| {
        let found = run.variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    let revision = |comparison: &ComparedStates| match comparison {
        ComparedStates::Since { revision, .. } => format!("since {revision}"),
        ComparedStates::Base { revision, .. } => {
            format!("base {}", revision.as_deref().unwrap_or("main"))
        }
        ComparedStates::Staged => "staged".to_owned(),
    };
    let is_known = |it: &ComparedStates| {
        let revision = revision(it);
        let (_, name) = revision.split_once(' ').unwrap();
        run.known.contains(&name)
    };
    let base = detect(&CiRun {
        variable: &variable,
        event: &serde_json::from_str(run.event).map_err(|_| "no such file".to_owned()),
        last_success: run.last_success,
        is_merge: run.known.contains(&"HEAD^1"),
        is_shallow: run.is_shallow,
        is_on_default_branch: run.known.contains(&"on-default"),
        is_possible: &is_known,
    });
    let compared = base.compare.as_ref().map_or("all".to_owned(), revision);
    format!("{compared} ← {}\n", base.because)
}

fn all(runs: &[Run<'_>]) -> String {
    runs.iter().map(told).collect()
}

#[test]
fn github_names_the_base_in_its_event() {
    let on = |event: &'static str| vec![("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", event)];
    let [request, target, queue, push, schedule, manual, unnamed] = [
        "pull_request",
        "pull_request_target",
        "merge_group",
        "push",
        "schedule",
        "workflow_dispatch",
        "",
    ]
    .map(on);
    let tag = [&push[..], &[("GITHUB_REF", "refs/tags/v1")]].concat();
    let requested = r#"{"pull_request": {"base": {"sha": "b1"}}}"#;
    let queued = r#"{"merge_group": {"base_sha": "q1"}}"#;
    let before = r#"{"before": "p1"}"#;
    let created = r#"{"before": "0000000000000000000000000000000000000000"}"#;
    let run = |variables, event, known| Run {
        variables,
        event,
        known,
        ..Run::default()
    };
    let shallow = |run| Run {
        is_shallow: true,
        ..run
    };
    let text = all(&[
        run(&request, requested, &["HEAD^1"]),
        run(&request, "no event", &["HEAD^1"]),
        run(&request, requested, &["b1"]),
        shallow(run(&request, requested, &[])),
        run(&request, "null", &[]),
        run(&request, "no event", &[]),
        run(&target, "null", &[]),
        run(&queue, queued, &["q1"]),
        run(&queue, "no event", &[]),
        run(&push, before, &["p1"]),
        run(&push, before, &[]),
        shallow(run(&push, before, &[])),
        run(&push, created, &[]),
        run(&push, "no event", &[]),
        run(&push, "{}", &[]),
        run(&tag, before, &["p1"]),
        run(&schedule, "null", &[]),
        run(&manual, "null", &[]),
        run(&unnamed, "null", &[]),
    ]);
    expect_test::expect![[r#"
        since HEAD^1 ← compared with the first parent of the merge commit that GitHub made of this pull request
        since HEAD^1 ← compared with the first parent of the merge commit that GitHub made of this pull request
        base b1 ← compared with the merge base with the target branch of this pull request, b1
        all ← everything counts as changed: this shallow clone does not have the merge base with the target branch of this pull request, b1; set `fetch-depth: 0` for actions/checkout
        all ← everything counts as changed: the event of this pull request names no base commit
        all ← everything counts as changed: the event of this pull request cannot be read: no such file
        all ← everything counts as changed: the event is `pull_request_target`
        since q1 ← compared with the commit before this one in the merge queue, q1
        all ← everything counts as changed: the event of this merge queue cannot be read: no such file
        since p1 ← compared with the commit that the branch had before this push, p1
        all ← everything counts as changed: this clone does not have the commit that the branch had before this push, p1; a forced push may have removed it
        all ← everything counts as changed: this shallow clone does not have the commit that the branch had before this push, p1; set `fetch-depth: 0` for actions/checkout
        all ← everything counts as changed: this push created the branch, so no commit came before it
        all ← everything counts as changed: the event of this push cannot be read: no such file
        all ← everything counts as changed: the event of this push names no base commit
        all ← everything counts as changed: this run is for a tag
        all ← everything counts as changed: the event is `schedule`
        all ← everything counts as changed: the event is `workflow_dispatch`
        all ← everything counts as changed: GITHUB_EVENT_NAME is not set
    "#]].assert_eq(&text);
}

#[test]
fn gitlab_names_the_base_in_variables() {
    let on = |source: &'static str, more: &[(&'static str, &'static str)]| {
        let known = [("GITLAB_CI", "true"), ("CI_PIPELINE_SOURCE", source)];
        [&known[..], more].concat()
    };
    let merge = |kind: &'static str| {
        on(
            "merge_request_event",
            &[
                ("CI_MERGE_REQUEST_EVENT_TYPE", kind),
                ("CI_MERGE_REQUEST_DIFF_BASE_SHA", "d1"),
                ("CI_MERGE_REQUEST_TARGET_BRANCH_SHA", "t1"),
            ],
        )
    };
    let [detached, merged, train] = ["detached", "merged_result", "merge_train"].map(merge);
    let bare = on("merge_request_event", &[]);
    let push = on("push", &[("CI_COMMIT_BEFORE_SHA", "p1")]);
    let created = on("push", &[("CI_COMMIT_BEFORE_SHA", "0000")]);
    let untold = on("push", &[]);
    let tag = on(
        "push",
        &[("CI_COMMIT_TAG", "v1"), ("CI_COMMIT_BEFORE_SHA", "p1")],
    );
    let schedule = on("schedule", &[]);
    let run = |variables, known| Run {
        variables,
        known,
        ..Run::default()
    };
    let text = all(&[
        run(&merged, &["HEAD^1", "d1", "t1"]),
        run(&train, &["HEAD^1", "d1", "t1"]),
        run(&merged, &["d1", "t1"]),
        run(&detached, &["HEAD^1", "d1", "t1"]),
        Run {
            is_shallow: true,
            ..run(&detached, &[])
        },
        run(&bare, &[]),
        run(&push, &["p1"]),
        Run {
            is_shallow: true,
            ..run(&push, &[])
        },
        run(&created, &[]),
        run(&untold, &[]),
        run(&tag, &["p1"]),
        run(&schedule, &[]),
    ]);
    expect_test::expect![[r#"
        since HEAD^1 ← compared with the first parent of the merge commit that GitLab made of this merge request
        since HEAD^1 ← compared with the first parent of the merge commit that GitLab made of this merge request
        since t1 ← compared with the target branch of this merge request, t1
        since d1 ← compared with the diff base of this merge request, d1
        all ← everything counts as changed: this shallow clone does not have the diff base of this merge request, d1; set the variable `GIT_DEPTH: 0`
        all ← everything counts as changed: CI_MERGE_REQUEST_DIFF_BASE_SHA is not set
        since p1 ← compared with the commit that the branch had before this push, p1
        all ← everything counts as changed: this shallow clone does not have the commit that the branch had before this push, p1; set the variable `GIT_DEPTH: 0`
        all ← everything counts as changed: this push created the branch, so no commit came before it
        all ← everything counts as changed: CI_COMMIT_BEFORE_SHA is not set
        all ← everything counts as changed: this run is for a tag
        all ← everything counts as changed: the source of the pipeline is `schedule`
    "#]].assert_eq(&text);
}

#[test]
fn other_services_name_the_target_of_a_pull_request() {
    let run = |variables, known| Run {
        variables,
        known,
        ..Run::default()
    };
    let text = all(&[
        run(
            &[
                ("BUILDKITE", "true"),
                ("BUILDKITE_PULL_REQUEST_BASE_BRANCH", "next"),
            ],
            &["origin/next"],
        ),
        run(
            &[
                ("TF_BUILD", "True"),
                ("SYSTEM_PULLREQUEST_TARGETBRANCH", "refs/heads/next"),
            ],
            &["origin/next"],
        ),
        run(
            &[("JENKINS_URL", "x"), ("CHANGE_TARGET", "next")],
            &["origin/next"],
        ),
        Run {
            is_shallow: true,
            ..run(&[("JENKINS_URL", "x"), ("CHANGE_TARGET", "next")], &[])
        },
        run(
            &[
                ("JENKINS_URL", "x"),
                ("GIT_PREVIOUS_SUCCESSFUL_COMMIT", "s1"),
            ],
            &["s1"],
        ),
        run(&[("CIRCLECI", "true"), ("CI", "true")], &["main"]),
        run(&[("CI", "true")], &["main", "on-default"]),
        run(&[], &["main", "on-default"]),
    ]);
    expect_test::expect![[r#"
        base origin/next ← compared with the merge base with the target branch of this pull request, next
        base origin/next ← compared with the merge base with the target branch of this pull request, next
        base origin/next ← compared with the merge base with the target branch of this pull request, next
        all ← everything counts as changed: this shallow clone does not have the merge base with the target branch of this pull request, next; fetch the history, as with `git fetch --unshallow`
        since s1 ← compared with the last successful run, s1
        base main ← compared with the merge base with the default branch
        all ← everything counts as changed: this commit is on the default branch, and this CI service names no earlier commit; pass the last tested commit with --last-success
        base main ← compared with the merge base with the default branch; no CI service was found
    "#]].assert_eq(&text);
}

#[test]
fn a_branch_is_compared_with_its_last_successful_run() {
    let github = |event| [("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", event)];
    let gitlab = |source| [("GITLAB_CI", "true"), ("CI_PIPELINE_SOURCE", source)];
    let [push, request, schedule] = ["push", "pull_request", "schedule"].map(github);
    let pushed = gitlab("push");
    let run = |variables, known, revision| Run {
        variables,
        event: r#"{"before": "p1", "pull_request": {"base": {"sha": "b1"}}}"#,
        known,
        is_shallow: true,
        last_success: Some(revision),
    };
    let text = all(&[
        run(&push, &["p1", "s1"], "s1"),
        run(&push, &["p1"], "s1"),
        run(&push, &["p1"], ""),
        run(&schedule, &["s1"], "s1"),
        run(&request, &["b1", "s1"], "s1"),
        run(&pushed, &["s1"], "s1"),
        run(&[("CI", "true")], &["s1", "on-default"], "s1"),
        run(&[], &["s1"], "s1"),
    ]);
    expect_test::expect![[r#"
        since s1 ← compared with the last successful run, s1
        all ← everything counts as changed: this shallow clone does not have the last successful run, s1; set `fetch-depth: 0` for actions/checkout
        all ← everything counts as changed: no run of this branch has succeeded yet
        since s1 ← compared with the last successful run, s1
        base b1 ← compared with the merge base with the target branch of this pull request, b1
        since s1 ← compared with the last successful run, s1
        since s1 ← compared with the last successful run, s1
        since s1 ← compared with the last successful run, s1
    "#]].assert_eq(&text);
}
