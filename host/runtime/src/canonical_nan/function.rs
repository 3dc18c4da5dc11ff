//! Walks a function with the state of every operand and local.

use std::ops::Range;

use wasm_encoder::ValType as EncodedType;
use wasmparser::{FuncValidator, FunctionBody, Operator, ValType, ValidatorResources};

use super::code::Code;
use super::effects::{Bits, Effect, Shape, effect, makes_nan};
use super::liveness::{self, Label, Locals};
use super::{Rejected, Result};

type Validator = FuncValidator<ValidatorResources>;

/// The body of a function, rewritten. One without arithmetic on floats stays as it is.
///
/// # Errors
/// If it is not valid, or changes the flow of control in a way that the profile lacks.
pub(super) fn rewrite(validator: &mut Validator, body: &FunctionBody<'_>) -> Result<Vec<u8>> {
    let (mut operators, mut places) = (Vec::new(), Vec::new());
    let mut reader = body.get_operators_reader()?;
    while !reader.eof() {
        let start = reader.original_position();
        operators.push(reader.read()?);
        places.push(start..reader.original_position());
    }
    if !operators.iter().any(makes_nan) {
        return Ok(body.as_bytes().to_vec());
    }
    let declarations = declare_locals(validator, body)?;
    let count = validator.len_locals();
    let labels = liveness::labels(&operators, count as usize).ok_or_else(Rejected::too_large)?;
    let mut walk = Walk {
        code: Code::new(count, body.as_bytes().len()),
        stack: Vec::new(),
        locals: vec![Bits::Settled; count as usize],
        labels,
        begun: 1,
        open: vec![Open::default()],
        validator,
    };
    for (operator, place) in operators.iter().zip(places) {
        walk.step(operator, &place, body)?;
    }
    Ok(walk.code.finish(declarations.0, declarations.1))
}

/// How many groups of locals the function declares, and their bytes.
fn declare_locals<'b>(
    validator: &mut Validator,
    body: &FunctionBody<'b>,
) -> Result<(u32, &'b [u8])> {
    let mut reader = body.get_binary_reader();
    let count = reader.read_var_u32()?;
    let start = reader.original_position();
    for _ in 0..count {
        let offset = reader.original_position();
        let (locals, value) = (reader.read()?, reader.read()?);
        validator.define_locals(offset, locals, value)?;
    }
    let from = body.range().start;
    Ok((
        count,
        &body.as_bytes()[start - from..reader.original_position() - from],
    ))
}

/// A block that is open.
#[derive(Default)]
struct Open {
    /// Which of the labels it is.
    label: usize,
    /// The locals as an `if` found them, for its `else`.
    locals: Vec<Bits>,
}

struct Walk<'v> {
    validator: &'v mut Validator,
    code: Code,
    /// The operands; always as many as the validator has.
    stack: Vec<Bits>,
    locals: Vec<Bits>,
    labels: Vec<Label>,
    /// How many of the labels have begun.
    begun: usize,
    open: Vec<Open>,
}

impl Walk<'_> {
    fn step(
        &mut self,
        operator: &Operator<'_>,
        place: &Range<usize>,
        body: &FunctionBody<'_>,
    ) -> Result<()> {
        let start = body.range().start;
        let instruction = &body.as_bytes()[place.start - start..place.end - start];
        let arity = operator.operator_arity(self.validator);
        let (taken, given) = arity.ok_or_else(|| Rejected::unknown(operator))?;
        // What never runs may see what it likes, and its stack has no bottom.
        let answer = if self.is_unreachable() {
            Bits::Settled
        } else {
            self.prepare(operator, taken as usize)?
        };
        self.code.copy(instruction);
        self.validator.op(place.start, operator)?;

        let height = self.validator.operand_stack_height() as usize;
        self.stack.truncate(height.saturating_sub(given as usize));
        self.stack.resize(height, Bits::Settled);
        if answer != Bits::Settled
            && let Some(top) = self.stack.last_mut()
        {
            *top = answer;
        }
        self.follow(operator);
        Ok(())
    }

    /// Mends what the instruction would see. Answers what is then known of its result.
    fn prepare(&mut self, operator: &Operator<'_>, taken: usize) -> Result<Bits> {
        match operator {
            Operator::LocalGet { local_index } => return Ok(self.locals[*local_index as usize]),
            Operator::LocalSet { local_index } => {
                self.locals[*local_index as usize] = self.operand(0);
                return Ok(Bits::Settled);
            }
            Operator::LocalTee { local_index } => {
                self.locals[*local_index as usize] = self.operand(0);
                return Ok(self.operand(0));
            }
            Operator::Drop => return Ok(Bits::Settled),
            _ => {}
        }
        match effect(operator) {
            Effect::Observe => {
                self.observe(0..taken)?;
                self.join(operator)?;
                Ok(Bits::Settled)
            }
            Effect::Compare(shape) => {
                self.observe_unless(shape, 0..taken)?;
                Ok(Bits::Settled)
            }
            Effect::Compute(from, to) => {
                self.observe_unless(from, 0..taken)?;
                Ok(Bits::Raw(to))
            }
            Effect::Number(shape) => {
                self.observe(0..taken)?;
                Ok(Bits::Number(shape))
            }
            Effect::Absolute(shape) => {
                self.observe_unless(shape, 0..1)?;
                Ok(self.operand(0))
            }
            Effect::Choose { shape, skipped } => self.choose(shape, skipped),
            Effect::Splat(lane) => {
                self.observe_unless(lane, 0..1)?;
                Ok(self.operand(0).reshaped(lane, lane.vector()))
            }
            Effect::Extract(vector) => {
                self.observe_unless(vector, 0..1)?;
                Ok(self.operand(0).reshaped(vector, vector.lane()))
            }
            Effect::Replace(vector) => {
                let number = self.operand(0).reshaped(vector.lane(), vector);
                match self.operand(1).either(number, vector) {
                    Some(either) => Ok(either),
                    None => self.observe(0..2).map(|()| Bits::Settled),
                }
            }
        }
    }

    /// One of two values. Which bits a settled NaN has must not be lost, so a raw one beside it is mended.
    fn choose(&mut self, shape: Option<Shape>, skipped: usize) -> Result<Bits> {
        let (first, second) = (self.operand(skipped), self.operand(skipped + 1));
        let shape = shape.or(match (first, second) {
            (Bits::Raw(shape), _) | (_, Bits::Raw(shape)) | (Bits::Number(shape), _) => Some(shape),
            _ => None,
        });
        match shape.and_then(|shape| first.either(second, shape)) {
            Some(either) => Ok(either),
            None => self.observe(skipped..skipped + 2).map(|()| Bits::Settled),
        }
    }

    /// Mends the locals that are still read where control flow joins what comes from elsewhere.
    fn join(&mut self, operator: &Operator<'_>) -> Result<()> {
        let innermost = self.open.last().map_or(0, |open| open.label);
        match operator {
            Operator::Br { relative_depth } | Operator::BrIf { relative_depth } => {
                self.settle(self.target(*relative_depth));
            }
            Operator::BrTable { targets } => {
                for depth in targets.targets() {
                    self.settle(self.target(depth?));
                }
                self.settle(self.target(targets.default()));
            }
            Operator::Else | Operator::End => {
                self.settle(self.labels[innermost].after.clone());
            }
            Operator::Loop { .. } => self.settle(self.labels[self.begun].target().clone()),
            Operator::If { .. } if !self.labels[self.begun].has_else => {
                self.settle(self.labels[self.begun].after.clone());
            }
            _ if liveness::jumps(operator) => return Err(Rejected::unknown(operator)),
            _ => {}
        }
        Ok(())
    }

    /// Opens and closes blocks. Where control flow joins, every local is settled that is still read.
    fn follow(&mut self, operator: &Operator<'_>) {
        match operator {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => {
                if matches!(operator, Operator::Loop { .. }) {
                    self.locals.fill(Bits::Settled);
                }
                let locals = match operator {
                    Operator::If { .. } => self.locals.clone(),
                    _ => Vec::new(),
                };
                self.open.push(Open {
                    label: self.begun,
                    locals,
                });
                self.begun += 1;
            }
            Operator::Else => {
                if let Some(open) = self.open.last_mut() {
                    self.locals = std::mem::take(&mut open.locals);
                }
            }
            Operator::End => {
                self.open.pop();
                self.locals.fill(Bits::Settled);
            }
            _ => {}
        }
    }

    fn is_unreachable(&self) -> bool {
        self.validator
            .get_control_frame(0)
            .is_none_or(|frame| frame.unreachable)
    }

    /// The operand at this depth; the one on top is at 0.
    fn operand(&self, depth: usize) -> Bits {
        let index = self.stack.len().checked_sub(depth + 1);
        index.map_or(Bits::Settled, |index| self.stack[index])
    }

    /// What is read where a branch of this depth leads.
    fn target(&self, depth: u32) -> Locals {
        let index = self.open.len().checked_sub(depth as usize + 1);
        let label = index.map_or(0, |index| self.open[index].label);
        self.labels[label].target().clone()
    }

    /// Mends the operands at these depths.
    fn observe(&mut self, depths: Range<usize>) -> Result<()> {
        for depth in depths {
            if let Bits::Raw(shape) = self.operand(depth) {
                self.mend(depth, shape)?;
            }
        }
        Ok(())
    }

    /// Mends the operands at these depths that are not of this shape.
    fn observe_unless(&mut self, shape: Shape, depths: Range<usize>) -> Result<()> {
        for depth in depths {
            match self.operand(depth) {
                Bits::Raw(other) if other != shape => self.mend(depth, other)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn mend(&mut self, depth: usize, shape: Shape) -> Result<()> {
        let above = (0..depth).map(|depth| {
            let value = self.validator.get_operand_type(depth).flatten();
            value.and_then(encoded).ok_or_else(Rejected::operand)
        });
        self.code
            .mend_below(&above.collect::<Result<Vec<_>>>()?, shape);
        let index = self.stack.len() - depth - 1;
        self.stack[index] = Bits::Settled;
        Ok(())
    }

    /// Mends those of these locals that need it.
    fn settle(&mut self, locals: Locals) {
        for (index, local) in (0..).zip(&mut self.locals) {
            if let Bits::Raw(shape) = *local
                && locals.contains(index as usize)
            {
                self.code.mend_local(index, shape);
                *local = Bits::Settled;
            }
        }
    }
}

/// The type of a local that can hold such an operand.
fn encoded(value: ValType) -> Option<EncodedType> {
    Some(match value {
        ValType::I32 => EncodedType::I32,
        ValType::I64 => EncodedType::I64,
        ValType::F32 => EncodedType::F32,
        ValType::F64 => EncodedType::F64,
        ValType::V128 => EncodedType::V128,
        ValType::Ref(_) => return None,
    })
}
