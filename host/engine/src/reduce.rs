//! Reducing a stage: its passes over its inputs, spread over workers if the laws allow it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Receiver;

use arrow::array::RecordBatch;
use trueline_dataset::Scan;
use trueline_pipeline::{Pipe, Plan, StageWork};
use trueline_runtime::{Decision, Input, Metric, Outcome, Progress, Reduction, ReductionSignature};
use trueline_table::Schema;

use crate::pipe::{FittedStages, Steps, scan, source_schema};
use crate::{Error, Event, Observer, Options, Result};

/// A step that a model reported, and what it was told.
#[derive(Clone, Debug, serde::Serialize)]
pub(crate) struct Step {
    pub(crate) step: u32,
    pub(crate) metrics: Vec<(String, f64)>,
    pub(crate) decision: &'static str,
}

/// What a reduction came to.
pub(crate) struct Reduced {
    pub(crate) outcome: Outcome,
    /// What it read, every vector's width known.
    pub(crate) inputs: Vec<Input>,
    /// Rows taken in, over all inputs and passes.
    pub(crate) rows: u64,
    /// What a model reported on the way.
    pub(crate) steps: Vec<Step>,
}

/// Everything that reducing a stage needs to know.
pub(crate) struct Job<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) name: &'a str,
    pub(crate) work: &'a StageWork,
    pub(crate) fitted: &'a FittedStages,
    pub(crate) options: &'a Options,
    pub(crate) observer: &'a dyn Observer,
}

/// What is known once the fitted stages upstream are.
pub(crate) struct Bindings {
    pub(crate) params: String,
    /// The tables as they come out of their pipes: what the stage was described with.
    pub(crate) tables: Vec<Input>,
    /// The columns of them that it reads.
    pub(crate) inputs: Vec<Input>,
    pub(crate) signature: ReductionSignature,
}

impl Job<'_> {
    /// Describes the reduction on the schemas that its inputs really have.
    pub(crate) fn bind(&self) -> Result<Option<Bindings>> {
        let params = self.work.params.to_string();
        let table = |(name, pipe): (&String, &Pipe)| {
            let schema =
                Steps::load(source_schema(self.plan, pipe)?, &pipe.through, self.fitted)?.schema;
            Ok(Input {
                name: name.clone(),
                schema,
            })
        };
        let tables = self
            .work
            .inputs
            .iter()
            .map(|input| table((&input.name, &input.pipe)));
        let tables = tables.collect::<Result<Vec<_>>>()?;
        let Some(signature) = self.work.stage.describe(&params, &tables, None)?.reduction else {
            return Ok(None);
        };
        let select = |(table, reads): (&Input, &Vec<String>)| {
            Ok::<_, Error>(Input {
                name: table.name.clone(),
                schema: table.schema.select(reads)?,
            })
        };
        let inputs = tables
            .iter()
            .zip(&signature.reads)
            .map(select)
            .collect::<Result<_>>()?;
        Ok(Some(Bindings {
            params,
            tables,
            inputs,
            signature,
        }))
    }

    /// Runs all passes.
    pub(crate) fn reduce(&self, bindings: &Bindings) -> Result<Reduced> {
        let rows = AtomicU64::new(0);
        let mut outcome = Outcome::default();
        let mut steps = Vec::new();
        for pass in 0..bindings.signature.passes {
            let state = std::mem::take(&mut outcome.state);
            let pass = Pass {
                job: self,
                bindings,
                pass,
                state: &state,
                rows: &rows,
            };
            if bindings.signature.mergeable && self.options.threads > 1 {
                outcome = pass.spread()?;
            } else {
                (outcome, steps) = pass.in_order()?;
            }
        }
        Ok(Reduced {
            outcome,
            inputs: bindings.tables.clone(),
            rows: rows.into_inner(),
            steps,
        })
    }

    /// Tells the observer what a model reports, and keeps it, until the reduction is over.
    fn listen(&self, reports: Receiver<(u32, Vec<Metric>)>) -> Vec<Step> {
        let keep = |(step, metrics): (u32, Vec<Metric>)| {
            self.observer.tell(Event::Step {
                stage: self.name,
                step,
                metrics: &metrics,
            });
            let metrics = metrics
                .into_iter()
                .map(|metric| (metric.name, metric.value))
                .collect();
            Step {
                step,
                metrics,
                decision: "continue",
            }
        };
        reports.into_iter().map(keep).collect()
    }
}

/// One pass of a reduction.
struct Pass<'a> {
    job: &'a Job<'a>,
    bindings: &'a Bindings,
    pass: u32,
    state: &'a [u8],
    rows: &'a AtomicU64,
}

impl Pass<'_> {
    fn begin(&self, progress: Option<Progress>) -> Result<Reduction> {
        let Bindings { params, inputs, .. } = self.bindings;
        let StageWork { stage, limits, .. } = self.job.work;
        Ok(stage.reduce(params, inputs, self.pass, self.state, limits, progress)?)
    }

    /// One instance takes in everything, in order. A model's reports are told while it trains.
    fn in_order(&self) -> Result<(Outcome, Vec<Step>)> {
        let (sender, reports) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            let listener = scope.spawn(|| self.job.listen(reports));
            let outcome = self.take_all(Box::new(move |step, metrics| {
                // The listener lives until this closure is dropped, so the report always arrives.
                let _ = sender.send((step, metrics));
                Decision::Continue
            }));
            match listener.join() {
                Ok(steps) => Ok((outcome?, steps)),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }

    fn take_all(&self, progress: Progress) -> Result<Outcome> {
        let mut reduction = self.begin(Some(progress))?;
        for (index, input) in self.job.work.inputs.iter().enumerate() {
            let mut rows = Rows::load(
                self.job,
                index,
                &input.pipe,
                &self.bindings.inputs[index].schema,
            )?;
            for batch in scan(self.job.plan, &input.pipe, self.job.options)? {
                self.take(&mut reduction, &mut rows, batch?)?;
            }
        }
        Ok(reduction.finish()?)
    }

    /// Workers take in batches as they come to them; what each took in is merged. Law 3: the same bytes.
    fn spread(&self) -> Result<Outcome> {
        let mut total = self.begin(None)?;
        for (index, input) in self.job.work.inputs.iter().enumerate() {
            let batches = Mutex::new(scan(self.job.plan, &input.pipe, self.job.options)?);
            let workers = self.job.options.threads;
            let partials = std::thread::scope(|scope| {
                let work = || self.worker(index, &input.pipe, &batches);
                let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
                let joined = threads.into_iter().map(|thread| match thread.join() {
                    Ok(partial) => partial,
                    Err(panic) => std::panic::resume_unwind(panic),
                });
                joined.collect::<Result<Vec<_>>>()
            })?;
            for partial in partials.into_iter().flatten() {
                total.merge(&partial)?;
            }
        }
        Ok(total.finish()?)
    }

    /// Takes in batches until there are none; what was taken in, if it was anything.
    fn worker(&self, index: usize, pipe: &Pipe, batches: &Mutex<Scan>) -> Result<Option<Vec<u8>>> {
        let mut begun = None;
        loop {
            // The lock is held for reading one batch, which only one thread can do anyway.
            let next = lock(batches).next();
            let Some(batch) = next else { break };
            let batch = batch?;
            let (reduction, rows) = match &mut begun {
                Some(begun) => begun,
                None => {
                    let schema = &self.bindings.inputs[index].schema;
                    begun.insert((
                        self.begin(None)?,
                        Rows::load(self.job, index, pipe, schema)?,
                    ))
                }
            };
            self.take(reduction, rows, batch)?;
        }
        Ok(match begun {
            Some((reduction, _)) => Some(reduction.partial()?),
            None => None,
        })
    }

    fn take(&self, reduction: &mut Reduction, rows: &mut Rows, batch: RecordBatch) -> Result<()> {
        let count = batch.num_rows() as u64;
        reduction.update(rows.input, &rows.read(batch)?)?;
        let so_far = self.rows.fetch_add(count, Ordering::Relaxed) + count;
        let passes = self.bindings.signature.passes;
        let (stage, pass) = (self.job.name, self.pass);
        self.job.observer.tell(Event::Rows {
            stage,
            pass,
            passes,
            rows: so_far,
        });
        Ok(())
    }
}

/// What a worker makes of the batches of an input: mapped, and cut down to what the stage reads.
struct Rows {
    input: u32,
    steps: Steps,
    columns: Vec<usize>,
}

impl Rows {
    fn load(job: &Job<'_>, index: usize, pipe: &Pipe, reads: &Schema) -> Result<Self> {
        let steps = Steps::load(source_schema(job.plan, pipe)?, &pipe.through, job.fitted)?;
        let columns = reads
            .names()
            .filter_map(|name| steps.schema.index_of(name))
            .collect();
        let input =
            u32::try_from(index).map_err(|_| Error::Mismatch("too many inputs".to_owned()))?;
        Ok(Self {
            input,
            steps,
            columns,
        })
    }

    fn read(&mut self, batch: RecordBatch) -> Result<RecordBatch> {
        let mapped = self.steps.apply(batch)?;
        mapped
            .project(&self.columns)
            .map_err(|error| Error::Table(error.into()))
    }
}

/// A poisoned lock only says that another thread panicked, which is passed on where it is joined.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
