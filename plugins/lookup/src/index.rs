//! From a key to its row.

#![expect(
    clippy::cast_possible_truncation,
    reason = "a hash is cut to the bits that are used"
)]

/// Keys in order, and a hash table over them.
///
/// Open addressing with linear probing, at most half full, so that a lookup is one or two reads. The
/// hash is a fixed function: where a key lies does not depend on the machine or the run.
#[derive(Debug)]
pub(crate) struct Index {
    /// Where each key begins, and where the last ends.
    ends: Vec<usize>,
    keys: Vec<u8>,
    /// A row + 1, or 0 where nothing is. The length is a power of two.
    slots: Vec<u32>,
}

impl Index {
    /// An index over these keys: the first is row 0. There are fewer than 2^32 of them.
    pub(crate) fn new<'k>(keys: impl ExactSizeIterator<Item = &'k [u8]>) -> Self {
        let slots = vec![0; (2 * keys.len()).next_power_of_two()];
        let mut index = Self {
            ends: vec![0],
            keys: Vec::new(),
            slots,
        };
        for (row, key) in (1..).zip(keys) {
            index.keys.extend_from_slice(key);
            index.ends.push(index.keys.len());
            let mut slot = index.slot(key);
            while index.slots[slot] != 0 {
                slot = index.after(slot);
            }
            index.slots[slot] = row;
        }
        index
    }

    /// The row of this key.
    pub(crate) fn find(&self, key: &[u8]) -> Option<u32> {
        let mut slot = self.slot(key);
        loop {
            let row = self.slots[slot].checked_sub(1)?;
            let place = row as usize;
            if self.keys[self.ends[place]..self.ends[place + 1]] == *key {
                return Some(row);
            }
            slot = self.after(slot);
        }
    }

    /// How many keys.
    pub(crate) fn len(&self) -> usize {
        self.ends.len() - 1
    }

    fn after(&self, slot: usize) -> usize {
        (slot + 1) & (self.slots.len() - 1)
    }

    fn slot(&self, key: &[u8]) -> usize {
        hash(key) as usize & (self.slots.len() - 1)
    }
}

/// Eight bytes at a time: multiply, fold the high half of the product into the low one.
fn hash(key: &[u8]) -> u64 {
    let fold = |hash: u64, word: u64| {
        let product = u128::from(hash ^ word) * 0x9e37_79b9_7f4a_7c15;
        (product >> 64) as u64 ^ product as u64
    };
    key.chunks(8).fold(key.len() as u64, |hash, chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        fold(hash, u64::from_le_bytes(word))
    })
}
