//! Lineage: from anything with a digest back to the data, components and pipeline file that it came from, and
//! forward to what used it.
//!
//! A graph whose arrows point the way that things flow. Things are named by digest, stages by the run that
//! computed them; a stage that took its result from the cache made nothing, and is not there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;
use trueline_store::{Computed, DigestKind, RunId, Store};
use trueline_table::Digest;

use crate::{Result, Revision};

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

struct Walk<'a> {
    store: &'a Store,
    limit: u32,
    is_cut: bool,
    nodes: BTreeMap<String, Node>,
    edges: BTreeSet<Edge>,
    went_back: BTreeSet<(Digest, DigestKind)>,
    went_on: BTreeSet<(Digest, DigestKind)>,
}

impl Walk<'_> {
    /// Whether there are as many things as were asked for.
    fn is_full(&mut self) -> bool {
        let is_full = self.nodes.len() >= self.limit as usize;
        self.is_cut |= is_full;
        is_full
    }

    /// What a thing came from.
    fn back(&mut self, digest: Digest, kind: DigestKind) -> Result<()> {
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
    fn on(&mut self, digest: Digest, kind: DigestKind) -> Result<()> {
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

    /// The stage of a run, with all that it was computed from.
    fn stage(&mut self, run: &RunId, stage: &str) -> Result<String> {
        match self.store.computed(run, stage)? {
            Some(computed) => self.computed(&computed),
            None => Ok(self.stage_node(run, stage)),
        }
    }

    fn stage_node(&mut self, run: &RunId, stage: &str) -> String {
        let id = format!("{run}/{stage}");
        self.node(&id, NodeKind::Stage, stage, None, Some(run.clone()));
        id
    }

    fn computed(&mut self, computed: &Computed) -> Result<String> {
        let Computed {
            run,
            stage,
            ingredients,
        } = computed;
        let is_new = !self.nodes.contains_key(&format!("{run}/{stage}"));
        let id = self.stage_node(run, stage);
        if !is_new {
            return Ok(id);
        }
        if let Some(component) = digest_at(ingredients, "component") {
            let plugin = self.store.stage_kind(run, stage)?;
            let label = plugin.unwrap_or_else(|| "component".to_owned());
            self.thing(NodeKind::Component, component, &label);
            self.edge(&component.to_string(), &id);
        }
        let file = self.store.run(run.as_str())?.pipeline_digest;
        let file = self.thing(NodeKind::PipelineFile, file, "pipeline file");
        self.edge(&file, &id);
        self.revision(run, &file)?;
        for input in ingredients["inputs"].as_array().into_iter().flatten() {
            self.input(run, &input["from"], &id)?;
        }
        Ok(id)
    }

    /// The datasets and the states that an input of a stage came through.
    fn input(&mut self, run: &RunId, from: &Value, stage: &str) -> Result<()> {
        let joined = from["joins"]
            .as_object()
            .into_iter()
            .flat_map(|joins| joins.keys());
        let names: Vec<&str> = from["dataset"]
            .as_str()
            .into_iter()
            .chain(joined.map(String::as_str))
            .collect();
        let origins = self.store.origins(run)?;
        for dataset in self.store.datasets(run)? {
            if !names.contains(&dataset.name.as_str()) {
                continue;
            }
            let table = self.thing(NodeKind::Dataset, dataset.table_digest, &dataset.name);
            self.edge(&table, stage);
            if let Some(origin) = origins.get(&dataset.name) {
                self.origin(origin, &table);
            }
            for file in dataset.files {
                let id = self.thing(NodeKind::File, file.digest, &file.path);
                self.edge(&id, &table);
            }
        }
        for map in from["through"]
            .as_object()
            .into_iter()
            .flat_map(|maps| maps.values())
        {
            if let Some(component) = digest_at(map, "component") {
                let label = map["use"].as_str().unwrap_or("component");
                self.thing(NodeKind::Component, component, label);
                self.edge(&component.to_string(), stage);
            }
            if let Some(state) = digest_at(map, "state") {
                self.back(state, DigestKind::Output)?;
                self.edge(&state.to_string(), stage);
            }
        }
        Ok(())
    }

    /// The features that the rows of a dataset were made of, and the files of its spine.
    fn origin(&mut self, origin: &Value, table: &str) {
        let manifest = &origin["manifest"];
        let version = |name: &Value, version: &Value| {
            let name = name.as_str().unwrap_or_default().to_owned();
            let digest: Option<Digest> = version.as_str().and_then(|text| text.parse().ok());
            digest.map(|digest| (digest, name))
        };
        let service = version(&manifest["service"][0], &manifest["service"][1]);
        let reader = match service {
            Some((digest, label)) => {
                let id = self.thing(NodeKind::FeatureService, digest, &label);
                self.edge(&id, table);
                id
            }
            None => table.to_owned(),
        };
        for view in manifest["views"].as_array().into_iter().flatten() {
            if let Some((digest, label)) = version(&view["name"], &view["version"]) {
                let id = self.thing(NodeKind::FeatureView, digest, &label);
                self.edge(&id, &reader);
            }
        }
        for file in origin["spine_files"].as_array().into_iter().flatten() {
            if let Some(digest) = digest_at(file, "digest") {
                let path = file["path"].as_str().unwrap_or("file");
                let id = self.thing(NodeKind::File, digest, path);
                self.edge(&id, table);
            }
        }
    }

    /// What a stage made, and what that went into.
    fn outputs(&mut self, computed: &Computed) -> Result<()> {
        let stage = format!("{}/{}", computed.run, computed.stage);
        let outputs = self.store.outputs(&computed.run)?.into_iter();
        for output in outputs.filter(|output| output.stage == computed.stage) {
            let label = format!("{} of {}", output.name, output.stage);
            let id = self.thing(NodeKind::Output, output.digest, &label);
            self.edge(&stage, &id);
            // Every stage that learns nothing has the same empty state.
            if output.size_bytes > 0 {
                self.on(output.digest, DigestKind::Output)?;
            }
        }
        Ok(())
    }

    fn revision(&mut self, run: &RunId, file: &str) -> Result<()> {
        let params = self.store.run(run.as_str())?.params;
        let revision = serde_json::from_value::<Option<Revision>>(params["source"].clone());
        if let Ok(Some(revision)) = revision {
            let changed = if revision.is_changed {
                ", changed since"
            } else {
                ""
            };
            let label = format!("{} at {}{changed}", revision.path, revision.commit);
            let id = format!("git:{}{changed}", revision.commit);
            self.node(&id, NodeKind::Revision, &label, None, None);
            self.edge(&id, file);
        }
        Ok(())
    }

    /// A node with a digest; its id is the digest. A label that says more than the kind takes the place of one
    /// that does not.
    fn thing(&mut self, kind: NodeKind, digest: Digest, label: &str) -> String {
        let id = digest.to_string();
        self.node(&id, kind, label, Some(digest), None);
        id
    }

    fn node(
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

    fn edge(&mut self, from: &str, to: &str) {
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

fn digest_at(value: &Value, key: &str) -> Option<Digest> {
    value.get(key)?.as_str()?.parse().ok()
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

    /// The graph in the language of Graphviz.
    pub fn to_dot(&self) -> String {
        let mut text = String::from(
            "digraph lineage {\n  rankdir = LR;\n  node [fontname = \"sans-serif\"];\n",
        );
        for node in &self.nodes {
            let shape = match node.kind {
                NodeKind::Stage => "box",
                NodeKind::File | NodeKind::PipelineFile | NodeKind::Revision => "note",
                NodeKind::Dataset => "cylinder",
                NodeKind::FeatureView | NodeKind::FeatureService => "tab",
                NodeKind::Component => "component",
                NodeKind::Output => "ellipse",
                NodeKind::Package => "box3d",
                NodeKind::Alias => "cds",
            };
            let digest = node.digest.map(|digest| format!("\n{}", digest.short()));
            let label = format!("{}{}", node.label, digest.unwrap_or_default());
            let bold = if node.id == self.subject {
                ", penwidth = 3"
            } else {
                ""
            };
            let (id, label) = (quoted(&node.id), quoted(&label));
            let _ = writeln!(text, "  {id} [label = {label}, shape = {shape}{bold}];");
        }
        for edge in &self.edges {
            let _ = writeln!(text, "  {} -> {};", quoted(&edge.from), quoted(&edge.to));
        }
        text + "}\n"
    }
}

fn quoted(text: &str) -> String {
    format!(
        "\"{}\"",
        text.replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_quotes_stay_one_text() {
        assert_eq!(quoted("a \"b\"\\\nc"), r#""a \"b\"\\\nc""#);
    }
}
