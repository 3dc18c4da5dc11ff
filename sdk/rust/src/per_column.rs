//! Stages that treat each of their number columns alone: the short way to write one.

use std::marker::PhantomData;

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Batch, BatchWriter, DataType, Error, Field, Input, Map, Mapping, Outcome, Reduce, Reduction,
    Result, Schema, Signature, Stage, state,
};

/// How to learn from a column of numbers, and how to change it with what was learned.
///
/// The implementing type is the parameters, read from the pipeline file. Each of the columns is
/// treated alone and in one pass; all that a component needs besides follows from that, so a stage
/// is a few lines that end with `export_transform!(PerColumn<MyStage>)`. What does not fit here is
/// written with [`Stage`], [`Reduce`] and [`Map`].
///
/// Columns may be boolean, int32, int64, float32 or float64. They are replaced by float64 columns;
/// nulls stay null.
///
/// ```
/// use trueline_sdk::{exact_sum::ExactMoments, prelude::*, testing::{Table, fit_map}};
///
/// /// Subtracts the mean.
/// #[derive(Deserialize)]
/// #[serde(deny_unknown_fields)]
/// struct Center { columns: Vec<String> }
///
/// impl ColumnStage for Center {
///     type Seen = ExactMoments;
///     type Learned = f64;
///
///     fn columns(&self) -> &[String] { &self.columns }
///     fn see(&self, seen: &mut ExactMoments, values: &[f64]) { seen.add_slice(values); }
///     fn merge(&self, seen: &mut ExactMoments, other: &ExactMoments) -> Result<()> {
///         seen.merge(other);
///         Ok(())
///     }
///     fn learn(&self, seen: &ExactMoments) -> Result<f64> {
///         seen.mean().ok_or_else(|| Error::data("there is no value to learn from"))
///     }
///     fn apply(&self, mean: &f64, value: f64) -> f64 { value - mean }
/// }
///
/// let table = Table::new().with_column("x", [Some(1.0), None, Some(5.0)]);
/// let centered = Table::new().with_column("x", [Some(-2.0), None, Some(2.0)]);
/// let params = r#"{"columns": ["x"]}"#;
/// assert_eq!(fit_map::<PerColumn<Center>>(params, &[("rows", &table)], &table)?, centered);
/// # Ok::<(), Error>(())
/// ```
pub trait ColumnStage: DeserializeOwned {
    /// What is kept of a column's values while they are read. Its content must not depend on their
    /// order, or the stage breaks law 3: counts, [`exact_sum`](crate::exact_sum) and
    /// [`quantiles`](crate::quantiles) do not.
    type Seen: Default + Serialize + DeserializeOwned;
    /// What is learned of a column: the state that travels with the package.
    type Learned: Serialize + DeserializeOwned;

    /// The columns to change, from the parameters.
    fn columns(&self) -> &[String];

    /// Checks the parameters before anything runs.
    ///
    /// # Errors
    /// [`Error::Params`] with the values that cannot be.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// Takes in some values of a column; a null comes as NaN.
    fn see(&self, seen: &mut Self::Seen, values: &[f64]);

    /// Takes in what was seen of the same column elsewhere.
    ///
    /// # Errors
    /// If the two do not fit together.
    fn merge(&self, seen: &mut Self::Seen, other: &Self::Seen) -> Result<()>;

    /// Concludes, when all values of the column were seen.
    ///
    /// # Errors
    /// [`Error::Data`] if nothing can be learned from them; the column is named by the caller.
    fn learn(&self, seen: &Self::Seen) -> Result<Self::Learned>;

    /// The new value of a row; a null comes as NaN and stays null.
    fn apply(&self, learned: &Self::Learned, value: f64) -> f64;
}

/// The [`Stage`] that a [`ColumnStage`] is.
pub struct PerColumn<S>(PhantomData<S>);

impl<S: ColumnStage> Stage for PerColumn<S> {
    type Params = S;
    type Reduce = Learn<S>;
    type Map = Apply<S>;

    fn describe(params: &S, inputs: &[Input], rows: Option<&Schema>) -> Result<Signature> {
        params.check()?;
        let columns = params.columns();
        if columns.is_empty() {
            return Err(Error::params("name at least one column"));
        }
        if let Some(twice) = (1..columns.len()).find(|&at| columns[..at].contains(&columns[at])) {
            return Err(Error::params(format!(
                "column `{}` is named twice",
                columns[twice]
            )));
        }
        if let Some(other) = inputs.iter().find(|input| input.name != Input::ROWS) {
            return Err(Error::schema(format!(
                "this stage learns from `rows` only, and is given `{}` too",
                other.name
            )));
        }
        for input in inputs {
            changed(&input.schema, columns)?;
        }
        let reduction = Reduction {
            reads: inputs.iter().map(|_| columns.to_vec()).collect(),
            passes: 1,
            mergeable: true,
            bytes_per_row: 0,
            seeded: false,
        };
        let writes = rows.map(|rows| changed(rows, columns)).transpose()?;
        Ok(Signature {
            reduction: Some(reduction),
            mapping: writes.map(|fields| Mapping::new(columns, fields)),
        })
    }
}

/// The columns as they will be.
fn changed(rows: &Schema, columns: &[String]) -> Result<Vec<Field>> {
    let change = |name: &String| {
        let field = rows.field(name)?;
        if !field.data_type.is_numeric() {
            return Err(Error::schema(format!(
                "column `{name}` is {}, and this stage takes numbers",
                field.data_type
            )));
        }
        Ok(Field {
            data_type: DataType::Float64,
            ..field.clone()
        })
    };
    columns.iter().map(change).collect()
}

/// The reduction of [`PerColumn`].
pub struct Learn<S: ColumnStage> {
    params: S,
    /// Of each column.
    seen: Vec<S::Seen>,
}

impl<S: ColumnStage> Reduce for Learn<S> {
    type Params = S;

    fn begin(params: S, _: &[Input], _: u32, _: &[u8]) -> Result<Self> {
        let seen = params.columns().iter().map(|_| S::Seen::default());
        Ok(Self {
            seen: seen.collect(),
            params,
        })
    }

    fn update(&mut self, _: usize, batch: &Batch<'_>) -> Result<()> {
        for (seen, column) in self.seen.iter_mut().zip(batch.columns()) {
            self.params.see(seen, &column.numbers(batch.rows())?);
        }
        Ok(())
    }

    fn partial(&self) -> Result<Vec<u8>> {
        state::encode(&self.seen)
    }

    fn merge(&mut self, partial: &[u8]) -> Result<()> {
        let others: Vec<S::Seen> = per_column(&self.params, partial)?;
        for (seen, other) in self.seen.iter_mut().zip(&others) {
            self.params.merge(seen, other)?;
        }
        Ok(())
    }

    fn finish(self) -> Result<Outcome> {
        let learn = |(name, seen): (&String, &S::Seen)| {
            let learned = self.params.learn(seen);
            learned.map_err(|error| error.within(&format!("column `{name}`")))
        };
        let learned: Result<Vec<S::Learned>> = self
            .params
            .columns()
            .iter()
            .zip(&self.seen)
            .map(learn)
            .collect();
        Ok(Outcome::state(state::encode(&learned?)?))
    }
}

/// The map of [`PerColumn`].
pub struct Apply<S: ColumnStage> {
    params: S,
    /// Of each column.
    learned: Vec<S::Learned>,
    writes: Schema,
}

impl<S: ColumnStage> Map for Apply<S> {
    type Params = S;

    fn load(params: S, rows: &Schema, state: &[u8]) -> Result<Self> {
        Ok(Self {
            learned: per_column(&params, state)?,
            writes: Schema::new(changed(rows, params.columns())?),
            params,
        })
    }

    fn writes(&self) -> &Schema {
        &self.writes
    }

    fn map(&self, batch: &Batch<'_>) -> Result<Vec<u8>> {
        let mut writer = BatchWriter::new(&self.writes, batch.rows());
        for (column, learned) in batch.columns().iter().zip(&self.learned) {
            let values = column.numbers(batch.rows())?;
            let written = writer.float64(&column.validity)?;
            let mut blocks = written.chunks_exact_mut(BLOCK);
            let mut read = values.chunks_exact(BLOCK);
            for (block, values) in (&mut blocks).zip(&mut read) {
                for (written, value) in block.iter_mut().zip(values) {
                    *written = self.params.apply(learned, *value);
                }
            }
            for (written, value) in blocks.into_remainder().iter_mut().zip(read.remainder()) {
                *written = self.params.apply(learned, *value);
            }
        }
        writer.finish()
    }
}

/// Rows of a block, whose loop the compiler unrolls: the host checks for its deadline once a block
/// rather than once a row.
const BLOCK: usize = 32;

/// A value for each column of the parameters.
fn per_column<S: ColumnStage, T: DeserializeOwned>(params: &S, bytes: &[u8]) -> Result<Vec<T>> {
    let values: Vec<T> = state::decode(bytes)?;
    let wanted = params.columns().len();
    if values.len() == wanted {
        Ok(values)
    } else {
        Err(Error::params(format!(
            "the state was learned of {} columns, and `columns` names {wanted}; learn it again",
            values.len()
        )))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::quantiles::QuantileSketch;
    use crate::testing::{Table, check_laws, describe, fit, fit_map, map, tables};

    /// Divides by the largest value.
    #[derive(serde::Deserialize)]
    struct Share {
        columns: Vec<String>,
    }

    impl ColumnStage for Share {
        type Seen = QuantileSketch;
        type Learned = f64;

        fn columns(&self) -> &[String] {
            &self.columns
        }

        fn see(&self, seen: &mut QuantileSketch, values: &[f64]) {
            seen.add_slice(values);
        }

        fn merge(&self, seen: &mut QuantileSketch, other: &QuantileSketch) -> Result<()> {
            seen.merge(other)
        }

        fn learn(&self, seen: &QuantileSketch) -> Result<f64> {
            seen.max().ok_or_else(|| Error::data("there is no value"))
        }

        fn apply(&self, largest: &f64, value: f64) -> f64 {
            value / largest
        }
    }

    type Stage = PerColumn<Share>;

    const PARAMS: &str = r#"{"columns": ["b", "a"]}"#;

    #[test]
    fn columns_are_replaced_by_floats_and_keep_nulls() {
        let rows = Table::new()
            .with_column("a", [Some(2_i64), None, Some(-4)])
            .with_column("text", ["x", "y", "z"])
            .with_column("b", [0.5, 8.0, f64::NAN]);
        let expected = Table::new()
            .with_column("b", [0.0625, 1.0, f64::NAN])
            .with_column("a", [Some(1.0), None, Some(-2.0)]);
        assert_eq!(
            fit_map::<Stage>(PARAMS, &[("rows", &rows)], &rows),
            Ok(expected)
        );
    }

    #[test]
    fn more_rows_than_a_block() {
        let column = |divisor: f64| (1..=100).map(move |row| f64::from(row) / divisor);
        let table = |divisor| Table::new().with_column("a", column(divisor));
        let params = r#"{"columns": ["a"]}"#;
        let shares = fit_map::<Stage>(params, &[("rows", &table(1.0))], &table(1.0));
        assert_eq!(shares, Ok(table(100.0)));
    }

    #[test]
    fn errors_name_the_column() {
        let rows = Table::new()
            .with_column("a", [None::<f64>])
            .with_column("text", ["x"]);
        let check = |columns: &str, part: &str| {
            let params = format!(r#"{{"columns": [{columns}]}}"#);
            let error = describe::<Stage>(&params, &[("rows", &rows)], Some(&rows))
                .and_then(|_| fit::<Stage>(&params, &[("rows", &rows)]))
                .unwrap_err();
            assert!(error.message().contains(part), "{error:?}");
        };
        check("", "at least one column");
        check(r#""a", "a""#, "`a` is named twice");
        check(r#""c""#, "no column `c`; the columns are a, text");
        check(r#""text""#, "`text` is utf8, and this stage takes numbers");
        check(r#""a""#, "column `a`: there is no value");
    }

    #[test]
    fn a_state_of_other_columns_is_refused() {
        let rows = Table::new().with_column("a", [1.0]).with_column("b", [2.0]);
        let state = fit::<Stage>(r#"{"columns": ["a"]}"#, &[("rows", &rows)]).unwrap();
        let error = map::<Stage>(PARAMS, &[], &state.state, &rows).unwrap_err();
        assert!(
            error.message().contains("learned of 1 columns"),
            "{error:?}"
        );
    }

    proptest! {
        #[test]
        fn the_laws_hold(rows in tables(&Schema::new([
            Field::new("a", DataType::Int32),
            Field::new("b", DataType::Float64),
        ]), 0..80)) {
            check_laws::<Stage>(PARAMS, &[("rows", &rows)], Some(&rows));
        }
    }
}
