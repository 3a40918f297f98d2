//! Walks the directories once and counts every file for the unit that it belongs to.

use std::borrow::Cow;
use std::collections::BTreeMap;

use anyhow::Result;
use camino::{Utf8Path, Utf8PathBuf};
use xtask_impact::build_dir;
use xtask_impact::build_dir::{Directories, Layout};
use xtask_impact::paths::resolved;

use super::listing::{self, FileStat, ListedFile, Listing};
use super::{DirectoryScan, LinkedFiles, SharedArtifact, Sizes, SweepUnit};
use crate::artifacts::disk_size::{self, HardLink};
use crate::artifacts::plan::Artifact;
use crate::artifacts::quick_hash::{QuickMap, QuickSet};

/// Counts all files of a build directory and its target directory, and adds the files of each unit
/// and the shared artifacts to the scan.
pub(super) fn walk(
    scan: &mut DirectoryScan,
    listing: &Listing,
    directories: &Directories,
    others: &[Utf8PathBuf],
) -> Result<()> {
    let mut profiles: BTreeMap<Utf8PathBuf, usize> = BTreeMap::new();
    for (index, place) in scan.places.iter().enumerate() {
        profiles.entry(place.path.clone()).or_insert(index);
    }
    let first_places = scan.places.iter().map(|place| profiles[&place.path]);
    let first_places: Vec<usize> = first_places.collect();
    let mut units = QuickMap::default();
    for (index, unit) in scan.units.iter().enumerate() {
        let is_first = scan.places[unit.place].layout == Layout::V1;
        let of_place: &mut UnitsByHash = units
            .entry((first_places[unit.place], is_first))
            .or_default();
        of_place.insert(unit.hash.clone(), index);
    }
    let mut walker = Walker {
        scan,
        listing,
        units,
        profiles,
        others: others.to_vec(),
        seen: QuickSet::default(),
        linked: LinkedFiles::default(),
        remains: QuickMap::default(),
    };
    let (build, target) = (&directories.build, &directories.target);
    walker.root(build)?;
    let real = [build, target].map(|it| resolved(it));
    if !real[1].starts_with(&real[0]) {
        walker.others.push(build.clone());
        walker.outputs(target, directories)?;
    } else if build != target {
        // The target directory was counted with the build directory.
        walker.uplifted_in(target, directories)?;
    }
    walker.link_uplifted();
    Ok(())
}

type UnitsByHash = QuickMap<String, usize>;

struct Walker<'a> {
    scan: &'a mut DirectoryScan,
    listing: &'a Listing,
    /// The units by the first place of their profile directory and their layout (true for the
    /// first), then by their hash.
    units: QuickMap<(usize, bool), UnitsByHash>,
    /// The first place of each profile directory.
    profiles: BTreeMap<Utf8PathBuf, usize>,
    /// Directories that are not counted.
    others: Vec<Utf8PathBuf>,
    /// The files with several names that are counted already.
    seen: QuickSet<HardLink>,
    /// The units of files with several names.
    linked: LinkedFiles,
    /// The units that stand for files of the first layout whose fingerprint is gone.
    remains: QuickMap<(usize, String), usize>,
}

/// An entry of a directory.
struct Entry {
    name: String,
    path: Utf8PathBuf,
    stat: FileStat,
}

impl<'a> Walker<'a> {
    /// Counts a build directory.
    fn root(&mut self, root: &Utf8Path) -> Result<()> {
        self.scan.bytes += own_size(root);
        for entry in self.entries(root)? {
            let profile = self.profiles.get(&entry.path).copied();
            let is_triple = self
                .profiles
                .keys()
                .any(|it| it.parent() == Some(&entry.path));
            match profile {
                _ if self.others.contains(&entry.path) => {}
                Some(place) => self.profile(place, &entry.path)?,
                None if is_triple => self.root(&entry.path)?,
                None if entry.name == "doc" && entry.stat.is_dir => self.documentation(&entry)?,
                None => self.other(entry, None)?,
            }
        }
        Ok(())
    }

    /// Counts a target directory that is not the build directory.
    fn outputs(&mut self, root: &Utf8Path, directories: &Directories) -> Result<()> {
        self.scan.bytes += own_size(root);
        let places = self.output_places(directories);
        for entry in self.entries(root)? {
            let place = places.get(&entry.path).copied();
            let is_triple = places.keys().any(|it| it.parent() == Some(&entry.path));
            match place {
                _ if self.others.contains(&entry.path) => {}
                None if is_triple => self.outputs(&entry.path, directories)?,
                None if entry.name == "doc" && entry.stat.is_dir => self.documentation(&entry)?,
                Some(place) => {
                    self.scan.bytes += entry.stat.bytes;
                    for inner in self.entries(&entry.path)? {
                        self.output(inner, place)?;
                    }
                }
                None => self.other(entry, None)?,
            }
        }
        Ok(())
    }

    /// Returns the directories of final artifacts, with the place that writes there.
    fn output_places(&self, directories: &Directories) -> BTreeMap<Utf8PathBuf, usize> {
        let places = self.profiles.values();
        let outputs = places.map(|&it| (self.scan.places[it].outputs(&directories.target), it));
        outputs.collect()
    }

    /// Finds the final artifacts in a target directory whose size is counted already.
    fn uplifted_in(&mut self, target: &Utf8Path, directories: &Directories) -> Result<()> {
        for (path, place) in self.output_places(directories) {
            if path.starts_with(target) && !self.profiles.contains_key(&path) {
                for entry in self.entries(&path)? {
                    if entry.stat.is_file {
                        self.uplifted(entry, place, Sizes::default());
                    }
                }
            }
        }
        Ok(())
    }

    /// Counts a final artifact, or a directory of final artifacts.
    fn output(&mut self, entry: Entry, place: usize) -> Result<()> {
        match entry.name.as_str() {
            "examples" if entry.stat.is_dir => {
                self.scan.bytes += entry.stat.bytes;
                for inner in self.entries(&entry.path)? {
                    let sizes = self.tree(&inner, None)?;
                    self.uplifted(inner, place, sizes);
                }
                Ok(())
            }
            _ => {
                let sizes = self.tree(&entry, None)?;
                self.uplifted(entry, place, sizes);
                Ok(())
            }
        }
    }

    /// Counts a profile directory. The files of units come first, so that a final artifact is not
    /// counted again.
    fn profile(&mut self, place: usize, path: &Utf8Path) -> Result<()> {
        self.scan.bytes += own_size(path);
        let mut rest = Vec::new();
        for entry in self.entries(path)? {
            match (entry.name.as_str(), entry.stat.is_dir) {
                (".fingerprint", true) => {
                    self.scan.bytes += entry.stat.bytes;
                    for inner in self.entries(&entry.path)? {
                        self.in_first(place, inner, hash_of_directory, Artifact::Fingerprint)?;
                    }
                }
                ("deps", true) => self.shared_directory(place, &entry)?,
                ("examples", true) => {
                    self.scan.bytes += entry.stat.bytes;
                    for inner in self.entries(&entry.path)? {
                        match build_dir::hash_in(&inner.name) {
                            Some(_) => {
                                self.in_first(place, inner, build_dir::hash_in, Artifact::Output)?;
                            }
                            None => rest.push(inner),
                        }
                    }
                }
                ("build", true) => self.build(place, &entry)?,
                ("incremental", true) => {
                    self.scan.bytes += entry.stat.bytes;
                    for inner in self.entries(&entry.path)? {
                        self.incremental(place, inner)?;
                    }
                }
                _ => rest.push(entry),
            }
        }
        for entry in rest {
            let sizes = self.tree(&entry, None)?;
            self.uplifted(entry, place, sizes);
        }
        Ok(())
    }

    fn shared_directory(&mut self, place: usize, directory: &Entry) -> Result<()> {
        self.scan.bytes += directory.stat.bytes;
        for inner in self.entries(&directory.path)? {
            self.in_first(place, inner, build_dir::hash_in, Artifact::Output)?;
        }
        Ok(())
    }

    /// Counts the directory `build`, which holds script runs of the first layout and all units of
    /// the second layout.
    fn build(&mut self, place: usize, directory: &Entry) -> Result<()> {
        self.scan.bytes += directory.stat.bytes;
        for package in self.entries(&directory.path)? {
            if hash_of_directory(&package.name).is_some() {
                self.in_first(place, package, hash_of_directory, Artifact::Output)?;
                continue;
            }
            if !package.stat.is_dir {
                self.other(package, Some(place))?;
                continue;
            }
            self.scan.bytes += package.stat.bytes;
            for unit in self.entries(&package.path)? {
                match self.unit(place, false, &unit.name) {
                    Some(index) => self.count(index, unit, Artifact::Output)?,
                    None => self.other(unit, Some(place))?,
                }
            }
        }
        Ok(())
    }

    /// Counts a file or directory of the first layout for the unit with its hash, which `hash_of`
    /// finds in the name. A hash without a fingerprint becomes a unit without names.
    fn in_first(
        &mut self,
        place: usize,
        entry: Entry,
        hash_of: fn(&str) -> Option<&str>,
        kind: Artifact,
    ) -> Result<()> {
        let Some(hash) = hash_of(&entry.name) else {
            return self.other(entry, Some(place));
        };
        let index = match self.unit(place, true, hash) {
            Some(index) => index,
            None => self.remains(place, hash, &entry),
        };
        self.count(index, entry, kind)
    }

    /// Returns the unit with this hash in a layout of a profile directory.
    fn unit(&self, place: usize, is_first: bool, hash: &str) -> Option<usize> {
        self.units.get(&(place, is_first))?.get(hash).copied()
    }

    /// Returns the unit that stands for files whose fingerprint is gone.
    fn remains(&mut self, place: usize, hash: &str, entry: &Entry) -> usize {
        let key = (place, hash.to_owned());
        let modified = entry.stat.modified;
        if let Some(&index) = self.remains.get(&key) {
            let unit = &mut self.scan.units[index];
            unit.built = unit.built.max(modified);
            unit.last_use = unit.built;
            return index;
        }
        let stem = entry.name.split('.').next().unwrap_or_default();
        let package = build_dir::split_hash(stem).map_or(stem, |(name, _)| name);
        self.scan.units.push(SweepUnit {
            place,
            package: package.to_owned(),
            hash: hash.to_owned(),
            names: Vec::new(),
            values: Vec::new(),
            dependencies: Vec::new(),
            rustc: None,
            has_fingerprint: false,
            built: modified,
            spans: Vec::new(),
            read_by_others: None,
            unarmed: Vec::new(),
            record_times: Vec::new(),
            accessed: None,
            last_use: modified,
            files: Vec::new(),
            sizes: Sizes::default(),
        });
        self.remains.insert(key, self.scan.units.len() - 1);
        self.scan.units.len() - 1
    }

    /// Counts a file or directory for a unit.
    fn count(&mut self, index: usize, entry: Entry, kind: Artifact) -> Result<()> {
        let sizes = self.tree(&entry, Some(index))?;
        let unit = &mut self.scan.units[index];
        unit.sizes.add(sizes);
        unit.files.push((kind, entry.path));
        Ok(())
    }

    /// Counts a directory of incremental state.
    fn incremental(&mut self, place: usize, entry: Entry) -> Result<()> {
        let Some((name, _)) = entry.name.rsplit_once('-') else {
            return self.other(entry, Some(place));
        };
        let name = name.to_owned();
        let sizes = self.tree(&entry, None)?;
        let mut sessions = Vec::new();
        for session in self.entries(&entry.path)? {
            if session.stat.is_dir && !session.name.ends_with("-working") {
                sessions.push(session.stat.modified);
            }
        }
        let own = entry.stat.modified;
        self.scan.shared.push(SharedArtifact {
            kind: Some(Artifact::Incremental),
            place: Some(place),
            name,
            paths: vec![entry.path],
            sizes,
            modified: sessions.into_iter().max().unwrap_or(own),
            owners: Vec::new(),
        });
        Ok(())
    }

    /// Counts a directory of documentation: the pages of each crate, and the files of all crates.
    fn documentation(&mut self, directory: &Entry) -> Result<()> {
        self.scan.bytes += directory.stat.bytes;
        let inner = self.entries(&directory.path)?.into_iter();
        let (sources, inner): (Vec<_>, Vec<_>) = inner.partition(|it| it.name == "src");
        let mut pages = BTreeMap::new();
        for source in &sources {
            self.scan.bytes += source.stat.bytes;
            let of_crates = self.entries(&source.path)?.into_iter();
            pages.extend(of_crates.map(|it| (it.name.clone(), it)));
        }
        for entry in inner {
            let is_page = self.is_page(&entry);
            if !is_page {
                self.other(entry, None)?;
                continue;
            }
            let mut sizes = self.tree(&entry, None)?;
            if let Some(sources) = pages.remove(&entry.name) {
                sizes.add(self.tree(&sources, None)?);
            }
            let modified = entry.stat.modified;
            let own_sources = directory.path.join("src").join(&entry.name);
            self.scan.shared.push(SharedArtifact {
                kind: Some(Artifact::Documentation),
                place: None,
                name: entry.name,
                paths: vec![entry.path, own_sources],
                sizes,
                modified,
                owners: Vec::new(),
            });
        }
        for entry in pages.into_values() {
            self.other(entry, None)?;
        }
        Ok(())
    }

    /// Returns true if a directory holds the pages of a crate.
    fn is_page(&self, entry: &Entry) -> bool {
        let index = self.listing.stat(&entry.path.join("index.html"));
        entry.stat.is_dir && index.is_some_and(|it| it.is_file)
    }

    /// Adds a final artifact. Its unit is found when all files are known.
    fn uplifted(&mut self, entry: Entry, place: usize, sizes: Sizes) {
        let owner = entry.stat.link;
        let owner = owner.and_then(|link| self.linked.get(&link).copied());
        let modified = entry.stat.modified;
        self.scan.shared.push(SharedArtifact {
            kind: owner.map(|_| Artifact::Uplifted),
            place: Some(place),
            name: entry.name,
            paths: vec![entry.path],
            sizes,
            modified,
            owners: owner.into_iter().collect(),
        });
    }

    /// Counts something that the kit never removes.
    fn other(&mut self, entry: Entry, place: Option<usize>) -> Result<()> {
        let sizes = self.tree(&entry, None)?;
        self.scan.shared.push(SharedArtifact {
            kind: None,
            place,
            modified: entry.stat.modified,
            name: entry.name,
            paths: vec![entry.path],
            sizes,
            owners: Vec::new(),
        });
        Ok(())
    }

    /// Adds the dep-info that cargo wrote beside a final artifact to the artifact.
    fn link_uplifted(&mut self) {
        let owned = self.scan.shared.iter();
        let owned = owned.filter(|it| it.kind == Some(Artifact::Uplifted));
        let owned: QuickMap<String, usize> = owned
            .map(|it| (it.paths[0].with_extension("d").into_string(), it.owners[0]))
            .collect();
        for shared in &mut self.scan.shared {
            if let (None, Some(owner)) = (shared.kind, owned.get(shared.paths[0].as_str())) {
                shared.kind = Some(Artifact::Uplifted);
                shared.owners = vec![*owner];
            }
        }
    }

    /// Counts a file, or a directory with everything below it. Files with several names are counted
    /// once, and belong to `unit`.
    fn tree(&mut self, entry: &Entry, unit: Option<usize>) -> Result<Sizes> {
        let mut sizes = Sizes::default();
        if entry.stat.is_dir && self.others.contains(&entry.path) {
            return Ok(sizes);
        }
        self.add(&entry.stat, unit, &mut sizes);
        if !entry.stat.is_dir {
            self.scan.bytes += sizes.bytes;
            return Ok(sizes);
        }
        let mut pending = vec![entry.path.clone()];
        while let Some(directory) = pending.pop() {
            for file in self.files(&directory)?.iter() {
                if !file.stat.is_dir {
                    self.add(&file.stat, unit, &mut sizes);
                    continue;
                }
                let path = directory.join(&file.name);
                if !self.others.contains(&path) {
                    self.add(&file.stat, unit, &mut sizes);
                    pending.push(path);
                }
            }
        }
        self.scan.bytes += sizes.bytes;
        Ok(sizes)
    }

    /// Adds a file to a size, unless the file is counted already under another name.
    fn add(&mut self, stat: &FileStat, unit: Option<usize>, sizes: &mut Sizes) {
        if let (Some(link), Some(unit)) = (stat.link, unit) {
            self.linked.entry(link).or_insert(unit);
        }
        sizes.files += u64::from(!stat.is_dir);
        let is_counted = stat.link.is_some_and(|link| !self.seen.insert(link));
        if !is_counted {
            sizes.bytes += stat.bytes;
        }
    }

    /// Returns the contents of a directory. A directory outside of the listing is read.
    fn files(&self, directory: &Utf8Path) -> Result<Cow<'a, [ListedFile]>> {
        match self.listing.get(directory) {
            Some(files) => Ok(Cow::Borrowed(files)),
            None => listing::list(directory).map(Cow::Owned),
        }
    }

    /// Returns the contents of a directory, each with its path.
    fn entries(&self, directory: &Utf8Path) -> Result<Vec<Entry>> {
        let files = self.files(directory)?;
        let entries = files.iter().map(|file| Entry {
            name: file.name.clone(),
            path: directory.join(&file.name),
            stat: file.stat,
        });
        Ok(entries.collect())
    }
}

impl Sizes {
    /// Adds another size.
    pub(crate) fn add(&mut self, other: Self) {
        self.files += other.files;
        self.bytes += other.bytes;
    }
}

fn own_size(path: &Utf8Path) -> u64 {
    path.metadata().map_or(0, |it| disk_size::bytes(&it))
}

/// Returns the hash in the name of a unit's directory in the first layout.
fn hash_of_directory(name: &str) -> Option<&str> {
    build_dir::split_hash(name).map(|it| it.1)
}
