//! The base commit for a run in continuous integration, chosen from the variables of the service.
//!
//! Sources: GitHub "Variables reference" and "Events that trigger workflows", GitLab "Predefined
//! CI/CD variables reference", and the variables of Azure Pipelines, Buildkite, CircleCI and
//! Jenkins.

use serde_json::Value;
use xtask_impact::change_set::ComparedStates;

/// A base of comparison, with the reason of the choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Base {
    /// The comparison. `None` if everything counts as changed.
    pub compare: Option<ComparedStates>,
    /// The choice and its reason, as text for the user.
    pub because: String,
}

/// The facts about a run that decide its base.
pub(crate) struct CiRun<'a> {
    /// A function that reads an environment variable and returns `None` if the variable is not set
    /// or empty.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// The event in the file that `GITHUB_EVENT_PATH` names, or the reason why the event cannot be
    /// read.
    pub event: &'a Result<Value, String>,
    /// The commit of the branch's last successful run, as the user looked it up. Empty if there was
    /// no such run, `None` if the user did not look.
    pub last_success: Option<&'a str>,
    /// True if the service made a merge commit and checked it out: `HEAD` is the commit that the
    /// service names, and has a second parent.
    pub is_merge: bool,
    /// True if the clone lacks a part of its history.
    pub is_shallow: bool,
    /// True if the default branch contains `HEAD`.
    pub is_on_default_branch: bool,
    /// A function that returns true if this clone has the commits that a comparison needs.
    pub is_possible: &'a dyn Fn(&ComparedStates) -> bool,
}

/// A comparison with the name of its base, or the reason why there is none.
type Chosen = Result<(ComparedStates, String), String>;

/// A service of continuous integration.
#[derive(Clone, Copy, PartialEq, Eq)]
enum BaseService {
    GitHub,
    GitLab,
    /// Any other service.
    Other,
    /// No service: the user's own machine.
    Nowhere,
}

/// The variable that identifies each service, and the variable that names the target branch of a
/// pull request.
const OTHERS: [(&str, Option<&str>); 5] = [
    ("BUILDKITE", Some("BUILDKITE_PULL_REQUEST_BASE_BRANCH")),
    ("TF_BUILD", Some("SYSTEM_PULLREQUEST_TARGETBRANCH")),
    ("JENKINS_URL", Some("CHANGE_TARGET")),
    ("CIRCLECI", None),
    ("CI", None),
];

/// Chooses the base of a run.
pub(crate) fn detect(facts: &CiRun<'_>) -> Base {
    let service = service(facts.variable);
    let chosen = match service {
        BaseService::GitHub => on_github(facts),
        BaseService::GitLab => on_gitlab(facts),
        BaseService::Other => elsewhere(facts),
        BaseService::Nowhere => last_success(facts).unwrap_or_else(|| {
            let what = "the merge base with the default branch; no CI service was found";
            Ok((merge_base(None), what.to_owned()))
        }),
    };
    let reason = match chosen {
        Ok((compare, base)) if (facts.is_possible)(&compare) => {
            return Base {
                compare: Some(compare),
                because: format!("compared with {base}"),
            };
        }
        Ok((_, base)) => unreachable(service, facts.is_shallow, &base),
        Err(reason) => reason,
    };
    Base {
        compare: None,
        because: format!("everything counts as changed: {reason}"),
    }
}

fn service(variable: &dyn Fn(&str) -> Option<String>) -> BaseService {
    let is_set = |name: &str| variable(name).is_some();
    match () {
        () if is_set("GITHUB_ACTIONS") => BaseService::GitHub,
        () if is_set("GITLAB_CI") => BaseService::GitLab,
        () if OTHERS.iter().any(|(name, _)| is_set(name)) => BaseService::Other,
        () => BaseService::Nowhere,
    }
}

/// Returns the reason why a base cannot be used, with the fix for the service.
fn unreachable(service: BaseService, is_shallow: bool, base: &str) -> String {
    let remedy = match service {
        BaseService::GitHub => "set `fetch-depth: 0` for actions/checkout",
        BaseService::GitLab => "set the variable `GIT_DEPTH: 0`",
        BaseService::Other | BaseService::Nowhere => {
            "fetch the history, as with `git fetch --unshallow`"
        }
    };
    match is_shallow {
        true => format!("this shallow clone does not have {base}; {remedy}"),
        false => format!("this clone does not have {base}; a forced push may have removed it"),
    }
}

fn on_github(facts: &CiRun<'_>) -> Chosen {
    let variable = facts.variable;
    // Returns the commit that the event names. The message differs for an event that cannot be read
    // and an event that names no commit.
    let told = |pointer: &str, whose: &str| match facts.event {
        Ok(event) => match event.pointer(pointer).and_then(Value::as_str) {
            Some(sha) => Ok(sha.to_owned()),
            None => Err(format!("the event of this {whose} names no base commit")),
        },
        Err(why) => Err(format!("the event of this {whose} cannot be read: {why}")),
    };
    match variable("GITHUB_EVENT_NAME").unwrap_or_default().as_str() {
        "pull_request" if facts.is_merge => Ok((
            since("HEAD^1"),
            "the first parent of the merge commit that GitHub made of this pull request".to_owned(),
        )),
        "pull_request" => {
            let sha = told("/pull_request/base/sha", "pull request")?;
            let base = format!("the merge base with the target branch of this pull request, {sha}");
            Ok((merge_base(Some(sha)), base))
        }
        "merge_group" => {
            let sha = told("/merge_group/base_sha", "merge queue")?;
            let base = format!("the commit before this one in the merge queue, {sha}");
            Ok((since(&sha), base))
        }
        event => last_success(facts).unwrap_or_else(|| match event {
            "push" if variable("GITHUB_REF").is_some_and(|it| it.starts_with("refs/tags/")) => {
                Err("this run is for a tag".to_owned())
            }
            "push" => pushed(&told("/before", "push")?),
            "" => Err("GITHUB_EVENT_NAME is not set".to_owned()),
            event => Err(format!("the event is `{event}`")),
        }),
    }
}

fn on_gitlab(facts: &CiRun<'_>) -> Chosen {
    let variable = facts.variable;
    let source = variable("CI_PIPELINE_SOURCE").unwrap_or_default();
    if source == "merge_request_event" {
        let kind = variable("CI_MERGE_REQUEST_EVENT_TYPE").unwrap_or_default();
        let is_merged = ["merged_result", "merge_train"].contains(&kind.as_str());
        if is_merged && facts.is_merge {
            let base =
                "the first parent of the merge commit that GitLab made of this merge request";
            return Ok((since("HEAD^1"), base.to_owned()));
        }
        if let Some(sha) = variable("CI_MERGE_REQUEST_TARGET_BRANCH_SHA").filter(|_| is_merged) {
            let base = format!("the target branch of this merge request, {sha}");
            return Ok((since(&sha), base));
        }
        let sha = variable("CI_MERGE_REQUEST_DIFF_BASE_SHA");
        let sha = sha.ok_or("CI_MERGE_REQUEST_DIFF_BASE_SHA is not set")?;
        let base = format!("the diff base of this merge request, {sha}");
        return Ok((since(&sha), base));
    }
    last_success(facts).unwrap_or_else(|| match source.as_str() {
        _ if variable("CI_COMMIT_TAG").is_some() => Err("this run is for a tag".to_owned()),
        "push" => match variable("CI_COMMIT_BEFORE_SHA") {
            Some(sha) => pushed(&sha),
            None => Err("CI_COMMIT_BEFORE_SHA is not set".to_owned()),
        },
        "" => Err("CI_PIPELINE_SOURCE is not set".to_owned()),
        source => Err(format!("the source of the pipeline is `{source}`")),
    })
}

/// Chooses the target branch of a pull request. Otherwise chooses the last successful run, or else
/// the merge base with the default branch, unless `HEAD` is on the default branch.
fn elsewhere(facts: &CiRun<'_>) -> Chosen {
    let variable = facts.variable;
    let known = OTHERS.iter().filter(|(name, _)| variable(name).is_some());
    let target = known.filter_map(|(_, target)| variable((*target)?)).next();
    if let Some(target) = target {
        let branch = target.strip_prefix("refs/heads/").unwrap_or(&target);
        let base = format!("the merge base with the target branch of this pull request, {branch}");
        return Ok((merge_base(Some(format!("origin/{branch}"))), base));
    }
    last_success(facts).unwrap_or_else(|| match facts.is_on_default_branch {
        true => Err(
            "this commit is on the default branch, and this CI service names no earlier commit; \
             pass the last tested commit with --last-success"
                .to_owned(),
        ),
        false => Ok((
            merge_base(None),
            "the merge base with the default branch".to_owned(),
        )),
    })
}

/// Chooses the last successful run of the branch, if the user or Jenkins names its commit.
fn last_success(facts: &CiRun<'_>) -> Option<Chosen> {
    let of_jenkins = || (facts.variable)("GIT_PREVIOUS_SUCCESSFUL_COMMIT");
    let revision = facts.last_success.map(str::to_owned).or_else(of_jenkins)?;
    if revision.is_empty() {
        return Some(Err("no run of this branch has succeeded yet".to_owned()));
    }
    let base = format!("the last successful run, {revision}");
    Some(Ok((since(&revision), base)))
}

/// Chooses the commit that a branch had before a push. Zeros stand for a new branch.
fn pushed(before: &str) -> Chosen {
    if before.bytes().all(|byte| byte == b'0') {
        return Err("this push created the branch, so no commit came before it".to_owned());
    }
    let base = format!("the commit that the branch had before this push, {before}");
    Ok((since(before), base))
}

fn since(revision: &str) -> ComparedStates {
    ComparedStates::Since {
        revision: revision.to_owned(),
        head: None,
    }
}

fn merge_base(revision: Option<String>) -> ComparedStates {
    ComparedStates::Base {
        revision,
        head: None,
    }
}

#[cfg(test)]
mod tests;
