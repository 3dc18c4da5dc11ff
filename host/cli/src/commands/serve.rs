//! `trueline serve PACKAGE|NAME@ALIAS --listen ADDRESS`

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use serde_json::json;
use trueline_runtime::Runtime;
use trueline_serving::{Flavour, Model, Names, Recording, Service, Settings, serve};

use super::reference::{self, Found};
use crate::context::Context;
use crate::errors::Problem;
use crate::exit::Exit;

mod follow;
mod sagemaker;
pub(super) mod stop;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// A name, `name@version`, `name@alias`, digest, or `.trueline` file. An alias is followed: when it
    /// moves, the package where it stands then answers, and no request is dropped
    #[arg(env = "TRUELINE_PACKAGE", hide_env_values = true)]
    package: String,
    /// Where to listen; port 0 takes any that is free
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "127.0.0.1:8080",
        env = "TRUELINE_LISTEN",
        hide_env_values = true
    )]
    listen: SocketAddr,
    /// What the model is called in paths [default: as the package]
    #[arg(long)]
    name: Option<String>,
    /// Whose `/invocations` is spoken: SageMaker's, whose CSV has no header, or MLflow's, whose CSV has one
    #[arg(long, value_enum, default_value_t = Invocations::Sagemaker)]
    invocations: Invocations,
    /// The longest body of a request, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 6, value_parser = clap::value_parser!(u16).range(1..))]
    body_limit: u16,
    /// How many requests may wait for a worker before others are answered with 503
    #[arg(long, value_name = "COUNT", default_value_t = 64)]
    queue: usize,
    /// The longest that one call of one stage may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
    /// Record a sample of what is asked and answered, for `trueline replay`
    #[arg(long, value_name = "LOG")]
    record: Option<PathBuf>,
    /// The share of rows that is recorded
    #[arg(long, value_name = "SHARE", default_value_t = 1.0, value_parser = share, requires = "record")]
    record_share: f64,
    /// The column that says which rows are recorded: of a value all of them, or none [default: rows as they
    /// come]
    #[arg(long, value_name = "COLUMN", requires = "record")]
    record_key: Option<String>,
    /// A package that answers the same requests in the shadow; `/v1/challenger` compares
    #[arg(long, value_name = "PACKAGE")]
    challenger: Option<String>,
    /// Threads that speak with clients, and as many that compute what takes longer [default: one a core]
    #[arg(long, value_name = "COUNT")]
    threads: Option<usize>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Invocations {
    Sagemaker,
    Mlflow,
}

pub(crate) fn execute(arguments: &Arguments, context: &Context) -> anyhow::Result<Exit> {
    let listen = sagemaker::listen(arguments.listen)?;
    let listener =
        TcpListener::bind(listen).with_context(|| format!("cannot listen on {listen}"))?;
    let settings = settings(arguments);
    let found = reference::find(&arguments.package, context)?;
    let runtime = context.runtime(context.nearest_home().as_deref())?;
    let names = names(&found, arguments);
    let model = Model::load(&found.package, names.clone(), &runtime, &settings)?;
    drop(found);
    let challenger = challenger(arguments, &runtime, &settings, context)?;
    if let Some(key) = &arguments.record_key
        && model.input().field(key).is_none()
    {
        let problem = Problem::new(format!("the package reads no column `{key}` to record by"));
        return Err(problem
            .hint("`trueline package show` lists its columns")
            .into());
    }
    let address = listener.local_addr()?;
    let digest = model.digest();
    let data = json!({
        "name": names.name,
        "version": names.version,
        "digest": digest,
        "address": address.to_string(),
    });
    let Names { name, version } = &names;
    context.answer(&data, || {
        let digest = digest.short();
        format!("{name}@{version} ({digest}) answers on http://{address}\n")
    })?;
    let recording = arguments.record.clone().map(|path| Recording {
        path,
        share: arguments.record_share,
        key: arguments.record_key.clone(),
    });
    let service = Service::with(model, settings, recording, challenger)?;
    if let Some(alias) = follow::Alias::of(&arguments.package) {
        alias.follow(arguments.name.clone(), runtime, &service, context)?;
    }
    serve(listener, &service, stop::asked())?;
    Ok(Exit::Done)
}

/// The package that answers in the shadow, if there is to be one.
fn challenger(
    arguments: &Arguments,
    runtime: &Runtime,
    settings: &Settings,
    context: &Context,
) -> anyhow::Result<Option<Model>> {
    let Some(reference) = &arguments.challenger else {
        return Ok(None);
    };
    let found = reference::find(reference, context)?;
    let names = names_of(&found, reference);
    Ok(Some(Model::load(&found.package, names, runtime, settings)?))
}

fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..=1.0).contains(&share) {
        Ok(share)
    } else {
        Err("a share is from 0 to 1".to_owned())
    }
}

fn settings(arguments: &Arguments) -> Settings {
    let usual = Settings::default();
    Settings {
        invocations: match arguments.invocations {
            Invocations::Sagemaker => Flavour::SageMaker,
            Invocations::Mlflow => Flavour::Mlflow,
        },
        body_bytes: usize::from(arguments.body_limit) << 20,
        bodies_bytes: usual
            .bodies_bytes
            .max(usize::from(arguments.body_limit) << 22),
        queue_length: arguments.queue,
        call_time: Duration::from_secs(arguments.timeout),
        accept: sagemaker::accept(),
        io_threads: arguments.threads.unwrap_or(usual.io_threads),
        worker_threads: arguments.threads.unwrap_or(usual.worker_threads),
        ..usual
    }
}

/// What the model is called in paths and answers: as was asked, else as the package.
fn names(found: &Found, arguments: &Arguments) -> Names {
    let names = names_of(found, &arguments.package);
    Names {
        name: arguments.name.clone().unwrap_or(names.name),
        ..names
    }
}

/// What a package is called: as in the home, or as its file.
fn names_of(found: &Found, reference: &str) -> Names {
    let (name, version) = match &found.entry {
        Some(entry) => (
            Some(entry.summary.name.clone()),
            entry.summary.version.to_string(),
        ),
        None => {
            let stem = std::path::Path::new(reference).file_stem();
            let name = stem.map(|stem| stem.to_string_lossy().into_owned());
            (name, "1".to_owned())
        }
    };
    Names {
        name: name.unwrap_or_else(|| "model".to_owned()),
        version,
    }
}
