//! Datasets: files as bounded streams of Arrow batches.
//!
//! A [`DatasetSpec`] is what a pipeline file declares: files, joins, a condition, a label, a split. A
//! [`Catalog`] holds the declarations and opens a [`Dataset`]: the declaration checked against the
//! files, with the schema that comes out. [`Dataset::scan`] reads it:
//!
//! ```text
//! files ── wanted columns ── part ── joins ── condition ── label ── batches
//! ```
//!
//! Every step works on one batch, so memory does not grow with the rows; only joined datasets are
//! kept, up to [`MAX_JOIN_BYTES`]. Rows come in the order of the files, so two scans of the same files
//! give the same rows. [`Dataset::pin`] names what was read, independent of format and file layout.
//!
//! ```
//! use std::collections::BTreeMap;
//! use trueline_dataset::{Catalog, DatasetSpec, Part, ScanOptions};
//!
//! # let dir = tempfile::tempdir()?;
//! std::fs::write(dir.path().join("trips.csv"), "day,km\n2013-09-30,3.5\n2013-10-01,NA\n")?;
//! let trips: DatasetSpec = toml::from_str(
//!     r#"
//!     path = "trips.csv"
//!     label = { name = "far", value = "km > 3.0" }
//!     split = { by = "day", test_from = "2013-10-01" }
//!     "#,
//! )?;
//! let catalog = Catalog::new(dir.path(), BTreeMap::from([("trips".to_owned(), trips)]));
//! let trips = catalog.open("trips")?;
//! let train = ScanOptions { part: Some(Part::Train), ..ScanOptions::default() };
//! for batch in trips.scan(&train)? {
//!     assert_eq!(batch?.num_rows(), 1);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod catalog;
mod dataset;
mod error;
mod expression;
mod join;
mod pin;
mod read;
mod scan;
mod spec;
mod split;
pub mod suggest;
mod time;

pub use catalog::Catalog;
pub use dataset::{BATCH_ROWS, Dataset, ScanOptions};
pub use error::{Error, Result};
pub use expression::{Expression, ExpressionError};
pub use join::MAX_JOIN_BYTES;
pub use pin::{FilePin, Memo, NoMemo, Pin, TablePin};
pub use scan::Scan;
pub use spec::{
    CsvOptions, DatasetSpec, FeaturesSpec, Format, JoinOn, JoinSpec, LabelSpec, OneOrMany,
    PinPolicy, SplitSpec, literal_path,
};
pub use split::{Part, UnknownPart};
