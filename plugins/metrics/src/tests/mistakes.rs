use super::*;

fn table() -> Table {
    Table::new()
        .with_column("y", [Some(true), None])
        .with_column("n", [2, 0])
        .with_column("s", ["a", "b"])
        .with_column("prediction", [1.5, 0.5])
        .with_column("nan", [f64::NAN, 1.0])
        .with_column("p", [0.5, 0.5])
        .with_column("w", [-1.0, 1.0])
        .with_column("v", [[0.5, 0.5], [0.25, 0.5]])
        .with_column("big", [[1.5, -0.5], [0.5, 0.5]])
}

#[test]
fn mistakes_are_named() {
    let cases = [
        ("{}", "no column has the role label"),
        (
            r#"{"label": "late"}"#,
            "no column `late`; the columns are y, n, s",
        ),
        (
            r#"{"label": "y", "lable": 1}"#,
            "unknown field `lable`, expected one of `label`, `prediction`",
        ),
        (
            r#"{"label": "y"}"#,
            "prediction `prediction` has 1.5, but a probability is between 0 and 1",
        ),
        (
            r#"{"label": "y", "prediction": "p"}"#,
            "column `y` has a null",
        ),
        (
            r#"{"label": "n", "prediction": "p"}"#,
            "label `n` has 2, but classes are 0 and 1",
        ),
        (
            r#"{"label": "n", "prediction": "n"}"#,
            "`n` cannot be two of label, prediction, weight and group",
        ),
        (
            r#"{"label": "s", "prediction": "p"}"#,
            "say with `positive`",
        ),
        (
            r#"{"label": "s", "prediction": "p", "task": "regression"}"#,
            "`s` is utf8, which cannot be the label of a regression",
        ),
        (
            r#"{"label": "y", "prediction": "p", "positive": "a"}"#,
            "boolean, which cannot be the label of a classification with this `positive`",
        ),
        (
            r#"{"label": "p", "prediction": "nan"}"#,
            "column `nan` has a NaN",
        ),
        (r#"{"label": "p", "weight": "w"}"#, "weight `w` has -1"),
        (
            r#"{"label": "p", "positive": 1.5}"#,
            "`positive` must be true, false, an integer or a text",
        ),
        (
            r#"{"label": "p", "positive": 1, "task": "ranking"}"#,
            "`positive` is for a classification of two classes, and this is a ranking",
        ),
        (r#"{"label": "p", "threshold": null}"#, "invalid type: null"),
        (r#"{"label": "p", "at": [0]}"#, "ranks begin at 1"),
        (
            r#"{"label": "p", "calibration": {"bins": 0}}"#,
            "`calibration` has 0 bins",
        ),
        (
            r#"{"label": "p", "bootstrap": {"samples": 1}}"#,
            "it takes 2 to 100000",
        ),
        (
            r#"{"label": "p", "bootstrap": {"confidence": 1}}"#,
            "must be between 0 and 1",
        ),
        (
            r#"{"label": "n", "prediction": "p", "classes": [1]}"#,
            "set `task = \"multi-class\"`",
        ),
        (
            r#"{"label": "n", "prediction": "p", "by": "w"}"#,
            "`by`: column `w` is float64",
        ),
        (
            r#"{"label": "n", "prediction": "p", "by": ["n"]}"#,
            "`by` names `n`, which is measured",
        ),
        (
            r#"{"label": "n", "prediction": "p", "task": "ranking"}"#,
            "a ranking is measured by group",
        ),
        (
            r#"{"label": "w", "prediction": "p", "task": "ranking", "group": "s"}"#,
            "label `w` has -1: the relevance of a row is 0 or more",
        ),
        (
            r#"{"label": "n", "prediction": "v", "task": "regression"}"#,
            "column `v` is float64-list(2), not a number",
        ),
        (
            r#"{"label": "n", "prediction": "v"}"#,
            r#"column `n` has "2", which is none of the classes 0, 1"#,
        ),
        (
            r#"{"label": "s", "prediction": "v", "classes": ["a", "b"]}"#,
            "the probabilities of a row of `v` add up to 0.75, not to 1",
        ),
        (
            r#"{"label": "s", "prediction": "big", "classes": ["a", "b"]}"#,
            "prediction `big` has 1.5, but a probability",
        ),
        (
            r#"{"label": "s", "prediction": "v", "classes": ["a"]}"#,
            "`classes` names 1, but the prediction `v` has 2",
        ),
        (
            r#"{"label": "s", "prediction": "v", "classes": ["a", "a"]}"#,
            "one is there twice",
        ),
        (
            r#"{"label": "nan", "prediction": "s"}"#,
            "column `nan` has a NaN, which is no class",
        ),
    ];
    for (params, expected) in cases {
        check_refused(params, &table(), expected);
    }
}

#[test]
fn a_role_belongs_to_one_column() {
    let label = |name: &str| Field::new(name, DataType::Boolean).with_role(Role::Label);
    let two = Table::new()
        .with_field(label("a"), [true])
        .with_field(label("b"), [true]);
    check_refused("{}", &two, "columns `a` and `b` both have the role label");
}

#[test]
fn slices_and_classes_are_limited() {
    let keys: Vec<i32> = (0..10_001).collect();
    let table =
        predicted(vec![true; keys.len()], vec![0.5; keys.len()]).with_column("key", keys.clone());
    check_refused(
        r#"{"label": "y", "by": "key"}"#,
        &table,
        "more than 10000 slices of key",
    );
    let table = predicted(keys.clone(), keys);
    check_refused(
        r#"{"label": "y", "task": "multi-class"}"#,
        &table,
        "column `y` has more than 1000 classes",
    );
}

#[test]
fn memory_is_told() {
    let table = predicted([1.0], [1.0]).with_column("v", [[0.5, 0.5]]);
    let cases = [
        ("{}", 64),
        (r#"{"task": "classification"}"#, 64),
        (r#"{"prediction": "v"}"#, 80),
    ];
    for (params, expected) in cases {
        let signature = describe::<Metrics>(&with_label(params), &[("rows", &table)], None);
        let reduction = signature.unwrap().reduction.unwrap();
        assert_eq!(reduction.bytes_per_row, expected, "{params}");
    }
}
