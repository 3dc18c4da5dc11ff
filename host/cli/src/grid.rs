//! Text in columns.

use crate::style::{Mark, Style, Tone};

/// Rows of cells; every column is as wide as its widest cell.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grid {
    rows: Vec<Vec<Cell>>,
}

/// A piece of text in a column.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    text: String,
    tone: Tone,
    is_right: bool,
}

/// A cell of text.
pub(crate) fn cell(text: impl Into<String>) -> Cell {
    Cell {
        text: text.into(),
        ..Cell::default()
    }
}

impl Cell {
    /// The same cell with another tone.
    pub(crate) fn tone(self, tone: Tone) -> Self {
        Self { tone, ..self }
    }

    /// The same cell at the right of its column, as numbers are.
    pub(crate) fn right(self) -> Self {
        Self {
            is_right: true,
            ..self
        }
    }

    /// A mark.
    pub(crate) fn mark(mark: Mark, style: Style) -> Self {
        cell(style.sign(mark)).tone(mark.tone())
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }
}

impl Grid {
    /// A grid whose first row is dim.
    pub(crate) fn with_heads(heads: impl IntoIterator<Item = Cell>) -> Self {
        let mut grid = Self::default();
        grid.row(heads.into_iter().map(|head| head.tone(Tone::Dim)));
        grid
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows as lines, `indent` spaces from the left, two spaces between columns and none at the end.
    pub(crate) fn render(&self, indent: usize, style: Style) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widest = |column| {
            self.rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(Cell::width)
                .max()
        };
        let widths: Vec<usize> = (0..columns)
            .map(|column| widest(column).unwrap_or(0))
            .collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = " ".repeat(indent);
            // Spaces are held back until something follows them.
            let mut pending = 0;
            for (cell, width) in row.iter().zip(&widths) {
                let padding = width - cell.width();
                let (before, after) = if cell.is_right {
                    (padding, 0)
                } else {
                    (0, padding)
                };
                if cell.text.is_empty() {
                    pending += width + 2;
                    continue;
                }
                line += &" ".repeat(pending + before);
                line += &style.paint(cell.tone, &cell.text);
                pending = after + 2;
            }
            text += line.trim_end_matches(' ');
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_whatever_the_colours() {
        let mut grid = Grid::with_heads([cell(""), cell("stage"), cell("rows").right(), cell("")]);
        grid.row([
            cell("✓").tone(Tone::Good),
            cell("model"),
            cell("12").right(),
            cell(""),
        ]);
        grid.row([
            cell(""),
            cell("x"),
            cell("1,200").right(),
            cell("late").tone(Tone::Bad),
        ]);
        let plain = "     stage   rows\n  ✓  model     12\n     x      1,200  late\n";
        assert_eq!(grid.render(2, Style::PLAIN), plain);
        let coloured = grid.render(
            2,
            Style {
                colour: true,
                unicode: true,
            },
        );
        let mut stripped = coloured;
        for code in ["\u{1b}[2m", "\u{1b}[32m", "\u{1b}[1;31m", "\u{1b}[0m"] {
            stripped = stripped.replace(code, "");
        }
        assert_eq!(stripped, plain);
    }
}
