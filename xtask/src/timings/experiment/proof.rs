//! The proof that two ways of building differ: the exact rank-sum test of Mann and Whitney.
//!
//! All times of both ways are ranked together. If the way makes no difference, every split of the
//! ranks into two groups is equally likely. `p` is the share of the splits whose rank sums are at
//! least as unequal as the measured sums. Unlike means, ranks do not depend on how slow a slow run
//! is.

use serde::Serialize;

use crate::cargo_runs::build_times::round;
use crate::timings::compare::median;

/// The limit of `p` for a whole experiment. The figures of an experiment share the limit, so that
/// more figures do not make a chance result likelier.
pub(super) const LIMIT: f64 = 0.05;

/// The verdict on a figure of an experiment.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TrialVerdict {
    /// The settings make the build faster.
    Faster,
    /// The settings make the build slower.
    Slower,
    /// The runs prove no difference.
    NotProven,
}

/// The comparison of both ways.
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Proof {
    /// The median without the settings, in seconds.
    pub before: f64,
    /// The median with the settings, in seconds.
    pub after: f64,
    /// The probability of a difference like this if the settings make no difference.
    pub p: f64,
    /// The verdict.
    pub verdict: TrialVerdict,
}

/// Compares the times of both ways. `figures` is the number of figures that share the limit.
pub(super) fn prove(before: &[f64], after: &[f64], figures: usize) -> Proof {
    let p = rank_sum(before, after);
    let (old, new) = (median(before), median(after));
    let is_proven = p <= LIMIT / figures.max(1) as f64;
    Proof {
        before: round(old),
        after: round(new),
        p: (p * 10_000.0).round() / 10_000.0,
        verdict: match is_proven {
            true if new < old => TrialVerdict::Faster,
            true if new > old => TrialVerdict::Slower,
            _ => TrialVerdict::NotProven,
        },
    }
}

/// Returns the smallest number of runs of each way that can prove a difference, if this many
/// figures share the limit.
pub(super) fn least_runs(figures: usize) -> usize {
    let limit = LIMIT / figures.max(1) as f64;
    // Without equal times, two of all splits are as unequal as possible.
    (1..)
        .find(|&runs| 2.0 / splits(2 * runs, runs) <= limit)
        .unwrap_or(usize::MAX)
}

fn splits(of: usize, chosen: usize) -> f64 {
    (0..chosen).fold(1.0, |product, it| {
        product * (of - it) as f64 / (it + 1) as f64
    })
}

/// Returns `p` of the two-sided test.
fn rank_sum(before: &[f64], after: &[f64]) -> f64 {
    let mut all: Vec<f64> = before.iter().chain(after).copied().collect();
    all.sort_by(f64::total_cmp);
    // Equal times share their ranks. Twice the middle of the shared ranks is a whole number.
    let rank = |time: f64| {
        let first = all.partition_point(|it| *it < time);
        let behind = all.partition_point(|it| *it <= time);
        first + behind + 1
    };
    let ranks: Vec<usize> = all.iter().map(|&time| rank(time)).collect();
    let (count, sum) = (after.len(), ranks.iter().sum::<usize>());
    let measured: usize = after.iter().map(|&time| rank(time)).sum();
    // `ways[k][s]`: the number of choices of `k` ranks with the sum `s`.
    let mut ways = vec![vec![0.0; sum + 1]; count + 1];
    ways[0][0] = 1.0;
    for &rank in &ranks {
        for chosen in (1..=count).rev() {
            for total in rank..=sum {
                ways[chosen][total] += ways[chosen - 1][total - rank];
            }
        }
    }
    let expected = sum as f64 * count as f64 / all.len().max(1) as f64;
    let distance = |sum: usize| (sum as f64 - expected).abs();
    let far = (0..=sum).filter(|&it| distance(it) >= distance(measured) - 1e-9);
    let all: f64 = ways[count].iter().sum();
    far.map(|it| ways[count][it]).sum::<f64>() / all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_agrees_with_the_published_tables() {
        for (before, after, p) in [
            // Complete separation: 2 of C(2n, n) splits.
            (&[1.0, 2.0, 3.0][..], &[4.0, 5.0, 6.0][..], 2.0 / 20.0),
            (&[1.0, 2.0, 3.0, 4.0], &[5.0, 6.0, 7.0, 8.0], 2.0 / 70.0),
            (
                &[1.0, 2.0, 3.0, 4.0, 5.0],
                &[6.0, 7.0, 8.0, 9.0, 10.0],
                2.0 / 252.0,
            ),
            // U = 1 with five runs each: 4 of 252 splits.
            (
                &[1.0, 2.0, 3.0, 4.0, 6.0],
                &[5.0, 7.0, 8.0, 9.0, 10.0],
                4.0 / 252.0,
            ),
            // U = 2: 8 of 252 splits.
            (
                &[1.0, 2.0, 3.0, 4.0, 7.0],
                &[5.0, 6.0, 8.0, 9.0, 10.0],
                8.0 / 252.0,
            ),
            (&[1.0, 1.0, 1.0], &[1.0, 1.0, 1.0], 1.0),
            (&[1.0, 4.0], &[2.0, 3.0], 1.0),
            (&[1.0], &[2.0], 1.0),
            // Equal times share their ranks: 2 of 6 splits.
            (&[1.0, 1.0], &[2.0, 2.0], 2.0 / 6.0),
        ] {
            let found = rank_sum(before, after);
            assert!((found - p).abs() < 1e-12, "{before:?} {after:?}: {found}");
            assert!((rank_sum(after, before) - p).abs() < 1e-12, "both sides");
        }
    }

    #[test]
    fn few_runs_and_overlapping_runs_do_not_prove_a_difference() {
        use TrialVerdict::{Faster, NotProven, Slower};
        let low = [1.0, 1.1, 1.2, 1.3, 1.4];
        let high = [2.0, 2.1, 2.2, 2.3, 2.4];
        for (before, after, figures, verdict) in [
            (&high[..], &low[..], 2, Faster),
            (&low, &high, 2, Slower),
            // One very slow run changes one rank only.
            (&[90.0, 2.1, 2.2, 2.3, 2.4], &low, 2, Faster),
            (&[1.0, 2.1, 2.2, 2.3, 2.4], &low, 2, NotProven),
            (&high[..4], &low[..4], 1, Faster),
            (&high[..4], &low[..4], 2, NotProven),
            (&high[..3], &low[..3], 1, NotProven),
            (&low, &low, 1, NotProven),
        ] {
            let proof = prove(before, after, figures);
            assert_eq!(proof.verdict, verdict, "{before:?} {after:?} {proof:?}");
        }
        assert_eq!([1, 2, 3].map(least_runs), [4, 5, 5]);
    }

    /// Makes ten thousand experiments without any difference. The share that is called proven is at
    /// most the limit.
    #[test]
    fn false_proofs_are_as_rare_as_the_limit() {
        let mut state = 1_u64;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 40) as f64
        };
        let mut proven = 0;
        for _ in 0..10_000 {
            let mut runs = || -> Vec<f64> { (0..5).map(|_| next()).collect() };
            let proof = prove(&runs(), &runs(), 1);
            proven += usize::from(proof.verdict != TrialVerdict::NotProven);
        }
        assert!((100..=550).contains(&proven), "{proven} of 10,000");
    }
}
