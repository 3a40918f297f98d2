//! Finds paths in texts: in string literals, in scripts, and in the examples of documentation.

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};

use crate::paths::normalized;

/// Returns the paths that a text names. A text without blanks is a path as a whole. In a command or
/// in prose, only a word that contains `../` is certain to be a path.
pub(super) fn paths(text: &str) -> Vec<Utf8PathBuf> {
    let text = with_holes(text, |_| "*");
    let words = chunks(&text).flat_map(|chunk| chunk.split(AROUND));
    let is_path = |word: &&str| word.len() == text.len() || word.contains("../");
    words.filter(is_path).filter_map(path).collect()
}

/// Returns the names of files and directories in a text, with their stems and extensions, and `..`.
/// Returns no names for a text with blanks and without a path.
pub(super) fn parts(text: &str) -> Vec<String> {
    let has_path = text.contains(['/', '\\']) || text.split_whitespace().any(|it| it == "..");
    if text.contains(char::is_whitespace) && !has_path && !text.contains("..;") {
        return Vec::new();
    }
    // Braces contain names only if they contain a list, as in `{a,b}`.
    let text = with_holes(text, |hole| if hole.contains(',') { hole } else { "*" });
    let mut parts = Vec::new();
    for run in chunks(&text).flat_map(|chunk| chunk.split(|it| !is_name(it))) {
        if run == ".." {
            parts.push(run.to_owned());
            continue;
        }
        let file = Utf8Path::new(run.trim_start_matches('.'));
        let names = [Some(run), file.file_stem(), file.extension()];
        let names = names.into_iter().flatten();
        let is_part = |it: &&str| it.contains(char::is_alphanumeric) && it.len() <= LONGEST_NAME;
        parts.extend(names.filter(is_part).map(str::to_owned));
    }
    parts
}

/// Returns the examples of a documentation text that are tests: blocks between fences, unless the
/// opening fence names another language, and indented blocks.
pub(super) fn examples(markdown: &str) -> Vec<String> {
    let mut examples = Vec::new();
    let mut fence: Option<(String, bool)> = None;
    let mut block = String::new();
    for line in markdown.lines() {
        let start = line.trim_start();
        let is_fence = start.starts_with("```") || start.starts_with("~~~");
        match &fence {
            Some((opened, is_rust)) if start.starts_with(opened.as_str()) => {
                let block = std::mem::take(&mut block);
                examples.extend(is_rust.then_some(block));
                fence = None;
            }
            None if is_fence => {
                examples.push(std::mem::take(&mut block));
                let length = start.len() - start.trim_start_matches(['`', '~']).len();
                fence = Some((start[..length].to_owned(), is_rust(&start[length..])));
            }
            None if !line.starts_with("    ") => examples.push(std::mem::take(&mut block)),
            _ => {
                // Rustdoc compiles a line that begins with `# `, such as `# fn main() {`, but hides
                // the line.
                let shown = start.strip_prefix("# ").unwrap_or(line);
                block.push_str(shown);
                block.push('\n');
            }
        }
    }
    // A fence that is not closed ends with the text.
    let is_test = fence.is_none_or(|(_, is_rust)| is_rust);
    examples.extend(is_test.then_some(block));
    examples.retain(|example| !example.is_empty());
    examples
}

/// Returns true if rustdoc compiles a block as Rust, given the words after its opening fence.
fn is_rust(words: &str) -> bool {
    const KNOWN: [&str; 8] = [
        "rust",
        "should_panic",
        "no_run",
        "ignore",
        "compile_fail",
        "test_harness",
        "standalone",
        "edition",
    ];
    let mut words = words.split([' ', ',', '\t', '{', '}']);
    words.all(|word| word.is_empty() || KNOWN.iter().any(|known| word.starts_with(known)))
}

/// The length of the longest name that counts, in bytes.
const LONGEST_NAME: usize = 100;

/// The characters that may stand around a path in a command or in another language.
const AROUND: [char; 13] = [
    '\'', '"', '`', ';', '|', '&', '(', ')', '<', '>', ',', ':', '\0',
];

/// Returns the parts of a text between blanks, without URLs that are not `file://` URLs.
fn chunks(text: &str) -> impl Iterator<Item = &str> {
    let is_here = |it: &&str| !it.contains("://") || it.contains("file://");
    text.split_whitespace().filter(is_here)
}

fn is_name(char: char) -> bool {
    char.is_alphanumeric() || "._-+@~".contains(char)
}

/// Replaces each `{…}` in a text by the result of `fill`: a hole of a format, or a list of a
/// pattern. Each backslash becomes a slash.
fn with_holes(text: &str, fill: impl Fn(&str) -> &str) -> String {
    let mut parts = text.split('{');
    let mut holed = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once('}') {
            Some((hole, behind)) if !hole.contains([' ', '\n', '\t', '"', '/']) => {
                holed.push_str(fill(hole));
                holed.push_str(behind);
            }
            _ => {
                holed.push(' ');
                holed.push_str(part);
            }
        }
    }
    holed.replace('\\', "/")
}

/// Returns the relative path that a word names. An unknown first name and unknown last names are
/// left out, and every other unknown name becomes `*`.
fn path(word: &str) -> Option<Utf8PathBuf> {
    // The word may be an instruction for cargo or an option, with the path as its value.
    let word = word.rsplit('=').next()?;
    // The path may begin with a variable of a shell, as in `$CARGO_MANIFEST_DIR/data`.
    let word = match word.strip_prefix('$') {
        Some(variable) => variable.split_once('/')?.1,
        None => word,
    };
    let is_pattern = |it: &str| it.contains(['*', '?', '[']);
    let is_known = |char: char| is_name(char) || "/*?[]^!$".contains(char);
    if word.len() >= 300 || !word.chars().all(is_known) {
        return None;
    }
    let mut names: Vec<&str> = word.trim_start_matches('/').split('/').collect();
    names.truncate(
        names
            .iter()
            .position(|it| *it == "**")
            .unwrap_or(names.len()),
    );
    if names.first().is_some_and(|it| is_pattern(it)) {
        names.remove(0);
    }
    while names.last().is_some_and(|it| is_pattern(it)) {
        names.pop();
    }
    let names = names
        .into_iter()
        .map(|it| if is_pattern(it) { "*" } else { it });
    let path = normalized(&names.collect::<Utf8PathBuf>());
    let mut components = path.components();
    let is_some = components.any(|it| matches!(it, Utf8Component::Normal(_)));
    is_some.then_some(path)
}
