//! Which column a node stands in.

/// The column of every node, from 0: behind all that it comes from, and no further left of what comes from it than
/// that needs.
pub(super) fn columns(count: usize, arrows: &[(usize, usize)]) -> Vec<usize> {
    let mut column = vec![0_usize; count];
    // Each round settles at least one more column; there is no circle.
    for _ in 0..count {
        let mut is_settled = true;
        for &(from, to) in arrows {
            if column[to] <= column[from] {
                column[to] = column[from] + 1;
                is_settled = false;
            }
        }
        if is_settled {
            break;
        }
    }
    // What nothing leads to stands beside its first reader, not at the far left.
    for node in 0..count {
        if arrows.iter().any(|(_, to)| *to == node) {
            continue;
        }
        let readers = arrows.iter().filter(|(from, _)| *from == node);
        if let Some(first) = readers.map(|(_, to)| column[*to]).min() {
            column[node] = first.saturating_sub(1);
        }
    }
    column
}
