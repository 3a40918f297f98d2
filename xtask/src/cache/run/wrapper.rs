//! The kit's own wrapper around rustc: a script that sends each compilation to one of the private
//! servers, or starts rustc itself.

use std::io;

use camino::Utf8Path;
use xtask_impact::private_dir::write_program;
use xtask_impact::process::Runner;
use xtask_impact::quote;

use crate::compiler_cache::program::own_variables;
use crate::compiler_cache::server::DISK_ALONE;

/// The name of the script in the private directory.
pub(super) const NAME: &str = "rustc-wrapper";

/// The file that sends compilations to the server for the disk.
const TO_DISK: &str = "use-disk-alone";

/// The file that makes compilations start rustc itself.
const NO_CACHE: &str = "use-no-cache";

/// Writes the script.
pub(super) fn write(private: &Utf8Path, sccache: &Utf8Path, runner: &Runner) -> io::Result<()> {
    write_program(
        &private.join(NAME),
        script(private, sccache, &own_variables(runner)),
    )
}

/// Sends all further compilations to the server for the disk.
pub(super) fn use_disk_alone(private: &Utf8Path) -> io::Result<()> {
    std::fs::write(private.join(TO_DISK), "")
}

/// Makes all further compilations start rustc itself.
pub(super) fn use_no_cache(private: &Utf8Path) -> io::Result<()> {
    std::fs::write(private.join(NO_CACHE), "")
}

/// Returns the text of the script. A client that finds no server starts a server itself, so clients
/// get the configuration that uses only the disk. If the server stopped while a compilation waited,
/// the compilation is repeated without the cache.
fn script(private: &Utf8Path, sccache: &Utf8Path, variables: &[String]) -> String {
    let word = |path: &Utf8Path| quote::posix_word(path.as_str());
    let unset = variables.iter().filter(|it| quote::is_plain_word(it));
    let unset: String = unset.map(|name| format!("unset {name}\n")).collect();
    format!(
        "#!/bin/sh
# The wrapper of `cargo xtask cache run`.
directory={directory}
{unset}if [ -e \"$directory/{NO_CACHE}\" ]; then
    exec \"$@\"
fi
server=remote
if [ -e \"$directory/{TO_DISK}\" ]; then
    server=disk
fi
SCCACHE_SERVER_UDS=\"$directory/$server.sock\"
SCCACHE_CONF=\"$directory/{DISK_ALONE}\"
SCCACHE_IGNORE_SERVER_IO_ERROR=1
SCCACHE_IDLE_TIMEOUT=60
export SCCACHE_SERVER_UDS SCCACHE_CONF SCCACHE_IGNORE_SERVER_IO_ERROR SCCACHE_IDLE_TIMEOUT
{sccache} \"$@\"
status=$?
if [ $status -ne 0 ]; then
    if [ -e \"$directory/{NO_CACHE}\" ]; then
        exec \"$@\"
    fi
    if [ $server = remote ] && [ -e \"$directory/{TO_DISK}\" ]; then
        exec \"$@\"
    fi
fi
exit $status
",
        directory = word(private),
        sccache = word(sccache),
    )
}

#[cfg(all(test, unix))]
mod tests {
    use std::process::Command;

    use camino::Utf8PathBuf;

    use super::*;

    /// Runs the script with a sccache that prints its socket and fails, and with an `echo` in the
    /// place of rustc.
    fn run(private: &Utf8Path) -> (String, bool) {
        #[expect(clippy::disallowed_methods, reason = "the test starts the script")]
        let output = Command::new("sh")
            .arg(private.join(NAME))
            .args(["echo", "rustc", "two words"])
            .env("SCCACHE_REDIS", "redis://somewhere")
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        (said.replace(private.as_str(), "."), output.status.success())
    }

    #[test]
    fn compilations_go_to_the_server_that_the_files_name() {
        let scratch = tempfile::tempdir().unwrap();
        let private = Utf8PathBuf::from_path_buf(scratch.path().join("it's here")).unwrap();
        std::fs::create_dir(&private).unwrap();
        let sccache = private.join("sccache");
        let text = "#!/bin/sh\necho \"$SCCACHE_SERVER_UDS $SCCACHE_CONF ($SCCACHE_REDIS) $3\"\n";
        write_program(&sccache, format!("{text}exit 7\n")).unwrap();
        let script = script(&private, &sccache, &["SCCACHE_REDIS".to_owned()]);
        write_program(&private.join(NAME), script).unwrap();
        let remote = "./remote.sock ./disk.toml () two words\n";
        assert_eq!(run(&private), (remote.to_owned(), false));
        // The server is lost while the compilation waits.
        let text = text.replace("echo", &format!("touch '{private}/{TO_DISK}'\necho"));
        let text = text.replace(private.as_str(), &private.as_str().replace('\'', "'\\''"));
        write_program(&sccache, format!("{text}exit 7\n")).unwrap();
        let both = format!("{remote}rustc two words\n");
        assert_eq!(run(&private), (both, true));
        // From then on the disk is used, and its failures are failures of the compilation.
        let disk = remote.replace("remote", "disk");
        assert_eq!(run(&private), (disk, false));
        use_no_cache(&private).unwrap();
        assert_eq!(run(&private), ("rustc two words\n".to_owned(), true));
    }
}
