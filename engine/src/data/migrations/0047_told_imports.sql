-- 1: endpoints are still to be told that it has ended.
ALTER TABLE import ADD COLUMN untold BIGINT NOT NULL DEFAULT 0;
CREATE INDEX import_untold ON import (id) WHERE untold <> 0;

-- `untold` of an answer: 1, it is below the threshold; 2, it is not: endpoints are still to be told.
CREATE INDEX survey_answer_told_of ON survey_answer (run) WHERE untold <> 0;
