-- An outcome that comes late changes nothing newer: a POST ends only the claim, and counts only for the start, that it
-- belongs to.
alter table webhook_delivery add column claim int not null default 0;     -- of its last attempt or replay
alter table webhook_endpoint add column restarts int not null default 0;  -- how often its failures were forgotten
