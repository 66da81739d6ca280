-- Announcements to organisations: to the members who have one of the roles (null: any), in the organisations themselves
-- or also in all below them. Without organisations, an announcement is to everyone on its platform.

alter table announcement_version
  add column org_ids     text[] collate "C",
  add column roles       text[] collate "C",
  add column include_sub boolean not null default true;
