//! The text that Rust's `Debug` prints for a value, parsed again. Cargo's log has its reasons in
//! this form.

/// A value in the notation of `Debug`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DebugValue {
    /// A string in quotes.
    Text(String),
    /// A list in square brackets.
    List(Vec<DebugValue>),
    /// A word or a number, with the fields behind it. A field of a tuple has an empty name.
    Named(String, Vec<(String, DebugValue)>),
}

impl DebugValue {
    /// Parses a whole text. Returns `None` if the text is not one value.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut rest = Parser(text.trim());
        let value = rest.value()?;
        rest.0.trim().is_empty().then_some(value)
    }

    /// Returns the name of the value; empty for a string or a list.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Named(name, _) => name,
            Self::Text(_) | Self::List(_) => "",
        }
    }

    /// Returns the field with this name.
    pub(crate) fn field(&self, name: &str) -> Option<&Self> {
        let Self::Named(_, fields) = self else {
            return None;
        };
        let found = fields.iter().find(|(field, _)| field == name)?;
        Some(&found.1)
    }

    /// Returns the only field of a tuple.
    pub(crate) fn inner(&self) -> Option<&Self> {
        self.field("")
    }

    /// Returns the string in quotes; `Some("…")` counts as the string.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Named(name, _) if name == "Some" => self.inner()?.text(),
            Self::Named(..) | Self::List(_) => None,
        }
    }

    /// Returns the strings of a list.
    pub(crate) fn texts(&self) -> Vec<String> {
        let Self::List(values) = self else {
            return Vec::new();
        };
        let texts = values.iter().filter_map(|it| it.text());
        texts.map(str::to_owned).collect()
    }

    /// Returns the number.
    pub(crate) fn number(&self) -> Option<i64> {
        self.name().parse().ok()
    }
}

struct Parser<'a>(&'a str);

impl Parser<'_> {
    fn eat(&mut self, token: char) -> bool {
        let rest = self.0.trim_start().strip_prefix(token);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn value(&mut self) -> Option<DebugValue> {
        if self.eat('"') {
            return self.string().map(DebugValue::Text);
        }
        if self.eat('[') {
            let values = self.until(']', Self::value)?;
            return Some(DebugValue::List(values));
        }
        let name = self.word()?;
        let fields = if self.eat('(') {
            self.until(')', |rest| Some((String::new(), rest.value()?)))?
        } else if self.eat('{') {
            self.until('}', |rest| {
                let name = rest.word()?;
                rest.eat(':').then_some(())?;
                Some((name, rest.value()?))
            })?
        } else {
            Vec::new()
        };
        Some(DebugValue::Named(name, fields))
    }

    fn until<T>(
        &mut self,
        end: char,
        mut item: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        let mut items = Vec::new();
        while !self.eat(end) {
            items.push(item(self)?);
            if !self.eat(',') {
                return self.eat(end).then_some(items);
            }
        }
        Some(items)
    }

    fn word(&mut self) -> Option<String> {
        let rest = self.0.trim_start();
        let is_part = |it: char| it.is_alphanumeric() || matches!(it, '_' | '-' | '.');
        let end = rest.find(|it| !is_part(it)).unwrap_or(rest.len());
        self.0 = &rest[end..];
        (end > 0).then(|| rest[..end].to_owned())
    }

    /// Reads a string behind its first quote.
    fn string(&mut self) -> Option<String> {
        let mut text = String::new();
        let mut letters = self.0.char_indices();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '"' => {
                    self.0 = &self.0[at + 1..];
                    return Some(text);
                }
                '\\' => text.push(match letters.next()?.1 {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    '0' => '\0',
                    'u' => {
                        let digits = letters.by_ref().map(|it| it.1).skip_while(|it| *it == '{');
                        let digits: String = digits.take_while(|it| *it != '}').collect();
                        char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?
                    }
                    other => other,
                }),
                other => text.push(other),
            }
        }
        None
    }
}
