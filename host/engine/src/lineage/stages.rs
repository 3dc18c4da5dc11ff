//! What a stage of a run was computed from, and what it made. A component, state or file that the records do
//! not name with a digest is left out.

use serde_json::Value;
use trueline_store::{Computed, DigestKind, RunId};
use trueline_table::Digest;

use super::NodeKind;
use super::walk::{Walk, digest_at};
use crate::{Result, Revision};

impl Walk<'_> {
    /// The stage of a run, with all that it was computed from.
    pub(super) fn stage(&mut self, run: &RunId, stage: &str) -> Result<String> {
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

    pub(super) fn computed(&mut self, computed: &Computed) -> Result<String> {
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
    pub(super) fn outputs(&mut self, computed: &Computed) -> Result<()> {
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

    pub(super) fn revision(&mut self, run: &RunId, file: &str) -> Result<()> {
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
}
