-- depends: 0004.widen-sites-and-phones
-- Where a number's callers go whom nobody answered, and after how long: its third destination.

ALTER TABLE dids
  ADD COLUMN ring_seconds integer NOT NULL DEFAULT 30 CHECK (ring_seconds BETWEEN 5 AND 120),
  ADD COLUMN unanswered_target text NOT NULL DEFAULT 'none',
  ADD COLUMN unanswered_user_id uuid,
  ADD COLUMN unanswered_phone_id uuid,
  ADD COLUMN unanswered_forward_to text NOT NULL DEFAULT '',
  ADD CONSTRAINT dids_unanswered_phone_fkey
    FOREIGN KEY (tenant_id, unanswered_phone_id) REFERENCES phones (tenant_id, id),
  ADD CONSTRAINT dids_unanswered_user_fkey
    FOREIGN KEY (tenant_id, unanswered_user_id) REFERENCES users (tenant_id, id),
  ADD CONSTRAINT dids_unanswered_target CHECK (
    unanswered_target IN ('none', 'agent', 'phone', 'number', 'voicemail')
    AND (unanswered_target = 'agent') = (unanswered_user_id IS NOT NULL)
    AND (unanswered_target = 'phone') = (unanswered_phone_id IS NOT NULL)
    AND (unanswered_target = 'number') = (unanswered_forward_to <> ''));
COMMENT ON COLUMN dids.ring_seconds IS 'How long whoever callers reach first is rung.';
COMMENT ON COLUMN dids.unanswered_target IS 'Where callers go whom he does not answer; none: they hear that he is busy or away.';
