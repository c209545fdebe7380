-- Who was erased and agrees to advertising again is known again. Times are microseconds since 1970.

ALTER TABLE erased_person ADD COLUMN ended_at BIGINT;
-- 1: they had said before, or have said since, that no advertising is wanted. Of those of before, nobody knows whether they had.
ALTER TABLE erased_person ADD COLUMN was_said BIGINT NOT NULL DEFAULT 1;
-- When any of it was last changed, by which other engines hear of it.
ALTER TABLE erased_person ADD COLUMN changed_at BIGINT NOT NULL DEFAULT 0;
UPDATE erased_person SET changed_at = at;
