use std::collections::BTreeMap;
use std::time::Duration;

use super::*;

/// The files of a package at `/p`: paths relative to the package, with their texts.
type Files<'a> = &'a [(&'a str, &'a str)];

fn with_reader<T>(files: Files<'_>, run: impl FnOnce(&mut Reader<'_>) -> T) -> T {
    let files: BTreeMap<Utf8PathBuf, &str> = files
        .iter()
        .map(|(path, text)| (Utf8Path::new("/p").join(path), *text))
        .collect();
    let mut asked = BTreeSet::new();
    run(&mut |path| {
        assert!(asked.insert(path.to_owned()), "{path} is read twice");
        files.get(path).map(|text| (*text).to_owned().into())
    })
}

type Reader<'a> = dyn FnMut(&Utf8Path) -> Option<SourceText> + 'a;

/// Scans a build script without libraries.
fn scan_alone(root: &str, directory: &str, read: &mut Reader<'_>) -> BuildScriptScan {
    scan_build_script(root.into(), directory.into(), &[], read).0
}

fn scan_files(files: Files<'_>) -> SourceScan {
    let root = Utf8Path::new("/p").join(files[0].0);
    with_reader(files, |read| {
        scan(&root, Utf8Path::new("/p"), &|_, _| None, read)
    })
}

/// Returns the paths of the package, sorted and separated by spaces.
fn said(paths: &BTreeSet<Utf8PathBuf>) -> String {
    let inside = paths
        .iter()
        .map(|path| path.strip_prefix("/p").unwrap_or(path).as_str());
    inside.collect::<Vec<_>>().join(" ")
}

fn doubts(doubts: &[SourceDoubt]) -> Vec<(DoubtKind, &str)> {
    doubts
        .iter()
        .map(|doubt| (doubt.kind, doubt.reason.as_str()))
        .collect()
}

/// Scans, and compares the modules, included files and missing files, each given in any order.
/// There must be no doubt.
#[track_caller]
fn check(files: Files<'_>, modules: &str, included: &str, missing: &str) {
    let scan = scan_files(files);
    let named = |paths: &str| -> BTreeSet<Utf8PathBuf> {
        paths
            .split_whitespace()
            .map(|path| Utf8Path::new("/p").join(path))
            .collect()
    };
    assert_eq!(said(&scan.modules), said(&named(modules)));
    assert_eq!(said(&scan.included), said(&named(included)));
    assert_eq!(said(&scan.missing), said(&named(missing)));
    assert_eq!(doubts(&scan.doubts), []);
}

#[test]
fn a_module_file_is_beside_a_mod_rs_and_below_any_other_file() {
    for root in ["src/lib.rs", "src/main.rs", "src/odd.rs"] {
        let files = [
            (root, "mod a; pub(crate) mod b;"),
            ("src/a.rs", "mod x;"),
            ("src/a/x.rs", ""),
            ("src/b/mod.rs", "mod x; mod y;"),
            ("src/b/x.rs", "mod deep;"),
            ("src/b/y/mod.rs", "// mod comment;"),
            (
                "src/b/x/deep.rs",
                "/// ```\n/// mod doc;\n/// ```\nstruct S;",
            ),
            ("src/stray.rs", ""),
        ];
        let others = "src/a.rs src/a/x.rs src/b/mod.rs src/b/x.rs src/b/x/deep.rs src/b/y/mod.rs";
        check(&files, &format!("{root} {others}"), "", "");
    }
}

#[test]
fn inline_modules_are_directories() {
    check(
        &[
            ("src/lib.rs", "mod a { mod b; } mod n;"),
            ("src/a/b.rs", ""),
            ("src/n.rs", "mod a { mod b { pub mod c; } }"),
            ("src/n/a/b/c.rs", ""),
        ],
        "src/a/b.rs src/lib.rs src/n/a/b/c.rs src/n.rs",
        "",
        "",
    );
}

#[test]
fn a_path_attribute_is_relative_to_the_file_or_to_the_inline_module() {
    check(
        &[
            ("src/lib.rs", "mod n; #[path = \"../else/where.rs\"] mod w;"),
            (
                "src/n.rs",
                "#[path = \"o.rs\"] mod o; mod i { #[path = \"o.rs\"] mod o; mod p; }",
            ),
            ("src/o.rs", ""),
            ("src/n/i/o.rs", ""),
            ("src/n/i/p.rs", ""),
            ("else/where.rs", "mod sibling;"),
            ("else/sibling.rs", ""),
        ],
        "else/sibling.rs else/where.rs src/lib.rs src/n/i/o.rs src/n/i/p.rs src/n.rs src/o.rs",
        "",
        "",
    );
}

#[test]
fn the_path_attribute_of_an_inline_module_names_a_directory() {
    check(
        &[
            ("src/lib.rs", "mod n; mod v { #![path = \"inner\"] mod y; }"),
            (
                "src/n.rs",
                "#[path = \"d\"] mod i { mod x; #[path = \"z.rs\"] mod q; }",
            ),
            ("src/d/x.rs", ""),
            ("src/d/z.rs", ""),
            ("src/inner/y.rs", ""),
        ],
        "src/d/x.rs src/d/z.rs src/inner/y.rs src/lib.rs src/n.rs",
        "",
        "",
    );
}

#[test]
fn an_unknown_cfg_counts_as_true_and_both_ways_of_a_cfg_attr_are_taken() {
    check(
        &[
            (
                "src/lib.rs",
                "#[cfg(windows)] mod w;
                 #[cfg_attr(unix, path = \"u.rs\")] #[cfg_attr(windows, path = \"gone.rs\")] mod os;
                 #[cfg_attr(a, cfg_attr(b, doc = \"x\", path = \"d\"))] mod i { mod x; }",
            ),
            ("src/w.rs", ""),
            ("src/u.rs", ""),
            ("src/os.rs", ""),
            ("src/d/x.rs", ""),
            ("src/i/x.rs", ""),
        ],
        "src/d/x.rs src/i/x.rs src/lib.rs src/os.rs src/u.rs src/w.rs",
        "",
        "src/gone.rs",
    );
}

#[test]
fn a_module_without_a_file_reports_both_missing_files() {
    check(
        &[
            ("src/lib.rs", "mod a; #[path = \"p.rs\"] mod b; mod c;"),
            ("src/c.rs", "mod r#try;"),
        ],
        "src/c.rs src/lib.rs",
        "",
        "src/a/mod.rs src/a.rs src/c/try/mod.rs src/c/try.rs src/p.rs",
    );
    let gone = with_reader(&[], |read| {
        scan("/p/src/lib.rs".into(), "/p".into(), &|_, _| None, read)
    });
    assert_eq!(said(&gone.missing), "src/lib.rs");
    assert_eq!(said(&gone.modules), "");
}

#[test]
fn a_path_attribute_in_a_block_ignores_the_directory_of_the_file() {
    let scan = scan_files(&[
        ("src/lib.rs", "mod n;"),
        (
            "src/n.rs",
            "fn f() { #[path = \"a.rs\"] mod a; mod i { #[path = \"b.rs\"] mod b; } }",
        ),
        ("src/a.rs", ""),
        ("src/i/b.rs", ""),
    ]);
    assert_eq!(
        said(&scan.modules),
        "src/a.rs src/i/b.rs src/lib.rs src/n.rs"
    );
}

#[test]
fn modules_in_macro_arguments_are_found() {
    check(
        &[
            (
                "src/lib.rs",
                "cfg_if! { if #[cfg(unix)] { mod unix; } else { #[path = \"o.rs\"] mod other; } }
                 mods!(a, b); crate::mods! { pub c; #[cfg(x)] d => \"d\", lib, f::g, no_such }
                 fn f() { call!(e); assert_eq!(e, e) } const E: u8 = call!(e);",
            ),
            ("src/unix.rs", ""),
            ("src/o.rs", ""),
            ("src/a.rs", ""),
            ("src/b/mod.rs", "mods!(x)"),
            ("src/b/x.rs", ""),
            ("src/c.rs", "mods!(x)"),
            ("src/c/x.rs", ""),
            ("src/d.rs", ""),
            ("src/e.rs", ""),
            ("src/f.rs", ""),
            ("src/g.rs", ""),
        ],
        "src/a.rs src/b/mod.rs src/b/x.rs src/c/x.rs src/c.rs src/d.rs src/lib.rs src/o.rs src/unix.rs",
        "",
        "",
    );
}

#[test]
fn a_module_of_a_macro_definition_is_found_where_the_macro_is_called() {
    check(
        &[
            (
                "src/lib.rs",
                "#[macro_use] #[path = \"far/mac.rs\"] mod mac; mod user;",
            ),
            (
                "src/far/mac.rs",
                "macro_rules! m { () => {
                     mod made; mod i { mod deep; } const Z: &str = include_str!(\"z.txt\");
                 } }",
            ),
            ("src/user.rs", "m!{}"),
            ("src/user/made.rs", ""),
            ("src/user/i/deep.rs", ""),
            ("src/z.txt", ""),
        ],
        "src/far/mac.rs src/lib.rs src/user/i/deep.rs src/user/made.rs src/user.rs",
        "src/far/z.txt src/z.txt",
        "",
    );
}

#[test]
fn a_module_that_a_macro_makes_is_a_doubt() {
    for (text, reason) in [
        (
            "macro_rules! m { ($a:ident) => { mod $a; } } m!(a);",
            "mod $a;",
        ),
        (
            "macro_rules! m { ($p:literal) => { #[path = $p] mod b; } } m!(\"a.rs\");",
            "mod b;",
        ),
        ("wrap! { mod a; mod nowhere; }", "mod nowhere;"),
        (
            "#[macro_export] macro_rules! m { () => { mod a; } }",
            "mod a;",
        ),
    ] {
        let scan = scan_files(&[("src/lib.rs", text), ("src/a.rs", "")]);
        assert_eq!(said(&scan.modules), "src/a.rs src/lib.rs", "{text}");
        let doubts = doubts(&scan.doubts);
        assert!(
            doubts.contains(&(DoubtKind::MacroMadeModule, reason)),
            "{text}: {doubts:?}"
        );
    }
}

#[test]
fn included_files_are_relative_to_their_file_and_included_code_is_scanned() {
    check(
        &[
            (
                "src/lib.rs",
                r##"mod n;
                #![doc = include_str!("../README.md")]
                #[cfg_attr(doc, doc = concat!("", include_str!("cfg.md")))]
                fn f() -> &'static [u8] { core::include_bytes!("b.bin",) }
                include!(r#"gen/code.in"#);
                const C: &str = std::include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/c.txt"));
                include!(concat!(env!("OUT_DIR"), "/out.rs"));
                const E: &str = include_str!("\x65.txt");"##,
            ),
            ("src/n.rs", "x!(vec![include_str!(\"n.txt\")]);"),
            (
                "src/gen/code.in",
                "mod m; include!{\"../loop.rs\"} include_str!(\"t.txt\");",
            ),
            ("src/gen/m.rs", ""),
            ("src/loop.rs", "include!(\"loop.rs\");"),
        ],
        "src/gen/m.rs src/lib.rs src/n.rs",
        "README.md c.txt src/b.bin src/cfg.md src/e.txt src/gen/code.in src/gen/t.txt src/loop.rs src/n.txt",
        "",
    );
}

#[test]
fn a_literal_that_names_a_file_for_an_unknown_macro_is_included() {
    check(
        &[
            (
                "src/lib.rs",
                "files![\"a.txt\", (\"data/b.txt\"), \"/data/b.txt\", \"code.rs\", \"none.txt\"];
                 embed!(\"$CARGO_MANIFEST_DIR/data/c.txt\"); println!(\"data/d.txt\");
                 #[template(path = \"data/e.txt\")] #[doc = \"data/d.txt\"] struct S;
                 code! { fn f() { open(\"data/d.txt\") } }",
            ),
            ("src/a.txt", ""),
            ("src/code.rs", "mod of_code;"),
            ("src/of_code.rs", ""),
            ("data/b.txt", ""),
            ("data/c.txt", ""),
            ("data/d.txt", ""),
            ("data/e.txt", ""),
        ],
        "src/code.rs src/lib.rs src/of_code.rs",
        "data/b.txt data/c.txt data/e.txt src/a.txt src/code.rs",
        "",
    );
}

#[test]
fn paths_and_variables_that_cannot_be_known_are_doubts() {
    use DoubtKind::*;
    for (text, expected) in [
        (
            "macro_rules! m { ($f:literal) => { include_str!($f) } } const A: &str = m!(\"a.txt\");",
            vec![(MacroMadePath, "include_str!($ f)")],
        ),
        (
            "#[macro_export] macro_rules! m { () => { include_str!(\"a.txt\") } }",
            vec![(
                MacroMadePath,
                "include_str!(\"a.txt\") is relative to the callers of the macro",
            )],
        ),
        (
            "include_str!(concat!(env!(\"CARGO_PKG_NAME\"), \".txt\")); x!(\"a.txt\");",
            vec![(
                UnknownEnv,
                "include_str!(concat ! (env ! (\"CARGO_PKG_NAME\") , \".txt\"))",
            )],
        ),
        (
            "fn f() { env!(NAME); x!(\"a.txt\") }",
            vec![(UnknownEnv, "env!(NAME)")],
        ),
        (
            "x!(\"a.txt\"); quote! { mod #a; mod b; include_str!(#c) }",
            vec![],
        ),
        (
            "x!(\"a.txt\"); include!(\"bad.in\");",
            vec![(Unlexable, "the file does not lex")],
        ),
    ] {
        let files = [
            ("src/lib.rs", text),
            ("src/a.txt", ""),
            ("src/bad.in", "\""),
        ];
        let scan = scan_files(&files);
        assert!(
            scan.included.contains(Utf8Path::new("/p/src/a.txt")),
            "{text}"
        );
        assert_eq!(doubts(&scan.doubts), expected, "{text}");
    }
}

#[test]
fn variables_are_collected() {
    let scan = scan_files(&[(
        "src/lib.rs",
        "const A: &str = env!(\"A\"); fn f() { g(std::option_env!(\"B\"), env!(\"C\", \"why\")) }
         include!(concat!(env!(\"OUT_DIR\"), \"/x.rs\")); // env!(\"D\")",
    )]);
    assert_eq!(
        scan.env.into_iter().collect::<Vec<_>>(),
        ["A", "B", "C", "OUT_DIR"]
    );
}

#[test]
fn instructions_are_found_in_build_scripts() {
    let scan = |files: Files<'_>| with_reader(files, |read| scan_alone("/p/build.rs", "/p", read));
    let found = scan(&[
        (
            "build.rs",
            r#"mod helper;
            //! cargo:rerun-if-changed=documented
            const HEADER: &str = concat!("cargo:rerun-if-changed=", "include/a.h");
            fn main() {
                println!("cargo:rerun-if-changed=build.rs");
                print!("  cargo::rerun-if-changed=src/x.c\ncargo::rerun-if-env-changed=CC\n");
                out.write_all(b"cargo:rerun-if-env-changed=CFLAGS\n");
                println!("cargo:rustc-cfg=x");
            }"#,
        ),
        (
            "helper.rs",
            "fn h() { println!(\"cargo:rerun-if-changed=../shared/./y\") }",
        ),
    ]);
    assert_eq!(
        said(&found.rerun_if_changed),
        "build.rs include/a.h src/x.c /shared/y"
    );
    assert_eq!(
        found.rerun_if_env_changed.iter().collect::<Vec<_>>(),
        ["CC", "CFLAGS"]
    );
    assert!(found.says_any);
    assert_eq!(doubts(&found.doubts), []);

    for (text, says_any, reasons) in [
        (
            "fn main() { println!(\"cargo:rustc-cfg=x\") }",
            false,
            vec![],
        ),
        (
            "println!(\"cargo:rerun-if-changed={}\", p);",
            true,
            vec!["cargo:rerun-if-changed={}"],
        ),
        (
            "print!(\"cargo:rerun-if-changed=\");",
            true,
            vec!["cargo:rerun-if-changed="],
        ),
        (
            "println!(\"cargo:{}=x\", \"rerun-if-changed\");",
            true,
            vec![],
        ),
        (
            "println!(\"{}\", format!(\"cargo:rerun-if-changed={x}\"));",
            true,
            vec!["cargo:rerun-if-changed={x}"],
        ),
        (
            "println!(\"cargo::rerun-if-env-changed={v}\");",
            true,
            vec!["cargo::rerun-if-env-changed={v}"],
        ),
    ] {
        let found = scan(&[("build.rs", text)]);
        assert_eq!(found.says_any, says_any, "{text}");
        let found: Vec<_> = found
            .doubts
            .iter()
            .map(|doubt| (doubt.kind, &*doubt.reason))
            .collect();
        let expected: Vec<_> = reasons
            .into_iter()
            .map(|reason| (DoubtKind::RunTimeInstruction, reason))
            .collect();
        assert_eq!(found, expected, "{text}");
    }
    let unlexable = scan(&[("build.rs", "fn main() {")]);
    assert_eq!(
        doubts(&unlexable.doubts),
        [(DoubtKind::Unlexable, "the file does not lex")]
    );
}

#[test]
fn code_under_a_false_condition_is_left_out() {
    // The platform is Linux, no tests are built, the feature `on` is set, and other options are
    // unknown.
    let holds = |option: &str, value: Option<&str>| match (option, value) {
        ("test" | "windows", None) => Some(false),
        ("unix", None) => Some(true),
        ("feature", Some("off")) => Some(false),
        _ => None,
    };
    let left = [
        "#[cfg(test)] mod x;",
        "#[cfg(windows)] #[path = \"x.rs\"] pub(crate) mod x;",
        "#[cfg(all(test, on))] mod x;",
        "#[cfg(not(any(unix, on)))] mod x;",
        "#[cfg(feature = \"off\")] const TEXT: &str = include_str!(\"x.rs\");",
        "#[cfg(test)] mod inline { #[path = \"../x.rs\"] mod x; }",
        "#[cfg(test)] pub(super) unsafe extern \"C\" fn f<A, B>(a: A) { include!(\"x.rs\") }",
        "#[test] fn f() { include!(\"x.rs\") }",
        "fn f() { #[cfg(windows)] let a = include!(\"x.rs\"); }",
        "enum A { #[cfg(windows)] B = include!(\"x.rs\"), C }",
        "#![cfg(windows)] mod x;",
        "mod inline { #![cfg(test)] #[path = \"../x.rs\"] mod x; }",
        "cfg_if! { if #[cfg(windows)] { mod x; } }",
        "cfg_if::cfg_if! { if #[cfg(unix)] {} else { mod x; } }",
        "cfg_if! { if #[cfg(windows)] {} else if #[cfg(test)] { mod x; } else {} }",
        "cfg_if! { if #[cfg(on)] {} else if #[cfg(unix)] {} else { mod x; } }",
    ];
    let kept = [
        "#[cfg(on)] mod x;",
        "#[cfg(any(test, feature = \"on\"))] mod x;",
        "#[cfg(not(test))] mod x;",
        "#[cfg_attr(test, cfg(test))] mod x;",
        "#[test_case(1)] fn f() { include!(\"x.rs\") }",
        "#[cfg(test)] use a::b; mod x;",
        "#[cfg(test)] fn f() {} mod x;",
        "struct A { #[cfg(test)] pub a: u8, pub b: [u8; include!(\"x.rs\")] }",
        "const A: B = B { #[cfg(test)] a: 1, b: include!(\"x.rs\") };",
        "fn f() { match 1 { #[cfg(test)] 1 => 2, _ => include!(\"x.rs\") } }",
        "struct A(#[cfg(test)] fn(), [u8; include!(\"x.rs\")]);",
        "may_move! { #[cfg(test)] mod x; }",
        "cfg_if! { if #[cfg(unix)] { mod x; } }",
        "cfg_if! { if #[cfg(on)] {} else { mod x; } }",
        "cfg_if! { if #[cfg(windows)] {} else if #[cfg(on)] {} else { mod x; } }",
        "cfg_if! { if windows { mod x; } }",
    ];
    let reads = |text: &str| {
        let files = [("src/lib.rs", text), ("src/x.rs", "")];
        let scan = with_reader(&files, |read| {
            scan("/p/src/lib.rs".into(), "/p".into(), &holds, read)
        });
        said(&scan.modules).contains("x.rs") || said(&scan.included).contains("x.rs")
    };
    assert_eq!(
        left.iter().filter(|text| reads(text)).collect::<Vec<_>>(),
        Vec::<&&str>::new()
    );
    assert_eq!(
        kept.iter().filter(|text| !reads(text)).collect::<Vec<_>>(),
        Vec::<&&str>::new()
    );
}

#[test]
fn instructions_in_an_included_text_are_found() {
    let files: Files<'_> = &[
        (
            "build.rs",
            "fn main() { print!(\"{}\", include_str!(\"says.txt\")); }",
        ),
        (
            "says.txt",
            "cargo::rerun-if-changed=watched.txt\nand more\n",
        ),
    ];
    let scan = with_reader(files, |read| scan_alone("/p/build.rs", "/p", read));
    assert_eq!(said(&scan.rerun_if_changed), "watched.txt");
    assert!(scan.says_any);
}

#[test]
fn known_arguments_are_filled_in() {
    let text = r#"
        fn main() {
            println!("cargo::rerun-if-changed={}/inputs", env!("CARGO_MANIFEST_DIR"));
            println!("cargo::rerun-if-changed={}/{}", "data", "lines.csv");
            println!("cargo::rerun-if-changed={}", found());
            println!("a {} and nothing more");
        }
    "#;
    let scan = with_reader(&[("build.rs", text)], |read| {
        scan_alone("/p/build.rs", "/p", read)
    });
    assert_eq!(said(&scan.rerun_if_changed), "data/lines.csv inputs");
    assert_eq!(scan.doubts.len(), 1);
}

#[test]
fn constants_of_a_build_script_are_filled_in() {
    let text = r#"
        const TABLE: &str = "data/stations.csv";
        const TWICE: &str = "a";
        fn one() { const TWICE: &str = "b"; }
        fn main() {
            println!("cargo::rerun-if-changed={TABLE}");
            println!("cargo::rerun-if-changed={TWICE}");
        }
    "#;
    let files: Files<'_> = &[("build.rs", text)];
    let scan = with_reader(files, |read| scan_alone("/p/build.rs", "/p", read));
    assert_eq!(said(&scan.rerun_if_changed), "data/stations.csv");
    assert_eq!(
        doubts(&scan.doubts),
        [(
            DoubtKind::RunTimeInstruction,
            "cargo::rerun-if-changed={TWICE}"
        )]
    );
}

#[test]
fn variables_are_filled_in_if_nothing_else_binds_their_name() {
    const TOLD: [&str; 8] = [
        r#"let path = "a"; println!("cargo:rerun-if-changed={path}");"#,
        r#"let path: &Path = Path::new("a"); if !path.exists() { return; }
           println!("cargo:rerun-if-changed={}", path.display());"#,
        r#"let root = std::env::var("CARGO_MANIFEST_DIR")?;
           let path = std::path::PathBuf::from(&root).join("a");
           if path.exists() { println!("cargo:rerun-if-changed={}", path.display()); }"#,
        r#"let name = "a"; let path = format!("{name}");
           println!("cargo:rerun-if-changed={}", path.to_string());"#,
        r#"let path = "b"; let path = "a"; println!("cargo:rerun-if-changed={path}");"#,
        r#"if let Some(path) = found { compile(path) } let path = "a";
           println!("cargo:rerun-if-changed={path}");"#,
        r#"{ let path = "b"; } let path = "a"; println!("cargo:rerun-if-changed={path}");"#,
        r#"let path = concat!(env!("CARGO_MANIFEST_DIR"), "/a");
           println!("cargo:rerun-if-changed={path}");"#,
    ];
    const NOT_TOLD: [&str; 15] = [
        r#"let path = "a"; println!("cargo:rerun-if-changed={path}", path = b());"#,
        r#"let mut path = PathBuf::from("a"); println!("cargo:rerun-if-changed={path}");"#,
        r#"let path = "a".to_owned() + "b"; println!("cargo:rerun-if-changed={path}");"#,
        r#"let path = if x { "a" } else { "b" }; println!("cargo:rerun-if-changed={path}");"#,
        r#"let path = "a"; for path in b() { println!("cargo:rerun-if-changed={path}"); }"#,
        r#"let path = "a"; if let Some(path) = b() { println!("cargo:rerun-if-changed={path}"); }"#,
        r#"let path = "a"; b().map(|path| println!("cargo:rerun-if-changed={path}"));"#,
        r#"let path = "a"; b().map(|c, path| { println!("cargo:rerun-if-changed={path}"); });"#,
        r#"let path = "a"; match b() { Ok(path) => println!("cargo:rerun-if-changed={path}") }"#,
        r#"let path = "a";
           match b() { B { path } if path => println!("cargo:rerun-if-changed={path}") }"#,
        r#"let path = "a";
           match b() { B { path } => { let c = 1; println!("cargo:rerun-if-changed={path}") } }"#,
        r#"let path = "a"; let (path, c) = b(); println!("cargo:rerun-if-changed={path}");"#,
        r#"let path = "a"; fn b(path: &str) { println!("cargo:rerun-if-changed={path}"); }"#,
        r#"#[cfg(unix)] let path = "a"; #[cfg(not(unix))] let path = "b";
           println!("cargo:rerun-if-changed={path}");"#,
        r#"let path; path = "a"; println!("cargo:rerun-if-changed={path}");"#,
    ];
    for (bodies, expected) in [(&TOLD[..], ("a", 0)), (&NOT_TOLD, ("", 1))] {
        for body in bodies {
            let text = format!("fn main() {{ {body} }}");
            let files: Files<'_> = &[("build.rs", &text)];
            let scan = with_reader(files, |read| scan_alone("/p/build.rs", "/p", read));
            let found = (&*said(&scan.rerun_if_changed), scan.doubts.len());
            assert_eq!(found, expected, "{body}");
        }
    }
}

#[test]
fn literals_are_followed_into_functions_of_the_build_script() {
    const WATCH: &str = "fn watch(path: &str) { println!(\"cargo:rerun-if-changed={path}\"); }";
    const EMIT: &str = "fn emit(key: &str, of: &str) { println!(\"cargo:{key}={of}\"); }";
    // Each case has the items, the body of `main`, the expected paths, and the number of doubts.
    let cases = [
        (
            WATCH,
            r#"watch("a"); watch(&format!("b/{}.in", "two"));"#,
            "a b/two.in",
            0,
        ),
        (
            WATCH,
            r#"for path in ["a", "b"] { watch(path); }"#,
            "a b",
            0,
        ),
        (
            WATCH,
            r#"for (at, path) in ["a", "b"].iter().enumerate() { watch(path); }"#,
            "a b",
            0,
        ),
        (
            WATCH,
            r#"for (at, path) in [("x", "a"), ("y", "b")] { watch(path); }"#,
            "a b",
            0,
        ),
        (
            WATCH,
            r#"["a", "b"].iter().for_each(|path| watch(path));"#,
            "a b",
            0,
        ),
        (WATCH, r#"let path = "a"; watch(path);"#, "a", 0),
        (
            WATCH,
            r#"if found() { watch("a") } else { watch("b") }"#,
            "a b",
            0,
        ),
        (
            "fn watch(path: impl AsRef<Path>) { let path = path.as_ref(); PRINT }",
            r#"watch("a");"#,
            "a",
            0,
        ),
        (
            "fn watch<F: Fn() -> u8, P: AsRef<Path>>(f: F, path: P) { PRINT }",
            r#"watch(f, "a");"#,
            "a",
            0,
        ),
        (
            "fn all(paths: &[&str]) { for path in paths { PRINT } }",
            r#"all(&["a", "b"]);"#,
            "a b",
            0,
        ),
        (
            "const PATHS: [&str; 2] = [\"a\", \"b\"];",
            "for path in PATHS { PRINT }",
            "a b",
            0,
        ),
        (
            "mod inner { pub fn watch(path: &str) { PRINT } } use inner::watch;",
            r#"watch("a");"#,
            "a",
            0,
        ),
        (
            WATCH,
            r#"fn both(of: &str) { watch(of); watch(&format!("{of}.in")); } both("a");"#,
            "a a.in",
            0,
        ),
        (
            "",
            r#"let watch = |path: &str| PRINT; watch("a"); watch("b");"#,
            "a b",
            0,
        ),
        (
            "",
            r#"let of = "c"; let watch = move |it| { println!("cargo:rerun-if-changed={of}/{it}") };
             watch("a");"#,
            "c/a",
            0,
        ),
        (
            "struct S; impl S { fn watch(&self, path: &str) -> &Self { PRINT self } }",
            r#"S.watch("a").watch("b"); S::watch(&S, "c");"#,
            "a b c",
            0,
        ),
        (EMIT, r#"emit("rerun-if-changed", "a");"#, "a", 0),
        // A path that is not certain stays a doubt.
        (WATCH, "watch(&found());", "", 1),
        (
            WATCH,
            r#"watch("a"); for path in found() { watch(&path); }"#,
            "a",
            1,
        ),
        (
            WATCH,
            r#"watch("a"); found().iter().for_each(watch);"#,
            "",
            1,
        ),
        (
            WATCH,
            r#"watch("a"); let other = watch; other(found());"#,
            "",
            1,
        ),
        (
            WATCH,
            r#"watch("a"); let path = "b"; if let Some(path) = found() { watch(path); }"#,
            "a",
            1,
        ),
        (
            "fn watch(path: &str) { PRINT if x { watch(&parent(path)) } }",
            r#"watch("a");"#,
            "a",
            1,
        ),
        (
            "fn watch(path: &str) { let path = parent(path); PRINT }",
            r#"watch("a");"#,
            "",
            1,
        ),
        (
            "fn watch(mut path: PathBuf) { PRINT }",
            r#"watch("a".into());"#,
            "",
            1,
        ),
        (
            "use inner::watch as other; mod inner { pub fn watch(path: &str) { PRINT } }",
            r#"inner::watch("a"); other(found());"#,
            "",
            1,
        ),
        (
            "impl Watch for S { fn watch(&self, path: &str) { PRINT } }",
            r#"S.watch("a"); lib(S);"#,
            "",
            1,
        ),
        (
            EMIT,
            r#"emit(&key(), "a"); emit("rerun-if-changed", &found());"#,
            "",
            2,
        ),
        (
            "fn keep(key: &str) { let key = key.to_uppercase(); say(key); }",
            r#"keep("rerun-if-changed");"#,
            "",
            1,
        ),
        (
            WATCH,
            "macro_rules! w { ($p:expr) => { watch($p) } } w!(found());",
            "",
            1,
        ),
    ];
    for (items, body, paths, doubts) in cases {
        let text = format!("{items} fn main() {{ {body} }}");
        let text = text.replace(
            "PRINT",
            "println!(\"cargo:rerun-if-changed={}\", path.display());",
        );
        let files: Files<'_> = &[("build.rs", &text)];
        let scan = with_reader(files, |read| scan_alone("/p/build.rs", "/p", read));
        let found = (&*said(&scan.rerun_if_changed), scan.doubts.len());
        assert_eq!(found, (paths, doubts), "{text}");
        assert!(scan.says_any, "{text}");
    }
}

#[test]
fn functions_of_libraries_are_followed_from_the_build_script() {
    const WATCH: &str = "pub fn watch(path: &str) { println!(\"cargo:rerun-if-changed={path}\"); }";
    const FIXED: &str = "pub fn fixed() { println!(\"cargo:rerun-if-changed=x\"); }";
    let both = format!("{WATCH} {FIXED}");
    let of_module = format!("pub mod m {{ {WATCH} }}");
    let in_turn = format!("pub fn all() {{ one(); }} fn one() {{ watch(\"y\"); }} {WATCH}");
    let conditional = format!("pub fn maybe() {{ if x() {{ watch(\"y\"); }} }} {WATCH}");
    let twice = format!("#[cfg(a)] {FIXED} #[cfg(not(a))] {FIXED}");
    let reexported = format!("pub use m::watch; mod m {{ {WATCH} }}");
    // Each case has the library `helper`, the items and the body of `main` of the script, the
    // expected paths, and true if the script certainly prints an instruction.
    let cases = [
        (FIXED, "", "helper::fixed();", "x", true),
        (
            WATCH,
            "",
            "helper::watch(\"a\"); helper::watch(\"b\");",
            "a b",
            true,
        ),
        (&both, "", "helper::watch(\"a\");", "a", true),
        (&both, "", "helper::other();", "", false),
        (FIXED, "", "if x() { helper::fixed(); }", "x", false),
        (FIXED, "use helper::fixed;", "fixed();", "x", true),
        (FIXED, "use helper::{other, fixed};", "fixed();", "x", true),
        (FIXED, "use helper::*;", "fixed();", "x", false),
        (FIXED, "use helper::fixed as f;", "f();", "x", false),
        // The crate may be known by another name in the script.
        (FIXED, "", "renamed::fixed();", "x", false),
        (&of_module, "", "helper::m::watch(\"a\");", "a", true),
        (
            &of_module,
            "use helper::m::watch;",
            "watch(\"a\");",
            "a",
            true,
        ),
        (&reexported, "", "helper::watch(\"a\");", "a", true),
        (&in_turn, "", "helper::all();", "y", true),
        (&conditional, "", "helper::maybe();", "y", false),
        (&twice, "", "helper::fixed();", "x", false),
        (FIXED, "", "say(); fn say() { helper::fixed() }", "x", true),
        (
            "pub fn f(w: fn()) {}",
            "fn fixed() {}",
            "helper::f(fixed);",
            "",
            false,
        ),
        (
            "pub struct S; impl S { pub fn new() -> S { S } pub fn watch(self, p: &str) { println!(\"cargo:rerun-if-changed={p}\"); } }",
            "",
            "helper::S::new().watch(\"a\");",
            "a",
            false,
        ),
    ];
    for (library, items, body, paths, is_certain) in cases {
        let script = format!("{items} fn main() {{ {body} }}");
        let files: Files<'_> = &[("build.rs", &script), ("h/src/lib.rs", library)];
        let libraries = [ScriptLibrary {
            name: "helper".to_owned(),
            root: "/p/h/src/lib.rs".into(),
            directory: "/p/h".into(),
        }];
        let (scan, found) = with_reader(files, |read| {
            scan_build_script("/p/build.rs".into(), "/p".into(), &libraries, read)
        });
        let certain = (&*said(&scan.rerun_if_changed), scan.says_for_certain);
        assert_eq!(certain, (paths, is_certain), "{library} {script}");
        assert_eq!(scan.says_any, !paths.is_empty(), "{library} {script}");
        assert_eq!(doubts(&scan.doubts), [], "{library} {script}");
        assert_eq!(said(&found.files), "h/src/lib.rs");
    }
}

#[test]
fn uses_of_macros_that_the_language_does_not_have_are_noticed() {
    for (source, expected) in [
        ("fn f() { println!(\"{}\", vec![1].len()); }", false),
        ("#[derive(Clone, Debug)]\n#[repr(C)]\nstruct S;", false),
        (
            "#[cfg(test)]\nmod tests { #[test] fn t() { assert!(true) } }",
            false,
        ),
        (
            "#![no_std]\n#![doc = include_str!(\"x.md\")]\nconst X: &str = env!(\"X\");",
            false,
        ),
        (
            "#[macro_export]\nmacro_rules! m { () => { println!() } }",
            false,
        ),
        ("#[cfg(false)]\nlib::m!();", false),
        ("fn f() -> bool { !(a) }", false),
        ("lib::m!();", true),
        ("fn f() { println!(\"{}\", lib::m!()); }", true),
        ("#[doc = lib::m!()]\nstruct S;", true),
        ("macro_rules! m { () => { lib::n!() } }", true),
        ("#[derive(Clone, Serialize)]\nstruct S;", true),
        ("#[derive(lib::Clone)]\nstruct S;", true),
        ("#[lib::attribute]\nfn f() {}", true),
        ("#[cfg_attr(x, lib::attribute)]\nfn f() {}", true),
        ("#![lib::attribute]", true),
    ] {
        let scan = scan_files(&[("src/lib.rs", source), ("src/x.md", "")]);
        assert_eq!(scan.calls_macros, expected, "{source}");
    }
}

#[test]
fn the_known_directory_of_a_path_made_at_run_time_is_found() {
    for (format, expected) in [
        ("../b/{name}", "/b/ "),
        ("../b/{name}.sql", "/b/ .sql"),
        ("data/{name}/x", "/p/data/ "),
        ("{name}", ""),
        ("data{name}", ""),
    ] {
        let text = format!("fn main() {{ println!(\"cargo:rerun-if-changed={format}\"); }}");
        let files: Files<'_> = &[("build.rs", &text)];
        let scan = with_reader(files, |read| scan_alone("/p/build.rs", "/p", read));
        let found = scan.partial.iter();
        let found: Vec<_> = found
            .map(|it| format!("{}/ {}", it.directory, it.end))
            .collect();
        assert_eq!(found.join(" "), expected, "{format}");
        assert_eq!(scan.doubts.len(), 1, "{format}");
        for (file, is_it) in [
            ("/b/x.sql", true),
            ("/b/deep/x.sql", true),
            ("/c/x.sql", false),
        ] {
            let may_be = scan.partial.iter().any(|it| it.may_be(file.into()));
            assert_eq!(
                may_be,
                is_it && expected.starts_with("/b/"),
                "{format} {file}"
            );
        }
    }
}

#[test]
fn functions_that_call_each_other_too_often_are_a_doubt() {
    let calls: String = (0..20)
        .map(|at| {
            format!(
                "fn f{at}(p: &str) {{ f{0}(p); f{0}(p); f{0}(p); }}\n",
                at + 1
            )
        })
        .collect();
    let text = format!("{calls} fn f20(p: &str) {{ say(p) }} fn main() {{ f0(\"a\") }}");
    let files: Files<'_> = &[("build.rs", &text)];
    let scan = with_reader(files, |read| scan_alone("/p/build.rs", "/p", read));
    assert_eq!(scan.doubts.len(), 1);
}

#[test]
fn a_text_is_printed_for_certain_only_outside_of_conditions() {
    const SAYS: &str = "println!(\"cargo:rerun-if-changed=a\");";
    let certain = [
        "fn main() { SAYS }",
        "fn main() { if x { y() } SAYS }",
        "fn main() -> Result<(), Error> { generate()?; SAYS Ok(()) }",
        "fn main() { for it in [\"a\"] { SAYS } }",
        "fn main() { let of: [&str; 2] = [\"a\", \"b\"]; for (n, it) in of.iter().enumerate() { SAYS } }",
        "const OF: &[&str] = &[\"a\"]; fn main() { for it in OF { SAYS } }",
        "fn main() { let of = vec![\"a\"]; for it in &of { SAYS } }",
        "fn main() { unsafe { SAYS } }",
        "fn main() { let twice = |n| 2 * n; SAYS }",
        "fn main() { 'a: loop { SAYS } }",
        "mod inner { pub fn main() {} } fn main() { inner::main(); SAYS }",
        "fn main() { for it in found() { if x { continue } } SAYS }",
        "fn main() { loop { SAYS } }",
        "fn main() { helper(1); } fn helper(n: u8) { SAYS }",
        "fn main() { helper() } #[inline] /** What to watch. */ fn helper() { SAYS }",
        "mod inner { pub fn helper() { SAYS } } fn main() { inner::helper() }",
        "fn main() { let helper = |it: &str| SAYS; helper(\"b\"); }",
        "fn main() { helper(&[\"a\"]) } fn helper(of: &[&str]) { for it in of { SAYS } }",
        "fn main() { if let Err(e) = run() { exit(1) } } fn run() -> Result<(), E> { SAYS Ok(()) }",
        "fn main() { match run() { Ok(()) => {} Err(e) => exit(1) } } fn run() { SAYS }",
    ];
    let not_certain = [
        "fn main() { if x { SAYS } }",
        "fn main() { match x { 1 => { SAYS } _ => {} } }",
        "fn main() { if x { return; } SAYS }",
        "fn main() { if x { std::process::exit(0) } SAYS }",
        "fn main() { #[cfg(windows)] SAYS }",
        "#[cfg(windows)] fn helper() { SAYS } fn main() { helper() }",
        "#[cfg(a)] fn helper() { SAYS } #[cfg(b)] fn helper() {} fn main() { helper() }",
        "fn helper() { SAYS } fn main() {}",
        "#[cfg(windows)] fn main() { SAYS } #[cfg(not(windows))] fn main() {}",
        "fn main() { for it in found() { SAYS } }",
        "fn main() { let of = Vec::new(); for it in of { SAYS } }",
        "fn main() { for it in [\"a\"].iter().filter(is_it) { SAYS } }",
        "fn main() { for it in [0; N] { SAYS } }",
        "fn main() { for it in [#[cfg(windows)] 1] { SAYS } }",
        "fn main() { let later = || { SAYS }; if x { later() } }",
        "fn main() { let later = |it| SAYS }",
        "fn main() { #[cfg(windows)] let later = |it| SAYS; later(1) }",
        "fn main() { 'a: { if x { break 'a; } SAYS } }",
        "fn main() { let said = x && say(); } fn say() -> bool { SAYS true }",
        "struct C; impl C { fn new() { SAYS } } fn main() { Vec::new(); }",
        "fn main() { for it in [1] { if it == 1 { continue } SAYS } }",
        "fn main() { loop { if x { break } SAYS } }",
        "const OF: &[&str] = &[]; fn main() { for it in OF { SAYS } }",
        "fn main() { let of = [1]; helper(&of[1..]) } fn helper(of: &[u8]) { for it in of { SAYS } }",
        "const OF: [u8; 1] = [1]; fn main() { let OF = found(); for it in OF { SAYS } }",
        "fn main() { let later = (|| { SAYS }); }",
        "fn main() { fn inner() { SAYS } }",
        "#[cfg(test)] mod tests { fn main() { SAYS } } fn main() {}",
        "fn main() { if x && run() {} } fn run() { SAYS }",
        "fn main() { while let Some(it) = next() && run() {} } fn run() { SAYS }",
    ];
    let says = |text: &str| {
        let text = text.replace("SAYS", SAYS);
        let files: Files<'_> = &[("build.rs", &text)];
        let scan = with_reader(files, |read| scan_alone("/p/build.rs", "/p", read));
        assert!(scan.says_any, "{text}");
        assert_eq!(scan.says_for_certain, !scan.always.is_empty(), "{text}");
        scan.says_for_certain
    };
    for text in certain {
        assert!(says(text), "{text}");
    }
    for text in not_certain {
        assert!(!says(text), "{text}");
    }
}

#[test]
fn deeply_nested_code_does_not_overflow_the_stack() {
    let nests = [
        ("(", ")"),
        ("[", "]"),
        ("{", "}"),
        ("mod a {", "}"),
        ("fn f() {", "}"),
        ("m!(", ")"),
        ("m! { fn f() ", "}"),
        ("include!(", ")"),
        ("include!(concat!(", "))"),
        ("println!(\"{}\", concat!(", "))"),
        ("#[cfg(all(", "))]"),
        ("#[cfg_attr(a, ", ")]"),
        ("#[path = m!(", ")]"),
        ("macro_rules! m { ", "}"),
        ("let x = Path::new(", ");"),
        ("let x = y.join(", ");"),
        ("fn main() { if a { ", "} }"),
    ];
    for (open, close) in nests {
        let brackets = open.matches(['(', '[', '{']).count();
        let nested = |depth: usize| {
            let depth = depth / brackets;
            format!("{}mod b;{}", open.repeat(depth), close.repeat(depth))
        };
        for (depth, is_understood) in [(198, true), (2_000, false)] {
            let text = nested(depth);
            let mut read = |path: &Utf8Path| (path == "lib.rs").then(|| text.clone().into());
            let scan = scan("lib.rs".into(), "".into(), &|_, _| None, &mut read);
            let lexes = !scan.doubts.iter().any(|it| it.kind == DoubtKind::Unlexable);
            assert_eq!(lexes, is_understood, "{open} {depth}");
            scan_alone("lib.rs", "", &mut read);
            made_paths(&text);
            written_paths(&text);
            evaluate(&format!("cfg({text})"), &|_, _| None);
        }
    }
}

#[test]
fn long_code_takes_at_most_quadratic_time() {
    let one = long_texts(1).into_iter().map(|text| scan_time(&text));
    let four = long_texts(4).into_iter().map(|text| scan_time(&text));
    for ((start, short), (_, long)) in one.zip(four) {
        // Four times the text: quadratic time is sixteen times as long, cubic time 64 times.
        let ratio = long.as_secs_f64() / short.as_secs_f64();
        assert!(ratio < 24.0, "{start}: {ratio} times");
    }
}

/// Returns texts of build scripts that are hard to scan: long chains and many statements.
fn long_texts(scale: usize) -> Vec<String> {
    let in_main =
        |body: String| format!("fn main() {{ {body} println!(\"cargo::rerun-if-changed=x\"); }}");
    let chain = |start: &str, call: &str| in_main(format!("{start}{};", call.repeat(500 * scale)));
    let many = |line: &dyn Fn(usize) -> String| in_main((0..200 * scale).map(line).collect());
    vec![
        chain("let x = a", ".b(1)"),
        chain("let x = Path::new(\"a\")", ".join(\"b\")"),
        chain("let x = Path::new(\"a\")", ".clone()"),
        chain("let o = env::var(\"OUT_DIR\")?", ".parent()"),
        many(&|at| format!("let x{at} = f({at}); println!(\"{{}}\", x{at}); {{ let y = 1; }}\n")),
        many(&|at| format!("let x{at} = \"{at}\"; println!(\"{{x{at}}}\");\n")),
        many(&|at| format!("fs::write(concat!(env!(\"OUT_DIR\"), \"/{at}\"), \"x\");\n")),
        many(&|at| format!("fs::read(\"data/{at}\");\n")),
    ]
}

/// Returns the start of a text, and the CPU time that all scans of the text take.
fn scan_time(text: &str) -> (String, Duration) {
    let times = (0..2).map(|_| {
        let started = cpu_time();
        let mut read = |path: &Utf8Path| (path == "build.rs").then(|| text.to_owned().into());
        let scan = scan_alone("build.rs", "", &mut read);
        made_paths(text);
        written_paths(text);
        script_inputs(text);
        RunTimePaths::of(text);
        assert!(scan.says_for_certain, "{}", &text[..60]);
        cpu_time() - started
    });
    (text[..60].to_owned(), times.min().unwrap_or_default())
}

/// Returns the CPU time of this thread, which other work on the machine does not change.
#[cfg(unix)]
fn cpu_time() -> Duration {
    let clock = nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID;
    nix::time::clock_gettime(clock).unwrap().into()
}

#[cfg(not(unix))]
fn cpu_time() -> Duration {
    let epoch = std::time::SystemTime::UNIX_EPOCH;
    epoch.elapsed().unwrap()
}
