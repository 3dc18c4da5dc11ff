//! Vectors element by element: what each goes through, and what is learned from each.

use trueline_sdk::{Batch, Result};

use crate::{
    convert,
    kernel::{self, BLOCK, Kernel},
    value::{Content, Piece, Vector, Weight},
};

/// The elements of a vector, each sent through kernels of its own.
#[derive(Clone, Debug)]
pub(crate) struct Elements {
    source: Vector,
    /// A list for each element.
    kernels: Vec<Vec<Kernel>>,
}

impl Elements {
    /// Those of a vector as it is; `rounded` says that it is one of float32.
    pub(crate) fn of(vector: &Vector, rounded: bool) -> Self {
        // A vector that is nothing but elements sent through kernels has them sent through more.
        let mut elements = match &vector.pieces[..] {
            [
                Piece {
                    rounded: false,
                    content: Content::Elements(elements),
                    ..
                },
            ] => elements.clone(),
            _ => Self {
                source: vector.clone(),
                kernels: vec![Vec::new(); vector.width],
            },
        };
        if rounded {
            for kernels in &mut elements.kernels {
                kernel::push(kernels, Kernel::Narrow);
            }
        }
        elements
    }

    pub(crate) fn width(&self) -> usize {
        self.source.width
    }

    /// The vector whose elements each go through these as well.
    pub(crate) fn then(mut self, more: Vec<Vec<Kernel>>) -> Vector {
        for (kernels, more) in self.kernels.iter_mut().zip(more) {
            more.into_iter()
                .for_each(|next| kernel::push(kernels, next));
        }
        Vector::of(self.width(), Content::Elements(self))
    }

    pub(crate) fn weight(&self) -> Weight {
        Weight::around([self.source.weight()])
    }

    /// Gives the numbers of each element, for the rows from `start` on; NaN where they are missing.
    ///
    /// # Errors
    /// As what the vector is made of.
    pub(crate) fn each(
        &self,
        batch: &Batch<'_>,
        start: usize,
        count: usize,
        mut take: impl FnMut(usize, &mut [f64]) -> Result<()>,
    ) -> Result<()> {
        let width = self.width();
        // On the heap, since vectors may be made of vectors.
        let mut rows = vec![0.0; count * width];
        let (mut numbers, mut codes) = (vec![0.0; count], vec![0; count]);
        self.source
            .write_block(batch, start, &mut rows, (&mut numbers, &mut codes))?;
        for (element, kernels) in self.kernels.iter().enumerate() {
            let column = rows.iter().skip(element).step_by(width);
            numbers.iter_mut().zip(column).for_each(|(x, y)| *x = *y);
            for kernel in kernels {
                kernel.apply(&mut numbers)?;
            }
            take(element, &mut numbers)?;
        }
        Ok(())
    }

    /// Gives the numbers of each element, block by block of all rows.
    ///
    /// # Errors
    /// As [`each`](Self::each).
    pub(crate) fn each_block(
        &self,
        batch: &Batch<'_>,
        mut take: impl FnMut(usize, &mut [f64]) -> Result<()>,
    ) -> Result<()> {
        for start in (0..batch.rows()).step_by(BLOCK) {
            let count = BLOCK.min(batch.rows() - start);
            self.each(batch, start, count, &mut take)?;
        }
        Ok(())
    }
}

/// Rounds numbers as a float32 vector does, if that is where they were.
pub(crate) fn round(numbers: &mut [f64], rounded: bool) {
    if rounded {
        let narrow = |x: &mut f64| *x = f64::from(convert::to_float32(*x));
        numbers.iter_mut().for_each(narrow);
    }
}
