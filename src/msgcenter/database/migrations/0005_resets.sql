-- When a broadcast was last set unread again, and where in the feed: a mailbox that has not pulled so far has not read it
-- since.

alter table message
  add column reset_position bigint,
  add column reset_at       bigint;
