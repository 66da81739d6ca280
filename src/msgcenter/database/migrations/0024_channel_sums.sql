-- The sums of a message's deliveries are counted from two small indexes, without reading the rows. Lists of what became of
-- a message to some users begin with the users, as the primary key does.
create index channel_delivery_state on channel_delivery (cell, message_id, channel, state);
create index channel_delivery_skipped on channel_delivery (cell, message_id, channel, reason) where state = 4;
drop index channel_delivery_message;
