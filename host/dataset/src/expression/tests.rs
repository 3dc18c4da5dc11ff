use std::sync::Arc;

use arrow::array::{
    BinaryArray, Date32Array, Float32Array, Float64Array, Int32Array, Int64Array, StringArray,
    TimestampMicrosecondArray,
};
use arrow::compute::cast;
use proptest::prelude::*;

use super::*;

/// Four rows: plain values, other plain values, extremes, nulls.
fn rows() -> RecordBatch {
    let times =
        TimestampMicrosecondArray::from(vec![Some(0), Some(1_377_993_600_000_000), Some(-1), None]);
    let columns: [(&str, ArrayRef); 9] = [
        (
            "delay",
            Arc::new(Int64Array::from(vec![
                Some(16),
                Some(-3),
                Some(i64::MAX),
                None,
            ])),
        ),
        (
            "seats",
            Arc::new(Int32Array::from(vec![Some(2), Some(0), Some(-7), None])),
        ),
        (
            "temp",
            Arc::new(Float64Array::from(vec![
                Some(39.5),
                Some(-0.0),
                Some(f64::NAN),
                None,
            ])),
        ),
        (
            "rain",
            Arc::new(Float32Array::from(vec![
                Some(0.5),
                Some(2.0),
                Some(f32::INFINITY),
                None,
            ])),
        ),
        (
            "origin",
            Arc::new(StringArray::from(vec![
                Some("JFK"),
                Some("LGA"),
                Some("é€𝄞"),
                None,
            ])),
        ),
        (
            "late",
            Arc::new(BooleanArray::from(vec![
                Some(true),
                Some(false),
                Some(true),
                None,
            ])),
        ),
        ("time", Arc::new(times.with_timezone("UTC"))),
        (
            "day",
            Arc::new(Date32Array::from(vec![
                Some(0),
                Some(15_949),
                Some(-1),
                None,
            ])),
        ),
        (
            "dep.x y",
            Arc::new(BinaryArray::from(vec![
                Some(b"a".as_slice()),
                None,
                None,
                Some(b"b"),
            ])),
        ),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn evaluate(text: &str, batch: &RecordBatch) -> Vec<String> {
    let expression = Expression::compile(text, &Schema::from_arrow(&batch.schema()).unwrap())
        .unwrap_or_else(|error| panic!("{error}"));
    let values = expression.evaluate(batch).unwrap();
    assert_eq!(
        DataType::from_arrow(values.data_type()),
        Some(expression.data_type()),
        "{text}"
    );
    assert!(
        expression.is_nullable() || values.null_count() == 0,
        "{text}"
    );
    let value = |row| {
        if values.is_null(row) {
            "null".to_owned()
        } else {
            crate::time::describe(&values, row).unwrap()
        }
    };
    (0..values.len()).map(value).collect()
}

#[test]
fn values() {
    let batch = rows();
    let check =
        |text: &str, expected: [&str; 4]| assert_eq!(evaluate(text, &batch), expected, "{text}");
    // Times move by durations; what does not fit is null.
    check(
        "time + minutes(delay) > timestamp(\"1970-01-01T00:15:59Z\")",
        ["true", "true", "null", "null"],
    );
    check(
        "duration(\"1h30m\") + hours(seats) == minutes(210)",
        ["true", "false", "false", "null"],
    );
    check(
        "time - duration(\"1us\") < time",
        ["true", "true", "true", "null"],
    );
    // Comparisons: null in, null out; NaN and zeros as IEEE 754 says.
    check("delay > 15", ["true", "false", "true", "null"]);
    check("delay == -3", ["false", "true", "false", "null"]);
    check("delay > 15.5", ["true", "false", "true", "null"]);
    check("temp == temp", ["true", "true", "false", "null"]);
    check("temp != temp", ["false", "false", "true", "null"]);
    check("temp == 0.0", ["false", "true", "false", "null"]);
    check("temp <= 39.5", ["true", "true", "false", "null"]);
    check("origin < 'K'", ["true", "false", "false", "null"]);
    check("late == true", ["true", "false", "true", "null"]);
    check(
        "time >= timestamp('2013-09-01T00:00:00Z')",
        ["false", "true", "false", "null"],
    );
    check(
        "day < timestamp('1970-01-01T02:00:00+02:00')",
        ["false", "false", "true", "null"],
    );
    check("time == day", ["true", "true", "false", "null"]);
    // Null tests never give null.
    check("delay != null", ["true", "true", "true", "false"]);
    check("null == delay", ["false", "false", "false", "true"]);
    check("has(row.origin)", ["true", "true", "true", "false"]);
    check("row['dep.x y'] == null", ["false", "true", "true", "false"]);
    // Kleene logic.
    check("late || delay > 15", ["true", "false", "true", "null"]);
    check("late || true", ["true"; 4]);
    check("late && false", ["false"; 4]);
    check("!late", ["false", "true", "false", "null"]);
    check(
        "late ? delay : 0",
        ["16", "0", "9223372036854775807", "null"],
    );
    check("late ? 1.5 : null", ["1.5", "null", "1.5", "null"]);
    check(
        "seats == 0 ? 0 : delay",
        ["16", "0", "9223372036854775807", "null"],
    );
    // Arithmetic: overflow and division by zero are null, and can be guarded against.
    check("delay + 1", ["17", "-2", "null", "null"]);
    check(
        "delay / seats",
        ["8", "null", "-1317624576693539401", "null"],
    );
    check(
        "seats != 0 && delay / seats > 2",
        ["true", "false", "false", "null"],
    );
    check("-7 / 2", ["-3"; 4]);
    check("delay % 5", ["1", "-3", "2", "null"]);
    check("-delay", ["-16", "3", "-9223372036854775807", "null"]);
    check("-temp", ["-39.5", "0.0", "NaN", "null"]);
    check("rain * 2", ["1.0", "4.0", "inf", "null"]);
    check("1.0 / 0.0", ["inf"; 4]);
    check(
        "origin + '-' + origin",
        ["JFK-JFK", "LGA-LGA", "é€𝄞-é€𝄞", "null"],
    );
    // Lists and functions.
    check(
        "origin in ['JFK', 'EWR']",
        ["true", "false", "false", "null"],
    );
    check("delay in [16.0, -3]", ["true", "true", "false", "null"]);
    check("delay in []", ["false"; 4]);
    check(
        "seats in [2, delay - 16]",
        ["true", "false", "false", "null"],
    );
    check("size(origin)", ["3", "3", "3", "null"]);
    check(
        "origin.startsWith('J') || origin.endsWith('A')",
        ["true", "true", "false", "null"],
    );
    check("origin.contains('F')", ["true", "false", "false", "null"]);
    check(
        "origin.matches('^[A-J]')",
        ["true", "false", "false", "null"],
    );
    check("int(temp)", ["39", "0", "null", "null"]);
    check("int('12')", ["12"; 4]);
    check("int(origin)", ["null"; 4]);
    check("double(seats) / 4", ["0.5", "0.0", "-1.75", "null"]);
    check(
        "time.getFullYear() * 100 + time.getMonth() + 1",
        ["197001", "201309", "196912", "null"],
    );
    check("time.getDayOfWeek()", ["4", "0", "3", "null"]);
    check(
        "time.getHours() * 60 + time.getMinutes()",
        ["0", "0", "1439", "null"],
    );
    check("day.getDate()", ["1", "1", "31", "null"]);
}

#[test]
fn errors_say_where_and_what_to_do() {
    let schema = Schema::from_arrow(&rows().schema()).unwrap();
    let check = |text: &str, position: usize, problem: &str, hint: &str| {
        let error = Expression::compile(text, &schema).unwrap_err();
        assert!(error.problem.contains(problem), "{text}: {error}");
        assert!(
            error.hint.as_deref().unwrap_or_default().contains(hint),
            "{text}: {:?}",
            error.hint
        );
        assert_eq!(error.position, position, "{text}: {error}");
    };
    check(
        "delai > 15",
        0,
        "there is no column `delai`",
        "did you mean `delay`?",
    );
    check(
        "delay > 15 && temperature < 3",
        14,
        "`temperature`",
        "the columns are `delay`, `seats`",
    );
    check(
        "delay > 'x'",
        6,
        "int does not go with string",
        "int(x) or double(x)",
    );
    check(
        "time > '2013-09-01'",
        5,
        "a timestamp does not go",
        "timestamp(\"2013",
    );
    check(
        "time > timestamp('2013-09-01')",
        17,
        "not a time",
        "2013-09-01T00:00:00Z",
    );
    check(
        "delay && late",
        0,
        "must be true or false, and is int",
        "`x != null`",
    );
    check("delay < null", 6, "neither less nor greater", "x == null");
    check(
        "origin.startWith('J')",
        17 - 1,
        "no function `startWith`",
        "did you mean `startsWith`?",
    );
    check(
        "sqrt(temp)",
        4,
        "no function `sqrt`",
        "the functions are size",
    );
    check("delay.size()", 10, "`size` is not defined for int", "");
    check("temp % 2.0", 5, "`%` is not defined for double", "");
    check("origin.matches('(')", 15, "not a pattern", "");
    check("origin.matches(origin)", 14, "one pattern", "");
    check("origin in ['JFK', 1]", 18, "int is not string", "");
    check("[1, 2]", 0, "a list can only stand after `in`", "");
    check("null", 0, "always null", "");
    check(
        "row['dep.x y']",
        3,
        "binary or vector",
        "compared with null",
    );
    check("delay = 15", 6, "", "written `==`");
    check("delay >", 7, "", "");
    check("'é' == origin && x", 17, "no column `x`", "");
    check("'é' = 1", 4, "", "written `==`");
    check("late &&\n x", 9, "no column `x`", "");
    check("", 0, "", "");
}

#[test]
fn no_text_exhausts_the_stack() {
    let schema = Schema::from_arrow(&rows().schema()).unwrap();
    let check = |text: String| {
        Expression::compile(&text, &schema).expect_err("too deep or not CEL");
    };
    check(format!("{}1 > 0", "1+".repeat(2045)));
    check(format!("{}late{}", "(".repeat(2000), ")".repeat(2000)));
    check(format!("{}late", "late ? late : ".repeat(290)));
    check(format!("{}late{}", "[".repeat(2000), "]".repeat(2000)));
    check(format!("a{}", ".a".repeat(2000)));
    check(format!("late{}", " && late".repeat(600)));
    // What the parser itself folds or balances is not deep.
    for text in [
        format!("late{}", " || late".repeat(400)),
        format!("{}late", "!".repeat(4000)),
        format!("{}delay > 0", "-".repeat(4000)),
    ] {
        assert_eq!(evaluate(&text, &rows()), ["true", "false", "true", "null"]);
    }
}

#[test]
fn what_it_reads_and_proves() {
    let schema = Schema::from_arrow(&rows().schema()).unwrap();
    let expression = Expression::compile(
        "delay != null && (late || temp != null) && has(row.origin)",
        &schema,
    )
    .unwrap();
    assert_eq!(
        expression.columns(),
        ["delay", "late", "origin", "temp"]
            .map(str::to_owned)
            .into()
    );
    assert_eq!(
        expression.proves_present(),
        ["delay", "origin"].map(str::to_owned).into()
    );
}

#[test]
fn a_condition_takes_null_for_false() {
    let batch = rows();
    let schema = Schema::from_arrow(&batch.schema()).unwrap();
    let selected = Expression::compile("late", &schema)
        .unwrap()
        .select(&batch)
        .unwrap();
    assert_eq!(selected, BooleanArray::from(vec![true, false, true, false]));
    let wrong = Expression::compile("delay", &schema)
        .unwrap()
        .select(&batch)
        .unwrap_err();
    assert!(wrong.to_string().contains("Int64"), "{wrong}");
}

/// An expression twice: as it is, and as the `cel` crate's interpreter must be asked so that it means
/// the same: `x == y` fails on null, `x < y` is false for NaN (CEL's definition says so, the
/// interpreter fails), and an int that meets a double is converted.
#[derive(Clone, Debug)]
struct Texts {
    ours: String,
    oracle: String,
}

fn texts(ours: impl Into<String>, oracle: impl Into<String>) -> Texts {
    Texts {
        ours: ours.into(),
        oracle: oracle.into(),
    }
}

fn same(text: impl Into<String>) -> Texts {
    let text = text.into();
    texts(text.clone(), text)
}

fn binary(left: &Texts, operator: &str, right: &Texts) -> Texts {
    texts(
        format!("({} {operator} {})", left.ours, right.ours),
        format!("({} {operator} {})", left.oracle, right.oracle),
    )
}

fn int() -> impl Strategy<Value = Texts> {
    let leaf = prop_oneof![
        Just(same("i")),
        Just(same("j")),
        (-9_i64..9).prop_map(|value| same(format!("({value})"))),
    ];
    leaf.prop_recursive(3, 12, 2, |inner| {
        let operator = prop_oneof![Just("+"), Just("-"), Just("*"), Just("/"), Just("%")];
        (inner.clone(), operator, inner)
            .prop_map(|(left, operator, right)| binary(&left, operator, &right))
    })
}

fn double() -> impl Strategy<Value = Texts> {
    let leaf = prop_oneof![
        Just(same("x")),
        Just(texts("y", "double(y)")),
        int().prop_map(|int| texts(
            format!("double({})", int.ours),
            format!("double({})", int.oracle)
        )),
    ];
    leaf.prop_recursive(3, 12, 2, |inner| {
        let operator = prop_oneof![Just("+"), Just("-"), Just("*"), Just("/")];
        (inner.clone(), operator, inner)
            .prop_map(|(left, operator, right)| binary(&left, operator, &right))
    })
}

fn text() -> impl Strategy<Value = Texts> {
    let leaf = prop_oneof![
        Just(same("s")),
        Just(same("'a'")),
        Just(same("''")),
        Just(same("'é'"))
    ];
    leaf.prop_recursive(2, 6, 2, |inner| {
        (inner.clone(), inner).prop_map(|(a, b)| binary(&a, "+", &b))
    })
}

/// `left operator right`
fn comparison(left: &Texts, operator: &str, right: &Texts) -> Texts {
    let plain = binary(left, operator, right);
    let (a, b) = (&left.oracle, &right.oracle);
    if operator.contains('<') || operator.contains('>') {
        return texts(
            plain.ours,
            format!("((true in [{a} != {a}, {b} != {b}]) ? false : {a} {operator} {b})"),
        );
    }
    texts(
        plain.ours,
        format!("(({a} == null || {b} == null) ? (1 / 0 == 1) : {a} {operator} {b})"),
    )
}

fn boolean() -> impl Strategy<Value = Texts> {
    let operator = || {
        prop_oneof![
            Just("=="),
            Just("!="),
            Just("<"),
            Just("<="),
            Just(">"),
            Just(">=")
        ]
    };
    let null_test = prop_oneof![Just("i"), Just("j"), Just("x"), Just("s"), Just("b")];
    let leaf = prop_oneof![
        Just(texts("b", "(b && true)")),
        null_test.prop_map(|column| same(format!("({column} != null)"))),
        (int(), operator(), int()).prop_map(|(a, operator, b)| comparison(&a, operator, &b)),
        (double(), operator(), double()).prop_map(|(a, operator, b)| comparison(&a, operator, &b)),
        (text(), operator(), text()).prop_map(|(a, operator, b)| comparison(&a, operator, &b)),
        (text(), text()).prop_map(|(a, b)| {
            texts(
                format!("{}.contains({})", a.ours, b.ours),
                format!("{}.contains({})", a.oracle, b.oracle),
            )
        }),
    ];
    leaf.prop_recursive(3, 16, 3, |inner| {
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            inner
                .clone()
                .prop_map(|a| texts(format!("!({})", a.ours), format!("!({})", a.oracle))),
            pair.clone().prop_map(|(a, b)| binary(&a, "&&", &b)),
            pair.prop_map(|(a, b)| binary(&a, "||", &b)),
            (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| texts(
                format!("({} ? {} : {})", a.ours, b.ours, c.ours),
                format!("({} ? {} : {})", a.oracle, b.oracle, c.oracle),
            )),
        ]
    })
}

type Row = (
    Option<i64>,
    Option<i32>,
    Option<f64>,
    Option<i64>,
    Option<String>,
    Option<bool>,
);

fn row() -> impl Strategy<Value = Row> {
    let int = || prop_oneof![4 => -5_i64..5, 1 => Just(i64::MAX), 1 => Just(i64::MIN)];
    let double = prop_oneof![4 => -3.0..3.0, 1 => Just(0.0), 1 => Just(-0.0), 1 => Just(f64::NAN), 1 => Just(f64::INFINITY)];
    (
        proptest::option::weighted(0.8, int()),
        proptest::option::weighted(0.8, -5..5),
        proptest::option::weighted(0.8, double),
        proptest::option::weighted(0.8, -5_i64..5),
        proptest::option::weighted(0.8, "[aé]{0,2}"),
        proptest::option::weighted(0.8, any::<bool>()),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Every row gets what the `cel` crate's interpreter gives for it, and null where that fails.
    #[test]
    fn agrees_with_the_interpreter(expression in boolean(), rows in proptest::collection::vec(row(), 1..12)) {
        let i: ArrayRef = Arc::new(rows.iter().map(|row| row.0).collect::<Int64Array>());
        let j: ArrayRef = Arc::new(rows.iter().map(|row| row.1).collect::<Int32Array>());
        let x: ArrayRef = Arc::new(rows.iter().map(|row| row.2).collect::<Float64Array>());
        let y = cast(&rows.iter().map(|row| row.3).collect::<Int64Array>(), &arrow::datatypes::DataType::Int64).unwrap();
        let s: ArrayRef = Arc::new(rows.iter().map(|row| row.4.clone()).collect::<StringArray>());
        let b: ArrayRef = Arc::new(rows.iter().map(|row| row.5).collect::<BooleanArray>());
        let batch = RecordBatch::try_from_iter([("i", i), ("j", j), ("x", x), ("y", y), ("s", s), ("b", b)]).unwrap();
        // A lone `y` beside a double is promoted; between two promoted ints it would stay an int.
        let ours = evaluate(&expression.ours.replace('y', "(y + 0.0)"), &batch);
        let oracle = cel::Program::compile(&expression.oracle).unwrap();
        for (row, ours) in rows.iter().zip(ours) {
            let mut context = cel::Context::default();
            context.add_variable("i", row.0).unwrap();
            context.add_variable("j", row.1.map(i64::from)).unwrap();
            context.add_variable("x", row.2).unwrap();
            context.add_variable("y", row.3).unwrap();
            context.add_variable("s", row.4.clone()).unwrap();
            context.add_variable("b", row.5).unwrap();
            let expected = match oracle.execute(&context) {
                Ok(cel::Value::Bool(value)) => value.to_string(),
                Ok(other) => panic!("{other:?}"),
                Err(_) => "null".to_owned(),
            };
            prop_assert_eq!(ours, expected, "{:?} on {:?}", &expression, row);
        }
    }

    /// No text makes the parser or the check panic.
    #[test]
    fn any_text_is_an_expression_or_an_error(text in "[a-z0-9 .,'\"()\\[\\]{}<>=!&|?:+*/%-]{0,24}") {
        let schema = Schema::from_arrow(&rows().schema()).unwrap();
        if let Err(error) = Expression::compile(&text, &schema) {
            prop_assert!(error.position <= text.len(), "{}", error);
        }
    }
}
