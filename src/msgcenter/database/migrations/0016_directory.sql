-- The directory: organisations in a tree, their members with roles. docs/decisions/0024-directory.md explains it.
--
-- Numbers of organisations and of their audiences stand where a topic's number does: in the feed and in messages. So the
-- three have ranges of their own (domain/audience.py).

-- Organisations of a platform. A deleted one stays, because messages were sent to it.
create table directory_org (
  number        int primary key generated always as identity (start with 1073741824 maxvalue 1610612735),
  parent_number int references directory_org,
  deleted_at    bigint,                      -- ms since 1970
  platform_code text collate "C" not null references platform,
  org_id        text collate "C" not null,
  kind          text collate "C" not null,
  name          text not null,
  unique (platform_code, org_id)
);
create index directory_org_parent on directory_org (parent_number);

-- Organisations and roles that messages were addressed to, each combination once. Never changed.
create table directory_audience (
  number        int primary key generated always as identity (start with 1610612736),
  include_sub   boolean not null,
  platform_code text collate "C" not null references platform,
  digest        bytea not null unique,       -- of all other columns
  org_numbers   int[] not null,              -- ascending
  roles         text[] collate "C"           -- ascending; null: every member
);

-- Which organisations and roles an app may address: a subtree, and the roles in it (null: every member).
create table directory_grant (
  app_number int not null references app on delete cascade,
  org_number int not null references directory_org,
  roles      text[] collate "C",
  primary key (app_number, org_number)
);

alter table app add column directory boolean not null default false;    -- whether it may use the directory API

-- What the directory knows of a user. Every user of the directory is a known user, with a mailbox.
create table directory_user (
  cell      int not null,
  disabled  boolean not null default false,
  user_id   text collate "C" not null,
  name      text not null,
  locale    text collate "C",
  time_zone text collate "C",
  primary key (cell, user_id)
);
create index directory_user_name on directory_user (cell, (lower(name) collate "C"), user_id);    -- people search by it

-- Memberships: intervals of feed positions. A message at a position p is for the members with since < p <= until. The
-- memberships of a disabled user wait: their `since` is after all positions.
create table directory_member (
  cell       int not null,
  org_number int not null,
  since      bigint not null,
  until      bigint,
  user_id    text collate "C" not null,
  role       text collate "C" not null,
  primary key (cell, user_id, org_number, role, since)
);
create index directory_member_org on directory_member (cell, org_number, user_id);

-- Each organisation with itself (depth 0) and all organisations above it, in each cell: intervals of positions, too.
create table directory_path (
  cell            int not null,
  org_number      int not null,
  ancestor_number int not null,
  depth           smallint not null,
  since           bigint not null,
  until           bigint,
  primary key (cell, org_number, ancestor_number, since)
);
create index directory_path_ancestor on directory_path (cell, ancestor_number, org_number);

-- What a message to organisations requires of a member: one of these roles (null: any), and, if `direct`, to be a member
-- of the addressed organisation itself.
alter table feed
  add column roles  text[] collate "C",
  add column direct boolean not null default false;

-- Who sends, in words, shown on cards.
alter table message add column sender_name text;
