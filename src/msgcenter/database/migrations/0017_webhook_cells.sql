-- The events and deliveries of webhooks get cells: those of a webhook are in the first cell of its app's own platform,
-- like the app's request ids. Their numbers come from two sequences, so that they rise wherever a cluster keeps the rows.

alter table webhook_endpoint add column cell int;
update webhook_endpoint as webhook
set cell = platform.first_cell
from app join platform on platform.code = app.platform_code
where app.number = webhook.app_number;
alter table webhook_endpoint alter column cell set not null;

create sequence webhook_event_id;
alter table webhook_event rename to old_webhook_event;
alter index webhook_event_pkey rename to old_webhook_event_pkey;
create table webhook_event (
  cell            int not null,
  endpoint_number int not null,
  id              bigint not null,           -- in the order in which they go out
  created_at      bigint not null,
  message_id      bigint,
  kind            text collate "C" not null,
  data            json not null,
  primary key (cell, endpoint_number, id)
);
insert into webhook_event (cell, endpoint_number, id, created_at, message_id, kind, data)
select webhook.cell, old.endpoint_number, old.id, old.created_at, old.message_id, old.kind, old.data
from old_webhook_event as old join webhook_endpoint as webhook on webhook.number = old.endpoint_number
order by webhook.cell, old.endpoint_number, old.id;
select setval('webhook_event_id', 1 + greatest(
  (select max(id) from old_webhook_event),
  pg_sequence_last_value(pg_get_serial_sequence('old_webhook_event', 'id')::regclass),
  0
), false);
drop table old_webhook_event;

create sequence webhook_delivery_id;
alter table webhook_delivery rename to old_webhook_delivery;
alter index webhook_delivery_pkey rename to old_webhook_delivery_pkey;
alter index webhook_delivery_due rename to old_webhook_delivery_due;
alter index webhook_delivery_finished rename to old_webhook_delivery_finished;
alter index webhook_delivery_messages rename to old_webhook_delivery_messages;
create table webhook_delivery (
  cell             int not null,
  endpoint_number  int not null,
  id               bigint not null,
  created_at       bigint not null,
  next_attempt_at  bigint not null,
  first_attempt_at bigint,                   -- three days later it has failed
  finished_at      bigint,
  event_count      int not null,
  attempts         int not null default 0,
  last_status      int,
  webhook_id       text collate "C" not null,  -- the same in every attempt and replay
  kind             text collate "C" not null,
  state            text collate "C" not null default 'pending' check (state in ('pending', 'delivered', 'failed')),
  message_ids      bigint[] not null,
  body             text not null,
  last_error       text,
  last_response    text,
  primary key (cell, endpoint_number, id),
  unique (cell, endpoint_number, webhook_id)
) with (fillfactor = 80);
create index webhook_delivery_due on webhook_delivery (cell, endpoint_number, next_attempt_at, id)
  where state = 'pending';
create index webhook_delivery_finished on webhook_delivery (finished_at) where finished_at is not null;
insert into webhook_delivery (cell, endpoint_number, id, created_at, next_attempt_at, first_attempt_at, finished_at,
  event_count, attempts, last_status, webhook_id, kind, state, message_ids, body, last_error, last_response)
select webhook.cell, old.endpoint_number, old.id, old.created_at, old.next_attempt_at, old.first_attempt_at,
  old.finished_at, old.event_count, old.attempts, old.last_status, old.webhook_id, old.kind, old.state, old.message_ids,
  old.body, old.last_error, old.last_response
from old_webhook_delivery as old join webhook_endpoint as webhook on webhook.number = old.endpoint_number
order by webhook.cell, old.endpoint_number, old.id;
select setval('webhook_delivery_id', 1 + greatest(
  (select max(id) from old_webhook_delivery),
  pg_sequence_last_value(pg_get_serial_sequence('old_webhook_delivery', 'id')::regclass),
  0
), false);
drop table old_webhook_delivery;
-- Which deliveries tell of a message.
create index webhook_delivery_messages on webhook_delivery using gin (message_ids);
