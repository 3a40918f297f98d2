//! A path on its way from its start.

use cargo_metadata::camino::{Utf8Component, Utf8Path};

use super::{MadePath, Origin};

/// A path on its way.
#[derive(Clone)]
pub(super) struct Trail {
    pub(super) origin: Origin,
    pub(super) line: usize,
    pub(super) parts: Vec<String>,
    pub(super) climbs: usize,
}

impl Trail {
    /// A step up.
    pub(super) fn up(&mut self) {
        match self.parts.last().map(String::as_str) {
            None | Some("..") => {
                self.parts.push("..".to_owned());
                self.climbs = self.climbs.max(self.parts.len());
            }
            Some(_) => drop(self.parts.pop()),
        }
    }

    /// Steps down, and up where the path has `..`.
    pub(super) fn join(&mut self, path: &str) {
        for component in Utf8Path::new(path).components() {
            match component {
                Utf8Component::ParentDir => self.up(),
                Utf8Component::Normal(part) => self.parts.push(part.to_owned()),
                Utf8Component::RootDir if self.origin == Origin::Literal => {
                    self.parts.push("/".to_owned());
                }
                _ => {}
            }
        }
    }

    /// The path as it is found.
    pub(super) fn made(&self) -> MadePath {
        MadePath {
            origin: self.origin,
            line: self.line,
            path: self.parts.iter().collect(),
            climbs: self.climbs,
        }
    }
}
