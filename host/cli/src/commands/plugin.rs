//! `trueline plugin list|inspect|build`

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Subcommand;
use serde::Serialize;
use trueline_dataset::suggest::{did_you_mean, list_some};
use trueline_runtime::World;
use trueline_table::Digest;
use wit_component::DecodedWasm;

use crate::context::Context;
use crate::errors::Problem;
use crate::exit::Exit;
use crate::{new_file, views};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the standard stages
    List,
    /// Show what a component imports and exports, and whether it may run
    Inspect {
        /// The file of a component, or the name of a standard stage
        plugin: String,
    },
    /// Build a stage written in Rust into a component
    Build {
        /// The folder of its Cargo package
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// The file to write, or the folder for it [default: the stage's name with `.wasm`, in this folder]
        #[arg(long, short)]
        output: Option<PathBuf>,
    },
}

/// A standard stage.
#[derive(Debug, Serialize)]
pub(crate) struct Listed {
    pub(crate) name: &'static str,
    pub(crate) world: World,
    pub(crate) digest: Digest,
    pub(crate) size_bytes: u64,
}

/// What can be said of a component without running it.
#[derive(Debug, Serialize)]
pub(crate) struct Inspected {
    pub(crate) name: String,
    pub(crate) digest: Digest,
    pub(crate) size_bytes: u64,
    /// None if it may not run.
    pub(crate) world: Option<World>,
    /// Why it may not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) refusal: Option<String>,
    /// Interfaces and functions by name.
    pub(crate) imports: Vec<String>,
    pub(crate) exports: Vec<String>,
}

/// A component that was written.
#[derive(Debug, Serialize)]
pub(crate) struct Built {
    pub(crate) name: String,
    pub(crate) file: PathBuf,
    pub(crate) digest: Digest,
    pub(crate) size_bytes: u64,
    pub(crate) world: World,
}

impl Built {
    pub(crate) fn file_name(&self) -> Cow<'_, str> {
        self.file.file_name().unwrap_or_default().to_string_lossy()
    }
}

pub(crate) fn execute(command: &Command, context: &Context) -> anyhow::Result<Exit> {
    match command {
        Command::List => list(context),
        Command::Inspect { plugin } => inspect(plugin, context),
        Command::Build { folder, output } => build(folder, output.as_deref(), context),
    }
}

fn list(context: &Context) -> anyhow::Result<Exit> {
    let runtime = context.runtime(context.nearest_home().as_deref())?;
    let plugins = trueline_stages::standard().iter().map(|stage| {
        let admitted = runtime.admit(stage.bytes())?;
        let size_bytes = stage.bytes().len() as u64;
        Ok(Listed {
            name: stage.name,
            world: admitted.world(),
            digest: admitted.digest(),
            size_bytes,
        })
    });
    let plugins = plugins.collect::<trueline_runtime::Result<Vec<_>>>()?;
    context.answer(&plugins, || views::plugin::list(&plugins, context.style))?;
    Ok(Exit::Done)
}

fn inspect(plugin: &str, context: &Context) -> anyhow::Result<Exit> {
    let bytes = component(plugin)?;
    let runtime = context.runtime(context.nearest_home().as_deref())?;
    let (world, refusal) = match runtime.admit(&bytes) {
        Ok(stage) => (Some(stage.world()), None),
        Err(error) => (None, Some(error.to_string())),
    };
    let (imports, exports) = interfaces(&bytes);
    let (digest, size_bytes) = (Digest::of(&bytes), bytes.len() as u64);
    let inspected = Inspected {
        name: plugin.to_owned(),
        digest,
        size_bytes,
        world,
        refusal,
        imports,
        exports,
    };
    context.answer(&inspected, || {
        views::plugin::inspect(&inspected, context.style)
    })?;
    Ok(if inspected.world.is_some() {
        Exit::Done
    } else {
        Exit::Failed
    })
}

/// The bytes of a file, or of a standard stage.
fn component(plugin: &str) -> anyhow::Result<Cow<'static, [u8]>> {
    if let Some(stage) = trueline_stages::find(plugin) {
        return Ok(Cow::Borrowed(stage.bytes()));
    }
    let is_path =
        plugin.contains(['/', '\\']) || plugin.ends_with(".wasm") || Path::new(plugin).is_file();
    if !is_path {
        let names = || trueline_stages::standard().iter().map(|stage| stage.name);
        let hint = did_you_mean(plugin, names()).unwrap_or_else(|| {
            format!(
                "the standard stages are {}; a component of your own is named by its path",
                list_some(names())
            )
        });
        return Err(Problem::new(format!("there is no plugin `{plugin}`"))
            .hint(hint)
            .into());
    }
    Ok(Cow::Owned(
        std::fs::read(plugin).with_context(|| format!("cannot read {plugin}"))?,
    ))
}

/// What a component imports and exports by name, in order; nothing of bytes that are no component.
fn interfaces(component: &[u8]) -> (Vec<String>, Vec<String>) {
    let Ok(DecodedWasm::Component(resolve, world)) = wit_component::decode(component) else {
        return (Vec::new(), Vec::new());
    };
    let world = &resolve.worlds[world];
    let imports = world
        .imports
        .keys()
        .map(|key| resolve.name_world_key(key))
        .collect();
    let exports = world
        .exports
        .keys()
        .map(|key| resolve.name_world_key(key))
        .collect();
    (imports, exports)
}

fn build(folder: &Path, output: Option<&Path>, context: &Context) -> anyhow::Result<Exit> {
    let components = trueline_build::build(folder, &trueline_build::Options::default())?;
    let is_folder = output.is_some_and(Path::is_dir);
    if components.len() > 1 && output.is_some() && !is_folder {
        let names = list_some(components.iter().map(|component| component.name.as_str()));
        let problem = Problem::new(format!(
            "{} builds several stages: {names}",
            folder.display()
        ));
        return Err(problem
            .hint("name a folder that exists with --output")
            .into());
    }
    let runtime = context.runtime(context.nearest_home().as_deref())?;
    let built = components.iter().map(|component| {
        let stage = runtime
            .admit(&component.bytes)
            .with_context(|| format!("`{}` is built, but may not run", component.name))?;
        let own = format!("{}.wasm", component.name);
        let file = match output {
            Some(path) if is_folder => path.join(own),
            Some(path) => path.to_owned(),
            None => own.into(),
        };
        new_file::write(&file, &component.bytes)?;
        let (name, size_bytes) = (component.name.clone(), component.bytes.len() as u64);
        Ok(Built {
            name,
            file,
            digest: stage.digest(),
            size_bytes,
            world: stage.world(),
        })
    });
    let built = built.collect::<anyhow::Result<Vec<_>>>()?;
    context.answer(&built, || {
        views::plugin::built(&built, &context.program, context.style)
    })?;
    Ok(Exit::Done)
}
