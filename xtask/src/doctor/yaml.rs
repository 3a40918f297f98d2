//! Parses the YAML of CI services into values with their lines.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser};

/// A value with its place in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct YamlNode {
    /// The line where the value begins, counted from 1. For a block of text, the first line of the
    /// text.
    pub line: usize,
    /// The value.
    pub value: YamlValue,
}

/// A YAML value. Numbers, booleans and null are text here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum YamlValue {
    /// Text.
    Text(String),
    /// A list.
    List(Vec<YamlNode>),
    /// A table, in its order.
    Table(Vec<(YamlNode, YamlNode)>),
}

/// The maximum nesting of lists and tables. The files of CI services nest about a dozen levels.
const MAX_DEPTH: usize = 100;

/// The maximum size of a document in memory, in bytes, with every alias expanded. GitHub limits a
/// file to 512 KiB.
const MAX_SIZE: usize = 64 << 20;

/// A list or table whose end has not been read yet.
struct Open {
    anchor: usize,
    node: YamlNode,
    size: usize,
}

/// Parses the first document of a text.
///
/// # Errors
/// Returns a message with the place if the text is not valid YAML, or exceeds `MAX_DEPTH` or
/// `MAX_SIZE`.
pub(crate) fn parse(text: &str) -> Result<Option<YamlNode>, String> {
    let mut open: Vec<Open> = Vec::new();
    let mut anchors: HashMap<usize, (YamlNode, usize)> = HashMap::new();
    let mut made = 0;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| error.to_string())?;
        let line = span.start.line();
        let node = |value| YamlNode { line, value };
        let mut grow = |size: usize| {
            made += size;
            match made <= MAX_SIZE {
                true => Ok(size),
                false => Err(format!(
                    "at line {line}: with its aliases written out, it is larger than {} MiB",
                    MAX_SIZE >> 20
                )),
            }
        };
        let (anchor, mut done, size) = match event {
            Event::Scalar(text, _, anchor, _) => {
                let size = grow(size_of::<YamlNode>() + text.len())?;
                (anchor, node(YamlValue::Text(text.into_owned())), size)
            }
            Event::SequenceStart(anchor, _) | Event::MappingStart(anchor, _) => {
                if open.len() >= MAX_DEPTH {
                    return Err(format!(
                        "at line {line}: it is nested deeper than {MAX_DEPTH}"
                    ));
                }
                let value = match event {
                    Event::SequenceStart(..) => YamlValue::List(Vec::new()),
                    _ => YamlValue::Table(Vec::new()),
                };
                let (node, size) = (node(value), grow(size_of::<YamlNode>())?);
                open.push(Open { anchor, node, size });
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(Open { anchor, node, size }) => (anchor, node, size),
                None => continue,
            },
            Event::Alias(anchor) => match anchors.get(&anchor) {
                Some((known, size)) => (
                    0,
                    {
                        grow(*size)?;
                        known.clone()
                    },
                    *size,
                ),
                None => (0, node(YamlValue::Text(String::new())), 0),
            },
            _ => continue,
        };
        if anchor > 0 {
            grow(size)?;
            anchors.insert(anchor, (done.clone(), size));
        }
        let Some(parent) = open.last_mut() else {
            return Ok(Some(done));
        };
        parent.size += size;
        // A key is stored with an empty value (line 0) until its value has been read.
        match &mut parent.node.value {
            YamlValue::List(items) => items.push(done),
            YamlValue::Table(entries) => match entries.last_mut() {
                Some((_, value)) if value.line == 0 => *value = done,
                _ => {
                    done.line = done.line.max(1);
                    let nothing = YamlNode {
                        line: 0,
                        value: YamlValue::Text(String::new()),
                    };
                    entries.push((done, nothing));
                }
            },
            YamlValue::Text(_) => {}
        }
    }
    Ok(None)
}

impl YamlNode {
    /// Returns the value of a key of a table.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        let is_it = |entry: &&(Self, Self)| entry.0.text() == Some(key);
        Some(&self.entries().iter().find(is_it)?.1)
    }

    /// Returns the text if the value is a text.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            YamlValue::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the items of a list; an empty slice for other values.
    pub(crate) fn items(&self) -> &[Self] {
        match &self.value {
            YamlValue::List(items) => items,
            _ => &[],
        }
    }

    /// Returns the entries of a table; an empty slice for other values.
    pub(crate) fn entries(&self) -> &[(Self, Self)] {
        match &self.value {
            YamlValue::Table(entries) => entries,
            _ => &[],
        }
    }

    /// Returns every text in the value, without the keys of tables.
    pub(crate) fn texts(&self) -> Vec<&Self> {
        match &self.value {
            YamlValue::Text(_) => vec![self],
            YamlValue::List(items) => items.iter().flat_map(Self::texts).collect(),
            YamlValue::Table(entries) => entries.iter().flat_map(|it| it.1.texts()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_their_lines() {
        let text = "on: push # and on no other day\n\
                    env: &all\n  A: \"1\"\n  B:\n\
                    jobs:\n  one:\n    env: *all\n    steps:\n      - uses: x\n      - run: |\n          cargo a\n          cargo b\n";
        let root = parse(text).unwrap().unwrap();
        let one = root.get("jobs").and_then(|it| it.get("one")).unwrap();
        assert_eq!(root.get("on").and_then(YamlNode::text), Some("push"));
        assert_eq!(one.get("env").unwrap().get("A").unwrap().text(), Some("1"));
        assert_eq!(root.get("env").unwrap().get("B").unwrap().line, 4);
        let steps = one.get("steps").unwrap().items();
        assert_eq!(steps[0].get("uses").unwrap().line, 9);
        let run = steps[1].get("run").unwrap();
        assert_eq!((run.line, run.text()), (11, Some("cargo a\ncargo b\n")));
        assert!(parse("a: [").is_err());
        assert_eq!(parse("").unwrap(), None);
    }
    #[test]
    fn a_document_that_is_too_large_or_too_deep_is_refused() {
        let doubling: String = (1..40)
            .map(|at| format!("x{at}: &x{at} [*x{0},*x{0}]\n", at - 1))
            .collect();
        let aliases = format!("x0: &x0 [a,a]\n{doubling}");
        let long = format!(
            "x: &x {}\ny: [{}]\n",
            "a".repeat(1 << 20),
            "*x,".repeat(100)
        );
        for (text, why) in [
            (
                aliases,
                "at line 18: with its aliases written out, it is larger than 64 MiB",
            ),
            (
                long,
                "at line 2: with its aliases written out, it is larger than 64 MiB",
            ),
        ] {
            assert_eq!(parse(&text), Err(why.to_owned()));
        }
        for deeper in ["- ", "? ", "[", "{a: "] {
            assert!(parse(&deeper.repeat(20_000)).is_err(), "{deeper}");
        }
    }
}
