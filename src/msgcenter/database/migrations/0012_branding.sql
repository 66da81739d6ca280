-- An app's new name and colour wait for an operator once it is live: as JSON in `value`, one request at a time.

alter table grant_request drop constraint grant_request_kind_check;
alter table grant_request add constraint grant_request_kind_check
  check (kind in ('live', 'broadcasts', 'platform_inbox', 'platform', 'branding'));
create unique index grant_request_branding on grant_request (app_number) where decided_at is null and kind = 'branding';
