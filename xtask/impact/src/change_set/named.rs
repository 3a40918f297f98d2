//! Places the paths that the user names: on disk, or in a state that git knows.

use std::collections::BTreeSet;

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};

use super::outside::files;
use super::path_list::{mistaken_for, unquoted};
use crate::vcs::{Change, ChangeStatus, Range, Repository, Seen, TreeState};
use crate::{quote, usage};

/// The paths as the user writes them.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct NamedFiles {
    /// The current directory, as an absolute path.
    pub directory: Utf8PathBuf,
    /// The paths: absolute, relative to the current directory, or relative to the top level of the
    /// repository. A path may be quoted as git quotes it.
    pub paths: Vec<String>,
}

/// Named paths, resolved to changes.
#[derive(Debug, Default)]
pub(super) struct NamedChanges {
    /// The changes, sorted, one per path.
    pub changes: Vec<Change>,
    /// The names that stand only for paths outside the repository.
    pub outside: Vec<NamedOutside>,
    /// Notes for the reader.
    pub notes: Vec<String>,
}

/// A name that stands only for paths outside the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedOutside {
    /// The path as the user names it.
    pub name: String,
    /// The absolute paths, without symbolic links in their directories.
    pub paths: Vec<Utf8PathBuf>,
}

impl NamedFiles {
    /// Returns a request for absolute paths.
    pub fn at(paths: impl IntoIterator<Item = Utf8PathBuf>) -> Self {
        Self {
            directory: Utf8PathBuf::new(),
            paths: paths.into_iter().map(Utf8PathBuf::into_string).collect(),
        }
    }

    /// Finds each named path below the current directory and below the top level `root`. A name
    /// that exists below both stands for both paths. A directory stands for itself and for every
    /// file below the directory.
    ///
    /// # Errors
    /// Returns an error if a name is neither on disk nor in a state that git knows.
    pub(super) fn place(
        &self,
        root: &Utf8Path,
        repository: Option<&Repository>,
        range: Option<&Range>,
    ) -> Result<NamedChanges> {
        let mut placer = Placer {
            directories: [canonical(&self.directory), root.to_owned()],
            root,
            repository,
            range,
            known: None,
            untracked: None,
            changes: BTreeSet::new(),
            inserted: Vec::new(),
        };
        let (mut unknown, mut twice) = (Vec::new(), Vec::new());
        let mut outside = Vec::new();
        for name in &self.paths {
            match placer.name(name)? {
                0 => unknown.push(name.as_str()),
                1 => {}
                _ => twice.push(format!("`{}`", quote::name(name))),
            }
            let paths = std::mem::take(&mut placer.inserted);
            if !paths.is_empty() && paths.iter().all(|path| path.is_absolute()) {
                let name = name.clone();
                outside.push(NamedOutside { name, paths });
            }
        }
        placer.deleted_before(&mut unknown)?;
        if let Some(first) = unknown.first() {
            return Err(placer.refusal(first, unknown.len() - 1));
        }
        let note = twice.first().map(|first| {
            format!(
                "{first}{} exists both in the current directory and at the top level of the \
                 repository; both count as changed",
                and_more(twice.len() - 1)
            )
        });
        Ok(NamedChanges {
            changes: placer.changes.into_iter().collect(),
            outside,
            notes: note.into_iter().collect(),
        })
    }
}

/// A search for names on disk and in the states that git knows.
struct Placer<'a> {
    /// The canonical paths of the directories that a relative path may start from.
    directories: [Utf8PathBuf; 2],
    root: &'a Utf8Path,
    repository: Option<&'a Repository>,
    range: Option<&'a Range>,
    /// The paths in git's states, relative to the top level. Filled on first use.
    known: Option<BTreeSet<Utf8PathBuf>>,
    /// The untracked paths, relative to the top level. Filled on first use.
    untracked: Option<Vec<Utf8PathBuf>>,
    changes: BTreeSet<Change>,
    /// The paths of the name at hand, as in the changes.
    inserted: Vec<Utf8PathBuf>,
}

impl Placer<'_> {
    /// Adds the paths that a name stands for, and returns their number.
    fn name(&mut self, name: &str) -> Result<usize> {
        let spellings = unquoted(name).into_iter().chain([name.to_owned()]);
        for spelling in spellings {
            // `./x` and `../x` are relative to the current directory, if they exist there.
            let is_from_here = spelling.starts_with('.')
                && matches!(spelling.split(['/', '\\']).next(), Some("." | ".."));
            let mut found = 0;
            for path in self.candidates(&spelling) {
                if found == 0 || !is_from_here {
                    found += usize::from(self.add(&path)?);
                }
            }
            if found > 0 {
                return Ok(found);
            }
        }
        Ok(0)
    }

    /// Returns the absolute paths that a name may stand for. The path below the current directory
    /// is first.
    fn candidates(&self, name: &str) -> Vec<Utf8PathBuf> {
        let paths = self.directories.iter().map(|it| it.join(name));
        let mut paths: Vec<_> = paths.map(|path| canonical(&path)).collect();
        paths.dedup();
        paths
    }

    /// Adds an absolute path if the path exists on disk or in a state that git knows, and returns
    /// true if the path was added.
    fn add(&mut self, path: &Utf8Path) -> Result<bool> {
        let below = path.strip_prefix(self.root).ok().map(Utf8Path::to_owned);
        let is_on_disk = path.symlink_metadata().is_ok();
        if is_on_disk {
            self.insert(path, ChangeStatus::Modified);
            // Git names the link, but cargo may name the file that the link points to.
            let target = path.canonicalize_utf8().unwrap_or_else(|_| path.to_owned());
            if target != path {
                self.add(&target)?;
            }
        }
        let is_directory = is_on_disk && path.is_dir() && !path.is_symlink();
        if is_on_disk && !is_directory {
            return Ok(true);
        }
        let Some((below, repository)) = below.zip(self.repository) else {
            if is_directory {
                for file in files(path) {
                    self.insert(&file, ChangeStatus::Modified);
                }
            }
            return Ok(is_on_disk);
        };
        let known = self.known()?.range(below.clone()..);
        let mut inside: Vec<Utf8PathBuf> = known
            .take_while(|it| it.starts_with(&below))
            .cloned()
            .collect();
        if is_directory {
            if self.untracked.is_none() {
                let untracked = repository.untracked()?.into_iter();
                self.untracked = Some(untracked.map(|it| it.path).collect());
            }
            let untracked = self.untracked.iter().flatten();
            inside.extend(untracked.filter(|it| it.starts_with(&below)).cloned());
        }
        let is_known = !inside.is_empty();
        for it in inside {
            let path = self.root.join(&it);
            let status = match path.symlink_metadata() {
                Ok(_) => ChangeStatus::Modified,
                Err(_) => ChangeStatus::Deleted,
            };
            self.insert(&path, status);
        }
        Ok(is_on_disk || is_known)
    }

    fn insert(&mut self, path: &Utf8Path, status: ChangeStatus) {
        let below = match path.strip_prefix(self.root) {
            Ok(below) if below == "" => Utf8Path::new("."),
            Ok(below) => below,
            Err(_) => path,
        };
        self.inserted.push(below.to_owned());
        self.changes.insert(Change {
            path: below.to_owned(),
            status,
            seen: Seen::Named,
        });
    }

    /// Returns the paths of the index, of `HEAD` and of both sides of the comparison. Without a
    /// comparison, the paths of the merge base with the default branch are used instead of the two
    /// sides.
    fn known(&mut self) -> Result<&BTreeSet<Utf8PathBuf>> {
        if self.known.is_none() {
            self.known = Some(match self.repository {
                Some(repository) => known(repository, self.range)?,
                None => BTreeSet::new(),
            });
        }
        Ok(self.known.get_or_insert_default())
    }

    /// Removes the names from `unknown` that an earlier commit deleted, and adds their paths as
    /// deleted.
    fn deleted_before(&mut self, unknown: &mut Vec<&str>) -> Result<()> {
        let Some(repository) = self.repository.filter(|_| !unknown.is_empty()) else {
            return Ok(());
        };
        let spelled = |name: &str| unquoted(name).unwrap_or_else(|| name.to_owned());
        let below = |name: &str| -> Vec<Utf8PathBuf> {
            let paths = self.candidates(&spelled(name)).into_iter();
            let below =
                paths.filter_map(|path| Some(path.strip_prefix(self.root).ok()?.to_owned()));
            below.filter(|path| path != "").collect()
        };
        let candidates: Vec<(&str, Vec<Utf8PathBuf>)> =
            unknown.iter().map(|&name| (name, below(name))).collect();
        let all: Vec<_> = candidates.iter().flat_map(|(_, paths)| paths).collect();
        let deleted = repository.deleted(&all)?;
        for (name, paths) in &candidates {
            let found = deleted
                .iter()
                .filter(|it| paths.iter().any(|path| it.starts_with(path)));
            for path in found {
                self.insert(&self.root.join(path), ChangeStatus::Deleted);
                unknown.retain(|it| it != name);
            }
        }
        Ok(())
    }

    /// Returns the error for a name that exists nowhere, with a hint.
    fn refusal(&mut self, name: &str, others: usize) -> anyhow::Error {
        let name = &*unquoted(name).unwrap_or_else(|| name.to_owned());
        let hint = match mistaken_for(name) {
            Some(what) => format!(
                "this looks like {what}; pass one path per line, as `git diff --name-only` prints \
                 them"
            ),
            None => match self.nearest(name) {
                Some(nearest) => format!("did you mean `{}`?", quote::name(&nearest)),
                None => "name paths relative to the current directory or to the top level of the \
                         repository, one per line; for a file of another revision, name that \
                         revision with --since"
                    .to_owned(),
            },
        };
        let places = match self.repository {
            Some(_) => "neither on disk nor in a revision of this repository",
            None => "not on disk",
        };
        usage!(
            "no such path: `{}`{} is {places}\nhint: {hint}",
            quote::name(name),
            and_more(others),
        )
    }

    /// Returns the known path that is most similar to a name.
    fn nearest(&mut self, name: &str) -> Option<Utf8PathBuf> {
        const ALIKE: f64 = 0.85;
        let name = name.trim().replace('\\', "/");
        let known = self.known().ok()?;
        let mut ending_so = known.iter().filter(|it| it.ends_with(&name));
        if let Some(found) = known.get(Utf8Path::new(&name)).or_else(|| ending_so.next()) {
            return Some(found.clone());
        }
        let scored = known
            .iter()
            .map(|it| (strsim::jaro_winkler(it.as_str(), &name), it));
        let best = scored.max_by(|(one, _), (other, _)| one.total_cmp(other));
        best.filter(|(score, _)| *score >= ALIKE)
            .map(|(_, it)| it.clone())
    }
}

fn known(repository: &Repository, range: Option<&Range>) -> Result<BTreeSet<Utf8PathBuf>> {
    let mut states = vec![TreeState::Index];
    states.extend(repository.head().cloned().map(TreeState::Commit));
    match range {
        Some(range) => states.extend([range.before(), range.after()]),
        None => {
            let default = repository.default_base().ok().zip(repository.head());
            let base = default.and_then(|((_, tip), head)| repository.merge_base(&tip, head).ok());
            states.extend(base.map(TreeState::Commit));
        }
    }
    states.retain(|state| *state != TreeState::WorkTree);
    let mut done: Vec<TreeState> = Vec::new();
    let mut known = BTreeSet::new();
    for state in states {
        if !done.contains(&state) {
            known.extend(repository.entries(&state)?.into_iter().map(|it| it.path));
            done.push(state);
        }
    }
    Ok(known)
}

fn and_more(others: usize) -> String {
    match others {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    }
}

/// Returns the path without `..` and without symbolic links in its directories, as git names paths.
/// The part of a path that does not exist stays unchanged.
fn canonical(path: &Utf8Path) -> Utf8PathBuf {
    if !path.is_symlink()
        && let Ok(real) = path.canonicalize_utf8()
    {
        return real;
    }
    let directory = |parent: &Utf8Path| match parent.canonicalize_utf8() {
        Ok(parent) => parent,
        Err(_) => canonical(parent),
    };
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => directory(parent).join(name),
        // The path ends in `..`.
        (Some(parent), None) => {
            let parent = directory(parent);
            parent.parent().unwrap_or(&parent).to_owned()
        }
        (None, _) => path.to_owned(),
    }
}

#[cfg(test)]
mod tests;
