//! The order in which units may run, independent of their measured times.

use super::BuildTimings;

/// The event of a dependency that a unit waits for. Of two events at the same moment, the smaller
/// one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Until {
    /// The dependency's metadata is written.
    Metadata,
    /// The dependency ends.
    End,
    /// The dependency and all its direct and indirect dependencies end.
    AllBelow,
}

/// The units with their durations and their dependencies.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// The units, by their index in the build.
    pub jobs: Vec<Job>,
    /// The indices of the units, each after its dependencies.
    pub order: Vec<usize>,
    /// The direct dependents of every unit, with the event that each of them waits for.
    pub users: Vec<Vec<(usize, Until)>>,
    /// The number of each unit's direct and indirect dependents, the unit itself included. Cargo
    /// starts the units with the highest number first (`DependencyQueue`).
    pub priority: Vec<usize>,
}

/// One unit of a schedule. Times are seconds.
#[derive(Clone, Debug)]
pub struct Job {
    /// The time from start to end. 0 if the unit did not run.
    pub duration: f64,
    /// The time from start to metadata.
    pub metadata: f64,
    /// The start of the unit in the measured build.
    pub start: f64,
    /// The dependencies that the unit waits for, and the event of each.
    pub waits: Vec<(usize, Until)>,
}

impl Schedule {
    /// Returns the schedule of a build.
    ///
    /// # Errors
    /// Returns a message if a unit waits for a unit that does not exist, or for itself: the record
    /// is damaged.
    pub fn new(build: &BuildTimings) -> Result<Self, String> {
        let count = build.units.len();
        let mut jobs = Vec::with_capacity(count);
        let mut users = vec![Vec::new(); count];
        for (place, unit) in build.units.iter().enumerate() {
            let until = match unit.links {
                true => Until::AllBelow,
                false => Until::End,
            };
            let metadata = unit.needs_metadata.iter().map(|&it| (it, Until::Metadata));
            let needs = unit.needs.iter().map(|&it| (it, until));
            let mut waits: Vec<_> = needs.chain(metadata).collect();
            // A unit that waits for the end of a dependency need not wait for its metadata, too.
            waits.sort_by_key(|&(it, _)| it);
            waits.dedup_by_key(|&mut (it, _)| it);
            for &(below, until) in &waits {
                let users: &mut Vec<(usize, Until)> = users
                    .get_mut(below)
                    .ok_or_else(|| format!("{unit} waits for a unit that is not there"))?;
                users.push((place, until));
            }
            jobs.push(Job {
                duration: unit.duration,
                metadata: unit.metadata(),
                start: unit.start,
                waits,
            });
        }
        let mut open: Vec<usize> = jobs.iter().map(|job| job.waits.len()).collect();
        let mut order: Vec<usize> = (0..count).filter(|&place| open[place] == 0).collect();
        let mut next = 0;
        while let Some(&place) = order.get(next) {
            next += 1;
            for &(user, _) in &users[place] {
                open[user] -= 1;
                if open[user] == 0 {
                    order.push(user);
                }
            }
        }
        if order.len() < count {
            return Err("units wait for each other in a cycle".to_owned());
        }
        let priority = priorities(&order, &users);
        Ok(Self {
            jobs,
            order,
            users,
            priority,
        })
    }

    /// Returns, for every unit, the moment when the unit and all its direct and indirect
    /// dependencies have ended, and the unit that ends last. `end` has the end of each unit.
    pub fn all_below(&self, end: &[f64]) -> Vec<(f64, usize)> {
        let mut below: Vec<(f64, usize)> = end.iter().copied().zip(0..).collect();
        for &place in &self.order {
            for &(it, _) in &self.jobs[place].waits {
                if below[it].0 > below[place].0 {
                    below[place] = below[it];
                }
            }
        }
        below
    }
}

/// Counts each unit's direct and indirect dependents, with a set of bits for each unit: one word
/// for 64 units.
fn priorities(order: &[usize], users: &[Vec<(usize, Until)>]) -> Vec<usize> {
    let words = users.len().div_ceil(64);
    let mut sets: Vec<Vec<u64>> = vec![Vec::new(); users.len()];
    let mut priority = vec![0; users.len()];
    for &place in order.iter().rev() {
        let mut set = vec![0_u64; words];
        set[place / 64] |= 1 << (place % 64);
        for &(user, _) in &users[place] {
            for (word, other) in set.iter_mut().zip(&sets[user]) {
                *word |= other;
            }
        }
        priority[place] = set.iter().map(|word| word.count_ones() as usize).sum();
        sets[place] = set;
    }
    priority
}
