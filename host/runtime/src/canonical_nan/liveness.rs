//! Which locals are still read after a point: the classic backward analysis (Aho, Lam, Sethi, Ullman,
//! *Compilers*, §9.2.5), on WebAssembly's structured control flow.

use wasmparser::Operator;

/// Whether an instruction branches in a way that is not followed here. The engine refuses them all.
pub(super) fn jumps(operator: &Operator<'_>) -> bool {
    use Operator::*;
    matches!(
        operator,
        Try { .. }
            | Catch { .. }
            | CatchAll
            | Delegate { .. }
            | Rethrow { .. }
            | TryTable { .. }
            | Throw { .. }
            | ThrowRef
            | BrOnNull { .. }
            | BrOnNonNull { .. }
            | BrOnCast { .. }
            | BrOnCastFail { .. }
            | BrOnCastDescEq { .. }
            | BrOnCastDescEqFail { .. }
            | ReturnCallRef { .. }
            | Resume { .. }
            | ResumeThrow { .. }
            | ResumeThrowRef { .. }
            | Suspend { .. }
            | Switch { .. }
    )
}

/// A set of locals.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Locals(Vec<u64>);

impl Locals {
    fn new(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    pub(super) fn contains(&self, local: usize) -> bool {
        self.0
            .get(local / 64)
            .is_some_and(|word| word >> (local % 64) & 1 == 1)
    }

    fn insert(&mut self, local: usize) {
        self.0[local / 64] |= 1 << (local % 64);
    }

    fn remove(&mut self, local: usize) {
        self.0[local / 64] &= !(1 << (local % 64));
    }

    pub(super) fn extend(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word |= other;
        }
    }

    fn clear(&mut self) {
        self.0.fill(0);
    }
}

/// A block, loop or `if`, or the function itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Label {
    pub(super) is_loop: bool,
    pub(super) has_else: bool,
    /// What is read from its end on.
    pub(super) after: Locals,
    /// What is read from its start on; of a loop, what a branch to it needs.
    before: Locals,
}

impl Label {
    /// What is read from where a branch to it leads.
    pub(super) fn target(&self) -> &Locals {
        if self.is_loop {
            &self.before
        } else {
            &self.after
        }
    }
}

/// The most that locals times branches may be: memory and time grow with it. Interpreters of whole
/// languages stay well below.
const MOST_WORK: usize = 1 << 27;

/// The most passes over a function; one takes as many as its loops are nested, and two more.
const MOST_PASSES: usize = 64;

/// The function as label 0, and its blocks in the order in which they begin; none if the function is made
/// to take for ever.
pub(super) fn labels(operators: &[Operator<'_>], locals: usize) -> Option<Vec<Label>> {
    let branches: usize = operators.iter().map(branches).sum();
    if branches.saturating_mul(locals) > MOST_WORK {
        return None;
    }
    let (mut labels, opens) = outline(operators, locals);
    // What a loop reads at its start is needed at its end: repeat until that changes nothing.
    let settled = (0..MOST_PASSES).any(|_| !pass(operators, &opens, &mut labels, locals));
    settled.then_some(labels)
}

/// How many places an instruction leads to, or keeps track of.
fn branches(operator: &Operator<'_>) -> usize {
    match operator {
        Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } | Operator::Else => 1,
        Operator::End | Operator::Br { .. } | Operator::BrIf { .. } => 1,
        Operator::BrTable { targets } => targets.len() as usize + 1,
        _ => 0,
    }
}

/// The labels, and for each instruction that begins, parts or ends a block, which one.
fn outline(operators: &[Operator<'_>], locals: usize) -> (Vec<Label>, Vec<usize>) {
    let label = |is_loop| Label {
        is_loop,
        has_else: false,
        after: Locals::new(locals),
        before: Locals::new(locals),
    };
    let mut labels = vec![label(false)];
    let mut open = vec![0];
    let mut opens = vec![0; operators.len()];
    for (index, operator) in operators.iter().enumerate() {
        match operator {
            Operator::Block { .. } | Operator::If { .. } | Operator::Loop { .. } => {
                open.push(labels.len());
                labels.push(label(matches!(operator, Operator::Loop { .. })));
                opens[index] = labels.len() - 1;
            }
            Operator::Else => {
                opens[index] = open.last().copied().unwrap_or_default();
                labels[opens[index]].has_else = true;
            }
            Operator::End => opens[index] = open.pop().unwrap_or_default(),
            _ => {}
        }
    }
    (labels, opens)
}

/// Goes through the function once, from its end on. Answers whether a loop needs more than was known.
fn pass(operators: &[Operator<'_>], opens: &[usize], labels: &mut [Label], locals: usize) -> bool {
    let mut changed = false;
    let mut live = Locals::new(locals);
    let mut open: Vec<usize> = Vec::new();
    let mut elses: Vec<Locals> = Vec::new();
    let label = |open: &[usize], depth: u32| {
        let depth = usize::try_from(depth).unwrap_or(usize::MAX);
        let index = open.len().checked_sub(depth.saturating_add(1));
        index.map_or(0, |index| open[index])
    };
    for (operator, &own) in operators.iter().zip(opens).rev() {
        match operator {
            Operator::LocalGet { local_index } => live.insert(*local_index as usize),
            Operator::LocalSet { local_index } | Operator::LocalTee { local_index } => {
                live.remove(*local_index as usize);
            }
            Operator::End => {
                labels[own].after.clone_from(&live);
                open.push(own);
            }
            Operator::Else => {
                elses.push(std::mem::replace(&mut live, labels[own].after.clone()));
            }
            Operator::If { .. } => {
                let skipped = if labels[own].has_else {
                    elses.pop().unwrap_or_default()
                } else {
                    labels[own].after.clone()
                };
                live.extend(&skipped);
                open.pop();
            }
            Operator::Block { .. } => drop(open.pop()),
            Operator::Loop { .. } => {
                open.pop();
                if labels[own].before != live {
                    labels[own].before.clone_from(&live);
                    changed = true;
                }
            }
            Operator::Br { relative_depth } => {
                live.clone_from(labels[label(&open, *relative_depth)].target());
            }
            Operator::BrIf { relative_depth } => {
                live.extend(labels[label(&open, *relative_depth)].target());
            }
            Operator::BrTable { targets } => {
                live.clear();
                for depth in targets.targets().flatten().chain([targets.default()]) {
                    live.extend(labels[label(&open, depth)].target());
                }
            }
            Operator::Return
            | Operator::Unreachable
            | Operator::ReturnCall { .. }
            | Operator::ReturnCallIndirect { .. } => live.clear(),
            _ => {}
        }
    }
    changed
}
