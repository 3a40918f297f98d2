//! The policy by which a repository builds: what cargo's configuration comes to, and what departs
//! from it.
//!
//! Architecture invariant: nothing here starts a process, writes a file or sets a variable. The kit
//! applies the policy by starting cargo where its users would, and leaving the environment alone.

pub mod check;
pub mod members;
pub mod profiles;
pub mod subject;
#[cfg(all(test, unix))]
mod tests;

use xtask_impact::cargo_config::{Kind, Origin, Value};

/// What holds where nobody says otherwise.
pub(crate) fn default(kind: Kind) -> Value {
    Value {
        kind,
        origin: Origin::Default,
    }
}

pub(crate) fn text(text: &str) -> Kind {
    Kind::String(text.to_owned())
}

/// The entries of a table; none of anything else.
pub(crate) fn entries(table: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    table.into_iter().flat_map(Value::entries)
}

/// The program that stands for one of cargo's, such as `rustc-wrapper`; none where an empty name
/// takes it away.
///
/// # Errors
/// Where the configuration has no text there.
pub fn tool(config: &CargoConfig, key: &str) -> Result<Option<Value>> {
    let variable = TOOLS.iter().find(|(known, _)| *known == key);
    let by_variable = variable.and_then(|(_, name)| {
        let value = config.variable(name)?.to_owned();
        Some((value, Origin::Variable((*name).to_owned())))
    });
    let named = match by_variable {
        Some(named) => Some(named),
        None => config.text(&["build", key])?,
    };
    let named = named.filter(|(name, _)| !name.is_empty());
    Ok(named.map(|(name, origin)| Value {
        kind: Kind::String(config.program(&name, &origin).into_string()),
        origin,
    }))
}
