//! `run-affected --watch`: runs a tool on what each save affects.
//!
//! The system's events wait in a channel while the tool runs. When the tool has ended and no event
//! has arrived for a moment, all waiting events become one batch, and the tool runs once for the
//! batch.

mod batch;
mod places;

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use batch::{Batch, happened};
use camino::{Utf8Path, Utf8PathBuf};
use places::Places;
use xtask_impact::process::Runner;
use xtask_impact::vcs::Repository;
use xtask_impact::{files, process, quote, usage};

use super::{Args, run_once, text};
use crate::built_from::content::{ContentHash, hash_of};
use crate::cli::output;
use crate::cli::status::Status;

/// The time without events after which a batch is complete. Editors write a file in several steps.
const SETTLE: Duration = Duration::from_millis(150);
/// The time without events after git has written files. Git moves `HEAD` after the files.
const SETTLE_GIT: Duration = Duration::from_millis(600);

type Events = Receiver<notify::Result<notify::Event>>;

/// Runs the tool after each save, until a signal ends the kit.
pub(super) fn run(args: &mut Args) -> Result<Status> {
    if let Some(flag) = args.selected.change_flags().first() {
        return Err(usage!(
            "{flag} has no effect with --watch, which runs the tool on what a save affects\nhint: \
             leave out one of the two"
        ));
    }
    let workspaces = args.selected.workspaces(args.all_workspaces)?;
    let runner = Runner::new()?;
    let here = &workspaces[0].workspace.root;
    let repository = Repository::discover(&runner, here)?.ok_or_else(|| {
        usage!(
            "--watch needs git, which knows the ignored files; {} is not in a repository\nhint: \
             run `git init`",
            quote::name(here)
        )
    })?;
    let top = repository.top_level().to_owned();
    let directories = workspaces.iter().map(|it| it.workspace.directories());
    let excluded = directories.flat_map(|it| [it.build, it.target]).collect();
    let (sender, events) = mpsc::channel();
    let watcher = notify::recommended_watcher(sender).context("cannot watch files")?;
    let mut places = Places::new(repository, watcher, excluded)?;
    let number = output::count(places.number(), "directory");
    output::status("Watching", format_args!("{number} of {top}; Ctrl-C ends"));
    let lock = places.lock()?.into_std_path_buf();
    let mut watch = WatchLoop {
        head: head(&runner, &top, &lock)?,
        lock,
        contents: HashMap::new(),
        failed: BTreeSet::new(),
        runner,
        top,
    };
    loop {
        let saves = watch.next(&events, &mut places)?;
        if saves.is_empty() {
            continue;
        }
        let status = watch.run(args, &saves);
        if let Some(signal) = process::signal_received() {
            return Ok(Status::Forwarded(process::status_of(signal)));
        }
        // The user interrupted the tool, even if the kit did not get the signal.
        if status == Status::Forwarded(process::status_of(2)) {
            return Ok(status);
        }
    }
}

/// The state between two runs.
struct WatchLoop {
    runner: Runner,
    top: Utf8PathBuf,
    lock: PathBuf,
    /// The branch and the commit that were checked out at the last batch.
    head: CheckedOut,
    /// A hash of each saved file's content.
    contents: HashMap<Utf8PathBuf, ContentHash>,
    /// The saves of runs that failed. They count again in the next run.
    failed: BTreeSet<Utf8PathBuf>,
}

impl WatchLoop {
    /// Waits for saves.
    fn next(&mut self, events: &Events, places: &mut Places) -> Result<BTreeSet<Utf8PathBuf>> {
        let mut batch = Batch::default();
        // Events that wait already were caused while the tool ran, maybe by the tool.
        let mut were_waiting = true;
        loop {
            let time = match batch.is_by_git() {
                true => SETTLE_GIT,
                false => SETTLE,
            };
            let received = match batch.is_empty() {
                true if were_waiting => match events.try_recv() {
                    Ok(event) => Ok(event),
                    Err(_) => {
                        were_waiting = false;
                        continue;
                    }
                },
                true => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
                false => events.recv_timeout(time),
            };
            match received {
                Ok(event) => {
                    let event = event.context("cannot watch files")?;
                    for it in happened(&event, &self.lock) {
                        batch.add(it);
                    }
                }
                Err(RecvTimeoutError::Timeout) if batch.is_locked() && self.lock.exists() => {}
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(anyhow::anyhow!("the system no longer watches the files"));
                }
            }
        }
        self.complete(batch, places, were_waiting)
    }

    /// Returns the saves of a batch.
    fn complete(
        &mut self,
        mut batch: Batch,
        places: &mut Places,
        during_run: bool,
    ) -> Result<BTreeSet<Utf8PathBuf>> {
        let now = head(&self.runner, &self.top, &self.lock)?;
        let head_moved = std::mem::replace(&mut self.head, now) != self.head;
        let has_lost = batch.has_lost();
        let (mut written, switched) = batch.take(head_moved);
        if has_lost {
            output::warning("the system lost events: every file counts as saved");
            written.extend(places.all());
        }
        if switched > 0 {
            output::note(text::switched(switched));
        }
        let mut saves = places.saves(&written)?;
        saves.retain(|path| {
            let content = files::read(path.as_std_path(), files::SOURCE);
            let hash = hash_of(&content.unwrap_or_default());
            let is_same = self.contents.insert(path.clone(), hash) == Some(hash);
            // A tool that writes equal content, such as a build script, would start a run for ever.
            !(during_run && is_same)
        });
        Ok(saves)
    }

    /// Runs the tool, and prints one line.
    fn run(&mut self, args: &mut Args, saves: &BTreeSet<Utf8PathBuf>) -> Status {
        let start = Instant::now();
        self.failed.extend(saves.iter().cloned());
        self.failed
            .retain(|path| saves.contains(path) || path.exists());
        args.selected.count_as_changed(&self.failed);
        let status = run_once(args).unwrap_or_else(|error| {
            output::error(&error);
            Status::of(&error)
        });
        if status == Status::Done {
            self.failed.clear();
        }
        let first = saves.iter().next().map_or("", |it| relative(it, &self.top));
        let verb = if status == Status::Done {
            "Passed"
        } else {
            "Failed"
        };
        let line = text::watched(args.tool, first, saves.len(), start.elapsed());
        output::status(verb, line);
        status
    }
}

fn relative<'a>(path: &'a Utf8Path, top: &Utf8Path) -> &'a str {
    path.strip_prefix(top).unwrap_or(path).as_str()
}

/// The content of git's `HEAD`, and the commit. The commit alone does not show a commit and a switch
/// back to the branch's old commit.
type CheckedOut = (Option<Vec<u8>>, Option<String>);

/// Returns what is checked out. `HEAD` lies next to git's lock.
fn head(runner: &Runner, top: &Utf8Path, lock: &Path) -> Result<CheckedOut> {
    let repository = Repository::discover(runner, top)?;
    let commit = repository.and_then(|it| Some(it.head()?.0.clone()));
    let reference = files::read(lock.with_file_name("HEAD"), files::SETTINGS);
    Ok((reference.ok(), commit))
}
