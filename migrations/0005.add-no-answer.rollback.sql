-- What callers heard whom nobody answered is again "busy" or "away".
ALTER TABLE dids
  DROP CONSTRAINT dids_unanswered_target,
  DROP COLUMN ring_seconds, DROP COLUMN unanswered_target, DROP COLUMN unanswered_user_id,
  DROP COLUMN unanswered_phone_id, DROP COLUMN unanswered_forward_to;
