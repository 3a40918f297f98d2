//! The parts of the graph that the page can show, each with its own drawing.

use std::collections::BTreeSet;

use serde::Serialize;

use super::Picture;
use super::layout::{self, Arrow, Closure, Drawing};

/// The number of nodes that a reader can read at once. A page that would show more begins with its
/// main part.
const READABLE: usize = 90;
/// The number of nodes in the main part.
const MAIN: usize = 60;

/// A part of the graph, drawn.
#[derive(Debug, Serialize)]
pub(super) struct View {
    /// The name for the page's script.
    pub id: &'static str,
    /// The label for the reader.
    pub label: String,
    /// The width and the height.
    pub size: (f64, f64),
    /// The nodes, each with its position: the left side, and the middle of the height.
    pub places: Vec<(usize, f64, f64)>,
    /// The lines.
    pub lines: Vec<DrawnLine>,
}

/// A line of a view: dependent, dependency, and the points between them.
type DrawnLine = (usize, usize, Vec<(f64, f64)>);

/// The layers of the whole graph, and the views of its parts.
pub(super) struct Views {
    /// The views, the first of which the page shows first.
    pub views: Vec<View>,
    /// The drawing of the whole graph.
    pub whole: Drawing,
    /// The reachability of the whole graph.
    pub closure: Closure,
}

impl Views {
    /// Returns the views of a picture whose nodes have these widths.
    pub(super) fn new(picture: &Picture, widths: &[f64]) -> Self {
        let arrows = picture.arrows();
        let closure = Closure::new(widths.len(), &arrows);
        let whole = layout::layout(widths, &arrows);
        let everything: Vec<usize> = (0..widths.len()).collect();
        let all = format!("all {}", widths.len());
        let mut views = vec![view("all", all, &everything, &arrows, &whole)];
        let mut shown = everything;
        if let Some(distances) = picture.distances() {
            let affected: Vec<usize> = (0..widths.len())
                .filter(|&node| distances[node].is_some())
                .collect();
            if !affected.is_empty() && affected.len() < widths.len() {
                let label = format!("affected: {}", affected.len());
                views.insert(0, part("affected", label, &affected, &arrows, widths));
                shown = affected;
            }
        }
        if shown.len() > READABLE {
            let main = main_part(picture, &shown, &closure);
            let label = format!("main {} of {}", main.len(), shown.len());
            let arrows = contracted(&main, &closure);
            views.insert(0, part("main", label, &main, &arrows, widths));
        }
        Self {
            views,
            whole,
            closure,
        }
    }
}

/// Returns the most important nodes: those near the change, or the foundations and the tops of the
/// graph.
fn main_part(picture: &Picture, shown: &[usize], closure: &Closure) -> Vec<usize> {
    let mut by_use = shown.to_vec();
    by_use.sort_by_key(|&node| std::cmp::Reverse(closure.dependents(node)));
    if let Some(distances) = picture.distances() {
        by_use.sort_by_key(|&node| distances[node]);
        by_use.truncate(MAIN);
        by_use.sort_unstable();
        return by_use;
    }
    let mut by_need = shown.to_vec();
    by_need.sort_by_key(|&node| std::cmp::Reverse(closure.dependencies(node)));
    let mut main: BTreeSet<usize> = by_use.into_iter().take(MAIN * 2 / 3).collect();
    for node in by_need {
        if main.len() < MAIN {
            main.insert(node);
        }
    }
    Vec::from_iter(main)
}

/// Returns an edge for each pair of nodes of which one depends on the other, directly or not.
fn contracted(nodes: &[usize], closure: &Closure) -> Vec<Arrow> {
    let pairs = nodes
        .iter()
        .flat_map(|&from| nodes.iter().map(move |&to| (from, to)));
    let connected = pairs.filter(|&(from, to)| closure.reaches(from, to));
    let arrows = connected.map(|(from, to)| Arrow {
        from,
        to,
        is_soft: false,
    });
    arrows.collect()
}

/// Returns the view of some nodes and the edges between them.
fn part(
    id: &'static str,
    label: String,
    nodes: &[usize],
    arrows: &[Arrow],
    widths: &[f64],
) -> View {
    let mut number = vec![None; widths.len()];
    for (at, &node) in nodes.iter().enumerate() {
        number[node] = Some(at);
    }
    let inside = arrows.iter().filter_map(|arrow| {
        Some(Arrow {
            from: number[arrow.from]?,
            to: number[arrow.to]?,
            ..*arrow
        })
    });
    let inside: Vec<Arrow> = inside.collect();
    let widths: Vec<f64> = nodes.iter().map(|&node| widths[node]).collect();
    let drawing = layout::layout(&widths, &inside);
    view(id, label, nodes, &inside, &drawing)
}

fn view(
    id: &'static str,
    label: String,
    nodes: &[usize],
    arrows: &[Arrow],
    drawing: &Drawing,
) -> View {
    let places = nodes.iter().zip(&drawing.positions);
    let lines = drawing.edges.iter().map(|edge| {
        let Arrow { from, to, .. } = arrows[edge.arrow];
        (nodes[from], nodes[to], edge.bends.clone())
    });
    View {
        id,
        label,
        size: drawing.size,
        places: places.map(|(&node, at)| (node, at.x, at.y)).collect(),
        lines: lines.collect(),
    }
}
