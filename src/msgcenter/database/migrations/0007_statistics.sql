-- What apps have sent of their daily quotas, and what was called how often, how fast and with which outcome.

-- A row only for apps with a quota. `day` is one of the installation's time zone.
create table quota_use (
  app_number int not null,
  day        date not null,
  used       int not null,
  primary key (app_number, day)
) with (fillfactor = 50);
create index quota_use_day on quota_use (day);

-- Calls by hour and once more by day (`hours` 1 or 24), which begin at `begins_at` (ms since 1970). app_number 0 is
-- whoever did not prove to be an app.
create table call_count (
  app_number int not null,
  begins_at  bigint not null,
  calls      bigint not null,
  status_ids bigint not null,                -- message ids that modMsgStatus named
  messages   bigint not null,                -- new messages, however often their requests were repeated
  hours      smallint not null check (hours in (1, 24)),
  api        text collate "C" not null,
  ret_code   text collate "C" not null,
  latencies  int[] not null,                 -- calls by latency: buckets as of domain/histogram.py, without empty ones at the end
  primary key (app_number, hours, begins_at, api, ret_code)
) with (fillfactor = 70);
create index call_count_begins_at on call_count (hours, begins_at);
