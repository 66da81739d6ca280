-- Groups: chunks of receivers that were addressed before. A message to one is a row of the feed, which its members pull.
-- `number` stands where a topic's number does and is negative. The members are in topic_subscription.
create table audience_group (
  cell    int not null,
  number  int not null,
  used_at bigint not null,                   -- to the day
  digest  bytea not null,                    -- of the chunk
  primary key (cell, digest)
);
create index audience_group_used_at on audience_group (used_at);
