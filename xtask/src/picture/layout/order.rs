//! The order of the nodes within each layer.

use super::Arrow;

/// The number of sweeps over all layers, in each direction.
const SWEEPS: usize = 16;
/// The maximum number of cells per node. Beyond it, an edge over several layers gets no cells of its
/// own, since most of the drawing would be cells of edges.
const CELLS: usize = 8;

/// A node, or the place where an edge crosses a layer.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    /// The index of the node; `None` for an edge.
    pub node: Option<usize>,
    /// The layer.
    pub layer: usize,
    /// The cells that edges lead to, upward and downward.
    pub near: [Vec<usize>; 2],
}

/// The cells of all layers. The first cells are the nodes.
#[derive(Debug)]
pub(super) struct Grid {
    /// The cells.
    pub cells: Vec<Cell>,
    /// The cells of each layer, in order.
    pub layers: Vec<Vec<usize>>,
    /// The cells between the ends of each edge, from top to bottom.
    ways: Vec<Vec<usize>>,
    /// The place of each cell in its layer, from 0 to 1.
    share: Vec<f64>,
}

impl Grid {
    /// Makes the cells of nodes and edges.
    pub(super) fn new(layers: &[usize], arrows: &[Arrow]) -> Self {
        let mut cells: Vec<Cell> = (layers.iter().enumerate())
            .map(|(node, &layer)| Cell {
                node: Some(node),
                layer,
                near: [Vec::new(), Vec::new()],
            })
            .collect();
        let between = |arrow: &Arrow| layers[arrow.from] + 1..layers[arrow.to];
        let crossings: usize = arrows.iter().map(|arrow| between(arrow).len()).sum();
        let are_routed = crossings <= CELLS * layers.len();
        let mut ways = Vec::new();
        for arrow in arrows {
            let (mut last, mut way) = (arrow.from, Vec::new());
            for layer in between(arrow).filter(|_| are_routed) {
                way.push(cells.len());
                cells.push(Cell {
                    node: None,
                    layer,
                    near: [Vec::new(), Vec::new()],
                });
            }
            for &next in way.iter().chain([&arrow.to]) {
                cells[last].near[1].push(next);
                cells[next].near[0].push(last);
                last = next;
            }
            ways.push(way);
        }
        let number = layers.iter().max().map_or(0, |last| last + 1);
        let mut grid = Self {
            share: vec![0.0; cells.len()],
            layers: vec![Vec::new(); number],
            cells,
            ways,
        };
        for (cell, it) in grid.cells.iter().enumerate() {
            grid.layers[it.layer].push(cell);
        }
        for layer in 0..number {
            grid.number(layer);
        }
        grid
    }

    /// Returns the cells between the ends of each edge, from top to bottom.
    pub(super) fn ways(&self) -> &[Vec<usize>] {
        &self.ways
    }

    /// Sorts each layer by the barycenters of the neighbours on one side, from the top to the bottom
    /// and back, and keeps the order with the fewest crossings.
    pub(super) fn order(&mut self) {
        let mut best = (self.crossings(), self.layers.clone());
        for sweep in 0..SWEEPS {
            let side = sweep % 2;
            let number = self.layers.len();
            for at in 0..number {
                self.sort(if side == 0 { at } else { number - 1 - at }, side);
            }
            let crossings = self.crossings();
            if crossings < best.0 {
                best = (crossings, self.layers.clone());
            }
        }
        self.layers = best.1;
        for layer in 0..self.layers.len() {
            self.number(layer);
        }
    }

    fn sort(&mut self, layer: usize, side: usize) {
        let mut keyed: Vec<(f64, usize)> = self.layers[layer]
            .iter()
            .map(|&cell| {
                let near = &self.cells[cell].near[side];
                let sum: f64 = near.iter().map(|&it| self.share[it]).sum();
                let mean = match near.len() {
                    0 => self.share[cell],
                    number => sum / number as f64,
                };
                (mean, cell)
            })
            .collect();
        keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
        self.layers[layer] = keyed.into_iter().map(|(_, cell)| cell).collect();
        self.number(layer);
    }

    fn number(&mut self, layer: usize) {
        let length = self.layers[layer].len() as f64;
        for (row, &cell) in self.layers[layer].iter().enumerate() {
            self.share[cell] = (row as f64 + 0.5) / length;
        }
    }

    /// Returns the number of crossings between edges of neighbouring layers.
    fn crossings(&self) -> usize {
        let mut row = vec![0; self.cells.len()];
        for layer in &self.layers {
            for (at, &cell) in layer.iter().enumerate() {
                row[cell] = at;
            }
        }
        let pairs = self.layers.windows(2);
        pairs
            .map(|pair| {
                let mut ends = Vec::new();
                for &cell in &pair[0] {
                    let layer = self.cells[cell].layer + 1;
                    let near = self.cells[cell].near[1].iter();
                    let mut next: Vec<usize> = near
                        .filter(|&&it| self.cells[it].layer == layer)
                        .map(|&it| row[it])
                        .collect();
                    next.sort_unstable();
                    ends.extend(next);
                }
                inversions(&ends, pair[1].len())
            })
            .sum()
    }
}

/// Returns the number of pairs whose second value is less than the first. All values are less than
/// `limit`.
fn inversions(values: &[usize], limit: usize) -> usize {
    // A tree of sums: `sums[i]` counts the values in a range that ends at `i`.
    let mut sums = vec![0; limit + 1];
    let mut found = 0;
    for (seen, &value) in values.iter().enumerate() {
        let (mut up_to, mut at) = (0, value + 1);
        while at > 0 {
            up_to += sums[at];
            at &= at - 1;
        }
        found += seen - up_to;
        at = value + 1;
        while at <= limit {
            sums[at] += 1;
            at += at & at.wrapping_neg();
        }
    }
    found
}

#[test]
fn inversions_are_counted() {
    for (values, expected) in [
        (&[][..], 0),
        (&[0, 1, 2], 0),
        (&[2, 1, 0], 3),
        (&[1, 1, 0], 2),
    ] {
        assert_eq!(inversions(values, 3), expected, "{values:?}");
    }
}
