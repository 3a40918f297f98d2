//! The plan of an experiment: the builds, their number and their order.

use camino::Utf8PathBuf;

/// A way to build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Without the settings.
    Before,
    /// With the settings.
    After,
}

/// A part of an experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum TrialKind {
    /// Build from nothing
    Clean,
    /// Build again after an edit of a source
    Edit,
}

/// One build of an experiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TrialBuild {
    pub(super) way: Way,
    pub(super) kind: TrialKind,
    /// False for a build that only prepares the measured builds.
    pub(super) is_measured: bool,
}

/// An experiment.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TrialPlan {
    /// The settings, as cargo takes them by `--config`.
    pub(super) settings: Vec<String>,
    /// The cargo command with its arguments.
    pub(super) command: Vec<String>,
    /// The number of measured builds of each kind and way.
    pub(super) repeat: usize,
    /// The sources of which one is edited, relative to the workspace's root: the first that the build
    /// compiles. Empty if builds after an edit are not measured.
    pub(super) edits: Vec<Utf8PathBuf>,
    /// True to build from nothing.
    pub(super) clean: bool,
}

impl TrialPlan {
    /// Returns the number of figures, which share the limit of the proof.
    pub(super) fn figures(&self) -> usize {
        usize::from(self.clean) + usize::from(!self.edits.is_empty())
    }

    /// Returns the builds in their order. The first build warms the disk's cache and is not
    /// measured. Each round changes which way comes first, so that a machine that becomes slower
    /// slows both ways.
    pub(super) fn builds(&self) -> Vec<TrialBuild> {
        let build = |way, kind, is_measured| TrialBuild {
            way,
            kind,
            is_measured,
        };
        let mut builds = Vec::new();
        if self.clean {
            builds.push(build(Way::Before, TrialKind::Clean, false));
        }
        for round in 0..self.repeat {
            let ways = match round % 2 {
                0 => [Way::Before, Way::After],
                _ => [Way::After, Way::Before],
            };
            for way in ways {
                if self.clean || round == 0 {
                    builds.push(build(way, TrialKind::Clean, self.clean));
                }
                if !self.edits.is_empty() {
                    builds.push(build(way, TrialKind::Edit, true));
                }
            }
        }
        builds
    }

    /// Returns the number of builds from nothing.
    pub(super) fn clean_builds(&self) -> usize {
        let builds = self.builds();
        builds
            .iter()
            .filter(|it| it.kind == TrialKind::Clean)
            .count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the builds as letters: `a` before, `b` after; a capital letter is built from nothing;
    /// a point is not measured.
    fn order(clean: bool, edit: bool, repeat: usize) -> String {
        let plan = TrialPlan {
            settings: Vec::new(),
            command: Vec::new(),
            repeat,
            edits: edit.then(|| "src/lib.rs".into()).into_iter().collect(),
            clean,
        };
        let letter = |it: TrialBuild| {
            let way = match it.way {
                Way::Before => "a",
                Way::After => "b",
            };
            let way = match it.kind {
                TrialKind::Clean => way.to_uppercase(),
                TrialKind::Edit => way.to_owned(),
            };
            way + if it.is_measured { "" } else { "." }
        };
        plan.builds().into_iter().map(letter).collect()
    }

    #[test]
    fn builds_with_and_without_the_settings_alternate() {
        assert_eq!(order(true, true, 3), "A.AaBbBbAaAaBb");
        assert_eq!(order(true, false, 2), "A.ABBA");
        assert_eq!(order(false, true, 3), "A.aB.bbaab");
    }
}
