//! Anything with a digest: what it is, and what it says if it is text.

use serde::Serialize;
use serde_json::Value;
use trueline_store::{DigestKind, RunId};
use trueline_table::Digest;
use utoipa::ToSchema;

use crate::app::App;
use crate::problem::Problem;

/// Larger ones are not read for a page.
const SHOWN_BYTES: u64 = 256 * 1024;
/// The first bytes of what is no text.
const HEX_BYTES: usize = 256;
/// Stages that are listed.
const HOLDERS: u32 = 50;

/// An artifact, a file of a dataset or the content of one.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Artifact {
    pub(crate) digest: String,
    /// What it is: `output`, `component`, `dataset`, `file`, `package`, `pipeline file`.
    pub(crate) kinds: Vec<&'static str>,
    /// What whoever stored it called it: `state`, `report`, `component`.
    pub(crate) name: Option<String>,
    pub(crate) size_bytes: Option<u64>,
    pub(crate) created_us: Option<i64>,
    /// The stages that made it, or took it from the cache, the newest first.
    pub(crate) holders: Vec<Holder>,
    /// The datasets of runs that had it as content, the newest first.
    pub(crate) datasets: Vec<super::dataset::Reader>,
    pub(crate) content: Content,
    /// If it was learned: what the stage that learned it said about it.
    pub(crate) made: Option<Made>,
}

/// What a stage said about what it made.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Made {
    #[schema(value_type = Object)]
    pub(crate) params: Value,
    #[schema(value_type = Object)]
    pub(crate) report: Value,
}

/// A stage that has an artifact among its outputs.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Holder {
    pub(crate) run: String,
    pub(crate) stage: String,
    pub(crate) output: String,
    /// `cached` if it did not make it.
    pub(crate) state: &'static str,
}

/// What an artifact says.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Content {
    #[schema(value_type = Object)]
    Json(Value),
    Text(String),
    /// Hexadecimal digits of the first bytes.
    Bytes(String),
    /// Why it is not shown.
    NotShown(String),
}

/// What has a digest, or the start of one.
pub(crate) fn artifact(app: &App, reference: &str) -> Result<Artifact, Problem> {
    let store = app.store();
    let (digest, kinds) = store.find_digest(reference)?;
    let info = store.artifact_info(&digest)?;
    let holders = store.holders(&digest, HOLDERS)?;
    let made = match holders.first() {
        Some((mark, _)) => made(app, &mark.run, &mark.stage)?,
        None => None,
    };
    let holders = holders.into_iter();
    let datasets = store.readers_of(&digest, HOLDERS)?.into_iter();
    Ok(Artifact {
        digest: digest.to_string(),
        kinds: kinds.iter().map(|kind| kind.as_str()).collect(),
        content: match &info {
            Some(info) if info.size_bytes <= SHOWN_BYTES => content(app, &digest),
            Some(_) => Content::NotShown("It is large.".to_owned()),
            None => Content::NotShown(other(&kinds).to_owned()),
        },
        size_bytes: info.as_ref().map(|info| info.size_bytes),
        created_us: info.as_ref().map(|info| info.created_us),
        name: info.map(|info| info.kind),
        holders: holders
            .map(|(mark, output)| Holder {
                run: mark.run.to_string(),
                stage: mark.stage,
                output,
                state: mark.state.as_str(),
            })
            .collect(),
        datasets: datasets
            .map(|(run, name)| super::dataset::Reader {
                run: run.to_string(),
                name,
            })
            .collect(),
        made,
    })
}

/// What a stage reported, if it did and that is not too long for a page.
fn made(app: &App, run: &RunId, stage: &str) -> Result<Option<Made>, Problem> {
    let outputs = app.store().outputs(run)?.into_iter();
    let mut reports = outputs.filter(|output| output.stage == stage && output.name == "report");
    let Some(report) = reports.find(|report| report.size_bytes <= SHOWN_BYTES) else {
        return Ok(None);
    };
    // A report that was freed is still named among the outputs.
    let bytes = app.store().artifact(&report.digest).unwrap_or_default();
    let stages = app.store().stages(run)?.into_iter();
    let params = stages.filter(|known| known.name == stage);
    let params = params.map(|stage| stage.params).next();
    Ok(serde_json::from_slice(&bytes).ok().map(|report| Made {
        params: params.unwrap_or_default(),
        report,
    }))
}

fn other(kinds: &[DigestKind]) -> &'static str {
    match kinds.first() {
        Some(DigestKind::Dataset) => "It is the content of a dataset, which stands in files.",
        Some(DigestKind::File) => "It is a file that a dataset was read from.",
        Some(DigestKind::Package) => "It is a package, which consists of other artifacts.",
        _ => "Its bytes are not kept.",
    }
}

fn content(app: &App, digest: &Digest) -> Content {
    let bytes = match app.store().artifact(digest) {
        Ok(bytes) => bytes,
        Err(error) => return Content::NotShown(error.to_string()),
    };
    match std::str::from_utf8(&bytes) {
        Ok("") => Content::NotShown("It is empty: the stage learned nothing.".to_owned()),
        Ok(text) if !text.contains('\0') => match serde_json::from_str(text) {
            Ok(json) => Content::Json(json),
            Err(_) => Content::Text(text.to_owned()),
        },
        _ => {
            let hex = bytes
                .iter()
                .take(HEX_BYTES)
                .map(|byte| format!("{byte:02x}"));
            Content::Bytes(hex.collect())
        }
    }
}
