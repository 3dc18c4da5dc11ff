use super::*;

fn origins() -> Table {
    predicted(
        [true, false, true, false, true, false],
        [0.9, 0.1, 0.2, 0.8, 0.6, 0.4],
    )
    .with_column(
        "origin",
        [
            Some("EWR"),
            Some("EWR"),
            Some("JFK"),
            Some("JFK"),
            None,
            None,
        ],
    )
    .with_column("month", [1, 1, 1, 2, 2, 2])
}

#[test]
fn each_value_of_a_column_is_measured_apart() {
    let params = r#"{"label": "y", "by": ["origin", "month"]}"#;
    let report = report(params, &origins());
    let slices = report["slices"].as_array().unwrap();
    let shown: Vec<_> = slices
        .iter()
        .map(|slice| {
            let metrics = &slice["metrics"];
            format!(
                "{} {} {} {}",
                slice["column"], slice["value"], slice["rows"], metrics["accuracy"]
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            r#""origin" null 2 1.0"#,
            r#""origin" "EWR" 2 1.0"#,
            r#""origin" "JFK" 2 0.0"#,
            r#""month" "1" 3 0.6666666666666666"#,
            r#""month" "2" 3 0.6666666666666666"#,
        ]
    );
    let expected = [
        ("accuracy", 4.0 / 6.0),
        ("accuracy_slice_min", 0.0),
        ("accuracy_slice_max", 1.0),
    ];
    check(r#"{"by": "origin"}"#, &origins(), 1e-15, &expected);
}

#[test]
fn a_slice_is_what_its_rows_are_alone() {
    let table = origins();
    let sliced = report(
        r#"{"label": "y", "by": "month", "bootstrap": {"samples": 9}}"#,
        &table,
    );
    let alone = report(
        r#"{"label": "y", "bootstrap": {"samples": 9}}"#,
        &table.take(&[3, 4, 5]),
    );
    assert_eq!(sliced["slices"][1]["intervals"], alone["intervals"]);
    assert_eq!(
        sliced["slices"][1]["metrics"]["auc"],
        alone["metrics"]["auc"]
    );
}

/// The standard error of a mean is known, and so is the interval.
#[test]
fn intervals_are_those_of_the_normal_distribution() {
    let errors: Vec<f64> = (0..2000)
        .map(|i| f64::from(i * 7919 % 2003) / 2003.0)
        .collect();
    let table = predicted(vec![0.0; 2000], errors);
    let params = r#"{"label": "y", "seed": 7, "bootstrap": {"samples": 2000, "confidence": 0.9}}"#;
    let outcome = fit::<Metrics>(params, &[("rows", &table)]).unwrap();
    let error = (1.0_f64 / 12.0 / 2000.0).sqrt();
    let mean = metric(&outcome, "mae");
    let low = (mean - metric(&outcome, "mae_low")) / error;
    let high = (metric(&outcome, "mae_high") - mean) / error;
    assert!(
        (low - 1.645).abs() < 0.12 && (high - 1.645).abs() < 0.12,
        "{low} {high}"
    );
}

/// Equal rows are drawn one by one: taken together they would vary far more.
#[test]
fn equal_rows_count_independently() {
    let labels = (0..1000).map(|i| i % 4 == 0);
    let table = predicted(labels, vec![0.25; 1000]);
    let params = r#"{"label": "y", "bootstrap": {"samples": 1000}}"#;
    let outcome = fit::<Metrics>(params, &[("rows", &table)]).unwrap();
    let width = metric(&outcome, "positive_share_high") - metric(&outcome, "positive_share_low");
    let normal = 2.0 * 1.96 * (0.25_f64 * 0.75 / 1000.0).sqrt();
    assert!((width / normal - 1.0).abs() < 0.1, "{width} {normal}");
}

#[test]
fn the_seed_decides_the_samples() {
    let low = |seed: u32| {
        let params = format!(r#"{{"label": "y", "seed": {seed}, "bootstrap": {{"samples": 20}}}}"#);
        let outcome = fit::<Metrics>(&params, &[("rows", &origins())]).unwrap();
        metric(&outcome, "brier_low")
    };
    assert_eq!(low(1), low(1));
    assert_ne!(low(1), low(2));
}
