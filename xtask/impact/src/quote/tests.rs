use super::*;

#[test]
fn names_are_quoted_as_git_quotes_them() {
    for (plain, expected) in [
        ("src/lib.rs", "src/lib.rs"),
        ("with space/ü→漢.rs", "with space/ü→漢.rs"),
        ("a\nb", r#""a\nb""#),
        ("a\tb\rc\u{7}\u{8}\u{b}\u{c}", r#""a\tb\rc\a\b\v\f""#),
        ("say \"hi\"", r#""say \"hi\"""#),
        ("\u{1b}[31mred\u{7f}", r#""\033[31mred\177""#),
        ("\u{9b}31m", r#""\302\23331m""#),
        ("gpj.\u{202e}exe", r#""gpj.\342\200\256exe""#),
        (
            "a\u{feff}\u{200b}\u{2028}b",
            r#""a\357\273\277\342\200\213\342\200\250b""#,
        ),
        ("::error::x", r#""::error::x""#),
        ("a::b", "a::b"),
        ("##[error]x", r##""#\043[error]x""##),
        ("a ##vso[task]x", r##""a #\043vso[task]x""##),
    ] {
        assert_eq!(name(plain), expected, "{plain:?}");
    }
    if !cfg!(windows) {
        assert_eq!(name(r"a\b"), r#""a\\b""#);
    }
}

#[test]
fn a_sentence_stays_on_one_line() {
    for (plain, expected) in [
        (
            "it is `built` from \"a\\nb\"",
            "it is `built` from \"a\\nb\"",
        ),
        ("a\n::error::x\u{1b}[2J", r"a\n::error::x\033[2J"),
        ("  ::error::x", r"  \072:error::x"),
        ("x ##[error]y", r"x #\043[error]y"),
    ] {
        assert_eq!(line(plain), expected, "{plain:?}");
    }
}

#[test]
fn a_text_only_keeps_line_breaks_tabs_and_colours() {
    for (plain, expected) in [
        ("a\n\tb\n", "a\n\tb\n"),
        ("\u{1b}[31m-\u{1b}(B\u{1b}[m", "\u{1b}[31m-\u{1b}(B\u{1b}[m"),
        (
            "\u{1b}[1;31merror\u{1b}[0m: x\r\ny",
            "\u{1b}[1;31merror\u{1b}[0m: x\ny",
        ),
        ("a\n ::error::x\n::b", "a\n \\072:error::x\n\\072:b"),
        ("  ::: src/lib.rs:1:1\n", "  ::: src/lib.rs:1:1\n"),
        (
            "a\rsection_start:1:x\r\u{1b}[0K",
            "a\\rsection_start:1:x\\r\\033[0K",
        ),
        (
            "\u{1b}]0;title\u{7}\u{1b}[2J\u{1b}",
            "\\033]0;title\\a\\033[2J\\033",
        ),
        ("##[group]x", "#\\043[group]x"),
    ] {
        assert_eq!(text(plain), expected, "{plain:?}");
    }
}

#[test]
fn a_name_has_no_effect_on_markdown() {
    assert_eq!(
        markdown("a|b `c` [x](y) <img> & @you\n# h"),
        "a\\|b \\`c\\` \\[x\\](y) &lt;img> &amp; @\u{200b}you\\\\n# h"
    );
}

#[test]
fn a_single_tilde_is_not_escaped_in_markdown() {
    assert_eq!(markdown("HEAD~1"), "HEAD~1");
    assert_eq!(markdown("~a~"), "\\~a\\~");
}

#[test]
fn a_message_stays_one_github_command() {
    assert_eq!(github_message("50%\r\n::x\u{1b}"), "50%25%0D%0A::x\\033");
    assert_eq!(github_property("a,b:c\nd"), "a%2Cb%3Ac%0Ad");
    assert_eq!(github_output("any", "true"), "any=true\n");
    let (one, two) = (github_output("k", "a\nb"), github_output("k", "a\nb"));
    assert_ne!(one, two, "a delimiter that a value cannot hold");
    let lines: Vec<&str> = one.lines().collect();
    let [start, "a", "b", end] = lines[..] else {
        panic!("{one}");
    };
    assert_eq!(start.strip_prefix("k<<"), Some(end));
}

#[test]
fn a_word_stays_one_shell_word() {
    for (word, expected) in [
        ("a-b/c.d=e", "a-b/c.d=e"),
        ("", "''"),
        ("my lib", "'my lib'"),
        ("$it's", r"'$it'\''s'"),
        ("a\n'b\\", r"$'a\n\'b\\'"),
        ("\u{1b}[2J", r"$'\033[2J'"),
        ("::error::x", r"$'::error::x'"),
    ] {
        assert_eq!(shell(word), expected, "{word:?}");
    }
}

#[test]
fn a_label_stays_one_graph_label() {
    assert_eq!(dot("a \"b\"\n\\N"), r#""a \"b\"\\n\\N""#);
    assert_eq!(
        mermaid("a \"b\" <c> #d\n"),
        r#""a #quot;b#quot; #lt;c#gt; #35;d\n""#
    );
}

#[test]
fn quoted_json_has_the_same_value() {
    let value = ["\u{7f}\u{9b}\u{202e}\u{e0001}", "##[error]x", "plain ü\n"];
    let document = serde_json::to_string_pretty(&value).unwrap();
    let safe = json(&document);
    assert!(
        safe.chars().all(|c| c == '\n' || !is_unprintable(c)),
        "{safe}"
    );
    assert!(!safe.contains("##["), "{safe}");
    assert_eq!(serde_json::from_str::<Vec<String>>(&safe).unwrap(), value);
}
