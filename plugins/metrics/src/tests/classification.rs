use super::*;

#[test]
fn textbook_values() {
    let cases: [Textbook<'_, bool>; 6] = [
        (
            "{}",
            &[false, false, true, true],
            &[0.1, 0.4, 0.35, 0.8],
            &[("auc", 0.75), ("average_precision", 5.0 / 6.0), ("ks", 0.5)],
        ),
        (
            "{}",
            &[false, false, true, true],
            &[0.1, 0.2, 0.7, 0.99],
            &[("log_loss", 0.173_807_336_691_067_5), ("mcc", 1.0)],
        ),
        // A prediction at the threshold is not above it.
        (
            "{}",
            &[true, false],
            &[0.5, 0.5],
            &[("accuracy", 0.5), ("recall", 0.0), ("auc", 0.5)],
        ),
        (
            r#"{"threshold": 0.4}"#,
            &[true, false],
            &[0.5, 0.5],
            &[
                ("recall", 1.0),
                ("precision", 0.5),
                ("specificity", 0.0),
                ("balanced_accuracy", 0.5),
                ("predicted_positive_share", 1.0),
                ("mcc", f64::NAN),
            ],
        ),
        (
            r#"{"calibration": {"bins": 2}}"#,
            &[true, false, true, true],
            &[0.0, 0.5, 0.75, 1.0],
            &[("calibration_error", 0.5 * 0.25 + 0.5 * 0.125)],
        ),
        // One bin has everything.
        (
            r#"{"calibration": {"bins": 1, "strategy": "quantile"}}"#,
            &[true, false],
            &[0.9, 0.3],
            &[("calibration_error", 0.1)],
        ),
    ];
    for (params, labels, predictions, expected) in cases {
        let table = predicted(labels.iter().copied(), predictions.iter().copied());
        check(params, &table, 1e-15, expected);
    }
}

#[test]
fn what_is_not_defined_is_nan() {
    let nan = f64::NAN;
    let one_class = predicted([true, true], [0.1, 0.2]);
    check(
        "{}",
        &one_class,
        0.0,
        &[
            ("auc", nan),
            ("ks", nan),
            ("average_precision", 1.0),
            ("precision", nan),
            ("recall", 0.0),
            ("f1", 0.0),
            ("specificity", nan),
        ],
    );
    check(
        "{}",
        &one_class.take(&[]),
        0.0,
        &[
            ("rows", 0.0),
            ("accuracy", nan),
            ("log_loss", nan),
            ("auc", nan),
            ("average_precision", nan),
            ("calibration_error", nan),
        ],
    );
}

#[test]
fn any_label_can_be_the_positive_one() {
    let predictions = [0.9, 0.2, 0.1];
    let cases = [
        (
            r#"{"positive": "yes"}"#,
            predicted(["yes", "no", ""], predictions),
        ),
        (r#"{"positive": 7}"#, predicted([7_i64, 1, -1], predictions)),
        (
            r#"{"positive": 7}"#,
            predicted([7.0, 1.0, -1.0], predictions),
        ),
        (
            r#"{"positive": false}"#,
            predicted([false, true, true], predictions),
        ),
    ];
    for (params, table) in cases {
        let expected = [("accuracy", 1.0), ("positive_share", 1.0 / 3.0)];
        check(params, &table, 0.0, &expected);
    }
}

#[test]
fn rows_with_nulls_are_skipped_if_asked_for() {
    let table = predicted(
        [Some(true), None, Some(false)],
        [Some(1.0), Some(0.5), None],
    );
    check(
        r#"{"nulls": "skip"}"#,
        &table,
        0.0,
        &[("rows", 1.0), ("skipped", 2.0), ("accuracy", 1.0)],
    );
}

#[test]
fn the_report_has_confusion_calibration_and_thresholds() {
    let table = predicted([true, false, true, false], [0.9, 0.7, 0.3, 0.1])
        .with_column("w", [2.0, 1.0, 1.0, 0.5]);
    let params =
        r#"{"label": "y", "weight": "w", "thresholds": [0.2, 0.8], "calibration": {"bins": 2}}"#;
    let report = report(params, &table);
    assert_eq!(report["task"], "classification");
    assert_eq!(
        (&report["label"], &report["prediction"], &report["weight"]),
        (&"y".into(), &"prediction".into(), &"w".into())
    );
    assert_eq!(
        report["confusion"],
        serde_json::json!({
            "true_positive": 2.0, "false_positive": 1.0, "true_negative": 0.5, "false_negative": 1.0,
        })
    );
    assert_eq!(report["metrics"]["rows"], 4.0);
    let bin = &report["calibration"][1];
    assert_eq!((&bin["from"], &bin["to"]), (&0.5.into(), &1.0.into()));
    assert_eq!((&bin["rows"], &bin["weight"]), (&2.into(), &3.0.into()));
    assert_eq!(bin["positive_share"], 2.0 / 3.0);
    let high = &report["thresholds"][1];
    assert_eq!(
        (&high["threshold"], &high["precision"], &high["recall"]),
        (&0.8.into(), &1.0.into(), &(2.0 / 3.0).into())
    );
}

/// The area under the curve by its definition: every pair of a positive and a negative row.
fn area_by_pairs(labels: &[bool], predictions: &[f64]) -> f64 {
    let of = |class| {
        labels
            .iter()
            .zip(predictions)
            .filter(move |(label, _)| **label == class)
            .map(|(_, p)| *p)
    };
    let score = |positive: f64, negative: f64| {
        f64::from(positive > negative) + 0.5 * f64::from(positive == negative)
    };
    let sum: f64 = of(true)
        .flat_map(|positive| of(false).map(move |negative| score(positive, negative)))
        .sum();
    sum / (of(true).count() * of(false).count()) as f64
}

proptest! {
    #[test]
    fn the_area_counts_pairs(rows in prop::collection::vec((any::<bool>(), 0..8_i32), 0..40)) {
        let (labels, eighths): (Vec<bool>, Vec<i32>) = rows.into_iter().unzip();
        let predictions: Vec<f64> = eighths.into_iter().map(|eighth| f64::from(eighth) / 8.0).collect();
        let expected = area_by_pairs(&labels, &predictions);
        check("{}", &predicted(labels, predictions), 1e-15, &[("auc", expected)]);
    }
}
