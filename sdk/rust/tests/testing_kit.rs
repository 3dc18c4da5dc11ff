//! The test kit itself: it reads back what it writes, and finds stages that break a law.

use std::cell::Cell as Memory;

use proptest::prelude::*;
use trueline_sdk::prelude::*;
use trueline_sdk::testing::{Table, check_laws, fit, tables};

fn every_type() -> Schema {
    use DataType::*;
    let types = [
        Boolean,
        Int32,
        Int64,
        Float32,
        Float64,
        Utf8,
        Binary,
        Timestamp,
        Date,
        Float32List(2),
        Float64List(0),
    ];
    let nullable = types
        .iter()
        .map(|&data_type| Field::new(data_type.to_string(), data_type));
    let required = types
        .iter()
        .map(|&data_type| Field::new(format!("required {data_type}"), data_type).required());
    Schema::new(nullable.chain(required))
}

proptest! {
    #[test]
    fn tables_are_read_back(table in tables(&every_type(), 0..20)) {
        prop_assert_eq!(Table::decode(table.schema(), &table.frame())?, table);
    }

    #[test]
    fn a_sound_stage_keeps_the_laws(table in tables(&x(), 0..20)) {
        check_laws::<Probe>(r#"{"flaw": "none"}"#, &[("rows", &table)], Some(&table));
    }
}

#[test]
fn types_are_read_by_their_names() {
    for field in every_type().fields {
        assert_eq!(field.data_type.to_string().parse(), Ok(field.data_type));
    }
    for wrong in [
        "",
        "float",
        "float32-list",
        "float32-list()",
        "float32-list(-1)",
        "Float64",
    ] {
        assert!(wrong.parse::<DataType>().is_err(), "{wrong}");
    }
}

#[test]
fn several_passes_hand_on_their_state() {
    let outcome = fit::<Probe>(r#"{"flaw": "none"}"#, &[("rows", &sample())]).unwrap();
    // 2 + 3 + 3 + 5, counted twice.
    assert_eq!(outcome.metrics, [Metric::new("sum", 26.0)]);
}

/// Each flaw must be found on ordinary rows.
#[test]
fn broken_laws_are_found() {
    for (flaw, law) in [
        ("counts-calls", "law 1"),
        ("sees-neighbours", "law 1"),
        ("counts-batches", "law 2"),
        ("keeps-last", "law 3"),
        ("merge-forgets", "law 3"),
        ("global-state", "law 4"),
    ] {
        let params = format!(r#"{{"flaw": "{flaw}"}}"#);
        let table = sample();
        let found = std::panic::catch_unwind(|| {
            check_laws::<Probe>(&params, &[("rows", &table)], Some(&table));
        });
        let message = found.expect_err(flaw);
        let message = message
            .downcast_ref::<String>()
            .expect("a formatted message");
        assert!(
            message.starts_with(law) || message.contains(law),
            "{flaw}: {message}"
        );
    }
}

fn x() -> Schema {
    Schema::new([Field::new("x", DataType::Int32)])
}

fn sample() -> Table {
    Table::new().with_column("x", [2, 3, 3, 5])
}

thread_local! {
    static GLOBAL: Memory<i64> = const { Memory::new(0) };
}

#[derive(Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Flaw {
    None,
    CountsCalls,
    SeesNeighbours,
    CountsBatches,
    KeepsLast,
    MergeForgets,
    GlobalState,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    flaw: Flaw,
}

/// Sums `x` in two passes and adds the sum to each row, with a flaw of one's choice.
struct Probe;

impl Stage for Probe {
    type Params = Params;
    type Reduce = Sum;
    type Map = Add;

    fn describe(_: &Params, inputs: &[Input], rows: Option<&Schema>) -> Result<Signature> {
        let reduction = Reduction {
            passes: 2,
            ..Reduction::one_pass(["x"])
        };
        Ok(Signature {
            reduction: (!inputs.is_empty()).then_some(reduction),
            mapping: rows.map(|_| Mapping::new(["x"], writes().fields)),
        })
    }
}

fn writes() -> Schema {
    Schema::new([Field::new("y", DataType::Int64)])
}

struct Sum {
    flaw: Flaw,
    /// What the pass before finished with; every instance of a pass begins with it.
    before: i64,
    sum: i64,
}

impl Reduce for Sum {
    type Params = Params;

    fn begin(params: Params, _: &[Input], pass: u32, state: &[u8]) -> Result<Self> {
        let before = if pass == 0 {
            0
        } else {
            trueline_sdk::state::decode(state)?
        };
        Ok(Self {
            flaw: params.flaw,
            before,
            sum: 0,
        })
    }

    fn update(&mut self, _: usize, batch: &Batch<'_>) -> Result<()> {
        let values = batch.column(0).int32()?;
        match self.flaw {
            Flaw::CountsBatches => self.sum += 1,
            Flaw::KeepsLast => self.sum = values.last().map_or(self.sum, |&last| i64::from(last)),
            Flaw::GlobalState => self.sum += GLOBAL.replace(GLOBAL.get() + 1),
            _ => self.sum += values.iter().map(|&value| i64::from(value)).sum::<i64>(),
        }
        Ok(())
    }

    fn partial(&self) -> Result<Vec<u8>> {
        trueline_sdk::state::encode(&self.sum)
    }

    fn merge(&mut self, partial: &[u8]) -> Result<()> {
        let partial: i64 = trueline_sdk::state::decode(partial)?;
        if self.flaw != Flaw::MergeForgets {
            self.sum += partial;
        }
        Ok(())
    }

    fn finish(self) -> Result<Outcome> {
        let sum = self.before + self.sum;
        let metrics = vec![Metric::new("sum", sum as f64)];
        Ok(Outcome {
            metrics,
            ..Outcome::state(trueline_sdk::state::encode(&sum)?)
        })
    }
}

struct Add {
    flaw: Flaw,
    sum: i64,
    calls: Memory<i64>,
    writes: Schema,
}

impl Map for Add {
    type Params = Params;

    fn load(params: Params, _: &Schema, state: &[u8]) -> Result<Self> {
        let sum = trueline_sdk::state::decode(state)?;
        Ok(Self {
            flaw: params.flaw,
            sum,
            calls: Memory::new(0),
            writes: writes(),
        })
    }

    fn writes(&self) -> &Schema {
        &self.writes
    }

    fn map(&self, batch: &Batch<'_>) -> Result<Vec<u8>> {
        let column = batch.column(0);
        let values = column.int32()?;
        self.calls.set(self.calls.get() + 1);
        let more = match self.flaw {
            Flaw::CountsCalls => self.calls.get(),
            Flaw::SeesNeighbours => values.len() as i64,
            _ => 0,
        };
        let mut writer = BatchWriter::new(&self.writes, batch.rows());
        let sums = writer.int64(&column.validity)?;
        sums.iter_mut()
            .zip(values)
            .for_each(|(y, &x)| *y = self.sum.wrapping_add(i64::from(x)) + more);
        writer.finish()
    }
}
