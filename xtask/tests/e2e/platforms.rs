//! If a triple is named, cargo builds separately for the host, even if the triple is the host's.

use crate::support::Project;
use crate::support::clean::{CHECK, host};

const CONFIG: &str = ".cargo/config.toml";

/// Makes a project in which `signal` depends on `rail` and on a macro. The build script of `signal`
/// depends on `points`, which depends on `rail`.
fn project() -> Project {
    let project = Project::with_libraries(&[
        ("rail", &[]),
        ("points", &["rail"]),
        ("labels", &[]),
        ("signal", &["rail", "labels"]),
    ]);
    project.append("crates/labels/Cargo.toml", "[lib]\nproc-macro = true\n");
    let points = "[build-dependencies]\npoints = { path = \"../points\" }\n";
    project.append("crates/signal/Cargo.toml", points);
    let script = "fn main() { println!(\"cargo::rerun-if-changed=build.rs\"); }\n";
    project.write("crates/signal/build.rs", script);
    project
}

#[test]
fn flags_affect_the_host_only_without_a_named_triple() {
    let flags = "rustflags = [\"--cfg\", \"winter\"]\n";
    let edits = ["[build]\n".to_owned(), format!("[target.{}]\n", host())];
    for edit in [edits[0].as_str(), &edits[1], "[target.'cfg(all())']\n"] {
        for named in [false, true] {
            let project = project();
            let triple = match named {
                true => format!("build.target = \"{}\"\n", host()),
                false => String::new(),
            };
            project.write(CONFIG, &triple);
            project.commit("Configure");
            project.build(CHECK).unwrap();
            let edit = match (named, edit) {
                (true, "[build]\n") => format!("build.{flags}"),
                _ => format!("{edit}{flags}"),
            };
            project.append(CONFIG, &edit);
            let answer = project.named(&[]);
            assert_eq!(answer, project.build(CHECK).unwrap(), "{triple}{edit}");
            assert_eq!(answer.len(), if named { 7 } else { 10 }, "{answer:?}");
        }
    }
}

#[test]
#[cfg(unix)]
fn host_artifacts_stay_if_only_target_flags_change() {
    let project = project();
    project.write(CONFIG, &format!("build.target = \"{}\"\n", host()));
    project.commit("Configure");
    project.append(CONFIG, "build.rustflags = [\"--cfg\", \"winter\"]\n");
    let builds = project.build_each(&[CHECK.to_vec()]);
    let affected = project.named(&["--since", "HEAD"]);
    project.clean_as_planned(&["--since", "HEAD"]);
    project.builds_again(&affected, &builds);
}

/// Cargo uses the first flags that exist: those of the environment, then of the platform, then of
/// `build`.
#[test]
fn overridden_flags_affect_nothing() {
    let project = project();
    let of_build = "[build]\nrustflags = [\"--cfg\", \"winter\"]\n";
    let of_host = "[target.'cfg(all())']\nrustflags = [\"--cfg\", \"snow\"]\n";
    project.write(CONFIG, of_host);
    project.commit("Configure");
    project.build(CHECK).unwrap();
    // No flags are used twice, because artifacts for other flags are kept next to each other.
    let build = |flag: &str| of_build.replace("winter", flag);
    let host = |flag: &str| of_host.replace("snow", flag);
    for (config, units) in [
        (of_host.to_owned() + of_build, 0),
        (host("thaw") + of_build, 10),
        (build("spring"), 10),
        (build("summer"), 10),
        (host("rain") + &build("summer"), 10),
        (host("rain") + &build("autumn"), 0),
        (
            host("rain").replace("all()", "any()") + &build("autumn"),
            10,
        ),
    ] {
        project.write(CONFIG, &config);
        let answer = project.named(&["--since", "HEAD"]);
        assert_eq!(answer.len(), units, "{config}{answer:?}");
        assert_eq!(answer, project.build(CHECK).unwrap(), "{config}");
        project.commit("Configure");
    }
}

/// Cargo evaluates the second table with the flags of the first table.
#[test]
#[cfg(target_arch = "x86_64")]
fn flags_can_enable_another_table_of_flags() {
    let tables = format!(
        "[target.{}]\nrustflags = [\"-Ctarget-feature=+avx2\"]\n\
         [target.'cfg(target_feature = \"avx2\")']\nrustflags = [\"--cfg\", \"winter\"]\n",
        host()
    );
    let never = "[build]\nrustflags = [\"-Ctarget-feature=+avx2\", \"--cfg\", \"winter\"]\n\
                 [target.'cfg(not(target_feature = \"avx2\"))']\nrustflags = [\"-g\"]\n";
    for config in [&*tables, never] {
        let project = project();
        project.write(CONFIG, config);
        project.commit("Configure");
        project.build(CHECK).unwrap();
        project.write(CONFIG, &config.replace("winter", "spring"));
        let answer = project.named(&[]);
        assert_eq!(answer, project.build(CHECK).unwrap(), "{config}");
        assert_eq!(answer.len(), 10, "{answer:?}");
    }
}

/// The configuration in the work tree does not count in a comparison of two commits.
#[test]
fn uncommitted_flags_do_not_override_committed_flags() {
    let project = project();
    project.write(CONFIG, "[build]\nrustflags = [\"--cfg\", \"winter\"]\n");
    project.commit("Configure");
    project.write(CONFIG, "[build]\nrustflags = [\"--cfg\", \"spring\"]\n");
    project.commit("Configure otherwise");
    let commits = ["--since", "HEAD~1", "--head", "HEAD"];
    assert_eq!(project.named(&commits).len(), 10);
    project.append(CONFIG, "[target.'cfg(all())']\nrustflags = [\"-g\"]\n");
    assert_eq!(project.named(&commits).len(), 10);
}

#[test]
fn a_linker_change_also_affects_the_host() {
    let project = project();
    project.write(CONFIG, &format!("build.target = \"{}\"\n", host()));
    project.commit("Configure");
    project.build(CHECK).unwrap();
    project.append(CONFIG, &format!("[target.{}]\nlinker = \"cc\"\n", host()));
    let answer = project.named(&[]);
    assert_eq!(answer, project.build(CHECK).unwrap());
    assert_eq!(answer.len(), 10, "{answer:?}");
}
