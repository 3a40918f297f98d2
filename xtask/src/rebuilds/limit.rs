//! A report that is limited to some packages.

use super::report::{RebuildReport, count_once, sum};
use crate::selection::filter::ShownPackages;

impl RebuildReport {
    /// Returns the report about the units of some packages, with the causes that rebuild these
    /// units. The numbers of fresh units and of units that cargo did not reach stay those of the
    /// whole build.
    pub(super) fn limited(&self, shown: &ShownPackages) -> Self {
        let mut limited = self.clone();
        limited.units.retain(|it| shown.contains(&it.package));
        let mut causes = Vec::new();
        let mut places = vec![0; self.causes.len()];
        for (at, cause) in self.causes.iter().enumerate() {
            let cascade = limited.units.iter().filter(|it| it.causes.contains(&at));
            let (units, seconds): (Vec<_>, Vec<_>) = cascade.map(|it| (it, it.seconds)).unzip();
            if units.is_empty() {
                continue;
            }
            places[at] = causes.len();
            let mut cause = cause.clone();
            cause.cascade_units = units.len();
            cause.cascade_seconds = sum(seconds.into_iter().flatten());
            causes.push(cause);
        }
        for unit in &mut limited.units {
            unit.causes.iter_mut().for_each(|it| *it = places[*it]);
        }
        count_once(&mut causes, &limited.units);
        limited.seconds = sum(limited.units.iter().filter_map(|it| it.seconds));
        limited.causes = causes;
        limited
    }
}
