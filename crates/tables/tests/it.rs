//! Tables as the readers of data files use them.

#[test]
fn comments_and_blank_lines_do_not_count() {
    let rows = tables::rows("# a, b\n\n 1 ,2\n  # no\n3,  4  \n", 2).unwrap();
    let cells: Vec<_> = rows.iter().map(|row| row.cells()).collect();
    assert_eq!(cells, [["1", "2"], ["3", "4"]]);
    assert_eq!(rows[1].line(), 5);
}

#[test]
fn a_row_of_another_length_is_an_error() {
    let error = tables::rows("1,2\n\n1,2,3\n", 2).unwrap_err();
    assert_eq!(error.to_string(), "line 3: 3 cells where 2 are expected");
}

#[test]
fn literals_are_escaped() {
    assert_eq!(tables::rust::literal("say \"when\""), r#""say \"when\"""#);
}

#[test]
fn the_register_of_stations_is_a_table() {
    let rows = tables::rows(include_str!("../../stations/data/stations.csv"), 4).unwrap();
    assert!(rows.iter().all(|row| row.cells()[0].len() == 3));
}
