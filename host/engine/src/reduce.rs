//! Reducing a stage: its passes over its inputs, spread over workers if the laws allow it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender};

use arrow::array::RecordBatch;
use trueline_dataset::TablePin;
use trueline_pipeline::{Pipe, StageWork};
use trueline_runtime::{
    Decision, Input, Link, Metric, Outcome, Progress, Reading, Reduction, ReductionSignature, Watch,
};
use trueline_table::Schema;

use crate::batches::{Batch, Batches};
use crate::data::Data;
use crate::pipe::{FittedStages, Steps};
use crate::step::Step;
use crate::tee::Tee;
use crate::{Error, Event, Observer, Options, Result};

/// What a reduction came to.
pub(crate) struct Reduced {
    pub(crate) outcome: Outcome,
    /// What it read, every vector's width known.
    pub(crate) inputs: Vec<Input>,
    /// Rows taken in, over all inputs and passes.
    pub(crate) rows: u64,
    /// The rows of each input as they were read.
    pub(crate) contents: Vec<TablePin>,
    /// What a model reported on the way.
    pub(crate) steps: Vec<Step>,
    /// Whether somebody who watched told it to stop: then it is not what it is computed from alone would have
    /// made of it.
    pub(crate) was_given_up: bool,
}

/// Everything that reducing a stage needs to know.
#[derive(Clone, Copy)]
pub(crate) struct Job<'a> {
    pub(crate) data: &'a Data,
    pub(crate) name: &'a str,
    pub(crate) work: &'a StageWork,
    pub(crate) fitted: &'a FittedStages,
    pub(crate) options: &'a Options,
    pub(crate) observer: &'a dyn Observer,
    /// What stops it between batches; guests are stopped by themselves.
    pub(crate) watch: Option<&'a Watch>,
}

/// What is known once the fitted stages upstream are.
pub(crate) struct Bindings {
    pub(crate) params: String,
    /// The tables as they come out of their pipes: what the stage was described with.
    pub(crate) tables: Vec<Input>,
    /// The columns of them that it reads.
    pub(crate) inputs: Vec<Input>,
    /// The maps that the rows of each table went through.
    pub(crate) links: Vec<Vec<Link>>,
    pub(crate) signature: ReductionSignature,
}

impl Job<'_> {
    /// Describes the reduction on the schemas that its inputs really have.
    pub(crate) fn bind(&self) -> Result<Option<Bindings>> {
        let params = self.work.params.to_string();
        let table = |(name, pipe): (&String, &Pipe)| {
            let steps = self.steps(pipe)?;
            let links = steps.links(self.fitted)?;
            let input = Input {
                name: name.clone(),
                schema: steps.schema,
            };
            Ok((input, links))
        };
        let tables = self
            .work
            .inputs
            .iter()
            .map(|input| table((&input.name, &input.pipe)));
        let tables = tables.collect::<Result<Vec<_>>>()?;
        let (tables, links): (Vec<_>, Vec<_>) = tables.into_iter().unzip();
        let Some(signature) = self.work.stage.describe(&params, &tables, None)?.reduction else {
            return Ok(None);
        };
        let inputs = signature.inputs(&tables)?;
        Ok(Some(Bindings {
            params,
            tables,
            inputs,
            links,
            signature,
        }))
    }

    /// The maps of a pipe, loaded.
    fn steps(&self, pipe: &Pipe) -> Result<Steps> {
        Steps::load(self.data.schema(pipe)?, &pipe.through, self.fitted)
    }

    /// Reads the rows of an input, only to name them.
    pub(crate) fn read_content(&self, bindings: &Bindings, index: usize) -> Result<TablePin> {
        let input = &self.work.inputs[index];
        let mut rows = Rows::load(self, index, &input.pipe, &bindings.inputs[index].schema)?;
        let mut tee = Tee::new(&bindings.inputs[index].schema);
        for batch in Batches::new(self.data.scan(&input.pipe, self.options)?) {
            if let Some(watch) = self.watch {
                watch.check()?;
            }
            let batch = batch?;
            tee.take(batch.number, rows.read(batch)?)?;
        }
        tee.finish()
    }

    /// Runs all passes.
    pub(crate) fn reduce(&self, bindings: &Bindings) -> Result<Reduced> {
        let rows = AtomicU64::new(0);
        let mut outcome = Outcome::default();
        let (mut steps, mut was_given_up) = (Vec::new(), false);
        let tees = bindings
            .inputs
            .iter()
            .map(|input| Mutex::new(Tee::new(&input.schema)));
        let tees: Vec<Mutex<Tee>> = tees.collect();
        for pass in 0..bindings.signature.passes {
            let state = std::mem::take(&mut outcome.state);
            let pass = Pass {
                job: self,
                bindings,
                pass,
                state: &state,
                rows: &rows,
                // Every pass reads the same rows.
                tees: if pass == 0 { &tees } else { &[] },
            };
            if bindings.signature.mergeable && self.options.threads > 1 {
                outcome = pass.spread()?;
            } else {
                (outcome, steps, was_given_up) = pass.in_order()?;
            }
        }
        Ok(Reduced {
            outcome,
            inputs: bindings.tables.clone(),
            rows: rows.into_inner(),
            contents: tees
                .into_iter()
                .map(|tee| unlocked(tee).finish())
                .collect::<Result<_>>()?,
            steps,
            was_given_up,
        })
    }

    /// Tells the observer what a model reports, answers the model with what is decided, and keeps both, until
    /// the reduction is over. Also whether the observer gave it up.
    fn listen(&self, reports: Receiver<Report>) -> (Vec<Step>, bool) {
        let (mut steps, mut was_given_up) = (Vec::new(), false);
        for report in reports {
            let Report {
                step,
                metrics,
                answer,
            } = report;
            let stage = self.name;
            self.observer.tell(Event::Step {
                stage,
                step,
                metrics: &metrics,
            });
            let is_given_up = self.observer.decide(stage, step, &metrics) == Decision::Stop;
            was_given_up |= is_given_up;
            let metrics = metrics
                .into_iter()
                .map(|metric| (metric.name, metric.value))
                .collect::<Vec<_>>();
            let stops = self.work.stops.as_ref();
            let falls_behind = stops.is_some_and(|stops| {
                stops
                    .watched(&metrics)
                    .is_some_and(|value| stops.stops(step, value))
            });
            let decision = match is_given_up || falls_behind {
                true => Decision::Stop,
                false => Decision::Continue,
            };
            // The model waits for it, unless its instance is gone.
            let _ = answer.send(decision);
            steps.push(Step::new(step, metrics, decision));
        }
        (steps, was_given_up)
    }
}

/// What a model reports after a step, and where it waits for what to do.
struct Report {
    step: u32,
    metrics: Vec<Metric>,
    answer: Sender<Decision>,
}

/// One pass of a reduction.
struct Pass<'a> {
    job: &'a Job<'a>,
    bindings: &'a Bindings,
    pass: u32,
    state: &'a [u8],
    rows: &'a AtomicU64,
    /// What digests the rows of each input; nothing if they were digested in an earlier pass.
    tees: &'a [Mutex<Tee>],
}

impl Pass<'_> {
    fn begin(&self, progress: Option<Progress>) -> Result<Reduction> {
        let Bindings { params, inputs, .. } = self.bindings;
        let StageWork { stage, limits, .. } = self.job.work;
        Ok(stage.reduce(params, inputs, self.pass, self.state, limits, progress)?)
    }

    /// One instance takes in everything, in order. A model's reports are told while it trains.
    fn in_order(&self) -> Result<(Outcome, Vec<Step>, bool)> {
        let (sender, reports) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            let listener = scope.spawn(|| self.job.listen(reports));
            let outcome = self.take_all(Box::new(move |step, metrics| {
                let (answer, decided) = std::sync::mpsc::channel();
                let report = Report {
                    step,
                    metrics,
                    answer,
                };
                // The listener lives until this closure is dropped, so it always answers.
                let _ = sender.send(report);
                decided.recv().unwrap_or(Decision::Continue)
            }));
            match listener.join() {
                Ok((steps, was_given_up)) => Ok((outcome?, steps, was_given_up)),
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
            let scan = self.job.data.scan(&input.pipe, self.job.options)?;
            for batch in Batches::new(scan) {
                self.take(&mut reduction, &mut rows, batch?)?;
            }
        }
        Ok(reduction.finish()?)
    }

    /// Workers take in batches as they come to them; what each took in is merged. Law 3: the same bytes.
    fn spread(&self) -> Result<Outcome> {
        let mut total = self.begin(None)?;
        for (index, input) in self.job.work.inputs.iter().enumerate() {
            let scan = self.job.data.scan(&input.pipe, self.job.options)?;
            let batches = Mutex::new(Batches::new(scan));
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
    fn worker(
        &self,
        index: usize,
        pipe: &Pipe,
        batches: &Mutex<Batches>,
    ) -> Result<Option<Vec<u8>>> {
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

    fn take(&self, reduction: &mut Reduction, rows: &mut Rows, batch: Batch) -> Result<()> {
        if let Some(watch) = self.job.watch {
            watch.check()?;
        }
        let (number, count) = (batch.number, batch.rows.num_rows() as u64);
        let batch = rows.read(batch)?;
        reduction.update(rows.input, &batch)?;
        if let Some(tee) = self.tees.get(rows.input as usize) {
            lock(tee).take(number, batch)?;
        }
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
pub(crate) struct Rows {
    input: u32,
    steps: Steps,
    reading: Reading,
}

impl Rows {
    pub(crate) fn load(job: &Job<'_>, index: usize, pipe: &Pipe, reads: &Schema) -> Result<Self> {
        let steps = job.steps(pipe)?;
        let reading = Reading::new(reads.names(), &steps.schema)?;
        let input =
            u32::try_from(index).map_err(|_| Error::Mismatch("too many inputs".to_owned()))?;
        Ok(Self {
            input,
            steps,
            reading,
        })
    }

    pub(crate) fn read(&mut self, batch: Batch) -> Result<RecordBatch> {
        let mapped = self.steps.apply(batch.rows)?;
        Ok(self.reading.select(&mapped, batch.first_row)?)
    }
}

/// A poisoned lock only says that another thread panicked, which is passed on where it is joined.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn unlocked<T>(mutex: Mutex<T>) -> T {
    mutex
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
