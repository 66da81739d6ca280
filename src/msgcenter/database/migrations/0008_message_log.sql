-- The message log and the audit log: what they are searched by.

-- The request that made a message; idempotency keys go after a day.
alter table message add column request_id text collate "C";
update message m set request_id = k.request_id
  from idempotency_key k where k.message_id = m.id and k.app_number = m.app_number;

-- Which deliveries tell of a message.
create index webhook_delivery_messages on webhook_delivery using gin (message_ids);

create index audit_entry_at on audit_entry (at);
