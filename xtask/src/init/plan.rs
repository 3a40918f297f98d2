//! The plan of `init`, a plain value: the files that are written, the files that are kept, and the
//! commands that run afterwards.

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;
use toml::Value;
use xtask_impact::{files, quote, usage};

use crate::init::edits::{self, Edit};
use crate::init::host::HostRepository;
use crate::init::keys;
use crate::init::templates::Template;

/// The choices of the user.
#[derive(Clone, Debug)]
pub(crate) struct InitOptions {
    /// The name of the folder, of the package and of the alias.
    pub name: String,
    /// The kit as a dependency: the value of `xtask-kit` in the manifest.
    pub kit: String,
    /// The CI services to write a workflow for.
    pub ci: Vec<CiService>,
    /// True to install the git hooks.
    pub hooks: bool,
    /// True to write a configuration of the pre-commit framework.
    pub pre_commit: bool,
}

/// A CI service that `init` writes a workflow for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum CiService {
    /// Write a workflow of GitHub Actions
    Github,
    /// Write a job of GitLab CI
    Gitlab,
}

/// The plan of `init`.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct InitPlan {
    /// The version of this JSON format. The version changes if a reader has to change.
    pub version: u32,
    /// The directory of the repository. Paths of the plan are relative to this directory.
    #[cfg_attr(test, schemars(with = "String"))]
    pub root: Utf8PathBuf,
    /// The files to write.
    pub writes: Vec<PlannedFile>,
    /// The files that need no change.
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub unchanged: Vec<Utf8PathBuf>,
    /// The files that `init` would write, but that exist with different contents.
    pub kept: Vec<KeptFile>,
    /// The commands that run after the files are written, in the directory of the workspace.
    pub commands: Vec<Vec<String>>,
    /// Facts that the user should know.
    pub notes: Vec<String>,
}

/// A file to write.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct PlannedFile {
    /// The path of the file.
    #[cfg_attr(test, schemars(with = "String"))]
    pub path: Utf8PathBuf,
    /// The text of the file before; null if there is no such file.
    pub before: Option<String>,
    /// The text to write.
    pub after: String,
}

/// A file that exists with different contents.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct KeptFile {
    /// The path of the file.
    #[cfg_attr(test, schemars(with = "String"))]
    pub path: Utf8PathBuf,
    /// The reason why the file is kept.
    pub because: String,
}

impl InitPlan {
    /// Makes the plan for a repository.
    ///
    /// # Errors
    /// Returns an error if a file cannot be read, or if the user's own `xtask` has the path of the
    /// new one.
    pub(crate) fn new(host: &HostRepository, options: &InitOptions) -> Result<Self> {
        let mut plan = Self {
            version: 1,
            root: host.top.clone(),
            writes: Vec::new(),
            unchanged: Vec::new(),
            kept: Vec::new(),
            commands: Vec::new(),
            notes: host.notes.clone(),
        };
        plan.own_package(host, options)?;
        plan.alias(host, options)?;
        plan.root_manifest(host, options)?;
        for service in &options.ci {
            match service {
                CiService::Github => {
                    let path = Utf8PathBuf::from(format!(".github/workflows/{}.yml", options.name));
                    plan.whole(&path, &Template::Github.text(host, options))?;
                }
                CiService::Gitlab => {
                    let path = host.below.join(format!("{}.gitlab-ci.yml", options.name));
                    plan.whole(&path, &Template::Gitlab.text(host, options))?;
                }
            }
        }
        if options.pre_commit {
            let text = Template::PreCommit.text(host, options);
            plan.whole(Utf8Path::new(".pre-commit-config.yaml"), &text)?;
        }
        if options.hooks {
            let words = ["cargo", &options.name, "hooks", "install"];
            plan.commands.push(words.map(str::to_owned).to_vec());
        }
        Ok(plan)
    }

    /// Plans the package that embeds the kit.
    fn own_package(&mut self, host: &HostRepository, options: &InitOptions) -> Result<()> {
        let folder = host.below.join(&options.name);
        let manifest = folder.join("Cargo.toml");
        let existing = self.read(&manifest)?;
        if existing.is_some_and(|text| !text.contains("xtask-kit")) {
            return Err(usage!(
                "{} exists, and does not depend on xtask-kit\nhint: pass --name NAME for another \
                 folder, or add the kit's commands to your own tasks as the README shows",
                quote::name(&manifest)
            ));
        }
        self.whole(&manifest, &Template::Manifest.text(host, options))?;
        let main = folder.join("src/main.rs");
        self.whole(&main, &Template::Main.text(host, options))?;
        // Editors and hooks check the package and the launcher, each with its own target directory.
        self.whole(&folder.join(".gitignore"), "target/\n")
    }

    /// Plans the alias `cargo xtask`, and the launcher that the alias starts. An alias with another
    /// value needs no launcher.
    fn alias(&mut self, host: &HostRepository, options: &InitOptions) -> Result<()> {
        let path = host.below.join(host.configuration);
        let before = self.read(&path)?;
        let alias = host.alias(&options.name);
        let edit = edits::add_key(
            before.as_deref().unwrap_or_default(),
            "alias",
            &options.name,
            &alias,
        );
        match &edit {
            Ok(Edit::Differs(present)) if host.is_older_alias(&options.name, present) => {
                self.notes.push(format!(
                    "the alias `cargo {0}` works, but starts the tasks without the launcher, which \
                     takes less time: to get the launcher, remove the alias from {1} and run \
                     `init` again",
                    options.name,
                    quote::name(&path)
                ));
            }
            Ok(Edit::Differs(_)) | Err(_) => {}
            Ok(Edit::Present | Edit::Text(_)) => self.launcher(host, options)?,
        }
        self.edit(path, before, edit, "alias")
    }

    /// Plans the package that starts the own package.
    fn launcher(&mut self, host: &HostRepository, options: &InitOptions) -> Result<()> {
        let folder = host.below.join(&options.name).join("launcher");
        for (file, template) in [
            ("Cargo.toml", Template::LauncherManifest),
            ("Cargo.lock", Template::LauncherLock),
            ("src/main.rs", Template::LauncherMain),
        ] {
            self.whole(&folder.join(file), &template.text(host, options))?;
        }
        Ok(())
    }

    /// Plans the edits of the root manifest: the exclusion of the new package, if a glob of
    /// `members` matches the package, and the commented configuration.
    fn root_manifest(&mut self, host: &HostRepository, options: &InitOptions) -> Result<()> {
        let path = host.below.join("Cargo.toml");
        let Some(before) = self.read(&path)? else {
            return Ok(());
        };
        let mut after = before.clone();
        if host.is_member(&options.name) {
            let edit = edits::exclude(&before, &options.name);
            match edit.with_context(|| quote::name(&path).into_owned())? {
                Edit::Text(text) => after = text,
                Edit::Present | Edit::Differs(_) => {}
            }
        }
        if !before.contains(keys::TABLE) {
            after = edits::append_comments(&after, &keys::commented());
        }
        if after == before {
            self.unchanged.push(path);
        } else {
            self.writes.push(PlannedFile {
                path,
                before: Some(before),
                after,
            });
        }
        Ok(())
    }

    /// Plans a file that `init` writes as a whole.
    fn whole(&mut self, path: &Utf8Path, text: &str) -> Result<()> {
        match self.read(path)? {
            None => self.writes.push(PlannedFile {
                path: path.to_owned(),
                before: None,
                after: text.to_owned(),
            }),
            Some(present) if present.replace("\r\n", "\n") == text => {
                self.unchanged.push(path.to_owned());
            }
            Some(_) => self.kept.push(KeptFile {
                path: path.to_owned(),
                because: "the file exists with different contents".to_owned(),
            }),
        }
        Ok(())
    }

    /// Plans an edit of a file.
    fn edit(
        &mut self,
        path: Utf8PathBuf,
        before: Option<String>,
        edit: Result<Edit>,
        noun: &str,
    ) -> Result<()> {
        match edit.with_context(|| quote::name(&path).into_owned())? {
            Edit::Present => self.unchanged.push(path),
            Edit::Differs(present) => self.kept.push(KeptFile {
                path,
                because: format!("the {noun} exists with a different value: {present}"),
            }),
            Edit::Text(after) => self.writes.push(PlannedFile {
                path,
                before,
                after,
            }),
        }
        Ok(())
    }

    /// Returns the text of a file; `None` if there is no such file.
    fn read(&self, path: &Utf8Path) -> Result<Option<String>> {
        let path = self.root.join(path);
        match files::read_text(&path, files::SETTINGS) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", quote::name(&path))),
        }
    }
}

/// Returns the value of the dependency `xtask-kit`.
pub(crate) fn dependency(source: &[(&str, &str)]) -> String {
    let version = env!("CARGO_PKG_VERSION");
    if source.is_empty() {
        return Value::from(version).to_string();
    }
    let keys = source.iter();
    let keys: Vec<_> = keys
        .map(|(key, value)| format!("{key} = {}", Value::from(*value)))
        .collect();
    format!("{{ {} }}", keys.join(", "))
}
