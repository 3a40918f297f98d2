//! The order in which units may run, without the times at which they did.

use super::BuildTimings;

/// What has to be there before a unit starts. Of two that come at one moment the first counts
/// first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Until {
    /// The other unit's metadata.
    Metadata,
    /// The other unit's end.
    End,
    /// The end of the other unit, and of all that it stands on.
    AllBelow,
}

/// Units with their lengths, and what each waits for.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// In the places that they have in the build.
    pub jobs: Vec<Job>,
    /// Places, every unit after what it waits for.
    pub order: Vec<usize>,
    /// For every unit those that wait for it, and for what of it.
    pub users: Vec<Vec<(usize, Until)>>,
    /// How many units wait for each, be it through others; itself included. Cargo starts those
    /// with the highest number first (`DependencyQueue`).
    pub priority: Vec<usize>,
}

/// One unit of a schedule. Times are seconds.
#[derive(Clone, Debug)]
pub struct Job {
    /// From start to end; 0 where it did not run.
    pub duration: f64,
    /// From start to metadata.
    pub metadata: f64,
    /// When it started in the measured build.
    pub start: f64,
    /// What it waits for.
    pub waits: Vec<(usize, Until)>,
}

impl Schedule {
    /// The schedule of a build.
    ///
    /// # Errors
    /// In words, where a unit waits for one that is not there, or for itself: the record is damaged.
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
            // Whoever waits for an end need not wait for the metadata too.
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
            return Err("units wait for one another in a circle".to_owned());
        }
        let priority = priorities(&order, &users);
        Ok(Self {
            jobs,
            order,
            users,
            priority,
        })
    }

    /// For every unit the moment from which all that it stands on, and itself, has ended, given
    /// the ends; and which unit's end that is.
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

/// Counts each unit's users, direct and indirect: a set of bits for each, a word for 64 units.
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
