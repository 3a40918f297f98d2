//! Reads the files of CI services into the parts that the checks need: jobs and their steps.

use camino::Utf8Path;

use crate::doctor::yaml;
use crate::doctor::yaml::YamlNode;

/// A job of a CI service: steps that run on one machine.
#[derive(Debug, Default)]
pub(crate) struct WorkflowJob {
    /// The name of the job.
    pub(crate) name: String,
    /// The variables of the job's environment, including the variables of the whole file.
    pub(crate) variables: Vec<NamedValue>,
    /// The steps of the job, in order.
    pub(crate) steps: Vec<WorkflowStep>,
}

/// A step of a job.
#[derive(Debug, Default)]
pub(crate) struct WorkflowStep {
    /// The line where the step begins.
    pub(crate) line: usize,
    /// The action that the step uses; empty if there is none.
    pub(crate) uses: String,
    /// The inputs of the action.
    pub(crate) with: Vec<NamedValue>,
    /// The commands that the step runs, with the line of the first command.
    pub(crate) run: Option<(usize, String)>,
    /// The directories that the step keeps from one run to the next.
    pub(crate) cache: Option<CacheStep>,
    /// The variables that only this step sets.
    pub(crate) variables: Vec<NamedValue>,
}

/// The directories that are kept between runs, and the key of the cache.
#[derive(Debug)]
pub(crate) struct CacheStep {
    /// The line of the key.
    pub(crate) line: usize,
    /// The key.
    pub(crate) key: String,
    /// The directories, one on each line.
    pub(crate) paths: String,
    /// True if a cache with another key may be restored (`restore-keys`, `fallback_keys`).
    pub(crate) is_lenient: bool,
}

/// A name with its value.
#[derive(Clone, Debug)]
pub(crate) struct NamedValue {
    /// The line of the value.
    pub(crate) line: usize,
    /// The name.
    pub(crate) name: String,
    /// The value.
    pub(crate) value: String,
}

/// Returns true if a file belongs to a known CI service, by its path in the repository.
pub(crate) fn is_known(file: &Utf8Path) -> bool {
    let is_yaml = matches!(file.extension(), Some("yml" | "yaml"));
    let is_workflow = file.parent() == Some(Utf8Path::new(".github/workflows"));
    let is_action = file.starts_with(".github/actions") && file.file_stem() == Some("action");
    is_yaml && (is_workflow || is_action || file.as_str() == ".gitlab-ci.yml")
}

/// Returns the jobs of a CI file.
///
/// # Errors
/// Returns a message if the file is not valid YAML.
pub(crate) fn jobs(file: &Utf8Path, text: &str) -> Result<Vec<WorkflowJob>, String> {
    let Some(root) = yaml::parse(text)? else {
        return Ok(Vec::new());
    };
    Ok(match file.file_name() {
        Some(".gitlab-ci.yml") => gitlab(&root),
        _ => github(&root),
    })
}

/// Reads a workflow or an action of GitHub, see
/// <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax>.
fn github(root: &YamlNode) -> Vec<WorkflowJob> {
    let common = entries(root.get("env"));
    let mut jobs = Vec::new();
    if let Some(steps) = root.get("runs").and_then(|it| it.get("steps")) {
        jobs.push(WorkflowJob {
            name: "this action".to_owned(),
            variables: Vec::new(),
            steps: steps.items().iter().map(step).collect(),
        });
    }
    for (name, job) in root.get("jobs").map_or(&[][..], YamlNode::entries) {
        let steps = job.get("steps").map_or(&[][..], YamlNode::items);
        jobs.push(WorkflowJob {
            name: name.text().unwrap_or_default().to_owned(),
            variables: [common.clone(), entries(job.get("env"))].concat(),
            steps: steps.iter().map(step).collect(),
        });
    }
    jobs
}

fn step(node: &YamlNode) -> WorkflowStep {
    let uses = node
        .get("uses")
        .and_then(YamlNode::text)
        .unwrap_or_default();
    let with = entries(node.get("with"));
    let action = uses.split_once('@').map(|it| it.0);
    let is_cache = matches!(
        action,
        Some("actions/cache" | "actions/cache/restore" | "actions/cache/save")
    );
    let given = |name: &str| with.iter().find(|it| it.name == name);
    let cache = given("key").zip(given("path")).filter(|_| is_cache);
    WorkflowStep {
        line: node.line,
        uses: uses.to_owned(),
        run: node.get("run").and_then(command),
        cache: cache.map(|(key, path)| CacheStep {
            line: key.line,
            key: key.value.clone(),
            paths: path.value.clone(),
            is_lenient: given("restore-keys").is_some(),
        }),
        variables: entries(node.get("env")),
        with,
    }
}

/// Returns a command with its line.
fn command(node: &YamlNode) -> Option<(usize, String)> {
    Some((node.line, node.text()?.to_owned()))
}

/// Reads a pipeline of GitLab, see <https://docs.gitlab.com/ci/yaml/>.
fn gitlab(root: &YamlNode) -> Vec<WorkflowJob> {
    let common = entries(root.get("variables"));
    let job = |name: &str, node: &YamlNode| {
        let caches = match node.get("cache") {
            Some(cache) if cache.items().is_empty() => std::slice::from_ref(cache),
            cache => cache.map_or(&[][..], YamlNode::items),
        };
        let scripts = ["before_script", "script"].into_iter();
        let commands = scripts
            .filter_map(|it| node.get(it))
            .flat_map(YamlNode::texts);
        let commands = commands.map(|it| WorkflowStep {
            line: it.line,
            run: command(it),
            ..WorkflowStep::default()
        });
        let steps = caches.iter().filter_map(gitlab_cache).chain(commands);
        WorkflowJob {
            name: name.to_owned(),
            variables: [common.clone(), entries(node.get("variables"))].concat(),
            steps: steps.collect(),
        }
    };
    let mut jobs = Vec::new();
    for (name, node) in root.entries() {
        let name = name.text().unwrap_or_default();
        if node.get("script").is_some() || name == "default" || name.starts_with('.') {
            jobs.push(job(name, node));
        }
    }
    // Keys at the top of the file hold for every job. They become a job of their own, so that a
    // fault is reported once.
    if root.get("cache").is_some() {
        jobs.push(job("every job", root));
    }
    jobs
}

fn gitlab_cache(node: &YamlNode) -> Option<WorkflowStep> {
    let texts = |node: &YamlNode| -> Vec<String> {
        let texts = node.texts().into_iter().filter_map(YamlNode::text);
        texts.map(str::to_owned).collect()
    };
    let paths = texts(node.get("paths")?);
    let key = node.get("key");
    let texts = key.map(texts).unwrap_or_default();
    let files = key.and_then(|it| it.get("files")).is_some();
    let line = key.map_or(node.line, |it| it.line);
    Some(WorkflowStep {
        line,
        cache: Some(CacheStep {
            line,
            key: match files {
                true => format!("${{{{ hashFiles('{}') }}}}", texts.join("', '")),
                false => texts.concat(),
            },
            paths: paths.join("\n"),
            is_lenient: node.get("fallback_keys").is_some(),
        }),
        ..WorkflowStep::default()
    })
}

fn entries(node: Option<&YamlNode>) -> Vec<NamedValue> {
    let entries = node.map_or(&[][..], YamlNode::entries).iter();
    let entry = |(name, value): &(YamlNode, YamlNode)| {
        Some(NamedValue {
            line: value.line,
            name: name.text()?.to_owned(),
            value: value.text()?.to_owned(),
        })
    };
    entries.filter_map(entry).collect()
}

/// Returns the name and the value.
fn both(entry: &NamedValue) -> [&String; 2] {
    [&entry.name, &entry.value]
}

impl WorkflowJob {
    /// Returns every text of the job: actions, inputs, commands and variables.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        let steps = self.steps.iter().flat_map(|step| {
            let run = step.run.iter().map(|(_, text)| text);
            let with = step.with.iter().map(|it| &it.value);
            let texts = [&step.uses].into_iter().chain(run).chain(with);
            texts.chain(step.variables.iter().flat_map(both))
        });
        let texts = steps.chain(self.variables.iter().flat_map(both));
        texts.map(String::as_str)
    }

    /// Returns the commands of the job in order, each with its line. Comments are left out.
    pub(crate) fn commands(&self) -> impl Iterator<Item = (usize, &str)> {
        let runs = self.steps.iter().filter_map(|step| step.run.as_ref());
        runs.flat_map(|(line, text)| {
            let lines = text.lines().enumerate();
            let lines = lines.map(move |(at, text)| (line + at, text.trim()));
            lines.filter(|(_, text)| !text.is_empty() && !text.starts_with('#'))
        })
    }

    /// Replaces `${{ env.NAME }}` in a value by the job's own variables. Returns `None` if the
    /// value contains another expression, or if a variable refers to itself.
    pub(crate) fn resolved(&self, value: &str) -> Option<String> {
        let mut value = value.to_owned();
        for _ in 0..16 {
            let Some((before, rest)) = value.split_once("${{") else {
                return Some(value.trim().to_owned());
            };
            let (expression, after) = rest.split_once("}}")?;
            let named = expression.trim().strip_prefix("env.")?;
            let known = self.variables.iter().rev().find(|it| it.name == named)?;
            value = format!("{before}{}{after}", known.value);
        }
        None
    }
}
