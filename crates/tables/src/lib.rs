//! Small comma-separated tables.
//!
//! A table is a text with a row in each line. Blank lines and lines that start with `#` do not
//! count, and there is no quoting: a cell cannot hold a comma. Build scripts turn tables into
//! constants with the module [`rust`]; the timetable reader uses the same rules at run time.
//!
//! ```
//! let rows = tables::rows("# platform, length\n1, 180\n2, 240\n", 2).unwrap();
//! assert_eq!(rows[1].cells(), ["2", "240"]);
//! assert_eq!(rows[1].line(), 3);
//! ```

use std::error::Error;
use std::fmt;

pub mod rust;

/// A row of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    line: usize,
    cells: Vec<&'a str>,
}

impl<'a> Row<'a> {
    /// The number of the row's line in the text, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The cells, as many as the table has columns.
    pub fn cells(&self) -> &[&'a str] {
        &self.cells
    }

    /// An error about this row.
    pub fn error(&self, message: impl Into<String>) -> TableError {
        TableError {
            line: self.line,
            message: message.into(),
        }
    }
}

/// A fault in a table, with its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableError {
    line: usize,
    message: String,
}

impl fmt::Display for TableError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "line {}: {}", self.line, self.message)
    }
}

impl Error for TableError {}

/// The rows of `text`, each of which must have exactly `columns` cells.
pub fn rows(text: &str, columns: usize) -> Result<Vec<Row<'_>>, TableError> {
    let numbered = text.lines().map(str::trim).zip(1..);
    numbered
        .filter(|(content, _)| !content.is_empty() && !content.starts_with('#'))
        .map(|(content, line)| {
            let row = Row {
                line,
                cells: content.split(',').map(str::trim).collect(),
            };
            match row.cells.len() {
                count if count == columns => Ok(row),
                count => Err(row.error(format!("{count} cells where {columns} are expected"))),
            }
        })
        .collect()
}
