//! A mirror of a build directory: cargo finds all records and all outputs there, with their times,
//! and can judge the freshness of every unit. The outputs are empty, and a build in the mirror
//! changes nothing in the build directory.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::time::SystemTime;

use anyhow::{Context as _, Result};
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::build_dir::Directories;
use xtask_impact::private_dir::TemporaryDir;
use xtask_impact::{build_dir, files, parallel, quote};

/// A mirror of a build directory in a private temporary directory.
pub(crate) struct Mirror {
    scratch: TemporaryDir,
}

/// A file of a mirror.
enum MirroredFile {
    /// A record, with its content.
    Record(Utf8PathBuf, Utf8PathBuf),
    /// An output, of which cargo only compares the time.
    Output(Utf8PathBuf, Utf8PathBuf),
}

impl Mirror {
    /// Makes a mirror of the profile directories with these names, for the host and for every
    /// target triple. `root` is the workspace's root.
    ///
    /// # Errors
    /// Returns an error if a directory cannot be listed or a file of the mirror cannot be written.
    pub(crate) fn new(
        root: &Utf8Path,
        directories: &Directories,
        profiles: &BTreeSet<String>,
    ) -> Result<Self> {
        let mirror = Self {
            scratch: TemporaryDir::outside(root)?,
        };
        let to = mirror.target();
        let mut files = Vec::new();
        for (name, path) in children(&directories.target)? {
            if path.is_file() && name.ends_with(".json") {
                files.push(MirroredFile::Record(path, to.join(name)));
            }
        }
        let mut seen = BTreeSet::new();
        for place in build_dir::profile_dirs(&directories.build)? {
            if !profiles.contains(&place.directory) || !seen.insert(place.path.clone()) {
                continue;
            }
            let triple = place.triple.as_deref().unwrap_or_default();
            let profile = to.join(triple).join(&place.directory);
            list_profile(&place.path, &profile, &mut files)?;
            let documentation = directories.target.join(triple).join("doc");
            for (name, path) in children(&documentation)? {
                let page = path.join("index.html");
                let mirrored = to.join(triple).join("doc").join(name).join("index.html");
                files.push(MirroredFile::Output(page, mirrored));
            }
        }
        fs::create_dir_all(&to).with_context(|| format!("cannot create {to}"))?;
        let made = parallel::parts(&files, |part| part.iter().map(MirroredFile::make).collect());
        for (file, made) in files.iter().zip(made) {
            let (MirroredFile::Record(_, to) | MirroredFile::Output(_, to)) = file;
            made.with_context(|| format!("cannot write {}", quote::name(to)))?;
        }
        Ok(mirror)
    }

    /// Returns the mirror of the build and the target directory.
    pub(crate) fn target(&self) -> Utf8PathBuf {
        self.scratch.path().join("target")
    }

    /// Returns the private directory that holds the mirror.
    pub(crate) fn scratch(&self) -> &Utf8Path {
        self.scratch.path()
    }
}

/// Lists the files of a profile directory, in both layouts.
fn list_profile(from: &Utf8Path, to: &Utf8Path, files: &mut Vec<MirroredFile>) -> Result<()> {
    let fingerprints = from.join(".fingerprint");
    for (name, path) in children(&fingerprints)? {
        list_records(&path, &to.join(".fingerprint").join(name), files)?;
    }
    for shared in ["deps", "examples"] {
        list_outputs(&from.join(shared), &to.join(shared), files)?;
    }
    for (name, path) in children(&from.join("build"))? {
        let mirrored = to.join("build").join(&name);
        if build_dir::split_hash(&name).is_some() {
            list_records(&path, &mirrored, files)?;
            list_outputs(&path.join("out"), &mirrored.join("out"), files)?;
            continue;
        }
        for (hash, unit) in children(&path)? {
            let mirrored = mirrored.join(hash);
            for records in ["fingerprint", "run"] {
                list_records(&unit.join(records), &mirrored.join(records), files)?;
            }
            list_outputs(&unit.join("out"), &mirrored.join("out"), files)?;
        }
    }
    Ok(())
}

/// Lists the files in a directory of records. A compiled build script in the directory is an
/// output, so that no script can run.
fn list_records(from: &Utf8Path, to: &Utf8Path, files: &mut Vec<MirroredFile>) -> Result<()> {
    for (name, path) in children(from)? {
        if path.is_dir() {
            continue;
        }
        let is_script = name.starts_with("build-script-") || name.starts_with("build_script_");
        let is_fingerprint = from.parent().and_then(Utf8Path::file_name) == Some(".fingerprint")
            || from.file_name() == Some("fingerprint");
        files.push(match is_script && !is_fingerprint {
            true => MirroredFile::Output(path, to.join(name)),
            false => MirroredFile::Record(path, to.join(name)),
        });
    }
    Ok(())
}

/// Lists the files below a directory of outputs.
fn list_outputs(from: &Utf8Path, to: &Utf8Path, files: &mut Vec<MirroredFile>) -> Result<()> {
    for (name, path) in children(from)? {
        match path.is_dir() {
            true if path.is_symlink() => {}
            true => list_outputs(&path, &to.join(name), files)?,
            false => files.push(MirroredFile::Output(path, to.join(name))),
        }
    }
    Ok(())
}

fn children(directory: &Utf8Path) -> Result<Vec<(String, Utf8PathBuf)>> {
    let names = build_dir::entries(directory)?.into_iter();
    let paths = names.map(|name| (name.clone(), directory.join(name)));
    Ok(paths.collect())
}

impl MirroredFile {
    /// Writes the file. A file that does not exist any more is left out.
    fn make(&self) -> io::Result<()> {
        let (from, to, content) = match self {
            Self::Record(from, to) => match files::read(from, files::RECORD) {
                Ok(content) => (from, to, content),
                Err(_) => return Ok(()),
            },
            Self::Output(from, to) => (from, to, Vec::new()),
        };
        let Ok(time) = from.metadata().and_then(|it| it.modified()) else {
            return Ok(());
        };
        match write(to, &content, time) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(to.parent().unwrap_or(to))?;
                write(to, &content, time)
            }
            written => written,
        }
    }
}

fn write(path: &Utf8Path, content: &[u8], time: SystemTime) -> io::Result<()> {
    let mut file = File::create(path)?;
    io::Write::write_all(&mut file, content)?;
    file.set_modified(time)
}
