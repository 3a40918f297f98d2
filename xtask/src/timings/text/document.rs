//! A document of sections, which is written as text, as Markdown, or as one HTML page without
//! scripts.

use xtask_impact::quote;

use super::{fit, markdown};
use crate::page;

/// A document.
#[derive(Debug, Default)]
pub(crate) struct Document {
    pub(crate) title: String,
    pub(crate) sections: Vec<DocumentPart>,
}

/// A section: sentences, then charts, then a table. Each part may be empty. Only pages show the
/// charts.
#[derive(Debug, Default)]
pub(crate) struct DocumentPart {
    /// The heading. Empty for the first section, which follows the title.
    pub(crate) title: String,
    pub(crate) lines: Vec<String>,
    pub(crate) charts: Vec<Chart>,
    /// The names of the columns. A column whose name ends with `:` contains numbers.
    pub(crate) columns: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<String>>,
}

/// A line through the values of runs, the oldest first.
#[derive(Debug)]
pub(crate) struct Chart {
    pub(crate) title: String,
    pub(crate) dots: Vec<Dot>,
}

/// A value of a run.
#[derive(Debug)]
pub(crate) struct Dot {
    /// The moment in days.
    pub(crate) day: f64,
    pub(crate) value: f64,
    /// The value in words, with its unit.
    pub(crate) shown: String,
    /// The start and the name of the run.
    pub(crate) run: String,
}

impl Document {
    /// Returns plain text of at most 100 columns.
    pub(crate) fn text(&self) -> String {
        let mut text = fit(&self.title) + "\n";
        for section in &self.sections {
            text += "\n";
            if !section.title.is_empty() {
                text += &(fit(&section.title) + "\n");
            }
            for line in &section.lines {
                text += &wrapped(line);
            }
            text += &text_table(&section.columns, &section.rows);
        }
        text
    }

    /// Returns Markdown.
    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("### {}\n", quote::markdown(&self.title));
        for section in &self.sections {
            if !section.title.is_empty() {
                text += &format!("\n#### {}\n", quote::markdown(&section.title));
            }
            text += "\n";
            for line in &section.lines {
                text += &format!("- {}\n", quote::markdown(line));
            }
            text += &markdown::table(&section.columns, section.rows.clone());
        }
        text
    }

    /// Returns a page that needs no network and no script.
    pub(crate) fn html(&self) -> String {
        let mut body = String::new();
        for section in &self.sections {
            body += "<section>\n";
            if !section.title.is_empty() {
                body += &format!("<h2>{}</h2>\n", escaped(&section.title));
            }
            if !section.lines.is_empty() {
                let lines = section.lines.iter();
                let lines = lines.map(|it| format!("<li>{}</li>\n", escaped(it)));
                body += &format!("<ul>\n{}</ul>\n", lines.collect::<String>());
            }
            for chart in section.charts.iter().filter(|it| !it.dots.is_empty()) {
                body += &chart.html();
            }
            body += &html_table(&section.columns, &section.rows);
            body += "</section>\n";
        }
        page::without_scripts(&quote::line(&self.title), &body, include_str!("page.css"))
    }
}

/// Returns a sentence in lines of at most 100 columns, if its words are that short.
fn wrapped(sentence: &str) -> String {
    const WIDTH: usize = 100;
    let mut text = String::new();
    let mut column = 0;
    for word in quote::line(sentence).split(' ') {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > WIDTH {
            text.push_str("\n  ");
            column = 2;
        } else if column > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += length;
    }
    text + "\n"
}

/// Returns a table whose columns are as wide as their longest cell.
pub(super) fn text_table(columns: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let names: Vec<String> = columns
        .iter()
        .map(|it| it.trim_end_matches(':').to_owned())
        .collect();
    let width = |place: usize| {
        let cells = rows.iter().chain([&names]).filter_map(|row| row.get(place));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let mut text = String::new();
    for row in [&names].into_iter().chain(rows) {
        let cells = row.iter().zip(columns).zip(&widths);
        let cells = cells.map(|((cell, column), width)| match column.ends_with(':') {
            true => format!("{cell:>width$}"),
            false => format!("{cell:<width$}"),
        });
        text += &(fit(&cells.collect::<Vec<_>>().join("  ")) + "\n");
    }
    text
}

fn html_table(columns: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let class = |column: &str| match column.ends_with(':') {
        true => " class=\"n\"",
        false => " class=\"wide\"",
    };
    let heads = columns.iter().map(|it| {
        let name = escaped(it.trim_end_matches(':'));
        format!("<th scope=\"col\"{}>{name}</th>", class(it))
    });
    let mut table = format!(
        "<table>\n<thead><tr>{}</tr></thead>\n<tbody>\n",
        heads.collect::<String>()
    );
    for row in rows {
        let cells = row.iter().zip(columns);
        let cells = cells.map(|(cell, it)| format!("<td{}>{}</td>", class(it), escaped(cell)));
        table += &format!("<tr>{}</tr>\n", cells.collect::<String>());
    }
    table + "</tbody>\n</table>\n"
}

impl Chart {
    /// The size of a chart, and the space on its left, for the values.
    const SIZE: (f64, f64) = (900.0, 200.0);
    const LEFT: f64 = 90.0;

    /// Returns the chart as an image with text, which a screen reader reads by its label.
    fn html(&self) -> String {
        let (width, height) = Self::SIZE;
        let most = self.dots.iter().map(|it| it.value).fold(0.0, f64::max);
        let most = if most > 0.0 { most * 1.08 } else { 1.0 };
        let from = self.dots.first().map_or(0.0, |it| it.day);
        let days = self.dots.last().map_or(0.0, |it| it.day) - from;
        let x = |day: f64| match days > 0.0 {
            true => Self::LEFT + (day - from) / days * (width - Self::LEFT - 10.0),
            false => Self::LEFT + (width - Self::LEFT) / 2.0,
        };
        let y = |value: f64| height - 24.0 - value / most * (height - 34.0);
        let mut marks = String::new();
        let highest = self.dots.iter().max_by(|a, b| a.value.total_cmp(&b.value));
        let lowest = self
            .dots
            .iter()
            .min_by(|a, b| a.value.total_cmp(&b.value))
            // The two labels would overlap.
            .filter(|lowest| highest.is_some_and(|it| y(lowest.value) - y(it.value) > 14.0));
        for dot in [highest, lowest].into_iter().flatten() {
            let at = y(dot.value);
            marks += &format!(
                "<line x1=\"{}\" x2=\"{width}\" y1=\"{at:.1}\" y2=\"{at:.1}\" \
                 stroke=\"var(--line)\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\n",
                Self::LEFT,
                Self::LEFT - 8.0,
                at + 4.0,
                escaped(&dot.shown),
            );
        }
        let place = |dot: &Dot| format!("{:.1},{:.1}", x(dot.day), y(dot.value));
        let line: Vec<String> = self.dots.iter().map(place).collect();
        let dots = self.dots.iter().map(|dot| {
            format!(
                "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\" fill=\"var(--front)\"><title>{}: \
                 {}</title></circle>\n",
                x(dot.day),
                y(dot.value),
                escaped(&dot.run),
                escaped(&dot.shown),
            )
        });
        let date = |dot: &Dot| dot.run.chars().take(10).collect::<String>();
        let ends = [(self.dots.first(), "start"), (self.dots.last(), "end")];
        let ends = ends.map(|(dot, anchor)| {
            dot.map_or_else(String::new, |dot| {
                let (at, below) = (x(dot.day), height - 6.0);
                format!(
                    "<text x=\"{at:.1}\" y=\"{below}\" text-anchor=\"{anchor}\">{}</text>\n",
                    escaped(&date(dot))
                )
            })
        });
        let ends = if days > 0.0 {
            ends.concat()
        } else {
            ends[1].clone()
        };
        let title = escaped(&self.title);
        let label = format!("{title}, {} runs", self.dots.len());
        format!(
            "<h3>{title}</h3>\n<svg viewBox=\"0 0 {width} {height}\" width=\"100%\" role=\"img\" \
             aria-label=\"{label}\">\n{marks}<polyline points=\"{}\" fill=\"none\" \
             stroke=\"var(--front)\" stroke-width=\"2\"/>\n{}{ends}</svg>\n",
            line.join(" "),
            dots.collect::<String>(),
        )
    }
}

/// Escapes a text for HTML, also within an attribute.
fn escaped(text: &str) -> String {
    page::escaped(&quote::line(text)).replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(name: &str) -> Document {
        let dot = |day: f64, value: f64| Dot {
            day,
            value,
            shown: format!("{value:.1}s"),
            run: format!("2026-01-0{day} 10:00:00 {name}"),
        };
        Document {
            title: format!("Timings of {name}"),
            sections: vec![DocumentPart {
                title: "Trend".to_owned(),
                lines: vec![format!("{name} grew")],
                charts: vec![Chart {
                    title: "total".to_owned(),
                    dots: vec![dot(1.0, 10.0), dot(3.0, 20.0)],
                }],
                columns: vec!["run", "total:"],
                rows: vec![
                    vec![name.to_owned(), "10.0s".to_owned()],
                    vec!["b".to_owned(), "120.0s".to_owned()],
                ],
            }],
        }
    }

    #[test]
    fn a_document_has_three_forms() {
        let document = document("main");
        expect_test::expect![[r#"
            Timings of main

            Trend
            main grew
            run    total
            main   10.0s
            b     120.0s
        "#]]
        .assert_eq(&document.text());
        expect_test::expect![[r#"
            ### Timings of main

            #### Trend

            - main grew

            | run | total |
            | --- | ---: |
            | main | 10.0s |
            | b | 120.0s |
        "#]]
        .assert_eq(&document.markdown());
        let page = document.html();
        assert!(
            page.contains("<td class=\"wide\">main</td><td class=\"n\">10.0s</td>"),
            "{page}"
        );
        assert!(
            page.contains("<title>2026-01-03 10:00:00 main: 20.0s</title>"),
            "{page}"
        );
        assert!(page.contains("points=\"90.0,99.1 890.0,"), "{page}");
    }

    #[test]
    fn every_colour_of_a_page_has_a_value() {
        let page = document("main").html();
        for used in page.split("var(").skip(1) {
            let (name, _) = used.split_once(')').unwrap();
            assert!(page.contains(&format!("{name}:")), "{name}");
        }
    }

    /// Names from a repository have no effect, and the page asks for nothing.
    #[test]
    fn names_are_escaped_and_a_page_needs_no_network() {
        let page = document("</td><script>\"x\"&\u{1b}[31m").html();
        assert!(
            !page.contains("<script") && !page.contains('\u{1b}'),
            "{page}"
        );
        for foreign in ["http:", "https:", "src=", "@import", "url(", "<link"] {
            assert!(!page.contains(foreign), "{foreign}");
        }
        let markdown = document("<b>@team|").markdown();
        assert!(
            !markdown.contains("<b>") && !markdown.contains("@team"),
            "{markdown}"
        );
    }
}
