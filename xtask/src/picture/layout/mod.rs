//! A layered drawing of a graph, from top to bottom: each edge runs from a layer to a layer further
//! down.
//!
//! The steps are those of Sugiyama's method. Edges that close a cycle are set aside. Edges that
//! follow from a longer path are not drawn. Nodes are assigned to layers by longest paths and moved
//! to where their edges are short. The order within each layer comes from barycenters, and the
//! places from the mean of the neighbours.
//!
//! Architecture invariant: this module knows no packages and no pages.

mod closure;
mod layers;
mod order;
mod place;

pub(super) use closure::{Closure, detours};
use order::Grid;

/// The height of a node.
pub(super) const HEIGHT: f64 = 26.0;

/// An edge from a dependent to its dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Arrow {
    /// The index of the dependent.
    pub from: usize,
    /// The index of the dependency.
    pub to: usize,
    /// True if the edge may close a cycle, as a dev-dependency may.
    pub is_soft: bool,
}

/// The position of a node.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Position {
    /// The layer, from the top.
    pub layer: usize,
    /// The place in the order of the layer.
    pub rank: usize,
    /// The left side of the node.
    pub x: f64,
    /// The middle of the node's height.
    pub y: f64,
}

/// A drawn edge.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct DrawnEdge {
    /// The index of the edge in the list of all edges.
    pub arrow: usize,
    /// The points at which the line enters and leaves the layers between its ends, from top to
    /// bottom.
    pub bends: Vec<(f64, f64)>,
}

/// The drawing of a graph.
#[derive(Debug, Default)]
pub(super) struct Drawing {
    /// The positions of the nodes.
    pub positions: Vec<Position>,
    /// The edges that do not follow from a longer path.
    pub edges: Vec<DrawnEdge>,
    /// The width and the height of the drawing.
    pub size: (f64, f64),
}

/// Returns the drawing of a graph whose nodes have these widths. Nodes without edges stand below the
/// others.
pub(super) fn layout(widths: &[f64], arrows: &[Arrow]) -> Drawing {
    let closure = Closure::new(widths.len(), arrows);
    let detours = detours(widths.len(), arrows);
    let drawn: Vec<usize> = (0..arrows.len())
        .filter(|&it| detours[it].is_none())
        .collect();
    // An edge that closes a cycle is drawn, and has no influence on the layers.
    let runs_down = |arrow: &Arrow| closure.reaches(arrow.from, arrow.to);
    let mut is_lonely = vec![true; widths.len()];
    for arrow in arrows {
        (is_lonely[arrow.from], is_lonely[arrow.to]) = (false, false);
    }
    let (lonely, others): (Vec<usize>, Vec<usize>) =
        (0..widths.len()).partition(|&node| is_lonely[node]);
    let mut number = vec![0; widths.len()];
    for (at, &node) in others.iter().enumerate() {
        number[node] = at;
    }
    let renumbered = |arrow: Arrow| Arrow {
        from: number[arrow.from],
        to: number[arrow.to],
        ..arrow
    };
    let downward = drawn.iter().map(|&it| arrows[it]).filter(runs_down);
    let downward: Vec<Arrow> = downward.map(renumbered).collect();
    let mut grid = Grid::new(&layers::layers(others.len(), &downward), &downward);
    grid.order();
    let connected: Vec<f64> = others.iter().map(|&node| widths[node]).collect();
    let placed = place::place(&grid, &connected);
    let mut ways = grid.ways().iter().map(|way| placed.bends(way));
    let edges = drawn.iter().map(|&arrow| DrawnEdge {
        arrow,
        bends: match runs_down(&arrows[arrow]) {
            true => ways.next().unwrap_or_default(),
            false => Vec::new(),
        },
    });
    let edges = edges.collect();
    let mut drawing = Drawing {
        positions: vec![Position::default(); widths.len()],
        size: placed.size,
        edges,
    };
    for (&node, &position) in others.iter().zip(&placed.positions) {
        drawing.positions[node] = position;
    }
    drawing.add_rows(&lonely, widths);
    drawing
}

impl Drawing {
    /// Adds nodes in rows below the drawing.
    fn add_rows(&mut self, nodes: &[usize], widths: &[f64]) {
        let Some(widest) = nodes.iter().map(|&node| widths[node]).reduce(f64::max) else {
            return;
        };
        let (step, pitch) = (widest + place::GAP, HEIGHT + place::NARROW);
        let wished = (nodes.len() as f64 * 1.6 * pitch / step).sqrt().ceil() * step;
        let across = ((self.size.0.max(wished) + place::GAP) / step).max(1.0) as usize;
        let top = match self.size.1 {
            0.0 => 0.0,
            height => height + 2.0 * HEIGHT,
        };
        for (at, &node) in nodes.iter().enumerate() {
            self.positions[node] = Position {
                layer: at / across,
                rank: at % across,
                x: (at % across) as f64 * step,
                y: top + (at / across) as f64 * pitch + HEIGHT / 2.0,
            };
        }
        let (columns, rows) = (nodes.len().min(across), nodes.len().div_ceil(across));
        self.size.0 = self.size.0.max(columns as f64 * step - place::GAP);
        self.size.1 = top + rows as f64 * pitch - place::NARROW;
    }
}

#[cfg(test)]
mod tests;
