//! Records that exist but must not be trusted. They must not hide an affected unit.

use std::fs;
use std::path::Path;

use super::random::Random;
use crate::support::{Project, tree};

/// The way in which the records are spoiled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Spoiled {
    /// The records belong to the sample before the edits of the world.
    Older,
    /// All sources have been written since the records, as by a checkout.
    Touched,
    /// Some records are truncated, and some are missing.
    Damaged,
    /// The records come from `check` alone, and belong to the sample before the edits of the world.
    OtherVerb,
}

impl Spoiled {
    pub(crate) fn any(random: &mut Random) -> Self {
        let all = [Self::Older, Self::Touched, Self::Damaged, Self::OtherVerb];
        random.pick(&all).expect("there are some")
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Older => "older records",
            Self::Touched => "touched sources",
            Self::Damaged => "damaged records",
            Self::OtherVerb => "records of another verb",
        }
    }

    pub(crate) fn apply(self, random: &mut Random, project: &Project) {
        let built = project.path("target/debug");
        match self {
            Self::Older => replace_by(project, "built/target"),
            Self::Touched => tree::touch(project.root()),
            Self::Damaged => damage(random, &built),
            Self::OtherVerb => replace_by(project, "checked"),
        }
    }
}

fn replace_by(project: &Project, other: &str) {
    tree::restore(&project.beside(other), &project.path("target"));
}

fn damage(random: &mut Random, directory: &Path) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            damage(random, &path);
        } else if random.one_in(8) {
            let bytes = fs::read(&path).unwrap();
            match random.below(2) {
                0 => fs::remove_file(&path).unwrap(),
                _ => fs::write(&path, &bytes[..bytes.len() / 2]).unwrap(),
            }
        }
    }
}
