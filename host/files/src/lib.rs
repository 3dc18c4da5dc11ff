//! Files that appear whole or not at all, and stay when the power fails.
//!
//! [`NewFile`] is written under another name, brought to the disk, and renamed: whatever happens in
//! between, a name stands for all of its bytes or does not exist. What a killed process leaves behind is
//! removed by the next one that writes beside it. [`sync_folder`] and [`create_private_folder`] see to
//! names, as `fsync` of a file sees to its bytes alone.
//!
//! Every step that a crash can fall into is a point of [`fault`], where tests stop the process or let the
//! disk fail.
//!
//! ```
//! use std::io::Write as _;
//! use trueline_files::{NewFile, Audience};
//!
//! # fn main() -> std::io::Result<()> {
//! # let directory = tempfile::tempdir()?;
//! # let folder = directory.path();
//! let mut file = NewFile::begin("report", folder, Audience::Everyone)?;
//! file.write_all(b"all of it")?;
//! file.finish(&folder.join("report.txt"))?;
//! assert_eq!(std::fs::read(folder.join("report.txt"))?, b"all of it");
//! # Ok(())
//! # }
//! ```

pub mod fault;
mod folder;
mod new_file;
mod owned;

pub use folder::{create_private_folder, folder_of, sync_folder};
pub use new_file::{Audience, NewFile};
pub use owned::is_named;
