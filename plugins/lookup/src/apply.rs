//! The map: adds the table's columns.

use trueline_sdk::prelude::*;
use trueline_sdk::state;

use crate::{
    Params,
    index::Index,
    key,
    learn::{State, kept},
    params::Unmatched,
    signature,
    store::Store,
};

/// A table that was learned, ready to be looked up.
pub struct Apply {
    unmatched: Unmatched,
    /// The rows' columns of the key.
    keys: Vec<Field>,
    index: Index,
    columns: Vec<Store>,
    writes: Schema,
}

impl Map for Apply {
    type Params = Params;

    fn load(params: Params, rows: &Schema, state: &[u8]) -> Result<Self> {
        let state: State = state::decode(state)?;
        let keys = rows.select(&params.row_keys())?.fields;
        let fit = keys.len() == state.keys.len()
            && keys
                .iter()
                .zip(&state.keys)
                .all(|(a, b)| key::match_each_other(a.data_type, b.data_type));
        if !fit || !state.taken.iter().map(|field| &field.name).eq(&params.take) {
            return Err(Error::params(
                "the state was learned with other columns in `on` or `take`; learn it again",
            ));
        }
        let schema = kept(&state.taken);
        let batch = Batch::decode(&schema, &state.frame)?;
        let all: Vec<usize> = (0..batch.rows()).collect();
        let table_keys = batch.column(0).binary()?;
        let mut columns = Vec::new();
        for (field, column) in state.taken.iter().zip(&batch.columns()[1..]) {
            let mut store = Store::new(field.data_type);
            store.append(column, &all)?;
            columns.push(store);
        }
        Ok(Self {
            unmatched: params.unmatched,
            keys,
            index: Index::new(all.iter().map(|&row| table_keys.get(row))),
            columns,
            writes: signature::writes(&params, &Schema::new(state.taken)),
        })
    }

    fn writes(&self) -> &Schema {
        &self.writes
    }

    fn map(&self, batch: &Batch<'_>) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let found: Result<Vec<Option<u32>>> = (0..batch.rows())
            .map(|row| {
                let has_key = key::write(batch.columns(), row, &mut bytes)?;
                let found = has_key.then(|| self.index.find(&bytes)).flatten();
                if found.is_none() && self.unmatched == Unmatched::Error {
                    return Err(self.not_found(has_key.then_some(&bytes)));
                }
                Ok(found)
            })
            .collect();
        let found = found?;
        let mut writer = BatchWriter::new(&self.writes, batch.rows());
        for (column, field) in self.columns.iter().zip(&self.writes.fields) {
            column.write(&mut writer, field.data_type, &found)?;
        }
        writer.finish()
    }
}

impl Apply {
    fn not_found(&self, key: Option<&Vec<u8>>) -> Error {
        let key = key.map_or_else(
            || "its key null".to_owned(),
            |key| key::show(&self.keys, key),
        );
        Error::data(format!(
            "a row has {key}, which is none of the table's {} keys; learn a table that has it, or say \
             `unmatched = \"null\"`",
            self.index.len()
        ))
    }
}
