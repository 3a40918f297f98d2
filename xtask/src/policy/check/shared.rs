//! Workspaces of the repository that build into one target directory.

use std::collections::BTreeMap;

use anyhow::Result;
use cargo_metadata::camino::Utf8Path;

use crate::finding::{Check, Finding, Level, Place};
use crate::policy::members::{Declared, Member};
use crate::policy::subject::{Known, Subject, relative};
use crate::repo::rust_source::normalized;

pub(super) static SAME_PACKAGE_TWICE: Check = Check {
    code: "same-package-twice",
    level: Level::Error,
    cost: "Cargo takes the one for the other: a build of the second is Fresh with the code of the \
           first.",
    explanation: "Two workspaces of the repository build into one directory, and each has a \
package of the same name and version at the same path below its root. Cargo tells path packages apart \
by these three, not by the workspace, so that their artifacts have the same names and the same \
fingerprints.

Give one another name or version, or the workspaces build directories of their own: \
`build.build-dir` with `{workspace-path-hash}`.",
};

pub(super) static SAME_OUTPUTS_TWICE: Check = Check {
    code: "same-outputs-twice",
    level: Level::Warning,
    cost: "What lies in the target directory under the package's name is of the workspace that was \
           built last.",
    explanation: "Two workspaces of the repository build into one target directory, and each has a \
package of the same name and version. Cargo keeps what it compiles apart, and puts the final binaries \
and libraries of both under one name.

Give one another name, or the workspaces target directories of their own.",
};

pub(super) fn find(subject: &Subject, found: &mut Vec<Finding>) -> Result<()> {
    let mut sharing: BTreeMap<_, Vec<&Known>> = BTreeMap::new();
    for known in &subject.workspaces {
        let (target, _) = known.config.target_directory(&known.root)?;
        sharing.entry(normalized(&target)).or_default().push(known);
    }
    for (target, known) in sharing.iter().filter(|(_, known)| known.len() > 1) {
        let mut packages: BTreeMap<(String, String), Vec<(&Known, Member)>> = BTreeMap::new();
        for known in known {
            for member in Declared::read(&known.root).members(&subject.manifests) {
                let key = (member.name.clone(), member.version.clone());
                packages.entry(key).or_default().push((known, member));
            }
        }
        for ((name, version), places) in packages {
            let [(first, member), others @ ..] = &places[..] else {
                continue;
            };
            for (other, second) in others {
                let builds = |known: &Known| known.config.build_directory(&known.root);
                let is_same = member.directory == second.directory
                    && builds(first)? == builds(other)?
                    // What cargo makes of the hash differs from workspace to workspace.
                    && !builds(first)?.is_some_and(|(path, _)| path.as_str().contains('{'));
                let check = if is_same {
                    &SAME_PACKAGE_TWICE
                } else {
                    &SAME_OUTPUTS_TWICE
                };
                let path = |known: &Known, member: &Member| {
                    let manifest = known.root.join(&member.directory).join("Cargo.toml");
                    relative(&normalized(&manifest), &subject.top).to_owned()
                };
                let target = relative(target, &subject.top);
                let place = Place::Path {
                    path: path(other, second),
                    line: None,
                };
                let finding = check.found(
                    place,
                    format!(
                        "{name} {version} is also in the workspace {}, which builds into {target} too",
                        named(relative(&first.root, &subject.top))
                    ),
                    "Give one of them another name, or the workspaces directories of their own.",
                );
                found.push(finding.evidence([path(first, member).into_string()]));
            }
        }
    }
    Ok(())
}

fn named(root: &Utf8Path) -> &str {
    if root.as_str().is_empty() {
        "at the top level"
    } else {
        root.as_str()
    }
}
