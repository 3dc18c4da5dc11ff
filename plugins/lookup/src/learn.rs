//! The reduction: keeps the table.

use trueline_sdk::prelude::*;
use trueline_sdk::state;

use crate::{Params, key, report, store::Store};

/// What the map loads.
#[derive(Serialize, Deserialize)]
pub(crate) struct State {
    /// The table's columns of the key.
    pub(crate) keys: Vec<Field>,
    /// The taken columns, as they are called in the table.
    pub(crate) taken: Vec<Field>,
    /// A frame of [`kept`]: the key as bytes, then the taken columns.
    pub(crate) frame: Vec<u8>,
}

/// What one instance took in, for another.
#[derive(Serialize, Deserialize)]
struct Partial {
    null_keys: u64,
    frame: Vec<u8>,
}

/// The columns of a state's frame.
pub(crate) fn kept(taken: &[Field]) -> Schema {
    let key = Field::new("key", DataType::Binary).required();
    Schema::new([key].into_iter().chain(taken.iter().cloned()))
}

/// Takes in a table.
pub struct Learn {
    params: Params,
    keys: Vec<Field>,
    taken: Vec<Field>,
    /// The key of each row kept.
    row_keys: Vec<Vec<u8>>,
    columns: Vec<Store>,
    null_keys: u64,
}

impl Reduce for Learn {
    type Params = Params;

    fn begin(params: Params, inputs: &[Input], _pass: u32, _state: &[u8]) -> Result<Self> {
        let table = trueline_sdk::schema::rows(inputs)?;
        let (keys, taken) = (
            table.select(&params.table_keys())?.fields,
            table.select(&params.take)?.fields,
        );
        let columns = taken
            .iter()
            .map(|field| Store::new(field.data_type))
            .collect();
        Ok(Self {
            params,
            keys,
            taken,
            row_keys: Vec::new(),
            columns,
            null_keys: 0,
        })
    }

    fn update(&mut self, _input: usize, batch: &Batch<'_>) -> Result<()> {
        let (keys, taken) = batch.columns().split_at(self.keys.len());
        let mut rows = Vec::new();
        let mut bytes = Vec::new();
        for row in 0..batch.rows() {
            if key::write(keys, row, &mut bytes)? {
                self.row_keys.push(bytes.clone());
                rows.push(row);
            } else {
                self.null_keys += 1;
            }
        }
        self.keep(taken, &rows)
    }

    fn partial(&self) -> Result<Vec<u8>> {
        let order: Vec<usize> = (0..self.row_keys.len()).collect();
        state::encode(&Partial {
            null_keys: self.null_keys,
            frame: self.frame(&order)?,
        })
    }

    fn merge(&mut self, partial: &[u8]) -> Result<()> {
        let partial: Partial = state::decode(partial)?;
        let schema = kept(&self.taken);
        let batch = Batch::decode(&schema, &partial.frame)?;
        let rows: Vec<usize> = (0..batch.rows()).collect();
        let keys = batch.column(0).binary()?;
        self.row_keys
            .extend(rows.iter().map(|&row| keys.get(row).to_vec()));
        self.null_keys += partial.null_keys;
        self.keep(&batch.columns()[1..], &rows)
    }

    fn finish(self) -> Result<Outcome> {
        let mut order: Vec<usize> = (0..self.row_keys.len()).collect();
        order.sort_unstable_by_key(|&row| &self.row_keys[row]);
        let twice = order
            .windows(2)
            .find(|pair| self.row_keys[pair[0]] == self.row_keys[pair[1]]);
        if let Some(pair) = twice {
            return Err(Error::data(format!(
                "the table has more than one row with {}; a lookup needs a unique key: add a column to `on`, or \
                 drop the rows that are too many",
                key::show(&self.keys, &self.row_keys[pair[0]])
            )));
        }
        let metrics = vec![
            Metric::new("rows", order.len() as f64),
            Metric::new("null_keys", self.null_keys as f64),
        ];
        let first = order.iter().take(report::FIRST_ROWS).map(|&row| {
            let key = key::read(&self.keys, &self.row_keys[row]).into_iter();
            let key = key.zip(&self.keys).map(|(part, field)| part.show(field));
            let taken = self.columns.iter().zip(&self.taken);
            let taken = taken.map(|(column, field)| column.show(field.data_type, row));
            key.chain(taken).collect()
        });
        let report = report::report(&self.keys, &self.taken, order.len(), first.collect());
        let frame = self.frame(&order)?;
        let state = State {
            keys: self.keys,
            taken: self.taken,
            frame,
        };
        Ok(Outcome {
            metrics,
            report: Some(report),
            ..Outcome::state(state::encode(&state)?)
        })
    }
}

impl Learn {
    fn keep(&mut self, taken: &[Column<'_>], rows: &[usize]) -> Result<()> {
        let limit = self.params.max_rows;
        if self.row_keys.len() > limit as usize {
            return Err(Error::data(format!(
                "the table has more than {limit} rows, which a lookup would keep in memory; raise `max_rows`, or join \
                 the tables as datasets"
            )));
        }
        self.columns
            .iter_mut()
            .zip(taken)
            .try_for_each(|(column, taken)| column.append(taken, rows))
    }

    /// The rows kept, in this order.
    fn frame(&self, order: &[usize]) -> Result<Vec<u8>> {
        let schema = kept(&self.taken);
        let mut writer = BatchWriter::new(&schema, order.len());
        writer.binary(&Validity::ALL, |place| &self.row_keys[order[place]])?;
        let rows: Vec<Option<u32>> = order.iter().map(|&row| u32::try_from(row).ok()).collect();
        for (column, field) in self.columns.iter().zip(&self.taken) {
            column.write(&mut writer, field.data_type, &rows)?;
        }
        writer.finish()
    }
}
