//! Finding the datasets and stages that a pipe names.

use trueline_dataset::suggest::{did_you_mean, list_some};

use super::{Names, is_gate};
use crate::fan_out::{Member, member_name, split_member};
use crate::pipe::{PipeText, Word};
use crate::source::{Problem, Report, Span};

impl Names<'_, '_> {
    /// Whether all names of a pipe exist and are what they must be; those that mean members become theirs.
    pub(super) fn resolve(
        &self,
        owner: &str,
        member: Option<&Member>,
        pipe: &mut PipeText,
        depends_on: &mut Vec<usize>,
        report: &mut Report<'_>,
    ) -> bool {
        let Word { text: head, span } = &pipe.dataset;
        let mut is_whole = self.is_dataset(head);
        if !is_whole {
            let names = || self.declaration.dataset_names();
            let is_stage = self.declaration.find(head, member).is_some();
            report.add(if is_stage || !self.declaration.members(head).is_empty() {
                Problem::new(
                    span.clone(),
                    format!("stage `{owner}` reads `{head}`, which is a stage"),
                )
                .hint(format!(
                    "begin with a dataset: \"{} | {head}\"",
                    names().next().unwrap_or("flights")
                ))
            } else {
                let hint = did_you_mean(head, names())
                    .unwrap_or_else(|| format!("the datasets are {}", list_some(names())));
                Problem::new(
                    span.clone(),
                    format!(
                        "stage `{owner}` reads `{head}`, which is neither a dataset nor a stage"
                    ),
                )
                .hint(hint)
            });
        }
        match self.mapping_words(
            std::mem::take(&mut pipe.through),
            member,
            depends_on,
            report,
        ) {
            Some(words) => pipe.through = words,
            None => is_whole = false,
        }
        is_whole
    }

    /// Words with the names of the stages that they mean; `model[*]` is one word for each member.
    pub(in crate::outline) fn mapping_words(
        &self,
        words: Vec<Word>,
        member: Option<&Member>,
        depends_on: &mut Vec<usize>,
        report: &mut Report<'_>,
    ) -> Option<Vec<Word>> {
        let mut found = Vec::new();
        let mut is_whole = true;
        for word in words {
            match report.ok(self.mapping(&word, member)) {
                Some(indices) => {
                    let name = |index: &usize| self.declaration.stages[*index].name.text.clone();
                    found.extend(indices.iter().map(|index| Word {
                        text: name(index),
                        span: word.span.clone(),
                    }));
                    depends_on.extend(indices);
                }
                None => is_whole = false,
            }
        }
        is_whole.then_some(found)
    }

    /// The stages that a word of a pipe means: one, or all members of a section.
    fn mapping(&self, word: &Word, member: Option<&Member>) -> Result<Vec<usize>, Problem> {
        let Word { text, span } = word;
        let all = split_member(text).filter(|(_, which)| *which == "*");
        let members = all.map(|(section, _)| self.declaration.members(section));
        let found = match members.filter(|members| !members.is_empty()) {
            Some(members) => members,
            None => vec![self.one(text, span, member)?],
        };
        if found
            .iter()
            .any(|&index| is_gate(&self.declaration.stages[index]))
        {
            return Err(Problem::new(
                span.clone(),
                format!("`{text}` is a gate, and maps no rows"),
            )
            .hint("a pipe names stages that map rows"));
        }
        Ok(found)
    }

    fn one(&self, text: &str, span: &Span, member: Option<&Member>) -> Result<usize, Problem> {
        if let Some(index) = self.declaration.find(text, member) {
            return Ok(index);
        }
        let problem = |message| Problem::new(span.clone(), message);
        if self.is_dataset(text) {
            return Err(
                problem(format!("`{text}` is a dataset, and can only begin a pipe")).hint(
                    "to join it, use `join` of the other dataset, or a stage that uses `lookup`",
                ),
            );
        }
        let section = split_member(text).map_or(text, |(section, _)| section);
        let members = self.declaration.members(section);
        if let Some(last) = members.len().checked_sub(1) {
            let (first, last) = (member_name(section, 0), member_name(section, last));
            let what = match section == text {
                true => format!("`{text}` stands for {} stages", members.len()),
                false => format!("there is no stage `{text}`"),
            };
            return Err(problem(what).hint(format!(
                "name one, `{first}` to `{last}`, or all, `{section}[*]`; with `best`, `{section}` is the best of them"
            )));
        }
        let names = || self.declaration.stage_names();
        let hint = match section != text && self.declaration.find(section, None).is_some() {
            true => format!("`{section}` has no members that can be named: leave out the number"),
            false => did_you_mean(text, names())
                .unwrap_or_else(|| format!("the stages are {}", list_some(names()))),
        };
        Err(problem(format!("there is no stage `{text}`")).hint(hint))
    }
}
