//! Graphs whose arrows go from left to right, laid out on the server and drawn as SVG.
//!
//! In four steps, after K. Sugiyama, S. Tagawa and M. Toda, "Methods for visual understanding of hierarchical
//! system structures", 1981:
//!
//! ```text
//! arrows that others imply are left out ── reduce.rs
//! columns: everything stands right of what it comes from ── columns.rs
//! order within the columns: few crossings ── order.rs
//! places: straight arrows, nothing overlaps ── place.rs
//! ```
//!
//! Everything is a function of the nodes, the arrows and their order, so a page looks the same every time.

use std::fmt::Write as _;

mod columns;
mod order;
mod place;
mod reduce;

/// Room between two columns, which the arrows cross.
const COLUMN_GAP: f64 = 44.0;
/// Room between two nodes of a column.
const ROW_GAP: f64 = 14.0;

/// A rectangle for a node; the origin is at the top left.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Area {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

/// An arrow, and the path that it takes as SVG writes it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Arrow {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) path: String,
}

/// Where everything is.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Layout {
    pub(crate) width: f64,
    pub(crate) height: f64,
    /// In the order of the nodes that were given.
    pub(crate) nodes: Vec<Area>,
    pub(crate) arrows: Vec<Arrow>,
}

/// Lays out nodes of these widths and one height. An arrow is left out if it follows from others, or if it would
/// close a circle.
pub(crate) fn lay_out(widths: &[f64], height: f64, arrows: &[(usize, usize)]) -> Layout {
    let arrows = reduce::reduce(widths.len(), arrows);
    let column_of = columns::columns(widths.len(), &arrows);
    let mut lattice = Lattice::new(widths, height, &column_of, &arrows);
    order::order(&mut lattice);
    let centres = place::centres(&lattice);
    lattice.draw(&centres)
}

/// The columns with what stands in them: nodes, and the bends of arrows that cross a column on their way.
pub(super) struct Lattice {
    /// Width and height of every vertex; nodes come first, then bends.
    sizes: Vec<(f64, f64)>,
    node_count: usize,
    /// The vertices of each column, from top to bottom.
    columns: Vec<Vec<usize>>,
    /// To the vertices of the next column, and from those of the one before.
    right: Vec<Vec<usize>>,
    left: Vec<Vec<usize>>,
    /// For every arrow its vertices, from column to column.
    routes: Vec<Vec<usize>>,
}

impl Lattice {
    fn new(widths: &[f64], height: f64, column_of: &[usize], arrows: &[(usize, usize)]) -> Self {
        let count = column_of.iter().max().map_or(0, |last| last + 1);
        let mut lattice = Self {
            sizes: widths.iter().map(|width| (*width, height)).collect(),
            node_count: widths.len(),
            columns: vec![Vec::new(); count],
            right: vec![Vec::new(); widths.len()],
            left: vec![Vec::new(); widths.len()],
            routes: Vec::new(),
        };
        for (node, column) in column_of.iter().enumerate() {
            lattice.columns[*column].push(node);
        }
        for &(from, to) in arrows {
            let mut route = vec![from];
            for column in column_of[from] + 1..column_of[to] {
                let bend = lattice.sizes.len();
                // Arrows side by side need less room than nodes.
                lattice.sizes.push((0.0, 0.0));
                lattice.right.push(Vec::new());
                lattice.left.push(Vec::new());
                lattice.columns[column].push(bend);
                route.push(bend);
            }
            route.push(to);
            for step in route.windows(2) {
                lattice.right[step[0]].push(step[1]);
                lattice.left[step[1]].push(step[0]);
            }
            lattice.routes.push(route);
        }
        lattice
    }

    fn is_bend(&self, vertex: usize) -> bool {
        vertex >= self.node_count
    }

    fn draw(&self, centres: &[f64]) -> Layout {
        let mut areas = vec![Area::default(); self.sizes.len()];
        let mut x = 0.0;
        for column in &self.columns {
            let width = column.iter().map(|vertex| self.sizes[*vertex].0);
            let width = width.fold(0.0, f64::max);
            for &vertex in column {
                let (own, height) = self.sizes[vertex];
                areas[vertex] = Area {
                    x,
                    y: centres[vertex] - height / 2.0,
                    width: if self.is_bend(vertex) { width } else { own },
                    height,
                };
            }
            x += width + COLUMN_GAP;
        }
        let arrows = self.routes.iter().filter_map(|route| {
            Some(Arrow {
                from: *route.first()?,
                to: *route.last()?,
                path: path(&areas, route),
            })
        });
        let bottom = areas.iter().map(|area| area.y + area.height);
        Layout {
            width: (x - COLUMN_GAP).max(0.0),
            height: bottom.fold(0.0, f64::max),
            arrows: arrows.collect(),
            nodes: areas[..self.node_count].to_vec(),
        }
    }
}

/// From the right side of each vertex in a soft bend to the left side of the next one.
fn path(areas: &[Area], route: &[usize]) -> String {
    let mut path = String::new();
    for (index, step) in route.windows(2).enumerate() {
        let (from, to) = (areas[step[0]], areas[step[1]]);
        let (x1, y1) = (from.x + from.width, from.y + from.height / 2.0);
        let (x2, y2) = (to.x, to.y + to.height / 2.0);
        if index == 0 {
            let _ = write!(path, "M{x1:.1} {y1:.1}");
        } else {
            let _ = write!(path, "H{x1:.1}");
        }
        let middle = f64::midpoint(x1.max(x2 - COLUMN_GAP), x2);
        let _ = write!(
            path,
            "H{:.1}C{middle:.1} {y1:.1} {middle:.1} {y2:.1} {x2:.1} {y2:.1}",
            x1.max(x2 - COLUMN_GAP)
        );
    }
    path
}

#[cfg(test)]
mod tests;
