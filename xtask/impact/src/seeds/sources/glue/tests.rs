use super::*;
use crate::testing::scene::Scene;
use crate::unit_graph::Verb;
use crate::vcs::ChangeStatus;

#[test]
fn a_call_gives_parts_of_a_name() {
    for (name, call, is_given) in [
        ("front_page", "front page", true),
        ("front_page", "front", false),
        ("albe", "al be", true),
        ("bealal", "al be", true),
        ("albe", "al", false),
        ("albe", "a l b e", false),
        ("users", "user", true),
        ("cats", "cat", false),
        ("userspace", "user", false),
        ("getUsers", "get users", true),
        ("page_007", "7 page", true),
        ("page_008", "7 page", false),
        ("page_12", "1 2 page", true),
        ("page_13", "1 2 page", false),
        ("README", "readme", true),
        ("", "x", false),
    ] {
        let words = call.split(' ').map(str::to_owned).collect();
        assert_eq!(
            GluedName::of(name).is_given(&words),
            is_given,
            "{name} {call}"
        );
    }
}

#[test]
fn calls_are_found_by_parts_of_names() {
    let calls = [
        ("m", vec!["front page", "al be"]),
        ("other", vec!["front x"]),
    ];
    let calls: CallWords = calls
        .into_iter()
        .map(|(called, texts)| {
            let texts = texts.into_iter().map(str::to_owned);
            (called.to_owned(), texts.collect())
        })
        .collect();
    let calls = GlueCalls::of(Vec::new(), &calls, |called| called == "m");
    for (name, count) in [
        ("front", 1),
        ("albe", 1),
        ("fronts", 1),
        ("x", 0),
        ("gaal", 1),
    ] {
        assert_eq!(calls.giving(&GluedName::of(name)).len(), count, "{name}");
    }
}

/// Returns true if a change of a file may rebuild the library `a`.
fn is_seeded(graph: &str, files: &[(&str, &str)], path: &str) -> bool {
    let all: Vec<(&str, &str)> = files.iter().copied().chain([(path, "")]).collect();
    let mut scene = Scene::new(graph, Verb::Check, &all);
    scene.change(path, ChangeStatus::Modified);
    scene.seeds().lines().any(|line| line == "a lib: Doubt")
}

const MACROS: &str = r#"
#[macro_export] macro_rules! two { ($a:ident, $b:ident) => { include_str!(concat!("../", stringify!($a), "_", stringify!($b), ".txt")) } }
#[macro_export] macro_rules! all { ($f:ident $($a:ident)*) => { include_str!(concat!("../data/", stringify!($f), $("-", stringify!($a),)* ".txt")) } }
#[macro_export] macro_rules! part { ($n:literal) => { include_str!(concat!("../data/", $n, "/part", $n, ".bin")) } }
#[macro_export] macro_rules! table { ($d:ident $f:ident) => { include_str!(concat!("../", stringify!($d), "s/", stringify!($f), ".sql")) } }
#[macro_export] macro_rules! outer { ($a:ident) => { $crate::inner!(concat!("../", stringify!($a), "_page.txt")) } }
#[macro_export] macro_rules! inner { ($a:expr) => { include_str!($a) } }
#[macro_export] macro_rules! far { ($a:ident, $b:ident) => { include_str!(concat!("../../", stringify!($a), "/", stringify!($a), "_", stringify!($b), ".txt")) } }
#[macro_export] macro_rules! one { ($a:ident) => { include_str!(concat!("../", stringify!($a), ".txt")) } }
#[macro_export] macro_rules! row { () => { include_str!(concat!("../rows/", line!(), ".txt")) } }
"#;

#[test]
fn macros_glue_names_of_files_from_the_words_of_a_call() {
    let graph =
        "a: lib!test!bench!doctest -> m\nm: lib!test!bench!doctest\nn: lib!test!bench!doctest";
    for (source, path, expected) in [
        ("m::two!(front, page);", "a/front_page.txt", true),
        ("m::two!(front, page);", "a/front_side.txt", false),
        ("m::two!(front, page);", "a/front_page.md", false),
        (
            "m::two!(front, side); m::two!(back, case);",
            "a/front_case.txt",
            false,
        ),
        (
            "use m::two as t;\nt!(front, page);",
            "a/front_page.txt",
            true,
        ),
        ("println!(\"{front} {page}\");", "a/front_page.txt", false),
        ("z!(front, page);", "a/front_page.txt", false),
        ("// m::two!(front, page);", "a/front_page.txt", false),
        ("m::all!(al be ga);", "a/data/al-be-ga.txt", true),
        ("m::part!(3);", "a/data/3/part3.bin", true),
        ("m::table!(table users);", "a/tables/users.sql", true),
        ("m::table!(table users);", "a/views/users.sql", false),
        ("m::outer!(front);", "a/front_page.txt", true),
        ("m::far!(n, base);", "n/n_base.txt", true),
        ("m::far!(n, base);", "n/n_case.txt", false),
        ("m::row!();", "a/rows/4.txt", true),
        // A single word in another case is no evidence, and neither is a directory without a name.
        ("m::one!(Front);", "a/front.txt", false),
        ("m::one!(front);", "a/front.txt", true),
        ("m::two!(front, page);", "a/views/front_page.txt", false),
        (
            "m::far!(front, page); const T: &str = \"front_page\";",
            "zone/front_page.txt",
            false,
        ),
    ] {
        let files = [("a/src/lib.rs", source), ("m/src/lib.rs", MACROS)];
        assert_eq!(is_seeded(graph, &files, path), expected, "{source} {path}");
    }
}

#[test]
fn macros_make_numbers_from_digits() {
    let graph =
        "a: lib!test!bench!doctest -> m\nm: lib!test!bench!doctest\nn: lib!test!bench!doctest";
    let macros = r#"
        #[macro_export] macro_rules! zeros { ($n:literal) => { include_str!(concat!("../../n/part_00", $n, ".bin")) } }
        #[macro_export] macro_rules! two { ($a:literal, $b:literal) => { include_str!(concat!("../../n/part_", $a, $b, ".bin")) } }
    "#;
    for (source, path, expected) in [
        ("m::zeros!(7);", "n/part_007.bin", true),
        ("m::zeros!(8);", "n/part_007.bin", false),
        ("m::two!(1, 2);", "n/part_12.bin", true),
        ("m::two!(1, 2);", "n/part_13.bin", false),
    ] {
        let files = [("a/src/lib.rs", source), ("m/src/lib.rs", macros)];
        assert_eq!(is_seeded(graph, &files, path), expected, "{source} {path}");
    }
}

#[test]
fn procedural_macros_glue_single_words_to_paths_outside_the_package() {
    let graph = "a: lib!test!bench!doctest -> m\nm: proc-macro!test!bench!doctest\nn: lib!test!bench!doctest";
    let macros = r#"
        #[proc_macro]
        pub fn query(name: TokenStream) -> TokenStream { format!("include_str!(\"../../sql/{name}.sql\")").parse().unwrap() }
    "#;
    for (path, expected) in [
        ("sql/users.sql", true),
        ("sql/groups.sql", false),
        ("sql/users.txt", false),
        ("lists/users.sql", false),
    ] {
        let files = [
            ("a/src/lib.rs", "const X: &str = m::query!(users);"),
            ("m/src/lib.rs", macros),
        ];
        assert_eq!(is_seeded(graph, &files, path), expected, "{path}");
    }
}

#[test]
fn macros_of_the_package_number_names_by_lines() {
    let graph = "a: lib!test!bench!doctest";
    let source = "macro_rules! row { () => { concat!(\"../rows/row_\", line!(), \".txt\") } }\n\
        const _: &str = include_str!(row!());";
    for (source, path, expected) in [
        (source, "a/rows/row_2.txt", true),
        (source, "a/rows/col_2.txt", false),
        (source, "a/rows/row.txt", true),
        (source, "a/other/row_2.txt", false),
        (&*source.replace("line!()", "12"), "a/rows/row_2.txt", false),
    ] {
        assert_eq!(
            is_seeded(graph, &[("a/src/lib.rs", source)], path),
            expected,
            "{path}"
        );
    }
}

#[test]
fn macros_glue_names_of_files_from_variables_of_cargo() {
    let graph = "a: lib!test!bench!doctest -> m\nm: lib!test!bench!doctest";
    let macros = "#[macro_export] macro_rules! major { () => { include_str!(concat!(\"../v\", \
        env!(\"CARGO_PKG_VERSION_MAJOR\"), \".txt\")) } }";
    for (path, expected) in [("a/v0.txt", true), ("a/v7.txt", false), ("a/w0.txt", false)] {
        let files = [("a/src/lib.rs", "m::major!();"), ("m/src/lib.rs", macros)];
        assert_eq!(is_seeded(graph, &files, path), expected, "{path}");
    }
}

#[test]
fn macros_of_the_package_glue_names_of_files() {
    let graph = "a: lib!test!bench!doctest";
    let body = "macro_rules! g { ($a:ident) => { include_str!(concat!(\"../\", stringify!($a), \"_body.txt\")) } }";
    let join = "macro_rules! j { ($($a:ident)*) => { include_str!(concat!(\"../\", $(stringify!($a),)* \".txt\")) } }";
    for (macros, source, path, expected) in [
        (
            body,
            "#[macro_use] mod m; g!(front);",
            "a/front_body.txt",
            true,
        ),
        (
            body,
            "#[macro_use] mod m; g!(back);",
            "a/front_body.txt",
            false,
        ),
        (join, "#[macro_use] mod m; j!(al be);", "a/albe.txt", true),
        (join, "#[macro_use] mod m; j!(al be);", "a/alga.txt", false),
    ] {
        let files = [("a/src/lib.rs", source), ("a/src/m.rs", macros)];
        assert_eq!(is_seeded(graph, &files, path), expected, "{source} {path}");
    }
    let source = "const A: &str = include_str!(concat!(\"../../\", file!(), \".txt\"));";
    let files = [("a/src/lib.rs", source)];
    for (path, expected) in [("a/src/lib.rs.txt", true), ("a/src/other.rs.txt", false)] {
        assert_eq!(is_seeded(graph, &files, path), expected, "{path}");
    }
}

#[test]
fn procedural_macros_glue_names_of_files_in_another_case() {
    let graph = "a: lib!test!bench!doctest -> m\nm: proc-macro!test!bench!doctest\nn: lib!test!bench!doctest";
    let macros = r#"
        #[proc_macro] pub fn page(t: TokenStream) -> TokenStream { emit("include_str!", "/../n/", snake(t), ".html") }
        #[proc_macro_attribute] pub fn sql(_: TokenStream, t: TokenStream) -> TokenStream { emit("include_str!", ".sql") }
        #[proc_macro_derive(View)] pub fn view(t: TokenStream) -> TokenStream { emit("include_str!", ".html") }
        #[proc_macro] pub fn module(t: TokenStream) -> TokenStream { emit("mod #name;") }
    "#;
    for (source, path, expected) in [
        ("m::page!(FrontPage);", "a/front_page.html", true),
        ("m::page!(FrontPage);", "a/front-page.html", true),
        ("m::page!(FrontPage);", "a/front_side.html", false),
        ("m::page!(FrontPage);", "a/front_page.css", false),
        ("m::page!(FrontPage);", "n/front_page.html", true),
        ("m::page!(FrontPage);", "n/back_page.html", false),
        ("m::page!(Title, 7);", "a/title_007.html", true),
        ("m::page!(Title, 7);", "a/title_008.html", false),
        (
            "#[derive(m::View)] pub struct FrontPage;",
            "a/front_page.html",
            true,
        ),
        (
            "#[derive(m::View)] pub struct User { id: u32 }",
            "a/users.html",
            true,
        ),
        (
            "#[derive(m::View)] pub enum Icon { Home }",
            "a/home_icon.html",
            true,
        ),
        (
            "#[derive(Clone)] pub struct FrontPage;",
            "a/front_page.html",
            false,
        ),
        (
            "#[m::sql] pub fn get_users() { drop(all) }",
            "a/getUsers.sql",
            true,
        ),
        (
            "#[m::sql] pub fn get_users() { drop(all) }",
            "a/drop_all.sql",
            false,
        ),
        ("m::module!(Front Back);", "a/src/front_back.rs", true),
        ("m::module!(Front Back);", "a/src/other.rs", false),
    ] {
        let files = [("a/src/lib.rs", source), ("m/src/lib.rs", macros)];
        assert_eq!(is_seeded(graph, &files, path), expected, "{source} {path}");
    }
}

#[test]
fn variables_of_the_manifest_name_files() {
    let graph = "a: lib!test!bench!doctest script -> m\nm: lib!test!bench!doctest";
    let script = "fn main() { println!(\"cargo::rustc-env=OTHER=1\"); println!(\"cargo::rerun-if-changed=build.rs\"); }";
    let macros = "#[macro_export] macro_rules! readme { () => { include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/\", env!(\"CARGO_PKG_README\"))) } }";
    let own = |variable: &str| {
        format!("const A: &str = include_str!(concat!(\"../\", env!({variable:?})));")
    };
    let plain = "[package]\nname = 'a'\n";
    for (keys, source, path, expected) in [
        ("", own("CARGO_PKG_README"), "a/README.md", true),
        ("", own("CARGO_PKG_README"), "a/CHANGELOG.md", false),
        (
            "readme = 'docs/GUIDE.md'",
            own("CARGO_PKG_README"),
            "a/docs/GUIDE.md",
            true,
        ),
        (
            "readme = '../GUIDE.md'",
            own("CARGO_PKG_README"),
            "GUIDE.md",
            true,
        ),
        (
            "license-file = 'TERMS'",
            own("CARGO_PKG_LICENSE_FILE"),
            "a/TERMS",
            true,
        ),
        (
            "license-file = 'TERMS'",
            own("CARGO_PKG_README"),
            "a/TERMS",
            false,
        ),
        (
            "readme.workspace = true",
            own("CARGO_PKG_README"),
            "ALL.md",
            true,
        ),
        (
            "readme.workspace = true",
            "const A: &str = m::readme!();".to_owned(),
            "a/README.md",
            false,
        ),
        (
            "",
            "const A: &str = m::readme!();".to_owned(),
            "a/README.md",
            true,
        ),
        (
            "",
            "const A: &str = m::other!();".to_owned(),
            "a/README.txt",
            true,
        ),
        (
            "readme = false",
            "const A: &str = m::readme!();".to_owned(),
            "a/README.md",
            false,
        ),
    ] {
        let manifest = format!("{plain}{keys}\n");
        let files = [
            ("Cargo.toml", "[workspace.package]\nreadme = 'ALL.md'\n"),
            ("a/Cargo.toml", &*manifest),
            ("a/src/lib.rs", &*source),
            ("a/build.rs", script),
            ("m/src/lib.rs", macros),
        ];
        assert_eq!(
            is_seeded(graph, &files, path),
            expected,
            "{keys} {source} {path}"
        );
    }
}

#[test]
fn a_macro_includes_a_file_by_a_variable_that_the_script_of_its_caller_sets() {
    let graph = "a: lib!test!bench!doctest script -> m\nm: lib!test!bench!doctest\nn: lib!test!bench!doctest";
    let macros = "#[macro_export] macro_rules! page { () => { include_str!(env!(\"PAGE\")) } }";
    let own = "const A: &str = include_str!(env!(\"PAGE\"));";
    let script = |path: &str| {
        format!(
            "fn main() {{ println!(\"cargo::rustc-env=PAGE={{}}\", {path}); println!(\"cargo::rerun-if-changed=build.rs\"); }}"
        )
    };
    for (source, made, path, expected) in [
        (
            "m::page!();",
            "\"pages/front.html\"",
            "a/pages/front.html",
            true,
        ),
        (
            "m::page!();",
            "\"pages/front.html\"",
            "a/pages/back.html",
            false,
        ),
        (
            "m::page!();",
            "\"../n/pages/front.html\"",
            "n/pages/front.html",
            true,
        ),
        (
            "m::page!();",
            "\"../n/pages/front.html\"",
            "n/pages/back.html",
            false,
        ),
        (own, "\"FRONT\".to_lowercase()", "a/front.html", true),
        (own, "\"FRONT\".to_lowercase()", "a/back.html", false),
    ] {
        let script = script(made);
        let files = [
            ("a/src/lib.rs", source),
            ("a/build.rs", &*script),
            ("m/src/lib.rs", macros),
        ];
        assert_eq!(
            is_seeded(graph, &files, path),
            expected,
            "{source} {made} {path}"
        );
    }
}
