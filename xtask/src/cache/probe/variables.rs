//! The variables of this shell that change the keys of the cache, found by builds of a tiny package.

use std::fs;

use anyhow::{Context as _, Result};
use xtask_impact::process;
use xtask_impact::process::Runner;

use super::builds::ProbeBuilder;
use crate::compiler_cache::log::CacheOutcome;

/// The name of the tiny crate.
const NAME: &str = "xtask_cache_probe";

/// Returns the variables with which the tiny package misses the result that was compiled without
/// them. All variables are tried at once, and then halves of them.
pub(super) fn culprits(builder: &ProbeBuilder) -> Result<Vec<String>> {
    let package = builder.path().join("tiny");
    let write = |file: &str, text: &str| fs::write(package.join(file), text);
    let manifest = format!(
        "[package]\nname = \"{NAME}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[workspace]\n"
    );
    fs::create_dir_all(package.join("src"))
        .and_then(|()| write("Cargo.toml", &manifest))
        .and_then(|()| write("src/lib.rs", ""))
        .with_context(|| format!("cannot write {package}"))?;
    let all = builder.hashed.clone();
    if all.is_empty() {
        return Ok(all);
    }
    let runner = Runner::new()?.in_directory(&package);
    let mut number = 0;
    let mut is_hit = |with: &[String]| -> Result<bool> {
        number += 1;
        let without = all.iter().filter(|name| !with.contains(name));
        let runner = without.fold(runner.clone(), |runner, name| runner.without_variable(name));
        let mut command = runner.cargo();
        command.args(["build", "--quiet", "--offline", "--target-dir"]);
        command.arg(package.join(format!("target-{number}")));
        builder.wrap(&mut command);
        let build = || process::output(&mut command);
        let (built, outcomes) = builder.server.outcomes_during(build);
        // A variable with which the package cannot be built changes the build, too.
        built?;
        Ok(outcomes
            .get(NAME)
            .is_some_and(|it| it[..] == [CacheOutcome::Hit]))
    };
    is_hit(&[])?;
    bisect(&all, &mut is_hit)
}

/// Returns the names that make `is_hit` false. Each name has its effect without the others.
fn bisect(
    names: &[String],
    is_hit: &mut dyn FnMut(&[String]) -> Result<bool>,
) -> Result<Vec<String>> {
    if names.is_empty() || is_hit(names)? {
        return Ok(Vec::new());
    }
    if let [only] = names {
        return Ok(vec![only.clone()]);
    }
    let (first, second) = names.split_at(names.len() / 2);
    let mut found = bisect(first, is_hit)?;
    found.extend(bisect(second, is_hit)?);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bisection_finds_every_culprit_and_asks_little() {
        let names: Vec<_> = (0..16).map(|number| format!("CARGO_{number}")).collect();
        for culprits in [&[][..], &[3], &[0, 15], &[4, 5, 6]] {
            let culprits: Vec<_> = culprits
                .iter()
                .map(|at: &usize| names[*at].clone())
                .collect();
            let mut asked = 0;
            let mut is_hit = |with: &[String]| {
                asked += 1;
                Ok(!with.iter().any(|name| culprits.contains(name)))
            };
            assert_eq!(bisect(&names, &mut is_hit).unwrap(), culprits);
            assert!(asked <= 1 + 8 * culprits.len(), "{asked} for {culprits:?}");
        }
    }
}
