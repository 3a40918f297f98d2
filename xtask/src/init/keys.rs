//! The keys of `[workspace.metadata.xtask]`: the text that `init` writes, and the pages of the
//! reference, are made from this list.
//!
//! To add a key, add an entry here. Tests compare the list with the types that read the
//! configuration.

/// The table that holds the configuration of the kit.
pub(crate) const TABLE: &str = "workspace.metadata.xtask";

/// A key of the configuration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConfigKey {
    /// The key below `workspace.metadata.xtask`. `[]` stands for an element of a list, `NAME` for a
    /// name that the user chooses.
    pub key: &'static str,
    /// The type of the value.
    pub kind: &'static str,
    /// The default, as TOML; `None` if there is no default.
    pub default: Option<&'static str>,
    /// A value, as TOML, that differs from the default.
    pub example: &'static str,
    /// The meaning of the key, in one sentence.
    pub meaning: &'static str,
}

const fn key(
    key: &'static str,
    kind: &'static str,
    default: Option<&'static str>,
    example: &'static str,
    meaning: &'static str,
) -> ConfigKey {
    ConfigKey {
        key,
        kind,
        default,
        example,
        meaning,
    }
}

/// All keys, grouped by their table. Keys without a table come first.
pub(crate) const KEYS: &[ConfigKey] = &[
    key(
        "feature-unification",
        "\"workspace\", \"selected\" or \"cheapest\"",
        Some("\"cheapest\""),
        "\"workspace\"",
        "Choose the features of shared dependencies: of the workspace, of the selected packages, \
         or the cheapest",
    ),
    key(
        "freshness.always-run",
        "list of packages",
        Some("[]"),
        "[\"version-info\"]",
        "Run the build scripts of these packages after each restore, because they use the network \
         or the time",
    ),
    key(
        "freshness.inputs",
        "list of paths below the workspace root",
        Some("[]"),
        "[\"schema\"]",
        "Treat these files and directories as inputs of every unit of a path package",
    ),
    key(
        "freshness.pure-macros",
        "list of packages",
        Some("[]"),
        "[\"labels-derive\"]",
        "Assume that these procedural macros read no file and no variable",
    ),
    key(
        "hooks.enabled",
        "boolean",
        None,
        "false",
        "Let the hooks check this workspace; by default, they check every workspace except \
         fixtures",
    ),
    key(
        "hooks.skip-workspaces",
        "list of globs",
        Some("[]"),
        "[\"fuzz\", \"third-party/**\"]",
        "Skip these workspaces; the globs are relative to this workspace",
    ),
    key(
        "hooks.pre-commit.steps",
        "list of step names",
        Some("[\"policy\", \"fmt\", \"clippy\"]"),
        "[\"fmt\", \"clippy\", \"spelling\"]",
        "Run these steps before a commit",
    ),
    key(
        "hooks.pre-commit.budget",
        "number of seconds",
        Some("20"),
        "0",
        "Stop a step after this time; 0 sets no limit",
    ),
    key(
        "hooks.pre-commit.over-budget",
        "\"pass\" or \"fail\"",
        Some("\"pass\""),
        "\"fail\"",
        "Let a stopped step pass with a warning, or fail",
    ),
    key(
        "hooks.pre-push.steps",
        "list of step names",
        Some("[\"clippy\", \"test\"]"),
        "[\"clippy\", \"nextest\"]",
        "Run these steps before a push",
    ),
    key(
        "hooks.pre-push.budget",
        "number of seconds",
        Some("300"),
        "600",
        "Stop a step after this time; 0 sets no limit",
    ),
    key(
        "hooks.pre-push.over-budget",
        "\"pass\" or \"fail\"",
        Some("\"pass\""),
        "\"fail\"",
        "Let a stopped step pass with a warning, or fail",
    ),
    key(
        "hooks.post-checkout.steps",
        "list of step names",
        Some("[]"),
        "[\"freshness\"]",
        "Run these steps after a checkout",
    ),
    key(
        "hooks.post-checkout.budget",
        "number of seconds",
        None,
        "60",
        "Stop a step after this time; 0 sets no limit",
    ),
    key(
        "hooks.post-checkout.over-budget",
        "\"pass\" or \"fail\"",
        Some("\"pass\""),
        "\"fail\"",
        "Let a stopped step pass with a warning, or fail",
    ),
    key(
        "hooks.steps.NAME.run",
        "list of words",
        None,
        "[\"typos\", \"{files}\"]",
        "Run this program as the step NAME; the placeholders {files}, {packages}, {cargo-args} and \
         {xtask} are replaced",
    ),
    key(
        "hooks.steps.NAME.files",
        "list of globs",
        Some("[]"),
        "[\"**/*.md\"]",
        "Run the step only if one of these files changed; an empty list means every file",
    ),
    key(
        "hooks.steps.NAME.args",
        "list of words",
        None,
        "[\"--\", \"--deny\", \"clippy::all\"]",
        "Pass these arguments to the cargo command of a built-in step",
    ),
    key(
        "hooks.steps.NAME.budget",
        "number of seconds",
        None,
        "5",
        "Override the time limit of the hook for this step",
    ),
    key(
        "hooks.steps.NAME.over-budget",
        "\"pass\" or \"fail\"",
        None,
        "\"fail\"",
        "Override `over-budget` of the hook for this step",
    ),
    key(
        "hooks.steps.NAME.in-place",
        "boolean",
        Some("false"),
        "true",
        "Run the step in the work tree, even if the work tree has unstaged changes",
    ),
    key(
        "policy.levels.CODE",
        "\"allow\", \"note\", \"warning\" or \"error\"",
        None,
        "\"error\"",
        "Override the level of a check; `doctor --list` lists the codes",
    ),
    key(
        "policy.exceptions[].code",
        "code of a check",
        None,
        "\"toolchain-unpinned\"",
        "Ignore the findings of this check",
    ),
    key(
        "policy.exceptions[].in",
        "glob, or name of a variable",
        None,
        "\"crates/old/**\"",
        "Ignore the findings only in this place; by default, everywhere",
    ),
    key(
        "policy.exceptions[].because",
        "text",
        None,
        "\"this is a library for many toolchains\"",
        "Give the reason for the exception (required)",
    ),
    key(
        "policy.require",
        "table as in cargo's configuration",
        Some("{}"),
        "{ build.incremental = false }",
        "Require these values of cargo's configuration",
    ),
    key(
        "policy.allow-shared",
        "boolean",
        Some("false"),
        "true",
        "Allow the removal of artifacts that another checkout built into a shared target directory",
    ),
    key(
        "rules[].files",
        "list of globs",
        None,
        "[\"schema/**\"]",
        "Apply the rule to changed files that match one of these globs",
    ),
    key(
        "rules[].affects",
        "\"nothing\", \"everything\" or list of packages",
        None,
        "[\"server\"]",
        "Treat these packages as affected if a matching file changes (required)",
    ),
    key(
        "rules[].rerun",
        "boolean",
        Some("false"),
        "true",
        "Run only the tests of the packages again, and rebuild nothing",
    ),
    key(
        "sweep.max-size",
        "size",
        None,
        "\"20G\"",
        "Remove the least recently used units until the directories are no larger than this",
    ),
    key(
        "sweep.max-age",
        "time",
        None,
        "\"14d\"",
        "Keep units that were used within this time",
    ),
    key(
        "sweep.keep-commands",
        "list of cargo commands",
        None,
        "[\"clippy --workspace\"]",
        "Keep the units that these cargo commands need; by default, a build, a check and a test of \
         the whole workspace",
    ),
    key(
        "sweep.toolchains",
        "list of toolchains",
        None,
        "[\"1.95.0\"]",
        "Count only these toolchains as installed; by default, the toolchains of rustup",
    ),
    key(
        "timings.budget.total",
        "number of seconds",
        None,
        "120",
        "Limit the time of a build",
    ),
    key(
        "timings.budget.critical-path",
        "number of seconds",
        None,
        "60",
        "Limit the length of the critical path",
    ),
    key(
        "timings.budget.growth",
        "percent",
        None,
        "10",
        "Limit the growth of the time, compared with the baseline",
    ),
    key(
        "timings.budget.baseline",
        "text",
        None,
        "\"main\"",
        "Measure growth against this run, in any form that `timings diff` accepts",
    ),
    key(
        "timings.budget.cache-hits",
        "percent",
        None,
        "80",
        "Require at least this hit rate of the compiler cache",
    ),
    key(
        "timings.budget.packages.NAME",
        "number of seconds",
        None,
        "3",
        "Limit the time of all units of the package NAME",
    ),
    key(
        "timings.keep.runs",
        "number",
        Some("200"),
        "50",
        "Keep at most this number of runs",
    ),
    key(
        "timings.keep.days",
        "number of days",
        Some("365"),
        "90",
        "Keep runs for at most this time",
    ),
];

impl ConfigKey {
    /// Returns the table of the key, such as `hooks`. For a key without a table, this is the key.
    pub(crate) fn table(&self) -> &'static str {
        let end = self.key.find(['.', '[']).unwrap_or(self.key.len());
        &self.key[..end]
    }

    /// Returns the key below its table.
    fn below(&self) -> &'static str {
        self.key[self.table().len()..]
            .trim_start_matches("[].")
            .trim_start_matches('.')
    }

    /// Returns true if the table of the key is a list of tables.
    fn is_in_list(&self) -> bool {
        self.key[self.table().len()..].starts_with("[]")
    }

    /// Returns the header of the key's table.
    fn header(&self) -> String {
        let table = self.table();
        match (table == self.key, self.is_in_list()) {
            (true, _) => format!("[{TABLE}]"),
            (false, false) => format!("[{TABLE}.{table}]"),
            (false, true) => format!("[[{TABLE}.{table}]]"),
        }
    }

    /// Returns the key with its example, as a line of TOML in its table. An element of a list is
    /// written as a list with one table.
    pub(crate) fn example_line(&self) -> String {
        self.line(self.example)
    }

    fn line(&self, value: &str) -> String {
        let below = match self.below() {
            "" => self.key,
            below => below,
        };
        let below = below
            .replace("NAME", "spelling")
            .replace("CODE", "toolchain-unpinned");
        match below.split_once("[].") {
            Some((list, field)) => format!("{list} = [{{ {field} = {value} }}]"),
            None => format!("{below} = {value}"),
        }
    }
}

/// Returns the text with every key, as comments, for the end of a root manifest. Without the `# ` at
/// the start of its lines, the text is TOML that sets every default.
pub(crate) fn commented() -> String {
    let mut text = "## xtask-kit: every key with its default. To change a key, remove the `# ` in \
                    front of\n## the key and of its table.\n"
        .to_owned();
    let mut table = "";
    for key in KEYS {
        if key.table() != table {
            table = key.table();
            text += &match key.is_in_list() {
                true => format!("\n## e.g. {}\n", key.header()),
                false => format!("\n# {}\n", key.header()),
            };
        }
        text += &format!("## {} ({})\n", key.meaning, key.kind);
        text += &match key.default {
            Some(default) if !key.is_in_list() && !key.key.contains("NAME") => {
                format!("# {}\n", key.line(default))
            }
            _ => format!("## e.g. {}\n", key.example_line()),
        };
    }
    text
}

/// Returns the keys of a table with their examples, as TOML for a root manifest.
#[cfg(test)]
pub(crate) fn example(keys: &[ConfigKey]) -> String {
    let mut text = keys[0].header() + "\n";
    let mut rest = keys;
    while let [first, ..] = rest {
        // Keys of one element of a list stand in one table.
        let list = first.below().split_once("[].").map(|it| it.0);
        let of_list = |key: &&ConfigKey| list.is_some() && key.below().starts_with(list.unwrap());
        let elements = rest.iter().take_while(of_list).count();
        let (these, others) = rest.split_at(elements.max(1));
        rest = others;
        text += &match list {
            None => first.example_line(),
            Some(list) => {
                let fields = these.iter().filter_map(|key| {
                    let field = key.below().split_once("[].")?.1;
                    Some(format!("{field} = {}", key.example))
                });
                format!("{list} = [{{ {} }}]", fields.collect::<Vec<_>>().join(", "))
            }
        };
        text.push('\n');
    }
    text
}
