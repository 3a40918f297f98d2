//! Chromium, for tests of HTML pages.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use super::Project;

/// An installed Chromium.
pub(crate) struct Browser(PathBuf);

impl Browser {
    /// Finds Chromium, under any of its usual names. If there is none, prints that the test is
    /// skipped.
    pub(crate) fn find() -> Option<Self> {
        let names = ["chromium", "chromium-browser", "google-chrome"];
        let path = std::env::var_os("PATH").unwrap_or_default();
        let directories: Vec<PathBuf> = std::env::split_paths(&path).collect();
        let mut candidates = names
            .iter()
            .flat_map(|name| directories.iter().map(move |it| it.join(name)));
        let found = candidates.find(|path| path.is_file());
        if found.is_none() {
            // `eprintln!` would be invisible, because the output of a passing test is captured.
            let skipped = "skipped: no chromium on PATH (Debian: apt-get install chromium)\n";
            std::io::stderr().write_all(skipped.as_bytes()).unwrap();
        }
        found.map(Self)
    }

    /// Opens a page with a script at its end, and returns the text that the script put into the
    /// element `seen`.
    pub(crate) fn read(&self, project: &Project, page: &str, script: &str) -> String {
        let page = page.replace("</body>", &format!("{script}</body>"));
        project.write("target/page.html", &page);
        let mut command = Command::new(&self.0);
        command
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
            ])
            .args(["--disable-background-networking", "--window-size=1400,1000"])
            .args(["--virtual-time-budget=2000", "--dump-dom"])
            .arg(format!(
                "--user-data-dir={}",
                project.beside("browser").display()
            ))
            .arg(project.path("target/page.html"));
        let output = command.output().unwrap();
        let document = String::from_utf8_lossy(&output.stdout);
        let Some((_, seen)) = document.split_once(r#"<pre id="seen">"#) else {
            panic!("the page's script broke off: {document}");
        };
        let (seen, _) = seen.split_once("</pre>").unwrap();
        let escapes = [
            ("&lt;", "<"),
            ("&gt;", ">"),
            ("&nbsp;", " "),
            ("&amp;", "&"),
        ];
        escapes
            .iter()
            .fold(seen.to_owned(), |seen, (escape, c)| seen.replace(escape, c))
    }
}
