//! Edits that add build scripts, with all ways to declare inputs, and without declared inputs.

use super::{Chance, Edit, Maker};

pub(super) const MAKERS: &[Maker] = &[new_script, new_script, generating_script, script_elsewhere];

/// The code of `main` in build scripts, each with files that the script watches or that a test of
/// this script needs, relative to the package.
const SCRIPTS: &[(&str, &[&str])] = &[
    ("", &["notes.txt", "src/unused.txt"]),
    (
        "println!(\"cargo::rerun-if-changed=build.rs\");",
        &["notes.txt"],
    ),
    (
        "println!(\"cargo:rerun-if-changed=inputs\");",
        &["inputs/a.txt", "inputs/deep/b.txt"],
    ),
    (
        "for name in [\"a\", \"b\"] { println!(\"cargo::rerun-if-changed=inputs/{name}.txt\"); }",
        &["inputs/a.txt", "inputs/b.txt", "inputs/c.txt"],
    ),
    (
        "println!(\"cargo::rerun-if-changed={}/inputs\", env!(\"CARGO_MANIFEST_DIR\"));",
        &["inputs/a.txt"],
    ),
    (
        "let up = std::path::Path::new(\"..\"); println!(\"cargo::rerun-if-changed={}\", up.join(\"README.md\").display());",
        &["../README.md"],
    ),
    (
        "println!(\"cargo::rerun-if-changed=missing.txt\");",
        &["notes.txt"],
    ),
    (
        "for entry in std::fs::read_dir(\"src\").unwrap() { println!(\"cargo::rerun-if-changed={}\", entry.unwrap().path().display()); }",
        &["src/lib.rs", "src/unused.txt"],
    ),
    (
        "println!(\"cargo::rerun-if-changed=../tables/src\");",
        &["../tables/src/lib.rs", "../tables/src/unused.txt"],
    ),
    (
        "println!(\"cargo::rerun-if-env-changed=RAIL_BUILD_LABEL\");",
        &["notes.txt"],
    ),
    (
        "println!(\"cargo::rerun-if-env-changed={}_LABEL\", \"RAIL_BUILD\");",
        &["notes.txt"],
    ),
    (
        "println!(\"cargo::rerun-if-changed=../../.git/HEAD\");",
        &[],
    ),
    (
        "print!(\"{}\", include_str!(\"says.txt\"));",
        &["says.txt", "watched.txt", "notes.txt"],
    ),
    (
        "print!(\"{}\", std::fs::read_to_string(\"says.txt\").unwrap());",
        &["says.txt", "watched.txt"],
    ),
    ("println!(\"cargo::warning=nothing\");", &["notes.txt"]),
];

fn new_script(chance: &mut Chance<'_>) -> Option<Edit> {
    let package = chance.package_with("src/lib.rs")?;
    let (does, watches) = chance.random.pick(SCRIPTS)?;
    if chance.has(&format!("{package}/build.rs")) {
        return None;
    }
    let edit = Edit::new(format!("add {package}/build.rs: {does}"));
    let script = format!("fn main() {{\n    {does}\n}}\n");
    Some(with_inputs(
        chance,
        edit.write(format!("{package}/build.rs"), script),
        &package,
        watches,
    ))
}

fn with_inputs(chance: &Chance<'_>, mut edit: Edit, package: &str, inputs: &[&str]) -> Edit {
    for input in inputs {
        let path = match input.strip_prefix("../") {
            Some(beside) => format!(
                "{}/{beside}",
                package.rsplit_once('/').map_or("", |(up, _)| up)
            ),
            None => format!("{package}/{input}"),
        };
        if chance.has(&path) {
            edit = edit.concerning(path);
        } else {
            let text = if *input == "says.txt" {
                "cargo::rerun-if-changed=watched.txt\n"
            } else {
                ""
            };
            edit = edit.write(path, text);
        }
    }
    edit
}

/// Adds a build script whose output the library includes. The output, or the script itself, reads a
/// file.
fn generating_script(chance: &mut Chance<'_>) -> Option<Edit> {
    let package = chance.package_with("src/lib.rs")?;
    if chance.has(&format!("{package}/build.rs")) {
        return None;
    }
    let name = chance.name("generated");
    let (script, used) = chance.random.pick(&[
        (
            "let out = std::env::var(\"OUT_DIR\").unwrap();\n    \
             let here = std::env::var(\"CARGO_MANIFEST_DIR\").unwrap();\n    \
             println!(\"cargo::rerun-if-changed=build.rs\");\n    \
             let code = format!(\"const NAME: &str = include_str!({:?});\", here + \"/NAME.txt\");\n    \
             std::fs::write(out + \"/NAME.rs\", code).unwrap();",
            "#[allow(dead_code, non_upper_case_globals)]\nmod NAME { include!(concat!(env!(\"OUT_DIR\"), \"/NAME.rs\")); }\n",
        ),
        (
            "let here = std::env::var(\"CARGO_MANIFEST_DIR\").unwrap();\n    \
             println!(\"cargo::rerun-if-changed=build.rs\");\n    \
             println!(\"cargo::rustc-env=NAME={here}/NAME.txt\");",
            "#[allow(dead_code, non_upper_case_globals)]\nconst NAME: &str = include_str!(env!(\"NAME\"));\n",
        ),
        (
            "println!(\"cargo::rerun-if-changed=NAME.txt\");\n    \
             let text = std::fs::read_to_string(\"NAME.txt\").unwrap();\n    \
             println!(\"cargo::rustc-env=NAME={}\", text.trim());",
            "#[allow(dead_code, non_upper_case_globals)]\nconst NAME: &str = env!(\"NAME\");\n",
        ),
    ])?;
    let (script, used) = (script.replace("NAME", &name), used.replace("NAME", &name));
    let library = format!("{package}/src/lib.rs");
    let text = chance.read(&library) + &used;
    let edit = Edit::new(format!("add {package}/build.rs, which generates: {script}"));
    Some(
        edit.write(
            format!("{package}/build.rs"),
            format!("fn main() {{\n    {script}\n}}\n"),
        )
        .write(format!("{package}/{name}.txt"), "")
        .write(library, text),
    )
}

/// Adds a build script in a directory of its own with a module, or a build script that the manifest
/// disables.
fn script_elsewhere(chance: &mut Chance<'_>) -> Option<Edit> {
    let package = chance.package_with("src/lib.rs")?;
    let manifest = format!("{package}/Cargo.toml");
    if chance.has(&format!("{package}/build.rs")) || chance.read(&manifest).contains("\nbuild = ") {
        return None;
    }
    let is_off = chance.random.one_in(3);
    let (line, script) = match is_off {
        true => ("build = false", "build.rs"),
        false => ("build = \"build/main.rs\"", "build/main.rs"),
    };
    let text = chance
        .read(&manifest)
        .replacen("[package]\n", &format!("[package]\n{line}\n"), 1);
    let main = "mod helper;\nfn main() {\n    println!(\"cargo::rerun-if-changed=build\");\n}\n";
    let helper = format!("{package}/{}helper.rs", if is_off { "" } else { "build/" });
    Some(
        Edit::new(format!("{manifest}: {line}"))
            .write(manifest, text)
            .write(format!("{package}/{script}"), main)
            .write(helper, ""),
    )
}
