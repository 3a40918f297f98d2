//! The policy by which a repository builds: what cargo's configuration comes to, and what departs
//! from it.
//!
//! Architecture invariant: nothing here starts a process, writes a file or sets a variable. The kit
//! applies the policy by starting cargo where its users would, and leaving the environment alone.

pub mod check;
pub mod members;
pub mod profiles;
pub mod settings;
pub mod subject;

#[cfg(all(test, unix))]
mod tests;

use crate::repo::cargo_config::{Kind, Origin, Value};

/// What holds where nobody says otherwise.
fn default(kind: Kind) -> Value {
    Value {
        kind,
        origin: Origin::Default,
    }
}

fn text(text: &str) -> Kind {
    Kind::String(text.to_owned())
}

/// The entries of a table; none of anything else.
fn entries(table: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    table.into_iter().flat_map(Value::entries)
}
