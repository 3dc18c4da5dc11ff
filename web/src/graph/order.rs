//! The order within the columns: every vertex goes to the mean place of its neighbours in the column beside it, back
//! and forth until nothing gets better, and then neighbours change places where that removes crossings.

use super::Lattice;

/// So often the columns are gone through; more has never helped.
const SWEEPS: usize = 12;
/// What is larger is only sorted: swapping takes time that grows with the square.
const LARGEST: usize = 250;

pub(super) fn order(lattice: &mut Lattice) {
    let mut best = (crossings(lattice), lattice.columns.clone());
    for sweep in 0..SWEEPS {
        if best.0 == 0 {
            break;
        }
        let count = lattice.columns.len();
        let mut places = places(lattice);
        for step in 1..count {
            let column = if sweep % 2 == 0 {
                step
            } else {
                count - 1 - step
            };
            by_neighbours(lattice, &mut places, column, sweep % 2 == 0);
        }
        if lattice.sizes.len() <= LARGEST {
            swap_neighbours(lattice);
        }
        let found = crossings(lattice);
        if found < best.0 {
            best = (found, lattice.columns.clone());
        }
    }
    lattice.columns = best.1;
}

/// Sorts a column by the mean place of the neighbours on one side; what has none stays where it is.
fn by_neighbours(lattice: &mut Lattice, places: &mut [usize], column: usize, look_left: bool) {
    let neighbours = if look_left {
        &lattice.left
    } else {
        &lattice.right
    };
    #[allow(clippy::cast_precision_loss, reason = "places are few")]
    let mean = |vertex: usize| {
        let beside = &neighbours[vertex];
        match beside.len() {
            0 => places[vertex] as f64,
            count => {
                beside
                    .iter()
                    .map(|other| places[*other] as f64)
                    .sum::<f64>()
                    / count as f64
            }
        }
    };
    let mut keyed: Vec<(f64, usize)> = lattice.columns[column]
        .iter()
        .map(|vertex| (mean(*vertex), *vertex))
        .collect();
    keyed.sort_by(|one, other| one.0.total_cmp(&other.0));
    lattice.columns[column] = keyed.into_iter().map(|(_, vertex)| vertex).collect();
    for (row, vertex) in lattice.columns[column].iter().enumerate() {
        places[*vertex] = row;
    }
}

/// Lets two that stand one above the other change places as long as that removes crossings.
fn swap_neighbours(lattice: &mut Lattice) {
    let mut places = places(lattice);
    for column in 0..lattice.columns.len() {
        let mut is_better = true;
        while is_better {
            is_better = false;
            for row in 1..lattice.columns[column].len() {
                let (upper, lower) = (
                    lattice.columns[column][row - 1],
                    lattice.columns[column][row],
                );
                let cost = |first: usize, second: usize| {
                    [&lattice.left, &lattice.right]
                        .iter()
                        .map(|side| crossings_between(&side[first], &side[second], &places))
                        .sum::<usize>()
                };
                if cost(lower, upper) < cost(upper, lower) {
                    lattice.columns[column].swap(row - 1, row);
                    places.swap(upper, lower);
                    is_better = true;
                }
            }
        }
    }
}

/// How many arrows of one vertex cross those of another one below it.
fn crossings_between(upper: &[usize], lower: &[usize], places: &[usize]) -> usize {
    upper
        .iter()
        .map(|one| {
            lower
                .iter()
                .filter(|other| places[**other] < places[*one])
                .count()
        })
        .sum()
}

fn crossings(lattice: &Lattice) -> usize {
    let places = places(lattice);
    let pairs = lattice.columns.iter().flat_map(|column| {
        (1..column.len())
            .flat_map(move |row| (0..row).map(move |above| (column[above], column[row])))
    });
    pairs
        .map(|(above, below)| {
            crossings_between(&lattice.right[above], &lattice.right[below], &places)
        })
        .sum()
}

/// The row of every vertex within its column.
fn places(lattice: &Lattice) -> Vec<usize> {
    let mut places = vec![0; lattice.sizes.len()];
    for column in &lattice.columns {
        for (row, vertex) in column.iter().enumerate() {
            places[*vertex] = row;
        }
    }
    places
}
