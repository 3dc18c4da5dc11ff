//! The reduction: every pass learns what the passes before have made computable.

use trueline_sdk::{Batch, Error, Input, Outcome, Reduce, Result, state};

use crate::{
    learn::{Learner, Material, Progress},
    params::Params,
    stage::training,
    state::State,
    walk::{Lesson, Scope, Walk},
};

/// One pass over the rows.
#[derive(Debug)]
pub struct Fit {
    lessons: Vec<Lesson>,
    pass: u32,
    state: State,
    active: Vec<Active>,
    /// Space for the numbers of a batch.
    numbers: Vec<f64>,
}

/// A lesson that this pass works on.
#[derive(Debug)]
struct Active {
    /// Its place among all lessons.
    index: usize,
    material: Material,
    learner: Learner,
}

impl Reduce for Fit {
    type Params = Params;

    fn begin(params: Params, inputs: &[Input], pass: u32, bytes: &[u8]) -> Result<Self> {
        let schema = training(inputs)?
            .ok_or_else(|| Error::schema("this stage learns from rows: give it `fit`"))?;
        let mut state = State::decode(bytes)?;
        let lessons = Walk::new(&params, schema, &state, Scope::Part)?.lessons;
        if pass == 0 {
            state = State::new(&lessons);
        }
        state.check(&lessons)?;
        let mut active = Vec::new();
        for (index, lesson) in lessons.iter().enumerate() {
            if (lesson.start..lesson.end).contains(&pass) {
                let material = lesson
                    .material
                    .clone()
                    .ok_or_else(|| wrong_pass(lesson, pass))?;
                let learner = match &state.entries[index].progress {
                    Progress::Waiting if pass == lesson.start => {
                        Learner::new(&lesson.task, &material)?
                    }
                    Progress::Learning(learner) if pass > lesson.start => learner.clone(),
                    _ => return Err(wrong_pass(lesson, pass)),
                };
                active.push(Active {
                    index,
                    material,
                    learner,
                });
            }
        }
        Ok(Self {
            lessons,
            pass,
            state,
            active,
            numbers: Vec::new(),
        })
    }

    fn update(&mut self, _input: usize, batch: &Batch<'_>) -> Result<()> {
        for active in &mut self.active {
            let result = active
                .learner
                .update(&active.material, batch, &mut self.numbers);
            result.map_err(|error| self.lessons[active.index].blame(error))?;
        }
        Ok(())
    }

    fn partial(&self) -> Result<Vec<u8>> {
        let learners: Vec<_> = self.active.iter().map(|active| &active.learner).collect();
        state::encode(&learners)
    }

    fn merge(&mut self, partial: &[u8]) -> Result<()> {
        let learners: Vec<Learner> = state::decode(partial)?;
        if learners.len() != self.active.len() {
            return Err(Error::data(
                "a partial result of another stage or pass cannot be merged",
            ));
        }
        for (active, other) in self.active.iter_mut().zip(learners) {
            active
                .learner
                .merge(&other)
                .map_err(|error| self.lessons[active.index].blame(error))?;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Outcome> {
        for active in self.active {
            let lesson = &self.lessons[active.index];
            let progress = active
                .learner
                .finish(&lesson.task, self.pass + 1 == lesson.end)
                .map_err(|error| lesson.blame(error))?;
            self.state.entries[active.index].progress = progress;
        }
        Ok(Outcome {
            report: self.state.report(),
            ..Outcome::state(self.state.encode()?)
        })
    }
}

impl Lesson {
    /// The same error, said to be about this column of this step.
    fn blame(&self, error: Error) -> Error {
        match error {
            Error::Data(message) => Error::Data(format!(
                "{}: column `{}`: {message}",
                self.place, self.column
            )),
            error => error,
        }
    }
}

fn wrong_pass(lesson: &Lesson, pass: u32) -> Error {
    Error::data(format!(
        "{}: pass {pass} does not follow what the state holds; fit the stage again",
        lesson.place
    ))
}
