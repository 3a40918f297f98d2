//! Reads the references that git passes to a `pre-push` hook on its standard input.

use anyhow::Result;
use xtask_impact::{quote, usage};

/// One reference that is going to be pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Push {
    /// The object that is pushed. It is not always a commit.
    pub local: String,
    /// The object that the remote has for this reference; `None` if the remote does not have the
    /// reference.
    pub remote: Option<String>,
}

/// Parses lines of the form `LOCAL-REF LOCAL-OBJECT REMOTE-REF REMOTE-OBJECT`, as in githooks(5).
/// An object of zeros means that the object does not exist. The deletion of a reference pushes
/// nothing and is left out.
///
/// # Errors
/// Returns an error for a line of another form, because the pushed commits are unknown then.
pub(crate) fn pushes(input: &str) -> Result<Vec<Push>> {
    let exists = |object: &&str| object.bytes().any(|byte| byte != b'0');
    let is_object = |it: &str| it.len() >= 4 && it.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut found = Vec::new();
    for line in input.lines().filter(|line| !line.trim().is_empty()) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        // A local reference can contain spaces, as in `HEAD@{1 day ago}`.
        let [_, .., local, _, remote] = fields[..] else {
            return Err(not_understood(line));
        };
        if !is_object(local) || !is_object(remote) {
            return Err(not_understood(line));
        }
        if exists(&local) {
            let push = Push {
                local: local.to_owned(),
                remote: Some(remote).filter(exists).map(str::to_owned),
            };
            if !found.contains(&push) {
                found.push(push);
            }
        }
    }
    Ok(found)
}

fn not_understood(line: &str) -> anyhow::Error {
    usage!(
        "pre-push cannot read this line of its standard input: {}\n\
         hint: git writes LOCAL-REF LOCAL-OBJECT REMOTE-REF REMOTE-OBJECT; pass its input on \
         unchanged",
        quote::line(line)
    )
}

#[test]
fn pushed_references_are_read_without_deletions() {
    let input = "refs/heads/a aaaa refs/heads/a bbbb\n\
                 (delete) 0000 refs/heads/old cccc\n\
                 HEAD@{1 day ago} dddd refs/heads/new 0000\r\n\
                 refs/heads/b aaaa refs/heads/b bbbb";
    let told: Vec<_> = pushes(input)
        .unwrap()
        .into_iter()
        .map(|push| format!("{} over {}", push.local, push.remote.unwrap_or_default()))
        .collect();
    assert_eq!(told, ["aaaa over bbbb", "dddd over "]);
    assert!(pushes("").unwrap().is_empty());
}

#[test]
fn a_line_that_is_not_understood_is_an_error() {
    for line in [
        "nonsense",
        "refs/heads/a aaaa refs/heads/a",
        "aaaa refs/heads/a bbbb",
        "refs/heads/a aaaa refs/heads/a main",
        "refs/heads/a main refs/heads/a bbbb",
    ] {
        let input = format!("refs/heads/b aaaa refs/heads/b bbbb\n{line}\n");
        let error = pushes(&input).unwrap_err().to_string();
        assert!(error.contains(line), "{error}");
    }
}
