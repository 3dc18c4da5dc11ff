//! Steps that send every number through kernels: those of a column, or of each element of a vector.

use trueline_sdk::{DataType, Result};

use crate::{
    columns::Columns,
    kernel::Kernel,
    learn::{Fitted, Task},
    table::Column,
    value::Value,
    walk::Here,
};

/// Sends the numbers of these columns through the same kernels. `may_lose` says whether these can make a number missing.
///
/// # Errors
/// As [`Here::numbers_and_vectors`] and [`Here::replace`].
pub(super) fn through(
    here: &mut Here<'_>,
    columns: &Columns,
    may_lose: bool,
    kernels: &[Kernel],
) -> Result<()> {
    for column in here.numbers_and_vectors(columns)? {
        let kernels = vec![kernels.to_vec(); column.width()];
        let nullable = may_lose || column.may_miss();
        here.replace(sent(&column, Some(kernels), nullable, column.ready))?;
    }
    Ok(())
}

/// Sends the numbers of these columns through kernels that depend on what is learned from them.
///
/// # Errors
/// As [`Here::numbers_and_vectors`] and [`Here::replace`].
pub(super) fn learned(
    here: &mut Here<'_>,
    columns: &Columns,
    task: &Task,
    may_lose: bool,
    kernels: impl Fn(&Fitted) -> Option<Vec<Kernel>>,
) -> Result<()> {
    for column in here.numbers_and_vectors(columns)? {
        let (fitted, ready) = here.learn(&column, task.clone());
        let kernels = fitted.and_then(|fitted| each(&fitted, &kernels));
        let nullable = may_lose || column.may_miss();
        here.replace(sent(&column, kernels, nullable, ready))?;
    }
    Ok(())
}

/// The kernels of each number of a row, by what was learned from it.
pub(super) fn each(
    fitted: &Fitted,
    kernels: impl Fn(&Fitted) -> Option<Vec<Kernel>>,
) -> Option<Vec<Vec<Kernel>>> {
    match fitted {
        Fitted::Elements(each) => each.iter().map(kernels).collect(),
        fitted => kernels(fitted).map(|kernels| vec![kernels]),
    }
}

/// The column, with each number of a row sent through kernels, as soon as these are known: float64, or a vector as
/// it was.
pub(super) fn sent(
    column: &Column,
    kernels: Option<Vec<Vec<Kernel>>>,
    nullable: bool,
    ready: u32,
) -> Column {
    let kernels = kernels.filter(|kernels| kernels.len() == column.width());
    if column.is_vector() {
        let vector = column.elements().zip(kernels);
        let vector = vector.map(|(elements, kernels)| elements.then(kernels));
        return column.becomes_vector(vector, ready);
    }
    let scalar = column.scalar().zip(kernels).map(|(scalar, kernels)| {
        let kernels = kernels.into_iter().flatten();
        Value::Scalar(kernels.fold(scalar, |scalar, kernel| scalar.then(kernel)))
    });
    column.becomes(DataType::Float64, nullable, scalar, ready)
}

#[cfg(test)]
mod tests {
    use trueline_sdk::testing::{Cell, Table};
    use trueline_sdk::{DataType, Field};

    use crate::testing::{assert_same, check, check_error, elements, learned};

    const A: [f64; 6] = [3.0, f64::NAN, -0.5, 3.0, 12.25, 7.0];
    const B: [f64; 6] = [0.25, 1.0, 1.0, f64::NAN, 1e6, 0.5];

    fn columns() -> Table {
        Table::new().with_column("a", A).with_column("b", B)
    }

    fn vectors() -> Table {
        let rows = A.iter().zip(B).map(|(a, b)| [*a, b]);
        let field = Field::new("v", DataType::Float64List(2));
        Table::new().with_field(field.with_elements(vec!["a".into(), "b".into()]), rows)
    }

    /// Each of the steps that take vectors.
    const STEPS: [&str; 14] = [
        r#""impute", "with": "mean""#,
        r#""impute", "with": "median""#,
        r#""impute", "with": "most-frequent""#,
        r#""impute", "with": "constant", "value": -1"#,
        r#""standard-scale""#,
        r#""min-max-scale", "feature_range": [-1, 1], "clip": true"#,
        r#""max-abs-scale""#,
        r#""robust-scale""#,
        r#""quantile-scale", "distribution": "normal""#,
        r#""power""#,
        r#""power", "method": "yeo-johnson", "standardize": false"#,
        r#""clip", "min": 0.75"#,
        r#""clip", "min": 0, "max": 5"#,
        r#""log1p""#,
    ];

    #[test]
    fn a_vector_is_as_many_columns() {
        for step in STEPS {
            let assemble =
                r#"{"op": "assemble", "columns": ["a", "b"], "into": "v", "type": "float64"}"#;
            let apart = format!(r#"[{{"op": {step}, "columns": ["a", "b"]}}, {assemble}]"#);
            let expected = learned(&apart, &columns(), &columns()).unwrap();
            let together = format!(r#"[{{"op": {step}, "columns": "v"}}]"#);
            check(&together, &vectors(), &expected);
            assert_eq!(elements(&together, &vectors(), "v"), ["a", "b"]);
            // Made by a step of the same stage, it is not there before it is learned from.
            let behind = format!(r#"[{assemble}, {{"op": {step}, "columns": "v"}}]"#);
            check(&behind, &columns(), &expected);
        }
    }

    #[test]
    fn a_vector_of_float32_is_rounded_by_every_step() {
        let rows = [[0.1_f32, 1e6], [0.7, -3.0], [0.3, f32::NAN]];
        let field = Field::new("v", DataType::Float32List(2));
        let table = Table::new().with_field(field.clone(), rows);
        let steps = |steps: &[&str]| format!("[{}]", steps.join(", "));
        let scale = r#"{"op": "standard-scale", "columns": "v"}"#;
        let power = r#"{"op": "power", "columns": {"type": "vector"}}"#;
        let at_once = learned(&steps(&[scale, power]), &table, &table).unwrap();
        let first = learned(&steps(&[scale]), &table, &table).unwrap();
        assert_eq!(first.schema().find("v").unwrap().data_type, field.data_type);
        let second = learned(&steps(&[power]), &first, &first).unwrap();
        assert_same("one after the other", &at_once, &second);
    }

    #[test]
    fn a_vector_whose_width_is_learned_is_scaled_as_well() {
        let table = Table::new().with_column("x", ["a", "b", "a", "a"]);
        let steps = r#"[{"op": "one-hot", "columns": "x"}, {"op": "min-max-scale", "columns": "x", "feature_range": [2, 3]}]"#;
        let rows = [[3.0_f32, 2.0], [2.0, 3.0], [3.0, 2.0], [3.0, 2.0]];
        check(steps, &table, &Table::new().with_column("x", rows));
        assert_eq!(elements(steps, &table, "x"), ["x=a", "x=b"]);
    }

    #[test]
    fn indicators_of_a_vector_are_a_vector() {
        let steps = r#"[{"op": "impute", "columns": "v", "with": "constant", "value": 0, "indicator": true}]"#;
        let made = learned(steps, &vectors(), &vectors()).unwrap();
        let missing = |row: usize| {
            Cell::Vector64(
                [A[row], B[row]]
                    .map(|x| f64::from(u8::from(x.is_nan())))
                    .to_vec(),
            )
        };
        assert_eq!(
            made.column("v_missing"),
            (0..A.len()).map(missing).collect::<Vec<_>>()
        );
        assert_eq!(
            elements(steps, &vectors(), "v_missing"),
            ["a_missing", "b_missing"]
        );
    }

    #[test]
    fn errors_name_the_element() {
        let table = Table::new().with_column("v", [[1.0, f64::NAN], [2.0, f64::NAN]]);
        for (step, part) in [
            (
                "standard-scale",
                "column `v`: element 1: it has no value to learn from",
            ),
            (
                "quantile-scale",
                "column `v`: element 1: it has no value to learn from",
            ),
            (
                "bucketize",
                "column `v` is float64-list(2), and this op takes numbers",
            ),
        ] {
            let options = if step == "bucketize" {
                r#", "edges": [0]"#
            } else {
                ""
            };
            let steps = format!(r#"[{{"op": "{step}", "columns": "v"{options}}}]"#);
            check_error(&steps, &table, &[&format!("steps[0] (`{step}`)"), part]);
        }
    }
}
