//! The laws, asserted on bytes through the runtime, as the engine and `verify` use it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

use trueline_runtime::table::arrow::array::{RecordBatch, UInt32Array};
use trueline_runtime::table::arrow::compute::take_record_batch;
use trueline_runtime::table::{Schema, frame};
use trueline_runtime::{
    Backend, Bound, Error, Input, Limits, Mapper, Outcome, Reading, Reduction, ReductionSignature,
    Result, Runtime, Stage,
};
use trueline_sdk::testing::Table;
use trueline_tests::rows;

use crate::shuffle::Shuffler;

/// What a stage is given: tables to reduce, and one to map if it maps.
pub(crate) struct Case<'t> {
    pub(crate) params: &'static str,
    pub(crate) inputs: Vec<(&'static str, &'t Table)>,
    pub(crate) rows: Option<&'t Table>,
}

static CRANELIFT: LazyLock<Runtime> =
    LazyLock::new(|| Runtime::new(Backend::Cranelift, None).unwrap());
static PULLEY: LazyLock<Runtime> = LazyLock::new(|| Runtime::new(Backend::Pulley, None).unwrap());

/// Every standard stage on both back ends.
static STAGES: LazyLock<BTreeMap<&str, [LazyLock<Stage, Admit>; 2]>> = LazyLock::new(|| {
    let stages = trueline_stages::standard().iter();
    let both = stages.map(|stage| {
        let on = |runtime: &'static LazyLock<Runtime>| {
            LazyLock::new(Box::new(|| runtime.admit(stage.bytes()).unwrap()) as Admit)
        };
        (stage.name, [on(&CRANELIFT), on(&PULLEY)])
    });
    both.collect()
});

type Admit = Box<dyn FnOnce() -> Stage + Send>;

/// Asserts that the stage called `name` keeps the laws on this case: cut, partitioned and ordered in
/// ways that `seed` decides, on Cranelift and Pulley, loaded and (if asked) baked. Where it refuses
/// the tables, it does so in every way.
pub(crate) fn check(name: &str, case: &Case<'_>, seed: u64, is_baked: bool) {
    let [fast, slow] = &STAGES[name];
    let inputs: Vec<Input> = case
        .inputs
        .iter()
        .map(|(name, table)| Input {
            name: (*name).to_owned(),
            schema: rows::schema(table.schema()),
        })
        .collect();
    let schema = case.rows.map(|table| rows::schema(table.schema()));
    let describe = |stage: &Stage| {
        let described = stage.describe(case.params, &inputs, schema.as_ref());
        described.map_err(|error| error.to_string())
    };
    let described = describe(fast);
    assert_eq!(
        described,
        describe(fast),
        "law 4: `describe` gave two answers"
    );
    assert_eq!(
        described,
        describe(slow),
        "law 4: `describe` depends on the back end"
    );
    let signature = described.expect("the parameters fit the tables");

    let mut shuffler = Shuffler(seed);
    let mut state = Vec::new();
    if let Some(signature) = signature.reduction {
        let fitting = Fitting::new(case, &inputs, signature);
        match fitting.check(fast, slow, &mut shuffler) {
            Ok(outcome) => state = outcome.state,
            Err(_) => return,
        }
    }
    if let (Some(mapping), Some(table)) = (&signature.mapping, case.rows) {
        let bound = Bound::new(mapping, &rows::schema(table.schema())).unwrap();
        let mapping = Mapping {
            params: case.params,
            rows: project(&rows::batch(table), &bound.reads),
            bound,
            state,
        };
        mapping.check(fast, slow, &mut shuffler);
        if is_baked {
            mapping.check_baked(trueline_stages::find(name).unwrap().bytes());
        }
    }
}

/// A reduction that was described, with the columns that it reads.
struct Fitting {
    params: &'static str,
    signature: ReductionSignature,
    inputs: Vec<Input>,
    tables: Vec<RecordBatch>,
}

impl Fitting {
    fn new(case: &Case<'_>, inputs: &[Input], signature: ReductionSignature) -> Self {
        let read = |((reads, input), (_, table)): ((&Vec<String>, &Input), &(_, &Table))| {
            let reading = Reading::new(reads.iter().map(String::as_str), &input.schema).unwrap();
            reading.select(&rows::batch(table), 0).unwrap()
        };
        let inputs_read = signature.reads.iter().zip(inputs);
        Self {
            params: case.params,
            tables: inputs_read.zip(&case.inputs).map(read).collect(),
            inputs: signature.inputs(inputs).unwrap(),
            signature,
        }
    }

    fn check(&self, fast: &Stage, slow: &Stage, shuffler: &mut Shuffler) -> Result<Outcome> {
        let whole = |rows: usize| std::iter::once(0..rows).collect::<Vec<_>>();
        let expected = self.chunked(fast, whole);
        let same = |law: &str, other: Result<Outcome>| assert_same(law, &expected, &other);
        same("law 4: a fresh instance", self.chunked(fast, whole));
        same("law 4: Pulley", self.chunked(slow, whole));
        same(
            "law 2: row by row",
            self.chunked(fast, |rows| (0..rows).map(|row| row..row + 1).collect()),
        );
        same(
            "law 2: other batches",
            self.chunked(fast, |rows| shuffler.cut(rows)),
        );
        if self.signature.mergeable {
            same("law 3: partitioned and merged", self.merged(fast, shuffler));
            same(
                "law 3: partitioned and merged on Pulley",
                self.merged(slow, shuffler),
            );
        }
        expected
    }

    /// Reduces the tables in pieces, one after another.
    fn chunked(
        &self,
        stage: &Stage,
        mut cut: impl FnMut(usize) -> Vec<Range<usize>>,
    ) -> Result<Outcome> {
        self.run(|pass, state| {
            let mut reduction = self.begin(stage, pass, state)?;
            for (index, table) in (0..).zip(&self.tables) {
                for range in cut(table.num_rows()) {
                    reduction.update(index, &table.slice(range.start, range.len()))?;
                }
            }
            reduction.finish()
        })
    }

    /// Reduces the rows in random order, spread over up to four instances, and merges these.
    fn merged(&self, stage: &Stage, shuffler: &mut Shuffler) -> Result<Outcome> {
        self.run(|pass, state| {
            let parts = 1 + shuffler.below(4);
            let begin = |_| self.begin(stage, pass, state);
            let mut instances = (0..parts).map(begin).collect::<Result<Vec<_>>>()?;
            for (index, table) in (0..).zip(&self.tables) {
                let mut order: Vec<usize> = (0..table.num_rows()).collect();
                shuffler.shuffle(&mut order);
                for range in shuffler.cut(order.len()) {
                    let batch = take(table, &order[range]);
                    instances[shuffler.below(parts)].update(index, &batch)?;
                }
            }
            while instances.len() > 1 {
                let gone = instances.swap_remove(shuffler.below(instances.len()));
                let into = shuffler.below(instances.len());
                instances[into].merge(&gone.partial()?)?;
            }
            instances.remove(0).finish()
        })
    }

    fn begin(&self, stage: &Stage, pass: u32, state: &[u8]) -> Result<Reduction> {
        stage.reduce(
            self.params,
            &self.inputs,
            pass,
            state,
            &Limits::default(),
            None,
        )
    }

    /// Runs every pass, each with the state of the one before.
    fn run(&self, mut pass: impl FnMut(u32, &[u8]) -> Result<Outcome>) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        for number in 0..self.signature.passes {
            outcome = pass(number, &outcome.state)?;
        }
        Ok(outcome)
    }
}

/// A map that was described, with the columns that it reads.
struct Mapping {
    params: &'static str,
    bound: Bound,
    state: Vec<u8>,
    rows: RecordBatch,
}

impl Mapping {
    fn check(&self, fast: &Stage, slow: &Stage, shuffler: &mut Shuffler) {
        let mut used = self.load(fast);
        let whole = used.map(&self.rows);
        let again = self.load(fast).map(&self.rows);
        let other = self.load(slow).map(&self.rows);
        let Ok(whole) = whole else {
            assert!(
                again.is_err() && other.is_err(),
                "law 4: only one of two fails: {whole:?}"
            );
            let alone = |row| used.map(&self.rows.slice(row, 1)).is_err();
            assert!(
                (0..self.rows.num_rows()).any(alone),
                "law 1: no row alone fails: {whole:?}"
            );
            return;
        };
        let writes = used.writes().clone();
        let same = |law: &str, rows: &RecordBatch, mapped: Result<RecordBatch>| {
            let mapped = mapped.unwrap_or_else(|error| panic!("{law}: {error}"));
            assert_eq!(encode(&writes, &mapped), encode(&writes, rows), "{law}");
        };
        same("law 4: a fresh instance", &whole, again);
        same("law 4: Pulley", &whole, other);
        let mut ranges = shuffler.cut(self.rows.num_rows());
        shuffler.shuffle(&mut ranges);
        for Range { start, end } in ranges {
            let piece = self.rows.slice(start, end - start);
            same(
                "law 1: other batches",
                &whole.slice(start, end - start),
                used.map(&piece),
            );
        }
    }

    /// From the baked component every row is mapped by an instance of its own.
    fn check_baked(&self, component: &[u8]) {
        let limits = Limits::default();
        let (baked, _) = CRANELIFT
            .bake(component, self.params, &self.bound, &self.state, &limits)
            .unwrap();
        let stage = CRANELIFT.admit(component).unwrap();
        let mut loaded = self.load(&stage);
        assert_eq!(baked.writes(), loaded.writes());
        let whole = std::iter::once(self.rows.clone());
        let rows = (0..self.rows.num_rows()).map(|row| self.rows.slice(row, 1));
        for rows in whole.chain(rows) {
            match (loaded.map(&rows), baked.map(&rows)) {
                (Ok(loaded), Ok(answer)) => {
                    let bytes = |rows| encode(baked.writes(), rows);
                    assert_eq!(bytes(&answer), bytes(&loaded), "baked and loaded");
                }
                (loaded, baked) => {
                    assert!(
                        loaded.is_err() && baked.is_err(),
                        "{loaded:?} but {baked:?}"
                    );
                }
            }
        }
    }

    fn load(&self, stage: &Stage) -> Mapper {
        stage
            .map(self.params, &self.bound, &self.state, &Limits::default())
            .unwrap()
    }
}

fn assert_same(law: &str, expected: &Result<Outcome>, other: &Result<Outcome>) {
    let same = match (expected, other) {
        (Ok(expected), Ok(other)) => {
            let values = |outcome: &Outcome| {
                let metrics = outcome.metrics.iter();
                let bits = metrics.map(|metric| (metric.name.clone(), metric.value.to_bits()));
                bits.collect::<Vec<_>>()
            };
            expected.state == other.state
                && values(expected) == values(other)
                && expected.findings == other.findings
                && expected.report == other.report
        }
        // Which of several bad rows is met first, and so named, may depend on the batches.
        (Err(Error::Guest { kind, .. }), Err(Error::Guest { kind: other, .. })) => kind == other,
        _ => false,
    };
    assert!(
        same,
        "{law}: the outcome is another\n{expected:?}\n{other:?}"
    );
}

fn project(table: &RecordBatch, schema: &Schema) -> RecordBatch {
    let have = table.schema();
    let columns: Vec<usize> = schema
        .names()
        .map(|name| have.index_of(name).unwrap())
        .collect();
    table.project(&columns).unwrap()
}

fn take(table: &RecordBatch, rows: &[usize]) -> RecordBatch {
    let rows = rows.iter().map(|&row| u32::try_from(row).unwrap());
    take_record_batch(table, &UInt32Array::from_iter_values(rows)).unwrap()
}

fn encode(schema: &Schema, rows: &RecordBatch) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame::encode(schema, rows, &mut bytes).unwrap();
    bytes
}
