use super::*;

#[test]
fn textbook_values() {
    let vector = Field::new("prediction", DataType::Float64List(3))
        .with_elements(["a", "b", "c"].map(str::to_owned).to_vec());
    let table = Table::new()
        .with_column("y", ["a", "b", "c", "b"])
        .with_field(
            vector,
            [
                [0.5, 0.25, 0.25],
                [0.25, 0.5, 0.25],
                [0.5, 0.25, 0.25],
                [0.25, 0.25, 0.5],
            ],
        );
    let expected = [
        ("accuracy", 0.5),
        ("balanced_accuracy", 0.5),
        ("precision_macro", 0.5),
        ("recall_weighted", 0.5),
        ("kappa", 3.0 / 11.0),
        ("log_loss", 1.5 * std::f64::consts::LN_2),
        ("brier", (2.0 * 0.375 + 2.0 * 0.875) / 4.0),
        ("auc_macro", (5.0 / 6.0 + 0.75 + 1.0 / 3.0) / 3.0),
        ("top_2_accuracy", 1.0),
        ("top_1_accuracy", 0.5),
    ];
    check(r#"{"at": [1, 2]}"#, &table, 1e-15, &expected);
    let report = report(r#"{"label": "y"}"#, &table);
    assert_eq!(report["task"], "multi-class");
    assert_eq!(
        report["confusion_matrix"],
        serde_json::json!({"classes": ["a", "b", "c"], "weights": [[1.0, 0.0, 0.0], [0.0, 1.0, 1.0], [1.0, 0.0, 0.0]]})
    );
    assert_eq!(report["classes"][1]["precision"], 1.0);
    assert_eq!(report["classes"][1]["recall"], 0.5);
}

#[test]
fn elements_that_count_name_no_classes() {
    let vector = Field::new("prediction", DataType::Float64List(2))
        .with_elements(["prediction_0", "prediction_1"].map(str::to_owned).to_vec());
    let table = Table::new()
        .with_column("y", [0, 1])
        .with_field(vector, [[0.75, 0.25], [0.5, 0.5]]);
    check("{}", &table, 0.0, &[("accuracy", 0.5)]);
}

#[test]
fn classes_can_be_predicted_as_they_are() {
    let cases = [
        ("{}", predicted(["a", "b", "b", "b"], ["a", "b", "c", "b"])),
        (
            r#"{"task": "multi-class"}"#,
            predicted([10_i64, 9, 9, 9], [10_i64, 9, 11, 9]),
        ),
        (
            r#"{"task": "multi-class", "classes": [9, 10, 11]}"#,
            predicted([10.0, 9.0, 9.0, 9.0], [10, 9, 11, 9]),
        ),
    ];
    for (params, table) in cases {
        let expected = [
            ("accuracy", 0.75),
            ("f1_macro", 0.6),
            ("mcc", 0.645_497_224_367_902_9),
        ];
        check(params, &table, 1e-15, &expected);
    }
    let report = report(
        r#"{"label": "y", "task": "multi-class"}"#,
        &predicted([10_i64, 9, 9], [10_i64, 9, 11]),
    );
    assert_eq!(
        report["confusion_matrix"]["classes"],
        serde_json::json!(["9", "10", "11"])
    );
}
