use super::*;

/// Returns the edges of a text: `a>b` for an edge, `a~b` for an edge that may close a cycle. Nodes are
/// letters.
fn arrows(text: &str) -> Vec<Arrow> {
    let number = |byte: u8| usize::from(byte - b'a');
    let words = text.split_whitespace().map(str::as_bytes);
    words
        .map(|word| Arrow {
            from: number(word[0]),
            to: number(word[2]),
            is_soft: word[1] == b'~',
        })
        .collect()
}

fn letter(node: usize) -> char {
    char::from(b'a' + u8::try_from(node).unwrap())
}

/// Returns the layers of a drawing from the top, and the edges that are drawn.
fn drawn(nodes: usize, text: &str) -> String {
    let arrows = arrows(text);
    let drawing = layout(&vec![60.0; nodes], &arrows);
    let mut rows = std::collections::BTreeMap::new();
    for (node, at) in drawing.positions.iter().enumerate() {
        let key = (at.y as i64, at.x as i64);
        rows.insert(key, letter(node));
    }
    let mut lines: Vec<(i64, String)> = Vec::new();
    for ((y, _), letter) in rows {
        match lines.last_mut() {
            Some((last, text)) if *last == y => text.push(letter),
            _ => lines.push((y, letter.to_string())),
        }
    }
    let lines: Vec<String> = lines.into_iter().map(|(_, text)| text).collect();
    let edges = drawing.edges.iter().map(|edge| {
        let Arrow { from, to, .. } = arrows[edge.arrow];
        format!(" {}{}", letter(from), letter(to))
    });
    format!("{}:{}\n", lines.join(" | "), edges.collect::<String>())
}

#[test]
fn nodes_stand_in_layers_and_implied_edges_are_left_out() {
    let all = [
        (3, "a>b b>c"),
        // a>c follows from a>b>c.
        (3, "a>b b>c a>c"),
        // It does not follow if b is a dev-dependency.
        (3, "a~b b>c a>c"),
        // c is needed by a alone, so it stands next to a.
        (5, "a>b b>d d>e a>c"),
        // Crossings are avoided.
        (4, "a>d b>c"),
        // A dev-dependency that closes a cycle does not move anything.
        (3, "a>b b>c c~a"),
        (2, "a~b b~a"),
        (2, "a>a a>b"),
        // Nodes without edges stand below.
        (4, "a>b"),
        (0, ""),
    ];
    let told = all.map(|(nodes, text)| format!("{text:<20} {}", drawn(nodes, text)));
    expect_test::expect![[r#"
        a>b b>c              a | b | c: ab bc
        a>b b>c a>c          a | b | c: ab bc
        a~b b>c a>c          a | b | c: ab bc ac
        a>b b>d d>e a>c      a | bc | d | e: ab bd de ac
        a>d b>c              ab | dc: ad bc
        a>b b>c c~a          a | b | c: ab bc ca
        a~b b~a              ab: ab ba
        a>a a>b              a | b: aa ab
        a>b                  a | b | cd: ab
                             :
    "#]]
    .assert_eq(&told.concat());
}

/// Returns a graph like a large workspace: each node depends on a few nodes before it, mostly near.
fn large(nodes: usize) -> (Vec<f64>, Vec<Arrow>) {
    let mut arrows = Vec::new();
    let mut state = 1_u64;
    let mut random = |limit: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(state >> 33).unwrap() % limit
    };
    for from in 1..nodes {
        for _ in 0..random(6) {
            let most = from.min(1 + random(200));
            let back = 1 + random(most);
            arrows.push(Arrow {
                from,
                to: from - back,
                is_soft: random(9) == 0,
            });
        }
        if random(20) == 0 {
            arrows.push(Arrow {
                from: from / 2,
                to: from,
                is_soft: true,
            });
        }
    }
    arrows.sort_unstable();
    arrows.dedup_by_key(|arrow| (arrow.from, arrow.to));
    let widths = (0..nodes).map(|node| 60.0 + (node * 37 % 140) as f64);
    (widths.collect(), arrows)
}

#[test]
fn a_drawing_of_any_size_has_no_overlaps_and_its_edges_run_down() {
    for nodes in [1, 2, 10, 60, 1000] {
        let (widths, arrows) = large(nodes);
        let closure = Closure::new(nodes, &arrows);
        let detours = detours(nodes, &arrows);
        let drawing = layout(&widths, &arrows);
        let mut boxes: Vec<_> = drawing.positions.iter().zip(&widths).collect();
        boxes.sort_by(|a, b| a.0.y.total_cmp(&b.0.y).then(a.0.x.total_cmp(&b.0.x)));
        for (at, (one, width)) in boxes.iter().enumerate() {
            assert!(one.x >= 0.0 && one.x + **width <= drawing.size.0 + 0.01);
            assert!(one.y >= HEIGHT / 2.0 - 0.1 && one.y + HEIGHT / 2.0 <= drawing.size.1 + 0.1);
            for (other, _) in boxes[at + 1..]
                .iter()
                .take_while(|it| it.0.y < one.y + HEIGHT)
            {
                assert!(one.x + **width < other.x, "{nodes}: {one:?} {other:?}");
            }
        }
        let is_drawn: std::collections::BTreeSet<_> =
            drawing.edges.iter().map(|it| it.arrow).collect();
        for (index, &arrow) in arrows.iter().enumerate() {
            let (from, to) = (drawing.positions[arrow.from], drawing.positions[arrow.to]);
            let is_forward = from.y + HEIGHT < to.y;
            assert!(
                is_forward || !closure.reaches(arrow.from, arrow.to),
                "{arrow:?}"
            );
            assert!(is_forward || arrow.is_soft);
            assert_eq!(is_drawn.contains(&index), detours[index].is_none());
        }
        let wide = drawing.size.0 / drawing.size.1;
        assert!(
            nodes < 60 || (0.2..4.0).contains(&wide),
            "{nodes}: {:?}",
            drawing.size
        );
    }
}

#[test]
fn the_same_graph_gets_the_same_drawing() {
    let (widths, arrows) = large(300);
    let (one, other) = (layout(&widths, &arrows), layout(&widths, &arrows));
    assert_eq!((one.positions, one.edges), (other.positions, other.edges));
}
