-- What an operator says to a developer who has asked for something.

alter table grant_request add column answer text;
