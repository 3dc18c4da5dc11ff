//! The native test kit: small tables, random tables, and the four laws that every stage keeps.
//!
//! Everything here calls the very functions that the component exports, so what passes natively is
//! what runs in the sandbox. Add it to a stage with
//! `trueline-sdk = { version = "…", features = ["testing"] }` under `[dev-dependencies]`.
//!
//! - [`Table`] holds rows of simple [`Cell`]s and turns them into frames and back;
//! - [`fit`], [`map`] and [`fit_map`] run a stage as the host does;
//! - [`check_laws`] runs it in many other ways and asserts that the bytes are the same;
//! - [`tables`] makes random tables of a schema, with everything in them that breaks stages.
//!
//! ```
//! use proptest::prelude::*;
//! use trueline_sdk::prelude::*;
//! use trueline_sdk::testing::{Table, check_laws, fit_map, tables};
//!
//! /// Doubles the column `x`.
//! struct Double(Schema);
//!
//! #[derive(Deserialize)]
//! #[serde(deny_unknown_fields)]
//! struct Params {}
//!
//! impl Stage for Double {
//!     type Params = Params;
//!     type Reduce = NoReduce<Params>;
//!     type Map = Self;
//!
//!     fn describe(_: &Params, _: &[Input], _: Option<&Schema>) -> Result<Signature> {
//!         Ok(Signature::maps(Mapping::new(["x"], [Field::new("twice", DataType::Float64)])))
//!     }
//! }
//!
//! impl Map for Double {
//!     type Params = Params;
//!
//!     fn load(_: Params, _: &Schema, _: &[u8]) -> Result<Self> {
//!         Ok(Self(Schema::new([Field::new("twice", DataType::Float64)])))
//!     }
//!
//!     fn writes(&self) -> &Schema {
//!         &self.0
//!     }
//!
//!     fn map(&self, batch: &Batch<'_>) -> Result<Vec<u8>> {
//!         let x = batch.column(0);
//!         let mut writer = BatchWriter::new(&self.0, batch.rows());
//!         let twice = writer.float64(&x.validity)?;
//!         twice.iter_mut().zip(x.float64()?).for_each(|(twice, x)| *twice = 2.0 * x);
//!         writer.finish()
//!     }
//! }
//!
//! // An example with known values …
//! let table = Table::new().with_column("x", [Some(1.5), None]);
//! let doubled = fit_map::<Double>("{}", &[], &table)?;
//! assert_eq!(doubled, Table::new().with_column("twice", [Some(3.0), None]));
//!
//! // … and the laws, on anything.
//! let schema = Schema::new([Field::new("x", DataType::Float64)]);
//! proptest!(|(table in tables(&schema, 0..40))| {
//!     check_laws::<Double>("{}", &[], Some(&table));
//! });
//! # Ok::<(), Error>(())
//! ```

mod cell;
mod laws;
mod random;
mod run;
mod shuffle;
mod table;

pub use cell::{Cell, Value};
pub use laws::check_laws;
pub use random::{cells, every_type, tables, tables_of};
pub use run::{describe, fit, fit_map, map};
pub use table::Table;
