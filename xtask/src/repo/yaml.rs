//! YAML, as CI services read it: values with the lines on which they stand.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser};

/// A value and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The line on which it begins, counted from 1; of a block of text its first line.
    pub line: usize,
    /// The value.
    pub value: Value,
}

/// A value; what YAML takes for numbers, truth and nothing is text here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A table, in its order.
    Table(Vec<(Node, Node)>),
}

/// The first document of a text.
///
/// # Errors
/// In words, where and why it is no YAML.
pub fn parse(text: &str) -> Result<Option<Node>, String> {
    let mut open: Vec<(usize, Node)> = Vec::new();
    let mut anchors: HashMap<usize, Node> = HashMap::new();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| error.to_string())?;
        let node = |value| Node {
            line: span.start.line(),
            value,
        };
        let (anchor, mut done) = match event {
            Event::Scalar(text, _, anchor, _) => (anchor, node(Value::Text(text.into_owned()))),
            Event::SequenceStart(anchor, _) => {
                open.push((anchor, node(Value::List(Vec::new()))));
                continue;
            }
            Event::MappingStart(anchor, _) => {
                open.push((anchor, node(Value::Table(Vec::new()))));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some((anchor, node)) => (anchor, node),
                None => continue,
            },
            Event::Alias(anchor) => match anchors.get(&anchor) {
                Some(known) => (0, known.clone()),
                None => (0, node(Value::Text(String::new()))),
            },
            _ => continue,
        };
        if anchor > 0 {
            anchors.insert(anchor, done.clone());
        }
        // A key waits in the table, with nothing for its value, until that comes.
        match open.last_mut().map(|(_, parent)| &mut parent.value) {
            None => return Ok(Some(done)),
            Some(Value::List(items)) => items.push(done),
            Some(Value::Table(entries)) => match entries.last_mut() {
                Some((_, value)) if value.line == 0 => *value = done,
                _ => {
                    done.line = done.line.max(1);
                    let nothing = Node {
                        line: 0,
                        value: Value::Text(String::new()),
                    };
                    entries.push((done, nothing));
                }
            },
            Some(Value::Text(_)) => {}
        }
    }
    Ok(None)
}

impl Node {
    /// What stands under a key of a table.
    pub fn get(&self, key: &str) -> Option<&Self> {
        let is_it = |entry: &&(Self, Self)| entry.0.text() == Some(key);
        Some(&self.entries().iter().find(is_it)?.1)
    }

    /// The text, where it is one.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The items of a list; none of anything else.
    pub fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The entries of a table; none of anything else.
    pub fn entries(&self) -> &[(Self, Self)] {
        match &self.value {
            Value::Table(entries) => entries,
            _ => &[],
        }
    }

    /// Every text in it.
    pub fn texts(&self) -> Vec<&Self> {
        match &self.value {
            Value::Text(_) => vec![self],
            Value::List(items) => items.iter().flat_map(Self::texts).collect(),
            Value::Table(entries) => entries.iter().flat_map(|it| it.1.texts()).collect(),
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
        assert_eq!(root.get("on").and_then(Node::text), Some("push"));
        assert_eq!(one.get("env").unwrap().get("A").unwrap().text(), Some("1"));
        assert_eq!(root.get("env").unwrap().get("B").unwrap().line, 4);
        let steps = one.get("steps").unwrap().items();
        assert_eq!(steps[0].get("uses").unwrap().line, 9);
        let run = steps[1].get("run").unwrap();
        assert_eq!((run.line, run.text()), (11, Some("cargo a\ncargo b\n")));
        assert!(parse("a: [").is_err());
        assert_eq!(parse("").unwrap(), None);
    }
}
