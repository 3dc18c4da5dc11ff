//! The four laws, asserted on bytes.

use crate::{Error, Outcome, Result, Stage, state};

use super::run::{Fitting, Mapper};
use super::shuffle::Shuffler;
use super::{Table, describe, fit};

/// How many random chunkings and partitions each law is tried with.
const TRIES: usize = 3;

/// Asserts that a stage keeps the laws on these tables:
///
/// 1. mapping rows together or apart gives the same rows, whatever the instance did before;
/// 2. a reduction gives the same outcome for every chunking, also with empty batches and with the
///    batches of several inputs interleaved;
/// 3. a reduction that says it is mergeable gives the same outcome for every order of rows, every
///    partition and every order of merging;
/// 4. the same call on a fresh instance gives the same bytes.
///
/// `inputs` are fitted with (none if the stage does not reduce), `rows` are mapped (none if it does
/// not map). Where the stage refuses the tables, it must refuse them in every way with an error of
/// the same kind. The ways depend on the tables alone: what fails once fails again.
///
/// # Panics
/// If a law is broken, with the law and the two results.
pub fn check_laws<S: Stage>(params: &str, inputs: &[(&str, &Table)], rows: Option<&Table>) {
    let described = describe::<S>(params, inputs, rows);
    assert_eq!(
        described,
        describe::<S>(params, inputs, rows),
        "law 4: `describe` gave two answers"
    );
    if described.is_err() {
        return;
    }
    let mut state = Vec::new();
    if !inputs.is_empty() {
        match check_reduction::<S>(params, inputs, rows) {
            Some(outcome) => state = outcome.state,
            None => return,
        }
    }
    if let Some(rows) = rows {
        check_map::<S>(params, inputs, &state, rows);
    }
}

/// Laws 2, 3 and 4 of a reduction; answers with its outcome, if it has one on these tables.
fn check_reduction<S: Stage>(
    params: &str,
    inputs: &[(&str, &Table)],
    rows: Option<&Table>,
) -> Option<Outcome> {
    let whole = fit::<S>(params, inputs);
    let bytes = whole.clone().map(outcome_bytes);
    let again = fit::<S>(params, inputs).map(outcome_bytes);
    assert_eq!(
        bytes, again,
        "law 4: a fresh instance reduced the same rows to another outcome"
    );

    let fitting = match Fitting::<S>::new(params, inputs, rows) {
        Ok(fitting) => fitting,
        Err(error) => {
            assert_eq!(
                whole.err(),
                Some(error),
                "the plan to map decides whether it can be fitted"
            );
            return None;
        }
    };
    let seed: Vec<u8> = fitting.tables.iter().flat_map(Table::frame).collect();
    let mut shuffler = Shuffler::new(&seed);
    let rows_apart = chunked(
        &fitting,
        |rows| (0..rows).map(|row| row..row + 1).collect(),
        &mut |_| 0,
    );
    assert_same(
        &whole,
        &rows_apart,
        "law 2: row by row, the outcome is another",
    );
    for _ in 0..TRIES {
        let mut interleave = Shuffler::new(&shuffler.below(usize::MAX).to_le_bytes());
        let chunked = chunked(&fitting, |rows| shuffler.cut(rows), &mut |end| {
            interleave.below(end)
        });
        assert_same(
            &whole,
            &chunked,
            "law 2: in other batches, the outcome is another",
        );
    }
    if fitting.reduction.mergeable {
        for _ in 0..TRIES {
            let merged = merged(&fitting, &mut shuffler);
            assert_same(
                &whole,
                &merged,
                "law 3: partitioned and merged, the outcome is another",
            );
        }
    }
    whole.ok()
}

/// Reduces the tables in batches. `pick` chooses which input comes next, among so many.
fn chunked<S: Stage>(
    fitting: &Fitting<'_, S>,
    mut cut: impl FnMut(usize) -> Vec<std::ops::Range<usize>>,
    pick: &mut dyn FnMut(usize) -> usize,
) -> Result<Outcome> {
    fitting.run(|fitting, pass, state| {
        let mut reducing = fitting.begin(pass, state)?;
        let batches = |table: &Table| cut(table.rows()).into_iter();
        let mut waiting: Vec<_> = (0..)
            .zip(fitting.tables.iter().map(batches).collect::<Vec<_>>())
            .collect();
        while !waiting.is_empty() {
            let next = pick(waiting.len());
            let (input, ranges) = &mut waiting[next];
            match ranges.next() {
                Some(range) => {
                    let rows: Vec<usize> = range.collect();
                    reducing
                        .update(*input, &fitting.tables[*input as usize].take(&rows).frame())?;
                }
                None => drop(waiting.remove(next)),
            }
        }
        reducing.finish()
    })
}

/// Reduces the tables in several instances, each given some of the rows in random order, and merges
/// them in random order. An instance may merge before it has seen all of its rows.
fn merged<S: Stage>(fitting: &Fitting<'_, S>, shuffler: &mut Shuffler) -> Result<Outcome> {
    fitting.run(|fitting, pass, state| {
        let parts = 1 + shuffler.below(4);
        let begun: Result<Vec<_>> = (0..parts).map(|_| fitting.begin(pass, state)).collect();
        let mut instances = begun?;
        let mut late = Vec::new();
        for (input, table) in (0..).zip(&fitting.tables) {
            let mut order: Vec<usize> = (0..table.rows()).collect();
            shuffler.shuffle(&mut order);
            for range in shuffler.cut(order.len()) {
                let frame = table.take(&order[range]).frame();
                if shuffler.below(4) == 0 {
                    late.push((input, frame));
                } else {
                    instances[shuffler.below(parts)].update(input, &frame)?;
                }
            }
        }
        while instances.len() > 1 {
            let gone = instances.swap_remove(shuffler.below(instances.len()));
            let into = shuffler.below(instances.len());
            instances[into].merge(&gone.partial()?)?;
        }
        let mut last = instances
            .pop()
            .ok_or_else(|| Error::other("no instance was begun"))?;
        for (input, frame) in late {
            last.update(input, &frame)?;
        }
        last.finish()
    })
}

/// Laws 1 and 4 of a map.
fn check_map<S: Stage>(params: &str, inputs: &[(&str, &Table)], state: &[u8], rows: &Table) {
    let mapper = Mapper::<S>::new(params, inputs, rows).expect("the stage was described before");
    let rows = &mapper.rows;
    let loaded = mapper
        .load(state)
        .expect("a map loads the state that its reduction finished with");
    let load = || mapper.load(state).expect("it loaded before");
    let whole = loaded.map(rows);
    assert_eq!(
        whole,
        load().map(rows),
        "law 4: a fresh instance mapped the same rows to others"
    );

    let one = |row: usize| rows.take(&[row]);
    let apart: Vec<Result<Table>> = (0..rows.rows()).map(|row| loaded.map(&one(row))).collect();
    let Ok(whole) = whole else {
        assert!(
            apart.iter().any(Result::is_err),
            "law 1: together the rows fail, apart none does: {whole:?}"
        );
        return;
    };
    for (row, mapped) in apart.into_iter().enumerate() {
        assert_eq!(
            mapped,
            Ok(whole.take(&[row])),
            "law 1: row {row} alone is mapped to another row"
        );
    }

    let mut shuffler = Shuffler::new(&rows.frame());
    let (fresh, mut ranges) = (load(), shuffler.cut(rows.rows()));
    shuffler.shuffle(&mut ranges);
    for range in ranges {
        let chunk: Vec<usize> = range.collect();
        let expected = Ok(whole.take(&chunk));
        assert_eq!(
            fresh.map(&rows.take(&chunk)),
            expected,
            "law 1: rows {chunk:?} together are mapped to others"
        );
    }
    for _ in 0..TRIES.min(rows.rows()) {
        let row = shuffler.below(rows.rows());
        let expected = Ok(whole.take(&[row]));
        assert_eq!(
            load().map(&one(row)),
            expected,
            "law 4: a fresh instance maps row {row} to another row"
        );
    }
    assert_eq!(
        loaded.map(rows),
        Ok(whole),
        "law 1: an instance that mapped before maps to others"
    );
}

fn assert_same(whole: &Result<Outcome>, other: &Result<Outcome>, law: &str) {
    let same = match (whole, other) {
        (Ok(whole), Ok(other)) => outcome_bytes(whole.clone()) == outcome_bytes(other.clone()),
        // Which of several bad rows is met first, and so named, may depend on the batches.
        (Err(whole), Err(other)) => std::mem::discriminant(whole) == std::mem::discriminant(other),
        _ => false,
    };
    assert!(same, "{law}\n whole: {whole:?}\n other: {other:?}");
}

/// An outcome as bytes, every NaN the same, as the host does it.
fn outcome_bytes(mut outcome: Outcome) -> Vec<u8> {
    for metric in &mut outcome.metrics {
        if metric.value.is_nan() {
            metric.value = f64::NAN;
        }
    }
    state::encode(&outcome).expect("an outcome is bytes, texts and numbers")
}
