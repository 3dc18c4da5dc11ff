//! What the cache has for a stage: its result, or nothing that can be used.

use trueline_dataset::TablePin;
use trueline_store::{Error as StoreError, RecipeRows, StageState};

use super::{Attempt, Done, empty_report};
use crate::Result;
use crate::key::Ingredients;
use crate::pipe::Fitted;
use crate::reduce::Bindings;
use crate::step::Step;

/// What the cache had.
pub(super) enum Found {
    Hit(Box<Done>),
    /// Nothing; or something that could not be used, and why.
    Miss(Option<String>),
}

impl Attempt<'_> {
    /// Looks for the result. The rows of an input are read for it only if nobody has read them before, and
    /// something is known that they could be the rows of.
    pub(super) fn find(
        &self,
        bindings: Option<&Bindings>,
        ingredients: &Ingredients,
    ) -> Result<Found> {
        let known = ingredients
            .recipes()
            .map(|recipe| self.store.recipe_rows(&recipe));
        let known = known.collect::<Result<Vec<_>, _>>()?;
        if known.contains(&None) && !self.store.knows_shape(&ingredients.shape())? {
            return Ok(Found::Miss(None));
        }
        let mut rows = Vec::new();
        for (index, (recipe, known)) in ingredients.recipes().zip(known).enumerate() {
            rows.push(match (known, bindings) {
                (Some(RecipeRows { table, rows, .. }), _) => TablePin {
                    digest: table,
                    rows,
                },
                (None, Some(bindings)) => {
                    let read = self.job.read_content(bindings, index)?;
                    self.check_references()?;
                    let named = RecipeRows {
                        recipe,
                        table: read.digest,
                        rows: read.rows,
                    };
                    self.store.remember_recipe(named, self.engine)?;
                    read
                }
                (None, None) => return Ok(Found::Miss(None)),
            });
        }
        let Some(entry) = self.store.cache_entry(&ingredients.key(&rows))? else {
            return Ok(Found::Miss(None));
        };
        let stage = &self.stage.name;
        let shown = ingredients.shown(Some(&rows));
        let results = match self.store.cache_stage(self.run, stage, &entry, shown) {
            Ok(results) => results,
            Err(
                error @ (StoreError::NotFound { .. }
                | StoreError::Missing { .. }
                | StoreError::Corrupt { .. }),
            ) => {
                let reason = format!("the result of {} could not be used: {error}", entry.run);
                return Ok(Found::Miss(Some(reason)));
            }
            Err(error) => return Err(error.into()),
        };
        let mut report = empty_report(self.stage);
        report.state = StageState::Cached;
        report.cached_from = Some(entry.run);
        report.rows = entry.rows;
        report.metrics = results.metrics.iter().cloned().collect();
        let finding = |finding: &serde_json::Value| serde_json::from_value(finding.clone()).ok();
        report.findings = results.findings.iter().filter_map(finding).collect();
        if let Some(digest) = results.output("report") {
            report.report = serde_json::from_slice(&self.store.artifact(&digest)?).ok();
        }
        let state = match results.output("state") {
            Some(digest) => self.store.artifact(&digest)?,
            None => Vec::new(),
        };
        let steps = match results.output("steps") {
            Some(digest) => Step::read_all(&self.store.artifact(&digest)?),
            None => Vec::new(),
        };
        report.stopped_at = self.stopped_at(&steps);
        let tables = bindings.map(|bindings| bindings.tables.clone());
        let fitted = Fitted::new(self.job.work, tables.unwrap_or_default(), state);
        report.state_digest = Some(fitted.digest);
        Ok(Found::Hit(Box::new(Done {
            report,
            fitted: Some(fitted),
            steps,
        })))
    }
}
