//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands::{
    cache, check, explain, features, lineage, package, plugin, predict, replay, reproduce, resume,
    run, runs, serve, show, store, study, ui, verify,
};
use crate::context::Context;
use crate::exit::Exit;

/// The environment variable that names the home.
pub(crate) const HOME_VARIABLE: &str = "TRUELINE_HOME";

/// Machine-learning pipelines of sandboxed stages, without training-serving skew
#[derive(Debug, Parser)]
#[command(name = "trueline", version, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command understands.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Answer with JSON
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) json: bool,
    /// Where runs and packages are kept [default: `.trueline` beside the pipeline file, or in this
    /// folder or one above it]
    #[arg(
        long,
        global = true,
        value_name = "FOLDER",
        env = HOME_VARIABLE,
        hide_env_values = true,
        help_heading = "Global options"
    )]
    pub(crate) home: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check a pipeline file from end to end, without running it
    Check(check::Arguments),
    /// Run a pipeline
    Run(run::Arguments),
    /// Take up a run that was killed, cancelled or failed, with its own pipeline file, parameters and
    /// components; what it had done is not done again
    Resume(resume::Arguments),
    /// List runs, the newest first
    Runs(runs::Arguments),
    /// Show what a run read, did and decided
    Show(show::Arguments),
    /// Say why a stage ran or was cached, with each ingredient that changed
    Explain(explain::Arguments),
    /// Look at studies
    #[command(subcommand)]
    Study(study::Command),
    /// Prove that a package gives the same bits in every way of computing it
    Verify(verify::Arguments),
    /// Make a package again from the data, components and pipeline file that it was made from, and compare
    /// every digest
    Reproduce(reproduce::Arguments),
    /// Follow anything with a digest back to what it came from, and forward to what used it
    Lineage(lineage::Arguments),
    /// Predict the rows of a file with a package
    Predict(predict::Arguments),
    /// Answer requests with a package, over HTTP
    Serve(serve::Arguments),
    /// Compute again what a server has recorded, and count the bits that differ
    Replay(replay::Arguments),
    /// Define features, and read them as of any instant and as of now
    #[command(subcommand)]
    Features(features::Command),
    /// Look at packages
    #[command(subcommand)]
    Package(package::Command),
    /// Look at plugins, and build them
    #[command(subcommand)]
    Plugin(plugin::Command),
    /// Look at the cache of results, and forget some of them
    #[command(subcommand)]
    Cache(cache::Command),
    /// Look after the home: check it, free space, back it up
    #[command(subcommand)]
    Store(store::Command),
    /// Serve pages over the home: runs, stages, data, packages
    Ui(ui::Arguments),
}

impl Command {
    /// Does what was asked for.
    ///
    /// # Errors
    /// Whatever stopped it; a pipeline's own failure is an [`Exit`].
    pub(crate) fn execute(self, context: &Context) -> anyhow::Result<Exit> {
        match self {
            Self::Check(arguments) => check::execute(&arguments, context),
            Self::Run(arguments) => run::execute(&arguments, context),
            Self::Resume(arguments) => resume::execute(&arguments, context),
            Self::Runs(arguments) => runs::execute(&arguments, context),
            Self::Show(arguments) => show::execute(&arguments, context),
            Self::Explain(arguments) => explain::execute(&arguments, context),
            Self::Study(command) => study::execute(&command, context),
            Self::Verify(arguments) => verify::execute(&arguments, context),
            Self::Reproduce(arguments) => reproduce::execute(&arguments, context),
            Self::Lineage(arguments) => lineage::execute(&arguments, context),
            Self::Predict(arguments) => predict::execute(&arguments, context),
            Self::Serve(arguments) => serve::execute(&arguments, context),
            Self::Replay(arguments) => replay::execute(&arguments, context),
            Self::Features(command) => features::execute(&command, context),
            Self::Package(command) => package::execute(&command, context),
            Self::Plugin(command) => plugin::execute(&command, context),
            Self::Cache(command) => cache::execute(&command, context),
            Self::Store(command) => store::execute(&command, context),
            Self::Ui(arguments) => ui::execute(&arguments, context),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_definition_makes_sense() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn help_says_it_all() {
        let mut help = String::new();
        let mut add = |command: &mut clap::Command| {
            let text = command.render_long_help();
            help += &format!(
                "$ {} --help\n{text}\n",
                command.get_bin_name().unwrap_or("trueline")
            );
        };
        let mut trueline = Arguments::command().term_width(100);
        trueline.build();
        add(&mut trueline);
        for command in trueline
            .get_subcommands_mut()
            .filter(|command| command.get_name() != "help")
        {
            add(command);
            for command in command
                .get_subcommands_mut()
                .filter(|command| command.get_name() != "help")
            {
                add(command);
            }
        }
        insta::assert_snapshot!(help);
    }

    #[test]
    fn a_home_may_stand_anywhere() {
        for line in [
            "trueline --home h runs --json",
            "trueline runs --json --home h",
        ] {
            let arguments = Arguments::try_parse_from(line.split(' ')).unwrap();
            assert_eq!(arguments.global.home, Some(PathBuf::from("h")), "{line}");
            assert!(arguments.global.json, "{line}");
        }
    }
}
