use super::*;

#[test]
fn textbook_values() {
    let nan = f64::NAN;
    let cases: [Textbook<'_, f64>; 4] = [
        (
            "{}",
            &[3.0, -0.5, 2.0, 7.0],
            &[2.5, 0.0, 2.0, 8.0],
            &[
                ("mse", 0.375),
                ("mae", 0.5),
                ("median_absolute_error", 0.5),
                ("max_error", 1.0),
                ("r2", 0.948_608_137_044_967_9),
                ("explained_variance", 0.957_173_447_537_473_3),
                ("poisson_deviance", nan),
                ("gamma_deviance", nan),
            ],
        ),
        (
            "{}",
            &[2.0, 0.0, 1.0, 4.0],
            &[0.5, 0.5, 2.0, 2.0],
            &[
                ("poisson_deviance", 1.426_015_131_959_808_4),
                ("gamma_deviance", nan),
            ],
        ),
        (
            "{}",
            &[2.0, 2.0],
            &[1.0, 3.0],
            &[("rmse", 1.0), ("r2", nan)],
        ),
        (
            "{}",
            &[],
            &[],
            &[
                ("rows", 0.0),
                ("rmse", nan),
                ("r2", nan),
                ("median_absolute_error", nan),
            ],
        ),
    ];
    for (params, labels, predictions, expected) in cases {
        let table = predicted(labels.iter().copied(), predictions.iter().copied());
        check(params, &table, 1e-15, expected);
    }
}

#[test]
fn the_median_is_of_weights() {
    let table = predicted([0.0; 3], [1.0, 2.0, 3.0])
        .with_column("heavy", [1.0, 1.0, 3.0])
        .with_column("half", [1.0, 1.0, 2.0])
        .with_column("none", [0.0, 1.0, 0.0]);
    for (weight, median) in [("heavy", 3.0), ("half", 2.5), ("none", 2.0)] {
        let params = format!(r#"{{"weight": "{weight}"}}"#);
        check(&params, &table, 0.0, &[("median_absolute_error", median)]);
    }
}
