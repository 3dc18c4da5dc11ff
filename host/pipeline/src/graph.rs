//! The order in which stages can run.

/// Some nodes, each after all that it depends on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Order {
    /// Of the nodes that are ready at the same time, the one with the lowest number comes first.
    pub(crate) nodes: Vec<usize>,
    /// A cycle, if there is one: each depends on the next, and the last on the first. What is on a
    /// cycle, or depends on one, is not among the nodes.
    pub(crate) cycle: Vec<usize>,
}

/// Orders the nodes `0..depends_on.len()`.
pub(crate) fn order(depends_on: &[Vec<usize>]) -> Order {
    let mut nodes = Vec::new();
    let mut done = vec![false; depends_on.len()];
    let is_next = |done: &[bool], node: usize| {
        !done[node] && depends_on[node].iter().all(|&other| done[other])
    };
    while let Some(node) = (0..depends_on.len()).find(|&node| is_next(&done, node)) {
        done[node] = true;
        nodes.push(node);
    }
    Order {
        nodes,
        cycle: cycle(depends_on, &done),
    }
}

/// Follows what is not done until it comes by the same node again.
fn cycle(depends_on: &[Vec<usize>], done: &[bool]) -> Vec<usize> {
    let mut path: Vec<usize> = Vec::new();
    let mut next = done.iter().position(|done| !done);
    while let Some(node) = next {
        if let Some(start) = path.iter().position(|&seen| seen == node) {
            return path.split_off(start);
        }
        path.push(node);
        next = depends_on[node].iter().copied().find(|&other| !done[other]);
    }
    path
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_needed_comes_first() {
        let check = |depends_on: &[&[usize]], nodes: &[usize], cycle: &[usize]| {
            let depends_on: Vec<Vec<usize>> =
                depends_on.iter().map(|others| others.to_vec()).collect();
            let expected = Order {
                nodes: nodes.to_vec(),
                cycle: cycle.to_vec(),
            };
            assert_eq!(order(&depends_on), expected, "{depends_on:?}");
        };
        check(&[], &[], &[]);
        check(&[&[], &[], &[]], &[0, 1, 2], &[]);
        check(&[&[2], &[], &[1]], &[1, 2, 0], &[]);
        check(&[&[0]], &[], &[0]);
        check(&[&[1], &[2], &[1], &[]], &[3], &[1, 2]);
    }

    proptest! {
        #[test]
        fn order_is_complete_or_shows_a_cycle(edges in prop::collection::vec((0..12_usize, 0..12_usize), 0..24)) {
            let mut depends_on = vec![Vec::new(); 12];
            for (node, other) in edges {
                depends_on[node].push(other);
            }
            let Order { nodes, cycle } = order(&depends_on);
            for (place, node) in nodes.iter().enumerate() {
                prop_assert!(depends_on[*node].iter().all(|other| nodes[..place].contains(other)));
            }
            prop_assert_eq!(cycle.is_empty(), nodes.len() == 12);
            for (place, node) in cycle.iter().enumerate() {
                prop_assert!(depends_on[*node].contains(&cycle[(place + 1) % cycle.len()]));
            }
        }
    }
}
