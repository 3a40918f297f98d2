//! Finds the recorded run that a specification names: `latest`, `latest~2`, a label, a commit, a
//! run's id.

use super::Run;

/// The runs that one `--repeat` made, the oldest first. Most series have one run.
pub type Series = Vec<Run>;

/// Groups runs by series. The runs come oldest first, and so do the series.
pub fn series(runs: &[Run]) -> Vec<Series> {
    let mut grouped: Vec<Series> = Vec::new();
    for run in runs {
        let same = |series: &&mut Series| series[0].series == run.series;
        match grouped.iter_mut().rev().find(same) {
            Some(series) => series.push(run.clone()),
            None => grouped.push(vec![run.clone()]),
        }
    }
    grouped
}

/// Returns a history without contended runs, and the number of runs that are left out.
pub fn uncontended(history: &[Series]) -> (Vec<Series>, usize) {
    let mut left_out = 0;
    let mut kept = Vec::new();
    for series in history {
        let alone: Series = series
            .iter()
            .filter(|run| run.contended.is_none())
            .cloned()
            .collect();
        left_out += series.len() - alone.len();
        kept.extend((!alone.is_empty()).then_some(alone));
    }
    (kept, left_out)
}

/// Returns the one series that `spec` names.
///
/// # Errors
/// Returns a message if no series or several series match, and says what to do.
pub fn find<'a>(all: &'a [Series], spec: &str) -> Result<&'a Series, String> {
    let (name, back) = match spec.rsplit_once('~') {
        Some((name, back)) => {
            let wrong = |_| format!("`{spec}`: write a number after `~`, for example `latest~1`");
            (name, Some(back.parse::<usize>().map_err(wrong)?))
        }
        None => (spec, None),
    };
    let is_meant =
        |series: &&Series| name == "latest" || series.iter().any(|run| is_called(run, name));
    let named: Vec<&Series> = all.iter().rev().filter(is_meant).collect();
    match (named.len(), back.or((name == "latest").then_some(0))) {
        (0, _) if all.is_empty() => {
            let hint = "`cargo xtask timings` measures a build and records the run";
            Err(format!("no run is recorded yet\nhint: {hint}"))
        }
        (0, _) => Err(format!(
            "no run is called `{name}`\nhint: `timings list` lists the runs; name a run by \
             `latest`, a label, the beginning of a commit or id, or a file"
        )),
        (count, Some(back)) => named.get(back).copied().ok_or_else(|| match count {
            1 => format!("`{spec}`: only one run is called `{name}`"),
            _ => format!("`{spec}`: only {count} runs are called `{name}`"),
        }),
        (1, None) => Ok(named[0]),
        (count, None) => {
            let shown = named.iter().take(5);
            let shown = shown.map(|it| format!("\n  {}  {}", it[0].id, it[0].started()));
            Err(format!(
                "{count} runs are called `{name}`; use an id, or `{name}~0` for the newest:{}",
                shown.collect::<String>()
            ))
        }
    }
}

fn is_called(run: &Run, name: &str) -> bool {
    let begins = |whole: &str| name.len() >= 4 && whole.starts_with(name);
    run.label.as_deref() == Some(name)
        || run.commit.as_deref().is_some_and(begins)
        || begins(&run.id)
}

/// Returns the newest earlier series that did the same work with the same outcome.
pub fn before<'a>(all: &'a [Series], of: &Run) -> Option<&'a Series> {
    all.iter().rev().find(|series| {
        let last = &series[series.len() - 1];
        last.id < of.id && last.series != of.series && last.is_like(of) && last.failed == of.failed
    })
}
