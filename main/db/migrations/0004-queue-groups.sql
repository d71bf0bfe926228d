-- Runs that wait as one entry of the queue: the comparison that queued them; null for a run that was queued by itself.
ALTER TABLE runs ADD COLUMN queue_group TEXT;
