//! What a run in continuous integration is compared with, by the variables that the service sets.
//!
//! GitHub's are documented under "Variables reference" and "Events that trigger workflows", GitLab's
//! under "Predefined CI/CD variables reference".

use serde_json::Value;

use crate::changes::Comparison;

/// What to compare with, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// The comparison; nothing for everything.
    pub compare: Option<Comparison>,
    /// What that is, in words that follow "compared with".
    pub because: String,
}

/// What is known of the machine.
pub struct Facts<'a> {
    /// A variable of the environment, where it is set to something.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// The file that `GITHUB_EVENT_PATH` names.
    pub event: &'a Value,
    /// Whether `HEAD` is the merge that GitHub made of a pull request.
    pub is_merge: bool,
    /// Whether this clone has what a comparison needs.
    pub is_possible: &'a dyn Fn(&Comparison) -> bool,
}

/// A comparison and what it is, or why there is none.
type Asked = Result<(Comparison, String), String>;

/// Finds out what to compare with.
pub fn detect(facts: &Facts<'_>) -> Base {
    let variable = facts.variable;
    let asked = if variable("GITHUB_ACTIONS").is_some() {
        on_github(facts)
    } else if variable("GITLAB_CI").is_some() {
        on_gitlab(variable)
    } else {
        let comparison = Comparison::Base {
            revision: None,
            head: None,
        };
        let what = "the default branch, this being no CI that the kit knows";
        Ok((comparison, what.to_owned()))
    };
    let because = match asked {
        Ok((compare, because)) if (facts.is_possible)(&compare) => {
            return Base {
                compare: Some(compare),
                because,
            };
        }
        Ok((_, because)) => format!(
            "this clone cannot be compared with {because}: fetch the history, as with \
             `fetch-depth: 0`"
        ),
        Err(because) => because,
    };
    Base {
        compare: None,
        because: format!("nothing, so that everything counts: {because}"),
    }
}

fn on_github(facts: &Facts<'_>) -> Asked {
    let variable = facts.variable;
    let told = |pointer: &str| facts.event.pointer(pointer).and_then(Value::as_str);
    match variable("GITHUB_EVENT_NAME").unwrap_or_default().as_str() {
        "pull_request" if facts.is_merge => {
            let what = "the branch that this pull request is merged into";
            Ok((since("HEAD^1"), what.to_owned()))
        }
        "pull_request" => {
            let sha = told("/pull_request/base/sha");
            let sha = sha.ok_or("this pull request's event names no base")?;
            let comparison = Comparison::Base {
                revision: Some(sha.to_owned()),
                head: None,
            };
            let what = format!("where this pull request left its target, {sha}");
            Ok((comparison, what))
        }
        "merge_group" => {
            let sha = told("/merge_group/base_sha");
            let sha = sha.ok_or("this merge queue's event names no base")?;
            let what = format!("what is ahead in the merge queue, {sha}");
            Ok((since(sha), what))
        }
        "push" if variable("GITHUB_REF").is_some_and(|it| it.starts_with("refs/tags/")) => {
            Err("this is a tag".to_owned())
        }
        "push" => pushed(told("/before")),
        name => Err(format!("this is the event `{name}`")),
    }
}

fn on_gitlab(variable: &dyn Fn(&str) -> Option<String>) -> Asked {
    if variable("CI_COMMIT_TAG").is_some() {
        return Err("this is a tag".to_owned());
    }
    match variable("CI_PIPELINE_SOURCE").unwrap_or_default().as_str() {
        "merge_request_event" => {
            let sha = variable("CI_MERGE_REQUEST_DIFF_BASE_SHA");
            let sha = sha.ok_or("this merge request names no base")?;
            let what = format!("where this merge request left its target, {sha}");
            Ok((since(&sha), what))
        }
        "push" => pushed(variable("CI_COMMIT_BEFORE_SHA").as_deref()),
        source => Err(format!("this is a pipeline by `{source}`")),
    }
}

/// Zeros stand for a branch that was not there.
fn pushed(before: Option<&str>) -> Asked {
    let before = before.filter(|before| before.bytes().any(|byte| byte != b'0'));
    let before = before.ok_or("this branch was not there before")?;
    let what = format!("what the branch had before, {before}");
    Ok((since(before), what))
}

fn since(revision: &str) -> Comparison {
    Comparison::Since {
        revision: revision.to_owned(),
        head: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(variables: &[(&str, &str)], event: Value, known: &[&str]) -> String {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let revision = |comparison: &Comparison| match comparison {
            Comparison::Since { revision, .. } => format!("since {revision}"),
            Comparison::Base { revision, .. } => {
                format!("base {}", revision.as_deref().unwrap_or("main"))
            }
            Comparison::Staged => "staged".to_owned(),
        };
        let is_known = |it: &Comparison| known.contains(&revision(it).split(' ').nth(1).unwrap());
        let base = detect(&Facts {
            variable: &variable,
            event: &event,
            is_merge: known.contains(&"HEAD^1"),
            is_possible: &is_known,
        });
        let compared = base.compare.as_ref().map_or("all".to_owned(), revision);
        format!("{compared} ← {}\n", base.because)
    }

    #[test]
    fn github_tells_the_base_by_its_event() {
        let event =
            |name: &'static str| vec![("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", name)];
        let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let request = json(r#"{"pull_request": {"base": {"sha": "b1"}}}"#);
        let queue = json(r#"{"merge_group": {"base_sha": "q1"}}"#);
        let push = json(r#"{"before": "p1"}"#);
        let first = json(r#"{"before": "0000000000000000000000000000000000000000"}"#);
        let tag = [event("push"), vec![("GITHUB_REF", "refs/tags/v1")]].concat();
        let all = [
            told(&event("pull_request"), request.clone(), &["HEAD^1"]),
            told(&event("pull_request"), request.clone(), &["b1"]),
            told(&event("pull_request"), request, &[]),
            told(&event("pull_request"), Value::Null, &[]),
            told(&event("pull_request_target"), Value::Null, &[]),
            told(&event("merge_group"), queue, &["q1"]),
            told(&event("push"), push.clone(), &["p1"]),
            told(&event("push"), push.clone(), &[]),
            told(&event("push"), first, &[]),
            told(&tag, push, &["p1"]),
            told(&event("schedule"), Value::Null, &[]),
            told(&event("workflow_dispatch"), Value::Null, &[]),
        ];
        expect_test::expect![[r#"
            since HEAD^1 ← the branch that this pull request is merged into
            base b1 ← where this pull request left its target, b1
            all ← nothing, so that everything counts: this clone cannot be compared with where this pull request left its target, b1: fetch the history, as with `fetch-depth: 0`
            all ← nothing, so that everything counts: this pull request's event names no base
            all ← nothing, so that everything counts: this is the event `pull_request_target`
            since q1 ← what is ahead in the merge queue, q1
            since p1 ← what the branch had before, p1
            all ← nothing, so that everything counts: this clone cannot be compared with what the branch had before, p1: fetch the history, as with `fetch-depth: 0`
            all ← nothing, so that everything counts: this branch was not there before
            all ← nothing, so that everything counts: this is a tag
            all ← nothing, so that everything counts: this is the event `schedule`
            all ← nothing, so that everything counts: this is the event `workflow_dispatch`
        "#]].assert_eq(&all.concat());
    }

    #[test]
    fn gitlab_tells_it_by_variables() {
        let source = |name: &'static str| vec![("GITLAB_CI", "true"), ("CI_PIPELINE_SOURCE", name)];
        let with = |name: &'static str, more: &[(&'static str, &'static str)]| {
            told(
                &[source(name), more.to_vec()].concat(),
                Value::Null,
                &["a1"],
            )
        };
        let all = [
            with(
                "merge_request_event",
                &[("CI_MERGE_REQUEST_DIFF_BASE_SHA", "a1")],
            ),
            with("push", &[("CI_COMMIT_BEFORE_SHA", "a1")]),
            with(
                "push",
                &[
                    ("CI_COMMIT_BEFORE_SHA", "0000"),
                    ("CI_COMMIT_BRANCH", "new"),
                ],
            ),
            with(
                "push",
                &[("CI_COMMIT_TAG", "v1"), ("CI_COMMIT_BEFORE_SHA", "a1")],
            ),
            with("schedule", &[]),
            told(&[], Value::Null, &["main"]),
        ];
        expect_test::expect![[r#"
            since a1 ← where this merge request left its target, a1
            since a1 ← what the branch had before, a1
            all ← nothing, so that everything counts: this branch was not there before
            all ← nothing, so that everything counts: this is a tag
            all ← nothing, so that everything counts: this is a pipeline by `schedule`
            base main ← the default branch, this being no CI that the kit knows
        "#]]
        .assert_eq(&all.concat());
    }
}
