//! Classes of changes of manifests, of the lock file, and of cargo's configuration.

use super::Class;
use super::draft::{Change, Draft, PackageKind};

pub(super) const CLASSES: &[Class] = &[
    ("manifest-comment", manifest_comment),
    ("manifest-text-that-nobody-reads", manifest_text),
    (
        "manifest-text-that-a-source-reads",
        manifest_text_that_is_read,
    ),
    ("version", version),
    ("edition", edition),
    ("declared-feature", declared_feature),
    ("default-feature", default_feature),
    ("requested-feature", requested_feature),
    ("required-features", required_features),
    ("dependency-added", dependency_added),
    ("dependency-removed", dependency_removed),
    ("registry-dependency", registry_dependency),
    (
        "registry-package-of-a-members-name",
        registry_package_of_a_members_name,
    ),
    ("lints", lints),
    ("library-table", library_table),
    ("profile-of-this-build", profile_of_this_build),
    ("profile-of-another-build", profile_of_another_build),
    ("panic-strategy", panic_strategy),
    ("profile-of-a-package", profile_of_a_package),
    ("resolver", resolver),
    ("member-added", member_added),
    ("newer-compiler-wanted", newer_compiler_wanted),
    ("manifest-and-source", manifest_and_source),
    ("configuration-without-effect", configuration_without_effect),
    ("flags", flags),
    ("flags-for-a-triple", flags_for_a_triple),
    ("flags-with-a-triple", flags_with_a_triple),
    ("configuration-that-loses", configuration_that_loses),
    (
        "configuration-by-its-older-name",
        configuration_by_its_older_name,
    ),
    ("configuration-behind-a-link", configuration_behind_a_link),
    ("environment-table", environment_table),
    ("relative-environment", relative_environment),
    ("toolchain-by-another-name", toolchain_by_another_name),
    ("configured-rule", configured_rule),
    ("configured-rule-for-all", configured_rule_for_all),
];

/// The classes that choose the file of cargo's configuration, or need a key that other classes can
/// do without.
pub(super) const FIRST: &[&str] = &[
    "configuration-that-loses",
    "configuration-by-its-older-name",
    "configuration-behind-a-link",
    "flags-with-a-triple",
];

const ROOT: &str = "Cargo.toml";

fn any_manifest(draft: &mut Draft<'_>) -> (usize, String) {
    let package = draft.random.below(draft.packages.len());
    (package, draft.manifest_of(package))
}

fn manifest_comment(draft: &mut Draft<'_>) -> Option<()> {
    let (_, manifest) = any_manifest(draft);
    draft.appending("manifest-comment", &manifest);
    draft.appending("manifest-comment", ROOT);
    Some(())
}

fn manifest_text(draft: &mut Draft<'_>) -> Option<()> {
    let (package, manifest) = any_manifest(draft);
    let lines = &mut draft.packages[package].manifest;
    if lines.has("package", "description") || lines.has("package", "rust-version") {
        return None;
    }
    lines.line("package", "description = \"One\"");
    draft.replacing(
        "manifest-text-that-nobody-reads",
        &manifest,
        "\"One\"",
        "\"Two\"",
    );
    Some(())
}

fn manifest_text_that_is_read(draft: &mut Draft<'_>) -> Option<()> {
    let package = draft.package_of(PackageKind::Library)?;
    let lines = &mut draft.packages[package].manifest;
    if lines.has("package", "license") {
        return None;
    }
    lines.line("package", "license = \"MIT\"");
    let name = draft.name();
    draft.code(
        package,
        &format!("const {name}: &str = env!(\"CARGO_PKG_LICENSE\");"),
    );
    let manifest = draft.manifest_of(package);
    draft.replacing(
        "manifest-text-that-a-source-reads",
        &manifest,
        "\"MIT\"",
        "\"Apache-2.0\"",
    );
    Some(())
}

fn version(draft: &mut Draft<'_>) -> Option<()> {
    let (_, manifest) = any_manifest(draft);
    draft.replacing(
        "version",
        &manifest,
        "version = \"0.1.0\"",
        "version = \"0.1.1\"",
    );
    Some(())
}

fn edition(draft: &mut Draft<'_>) -> Option<()> {
    let (_, manifest) = any_manifest(draft);
    draft.replacing(
        "edition",
        &manifest,
        "edition = \"2018\"",
        "edition = \"2021\"",
    );
    draft.replacing(
        "edition",
        &manifest,
        "edition = \"2021\"",
        "edition = \"2018\"",
    );
    draft.replacing(
        "edition",
        &manifest,
        "edition = \"2024\"",
        "edition = \"2021\"",
    );
    Some(())
}

fn declared_feature(draft: &mut Draft<'_>) -> Option<()> {
    let package = draft.package_of(PackageKind::Library)?;
    let (before, new) = (draft.name(), draft.name());
    let manifest = &mut draft.packages[package].manifest;
    manifest.line("features", format!("{before} = []"));
    let path = draft.manifest_of(package);
    let old = format!("{before} = []\n");
    let more = format!("{old}{new} = []\n");
    draft.replacing("declared-feature", &path, &old, &more);
    Some(())
}

fn default_feature(draft: &mut Draft<'_>) -> Option<()> {
    let all: Vec<usize> = (0..draft.packages.len())
        .filter(|&it| {
            draft.packages[it]
                .manifest
                .has("features", "default = [\"std\"]")
        })
        .collect();
    let package = draft.random.pick(&all)?;
    let path = draft.manifest_of(package);
    draft.replacing(
        "default-feature",
        &path,
        "default = [\"std\"]",
        "default = [\"std\", \"extra\"]",
    );
    draft.replacing(
        "default-feature",
        &path,
        "default = [\"std\"]",
        "default = []",
    );
    Some(())
}

/// A dependent requests one more feature of a shared package.
fn requested_feature(draft: &mut Draft<'_>) -> Option<()> {
    let edges = draft.edges.iter();
    let plain = edges.filter(|edge| ["normal", "dev", "build"].contains(&edge.kind));
    let ends: Vec<_> = plain.map(|edge| (edge.from, edge.to)).collect();
    let (from, to) = draft.random.pick(&ends)?;
    let name = draft.name();
    let (package, directory) = {
        let package = &mut draft.packages[to];
        package.manifest.line("features", format!("{name} = []"));
        (
            package.name.clone(),
            package.directory.replacen("crates/", "../", 1),
        )
    };
    let manifest = draft.manifest_of(from);
    let old = format!("{package} = {{ path = \"{directory}\" }}");
    let new = format!("{package} = {{ path = \"{directory}\", features = [\"{name}\"] }}");
    draft.replacing("requested-feature", &manifest, &old, &new);
    Some(())
}

/// A target that requires a disabled feature.
fn required_features(draft: &mut Draft<'_>) -> Option<()> {
    let package = draft.package_of(PackageKind::Library)?;
    let (name, feature) = (draft.name(), draft.name());
    let manifest = &mut draft.packages[package].manifest;
    manifest.line("features", format!("{feature} = []"));
    let table = format!(
        "name = \"{name}\"\npath = \"examples/{name}.rs\"\nrequired-features = [\"{feature}\"]"
    );
    manifest.line("[example]", table);
    let path = draft.path(package, &format!("examples/{name}.rs"));
    draft.file(&path, "fn main() {}\n");
    draft.appending("required-features", &path);
    Some(())
}

fn dependency_added(draft: &mut Draft<'_>) -> Option<()> {
    let user = draft.package_of(PackageKind::Library)?;
    let on = (0..user).find(|&it| {
        draft.packages[it].kind == PackageKind::Library
            && !draft
                .edges
                .iter()
                .any(|edge| edge.from == user && edge.to == it)
    })?;
    let name = draft.packages[on].name.clone();
    let table = draft.random.pick(&["dependencies", "dev-dependencies"])?;
    let line = format!("\n[{table}.{name}]\npath = \"../{name}\"\n");
    let manifest = draft.manifest_of(user);
    draft.offer("dependency-added", vec![Change::Append(manifest, line)]);
    Some(())
}

fn dependency_removed(draft: &mut Draft<'_>) -> Option<()> {
    let from = draft.package_of(PackageKind::Library)?;
    let to = (0..from).find(|&it| {
        draft.packages[it].kind == PackageKind::Library
            && !draft
                .edges
                .iter()
                .any(|edge| edge.from == from && edge.to == it)
    })?;
    draft.depend(from, to, "dev");
    let name = draft.packages[to].name.clone();
    let line = format!("{name} = {{ path = \"../{name}\" }}\n");
    let manifest = draft.manifest_of(from);
    draft.replacing("dependency-removed", &manifest, &line, "");
    Some(())
}

fn registry_dependency(draft: &mut Draft<'_>) -> Option<()> {
    let package = draft.package_of(PackageKind::Library)?;
    let manifest = draft.manifest_of(package);
    let name = draft
        .random
        .pick(&["strsim = \"0.11\"", "glob = \"0.3\"", "memchr = \"2\""])?;
    if draft.packages[package]
        .manifest
        .has("dependencies", &name[..4])
    {
        return None;
    }
    let (name, version) = name.split_once(" = ")?;
    let line = format!("\n[dependencies.{name}]\nversion = {version}\n");
    draft.offer("registry-dependency", vec![Change::Append(manifest, line)]);
    Some(())
}

/// A member has the same name as a registry package that another member uses.
fn registry_package_of_a_members_name(draft: &mut Draft<'_>) -> Option<()> {
    if draft.files.contains_key("crates/anyhow/Cargo.toml") {
        return None;
    }
    let user = draft.package_of(PackageKind::Library)?;
    let manifest = &mut draft.packages[user].manifest;
    manifest.line("dependencies", "anyhow = \"1\"");
    draft.file(
        "crates/anyhow/Cargo.toml",
        "[package]\nname = \"anyhow\"\nversion = \"0.9.0\"\nedition = \"2021\"\n",
    );
    draft.file("crates/anyhow/src/lib.rs", "");
    draft.file(
        "crates/anyhow/build.rs",
        "fn main() {\n    println!(\"cargo::rerun-if-changed=build.rs\");\n}\n",
    );
    draft.appending(
        "registry-package-of-a-members-name",
        "crates/anyhow/src/lib.rs",
    );
    let source = draft.source_of(user);
    draft.appending("registry-package-of-a-members-name", &source);
    Some(())
}

fn lints(draft: &mut Draft<'_>) -> Option<()> {
    let (package, manifest) = any_manifest(draft);
    let lines = &mut draft.packages[package].manifest;
    if lines.has("lints.rust", "unused") {
        return None;
    }
    lines.line("lints.rust", "unused = \"warn\"");
    draft.replacing(
        "lints",
        &manifest,
        "unused = \"warn\"",
        "unused = \"allow\"",
    );
    Some(())
}

fn library_table(draft: &mut Draft<'_>) -> Option<()> {
    let package = draft.package_of(PackageKind::Library)?;
    let manifest = draft.manifest_of(package);
    let line = draft.random.pick(&[
        "doctest = false",
        "test = false",
        "bench = false",
        "doc = false",
        "crate-type = [\"lib\", \"staticlib\"]",
    ])?;
    draft.offer(
        "library-table",
        vec![Change::Append(manifest, format!("\n[lib]\n{line}\n"))],
    );
    Some(())
}

fn profile_of_this_build(draft: &mut Draft<'_>) -> Option<()> {
    draft.replacing("profile-of-this-build", ROOT, "debug = 0", "debug = 1");
    draft.replacing(
        "profile-of-this-build",
        ROOT,
        "debug = 0",
        "debug = 0\nopt-level = 1",
    );
    Some(())
}

fn profile_of_another_build(draft: &mut Draft<'_>) -> Option<()> {
    let profile = draft.name();
    let text = draft.random.pick(&[
        "\n[profile.release]\nlto = true\n",
        "\n[profile.bench]\nopt-level = 2\n",
    ])?;
    let custom = format!("\n[profile.{profile}]\ninherits = \"release\"\n");
    for text in [text.to_owned(), custom] {
        draft.offer(
            "profile-of-another-build",
            vec![Change::Append(ROOT.into(), text)],
        );
    }
    Some(())
}

fn panic_strategy(draft: &mut Draft<'_>) -> Option<()> {
    draft.replacing(
        "panic-strategy",
        ROOT,
        "debug = 0",
        "debug = 0\npanic = \"abort\"",
    );
    Some(())
}

fn profile_of_a_package(draft: &mut Draft<'_>) -> Option<()> {
    let package = draft.random.below(draft.packages.len());
    let name = draft.packages[package].name.clone();
    let text = format!("\n[profile.dev.package.{name}]\nopt-level = 1\n");
    draft.offer(
        "profile-of-a-package",
        vec![Change::Append(ROOT.into(), text)],
    );
    Some(())
}

fn resolver(draft: &mut Draft<'_>) -> Option<()> {
    draft.replacing("resolver", ROOT, "resolver = \"1\"", "resolver = \"2\"");
    draft.replacing("resolver", ROOT, "resolver = \"2\"", "resolver = \"1\"");
    draft.replacing("resolver", ROOT, "resolver = \"3\"", "resolver = \"2\"");
    Some(())
}

fn member_added(draft: &mut Draft<'_>) -> Option<()> {
    let name = draft.name();
    let on = draft.package_of(PackageKind::Library)?;
    let other = draft.packages[on].name.clone();
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n\
         [dependencies]\n{other} = {{ path = \"../{other}\" }}\n"
    );
    let changes = vec![
        Change::Write(format!("crates/{name}/Cargo.toml"), manifest),
        Change::Write(format!("crates/{name}/src/lib.rs"), String::new()),
    ];
    draft.offer("member-added", changes);
    Some(())
}

/// A member with another `rust-version` must not prevent the query to cargo.
fn newer_compiler_wanted(draft: &mut Draft<'_>) -> Option<()> {
    let (_, manifest) = any_manifest(draft);
    let old = "version = \"0.1.0\"\n";
    let new = "version = \"0.1.0\"\nrust-version = \"1.85\"\n";
    draft.replacing("newer-compiler-wanted", &manifest, old, new);
    Some(())
}

/// A manifest change without effect, together with a source change.
fn manifest_and_source(draft: &mut Draft<'_>) -> Option<()> {
    let package = draft.package_of(PackageKind::Library)?;
    let source = draft.source_of(package);
    let (_, manifest) = any_manifest(draft);
    let profile = "\n[profile.release]\nlto = \"thin\"\n".to_owned();
    let first = Change::Append(source, "// two parts\n".to_owned());
    let quiet = match draft.random.one_in(2) {
        true => Change::Append(ROOT.into(), profile),
        false => Change::Append(manifest, "# A comment.\n".to_owned()),
    };
    draft.offer("manifest-and-source", vec![first, quiet]);
    Some(())
}

fn configuration_without_effect(draft: &mut Draft<'_>) -> Option<()> {
    let name = draft.name();
    draft.configure("alias", format!("{name} = \"check\""));
    let path = draft.config_file;
    draft.appending("configuration-without-effect", path);
    let more = format!("{name} = \"check\"\nother-{name} = \"test\"");
    let old = format!("{name} = \"check\"");
    draft.replacing("configuration-without-effect", path, &old, &more);
    Some(())
}

fn flags(draft: &mut Draft<'_>) -> Option<()> {
    let mut tables = vec!["build", "target.'cfg(unix)'", "target.'cfg(not(windows))'"];
    tables.retain(|table| !draft.config.has(table, "rustflags"));
    let table = draft.random.pick(&tables)?;
    draft.configure(table, "rustflags = [\"--cfg\", \"one\"]");
    draft.replacing("flags", draft.config_file, "\"one\"", "\"two\"");
    Some(())
}

fn flags_for_a_triple(draft: &mut Draft<'_>) -> Option<()> {
    let host = super::host();
    let other = if draft.random.one_in(2) {
        host
    } else {
        "wasm32-unknown-unknown".to_owned()
    };
    let table = format!("target.{other}");
    if draft.config.has(&table, "rustflags") {
        return None;
    }
    draft.configure(&table, "rustflags = [\"--cfg\", \"three\"]");
    draft.replacing(
        "flags-for-a-triple",
        draft.config_file,
        "\"three\"",
        "\"four\"",
    );
    Some(())
}

/// A target triple is added or removed, with or without flags.
fn flags_with_a_triple(draft: &mut Draft<'_>) -> Option<()> {
    let is_taken = ["target", "rustflags"].map(|key| draft.config.has("build", key));
    if is_taken.contains(&true) {
        return None;
    }
    let triple = format!("target = {:?}", super::host());
    let flags = "rustflags = [\"--cfg\", \"with_triple\"]";
    for line in ["jobs = 2", &triple, flags] {
        draft.configure("build", line);
    }
    // Cargo refuses to document a procedural macro for the host and for a triple at once.
    for package in &mut draft.packages {
        if package.kind == PackageKind::ProcMacro {
            package.manifest.line("lib", "doc = false");
        }
    }
    let path = draft.config_file;
    let class = "flags-with-a-triple";
    let both = format!("jobs = 2\n{triple}\n{flags}\n");
    draft.replacing(class, path, &both, "jobs = 3\n");
    draft.replacing(class, path, "jobs = 3\n", &both);
    draft.replacing(class, path, &both, &format!("jobs = 4\n{flags}\n"));
    Some(())
}

/// Cargo reads `.cargo/config` if both files exist.
fn configuration_that_loses(draft: &mut Draft<'_>) -> Option<()> {
    let loser = draft.config_file;
    move_configuration(draft, ".cargo/config")?;
    draft.file(loser, "[build]\nrustflags = [\"--cfg\", \"loser\"]\n");
    draft.replacing("configuration-that-loses", loser, "loser", "still");
    draft.configure_all_units("configuration-that-loses");
    Some(())
}

/// `.cargo/config` is renamed to `.cargo/config.toml`, which has the same meaning.
fn configuration_by_its_older_name(draft: &mut Draft<'_>) -> Option<()> {
    let (old, new) = (".cargo/config", draft.config_file);
    move_configuration(draft, old)?;
    let rename = Change::Rename(old.into(), new.into());
    draft.offer("configuration-by-its-older-name", vec![rename]);
    draft.configure_all_units("configuration-by-its-older-name");
    Some(())
}

fn configuration_behind_a_link(draft: &mut Draft<'_>) -> Option<()> {
    let link = draft.config_file;
    let original = "settings/cargo.toml";
    move_configuration(draft, original)?;
    draft.links.insert(link.into(), format!("../{original}"));
    draft.configure_all_units("configuration-behind-a-link");
    Some(())
}

/// Puts cargo's configuration into another file. Returns `None` if a class of change has already
/// done so, or has added a line.
fn move_configuration(draft: &mut Draft<'_>, to: &'static str) -> Option<()> {
    if !draft.config.text().is_empty() || draft.config_file != ".cargo/config.toml" {
        return None;
    }
    draft.config_file = to;
    Some(())
}

fn environment_table(draft: &mut Draft<'_>) -> Option<()> {
    let package = draft.package_of(PackageKind::Library)?;
    let name = draft.name();
    draft.configure("env", format!("E_{name} = \"one {name}\""));
    draft.code(
        package,
        &format!("const {name}: &str = env!(\"E_{name}\");"),
    );
    let (old, new) = (format!("one {name}"), format!("two {name}"));
    draft.replacing("environment-table", draft.config_file, &old, &new);
    Some(())
}

fn relative_environment(draft: &mut Draft<'_>) -> Option<()> {
    let package = draft.package_of(PackageKind::Library)?;
    let name = draft.name();
    let line = format!("R_{name} = {{ value = \"shared/{name}.txt\", relative = true }}");
    draft.configure("env", line);
    draft.code(
        package,
        &format!("const {name}: &str = include_str!(env!(\"R_{name}\"));"),
    );
    let path = format!("shared/{name}.txt");
    draft.file(&path, "");
    draft.appending("relative-environment", &path);
    Some(())
}

fn toolchain_by_another_name(draft: &mut Draft<'_>) -> Option<()> {
    let text = "[toolchain]\nprofile = \"minimal\"\n".to_owned();
    let change = Change::Write("rust-toolchain.toml".into(), text);
    draft.offer("toolchain-by-another-name", vec![change]);
    Some(())
}

/// A configured rule makes the tests of one package run again.
fn configured_rule(draft: &mut Draft<'_>) -> Option<()> {
    let package = draft.package_of(PackageKind::Library)?;
    let name = draft.packages[package].name.clone();
    add_rule(draft, "configured-rule", &format!("[\"{name}\"]"));
    Some(())
}

/// A configured rule makes all tests run again.
fn configured_rule_for_all(draft: &mut Draft<'_>) -> Option<()> {
    add_rule(draft, "configured-rule-for-all", "\"everything\"");
    Some(())
}

fn add_rule(draft: &mut Draft<'_>, class: &'static str, affects: &str) {
    let rule = draft.name();
    let lines = format!("files = [\"rules/{rule}.*\"]\naffects = {affects}\nrerun = true");
    draft.root.line("[workspace.metadata.xtask.rules]", lines);
    let path = format!("rules/{rule}.sh");
    draft.file(&path, "");
    draft.appending(class, &path);
}
