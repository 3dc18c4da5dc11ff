//! Lineage: from anything with a digest back to the data, components and pipeline file that it came from, and
//! forward to what used it.
//!
//! A graph whose arrows point the way that things flow. Things are named by digest, stages by the run that
//! computed them; a stage that took its result from the cache made nothing, and is not there.

mod dot;
mod stages;
mod walk;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use trueline_store::{DigestKind, RunId, Store};
use trueline_table::Digest;

use self::walk::Walk;
use crate::Result;

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeKind {
    File,
    FeatureView,
    FeatureService,
    Dataset,
    Component,
    PipelineFile,
    Revision,
    Stage,
    Output,
    Package,
    Alias,
}

/// A thing, or a stage that made things of others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Node {
    pub id: String,
    pub kind: NodeKind,
    /// For people.
    pub label: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Of a stage: the run that computed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
}

/// One thing went into another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Edge {
    pub from: String,
    pub to: String,
}

/// Where a thing comes from, and where it went.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Lineage {
    /// The node that was asked for.
    pub subject: String,
    /// By id.
    pub nodes: Vec<Node>,
    pub edges: Vec<Edge>,
    /// Whether there is more than was asked for.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_cut: bool,
}

/// Follows a digest, the start of one, or a package's name, both ways.
///
/// # Errors
/// If nothing is called so, if several digests begin so, or if the store cannot be read.
pub fn lineage(store: &Store, reference: &str) -> Result<Lineage> {
    lineage_within(store, reference, u32::MAX)
}

/// [`lineage`] of `limit` things at most: first what it comes from, then what it went into.
///
/// # Errors
/// As `lineage`.
pub fn lineage_within(store: &Store, reference: &str, limit: u32) -> Result<Lineage> {
    let mut walk = Walk {
        store,
        limit,
        is_cut: false,
        nodes: BTreeMap::new(),
        edges: BTreeSet::new(),
        went_back: BTreeSet::new(),
        went_on: BTreeSet::new(),
    };
    let (digest, kinds) = match store.find_digest(reference) {
        Ok(found) => found,
        Err(error @ trueline_store::Error::NotFound { .. }) => match store.package(reference) {
            Ok(package) => (package.summary.digest, vec![DigestKind::Package]),
            // What is no name of a package either is told as the digest that it was not.
            Err(_) => return Err(error.into()),
        },
        Err(error) => return Err(error.into()),
    };
    for kind in kinds {
        walk.back(digest, kind)?;
        walk.on(digest, kind)?;
    }
    let Walk {
        nodes,
        mut edges,
        is_cut,
        ..
    } = walk;
    edges.retain(|edge| nodes.contains_key(&edge.from) && nodes.contains_key(&edge.to));
    Ok(Lineage {
        subject: digest.to_string(),
        nodes: nodes.into_values().collect(),
        edges: edges.into_iter().collect(),
        is_cut,
    })
}

impl Lineage {
    /// The nodes that point at a node, or that it points at.
    pub fn neighbours<'a>(&'a self, id: &'a str, forward: bool) -> impl Iterator<Item = &'a Node> {
        let edges = self.edges.iter().filter_map(move |edge| match forward {
            true => (edge.from == id).then_some(&edge.to),
            false => (edge.to == id).then_some(&edge.from),
        });
        edges.filter_map(|id| self.node(id))
    }

    /// The node with this id.
    pub fn node(&self, id: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.id == id)
    }
}
