-- What the inbox needs: which entries are archived, which approvals wait for a decision, and what an app's user
-- tokens may see and where.

alter table mailbox_page
  add column archived_ids bigint[] not null default '{}',    -- read entries that are out of sight
  add column open_approvals bigint[] not null default '{}';  -- pending approvals that nobody has decided yet

alter table app
  add column inbox_scope text collate "C" not null default 'own' check (inbox_scope in ('own', 'platform')),
  add column origins text[] not null default '{}';           -- websites that may embed the inbox with its tokens
