//! Files of declarations in TOML: what is written becomes structs, or a list of everything that is wrong.
//!
//! A [`Source`](source::Source) is the text, [`keys::read`] turns a table of it into a struct, and a
//! [`Report`](source::Report) collects what is wrong at which place, so that all of it is told at once,
//! as [`Diagnostics`] with file, line, mark and hint. Pipeline files and feature files are read by it.
//!
//! ```
//! use serde::Deserialize;
//! use toml::Spanned;
//! use toml::de::{DeTable, DeValue};
//! use trueline_declaration::keys;
//! use trueline_declaration::source::{Report, Source};
//!
//! #[derive(Debug, Deserialize)]
//! #[serde(deny_unknown_fields)]
//! struct Keys {
//!     ttl: String,
//! }
//!
//! let source = Source { path: "x.toml".into(), text: "tll = '3h'".to_owned() };
//! let table = DeTable::parse(&source.text)?;
//! let table = Spanned::new(table.span(), DeValue::Table(table.into_inner()));
//! let mut report = Report::new(&source);
//! assert!(keys::read::<Keys>(&table, "view `weather`", &mut report).is_none());
//! let problems = report.into_diagnostics().to_string();
//! assert!(problems.starts_with("error: unknown key `tll` in view `weather`\n --> x.toml:1:1"));
//! assert!(problems.contains("hint: did you mean `ttl`?"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod diagnostic;
pub mod keys;
pub mod source;
pub mod values;

pub use diagnostic::{Diagnostic, Diagnostics, Place};
