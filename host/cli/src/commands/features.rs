//! `trueline features apply|list|materialize|ingest|push|quarantine|history|get|skew|serve`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use arrow::array::RecordBatch;
use clap::{Args, Subcommand};
use serde_json::json;
use trueline_dataset::{Catalog, DatasetSpec, Format, OneOrMany, ScanOptions};
use trueline_features::contract::Knowledge;
use trueline_features::{
    Error, FeatureStore, HistoryRequest, Quarantined, Receipt, Selection, Source, Spine, Tools,
};

use super::cache::now_us;
use crate::context::Context;
use crate::errors::{self, Problem};
use crate::exit::Exit;
use crate::plugins::Shelf;
use crate::views;

mod get;
mod ingest;
mod quarantine;
mod serve;
mod skew;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check a feature file, show what it changes, and put it in force
    Apply(Apply),
    /// List what is in force
    List,
    /// Take in what is new in the files and streams of the sources, into both stores
    Materialize,
    /// Take in what comes in the streams of the sources, until it is stopped
    Ingest,
    /// Take in the rows of a file as they would come from outside, known from now on
    Push(Push),
    /// Look at what is not as its source expects, and decide about it
    #[command(subcommand)]
    Quarantine(quarantine::Command),
    /// Make a training set: the rows of a file with their features as of each row's instant
    History(History),
    /// Read what features are now
    Get(get::Arguments),
    /// Compare what was answered online with what training reads of the same instants, bit by bit
    Skew(skew::Arguments),
    /// Answer requests over HTTP, those of a Feast client among them
    Serve(serve::Arguments),
}

#[derive(Debug, Args)]
pub(crate) struct Apply {
    /// The feature file
    #[arg(default_value = "features.toml")]
    file: PathBuf,
    /// Only show what would change
    #[arg(long)]
    plan: bool,
    /// Apply even if readers of a name would no longer find what they read; old versions stay readable
    #[arg(long)]
    allow_breaking: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Push {
    /// The source
    source: String,
    /// Parquet, CSV, NDJSON or Arrow
    file: PathBuf,
    /// A name for these rows, under which they are taken in only once, however often they are pushed
    #[arg(long)]
    id: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct History {
    /// The feature service, `name@version` for an old version of it
    #[arg(
        long,
        required_unless_present = "features",
        conflicts_with = "features"
    )]
    service: Option<String>,
    /// Features, as `view:feature` or `view`
    #[arg(long, value_delimiter = ',')]
    features: Vec<String>,
    /// A file with join keys, instants and whatever else
    #[arg(long)]
    spine: PathBuf,
    /// Its column of instants [default: `event_timestamp`, or the only one that is a time]
    #[arg(long, value_name = "COLUMN")]
    time: Option<String>,
    /// The file to write: .parquet, .csv, .ndjson or .arrow
    #[arg(long)]
    out: PathBuf,
    /// Call features `view__feature`
    #[arg(long)]
    full_names: bool,
    /// Count rows from their event on, even if they were known only later, as stores without a second
    /// axis of time do
    #[arg(long)]
    ignore_known: bool,
    /// Count rows up to this sequence number only, to make an old training set again
    #[arg(long, value_name = "SEQUENCE")]
    until: Option<i64>,
}

pub(crate) fn execute(command: &Command, context: &Context) -> anyhow::Result<Exit> {
    match command {
        Command::Apply(arguments) => apply(arguments, context),
        Command::List => {
            let revision = store(context)?.revision()?;
            context.answer(&revision.definitions, || {
                views::features::definitions(&revision.definitions, context.style)
            })?;
            Ok(Exit::Done)
        }
        Command::Materialize => {
            let done = store(context)?.materialize(now_us())?;
            context.answer(&done, || {
                views::features::materialized(&done, context.style)
            })?;
            told(&done.quarantined, context)
        }
        Command::Ingest => ingest::execute(context),
        Command::Quarantine(command) => quarantine::execute(command, context),
        Command::Push(arguments) => push(arguments, context),
        Command::History(arguments) => history(arguments, context),
        Command::Get(arguments) => get::execute(arguments, context),
        Command::Skew(arguments) => skew::execute(arguments, context),
        Command::Serve(arguments) => serve::execute(arguments, context),
    }
}

fn apply(arguments: &Apply, context: &Context) -> anyhow::Result<Exit> {
    let file = &arguments.file;
    let home = context.home_of(file);
    let tools = Tools {
        plugins: &Shelf { home: home.clone() },
        runtime: &|| context.runtime(Some(&home)),
    };
    let definitions = trueline_features::check_with(file, &tools)?;
    let store = FeatureStore::open(&home)?;
    let plan = store.plan(&definitions)?;
    let breaks = plan.iter().any(|planned| !planned.breaks.is_empty());
    let is_refused = breaks && !arguments.allow_breaking;
    let is_applied = !arguments.plan && !is_refused;
    if is_applied {
        let folder = file.parent().unwrap_or(Path::new(""));
        store.apply(&definitions, folder, now_us())?;
    }
    let data = json!({ "plan": plan, "applied": is_applied });
    context.answer(&data, || {
        let text = views::features::plan(&plan, is_applied, context.style);
        let flag = context.home_flag(&home);
        let next = match is_applied {
            true => vec![(
                format!("{} features materialize{flag}", context.program),
                "load the files of its sources",
            )],
            false => Vec::new(),
        };
        text + &views::next(next, context.style)
    })?;
    if is_refused && !arguments.plan {
        let problem = Problem::new("applying this would break what others read");
        let hint = "old versions stay readable as name@version; --allow-breaking applies it";
        return Err(problem.hint(hint).into());
    }
    Ok(Exit::Done)
}

/// The feature store of the home that this folder belongs to.
fn store(context: &Context) -> anyhow::Result<FeatureStore> {
    match context.nearest_home() {
        Some(home) if home.join("features").is_dir() => Ok(FeatureStore::open(&home)?),
        _ => {
            let problem = Problem::new("there is no feature store here");
            let hint = "go to the folder of a feature file that was applied, or name its home with --home; `trueline features apply` makes one";
            Err(problem.hint(hint).into())
        }
    }
}

fn push(arguments: &Push, context: &Context) -> anyhow::Result<Exit> {
    let store = store(context)?;
    let revision = store.revision()?;
    let types = revision.definitions.sources.get(&arguments.source);
    let mut receipts: Vec<Receipt> = Vec::new();
    let mut quarantined = Vec::new();
    for (index, rows) in rows_of(&arguments.file, types)?.enumerate() {
        // Each batch has a name of its own, so that what was taken in before a crash is not doubled.
        let id = arguments.id.as_ref().map(|id| format!("{id}/{index}"));
        match store.push(&arguments.source, &rows?, id.as_deref(), now_us()) {
            Ok(receipt) => receipts.push(receipt),
            // Other batches may be well.
            Err(Error::Quarantined(batch)) => quarantined.push(*batch),
            Err(error) => return Err(error.into()),
        }
    }
    // What is wrong comes before what is well.
    let exit = told(&quarantined, context)?;
    context.answer(&receipts, || {
        match receipts.is_empty() && !quarantined.is_empty() {
            true => String::new(),
            false => views::features::pushed(&receipts),
        }
    })?;
    Ok(exit)
}

/// Says what went to quarantine; the command has failed if anything did.
fn told(batches: &[Quarantined], context: &Context) -> anyhow::Result<Exit> {
    for batch in batches {
        let error = anyhow::Error::new(Error::Quarantined(Box::new(batch.clone())));
        errors::print(&error, context);
    }
    Ok(match batches.is_empty() {
        true => Exit::Done,
        false => Exit::Failed,
    })
}

/// The rows of a file, with the types that a source declares.
fn rows_of(
    file: &Path,
    source: Option<&Source>,
) -> anyhow::Result<impl Iterator<Item = trueline_dataset::Result<RecordBatch>>> {
    let path = OneOrMany::One(file.to_string_lossy().into_owned());
    let mut spec = DatasetSpec::of_files(path);
    let open = |spec: &DatasetSpec| {
        Catalog::new("", BTreeMap::from([("rows".to_owned(), spec.clone())])).open("rows")
    };
    let found = open(&spec)?;
    // Files that know their types are taken at their word.
    if !matches!(found.format(), Format::Csv | Format::Ndjson) {
        return Ok(found.scan(&ScanOptions::default())?);
    }
    for column in source.iter().flat_map(|source| &source.columns) {
        let field = found.schema().field(&column.name);
        if field.is_some_and(|field| field.data_type != column.data_type) {
            spec.types.insert(column.name.clone(), column.data_type);
        }
    }
    Ok(open(&spec)?.scan(&ScanOptions::default())?)
}

fn history(arguments: &History, context: &Context) -> anyhow::Result<Exit> {
    let store = store(context)?;
    let request = HistoryRequest {
        selection: selection(arguments.service.as_ref(), &arguments.features),
        spine: Spine::File(arguments.spine.clone()),
        time: arguments.time.clone(),
        full_names: arguments.full_names,
        knowledge: match arguments.ignore_known {
            true => Knowledge::Now,
            false => Knowledge::AsOf,
        },
        until_sequence: arguments.until,
    };
    let made = store
        .history(&request, &arguments.out, now_us())
        .with_context(|| format!("no training set from {}", context.shown(&arguments.spine)))?;
    context.answer(&made, || {
        views::features::training_set(&made, &context.shown(&arguments.out), context.style)
    })?;
    Ok(Exit::Done)
}

fn selection(service: Option<&String>, features: &[String]) -> Selection {
    match service {
        Some(service) => Selection::Service(service.clone()),
        None => Selection::Features(features.to_vec()),
    }
}
