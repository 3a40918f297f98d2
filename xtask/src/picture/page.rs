//! Writes a picture as one HTML page.

use anyhow::Result;
use camino::Utf8Path;
use serde::Serialize;

use super::layout::detours;
use super::views::{View, Views};
use super::{DrawnNode, EdgeKinds, Picture, PicturedChange};
use crate::cli::output::count;
use crate::page::HtmlPage;

const BODY: &str = include_str!("page.html");
const CSS: &str = include_str!("page.css");
const JS: [&str; 5] = [
    include_str!("model.js"),
    include_str!("arrange.js"),
    include_str!("draw.js"),
    include_str!("list.js"),
    include_str!("keys.js"),
];

/// The maximum width of a label, in columns of a terminal.
const WIDEST: usize = 34;

/// The data that the script of the page shows.
#[derive(Serialize)]
struct PictureData<'a> {
    headline: &'a [String],
    about: &'a str,
    notes: &'a [String],
    units: bool,
    nodes: Vec<PictureNode<'a>>,
    /// Dependent, dependency, kinds, and the dependency through which the edge follows from a longer
    /// path.
    edges: Vec<(usize, usize, &'static str, Option<usize>)>,
    views: Vec<View>,
    change: Option<&'a PicturedChange>,
}

#[derive(Serialize)]
struct PictureNode<'a> {
    #[serde(flatten)]
    node: &'a DrawnNode,
    label: String,
    width: f64,
    layer: usize,
    rank: usize,
    /// The number of nodes that depend on the node, and that the node depends on.
    dependents: usize,
    dependencies: usize,
}

/// The texts of a page.
pub(crate) struct PictureText {
    /// The title.
    pub title: String,
    /// The most important sentences.
    pub headline: Vec<String>,
    /// Details: the workspace and the comparison.
    pub about: String,
    /// Sentences about the way in which the answer was found.
    pub notes: Vec<String>,
}

impl PictureText {
    /// Returns the texts about the graph of the workspaces with these roots.
    pub(crate) fn of_graph<'a>(
        picture: &Picture,
        roots: impl Iterator<Item = &'a Utf8Path>,
    ) -> Self {
        let noun = if picture.has_units { "unit" } else { "package" };
        let members = picture.nodes.iter().filter(|it| it.member).count();
        let others = picture.nodes.len() - members;
        let mut headline = format!(
            "{}, {} between them",
            count(picture.nodes.len(), noun),
            match picture.edges.len() {
                1 => "1 dependency".to_owned(),
                number => format!("{number} dependencies"),
            }
        );
        if others > 0 {
            headline += &format!("; {members} of members, {others} of other packages");
        }
        Self::of(roots, "Dependency graph", vec![headline], Vec::new())
    }

    /// Returns the texts about what a change affects.
    pub(crate) fn of_change<'a>(
        picture: &Picture,
        roots: impl Iterator<Item = &'a Utf8Path>,
        headline: Vec<String>,
    ) -> Self {
        let compared = picture.change.iter().flat_map(|it| it.compared.clone());
        Self::of(roots, "Affected", headline, compared.collect())
    }

    fn of<'a>(
        roots: impl Iterator<Item = &'a Utf8Path>,
        what: &str,
        headline: Vec<String>,
        mut about: Vec<String>,
    ) -> Self {
        let roots: Vec<&Utf8Path> = roots.collect();
        let names = roots.iter().map(|root| root.file_name().unwrap_or("/"));
        let names: Vec<&str> = names.collect();
        about.dedup();
        about.extend(roots.iter().map(|root| root.to_string()));
        Self {
            title: format!("{what} · {}", names.join(", ")),
            headline,
            about: about.join(" · "),
            notes: Vec::new(),
        }
    }
}

impl Picture {
    /// Renders the picture as an HTML page.
    ///
    /// # Errors
    /// Returns an error if the data cannot be written as JSON.
    pub(crate) fn page(&self, text: &PictureText) -> Result<String> {
        let labels: Vec<String> = self.nodes.iter().map(|it| shortened(&it.label())).collect();
        let widths: Vec<f64> = labels.iter().map(|it| width(it)).collect();
        let views = Views::new(self, &widths);
        let nodes = self.nodes.iter().zip(labels).enumerate();
        let nodes = nodes.map(|(at, (node, label))| PictureNode {
            node,
            label,
            width: widths[at],
            layer: views.whole.positions[at].layer,
            rank: views.whole.positions[at].rank,
            dependents: views.closure.dependents(at),
            dependencies: views.closure.dependencies(at),
        });
        let arrows = self.arrows();
        let kinds = self.edges.values().map(|it| it.letters());
        let detours = detours(self.nodes.len(), &arrows);
        let edges = arrows.iter().zip(kinds).zip(detours);
        let edges = edges.map(|((arrow, kinds), detour)| (arrow.from, arrow.to, kinds, detour));
        let data = PictureData {
            headline: &text.headline,
            about: &text.about,
            notes: &text.notes,
            units: self.has_units,
            nodes: nodes.collect(),
            edges: edges.collect(),
            views: views.views,
            change: self.change.as_ref(),
        };
        let page = HtmlPage {
            title: &text.title,
            body: BODY,
            css: CSS,
            scripts: &JS,
            data: &data,
        };
        page.render()
    }
}

impl EdgeKinds {
    /// Returns the first letters of the kinds.
    fn letters(self) -> &'static str {
        match (self.normal, self.build, self.dev) {
            (true, true, true) => "nbd",
            (true, true, false) => "nb",
            (true, false, true) => "nd",
            (true, false, false) => "n",
            (false, true, true) => "bd",
            (false, true, false) => "b",
            (false, false, _) => "d",
        }
    }
}

/// Returns the label of a node, without its middle if the label is long.
fn shortened(label: &str) -> String {
    if columns(label) <= WIDEST {
        return label.to_owned();
    }
    let characters: Vec<char> = label.chars().collect();
    let fits = |characters: &[char], most: usize| {
        let mut taken = 0;
        let fitting = characters.iter().take_while(|&&c| {
            taken += wide(c);
            taken <= most
        });
        fitting.count()
    };
    let start = fits(&characters, WIDEST / 2);
    let reversed: Vec<char> = characters.iter().rev().copied().collect();
    let end = fits(&reversed, WIDEST / 2 - 1);
    let (start, end) = (&characters[..start], &characters[characters.len() - end..]);
    String::from_iter(start) + "…" + &String::from_iter(end)
}

/// Returns the width of a node with this label.
fn width(label: &str) -> f64 {
    columns(label) as f64 * 8.3 + 22.0
}

fn columns(label: &str) -> usize {
    label.chars().map(wide).sum()
}

/// Returns 2 for a character that a font shows as wide as two letters, or 1.
fn wide(c: char) -> usize {
    match c {
        '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{fe6f}' | '\u{ff00}'.. => 2,
        _ => 1,
    }
}

#[test]
fn long_labels_lose_their_middle() {
    for (label, expected) in [
        ("short", "short"),
        (&"a".repeat(34), &*"a".repeat(34)),
        (
            "a-very-long-name-of-a-package-that-tests-something",
            "a-very-long-name-…-tests-something",
        ),
        (
            "駅の時刻表と運賃と路線図と遅延情報",
            "駅の時刻表と運賃と路線図と遅延情報",
        ),
        (
            "駅の時刻表と運賃と路線図と遅延情報と案内",
            "駅の時刻表と運賃…と遅延情報と案内",
        ),
    ] {
        assert_eq!(shortened(label), expected);
        assert!(columns(&shortened(label)) <= WIDEST);
    }
}
