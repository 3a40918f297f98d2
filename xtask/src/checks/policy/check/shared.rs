//! Checks of workspaces of the repository that build into one target directory.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use camino::Utf8PathBuf;
use xtask_impact::cargo_config::PATH_HASH;
use xtask_impact::paths::normalized;

use crate::checks::policy::members::{DeclaredMembers, MemberPackage};
use crate::checks::policy::subject::{KnownWorkspace, PolicySubject, relative};
use crate::checks::{Check, Finding, Level, Place};

pub(crate) static SAME_PACKAGE_TWICE: Check = Check {
    code: "same-package-twice",
    level: Level::Error,
    finds: "Two workspaces with the same package and one build directory",
    cost: "Cargo confuses the two packages: a build of the second can be Fresh with the code of \
           the first.",
    explanation: "Two workspaces of the repository build into one directory, and each has a \
package of the same name and version at the same path below its root. Cargo identifies path \
packages by these three values, not by the workspace, so their artifacts have the same names and \
fingerprints.

Change the name or the version of one, or give each workspace its own build directory: \
`build.build-dir` with `{workspace-path-hash}`.",
};

pub(crate) static SAME_OUTPUTS_TWICE: Check = Check {
    code: "same-outputs-twice",
    level: Level::Warning,
    finds: "Two workspaces that write artifacts of the same name into one directory",
    cost: "The final artifacts of the package come from the workspace that was built last.",
    explanation:
        "Two workspaces of the repository build into one target directory, and each has a \
package of the same name and version. Cargo keeps the intermediate artifacts separate, but gives \
the final binaries and libraries of both the same names.

Rename one, or give each workspace its own target directory.",
};

pub(crate) fn find(subject: &PolicySubject, found: &mut Vec<Finding>) -> Result<()> {
    let (mut building, mut sharing) = (Groups::new(), Groups::new());
    for known in &subject.workspaces {
        let (target, _) = known.config.target_directory(&known.root)?;
        let build = known.config.build_directory(&known.root)?;
        let build = build.map_or_else(|| target.clone(), |(path, _)| path);
        // A path with the hash of the workspace's path is different for each workspace.
        if !build.as_str().contains(PATH_HASH) {
            building.entry(normalized(&build)).or_default().push(known);
        }
        sharing.entry(normalized(&target)).or_default().push(known);
    }
    let mut told = BTreeSet::new();
    for (check, groups) in [
        (&SAME_PACKAGE_TWICE, building),
        (&SAME_OUTPUTS_TWICE, sharing),
    ] {
        for (directory, known) in groups.iter().filter(|(_, known)| known.len() > 1) {
            for [first, second] in pairs(subject, known) {
                let is_same = first.member.directory == second.member.directory;
                let manifests = [&first, &second].map(|it| relative(&it.manifest(), &subject.top));
                if check == &SAME_PACKAGE_TWICE && !is_same || !told.insert(manifests.clone()) {
                    continue;
                }
                let [first_manifest, path] = manifests;
                let MemberPackage { name, version, .. } = second.member;
                let beside = relative(&first.known.root, &subject.top);
                let beside = match beside.as_str() {
                    "" => "at the top level",
                    root => root,
                };
                let directory = relative(directory, &subject.top);
                let finding = check.found(
                    Place::Path { path, line: None },
                    format!(
                        "{name} {version} is also in the workspace {beside}, and both build into \
                         {directory}"
                    ),
                    "Rename one of them, or give each workspace its own directory.",
                );
                found.push(finding.evidence([first_manifest.into_string()]));
            }
        }
    }
    Ok(())
}

/// Workspaces by the directory that they share.
type Groups<'a> = BTreeMap<Utf8PathBuf, Vec<&'a KnownWorkspace>>;

#[derive(Clone)]
struct SharedPackage<'a> {
    known: &'a KnownWorkspace,
    member: MemberPackage,
}

impl SharedPackage<'_> {
    fn manifest(&self) -> Utf8PathBuf {
        let directory = self.known.root.join(&self.member.directory);
        directory.join("Cargo.toml")
    }
}

/// Returns pairs of packages from two workspaces that have the same name and version.
fn pairs<'a>(
    subject: &PolicySubject,
    workspaces: &[&'a KnownWorkspace],
) -> Vec<[SharedPackage<'a>; 2]> {
    let mut packages: BTreeMap<_, Vec<SharedPackage<'a>>> = BTreeMap::new();
    for &known in workspaces {
        for member in DeclaredMembers::read(&known.root).members(&subject.manifests) {
            let key = (member.name.clone(), member.version.clone());
            let places = packages.entry(key).or_default();
            places.push(SharedPackage { known, member });
        }
    }
    let mut pairs = Vec::new();
    for places in packages.values() {
        for (at, second) in places.iter().enumerate() {
            let firsts = places[..at].iter();
            pairs.extend(firsts.map(|first| [first.clone(), second.clone()]));
        }
    }
    pairs
}
