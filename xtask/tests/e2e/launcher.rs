//! The launcher that `init` writes: it starts the tasks, and asks cargo to build the tasks if
//! anything changed. The tasks of these tests do not embed the kit, so that a build takes little
//! time.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use crate::support::{Project, manifest};

/// Tasks that print their arguments and two variables, and end with the status 7.
const TASKS: &str = "fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let of = |name| std::env::var(name).unwrap();
    println!(\"{} {arguments:?} {} {}\", part::name(), of(\"CARGO_PKG_NAME\"), of(\"CARGO_MANIFEST_DIR\"));
    std::process::exit(7)
}
";

/// Returns a repository with tasks of its own, a package that the tasks depend on, and the launcher
/// as `init` writes it.
fn repository() -> Project {
    let project = Project::with_libraries(&[("app", &[])]);
    project
        .xtask(&["init", "--kit-path", env!("CARGO_MANIFEST_DIR")])
        .done();
    let tasks = format!(
        "{}[workspace]\n[dependencies]\npart = {{ path = \"../part\" }}\n",
        manifest("xtask")
    );
    project
        .file("xtask/Cargo.toml", &tasks)
        .file("xtask/src/main.rs", TASKS)
        .file("part/Cargo.toml", &(manifest("part") + "[workspace]\n"))
        .file("part/src/lib.rs", &part("one"))
}

fn part(name: &str) -> String {
    format!("pub fn name() -> &'static str {{ \"{name}\" }}\n")
}

/// Runs the alias. Returns the first word that the tasks print.
fn name(project: &Project, root: &Path) -> String {
    let mut command = Command::new("cargo");
    project.isolated(&mut command);
    let output = command.arg("xtask").current_dir(root).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(7), "{output:?}");
    told.split(' ').next().unwrap().to_owned()
}

/// Returns true if the launcher asks cargo: there is no cargo, and the launcher fails.
fn asks_cargo(project: &Project) -> bool {
    let launcher = project.path("target/own-xtask/debug/xtask-launcher");
    let mut command = Command::new(launcher);
    project.isolated(&mut command);
    command.env("CARGO", project.path("none"));
    command.env("CARGO_MANIFEST_DIR", project.path("xtask/launcher"));
    match command.output().unwrap().status.code() {
        Some(7) => false,
        Some(1) => true,
        other => panic!("{other:?}"),
    }
}

fn modified(path: &Path) -> SystemTime {
    fs::metadata(path).unwrap().modified().unwrap()
}

fn set_modified(path: &Path, time: SystemTime) {
    File::open(path).unwrap().set_modified(time).unwrap();
}

/// Makes a change, and takes it back with all times.
fn with_change(project: &Project, path: &str, change: &dyn Fn(&Path)) -> bool {
    let path = project.path(path);
    let mut above: Vec<_> = path.ancestors().skip(1).take(2).collect();
    above.retain(|it| it.exists());
    let times: Vec<_> = above.iter().map(|it| modified(it)).collect();
    let before = fs::read(&path).ok().map(|text| (text, modified(&path)));
    change(&path);
    let asks = asks_cargo(project);
    match before {
        Some((text, time)) => {
            fs::write(&path, text).unwrap();
            set_modified(&path, time);
        }
        None => fs::remove_file(&path).unwrap(),
    }
    for (directory, time) in above.iter().zip(times) {
        set_modified(directory, time);
    }
    asks
}

#[test]
fn the_launcher_asks_cargo_after_each_change() {
    let project = repository();
    let first = project.cargo(&["xtask", "a b", "--flag"]);
    assert_eq!(first.status, 7, "{first}");
    assert_eq!(
        first.stdout,
        "one [\"a b\", \"--flag\"] xtask [ROOT]/xtask\n"
    );
    // The first build takes minutes with the kit, so it is shown.
    assert!(first.stderr.contains("Compiling xtask"), "{first}");
    assert!(asks_cargo(&project), "cargo has built something");
    assert_eq!(name(&project, project.root()), "one");
    assert!(!asks_cargo(&project));

    let append = |path: &Path| {
        let text = fs::read_to_string(path).unwrap_or_default() + "\n";
        fs::write(path, text).unwrap();
    };
    let create = |path: &Path| {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    };
    let remove = |path: &Path| fs::remove_file(path).unwrap();
    let hour = Duration::from_secs(3600);
    let older = |path: &Path| set_modified(path, modified(path) - hour);
    let newer = |path: &Path| set_modified(path, SystemTime::now() + hour);
    type Change<'a> = (&'a str, &'a dyn Fn(&Path));
    let changes: [Change<'_>; 19] = [
        ("xtask/src/main.rs", &append),
        ("xtask/src/main.rs", &older),
        ("xtask/src/main.rs", &newer),
        ("xtask/src/main.rs", &remove),
        ("part/src/lib.rs", &append),
        ("part/src/other.rs", &create),
        ("xtask/Cargo.toml", &append),
        ("xtask/Cargo.lock", &append),
        ("xtask/Cargo.lock", &remove),
        ("part/Cargo.toml", &older),
        ("part/build.rs", &create),
        (".cargo/config.toml", &append),
        ("xtask/.cargo/config.toml", &create),
        ("rust-toolchain", &create),
        ("target/own-xtask/debug/xtask", &older),
        ("target/own-xtask/debug/xtask.d", &remove),
        ("target/own-xtask/debug/xtask.inputs", &append),
        ("target/own-xtask/debug/xtask.inputs", &remove),
        ("target/own-xtask/debug/xtask-launcher", &older),
    ];
    for (path, change) in changes {
        assert!(with_change(&project, path, change), "{path}");
        assert!(!asks_cargo(&project), "{path}");
    }
    // Files of the repository that the tasks are not built from change nothing.
    assert!(!with_change(&project, "crates/app/src/lib.rs", &append));

    // The workspace of a package may lie anywhere, so cargo decides at each start.
    project.write(
        "part/Cargo.toml",
        &(manifest("part") + "workspace = \"../root\"\n"),
    );
    project.write("root/Cargo.toml", "[workspace]\nmembers = [\"../part\"]\n");
    for _ in 0..2 {
        assert_eq!(name(&project, project.root()), "one");
    }
    assert!(asks_cargo(&project));
}

#[test]
fn the_launcher_never_starts_outdated_tasks() {
    let project = repository();
    let here = project.root();
    let start = |root: &Path| name(&project, root);
    let settle = || (start(here), start(here), asks_cargo(&project));
    assert_eq!(settle(), ("one".to_owned(), "one".to_owned(), false));

    // An edit with a time in the future, and a second one.
    let source = here.join("part/src/lib.rs");
    for name in ["two", "six"] {
        fs::write(&source, part(name)).unwrap();
        set_modified(&source, SystemTime::now() + Duration::from_secs(3600));
        assert_eq!(start(here), name);
    }
    fs::write(&source, part("ten")).unwrap();
    assert_eq!(settle(), ("ten".to_owned(), "ten".to_owned(), false));

    // A copy of the repository with all times, and with another source.
    let copy = project.beside("copy");
    let copied = Command::new("cp").arg("-a").args([here, &copy]).status();
    assert!(copied.unwrap().success());
    fs::write(copy.join("part/src/lib.rs"), part("old")).unwrap();
    assert_eq!(start(&copy), "old");
    assert_eq!(start(here), "ten");

    // The binary is gone, and a hook must not write the lock file.
    fs::remove_dir_all(here.join("target/own-xtask")).unwrap();
    assert_eq!(start(here), "ten");
    fs::remove_file(here.join("xtask/Cargo.lock")).unwrap();
    let hook = project.cargo(&["xtask", "hooks", "run", "pre-commit"]);
    let hook = format!("{hook:?}");
    assert!(
        hook.contains("--locked") && hook.ends_with("status 101\n"),
        "{hook}"
    );
    assert!(!here.join("xtask/Cargo.lock").exists());
}
