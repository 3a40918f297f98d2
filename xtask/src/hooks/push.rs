//! What git tells a `pre-push` hook on its standard input.

/// One reference that is going to be pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// The object that is pushed; not always a commit.
    pub local: String,
    /// What the remote has there, if it has the reference.
    pub remote: Option<String>,
}

/// Reads `LOCAL-REF LOCAL-OBJECT REMOTE-REF REMOTE-OBJECT`, a line each, as githooks(5) has it;
/// zeros stand for nothing. A reference that is deleted pushes nothing.
pub fn pushes(input: &str) -> Vec<Push> {
    let exists = |object: &&str| object.bytes().any(|byte| byte != b'0');
    let mut found = Vec::new();
    for line in input.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        if let [.., local, _, remote] = fields[..]
            && exists(&local)
        {
            let push = Push {
                local: local.to_owned(),
                remote: Some(remote).filter(exists).map(str::to_owned),
            };
            if !found.contains(&push) {
                found.push(push);
            }
        }
    }
    found
}

#[test]
fn what_is_pushed_is_read_and_deletions_are_left_out() {
    let input = "refs/heads/a aaaa refs/heads/a bbbb\n\
                 (delete) 0000 refs/heads/old cccc\n\
                 HEAD~1 dddd refs/heads/new 0000\n\
                 refs/heads/b aaaa refs/heads/b bbbb\n";
    let told: Vec<_> = pushes(input)
        .into_iter()
        .map(|push| format!("{} over {}", push.local, push.remote.unwrap_or_default()))
        .collect();
    assert_eq!(told, ["aaaa over bbbb", "dddd over "]);
    assert!(pushes("").is_empty());
}
