//! A child pipeline of GitLab, from a matrix.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};

use crate::ci::matrix::Matrix;
use crate::selection::Tool;

/// Returns the configuration of a child pipeline, as YAML. GitLab refuses a pipeline without a job,
/// so a matrix without a job becomes one job that does nothing.
///
/// # Errors
/// Returns an error if a text cannot be written as JSON, which its type rules out.
pub(crate) fn pipeline(matrix: &Matrix, tool: Tool) -> Result<String> {
    let mut text = String::from("# Written by `xtask ci matrix --format gitlab`.\n");
    let tool = tool.name();
    if let Some(archive) = &matrix.archive {
        text.push_str("stages: [build, test]\n");
        job(
            &mut text,
            &format!("{tool} archive"),
            "build",
            &archive.command,
        )?;
        let file = yaml(&archive.file)?;
        let _ = write!(
            text,
            "  artifacts:\n    paths: [{file}]\n    expire_in: 1 day\n"
        );
    }
    for one in &matrix.include {
        let name = format!("{tool} {}/{}", one.shard, one.of);
        job(&mut text, &name, "test", &one.command)?;
    }
    if matrix.include.is_empty() {
        job(&mut text, &format!("{tool} nothing"), "test", "true")?;
    }
    Ok(text)
}

fn job(text: &mut String, name: &str, stage: &str, command: &str) -> Result<()> {
    let (name, command) = (yaml(name)?, yaml(command)?);
    let _ = write!(text, "{name}:\n  stage: {stage}\n  script: [{command}]\n");
    Ok(())
}

/// Returns a text as JSON, which is YAML too.
fn yaml(text: &str) -> Result<String> {
    serde_json::to_string(text).context("cannot write JSON")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ci::matrix::{Archive, MatrixJob};

    #[test]
    fn a_matrix_becomes_jobs_of_a_child_pipeline() {
        let job = MatrixJob {
            shard: 0,
            of: 0,
            seconds: None,
            packages: vec!["a".to_owned()],
            command: "cargo nextest run -E 'package(=a)'".to_owned(),
            notes: Vec::new(),
        };
        let mut matrix = Matrix::new("the work tree".to_owned(), vec![job]);
        matrix.archive = Some(Archive {
            file: "tests.tar.zst".to_owned(),
            command: "cargo nextest archive".to_owned(),
        });
        expect_test::expect![[r##"
            # Written by `xtask ci matrix --format gitlab`.
            stages: [build, test]
            "nextest archive":
              stage: build
              script: ["cargo nextest archive"]
              artifacts:
                paths: ["tests.tar.zst"]
                expire_in: 1 day
            "nextest 1/1":
              stage: test
              script: ["cargo nextest run -E 'package(=a)'"]
        "##]]
        .assert_eq(&pipeline(&matrix, Tool::Nextest).unwrap());
        let nothing = Matrix::new("the work tree".to_owned(), Vec::new());
        expect_test::expect![[r##"
            # Written by `xtask ci matrix --format gitlab`.
            "test nothing":
              stage: test
              script: ["true"]
        "##]]
        .assert_eq(&pipeline(&nothing, Tool::Test).unwrap());
    }
}
