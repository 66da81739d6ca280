-- Cells. A cell is the unit in which data lives together: `cell` leads the primary key of every table that grows with
-- users or messages, and a cluster distributes by it. A platform has one cell or several; its users are spread over them,
-- its messages are in its first one. docs/decisions/0021-cells.md explains it.

-- Platforms that only data refers to get a row, so that nothing loses its home.
insert into platform (code, name, created_at)
select distinct platform_code, platform_code, 0::bigint
from (
  select platform_code from mailbox
  union select platform_code from mailbox_page
  union select platform_code from message
  union select platform_code from topic_subscription
  union select platform_code from feed
  union select platform_code from feed_head
  union select platform_code from topic
  union select unnest(platforms) from app
) as used
where not exists (select from platform where platform.code = used.platform_code);

alter table platform
  add column first_cell int,
  add column cells smallint not null default 1 check (cells between 1 and 1024);
update platform
set first_cell = numbered.place
from (select code, row_number() over (order by created_at, code) as place from platform) as numbered
where numbered.code = platform.code;
alter table platform alter column first_cell set not null, add unique (first_cell);

-- Known users. Positions are of the cell's feed.
alter table mailbox rename to old_mailbox;
alter index mailbox_pkey rename to old_mailbox_pkey;
create table mailbox (
  cell      int not null,
  joined    bigint not null,                 -- what was sent to everyone after this concerns the user
  pulled_to bigint not null,
  user_id   text collate "C" not null,
  primary key (cell, user_id)
) with (fillfactor = 70);
insert into mailbox (cell, joined, pulled_to, user_id)
select platform.first_cell, old.joined, old.pulled_to, old.user_id
from old_mailbox as old join platform on platform.code = old.platform_code
order by platform.first_cell, old.user_id;
drop table old_mailbox;

-- Pages of mailboxes. The columns that a status change writes are the last ones: PostgreSQL then logs neither the ids
-- nor the key. `message_ids` ascend, so that an id is found by a binary search.
alter table mailbox_page rename to old_mailbox_page;
alter index mailbox_page_pkey rename to old_mailbox_page_pkey;
create table mailbox_page (
  cell           int not null,
  bucket         int not null,               -- derived from any message id: about 25 days
  app_number     int not null,
  part           int not null,               -- 0, 1, … as pages fill up inside the bucket
  first_id       bigint not null,
  last_id        bigint not null,
  expires_at     bigint,                     -- when the first of its messages expires
  user_id        text collate "C" not null,
  message_ids    bigint[] not null,          -- ascending
  archived_ids   bigint[] not null default '{}',    -- read entries that are out of sight
  open_approvals bigint[] not null default '{}',    -- pending approvals that nobody has decided yet
  read_at        bigint[] not null,          -- of each message: NULL unread, > 0 when read, < 0 withdrawn
  unread         smallint not null generated always as (cardinality(array_positions(read_at, null))) stored,
  primary key (cell, user_id, bucket, app_number, part)
) with (fillfactor = 50);
insert into mailbox_page (cell, bucket, app_number, part, first_id, last_id, expires_at, user_id, message_ids,
  archived_ids, open_approvals, read_at)
select platform.first_cell, old.bucket, old.app_number, old.part, old.first_id, old.last_id, old.expires_at, old.user_id,
  entries.message_ids, old.archived_ids, old.open_approvals, entries.read_at
from old_mailbox_page as old
join platform on platform.code = old.platform_code
cross join lateral (
  select array_agg(entry.message_id order by entry.message_id) as message_ids,
    array_agg(entry.read_at order by entry.message_id) as read_at
  from unnest(old.message_ids, old.read_at) as entry (message_id, read_at)
) as entries
order by platform.first_cell, old.user_id, old.bucket, old.app_number, old.part;
drop table old_mailbox_page;

alter table topic_subscription rename to old_topic_subscription;
alter index topic_subscription_pkey rename to old_topic_subscription_pkey;
alter index topic_subscription_topic rename to old_topic_subscription_topic;
create table topic_subscription (
  cell         int not null,
  topic_number int not null,
  since        bigint not null,
  until        bigint,
  user_id      text collate "C" not null,
  primary key (cell, user_id, topic_number, since)
);
create index topic_subscription_topic on topic_subscription (cell, topic_number, user_id, since);
insert into topic_subscription (cell, topic_number, since, until, user_id)
select platform.first_cell, old.topic_number, old.since, old.until, old.user_id
from old_topic_subscription as old join platform on platform.code = old.platform_code
order by platform.first_cell, old.user_id, old.topic_number, old.since;
drop table old_topic_subscription;

-- How far each cell's feed goes.
alter table feed_head rename to old_feed_head;
alter index feed_head_pkey rename to old_feed_head_pkey;
create table feed_head (
  cell     int primary key,
  position bigint not null
);
insert into feed_head (cell, position)
select platform.first_cell, old.position
from old_feed_head as old join platform on platform.code = old.platform_code;
drop table old_feed_head;

alter table feed rename to old_feed;
alter index feed_pkey rename to old_feed_pkey;
create table feed (
  cell         int not null,
  topic_number int not null,
  position     bigint not null,
  about        bigint not null,              -- where the message itself stands: who had joined by then is concerned
  message_id   bigint not null,
  expires_at   bigint,
  app_number   int not null,
  action       smallint not null,            -- 0 the message, 1 it is withdrawn, 2 it is unread again
  primary key (cell, topic_number, position)
);
insert into feed (cell, topic_number, position, about, message_id, expires_at, app_number, action)
select platform.first_cell, old.topic_number, old.position, old.about, old.message_id, old.expires_at, old.app_number,
  old.action
from old_feed as old join platform on platform.code = old.platform_code
order by platform.first_cell, old.topic_number, old.position;
drop table old_feed;

-- Audience chunks are in the cell of their users.
alter table audience_chunk rename to old_audience_chunk;
alter index audience_chunk_pkey rename to old_audience_chunk_pkey;
create table audience_chunk (
  cell     int not null,
  bucket   int not null,                     -- of the messages that use it: retention drops both together
  digest   bytea not null,
  user_ids text[] not null,
  primary key (cell, digest, bucket)
);
insert into audience_chunk (cell, bucket, digest, user_ids)
select used.cell, old.bucket, old.digest, old.user_ids
from (
  select distinct platform.first_cell as cell, (message.id >> 53)::int as bucket,
    substring(message.audience from 32 * place + 1 for 32) as digest
  from message
  join platform on platform.code = message.platform_code
  cross join lateral generate_series(0, length(message.audience) / 32 - 1) as place
) as used
join old_audience_chunk as old on old.digest = used.digest and old.bucket = used.bucket
order by used.cell, old.digest, old.bucket;
drop table old_audience_chunk;

-- Versions before messages: they need their messages' platforms.
alter table message_version rename to old_message_version;
alter index message_version_pkey rename to old_message_version_pkey;
create table message_version (
  cell       int not null,
  message_id bigint not null,
  version    int not null,
  created_at bigint not null,
  reset_read boolean not null,
  kind       text collate "C" not null,
  content    jsonb not null,
  primary key (cell, message_id, version)
);
insert into message_version (cell, message_id, version, created_at, reset_read, kind, content)
select platform.first_cell, old.message_id, old.version, old.created_at, old.reset_read, old.kind, old.content
from old_message_version as old
join message on message.id = old.message_id
join platform on platform.code = message.platform_code
order by platform.first_cell, old.message_id, old.version;
drop table old_message_version;

-- Messages: one row per send, in the first cell of the platform. `cells` is the platform's number of cells, so that a
-- message alone says where its recipients are. Of a topic's message there is a position in each cell's feed.
alter table message rename to old_message;
alter index message_pkey rename to old_message_pkey;
alter index message_app rename to old_message_app;
alter index message_business rename to old_message_business;
create table message (
  cell             int not null,
  cells            smallint not null default 1,
  id               bigint not null,
  created_at       bigint not null,
  send_at          bigint,
  expires_at       bigint,
  recalled_at      bigint,
  closed_at        bigint,                   -- an approval's decision
  updated_at       bigint,
  reminded_at      bigint,
  reset_at         bigint,                   -- when it was last set unread again
  app_number       int not null,
  receivers        int not null,
  delivered_chunks int not null,             -- this many chunks of the audience have it in their mailboxes
  topic_number     int,                      -- 0 everyone; null: the receivers in `audience`
  version          int not null default 1,
  approval         boolean not null,
  reset_read       boolean not null default false,  -- whether this version set it unread again
  platform_code    text collate "C" not null,
  kind             text collate "C" not null,
  business_id      text collate "C",
  closed_by        text collate "C",         -- who decided an approval
  request_id       text collate "C",         -- the request that made it; idempotency keys go after a day
  audience         bytea not null,           -- digests of the chunks, 32 bytes each, in order
  audience_cells   int[],                    -- of each chunk; null: all are in the cell of the message
  positions        bigint[],                 -- in the feed of each cell, once it is sent
  reset_positions  bigint[],                 -- of the last reset to unread, likewise
  content          jsonb not null,
  primary key (cell, id)
) with (fillfactor = 90);
create index message_app on message (app_number, id);
create index message_business on message (app_number, business_id, id) where business_id is not null;
insert into message (cell, id, created_at, send_at, expires_at, recalled_at, closed_at, updated_at, reminded_at, reset_at,
  app_number, receivers, delivered_chunks, topic_number, version, approval, reset_read, platform_code, kind, business_id,
  closed_by, request_id, audience, positions, reset_positions, content)
select platform.first_cell, old.id, old.created_at, old.send_at, old.expires_at, old.recalled_at, old.closed_at,
  old.updated_at, old.reminded_at, old.reset_at, old.app_number, old.receivers, old.delivered_chunks, old.topic_number,
  old.version, old.approval, old.reset_read, old.platform_code, old.kind, old.business_id, old.closed_by, old.request_id,
  old.audience, case when old.position is not null then array[old.position] end,
  case when old.reset_position is not null then array[old.reset_position] end, old.content
from old_message as old join platform on platform.code = old.platform_code
order by platform.first_cell, old.id;
drop table old_message;

-- Request ids and quotas of an app are in the first cell of its own platform.
alter table idempotency_key rename to old_idempotency_key;
alter index idempotency_key_pkey rename to old_idempotency_key_pkey;
alter index idempotency_key_created_at rename to old_idempotency_key_created_at;
create table idempotency_key (
  cell       int not null,
  app_number int not null,
  message_id bigint not null,
  created_at bigint not null,
  request_id text collate "C" not null,
  digest     bytea not null,
  primary key (cell, app_number, request_id)
);
create index idempotency_key_created_at on idempotency_key (created_at);
insert into idempotency_key (cell, app_number, message_id, created_at, request_id, digest)
select platform.first_cell, old.app_number, old.message_id, old.created_at, old.request_id, old.digest
from old_idempotency_key as old
join app on app.number = old.app_number
join platform on platform.code = app.platform_code;
drop table old_idempotency_key;

alter table quota_use rename to old_quota_use;
alter index quota_use_pkey rename to old_quota_use_pkey;
alter index quota_use_day rename to old_quota_use_day;
create table quota_use (
  cell       int not null,
  app_number int not null,
  day        date not null,                  -- of the installation's time zone
  used       int not null,
  primary key (cell, app_number, day)
) with (fillfactor = 50);
create index quota_use_day on quota_use (day);
insert into quota_use (cell, app_number, day, used)
select platform.first_cell, old.app_number, old.day, old.used
from old_quota_use as old
join app on app.number = old.app_number
join platform on platform.code = app.platform_code;
drop table old_quota_use;
