//! Edits that name another file in a source, in many ways. Each edit also writes the named file, so
//! that later edits can change the file.

use super::{Chance, Edit, Maker, climb, is_of_the_workspace, is_root};

pub(super) const MAKERS: &[Maker] = &[
    module_shape,
    module_shape,
    include_shape,
    include_shape,
    not_a_module,
];

/// A way to name a file in a source: the code, and the files with their content. The paths are
/// relative to the source's directory, or with a leading `/` to its package. `NAME` stands for a
/// random name.
type Shape = (&'static str, &'static [(&'static str, &'static str)]);

const MODULES: &[Shape] = &[
    ("mod NAME;", &[("NAME.rs", "")]),
    ("#[cfg(windows)]\nmod NAME;", &[("NAME.rs", "")]),
    (
        "#[cfg(test)]\nmod NAME;",
        &[("NAME.rs", "#[test]\nfn holds() {}\n")],
    ),
    ("mod NAME { mod inner; }", &[("NAME/inner.rs", "")]),
    (
        "#[path = \"NAME_odd\"]\nmod NAME { mod inner; }",
        &[("NAME_odd/inner.rs", "")],
    ),
    (
        "mod NAME { #[path = \"x.rs\"] mod inner; }",
        &[("NAME/x.rs", "")],
    ),
    (
        "#[cfg_attr(unix, path = \"NAME_unix.rs\")]\nmod NAME;",
        &[("NAME_unix.rs", ""), ("NAME.rs", "")],
    ),
    (
        "#[cfg_attr(windows, path = \"NAME_windows.rs\")]\nmod NAME;",
        &[("NAME_windows.rs", ""), ("NAME.rs", "")],
    ),
    (
        "mod NAME;",
        &[
            ("NAME/mod.rs", "mod child;\n"),
            ("NAME/child.rs", "mod grandchild;\n"),
            ("NAME/child/grandchild.rs", ""),
        ],
    ),
    (
        "mod NAME;",
        &[("NAME.rs", "mod child;\n"), ("NAME/child.rs", "")],
    ),
    (
        "#[path = \"NAME/mod.rs\"]\nmod other_NAME;",
        &[("NAME/mod.rs", "mod child;\n"), ("NAME/child.rs", "")],
    ),
    (
        "#[cfg(test)]\nmod NAME { mod inner; }",
        &[("NAME/inner.rs", "")],
    ),
    (
        "#[cfg(all(test, unix))]\nmod NAME;",
        &[("NAME.rs", "mod deeper;\n"), ("NAME/deeper.rs", "")],
    ),
    ("#[cfg(not(test))]\nmod NAME;", &[("NAME.rs", "")]),
    ("#[cfg(feature = \"never\")]\nmod NAME;", &[("NAME.rs", "")]),
    (
        "macro_rules! NAME { ($($m:item)*) => { $($m)* }; }\nNAME! { mod one_NAME; }",
        &[("one_NAME.rs", "")],
    ),
    (
        "macro_rules! NAME { () => { #[path = \"NAME_x.rs\"] mod in_NAME; }; }\nNAME!();",
        &[("NAME_x.rs", "")],
    ),
    (
        "#[allow(dead_code)]\nfn NAME() {\n    #[path = \"NAME_local.rs\"]\n    mod local;\n}",
        &[("NAME_local.rs", "")],
    ),
    ("mod r#NAME;", &[("NAME.rs", "")]),
];

fn module_shape(chance: &mut Chance<'_>) -> Option<Edit> {
    let shape = chance.random.pick(MODULES)?;
    let file = chance.file(|path| is_of_the_workspace(path) && is_root(path))?;
    shaped(chance, &file, shape)
}

const INCLUDES: &[Shape] = &[
    (
        "include!(\"NAME_part.rs\");",
        &[
            (
                "NAME_part.rs",
                "#[allow(dead_code)]\nconst NAME: &str = include_str!(\"NAME.txt\");\n",
            ),
            ("NAME.txt", ""),
        ],
    ),
    (
        "macro_rules! NAME { ($file:literal) => { include_str!(concat!(\"NAME/\", $file, \".txt\")) }; }\n\
      #[allow(dead_code)]\nconst TEXT_NAME: &str = NAME!(\"one\");",
        &[("NAME/one.txt", "")],
    ),
    (
        "#[allow(dead_code)]\nconst NAME: &[u8] = include_bytes!(r\"NAME.bin\");",
        &[("NAME.bin", "")],
    ),
    (
        "#[allow(dead_code)]\nconst NAME: &str = std::include_str!(r#\"NAME.txt\"#);",
        &[("NAME.txt", "")],
    ),
    (
        "#[cfg_attr(all(), doc = include_str!(\"NAME.md\"))]\n#[allow(dead_code)]\nstruct NAME;",
        &[("NAME.md", "# Text\n")],
    ),
    (
        "#[allow(dead_code)]\nconst NAME: &str = include_str!(concat!(\"NAME\", '.', \"txt\"));",
        &[("NAME.txt", "")],
    ),
    (
        "#[allow(dead_code)]\nconst NAME: &str = include_str!(\"\\x4eAME_odd.txt\");",
        &[("NAME_odd.txt", "")],
    ),
    (
        "#[cfg(test)]\n#[allow(dead_code)]\nconst NAME: &str = include_str!(\"NAME.txt\");",
        &[("NAME.txt", "")],
    ),
    (
        "macro_rules! NAME { ($mac:ident) => { $mac!(\"NAME.txt\") }; }\n\
      #[allow(dead_code)]\nconst TEXT_NAME: &str = NAME!(include_str);",
        &[("NAME.txt", "")],
    ),
    (
        "use std::include_str as text_NAME;\n\
      #[allow(dead_code)]\nconst NAME: &str = text_NAME!(\"NAME.txt\");",
        &[("NAME.txt", "")],
    ),
    (
        "#[allow(dead_code)]\nconst NAME: &str = include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/NAME.txt\"));",
        &[("/NAME.txt", "")],
    ),
];

fn include_shape(chance: &mut Chance<'_>) -> Option<Edit> {
    let shape = chance.random.pick(INCLUDES)?;
    let file = chance.file(|path| is_of_the_workspace(path) && path.ends_with(".rs"))?;
    shaped(chance, &file, shape)
}

/// Adds code that looks like a module declaration, but is none.
fn not_a_module(chance: &mut Chance<'_>) -> Option<Edit> {
    let file = chance.file(|path| is_of_the_workspace(path) && is_root(path))?;
    let shape: Shape = chance.random.pick(&[
        ("const NAME: () = (); // mod NAME;", &[("NAME.rs", "")][..]),
        ("/* /* */ mod NAME; */ const NAME: () = ();", &[("NAME.rs", "")]),
        ("#[allow(dead_code)]\nconst NAME: &str = r##\"mod NAME; \"# include_str!(\"NAME.txt\")\"##;", &[("NAME.rs", ""), ("NAME.txt", "")]),
        ("#[allow(dead_code)]\nconst NAME: &str = stringify!(mod NAME;);", &[("NAME.rs", "")]),
    ])?;
    shaped(chance, &file, shape)
}

fn shaped(chance: &mut Chance<'_>, file: &str, (code, files): Shape) -> Option<Edit> {
    let name = chance.name("N");
    let named = |text: &str| {
        text.replace("NAME", &name)
            .replace("\\x4eAME", &format!("\\x4e{}", &name[1..]))
    };
    let directory = file.rsplit_once('/')?.0;
    let mut edit = Edit::new(format!("{file}: {:?}", named(code)));
    edit = edit.write(
        file,
        chance.read(file) + "#[allow(non_snake_case, dead_code)]\n" + &named(code) + "\n",
    );
    for (path, text) in files {
        let path = match path.strip_prefix('/') {
            Some(below) => format!("{}/{}", chance.owner(file)?, named(below)),
            None => format!("{directory}/{}", named(path)),
        };
        edit = edit.write(path, named(text));
    }
    Some(edit)
}

/// Returns the path expression for including a file of another package.
pub(super) fn far_include(chance: &mut Chance<'_>, file: &str, included: &str) -> String {
    if chance.random.one_in(2) {
        return format!("{:?}", climb(file) + included);
    }
    let package = chance.owner(file).unwrap_or_default();
    format!(
        "concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/{}../{included}\")",
        climb(&package)
    )
}
