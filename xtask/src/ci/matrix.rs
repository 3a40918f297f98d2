//! The job matrix of a continuous integration service.

use serde::Serialize;

/// The jobs of a matrix.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Matrix {
    /// The version of this JSON format. The version changes if a reader has to change.
    pub version: u32,
    /// True if there is a job. Some services refuse a matrix without a job.
    pub any: bool,
    /// The comparison, as text.
    pub compared: String,
    /// The archive of tests that the jobs run, if one build serves all jobs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive: Option<Archive>,
    /// Notes for the user, such as the reason for fewer jobs than allowed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The jobs.
    pub include: Vec<MatrixJob>,
}

/// Nextest's archive of built tests.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Archive {
    /// The file that the jobs need, relative to the root of the workspace.
    pub file: String,
    /// The command that builds the archive, for a shell.
    pub command: String,
}

/// A job of a matrix.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct MatrixJob {
    /// The number of the job, from 1.
    pub shard: usize,
    /// The number of all jobs.
    pub of: usize,
    /// The expected duration in seconds, if durations are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// The affected packages that the job runs the command on.
    pub packages: Vec<String>,
    /// The cargo command for a shell.
    pub command: String,
    /// Notes for the user, such as the packages that are selected in addition to the affected
    /// packages.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl Matrix {
    /// Returns the matrix of these jobs, and numbers the jobs.
    pub(crate) fn new(compared: String, jobs: Vec<MatrixJob>) -> Self {
        let of = jobs.len();
        let numbered = (1..)
            .zip(jobs)
            .map(|(shard, job)| MatrixJob { shard, of, ..job });
        Self {
            version: 1,
            any: of > 0,
            compared,
            archive: None,
            notes: Vec::new(),
            include: numbered.collect(),
        }
    }
}
