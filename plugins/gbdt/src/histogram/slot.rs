//! The numbers of slots of a histogram.

use super::{
    BLOCK,
    lanes::{Pair, Sixteen},
};

/// How slots are numbered: by two bytes where there are no more than 65,536, else by four.
pub(crate) trait Slots {
    /// A pair of sums for every number there is, or at least for every slot.
    type Sums;
    /// The numbers of as many slots as features that are added together.
    type Block: Copy;

    /// Sums for so many slots, all 0.
    fn sums(slot_count: usize) -> Self::Sums;

    /// The sums in order, at least as many as there are slots.
    fn as_slice(sums: &mut Self::Sums) -> &mut [Pair];

    /// From numbers that fit.
    fn block(slots: [u32; BLOCK]) -> Self::Block;

    /// The slots so many bins on.
    fn plus(slots: Self::Block, bins: Sixteen) -> Self::Block;

    /// Adds a pair to the first so many of these slots, at most all of them.
    fn add(slots: Self::Block, count: usize, sums: &mut Self::Sums, pair: Pair);
}

/// Two bytes.
pub(crate) struct Narrow;

/// Four bytes.
pub(crate) struct Wide;

impl Slots for Narrow {
    /// Every number of 16 bits has its sums, so none has to be compared with a length.
    type Sums = Box<[Pair; 1 << 16]>;
    type Block = Sixteen;

    fn sums(_: usize) -> Self::Sums {
        let sums = vec![Pair::new(super::Sum::default()); 1 << 16].into_boxed_slice();
        sums.try_into()
            .unwrap_or_else(|_| unreachable!("it has that length"))
    }

    fn as_slice(sums: &mut Self::Sums) -> &mut [Pair] {
        sums.as_mut_slice()
    }

    fn block(slots: [u32; BLOCK]) -> Self::Block {
        Sixteen::of_words(&slots.map(|slot| {
            u16::try_from(slot).unwrap_or_else(|_| unreachable!("chosen by `slot_count`"))
        }))
    }

    #[inline(always)]
    fn plus(slots: Self::Block, bins: Sixteen) -> Self::Block {
        slots.plus(bins)
    }

    #[inline(always)]
    fn add(slots: Self::Block, count: usize, sums: &mut Self::Sums, pair: Pair) {
        let slots = slots.words();
        if count >= BLOCK {
            for slot in slots {
                let sum = &mut sums[usize::from(slot)];
                *sum = sum.plus(pair);
            }
        } else {
            for &slot in &slots[..count] {
                let sum = &mut sums[usize::from(slot)];
                *sum = sum.plus(pair);
            }
        }
    }
}

impl Slots for Wide {
    type Sums = Vec<Pair>;
    type Block = [u32; BLOCK];

    fn sums(slot_count: usize) -> Self::Sums {
        vec![Pair::new(super::Sum::default()); slot_count]
    }

    fn as_slice(sums: &mut Self::Sums) -> &mut [Pair] {
        sums
    }

    fn block(slots: [u32; BLOCK]) -> Self::Block {
        slots
    }

    #[inline(always)]
    fn plus(mut slots: Self::Block, bins: Sixteen) -> Self::Block {
        for (slot, bin) in slots.iter_mut().zip(bins.words()) {
            *slot += u32::from(bin);
        }
        slots
    }

    #[inline(always)]
    fn add(slots: Self::Block, count: usize, sums: &mut Self::Sums, pair: Pair) {
        for &slot in slots.iter().take(count) {
            let sum = &mut sums[slot as usize];
            *sum = sum.plus(pair);
        }
    }
}
