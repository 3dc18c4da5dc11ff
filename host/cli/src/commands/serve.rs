//! `trueline serve PACKAGE|NAME@ALIAS --listen ADDRESS`

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use serde_json::json;
use trueline_runtime::Runtime;
use trueline_serving::{Flavour, Fleet, Model, Names, Recording, Service, Settings, Site, serve};

use super::reference::{self, Found};
use crate::context::Context;
use crate::errors::Problem;
use crate::exit::Exit;

mod features;
mod follow;
mod sagemaker;
mod shadow;
pub(super) mod stop;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// A name, `name@version`, `name@alias`, digest, or `.trueline` file. An alias is followed: when it
    /// moves, the package where it stands then answers, and no request is dropped
    #[arg(env = "TRUELINE_PACKAGE", hide_env_values = true)]
    package: Option<String>,
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
    /// The longest body of a request, in MiB [default: 6, or what SageMaker says]
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u16).range(1..))]
    body_limit: Option<u16>,
    /// The longest that a client may take to send the head of a request, and then its body, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    client_timeout: u64,
    /// How many requests may wait for a worker before others are answered with 503
    #[arg(long, value_name = "COUNT", default_value_t = 64)]
    queue: usize,
    /// The longest that a request may wait for a worker before it is answered with 503, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=3600))]
    queue_timeout: u64,
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
    /// A package that answers the same requests in the shadow; `/v1/challenger` compares. An alias is followed
    #[arg(long, value_name = "PACKAGE")]
    challenger: Option<String>,
    /// Serve many packages, which come and go by SageMaker's `/models`, instead of one [default: as
    /// SAGEMAKER_MULTI_MODEL says]
    #[arg(long, conflicts_with_all = ["name", "record", "challenger"])]
    multi_model: bool,
    /// Where the packages of `--multi-model` lie
    #[arg(long, value_name = "FOLDER", default_value = "/opt/ml/models")]
    models: PathBuf,
    /// The sum of the sizes of the packages of `--multi-model`, in MiB; a package beyond it is refused with 507
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    models_limit: u32,
    /// Read the features that the package was trained with from the feature store of this home: requests then
    /// hold join keys in their place
    #[arg(long, value_name = "HOME")]
    features: Option<PathBuf>,
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
    let mut settings = settings(arguments)?;
    let stop = stop::asked()?;
    let runtime = context.runtime(context.nearest_home().as_deref())?;
    if let Some(home) = &arguments.features {
        settings.features = Some(Arc::new(features::Store::open(home, &runtime)?));
    }
    let site = match &arguments.package {
        _ if arguments.multi_model || sagemaker::is_multi_model() => {
            many(arguments, &listener, runtime, settings, context)?
        }
        Some(package) => one(package, arguments, &listener, runtime, settings, context)?,
        None => {
            let problem = Problem::new("there is nothing to serve");
            return Err(problem
                .hint("name a package: `trueline serve NAME@ALIAS`, or a `.trueline` file")
                .into());
        }
    };
    serve(listener, site, stop)?;
    Ok(Exit::Done)
}

/// A server of one package.
fn one(
    package: &str,
    arguments: &Arguments,
    listener: &TcpListener,
    runtime: Runtime,
    settings: Settings,
    context: &Context,
) -> anyhow::Result<Site> {
    let found = reference::find(package, context)?;
    let names = names(&found, package, arguments);
    let model = load(&found, names.clone(), &runtime, &settings)?;
    drop(found);
    let challenger = match &arguments.challenger {
        Some(reference) => Some(shadow::challenger(reference, &runtime, &settings, context)?),
        None => None,
    };
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
    let shadowed = challenger.as_ref().map(|shadow| shadow.model.digest());
    let service = Service::with(model, settings.clone(), recording, challenger)?;
    let loader = follow::Loader {
        runtime,
        settings,
        name: arguments.name.clone(),
    };
    if let Some(alias) = follow::Alias::of(package) {
        let put = service.clone();
        alias.follow(
            digest,
            loader.clone(),
            move |model| put.swap(model),
            context,
        )?;
    }
    if let (Some(reference), Some(seen)) = (&arguments.challenger, shadowed)
        && let Some(alias) = follow::Alias::of(reference)
    {
        let put = service.clone();
        let loader = follow::Loader {
            name: None,
            ..loader
        };
        alias.follow(
            seen,
            loader,
            move |model| put.swap_challenger(model),
            context,
        )?;
    }
    Ok(service.into())
}

/// A server of many packages, none of which is there yet.
fn many(
    arguments: &Arguments,
    listener: &TcpListener,
    runtime: Runtime,
    settings: Settings,
    context: &Context,
) -> anyhow::Result<Site> {
    let address = listener.local_addr()?;
    let folder = arguments.models.clone();
    let data = json!({ "models": folder, "address": address.to_string() });
    context.answer(&data, || {
        let folder = folder.display();
        format!("`POST /models` on http://{address} loads packages below {folder}\n")
    })?;
    Ok(Fleet::new(folder, runtime, settings)?.into())
}

pub(super) fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..=1.0).contains(&share) {
        Ok(share)
    } else {
        Err("a share is from 0 to 1".to_owned())
    }
}

fn settings(arguments: &Arguments) -> Result<Settings, Problem> {
    let usual = Settings::default();
    let body_limit = match arguments.body_limit {
        Some(limit) => Some(usize::from(limit) << 20),
        None => sagemaker::body_limit()?,
    };
    let body_bytes = body_limit.unwrap_or(usual.body_bytes);
    Ok(Settings {
        invocations: match arguments.invocations {
            Invocations::Sagemaker => Flavour::SageMaker,
            Invocations::Mlflow => Flavour::Mlflow,
        },
        body_bytes,
        bodies_bytes: usual.bodies_bytes.max(4 * body_bytes),
        models_bytes: u64::from(arguments.models_limit) << 20,
        client_time: Duration::from_secs(arguments.client_timeout),
        queue_length: arguments.queue,
        queue_time: Duration::from_secs(arguments.queue_timeout),
        call_time: Duration::from_secs(arguments.timeout),
        accept: sagemaker::accept(),
        io_threads: arguments.threads.unwrap_or(usual.io_threads),
        worker_threads: arguments.threads.unwrap_or(usual.worker_threads),
        ..usual
    })
}

/// Bakes a package, which can tell where it comes from: the run that made it, and what its gate said.
fn load(
    found: &Found,
    names: Names,
    runtime: &Runtime,
    settings: &Settings,
) -> trueline_runtime::Result<Model> {
    let model = Model::load(&found.package, names, runtime, settings)?;
    Ok(match &found.entry {
        None => model,
        Some(entry) => model.with_origin(json!({
            "run": entry.summary.run,
            "created_us": entry.summary.created_us,
            "verdict": entry.summary.verdict,
            "gate": entry.message,
        })),
    })
}

/// What the model is called in paths and answers: as was asked, else as the package.
fn names(found: &Found, package: &str, arguments: &Arguments) -> Names {
    let names = names_of(found, package);
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
