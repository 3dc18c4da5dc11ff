//! The reductions of a plan: cut at random, partitioned and merged in random order.

use std::time::Instant;

use arrow::array::RecordBatch;
use trueline_pipeline::{Pipe, Plan, StageWork, StudyWork, Work};
use trueline_runtime::{Outcome, Package};
use trueline_study::SplitMix64;
use trueline_table::Digest;

use super::{SEED, differing_bits, elapsed_ms};
use crate::batches::{Batch, Batches};
use crate::data::Data;
use crate::pipe::{Fitted, FittedStages};
use crate::reduce::{Bindings, Job, Rows};
use crate::report::Way;
use crate::{Event, NoObserver, Observer, Options, Result};

/// Instances that a partitioned reduction is spread over.
const PARTITIONS: usize = 7;
/// Random cuts are up to this long.
const CUT_ROWS: usize = 30_000;

/// Repeats every reduction of the plan: as a run does it on one thread, and in another way. Stages
/// downstream use what was learned here, which for the chain's stages must be what the package holds.
pub(super) fn prove(
    plan: &Plan,
    package: &Package,
    options: &Options,
    observer: &dyn Observer,
) -> Result<Vec<Way>> {
    let plain = Options {
        threads: 1,
        ..options.clone()
    };
    let data = Data::of_plan(plan);
    let mut fitted = FittedStages::new();
    let mut ways = Vec::new();
    for stage in &plan.stages {
        let chosen;
        let work = match &stage.work {
            Work::Stage(work) => work,
            Work::Study(study) => match chosen_work(plan, package, &stage.name, study) {
                Some(work) => {
                    chosen = work;
                    &chosen
                }
                None => continue,
            },
            Work::Gate(_) => continue,
        };
        // What reads the best of some stages that the package does not hold cannot be told from it.
        let through = work.inputs.iter().flat_map(|input| &input.pipe.through);
        if through.clone().any(|name| !fitted.contains_key(name)) {
            continue;
        }
        let job = Job {
            data: &data,
            name: &stage.name,
            work,
            fitted: &fitted,
            options: &plain,
            observer: &NoObserver,
            watch: None,
        };
        let Some(bindings) = job.bind()? else {
            fitted.insert(stage.name.clone(), Fitted::given(work));
            continue;
        };
        let way = if bindings.signature.mergeable {
            "partitioned, merged at random"
        } else {
            "in random chunks"
        };
        observer.tell(Event::WayStarted { way, rows: None });
        let started = Instant::now();
        let expected = job.reduce(&bindings)?;
        let (found, rows) = Another {
            job: &job,
            bindings: &bindings,
        }
        .reduce()?;
        let (left, right) = (outcome_bytes(&expected.outcome), outcome_bytes(&found));
        let mut way = Way {
            way: way.to_owned(),
            what: stage.name.clone(),
            rows,
            bits: 8 * left.len() as u64,
            bits_differing: differing_bits(&left, &right),
            digest: Digest::of(&found.state),
            elapsed_ms: elapsed_ms(started),
        };
        way.bits_differing += against_package(plan, package, &stage.name, &found.state);
        observer.tell(Event::WayFinished { way: &way });
        ways.push(way);
        fitted.insert(
            stage.name.clone(),
            Fitted::new(work, expected.inputs, expected.outcome.state),
        );
    }
    Ok(ways)
}

/// The best of a study's stages, with the parameters that the package holds for it.
fn chosen_work(plan: &Plan, package: &Package, name: &str, study: &StudyWork) -> Option<StageWork> {
    let chain = plan.package.iter().flat_map(|planned| &planned.chain);
    let mut links = chain.zip(&package.manifest().chain);
    let (_, link) = links.find(|(stage, _)| *stage == name)?;
    let (tried, _) = study.trial(name, 0);
    let template = study
        .templates()
        .iter()
        .find(|template| template.name == tried);
    match &template.or_else(|| plan.stage(&tried))?.work {
        Work::Stage(work) => Some(StageWork {
            params: link.params.clone(),
            ..work.clone()
        }),
        Work::Gate(_) | Work::Study(_) => None,
    }
}

/// How a stage of the chain differs from what the package holds for it.
fn against_package(plan: &Plan, package: &Package, name: &str, state: &[u8]) -> u64 {
    let chain = plan.package.iter().flat_map(|planned| &planned.chain);
    let link = chain
        .zip(&package.manifest().chain)
        .find(|(stage, _)| *stage == name);
    let packed = link.and_then(|(_, link)| package.part(link.state).ok());
    packed.map_or(0, |packed| differing_bits(packed, state))
}

/// All that a reduction answered with, as bytes.
fn outcome_bytes(outcome: &Outcome) -> Vec<u8> {
    let mut bytes = outcome.state.clone();
    for metric in &outcome.metrics {
        bytes.extend(metric.name.as_bytes());
        bytes.extend(metric.value.to_bits().to_le_bytes());
    }
    bytes.extend(format!("{:?}{:?}", outcome.findings, outcome.report).as_bytes());
    bytes
}

/// A reduction done in another way than a run does it.
struct Another<'a> {
    job: &'a Job<'a>,
    bindings: &'a Bindings,
}

impl Another<'_> {
    fn reduce(&self) -> Result<(Outcome, u64)> {
        let mut outcome = Outcome::default();
        let mut rows = 0;
        for pass in 0..self.bindings.signature.passes {
            let mut random = SplitMix64::new(SEED ^ u64::from(pass));
            (outcome, rows) = self.pass(pass, &outcome.state, &mut random)?;
        }
        Ok((outcome, rows))
    }

    fn pass(&self, pass: u32, state: &[u8], random: &mut SplitMix64) -> Result<(Outcome, u64)> {
        let Bindings {
            params,
            inputs,
            signature,
            ..
        } = self.bindings;
        let StageWork { stage, limits, .. } = self.job.work;
        let begin = || stage.reduce(params, inputs, pass, state, limits, None);
        let partitions = if signature.mergeable { PARTITIONS } else { 1 };
        let mut parts = (0..partitions)
            .map(|_| begin())
            .collect::<Result<Vec<_>, _>>()?;
        let mut rows = 0;
        for (index, input) in self.job.work.inputs.iter().enumerate() {
            let number = u32::try_from(index).unwrap_or(u32::MAX);
            self.pieces(index, &input.pipe, random.bits(), |random, piece| {
                rows += piece.num_rows() as u64;
                Ok(parts[random.below(partitions)].update(number, &piece)?)
            })?;
        }
        if !signature.mergeable {
            let only = parts.pop();
            return Ok((
                only.map(trueline_runtime::Reduction::finish)
                    .transpose()?
                    .unwrap_or_default(),
                rows,
            ));
        }
        let mut partials = parts
            .into_iter()
            .map(trueline_runtime::Reduction::partial)
            .collect::<Result<Vec<_>, _>>()?;
        let mut total = begin()?;
        while !partials.is_empty() {
            total.merge(&partials.swap_remove(random.below(partials.len())))?;
        }
        Ok((total.finish()?, rows))
    }

    /// Reads an input in pieces of random length, some of them empty.
    fn pieces(
        &self,
        index: usize,
        pipe: &Pipe,
        seed: u64,
        mut take: impl FnMut(&mut SplitMix64, RecordBatch) -> Result<()>,
    ) -> Result<()> {
        let mut random = SplitMix64::new(seed);
        let job = self.job;
        let mut reader = Rows::load(job, index, pipe, &self.bindings.inputs[index].schema)?;
        for batch in Batches::new(job.data.scan(pipe, job.options)?) {
            let batch = batch?;
            let mut start = 0;
            while start < batch.rows.num_rows() {
                let length = if random.below(16) == 0 {
                    0
                } else {
                    1 + random.below(CUT_ROWS)
                };
                let length = length.min(batch.rows.num_rows() - start);
                let piece = Batch {
                    first_row: batch.first_row + start as u64,
                    rows: batch.rows.slice(start, length),
                    ..batch
                };
                take(&mut random, reader.read(piece)?)?;
                start += length;
            }
        }
        Ok(())
    }
}
