//! The layer of each node.

use super::Arrow;

/// The maximum number of times that all nodes are moved.
const ROUNDS: usize = 12;

/// Returns the layer of each node, from the top, so that each edge runs down. The edges have no cycle.
/// A node starts as far down as its dependencies allow, and is then moved to where the sum of the
/// lengths of its edges is smallest.
pub(super) fn layers(nodes: usize, arrows: &[Arrow]) -> Vec<usize> {
    let (mut below, mut above) = (vec![Vec::new(); nodes], vec![Vec::new(); nodes]);
    for arrow in arrows {
        below[arrow.from].push(arrow.to);
        above[arrow.to].push(arrow.from);
    }
    // The distance from the bottom.
    let mut depth = vec![0; nodes];
    let mut waiting: Vec<usize> = below.iter().map(Vec::len).collect();
    let mut order: Vec<usize> = (0..nodes).filter(|&node| waiting[node] == 0).collect();
    let mut next = 0;
    while let Some(&node) = order.get(next) {
        next += 1;
        for &dependent in &above[node] {
            depth[dependent] = depth[dependent].max(depth[node] + 1);
            waiting[dependent] -= 1;
            if waiting[dependent] == 0 {
                order.push(dependent);
            }
        }
    }
    for _ in 0..ROUNDS {
        let before = depth.clone();
        for &node in order.iter().rev() {
            let least = below[node].iter().map(|&on| depth[on] + 1).max();
            let most = above[node].iter().map(|&by| depth[by] - 1).min();
            let is_pulled_up = above[node].len() > below[node].len();
            depth[node] = match most.filter(|_| is_pulled_up) {
                Some(most) => most,
                None => least.unwrap_or(0),
            };
        }
        if depth == before {
            break;
        }
    }
    let deepest = depth.iter().copied().max().unwrap_or(0);
    let layers: Vec<usize> = depth.iter().map(|depth| deepest - depth).collect();
    closed(layers)
}

/// Closes the gaps: layers that no node stands in.
fn closed(mut layers: Vec<usize>) -> Vec<usize> {
    let mut used = layers.clone();
    used.sort_unstable();
    used.dedup();
    for layer in &mut layers {
        *layer = used.binary_search(layer).unwrap_or(0);
    }
    layers
}
