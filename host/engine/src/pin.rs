//! Pinning: what a run reads is named by digest, and kept.

use trueline_dataset::{Memo, PinPolicy, TablePin};
use trueline_pipeline::Plan;
use trueline_store::{RunId, Store, TableMemo};
use trueline_table::Digest;

use crate::{Event, Observer, Result};

/// Names what the run reads, and keeps a copy of it unless the dataset says otherwise.
pub(crate) fn pin_datasets(
    plan: &Plan,
    store: &Store,
    run: &RunId,
    observer: &dyn Observer,
) -> Result<()> {
    for planned in &plan.datasets {
        let dataset = &planned.dataset;
        observer.tell(Event::Pinning {
            dataset: &planned.name,
        });
        let pin = dataset.pin(&StoreMemo(store))?;
        if dataset.pin_policy() == PinPolicy::Copy {
            for file in dataset.files() {
                store.blobs().put_file(file)?;
            }
        }
        let files = pin
            .files
            .into_iter()
            .map(|file| trueline_store::DatasetFile {
                path: file.path,
                digest: file.digest,
                size_bytes: file.size_bytes,
            });
        store.pin_dataset(
            run,
            trueline_store::Dataset {
                name: planned.name.clone(),
                table_digest: pin.table.digest,
                rows: pin.table.rows,
                files: files.collect(),
            },
        )?;
    }
    Ok(())
}

/// The store remembers which table a file was, so that it is decoded for its digest only once.
struct StoreMemo<'a>(&'a Store);

impl Memo for StoreMemo<'_> {
    fn get(&self, key: &Digest) -> Option<TablePin> {
        let memo = self.0.remembered_table(key, key).ok().flatten()?;
        Some(TablePin {
            digest: memo.table_digest,
            rows: memo.rows,
        })
    }

    fn put(&self, key: &Digest, table: &TablePin) {
        // Forgetting costs time, nothing else.
        let _ = self.0.remember_table(TableMemo {
            file_digest: *key,
            spec: *key,
            table_digest: table.digest,
            rows: table.rows,
        });
    }
}
