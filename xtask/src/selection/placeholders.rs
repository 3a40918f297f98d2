//! Placeholders in the command line of a program: `{files}`, `{packages}`, `{cargo-args}` and
//! `{xtask}`.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::Result;
use camino::Utf8PathBuf;
use xtask_impact::process::Runner;
use xtask_impact::{quote, usage};

/// The values of the placeholders, by their names.
pub(crate) type Values<'a> = BTreeMap<&'a str, Vec<String>>;

/// The maximum number of bytes of arguments for one program. The operating system limits the length
/// of a command line; the limit of Windows is the lowest.
const MOST: usize = 24_000;

/// Returns the command with its placeholders replaced. A placeholder that is a whole argument
/// becomes one argument for each value. A placeholder inside an argument becomes all values,
/// separated by spaces.
///
/// # Errors
/// Returns an error if there is no program.
pub(crate) fn command(runner: &Runner, words: &[String], values: &Values<'_>) -> Result<Command> {
    let mut arguments: Vec<String> = Vec::new();
    for word in words {
        match values.get(word.as_str()) {
            Some(values) => arguments.extend(values.iter().cloned()),
            None => {
                let mut word = word.clone();
                for (name, values) in values {
                    // An argument with several words is a shell command, as in `sh -c "lint
                    // {files}"`.
                    let values = values
                        .iter()
                        .map(|value| match quote::is_plain_word(value) {
                            true => value.clone(),
                            false => quote::posix_word(value),
                        });
                    word = word.replace(name, &values.collect::<Vec<_>>().join(" "));
                }
                arguments.push(word);
            }
        }
    }
    let [program, arguments @ ..] = &arguments[..] else {
        return Err(usage!("there is no program to run"));
    };
    let mut command = match program.as_str() {
        "cargo" => runner.cargo(),
        program => runner.program(program),
    };
    command.args(arguments);
    Ok(command)
}

/// Splits a list of files into portions that fit on a command line.
pub(crate) fn portions(files: &[Utf8PathBuf]) -> Vec<Vec<String>> {
    let mut portions: Vec<Vec<String>> = Vec::new();
    let mut size = MOST;
    for file in files {
        size += file.as_str().len() + 1;
        match portions.last_mut().filter(|_| size < MOST) {
            Some(portion) => portion.push(file.to_string()),
            None => {
                size = file.as_str().len() + 1;
                portions.push(vec![file.to_string()]);
            }
        }
    }
    portions
}
