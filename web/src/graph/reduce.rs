//! Arrows that follow from others tell nothing new, and cross everything.

/// The arrows without those that close a circle or that a longer way implies, sorted.
pub(super) fn reduce(count: usize, arrows: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let mut next: Vec<Vec<usize>> = vec![Vec::new(); count];
    let mut sorted = arrows.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut accepted = Vec::new();
    for (from, to) in sorted {
        if from < count && to < count && !reaches(&next, to, from) {
            next[from].push(to);
            accepted.push((from, to));
        }
    }
    let implied = |&(from, to): &(usize, usize)| {
        let others = next[from].iter().filter(|other| **other != to);
        others.into_iter().any(|other| reaches(&next, *other, to))
    };
    accepted.retain(|arrow| !implied(arrow));
    accepted
}

/// Whether a way leads from one node to another; every node reaches itself.
fn reaches(next: &[Vec<usize>], from: usize, to: usize) -> bool {
    let mut seen = vec![false; next.len()];
    let mut waiting = vec![from];
    while let Some(node) = waiting.pop() {
        if node == to {
            return true;
        }
        if !std::mem::replace(&mut seen[node], true) {
            waiting.extend(&next[node]);
        }
    }
    false
}
