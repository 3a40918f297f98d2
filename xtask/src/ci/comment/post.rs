//! Posts a comment on a pull request of GitHub by the program `gh`, or updates the comment that an
//! earlier run posted.

use anyhow::{Context as _, Result};
use serde::Deserialize;
use xtask_impact::process::{self, Runner};
use xtask_impact::{quote, usage};

use crate::ci_service;

/// The place of a comment.
#[derive(Debug)]
pub(super) struct CommentTarget {
    /// `owner/name`.
    repository: String,
    number: u64,
    /// The first line of the comment.
    marker: String,
    /// The user who wrote the comment.
    author: String,
}

/// A comment, as GitHub lists it.
#[derive(Debug, Deserialize)]
struct ListedComment {
    id: u64,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    user: Option<ListedUser>,
}

#[derive(Debug, Deserialize)]
struct ListedUser {
    login: String,
}

impl CommentTarget {
    /// Returns the place of the comment of this run of GitHub.
    ///
    /// # Errors
    /// Returns an error if the repository or the number of the pull request is not known.
    pub(super) fn of_run(number: Option<u64>, marker: String, author: &str) -> Result<Self> {
        let variable = std::env::var("GITHUB_REPOSITORY").unwrap_or_default();
        let repository = repository(&variable).ok_or_else(|| {
            usage!(
                "--post: GITHUB_REPOSITORY does not name a repository as OWNER/NAME (GitHub sets \
                 it in its jobs)"
            )
        })?;
        let number = match number {
            Some(number) => number,
            None => ci_service::pull_request().map_err(|why| {
                usage!("--post: no pull request: {why}\nhint: name it by --pull-request NUMBER")
            })?,
        };
        Ok(Self {
            repository: repository.to_owned(),
            number,
            marker,
            author: author.to_owned(),
        })
    }

    /// Returns the number of the pull request.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Posts the text, and returns the word for what was done.
    ///
    /// # Errors
    /// Returns an error if `gh` fails, for example because the token may not write comments.
    pub(super) fn post(&self, runner: &Runner, text: &str) -> Result<&'static str> {
        let comments = format!("repos/{}/issues/{}/comments", self.repository, self.number);
        let listed = format!("{comments}?per_page=100");
        let mut list = runner.program("gh");
        list.args(["api", "--paginate", &listed]);
        let listed = process::checked(&mut list).context("cannot list the comments")?;
        let known = self.own(&listed)?;
        let (method, place, done) = match known {
            Some(id) => {
                let place = format!("repos/{}/issues/comments/{id}", self.repository);
                ("PATCH", place, "Updated")
            }
            None => ("POST", comments, "Posted"),
        };
        let mut write = runner.program("gh");
        write.args(["api", "--method", method, &place, "--input", "-"]);
        let body = serde_json::json!({ "body": text }).to_string();
        let output = process::output_with_input(&mut write, body.into_bytes())?;
        process::succeeded(&write, output).context(
            "cannot write the comment; does the job have `permissions: pull-requests: write`? A \
             pull request from a fork never has it",
        )?;
        Ok(done)
    }

    /// Returns the id of the comment that an earlier run posted. Pages of comments follow one
    /// another as lists of JSON.
    fn own(&self, listed: &[u8]) -> Result<Option<u64>> {
        let pages = serde_json::Deserializer::from_slice(listed).into_iter::<Vec<ListedComment>>();
        for page in pages {
            let page = page.with_context(|| {
                let start = String::from_utf8_lossy(&listed[..listed.len().min(200)]);
                format!(
                    "`gh api` printed no list of comments: {}",
                    quote::line(&start)
                )
            })?;
            for comment in page {
                // Other users may copy the text; their comments are left alone.
                let is_own = comment.user.is_some_and(|it| it.login == self.author);
                let body = comment.body.unwrap_or_default();
                if is_own && body.lines().next() == Some(&*self.marker) {
                    return Ok(Some(comment.id));
                }
            }
        }
        Ok(None)
    }
}

/// Returns the text if it is `owner/name`.
fn repository(text: &str) -> Option<&str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let is_name =
        |part: &str| !part.is_empty() && part.bytes().all(plain) && part != "." && part != "..";
    let (owner, name) = text.split_once('/')?;
    (is_name(owner) && is_name(name)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_own_comment_is_updated() {
        let target = CommentTarget {
            repository: "owner/name".to_owned(),
            number: 7,
            marker: "<!-- m -->".to_owned(),
            author: "github-actions[bot]".to_owned(),
        };
        let comment = |id: u64, login: &str, body: &str| serde_json::json!({ "id": id, "user": { "login": login }, "body": body });
        let bot = "github-actions[bot]";
        let other = [
            comment(1, "someone", "<!-- m -->\nx"),
            comment(2, bot, "text <!-- m -->"),
            comment(3, bot, "<!-- m2 -->\nx"),
            serde_json::json!({ "id": 4, "user": null, "body": null }),
        ];
        let own = [
            comment(5, bot, "<!-- m -->\r\n### x"),
            comment(6, bot, "<!-- m -->\n"),
        ];
        let page = |comments: &[serde_json::Value]| serde_json::to_string(comments).unwrap();
        for (listed, expected) in [
            (page(&[]), None),
            (page(&other), None),
            (page(&[&other[..], &own].concat()), Some(5)),
            (page(&other) + &page(&own), Some(5)),
            (format!("{}\n{}\n", page(&other), page(&own[1..])), Some(6)),
        ] {
            assert_eq!(target.own(listed.as_bytes()).unwrap(), expected, "{listed}");
        }
        for odd in ["{\"message\":\"Not Found\"}", "[1]", "oops"] {
            assert!(target.own(odd.as_bytes()).is_err(), "{odd}");
        }
    }

    #[test]
    fn a_repository_is_a_plain_name() {
        for (text, is_one) in [
            ("owner/name.rs", true),
            ("owner", false),
            ("owner/", false),
            ("owner/a/b", false),
            ("owner/..", false),
            ("owner/a?b", false),
            ("-x/$(y)", false),
        ] {
            assert_eq!(repository(text).is_some(), is_one, "{text}");
        }
    }
}
