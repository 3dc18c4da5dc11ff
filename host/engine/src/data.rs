//! The datasets of a run: named by digest before anything reads them, and read as they were named.
//!
//! Files are identified by the digest of their bytes, which are hashed at every run: no time of a file and
//! no size can vouch for them. What they hold as a table is remembered by that digest, so they are decoded
//! for it once. A run reads the copies in the store, whose bytes are checked before the first of them is
//! read; a file that changes while the run goes on changes nothing. Of a dataset with `pin = "reference"`
//! there is no copy: its files are hashed again after they were read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use trueline_dataset::{Dataset, Memo, Pin, PinPolicy, Scan, ScanOptions, TablePin};
use trueline_pipeline::{Pipe, Plan, PlannedDataset, PlannedStage, Work};
use trueline_runtime::ServiceFeatures;
use trueline_store::{Blobs, RunId, Store, TableMemo};
use trueline_table::{Digest, Hasher, Schema};

use crate::{Error, Event, Observer, Options, Result, features};

/// Datasets by name.
pub(crate) struct Data {
    datasets: BTreeMap<String, Source>,
}

struct Source {
    dataset: Dataset,
    /// The feature service that some of its columns are of.
    service: Option<ServiceFeatures>,
    /// What it was when the run began; none outside of a run.
    pinned: Option<Pinned>,
}

struct Pinned {
    pin: Pin,
    /// The tables of the datasets that it joins.
    joined: BTreeMap<String, Digest>,
    /// The files that reading it reads, those of joined datasets among them.
    files: Vec<PinnedFile>,
    blobs: Blobs,
    /// Whether the copies were checked.
    is_checked: Mutex<bool>,
}

struct PinnedFile {
    path: PathBuf,
    digest: Digest,
    has_copy: bool,
}

impl Data {
    /// The datasets of a plan as their files are now.
    pub(crate) fn of_plan(plan: &Plan) -> Self {
        let source = |planned: &PlannedDataset| Source {
            dataset: planned.dataset.clone(),
            service: planned.service.clone(),
            pinned: None,
        };
        Self {
            datasets: plan
                .datasets
                .iter()
                .map(|planned| (planned.name.clone(), source(planned)))
                .collect(),
        }
    }

    /// Names what a run reads, and keeps a copy of it unless the dataset says otherwise.
    ///
    /// # Errors
    /// If a file cannot be read, with the stages that wanted it; or if the store fails.
    pub(crate) fn pin(
        plan: &Plan,
        store: &Store,
        run: &RunId,
        options: &Options,
        observer: &dyn Observer,
    ) -> Result<Self> {
        let made = features::make(plan, store, observer);
        let made = made.map_err(|error| {
            let of_features = plan.features.iter().map(|planned| planned.dataset.as_str());
            for_stages(plan, &of_features.collect::<Vec<_>>(), error)
        })?;
        // A run that is taken up reads copies of the files, which had names of their own.
        let past = options.resumes.as_ref();
        let mut origins = past.map_or(Ok(BTreeMap::new()), |past| store.origins(past))?;
        origins.extend(made.origins);
        let past = past.map(|past| store.datasets(past));
        let past = past.transpose()?.unwrap_or_default();
        let mut pins: BTreeMap<String, (Dataset, Pin)> = BTreeMap::new();
        let mut waiting: Vec<(Dataset, &str)> = made
            .datasets
            .iter()
            .rev()
            .map(|planned| (planned.dataset.clone(), planned.name.as_str()))
            .collect();
        while let Some((dataset, read_as)) = waiting.pop() {
            if pins.contains_key(dataset.name()) {
                continue;
            }
            if options.cancel.is_cancelled() {
                return Err(trueline_runtime::Error::Cancelled.into());
            }
            observer.tell(Event::Pinning {
                dataset: dataset.name(),
            });
            let pin = pin_one(&dataset, &past, store, run);
            let pin = pin.map_err(|error| for_stages(plan, &[read_as], error))?;
            if let Some(origin) = origins.get(dataset.name()) {
                store.record_origin(run, dataset.name(), origin)?;
            }
            waiting.extend(dataset.joined().map(|joined| (joined.clone(), read_as)));
            pins.insert(dataset.name().to_owned(), (dataset, pin));
        }
        let files: BTreeMap<&str, Vec<PinnedFile>> = pins
            .iter()
            .map(|(name, (dataset, pin))| (name.as_str(), files_of(dataset, pin)))
            .collect();
        let copies = files.values().flatten().filter(|file| file.has_copy);
        let copies = copies.map(|file| (file.path.clone(), store.blobs().path(&file.digest)));
        let copies: BTreeMap<PathBuf, PathBuf> = copies.collect();
        let datasets = made.datasets.iter().filter_map(|planned| {
            let (dataset, pin) = pins.get(&planned.name)?;
            let mut joined = BTreeMap::new();
            let mut read = files_of(dataset, pin);
            all_joined(dataset, &pins, &mut joined, &mut read);
            let source = Source {
                dataset: dataset.with_copies(&copies),
                service: planned.service.clone(),
                pinned: Some(Pinned {
                    pin: pin.clone(),
                    joined,
                    files: read,
                    blobs: store.blobs().clone(),
                    is_checked: Mutex::new(false),
                }),
            };
            Some((planned.name.clone(), source))
        });
        Ok(Self {
            datasets: datasets.collect(),
        })
    }

    /// The schema of the rows at the source of a pipe.
    pub(crate) fn schema(&self, pipe: &Pipe) -> Result<&Schema> {
        Ok(self.source(&pipe.dataset)?.dataset.schema())
    }

    /// The feature service that some columns of a dataset are of.
    pub(crate) fn service(&self, dataset: &str) -> Option<&ServiceFeatures> {
        self.datasets.get(dataset)?.service.as_ref()
    }

    /// What a dataset was when the run began; none outside of a run.
    pub(crate) fn pin_of(&self, dataset: &str) -> Option<&Pin> {
        let source = self.datasets.get(dataset)?;
        source.pinned.as_ref().map(|pinned| &pinned.pin)
    }

    /// The tables that a dataset joins, and those that they join, by name.
    pub(crate) fn joined(&self, dataset: &str) -> Option<&BTreeMap<String, Digest>> {
        let source = self.datasets.get(dataset)?;
        source.pinned.as_ref().map(|pinned| &pinned.joined)
    }

    /// Reads the rows at the source of a pipe.
    pub(crate) fn scan(&self, pipe: &Pipe, options: &Options) -> Result<Scan> {
        let source = self.source(&pipe.dataset)?;
        if let Some(pinned) = &source.pinned {
            pinned.check_copies()?;
        }
        let options = ScanOptions {
            part: pipe.part,
            columns: None,
            batch_rows: options.batch_rows,
        };
        Ok(source.dataset.scan(&options)?)
    }

    /// Makes sure that the files without a copy, which were just read, are what they were when the run began.
    ///
    /// # Errors
    /// [`Error::Changed`] if not.
    pub(crate) fn check_references<'p>(&self, pipes: impl Iterator<Item = &'p Pipe>) -> Result<()> {
        for pipe in pipes {
            let pinned = self.source(&pipe.dataset)?.pinned.as_ref();
            let files = pinned.into_iter().flat_map(|pinned| &pinned.files);
            for file in files.filter(|file| !file.has_copy) {
                file.check()?;
            }
        }
        Ok(())
    }

    fn source(&self, name: &str) -> Result<&Source> {
        let source = self.datasets.get(name);
        source.ok_or_else(|| Error::Mismatch(format!("there is no dataset `{name}`")))
    }
}

impl Pinned {
    /// Hashes the copies before the first of their bytes is used. One that is missing or has changed is made
    /// again, if the file is still what it was.
    fn check_copies(&self) -> Result<()> {
        let mut is_checked = self
            .is_checked
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if *is_checked {
            return Ok(());
        }
        for file in self.files.iter().filter(|file| file.has_copy) {
            if self.blobs.verify(&file.digest).is_err() {
                file.check()?;
                self.blobs.put_file(&file.path)?;
                self.blobs.verify(&file.digest)?;
            }
        }
        *is_checked = true;
        Ok(())
    }
}

impl PinnedFile {
    fn check(&self) -> Result<()> {
        let changed = |found| Error::Changed {
            path: self.path.clone(),
            pinned: self.digest,
            found,
        };
        match hash_file(&self.path) {
            Ok(found) if found == self.digest => Ok(()),
            Ok(found) => Err(changed(Some(found))),
            Err(_) => Err(changed(None)),
        }
    }
}

/// The digest of a file's bytes as they are now.
pub(crate) fn hash_file(path: &Path) -> std::io::Result<Digest> {
    let mut file = std::fs::File::open(path)?;
    let mut hasher = Writer(Hasher::new());
    std::io::copy(&mut file, &mut hasher)?;
    Ok(hasher.0.finish())
}

struct Writer(Hasher);

impl std::io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Names a dataset, keeps its files, and writes down that the run reads it.
fn pin_one(
    dataset: &Dataset,
    past: &[trueline_store::Dataset],
    store: &Store,
    run: &RunId,
) -> Result<Pin> {
    let pin = dataset.pin(&StoreMemo(store))?;
    for file in files_of(dataset, &pin).iter().filter(|file| file.has_copy) {
        // Whether the bytes of a copy are still right is looked at when they are read.
        if !store.blobs().contains(&file.digest) {
            let (copied, _) = store.blobs().put_file(&file.path)?;
            if copied != file.digest {
                return Err(Error::Changed {
                    path: file.path.clone(),
                    pinned: file.digest,
                    found: Some(copied),
                });
            }
        }
    }
    let past = past.iter().find(|past| past.name == dataset.name());
    let named = |file: &trueline_dataset::FilePin| {
        let mut known = past.into_iter().flat_map(|past| &past.files);
        let known = known.find(|known| known.digest == file.digest);
        known.map_or(&file.path, |known| &known.path).clone()
    };
    let files = pin.files.iter().map(|file| trueline_store::DatasetFile {
        path: named(file),
        digest: file.digest,
        size_bytes: file.size_bytes,
    });
    let pinned = trueline_store::Dataset {
        name: dataset.name().to_owned(),
        table_digest: pin.table.digest,
        rows: pin.table.rows,
        files: files.collect(),
    };
    store.pin_dataset(run, pinned)?;
    Ok(pin)
}

fn files_of(dataset: &Dataset, pin: &Pin) -> Vec<PinnedFile> {
    let has_copy = dataset.pin_policy() == PinPolicy::Copy;
    let files = dataset.files().zip(&pin.files);
    files
        .map(|(path, file)| PinnedFile {
            path: path.to_owned(),
            digest: file.digest,
            has_copy,
        })
        .collect()
}

/// The tables that a dataset joins, and their files.
fn all_joined(
    dataset: &Dataset,
    pins: &BTreeMap<String, (Dataset, Pin)>,
    tables: &mut BTreeMap<String, Digest>,
    files: &mut Vec<PinnedFile>,
) {
    for joined in dataset.joined() {
        if let Some((_, pin)) = pins.get(joined.name()) {
            files.extend(files_of(joined, pin));
            tables.insert(joined.name().to_owned(), pin.table.digest);
        }
        all_joined(joined, pins, tables, files);
    }
}

/// A dataset that cannot be read is trouble of the stages that read it.
fn for_stages(plan: &Plan, datasets: &[&str], error: Error) -> Error {
    let is_read = |stage: &&PlannedStage| datasets.iter().any(|dataset| reads(stage, dataset));
    let stages = plan.stages.iter().filter(is_read);
    Error::Unreadable {
        stages: stages.map(|stage| stage.name.clone()).collect(),
        source: Box::new(error),
    }
}

/// Whether a stage, or a trial that it makes, reads a dataset.
fn reads(stage: &PlannedStage, dataset: &str) -> bool {
    match &stage.work {
        Work::Stage(work) => {
            let mut inputs = work.inputs.iter();
            inputs.any(|input| input.pipe.dataset == dataset)
        }
        Work::Study(study) => study
            .templates()
            .iter()
            .any(|template| reads(template, dataset)),
        Work::Gate(_) => false,
    }
}

/// The store remembers which table a file was, so that it is decoded for its digest only once.
pub(crate) struct StoreMemo<'a>(pub(crate) &'a Store);

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
