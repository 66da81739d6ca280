-- A user who was removed. The row stays under an anonymous id for receipts; no later message to everyone concerns it.
alter table mailbox add column forgotten bigint;          -- the position of the cell's feed at which the user was removed
