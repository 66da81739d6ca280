-- Channels: how a message reaches people who are not looking. docs/decisions/0025-channels.md explains it.
-- Times are ms since 1970. Channels are codes: email, sms, wecom, dingtalk, feishu, push, apprise.

-- How many unread entries of a page are not hidden. First, because Citus makes no function after it has changed tables.
create function unread_entries(message_ids bigint[], read_at bigint[], hidden_ids bigint[]) returns smallint
language sql immutable parallel safe as $$
  select count(*)::smallint
  from unnest(message_ids, read_at) as entry (message_id, read_at)
  where entry.read_at is null and entry.message_id <> all(hidden_ids)
$$;

-- What a platform's messages are about: categories that apps name and users choose by.
create table message_type (
  created_at    bigint not null,
  delay_minutes int,                          -- until a message that is still unread is sent elsewhere; null: the platform's
  urgency       smallint not null default 1,  -- 0 low, 1 normal, 2 urgent
  mandatory     boolean not null default false,     -- whether users cannot turn it off
  archived_at   bigint,                       -- apps can no longer use it
  platform_code text collate "C" not null references platform,
  code          text collate "C" not null,
  name_zh       text not null,
  name_en       text not null,
  channels      text[] collate "C",           -- in the order of preference; null: the platform's
  primary key (platform_code, code)
);

-- What a platform has decided about channels. Without a row, it has none.
create table channel_settings (
  platform_code      text collate "C" primary key references platform,
  delay_minutes      int not null default 30,
  quiet_from         smallint,                -- minute of the day; null: no quiet hours
  quiet_until        smallint,
  digest_after       smallint not null default 5,   -- more messages of low urgency than this in an hour become a digest
  approves_templates boolean not null default false,
  time_zone          text collate "C",        -- null: the installation's
  inbox_url          text,                    -- where links lead, with {msgId}; null: the server's own page
  channels           text[] collate "C" not null default '{}'   -- of messages for which nothing else says it
);

-- What one app does otherwise. A null column follows the type, then the platform.
create table channel_policy (
  app_number    int not null references app on delete cascade,
  delay_minutes int,
  platform_code text collate "C" not null references platform,
  type_code     text collate "C" not null default '',     -- '': all messages of the app
  channels      text[] collate "C",
  primary key (app_number, platform_code, type_code)
);

-- How a platform reaches a channel: one gateway for each. One process at a time works on a gateway, by lease.
create table channel_gateway (
  number        int primary key generated always as identity,
  created_at    bigint not null,
  changed_at    bigint not null,
  disabled_at   bigint,
  paused_until  bigint,                       -- it failed, and is tried again then
  failures      int not null default 0,       -- one after the other
  succeeded_at  bigint,
  failed_at     bigint,
  lease_until   bigint,
  rate          real not null,                -- messages per second
  daily_limit   int,                          -- messages per day; null: no limit
  platform_code text collate "C" not null references platform,
  channel       text collate "C" not null,
  provider      text collate "C" not null,    -- which program speaks to it: smtp, aliyun, tencent, …
  label         text not null,                -- what operators see of its configuration; no secrets
  last_error    text,
  lease_holder  text collate "C",
  config_sealed bytea not null,               -- JSON
  unique (platform_code, channel)
);

-- Where a person can be reached.
create table contact_point (
  cell            int not null,
  app_number      int,                        -- the app that wrote it; null: an import or an operator
  changed_at      bigint not null,
  disabled_at     bigint,                     -- nothing is sent there any more
  user_id         text collate "C" not null,
  kind            text collate "C" not null,  -- email, mobile, wecom, dingtalk, feishu
  disabled_reason text,
  value_sealed    bytea not null,
  primary key (cell, user_id, kind)
);

-- Browsers that get push messages of a user.
create table push_subscription (
  cell         int not null,
  app_number   int,                           -- the app whose messages it gets; null: all apps
  created_at   bigint not null,
  succeeded_at bigint,
  user_id      text collate "C" not null,
  digest       bytea not null,                -- SHA-256 of the endpoint
  label        text not null,                 -- of the browser, as users see it
  sealed       bytea not null,                -- JSON: endpoint and keys
  primary key (cell, user_id, digest)
);

-- What users have chosen. A user without a row has the defaults.
create table user_preference (
  cell         int not null,
  changed_at   bigint not null,
  quiet_from   smallint,                      -- minute of the day; both null: the platform's quiet hours
  quiet_until  smallint,                      -- the same minute as quiet_from: none
  user_id      text collate "C" not null,
  digest       text collate "C",              -- off, hourly, daily; null: the platform's
  language     text collate "C",              -- zh, en; null: the directory's, then zh
  time_zone    text collate "C",              -- null: the directory's, then the platform's
  channels_off text[] collate "C" not null default '{}',    -- "email": never; "type:CODE:email", "app:ID:email"
  primary key (cell, user_id)
);
alter table mailbox add column muted_apps int[];          -- their messages are in the inbox, and nowhere else

-- A message that is to be sent elsewhere at a time, to those who have not read it then. A reminder adds a round.
create table channel_plan (
  cell          int not null,                 -- that of the message
  message_id    bigint not null,
  round         smallint not null,            -- 0; reminders are 1, 2, …
  urgency       smallint not null,
  app_number    int not null,
  due_at        bigint not null,
  created_at    bigint not null,
  lease_until   bigint,
  finished_at   bigint,                       -- its whole audience has been looked at
  platform_code text collate "C" not null,
  type_code     text collate "C" not null default '',
  channels      text[] collate "C" not null,
  lease_holder  text collate "C",
  place         text collate "C",             -- in the audience, where to continue
  skipped       jsonb not null default '{}',  -- numbers of recipients without a row: {"email": {"noAddress": 3, "read": 9}}
  primary key (cell, message_id, round)
);
create index channel_plan_due on channel_plan (cell, due_at) where finished_at is null;

-- A message on its way to one person by one channel, and what became of it.
create table channel_delivery (
  cell          int not null,                 -- that of the user
  round         smallint not null,
  state         smallint not null,            -- 0 waiting, 1 being sent, 2 sent, 3 failed, 4 skipped
  urgency       smallint not null,
  attempts      smallint not null default 0,
  app_number    int not null,
  message_id    bigint not null,
  due_at        bigint not null,
  first_due_at  bigint not null default 0,    -- since when it could have been sent; later tries do not change it
  claimed_until bigint,
  settled_at    bigint,
  is_digest     boolean not null default false,     -- it waits to be one of several in a digest
  user_id       text collate "C" not null,
  channel       text collate "C" not null,
  type_code     text collate "C" not null default '',
  reason        text,                         -- of a failure or a skip
  provider_id   text,                         -- what the gateway calls it
  primary key (cell, user_id, message_id, channel, round)
);
create index channel_delivery_due on channel_delivery (cell, channel, due_at) where state < 2;
create index channel_delivery_urgent on channel_delivery (cell, channel, due_at) where state < 2 and urgency = 2;
create index channel_delivery_message on channel_delivery (cell, message_id, user_id);

-- Statistics: deliveries by outcome and day.
create table channel_count (
  app_number    int not null,
  day           date not null,                -- of the installation's time zone
  deliveries    bigint not null,
  platform_code text collate "C" not null,
  channel       text collate "C" not null,
  outcome       text collate "C" not null,    -- sent, failed, skipped
  primary key (platform_code, app_number, channel, day, outcome)
) with (fillfactor = 70);

-- Templates: texts of messages with variables, by language and channel.
create table message_template (
  number        int primary key generated always as identity,
  app_number    int references app on delete cascade,     -- whose it is; null: all apps of the platform may use it
  live_version  int,                          -- null: none may be used yet
  created_at    bigint not null,
  archived_at   bigint,
  platform_code text collate "C" not null references platform,
  code          text collate "C" not null,
  name          text not null
);
create unique index message_template_code on message_template (platform_code, code);

create table template_version (
  template_number int not null references message_template on delete cascade,
  version         int not null,
  created_at      bigint not null,
  decided_at      bigint,
  state           text collate "C" not null,  -- draft, waiting, approved, rejected
  created_by      text not null,
  decided_by      text,
  answer          text,                       -- why it was rejected
  variables       jsonb not null,             -- [{"name", "kind", "required", "sample"}]
  parts           jsonb not null,             -- {"zh": {"inbox": {…}, "email": {…}}, "en": …}
  primary key (template_number, version)
);

-- The template that made a message, and its variables' values, for the channels' texts.
create table message_params (
  cell            int not null,
  message_id      bigint not null,
  template_number int not null,
  version         int not null,
  params          jsonb not null,
  primary key (cell, message_id)
);

alter table message add column type_code text collate "C";
alter table app add column urgent boolean not null default false;     -- whether it may send urgent messages

-- What users do with entries. The arrays are null in nearly all pages, and hold message ids. Hidden entries, which are
-- deleted by their user or asleep until a time, are in no list and no count; receipts know them as before.
alter table mailbox_page
  drop column unread,
  add column hidden_ids    bigint[],
  add column snoozed_ids   bigint[],          -- those of the hidden ones that come back
  add column snoozed_until bigint[],          -- and when
  add column woken_ids     bigint[],          -- those that came back: at the top while unread
  add column starred_ids   bigint[];
alter table mailbox_page add column unread smallint not null generated always as (
  case
    when hidden_ids is null then cardinality(array_positions(read_at, null))
    else unread_entries(message_ids, read_at, hidden_ids)
  end
) stored;
