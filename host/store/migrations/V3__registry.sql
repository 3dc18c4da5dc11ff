-- Version 3: moves of an alias say whether they went forward or back.

-- A rollback goes to where the alias stood before; of two in a row, the second goes one further.
ALTER TABLE alias_moves ADD COLUMN kind TEXT NOT NULL DEFAULT 'promote' CHECK (kind IN ('promote', 'rollback'));
