//! Symmetric systems of equations, also singular ones.

use ndarray::{Array1, Array2};

/// A part of a column that is smaller than this, relative to the column, is taken for rounding: the column
/// is a combination of others.
const RANK_TOLERANCE: f64 = 1e-12;

/// Solves `matrix` x = `right` for a symmetric, positive semidefinite matrix (p × p); of many solutions the
/// one with the least norm, and of none the one of the part of `right` that has one. Answers with the
/// rank, too.
///
/// The matrix is scaled to a diagonal of ones, and factored by Cholesky's method with the largest remaining
/// pivot first, so that columns of very different units do not matter. With `L` (p × rank) the pseudoinverse
/// of `L Lᵀ` is `L (LᵀL)⁻² Lᵀ`.
pub(crate) fn solve(matrix: &Array2<f64>, right: &Array1<f64>) -> (Array1<f64>, usize) {
    let is_used = matrix.diag().mapv(|square| square > 0.0);
    let scales = matrix
        .diag()
        .mapv(|square| if square > 0.0 { square.sqrt() } else { 1.0 });
    let (factor, pivots) = factor(matrix, &scales, &is_used);
    let (p, rank) = factor.dim();
    // A column of zeros has no part in it.
    if rank == is_used.iter().filter(|used| **used).count() {
        let solve =
            |right: &Array1<f64>| substitute(&factor, &pivots, &(right / &scales)) / &scales;
        // With one step of iterative refinement.
        let x = solve(right);
        let residual = right - &matrix.dot(&x);
        return (&x + &solve(&residual), rank);
    }
    let unscaled = Array2::from_shape_fn((p, rank), |(row, column)| {
        scales[row] * factor[[row, column]]
    });
    let small = unscaled.t().dot(&unscaled);
    let (inner, _) = solve(&small, &unscaled.t().dot(right));
    let (inner, _) = solve(&small, &inner);
    (unscaled.dot(&inner), rank)
}

/// The columns of Cholesky's factor of the scaled matrix, its rows in the matrix' own order; and the row that
/// was the pivot of each column.
fn factor(
    matrix: &Array2<f64>,
    scales: &Array1<f64>,
    is_used: &Array1<bool>,
) -> (Array2<f64>, Vec<usize>) {
    let p = scales.len();
    let scaled = |row: usize, column: usize| matrix[[row, column]] / (scales[row] * scales[column]);
    let mut remaining: Vec<f64> = is_used.iter().map(|&used| f64::from(used)).collect();
    let mut factor = Array2::<f64>::zeros((p, p));
    let mut pivots = Vec::new();
    loop {
        let rank = pivots.len();
        // The first of the largest.
        let open = (0..p).filter(|row| !pivots.contains(row));
        let Some(pivot) = open.reduce(|a, b| if remaining[b] > remaining[a] { b } else { a })
        else {
            break;
        };
        if remaining[pivot].is_nan() || remaining[pivot] <= RANK_TOLERANCE {
            break;
        }
        let root = remaining[pivot].sqrt();
        factor[[pivot, rank]] = root;
        pivots.push(pivot);
        for row in 0..p {
            if remaining[row] <= 0.0 || pivots.contains(&row) {
                continue;
            }
            let known: f64 = (0..rank)
                .map(|k| factor[[row, k]] * factor[[pivot, k]])
                .sum();
            let value = (scaled(row, pivot) - known) / root;
            factor[[row, rank]] = value;
            remaining[row] -= value * value;
        }
    }
    (factor.slice_move(ndarray::s![.., ..pivots.len()]), pivots)
}

/// Solves `L Lᵀ` x = `right` for the rows of `L` in the order of their pivots.
fn substitute(factor: &Array2<f64>, pivots: &[usize], right: &Array1<f64>) -> Array1<f64> {
    let (p, rank) = factor.dim();
    let mut forward = Array1::<f64>::zeros(rank);
    for (column, &pivot) in pivots.iter().enumerate() {
        let known: f64 = (0..column).map(|k| factor[[pivot, k]] * forward[k]).sum();
        forward[column] = (right[pivot] - known) / factor[[pivot, column]];
    }
    let mut x = Array1::<f64>::zeros(p);
    for (column, &pivot) in pivots.iter().enumerate().rev() {
        let later: f64 = (column + 1..rank)
            .map(|k| factor[[pivots[k], column]] * x[pivots[k]])
            .sum();
        x[pivot] = (forward[column] - later) / factor[[pivot, column]];
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systems_of_any_rank_are_solved() {
        /// Matrix, right side, solution, rank.
        type System = ([[f64; 3]; 3], [f64; 3], [f64; 3], usize);
        let cases: [System; 4] = [
            (
                [[4.0, 2.0, 0.0], [2.0, 5.0, 1.0], [0.0, 1.0, 3.0]],
                [8.0, 15.0, 11.0],
                [1.0, 2.0, 3.0],
                3,
            ),
            // Units apart by a factor of 10¹⁶.
            (
                [[1e16, 1e8, 0.0], [1e8, 2.0, 0.0], [0.0, 0.0, 1.0]],
                [2e8, 3.0, 1.0],
                [1e-8, 1.0, 1.0],
                3,
            ),
            // The first two columns are one: the solution shares.
            (
                [[2.0, 2.0, 0.0], [2.0, 2.0, 0.0], [0.0, 0.0, 4.0]],
                [8.0, 8.0, 4.0],
                [2.0, 2.0, 1.0],
                2,
            ),
            // A column that is constant has no part in it.
            (
                [[0.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 4.0]],
                [0.0, 8.0, 4.0],
                [0.0, 4.0, 1.0],
                2,
            ),
        ];
        for (matrix, right, expected, rank) in cases {
            let matrix = Array2::from(matrix.to_vec());
            let (x, found) = solve(&matrix, &Array1::from(right.to_vec()));
            assert_eq!(found, rank);
            for (x, expected) in x.iter().zip(expected) {
                assert!(
                    (x / expected - 1.0).abs() < 1e-14 || *x == expected,
                    "{x} {expected}"
                );
            }
        }
    }
}
