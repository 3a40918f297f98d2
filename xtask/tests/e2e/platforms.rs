//! Where a triple is named, cargo builds for the host apart, even if it is the host's.

use crate::support::Project;
use crate::support::clean::{CHECK, host};

const CONFIG: &str = ".cargo/config.toml";

/// `signal` has a script that is built from `points`, which is built from `rail`, and is built from
/// `rail` and a macro itself.
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
fn flags_reach_the_host_only_where_no_triple_is_named() {
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
fn what_the_host_has_stays_when_flags_are_cleaned_after() {
    let project = project();
    project.write(CONFIG, &format!("build.target = \"{}\"\n", host()));
    project.commit("Configure");
    project.append(CONFIG, "build.rustflags = [\"--cfg\", \"winter\"]\n");
    let builds = project.build_each(&[CHECK.to_vec()]);
    let affected = project.named(&["--since", "HEAD"]);
    project.clean_as_planned(&["--since", "HEAD"]);
    project.builds_again(&affected, &builds);
}

/// Cargo takes the first flags that there are: the environment's, the platform's, `build`'s.
#[test]
fn flags_that_others_go_before_reach_nothing() {
    let project = project();
    let of_build = "[build]\nrustflags = [\"--cfg\", \"winter\"]\n";
    let of_host = "[target.'cfg(all())']\nrustflags = [\"--cfg\", \"snow\"]\n";
    project.write(CONFIG, of_host);
    project.commit("Configure");
    project.build(CHECK).unwrap();
    // None of them twice: what was compiled with other flags lies beside.
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

/// Cargo asks for the second table with the flags of the first.
#[test]
#[cfg(target_arch = "x86_64")]
fn flags_can_decide_whose_flags_count() {
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

/// What is written in the work tree alone has no part in what two commits differ by.
#[test]
fn flags_that_are_not_committed_go_before_none() {
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
fn a_linker_is_the_hosts_too() {
    let project = project();
    project.write(CONFIG, &format!("build.target = \"{}\"\n", host()));
    project.commit("Configure");
    project.build(CHECK).unwrap();
    project.append(CONFIG, &format!("[target.{}]\nlinker = \"cc\"\n", host()));
    let answer = project.named(&[]);
    assert_eq!(answer, project.build(CHECK).unwrap());
    assert_eq!(answer.len(), 10, "{answer:?}");
}
