use super::*;

const EVERYTHING: [&str; 4] = [
    "{}",
    r#"{"weight": "w"}"#,
    r#"{"by": ["s", "w"], "calibration": {"strategy": "quantile", "bins": 3}}"#,
    r#"{"weight": "w", "by": "s", "bootstrap": {"samples": 3}, "seed": 5}"#,
];

/// Checks every option of these parameters, nulls skipped.
fn check_options(task: &str, table: &Table) {
    for options in EVERYTHING {
        let options = with_label(options);
        let options = options.trim_end_matches('}');
        // What was cut off belongs to an inner table.
        let open = options.matches('{').count() - options.matches('}').count();
        let params = format!(
            r#"{options}{}, "nulls": "skip"{task}}}"#,
            "}".repeat(open - 1)
        );
        check_laws::<Metrics>(&params, &[("rows", table)], None);
    }
}

/// Labels and predictions as given; weights, and texts to slice by.
fn rows(
    label: (Field, BoxedStrategy<Cell>),
    prediction: (Field, BoxedStrategy<Cell>),
) -> BoxedStrategy<Table> {
    let text = Field::new("s", DataType::Utf8);
    let columns = vec![
        label,
        prediction,
        (
            Field::new("w", DataType::Int32),
            (0..3).prop_map(Cell::Int32).boxed(),
        ),
        (
            text.clone(),
            prop_oneof![
                Just(Cell::Null),
                Just(Cell::from("a")),
                Just(Cell::from("b"))
            ]
            .boxed(),
        ),
    ];
    tables_of(columns, 0..30)
}

fn float(name: &str) -> Field {
    Field::new(name, DataType::Float64)
}

fn class(name: &str) -> (Field, BoxedStrategy<Cell>) {
    let values = prop_oneof![1 => Just(Cell::Null), 5 => (0..3).prop_map(Cell::Int32)];
    (Field::new(name, DataType::Int32), values.boxed())
}

fn probabilities() -> BoxedStrategy<Cell> {
    prop_oneof![
        1 => Just(Cell::Null),
        2 => prop::sample::select(vec![0.0, -0.0, 1.0, 0.5, f64::from_bits(1)]).prop_map(Cell::from),
        3 => (0.0..=1.0).prop_map(Cell::from),
    ]
    .boxed()
}

/// Everything but NaN, which is refused.
fn numbers() -> BoxedStrategy<Cell> {
    let any = cells(&float("y"));
    any.prop_map(|cell| {
        if cell == Cell::from(f64::NAN) {
            Cell::Null
        } else {
            cell
        }
    })
    .boxed()
}

fn vectors() -> BoxedStrategy<Cell> {
    let vector = (0..=4_u8, 0..=4_u8).prop_map(|(a, b)| {
        let [a, b] = [f64::from(a) / 8.0, f64::from(b) / 8.0];
        Cell::from([a, b, 1.0 - a - b])
    });
    prop_oneof![1 => Just(Cell::Null), 5 => vector].boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn of_two_classes(table in rows(
        (Field::new("y", DataType::Boolean), cells(&Field::new("y", DataType::Boolean))),
        (float("prediction"), probabilities()),
    )) {
        check_options("", &table);
        check_laws::<Metrics>(r#"{"label": "y"}"#, &[("rows", &table)], None);
    }

    #[test]
    fn of_numbers(table in rows((float("y"), numbers()), (float("prediction"), numbers()))) {
        check_options("", &table);
    }

    #[test]
    fn of_vectors(table in rows(class("y"), (Field::new("prediction", DataType::Float64List(3)), vectors()))) {
        check_options(r#", "at": [2]"#, &table);
    }

    #[test]
    fn of_classes(table in rows(class("y"), class("prediction"))) {
        check_options(r#", "task": "multi-class""#, &table);
    }

    #[test]
    fn of_texts(table in rows(class("y"), (Field::new("prediction", DataType::Utf8), cells(&Field::new("p", DataType::Utf8))))) {
        check_options("", &table);
    }

    #[test]
    fn of_rankings(table in rows(class("y"), (float("prediction"), numbers()))) {
        check_options(r#", "task": "ranking", "group": "s", "by": []"#, &table.clone());
        check_laws::<Metrics>(
            r#"{"label": "y", "task": "ranking", "group": "s", "nulls": "skip", "gain": "exponential", "bootstrap": {"samples": 3}, "by": "w"}"#,
            &[("rows", &table)],
            None,
        );
    }

    #[test]
    fn of_what_is_refused(table in tables_of(vec![
        (float("y"), cells(&float("y"))),
        (Field::new("prediction", DataType::Float32), cells(&Field::new("prediction", DataType::Float32))),
    ], 0..6)) {
        check_laws::<Metrics>(r#"{"label": "y"}"#, &[("rows", &table)], None);
        check_laws::<Metrics>(r#"{"label": "y", "task": "multi-class"}"#, &[("rows", &table)], None);
    }
}
