use proptest::prelude::*;

use super::*;

const HEIGHT: f64 = 30.0;

fn layout(count: usize, arrows: &[(usize, usize)]) -> Layout {
    lay_out(&vec![100.0; count], HEIGHT, arrows)
}

#[test]
fn nothing_takes_no_room() {
    assert_eq!(layout(0, &[]), Layout::default());
}

#[test]
fn a_chain_is_straight() {
    let chain = layout(4, &[(0, 1), (1, 2), (2, 3)]);
    assert!(
        chain.nodes.iter().all(|node| node.y.abs() < 1e-9),
        "{chain:?}"
    );
    assert!(
        chain
            .nodes
            .windows(2)
            .all(|pair| pair[0].x + 100.0 + COLUMN_GAP == pair[1].x)
    );
}

#[test]
fn a_long_chain_is_straight_whatever_hangs_from_it() {
    // Every link has one more that leads nowhere; of the last one, nobody knows which of the two goes on.
    let arrows: Vec<_> = (0_usize..20)
        .flat_map(|link| [(2 * link, 2 * link + 1), (2 * link, 2 * link + 2)])
        .collect();
    let found = layout(41, &arrows);
    let heights = found.nodes.iter().step_by(2).take(20).map(|node| node.y);
    assert!(heights.clone().all(|y| (y - found.nodes[0].y).abs() < 1.0));
    assert!(found.height < 4.0 * HEIGHT, "{}", found.height);
}

#[test]
fn what_follows_from_others_is_left_out() {
    let check = |arrows: &[(usize, usize)], expected: &[(usize, usize)]| {
        let found = layout(4, arrows).arrows;
        let found: Vec<_> = found.iter().map(|arrow| (arrow.from, arrow.to)).collect();
        assert_eq!(found, expected);
    };
    check(&[(0, 1), (1, 2), (0, 2), (0, 2)], &[(0, 1), (1, 2)]);
    check(&[(0, 1), (1, 0)], &[(0, 1)]);
    check(&[(0, 0), (1, 2), (7, 1)], &[(1, 2)]);
}

#[test]
fn arrows_that_need_not_cross_do_not() {
    // Two strands, whose ends were named the wrong way round.
    let found = layout(6, &[(0, 3), (1, 2), (3, 4), (2, 5)]);
    assert!((found.nodes[0].y < found.nodes[1].y) == (found.nodes[3].y < found.nodes[2].y));
    assert!((found.nodes[0].y < found.nodes[1].y) == (found.nodes[4].y < found.nodes[5].y));
}

#[test]
fn fifty_stages_take_no_time() {
    let arrows: Vec<_> = (1_usize..50)
        .flat_map(|to| [(to / 3, to), (to / 2, to), (to.saturating_sub(7), to)])
        .collect();
    let started = std::time::Instant::now();
    let found = layout(50, &arrows);
    assert_eq!(found.nodes.len(), 50);
    assert!(started.elapsed() < std::time::Duration::from_millis(500));
}

proptest! {
    /// Every arrow goes to the right, no two nodes overlap, everything is inside.
    #[test]
    fn every_layout_can_be_read(
        count in 1_usize..40,
        arrows in prop::collection::vec((0_usize..40, 0_usize..40), 0..80),
    ) {
        let found = layout(count, &arrows);
        for arrow in &found.arrows {
            let (from, to) = (found.nodes[arrow.from], found.nodes[arrow.to]);
            prop_assert!(from.x + from.width < to.x);
        }
        for (index, one) in found.nodes.iter().enumerate() {
            prop_assert!(one.x >= 0.0 && one.y >= -1e-6);
            prop_assert!(one.x + one.width <= found.width + 1e-6);
            prop_assert!(one.y + one.height <= found.height + 1e-6);
            for other in &found.nodes[index + 1..] {
                let apart = one.x + one.width <= other.x
                    || other.x + other.width <= one.x
                    || one.y + HEIGHT <= other.y + 1e-6
                    || other.y + HEIGHT <= one.y + 1e-6;
                prop_assert!(apart, "{one:?} {other:?}");
            }
        }
    }
}
