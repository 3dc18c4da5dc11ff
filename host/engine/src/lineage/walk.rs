//! The walk from a thing, back to what it came from and on to what it went into. Each thing is gone through
//! once each way, and none once there are as many as were asked for.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use trueline_store::{Computed, DigestKind, RunId, Store};
use trueline_table::Digest;

use super::{Edge, Node, NodeKind};
use crate::Result;

pub(super) struct Walk<'a> {
    pub(super) store: &'a Store,
    pub(super) limit: u32,
    pub(super) is_cut: bool,
    pub(super) nodes: BTreeMap<String, Node>,
    pub(super) edges: BTreeSet<Edge>,
    pub(super) went_back: BTreeSet<(Digest, DigestKind)>,
    pub(super) went_on: BTreeSet<(Digest, DigestKind)>,
}

impl Walk<'_> {
    /// Whether there are as many things as were asked for.
    pub(super) fn is_full(&mut self) -> bool {
        let is_full = self.nodes.len() >= self.limit as usize;
        self.is_cut |= is_full;
        is_full
    }

    /// What a thing came from.
    pub(super) fn back(&mut self, digest: Digest, kind: DigestKind) -> Result<()> {
        if !self.went_back.insert((digest, kind)) || self.is_full() {
            return Ok(());
        }
        let id = digest.to_string();
        match kind {
            DigestKind::File => drop(self.thing(NodeKind::File, digest, "file")),
            DigestKind::Component => drop(self.thing(NodeKind::Component, digest, "component")),
            DigestKind::Dataset => drop(self.thing(NodeKind::Dataset, digest, "dataset")),
            DigestKind::Pipeline => {
                self.thing(NodeKind::PipelineFile, digest, "pipeline file");
                for run in self.store.runs_of_file(&digest, self.limit)? {
                    self.revision(&run, &id)?;
                }
            }
            DigestKind::Output => {
                for producer in self.store.producers(&digest, self.limit)? {
                    let label = format!("{} of {}", producer.output, producer.stage);
                    self.thing(NodeKind::Output, digest, &label);
                    let stage = self.stage(&producer.run, &producer.stage)?;
                    self.edge(&stage, &id);
                }
            }
            DigestKind::Package => self.package(digest)?,
        }
        Ok(())
    }

    /// What a thing went into.
    pub(super) fn on(&mut self, digest: Digest, kind: DigestKind) -> Result<()> {
        if !self.went_on.insert((digest, kind)) || self.is_full() {
            return Ok(());
        }
        let id = digest.to_string();
        match kind {
            DigestKind::File => {
                for (dataset, table) in self.store.read_in(&digest, self.limit)? {
                    self.thing(NodeKind::Dataset, table, &dataset);
                    self.edge(&id, &table.to_string());
                    self.on(table, DigestKind::Dataset)?;
                }
            }
            DigestKind::Component | DigestKind::Dataset | DigestKind::Output => {
                for computed in self.store.computed_from(&digest, self.limit)? {
                    if self.is_full() {
                        break;
                    }
                    if mentions(&computed, &digest, kind) {
                        self.computed(&computed)?;
                        self.outputs(&computed)?;
                    }
                }
                for (_, _, package) in self.store.packages_with(&digest, self.limit)? {
                    self.package(package)?;
                }
            }
            DigestKind::Pipeline => {
                for run in self.store.runs_of_file(&digest, self.limit)? {
                    if self.is_full() {
                        break;
                    }
                    for stage in self.store.stages(&run)? {
                        if let Some(computed) = self.store.computed(&run, &stage.name)? {
                            self.computed(&computed)?;
                            self.outputs(&computed)?;
                        }
                    }
                }
            }
            DigestKind::Package => {}
        }
        Ok(())
    }

    fn package(&mut self, digest: Digest) -> Result<()> {
        let package = self.store.package(&digest.hex())?;
        let summary = &package.summary;
        let label = format!("{}@{} ({})", summary.name, summary.version, summary.verdict);
        let id = self.thing(NodeKind::Package, digest, &label);
        for alias in &summary.aliases {
            let alias_id = format!("{}@{alias}", summary.name);
            self.node(&alias_id, NodeKind::Alias, &alias_id, None, None);
            self.edge(&id, &alias_id);
        }
        for link in package.manifest["chain"].as_array().into_iter().flatten() {
            let parts = [
                ("component", DigestKind::Component),
                ("state", DigestKind::Output),
            ];
            for (part, kind) in parts {
                if let Some(part) = digest_at(link, part) {
                    self.back(part, kind)?;
                    if !self.nodes.contains_key(&part.to_string()) {
                        // Of a package from elsewhere: what made it is not known here.
                        self.thing(NodeKind::Output, part, "state");
                    }
                    self.edge(&part.to_string(), &id);
                }
            }
        }
        Ok(())
    }

    /// A node with a digest; its id is the digest. A label that says more than the kind takes the place of one
    /// that does not.
    pub(super) fn thing(&mut self, kind: NodeKind, digest: Digest, label: &str) -> String {
        let id = digest.to_string();
        self.node(&id, kind, label, Some(digest), None);
        id
    }

    pub(super) fn node(
        &mut self,
        id: &str,
        kind: NodeKind,
        label: &str,
        digest: Option<Digest>,
        run: Option<RunId>,
    ) {
        if !self.nodes.contains_key(id) && self.is_full() {
            return;
        }
        let node = self.nodes.entry(id.to_owned()).or_insert_with(|| Node {
            id: id.to_owned(),
            kind,
            label: label.to_owned(),
            digest,
            run,
        });
        if ["file", "component", "dataset"].contains(&node.label.as_str()) {
            label.clone_into(&mut node.label);
        }
    }

    pub(super) fn edge(&mut self, from: &str, to: &str) {
        self.edges.insert(Edge {
            from: from.to_owned(),
            to: to.to_owned(),
        });
    }
}

/// Whether a stage used a digest as what it is: the digest of a state may also stand in a list of ingredients
/// as that of rows.
fn mentions(computed: &Computed, digest: &Digest, kind: DigestKind) -> bool {
    let all = &computed.ingredients;
    let text = digest.to_string();
    let is = |value: &Value| value.as_str() == Some(&text);
    let mut maps = all["inputs"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|input| input["from"]["through"].as_object())
        .flat_map(|maps| maps.values());
    match kind {
        DigestKind::Component => is(&all["component"]) || maps.any(|map| is(&map["component"])),
        DigestKind::Output => maps.any(|map| is(&map["state"])),
        _ => all["inputs"].to_string().contains(&text),
    }
}

pub(super) fn digest_at(value: &Value, key: &str) -> Option<Digest> {
    value.get(key)?.as_str()?.parse().ok()
}
