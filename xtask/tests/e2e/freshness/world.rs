//! A generated workspace whose packages print a hash of everything that they read, and a model that
//! computes the same hashes from the files. An artifact that is stale prints another hash.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::Project;

/// A source of random numbers.
pub(super) struct Random(pub u64);

impl Random {
    /// Returns a number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % end
    }

    /// Returns one of the values.
    pub(super) fn choose<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// The number of kinds of packages.
const KINDS: usize = 9;

/// The package of procedural macros.
const MACROS: usize = 8;

/// A workspace of `count` libraries, and a binary that prints the values of all.
pub(super) struct World {
    pub(super) project: Project,
    pub(super) count: usize,
    dependencies: Vec<Vec<usize>>,
}

const HASH: &str = "pub const fn fnv(mut h: u64, b: &[u8]) -> u64 {
    let mut i = 0;
    while i < b.len() { h ^= b[i] as u64; h = h.wrapping_mul(0x100000001b3); i += 1; }
    h
}
";

/// Functions of build scripts and macros: the hash of a file or of all files below a directory.
const READ: &str = r#"
fn files(p: &std::path::Path, v: &mut Vec<std::path::PathBuf>) {
    if let Ok(d) = std::fs::read_dir(p) {
        for e in d.flatten() {
            let q = e.path();
            if q.is_dir() { files(&q, v) } else { v.push(q) }
        }
    } else { v.push(p.into()) }
}
fn read(p: &std::path::Path) -> u64 {
    let mut v = vec![];
    files(p, &mut v);
    v.sort();
    let mut h = 7;
    for f in v {
        h = fnv(h, f.file_name().unwrap().to_str().unwrap().as_bytes());
        h = fnv(h, &std::fs::read(&f).unwrap_or_default());
    }
    h
}
"#;

fn fnv(mut hash: u64, bytes: &[u8]) -> u64 {
    for byte in bytes {
        hash ^= u64::from(*byte);
        hash = hash.wrapping_mul(0x0100_0000_01b3);
    }
    hash
}

/// Returns the hash of a file or of all files below a directory.
fn read(path: &Path) -> u64 {
    fn files(path: &Path, found: &mut Vec<PathBuf>) {
        match fs::read_dir(path) {
            Ok(entries) => entries.for_each(|it| files(&it.unwrap().path(), found)),
            Err(_) => found.push(path.to_owned()),
        }
    }
    let mut found = Vec::new();
    files(path, &mut found);
    found.sort();
    found.iter().fold(7, |hash, file| {
        let hash = fnv(hash, file.file_name().unwrap().to_str().unwrap().as_bytes());
        fnv(hash, &fs::read(file).unwrap_or_default())
    })
}

impl World {
    /// Makes a workspace, committed.
    pub(super) fn new(count: usize, settings: &str) -> Self {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let project = Project::without_members();
        let mut dependencies: Vec<Vec<usize>> = Vec::new();
        for at in 0..count {
            let wanted = if at == 0 || at % KINDS == MACROS {
                0
            } else {
                random.below(4)
            };
            let mut on: Vec<usize> = (0..wanted).map(|_| random.below(at)).collect();
            on.retain(|it| it % KINDS != MACROS);
            on.sort_unstable();
            on.dedup();
            dependencies.push(on);
        }
        let world = Self {
            project,
            count,
            dependencies,
        };
        let settings = format!("[profile.dev]\ndebug = 0\nincremental = false\n{settings}");
        world.project.write(".cargo/config.toml", &settings);
        world.project.write("common/text.txt", "0");
        world.project.write("protos/a.proto", "0");
        for at in 0..count {
            world.package(at);
        }
        world.top();
        let project = world.project.in_git();
        Self { project, ..world }
    }

    /// Returns true if a package is a library that prints a value.
    fn has_value(at: usize) -> bool {
        at % KINDS != MACROS
    }

    fn package(&self, at: usize) {
        let write =
            |file: &str, text: &str| self.project.write(format!("crates/c{at}/{file}"), text);
        let head =
            format!("[package]\nname = \"c{at}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
        let head = head + "description = \"0\"\n";
        if at % KINDS == MACROS {
            write("Cargo.toml", &format!("{head}[lib]\nproc-macro = true\n"));
            let root = "std::path::PathBuf::from(std::env::var(\"CARGO_MANIFEST_DIR\").unwrap())";
            let body = format!(
                "{HASH}{READ}#[proc_macro]\npub fn dir(_: proc_macro::TokenStream) -> \
                 proc_macro::TokenStream {{\n format!(\"{{}}u64\", read(&{root}.join(\"data\")))\
                 .parse().unwrap()\n}}\n"
            );
            write("src/lib.rs", &body.replace("pub const fn", "const fn"));
            return;
        }
        let mut manifest = head + "[dependencies]\n";
        for on in &self.dependencies[at] {
            manifest.push_str(&format!("c{on} = {{ path = \"../c{on}\" }}\n"));
        }
        let mut value = "let mut h = fnv(1, &m::K.to_le_bytes());".to_owned();
        let mut add = |text: &str| value.push_str(&format!("h = fnv(h, {text});"));
        let script = match at % KINDS {
            0 => {
                write("data/d.txt", "0");
                add("include_bytes!(\"../data/d.txt\")");
                None
            }
            1 => {
                add("include_bytes!(\"../../../common/text.txt\")");
                None
            }
            2 | 6 => {
                write("notes/n.txt", "0");
                Some("out(read(\"notes\".as_ref()));".to_owned())
            }
            3 => {
                write("assets/x/a.bin", "0");
                write("one.txt", "0");
                let watch = ["assets", "one.txt"]
                    .map(|it| format!("println!(\"cargo::rerun-if-changed={it}\");"));
                let out = "out(read(\"assets\".as_ref()) ^ read(\"one.txt\".as_ref()));";
                Some(watch.concat() + out)
            }
            4 => {
                let watch = "println!(\"cargo::rerun-if-changed=../../protos\");";
                Some(format!("{watch}out(read(\"../../protos\".as_ref()));"))
            }
            5 => {
                add("env!(\"CARGO_PKG_DESCRIPTION\").as_bytes()");
                None
            }
            _ => {
                write("data/d.txt", "0");
                if self.count > MACROS {
                    manifest.push_str(&format!("c{MACROS} = {{ path = \"../c{MACROS}\" }}\n"));
                    add(&format!("&c{MACROS}::dir!().to_le_bytes()"));
                }
                None
            }
        };
        if let Some(main) = &script {
            let out = "fn out(h: u64) { let o = std::env::var(\"OUT_DIR\").unwrap(); \
                       std::fs::write(format!(\"{o}/gen.rs\"), format!(\"pub const G: u64 = {h};\"))\
                       .unwrap(); }";
            write(
                "build.rs",
                &format!("{HASH}{READ}{out}\nfn main() {{ {main} }}\n"),
            );
            add("&G.to_le_bytes()");
        }
        for on in &self.dependencies[at] {
            add(&format!("&c{on}::v().to_le_bytes()"));
        }
        let generated = script.map_or(
            "",
            |_| "include!(concat!(env!(\"OUT_DIR\"), \"/gen.rs\"));\n",
        );
        write("Cargo.toml", &manifest);
        write("src/m.rs", "pub const K: u64 = 1;\n");
        let library = format!("{HASH}mod m;\n{generated}pub fn v() -> u64 {{ {value} h }}\n");
        write("src/lib.rs", &library);
    }

    fn top(&self) {
        let shown = (0..self.count).filter(|it| Self::has_value(*it));
        let (mut manifest, mut body) = (
            crate::support::manifest("top") + "[dependencies]\n",
            String::new(),
        );
        for at in shown {
            manifest.push_str(&format!("c{at} = {{ path = \"../c{at}\" }}\n"));
            body.push_str(&format!("println!(\"c{at} {{}}\", c{at}::v());"));
        }
        self.project.write("crates/top/Cargo.toml", &manifest);
        self.project.write(
            "crates/top/src/main.rs",
            &format!("fn main() {{ {body} }}\n"),
        );
    }

    /// Returns the output that a build from nothing has, computed from the files.
    pub(super) fn expected(&self) -> String {
        let mut values = vec![0; self.count];
        let mut shown = String::new();
        for at in (0..self.count).filter(|it| Self::has_value(*it)) {
            let path = |file: &str| self.project.path(format!("crates/c{at}/{file}"));
            let text = |file: &str| fs::read_to_string(path(file)).unwrap();
            let constant = text("src/m.rs");
            let constant = constant.trim_start_matches("pub const K: u64 = ");
            let constant: u64 = constant.trim_end_matches(";\n").parse().unwrap();
            let mut hash = fnv(1, &constant.to_le_bytes());
            match at % KINDS {
                0 => hash = fnv(hash, text("data/d.txt").as_bytes()),
                1 => {
                    hash = fnv(
                        hash,
                        &fs::read(self.project.path("common/text.txt")).unwrap(),
                    )
                }
                2 | 6 => hash = fnv(hash, &read(&path("notes")).to_le_bytes()),
                3 => {
                    let read = read(&path("assets")) ^ read(&path("one.txt"));
                    hash = fnv(hash, &read.to_le_bytes());
                }
                4 => hash = fnv(hash, &read(&self.project.path("protos")).to_le_bytes()),
                5 => {
                    let manifest = text("Cargo.toml");
                    let description = manifest.split("description = \"").nth(1).unwrap();
                    hash = fnv(hash, description.split('"').next().unwrap().as_bytes());
                }
                _ if self.count > MACROS => {
                    hash = fnv(hash, &read(&path("data")).to_le_bytes());
                }
                _ => {}
            }
            for on in &self.dependencies[at] {
                let value: u64 = values[*on];
                hash = fnv(hash, &value.to_le_bytes());
            }
            values[at] = hash;
            shown.push_str(&format!("c{at} {hash}\n"));
        }
        shown
    }

    /// Writes the value into a random input. Returns the source of the package if its macro reads
    /// the input: cargo does not see that input.
    pub(super) fn edit(&self, random: &mut Random, value: &str) -> Option<String> {
        let project = &self.project;
        let of_kind = |random: &mut Random, kind: usize| {
            let count = self.count.saturating_sub(kind).div_ceil(KINDS);
            (count > 0).then(|| kind + KINDS * random.below(count))
        };
        let write = |at: usize, file: &str, text: &str| {
            project.write(format!("crates/c{at}/{file}"), text);
        };
        let kind = random.below(12);
        let at = of_kind(random, kind % KINDS);
        match (kind, at) {
            (0, Some(at)) => write(at, "data/d.txt", value),
            (1, _) => project.write("common/text.txt", value),
            (2 | 6, Some(at)) => write(at, &format!("notes/n{value}.txt"), value),
            (3, Some(at)) => match random.below(2) {
                0 => write(at, "assets/x/a.bin", value),
                _ => write(at, "one.txt", value),
            },
            (4, _) => project.write(format!("protos/{value}.proto"), value),
            (5, Some(at)) => {
                let path = format!("crates/c{at}/Cargo.toml");
                let manifest = project.read(&path);
                let (before, rest) = manifest.split_once("description = \"").unwrap();
                let behind = rest.split_once('"').unwrap().1;
                project.write(path, &format!("{before}description = \"{value}\"{behind}"));
            }
            (7, Some(at)) => {
                write(at, &format!("data/e{value}.txt"), value);
                return Some(format!("crates/c{at}/src/lib.rs"));
            }
            _ => {
                let mut at = random.below(self.count);
                while !Self::has_value(at) {
                    at = random.below(self.count);
                }
                write(at, "src/m.rs", &format!("pub const K: u64 = {value};\n"));
            }
        }
        None
    }
}
