//! Packages: by name, the versions of one, one version, and where aliases stood.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use trueline_runtime::Manifest;
use trueline_store::{AliasMove, PackageSummary, RunId};
use trueline_table::Digest;
use utoipa::ToSchema;

use super::cursor::{ListQuery, cut};
use super::dataset::ColumnRow;
use super::run::{NamedValue, RunGate, gates};
use crate::app::App;
use crate::problem::Problem;

/// Moves and verdicts that are shown.
const HISTORY: usize = 100;
/// Versions of a history whose metrics are shown; each takes a look at the log of its run.
const MEASURED: usize = 25;

/// A version of a package.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct PackageRow {
    pub(crate) name: String,
    /// From 1.
    pub(crate) version: u32,
    pub(crate) digest: String,
    /// `accepted` or `refused`: the latest.
    pub(crate) verdict: &'static str,
    /// The run that the latest verdict is from.
    pub(crate) run: String,
    pub(crate) created_us: i64,
    /// The aliases that stand at it.
    pub(crate) aliases: Vec<String>,
    /// What its gate looked at, of the newest versions of a history.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) measured: Vec<NamedValue>,
}

/// Every package.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Packages {
    pub(crate) packages: Vec<PackageHead>,
}

/// A package by name: its newest version, and where its aliases stand.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct PackageHead {
    pub(crate) newest: PackageRow,
    pub(crate) aliases: Vec<AliasRow>,
}

/// The versions of a package, and the moves of its aliases.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct PackageHistory {
    pub(crate) name: String,
    pub(crate) aliases: Vec<AliasRow>,
    /// The latest first, a hundred at most.
    pub(crate) moves: Vec<AliasRow>,
    /// The newest first.
    pub(crate) versions: Vec<PackageRow>,
    /// What `before` has to be for the next page; null at the end.
    pub(crate) next: Option<String>,
}

/// Where an alias went.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct AliasRow {
    pub(crate) alias: String,
    /// `promote` or `rollback`.
    pub(crate) kind: &'static str,
    pub(crate) version: u32,
    pub(crate) digest: String,
    /// Who moved it and why.
    pub(crate) reason: String,
    pub(crate) moved_us: i64,
}

/// All about a version of a package.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct PackageDetails {
    #[serde(flatten)]
    pub(crate) package: PackageRow,
    /// What the gate said.
    pub(crate) message: String,
    /// What results may depend on.
    pub(crate) profile: String,
    pub(crate) chain: Vec<LinkRow>,
    pub(crate) input: Vec<ColumnRow>,
    pub(crate) output: Vec<ColumnRow>,
    /// What was decided in the run that the latest verdict is from.
    pub(crate) gates: Vec<RunGate>,
    /// How its answers compared with those of other packages to the same requests, what was written last first.
    pub(crate) comparisons: Vec<ComparisonRow>,
    /// Every verdict, the latest first, a hundred at most.
    pub(crate) verdicts: Vec<VerdictRow>,
    /// The moves of aliases to this version, the latest first.
    pub(crate) moves: Vec<AliasRow>,
}

/// How a challenger in the shadow answered beside the package in use.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ComparisonRow {
    /// The package whose answers were given.
    pub(crate) package: String,
    /// The package in the shadow.
    pub(crate) challenger: String,
    /// Whether this package is the challenger.
    pub(crate) is_challenger: bool,
    /// Rows that both answered.
    pub(crate) rows: u64,
    /// Rows that the challenger could not answer.
    pub(crate) rows_failed: u64,
    /// Why, the last time.
    pub(crate) failure: Option<String>,
    /// By the names of columns that both answer with.
    pub(crate) columns: Vec<ComparedColumn>,
    pub(crate) began_us: i64,
    pub(crate) updated_us: i64,
}

/// How far the values of a column are apart.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ComparedColumn {
    pub(crate) name: String,
    /// Rows whose values differ, in a bit at least.
    pub(crate) rows_differing: u64,
    /// Of numbers, the largest and the mean absolute difference.
    pub(crate) largest: f64,
    pub(crate) mean: f64,
}

/// A link of a package's chain.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct LinkRow {
    /// The stage that learned the state, as its run called it, if that is known.
    pub(crate) stage: Option<String>,
    /// What it uses, if that is known.
    pub(crate) kind: Option<String>,
    pub(crate) component: String,
    pub(crate) state: String,
    pub(crate) state_bytes: Option<u64>,
    #[schema(value_type = Object)]
    pub(crate) params: Value,
    pub(crate) reads: Vec<String>,
    pub(crate) writes: Vec<String>,
}

/// What a gate said once.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct VerdictRow {
    pub(crate) verdict: &'static str,
    pub(crate) message: String,
    pub(crate) run: String,
    pub(crate) decided_us: i64,
}

impl From<PackageSummary> for PackageRow {
    fn from(package: PackageSummary) -> Self {
        Self {
            name: package.name,
            version: package.version,
            digest: package.digest.to_string(),
            verdict: package.verdict.as_str(),
            run: package.run.to_string(),
            created_us: package.created_us,
            aliases: package.aliases,
            measured: Vec::new(),
        }
    }
}

impl From<AliasMove> for AliasRow {
    fn from(step: AliasMove) -> Self {
        Self {
            alias: step.alias,
            kind: step.kind.as_str(),
            version: step.version,
            digest: step.digest.to_string(),
            reason: step.reason,
            moved_us: step.moved_us,
        }
    }
}

/// Every package by name.
pub(crate) fn packages(app: &App) -> Result<Packages, Problem> {
    let newest = app.store().package_names()?.into_iter();
    let head = |newest: PackageSummary| {
        let moves = app.store().alias_history(&newest.name)?;
        Ok(PackageHead {
            aliases: standing(&moves),
            newest: newest.into(),
        })
    };
    Ok(Packages {
        packages: newest.map(head).collect::<Result<_, Problem>>()?,
    })
}

/// Some versions of a package, and the moves of its aliases.
pub(crate) fn history(app: &App, name: &str, query: &ListQuery) -> Result<PackageHistory, Problem> {
    let limit = query.limit(50)?;
    let before = query.version()?;
    let versions = app.store().package_versions(name, before, limit + 1)?;
    if versions.is_empty() && before.is_none() {
        let known = app.store().package_names()?;
        let known = known.iter().map(|package| package.name.as_str());
        return Err(Problem::unknown("package", name, "this home", known));
    }
    let (versions, next) = cut(versions, limit, |package| package.version.to_string());
    let moves = app.store().alias_history(name)?;
    let mut rows: Vec<PackageRow> = Vec::new();
    for (place, version) in versions.into_iter().enumerate() {
        let measured = match place < MEASURED {
            true => measured(app, &version.run)?,
            false => Vec::new(),
        };
        rows.push(PackageRow {
            measured,
            ..version.into()
        });
    }
    Ok(PackageHistory {
        name: name.to_owned(),
        aliases: standing(&moves),
        moves: moves
            .into_iter()
            .rev()
            .take(HISTORY)
            .map(AliasRow::from)
            .collect(),
        versions: rows,
        next,
    })
}

/// The metrics that the gates of a run looked at, but not those of a champion.
fn measured(app: &App, run: &RunId) -> Result<Vec<NamedValue>, Problem> {
    let gates = gates(app, run)?.into_iter();
    let requirements = gates.flat_map(|gate| gate.requirements);
    let mut measured: Vec<NamedValue> = Vec::new();
    for value in requirements.flat_map(|requirement| requirement.values) {
        let is_known = measured.iter().any(|known| known.name == value.name);
        if !is_known && !value.name.starts_with("champion.") {
            measured.push(value);
        }
    }
    Ok(measured)
}

/// What was compared with a package in the shadow of requests.
fn comparisons(app: &App, package: &Digest) -> Result<Vec<ComparisonRow>, Problem> {
    let found = app.store().comparisons(package)?.into_iter();
    Ok(found
        .map(|comparison| ComparisonRow {
            is_challenger: comparison.challenger == *package,
            package: comparison.package.to_string(),
            challenger: comparison.challenger.to_string(),
            rows: comparison.rows,
            rows_failed: comparison.rows_failed,
            failure: comparison.failure,
            columns: comparison
                .columns
                .into_iter()
                .map(|(name, difference)| ComparedColumn {
                    name,
                    rows_differing: difference.rows_differing,
                    largest: difference.largest,
                    mean: difference.mean,
                })
                .collect(),
            began_us: comparison.began_us,
            updated_us: comparison.updated_us,
        })
        .collect())
}

/// Where each alias stands, by name: its latest move.
fn standing(moves: &[AliasMove]) -> Vec<AliasRow> {
    let latest: BTreeMap<&str, &AliasMove> = moves
        .iter()
        .map(|step| (step.alias.as_str(), step))
        .collect();
    latest.into_values().cloned().map(AliasRow::from).collect()
}

/// One version of a package, by number or alias.
pub(crate) fn package(app: &App, name: &str, at: &str) -> Result<PackageDetails, Problem> {
    let store = app.store();
    let package = store.package(&format!("{name}@{at}"))?;
    let manifest = Manifest::from_json(package.manifest.to_string().as_bytes());
    let manifest = manifest.map_err(Problem::failed)?;
    let summary = package.summary;
    let names = |schema: &trueline_table::Schema| schema.names().map(str::to_owned).collect();
    let mut chain = Vec::new();
    for link in &manifest.chain {
        let made = store.holders(&link.state, 1)?.into_iter().next();
        let made = made
            .map(|(mark, _)| mark)
            .filter(|mark| mark.kind != "gate");
        let state = store.artifact_info(&link.state)?;
        chain.push(LinkRow {
            stage: made.as_ref().map(|made| made.stage.clone()),
            kind: made.map(|made| made.kind),
            component: link.component.to_string(),
            state: link.state.to_string(),
            state_bytes: state.map(|state| state.size_bytes),
            params: link.params.clone(),
            reads: names(&link.reads),
            writes: names(&link.writes),
        });
    }
    let most = u32::try_from(HISTORY).unwrap_or(u32::MAX);
    let verdicts = store.judgements(&summary.name, summary.version, most)?;
    let moves = store.alias_history(&summary.name)?.into_iter().rev();
    let moves = moves.filter(|step| step.version == summary.version);
    Ok(PackageDetails {
        message: package.message,
        profile: manifest.profile,
        chain,
        input: manifest.input.fields.iter().map(ColumnRow::of).collect(),
        output: manifest.output.fields.iter().map(ColumnRow::of).collect(),
        gates: gates(app, &summary.run)?,
        comparisons: comparisons(app, &summary.digest)?,
        verdicts: verdicts
            .into_iter()
            .map(|verdict| VerdictRow {
                verdict: verdict.verdict.as_str(),
                message: verdict.message,
                run: verdict.run.to_string(),
                decided_us: verdict.decided_us,
            })
            .collect(),
        moves: moves.take(HISTORY).map(AliasRow::from).collect(),
        package: summary.into(),
    })
}
