//! Where a thing comes from, and what it went into.

use serde::Serialize;
use trueline_engine::NodeKind;
use utoipa::ToSchema;

use crate::app::App;
use crate::problem::Problem;

/// More would not be a picture any more.
const MOST: u32 = 50;

/// A graph whose arrows point the way that things flow.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct LineageGraph {
    /// The node that was asked for.
    pub(crate) subject: String,
    pub(crate) nodes: Vec<LineageNode>,
    pub(crate) edges: Vec<LineageEdge>,
    /// Whether there is more than is shown.
    pub(crate) is_cut: bool,
}

/// A thing, or a stage that made things of others.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct LineageNode {
    pub(crate) id: String,
    /// `file`, `feature-view`, `feature-service`, `dataset`, `component`, `pipeline-file`, `revision`, `stage`, `output`, `package` or `alias`.
    pub(crate) kind: &'static str,
    pub(crate) label: String,
    pub(crate) digest: Option<String>,
    /// Of a stage: the run that computed it.
    pub(crate) run: Option<String>,
}

/// One thing went into another.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct LineageEdge {
    pub(crate) from: String,
    pub(crate) to: String,
}

/// Follows a digest, the start of one, or a package's name, both ways.
pub(crate) fn lineage(app: &App, reference: &str) -> Result<LineageGraph, Problem> {
    let found = trueline_engine::lineage_within(app.store(), reference, MOST)?;
    Ok(LineageGraph {
        subject: found.subject,
        nodes: found
            .nodes
            .into_iter()
            .map(|node| LineageNode {
                id: node.id,
                kind: word(node.kind),
                label: node.label,
                digest: node.digest.map(|digest| digest.to_string()),
                run: node.run.map(|run| run.to_string()),
            })
            .collect(),
        edges: found
            .edges
            .into_iter()
            .map(|edge| LineageEdge {
                from: edge.from,
                to: edge.to,
            })
            .collect(),
        is_cut: found.is_cut,
    })
}

const fn word(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::File => "file",
        NodeKind::FeatureView => "feature-view",
        NodeKind::FeatureService => "feature-service",
        NodeKind::Dataset => "dataset",
        NodeKind::Component => "component",
        NodeKind::PipelineFile => "pipeline-file",
        NodeKind::Revision => "revision",
        NodeKind::Stage => "stage",
        NodeKind::Output => "output",
        NodeKind::Package => "package",
        NodeKind::Alias => "alias",
    }
}
