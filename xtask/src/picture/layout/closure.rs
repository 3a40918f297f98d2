//! Reachability in a graph, and the edges that close a cycle.

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::{DfsPostOrder, Walker as _};

use super::Arrow;

const WORD: usize = u64::BITS as usize;

/// The nodes that each node reaches, as bits. A node does not reach itself.
pub(in super::super) struct Closure {
    words: usize,
    bits: Vec<u64>,
    dependencies: Vec<Vec<usize>>,
    dependents: Vec<usize>,
}

impl Closure {
    /// Follows the edges of a graph, without the edges that close a cycle.
    pub(in super::super) fn new(nodes: usize, arrows: &[Arrow]) -> Self {
        let all = || arrows.iter().filter(|arrow| arrow.from != arrow.to);
        let component = components(nodes, all());
        let inside = |arrow: &&Arrow| component[arrow.from] == component[arrow.to];
        // Cargo allows cycles only through dev-dependencies.
        let hard = || all().filter(|arrow| !(arrow.is_soft && inside(arrow)));
        let rest = components(nodes, hard());
        let is_kept = |arrow: &&Arrow| rest[arrow.from] != rest[arrow.to] || arrow.from < arrow.to;
        let mut dependencies = vec![Vec::new(); nodes];
        for arrow in hard().filter(is_kept) {
            dependencies[arrow.from].push(arrow.to);
        }
        for list in &mut dependencies {
            list.sort_unstable();
            list.dedup();
        }
        let mut reach = Self {
            words: nodes.div_ceil(WORD),
            bits: vec![0; nodes * nodes.div_ceil(WORD)],
            dependents: vec![0; nodes],
            dependencies,
        };
        reach.close();
        reach
    }

    fn close(&mut self) {
        let graph = graph(self.dependencies.len(), self.edges().into_iter());
        let mut order = Vec::new();
        let mut search = DfsPostOrder::empty(&graph);
        for start in graph.node_indices() {
            search.move_to(start);
            order.extend((&mut search).iter(&graph).map(NodeIndex::index));
        }
        for &node in &order {
            for &on in &self.dependencies[node] {
                self.bits[node * self.words + on / WORD] |= 1 << (on % WORD);
                for word in 0..self.words {
                    self.bits[node * self.words + word] |= self.bits[on * self.words + word];
                }
            }
        }
        for node in 0..order.len() {
            for word in 0..self.words {
                let mut bits = self.bits[node * self.words + word];
                while bits != 0 {
                    self.dependents[word * WORD + bits.trailing_zeros() as usize] += 1;
                    bits &= bits - 1;
                }
            }
        }
    }

    fn edges(&self) -> Vec<(usize, usize)> {
        let lists = self.dependencies.iter().enumerate();
        lists
            .flat_map(|(from, list)| list.iter().map(move |&to| (from, to)))
            .collect()
    }

    /// Returns true if `from` depends on `to`, directly or not.
    pub(in super::super) fn reaches(&self, from: usize, to: usize) -> bool {
        self.bits[from * self.words + to / WORD] >> (to % WORD) & 1 == 1
    }

    /// Returns the number of nodes that depend on the node, directly or not.
    pub(in super::super) fn dependents(&self, node: usize) -> usize {
        self.dependents[node]
    }

    /// Returns the number of nodes that the node depends on, directly or not.
    pub(in super::super) fn dependencies(&self, node: usize) -> usize {
        let words = &self.bits[node * self.words..][..self.words];
        words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Returns another dependency through which the edge's dependent reaches the edge's dependency,
    /// if there is such a dependency.
    fn detour(&self, arrow: Arrow) -> Option<usize> {
        let mut others = self.dependencies[arrow.from].iter().copied();
        others.find(|&other| other != arrow.to && self.reaches(other, arrow.to))
    }
}

/// Returns for each edge the dependency through which the edge follows from a longer path. An edge that
/// closes no cycle does not follow from a path with edges that may close one: a dependency does not
/// follow from a dev-dependency.
pub(in super::super) fn detours(nodes: usize, arrows: &[Arrow]) -> Vec<Option<usize>> {
    let whole = Closure::new(nodes, arrows);
    let hard: Vec<Arrow> = arrows.iter().copied().filter(|it| !it.is_soft).collect();
    let hard = Closure::new(nodes, &hard);
    let detour = |&arrow: &Arrow| match arrow.is_soft {
        true => whole.detour(arrow),
        false => hard.detour(arrow),
    };
    arrows.iter().map(detour).collect()
}

fn graph(nodes: usize, edges: impl Iterator<Item = (usize, usize)>) -> DiGraph<(), ()> {
    let mut graph = DiGraph::new();
    for _ in 0..nodes {
        graph.add_node(());
    }
    for (from, to) in edges {
        graph.add_edge(NodeIndex::new(from), NodeIndex::new(to), ());
    }
    graph
}

/// Returns the number of each node's strongly connected component.
fn components<'a>(nodes: usize, arrows: impl Iterator<Item = &'a Arrow>) -> Vec<usize> {
    let mut component = vec![0; nodes];
    let graph = graph(nodes, arrows.map(|arrow| (arrow.from, arrow.to)));
    for (number, members) in kosaraju_scc(&graph).into_iter().enumerate() {
        for node in members {
            component[node.index()] = number;
        }
    }
    component
}
