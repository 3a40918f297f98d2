//! The parts of a job matrix.

use serde::Serialize;

/// What the jobs of a matrix are going to do.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Matrix {
    /// Of this format; it changes when a reader would have to.
    pub version: u32,
    /// Whether there is anything to do; a matrix without a job is an error to some services.
    pub any: bool,
    /// What was compared, in words.
    pub compared: String,
    /// A job each.
    pub include: Vec<MatrixJob>,
}

/// One job.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MatrixJob {
    /// Which one, from 1.
    pub shard: usize,
    /// Of how many.
    pub of: usize,
    /// What it is going to take, in seconds, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// The affected packages that it is about.
    pub packages: Vec<String>,
    /// The cargo command, for a shell.
    pub command: String,
    /// What the reader should know, as which packages are selected beside those.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl Matrix {
    /// The matrix of these jobs, numbered.
    pub fn new(compared: String, jobs: Vec<MatrixJob>) -> Self {
        let of = jobs.len();
        let numbered = (1..)
            .zip(jobs)
            .map(|(shard, job)| MatrixJob { shard, of, ..job });
        Self {
            version: 1,
            any: of > 0,
            compared,
            include: numbered.collect(),
        }
    }
}
