use super::*;

fn ranked(groups: &[&str], labels: &[f64], predictions: &[f64]) -> Table {
    predicted(labels.iter().copied(), predictions.iter().copied())
        .with_column("query", groups.iter().copied())
}

#[test]
fn textbook_values() {
    let log2 = |x: f64| x.log2();
    let query = ["q"; 4];
    let cases: [Textbook<'_, f64>; 4] = [
        // Järvelin and Kekäläinen's discount, with the gain as it is.
        (
            r#""at": [1, 2]"#,
            &[3.0, 2.0, 0.0, 1.0],
            &[0.9, 0.8, 0.7, 0.6],
            &[
                (
                    "ndcg",
                    (3.0 + 2.0 / log2(3.0) + 1.0 / log2(5.0)) / (3.0 + 2.0 / log2(3.0) + 0.5),
                ),
                ("ndcg_1", 1.0),
                ("map", (1.0 + 1.0 + 0.75) / 3.0),
                ("mrr", 1.0),
                ("precision_2", 1.0),
                ("recall_2", 2.0 / 3.0),
            ],
        ),
        (
            r#""at": [2], "gain": "exponential""#,
            &[0.0, 2.0, 1.0, 0.0],
            &[0.9, 0.8, 0.7, 0.6],
            &[
                ("ndcg", (3.0 / log2(3.0) + 0.5) / (3.0 + 1.0 / log2(3.0))),
                ("mrr", 0.5),
                ("map", (0.5 + 2.0 / 3.0) / 2.0),
            ],
        ),
        // Tied rows share their places.
        (
            r#""at": [1]"#,
            &[1.0, 0.0, 0.0, 0.0],
            &[0.5; 4],
            &[
                ("precision_1", 0.25),
                ("ndcg_1", 0.25),
                ("mrr", 0.25),
                ("map", 0.25),
            ],
        ),
        // Nothing to find.
        (
            r#""at": [1]"#,
            &[0.0; 4],
            &[0.4, 0.3, 0.2, 0.1],
            &[("ndcg", 0.0), ("map", 0.0), ("recall_1", 0.0)],
        ),
    ];
    for (params, labels, predictions, expected) in cases {
        let params = format!(r#"{{"task": "ranking", "group": "query", {params}}}"#);
        check(
            &params,
            &ranked(&query, labels, predictions),
            1e-12,
            expected,
        );
    }
}

#[test]
fn groups_count_by_their_weight() {
    let table = ranked(
        &["a", "b", "a", "b"],
        &[1.0, 1.0, 0.0, 0.0],
        &[0.9, 0.1, 0.1, 0.9],
    )
    .with_column("w", [1.0, 3.0, 1.0, 3.0]);
    let params = r#"{"task": "ranking", "group": "query"}"#;
    check(params, &table, 1e-15, &[("mrr", 0.75), ("rows", 4.0)]);
    let params = r#"{"task": "ranking", "group": "query", "weight": "w"}"#;
    check(params, &table, 1e-15, &[("mrr", (1.0 + 3.0 * 0.5) / 4.0)]);
}
