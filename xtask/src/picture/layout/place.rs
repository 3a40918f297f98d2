//! The coordinates of nodes and edges.

use super::order::{Cell, Grid};
use super::{HEIGHT, Position};

/// The space between two nodes of a layer.
pub(super) const GAP: f64 = 14.0;
/// Half of the space that an edge takes when it crosses a layer.
const LANE: f64 = 4.0;
/// The space between two layers.
const AISLE: f64 = 22.0;
/// The space between two rows of one layer.
pub(super) const NARROW: f64 = 8.0;
/// The least number of nodes that a row may have.
const LEAST: usize = 8;
/// The width of a drawing, divided by its height.
const SHAPE: f64 = 1.4;
/// The number of times that all layers are aligned with their neighbours.
const SWEEPS: usize = 9;

/// Positions of nodes and of the places where edges cross a layer.
pub(super) struct Placed {
    /// The positions of the nodes.
    pub positions: Vec<Position>,
    /// The width and the height of the drawing.
    pub size: (f64, f64),
    /// The middle of each cell.
    x: Vec<f64>,
    /// The top and the bottom of each layer.
    bands: Vec<(f64, f64)>,
    layer: Vec<usize>,
}

impl Placed {
    /// Returns the points at which an edge enters and leaves the layers that it crosses.
    pub(super) fn bends(&self, way: &[usize]) -> Vec<(f64, f64)> {
        let bands = way.iter().map(|&cell| self.bands[self.layer[cell]]);
        let points = bands.zip(way).flat_map(|((top, bottom), &cell)| {
            let x = self.x[cell];
            [(x, top), (x, bottom)]
        });
        points.collect()
    }
}

/// Returns the coordinates. A layer with many nodes is divided into several rows, so that the drawing
/// is not much wider than it is high.
pub(super) fn place(grid: &Grid, widths: &[f64]) -> Placed {
    let nodes = widths.len() as f64;
    let mean = widths.iter().sum::<f64>() / nodes.max(1.0) + GAP;
    let most = (nodes * (HEIGHT + AISLE) * SHAPE / mean).sqrt().ceil();
    let most = (most as usize).max(LEAST);
    let rows: Vec<Vec<Vec<usize>>> = grid.layers.iter().map(|it| split(it, most, grid)).collect();
    let half: Vec<f64> = (grid.cells.iter())
        .map(|cell| cell.node.map_or(LANE, |node| (widths[node] + GAP) / 2.0))
        .collect();
    let mut x = vec![0.0; grid.cells.len()];
    for row in rows.iter().flatten() {
        align(row, &half, &mut x, |_, _| None);
    }
    for sweep in 0..SWEEPS {
        // The last sweep looks at both sides.
        let sides = [&[0][..], &[1], &[0, 1]][if sweep + 1 == SWEEPS { 2 } else { sweep % 2 }];
        let number = rows.len();
        for at in 0..number {
            let layer = if sides == [1] { number - 1 - at } else { at };
            for row in &rows[layer] {
                align(row, &half, &mut x, |cell, x| {
                    mean_of(&grid.cells[cell], sides, x)
                });
            }
        }
    }
    finish(grid, widths, &rows, x)
}

/// Returns the mean of the neighbours' places on these sides.
fn mean_of(cell: &Cell, sides: &[usize], x: &[f64]) -> Option<f64> {
    let near = || sides.iter().flat_map(|&side| &cell.near[side]);
    let number = near().count();
    (number > 0).then(|| near().map(|&it| x[it]).sum::<f64>() / number as f64)
}

/// Divides a layer into rows of at most `most` nodes. Neighbours in the order of the layer stand next
/// to each other or one below the other.
fn split(layer: &[usize], most: usize, grid: &Grid) -> Vec<Vec<usize>> {
    let is_node = |cell: usize| grid.cells[cell].node.is_some();
    let number = layer.iter().filter(|&&it| is_node(it)).count();
    let number = number.div_ceil(most).max(1);
    let mut rows = vec![Vec::new(); number];
    let mut at = 0;
    for &cell in layer {
        match is_node(cell) {
            true => {
                rows[at % number].push(cell);
                at += 1;
            }
            // An edge crosses all rows at one place.
            false => rows[0].push(cell),
        }
    }
    rows
}

/// Moves the cells of a row to the wished places, or as near as the order and the sizes of the cells
/// allow: the sum of the squared differences is the smallest one.
fn align(
    row: &[usize],
    half: &[f64],
    x: &mut [f64],
    wished: impl Fn(usize, &[f64]) -> Option<f64>,
) {
    // The sizes of the cells before a cell are subtracted from its place. The cells do not overlap
    // if these values never decrease. So blocks of equal values are joined until they never
    // decrease.
    let mut blocks: Vec<(f64, usize)> = Vec::new();
    let mut offsets = Vec::new();
    let mut before = 0.0;
    for &cell in row {
        before += half[cell];
        offsets.push(before);
        blocks.push((wished(cell, x).unwrap_or(x[cell]) - before, 1));
        before += half[cell];
        while let [.., (first, m), (second, n)] = blocks[..] {
            if first <= second {
                break;
            }
            let mean = (first * m as f64 + second * n as f64) / (m + n) as f64;
            blocks.truncate(blocks.len() - 2);
            blocks.push((mean, m + n));
        }
    }
    let values = blocks
        .into_iter()
        .flat_map(|(value, number)| std::iter::repeat_n(value, number));
    for ((&cell, offset), value) in row.iter().zip(offsets).zip(values) {
        x[cell] = value + offset;
    }
}

fn finish(grid: &Grid, widths: &[f64], rows: &[Vec<Vec<usize>>], mut x: Vec<f64>) -> Placed {
    let width = |cell: usize| grid.cells[cell].node.map_or(0.0, |node| widths[node]);
    let left = (0..x.len()).map(|cell| x[cell] - width(cell) / 2.0);
    let left = left.fold(f64::INFINITY, f64::min);
    for x in &mut x {
        *x = ((*x - left) * 10.0).round() / 10.0;
    }
    let right = (0..x.len()).map(|cell| x[cell] + width(cell) / 2.0);
    let right = right.fold(0.0, f64::max);
    let mut positions = vec![Position::default(); widths.len()];
    let mut bands = Vec::new();
    let mut y = 0.0;
    for layer in rows {
        let top = y;
        for row in layer {
            for &cell in row {
                if let Some(node) = grid.cells[cell].node {
                    positions[node].x = x[cell] - widths[node] / 2.0;
                    positions[node].y = y + HEIGHT / 2.0;
                }
            }
            y += HEIGHT + NARROW;
        }
        bands.push((top, y - NARROW));
        y += AISLE - NARROW;
    }
    for (layer, cells) in grid.layers.iter().enumerate() {
        let nodes = cells.iter().filter_map(|&cell| grid.cells[cell].node);
        for (rank, node) in nodes.enumerate() {
            (positions[node].layer, positions[node].rank) = (layer, rank);
        }
    }
    Placed {
        positions,
        size: (right, (y - AISLE).max(0.0)),
        x,
        bands,
        layer: grid.cells.iter().map(|cell| cell.layer).collect(),
    }
}
