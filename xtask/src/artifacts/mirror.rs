//! A mirror of a build directory: records with their content, and artifacts as empty files with the
//! times of the real ones. Cargo can judge the freshness of every unit there. No artifact is read,
//! and a build in the mirror changes nothing in the build directory.

use std::fs::{self, File, FileTimes};
use std::io::Write as _;

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::build_dir::{Layout, ProfileDir, split_hash};
use xtask_impact::private_dir::TemporaryDir;
use xtask_impact::{files, parallel, quote};

use crate::cli::write_error::cannot_write_temporary;

/// The content of a program that does nothing. The program replaces a build script.
const SCRIPT: &[u8] = b"#!/bin/sh\n";

/// A mirror of a build directory in a private temporary directory.
pub(crate) struct Mirror {
    scratch: TemporaryDir,
    target: Utf8PathBuf,
}

/// A file to make in the mirror.
struct MirroredFile {
    from: Utf8PathBuf,
    to: Utf8PathBuf,
    content: MirroredContent,
}

enum MirroredContent {
    /// The content of the original.
    Whole,
    /// Nothing.
    Empty,
    /// A program that does nothing.
    Program,
    /// A text of the kit.
    Text(String),
}

impl Mirror {
    /// Makes an empty mirror. `root` is the workspace's root.
    ///
    /// # Errors
    /// Returns an error if a directory of the mirror cannot be created.
    pub(crate) fn new(root: &Utf8Path) -> Result<Self> {
        let scratch = TemporaryDir::outside(root)?;
        let target = scratch.path().join("target");
        fs::create_dir(&target).with_context(|| format!("cannot create {target}"))?;
        Ok(Self { scratch, target })
    }

    /// Returns the mirror of the build and the target directory.
    pub(crate) fn target(&self) -> &Utf8Path {
        &self.target
    }

    /// Returns the private directory that holds the mirror.
    pub(crate) fn scratch(&self) -> &Utf8Path {
        self.scratch.path()
    }

    /// Adds the records and the artifacts of a profile directory.
    ///
    /// # Errors
    /// Returns an error if a directory cannot be listed, or if the mirror cannot be written.
    pub(crate) fn add_profile(&self, profile: &ProfileDir) -> Result<()> {
        let place = profile.path.strip_prefix(&profile.build_directory)?;
        let mirrored = MirroredProfile {
            from: &profile.path,
            to: &self.target.join(place),
            layout: profile.layout,
        };
        let mut files = Vec::new();
        mirrored.list(&mut files)?;
        write_all(&files)
    }

    /// Adds the marks of rendered documentation, and the facts that cargo keeps about rustdoc.
    /// `target` is the target directory.
    ///
    /// # Errors
    /// Returns an error if a directory cannot be listed, or if the mirror cannot be written.
    pub(crate) fn add_documentation(&self, target: &Utf8Path) -> Result<()> {
        let to = &self.target;
        let mut files = Vec::new();
        let mut places = vec![Utf8PathBuf::new()];
        for (name, is_directory) in listed(target)? {
            match is_directory {
                true => places.push(name.into()),
                false if name.starts_with(".rustdoc") => files.push(MirroredFile {
                    from: target.join(&name),
                    to: to.join(&name),
                    content: MirroredContent::Whole,
                }),
                false => {}
            }
        }
        for place in places {
            let directory = place.join("doc");
            for (name, is_directory) in listed(&target.join(&directory))? {
                let page = directory.join(name).join("index.html");
                if is_directory && target.join(&page).is_file() {
                    files.push(MirroredFile {
                        from: target.join(&page),
                        to: to.join(&page),
                        content: MirroredContent::Empty,
                    });
                }
            }
        }
        write_all(&files)
    }
}

struct MirroredProfile<'a> {
    from: &'a Utf8Path,
    to: &'a Utf8Path,
    layout: Layout,
}

impl MirroredProfile<'_> {
    fn list(&self, files: &mut Vec<MirroredFile>) -> Result<()> {
        // Rustdoc's fingerprint lies here in newer versions of cargo.
        for (name, is_directory) in listed(self.from)? {
            if !is_directory && name.starts_with(".rustdoc") {
                files.push(self.file(&name, MirroredContent::Whole));
            }
        }
        let build = Utf8Path::new("build");
        match self.layout {
            Layout::V1 => {
                self.tree(Utf8Path::new(".fingerprint"), Artifacts::Kept, files)?;
                for directory in ["deps", "examples"] {
                    self.tree(Utf8Path::new(directory), Artifacts::Emptied, files)?;
                }
                for (name, _) in listed(&self.from.join(build))? {
                    if split_hash(&name).is_some() {
                        self.script(&build.join(name), files)?;
                    }
                }
            }
            Layout::V2 => {
                for (package, _) in listed(&self.from.join(build))? {
                    if split_hash(&package).is_some() {
                        continue;
                    }
                    for (hash, _) in listed(&self.from.join(build).join(&package))? {
                        self.unit(&build.join(&package).join(hash), files)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Lists the directory of a script, or of its run, in layout v1.
    fn script(&self, directory: &Utf8Path, files: &mut Vec<MirroredFile>) -> Result<()> {
        for (name, is_directory) in listed(&self.from.join(directory))? {
            let path = directory.join(&name);
            if is_directory {
                self.tree(&path, Artifacts::Emptied, files)?;
            } else {
                files.push(self.run_file(&path, &directory.join("out")));
            }
        }
        Ok(())
    }

    /// Lists the directory of a unit in layout v2.
    fn unit(&self, directory: &Utf8Path, files: &mut Vec<MirroredFile>) -> Result<()> {
        self.tree(&directory.join("fingerprint"), Artifacts::Kept, files)?;
        for (name, is_directory) in listed(&self.from.join(directory).join("run"))? {
            if !is_directory {
                let path = directory.join("run").join(name);
                files.push(self.run_file(&path, &directory.join("out")));
            }
        }
        for (name, is_directory) in listed(&self.from.join(directory))? {
            let path = directory.join(&name);
            match is_directory {
                true if ["fingerprint", "run"].contains(&name.as_str()) => {}
                true => self.tree(&path, Artifacts::Emptied, files)?,
                false => files.push(self.run_file(&path, &directory.join("out"))),
            }
        }
        Ok(())
    }

    /// Returns a file beside the output of a script. Cargo replaces the `OUT_DIR` of the last run
    /// in the script's output by the present one. Here both are the same, so that the recorded
    /// paths stay as they are.
    fn run_file(&self, path: &Utf8Path, out: &Utf8Path) -> MirroredFile {
        let content = match path.file_name() {
            Some("root-output") => MirroredContent::Text(self.to.join(out).into_string()),
            Some("output" | "stdout" | "stderr" | "invoked.timestamp") => MirroredContent::Whole,
            Some(name) => artifact(name),
            None => MirroredContent::Empty,
        };
        self.file(path.as_str(), content)
    }

    fn tree(
        &self,
        directory: &Utf8Path,
        artifacts: Artifacts,
        files: &mut Vec<MirroredFile>,
    ) -> Result<()> {
        for (name, is_directory) in listed(&self.from.join(directory))? {
            let path = directory.join(&name);
            if is_directory {
                self.tree(&path, artifacts, files)?;
                continue;
            }
            let content = match artifacts {
                Artifacts::Kept => MirroredContent::Whole,
                Artifacts::Emptied => artifact(&name),
            };
            files.push(self.file(path.as_str(), content));
        }
        Ok(())
    }

    fn file(&self, path: &str, content: MirroredContent) -> MirroredFile {
        MirroredFile {
            from: self.from.join(path),
            to: self.to.join(path),
            content,
        }
    }
}

#[derive(Clone, Copy)]
enum Artifacts {
    Kept,
    Emptied,
}

/// Returns the content of an artifact in the mirror: a build script is started, so it is a program.
fn artifact(name: &str) -> MirroredContent {
    let is_script = name.starts_with("build-script-") || name.starts_with("build_script_");
    match is_script && !name.ends_with(".d") {
        true => MirroredContent::Program,
        false => MirroredContent::Empty,
    }
}

/// Returns the names in a directory, each with true for a directory. Symbolic links to directories
/// are left out. A missing directory has no names.
fn listed(directory: &Utf8Path) -> Result<Vec<(String, bool)>> {
    let entries = match directory.read_dir_utf8() {
        Err(error) if xtask_impact::paths::is_absent(&error) => return Ok(Vec::new()),
        entries => entries.with_context(|| format!("cannot list {}", quote::name(directory)))?,
    };
    let mut found = Vec::new();
    for entry in entries {
        // Names that are not UTF-8 are not cargo's.
        let Ok(entry) = entry else { continue };
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        let is_directory = kind.is_dir();
        if !kind.is_symlink() || entry.path().is_file() {
            found.push((entry.file_name().to_owned(), is_directory));
        }
    }
    Ok(found)
}

fn write_all(files: &[MirroredFile]) -> Result<()> {
    let mut made = std::collections::HashSet::new();
    for file in files {
        if let Some(parent) = file.to.parent()
            && made.insert(parent)
        {
            fs::create_dir_all(parent)
                .with_context(|| format!("cannot create {}", quote::name(parent)))?;
        }
    }
    let written = parallel::parts(files, |part| part.iter().map(write).collect());
    written.into_iter().collect()
}

fn write(file: &MirroredFile) -> Result<()> {
    // A running cargo may remove the file.
    let Ok(metadata) = fs::metadata(&file.from) else {
        return Ok(());
    };
    let content = match &file.content {
        MirroredContent::Whole => match files::read(&file.from, files::RECORD) {
            Ok(bytes) => bytes,
            Err(_) => return Ok(()),
        },
        MirroredContent::Empty => Vec::new(),
        MirroredContent::Program => SCRIPT.to_vec(),
        MirroredContent::Text(text) => text.clone().into_bytes(),
    };
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    if matches!(file.content, MirroredContent::Program) {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o700);
    }
    let written = options.open(&file.to).and_then(|mut mirrored| {
        mirrored.write_all(&content)?;
        mirrored.set_times(FileTimes::new().set_modified(metadata.modified()?))
    });
    written.map_err(|error| cannot_write_temporary(&file.to, error))
}
