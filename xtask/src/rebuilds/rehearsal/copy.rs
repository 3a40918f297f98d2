//! A copy of what cargo compares in a build directory: records with their content, and artifacts as
//! empty files with the times of the real ones. No artifact is read.

use std::fs::{self, File, FileTimes};
use std::io::Write as _;

use anyhow::{Context as _, Result};
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::build_dir::{Layout, ProfileDir, split_hash};
use xtask_impact::{files, parallel, quote};

use super::compiler::SCRIPT;

/// A file to make in the copy.
struct CopiedFile {
    from: Utf8PathBuf,
    to: Utf8PathBuf,
    content: CopiedContent,
}

enum CopiedContent {
    /// The content of the original.
    Whole,
    /// Nothing.
    Empty,
    /// A program that does nothing.
    Program,
    /// A text of the kit.
    Text(String),
}

/// Copies the records of a profile directory. `to` is the build directory of the copy.
///
/// # Errors
/// Returns an error if a directory cannot be listed, or if the copy cannot be written.
pub(crate) fn profile(profile: &ProfileDir, to: &Utf8Path) -> Result<()> {
    let place = profile.path.strip_prefix(&profile.build_directory)?;
    let copy = CopyOfProfile {
        from: &profile.path,
        to: &to.join(place),
        layout: profile.layout,
    };
    let mut files = Vec::new();
    copy.list(&mut files)?;
    write_all(&files)
}

/// Copies the marks of rendered documentation, and the facts that cargo keeps about the compiler.
/// `target` is the target directory, `to` is the target directory of the copy.
///
/// # Errors
/// Returns an error if the copy cannot be written.
pub(crate) fn documentation(target: &Utf8Path, to: &Utf8Path) -> Result<()> {
    let mut files = Vec::new();
    let mut places = vec![Utf8PathBuf::new()];
    for (name, is_directory) in listed(target)? {
        match is_directory {
            true => places.push(name.into()),
            false if name.starts_with(".rustdoc") => files.push(CopiedFile {
                from: target.join(&name),
                to: to.join(&name),
                content: CopiedContent::Whole,
            }),
            false => {}
        }
    }
    for place in places {
        let directory = place.join("doc");
        for (name, is_directory) in listed(&target.join(&directory))? {
            let page = directory.join(name).join("index.html");
            if is_directory && target.join(&page).is_file() {
                files.push(CopiedFile {
                    from: target.join(&page),
                    to: to.join(&page),
                    content: CopiedContent::Empty,
                });
            }
        }
    }
    write_all(&files)
}

struct CopyOfProfile<'a> {
    from: &'a Utf8Path,
    to: &'a Utf8Path,
    layout: Layout,
}

impl CopyOfProfile<'_> {
    fn list(&self, files: &mut Vec<CopiedFile>) -> Result<()> {
        // Rustdoc's fingerprint lies here in newer versions of cargo.
        for (name, is_directory) in listed(self.from)? {
            if !is_directory && name.starts_with(".rustdoc") {
                files.push(self.file(&name, CopiedContent::Whole));
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
    fn script(&self, directory: &Utf8Path, files: &mut Vec<CopiedFile>) -> Result<()> {
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
    fn unit(&self, directory: &Utf8Path, files: &mut Vec<CopiedFile>) -> Result<()> {
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
    fn run_file(&self, path: &Utf8Path, out: &Utf8Path) -> CopiedFile {
        let content = match path.file_name() {
            Some("root-output") => CopiedContent::Text(self.to.join(out).into_string()),
            Some("output" | "stdout" | "stderr" | "invoked.timestamp") => CopiedContent::Whole,
            Some(name) => artifact(name),
            None => CopiedContent::Empty,
        };
        self.file(path.as_str(), content)
    }

    fn tree(
        &self,
        directory: &Utf8Path,
        artifacts: Artifacts,
        files: &mut Vec<CopiedFile>,
    ) -> Result<()> {
        for (name, is_directory) in listed(&self.from.join(directory))? {
            let path = directory.join(&name);
            if is_directory {
                self.tree(&path, artifacts, files)?;
                continue;
            }
            let content = match artifacts {
                Artifacts::Kept => CopiedContent::Whole,
                Artifacts::Emptied => artifact(&name),
            };
            files.push(self.file(path.as_str(), content));
        }
        Ok(())
    }

    fn file(&self, path: &str, content: CopiedContent) -> CopiedFile {
        CopiedFile {
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

/// Returns the content of an artifact in the copy: a build script is started, so it is a program.
fn artifact(name: &str) -> CopiedContent {
    let is_script = name.starts_with("build-script-") || name.starts_with("build_script_");
    match is_script && !name.ends_with(".d") {
        true => CopiedContent::Program,
        false => CopiedContent::Empty,
    }
}

/// Returns the names in a directory, each with true for a directory. Symbolic links to directories
/// are left out. A missing directory has no names.
fn listed(directory: &Utf8Path) -> Result<Vec<(String, bool)>> {
    let entries = match directory.read_dir_utf8() {
        Err(error) if xtask_impact::paths::is_absent(&error) => return Ok(Vec::new()),
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => return Ok(Vec::new()),
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

fn write_all(files: &[CopiedFile]) -> Result<()> {
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

fn write(file: &CopiedFile) -> Result<()> {
    let failed = || format!("cannot write {}", quote::name(&file.to));
    // A running cargo may remove the file.
    let Ok(metadata) = fs::metadata(&file.from) else {
        return Ok(());
    };
    let content = match &file.content {
        CopiedContent::Whole => match files::read(&file.from, files::RECORD) {
            Ok(bytes) => bytes,
            Err(_) => return Ok(()),
        },
        CopiedContent::Empty => Vec::new(),
        CopiedContent::Program => SCRIPT.to_vec(),
        CopiedContent::Text(text) => text.clone().into_bytes(),
    };
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    if matches!(file.content, CopiedContent::Program) {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o700);
    }
    let mut copy = options.open(&file.to).with_context(failed)?;
    copy.write_all(&content).with_context(failed)?;
    let modified = metadata.modified().with_context(failed)?;
    copy.set_times(FileTimes::new().set_modified(modified))
        .with_context(failed)
}
